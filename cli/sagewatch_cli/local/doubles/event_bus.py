"""Plays EventBridge for `aws.*` sources, which PutEvents refuses: deployed rules, their patterns, their targets.

Patterns are judged by ministack's TestEventPattern. A target that EventBridge could not reach (its queue's policy
does not name the rule, say) gets its event into its dead-letter queue, at once: AWS would try again for a day first.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, Protocol

from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from mypy_boto3_events import EventBridgeClient
    from mypy_boto3_events.type_defs import RuleTypeDef, TargetOutputTypeDef
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_sqs import SQSClient

type BusEvent = dict[str, Any]
"""An event as EventBridge delivers it: `source`, `detail-type`, `detail` …"""

PRINCIPAL = "events.amazonaws.com"


class TargetUnreachable(Exception):
    """A target that EventBridge could not deliver to, and why."""


@dataclass(frozen=True, slots=True)
class TargetDelivery:
    """Where an event went: the rule, the target, and why not there but into the dead-letter queue, if so."""

    rule: str
    target: str
    failure: str | None = None


class TakesEvents(Protocol):
    """Whatever takes an event and says where it went."""

    def put_event(self, event: BusEvent) -> tuple[TargetDelivery, ...]:
        """Deliver an event."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EventBus:
    """The account's default event bus."""

    events: EventBridgeClient
    sqs: SQSClient
    functions: LambdaClient
    schedules: Any  # EventBridge Scheduler

    def put_event(self, event: BusEvent) -> tuple[TargetDelivery, ...]:
        """Deliver an event to every target of every rule that matches it."""
        return tuple(
            self._deliver(rule, target, event) for rule in self._matching(event) for target in self._targets(rule)
        )

    def run_schedule(self, name: str) -> tuple[TargetDelivery, ...]:
        """Deliver at once what the scheduled rule of that name sends, or else the schedule of that name."""
        rule = next((each for each in self._rules() if each["Name"] == name), None)
        if rule is None:
            target = self.schedules.get_schedule(Name=name)["Target"]
            self._send(name, target["Arn"], target.get("Input", "{}"))
            return (TargetDelivery(name, target["Arn"]),)
        if "ScheduleExpression" not in rule:
            raise TargetUnreachable(f"{name} has no schedule")
        event = {"source": "aws.events", "detail-type": "Scheduled Event", "resources": [rule["Arn"]], "detail": {}}
        return tuple(self._deliver(rule, target, event) for target in self._targets(rule))

    def _rules(self) -> Iterator[RuleTypeDef]:
        for page in self.events.get_paginator("list_rules").paginate():
            yield from (rule for rule in page["Rules"] if rule["State"] == "ENABLED")

    def _matching(self, event: BusEvent) -> Iterator[RuleTypeDef]:
        return (rule for rule in self._rules() if self._matches(rule.get("EventPattern"), event))

    def _matches(self, pattern: str | None, event: BusEvent) -> bool:
        # A rule without a pattern is a schedule.
        if not pattern:
            return False
        return self.events.test_event_pattern(EventPattern=pattern, Event=json.dumps(event))["Result"]

    def _targets(self, rule: RuleTypeDef) -> Iterator[TargetOutputTypeDef]:
        for page in self.events.get_paginator("list_targets_by_rule").paginate(Rule=rule["Name"]):
            yield from page["Targets"]

    def _deliver(self, rule: RuleTypeDef, target: TargetOutputTypeDef, event: BusEvent) -> TargetDelivery:
        content = payload(target, event, rule["Arn"])
        try:
            self._send(rule["Arn"], target["Arn"], content)
        except (TargetUnreachable, ClientError) as failure:
            if dead_letters := target.get("DeadLetterConfig", {}).get("Arn"):
                self._to_queue(rule["Arn"], dead_letters, content)
            return TargetDelivery(rule["Name"], target["Arn"], str(failure))
        return TargetDelivery(rule["Name"], target["Arn"])

    def _send(self, rule: str, target: str, content: str) -> None:
        service = target.split(":")[2]
        if service == "sqs":
            self._to_queue(rule, target, content)
        elif service == "lambda":
            self.functions.invoke(FunctionName=target, InvocationType="Event", Payload=content)
        else:
            raise TargetUnreachable(f"the local bus delivers to queues and functions, not to {target}")

    def _to_queue(self, rule: str, arn: str, content: str) -> None:
        url = self.sqs.get_queue_url(QueueName=arn.rpartition(":")[2])["QueueUrl"]
        attributes = self.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["Policy"]).get("Attributes", {})
        if not may_send(json.loads(attributes.get("Policy", "{}")), rule, arn):
            raise TargetUnreachable(f"the policy of {arn} does not let {rule} send to it")
        self.sqs.send_message(QueueUrl=url, MessageBody=content)


def may_send(policy: Mapping[str, Any], rule: str, queue: str) -> bool:
    """Tell whether a queue's policy lets EventBridge send on behalf of a rule."""
    return any(_allows(statement, rule, queue) for statement in policy.get("Statement", ()))


def _allows(statement: Mapping[str, Any], rule: str, queue: str) -> bool:
    conditions = statement.get("Condition", {})
    sources = [*_each(conditions.get("ArnEquals", {})), *_each(conditions.get("ArnLike", {}))]
    return (
        statement["Effect"] == "Allow"
        and (statement["Principal"] == "*" or PRINCIPAL in _list(statement["Principal"].get("Service", ())))
        and "sqs:SendMessage" in _list(statement["Action"])
        and queue in _list(statement["Resource"])
        and (not sources or any(fnmatchcase(rule, source) for source in sources))
    )


def _each(condition: Mapping[str, Any]) -> list[str]:
    return [source for key, value in condition.items() if key.lower() == "aws:sourcearn" for source in _list(value)]


def _list(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else list(value)


def payload(target: TargetOutputTypeDef | Mapping[str, Any], event: BusEvent, rule: str = "") -> str:
    """Return what a target gets of an event: a constant, a part, a template filled in, or all of it."""
    if "Input" in target:
        return str(target["Input"])
    if "InputPath" in target:
        return json.dumps(_at(target["InputPath"], event))
    if "InputTransformer" in target:
        transformer = target["InputTransformer"]
        values = {name: _at(path, event) for name, path in transformer.get("InputPathsMap", {}).items()}
        reserved = {"aws.events.event.json": event, "aws.events.rule-arn": rule}
        return _filled(transformer["InputTemplate"], {**values, **reserved})
    return json.dumps(event)


def _at(path: str, event: BusEvent) -> Any:
    found: Any = event
    for name in path.removeprefix("$").strip(".").split("."):
        if name:
            found = found.get(name) if isinstance(found, dict) else None
    return found


def _filled(template: str, values: Mapping[str, Any]) -> str:
    def fill(placeholder: re.Match[str]) -> str:
        value = values.get(placeholder["name"])
        quoted = template[: placeholder.start()].count('"') % 2 == 1
        if quoted:
            # Within quotes a string stands without quotes of its own.
            return value if isinstance(value, str) else json.dumps(value)
        return json.dumps(value)

    return re.sub(r"<(?P<name>[\w.-]+)>", fill, template)
