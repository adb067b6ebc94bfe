"""Decides what the daily digest says: who is watched, what is open, what failed, which alarm is too loud. Pure.

Half of it is counted where lists may be read (`CoverageCount`), and travels in the event that has the digest sent; the
other half follows from the timelines. Both are of the whole account: what several routes heard of one resource is one
thing.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sagewatch.fleet.coverage import CoverageCount
from sagewatch.kinds.kind import Lifetime
from sagewatch.kinds.registry import kind as kind_named
from sagewatch.kinds.registry import spec
from sagewatch.model import PER_CAPACITY, Evidence, Incident, Notice, Part, Place, Ref, Severity, Unit
from sagewatch.policy.cascade import TAG
from sagewatch.tell.incident.group import incidents
from sagewatch.units import parse

DAY = timedelta(days=1)
"""How far it looks back."""


LOUD = 3
"""How often an alarm must have fired within the day to be loud."""

NEAR = 1.5
"""Values within this factor of the limit may be noise about it; what is further out is no matter of the limit."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """A limit that would have kept an alarm silent: the tag to set, and the limit as the metric counts."""

    tag: str
    value: str
    limit: float


@dataclass(frozen=True, slots=True)
class Loud:
    """The alarm that fired most often: the last time it did, how often, its worst value, and what to do about it."""

    notice: Notice
    times: int
    worst: float | None
    proposal: Proposal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Digest:
    """What happened within a day, and what is open."""

    place: Place
    """The account and the Region."""
    at: datetime
    """The end of that day."""
    tally: CoverageCount | None = None
    """Who is watched; None when it was not counted."""
    open: tuple[Incident, ...] = ()
    """Those with something that can still end, the worst first; a job's failure cannot, and is in `failed`."""
    fired: int = 0
    """How often alarms fired."""
    lasted: timedelta | None = None
    """The median duration of the incidents that ended; None when none did."""
    loudest: Loud | None = None
    """The alarm that fired most often, when it is loud."""
    failed: tuple[Notice, ...] = ()
    """The jobs and pipelines that failed, the newest first."""
    succeeded: int = 0
    """How many jobs and pipelines went well; 0 where no route wants to be told."""


type Told = tuple[Ref, Sequence[Notice], Mapping[str, Evidence]]
"""Whose timeline, its notices, and the evidence by their keys."""


def digest(place: Place, tally: CoverageCount | None, timelines: Iterable[Told], now: datetime) -> Digest:
    """Return the digest as of now."""
    whole = _merged(timelines)
    found = [each for _, notices, evidence in whole for each in incidents("digest", notices, evidence, now)]
    recent = [n for _, notices, _ in whole for n in notices if now - DAY < n.at <= now and not n.muted]
    fired = [each for each in recent if each.state == "firing"]
    ended = [each.ended - each.opened for each in found if each.ended and _ended_lately(each, now)]
    return Digest(
        place=place,
        at=now,
        tally=tally,
        open=tuple(sorted(filter(_can_end, found), key=_worst_and_oldest)),
        fired=len(fired),
        lasted=_median(ended),
        loudest=_loudest(fired),
        failed=_failed_jobs(recent),
        succeeded=sum(each.state == "succeeded" for each in recent),
    )


def proposal(went: Sequence[Notice]) -> Proposal | None:
    """Return a limit just beyond the worst of an alarm's values, when none was far from the one it has.

    None where no tag can say it: of a job, which will be another one next time, of a band, of a share over 100 %.
    """
    last = went[-1]
    kind, alarm = last.labels.get("kind") or "", last.labels.get("alarm") or ""
    row, limit, worst = spec(kind, alarm), last.limit, worst_of(went)
    devices = (last.capacity or 0) if last.unit in PER_CAPACITY else 1
    if row is None or not limit or limit < 0 or not worst or worst < 0 or not devices or _is_passing(kind):
        return None
    low = row.comparison.startswith("Less")
    if (last.floor or 0) > 0 or not 1 / NEAR <= worst / limit <= NEAR:
        return None
    value = _tag_value(_two_digits((worst / 1.05 if low else worst * 1.05) / devices, up=not low), last.unit)
    try:
        wanted = parse(value, last.unit) * devices
    except ValueError:
        return None
    beyond = 0 < wanted < worst if low else wanted > worst
    return Proposal(f"{TAG}{alarm}", value, wanted) if beyond else None


