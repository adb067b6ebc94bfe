"""Plays CloudWatch's evaluation of alarms: sends an alarm into a state on given datapoints, and tells of changes.

The events are those of the Amazon CloudWatch User Guide, "Alarm events and EventBridge".
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal

from sagewatch_cli.local.doubles.event_bus import BusEvent, TakesEvents
from sagewatch_cli.local.doubles.journal import AlarmChange
from sagewatch_cli.local.doubles.mute_rules import muting
from sagewatch_cli.local.doubles.server import Doubles
from sagewatch_cli.local.drivers.payloads import Events
from sagewatch_cli.local.machine.environment import ACCOUNT, REGION

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch import CloudWatchClient


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmDriver:
    """Evaluates alarms as CloudWatch does, with the datapoints it is given."""

    client: CloudWatchClient
    doubles: Doubles
    bus: TakesEvents
    events: Events

    def fire(self, name: str, *datapoints: float) -> BusEvent:
        """Send an alarm into ALARM on these datapoints, the last one newest, and tell."""
        return self._enter(name, "ALARM", datapoints, "alarm-firing")

    def clear(self, name: str, *datapoints: float) -> BusEvent:
        """Send an alarm back to OK, and tell."""
        return self._enter(name, "OK", datapoints, "alarm-cleared")

    def tell(self) -> tuple[BusEvent, ...]:
        """Tell of every change of an alarm's configuration since the last time, whoever made it."""
        told = tuple(self._changed(change) for change in self.doubles.changes())
        for event in told:
            self.bus.put_event(event)
        return told

    def _enter(self, name: str, state: Literal["ALARM", "OK"], datapoints: tuple[float, ...], payload: str) -> BusEvent:
        before = self._described(name)
        reason = _reason(before, state, datapoints)
        self.client.set_alarm_state(
            AlarmName=name,
            StateValue=state,
            StateReason=reason,
            StateReasonData=json.dumps(_reason_data(before, datapoints)),
        )
        after = self._described(name)
        detail = {
            "alarmName": name,
            "state": _state_detail(after),
            "previousState": _state_detail(before),
            "configuration": {"description": after.get("AlarmDescription"), "metrics": list(_metrics_detail(after))},
            "muteDetail": _mute_detail(name),
        }
        event = self.events.make(payload, detail=detail, resources=[after["AlarmArn"]])
        self.bus.put_event(event)
        return event

    def _described(self, name: str) -> Mapping[str, Any]:
        [alarm] = self.client.describe_alarms(AlarmNames=[name])["MetricAlarms"]
        return alarm

    def _changed(self, change: AlarmChange) -> BusEvent:
        payload = "alarm-deleted" if change.operation == "delete" else "alarm-edited"
        detail = {
            "alarmName": change.alarm["AlarmName"],
            "operation": change.operation,
            "state": _state_detail(change.state),
            "configuration": _configuration(change.alarm),
            "previousConfiguration": _configuration(change.before) if change.before else None,
        }
        return self.events.make(payload, detail=detail, resources=[_alarm_arn(change.alarm["AlarmName"])])


def _alarm_arn(name: str) -> str:
    return f"arn:aws:cloudwatch:{REGION}:{ACCOUNT}:alarm:{name}"


def _stamp(time: datetime) -> str:
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "+0000"


def _state_detail(alarm: Mapping[str, Any]) -> dict[str, Any]:
    data = {"reasonData": alarm["StateReasonData"]} if alarm.get("StateReasonData") else {}
    return {
        "value": alarm["StateValue"],
        "reason": alarm["StateReason"],
        "timestamp": _stamp(alarm["StateUpdatedTimestamp"]),
        **data,
    }


def _mute_detail(name: str) -> dict[str, str] | None:
    """Return what an event says of an alarm that a mute rule keeps quiet, None when none does."""
    if not (found := muting(name, datetime.now(UTC))):
        return None
    rule, begin, end = found
    return {"mutedByArn": rule.arn, "muteWindowStart": _stamp(begin), "muteWindowEnd": _stamp(end)}


_OPERATORS: Mapping[str, str] = {
    "GreaterThanThreshold": "greater than",
    "GreaterThanOrEqualToThreshold": "greater than or equal to",
    "LessThanThreshold": "less than",
    "LessThanOrEqualToThreshold": "less than or equal to",
}


