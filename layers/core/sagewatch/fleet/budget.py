"""Decides which rows give way when the alarms would cost more than the budget. Pure.

A row (of a kind's table, with all its alarms in the whole fleet) stays whole or gives way whole. The order is fixed:
critical rows first, then warnings, then the rest; within a severity as the kinds and their tables list them. Rows are
kept in that order as long as the budget has room; the first that has none gives way, and all after it. So a fleet that
grows never brings a row back, and no row gives way for one of lower severity.

Prices count before the free tier: it is one for the account, and the alarms of others may have used it up.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from sagewatch.fleet.costs import Prices, monthly
from sagewatch.kinds.registry import KINDS
from sagewatch.model import Alarm, Ref, Severity
from sagewatch.policy.rules import DEFAULT, Policy, Row, RowCost, matches, row_id

# Critical is 0.
_RANK: Mapping[str, int] = {severity: rank for rank, severity in enumerate(Severity)}
_SPECS = {(kind.name, spec.id): spec for kind in KINDS for spec in kind.specs}
_PLACES = {row: place for place, row in enumerate(_SPECS)}


def row_costs(
    alarms: Iterable[Alarm],
    prices: Prices,
    policy: Policy = DEFAULT,
    withheld: Mapping[Ref, Mapping[str, float]] = {},
) -> dict[Row, RowCost]:
    """Return what each row costs: the alarms that are there, and what `withheld` ones of each resource would cost.

    `{Ref("endpoint", "churn"): {"idle": 0.1}}` is what was found at the last look at the resource. Alarms that are not
    deleted yet are in both, and count once.
    """
    labelled = ((labels, alarm.request) for alarm in alarms if (labels := alarm.labels))
    costs = (
        AlarmCost(labels.ref, labels["alarm"], labels.get("severity"), monthly(request, prices))
        for labels, request in labelled
    )
    return sum_by_row(costs, policy, withheld)


class AlarmCost(NamedTuple):
    """What one alarm costs, and whose it is."""

    ref: Ref
    alarm: str
    """Its id, `latency-p99`."""
    severity: str | None
    monthly_usd: float


def sum_by_row(
    costs: Iterable[AlarmCost], policy: Policy = DEFAULT, withheld: Mapping[Ref, Mapping[str, float]] = {}
) -> dict[Row, RowCost]:
    """Return what each row costs, as `row_costs` does."""
    there: dict[tuple[Ref, str], float] = {}
    said: dict[Row, str | None] = {}
    for each in costs:
        key = each.ref, row_id(each.alarm)
        there[key] = there.get(key, 0.0) + each.monthly_usd
        said.setdefault((each.ref.kind, key[1]), each.severity)
    for ref, rows in withheld.items():
        for row, usd in rows.items():
            there[ref, row] = max(there.get((ref, row), 0.0), usd)
    sums: dict[Row, float] = {}
    for (ref, row), usd in there.items():
        sums[ref.kind, row] = sums.get((ref.kind, row), 0.0) + usd
    # Cents add up to 0.30000000000000004; that must not be over a budget of 0.30.
    return {row: RowCost(round(usd, 6), _severity(row, policy, said.get(row))) for row, usd in sums.items()}


def _severity(row: Row, policy: Policy, said: str | None) -> Severity:
    """Return the severity of a row for the whole fleet, as its table and the policy say; no tag moves a row.

    A row that this version does not know has the severity that its alarms say, or else gives way last.
    """
    if (spec := _SPECS.get(row)) is None:
        return next((each for each in Severity if each == said), Severity.CRITICAL)
    found = spec.severity
    for rule in policy.alarms:
        if not (matches(rule.kind, row[0]) and matches(rule.alarm, row[1])):
            continue
        wanted = Severity.CRITICAL if rule.critical is not None else rule.severity
        if wanted is None:
            continue
        speaks_of_all = rule.resource == "*" and not rule.tags
        found = wanted if speaks_of_all else min(found, wanted, key=_RANK.__getitem__)
    return found


def over_budget(budget: float | None, costs: Mapping[Row, RowCost]) -> frozenset[Row]:
    """Return the rows that a monthly budget in USD has no room for; without a budget all have room.

    With a budget of 60 and the warnings w1 ($10), w2 ($60) and w3 ($20) in that order, w2 and w3 give way.
    """
    if budget is None:
        return frozenset()
    spent = 0.0
    order = sorted(costs, key=lambda row: (_RANK[costs[row].severity], _PLACES.get(row, len(_PLACES)), row))
    for place, row in enumerate(order):
        spent = round(spent + costs[row].monthly_usd, 6)
        if spent > budget:
            return frozenset(each for each in order[place:] if costs[each].monthly_usd)
    return frozenset()
