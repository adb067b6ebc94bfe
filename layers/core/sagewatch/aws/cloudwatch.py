"""Reads and writes CloudWatch alarms under our prefix, and no others."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import batched
from typing import TYPE_CHECKING, Any

from sagewatch.aws.errors import retried
from sagewatch.model import Alarm, normal

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch import CloudWatchClient

MOST_NAMES = 100  # in one DeleteAlarms


@dataclass(frozen=True, slots=True)
class Described:
    """An alarm as CloudWatch has it, and when it was last written."""

    alarm: Alarm
    updated: datetime


def described(client: CloudWatchClient, beginning: str) -> Iterator[Described]:
    """Yield the metric alarms whose names begin so, all pages of them."""
    with retried(f"describe_alarms {beginning}"):
        pages = client.get_paginator("describe_alarms").paginate(
            AlarmNamePrefix=beginning, AlarmTypes=["MetricAlarm"], PaginationConfig={"PageSize": 100}
        )
        for page in pages:
            for each in page["MetricAlarms"]:
                yield Described(normal(each), each["AlarmConfigurationUpdatedTimestamp"])


def named(client: CloudWatchClient, names: Iterable[str]) -> Iterator[Alarm]:
    """Yield the metric alarms of these names that there are."""
    for some in batched(names, MOST_NAMES, strict=False):
        with retried(f"describe_alarms {some[0]} and {len(some) - 1} more"):
            answer = client.describe_alarms(AlarmNames=list(some), AlarmTypes=["MetricAlarm"], MaxRecords=MOST_NAMES)
        yield from (normal(each) for each in answer["MetricAlarms"])


def states(client: CloudWatchClient, names: Iterable[str]) -> Iterator[tuple[str, tuple[str, datetime]]]:
    """Yield the state of the metric alarms of these names that there are, and since when they are in it."""
    for some in batched(names, MOST_NAMES, strict=False):
        with retried(f"describe_alarms {some[0]} and {len(some) - 1} more"):
            answer = client.describe_alarms(AlarmNames=list(some), AlarmTypes=["MetricAlarm"], MaxRecords=MOST_NAMES)
        yield from (
            (each["AlarmName"], (each["StateValue"], each["StateUpdatedTimestamp"])) for each in answer["MetricAlarms"]
        )


def put(client: CloudWatchClient, alarm: Alarm) -> None:
    """Write one alarm, complete: PutMetricAlarm overwrites everything."""
    with retried(f"put_metric_alarm {alarm.name}"):
        client.put_metric_alarm(**alarm.request, **_warm_up(alarm))


def _warm_up(alarm: Alarm) -> dict[str, Any]:
    if not alarm.warm_up:
        return {}
    return {"WarmUpConfiguration": {"WarmUpPeriodDurationInMinutes": alarm.warm_up}}


def delete(client: CloudWatchClient, names: Iterable[str]) -> None:
    """Delete alarms by name; names that are gone already do no harm."""
    for some in batched(names, MOST_NAMES, strict=False):
        with retried(f"delete_alarms {some[0]} and {len(some) - 1} more"):
            client.delete_alarms(AlarmNames=list(some))
