"""Decides which rows give way when the alarms would cost more than the budget. Pure.

A row (of a kind's table, with all its alarms in the whole fleet) stays whole or gives way whole. Rows are taken in the
order of severity, critical ones first, within a severity the cheapest first, then by name; each stays that fits into
what the budget has left. So the fewest critical rows give way, then the fewest warnings, then the fewest of the rest;
and a row that gives way would not fit if every row of lower severity gave way in its place.

Prices count before the free tier: it is one for the account, and the alarms of others may have used it up.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from sagewatch.aws.budget_store import Demand, Row
from sagewatch.fleet.costs import Prices, monthly
from sagewatch.model import Alarm, Severity
from sagewatch.policy.rules import row_of

_RANK: Mapping[Severity, int] = {severity: rank for rank, severity in enumerate(Severity)}
"""Critical is 0."""


def demands(alarms: Iterable[Alarm], prices: Prices, remembered: Mapping[Row, Demand] = {}) -> dict[Row, Demand]:
    """Return what each row asks for, as the alarms that are there show it, and memory of those that gave way.

    A row that gave way asks for no less than it did then, however many of its alarms are left: they go one by one, and
    it must not come back because half of them are gone.
    """
    found: dict[Row, Demand] = {}
    for row, demand in _each(alarms, prices):
        seen = found.get(row, Demand(0, demand.severity))
        found[row] = Demand(round(seen.cost + demand.cost, 6), _higher(seen, demand))
    for row, demand in remembered.items():
        seen = found.get(row, demand)
        most = max(demand, seen, key=lambda each: each.cost)
        found[row] = replace(most, severity=_higher(seen, demand))
    return found


def resized(remembered: Mapping[Row, Demand], living: Mapping[str, int]) -> dict[Row, Demand]:
    """Return what rows that gave way would ask for now that more or fewer resources of their kinds live than did then.

    A kind of which nobody lives is no measure: its rows ask for what they did.
    """
    found = dict(remembered)
    for (kind, row), demand in remembered.items():
        if demand.among and (now := living.get(kind, 0)):
            found[kind, row] = replace(demand, cost=round(demand.cost * now / demand.among, 6), among=now)
    return found


def withheld(budget: float | None, demand: Mapping[Row, Demand]) -> frozenset[Row]:
    """Return the rows that a monthly budget in USD has no room for; without a budget all have room."""
    if budget is None:
        return frozenset()
    spent, rows = 0.0, set()
    for row in sorted(demand, key=lambda row: (_RANK[demand[row].severity], demand[row].cost, row)):
        with_it = round(spent + demand[row].cost, 6)
        if with_it <= budget:
            spent = with_it
        else:
            rows.add(row)
    return frozenset(rows)


def _each(alarms: Iterable[Alarm], prices: Prices) -> Iterator[tuple[Row, Demand]]:
    for alarm in alarms:
        if labels := alarm.labels:
            row = labels["kind"], row_of(labels["alarm"])
            yield row, Demand(monthly(alarm.request, prices), _severity(labels.get("severity")))


def _severity(label: str | None) -> Severity:
    # What somebody edited away is not known to matter less, so it gives way last until it is written again.
    return next((each for each in Severity if each == label), Severity.CRITICAL)


def _higher(one: Demand, other: Demand) -> Severity:
    return min(one.severity, other.severity, key=_RANK.__getitem__)
