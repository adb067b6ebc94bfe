"""Says in words when an alarm fires. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sagewatch.kinds.kind import Spec
from sagewatch.kinds.registry import spec
from sagewatch.model import PER_CAPACITY, Labels
from sagewatch.units import humanise

_SIGNS: Mapping[str, str] = {
    "GreaterThanThreshold": ">",
    "GreaterThanOrEqualToThreshold": "≥",
    "LessThanThreshold": "<",
    "LessThanOrEqualToThreshold": "≤",
}


def condition(alarm: Mapping[str, Any]) -> str:
    """Return what a described alarm of ours waits for: `> 90 % of 8 vCPU`."""
    labels = Labels.of(alarm.get("AlarmDescription"))
    row = spec(labels["kind"], labels["alarm"]) if labels else None
    if labels is None or row is None:
        return f"{_SIGNS[alarm['ComparisonOperator']]} {alarm['Threshold']:g}"
    return f"{_SIGNS[alarm['ComparisonOperator']]} {_limit(alarm, row, labels)}"


def _limit(alarm: Mapping[str, Any], row: Spec, labels: Labels) -> str:
    capacity = labels.get(PER_CAPACITY.get(row.unit, ""))
    return humanise(float(alarm["Threshold"]), row.unit, int(capacity) if capacity else None)


def window(alarm: Mapping[str, Any]) -> str:
    """Return for how long it must be so: `8 of 10 min`."""
    queries = alarm.get("Metrics") or ()
    period = next((query["MetricStat"]["Period"] for query in queries if "MetricStat" in query), alarm.get("Period"))
    needed, of = alarm.get("DatapointsToAlarm") or alarm["EvaluationPeriods"], alarm["EvaluationPeriods"]
    minutes = int(period or 60) // 60
    unit, each = ("h", minutes // 60) if minutes % 60 == 0 else ("min", minutes)
    return f"{of * each} {unit}" if needed == of else f"{needed * each} of {of * each} {unit}"
