"""Remembers in the incidents table which rows have no room in the budget; the sweep writes it, all others read it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sagewatch.aws.retries import retried
from sagewatch.policy.rules import Withheld

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


# One item, which never expires; no notice or incident has its key.
_KEY = {"pk": {"S": "BUDGET"}, "sk": {"S": "withheld"}}


def read_withheld(client: DynamoDBClient, table: str) -> Withheld:
    """Return the rows that have no room, and the budget for which that was found; none when nothing was written yet."""
    with retried(f"get_item {table}"):
        item = client.get_item(TableName=table, Key=_KEY, ConsistentRead=True).get("Item", {})
    rows = (each["M"] for each in item.get("rows", {}).get("L", ()))
    budget = item.get("budget", {}).get("N")
    return Withheld(
        frozenset((row["kind"]["S"], row["alarm"]["S"]) for row in rows), None if budget is None else float(budget)
    )


def write_withheld(client: DynamoDBClient, table: str, withheld: Withheld) -> None:
    """Write down which rows have no room from now on, in place of those before."""
    rows = [{"M": {"kind": {"S": kind}, "alarm": {"S": alarm}}} for kind, alarm in sorted(withheld.rows)]
    with retried(f"put_item {table}"):
        client.put_item(
            TableName=table, Item={**_KEY, "rows": {"L": rows}, "budget": {"N": repr(withheld.budget or 0.0)}}
        )
