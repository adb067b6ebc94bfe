"""Decides what becomes of each row of a resource's kind, scope by scope. Pure.

Plans, coverage, explanations and the sweep's counts all ask here, so that they cannot say different things.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from enum import StrEnum

from sagewatch.kinds.kind import Kind, Spec
from sagewatch.model import PER_CAPACITY, Facts, Gap, Observed, Scope
from sagewatch.policy.cascade import RowsInForce, apply_policy
from sagewatch.policy.rules import DEFAULT, Policy, PolicyInForce, Row, row_id
from sagewatch.watch.names import alarm_name


class RowStatus(StrEnum):
    """What becomes of a row in one scope."""

    WANTED = "wanted"
    """Its alarm should be there; where the alarms are known, it is."""
    MISSING = "missing"
    """Its alarm should be there, and is not."""
    OFF = "off"
    """The owner wants no such alarm: by the policy, by a tag, or because the whole resource is ignored."""
    WITHHELD = "over budget"
    """The budget has no room for it."""
    HELD = "held"
    """Whether its alarm should be there cannot be known now, so what is there stays as it is."""
    NOT_APPLICABLE = "not applicable"
    """The scope has nothing that the row looks at."""


@dataclass(frozen=True, slots=True)
class RowDecision:
    """What becomes of one row, or of one alarm of a pair, in one scope."""

    spec: Spec
    """The row as the policy and the tags changed it."""
    scope: str | None
    """The scope's name; None for all scopes, or for any that is not known."""
    status: RowStatus
    reason: str = ""
    """Why there is no alarm, in words; empty where it is wanted."""
    found: Scope | None = None
    """The scope, where it is known."""
    within: str = ""
    """With a scope of None, how the names of the scopes begin that are not known; empty: any."""


class ResourceStatus(StrEnum):
    """How a resource that lives is watched, as its rows and its alarms say."""

    WATCHED = "watched"
    INCOMPLETE = "incomplete"
    """It has alarms, and some that it should have are missing."""
    MISSING = "missing"
    """It should have alarms, and has none."""
    LEFT_OUT = "left out"
    """Its owner wants no alarms."""
    OVER_BUDGET = "over budget"
    """The budget has no room for any of its rows."""
    HELD = "held"
    """Which alarms it should have cannot be known now, and it has none."""
    NOTHING = "nothing to watch"
    """No row applies to it."""


def decide_rows(
    kind: Kind, facts: Facts, policy: Policy = DEFAULT, withheld: Collection[Row] = ()
) -> tuple[RowDecision, ...]:
    """Return what becomes of each row of a resource, whatever alarms there are; of one that is gone, nothing.

    In the order of the kind's table. An endpoint with one variant without a GPU: `cpu` of `AllTraffic` is WANTED, `gpu`
    of `AllTraffic` is NOT_APPLICABLE, `oldest-request` of no scope is NOT_APPLICABLE.
    """
    if not facts.live:
        return ()
    return decide_rows_in_force(kind, facts, apply_policy(kind.specs, facts.ref, facts.tags, policy), withheld)


def decide_rows_in_force(
    kind: Kind, facts: Facts, rows: RowsInForce, withheld: Collection[Row]
) -> tuple[RowDecision, ...]:
    """Return the same for rows to which the policy and the tags were applied already."""
    if rows.ignored:
        said = f"the resource is ignored: {rows.ignored}"
        return tuple([RowDecision(spec, None, RowStatus.OFF, said) for spec in kind.specs])
    tuned: dict[str, list[Spec]] = {}
    for spec in rows.specs:
        tuned.setdefault(row_id(spec.id), []).append(spec)
    found: list[RowDecision] = []
    for row in kind.specs:
        if by := rows.off.get(row.id):
            found.append(RowDecision(row, None, RowStatus.OFF, by))
            continue
        over = (kind.name, row.id) in withheld
        for spec in tuned.get(row.id, ()):
            found += _by_scope(facts, spec, over=over)
    return tuple(found)


