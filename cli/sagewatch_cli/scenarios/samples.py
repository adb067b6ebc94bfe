"""Keeps data points as CloudWatch does, as sets of samples by minute, and computes statistics over any window. Pure.

Statistics: Amazon CloudWatch User Guide, "CloudWatch statistics definitions". Percentiles need the single values: they
"are not available" for a statistic set unless its samples are all alike.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import accumulate

type MetricKey = tuple[str, str, frozenset[tuple[str, str]]]
"""Namespace, name and the exact dimensions: `("AWS/SageMaker", "Invocations", frozenset({("EndpointName", "a")}))`."""


_NOTHING = 1e-9
"""Differences of running counts that are smaller are rounding."""


@dataclass(frozen=True, slots=True)
class Samples:
    """What was sent of one metric in one minute; `values` say how often each value was sent, where that is known."""

    count: float
    total: float
    low: float
    high: float
    values: Mapping[float, float] | None = None

    @classmethod
    def of(cls, values: Mapping[float, float]) -> Samples | None:
        """Return them of single values and how often each was sent: `{0.0: 58, 1.0: 2}`; None when there are none."""
        sent = values if all(times > 0 for times in values.values()) else {v: n for v, n in values.items() if n > 0}
        if len(sent) < 2:
            return next((cls(times, value * times, value, value, sent) for value, times in sent.items()), None)
        return cls(sum(sent.values()), sum(value * times for value, times in sent.items()), min(sent), max(sent), sent)

    def joined(self, other: Samples) -> Samples:
        """Return both as one set."""
        return Samples(
            self.count + other.count,
            self.total + other.total,
            min(self.low, other.low),
            max(self.high, other.high),
            _added(self.values, other.values),
        )


def _added(one: Mapping[float, float] | None, other: Mapping[float, float] | None) -> Mapping[float, float] | None:
    if one is None or other is None:
        return None
    return {value: one.get(value, 0) + other.get(value, 0) for value in {*one, *other}}


def key(namespace: str, name: str, dimensions: Mapping[str, str]) -> MetricKey:
    """Return what identifies a metric."""
    return namespace, name, frozenset(dimensions.items())


@dataclass(slots=True)
class MetricData:
    """Everything that was published in a span of `minutes`, by metric and minute (from 0)."""

    minutes: int
    series: dict[MetricKey, list[Samples | None]] = field(default_factory=dict)
    _windows: dict[tuple[MetricKey, str, int], list[float | None]] = field(default_factory=dict)

    def add(self, metric: MetricKey, minute: int, samples: Samples | None) -> None:
        """Publish samples of a metric in a minute, beside those that are there."""
        if samples is None:
            return
        line = self.series.setdefault(metric, [None] * self.minutes)
        there = line[minute]
        line[minute] = there.joined(samples) if there else samples

    def listed(self, minute: int) -> Iterable[MetricKey]:
        """Yield the metrics that had data before the minute."""
        return (metric for metric, line in self.series.items() if any(line[:minute]))

    def first(self, metric: MetricKey) -> int | None:
        """Return the first minute with data."""
        return next((at for at, each in enumerate(self.series.get(metric, ())) if each), None)

    def windows(self, metric: MetricKey, statistic: str, length: int) -> list[float | None]:
        """Return the statistic of the last `length` minutes at the end of each minute; None where there was no data."""
        asked = metric, statistic, length
        if asked not in self._windows:
            self._windows[asked] = self._computed(*asked)
        return self._windows[asked]

    def window(self, metric: MetricKey, statistic: str, begin: int, end: int) -> float | None:
        """Return the statistic of minutes `begin` to `end`, without `end`."""
        line = self.series.get(metric)
        sent = [each for each in line[max(0, begin) : max(0, end)] if each] if line else []
        return _statistic(sent, statistic) if sent else None

    def _computed(self, metric: MetricKey, statistic: str, length: int) -> list[float | None]:
        line = self.series.get(metric)
        if line is None:
            return [None] * self.minutes
        if statistic not in {"Sum", "SampleCount", "Average"}:
            return [self.window(metric, statistic, at + 1 - length, at + 1) for at in range(self.minutes)]
        totals = list(accumulate((each.total if each else 0.0 for each in line), initial=0.0))
        counts = list(accumulate((each.count if each else 0.0 for each in line), initial=0.0))
        spans = [(max(0, at + 1 - length), at + 1) for at in range(self.minutes)]
        sums = ((totals[end] - totals[begin], counts[end] - counts[begin]) for begin, end in spans)
        kept = [(total, count) if count > _NOTHING else None for total, count in sums]
        if statistic == "Average":
            return [None if each is None else each[0] / each[1] for each in kept]
        return [None if each is None else each[statistic == "SampleCount"] for each in kept]


def _statistic(sent: list[Samples], statistic: str) -> float | None:
    match statistic:
        case "Maximum":
            return max(each.high for each in sent)
        case "Minimum":
            return min(each.low for each in sent)
        case "Sum":
            return sum(each.total for each in sent)
        case "SampleCount":
            return sum(each.count for each in sent)
        case "Average":
            return sum(each.total for each in sent) / sum(each.count for each in sent)
    if not (statistic.startswith("p") and statistic[1:].replace(".", "", 1).isdigit()):
        raise ValueError(f"statistic {statistic} is not known here")
    return _percentile(sent, float(statistic[1:]) / 100)


def _percentile(sent: list[Samples], share: float) -> float | None:
    """Return the value that this share of the samples does not exceed: p90 of 1 … 100 is 90."""
    values: dict[float, float] = {}
    for each in sent:
        if each.values is None and each.low != each.high:
            return None
        values = dict(_added(values, each.values if each.values is not None else {each.low: each.count}) or {})
    rank, passed = share * sum(values.values()) - 1e-9, 0.0
    for value in sorted(values):
        passed += values[value]
        if passed >= rank:
            return value
    return max(values)
