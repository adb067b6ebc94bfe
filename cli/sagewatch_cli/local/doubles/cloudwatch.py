"""Extends moto's CloudWatch: states, pages and limits of alarms as on AWS, mute rules, history, graphs.

Limits: CloudWatch API Reference, PutMetricAlarm, DescribeAlarms and DeleteAlarms.
"""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from moto.cloudwatch.exceptions import InvalidParameterValue, ResourceNotFoundException, ValidationError
from moto.cloudwatch.models import Alarm
from moto.cloudwatch.responses import CloudWatchResponse
from moto.core.responses import ActionResult, EmptyResult

from sagewatch_cli.local.doubles.journal import AlarmChange, AlarmOperation, Journaled, journal
from sagewatch_cli.local.doubles.mute_rules import StoredMuteRule, faults, in_utc, rules_of

MOST_NAMES = 100
DEFAULT_PAGE = 50
DAY, WEEK, HOUR = 86_400, 604_800, 3_600


class CloudWatch(Journaled, CloudWatchResponse):
    """Answers CloudWatch's API."""

    def put_metric_alarm(self) -> ActionResult:
        # moto checks next to nothing, begins at OK, and forgets the state and takes the tags at each update.
        for fault in _request_faults(self.params):
            raise ValidationError(fault)
        before = self.cloudwatch_backend.alarms.get(self._get_param("AlarmName"))
        if before is not None:
            self.params.pop("Tags", None)
        answer = super().put_metric_alarm()
        alarm = self.cloudwatch_backend.alarms[self._get_param("AlarmName")]
        alarm.request = dict(self.params)  # type: ignore[attr-defined]
        if before is None:
            alarm.state_value, alarm.state_reason_data = "INSUFFICIENT_DATA", ""
        else:
            _keep_state(before, alarm)
        journal().changes.append(_alarm_change("update" if before else "create", alarm, before))
        return answer

    def describe_alarms(self) -> ActionResult:
        # moto answers everything on one page, and composite alarms unasked.
        names, types = self._get_param("AlarmNames", []), self._get_param("AlarmTypes", ["MetricAlarm"])
        size, start = self._get_param("MaxRecords", DEFAULT_PAGE), int(self._get_param("NextToken", "0"))
        if not 1 <= size <= MOST_NAMES or len(names) > MOST_NAMES:
            raise InvalidParameterValue("MaxRecords must be 1 to 100, and AlarmNames at most 100.")
        if names and self._get_param("AlarmNamePrefix"):
            raise InvalidParameterValue("AlarmNamePrefix and AlarmNames exclude each other.")
        answer = super().describe_alarms().result
        found = {"MetricAlarm": answer["MetricAlarms"], "CompositeAlarm": answer["CompositeAlarms"]}  # type: ignore[index]
        alarms = sorted((alarm for each in types for alarm in found[each]), key=lambda alarm: alarm.name)
        page = alarms[start : start + size]
        return ActionResult(
            {
                "MetricAlarms": [alarm for alarm in page if alarm.rule is None],
                "CompositeAlarms": [alarm for alarm in page if alarm.rule is not None],
                "NextToken": str(start + size) if start + size < len(alarms) else None,
            }
        )

    def delete_alarms(self) -> ActionResult:
        # moto takes any number of names, and keeps the tags for the next alarm of that name.
        backend, names = self.cloudwatch_backend, self._get_param("AlarmNames", [])
        if len(names) > MOST_NAMES:
            raise ValidationError(f"{len(names)} alarm names, of which 100 are allowed.")
        for alarm in backend.get_alarms_by_alarm_names(names):
            backend.tagger.delete_all_tags_for_resource(alarm.alarm_arn)
            journal().changes.append(_alarm_change("delete", alarm))
        return super().delete_alarms()

    # ---- mute rules

    def put_alarm_mute_rule(self) -> ActionResult:
        for fault in faults(self.params, self.cloudwatch_backend.alarms):
            raise ValidationError(fault)
        rule = StoredMuteRule(request=dict(self.params), updated=datetime.now(UTC))
        rules_of(self.cloudwatch_backend)[rule.name] = rule
        return EmptyResult()

    def list_alarm_mute_rules(self) -> ActionResult:
        now, alarm, statuses = datetime.now(UTC), self._get_param("AlarmName"), self._get_param("Statuses")
        size, start = self._get_param("MaxRecords", DEFAULT_PAGE), int(self._get_param("NextToken", "0"))
        if not 1 <= size <= MOST_NAMES:
            raise InvalidParameterValue("MaxRecords must be 1 to 100.")
        found = [
            rule.summary(now)
            for _, rule in sorted(rules_of(self.cloudwatch_backend).items())
            if (not alarm or alarm in rule.alarms) and (not statuses or rule.status(now) in statuses)
        ]
        more = str(start + size) if start + size < len(found) else None
        return ActionResult({"AlarmMuteRuleSummaries": found[start : start + size], "NextToken": more})

    def get_alarm_mute_rule(self) -> ActionResult:
        rule = rules_of(self.cloudwatch_backend).get(self._get_param("AlarmMuteRuleName"))
        if rule is None:
            raise ResourceNotFoundException
        return ActionResult(rule.described(datetime.now(UTC)))

    def delete_alarm_mute_rule(self) -> ActionResult:
        # One that is not there is deleted, too.
        rules_of(self.cloudwatch_backend).pop(self._get_param("AlarmMuteRuleName"), None)
        return EmptyResult()

    # ---- graphs and history

    def get_metric_widget_image(self) -> ActionResult:
        try:
            widget = json.loads(self._get_param("MetricWidget"))
        except ValueError as error:
            raise ValidationError(f"MetricWidget is no JSON: {error}") from error
        if not widget.get("metrics"):
            raise ValidationError("MetricWidget must name metrics.")
        return ActionResult({"MetricWidgetImage": _graph(widget.get("width", 600), widget.get("height", 400))})

    def set_alarm_state(self) -> ActionResult:
        alarm = self.cloudwatch_backend.alarms.get(self._get_param("AlarmName"))
        before = _in_history(alarm) if alarm else {}
        answer = super().set_alarm_state()
        alarm = self.cloudwatch_backend.alarms[self._get_param("AlarmName")]
        self._history().append(_transition(alarm, before))
        return answer

    def describe_alarm_history(self) -> ActionResult:
        name, kind, scan = (self._get_param(each) for each in ("AlarmName", "HistoryItemType", "ScanBy"))
        begin, end = in_utc(self._get_param("StartDate")), in_utc(self._get_param("EndDate"))
        size, start = self._get_param("MaxRecords", MOST_NAMES), int(self._get_param("NextToken", "0"))
        found = [
            item
            for item in self._history()
            if (not name or item["AlarmName"] == name)
            and (not kind or item["HistoryItemType"] == kind)
            and (not begin or item["Timestamp"] >= begin)
            and (not end or item["Timestamp"] <= end)
        ]
        items = found if scan == "TimestampAscending" else found[::-1]
        more = str(start + size) if start + size < len(items) else None
        return ActionResult({"AlarmHistoryItems": items[start : start + size], "NextToken": more})

    def _history(self) -> list[dict[str, Any]]:
        """Return every transition since the backend was reset, in order."""
        found: list[dict[str, Any]] = vars(self.cloudwatch_backend).setdefault("transitions", [])
        return found