def _by_scope(facts: Facts, spec: Spec, *, over: bool) -> Iterator[RowDecision]:
    here = [scope for scope in facts.scopes if scope.level == spec.level]
    names = {scope.name for scope in here}
    gaps = [gap for gap in facts.gaps if gap.level == spec.level and _leaves_open(gap, spec, facts)]
    for scope in here:
        status, reason = _in_scope(spec, scope, [gap for gap in gaps if gap.scope == scope.name], over=over)
        yield RowDecision(spec, scope.name, status, reason, scope)
    unseen = [gap for gap in gaps if gap.scope not in names]
    for gap in unseen:
        status, reason = _OVER if over else (RowStatus.HELD, f"not known: {gap.reason}")
        yield RowDecision(spec, gap.scope, status, reason, within=gap.within)
    if not here and not unseen:
        yield RowDecision(spec, None, RowStatus.NOT_APPLICABLE, f"it has nothing at the level {spec.level}")


_OVER = (RowStatus.WITHHELD, "the budget has no room for it")


def _in_scope(spec: Spec, scope: Scope, gaps: list[Gap], *, over: bool) -> tuple[RowStatus, str]:
    lacking = [trait for trait in spec.needs if trait not in scope.traits]
    if lacking and not gaps:
        return RowStatus.NOT_APPLICABLE, f"{scope.name} lacks what it needs: {', '.join(lacking)}"
    if not gaps and not _is_measurable(spec, scope):
        return RowStatus.NOT_APPLICABLE, f"the instances of {scope.name} differ, and its threshold is one for each type"
    if over:
        return _OVER
    if gaps:
        return RowStatus.HELD, f"not known: {gaps[0].reason}"
    if scope.waits:
        return RowStatus.HELD, f"{scope.name} is not in service yet"
    return RowStatus.WANTED, ""


def _is_measurable(spec: Spec, scope: Scope) -> bool:
    """Tell whether a threshold per vCPU, GPU or unit can be computed: not for a variant whose instances differ."""
    return spec.unit not in PER_CAPACITY or scope.capacity is not None


def _leaves_open(gap: Gap, spec: Spec, facts: Facts) -> bool:
    """Tell whether a gap of the row's level leaves it open if its scope gets the row's alarm; without one, if any does.

    A scope that lacks a trait which the gap does not hide has no such alarm: where the instance type is hidden, an
    asynchronous variant may have a GPU, and has no row of inference components.
    """
    if gap.scope is None:
        return not (gap.mixed and spec.unit in PER_CAPACITY)
    known = {need for need in spec.needs if need not in gap.traits}
    lacking = any(
        each.name == gap.scope and not each.traits >= known for each in facts.scopes if each.level == gap.level
    )
    return spec.depends_on(gap) and not lacking


def rows_there(prefix: str, kind: Kind, seen: Observed, in_force: PolicyInForce) -> tuple[RowDecision, ...]:
    """Return what becomes of each row of a resource with the alarms that it has: what is WANTED is there.

    What reconcile would make next is MISSING. It makes none under a name that somebody else's alarm has, nor for a
    resource with alarms under a policy that could never be read: that is HELD.
    """
    there = {alarm.name for alarm in seen.owned}
    return tuple(
        [
            _with_alarm(each, alarm_name(prefix, seen.facts.ref, each.scope or "", each.spec.id), seen, in_force, there)
            for each in decide_rows(kind, seen.facts, in_force.policy, in_force.withheld)
        ]
    )


def _with_alarm(
    decided: RowDecision, name: str, seen: Observed, in_force: PolicyInForce, there: Collection[str]
) -> RowDecision:
    if decided.status is not RowStatus.WANTED or name in there:
        return decided
    if name in seen.foreign:
        return replace(decided, status=RowStatus.HELD, reason="somebody else's alarm has its name")
    if in_force.frozen and there:
        return replace(decided, status=RowStatus.HELD, reason="the policy is broken: what is there stays as it is")
    return replace(decided, status=RowStatus.MISSING, reason="it should be there and is not")


def resource_status(rows: Iterable[RowDecision], *, has_alarms: bool) -> ResourceStatus:
    """Return how a resource that lives is watched, from what `rows_there` says of it."""
    count = Counter(each.status for each in rows)
    if count[RowStatus.MISSING]:
        return ResourceStatus.INCOMPLETE if has_alarms else ResourceStatus.MISSING
    if count[RowStatus.WANTED]:
        return ResourceStatus.WATCHED
    if count[RowStatus.HELD]:
        return ResourceStatus.WATCHED if has_alarms else ResourceStatus.HELD
    if count[RowStatus.WITHHELD]:
        return ResourceStatus.OVER_BUDGET
    return ResourceStatus.LEFT_OUT if count[RowStatus.OFF] else ResourceStatus.NOTHING
