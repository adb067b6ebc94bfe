"""Decides who is watched and who is not, as the lists and the policy say. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sagewatch.errors import Undeliverable
from sagewatch.fleet.summaries import AlarmSummary
from sagewatch.fleet.suspects import NO_LOOKS, is_row_stale
from sagewatch.kinds.prices import said_price
from sagewatch.kinds.registry import kind as kind_named
from sagewatch.model import Alarm, Ref
from sagewatch.policy.cascade import all_off
from sagewatch.policy.rules import Look, PolicyInForce
from sagewatch.watch.names import row_names
from sagewatch.watch.revision import is_whole, taken
from sagewatch.watch.rows import ResourceStatus

DUE = "Sagewatch Digest Due"
"""The detail-type of the event that has the digest sent; its detail is a CoverageCount, or empty."""


NAMED = 20
"""So many resources travel by name; the others are only counted."""


_NEW = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class UnwatchedResource:
    """A resource without alarms, and why, where the lists and the policy tell."""

    kind: str
    name: str
    why: str = ""


@dataclass(frozen=True, slots=True)
class IdleScope:
    """Something that nobody calls and that costs money; `price` is in words, nothing where it is not known."""

    kind: str
    name: str
    scope: str
    price: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CoverageCount:
    """How many resources live, and how many of them are watched, as the lists say."""

    kinds: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    """Kind → (resources that are watched, resources that should be)."""
    unwatched: tuple[UnwatchedResource, ...] = ()
    """Some of those that should be watched and are not, NAMED at most."""
    left_out: int = 0
    """Resources that should have no alarms; they are in no other number."""
    orphans: int = 0
    """Resources that are gone and have alarms."""
    foreign: int = 0
    """Alarms under our prefix that are not ours."""
    unread: tuple[str, ...] = ()
    """Kinds whose lists could not be read; they are in none of the numbers."""
    withheld: tuple[str, ...] = ()
    """Rows that the budget has no room for: `("endpoint/idle",)`."""
    alarms: int = 0
    """Alarms of ours."""
    cost: float = 0.0
    """What they cost, in USD a month, before the free tier."""
    idle: tuple[IdleScope, ...] = ()
    """Scopes that cost money and served nothing, as the alarms for idleness say."""

    @property
    def watched(self) -> int:
        return sum(watched for watched, _ in self.kinds.values())

    @property
    def wanted(self) -> int:
        return sum(wanted for _, wanted in self.kinds.values())


def coverage_count(
    living: Mapping[Ref, datetime],
    owned: Mapping[Ref, Sequence[AlarmSummary]],
    in_force: PolicyInForce,
    now: datetime,
    looks: Mapping[Ref, Look] = NO_LOOKS,
    foreign: Collection[str] = (),
) -> CoverageCount:
    """Count by kind which of the resources that live are watched; the caller adds what else the lists say.

    `foreign` are the names of alarms under our prefix that are not ours.
    """
    blocked = row_names(foreign)
    statuses = {
        ref: listed_status(ref, modified, owned.get(ref, ()), in_force, looks.get(ref), blocked.get(ref, ()))
        for ref, modified in living.items()
    }
    wanted = [ref for ref, status in statuses.items() if status not in NEEDS_NONE]
    missing = sorted(ref for ref in wanted if statuses[ref] is not ResourceStatus.WATCHED)
    kinds = {ref.kind for ref in wanted}
    return CoverageCount(
        kinds={
            kind: (
                sum(ref.kind == kind and statuses[ref] is ResourceStatus.WATCHED for ref in wanted),
                sum(ref.kind == kind for ref in wanted),
            )
            for kind in sorted(kinds)
        },
        unwatched=tuple(
            UnwatchedResource(ref.kind, ref.name, _why_unwatched(statuses[ref], living[ref], now))
            for ref in missing[:NAMED]
        ),
        left_out=len(living) - len(wanted),
        withheld=tuple(sorted("/".join(row) for row in in_force.withheld)),
        alarms=sum(map(len, owned.values())),
    )


NEEDS_NONE = frozenset({ResourceStatus.LEFT_OUT, ResourceStatus.NOTHING})
"""How a resource stands that should have no alarms."""


def listed_status(
    ref: Ref,
    modified: datetime,
    alarms: Sequence[AlarmSummary],
    in_force: PolicyInForce,
    look: Look | None,
    blocked: Sequence[str] = (),
) -> ResourceStatus:
    """Return how a resource that lives is watched, as the lists and the last look tell: what `resource_status` said.

    Of one without alarms that was not looked at since it or the policy changed, MISSING. `blocked` are names of its
    rows that somebody's own alarms have.
    """
    mark, kind = in_force.mark_of(ref), kind_named(ref.kind)
    if alarms:
        return (
            ResourceStatus.INCOMPLETE if _lacks_some(ref, alarms, blocked, in_force, mark) else ResourceStatus.WATCHED
        )
    if kind is None or all_off(in_force.policy, ref, kind.specs):
        return ResourceStatus.LEFT_OUT
    if look and look.is_bare and look.mark == mark and look.at > modified:
        return ResourceStatus.OVER_BUDGET if look.withheld else ResourceStatus.NOTHING
    is_over = all((kind.name, row.id) in in_force.withheld for row in kind.specs)
    return ResourceStatus.OVER_BUDGET if is_over else ResourceStatus.MISSING


def _lacks_some(
    ref: Ref, alarms: Sequence[AlarmSummary], blocked: Sequence[str], in_force: PolicyInForce, mark: str
) -> bool:
    """Tell whether alarms are missing that were made or decided on; while a new policy is applied that is not known."""
    if in_force.frozen or is_whole([*(each.member for each in alarms), *map(taken, blocked)], mark):
        return False
    return not any(is_row_stale(ref, each.row, each.policy, in_force) for each in alarms)


def idle_scope(alarm: Alarm) -> IdleScope | None:
    """Return what an alarm in the state ALARM says of something that idles; None when it is about something else."""
    labels = alarm.labels
    if labels is None or labels["alarm"] != "idle":
        return None
    price = said_price(alarm.request.get("AlarmDescription", ""))
    return IdleScope(labels["kind"], labels["resource"], labels["scope"], price)


def detail_of(count: CoverageCount) -> dict[str, Any]:
    """Return the count as JSON, for the detail of the event; `from_detail` reads it."""
    return asdict(count)


def from_detail(detail: Mapping[str, Any]) -> CoverageCount | None:
    """Read the detail of an event; None when it is empty, Undeliverable when it is none of ours."""
    if not detail:
        return None
    try:
        kinds = {str(kind): (int(watched), int(wanted)) for kind, (watched, wanted) in detail["kinds"].items()}
        return CoverageCount(
            kinds=kinds,
            unwatched=tuple(UnwatchedResource(**each) for each in detail["unwatched"]),
            idle=tuple(IdleScope(**each) for each in detail["idle"]),
            unread=tuple(map(str, detail["unread"])),
            withheld=tuple(map(str, detail["withheld"])),
            cost=float(detail["cost"]),
            **{name: int(detail[name]) for name in ("left_out", "orphans", "foreign", "alarms")},
        )
    except (AttributeError, KeyError, TypeError, ValueError) as odd:
        raise Undeliverable(f"{DUE}: the detail is no tally: {type(odd).__name__}: {odd}") from odd


def _why_unwatched(status: ResourceStatus, modified: datetime, now: datetime) -> str:
    if status is ResourceStatus.OVER_BUDGET:
        return "over budget, not created"
    if now - modified < _NEW:
        return "created in the last 15 min"
    return "some of its alarms are missing" if status is ResourceStatus.INCOMPLETE else ""
