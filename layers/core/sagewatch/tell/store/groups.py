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
    """The last group of a route: its id, the entry of the incident that was told alone when it began, its end."""

    group: str
    first: str
    until: datetime


def begin(client: DynamoDBClient, table: str, route: str, window: Window, now: datetime) -> bool:
    """Begin a group on a route; return False, and change nothing, while another one is open there."""
    return updated(
        client,
        {
            "TableName": table,
            "Key": _window_key(route),
            "UpdateExpression": "SET joins = :group, #first = :first, until = :until, expires = :expires",
            "ConditionExpression": "attribute_not_exists(until) OR until <= :now",
            "ExpressionAttributeNames": {"#first": "first"},
            "ExpressionAttributeValues": {
                ":group": {"S": window.group},
                ":first": {"S": window.first},
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
    until = datetime.fromtimestamp(float(item["until"]["N"]), UTC)
    return Window(group=item["joins"]["S"], first=item["first"]["S"], until=until)


def prolong(client: DynamoDBClient, table: str, route: str, group: str, until: datetime, now: datetime) -> bool:
    """Leave a group open until then; return False when another one was begun since."""
    return updated(
        client,
        {
            "TableName": table,
            "Key": _window_key(route),
            "UpdateExpression": "SET until = :until, expires = :expires",
            "ConditionExpression": "joins = :group",
            "ExpressionAttributeValues": {
                ":group": {"S": group},
                ":until": _seconds(until),
                ":expires": _whole_seconds(now + _DAY),
            },
        },
    )


def join(
    client: DynamoDBClient, table: str, route: str, group: str, entries: Iterable[str], first: str, now: datetime
) -> None:
    """Add entries to a group, which the clock looks after from now on; who joined before stays joined."""
    updated(
        client,
        {
            "TableName": table,
            "Key": group_key(route, group),
            # Adding to a set neither repeats nor undoes what another worker adds (DynamoDB, "Update expressions", ADD).
            "UpdateExpression": "SET #first = if_not_exists(#first, :first), #open = :open, "
            "expires = if_not_exists(expires, :expires) ADD entries :entries",
            "ExpressionAttributeNames": {"#first": "first", "#open": OPEN},
            "ExpressionAttributeValues": {
                ":first": {"S": first},
                ":open": {"S": "1"},
                ":expires": _whole_seconds(now + LONGEST_AGE),
                ":entries": {"SS": sorted(set(entries))},
            },
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
