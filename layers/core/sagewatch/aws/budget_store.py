"""Remembers in the incidents table which rows gave way to the budget, and what they would cost; the sweep writes it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from sagewatch.aws.retries import retried
from sagewatch.model import Severity
from sagewatch.policy.rules import Row, RowCost

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import UniversalAttributeValueTypeDef


# One item, which never expires; no notice or incident has its key.
_KEY = {"pk": {"S": "BUDGET"}, "sk": {"S": "withheld"}}


def read_row_costs(client: DynamoDBClient, table: str) -> Mapping[Row, RowCost]:
    """Return the rows that gave way and what each would cost; none when nothing was ever written."""
    with retried(f"get_item {table}"):
        # Without ConsistentRead the answer may not show what was written a moment ago (DynamoDB, "Read consistency").
        answer = client.get_item(TableName=table, Key=_KEY, ConsistentRead=True)
    rows = (each["M"] for each in answer.get("Item", {}).get("rows", {}).get("L", ()))
    return {
        (row["kind"]["S"], row["alarm"]["S"]): RowCost(
            float(row["cost"]["N"]), Severity(row["severity"]["S"]), int(row.get("among", {}).get("N", "0"))
        )
        for row in rows
    }


def write_row_costs(client: DynamoDBClient, table: str, withheld: Mapping[Row, RowCost]) -> None:
    """Write down the rows that give way from now on, in place of those before."""
    rows = [_row_item(row, cost) for row, cost in sorted(withheld.items(), key=lambda each: each[0])]
    with retried(f"put_item {table}"):
        client.put_item(TableName=table, Item={**_KEY, "rows": {"L": rows}})


def _row_item(row: Row, cost: RowCost) -> UniversalAttributeValueTypeDef:
    kind, alarm = row
    return {
        "M": {
            "kind": {"S": kind},
            "alarm": {"S": alarm},
            # DynamoDB sends numbers as texts, so that no library rounds them (AttributeValue, N).
            "cost": {"N": str(cost.monthly_usd)},
            "severity": {"S": str(cost.severity)},
            "among": {"N": str(cost.resources)},
        }
    }
