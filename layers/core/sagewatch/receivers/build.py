"""Joins words and deliveries: how an incident is told in each of the places that a route names."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any, Protocol

import boto3
from urllib3 import PoolManager

from sagewatch.aws import secrets
from sagewatch.aws.errors import BRISK
from sagewatch.model import About, Incident, Line
from sagewatch.policy import rules
from sagewatch.policy.rules import Route
from sagewatch.receivers.amazon_q import render as chatbot
from sagewatch.receivers.http import pool
from sagewatch.receivers.pagerduty import render as pagerduty
from sagewatch.receivers.pagerduty.api import PagerDuty
from sagewatch.receivers.receiver import WHERE_NOTHING_IS_EDITED, Manner, Remembered, Voice
from sagewatch.receivers.slack import render as slack
from sagewatch.receivers.slack.api import Posted, Slack
from sagewatch.receivers.sns import api as sns
from sagewatch.receivers.sns import render as text
from sagewatch.receivers.webhook import render as webhook
from sagewatch.receivers.webhook.api import Webhook
from sagewatch.settings import NotifySettings


def _hash(data: object) -> str:
    return hashlib.sha256(json.dumps(data, sort_keys=True, default=str).encode()).hexdigest()[:16]


class Note(Protocol):
    """Counts and logs what went wrong though nothing was lost by it: `what` is the metric."""

    def __call__(self, what: str, **why: str) -> None: ...


def noting(logger: Any, metrics: Any) -> Note:
    """Return what counts and logs with the function's own means."""

    def note(what: str, **why: str) -> None:
        logger.warning(what, extra=why)
        metrics.add_metric(what, "Count", 1)

    return note


def _rejected(note: Note, posted: Posted) -> Posted:
    if posted.degraded:
        note("RenderRejected", channel=posted.channel)
    return posted


@dataclass(frozen=True, slots=True)
class SlackBot:
    """A channel of Slack in which messages are edited."""

    slack: Slack
    channel: str
    route: Route
    note: Note

    @property
    def manner(self) -> Manner:
        return Manner(editable=True)

    def mark(self, incident: Incident, now: datetime) -> str:
        return _hash(self._message(incident, now, ""))

    def open(self, incident: Incident, now: datetime, previous: Remembered) -> Remembered:
        return self._kept(self.slack.post(self.channel, self._message(incident, now, self._link(previous))))

    def edit(self, root: Remembered, incident: Incident, now: datetime, previous: Remembered) -> Remembered:
        return self._kept(self.slack.edit(Posted(**root), self._message(incident, now, self._link(previous))))

    def add(self, root: Remembered, incident: Incident, line: Line) -> Remembered:
        return self._kept(self.slack.reply(Posted(**root), slack.line(incident, line, self.route)))

    def withdraw(self, where: Remembered) -> None:
        if where:  # of a picture nothing is known
            self.slack.withdraw(Posted(**where))

    def show(self, root: Remembered, title: str, png: bytes) -> None:
        """Put a picture into the thread."""
        self.slack.upload(Posted(**root), "alarm.png", title, png)

    def _kept(self, posted: Posted) -> Remembered:
        return asdict(_rejected(self.note, posted))

    def _link(self, previous: Remembered) -> str:
        return self.slack.permalink(Posted(**previous)) if previous else ""

    def _message(self, incident: Incident, now: datetime, previous: str) -> dict[str, Any]:
        return slack.root(incident, self.route, controls=self.slack.interactive, previous=previous, now=now)


_ONCE = Manner(editable=False, abouts=WHERE_NOTHING_IS_EDITED)


@dataclass(frozen=True, slots=True)
class Announcer:
    """A place where messages cannot be changed: each thing worth telling is told once."""

    tell: Callable[[Incident, Line | None], None]
    manner: Manner = _ONCE

    def mark(self, incident: Incident, now: datetime) -> str:  # noqa: ARG002 - nothing is compared
        return ""

    def open(self, incident: Incident, now: datetime, previous: Remembered) -> Remembered:  # noqa: ARG002
        self.tell(incident, None)
        return {"told": True}

    def edit(self, root: Remembered, incident: Incident, now: datetime, previous: Remembered) -> Remembered:  # noqa: ARG002
        return root

    def add(self, root: Remembered, incident: Incident, line: Line) -> Remembered:  # noqa: ARG002
        self.tell(incident, line)
        return {"told": True}

    def withdraw(self, where: Remembered) -> None:
        """Nothing said here can be taken back."""


def slack_webhook(channel: Slack, route: Route, note: Note) -> Announcer:
    """Return the voice of a webhook, which can only post."""

    def tell(incident: Incident, line: Line | None) -> None:
        _rejected(note, channel.post(None, slack.announced(incident, line, route)))

    return Announcer(tell)


def topic(client: Any, arn: str, route: Route) -> Announcer:
    """Return the voice of an SNS topic, in plain text with attributes to filter by."""

    def tell(incident: Incident, line: Line | None) -> None:
        said = text.letter(incident, line, route)
        sns.send(client, arn, said.subject, said.body, said.attributes)

    return Announcer(tell)


def escalation(client: Any, arn: str, route: Route) -> Announcer:
    """Return the voice of the topic that hears of what nobody acknowledged after the last reminder."""
    told = topic(client, arn, route)

    def tell(incident: Incident, line: Line | None) -> None:
        if line and line.number == len(route.remind):
            told.tell(incident, line)

    return Announcer(tell, Manner(editable=False, abouts=frozenset({"reminder"}), opens=False))


