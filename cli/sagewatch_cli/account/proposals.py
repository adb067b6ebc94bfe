"""Decides which alarms are too noisy for a resource, or could never fire, and which threshold would suit it. Pure.

Noisy is what would have fired more than once a day, or more than 5 % of the time. For that, the nearest round threshold
beyond the present one is proposed with which it would have fired at most once in seven days and 1 % of the time.

Deaf is what never fired, with all data a fifth of the threshold away. For that, the first round threshold is proposed
that is half as far again as the 99.9th percentile of the data and would not have fired. A share of a whole is never
deaf: 90 % full means the same to everybody. Nor is silence of errors, which are 0.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cache
from itertools import groupby
from typing import Any

import yaml

from sagewatch.model import Ref, Unit
from sagewatch.policy.cascade import TAG
from sagewatch.policy.rules import WARNING, row_id
from sagewatch.units import parse
from sagewatch_cli.account.replay import Replay, Rule, Series, replay

DAY = 86_400
_NOISY, _CALM = 0.05, 0.01
_CALM_DAYS = 7
_DEAF = 5
_HEADROOM = 1.5
_RARE = 0.999
_STEPS = (1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8)
_SECONDS: Mapping[Unit, float] = {Unit.MICROSECONDS: 1e-6, Unit.MILLISECONDS: 1e-3, Unit.SECONDS: 1}


class AlarmFit(StrEnum):
    """How an alarm suits the resource."""

    FITS = "fits"
    NOISY = "noisy"
    DEAF = "deaf"
    DEAD = "no data"


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """One alarm and the data that it would have looked at."""

    alarm: str
    """Its id in the catalogue."""
    scope: str
    """The variant, host, step … that it watches."""
    title: str
    """The row's title."""
    unit: Unit
    """The unit that the row counts its threshold in."""
    scale: int
    """How many units of the metric one unit of the row is: 8 for a share of 8 vCPU."""
    rule: Rule
    """When it fires."""
    series: Series
    """The data."""

    @property
    def threshold(self) -> float:
        """Return the threshold as the row counts it."""
        return self.rule.threshold / self.scale

    @property
    def values(self) -> tuple[float, ...]:
        """Return the data of the time that is replayed."""
        return tuple(point for point in self.series.points[self.series.lead :] if point is not None)

    @property
    def peak(self) -> float | None:
        """Return the value that was closest to the threshold, or furthest beyond; None when there is no data."""
        return (max if self.rule.upwards else min)(self.values, default=None)

    def at(self, threshold: float) -> Replay:
        """Return what it would have done with another threshold of its row."""
        return replay(replace(self.rule, threshold=float(threshold * self.scale)), self.series)


@dataclass(frozen=True, slots=True)
class ReplayedAlarm:
    """What an alarm would have done, and how that suits."""

    trial: Trial
    replay: Replay
    fit: AlarmFit


@dataclass(frozen=True, slots=True)
class ThresholdProposal:
    """Another threshold for an alarm in all its scopes, and what it would have done; no `text` when none would help."""

    alarm: str
    unit: Unit
    text: str | None
    replays: tuple[Replay, ...] = ()

    @property
    def tag(self) -> str:
        """Return the resource's tag that says the same."""
        return f"{TAG}{self.alarm}={self.text}"


def outcome(trial: Trial) -> ReplayedAlarm:
    """Replay an alarm as it would be, and judge it."""
    found = replay(trial.rule, trial.series)
    return ReplayedAlarm(trial, found, _fit_of(trial, found))


def _fit_of(trial: Trial, found: Replay) -> AlarmFit:
    peak = trial.peak
    if peak is None:
        return AlarmFit.DEAD
    if len(found.episodes) * DAY > found.seconds or found.share > _NOISY:
        return AlarmFit.NOISY
    return AlarmFit.DEAF if not found.episodes and _is_far(trial, peak) else AlarmFit.FITS


def _is_far(trial: Trial, peak: float) -> bool:
    if trial.unit not in _SECONDS and trial.unit is not Unit.COUNT:
        return False
    limit = trial.rule.threshold
    return 0 < peak * _DEAF < limit if trial.rule.upwards else 0 < limit * _DEAF < peak


def is_calm(found: Replay) -> bool:
    """Tell whether a proposed threshold keeps quiet enough."""
    most = math.ceil(found.seconds / (_CALM_DAYS * DAY))
    return len(found.episodes) <= most and found.share <= _CALM


def proposals(outcomes: Iterable[ReplayedAlarm]) -> Iterator[ThresholdProposal]:
    """Yield a proposal for each alarm that does not suit; one threshold holds for all scopes, as in tags and policy."""
    by_alarm = sorted(outcomes, key=lambda each: each.trial.alarm)
    for alarm, several in groupby(by_alarm, key=lambda each: each.trial.alarm):
        alive = tuple(each for each in several if each.fit is not AlarmFit.DEAD)
        trials = tuple(each.trial for each in alive)
        if any(each.fit is AlarmFit.NOISY for each in alive):
            yield _proposal(alarm, trials, _calmer(trials))
        elif any(each.fit is AlarmFit.DEAF for each in alive) and (text := _nearer(trials)):
            yield _proposal(alarm, trials, text)


