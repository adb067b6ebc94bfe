"""Replays how CloudWatch would have judged an alarm over past data points, as its documentation says it does. Pure."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from typing import Any, Self

type Point = float | None
"""What a metric was in one period; None when there is no data."""

EXTRA = 2
"""Periods that CloudWatch looks further back for data: its documentation shows five for an alarm of three, no more."""

_BREACHES: Mapping[str, Callable[[float, float], bool]] = {
    "GreaterThanThreshold": operator.gt,
    "GreaterThanOrEqualToThreshold": operator.ge,
    "LessThanThreshold": operator.lt,
    "LessThanOrEqualToThreshold": operator.le,
}


class Verdict(StrEnum):
    """The state of an alarm, in CloudWatch's words."""

    OK = "OK"
    ALARM = "ALARM"
    UNKNOWN = "INSUFFICIENT_DATA"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """When an alarm fires: `datapoints` of `periods`; below `enough` samples, a percentile decides nothing.

    `extra` are the periods that are looked at beyond `periods` when data are missing; none for a wall clock window.
    """

    comparison: str
    threshold: float
    periods: int
    datapoints: int
    missing: str
    enough: float = 0
    extra: int = EXTRA

    @classmethod
    def of(cls, request: Mapping[str, Any]) -> Self:
        """Return the rule in a PutMetricAlarm request."""
        ignores_few = request.get("EvaluateLowSampleCountPercentile") == "ignore"
        return cls(
            comparison=request["ComparisonOperator"],
            threshold=request["Threshold"],
            periods=request["EvaluationPeriods"],
            datapoints=request.get("DatapointsToAlarm", request["EvaluationPeriods"]),
            missing=request.get("TreatMissingData", "missing"),
            enough=samples_needed(request.get("ExtendedStatistic", "")) if ignores_few else 0,
            # CloudWatch User Guide, "Configuring how CloudWatch alarms treat missing data": a wall clock window
            # retrieves "exactly the data points in the aligned window".
            extra=0 if "WallClockWindow" in request.get("EvaluationWindow", {}) else EXTRA,
        )

    @property
    def upwards(self) -> bool:
        """Tell whether it fires on high values."""
        return self.comparison.startswith("Greater")

    @property
    def reach(self) -> int:
        """Return how many periods CloudWatch looks at."""
        return self.periods + self.extra

    def is_breached(self, value: float) -> bool:
        """Tell whether a value is beyond the threshold."""
        return _BREACHES[self.comparison](value, self.threshold)


def samples_needed(statistic: str) -> float:
    """Return the samples that a percentile (`p99`) needs to be judged: ten beyond it. Nothing for other statistics."""
    if not statistic.startswith("p"):
        return 0
    share = float(statistic[1:]) / 100
    return round(10 / (1 - share if share >= 0.5 else share), 6) if 0 < share < 1 else 0


def judged(rule: Rule, points: Sequence[Point], before: Verdict) -> Verdict:
    """Return the state that an evaluation of the range ends in; `before` is the state until then.

    CloudWatch takes the newest real points of the range, and fills up with missing ones only when they are too few.
    """
    real = [rule.is_breached(point) for point in points if point is not None][-rule.periods :]
    filled = rule.periods - len(real) if rule.missing == "breaching" else 0
    if sum(real) + filled >= rule.datapoints:
        return Verdict.ALARM
    if rule.missing in ("breaching", "notBreaching") or not all(real):
        return Verdict.OK
    if not real:
        return before if rule.missing == "ignore" else Verdict.UNKNOWN
    # All that there is breaches, and it is less than it takes: "premature alarm state" in the documentation.
    if rule.missing == "ignore":
        return before
    return Verdict.ALARM if _is_old_enough(rule, points) else Verdict.OK


def _is_old_enough(rule: Rule, points: Sequence[Point]) -> bool:
    oldest = next(index for index, point in enumerate(points) if point is not None)
    return len(points) - oldest >= rule.datapoints


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """What an alarm looked at, one point for each `period` (s) from `begin` (s since 1970) on.

    The first `lead` points are from before the time that is replayed: the first evaluation looks back at them.
    `samples` are how many values stand behind each point, where that matters.
    """

    begin: int
    period: int
    points: tuple[Point, ...]
    samples: tuple[float, ...] = ()
    lead: int = 0


@dataclass(frozen=True, slots=True)
class Episode:
    """One time that an alarm would have fired, in seconds; it may go on at the end."""

    begin: int
    seconds: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    """What an alarm would have done; `seconds` were replayed, in `covered` of them there was data.

    In `undecided` of them there were too few samples for a percentile, which leaves the alarm as it was.
    """

    episodes: tuple[Episode, ...]
    seconds: int
    covered: int
    undecided: int = 0

    @property
    def firing(self) -> int:
        """Return the seconds of all episodes."""
        return sum(each.seconds for each in self.episodes)

    @property
    def longest(self) -> int:
        """Return the seconds of the longest episode."""
        return max((each.seconds for each in self.episodes), default=0)

    @property
    def share(self) -> float:
        """Return the part of the time in which it would have fired."""
        return self.firing / self.seconds if self.seconds else 0


def replay(rule: Rule, series: Series) -> Replay:
    """Judge every period in turn, as CloudWatch would have."""
    states = tuple(_states(rule, series))[series.lead :]
    points = series.points[series.lead :]
    few = sum(_is_undecided(rule, series, at) for at in range(series.lead, len(series.points)))
    return Replay(
        episodes=tuple(_episodes(states, series.begin + series.lead * series.period, series.period)),
        seconds=len(points) * series.period,
        covered=sum(point is not None for point in points) * series.period,
        undecided=few * series.period,
    )


def _states(rule: Rule, series: Series) -> Iterator[Verdict]:
    """Yield the state after each period; before there is a whole range, nothing is known."""
    state = Verdict.UNKNOWN
    for at in range(len(series.points)):
        if at + 1 >= rule.reach and not _is_undecided(rule, series, at):
            state = judged(rule, series.points[at + 1 - rule.reach : at + 1], state)
        yield state


def _is_undecided(rule: Rule, series: Series, at: int) -> bool:
    if not rule.enough or not series.samples:
        return False
    looked_at = slice(max(0, at + 1 - rule.periods), at + 1)
    # Where there is no data at all, the rule for missing data says what to do.
    return 0 < sum(series.samples[looked_at]) < rule.enough


def _episodes(states: Sequence[Verdict], begin: int, period: int) -> Iterator[Episode]:
    firing = [False, *(state is Verdict.ALARM for state in states), False]
    edges = [at for at, (one, next_) in enumerate(pairwise(firing)) if one != next_]
    for start, end in zip(edges[::2], edges[1::2], strict=True):
        yield Episode(begin + start * period, (end - start) * period)
