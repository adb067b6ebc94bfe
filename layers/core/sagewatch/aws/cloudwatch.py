"""Reads and writes CloudWatch alarms under our prefix, and no others."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC
from itertools import batched
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError, ParamValidationError

from sagewatch.aws.deadline import Deadline
from sagewatch.aws.pace import Pace
from sagewatch.aws.retries import retried
from sagewatch.errors import NotAllowed, Refused
from sagewatch.model import Alarm, AlarmState, Described, canonical

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_cloudwatch.literals import StateValueType
    from mypy_boto3_cloudwatch.type_defs import MetricAlarmTypeDef

# PutMetricAlarm models LimitExceeded alone; the others are CloudWatch's common errors ("Common Error Types").
_REFUSALS = frozenset(
    {
        "InvalidParameterCombination",
        "InvalidParameterValue",
        "MissingParameter",
        "ValidationError",
        "ValidationException",
    }
)
_QUOTA = frozenset({"LimitExceeded", "LimitExceededException", "LimitExceededFault"})
_DENIED = frozenset({"AccessDenied", "AccessDeniedException"})

MOST_NAMES = 100  # in one DeleteAlarms or DescribeAlarms (AlarmNames)


def described(
    client: CloudWatchClient, beginning: str, state: StateValueType | None = None, deadline: Deadline | None = None
) -> Iterator[Described]:
    """Yield the metric alarms whose names begin so, in that state or in any, all pages of them.

    Raise OutOfTime instead of asking for a page that may not come before the deadline.
    """
    in_state: Any = {"StateValue": state} if state else {}
    # Pages hold 100 alarms at most, and only metric alarms come unless AlarmTypes says otherwise (DescribeAlarms).
    with retried(f"describe_alarms {beginning}"):
        pages = client.get_paginator("describe_alarms").paginate(
            AlarmNamePrefix=beginning, AlarmTypes=["MetricAlarm"], **in_state, PaginationConfig={"PageSize": 100}
        )
        for page in pages:
            if deadline:
                deadline.require_call()
            for each in page["MetricAlarms"]:
                if state in (None, each.get("StateValue")):
                    yield Described(canonical(each), each["AlarmConfigurationUpdatedTimestamp"])


def count(client: CloudWatchClient, deadline: Deadline) -> int:
    """Return how many alarms the account has in the Region, whosesoever, composite ones too.

    Raise OutOfTime instead of asking for a page that may not come before the deadline.
    """
    found = 0
    with retried("describe_alarms"):
        pages = client.get_paginator("describe_alarms").paginate(
            AlarmTypes=["MetricAlarm", "CompositeAlarm"], PaginationConfig={"PageSize": 100}
        )
        for page in pages:
            deadline.require_call()
            found += len(page.get("MetricAlarms", ())) + len(page.get("CompositeAlarms", ()))
    return found


def named(client: CloudWatchClient, names: Iterable[str]) -> Iterator[Alarm]:
    """Yield the metric alarms of these names that there are."""
    return (canonical(each) for each in _described_by_name(client, names))


def states(client: CloudWatchClient, names: Iterable[str]) -> Iterator[AlarmState]:
    """Yield how the metric alarms of these names stand that there are."""
    return (_state(each) for each in _described_by_name(client, names))


def in_alarm(client: CloudWatchClient, beginning: str) -> Iterator[AlarmState]:
    """Yield the metric alarms in state ALARM whose names begin so, all pages of them."""
    with retried(f"describe_alarms {beginning}"):
        pages = client.get_paginator("describe_alarms").paginate(
            AlarmNamePrefix=beginning,
            AlarmTypes=["MetricAlarm"],
            StateValue="ALARM",
            PaginationConfig={"PageSize": MOST_NAMES},
        )
        for page in pages:
            yield from (_state(each) for each in page["MetricAlarms"] if each["StateValue"] == "ALARM")


def _state(described: MetricAlarmTypeDef) -> AlarmState:
    # StateUpdatedTimestamp also moves when only EvaluationState changes (MetricAlarm, API Reference).
    since = described.get("StateTransitionedTimestamp") or described["StateUpdatedTimestamp"]
    return AlarmState(
        name=described["AlarmName"],
        arn=described["AlarmArn"],
        description=described.get("AlarmDescription", ""),
        value=described["StateValue"],
        since=since.astimezone(UTC),
        reason=described.get("StateReason", ""),
        reason_data=described.get("StateReasonData", ""),
    )


def _described_by_name(client: CloudWatchClient, names: Iterable[str]) -> Iterator[MetricAlarmTypeDef]:
    for some in batched(names, MOST_NAMES):
        with retried(f"describe_alarms {some[0]} and {len(some) - 1} more"):
            answer = client.describe_alarms(AlarmNames=list(some), AlarmTypes=["MetricAlarm"], MaxRecords=MOST_NAMES)
        yield from answer["MetricAlarms"]


def put(client: CloudWatchClient, alarm: Alarm, pace: Pace) -> None:
    """Write one alarm, complete: PutMetricAlarm overwrites everything. Refused when CloudWatch takes no such alarm."""
    # Without the second field, warm-up ends with the first full window of data (CloudWatch User Guide, "Alarm warm-up
    # periods"): for a new model, that is when it is slowest.
    warm_up: Any = {
        "WarmUpPeriodDurationInMinutes": alarm.warm_up,
        "OnlyStartEvaluatingAfterWarmUpPeriodEnds": True,
    }
    # Three requests a second in an account and Region (CloudWatch service quotas): most time is spent waiting here.
    with retried(f"put_metric_alarm {alarm.name}"):
        # A put overwrites the whole configuration and leaves the state of the alarm as it was (PutMetricAlarm).
        try:
            answer = client.put_metric_alarm(
                **alarm.request, **({"WarmUpConfiguration": warm_up} if alarm.warm_up else {})
            )
        except ParamValidationError as error:
            raise Refused(f"{alarm.name}: {error}") from error
        except ClientError as error:
            pace.answered(throttled=_was_retried(error.response))
            code = error.response["Error"].get("Code")
            if code in _QUOTA:
                raise Refused(f"{alarm.name}: this account may have no more alarms in this Region: {error}") from error
            if code in _REFUSALS:
                raise Refused(f"{alarm.name}: {error}") from error
            if code in _DENIED and (topics := alarm.request.get("AlarmActions")):
                needed = f"the stack's parameter PagingTopicArns must name {', '.join(topics)}"
                raise NotAllowed(f"put_metric_alarm {alarm.name}: {needed}: {error}") from error
            raise
    # What was tried again was throttled, nearly always; after a time-out it does no harm to be slower.
    pace.answered(throttled=_was_retried(answer))


def _was_retried(response: Mapping[str, Any]) -> bool:
    return bool(response.get("ResponseMetadata", {}).get("RetryAttempts", 0))


def delete(client: CloudWatchClient, names: Iterable[str]) -> None:
    """Delete alarms by name; names that are gone already do no harm."""
    for some in batched(names, MOST_NAMES):
        # Names that are not there do not stop the others, but the API also models ResourceNotFound (DeleteAlarms).
        with retried(f"delete_alarms {some[0]} and {len(some) - 1} more"):
            client.delete_alarms(AlarmNames=list(some))
