"""Decides which alarms a resource should have. Pure functions from facts to complete requests."""

from __future__ import annotations

from collections.abc import Collection

from sagewatch.kinds.kind import Kind, Spec
from sagewatch.model import Alarm, Facts, Gap, Plan
from sagewatch.policy.cascade import apply_policy
from sagewatch.policy.rules import DEFAULT, Policy, PolicyInForce, Row, row_id
from sagewatch.watch.labels import from_tags, labels_of
from sagewatch.watch.request import alarm_of


def plan(prefix: str, kind: Kind, facts: Facts, policy: Policy = DEFAULT, withheld: Collection[Row] = ()) -> Plan:
    """Return the alarms that a resource deserves, but for rows (kind, id) that the budget has no room for.

    A row makes an alarm for each scope of its level that has all the traits which the row needs, unless a gap leaves it
    open whether the scope has them: then what is there stays as it is.
    """
    if not facts.live:
        return Plan()
    rows = apply_policy(kind.specs, facts.ref, facts.tags, policy)
    specs = [spec for spec in rows.specs if (kind.name, row_id(spec.id)) not in withheld]
    of_tags, left_out = from_tags(facts.tags, policy)
    unknown = {(gap.level, gap.scope): gap.traits for gap in facts.gaps}
    alarms = [
        alarm_of(prefix, facts.ref, spec, scope, labels_of(facts, spec, scope, of_tags, policy), policy)
        for spec in specs
        for scope in facts.scopes
        if spec.level == scope.level
        and scope.traits.issuperset(spec.needs)
        and not spec.depends_on(unknown.get((scope.level, scope.name), frozenset()))
    ]
    return Plan(
        alarms=tuple(alarms),
        unknown=frozenset(
            [
                (gap.scope, spec.id)
                for gap in facts.gaps
                for spec in specs
                if spec.level == gap.level and (gap.scope is None or _may_apply(spec, gap, facts))
            ]
        ),
        known=frozenset(
            [(scope.name, spec.id) for spec in specs for scope in facts.scopes if spec.level == scope.level]
        ),
        rollback_alarms=facts.rollback_alarms,
        reports=(*rows.reports, *left_out, *[gap.reason for gap in facts.gaps]),
    )


def _may_apply(spec: Spec, gap: Gap, facts: Facts) -> bool:
    """Tell whether it is open if a row makes an alarm for the scope of a gap: not when it lacks a trait that is known.

    Where the instance type is hidden, an asynchronous variant may have a GPU, and has no row of inference components.
    """
    known = {need for need in spec.needs if need not in gap.traits}
    lacking = any(
        each.name == gap.scope and not each.traits >= known for each in facts.scopes if each.level == gap.level
    )
    return spec.depends_on(gap.traits) and not lacking


def withheld_alarms(prefix: str, kind: Kind, facts: Facts, in_force: PolicyInForce) -> tuple[Alarm, ...]:
    """Return the alarms that a resource would have if the budget had room for all rows of its kind."""
    rows = {row for kind_name, row in in_force.withheld if kind_name == kind.name}
    if not rows:
        return ()
    unbounded = plan(prefix, kind, facts, in_force.policy)
    return tuple([each for each in unbounded.alarms if each.labels and row_id(each.labels["alarm"]) in rows])
