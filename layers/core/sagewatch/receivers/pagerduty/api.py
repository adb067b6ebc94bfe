"""Delivers to PagerDuty's Events API v2.

Retry          429, 5xx, a time-out, no connection
Unauthorised   the routing key is refused, also when it was read anew
Undeliverable  everything else: above all an event that PagerDuty refuses, with its reason
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import urllib3

from sagewatch.aws.secrets import CachedSecret
from sagewatch.errors import Retry, SagewatchError, Unauthorised, Undeliverable
from sagewatch.model import Incident, ThreadLine
from sagewatch.policy.rules import Route
from sagewatch.receivers.http import LOOPBACK, THROTTLED, Answer, CircuitBreaker, address, post
from sagewatch.receivers.pagerduty import render
from sagewatch.receivers.receiver import Capabilities, PostOnlyReceiver
from sagewatch.receivers.wording.phrases import harmless

URL = "https://events.pagerduty.com/v2/enqueue"
# Accounts in the EU service region have a host of their own (PagerDuty, "Service Regions").
EUROPE = "https://events.eu.pagerduty.com/v2/enqueue"
_ERROR_LENGTH = 300


@dataclass(frozen=True, slots=True)
class PagerDutyApi:
    """A service of PagerDuty's; the secret has its `routing_key`."""

    http: urllib3.PoolManager
    secret: CachedSecret
    url: str = URL
    breaker: CircuitBreaker = field(default_factory=CircuitBreaker)

    def send(self, event: Mapping[str, Any]) -> None:
        """Enqueue an event, which has all but the routing key."""
        self.secret.use(self._send, event)

    def _send(self, secret: Mapping[str, str], event: Mapping[str, Any]) -> None:
        place = address(self.url)
        if self.url not in {URL, EUROPE} and not (place and place.host in LOOPBACK):
            raise Undeliverable(f"PagerDuty's address must be {URL} or {EUROPE}")
        # The key travels in the body (PagerDuty, "Events API v2 Overview"), so no error repeats the body.
        body, headers = (
            json.dumps({**event, "routing_key": secret["routing_key"]}).encode(),
            {"Content-Type": "application/json"},
        )
        answer = post(self.http, self.breaker, "PagerDuty", self.url, body, headers)
        # Events API v2 answers a taken event with 202.
        if answer.status != 202:
            raise _pagerduty_error(answer, secret["routing_key"])


@dataclass(frozen=True, slots=True)
class PagerDutyReceiver(PostOnlyReceiver):
    """A service, for one route; it is sent how the incident stands, whatever the line."""

    capabilities = Capabilities(
        editable=False, abouts=frozenset({"worsened", "reopened", "resolved", "closed", "acked", "snoozed"})
    )
    api: PagerDutyApi
    route: Route

    def tell(self, incident: Incident, line: ThreadLine | None) -> None:  # noqa: ARG002 - the incident says it all
        self.api.send(render.event(incident, self.route))


def _pagerduty_error(answer: Answer, key: str) -> SagewatchError:
    if answer.throttled or answer.troubled:
        return Retry(f"PagerDuty answered {answer.status}", answer.after or (THROTTLED if answer.throttled else None))
    if answer.status in {401, 403}:
        return Unauthorised(f"PagerDuty refuses the routing key: {answer.status}")
    reason = harmless(answer.text.replace(key, "[redacted]"), _ERROR_LENGTH)
    return Undeliverable(f"PagerDuty answered {answer.status} {reason}".strip())
