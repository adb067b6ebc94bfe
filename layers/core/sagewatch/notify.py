"""Tells people what an event says, once on each channel: notice, remember, deliver."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import urllib3

from sagewatch import notices
from sagewatch.aws import memory, secrets
from sagewatch.channels import slack, sns
from sagewatch.errors import Retry, SagewatchError
from sagewatch.model import Notice
from sagewatch.settings import NotifySettings

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_sns import SNSClient

type Channel = Callable[[Notice], None]


REST = 30  # s, the function's timeout: longer than any batch


@dataclass(slots=True)
class Resting:
    """A channel that is left alone for a while once it did not answer.

    Ten time-outs are longer than the function lives, and would keep the other channels from being told.
    """

    send: Channel
    clock: Callable[[], float]
    until: float = 0

    def __call__(self, notice: Notice) -> None:
        if self.clock() < self.until:
            raise Retry("Slack did not answer a moment ago, and is left alone for now")
        try:
            self.send(notice)
        except slack.NoAnswer:
            self.until = self.clock() + REST
            raise


@dataclass(frozen=True, slots=True)
class Clients:
    """What the function holds for the life of its container."""

    sns: SNSClient
    dynamodb: DynamoDBClient
    http: urllib3.PoolManager


def set_up(clients: Clients, settings: NotifySettings, clock: Callable[[], float]) -> Mapping[str, Channel]:
    """Return the channels that are set up, by name: the topic always, Slack when it has credentials."""
    found: dict[str, Channel] = {"sns": lambda notice: sns.send(clients.sns, settings.topic_arn, notice)}
    if settings.slack_credentials:
        credentials = secrets.Kept(secrets.reader(settings.slack_credentials), clock)
        found["slack"] = Resting(
            lambda notice: slack.send(clients.http, settings.slack_api_url, credentials(), notice), clock
        )
    return found


def notify(
    clients: Clients, settings: NotifySettings, channels: Mapping[str, Channel], event: Mapping[str, Any], now: float
) -> Notice | None:
    """Tell what an event says; None when that is nothing, or nothing new.

    Every channel is tried even when another fails, and then the failure is raised: Retry before Undeliverable, since a
    message that comes back goes only where it has not been.
    """
    notice = notices.notice(settings.prefix, event)
    if notice is None:
        return None
    errors: list[SagewatchError] = []
    told = False
    for name, send in channels.items():
        try:
            told |= _tell(clients, settings, name, send, notice, now)
        except SagewatchError as error:
            errors.append(error)
    if errors:
        raise min(errors, key=lambda error: not isinstance(error, Retry))
    return notice if told else None


def _tell(clients: Clients, settings: NotifySettings, name: str, send: Channel, notice: Notice, now: float) -> bool:
    if memory.was_told(clients.dynamodb, settings.table, notice.key, name):
        return False
    send(notice)
    memory.remember(clients.dynamodb, settings.table, notice.key, name, now)
    return True
