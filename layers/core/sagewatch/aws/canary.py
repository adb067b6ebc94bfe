"""Flips the canary alarm, and keeps in the incidents table which flip was told last."""

from __future__ import annotations

from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from sagewatch.aws.retries import retried
from sagewatch.errors import Impaired, Refused
from sagewatch.model import Ref

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_cloudwatch.literals import StateValueType
    from mypy_boto3_dynamodb import DynamoDBClient

CANARY = Ref("self", "canary")
"""What the labels of the canary alarm name."""

# One item, which never expires; no notice or incident has its key.
_KEY = {"pk": {"S": "CANARY"}, "sk": {"S": "told"}}


def alarm_name(prefix: str) -> str:
    """Return how the template calls the alarm."""
    return f"{prefix}/{CANARY.kind}/{CANARY.name}/all/canary"


def flip(client: CloudWatchClient, prefix: str, state: StateValueType, reason: str) -> None:
    """Put the canary alarm into a state; Refused when there is no such alarm."""
    name = alarm_name(prefix)
    with retried(f"set_alarm_state {name}"):
        try:
            client.set_alarm_state(AlarmName=name, StateValue=state, StateReason=reason)
        except ClientError as error:
            if error.response["Error"].get("Code") not in ("ResourceNotFound", "ResourceNotFoundException"):
                raise
            raise Refused(f"{name}: {error}") from error


def remember_told(client: DynamoDBClient, table: str, reason: str) -> None:
    """Write down that the receivers took the message of the flip with that reason."""
    with retried(f"put_item {table}", Impaired):
        client.put_item(TableName=table, Item={**_KEY, "reason": {"S": reason}})


def last_told(client: DynamoDBClient, table: str) -> str:
    """Return the reason of the flip that was told last; nothing when none was."""
    with retried(f"get_item {table}"):
        item = client.get_item(TableName=table, Key=_KEY, ConsistentRead=True).get("Item", {})
    return item.get("reason", {}).get("S", "")
