"""Delivers to PagerDuty's Events API v2.

Retry          429, 5xx, a time-out, no connection
Unauthorised   the routing key is refused, also when it was read anew
Undeliverable  everything else: above all an event that PagerDuty refuses, with its reason
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar

import urllib3

from sagewatch.aws.secrets import CachedSecret
from sagewatch.errors import ErrorCode, Retry, SagewatchError, Unauthorised, Undeliverable
from sagewatch.model import Incident, ThreadLine
from sagewatch.policy.rules import Route
from sagewatch.receivers.http import LOOPBACK, THROTTLED, Answer, CircuitBreaker, address, post
from sagewatch.receivers.pagerduty import render
from sagewatch.receivers.receiver import Capabilities, Location
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
            raise Undeliverable(f"PagerDuty's address must be {URL} or {EUROPE}", code=ErrorCode.ADDRESS_NOT_ALLOWED)
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
class PagerDutyReceiver:
    """A service, for one route: its incident is brought to where ours is, whatever happened on the way."""

    capabilities: ClassVar[Capabilities] = Capabilities(editable=True, abouts=frozenset(), keyed=True)
    api: PagerDutyApi
    route: Route

    def fingerprint(self, incident: Incident, now: datetime) -> str:  # noqa: ARG002 - time alone changes nothing
        return render.standing(incident)

    def open(self, incident: Incident, now: datetime, previous: Location) -> Location:  # noqa: ARG002
        # PagerDuty drops what is said of a key that was never triggered (Events API v2, "Acknowledge an Alert").
        if incident.is_open:
            self.api.send(render.trigger(incident, self.route))
        # What is over may be open there all the same, when the answer to an earlier attempt was lost.
        if render.action(incident) != "trigger":
            self.api.send(render.event(incident, self.route))
        return _where(incident)

    def edit(self, root: Location, incident: Incident, now: datetime, previous: Location) -> Location:  # noqa: ARG002
        # What PagerDuty holds for resolved must be opened again before it can be acknowledged; only a trigger carries
        # the severity, and who the members of an outage are.
        is_known = root.get("open") and root.get("severity") == incident.severity and not incident.members
        if render.action(incident) == "acknowledge" and not is_known:
            self.api.send(render.trigger(incident, self.route))
        self.api.send(render.event(incident, self.route))
        return _where(incident)

    def add(self, root: Location, incident: Incident, line: ThreadLine) -> Location:  # noqa: ARG002
        """Say nothing: of PagerDuty's incident all is said by how it stands."""
        return root

    def withdraw(self, where: Location) -> None:
        if "key" in where:
            self.api.send(render.resolution(where["key"]))

    def has_readers(self) -> bool:
        return True

    def warn(self, incident: Incident) -> bool:  # noqa: ARG002
        """Say nothing: under which key it is open there already is not known, and nobody would resolve another."""
        return False


def _where(incident: Incident) -> Location:
    """Return under which key PagerDuty has an incident, whether it is open there, and how bad it is."""
    return {"key": incident.id, "open": incident.is_open, "severity": str(incident.severity)}


def _pagerduty_error(answer: Answer, key: str) -> SagewatchError:
    if answer.throttled or answer.troubled:
        return Retry(
            f"PagerDuty answered {answer.status}",
            answer.after or (THROTTLED if answer.throttled else None),
            code=ErrorCode.RECEIVER_BUSY,
        )
    if answer.status in {401, 403}:
        return Unauthorised(f"PagerDuty refuses the routing key: {answer.status}")
    reason = harmless(answer.text.replace(key, "[redacted]"), _ERROR_LENGTH)
    return Undeliverable(f"PagerDuty answered {answer.status} {reason}".strip(), code=ErrorCode.MESSAGE_REFUSED)
