"""Decides what a new policy would do: alarms, limits, money, and who hears of what instead. Pure."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from sagewatch.model import Alarm, Labels, Place, Severity
from sagewatch.policy.rules import Policy, Row, row_id
from sagewatch.tell.route import routes
from sagewatch_cli.account.alarm_words import differences
from sagewatch_cli.account.notify import mention, places
from sagewatch_cli.account.plan import AccountPlan

_SAID = 3
"""How many different changes of one row are named."""


@dataclass(slots=True)
class RowChange:
    """What happens to the alarms of one row in the whole fleet."""

    created: int = 0
    changed: int = 0
    deleted: int = 0
    said: Counter[str] = field(default_factory=Counter)
    """What changes, in words, and how many alarms it concerns: `{"threshold 1.00 s → 800 ms": 40}`."""

    @property
    def words(self) -> str:
        """Return the most frequent changes: `threshold 1.00 s → 800 ms (40), off in the policy (line 3) (2)`."""
        named = [f"{said} ({number})" for said, number in self.said.most_common(_SAID)]
        more = len(self.said) - len(named)
        return ", ".join(named) + (f", and {more} more" if more else "")


@dataclass(frozen=True, slots=True)
class HearingChange:
    """Who hears of some alarms, and who would hear of them instead."""

    before: tuple[str, ...]
    after: tuple[str, ...]
    alarms: int
    example: str
    """The name of one of the alarms."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FiringChange:
    """How often the alarms that change would have fired in the last days, as they are and as they would be."""

    days: int
    before: int
    after: int
    replayed: int
    """How many alarms were replayed."""
    left_out: int
    """How many were not, because there are too many."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyChange:
    """What a push would do."""

    plan: AccountPlan
    """What reconcile would write under the new policy."""
    rows: Mapping[Row, RowChange]
    """What happens to each row of which alarms are made, changed or deleted."""
    hearing: tuple[HearingChange, ...]
    """Who hears of what instead."""
    firings: FiringChange | None = None
    """None where nothing was replayed."""
    unreplayed: str = ""
    """Why nothing could be replayed; empty where it was, or where nothing that changes can fire."""

    def __bool__(self) -> bool:
        return any(self.plan.counts()) or bool(self.hearing)

    @property
    def digest(self) -> str:
        """Return a digest of all that would be written and of who would hear of it, to compare two of them."""
        writes = [
            [str(each.ref), sorted(_text(alarm) for alarm in each.decision.changes.puts), each.decision.changes.deletes]
            for each in self.plan.planned
            if each
        ]
        heard = [[each.before, each.after, each.alarms] for each in self.hearing]
        return hashlib.sha256(json.dumps([writes, heard]).encode()).hexdigest()

    def lines(self) -> Iterator[str]:
        """Yield it in words, a few lines whatever the size of the fleet."""
        create, change, delete = self.plan.counts()
        before, after = self.plan.fleet.before, self.plan.fleet.after
        cost = f"${before:,.2f} a month" if before == after else f"${before:,.2f} → ${after:,.2f} a month"
        yield f"Alarms: {create:,} to create, {change:,} to change, {delete:,} to delete · {cost}"
        for (kind, row), found in self.rows.items():
            counts = ((found.created, "+"), (found.changed, "~"), (found.deleted, "-"))
            yield f"  {' '.join(f'{sign}{n}' for n, sign in counts if n)} {kind}/{row}: {found.words}"
        if self.plan.withheld:
            yield f"The budget has no room for {', '.join('/'.join(row) for row in self.plan.withheld)}."
        yield from self.told()
        yield from (f"Not found out: {each}" for each in self.plan.unread)

    def told(self) -> Iterator[str]:
        """Yield who hears of what instead, and how often what changes fired."""
        yield from self._heard()
        if self.unreplayed:
            yield f"How often what changes fired could not be found out: {self.unreplayed}"
        if self.firings:
            cut = f", {self.firings.left_out} more not" if self.firings.left_out else ""
            yield (
                f"In the last {self.firings.days} days what changes fired {self.firings.before} times and would have "
                f"fired {self.firings.after} times ({self.firings.replayed} alarms replayed{cut})."
            )

    def _heard(self) -> Iterator[str]:
        if not self.hearing:
            yield "Who hears of the alarms stays the same."
        for each in self.hearing:
            before, after = ("; ".join(several) or "nobody" for several in (each.before, each.after))
            yield f"{each.alarms:,} alarms, such as {each.example}: told to {before} → {after}"

    def data(self) -> dict[str, Any]:
        """Return it for programs."""
        create, change, delete = self.plan.counts()
        return {
            "summary": {"create": create, "change": change, "delete": delete},
            "monthly": {"before": self.plan.fleet.before, "after": self.plan.fleet.after},
            "rows": {
                "/".join(row): {
                    "create": each.created,
                    "change": each.changed,
                    "delete": each.deleted,
                    "said": dict(each.said),
                }
                for row, each in self.rows.items()
            },
            "hearing": [
                {"before": each.before, "after": each.after, "alarms": each.alarms, "example": each.example}
                for each in self.hearing
            ],
            "firings": self.firings and asdict(self.firings),
            "unreplayed": self.unreplayed or None,
            "unread": list(self.plan.unread),
        }


def _text(alarm: Alarm) -> str:
    return json.dumps(alarm.request, sort_keys=True)


def row_changes(plan: AccountPlan) -> dict[Row, RowChange]:
    """Return what happens to each row, in the order of their names."""
    found: dict[Row, RowChange] = {}
    for each in plan.planned:
        for alarm in each.created:
            _of(found, alarm).created += 1
        for old, new in each.changed:
            change = _of(found, new)
            change.changed += 1
            change.said.update(_said(old, new))
        for alarm in each.deleted:
            change = _of(found, alarm)
            change.deleted += 1
            change.said[each.why[alarm.name]] += 1
    return dict(sorted(found.items()))


def _of(found: dict[Row, RowChange], alarm: Alarm) -> RowChange:
    labels = alarm.labels
    row = (labels["kind"], row_id(labels["alarm"])) if labels else ("", alarm.name)
    return found.setdefault(row, RowChange())


def _said(old: Alarm, new: Alarm) -> Iterator[str]:
    named = [each for each in differences(old, new) if each.what not in {"label policy", "text"}]
    yield from (f"{each.what} {each.old} → {each.new}" for each in named)
    if not named:
        yield "only marks and words"


def policy_change(
    plan: AccountPlan,
    old: Policy,
    new: Policy,
    place: Place,
    firings: FiringChange | None = None,
    unreplayed: str = "",
) -> PolicyChange:
    """Return what a push of `new` in place of `old` would do there; `plan` is that of `new`."""
    return PolicyChange(
        plan=plan,
        rows=row_changes(plan),
        hearing=tuple(_hearing(plan, old, new, place)),
        firings=firings,
        unreplayed=unreplayed,
    )


def _hearing(plan: AccountPlan, old: Policy, new: Policy, place: Place) -> Iterator[HearingChange]:
    """Yield who hears of what instead, of the alarms that are there before and after."""
    alike: dict[tuple[tuple[str, ...], tuple[str, ...]], list[str]] = {}
    for before, after in _kept(plan):
        if before.labels is None or after.labels is None:
            continue
        heard = (_heard_by(old, before.labels, place), _heard_by(new, after.labels, place))
        if heard[0] != heard[1]:
            alike.setdefault(heard, []).append(after.name)
    for (was, becomes), names in sorted(alike.items()):
        yield HearingChange(was, becomes, len(names), min(names))


def _kept(plan: AccountPlan) -> Iterator[tuple[Alarm, Alarm]]:
    yield from ((alarm, alarm) for alarm in plan.untouched)
    for each in plan.planned:
        before = each.present
        yield from ((before[alarm.name], alarm) for alarm in each.after if alarm.name in before)


def _heard_by(policy: Policy, labels: Labels, place: Place) -> tuple[str, ...]:
    """Return who hears of an alarm with these labels, who is mentioned, and the topics that CloudWatch tells."""
    severity = next((each for each in Severity if each == labels.get("severity")), None)
    found: list[str] = []
    for route in routes(policy, labels, place):
        named = mention(route, severity) if severity else ""
        found += [f"{at} ({named})" if named and at.startswith("Slack") else at for at in places(route)]
    topics = policy.topics(labels) if severity else ()
    return (*found, *(f"paged: {topic}" for topic in topics))
