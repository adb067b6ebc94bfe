"""Decides what the daily digest says: who is watched, what is open, what failed, which alarm is too loud. Pure.

Half of it is counted where lists may be read (`Tally`), and travels in the event that has the digest sent; the other
half follows from the timelines. Both are of the whole account: what several routes heard of one resource is one thing.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sagewatch.errors import Undeliverable
from sagewatch.incidents import Incident, Part, incidents
from sagewatch.kinds import kind as kind_named
from sagewatch.kinds import spec
from sagewatch.model import PER_CAPACITY, Alarm, Evidence, Notice, Place, Ref, Severity, Unit
from sagewatch.policy import Policy
from sagewatch.tuning import TAG, all_off
from sagewatch.units import parse

DUE = "Sagewatch Digest Due"
"""The detail-type of the event that has the digest sent; its detail is a tally, or empty."""

DAY = timedelta(days=1)
"""How far it looks back."""

NAMED = 20
"""So many resources travel by name; the others are only counted."""

LOUD = 3
"""An alarm that fired so often within the day is loud."""

NEAR = 1.5
"""Values within this factor of the limit may be noise about it; what is further out is no matter of the limit."""

_NEW = timedelta(minutes=15)
_PRICE = re.compile(r"Each instance costs (about \$[\d.,]+ an hour, \$[\d.,]+ a month \([a-z0-9-]+\))")
"""How descriptions of alarms on idling say the price (`plan`)."""

type Row = tuple[str, str]
"""(kind, alarm id)."""


@dataclass(frozen=True, slots=True)
class Unwatched:
    """A resource without alarms, and why, where the lists and the policy tell."""

    kind: str
    name: str
    why: str = ""


@dataclass(frozen=True, slots=True)
class Idle:
    """Something that nobody calls and that costs money; `price` is in words, nothing where it is not known."""

    kind: str
    name: str
    scope: str
    price: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """Who lives and who is watched, as the lists say.

    `kinds` has (watched, wanted) by kind; who is `left_out` on purpose is not wanted. `unwatched` names some of those
    who are wanted and not watched. `orphans` are resources that are gone and have alarms, `foreign` alarms under our
    prefix that are not ours, `unread` the kinds whose lists could not be read, which are in none of the numbers.
    `withheld` are the rows that the budget has no room for. `cost` is of all `alarms`, in USD a month.
    """

    kinds: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    unwatched: tuple[Unwatched, ...] = ()
    left_out: int = 0
    orphans: int = 0
    foreign: int = 0
    unread: tuple[str, ...] = ()
    withheld: tuple[str, ...] = ()
    alarms: int = 0
    cost: float = 0.0
    idle: tuple[Idle, ...] = ()

    @property
    def watched(self) -> int:
        return sum(watched for watched, _ in self.kinds.values())

    @property
    def wanted(self) -> int:
        return sum(wanted for _, wanted in self.kinds.values())


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
    """What the last day was like, and how things stand.

    `tally` is None when nobody counted. `open` are incidents with something that can still end, the worst first: a
    job's failure is over at once, and is in `failed` for a day. `fired` counts the times that alarms did, `lasted` is
    the median of the incidents that ended. `succeeded` is 0 where no route wants to hear of what went well.
    """

    place: Place
    at: datetime
    tally: Tally | None = None
    open: tuple[Incident, ...] = ()
    fired: int = 0
    lasted: timedelta | None = None
    loudest: Loud | None = None
    failed: tuple[Notice, ...] = ()
    succeeded: int = 0


type Told = tuple[Ref, Sequence[Notice], Mapping[str, Evidence]]
"""Whose timeline, its notices, and the evidence by their keys."""


def digest(place: Place, tally: Tally | None, timelines: Iterable[Told], now: datetime) -> Digest:
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
        failed=_failed(recent),
        succeeded=sum(each.state == "succeeded" for each in recent),
    )


def tally(
    living: Mapping[Ref, datetime],
    owned: Mapping[Ref, Sequence[Alarm]],
    policy: Policy,
    withheld: frozenset[Row],
    now: datetime,
) -> Tally:
    """Return who is watched and who is not; what else the lists say is up to who reads them."""
    wanted = [ref for ref in living if ref in owned or not _is_left_out(ref, policy)]
    missing = sorted(ref for ref in wanted if ref not in owned)
    kinds = {ref.kind for ref in wanted}
    return Tally(
        kinds={
            kind: (
                sum(ref.kind == kind and ref in owned for ref in wanted),
                sum(ref.kind == kind for ref in wanted),
            )
            for kind in sorted(kinds)
        },
        unwatched=tuple(
            Unwatched(ref.kind, ref.name, _why(ref, living[ref], withheld, now)) for ref in missing[:NAMED]
        ),
        left_out=len(living) - len(wanted),
        withheld=tuple(sorted("/".join(row) for row in withheld)),
        alarms=sum(map(len, owned.values())),
    )


def idle(alarm: Alarm) -> Idle | None:
    """Return what an alarm in the state ALARM says of something that idles; None when it is about something else."""
    labels = alarm.labels
    if labels is None or labels["alarm"] != "idle":
        return None
    price = _PRICE.search(alarm.request.get("AlarmDescription", ""))
    return Idle(labels["kind"], labels["resource"], labels["scope"], price[1] if price else "")


def as_data(tally: Tally) -> dict[str, Any]:
    """Return a tally as JSON, for the event."""
    return asdict(tally)


def of_data(detail: Mapping[str, Any]) -> Tally | None:
    """Read the detail of an event; None when it is empty, Undeliverable when it is none of ours."""
    if not detail:
        return None
    try:
        kinds = {str(kind): (int(watched), int(wanted)) for kind, (watched, wanted) in detail["kinds"].items()}
        return Tally(
            kinds=kinds,
            unwatched=tuple(Unwatched(**each) for each in detail["unwatched"]),
            idle=tuple(Idle(**each) for each in detail["idle"]),
            unread=tuple(map(str, detail["unread"])),
            withheld=tuple(map(str, detail["withheld"])),
            cost=float(detail["cost"]),
            **{name: int(detail[name]) for name in ("left_out", "orphans", "foreign", "alarms")},
        )
    except (AttributeError, KeyError, TypeError, ValueError) as odd:
        raise Undeliverable(f"{DUE}: the detail is no tally: {type(odd).__name__}: {odd}") from odd


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
    value = _written(_round((worst / 1.05 if low else worst * 1.05) / devices, up=not low), last.unit)
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
    return kind.endswith("-job") or kind in {"pipeline", "policy"}


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


def _failed(recent: Iterable[Notice]) -> tuple[Notice, ...]:
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


def _is_left_out(ref: Ref, policy: Policy) -> bool:
    kind = kind_named(ref.kind)
    return kind is None or all_off(policy, ref, kind.specs)


def _why(ref: Ref, modified: datetime, withheld: frozenset[Row], now: datetime) -> str:
    kind = kind_named(ref.kind)
    if kind and all((kind.name, row.id) in withheld for row in kind.specs):
        return "the budget has no room for it"
    return "it is new" if now - modified < _NEW else ""


def _round(value: float, *, up: bool) -> float:
    """Return a number with two digits that count, no nearer to zero (or no further from it)."""
    step = 10.0 ** (math.floor(math.log10(value)) - 1)
    return round((math.ceil if up else math.floor)(round(value / step, 6)) * step, 12)


_PER_SECOND: Mapping[Unit, float] = {Unit.MICROSECONDS: 1e6, Unit.MILLISECONDS: 1e3, Unit.SECONDS: 1}


def _written(value: float, unit: Unit) -> str:
    """Return a limit as a tag says it: `850ms`, `95%`, `120`."""
    if unit in _PER_SECOND:
        seconds = value / _PER_SECOND[unit]
        return f"{_plain(seconds)}s" if seconds >= 1 else f"{_plain(seconds * 1e3)}ms"
    if unit is Unit.COUNT:
        return _plain(value)
    return f"{_plain(value * 100 if unit is Unit.RATIO else value)}%"


def _plain(number: float) -> str:
    return f"{number:.6f}".rstrip("0").rstrip(".")
