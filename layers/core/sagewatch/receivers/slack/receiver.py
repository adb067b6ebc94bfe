"""Slack as a receiver: a bot, whose messages are edited in place, or an incoming webhook, which only posts."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, ClassVar

from sagewatch.model import Incident, ThreadLine
from sagewatch.policy.rules import Route
from sagewatch.receivers.receiver import Capabilities, Location, Note, PostOnlyReceiver
from sagewatch.receivers.slack import render
from sagewatch.receivers.slack.api import Posted, SlackApi

REJECTED = "RenderRejected"
"""The metric that counts messages which Slack took in plain text only."""


@dataclass(frozen=True, slots=True)
class SlackReceiver:
    """A channel, for one route: an incident is one message, its history the thread below."""

    capabilities: ClassVar[Capabilities] = Capabilities(editable=True)
    api: SlackApi
    channel: str
    route: Route
    note: Note

    def fingerprint(self, incident: Incident, now: datetime) -> str:
        message = json.dumps(self._message(incident, now, {}), sort_keys=True, default=str)
        return hashlib.sha256(message.encode()).hexdigest()[:16]

    def open(self, incident: Incident, now: datetime, previous: Location) -> Location:
        return self._location(self.api.post(self.channel, self._message(incident, now, previous)))

    def edit(self, root: Location, incident: Incident, now: datetime, previous: Location) -> Location:
        return self._location(self.api.edit(Posted(**root), self._message(incident, now, previous)))

    def add(self, root: Location, incident: Incident, line: ThreadLine) -> Location:
        return self._location(self.api.reply(Posted(**root), render.reply(incident, line, self.route)))

    def withdraw(self, where: Location) -> None:
        if where:  # of a picture nothing is known
            self.api.withdraw(Posted(**where))

    def show(self, root: Location, title: str, png: bytes) -> None:
        """Put a picture into the thread."""
        self.api.upload(Posted(**root), "alarm.png", title, png)

    def _message(self, incident: Incident, now: datetime, previous: Location) -> dict[str, Any]:
        link = self.api.permalink(Posted(**previous)) if previous else ""
        return render.root(incident, self.route, controls=self.api.interactive, previous=link, now=now)

    def _location(self, posted: Posted) -> Location:
        if posted.degraded:
            self.note(REJECTED, channel=posted.channel)
        return asdict(posted)


@dataclass(frozen=True, slots=True)
class SlackWebhookReceiver(PostOnlyReceiver):
    """An incoming webhook, for one route."""

    api: SlackApi
    route: Route
    note: Note

    def tell(self, incident: Incident, line: ThreadLine | None) -> None:
        posted = self.api.post(None, render.announced(incident, line, self.route))
        if posted.degraded:
            self.note(REJECTED, channel=posted.channel)
