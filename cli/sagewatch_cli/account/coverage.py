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
from sagewatch.fleet.suspects import is_incomplete
from sagewatch.kinds.kind import Kind
from sagewatch.kinds.registry import KINDS, spec
from sagewatch.model import Alarm, Facts, Labels, Ref, Severity
from sagewatch.policy.cascade import apply_policy, may_be_off
from sagewatch.policy.rules import WARNING, Policy, PolicyInForce, Row, row_id
from sagewatch.watch.names import row_names
from sagewatch.watch.plan import plan
from sagewatch.watch.revision import is_edited, is_whole, member_of, taken
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
"""The reasons that are the owner's decision; such resources do not count against the coverage."""


@dataclass(frozen=True, slots=True)
class UnwatchedResource:
    """A resource that exists and has no alarms, and why, in a word and in a sentence."""

    ref: Ref
    why: UnwatchedReason
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
    """Of these, those with alarms."""
    left_out: int
    """Those without alarms because their owner wants none."""
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
        """Return how many have no alarms although their owner wants some."""
        return self.living - self.watched - self.left_out


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """A row of a kind for one resource: a state, `missing`, `off`, `over budget`, nothing where it does not apply."""

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
    unread: Mapping[str, str]
    """Why something could not be read, by kind or namespace."""
    total: Total
    """What all our alarms cost a month."""
    prices: Prices
    """The price list of the Region."""
    whole: frozenset[Ref] = frozenset()
    """The resources that have every alarm which they should have, as one of their alarms says."""

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
            watched=len(living & {each.ref for each in alarms}),
            left_out=sum(each.ref.kind == kind.name and each.why in ON_PURPOSE for each in self.unwatched),
            severities=Counter(str(each.severity or "unknown") for each in alarms),
            states=Counter(each.state for each in alarms),
            cost=round(sum(each.cost for each in alarms), 6),
        )

    @property
    def watched(self) -> int:
        """Return how many resources have alarms."""
        return sum(each.watched for each in self.tallies)

    @property
    def left_out(self) -> int:
        """Return how many have none because their owner wants none."""
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
    unread: Mapping[str, str] = field(default_factory=dict)
    """Why something could not be read, by kind or namespace."""
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
    blocked = row_names(each.name for each in read.foreign)
    return Coverage(
        where=where,
        living=frozenset(read.living),
        alarms=tuple(sorted(alarms, key=lambda each: each.name)),
        unwatched=tuple(sorted(read.unwatched, key=lambda each: (list(UnwatchedReason).index(each.why), each.ref))),
        foreign=tuple(sorted(each.name for each in read.foreign)),
        unread=read.unread,
        total=total((each.alarm.request for several in read.owned.values() for each in several), prices),
        prices=prices,
        whole=frozenset(
            ref
            for ref, several in read.owned.items()
            if is_whole(
                [*(member_of(each.alarm) for each in several), *map(taken, blocked.get(ref, ()))],
                PolicyInForce(where.policy, where.withheld).mark_of(ref),
            )
        ),
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


def unwatched(where: CoverageContext, kind: Kind, facts: Facts, modified: datetime) -> UnwatchedResource:
    """Say why a resource that exists has no alarms; `modified` is when it was last changed."""
    rows = apply_policy(kind.specs, facts.ref, facts.tags, where.policy)
    if rows.ignored:
        return UnwatchedResource(facts.ref, UnwatchedReason.IGNORED, rows.ignored)
    if not rows.specs:
        return UnwatchedResource(facts.ref, UnwatchedReason.OFF, "; ".join(sorted(set(rows.off.values()))))
    wanted = plan(where.prefix, kind, facts, where.policy, where.withheld)
    if wanted.alarms and where.at - modified < NEW:
        return UnwatchedResource(
            facts.ref, UnwatchedReason.NOT_YET, f"changed within the last {NEW.seconds // 60} minutes"
        )
    if wanted.alarms:
        said = f"{len(wanted.alarms)} alarms should be there: look into the dead-letter queue of reconcile"
        return UnwatchedResource(facts.ref, UnwatchedReason.MISSING, said)
    if plan(where.prefix, kind, facts, where.policy).alarms:
        return UnwatchedResource(facts.ref, UnwatchedReason.OVER_BUDGET, "the budget has no room for any of its rows")
    if any(scope.waits for scope in facts.scopes):
        return UnwatchedResource(facts.ref, UnwatchedReason.NOT_YET, "it is not in service")
    if facts.gaps:
        return UnwatchedResource(
            facts.ref, UnwatchedReason.UNKNOWN, "; ".join(dict.fromkeys(gap.reason for gap in facts.gaps))
        )
    return UnwatchedResource(facts.ref, UnwatchedReason.NOTHING, "it publishes no metric that a row reads")


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
    present: dict[str, frozenset[str]] = {}
    for each in alarms:
        present[each.scope] = present.get(each.scope, frozenset()) | {row_id(each.alarm)}
    return tuple(_cell(coverage, kind, ref, [a for a in alarms if a.alarm == each], present, each) for each in ids)


def _cell(
    coverage: Coverage,
    kind: Kind,
    ref: Ref,
    alarms: Sequence[WatchedAlarm],
    present: Mapping[str, frozenset[str]],
    alarm: str,
) -> Cell:
    words = {each.state for each in alarms}
    worst = next((word for word in STATES.values() if word in words), "")
    said = ", ".join(f"{each.state} ({each.scope})" for each in alarms) if len(alarms) > 1 else worst
    if worst == "firing" or not _is_lacking(kind, present, alarm):
        return Cell(alarm=alarm, word=worst, said=said)
    where, row = coverage.where, spec(kind.name, alarm)
    if (kind.name, row_id(alarm)) in where.withheld:
        return Cell(alarm=alarm, word="over budget", said="over budget")
    if row and may_be_off(where.policy, ref, row):
        return Cell(alarm=alarm, word="off", said="off in the policy")
    if ref in coverage.whole:
        return Cell(alarm=alarm, word=worst or "off", said=said or "not wanted: off by a tag, or it does not apply")
    return Cell(alarm=alarm, word="missing", said="not there: off by a tag, or yet to be made")


def _is_lacking(kind: Kind, present: Mapping[str, frozenset[str]], alarm: str) -> bool:
    """Tell whether some scope has other rows of this kind but not this one."""
    others = [each.id for each in kind.specs if each.id != alarm]
    return not alarm.endswith(WARNING) and is_incomplete(kind, present, others)
