"""CloudWatch's alarms and mute rules, SSM, Secrets Manager, SageMaker's tags: as much of AWS as telling needs.

The API reference of each operation; Amazon CloudWatch User Guide, "Alarm mute rules": a rule mutes actions, the state
changes all the same, and the event of it says that it was muted.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from botocore import xform_name

from tests.model_telling.dynamo import Dynamo, Failed
from tests.payloads import event

ACCOUNT, REGION = "123456789012", "us-east-1"
PREFIX = "sagewatch"
_DURATION = re.compile(r"P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?)?")
_ALARM_ARN = f"arn:aws:cloudwatch:{REGION}:{ACCOUNT}:alarm:"
_RULE_ARN = f"arn:aws:cloudwatch:{REGION}:{ACCOUNT}:alarm-mute-rule:"
SEVERITIES = {
    "latency-p99": "critical",
    "errors-5xx": "critical",
    "memory": "warning",
    "cpu": "warning",
    "disk": "warning",
    "idle": "info",
}
"""The alarms that histories use, and how bad they are unless they say otherwise."""


@dataclass(slots=True)
class Alarm:
    """One alarm, all of its changes, (time, state), and when it was deleted."""

    resource: str
    id: str
    severity: str
    team: str
    changes: list[tuple[float, str]]
    scope: str = "AllTraffic"
    deleted: float = float("inf")

    @property
    def name(self) -> str:
        return f"{PREFIX}/endpoint/{self.resource}/{self.scope}/{self.id}"

    @property
    def state(self) -> str:
        return self.changes[-1][1]

    @property
    def since(self) -> float:
        return self.changes[-1][0]

    @property
    def description(self) -> str:
        team = f" team={self.team}" if self.team else ""
        said = f"severity={self.severity} kind=endpoint resource={self.resource} scope={self.scope} alarm={self.id}"
        return f"{self.id}\n[sagewatch {said}{team}]"


@dataclass(frozen=True, slots=True)
class Rule:
    """A mute rule, as it was put; `begin` and `end` in seconds since the epoch."""

    name: str
    request: Mapping[str, Any]
    begin: float
    end: float

    @property
    def alarms(self) -> list[str]:
        names: list[str] = self.request["MuteTargets"]["AlarmNames"]
        return names

    def mutes(self, alarm: str, now: float) -> bool:
        return alarm in self.alarms and self.begin <= now < self.end


@dataclass(slots=True)
class Cloud:
    """One account in one Region.

    `texts` are all versions of SSM's parameters by name, `tags` those of SageMaker's resources by ARN, `put`
    all mute rules that ever were, `unconfirmed` topics to which nobody subscribed.
    """

    clock: Callable[[], float]
    dynamo: Dynamo
    alarms: dict[str, Alarm] = field(default_factory=dict)
    deleted: list[Alarm] = field(default_factory=list)
    rules: dict[str, Rule] = field(default_factory=dict)
    put: list[Rule] = field(default_factory=list)
    texts: dict[str, list[str]] = field(default_factory=dict)
    tags: dict[str, dict[str, str]] = field(default_factory=dict)
    executions: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    unconfirmed: set[str] = field(default_factory=set)

    def call(self, service: str, operation: str, request: Mapping[str, Any]) -> dict[str, Any]:
        """Answer one operation; Failed with the code that AWS would answer."""
        if service == "dynamodb":
            return self.dynamo.call(operation, request)
        found = getattr(self, f"_{service}_{xform_name(operation)}", None)
        if found is None:
            # Evidence and pictures are best effort: whatever is not played is not there.
            raise Failed("ResourceNotFoundException" if service == "logs" else "ValidationException", "Could not find")
        answer: dict[str, Any] = found(request)
        return answer

    # ---------------------------------------------------------------------------------------------------- alarms
    def mutes(self, alarm: str, now: float) -> Rule | None:
        """Return the rule that mutes an alarm at a time."""
        return next((rule for rule in self.rules.values() if rule.mutes(alarm, now)), None)

    def _cloudwatch_describe_alarms(self, request: Mapping[str, Any]) -> dict[str, Any]:
        names, prefix = request.get("AlarmNames"), request.get("AlarmNamePrefix", "")
        if names and len(names) > 100:
            raise Failed("ValidationError", "AlarmNames: at most 100")
        if "AlarmTypes" in request and "MetricAlarm" not in request["AlarmTypes"]:
            return {"MetricAlarms": [], "CompositeAlarms": []}
        wanted = request.get("StateValue")
        found = [
            each
            for name, each in sorted(self.alarms.items())
            if name.startswith(prefix) and (names is None or name in names) and wanted in (None, each.state)
        ]
        start, most = int(request.get("NextToken", 0)), request.get("MaxRecords", 50)
        more = {"NextToken": str(start + most)} if len(found) > start + most else {}
        return {
            "MetricAlarms": [_described(each) for each in found[start : start + most]],
            "CompositeAlarms": [],
            **more,
        }

    def _cloudwatch_describe_alarm_history(self, request: Mapping[str, Any]) -> dict[str, Any]:
        found = [each for name, each in self.alarms.items() if request.get("AlarmName") in (None, name)]
        items = [
            {
                "AlarmName": each.name,
                "AlarmType": "MetricAlarm",
                "Timestamp": _when(at),
                "HistoryItemType": "StateUpdate",
                "HistorySummary": f"Alarm updated from {was} to {state}",
                "HistoryData": "{}",
            }
            for each in found
            for (_, was), (at, state) in zip(each.changes, each.changes[1:], strict=False)
        ]
        return {"AlarmHistoryItems": sorted(items, key=lambda item: str(item["Timestamp"]), reverse=True)}

    def _cloudwatch_put_alarm_mute_rule(self, request: Mapping[str, Any]) -> dict[str, Any]:
        schedule = request["Rule"]["Schedule"]
        at = re.fullmatch(r"at\((.+)\)", schedule["Expression"])
        length = _DURATION.fullmatch(schedule["Duration"])
        if not at or not length:
            raise Failed("ValidationError", "Schedule")
        days, hours, minutes = (int(each or 0) for each in length.groups())
        begin = datetime.fromisoformat(at[1]).replace(tzinfo=UTC)
        end = begin + timedelta(days=days, hours=hours, minutes=minutes)
        self.rules[request["Name"]] = Rule(request["Name"], dict(request), begin.timestamp(), end.timestamp())
        self.put.append(self.rules[request["Name"]])
        return {}

    def _status(self, rule: Rule) -> str:
        now = self.clock()
        return "EXPIRED" if now >= rule.end else "ACTIVE" if now >= rule.begin else "SCHEDULED"

    def _cloudwatch_list_alarm_mute_rules(self, request: Mapping[str, Any]) -> dict[str, Any]:
        name, statuses = request.get("AlarmName"), request.get("Statuses")
        found = [
            {
                "AlarmMuteRuleArn": f"{_RULE_ARN}{rule.name}",
                "ExpireDate": rule.request.get("ExpireDate", _when(rule.end)),
                "Status": self._status(rule),
                "MuteType": "ONE_TIME",
                "LastUpdatedTimestamp": _when(rule.begin),
            }
            for _, rule in sorted(self.rules.items())
            if (name is None or name in rule.request["MuteTargets"]["AlarmNames"])
            and (not statuses or self._status(rule) in statuses)
        ]
        return {"AlarmMuteRuleSummaries": found}

    def _cloudwatch_get_alarm_mute_rule(self, request: Mapping[str, Any]) -> dict[str, Any]:
        name = request["AlarmMuteRuleName"].removeprefix(_RULE_ARN)
        if name not in self.rules:
            raise Failed("ResourceNotFoundException")
        rule = self.rules[name]
        said = {key: rule.request[key] for key in ("Name", "Description", "Rule", "MuteTargets") if key in rule.request}
        return {**said, "AlarmMuteRuleArn": f"{_RULE_ARN}{name}", "Status": self._status(rule), "MuteType": "ONE_TIME"}

    def _cloudwatch_delete_alarm_mute_rule(self, request: Mapping[str, Any]) -> dict[str, Any]:
        self.rules.pop(request["AlarmMuteRuleName"].removeprefix(_RULE_ARN), None)
        return {}

    def _cloudwatch_get_metric_widget_image(self, request: Mapping[str, Any]) -> dict[str, Any]:
        return {"MetricWidgetImage": b""}

    # ----------------------------------------------------------------------------------------- texts, tags, steps
    def _ssm_get_parameter(self, request: Mapping[str, Any]) -> dict[str, Any]:
        versions = self.texts.get(request["Name"])
        if not versions:
            raise Failed("ParameterNotFound")
        return {"Parameter": {"Name": request["Name"], "Value": versions[-1], "Version": len(versions)}}

    def _ssm_get_parameter_history(self, request: Mapping[str, Any]) -> dict[str, Any]:
        versions = self.texts.get(request["Name"], [])
        return {"Parameters": [{"Value": text, "Version": n} for n, text in enumerate(versions, 1)]}

    def _secretsmanager_get_secret_value(self, request: Mapping[str, Any]) -> dict[str, Any]:
        return {"SecretString": self.texts[request["SecretId"]][-1]}

    def _sagemaker_list_tags(self, request: Mapping[str, Any]) -> dict[str, Any]:
        found = self.tags.get(request["ResourceArn"], {})
        return {"Tags": [{"Key": key, "Value": value} for key, value in found.items()]}

    def _sagemaker_list_pipeline_execution_steps(self, request: Mapping[str, Any]) -> dict[str, Any]:
        return {"PipelineExecutionSteps": self.executions.get(request["PipelineExecutionArn"], [])}

    def _sns_get_topic_attributes(self, request: Mapping[str, Any]) -> dict[str, Any]:
        confirmed = "0" if request["TopicArn"].rpartition(":")[2] in self.unconfirmed else "1"
        return {"Attributes": {"TopicArn": request["TopicArn"], "SubscriptionsConfirmed": confirmed}}

    def _sns_list_subscriptions_by_topic(self, request: Mapping[str, Any]) -> dict[str, Any]:
        arn = request["TopicArn"]
        if arn.rpartition(":")[2] in self.unconfirmed:
            return {"Subscriptions": []}
        return {"Subscriptions": [{"TopicArn": arn, "SubscriptionArn": f"{arn}:1", "Protocol": "email"}]}


def _when(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def _described(alarm: Alarm) -> dict[str, Any]:
    return {
        "AlarmName": alarm.name,
        "AlarmArn": f"{_ALARM_ARN}{alarm.name}",
        "AlarmDescription": alarm.description,
        "AlarmConfigurationUpdatedTimestamp": _when(alarm.changes[0][0]),
        "ActionsEnabled": True,
        "OKActions": [],
        "AlarmActions": [],
        "InsufficientDataActions": [],
        "StateValue": alarm.state,
        "StateReason": "Threshold Crossed",
        "StateReasonData": '{"version": "1.0", "recentDatapoints": [95.0], "threshold": 90.0}',
        "StateUpdatedTimestamp": _when(alarm.since),
        "StateTransitionedTimestamp": _when(alarm.since),
        "Namespace": "AWS/SageMaker",
        "MetricName": "ModelLatency",
        "Statistic": "Average",
        "Dimensions": [{"Name": "EndpointName", "Value": alarm.resource}],
        "Period": 60,
        "EvaluationPeriods": 5,
        "DatapointsToAlarm": 3,
        "Threshold": 90.0,
        "ComparisonOperator": "GreaterThanThreshold",
        "TreatMissingData": "notBreaching",
    }


def stamp(seconds: float) -> str:
    """Return a time as alarms' events write it."""
    return f"{_when(seconds):%Y-%m-%dT%H:%M:%S}.{int(seconds * 1000) % 1000:03d}+0000"


