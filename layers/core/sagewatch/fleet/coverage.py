"""Decides who is watched and who is not, as the lists and the policy say. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sagewatch.aws.budget_store import Row
from sagewatch.errors import Undeliverable
from sagewatch.kinds.registry import kind as kind_named
from sagewatch.model import Alarm, Ref
from sagewatch.policy.cascade import all_off
from sagewatch.policy.rules import Policy

DUE = "Sagewatch Digest Due"
"""The detail-type of the event that has the digest sent; its detail is a tally, or empty."""


NAMED = 20
"""So many resources travel by name; the others are only counted."""


_NEW = timedelta(minutes=15)


_PRICE = re.compile(r"Each instance costs (about \$[\d.,]+ an hour, \$[\d.,]+ a month \([a-z0-9-]+\))")
"""How descriptions of alarms on idling say the price (`plan`)."""


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


def _is_left_out(ref: Ref, policy: Policy) -> bool:
    kind = kind_named(ref.kind)
    return kind is None or all_off(policy, ref, kind.specs)


def _why(ref: Ref, modified: datetime, withheld: frozenset[Row], now: datetime) -> str:
    kind = kind_named(ref.kind)
    if kind and all((kind.name, row.id) in withheld for row in kind.specs):
        return "the budget has no room for it"
    return "it is new" if now - modified < _NEW else ""
