"""Finds out which rows the budget has no room for, as the sweep wrote it down."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from sagewatch.aws import budget_store, look_store
from sagewatch.errors import Retry
from sagewatch.model import Ref
from sagewatch.policy.rules import Look, PolicyInForce
from sagewatch_cli.account.deployment import Deployment
from sagewatch_cli.account.session import Account


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownBudget:
    """What the stack's table says of the budget."""

    in_force: PolicyInForce
    """The policy, with the rows that the budget has no room for."""
    unknown: str = ""
    """Why it is not known which rows the budget has no room for; empty when it is, or when there is no budget."""


def with_budget(account: Account, deployment: Deployment, wanted: PolicyInForce, table: str | None) -> KnownBudget:
    """Add the rows that the budget has no room for, as the sweep stored them; `table` stands in for the stack's.

    Without a budget nothing is read. What was stored for another budget says nothing of this one.
    """
    budget = wanted.policy.budget
    if budget is None:
        return KnownBudget(in_force=wanted)
    if not (name := table or deployment.table):
        return KnownBudget(in_force=wanted, unknown=f"{_UNKNOWN}: {_no_table(deployment)}")
    try:
        found = budget_store.read_withheld(account.client("dynamodb"), name)
    except Retry as error:
        return KnownBudget(in_force=wanted, unknown=f"{_UNKNOWN}: {error}")
    if found.budget is None:
        return KnownBudget(in_force=wanted, unknown=f"{_UNKNOWN}: no sweep has decided yet under a budget")
    if found.budget != budget:
        other = f"the last sweep decided for a budget of ${found.budget:,.2f}; `sagewatch plan` works it out"
        return KnownBudget(in_force=wanted, unknown=f"{_UNKNOWN}: {other}")
    return KnownBudget(in_force=replace(wanted, withheld=found.rows))


def read_looks(account: Account, table: str, kinds: Iterable[str]) -> dict[Ref, Look]:
    """Return what the stack remembers of looks at resources of these kinds; nothing without a table."""
    if not table:
        return {}
    client = account.client("dynamodb")
    return {
        Ref(kind, name): look
        for kind in sorted(kinds)
        for name, look in look_store.read_looks(client, table, kind).items()
    }


_UNKNOWN = "Which rows the budget has no room for is not known"


def _no_table(deployment: Deployment) -> str:
    return f"the stack {deployment.stack} has no incidents table" if deployment.stack else deployment.missing
