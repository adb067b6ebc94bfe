"""Troubles of Slack that must not become troubles of the topic, or of the secret."""

from __future__ import annotations

import contextlib
import json
import socket
import traceback
from collections.abc import Callable
from types import ModuleType
from typing import Any

import boto3
import pytest
import urllib3

from sagewatch.aws import secrets
from sagewatch.channels import slack
from sagewatch.errors import Retry, Undeliverable
from sagewatch.notices import notice
from sagewatch.notify import Resting
from tests.integration.conftest import log_of
from tests.integration.slack_double import SlackDouble
from tests.integration.test_notify import Inbox, double, inbox, run, with_slack  # noqa: F401
from tests.payloads import event

SECRET = "very" + "secret"


def chain(error: BaseException | None) -> str:
    """Return all that an error drags along, shown or not."""
    return "" if error is None else "".join(traceback.format_exception(error)) + chain(error.__context__)


@pytest.mark.parametrize(
    "secret", [f"xoxb-{SECRET}\r\nX: y", f"xoxb {SECRET}", f"xoxb-{SECRET}€", f"xoxb-{SECRET}\x00"]
)
@pytest.mark.parametrize("field", ["bot_token", "webhook_url"])
def test_a_secret_that_http_cannot_carry_is_refused_without_being_said(field: str, secret: str) -> None:
    with pytest.raises(Undeliverable, match="SLACK_CREDENTIALS") as refused:
        secrets.credentials(json.dumps({"channel": "C0", field: secret}))

    assert SECRET not in chain(refused.value)


def test_a_secret_that_was_pasted_with_its_line_break_works() -> None:
    assert secrets.credentials('{"bot_token": "xoxb-1\\n", "channel": " C0 "}') == {
        "bot_token": "xoxb-1",
        "channel": "C0",
    }


@pytest.mark.parametrize("url", [f"http://[::1/services/{SECRET}", f"http://localhost:99999/services/{SECRET}"])
def test_an_address_that_is_none_is_refused_without_being_said(url: str) -> None:
    found = notice("sagewatch", event("alarm-firing"))
    assert found is not None

    with pytest.raises((Undeliverable, Retry)) as refused:
        slack.send(slack.pool(), "", {"webhook_url": url}, found)

    assert SECRET not in chain(refused.value)


def test_when_slack_hangs_the_topic_hears_of_the_whole_batch_and_slack_is_asked_once(
    with_slack: Callable[..., ModuleType],  # noqa: F811
    inbox: Inbox,  # noqa: F811
    double: SlackDouble,  # noqa: F811
) -> None:
    app = with_slack()
    with socket.create_server(("127.0.0.1", 0)) as mute:
        url = f"http://127.0.0.1:{mute.getsockname()[1]}/services/T/B/{SECRET}"
        boto3.client("ssm").put_parameter(
            Name="/slack", Type="SecureString", Value=json.dumps({"webhook_url": url}), Overwrite=True
        )
        app.clients.http.connection_pool_kw["timeout"] = urllib3.Timeout(connect=0.2, read=0.2)
        log = log_of(app)

        failed = run(app, event("alarm-firing"), event("endpoint-failed"), event("training-job-failed"))

    assert sorted(failed) == ["m0", "m1", "m2"]
    assert len(inbox.taken()) == 3
    said: list[Any] = [line.get("exception", "").splitlines()[-1] for line in log]
    assert sum("ReadTimeoutError" in line for line in said) == 1
    assert SECRET not in json.dumps(log)


def test_when_slack_stumbles_over_one_message_the_next_of_the_batch_is_told(
    with_slack: Callable[..., ModuleType],  # noqa: F811
    double: SlackDouble,  # noqa: F811
) -> None:
    app = with_slack()
    double.answers.append((503, ""))

    failed = run(app, event("alarm-firing"), event("alarm-cleared"))

    assert failed == ["m0"]
    assert len(double.posts) == 2


def test_a_channel_that_did_not_answer_is_asked_again_after_half_a_minute() -> None:
    told, now = [], [0.0]

    def send(_: object) -> None:
        told.append(now[0])
        if len(told) == 1:
            raise slack.NoAnswer("no")

    channel, found = Resting(send, lambda: now[0]), notice("sagewatch", event("alarm-firing"))
    assert found is not None
    for now[0] in (0.0, 29.0, 30.0, 31.0):
        with contextlib.suppress(Retry):
            channel(found)

    assert told == [0.0, 30.0, 31.0]
