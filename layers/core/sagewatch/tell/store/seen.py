"""Remembers in the incidents table what was told to whom, so that a repeated event is not told twice.

Read, tell, remember: a crash between the last two repeats one message; none is lost.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from sagewatch.aws.errors import retried

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

KEPT = 3 * 24 * 3600
"""Seconds; longer than any queue keeps a message that could come back."""


def _key(notice: str, channel: str) -> dict[str, dict[str, str]]:
    digest = hashlib.sha256(notice.encode(errors="surrogatepass")).hexdigest()
    return {"pk": {"S": f"NOTICE#{digest}"}, "sk": {"S": channel}}


def was_told(client: DynamoDBClient, table: str, notice: str, channel: str) -> bool:
    """Tell whether a notice went to a channel already."""
    with retried(f"get_item {table}"):
        answer = client.get_item(TableName=table, Key=_key(notice, channel), ConsistentRead=True)
    return "Item" in answer


def remember(client: DynamoDBClient, table: str, notice: str, channel: str, now: float) -> None:
    """Write down that a notice went to a channel; `now` in seconds."""
    item = {**_key(notice, channel), "expires": {"N": str(int(now) + KEPT)}}
    with retried(f"put_item {table}"):
        client.put_item(TableName=table, Item=item)


def first(
    client: DynamoDBClient, table: str, notice: str, look: Callable[[], Mapping[str, str]], now: float
) -> Mapping[str, str]:
    """Return what was found when a notice came first, so that each time it comes it goes to the same people."""
    key = _key(notice, "tags")
    with retried(f"get_item {table}"):
        item = client.get_item(TableName=table, Key=key, ConsistentRead=True).get("Item")
    if item:
        known: Mapping[str, str] = json.loads(item["found"]["S"])
        return known
    found = look()
    kept = {**key, "found": {"S": json.dumps(found)}, "expires": {"N": str(int(now) + KEPT)}}
    with retried(f"put_item {table}"):
        client.put_item(TableName=table, Item=kept)
    return found
