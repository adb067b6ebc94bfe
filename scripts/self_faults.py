"""Play what can happen to Sagewatch itself: who is told, by which path, after how long. Part of docs/operations.md.

Each fault says what AWS and the functions publish while it lasts; the alarms are those of template.yaml, judged by the
evaluator of the scenarios, data a minute late. Played at each of the five minutes between two self checks; the longest
time counts. Run: make generate
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from cfnlint.decode.cfn_yaml import load

from sagewatch_cli.account.replay import Verdict
from sagewatch_cli.scenarios.evaluator import Written, states
from sagewatch_cli.scenarios.samples import MetricData, Samples, key

TEMPLATE = Path(__file__).parents[1] / "template.yaml"
OPERATIONS = Path(__file__).parents[1] / "docs" / "operations.md"
MARKED = re.compile(r"(<!-- generated: faults -->\n).*?(<!-- end of generated -->\n)", re.DOTALL)
LATE = 1
BEFORE = 120
"""Minutes of an ordinary day before the fault."""
LASTS = 60
PHASES = range(5)
"""Minutes between a self check and the fault."""
WITHIN = 15
"""Minutes after which somebody must have been told."""

type Series = tuple[str, str, str]
"""Namespace, metric and the value of its one dimension: `("AWS/Lambda", "Errors", "Sweep")`."""
type Published = Callable[[int], float | None]
"""What is published in a minute, counted from the fault; None for nothing."""


def every(minutes: int, value: float, start: int = 0) -> Published:
    """Publish a value once in so many minutes."""
    return lambda minute: value if (minute - start) % minutes == 0 else None


def never(_minute: int) -> None:
    """Publish nothing."""


def once_at(at: int) -> Published:
    """Publish 1 in one minute."""
    return lambda minute: 1 if minute == at else None


def _heartbeat(function: str) -> dict[Series, Published]:
    return {
        ("AWS/Lambda", "Invocations", function): every(5, 1),
        ("AWS/Lambda", "Errors", function): every(5, 0),
        ("AWS/Lambda", "Throttles", function): every(5, 0),
    }


USUAL: Mapping[Series, Published] = {
    **_heartbeat("Sweep"),
    **_heartbeat("Notify"),
    ("Sagewatch", "PartsOff", "sweep"): every(5, 0),
    ("Sagewatch", "MessagesFailed", "notify"): every(5, 0),
    ("Sagewatch", "ResourcesUnwatched", "sweep"): every(15, 0),
    # A message may wait for some seconds; an empty queue publishes nothing.
    ("AWS/SQS", "ApproximateAgeOfOldestMessage", "NotifyQueue"): every(5, 20),
}
"""An ordinary night: the self check and the clock every five minutes, nothing fires, nothing fails."""


def _silent(function: str) -> dict[Series, Published]:
    return dict.fromkeys(_heartbeat(function), never)


def _broken(function: str) -> dict[Series, Published]:
    return {("AWS/Lambda", "Errors", function): every(5, 1)}


def _aging(queue: str) -> dict[Series, Published]:
    return {("AWS/SQS", "ApproximateAgeOfOldestMessage", queue): lambda minute: minute * 60}


_PARTS_OFF: Mapping[Series, Published] = {("Sagewatch", "PartsOff", "sweep"): every(5, 1)}
_NO_SWEEP_METRICS: Mapping[Series, Published] = {
    each: never for each in USUAL if each[0] == "Sagewatch" and each[2] == "sweep"
}
_NO_NOTIFY_METRICS: Mapping[Series, Published] = {
    each: never for each in USUAL if each[0] == "Sagewatch" and each[2] == "notify"
}
_TOLD_BY_FALLBACK = ("Sagewatch", "ToldByFallback", "notify")


@dataclass(frozen=True, slots=True, kw_only=True)
class SelfFault:
    """Something that happens to Sagewatch."""

    what: str
    """In words."""
    published: Mapping[Series, Published] = field(default_factory=dict)
    """What is published in another way than usual."""
    alarms: tuple[str, ...] = ()
    """Those of ALARMS that must fire; the first of them counts."""
    since: str = "the fault"
    """What the time is counted from."""
    meanwhile: str = ""
    """What is lost, or is not, until somebody mends it."""


FAULTS = (
    SelfFault(
        what="The token of Slack is revoked",
        published={_TOLD_BY_FALLBACK: once_at(0)},
        alarms=("ToldByFallback",),
        since="the first message that Slack refuses; without one, the canary's",
        meanwhile="messages go to the alerts topic",
    ),
    SelfFault(
        what="Slack is down",
        published={_TOLD_BY_FALLBACK: once_at(9), ("Sagewatch", "MessagesFailed", "notify"): every(3, 1)},
        alarms=("ToldByFallback", "NotifyFailing"),
        since="the first message",
        meanwhile="messages go to the alerts topic after six attempts, about nine minutes",
    ),
    SelfFault(
        what="The incidents table is gone, denied or throttled",
        published={("Sagewatch", "MessagesFailed", "notify"): every(5, 1)},
        alarms=("NotifyFailing",),
        meanwhile="every third attempt tells without memory; messages wait in the queue",
    ),
    SelfFault(
        what="The policy parameter cannot be read",
        published={("Sagewatch", "MessagesFailed", "notify"): every(5, 1)},
        alarms=("NotifyFailing",),
        meanwhile="the last valid policy is used where it is remembered",
    ),
    SelfFault(
        what="The key of the alerts topic is disabled",
        published={_TOLD_BY_FALLBACK: once_at(0), ("Sagewatch", "MessagesFailed", "notify"): every(5, 1)},
        alarms=("ToldByFallback", "NotifyFailing"),
        since="the first message; without one, the canary's",
        meanwhile="Slack goes on",
    ),
    SelfFault(
        what="The alerts topic is deleted",
        published={_TOLD_BY_FALLBACK: once_at(0), ("Sagewatch", "MessagesFailed", "notify"): every(5, 1)},
        alarms=("ToldByFallback", "NotifyFailing"),
        since="the first message; without one, the canary's",
        meanwhile="Slack goes on",
    ),
    SelfFault(
        what="A subscriber of the alerts topic takes no messages",
        published={("AWS/SNS", "NumberOfNotificationsFailed", "AlertsTopic"): once_at(0)},
        alarms=("TopicFailing",),
        since="the first message",
    ),
    SelfFault(
        what="The schedule of the sweep is disabled",
        published=_PARTS_OFF,
        alarms=("PartsOff",),
        meanwhile="events still bring alarms",
    ),
    SelfFault(
        what="All schedules are disabled, or the sweep function is gone",
        published={**_silent("Sweep"), **_NO_SWEEP_METRICS},
        alarms=("SweepStopped",),
        meanwhile="events still bring alarms",
    ),
    SelfFault(
        what="A rule is disabled or deleted",
        published=_PARTS_OFF,
        alarms=("PartsOff",),
        meanwhile="the sweep and the clock find what they can",
    ),
    SelfFault(
        what="The event source mapping of notify is disabled",
        published={**_PARTS_OFF, **_silent("Notify"), **_NO_NOTIFY_METRICS, **_aging("NotifyQueue")},
        alarms=("PartsOff", "NotifyStopped", "NotifyQueueAge"),
        meanwhile="messages wait for four days",
    ),
    SelfFault(
        what="The event source mapping of reconcile is disabled",
        published={**_PARTS_OFF, **_aging("ReconcileQueue")},
        alarms=("PartsOff", "ReconcileQueueAge"),
        meanwhile="messages wait for four days",
    ),
    SelfFault(
        what="The concurrency of notify is 0",
        published={
            **_silent("Notify"),
            **_NO_NOTIFY_METRICS,
            ("AWS/Lambda", "Throttles", "Notify"): every(1, 1),
            **_aging("NotifyQueue"),
        },
        alarms=("NotifyThrottles", "NotifyStopped"),
        meanwhile="messages wait, each throttled attempt counts towards the dead-letter queue",
    ),
    SelfFault(
        what="The concurrency of the sweep is 0",
        published={**_silent("Sweep"), **_NO_SWEEP_METRICS, ("AWS/Lambda", "Throttles", "Sweep"): every(1, 1)},
        alarms=("SweepThrottles", "SweepStopped"),
    ),
    SelfFault(
        what="Notify's code fails at its start",
        published={**_broken("Notify"), **_NO_NOTIFY_METRICS},
        alarms=("NotifyErrors",),
        meanwhile="messages wait",
    ),
    SelfFault(
        what="The sweep's code fails at its start",
        published={**_broken("Sweep"), **_NO_SWEEP_METRICS},
        alarms=("SweepErrors",),
    ),
    SelfFault(
        what="Reconcile's code fails at its start",
        published={("AWS/Lambda", "Errors", "Reconcile"): every(5, 1)},
        alarms=("ReconcileErrors",),
        since="the first event",
    ),
    SelfFault(
        what="Reconcile may not describe a resource any more",
        published=_aging("ReconcileQueue"),
        alarms=("ReconcileQueueAge",),
        since="the first event",
        meanwhile="its alarms stay as they are",
    ),
    SelfFault(
        what="A rule can deliver neither to its queue nor to its dead-letter queue",
        published={("AWS/Events", "FailedInvocations", "SageMakerOutcomes"): once_at(0)},
        alarms=("SageMakerOutcomesFailing",),
        since="the first event that is lost",
    ),
    SelfFault(
        what="The message of the canary does not arrive, for whatever reason",
        published={("Sagewatch", "CanaryLost", "sweep"): once_at(4)},
        alarms=("CanaryLost",),
        since="the flip, after a deployment or once a day",
    ),
    SelfFault(
        what="80 % of the alarms that the account may have are there",
        published={("Sagewatch", "AlarmQuotaUsed", "sweep"): lambda minute: 85 if minute == 0 else None},
        alarms=("AlarmQuota",),
        since="the next full sweep, once a day and after each deployment",
        meanwhile="nothing yet; at 100 % alarms are refused with that reason",
    ),
)

OTHERS = (
    (
        "An operation is missing in the Region, or one list is denied",
        "the default route, as a notice: resources of that kind cannot be listed",
        "the next sweep, 15 min at most",
        "the sweep goes on with all other kinds",
    ),
    (
        "A message could not be handled for good",
        "operators' topic and alerts topic, by the alarm on the dead-letter queue",
        "a minute after the last attempt",
        "it stays in the dead-letter queue for 14 days",
    ),
    (
        "Some resources have no alarms",
        "operators' topic, by UnwatchedAlarm",
        "an hour of sweeps that find some",
        "`sagewatch coverage` names them",
    ),
    (
        "CloudWatch refuses alarms",
        "the routes for `severity: warning`, as a notice with the reason; operators' topic and alerts topic, by "
        "AlarmsRefusedAlarm",
        "the look that wanted them; the alarm an hour later: CloudWatch judges windows longer than a day hourly",
        "the others are there, these are tried once a day",
    ),
    (
        "CloudTrail logs no management events",
        "nobody",
        "–",
        "kinds without state change events are found by the sweep, tags are read once a day",
    ),
)
"""What no alarm of the table can be played for: told by another path, or slower."""


def request(alarm: str) -> dict[str, Any]:
    """Return the PutMetricAlarm request of an alarm of template.yaml, with logical ids in place of names."""
    properties = _template()["Resources"][f"{alarm}Alarm"]["Properties"]
    actions = {"AlarmActions", "OKActions", "AlarmDescription"}
    return {name: _logical(each) for name, each in properties.items() if name not in actions}


@cache
def _template() -> dict[str, Any]:
    return json.loads(json.dumps(load(str(TEMPLATE))))  # type: ignore[no-any-return]


def _logical(value: Any) -> Any:
    """Return a value with what it refers to as a logical id: `{"Fn::GetAtt": ["NotifyQueue", "QueueName"]}`."""
    match value:
        case {"Ref": str(name)} | {"Fn::GetAtt": [str(name), _]}:
            return name
        case dict():
            return {name: _logical(each) for name, each in value.items()}
        case list():
            return [_logical(each) for each in value]
    return value


_DIMENSIONS = {
    "AWS/Lambda": "FunctionName",
    "AWS/SQS": "QueueName",
    "AWS/SNS": "TopicName",
    "AWS/Events": "RuleName",
    "Sagewatch": "service",
}


def data_of(fault: SelfFault | None, phase: int) -> MetricData:
    """Return what is published before and during a fault that begins so many minutes after a self check."""
    data = MetricData(BEFORE + LASTS)
    happening = fault.published if fault else {}
    for series in {*USUAL, *happening}:
        namespace, metric, value = series
        named = key(namespace, metric, {_DIMENSIONS[namespace]: value})
        usual = USUAL.get(series, never)
        for minute in range(BEFORE + LASTS):
            since = minute - BEFORE
            # What beats every five minutes goes on beating at the same minutes; the rest counts from the fault.
            is_beat = series in USUAL
            now = happening.get(series, usual) if since >= 0 else usual
            sent = now(since + phase if is_beat else since)
            if sent is not None:
                data.add(named, minute, Samples.of({float(sent): 1}))
    return data


def firing(fault: SelfFault | None, phase: int, alarms: Iterable[str]) -> dict[str, int]:
    """Return which of the alarms fire, and how many minutes after the fault (negative: before it)."""
    data, found = data_of(fault, phase), {}
    for alarm in alarms:
        judged = states([Written(0, request(alarm))], data, LATE)
        # The first half hour has no history: what fires for want of it is no alarm of an ordinary day.
        minutes = [minute for minute, state in enumerate(judged) if minute >= 30 and state is Verdict.ALARM]
        if minutes:
            found[alarm] = minutes[0] - BEFORE
    return found


def told_after(fault: SelfFault) -> tuple[str, int]:
    """Return which of the fault's alarms comes first, and the most minutes until one of them does.

    Raise AssertionError when none comes, or one comes before the fault.
    """
    worst, name = 0, ""
    for phase in PHASES:
        fired = firing(fault, phase, fault.alarms)
        assert fired, f"{fault.what}: nobody is told, {phase} minutes after a self check"
        assert min(fired.values()) >= 0, f"{fault.what}: {fired} before it"
        first = min(fired, key=lambda each: fired[each])
        if fired[first] + 1 > worst:
            worst, name = fired[first] + 1, first
    return name, worst


def rendered() -> Iterator[str]:
    """Yield the lines of the table."""
    yield "| what happens | who is told | after, at most | meanwhile |"
    yield "|---|---|--:|---|"
    for fault in FAULTS:
        name, minutes = told_after(fault)
        since = "" if fault.since == "the fault" else f" from {fault.since}"
        yield f"| {fault.what} | operators' topic, by {name}Alarm | {minutes} min{since} | {fault.meanwhile or '–'} |"
    for what, who, after, meanwhile in OTHERS:
        yield f"| {what} | {who} | {after} | {meanwhile} |"


def filled(page: str) -> str:
    """Return docs/operations.md with the table as it should be."""
    table = "\n".join(rendered())
    text, times = MARKED.subn(lambda found: f"{found[1]}\n{table}\n\n{found[2]}", page)
    if times != 1:
        raise SystemExit(f"docs/operations.md has {times} marks of the table of faults, and should have one")
    return text
