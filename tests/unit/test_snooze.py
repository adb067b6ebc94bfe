"""A snooze is a mute rule of CloudWatch for what fires then, and is deleted with its incident.

CloudWatch API Reference, PutAlarmMuteRule and DeleteAlarmMuteRule (both answer with nothing).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from botocore.stub import ANY, Stubber

from sagewatch.aws.clients import Clients
from sagewatch.aws.retries import BRISK
from sagewatch.model import Labels, Notice, Place, Ref
from sagewatch.receivers.build import Receivers
from sagewatch.settings import NotifySettings
from sagewatch.tell.context import Context, Current
from sagewatch.tell.snooze import mute, unmute
from sagewatch.tell.store.timelines import Timeline

NOW = datetime(2026, 11, 21, 9, 30, 20, tzinfo=UTC)
CHURN = Ref("endpoint", "churn")
TOPIC = "arn:aws:sns:us-east-1:123456789012:alerts"
SETTINGS = NotifySettings.read({"ALARM_PREFIX": "sagewatch", "ALERTS_TOPIC_ARN": TOPIC, "INCIDENTS_TABLE": "incidents"})


@pytest.fixture
def cloudwatch() -> Iterator[Stubber]:
    client = boto3.client(
        "cloudwatch", region_name="us-east-1", aws_access_key_id="test", aws_secret_access_key="test", config=BRISK
    )
    with Stubber(client) as stubber:
        yield stubber


def ignored(*_: str, **__: str) -> None:
    """Take a note of nothing."""


def context(stubber: Stubber, now: datetime = NOW) -> Context:
    clients = Clients(BRISK, cloudwatch=stubber.client)
    receivers = Receivers.of(SETTINGS, None, lambda: 0.0, ignored)  # type: ignore[arg-type]
    return Context(clients, clients, clients, SETTINGS, receivers, lambda: pytest.fail("no policy is needed"), now)


def notice(state: Any, minute: float, alarm: str = "cpu", **more: Any) -> Notice:
    values = {"severity": "warning", "kind": "endpoint", "resource": "churn", "scope": "all", "alarm": alarm}
    at = NOW - timedelta(minutes=30) + timedelta(minutes=minute)
    common: dict[str, Any] = {
        "key": f"{alarm}/{state}/{minute}",
        "state": state,
        "labels": Labels({**values, "route": "ops"}),
        "place": Place("aws", "us-east-1", "123456789012"),
        "at": at,
        "title": alarm,
        "subject": CHURN,
        "part": f"sagewatch/endpoint/churn/all/{alarm}" if state in ("firing", "cleared") else "",
    }
    return Notice(**common | more)


def current(*notices: Notice, now: datetime = NOW) -> Current:
    return Current(Timeline(route="ops", subject=CHURN, notices=notices), now)


CLICK = notice("snoozed", 30, by="U0ANA", until=NOW + timedelta(hours=1))


def test_a_snooze_mutes_what_fires_from_the_next_minute_to_its_end(cloudwatch: Stubber) -> None:
    fires = (
        notice("firing", 0),
        notice("firing", 1, "disk"),
        notice("firing", 2, "memory"),
        notice("cleared", 3, "disk"),
    )
    here = current(*fires, CLICK)
    rule = {
        "Name": f"sagewatch-snooze-{here.incidents[0].id}",
        "Description": "Snoozed in Slack by U0ANA",
        "Rule": {"Schedule": {"Expression": "at(2026-11-21T09:31)", "Duration": "PT1H", "Timezone": "UTC"}},
        "MuteTargets": {
            "AlarmNames": ["sagewatch/endpoint/churn/all/cpu", "sagewatch/endpoint/churn/all/memory"],
        },
        "ExpireDate": ANY,
    }
    cloudwatch.add_response("put_alarm_mute_rule", {}, rule)

    mute(context(cloudwatch), here, CLICK)

    cloudwatch.assert_no_pending_responses()


@pytest.mark.parametrize(
    "click",
    [
        replace(CLICK, until=CLICK.at),
        replace(CLICK, until=NOW - timedelta(minutes=1), at=NOW - timedelta(minutes=20)),
    ],
    ids=["refused by the policy", "over before it was heard of"],
)
def test_a_snooze_that_is_not_in_force_mutes_nothing(cloudwatch: Stubber, click: Notice) -> None:
    mute(context(cloudwatch), current(notice("firing", 0), click), click)


def test_a_snooze_of_what_fires_no_more_mutes_nothing(cloudwatch: Stubber) -> None:
    mute(context(cloudwatch), current(notice("firing", 0), notice("cleared", 5), CLICK), CLICK)


def test_a_snooze_is_deleted_when_its_incident_is_over(cloudwatch: Stubber) -> None:
    later = NOW + timedelta(minutes=10)
    here = current(notice("firing", 0), CLICK, notice("cleared", 35), now=later)
    cloudwatch.add_response(
        "delete_alarm_mute_rule", {}, {"AlarmMuteRuleName": f"sagewatch-snooze-{here.incidents[0].id}"}
    )

    unmute(context(cloudwatch, later), here)

    cloudwatch.assert_no_pending_responses()


def test_a_snooze_is_deleted_under_each_id_that_its_incident_had(cloudwatch: Stubber) -> None:
    later = NOW + timedelta(minutes=10)
    fires = (notice("firing", 0), notice("firing", 1, "disk"))
    ends = (notice("cleared", 35), notice("cleared", 36, "disk"))
    here = current(*fires, CLICK, *ends, now=later)
    for id_ in here.incidents[0].anchors:
        cloudwatch.add_response("delete_alarm_mute_rule", {}, {"AlarmMuteRuleName": f"sagewatch-snooze-{id_}"})

    unmute(context(cloudwatch, later), here)

    assert len(here.incidents[0].anchors) == 2
    cloudwatch.assert_no_pending_responses()


@pytest.mark.parametrize("now", [NOW + timedelta(minutes=10), NOW + timedelta(hours=2)], ids=["it fires", "it is over"])
def test_a_snooze_is_left_alone_while_its_incident_is_open_and_when_it_is_over_by_itself(
    cloudwatch: Stubber, now: datetime
) -> None:
    ends = (notice("cleared", 100),) if now > NOW + timedelta(hours=1) else ()

    unmute(context(cloudwatch, now), current(notice("firing", 0), CLICK, *ends, now=now))
