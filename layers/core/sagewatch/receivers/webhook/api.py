"""Delivers JSON to an address of the account's owner, signed.

The signature is HMAC-SHA256 over `v1:<timestamp>:<body>` with the shared secret. Who gets it computes the same, and
refuses old timestamps.

Retry          429, 5xx, a time-out, no connection
Unreachable    410: the address is given up
Unauthorised   401 and 403, also with a secret that was read anew
Undeliverable  every other answer, and an address that messages do not go to
"""

from __future__ import annotations

import hmac
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import urllib3

from sagewatch.aws.secrets import CachedSecret
from sagewatch.errors import ErrorCode, Retry, SagewatchError, Unauthorised, Undeliverable, Unreachable
from sagewatch.model import Incident, ThreadLine
from sagewatch.policy.limits import Limits, why_not_called
from sagewatch.policy.rules import Route
from sagewatch.receivers.http import THROTTLED, Answer, CircuitBreaker, address, post
from sagewatch.receivers.receiver import Capabilities, PostOnlyReceiver
from sagewatch.receivers.webhook import render


@dataclass(frozen=True, slots=True)
class WebhookApi:
    """An address; its secret has the `secret` that signs, and `clock` (seconds of the epoch) the time to sign.

    `limits` say which hosts the stack allows.
    """

    http: urllib3.PoolManager
    url: str = field(repr=False)
    secret: CachedSecret
    limits: Limits
    clock: Callable[[], float] = time.time
    breaker: CircuitBreaker = field(default_factory=CircuitBreaker)

    def send(self, body: Mapping[str, Any]) -> None:
        """Post a body."""
        who = f"The webhook of {_host(self.url, self.limits)}"
        self.secret.use(self._send, who, json.dumps(body, separators=(",", ":")).encode())

    def _send(self, secret: Mapping[str, str], who: str, content: bytes) -> None:
        now = str(int(self.clock()))
        headers = {
            "Content-Type": "application/json",
            "X-Sagewatch-Timestamp": now,
            "X-Sagewatch-Signature": signature(secret["secret"], now, content),
        }
        answer = post(self.http, self.breaker, who, self.url, content, headers)
        if not answer.good:
            raise _webhook_error(answer, who)


@dataclass(frozen=True, slots=True)
class WebhookReceiver(PostOnlyReceiver):
    """An address, for one route; it is told of every line."""

    capabilities = Capabilities(editable=False, keyed=True)
    api: WebhookApi
    route: Route

    def tell(self, incident: Incident, line: ThreadLine | None) -> None:
        self.api.send(render.document(incident, line, self.route))

    def warn(self, incident: Incident) -> bool:  # noqa: ARG002
        """Say nothing: its reader keeps what is open, and would never hear of the end."""
        return False


def signature(secret: str, timestamp: str, body: bytes) -> str:
    """Return what X-Sagewatch-Signature says of a body."""
    # The scheme is Slack's: with the time in it, an old request cannot be sent again ("Verifying requests from Slack").
    return f"v1={hmac.new(secret.encode(), f'v1:{timestamp}:'.encode() + body, 'sha256').hexdigest()}"


def _webhook_error(answer: Answer, who: str) -> SagewatchError:
    said = f"{who} answered {answer.status}"
    if answer.throttled or answer.troubled:
        return Retry(said, answer.after or (THROTTLED if answer.throttled else None), code=ErrorCode.RECEIVER_BUSY)
    # RFC 9110, "410 Gone": likely to be permanent.
    if answer.status == 410:
        return Unreachable(said)
    if answer.status in {401, 403}:
        return Unauthorised(said)
    said = f"{said}; redirects are not followed" if 300 <= answer.status < 400 else said
    return Undeliverable(said, code=ErrorCode.MESSAGE_REFUSED)


def _host(url: str, limits: Limits) -> str:
    """Return the host of an address that messages may go to."""
    # Taken apart as it is when it is connected to: two parsers could read two hosts.
    place = address(url)
    if place is None or not place.scheme or not place.host or place.auth:
        raise Undeliverable(
            "A webhook's url must be https://host/path, without a password in it", code=ErrorCode.ADDRESS_NOT_ALLOWED
        )
    if why := why_not_called(place.scheme, place.host, limits):
        raise Undeliverable(why, code=ErrorCode.ADDRESS_NOT_ALLOWED)
    return place.host
