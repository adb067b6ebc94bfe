"""Remembers in the incidents table what looks at resources found that no list and no alarm shows: one item a kind.

Reconcile writes it, the sweep reads it. What is lost of it costs another look, and nothing else: a look is forgotten
after two days, and the oldest are when there are more than an item holds.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from sagewatch.aws.retries import retried
from sagewatch.policy.rules import Look

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_KEPT = timedelta(days=2)
# An item may have 400 KB (Amazon DynamoDB Developer Guide, "Service, account, and table quotas").
_MOST_BYTES = 350_000
# Two workers that remember at once: one of them reads again, so often.
_TRIES = 5


def read_looks(client: DynamoDBClient, table: str, kind: str) -> dict[str, Look]:
    """Return what is remembered of the resources of a kind, by name."""
    return _read(client, table, kind)[0]


def _key(kind: str) -> dict[str, Any]:
    return {"pk": {"S": "LOOKS"}, "sk": {"S": kind}}


def _read(client: DynamoDBClient, table: str, kind: str) -> tuple[dict[str, Look], int]:
    with retried(f"get_item {table}"):
        item = client.get_item(TableName=table, Key=_key(kind), ConsistentRead=True).get("Item", {})
    found = json.loads(item.get("looks", {}).get("S", "{}"))
    return {name: _look(each) for name, each in found.items()}, int(item.get("changes", {}).get("N", "0"))


def add_looks(client: DynamoDBClient, table: str, kind: str, looks: Mapping[str, Look]) -> None:
    """Remember looks at resources of a kind, by name, in place of older ones; Retry when DynamoDB does not answer."""
    for _ in range(_TRIES):
        before, changes = _read(client, table, kind)
        forgotten = max(each.at for each in looks.values()) - _KEPT
        kept = {name: look for name, look in {**before, **looks}.items() if look.at > forgotten}
        item = {**_key(kind), "looks": {"S": _text(kept)}, "changes": {"N": str(changes + 1)}}
        with retried(f"put_item {table}"):
            try:
                client.put_item(
                    TableName=table,
                    Item=item,
                    ConditionExpression="attribute_not_exists(changes) OR changes = :before",
                    ExpressionAttributeValues={":before": {"N": str(changes)}},
                )
            except client.exceptions.ConditionalCheckFailedException:
                continue
        return


def _text(looks: Mapping[str, Look]) -> str:
    """Write the newest looks that one item holds."""
    room, written = _MOST_BYTES, {}
    for name, look in sorted(looks.items(), key=lambda each: each[1].at, reverse=True):
        entry = [int(look.at.timestamp()), look.mark, int(look.is_bare), look.withheld, look.left]
        room -= len(json.dumps({name: entry}).encode())
        if room < 0:
            break
        written[name] = entry
    return json.dumps(written, separators=(",", ":"))


def _look(entry: list[Any]) -> Look:
    at, mark, is_bare, withheld, *left = entry
    return Look(
        at=datetime.fromtimestamp(at, UTC),
        mark=mark,
        is_bare=bool(is_bare),
        withheld=withheld,
        left=left[0] if left else "",  # the first version did not write it
    )
