"""Decides which rows give way when the alarms would cost more than the budget. Pure.

A row (of a kind's table, with all its alarms in the whole fleet) stays whole or gives way whole. Rows are taken in the
order of severity, critical ones first, within a severity the cheapest first, then by name; each stays that fits into
what the budget has left. So the fewest critical rows give way, then the fewest warnings, then the fewest of the rest;
and a row that gives way would not fit if every row of lower severity gave way in its place.

Prices count before the free tier: it is one for the account, and the alarms of others may have used it up.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from sagewatch.fleet.costs import Prices, monthly
from sagewatch.model import Alarm, Severity
from sagewatch.policy.rules import Row, RowCost, row_id

# Critical is 0.
_RANK: Mapping[str, int] = {severity: rank for rank, severity in enumerate(Severity)}


def row_costs(alarms: Iterable[Alarm], prices: Prices, written: Mapping[Row, RowCost] = {}) -> dict[Row, RowCost]:
    """Return what each row costs, as the alarms that are there show it, and what was written down of withheld ones.

    A withheld row costs no less than what was written down, however many of its alarms are left: they go one by one,
    and the row must not come back because half of them are gone.
    """
    found: dict[Row, RowCost] = {}
    for alarm in alarms:
        if (labels := alarm.labels) is None:
            continue
        row = labels["kind"], row_id(labels["alarm"])
        # What somebody edited away is not known to matter less, so it gives way last until it is written again.
        severity = next((each for each in Severity if each == labels.get("severity")), Severity.CRITICAL)
        seen = found.get(row, RowCost(0, severity))
        cost = round(seen.monthly_usd + monthly(alarm.request, prices), 6)
        found[row] = RowCost(cost, min(seen.severity, severity, key=_RANK.__getitem__))
    for row, before in written.items():
        seen = found.get(row, before)
        most = max(before, seen, key=lambda each: each.monthly_usd)
        found[row] = replace(most, severity=min(seen.severity, before.severity, key=_RANK.__getitem__))
    return found


def scaled(written: Mapping[Row, RowCost], living: Mapping[str, int]) -> dict[Row, RowCost]:
    """Return what withheld rows would cost now that more or fewer resources of their kinds live than were written down.

    `living` are resources by kind. A kind of which none lives is no measure: its rows cost what they did.
    """
    found = dict(written)
    for (kind, row), cost in written.items():
        if cost.resources and (now := living.get(kind, 0)):
            usd = round(cost.monthly_usd * now / cost.resources, 6)
            found[kind, row] = replace(cost, monthly_usd=usd, resources=now)
    return found


def over_budget(budget: float | None, costs: Mapping[Row, RowCost]) -> frozenset[Row]:
    """Return the rows that a monthly budget in USD has no room for; without a budget all have room."""
    if budget is None:
        return frozenset()
    spent, rows = 0.0, set()
    for row in sorted(costs, key=lambda row: (_RANK[costs[row].severity], costs[row].monthly_usd, row)):
        # Cents add up to 0.30000000000000004; that must not be over a budget of 0.30.
        with_it = round(spent + costs[row].monthly_usd, 6)
        if with_it <= budget:
            spent = with_it
        else:
            rows.add(row)
    return frozenset(rows)