def whole(seconds: float) -> str:
    """Return a time as EventBridge writes it: it knows no parts of a second."""
    return f"{_when(seconds):%Y-%m-%dT%H:%M:%SZ}"


def change_event(alarm: Alarm, at: float, state: str, was: str, muted: Rule | None) -> dict[str, Any]:
    """Return the event of a change of an alarm's state."""
    body = event("alarm-firing" if state == "ALARM" else "alarm-cleared")
    detail = body["detail"]
    detail["alarmName"] = alarm.name
    detail["configuration"]["description"] = alarm.description
    detail["state"] |= {"value": state, "timestamp": stamp(at)}
    detail["previousState"]["value"] = was
    if muted:
        window = {"muteWindowStart": stamp(muted.begin), "muteWindowEnd": stamp(muted.end)}
        detail["muteDetail"] = {"mutedByArn": f"{_RULE_ARN}{muted.name}", **window}
    return {**body, "time": whole(at), "resources": [f"{_ALARM_ARN}{alarm.name}"]}


def deletion_event(alarm: Alarm, at: float) -> dict[str, Any]:
    """Return the event of an alarm's deletion."""
    body = event("alarm-deleted")
    detail = body["detail"]
    detail["alarmName"] = alarm.name
    detail["state"] |= {"value": alarm.state, "timestamp": stamp(alarm.since)}
    detail["configuration"] |= {
        "alarmName": alarm.name,
        "description": alarm.description,
        "timestamp": stamp(at),
    }
    return {**body, "time": whole(at), "resources": [f"{_ALARM_ARN}{alarm.name}"]}


def firing(alarms: Mapping[str, Alarm]) -> Iterator[Alarm]:
    """Yield the alarms that are in ALARM."""
    return (each for each in alarms.values() if each.state == "ALARM")
