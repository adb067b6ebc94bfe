"""Decides which alarms a resource should have. Pure functions from facts to complete requests."""

from __future__ import annotations

from collections.abc import Collection

from sagewatch.kinds.kind import Kind, Spec
from sagewatch.model import PER_CAPACITY, Alarm, Facts, Gap, Plan, Scope
from sagewatch.policy.cascade import apply_policy
from sagewatch.policy.rules import DEFAULT, Policy, PolicyInForce, Row, row_id
from sagewatch.watch.labels import from_tags, labels_of
from sagewatch.watch.request import alarm_of


def plan(prefix: str, kind: Kind, facts: Facts, policy: Policy = DEFAULT, withheld: Collection[Row] = ()) -> Plan:
    """Return the alarms that a resource deserves, but for rows (kind, id) that the budget has no room for.

    A row makes an alarm for each scope of its level that has all the traits which the row needs, unless a gap leaves it
    open whether the scope has them, or the scope waits to be in service: then what is there stays as it is.
    """
    if not facts.live:
        return Plan()
    rows = apply_policy(kind.specs, facts.ref, facts.tags, policy)
    specs = [spec for spec in rows.specs if (kind.name, row_id(spec.id)) not in withheld]
    of_tags, left_out = from_tags(facts.tags, policy)
    asked = [
        (spec, scope)
        for spec in specs
        for scope in facts.scopes
        if spec.level == scope.level and scope.traits.issuperset(spec.needs) and _is_measurable(spec, scope)
    ]
    open_gaps = [gap for gap in facts.gaps if gap.scope is not None]
    alarms = [
        alarm_of(prefix, facts.ref, spec, scope, labels_of(facts, spec, scope, of_tags, policy), policy)
        for spec, scope in asked
        if not scope.waits and not any(_leaves_open(gap, spec, scope.name, facts) for gap in open_gaps)
    ]
    unknown = [(gap, spec.id) for gap in facts.gaps for spec in specs if _leaves_open(gap, spec, gap.scope, facts)]
    waiting = [(scope.name, spec.id) for spec, scope in asked if scope.waits]
    waits = [
        f"{scope.name}: it is not in service; its new alarms wait for that" for scope in facts.scopes if scope.waits
    ]
    return Plan(
        alarms=tuple(alarms),
        unknown=frozenset([*((gap.scope, row) for gap, row in unknown if not gap.within), *waiting]),
        unknown_within=frozenset((gap.within, row) for gap, row in unknown if gap.within),
        known=frozenset(
            [(scope.name, spec.id) for spec in specs for scope in facts.scopes if spec.level == scope.level]
        ),
        rollback_alarms=facts.rollback_alarms,
        reports=tuple(dict.fromkeys((*rows.reports, *left_out, *[gap.reason for gap in facts.gaps], *waits))),
    )


def _is_measurable(spec: Spec, scope: Scope) -> bool:
    """Tell whether a threshold per vCPU, GPU or unit can be computed: not for a variant whose instances differ."""
    return spec.unit not in PER_CAPACITY or scope.capacity is not None


def _leaves_open(gap: Gap, spec: Spec, scope: str | None, facts: Facts) -> bool:
    """Tell whether a gap leaves it open if a scope gets the row's alarm; without a scope, if any does.

    A scope that lacks a trait which the gap does not hide has no such alarm: where the instance type is hidden, an
    asynchronous variant may have a GPU, and has no row of inference components.
    """
    if gap.level != spec.level or gap.scope != scope:
        return False
    if scope is None:
        return True
    known = {need for need in spec.needs if need not in gap.traits}
    lacking = any(each.name == scope and not each.traits >= known for each in facts.scopes if each.level == gap.level)
    return spec.depends_on(gap) and not lacking


def withheld_alarms(prefix: str, kind: Kind, facts: Facts, in_force: PolicyInForce) -> tuple[Alarm, ...]:
    """Return the alarms that a resource would have if the budget had room for all rows of its kind."""
    rows = {row for kind_name, row in in_force.withheld if kind_name == kind.name}
    if not rows:
        return ()
    unbounded = plan(prefix, kind, facts, in_force.policy)
    return tuple([each for each in unbounded.alarms if each.labels and row_id(each.labels["alarm"]) in rows])
