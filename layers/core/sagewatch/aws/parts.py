"""Reads whether parts of the stack are enabled, and whether anybody reads a topic."""

from __future__ import annotations

from botocore.exceptions import ClientError

from sagewatch.aws.clients import Clients
from sagewatch.aws.retries import retried

GONE = "gone"
_NOT_FOUND = "ResourceNotFoundException"  # of EventBridge, EventBridge Scheduler and Lambda alike (their APIs)

# DescribeRule, GetSchedule and GetEventSourceMapping each spell it in their own way.
_ON = frozenset({"ENABLED", "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS", "Enabled"})
_CHANGING = frozenset({"Creating", "Enabling", "Updating"})


def why_off(clients: Clients, part: str) -> str | None:
    """Return the state of a part that is not enabled, `DISABLED` or `gone`; None when it is.

    A part is `rule:<name>`, `schedule:<name>` or `mapping:<id>`. Raise Retry when its state cannot be read.
    """
    what, _, name = part.partition(":")
    with retried(f"read {part}"):
        try:
            state = _state(clients, what, name)
        except ClientError as error:
            if error.response["Error"].get("Code") != _NOT_FOUND:
                raise
            return GONE
    return None if state in _ON | _CHANGING else state


def _state(clients: Clients, what: str, name: str) -> str:
    match what:
        case "rule":
            return clients.events.describe_rule(Name=name).get("State", "")
        case "schedule":
            return str(clients.scheduler.get_schedule(Name=name)["State"])
        case _:
            return clients.functions.get_event_source_mapping(UUID=name).get("State", "")


def has_subscriber(clients: Clients, topic: str) -> bool:
    """Tell whether somebody has confirmed a subscription of a topic; Retry when that cannot be read."""
    with retried(f"list_subscriptions_by_topic {topic}"):
        pages = clients.sns.get_paginator("list_subscriptions_by_topic").paginate(TopicArn=topic)
        # Until it is confirmed, PendingConfirmation stands in place of the ARN (Subscribe, SubscriptionArn).
        return any(each["SubscriptionArn"].startswith("arn:") for page in pages for each in page["Subscriptions"])
