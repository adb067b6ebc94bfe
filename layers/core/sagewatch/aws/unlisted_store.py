"""Remembers in the incidents table of which kinds people were told that they cannot be listed: only others are news."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from sagewatch.aws.retries import retried

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

# One item, which never expires.
_KEY = {"pk": {"S": "UNLISTED"}, "sk": {"S": "kinds"}}


def read_unlisted(client: DynamoDBClient, table: str) -> frozenset[str]:
    """Return the kinds that people were last told of as not listed; none when nothing was written yet."""
    with retried(f"get_item {table}"):
        item = client.get_item(TableName=table, Key=_KEY, ConsistentRead=True).get("Item", {})
    return frozenset(each["S"] for each in item.get("kinds", {}).get("L", ()))


def write_unlisted(client: DynamoDBClient, table: str, kinds: Iterable[str]) -> None:
    """Write down the kinds of which people are told that they cannot be listed, in place of those before."""
    with retried(f"put_item {table}"):
        client.put_item(TableName=table, Item={**_KEY, "kinds": {"L": [{"S": each} for each in sorted(kinds)]}})
