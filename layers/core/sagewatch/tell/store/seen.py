"""Remembers for three days which digests were sent, and the tags that a failure had when it was first read.

Read, send, remember: a crash between the last two repeats one message; none is lost.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING

from sagewatch.aws.retries import retried
from sagewatch.errors import Impaired

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef

# Time to live deletes an item within a few days after `expires` (DynamoDB, "Time to Live"): later does no harm.
_THREE_DAYS = 3 * 24 * 3600
"""Seconds; longer than any queue keeps a message that could come back."""

_TAGS_ROW = "tags"


def was_sent(client: DynamoDBClient, table: str, key: str, receiver: str) -> bool:
    """Return whether the message of that key was sent to a receiver already."""
    return _marker(client, table, key, receiver) is not None


def remember_sent(client: DynamoDBClient, table: str, key: str, receiver: str, now: float) -> None:
    """Write down that the message of that key was sent to a receiver; `now` in seconds."""
    _put(client, table, key, receiver, {}, now)


def tags(client: DynamoDBClient, table: str, key: str) -> Mapping[str, str] | None:
    """Return the tags that the notice of that key had when it came first; None when it was never read.

    So a notice goes to the same people each time it comes.
    """
    item = _marker(client, table, key, _TAGS_ROW)
    return json.loads(item["found"]["S"]) if item else None


def remember_tags(client: DynamoDBClient, table: str, key: str, found: Mapping[str, str], now: float) -> None:
    """Write down the tags of a notice; `now` in seconds."""
    _put(client, table, key, _TAGS_ROW, {"found": {"S": json.dumps(found)}}, now)


def _marker(client: DynamoDBClient, table: str, key: str, what: str) -> Mapping[str, AttributeValueTypeDef] | None:
    with retried(f"get_item {table}", Impaired):
        return client.get_item(TableName=table, Key=_seen_key(key, what), ConsistentRead=True).get("Item")


def _put(
    client: DynamoDBClient, table: str, key: str, what: str, more: Mapping[str, AttributeValueTypeDef], now: float
) -> None:
    item = {**_seen_key(key, what), **more, "expires": {"N": str(int(now) + _THREE_DAYS)}}
    with retried(f"put_item {table}", Impaired):
        client.put_item(TableName=table, Item=item)


def _seen_key(key: str, what: str) -> dict[str, AttributeValueTypeDef]:
    digest = hashlib.sha256(key.encode(errors="surrogatepass")).hexdigest()
    return {"pk": {"S": f"NOTICE#{digest}"}, "sk": {"S": what}}
