"""Decides an account's coverage: which resources are watched, which are not and why, which alarms are wrong. Pure."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cached_property
from typing import Literal

from sagewatch.fleet.costs import Prices, Total, monthly, total
from sagewatch.kinds.kind import Kind
from sagewatch.kinds.registry import KINDS, spec
from sagewatch.model import Alarm, Facts, Labels, Observed, Ref, Severity
from sagewatch.policy.cascade import apply_policy, is_row_off
from sagewatch.policy.rules import WARNING, Policy, PolicyInForce, Row, row_id
from sagewatch.watch.revision import is_edited
from sagewatch.watch.rows import ResourceStatus, RowDecision, RowStatus, resource_status, rows_there
from sagewatch_cli.account.alarms import MetricSeries, PresentAlarm, is_stale, series

NEW = timedelta(minutes=15)
"""How long a resource may be without alarms: the sweep runs that often."""

JUDGED = timedelta(hours=1)
"""How old an alarm's configuration must be before it can be called dead: metrics come late, and models warm up."""

type AlarmFault = Literal["orphan", "dead", "edited", "stale"]

STATES: Mapping[str, str] = {"ALARM": "firing", "INSUFFICIENT_DATA": "no data", "OK": "ok"}
"""What people call the states of an alarm, the worst first."""


class UnwatchedReason(StrEnum):
    """Why a resource has no alarms."""

    IGNORED = "ignored"
    OFF = "all off"
    OVER_BUDGET = "over budget"
    NOT_YET = "not yet"
    UNKNOWN = "not known"
    NOTHING = "nothing to watch"
    UNREADABLE = "unreadable"
    MISSING = "missing"


_SEVERITIES = (*Severity, None)
"""The most severe first; None stands for a label that somebody removed."""

ON_PURPOSE = frozenset({UnwatchedReason.IGNORED, UnwatchedReason.OFF})
"""The reasons that are the owner's decision."""

NEEDS_NONE = ON_PURPOSE | {UnwatchedReason.NOTHING}
"""The reasons for which a resource should have no alarms; such resources do not count against the coverage."""


@dataclass(frozen=True, slots=True)
class UnwatchedResource:
    """A resource that exists and has no alarms, and why, in a word and in a sentence."""

    ref: Ref
    why: UnwatchedReason
    said: str