def _proposal(alarm: str, trials: Sequence[Trial], text: str | None) -> ThresholdProposal:
    unit = trials[0].unit
    return ThresholdProposal(alarm, unit, text, tuple(each.at(parse(text, unit)) for each in trials) if text else ())


def _calmer(trials: Sequence[Trial]) -> str | None:
    """Return the nearest round threshold with which all are calm."""
    first = trials[0]
    beyond = [each for each in _outwards(first) if _is_beyond(first, parse(each, first.unit), first.threshold)]

    def replays(text: str) -> Iterator[Replay]:
        return (each.at(parse(text, each.unit)) for each in trials)

    # Further out, the time in which it fires can only be less; how often it begins to fire can be more.
    brief = bisect_left(beyond, True, key=lambda text: all(found.share <= _CALM for found in replays(text)))
    return next((text for text in beyond[brief:] if all(map(is_calm, replays(text)))), None)


def _nearer(trials: Sequence[Trial]) -> str | None:
    """Return the first round threshold with headroom over the data of all; None when that is no nearer.

    Scopes in which there was nothing but 0 have no say in where it is.
    """
    first = trials[0]
    limits = [_with_headroom(each) for each in trials if each.peak]
    limit = max(limits) if first.rule.upwards else min(limits)
    for text in _outwards(first):
        value = parse(text, first.unit)
        if not _is_beyond(first, first.threshold, value):
            return None
        if not _is_beyond(first, limit, value) and not any(each.at(value).episodes for each in trials):
            return text
    return None


def _is_beyond(trial: Trial, one: float, other: float) -> bool:
    return one > other if trial.rule.upwards else one < other


def _with_headroom(trial: Trial) -> float:
    ordered = sorted(trial.values, reverse=not trial.rule.upwards)
    rare = ordered[math.ceil(_RARE * len(ordered)) - 1] / trial.scale
    return round(rare * _HEADROOM if trial.rule.upwards else rare / _HEADROOM, 6)


def _outwards(trial: Trial) -> tuple[str, ...]:
    """Return the round thresholds, from those that fire most to those that fire least."""
    return rungs(trial.unit) if trial.rule.upwards else rungs(trial.unit)[::-1]


@cache
def rungs(unit: Unit) -> tuple[str, ...]:
    """Return the round thresholds of a unit as people write them, the lowest first."""
    if unit is Unit.COUNT:
        return tuple(f"{each:.10g}" for each in _stepped(-2, 10) if each < 1 or each == int(each))
    if unit in _SECONDS:
        return (
            *(f"{each:.10g}ms" for each in _stepped(-1, 3)),
            *(f"{each:.10g}s" for each in _stepped(0, 3) if each < 120),
            *(f"{each:.10g}min" for each in _stepped(0, 4) if each >= 2),
        )
    return (*(f"{each:.10g}%" for each in _stepped(-1, 1)), *(f"{each}%" for each in (*range(10, 100, 5), 97, 98, 99)))


def _stepped(first: int, last: int) -> Iterator[float]:
    return (step * 10**power for power in range(first, last) for step in _STEPS)


def written(value: float, unit: Unit) -> str:
    """Return a threshold of a row as it is written in a policy."""
    if unit is Unit.COUNT:
        return f"{value:.10g}"
    if unit not in _SECONDS:
        return f"{value * (100 if unit is Unit.RATIO else 1):.10g}%"
    seconds = value * _SECONDS[unit]
    return (
        f"{seconds * 1e3:.10g}ms" if seconds < 1 else f"{seconds:.10g}s" if seconds < 120 else f"{seconds / 60:.10g}min"
    )


def snippet(ref: Ref, found: Iterable[ThresholdProposal], outcomes: Iterable[ReplayedAlarm]) -> str:
    """Return what to add to `alarms` in the policy for the proposals; nothing when there are none."""
    texts = {each.alarm: each.text for each in found if each.text}
    present = {each.trial.alarm: each.trial for each in outcomes}
    entries = [
        {"kind": ref.kind, "resource": ref.name, "alarm": row, **_entry(row, texts, present)}
        for row in sorted({row_id(alarm) for alarm in texts})
    ]
    return yaml.safe_dump({"alarms": entries}, sort_keys=False, allow_unicode=True) if entries else ""


def _entry(row: str, texts: Mapping[str, str], present: Mapping[str, Trial]) -> dict[str, Any]:
    """Say a threshold, or both of a pair; a warning that would come after its critical alarm is left out."""
    main, mild = present.get(row), present.get(row + WARNING)
    if main is None or mild is None:
        return {"threshold": _bare_number(texts.get(row, texts.get(row + WARNING, "")))}
    critical = texts.get(row) or written(main.threshold, main.unit)
    warning = texts.get(row + WARNING) or written(mild.threshold, mild.unit)
    if not _is_beyond(main, parse(critical, main.unit), parse(warning, main.unit)):
        return {"threshold": _bare_number(critical)}
    return {"critical": _bare_number(critical), "warning": _bare_number(warning)}


def _bare_number(text: str) -> str | float:
    """Return a bare number as one, which YAML then writes without quotes."""
    return text if not text.replace(".", "").isdigit() else float(text) if "." in text else int(text)
