"""Says in words what an alarm looks at and when it fires, and what two versions of one differ in. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sagewatch.kinds.kind import Spec
from sagewatch.kinds.registry import spec as row_named
from sagewatch.model import PER_CAPACITY, REQUEST_FIELDS, Alarm, Labels, Unit
from sagewatch.units import humanise

NOTHING = "none"
"""What stands for a value that is not there."""

_OVER: Mapping[str, str] = {
    "GreaterThanThreshold": "over",
    "GreaterThanOrEqualToThreshold": "at least",
    "LessThanThreshold": "under",
    "LessThanOrEqualToThreshold": "at most",
}
MISSING_DATA: Mapping[str, str] = {
    "notBreaching": "is well",
    "breaching": "fires",
    "ignore": "changes nothing",
    "missing": "is no data",
}
"""What an alarm makes of a period without data."""

_OF_THE_NAME = frozenset({"kind", "resource", "scope", "alarm", "rev", *PER_CAPACITY.values()})
"""Labels that repeat what the name or another word says."""
_IN_WORDS = frozenset(
    {
        "AlarmName",
        "AlarmDescription",
        "OKActions",
        "AlarmActions",
        "Namespace",
        "MetricName",
        "Statistic",
        "ExtendedStatistic",
        "Dimensions",
        "Metrics",
        "Period",
        "EvaluationPeriods",
        "DatapointsToAlarm",
        "Threshold",
        "ComparisonOperator",
        "TreatMissingData",
    }
)


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that two versions of an alarm say differently."""

    what: str
    old: str
    new: str


def differences(before: Alarm, after: Alarm) -> tuple[Difference, ...]:
    """Return what two versions of an alarm differ in; only when that is nothing else, their descriptions."""
    old, new = _said(before), _said(after)
    each = (Difference(what, old.get(what, NOTHING), new.get(what, NOTHING)) for what in dict.fromkeys((*old, *new)))
    found = {difference.what: difference for difference in each if difference.old != difference.new}
    tells, of_ok = found.get("tells"), found.get("tells of OK")
    if tells and of_ok and (tells.old, tells.new) == (of_ok.old, of_ok.new):
        del found["tells of OK"]
    return tuple(found.values()) or (Difference("text", _description(before), _description(after)),)


def condition(alarm: Alarm) -> str:
    """Say when it fires: `over 1.00 s, 3 of 5 × 1 min`."""
    return f"{_comparison(alarm.request)} {threshold(alarm)}, {periods(alarm.request)}"


def threshold(alarm: Alarm) -> str:
    """Say its threshold in the row's unit: `800 ms`, `90 % of 8 vCPU`."""
    value, labels = alarm.request.get("Threshold"), alarm.labels
    row = row_named(labels["kind"], labels["alarm"]) if labels else None
    if value is None:
        return NOTHING
    return humanise(value, row.unit, _capacity(labels, row.unit)) if labels and row else f"{value:g}"


def default(spec: Spec) -> str:
    """Say the threshold that holds until somebody chooses another: `1.00 s`, `90 % of vCPU`."""
    value = humanise(spec.threshold, spec.unit)
    return f"{value}{spec.unit.removeprefix(Unit.PERCENT)}" if spec.unit in PER_CAPACITY else value


def _capacity(labels: Labels, unit: Unit) -> int | None:
    text = labels.get(PER_CAPACITY[unit]) if unit in PER_CAPACITY else None
    return int(text) if text and text.isdigit() else None


def periods(request: Mapping[str, Any]) -> str:
    """Say how long it must last: `3 of 5 × 1 min`."""
    of = request.get("EvaluationPeriods", 1)
    read = [each["MetricStat"]["Period"] for each in request.get("Metrics", ()) if "MetricStat" in each]
    length = humanise(max((request.get("Period", 0), *read)) or 60, Unit.SECONDS)
    return length if of == 1 else f"{request.get('DatapointsToAlarm', of)} of {of} × {length}"


def _comparison(request: Mapping[str, Any]) -> str:
    operator = request.get("ComparisonOperator", NOTHING)
    return _OVER.get(operator, operator)


def _said(alarm: Alarm) -> dict[str, str]:
    request, labels = alarm.request, alarm.labels.values if alarm.labels else {}
    return {
        "severity": labels.get("severity", NOTHING),
        "threshold": threshold(alarm),
        "fires": _comparison(request),
        "periods": periods(request),
        "no data": MISSING_DATA.get(request.get("TreatMissingData", "missing"), NOTHING),
        "looks at": "; ".join(_metrics_read(request)),
        "tells": ", ".join(request.get("AlarmActions", ())) or NOTHING,
        "tells of OK": ", ".join(request.get("OKActions", ())) or NOTHING,
        **{f"label {name}": value for name, value in labels.items() if name not in _OF_THE_NAME | {"severity"}},
        **{name: str(request[name]) for name in REQUEST_FIELDS if name in request and name not in _IN_WORDS},
    }


def _metrics_read(request: Mapping[str, Any]) -> Iterator[str]:
    """Yield what it reads: each metric with its statistic and dimensions, and the expression over them."""
    if "MetricName" in request:
        statistic = request.get("Statistic") or request.get("ExtendedStatistic")
        yield _metric_words(request, statistic)
    for query in request.get("Metrics", ()):
        if "MetricStat" in query:
            yield _metric_words(query["MetricStat"]["Metric"], query["MetricStat"]["Stat"])
        else:
            yield str(query.get("Expression"))


def _metric_words(named: Mapping[str, Any], statistic: object) -> str:
    dimensions = ", ".join(f"{each['Name']}={each['Value']}" for each in named.get("Dimensions", ()))
    return f"{named.get('Namespace')} {named.get('MetricName')} {statistic} of {dimensions or 'the account'}"


def _description(alarm: Alarm) -> str:
    description: str = alarm.request.get("AlarmDescription", "")
    return description