@dataclass(frozen=True, slots=True)
class IncompleteResource:
    """A resource with alarms that lacks some which it should have: `("AllTraffic/latency-p99",)`, and what follows."""

    ref: Ref
    lacking: tuple[str, ...]
    said: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchedAlarm:
    """An alarm of ours: what it watches, its state, and what is wrong with it."""

    ref: Ref
    """The resource that it watches."""
    name: str
    """The alarm's whole name."""
    scope: str
    """The variant, host, step … of the resource."""
    alarm: str
    """Its id in the catalogue, `latency-p99`; `latency-p99-warning` for the milder one of a pair."""
    title: str
    """The row's title; the id where this version has no such row."""
    severity: Severity | None
    """None when somebody removed the label."""
    state: str
    """As people call it: `firing`, `no data` or `ok`."""
    since: datetime
    """When it entered that state."""
    updated: datetime
    """When its configuration was last written."""
    cost: float
    """USD a month, before the free tier."""
    guards: str | None = None
    """The endpoint whose deployments it guards, if any."""
    faults: tuple[AlarmFault, ...] = ()
    """What is wrong with it, nothing when all is well."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CoverageContext:
    """Which account was looked at, when, and what its owner wants."""

    account: str
    """The account's number."""
    region: str
    """The Region, `eu-west-1`."""
    prefix: str
    """The first part of the names of our alarms."""
    at: datetime
    """When it was looked at."""
    policy: Policy
    """What the owner wants otherwise."""
    withheld: frozenset[Row]
    """The rows that the budget has no room for."""
    alias: str = ""
    """The account's alias, where it has one."""
    stack: str = ""
    """Our stack, in words: `stack sagewatch`, `no stack of ours`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KindCoverage:
    """The numbers of one kind."""

    kind: Kind
    """The kind."""
    read: bool
    """Whether its resources could be listed; without, the counts of resources mean nothing."""
    living: int
    """Resources that exist."""
    watched: int
    """Of these, those that have all alarms that they should have."""
    left_out: int
    """Those that should have no alarms: their owner wants none, or no row applies to them."""
    severities: Mapping[str, int]
    """Alarms by severity; `unknown` where somebody removed the label."""
    states: Mapping[str, int]
    """Alarms by state: `firing`, `no data`, `ok`."""
    cost: float
    """USD a month, before the free tier."""

    @property
    def alarms(self) -> int:
        """Return how many alarms the kind has."""
        return sum(self.states.values())

    @property
    def unwatched(self) -> int:
        """Return how many lack alarms that they should have."""
        return self.living - self.watched - self.left_out


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """A row of a kind for one resource: a state, `missing`, `held`, `off`, `over budget`; nothing where it has none."""

    alarm: str
    word: str
    said: str


# Not slotted: the numbers are counted once, when they are first asked for.
@dataclass(frozen=True, kw_only=True)
class Coverage:
    """What the account looks like."""

    where: CoverageContext
    """Which account, and when."""
    living: frozenset[Ref]
    """The resources that exist."""
    alarms: tuple[WatchedAlarm, ...]
    """All alarms of ours, by name."""
    unwatched: tuple[UnwatchedResource, ...]
    """The resources without alarms, and why."""
    foreign: tuple[str, ...]
    """Names of alarms under our prefix that we did not make."""
    rows: Mapping[Ref, tuple[RowDecision, ...]]
    """What becomes of each row of the resources that were looked at."""
    withheld: Mapping[Ref, Collection[str]]
    """The rows of other resources for which the budget has no room."""
    incomplete: tuple[IncompleteResource, ...]
    """The resources with alarms that lack some."""
    unread: Mapping[str, str]
    """Why something could not be read, by kind or namespace, or `budget`."""
    total: Total
    """What all our alarms cost a month."""
    prices: Prices
    """The price list of the Region."""

    @cached_property
    def tallies(self) -> tuple[KindCoverage, ...]:
        """Return the numbers of each kind that has resources or alarms, or that could not be listed."""
        counted = (self._tally(kind) for kind in KINDS if kind.specs)
        return tuple(each for each in counted if each.living or each.alarms or not each.read)

    def _tally(self, kind: Kind) -> KindCoverage:
        alarms = [each for each in self.alarms if each.ref.kind == kind.name]
        living = {ref for ref in self.living if ref.kind == kind.name}
        return KindCoverage(
            kind=kind,
            read=kind.name not in self.unread,
            living=len(living),
            watched=len(living & {each.ref for each in alarms} - {each.ref for each in self.incomplete}),
            left_out=sum(each.ref.kind == kind.name and each.why in NEEDS_NONE for each in self.unwatched),
            severities=Counter(str(each.severity or "unknown") for each in alarms),
            states=Counter(each.state for each in alarms),
            cost=round(sum(each.cost for each in alarms), 6),
        )

    @property
    def watched(self) -> int:
        """Return how many resources have all alarms that they should have."""
        return sum(each.watched for each in self.tallies)

    @property
    def left_out(self) -> int:
        """Return how many should have none: their owner wants none, or no row applies to them."""
        return sum(each.left_out for each in self.tallies)

    @property
    def percent(self) -> float | None:
        """Return the percentage of the resources to be watched that are, rounded down to 0.1; None of none."""
        wanted = len(self.living) - self.left_out
        return math.floor(1000 * self.watched / wanted) / 10 if wanted else None

    @cached_property
    def states(self) -> Mapping[str, int]:
        """Return how many alarms are in each state, the worst first."""
        counted = Counter(each.state for each in self.alarms)
        return {state: counted[state] for state in STATES.values()}

    def at_fault(self, fault: AlarmFault) -> tuple[WatchedAlarm, ...]:
        """Return the alarms with that fault."""
        return tuple(each for each in self.alarms if fault in each.faults)

    @property
    def firing(self) -> tuple[WatchedAlarm, ...]:
        """Return the alarms that fire, the most severe first, and of these the latest."""
        found = [each for each in self.alarms if each.state == STATES["ALARM"]]
        newest = sorted(found, key=lambda each: each.since, reverse=True)
        return tuple(sorted(newest, key=lambda each: _SEVERITIES.index(each.severity)))


@dataclass(frozen=True, slots=True, kw_only=True)
class CoverageReadings:
    """What was read of an account. A resource that was listed and turned out to be gone is in no field."""

    living: Collection[Ref]
    """The resources that exist."""
    owned: Mapping[Ref, Iterable[PresentAlarm]]
    """Our alarms by resource, those of resources that are gone included."""
    foreign: Iterable[PresentAlarm] = ()
    """Alarms under our prefix that we did not make."""
    unwatched: Iterable[UnwatchedResource] = ()
    """The resources without alarms, and why."""
    rows: Mapping[Ref, tuple[RowDecision, ...]] = field(default_factory=dict)
    """What becomes of each row of the resources that were looked at; of the others nothing is missing."""
    withheld: Mapping[Ref, Collection[str]] = field(default_factory=dict)
    """The rows of resources for which the budget has no room, as earlier looks found; only of rows that apply."""
    modified: Mapping[Ref, datetime] = field(default_factory=dict)
    """When resources were last changed, as far as that is known."""
    unread: Mapping[str, str] = field(default_factory=dict)
    """Why something could not be read, by kind or namespace, or `budget`."""
    published: frozenset[MetricSeries] = frozenset()
    """The metrics with data in the last two weeks, in the namespaces that were `listed`."""
    listed: frozenset[str] = frozenset()
    """The namespaces whose metrics could be listed."""


def count_coverage(where: CoverageContext, read: CoverageReadings, prices: Prices) -> Coverage:
    """Count the coverage of what was read."""
    alarms = [
        _watched(labels, each, prices, _alarm_faults(where, read, labels.ref, each))
        for several in read.owned.values()
        for each in several
        if (labels := each.alarm.labels)
    ]
    return Coverage(
        where=where,
        living=frozenset(read.living),
        alarms=tuple(sorted(alarms, key=lambda each: each.name)),
        unwatched=tuple(sorted(read.unwatched, key=lambda each: (list(UnwatchedReason).index(each.why), each.ref))),
        foreign=tuple(sorted(each.name for each in read.foreign)),
        rows=read.rows,
        withheld=read.withheld,
        incomplete=tuple(_incomplete(where, read)),
        unread=read.unread,
        total=total((each.alarm.request for several in read.owned.values() for each in several), prices),
        prices=prices,
    )


def _watched(labels: Labels, present: PresentAlarm, prices: Prices, faults: Iterable[AlarmFault]) -> WatchedAlarm:
    row, severity = spec(labels["kind"], labels["alarm"]), labels.get("severity")
    return WatchedAlarm(
        ref=labels.ref,
        name=present.name,
        scope=labels["scope"],
        alarm=labels["alarm"],
        title=row.title if row else labels["alarm"],
        severity=Severity(severity) if severity in set(Severity) else None,
        state=STATES.get(present.state, present.state),
        since=present.since,
        updated=present.updated,
        cost=monthly(present.alarm.request, prices),
        guards=labels.get("guards"),
        faults=tuple(faults),
    )


def _alarm_faults(
    where: CoverageContext, read: CoverageReadings, ref: Ref, present: PresentAlarm
) -> Iterator[AlarmFault]:
    # Who is on no list that could not be read may well live.
    if ref not in read.living and ref.kind not in read.unread:
        yield "orphan"
    if where.at - present.updated >= JUDGED and is_dead(present.alarm, read.published, read.listed):
        yield "dead"
    if is_edited(present.alarm):
        yield "edited"
    if is_stale(present.alarm, PolicyInForce(where.policy, where.withheld)):
        yield "stale"


def is_dead(alarm: Alarm, published: frozenset[MetricSeries], listed: Collection[str]) -> bool:
    """Tell whether no metric of an alarm had data within two weeks; False when one of its namespaces was not listed."""
    reads = series(alarm)
    return {namespace for namespace, *_ in reads} <= set(listed) and reads.isdisjoint(published)


def _incomplete(where: CoverageContext, read: CoverageReadings) -> Iterator[IncompleteResource]:
    """Yield the resources with alarms that lack some, as the looks at them found."""
    for ref in sorted(read.owned.keys() & read.rows.keys() & set(read.living)):
        lacking = tuple(f"{each.scope}/{each.spec.id}" for each in read.rows[ref] if each.status is RowStatus.MISSING)
        if lacking:
            is_new = where.at - read.modified.get(ref, where.at) < NEW
            yield IncompleteResource(ref, lacking, _CHANGED if is_new else "the next sweep names it")


_CHANGED = f"changed within the last {NEW.seconds // 60} minutes"


def unwatched(where: CoverageContext, kind: Kind, seen: Observed, modified: datetime) -> UnwatchedResource:
    """Say why a resource that exists has no alarms; `modified` is when it was last changed."""
    rows = rows_there(where.prefix, kind, seen, PolicyInForce(where.policy, where.withheld))
    why, said = _why_unwatched(where, kind, seen.facts, modified, rows)
    return UnwatchedResource(seen.facts.ref, why, said)


def _why_unwatched(
    where: CoverageContext, kind: Kind, facts: Facts, modified: datetime, rows: Collection[RowDecision]
) -> tuple[UnwatchedReason, str]:
    if ignored := apply_policy(kind.specs, facts.ref, facts.tags, where.policy).ignored:
        return UnwatchedReason.IGNORED, ignored
    match resource_status(rows, has_alarms=False):
        case ResourceStatus.LEFT_OUT:
            reasons = {each.reason for each in rows if each.status is RowStatus.OFF}
            return UnwatchedReason.OFF, "; ".join(sorted(reasons))
        case ResourceStatus.OVER_BUDGET:
            return UnwatchedReason.OVER_BUDGET, "the budget has no room for any of its rows"
        case ResourceStatus.HELD if any(scope.waits for scope in facts.scopes):
            return UnwatchedReason.NOT_YET, "it is not in service"
        case ResourceStatus.HELD:
            held = (each.reason for each in rows if each.status is RowStatus.HELD)
            return UnwatchedReason.UNKNOWN, "; ".join(dict.fromkeys(each.removeprefix("not known: ") for each in held))
        case ResourceStatus.NOTHING:
            return UnwatchedReason.NOTHING, "it publishes no metric that a row reads"
    if where.at - modified < NEW:
        return UnwatchedReason.NOT_YET, _CHANGED
    missing = sum(each.status is RowStatus.MISSING for each in rows)
    return UnwatchedReason.MISSING, f"{missing} alarms should be there: look into the dead-letter queue of reconcile"


# ---------------------------------------------------------------------------------------------------------- matrix
def columns(coverage: Coverage, kind: Kind) -> tuple[str, ...]:
    """Return the alarm ids of a kind in the order of its rows; `latency-p99-warning` follows `latency-p99`."""
    there = {each.alarm for each in coverage.alarms if each.ref.kind == kind.name}
    listed = [each for row in kind.specs for each in (row.id, row.id + WARNING) if each == row.id or each in there]
    return (*listed, *sorted(there - set(listed)))


def matrix(coverage: Coverage, kind: Kind) -> Mapping[Ref, tuple[Cell, ...]]:
    """Return a cell for each column, by resource; those with the most firing first, those without alarms not at all."""
    alarms: dict[Ref, list[WatchedAlarm]] = {}
    for each in coverage.alarms:
        if each.ref.kind == kind.name and each.ref in coverage.living:
            alarms.setdefault(each.ref, []).append(each)
    ids = columns(coverage, kind)
    lines = {ref: _matrix_line(coverage, kind, ref, several, ids) for ref, several in alarms.items()}
    return dict(sorted(lines.items(), key=lambda line: (_line_rank(line[1]), line[0])))


_ORDER = ("firing", "missing", "no data")


def _line_rank(cells: Iterable[Cell]) -> tuple[int, ...]:
    words = Counter(cell.word for cell in cells)
    return tuple(-words[word] for word in _ORDER)


def _matrix_line(
    coverage: Coverage, kind: Kind, ref: Ref, alarms: Sequence[WatchedAlarm], ids: Iterable[str]
) -> tuple[Cell, ...]:
    return tuple(_cell(coverage, kind, ref, [a for a in alarms if a.alarm == each], each) for each in ids)


def _cell(coverage: Coverage, kind: Kind, ref: Ref, alarms: Sequence[WatchedAlarm], alarm: str) -> Cell:
    words = {each.state for each in alarms}
    worst = next((word for word in STATES.values() if word in words), "")
    said = ", ".join(f"{each.state} ({each.scope})" for each in alarms) if len(alarms) > 1 else worst
    lacking = _lacking(coverage, kind, ref, alarm)
    # What is missing in one scope outweighs what is well in another; what is off there does not.
    if worst == "firing" or (worst and lacking.word != "missing"):
        return Cell(alarm=alarm, word=worst, said=said)
    return lacking


_CELLS: Mapping[RowStatus, str] = {
    RowStatus.MISSING: "missing",
    RowStatus.HELD: "held",
    RowStatus.WITHHELD: "over budget",
    RowStatus.OFF: "off",
}
"""What a cell shows of a row without an alarm, the most urgent first."""


def _lacking(coverage: Coverage, kind: Kind, ref: Ref, alarm: str) -> Cell:
    """Return the cell of a row of which some scope has no alarm; an empty one where none should be there."""
    decided = coverage.rows.get(ref)
    if decided is None:
        return _unlooked(coverage, kind, ref, alarm)
    here = [each for each in decided if each.spec.id == alarm]
    status = next((status for status in _CELLS if any(each.status is status for each in here)), None)
    if status is None:
        return Cell(alarm=alarm, word="", said="")
    reasons = dict.fromkeys(each.reason for each in here if each.status is status)
    scopes = [each.scope for each in here if each.status is status and each.scope]
    return Cell(
        alarm=alarm, word=_CELLS[status], said="; ".join(reasons) + (f" ({', '.join(scopes)})" if scopes else "")
    )


def _unlooked(coverage: Coverage, kind: Kind, ref: Ref, alarm: str) -> Cell:
    """Return the cell of a row without an alarm of a resource that was not looked at: it has all that it should have.

    What its scopes have and which tags it has is not known, so nothing is said unless the policy says it of all.
    """
    row = spec(kind.name, alarm)
    if row and is_row_off(coverage.where.policy, ref, row):
        return Cell(alarm=alarm, word="off", said="off in the policy")
    if row_id(alarm) in coverage.withheld.get(ref, ()):
        return Cell(alarm=alarm, word="over budget", said="the budget has no room for it")
    return Cell(alarm=alarm, word="", said="")
