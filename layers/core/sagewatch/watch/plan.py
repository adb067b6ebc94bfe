"""Decides which alarms a resource should have. Pure functions from facts to complete requests."""

from __future__ import annotations

from collections.abc import Collection

from sagewatch.kinds.kind import Kind
from sagewatch.model import Alarm, Facts, Plan
from sagewatch.policy.cascade import apply_policy
from sagewatch.policy.rules import DEFAULT, Policy, PolicyInForce, Row, row_id
from sagewatch.watch.labels import from_tags, labels_of
from sagewatch.watch.request import alarm_of
from sagewatch.watch.rows import RowStatus, decide_rows_in_force


def plan(prefix: str, kind: Kind, facts: Facts, policy: Policy = DEFAULT, withheld: Collection[Row] = ()) -> Plan:
    """Return the alarms that a resource deserves, but for rows (kind, id) that the budget has no room for.

    A row makes an alarm for each scope of its level that has all the traits which the row needs, unless a gap leaves it
    open whether the scope has them, or the scope waits to be in service: then what is there stays as it is.
    """
    if not facts.live:
        return Plan()
    rows = apply_policy(kind.specs, facts.ref, facts.tags, policy)
    decided = decide_rows_in_force(kind, facts, rows, withheld)
    specs = [spec for spec in rows.specs if (kind.name, row_id(spec.id)) not in withheld]
    of_tags, left_out = from_tags(facts.tags, policy)
    alarms = [
        alarm_of(prefix, facts.ref, each.spec, scope, labels_of(facts, each.spec, scope, of_tags, policy), policy)
        for each in decided
        if each.status is RowStatus.WANTED and (scope := each.found)
    ]
    held = [each for each in decided if each.status is RowStatus.HELD]
    waits = [
        f"{scope.name}: it is not in service; its new alarms wait for that" for scope in facts.scopes if scope.waits
    ]
    return Plan(
        alarms=tuple(alarms),
        unknown=frozenset([(each.scope, each.spec.id) for each in held if not each.within]),
        unknown_within=frozenset([(each.within, each.spec.id) for each in held if each.within]),
        known=frozenset(
            [(scope.name, spec.id) for spec in specs for scope in facts.scopes if spec.level == scope.level]
        ),
        rollback_alarms=facts.rollback_alarms,
        reports=tuple(dict.fromkeys((*rows.reports, *left_out, *[gap.reason for gap in facts.gaps], *waits))),
    )


def withheld_alarms(prefix: str, kind: Kind, facts: Facts, in_force: PolicyInForce) -> tuple[Alarm, ...]:
    """Return the alarms that a resource would have if the budget had room for all rows of its kind."""
    rows = {row for kind_name, row in in_force.withheld if kind_name == kind.name}
    if not rows:
        return ()
    unbounded = plan(prefix, kind, facts, in_force.policy)
    return tuple([each for each in unbounded.alarms if each.labels and row_id(each.labels["alarm"]) in rows])
