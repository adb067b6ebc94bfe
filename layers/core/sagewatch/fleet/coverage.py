"""Decides who is watched and who is not, as the lists and the policy say. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sagewatch.errors import Undeliverable
from sagewatch.kinds.prices import said_price
from sagewatch.kinds.registry import kind as kind_named
from sagewatch.model import Alarm, Ref
from sagewatch.policy.cascade import all_off
from sagewatch.policy.rules import Policy, Row

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
    """Resources that the policy leaves without alarms; they are in no other number."""
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
    owned: Mapping[Ref, Sequence[object]],
    policy: Policy,
    withheld: frozenset[Row],
    now: datetime,
) -> CoverageCount:
    """Count by kind which of the resources that live have alarms; the caller adds what else the lists say."""
    wanted = [ref for ref in living if ref in owned or not _is_left_out(ref, policy)]
    missing = sorted(ref for ref in wanted if ref not in owned)
    kinds = {ref.kind for ref in wanted}
    return CoverageCount(
        kinds={
            kind: (
                sum(ref.kind == kind and ref in owned for ref in wanted),
                sum(ref.kind == kind for ref in wanted),
            )
            for kind in sorted(kinds)
        },
        unwatched=tuple(
            UnwatchedResource(ref.kind, ref.name, _why_unwatched(ref, living[ref], withheld, now))
            for ref in missing[:NAMED]
        ),
        left_out=len(living) - len(wanted),
        withheld=tuple(sorted("/".join(row) for row in withheld)),
        alarms=sum(map(len, owned.values())),
    )


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


def _is_left_out(ref: Ref, policy: Policy) -> bool:
    kind = kind_named(ref.kind)
    return kind is None or all_off(policy, ref, kind.specs)


def _why_unwatched(ref: Ref, modified: datetime, withheld: frozenset[Row], now: datetime) -> str:
    kind = kind_named(ref.kind)
    if kind and all((kind.name, row.id) in withheld for row in kind.specs):
        return "over budget, not created"
    return "created in the last 15 min" if now - modified < _NEW else ""
