"""Remembers in the incidents table which rows gave way to the budget, and what they asked for; the sweep writes it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sagewatch.aws.errors import retried
from sagewatch.model import Severity

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import UniversalAttributeValueTypeDef


type Row = tuple[str, str]
"""(kind, alarm id) of a row, for both alarms of a pair."""


@dataclass(frozen=True, slots=True)
class Demand:
    """What the alarms of a row cost a month in the whole fleet, in USD, and the highest severity among them.

    `among` says how many resources of the kind lived when it was written down; 0 when nobody counted.
    """

    cost: float
    severity: Severity
    among: int = 0


_KEY = {"pk": {"S": "BUDGET"}, "sk": {"S": "withheld"}}
"""One item, which never expires; no notice or incident has its key."""


def read(client: DynamoDBClient, table: str) -> Mapping[Row, Demand]:
    """Return the rows that gave way and what each asked for; none when nothing was ever written."""
    with retried(f"get_item {table}"):
        answer = client.get_item(TableName=table, Key=_KEY, ConsistentRead=True)
    rows = (each["M"] for each in answer.get("Item", {}).get("rows", {}).get("L", ()))
    return {
        (row["kind"]["S"], row["alarm"]["S"]): Demand(
            float(row["cost"]["N"]), Severity(row["severity"]["S"]), int(row.get("among", {}).get("N", "0"))
        )
        for row in rows
    }


def write(client: DynamoDBClient, table: str, withheld: Mapping[Row, Demand]) -> None:
    """Write down the rows that give way from now on, in place of those before."""
    rows = [_row(row, demand) for row, demand in sorted(withheld.items(), key=lambda each: each[0])]
    with retried(f"put_item {table}"):
        client.put_item(TableName=table, Item={**_KEY, "rows": {"L": rows}})


def _row(row: Row, demand: Demand) -> UniversalAttributeValueTypeDef:
    kind, alarm = row
    return {
        "M": {
            "kind": {"S": kind},
            "alarm": {"S": alarm},
            "cost": {"N": str(demand.cost)},
            "severity": {"S": str(demand.severity)},
            "among": {"N": str(demand.among)},
        }
    }
