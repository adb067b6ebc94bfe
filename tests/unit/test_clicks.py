from __future__ import annotations

import hashlib
import hmac
import json
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sagewatch.receivers.slack.clicks import FRESH, LONGEST_BODY, click_event, is_genuine

SECRET = "8f742231b10e8888abcd99yyyzzz85a5"
NOW = 1_795_252_325


def click(action_id: str = "ack", value: str = "oncall|endpoint/churn", **more: Any) -> bytes:
    action: dict[str, Any] = {"action_id": action_id, "action_ts": "1795252325.5"}
    action |= {"value": value} if action_id != "snooze" else {"selected_option": {"value": value}}
    payload = {"type": "block_actions", "user": {"id": "U0ANA"}, "actions": [action], **more}
    return urlencode({"payload": json.dumps(payload)}).encode()


def signed(body: bytes, secret: str = SECRET, at: int = NOW) -> dict[str, str]:
    mark = hmac.new(secret.encode(), f"v0:{at}:".encode() + body, hashlib.sha256).hexdigest()
    return {"x-slack-request-timestamp": str(at), "x-slack-signature": f"v0={mark}"}


def test_what_slack_signed_just_now_is_genuine() -> None:
    assert is_genuine(SECRET, signed(click()), click(), NOW + FRESH)


@pytest.mark.parametrize(
    ("secret", "headers", "body", "now"),
    [
        (SECRET, signed(click()), click(value="oncall|endpoint/other"), NOW),
        (SECRET, signed(click(), "another"), click(), NOW),
        ("", signed(click(), ""), click(), NOW),
        (SECRET, signed(click()), click(), NOW + FRESH + 1),
        (SECRET, signed(click(), at=NOW + FRESH + 1), click(), NOW),
        (SECRET, {}, click(), NOW),
        (SECRET, {**signed(click()), "x-slack-signature": ""}, click(), NOW),
        (SECRET, {**signed(click()), "x-slack-signature": "v0=ünicode"}, click(), NOW),
        (SECRET, {**signed(click()), "x-slack-request-timestamp": "soon"}, click(), NOW),
        (SECRET, {**signed(click()), "x-slack-request-timestamp": "²"}, click(), NOW),
        (SECRET, {**signed(click()), "x-slack-request-timestamp": "9" * 13}, click(), NOW),
        (SECRET, signed(b"x" * (LONGEST_BODY + 1)), b"x" * (LONGEST_BODY + 1), NOW),
    ],
    ids=[
        "another body",
        "another secret",
        "no secret set",
        "too old",
        "of the future",
        "unsigned",
        "empty signature",
        "signature beyond ASCII",
        "no time",
        "a digit that is none",
        "a time too long",
        "a body too long",
    ],
)
def test_anything_else_is_not(secret: str, headers: dict[str, str], body: bytes, now: float) -> None:
    assert not is_genuine(secret, headers, body, now)


@given(st.dictionaries(st.text(), st.text()), st.binary())
def test_nobody_guesses_a_signature(headers: dict[str, str], body: bytes) -> None:
    assert not is_genuine(SECRET, headers, body, NOW)


def test_an_acknowledgement_says_who_when_and_of_what() -> None:
    assert click_event(click()) == {
        "source": "sagewatch",
        "detail-type": "Sagewatch Acknowledged",
        "time": "2026-11-21T09:12:05.500000+00:00",
        "detail": {
            "route": "oncall",
            "kind": "endpoint",
            "name": "churn",
            "by": "U0ANA",
            "at": "2026-11-21T09:12:05.500000+00:00",
        },
    }


@pytest.mark.parametrize(
    ("length", "until"),
    [
        ("30m", "2026-11-21T09:42:05.500000+00:00"),
        ("2h", "2026-11-21T11:12:05.500000+00:00"),
        ("t9", "2026-11-22T09:00:00+00:00"),
    ],
)
def test_a_snooze_says_until_when(length: str, until: str) -> None:
    found = click_event(click("snooze", f"oncall|endpoint/churn|{length}"))

    assert found is not None
    assert (found["detail-type"], found["detail"]["until"]) == ("Sagewatch Snoozed", until)


def test_a_link_that_was_opened_asks_for_nothing() -> None:
    assert click_event(click("url_logs", "")) is None


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"payload=",
        b"payload=[]",
        b"\xff\xfe",
        urlencode({"payload": json.dumps({"type": "view_submission"})}).encode(),
        click(actions=[]),
        click(actions="ack"),
        click(user={"id": "<!channel>"}),
        click(value="endpoint"),
        click(value="a|b"),
        click("snooze", "oncall|endpoint/churn|for ever"),
    ],
)
def test_what_cannot_be_understood_is_refused(body: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - of every kind: nobody reads the words
        click_event(body)
