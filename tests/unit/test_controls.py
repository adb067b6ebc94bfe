"""What is written into the buttons is what a click is read by."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sagewatch.policy.rules import Route
from sagewatch.receivers.slack import render as slack
from sagewatch.receivers.slack.clicks import click_event
from sagewatch.tell.incident.group import incidents
from sagewatch.tell.read.alarm_events import notice
from tests.sample_incidents import after, latency

CLICKED = 1_795_252_325.5


def controls(route: str) -> dict[str, dict[str, Any]]:
    """Return the controls of an incident's message, by action."""
    [incident] = incidents(route, [latency()], {}, after(1))
    message = slack.root(incident, Route(name=route, slack="C0"), controls=True, now=after(1))
    return {each["action_id"]: each for each in _elements(message)}


def _elements(message: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for block in message["attachments"][0]["blocks"]:
        if block["type"] == "actions":
            yield from block["elements"]


def click(control: dict[str, Any], option: int = 0) -> bytes:
    """Return what Slack sends when somebody uses a control."""
    chosen = {"selected_option": control["options"][option]} if "options" in control else {"value": control["value"]}
    action = {"action_id": control["action_id"], "action_ts": f"{CLICKED}", **chosen}
    payload = {"type": "block_actions", "user": {"id": "U0ANA"}, "actions": [action]}
    return urlencode({"payload": json.dumps(payload)}).encode()


def test_acknowledge_means_the_incident_that_it_is_shown_on() -> None:
    event = click_event(click(controls("on-call")["ack"]))

    assert event
    found = notice("sagewatch", {**event, "account": "123456789012", "region": "eu-west-1"})
    assert found
    assert (found.state, found.by, found.subject, found.labels["route"]) == (
        "acked",
        "U0ANA",
        latency().subject,
        "on-call",
    )


@pytest.mark.parametrize(
    ("option", "until"),
    [
        (0, "2026-11-21T09:42:05.500000+00:00"),
        (1, "2026-11-21T10:12:05.500000+00:00"),
        (2, "2026-11-21T13:12:05.500000+00:00"),
        (3, "2026-11-21T21:12:05.500000+00:00"),
        (4, "2026-11-22T09:12:05.500000+00:00"),
    ],
    ids=["30 min", "1 h", "4 h", "12 h", "24 h"],
)
def test_every_snooze_that_is_offered_is_understood(option: int, until: str) -> None:
    event = click_event(click(controls("on-call")["snooze"], option))

    assert event
    assert (event["detail-type"], event["detail"]["until"]) == ("Sagewatch Snoozed", until)


@given(st.text(min_size=1, max_size=200))
def test_whatever_a_route_is_called_its_controls_mean_it_or_are_not_there(route: str) -> None:
    for control in controls(route).values():
        if not control["action_id"].startswith("url_"):
            event = click_event(click(control))
            assert event
            assert event["detail"]["route"] == route
