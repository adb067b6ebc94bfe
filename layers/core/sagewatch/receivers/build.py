"""Builds the receivers of a route, from the policy and the settings."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from urllib3 import PoolManager

from sagewatch.aws import secrets
from sagewatch.aws.secrets import CachedSecret
from sagewatch.policy.limits import Limits
from sagewatch.policy.rules import Route, Webhook
from sagewatch.receivers.amazon_q.api import AmazonQReceiver
from sagewatch.receivers.http import pool
from sagewatch.receivers.pagerduty.api import PagerDutyApi, PagerDutyReceiver
from sagewatch.receivers.receiver import Note, Receiver
from sagewatch.receivers.slack import render
from sagewatch.receivers.slack.api import SlackApi, SlackReceiver, SlackWebhookReceiver
from sagewatch.receivers.sns.api import EscalationReceiver, SnsReceiver
from sagewatch.receivers.webhook.api import WebhookApi, WebhookReceiver
from sagewatch.settings import NotifySettings

if TYPE_CHECKING:
    from mypy_boto3_sns import SNSClient

_WEBHOOK_CHANNEL = "webhook"
"""Stands in place of a channel's name: an incoming webhook knows only its own channel."""


def noting(logger: Any, metrics: Any) -> Note:
    """Return what counts and logs with the function's own logger and metrics."""

    def note(what: str, **why: str) -> None:
        logger.warning(what, extra=why)
        metrics.add_metric(what, "Count", 1)

    return note


@dataclass(slots=True)
class Receivers:
    """Builds receivers by the name that their deliveries are stored under: `slack:C0ALERTS`, `sns:arn:…`.

    Connections and secrets are shared by all of them, for the life of the container.
    """

    sns: SNSClient
    """For all topics, those of Amazon Q included."""
    topic_arn: str
    """The alerts topic."""
    slack: SlackApi | None
    """None when the settings name no credentials."""
    http: PoolManager
    """One pool of connections for Slack, PagerDuty and webhooks."""
    clock: Callable[[], float]
    """Seconds, by which secrets are read anew."""
    note: Note
    """Counts and logs what a receiver could not do."""
    limits: Limits
    """Where webhooks may lead."""
    apis: dict[str, Any] = field(default_factory=dict)
    """Those of PagerDuty and of webhooks, by the name of the key or by the address."""

    @classmethod
    def of(cls, settings: NotifySettings, sns: SNSClient, clock: Callable[[], float], note: Note) -> Receivers:
        """Return what the settings allow: Slack when it has credentials, the topic always."""
        http, slack = pool(), None
        if settings.slack_credentials:
            credentials = CachedSecret(secrets.reader(settings.slack_credentials), clock)
            slack = SlackApi(http, settings.slack_api_url, credentials, render.plain_text)
        limits = Limits(webhook_hosts=settings.webhook_hosts, doubles=settings.takes_doubles)
        return cls(sns, settings.topic_arn, slack, http, clock, note, limits)

    def of_route(self, route: Route) -> Mapping[str, Receiver]:
        """Return all receivers of a route, by name, in the order in which they are told."""
        found: list[tuple[str, Receiver]] = []
        if route.slack and self.slack:
            found.append(self._slack(self.slack, route.slack, route))
        if route.sns:
            arn = self.topic_arn if route.sns == "default" else route.sns
            found.append((f"sns:{arn}", SnsReceiver(self.sns, arn, route)))
        if route.chatbot:
            found.append((f"chatbot:{route.chatbot}", AmazonQReceiver(self.sns, route.chatbot, route)))
        if route.pagerduty:
            found.append((f"pagerduty:{route.pagerduty}", self._pagerduty(route.pagerduty, route)))
        if route.webhook:
            found.append((_webhook_name(route.webhook), self._webhook(route.webhook, route)))
        if route.escalate:
            found.append((f"escalate:{route.escalate}", EscalationReceiver(self.sns, route.escalate, route)))
        return dict(found)

    def fallback(self, route: Route, failed: str, default_channel: str | None) -> Mapping[str, Receiver]:
        """Return who may be told instead of a receiver that failed for good, by name, in this order.

        That is the alerts topic and the channel of the default route; in place of a channel, the channel first.
        """
        others: list[tuple[str, Receiver]] = [
            (f"sns:{self.topic_arn}", SnsReceiver(self.sns, self.topic_arn, route)),
        ]
        if self.slack and default_channel:
            others.insert(0 if failed.startswith("slack:") else 1, self._slack(self.slack, default_channel, route))
        return {name: receiver for name, receiver in others if name != failed}

    def former(self, route: Route, names: Iterable[str], routes: Iterable[Route]) -> Mapping[str, Receiver]:
        """Return the receivers of these names, without those that cannot be found any more.

        The secret of a webhook stands in the policy only: it is found while one of the `routes` there has it.
        """
        webhooks = {_webhook_name(each.webhook): each.webhook for each in routes if each.webhook}
        found: dict[str, Receiver] = {}
        for name in names:
            what, _, where = name.partition(":")
            if what == "slack" and self.slack and self.slack.editable and where != _WEBHOOK_CHANNEL:
                found[name] = SlackReceiver(self.slack, where, route, self.note)
            elif what == "sns":
                found[name] = SnsReceiver(self.sns, where, route)
            elif what == "escalate":
                found[name] = EscalationReceiver(self.sns, where, route)
            elif what == "chatbot":
                found[name] = AmazonQReceiver(self.sns, where, route)
            elif what == "pagerduty":
                found[name] = self._pagerduty(where, route)
            elif name in webhooks:
                found[name] = self._webhook(webhooks[name], route)
        return found

    def _slack(self, slack: SlackApi, channel: str, route: Route) -> tuple[str, Receiver]:
        if not slack.editable:
            return f"slack:{_WEBHOOK_CHANNEL}", SlackWebhookReceiver(slack, route, self.note)
        return self.present_name(f"slack:{channel}"), SlackReceiver(slack, channel, route, self.note)

    def present_name(self, name: str) -> str:
        """Return what a receiver is called now: that of the default channel, after the channel."""
        what, _, where = name.partition(":")
        return f"slack:{self.slack.channel_of(where)}" if what == "slack" and self.slack else name

    def _pagerduty(self, name: str, route: Route) -> Receiver:
        if name not in self.apis:
            key = CachedSecret(secrets.reader(name), self.clock, secrets.routing_key)
            self.apis[name] = PagerDutyApi(self.http, key)
        return PagerDutyReceiver(self.apis[name], route)

    def _webhook(self, webhook: Webhook, route: Route) -> Receiver:
        if webhook.url not in self.apis:
            secret = CachedSecret(secrets.reader(webhook.secret), self.clock, secrets.signing_secret)
            self.apis[webhook.url] = WebhookApi(self.http, webhook.url, secret, self.limits)
        return WebhookReceiver(self.apis[webhook.url], route)


def _webhook_name(webhook: Webhook) -> str:
    """Return the name that what was sent to a webhook is stored under: its address may hold a secret."""
    return f"webhook:{hashlib.sha256(json.dumps(webhook.url).encode()).hexdigest()[:16]}"
