"""Decides what is worth remembering of looks at resources, so that the sweep need not look again. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sagewatch.fleet.costs import Prices, monthly
from sagewatch.model import Alarm, Ref
from sagewatch.policy.rules import Look, PolicyInForce, row_id
from sagewatch.watch.reconcile import Outcome


def looks_of(outcomes: Iterable[Outcome], in_force: PolicyInForce, prices: Prices, began: datetime) -> dict[Ref, Look]:
    """Return what is worth remembering: looks at resources that are well without alarms, or that lack some for good.

    Those lack alarms whose rows the budget has no room for, or which CloudWatch refuses.
    """
    return {
        done.ref: Look(
            at=began,
            mark=in_force.mark_of(done.ref),
            is_bare=done.is_bare,
            withheld=_monthly_by_row(done.withheld, prices),
            left=done.left if done.refused else "",
        )
        for done in outcomes
        if done.is_bare or done.withheld or (done.live and done.refused)
    }


def _monthly_by_row(alarms: Iterable[Alarm], prices: Prices) -> dict[str, float]:
    found: dict[str, float] = {}
    for alarm in alarms:
        if labels := alarm.labels:
            row = row_id(labels["alarm"])
            found[row] = round(found.get(row, 0.0) + monthly(alarm.request, prices), 6)
    return found