def _in_history(alarm: Alarm) -> dict[str, Any]:
    data = {"stateReasonData": json.loads(alarm.state_reason_data)} if alarm.state_reason_data else {}
    return {"stateValue": alarm.state_value, "stateReason": alarm.state_reason, **data}


def _transition(alarm: Alarm, before: Mapping[str, Any]) -> dict[str, Any]:
    after = _in_history(alarm)
    return {
        "AlarmName": alarm.name,
        "AlarmType": "MetricAlarm",
        "Timestamp": alarm.state_updated_timestamp.replace(tzinfo=UTC),
        "HistoryItemType": "StateUpdate",
        "HistorySummary": f"Alarm updated from {before['stateValue']} to {after['stateValue']}",
        "HistoryData": json.dumps({"version": "1.0", "oldState": dict(before), "newState": after}),
    }


def _alarm_change(operation: AlarmOperation, alarm: Alarm, before: Alarm | None = None) -> AlarmChange:
    state = {
        "StateValue": alarm.state_value,
        "StateReason": alarm.state_reason,
        "StateReasonData": alarm.state_reason_data,
        "StateUpdatedTimestamp": alarm.state_updated_timestamp.replace(tzinfo=UTC),
    }
    # The requests are kept on moto's alarms, by put_metric_alarm above.
    return AlarmChange(operation, alarm.request, before.request if before else None, state)  # type: ignore[attr-defined]


