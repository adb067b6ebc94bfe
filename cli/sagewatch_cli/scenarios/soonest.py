"""Says of each row what it needs to fire and how soon it can: everything breaks at once, and the evaluator judges.

The answers are of a row as the catalogue has it, data without delay, warm-up over.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache

from sagewatch.kinds.kind import Metric, Spec
from sagewatch.model import Labels, Ref, Scope, Severity, Unit
from sagewatch.policy.rules import DEFAULT
from sagewatch.watch.request import alarm_of
from sagewatch_cli.account.replay import Verdict
from sagewatch_cli.scenarios.evaluator import Written, states
from sagewatch_cli.scenarios.samples import MetricData, Samples, key

_BUSY = 1000
"""Requests a minute that are enough for every row."""

_ALL = frozenset({"requests", "calls"})
"""Ids of counts of all requests."""

_HARMLESS = frozenset({"refused"})
"""Ids of counts that stay 0 when everything breaks: they are taken off the errors."""


@dataclass(frozen=True, slots=True)
class Need:
    """What a row needs: so many requests, or values, in each of its periods; and after how many minutes it fires."""

    number: int
    minutes: int


def need_of(spec: Spec) -> Need:
    """Return what a row needs to fire, at the least, and how long that takes at the soonest (minutes)."""
    alike = replace(
        spec, id="row", title="row", level="scope", severity=Severity.INFO, needs=(), warm_up=0, why="", do="", note=""
    )
    if not _counts(spec):
        # Any value beyond the threshold will do, so rows that look at as many periods are judged once.
        [metric] = spec.metrics
        one = Metric("namespace", "metric", metric.statistic)
        alike = replace(alike, metrics=(one,), expression=None, across=None, threshold=1, unit=Unit.COUNT)
    return _need(alike)


@cache
def _need(spec: Spec) -> Need:
    soonest = _fires(spec, _BUSY)
    each_period = range(1, _BUSY) if _counts(spec) else range(1, 2)
    fewest = next((each for each in each_period if _fires(spec, each * 60 / spec.period) is not None), None)
    if soonest is None or fewest is None:
        raise ValueError(f"no data make this fire: {spec}")
    return Need(fewest, soonest)


def _counts(spec: Spec) -> bool:
    """Tell whether a row weighs several metrics, by how many requests there were."""
    return spec.expression is not None and len(spec.metrics) > 1


def _fires(spec: Spec, rate: float) -> int | None:
    """Return after how many minutes it fires when all of so many requests a minute go wrong; None when it does not."""
    ref, scope = Ref("kind", "one"), Scope(level=spec.level, name="one", series=({"Name": "one"},))
    request = alarm_of("sagewatch", ref, spec, scope, Labels({}), DEFAULT).request
    window = spec.period // 60 * spec.periods
    begin, minutes = window + 60, 3 * window + 120
    metrics = {key(each.namespace, each.name, {"Name": "one"}): each for each in reversed(spec.metrics)}
    data = MetricData(minutes)
    for at in range(minutes):
        number = int((at + 1) * rate) - int(at * rate)
        for named, metric in metrics.items():
            data.add(named, at, _samples(spec, metric, number, broken=at >= begin))
    found = states([Written(0, request)], data)
    return next((at + 1 - begin for at in range(begin, minutes) if found[at] is Verdict.ALARM), None)


def _samples(spec: Spec, metric: Metric, number: int, *, broken: bool) -> Samples | None:
    """Return a minute of a metric: a 1 or 0 for each request where the row counts several, else one value."""
    if not _counts(spec):
        over, under = 2 * spec.threshold, 0.0
        bad, good = (over, under) if spec.comparison.startswith("Greater") else (under, over)
        return Samples.of({bad if broken else good: 1.0})
    if metric.id in _ALL:
        return Samples.of({1.0: number})
    if metric.id in _HARMLESS or not broken:
        return Samples.of({0.0: number})
    return Samples.of({1.0 if metric.id == "errors" else 2 * spec.threshold: number})