def worst_of(went: Sequence[Notice]) -> float | None:
    """Return the value that was furthest beyond the limit, None when no value is known."""
    last = went[-1]
    row = spec(last.labels.get("kind") or "", last.labels.get("alarm") or "")
    values = [value for each in went for value in (*each.points, each.value) if value is not None]
    low = row is not None and row.comparison.startswith("Less")
    return (min if low else max)(values, default=None)


def _merged(timelines: Iterable[Told]) -> list[Told]:
    """Return what all routes heard of each resource, each notice once."""
    notices: dict[Ref, dict[str, Notice]] = {}
    evidence: dict[Ref, dict[str, Evidence]] = {}
    for subject, heard, found in timelines:
        notices.setdefault(subject, {}).update({each.key: each for each in heard})
        evidence.setdefault(subject, {}).update(found)
    return [(subject, tuple(heard.values()), evidence[subject]) for subject, heard in notices.items()]


def _is_passing(kind: str) -> bool:
    """Tell whether things of a kind fail once and for all: nothing ends that."""
    found = kind_named(kind)
    return kind == "policy" or (found is not None and found.lifetime is not Lifetime.STAYS)


def _can_end(incident: Incident) -> bool:
    ends = (part.firing or not _is_passing(part.last.labels.get("kind") or "") for part in _open_parts(incident))
    return incident.is_open and any(ends)


def _open_parts(incident: Incident) -> Iterable[Part]:
    return (part for part in incident.parts if part.last.state in {"firing", "failed"})


def _worst_and_oldest(incident: Incident) -> tuple[int, datetime, str]:
    return tuple(Severity).index(incident.severity), incident.opened, incident.id


def _ended_lately(incident: Incident, now: datetime) -> bool:
    fired = any(notice.state == "firing" for notice in incident.notices)
    return fired and incident.ended is not None and now - DAY < incident.ended <= now


def _median(spans: Iterable[timedelta]) -> timedelta | None:
    # `statistics` has one, and loads fractions and decimals at every cold start.
    ordered = sorted(spans)
    return (ordered[(len(ordered) - 1) // 2] + ordered[len(ordered) // 2]) / 2 if ordered else None


def _failed_jobs(recent: Iterable[Notice]) -> tuple[Notice, ...]:
    """Return the jobs and pipelines that failed, the newest first; what they started counts where they did not fail."""
    failed = [each for each in recent if each.state == "failed" and _is_passing(each.labels.get("kind") or "")]
    own = {each.subject for each in failed if _is_whole(each)}
    told = {each.key: each for each in failed if each.subject.kind != "policy"}
    shown = (each for each in told.values() if _is_whole(each) or each.subject not in own)
    return tuple(sorted(shown, key=lambda each: (each.at, each.key), reverse=True))


def _is_whole(notice: Notice) -> bool:
    return notice.labels.ref == notice.subject and notice.labels.get("scope") == "all"


def _loudest(fired: Iterable[Notice]) -> Loud | None:
    """Return the alarm that fired most often, the first by name of several; None when none is loud."""
    by_alarm: dict[str, list[Notice]] = {}
    for each in sorted(fired, key=lambda each: (each.at, each.key)):
        by_alarm.setdefault(each.part, []).append(each)
    most = min(by_alarm, key=lambda name: (-len(by_alarm[name]), name), default="")
    went = by_alarm.get(most, [])
    return Loud(went[-1], len(went), worst_of(went), proposal(went)) if len(went) >= LOUD else None


def _two_digits(value: float, *, up: bool) -> float:
    """Return a number with two digits that count, no nearer to zero (or no further from it)."""
    step = 10.0 ** (math.floor(math.log10(value)) - 1)
    return round((math.ceil if up else math.floor)(round(value / step, 6)) * step, 12)


_PER_SECOND: Mapping[Unit, float] = {Unit.MICROSECONDS: 1e6, Unit.MILLISECONDS: 1e3, Unit.SECONDS: 1}


def _tag_value(value: float, unit: Unit) -> str:
    """Return a limit as a tag says it: `850ms`, `95%`, `120`."""
    if unit in _PER_SECOND:
        seconds = value / _PER_SECOND[unit]
        return f"{_trimmed(seconds)}s" if seconds >= 1 else f"{_trimmed(seconds * 1e3)}ms"
    if unit is Unit.COUNT:
        return _trimmed(value)
    return f"{_trimmed(value * 100 if unit is Unit.RATIO else value)}%"


def _trimmed(number: float) -> str:
    return f"{number:.6f}".rstrip("0").rstrip(".")
