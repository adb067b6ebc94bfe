"""An address of the account's owner as a receiver of JSON."""

from __future__ import annotations

from dataclasses import dataclass

from sagewatch.model import Incident, ThreadLine
from sagewatch.policy.rules import Route
from sagewatch.receivers.receiver import Capabilities, PostOnlyReceiver
from sagewatch.receivers.webhook import render
from sagewatch.receivers.webhook.api import WebhookApi


@dataclass(frozen=True, slots=True)
class WebhookReceiver(PostOnlyReceiver):
    """An address, for one route; it is told of every line."""

    capabilities = Capabilities(editable=False)
    api: WebhookApi
    route: Route

    def tell(self, incident: Incident, line: ThreadLine | None) -> None:
        self.api.send(render.document(incident, line, self.route))
