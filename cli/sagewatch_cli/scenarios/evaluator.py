"""Judges alarms minute by minute over published data, as CloudWatch's documentation says that it does. Pure.

From the Amazon CloudWatch User Guide: "Alarm evaluation" (windows, how often), "Alarm evaluation window" (sliding, wall
clock), "Alarm warm-up periods", "Configuring how CloudWatch alarms treat missing data" and "Percentile-based alarms and
low data samples". What it leaves open is listed in docs/unproven.md.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sagewatch_cli.account.replay import Point, Rule, Verdict, judged
from sagewatch_cli.scenarios.expression import BadExpressionError, Compute, parsed
from sagewatch_cli.scenarios.samples import MetricData, MetricKey, key

_DAY = 1440
_HOUR = 60
_WALL_CLOCK = frozenset({1, 5, 60, 1440, 10080})  # minutes, "Supported periods"
_UTC = frozenset({"UTC", "Z"})  # minute 0 of the data is a Monday's midnight in it

type Request = Mapping[str, Any]
"""A PutMetricAlarm request."""


@dataclass(frozen=True, slots=True)
class Written:
    """A PutMetricAlarm of an alarm at a minute; without a request, its DeleteAlarms."""

    minute: int
    request: Request | None


@dataclass(frozen=True, slots=True)
class Metrics:
    """What a request looks at: the window statistics it reads by id, and what makes one point of them.

    `period` is in minutes.
    """

    stats: Mapping[str, tuple[MetricKey, str]]
    compute: Compute
    period: int

    @classmethod
    def of(cls, request: Request) -> Metrics:
        """Read a request: a single metric, or queries with one expression. Raises BadExpressionError."""
        if "Metrics" not in request:
            named = key(request["Namespace"], request["MetricName"], _dimensions(request.get("Dimensions", ())))
            statistic = request.get("Statistic") or request["ExtendedStatistic"]
            return cls({"m": (named, statistic)}, lambda look, back: look("m", back), _minutes(request["Period"]))
        stats, expressions, periods, watched = {}, {}, set(), []
        for query in request["Metrics"]:
            if query.get("ReturnData", True):
                watched.append(query["Id"])
            if "Expression" in query:
                expressions[query["Id"]] = parsed(query["Expression"])
                continue
            stat = query["MetricStat"]
            metric = stat["Metric"]
            named = key(metric["Namespace"], metric["MetricName"], _dimensions(metric.get("Dimensions", ())))
            stats[query["Id"]] = named, stat["Stat"]
            periods.add(_minutes(stat["Period"]))
        if len(watched) != 1:
            raise BadExpressionError(f"an alarm watches one of its queries, not {len(watched)}")
        if len(periods) != 1:
            raise BadExpressionError("an alarm's metrics have one period")
        return cls(stats, _resolved(watched[0], expressions), periods.pop())


def _dimensions(listed: Sequence[Mapping[str, str]]) -> dict[str, str]:
    return {each["Name"]: each["Value"] for each in listed}


def _minutes(seconds: int) -> int:
    if seconds % 60:
        raise BadExpressionError(f"a period of {seconds} s: high-resolution alarms are not known here")
    return seconds // 60


def _resolved(watched: str, expressions: Mapping[str, Compute]) -> Compute:
    """Return what computes a query; expressions that it names are computed in turn."""

    def compute(look: Callable[[str, int], Point], back: int) -> Point:
        def find(name: str, further: int) -> Point:
            return expressions[name](find, further) if name in expressions else look(name, further)

        return find(watched, back)

    return compute


def states(writes: Sequence[Written], data: MetricData, late: int = 0) -> list[Verdict | None]:
    """Return the state of one alarm at the end of each minute; None while there is no such alarm.

    `writes` are its puts and deletions in order. Data reach CloudWatch so many minutes `late`. An update keeps the
    state, and never starts a warm-up again ("Change or end a warm-up period").
    """
    found: list[Verdict | None] = [None] * data.minutes
    state: Verdict | None = None
    born = 0
    for number, each in enumerate(writes):
        end = writes[number + 1].minute if number + 1 < len(writes) else data.minutes
        if each.request is None:
            state = None
            continue
        if state is None:
            state, born = Verdict.UNKNOWN, each.minute
        evaluation = _Evaluation.of(each.request, data, born, late)
        for minute in range(each.minute, end):
            state = evaluation.at(minute, state)
            found[minute] = state
    return found


@dataclass(slots=True)
class _Evaluation:
    """One version of an alarm over the data."""

    rule: Rule
    """When it fires."""
    metrics: Metrics
    """What it looks at."""
    data: MetricData
    """What was published."""
    warm_until: int
    """The minute from which it is evaluated."""
    late: int
    """Minutes after which data have arrived."""
    aligned: bool
    """Whether it has a wall clock window."""
    whole: list[Point]
    """The point of the window that ends with each minute, after as many Nones as the range reaches back."""
    arriving: list[Point]
    """The same, of what has arrived by then."""

    @classmethod
    def of(cls, request: Request, data: MetricData, born: int, late: int) -> _Evaluation:
        metrics, rule = Metrics.of(request), Rule.of(request)
        window = request.get("EvaluationWindow", {}).get("WallClockWindow")
        aligned = window is not None
        if aligned and metrics.period not in _WALL_CLOCK:
            raise BadExpressionError(f"a wall clock window cannot have a period of {metrics.period} min")
        if aligned and window.get("Timezone", "UTC") not in _UTC:
            raise BadExpressionError(f"a wall clock window in {window['Timezone']}: only UTC is known here")
        ends = _warm_until(request, metrics, data, born, late)
        padding: list[Point] = [None] * (rule.reach * metrics.period)
        whole = [*padding, *_points(metrics, data, 0)]
        arriving = [*padding, *_points(metrics, data, late)] if late else whole
        return cls(rule, metrics, data, ends, late, aligned, whole, arriving)

    def at(self, minute: int, state: Verdict) -> Verdict:
        """Return the state at the end of a minute."""
        if minute < self.warm_until:
            return Verdict.UNKNOWN
        last = self._last(minute)
        if last is None or self._is_undecided(last):
            return state
        period, reach = self.metrics.period, self.rule.reach
        at = last + reach * period  # in the padded lists
        points = self.whole[at - (reach - 1) * period : at + 1 : period]
        if last > minute - self.late:
            points[-1] = self.arriving[at]
            # Windows of a minute that are no older than the delay have nothing yet; longer ones miss their end.
            for newest in range(2, (self.late - 1) // period + 2):
                points[-newest] = None
        return judged(self.rule, points, state)

    def _last(self, minute: int) -> int | None:
        """Return the last minute of the newest window, None when it is not time to evaluate."""
        span = self.metrics.period
        if self.aligned:
            # "Each evaluation looks at the data for the most recently completed clock hour."
            return (minute + 1) // span * span - 1
        if span * self.rule.periods > _DAY:
            # "Multi-day alarms are evaluated once per hour … only the metrics up to the current hour at :00."
            return minute if (minute + 1) % _HOUR == 0 else None
        return minute

    def _is_undecided(self, last: int) -> bool:
        """Tell whether too few samples stand behind a percentile, of which the alarm is to ignore them."""
        if not self.rule.enough:
            return False
        [(metric, _)] = self.metrics.stats.values()
        span = self.metrics.period * self.rule.periods
        found = self.data.windows(metric, "SampleCount", span)[last] if last >= 0 else None
        # Where there is no data at all, the rule for missing data says what to do.
        return found is not None and found < self.rule.enough


def _points(metrics: Metrics, data: MetricData, late: int) -> list[Point]:
    """Return the point of the window that ends with each minute, when its last minutes are too `late`."""
    period = metrics.period
    whole = {name: data.windows(*stat, period) for name, stat in metrics.stats.items()}
    short = {name: data.windows(*stat, period - late) for name, stat in metrics.stats.items() if period > late}

    def looking(end: int) -> Callable[[str, int], Point]:
        def look(name: str, back: int) -> Point:
            if name == "PERIOD":
                return period * 60.0
            if name not in metrics.stats:
                raise BadExpressionError(f"no query has the id {name}")
            upto = end - back * period
            if back or not late:
                return whole[name][upto] if upto >= 0 else None
            return short[name][upto - late] if name in short and upto >= late else None

        return look

    return [metrics.compute(looking(end), 0) for end in range(data.minutes)]


def _warm_until(request: Request, metrics: Metrics, data: MetricData, born: int, late: int) -> int:
    """Return the minute from which an alarm is evaluated ("Alarm warm-up periods").

    By default warm-up ends as soon as the data fill the evaluation window: 19 minutes after 10:00 for 3 × 5 minutes of
    a metric that begins at 10:04.
    """
    config = request.get("WarmUpConfiguration")
    if not config:
        return born
    ends: int = born + config["WarmUpPeriodDurationInMinutes"]
    if config.get("OnlyStartEvaluatingAfterWarmUpPeriodEnds", False):
        return ends
    began = [at for metric, _ in metrics.stats.values() if (at := data.first(metric)) is not None]
    window = metrics.period * request["EvaluationPeriods"]
    full = min(began) + window + late - 1 if began else ends
    return min(ends, max(born, full))
