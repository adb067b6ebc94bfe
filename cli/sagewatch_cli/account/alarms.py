"""Reads the alarms under our prefix with the state that each is in, and tells ours from those of others."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

from sagewatch.aws.retries import retried
from sagewatch.fleet import suspects
from sagewatch.kinds.registry import kind as kind_named
from sagewatch.model import Alarm, Ref, canonical
from sagewatch.policy.rules import PolicyInForce
from sagewatch.watch import names
from sagewatch.watch.revision import is_edited

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_cloudwatch.type_defs import MetricAlarmTypeDef

type MetricSeries = tuple[str, str, frozenset[tuple[str, str]]]
"""A namespace, a metric's name and its exact dimensions."""


@dataclass(frozen=True, slots=True)
class PresentAlarm:
    """An alarm as CloudWatch has it."""

    alarm: Alarm
    """The request that would make it."""
    arn: str
    """Its ARN."""
    state: str
    """In CloudWatch's words: `OK`, `ALARM` or `INSUFFICIENT_DATA`."""
    reason: str
    """Why it is in that state, in CloudWatch's words."""
    since: datetime
    """When it entered that state."""
    updated: datetime
    """When its configuration was last written."""

    @property
    def name(self) -> str:
        """Return the name of the alarm."""
        return self.alarm.name


def alarms_under(client: CloudWatchClient, prefix: str) -> Iterator[PresentAlarm]:
    """Yield every metric alarm whose name begins with `prefix`; Retry when CloudWatch refuses."""
    with retried(f"describe_alarms {prefix}"):
        pages = client.get_paginator("describe_alarms").paginate(
            AlarmNamePrefix=prefix, AlarmTypes=["MetricAlarm"], PaginationConfig={"PageSize": 100}
        )
        yield from (_present(each) for page in pages for each in page["MetricAlarms"])


def find_alarm(client: CloudWatchClient, name: str) -> PresentAlarm | None:
    """Return the metric alarm of that name, None when there is none; Retry when CloudWatch refuses."""
    with retried(f"describe_alarms {name}"):
        answer = client.describe_alarms(AlarmNames=[name], AlarmTypes=["MetricAlarm"])
    return next((_present(each) for each in answer["MetricAlarms"]), None)


def _present(described: MetricAlarmTypeDef) -> PresentAlarm:
    return PresentAlarm(
        alarm=canonical(described),
        arn=described["AlarmArn"],
        state=described["StateValue"],
        reason=described.get("StateReason", ""),
        # The state is updated with its reason as well; it lasts since its last transition.
        since=described.get("StateTransitionedTimestamp") or described["StateUpdatedTimestamp"],
        updated=described["AlarmConfigurationUpdatedTimestamp"],
    )


def claimed(prefix: str, alarm: Alarm) -> Alarm | None:
    """Return an alarm if it is ours, as reconcile and the sweep see it; one whose description was cleared has labels.

    None when it is not ours.
    """
    ours = names.claimed(prefix, alarm)
    return ours if ours and ours.labels and kind_named(ours.labels["kind"]) else None


def by_owner(prefix: str, found: Iterable[PresentAlarm]) -> tuple[dict[Ref, list[PresentAlarm]], list[PresentAlarm]]:
    """Return our alarms by resource, and those under our prefix that are not ours."""
    owned: dict[Ref, list[PresentAlarm]] = {}
    foreign = []
    for each in found:
        ours = claimed(prefix, each.alarm)
        if ours and ours.labels:
            owned.setdefault(ours.labels.ref, []).append(replace(each, alarm=ours))
        else:
            foreign.append(each)
    return owned, foreign


def series(alarm: Alarm) -> frozenset[MetricSeries]:
    """Return every metric that an alarm reads: `{("AWS/SageMaker", "ModelLatency", {("EndpointName", "churn")})}`."""
    queries = [query["MetricStat"]["Metric"] for query in alarm.request.get("Metrics", ()) if "MetricStat" in query]
    read = [alarm.request] if "MetricName" in alarm.request else queries
    return frozenset((each["Namespace"], each["MetricName"], _exact(each.get("Dimensions", ()))) for each in read)


def _exact(dimensions: Iterable[Mapping[str, str]]) -> frozenset[tuple[str, str]]:
    return frozenset((each["Name"], each["Value"]) for each in dimensions)


def is_stale(alarm: Alarm, standing: PolicyInForce) -> bool:
    """Tell whether an alarm of ours that nobody edited differs from what the policy and the budget now want."""
    labels = alarm.labels
    return labels is not None and not is_edited(alarm) and suspects.is_stale(labels.ref, alarm, standing)


@dataclass(frozen=True, slots=True)
class StateChange:
    """One change of an alarm's state, and what CloudWatch gave as the reason."""

    at: datetime
    before: str
    after: str
    reason: str


def history(client: CloudWatchClient, name: str, most: int = 5) -> tuple[StateChange, ...]:
    """Return the last changes of an alarm's state, the newest first; CloudWatch keeps thirty days of them."""
    with retried(f"describe_alarm_history {name}"):
        answer = client.describe_alarm_history(
            AlarmName=name, HistoryItemType="StateUpdate", MaxRecords=most, ScanBy="TimestampDescending"
        )
    data = ((each["Timestamp"], json.loads(each["HistoryData"])) for each in answer["AlarmHistoryItems"])
    return tuple(
        StateChange(at, each["oldState"]["stateValue"], each["newState"]["stateValue"], each["newState"]["stateReason"])
        for at, each in data
    )