def amazon_q(client: Any, arn: str, route: Route) -> Announcer:
    """Return the voice of a topic that Amazon Q Developer reads, for Slack without an app, and Teams."""

    def tell(incident: Incident, line: Line | None) -> None:
        sns.send_raw(client, arn, json.dumps(chatbot.notification(incident, line, route)))

    return Announcer(tell)


def pager(channel: PagerDuty, route: Route) -> Announcer:
    """Return the voice of a PagerDuty service."""

    def tell(incident: Incident, _line: Line | None) -> None:
        channel.send(pagerduty.event(incident, route))

    abouts: frozenset[About] = frozenset({"worsened", "reopened", "resolved", "closed", "acked", "snoozed"})
    return Announcer(tell, Manner(editable=False, abouts=abouts))


def web(channel: Webhook, route: Route) -> Announcer:
    """Return the voice of a generic webhook."""

    def tell(incident: Incident, line: Line | None) -> None:
        channel.send(webhook.document(incident, line, route))

    return Announcer(tell, Manner(editable=False))


_WEBHOOK = "webhook"
"""What stands in place of a channel: a webhook knows only its own."""

type Voices = Mapping[str, Voice]
"""The voices of a route, by what they are remembered under."""


@dataclass(slots=True)
class Switchboard:
    """Makes the voices of routes; connections and secrets are shared by all of them, for the life of the container."""

    sns: Any
    topic_arn: str
    slack: Slack | None
    http: PoolManager
    clock: Callable[[], float]
    note: Note
    kept: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, settings: NotifySettings, clock: Callable[[], float], note: Note) -> Switchboard:
        """Return what the settings allow: Slack when it has credentials, the topic always."""
        make: Any = boto3.client
        http, channel = pool(), None
        if settings.slack_credentials:
            credentials = secrets.Kept(secrets.reader(settings.slack_credentials), clock)
            channel = Slack(http, settings.slack_api_url, credentials, slack.plain)
        return cls(make("sns", config=BRISK), settings.topic_arn, channel, http, clock, note)

    def voices(self, route: Route) -> Voices:
        """Return all voices of a route, by what they are remembered under."""
        return dict(self._voices(route))

    def fallback(self, route: Route, failed: str, default: str | None) -> Voices:
        """Return who may hear of it when a voice fails for good, in this order.

        That is the channel of the default route, when it is a channel that failed; then the alerts topic.
        """
        others = [self._topic(self.topic_arn, route)]
        if self.slack and default and failed.startswith("slack:"):
            others.insert(0, self._slack(self.slack, default, route))
        return {name: voice for name, voice in others if name != failed}

    def former(self, route: Route, names: Iterable[str]) -> Voices:
        """Return those voices, by what they are remembered under, that can still be found by it alone."""
        found = (self._named(name, route) for name in names)
        return dict(each for each in found if each)

    def _named(self, name: str, route: Route) -> tuple[str, Voice] | None:
        how, _, where = name.partition(":")
        if how == "slack" and self.slack and self.slack.editable and where != _WEBHOOK:
            return self._slack(self.slack, where, route)
        if how == "sns":
            return self._topic(where, route)
        if how == "chatbot":
            return name, amazon_q(self.sns, where, route)
        return self._pager(where, route) if how == "pagerduty" else None

    def _voices(self, route: Route) -> Iterator[tuple[str, Voice]]:
        if route.slack and self.slack:
            yield self._slack(self.slack, route.slack, route)
        if route.sns:
            yield self._topic(self.topic_arn if route.sns == "default" else route.sns, route)
        if route.chatbot:
            yield f"chatbot:{route.chatbot}", amazon_q(self.sns, route.chatbot, route)
        if route.pagerduty:
            yield self._pager(route.pagerduty, route)
        if route.webhook:
            yield f"webhook:{_hash(route.webhook.url)}", web(self._webhook(route.webhook), route)
        if route.escalate:
            yield f"escalate:{route.escalate}", escalation(self.sns, route.escalate, route)

    def _slack(self, slack: Slack, channel: str, route: Route) -> tuple[str, Voice]:
        if not slack.editable:
            return f"slack:{_WEBHOOK}", slack_webhook(slack, route, self.note)
        return f"slack:{channel}", SlackBot(slack, channel, route, self.note)

    def _topic(self, arn: str, route: Route) -> tuple[str, Voice]:
        return f"sns:{arn}", topic(self.sns, arn, route)

    def _pager(self, name: str, route: Route) -> tuple[str, Voice]:
        return f"pagerduty:{name}", pager(self._pagerduty(name), route)

    def _pagerduty(self, name: str) -> PagerDuty:
        if name not in self.kept:
            read = secrets.Kept(secrets.reader(name), self.clock, secrets.routing_key)
            self.kept[name] = PagerDuty(self.http, read)
        return self.kept[name]  # type: ignore[no-any-return]

    def _webhook(self, named: rules.Webhook) -> Webhook:
        if named.url not in self.kept:
            read = secrets.Kept(secrets.reader(named.secret), self.clock, secrets.signing_secret)
            self.kept[named.url] = Webhook(self.http, named.url, read)
        return self.kept[named.url]  # type: ignore[no-any-return]