def _reason(alarm: Mapping[str, Any], state: str, datapoints: tuple[float, ...]) -> str:
    """Say why, in CloudWatch's own words."""
    needed, of = alarm.get("DatapointsToAlarm", alarm["EvaluationPeriods"]), alarm["EvaluationPeriods"]
    shown = ", ".join(f"{value} ({at:%d/%m/%y %H:%M:%S})" for at, value in _dated(alarm, datapoints))
    were, before = ("were", "OK -> ALARM") if state == "ALARM" else ("were not", "ALARM -> OK")
    crossed = f"{were} {_OPERATORS[alarm['ComparisonOperator']]} the threshold ({float(alarm['Threshold'])})"
    least = f"minimum {needed} datapoint{'s' if needed > 1 else ''} for {before} transition"
    return f"Threshold Crossed: {needed} out of the last {of} datapoints [{shown}] {crossed} ({least})."


def _reason_data(alarm: Mapping[str, Any], datapoints: tuple[float, ...]) -> dict[str, Any]:
    dated = _dated(alarm, datapoints)
    statistic = alarm.get("Statistic") or alarm.get("ExtendedStatistic")
    return {
        "version": "1.0",
        "queryDate": _stamp(datetime.now(UTC)),
        "startDate": _stamp(dated[-1][0]),
        # An alarm on an expression has no statistic of its own.
        **({"statistic": statistic} if statistic else {}),
        "period": _period(alarm),
        "recentDatapoints": list(datapoints),
        "threshold": float(alarm["Threshold"]),
        "evaluatedDatapoints": [{"timestamp": _stamp(at), "value": value} for at, value in dated],
    }


def _dated(alarm: Mapping[str, Any], datapoints: tuple[float, ...]) -> list[tuple[datetime, float]]:
    """Return the datapoints with their times, newest first, as CloudWatch lists them."""
    now = datetime.now(UTC).replace(second=0, microsecond=0)
    return [
        (now - timedelta(seconds=_period(alarm) * n), value) for n, value in enumerate(reversed(datapoints), start=1)
    ]


def _period(alarm: Mapping[str, Any]) -> int:
    queries = alarm.get("Metrics") or ()
    return next(
        (query["MetricStat"]["Period"] for query in queries if "MetricStat" in query), alarm.get("Period") or 60
    )


def _metrics_detail(alarm: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield an alarm's metrics as its events have them: dimensions are a map."""
    if not alarm.get("Metrics"):
        statistic = alarm.get("Statistic") or alarm.get("ExtendedStatistic")
        yield {
            "id": str(uuid.uuid4()),
            "metricStat": _metric_stat(alarm, alarm["Period"], statistic),
            "returnData": True,
        }
        return
    for query in alarm["Metrics"]:
        same = {name[0].lower() + name[1:]: query[name] for name in ("Id", "Expression", "Label") if name in query}
        stat = query.get("MetricStat")
        measured = {"metricStat": _metric_stat(stat["Metric"], stat["Period"], stat["Stat"])} if stat else {}
        yield {**same, **measured, "returnData": query.get("ReturnData", True)}


def _metric_stat(metric: Mapping[str, Any], period: int, statistic: str | None) -> dict[str, Any]:
    dimensions = {each["Name"]: each["Value"] for each in metric.get("Dimensions", ())}
    named = {"namespace": metric["Namespace"], "name": metric["MetricName"], "dimensions": dimensions}
    return {"metric": named, "period": period, "stat": statistic}


def _configuration(alarm: Mapping[str, Any]) -> dict[str, Any]:
    kept = {
        "alarmName": alarm["AlarmName"],
        "description": alarm.get("AlarmDescription"),
        "metrics": list(_metrics_detail(alarm)),
        "evaluationPeriods": alarm["EvaluationPeriods"],
        "datapointsToAlarm": alarm.get("DatapointsToAlarm"),
        "threshold": alarm.get("Threshold"),
        "comparisonOperator": alarm["ComparisonOperator"],
        "treatMissingData": alarm.get("TreatMissingData", "missing"),
        "actionsEnabled": alarm.get("ActionsEnabled", True),
        "okActions": alarm.get("OKActions", []),
        "alarmActions": alarm.get("AlarmActions", []),
        "insufficientDataActions": alarm.get("InsufficientDataActions", []),
        "timestamp": _stamp(datetime.now(UTC)),
    }
    return {name: value for name, value in kept.items() if value is not None}