def _keep_state(before: Alarm, alarm: Alarm) -> None:
    alarm.state_value, alarm.state_reason = before.state_value, before.state_reason
    alarm.state_reason_data, alarm.state_updated_timestamp = before.state_reason_data, before.state_updated_timestamp
    alarm.history = before.history


def _request_faults(request: Mapping[str, Any]) -> Iterator[str]:
    """Yield what AWS would refuse in a PutMetricAlarm request."""
    if not 1 <= len(request["AlarmName"]) <= 255:
        yield "AlarmName must have 1 to 255 characters."
    if len(request.get("AlarmDescription") or "") > 1024:
        yield "AlarmDescription must have at most 1024 characters."
    for actions in ("AlarmActions", "OKActions", "InsufficientDataActions"):
        if len(request.get(actions) or ()) > 5:
            yield f"{actions} must have at most 5 members."
    if request.get("DatapointsToAlarm", 1) > request["EvaluationPeriods"]:
        yield "DatapointsToAlarm must not be greater than EvaluationPeriods."
    if bool(request.get("MetricName")) == bool(request.get("Metrics")):
        yield "Exactly one of MetricName and Metrics is required."
    yield from _query_faults(request.get("Metrics") or ())
    periods = (
        [request["Period"]]
        if request.get("Period")
        else [query["MetricStat"]["Period"] for query in request.get("Metrics") or () if "MetricStat" in query]
    )
    for period in periods:
        yield from _window_faults(period, request["EvaluationPeriods"])


def _query_faults(queries: Any) -> Iterator[str]:
    if not queries:
        return
    if sum(query.get("ReturnData", True) for query in queries) != 1:
        yield "Exactly one of the Metrics must return data."
    if sum("MetricStat" in query for query in queries) > 10 or sum("Expression" in query for query in queries) > 10:
        yield "At most 10 metrics and 10 expressions."


def _window_faults(period: int, periods: int) -> Iterator[str]:
    if period not in (10, 20, 30) and period % 60:
        yield "Period must be 10, 20, 30 or a multiple of 60."
    if period * periods > (WEEK if period >= HOUR else DAY):
        yield "Period times EvaluationPeriods is longer than a day (a week for periods of an hour and more)."


# ---- graphs: a rising line in place of the data
_PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_WHITE, _BLUE = b"\xff\xff\xff", b"\x1f\x77\xb4"


def _graph(width: int, height: int) -> bytes:
    """Return a PNG of that size: a line that rises from the lower left to the upper right."""
    rows = (_pixels(width, round((height - 1 - y) * (width - 1) / max(height - 1, 1))) for y in range(height))
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    pixels = zlib.compress(b"".join(rows))
    return _PNG_SIGNATURE + _png_chunk(b"IHDR", header) + _png_chunk(b"IDAT", pixels) + _png_chunk(b"IEND", b"")


def _pixels(width: int, at: int) -> bytes:
    return b"\0" + _WHITE * at + _BLUE + _WHITE * (width - at - 1)


def _png_chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
