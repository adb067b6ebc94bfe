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
import ipaddress
import json
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import urllib3
from urllib3.util import Url

from sagewatch.aws.secrets import CachedSecret
from sagewatch.errors import ErrorCode, Retry, SagewatchError, Unauthorised, Undeliverable, Unreachable
from sagewatch.model import Incident, ThreadLine
from sagewatch.policy.rules import Route
from sagewatch.receivers.http import LOOPBACK, THROTTLED, Answer, CircuitBreaker, address, post
from sagewatch.receivers.receiver import Capabilities, PostOnlyReceiver
from sagewatch.receivers.webhook import render

# Where EC2 answers by IPv6; by IPv4 it is link-local (EC2 User Guide, "Access instance metadata").
_METADATA = ipaddress.ip_address("fd00:ec2::254")


@dataclass(frozen=True, slots=True)
class WebhookApi:
    """An address; its secret has the `secret` that signs, and `clock` (seconds of the epoch) the time to sign."""

    http: urllib3.PoolManager
    url: str = field(repr=False)
    secret: CachedSecret
    clock: Callable[[], float] = time.time
    breaker: CircuitBreaker = field(default_factory=CircuitBreaker)

    def send(self, body: Mapping[str, Any]) -> None:
        """Post a body."""
        who = f"The webhook of {_host(self.url)}"
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


def _host(url: str) -> str:
    """Return the host of an address that messages may go to."""
    place = address(url)
    if place is None or not place.scheme or not place.host or place.auth:
        raise Undeliverable(
            "A webhook's url must be https://host/path, without a password in it", code=ErrorCode.ADDRESS_NOT_ALLOWED
        )
    if place.scheme == "http" and place.host in LOOPBACK:
        return place.host  # a test double
    if place.scheme != "https":
        raise Undeliverable(f"The webhook of {place.host} must be https", code=ErrorCode.ADDRESS_NOT_ALLOWED)
    if _is_inside(place):
        raise Undeliverable(
            f"The webhook of {place.host} is an address of this machine, which is no place to tell",
            code=ErrorCode.ADDRESS_NOT_ALLOWED,
        )
    return place.host


def _is_inside(place: Url) -> bool:
    """Tell whether a host is the function's own machine or its metadata, as far as its name says so.

    A name that resolves to one needs no check: nothing there has its certificate.
    """
    host = (place.host or "").strip("[]").partition("%")[0].rstrip(".")
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        found = ipaddress.ip_address(host)
    except ValueError:
        # Resolvers read 2852039166, 0xa9fea9fe and 169.254.43518 as addresses too; no domain ends in a number.
        return re.fullmatch(r"(.*\.)?(\d+|0x[0-9a-f]*)", host) is not None
    plain = getattr(found, "ipv4_mapped", None) or found
    return plain.is_loopback or plain.is_link_local or plain.is_unspecified or plain == _METADATA
