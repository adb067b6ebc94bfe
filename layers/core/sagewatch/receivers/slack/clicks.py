"""Decides whether a click really comes from Slack, and what it asks for. Pure.

Slack signs `v0:<timestamp>:<body>` with the app's signing secret (Slack, "Verifying requests from Slack").
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs

ACK_ONE = "ack-one"
"""The action of the menu of an outage in which a single member is acknowledged."""

FRESH = 300
"""Seconds for which a signature counts."""

LONGEST_BODY = 64 * 1024
"""Bytes of a body; Slack's own are a few thousand."""

_SNOOZE_LENGTHS = {
    "30m": timedelta(minutes=30),
    "1h": timedelta(hours=1),
    "2h": timedelta(hours=2),  # offered by the first version, whose messages still stand in channels
    "4h": timedelta(hours=4),
    "12h": timedelta(hours=12),
    "24h": timedelta(hours=24),
}
_MORNING, _DAY = "t9", timedelta(days=1)


def is_genuine(secret: str, headers: Mapping[str, str], body: bytes, now: float) -> bool:
    """Tell whether Slack signed this body within the last five minutes; `headers` have lower-case names."""
    # A function URL hands names of headers over in lower case (Lambda Developer Guide, "Invoking Lambda function
    # URLs").
    stamp = headers.get("x-slack-request-timestamp", "")
    if not secret or len(body) > LONGEST_BODY or not (stamp.isascii() and stamp.isdigit() and len(stamp) <= 12):
        return False
    # Five minutes is what Slack recommends against replays.
    if abs(now - int(stamp)) > FRESH:
        return False
    wanted = hmac.new(secret.encode(), b"v0:" + stamp.encode() + b":" + body, hashlib.sha256).hexdigest()
    # Bytes: of texts that are not ASCII, compare_digest raises TypeError.
    return hmac.compare_digest(f"v0={wanted}".encode(), headers.get("x-slack-signature", "").encode())


def click_event(body: bytes) -> dict[str, Any] | None:
    """Return the event that a click becomes in the notify queue, None when it asks for nothing (a link was opened).

    ValueError when it cannot be understood.
    """
    payload = _payload(body)
    action, by = _action(payload), payload.get("user", {}).get("id")
    name, at = action.get("action_id"), _clicked_at(action.get("action_ts"))
    if name not in ("ack", ACK_ONE, "snooze"):
        return None
    value = action.get("value") if name == "ack" else action.get("selected_option", {}).get("value")
    meant, length = _meant(value, name)
    if not isinstance(by, str) or not by.isalnum():
        raise ValueError("the click does not say who clicked")
    detail = {**meant, "by": by, "at": at.isoformat()}
    if name == "snooze":
        detail["until"] = _until(at, length).isoformat()
    said = "Sagewatch Snoozed" if name == "snooze" else "Sagewatch Acknowledged"
    place: dict[str, Any] = {name: meant[name] for name in ("account", "region") if name in meant}
    return {"source": "sagewatch", "detail-type": said, "time": at.isoformat(), **place, "detail": detail}


def _payload(body: bytes) -> dict[str, Any]:
    # The body is a form with one field, `payload`, that holds JSON (Slack, "Handling user interaction").
    [text] = parse_qs(body.decode(), strict_parsing=True, max_num_fields=5).get("payload", [""])
    payload = json.loads(text)
    if not isinstance(payload, dict) or payload.get("type") != "block_actions":
        raise ValueError("the body is no click")
    return payload


def _action(payload: Mapping[str, Any]) -> Mapping[str, Any]:
    actions = payload.get("actions")
    if not (isinstance(actions, list) and len(actions) == 1 and isinstance(actions[0], dict)):
        raise ValueError("a click is one action")
    return actions[0]


def _clicked_at(stamp: object) -> datetime:
    # Seconds of the epoch with six decimals, as a text (Slack, "block_actions payload", action_ts).
    return datetime.fromtimestamp(float(str(stamp)), UTC)


def _meant(value: object, name: str) -> tuple[dict[str, str], str]:
    """Take apart what we wrote into the control; return what it is about, and the length of a snooze.

    That is `route|kind/resource|incident|account/region`, and the length. The first version wrote no more than the
    route and the resource.
    """
    parts = value.split("|") if isinstance(value, str) else []
    length = parts.pop() if name == "snooze" and parts else ""
    if len(parts) not in (2, 4) or not all(parts) or "/" not in parts[1]:
        raise ValueError("the control is not one of ours")
    kind, _, resource = parts[1].partition("/")
    meant = {"route": parts[0], "kind": kind, "name": resource}
    if len(parts) == 4:
        account, _, region = parts[3].partition("/")
        meant |= {"incident": parts[2], "account": account, "region": region}
    return meant, length


def _until(at: datetime, length: str) -> datetime:
    if length == _MORNING:
        morning = at.replace(hour=9, minute=0, second=0, microsecond=0)
        return morning if morning > at else morning + _DAY
    if length not in _SNOOZE_LENGTHS:
        raise ValueError(f"'{length}' is no length of a snooze")
    return at + _SNOOZE_LENGTHS[length]
