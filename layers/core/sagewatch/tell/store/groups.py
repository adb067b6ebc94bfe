"""Keeps, for each route, which group is open, and lets incidents join it: conditional writes in the incidents table.

A group itself is a timeline (`timelines`), whose subject is `outage/<id>`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from sagewatch.aws.retries import retried
from sagewatch.errors import Impaired
from sagewatch.model import OUTAGE, Ref
from sagewatch.tell.incident.retention import LONGEST_AGE
from sagewatch.tell.store.timelines import OPEN, updated

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """The last group of a route."""

    group: str
    """Its id."""
    alone: frozenset[str]
    """The entries of the incidents that were told at once, one by one."""
    until: datetime
    """When it ends."""
    gathers: bool = False
    """Whether it has begun to gather what opens: then nothing more is told at once."""


def begin(client: DynamoDBClient, table: str, route: str, window: Window, now: datetime) -> bool:
    """Begin a group on a route; return False, and change nothing, while another one is open there."""
    return updated(
        client,
        {
            "TableName": table,
            "Key": _window_key(route),
            "UpdateExpression": "SET joins = :group, alone = :alone, open_until = :until, expires = :expires "
            "REMOVE gathers",
            "ConditionExpression": "attribute_not_exists(open_until) OR open_until <= :now",
            "ExpressionAttributeValues": {
                ":group": {"S": window.group},
                ":alone": {"SS": sorted(window.alone)},
                ":until": _seconds(window.until),
                ":expires": _whole_seconds(now + _DAY),
                ":now": _seconds(now),
            },
        },
    )


def last(client: DynamoDBClient, table: str, route: str) -> Window | None:
    """Return the last group that was begun on a route; None when none is remembered."""
    with retried(f"get_item {table}", Impaired):
        item = client.get_item(TableName=table, Key=_window_key(route), ConsistentRead=True).get("Item")
    if not item:
        return None
    until = datetime.fromtimestamp(float(item["open_until"]["N"]), UTC)
    alone = frozenset(item["alone"]["SS"])
    return Window(group=item["joins"]["S"], alone=alone, until=until, gathers="gathers" in item)


def tell_alone(client: DynamoDBClient, table: str, route: str, group: str, name: str, most: int) -> bool:
    """Write down that one more incident is told at once; return False when the group gathers, or `most` were told."""
    return updated(
        client,
        {
            "TableName": table,
            "Key": _window_key(route),
            "UpdateExpression": "ADD alone :name",
            "ConditionExpression": "joins = :group AND attribute_not_exists(gathers) AND size(alone) < :most",
            "ExpressionAttributeValues": {
                ":group": {"S": group},
                ":name": {"SS": [name]},
                ":most": {"N": str(most)},
            },
        },
    )


def gather(client: DynamoDBClient, table: str, route: str, group: str) -> bool:
    """Have a group gather what opens from now on; return False when another one was begun since."""
    return updated(
        client,
        {
            "TableName": table,
            "Key": _window_key(route),
            "UpdateExpression": "SET gathers = :yes",
            "ConditionExpression": "joins = :group",
            "ExpressionAttributeValues": {":group": {"S": group}, ":yes": {"BOOL": True}},
        },
    )


def prolong(client: DynamoDBClient, table: str, route: str, group: str, until: datetime, now: datetime) -> bool:
    """Leave a group open until then; return False when another one was begun since."""
    return updated(
        client,
        {
            "TableName": table,
            "Key": _window_key(route),
            "UpdateExpression": "SET open_until = :until, expires = :expires",
            "ConditionExpression": "joins = :group",
            "ExpressionAttributeValues": {
                ":group": {"S": group},
                ":until": _seconds(until),
                ":expires": _whole_seconds(now + _DAY),
            },
        },
    )


def join(
    client: DynamoDBClient,
    table: str,
    route: str,
    group: str,
    entries: Iterable[str],
    now: datetime,
    alone: Iterable[str] = (),
) -> None:
    """Add entries to a group, which the clock looks after from now on; who joined before stays joined.

    Those that were told `alone` are entries, too.
    """
    told = sorted(set(alone))
    updated(
        client,
        {
            "TableName": table,
            "Key": group_key(route, group),
            # Adding to a set neither repeats nor undoes what another worker adds (DynamoDB, "Update expressions", ADD).
            "UpdateExpression": "SET #open = :open, expires = if_not_exists(expires, :expires) ADD entries :entries"
            + (", alone :alone" if told else ""),
            "ExpressionAttributeNames": {"#open": OPEN},
            "ExpressionAttributeValues": {
                ":open": {"S": "1"},
                ":expires": _whole_seconds(now + LONGEST_AGE),
                ":entries": {"SS": sorted({*entries, *told})},
            }
            | ({":alone": {"SS": told}} if told else {}),
        },
    )


def is_to_wake(client: DynamoDBClient, table: str, route: str, group: str, at: datetime, now: datetime) -> bool:
    """Write down that a group is told at a time; return False when it is told before that anyway."""
    return updated(
        client,
        {
            "TableName": table,
            "Key": group_key(route, group),
            "UpdateExpression": "SET wakes = :at, #open = :open, expires = if_not_exists(expires, :expires)",
            "ConditionExpression": "attribute_not_exists(wakes) OR wakes <= :now OR wakes > :at",
            "ExpressionAttributeNames": {"#open": OPEN},
            "ExpressionAttributeValues": {
                ":at": _seconds(at),
                ":now": _seconds(now),
                ":open": {"S": "1"},
                ":expires": _whole_seconds(now + LONGEST_AGE),
            },
        },
    )


def group_key(route: str, group: str) -> dict[str, AttributeValueTypeDef]:
    """Return the key of a group's timeline."""
    return {"pk": {"S": f"INC#{route}#{Ref(OUTAGE, group)}"}, "sk": {"S": "timeline"}}


def _window_key(route: str) -> dict[str, AttributeValueTypeDef]:
    return {"pk": {"S": f"GROUP#{route}"}, "sk": {"S": "window"}}


def _seconds(at: datetime) -> AttributeValueTypeDef:
    return {"N": f"{at.timestamp():.3f}"}


def _whole_seconds(at: datetime) -> AttributeValueTypeDef:
    return {"N": str(int(at.timestamp()))}
