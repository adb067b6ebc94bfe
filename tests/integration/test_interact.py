from __future__ import annotations

import base64
import json
import time
from typing import Any

import boto3
import pytest

from tests.integration.conftest import Queue, cold_start
from tests.unit.test_clicks import SECRET, click, signed


@pytest.fixture
def interact(monkeypatch: pytest.MonkeyPatch) -> Any:
    secret = {"bot_token": "xoxb-1", "channel": "C1", "signing_secret": SECRET}
    boto3.client("ssm").put_parameter(Name="/sagewatch/slack", Value=json.dumps(secret), Type="SecureString")
    monkeypatch.setenv("NOTIFY_QUEUE_URL", Queue("notify").url)
    monkeypatch.setenv("SLACK_CREDENTIALS", "ssm:/sagewatch/slack")
    return cold_start("interact")


def request(body: bytes, headers: dict[str, str], *, encoded: bool = True) -> dict[str, Any]:
    """Return the event that a function URL makes of a request (payload format 2.0)."""
    text = base64.b64encode(body).decode() if encoded else body.decode()
    return {"version": "2.0", "headers": headers, "body": text, "isBase64Encoded": encoded}


@pytest.mark.parametrize("encoded", [True, False])
def test_a_click_is_queued_and_answered(interact: Any, encoded: bool) -> None:
    body = click()

    answer = interact.handler(request(body, signed(body, at=int(time.time())), encoded=encoded), None)

    [queued] = Queue("notify").taken()
    assert answer == {"statusCode": 200}
    assert (queued["detail-type"], queued["detail"]["name"]) == ("Sagewatch Acknowledged", "churn")


def test_a_link_that_was_opened_is_answered_and_queues_nothing(interact: Any) -> None:
    body = click("url_logs", "")

    answer = interact.handler(request(body, signed(body, at=int(time.time()))), None)

    assert (answer, Queue("notify").taken()) == ({"statusCode": 200}, [])


ODD = {
    "nothing": {},
    "no headers": {"body": "x"},
    "no base64": {"headers": {}, "body": "*", "isBase64Encoded": True},
    "not signed": request(click(), {}),
    "signed long ago": request(click(), signed(click(), at=1_700_000_000)),
    "signed by another": request(click(), signed(click(), "other", int(time.time()))),
    "signed, and no click": request(b"payload=7", signed(b"payload=7", at=int(time.time()))),
    "signed, and no text": request(b"\xff", signed(b"\xff", at=int(time.time()))),
}


@pytest.mark.parametrize("odd", ODD.values(), ids=ODD.keys())
def test_anything_odd_is_refused_and_queues_nothing(interact: Any, odd: dict[str, Any]) -> None:
    answer = interact.handler(odd, None)

    assert (answer, Queue("notify").taken()) == ({"statusCode": 401}, [])


def test_without_a_signing_secret_nobody_gets_in(interact: Any) -> None:
    boto3.client("ssm").put_parameter(
        Name="/sagewatch/slack", Value='{"bot_token": "x", "channel": "C1"}', Type="SecureString", Overwrite=True
    )
    body = click()

    answer = cold_start("interact").handler(request(body, signed(body, "", int(time.time()))), None)

    assert answer == {"statusCode": 401}
