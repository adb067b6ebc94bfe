"""Reads secrets from Secrets Manager or SSM; keeps them five minutes, so that a rotation is noticed.

A parser's exceptions hold what it parsed, so none is ever chained, not even as context.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Concatenate

import boto3

from sagewatch.aws.retries import BRISK, retried
from sagewatch.errors import ErrorCode, Unauthorised, Undeliverable

# After a rotation AWS keeps the old version as AWSPREVIOUS; who issued the secret may not (Secrets Manager,
# "Rotation").
_LIFETIME = 300  # s
_SECRET_FIELDS = ("bot_token", "webhook_url")
_SHAPE = '{"webhook_url": …} or {"bot_token": …, "channel": …}'


def reader(name: str) -> Callable[[], str]:
    """Return a function that reads the secret's text: of `ssm:/name` in SSM, of an ARN in Secrets Manager."""
    if name.startswith("ssm:"):
        return _from_parameter(name.removeprefix("ssm:"))
    return _from_secret(name)


def _from_secret(arn: str) -> Callable[[], str]:
    # Made for a secret: those of Slack, PagerDuty and webhooks need not be in the same service.
    client = boto3.client("secretsmanager", config=BRISK)

    def read() -> str:
        with retried(f"get_secret_value {arn}"):
            found = client.get_secret_value(SecretId=arn)
        # A secret holds either SecretString or SecretBinary (GetSecretValue).
        if "SecretString" not in found:
            raise Undeliverable(f"The secret {arn} holds bytes; it must be a text", code=ErrorCode.SECRET_MALFORMED)
        return found["SecretString"]

    return read


def _from_parameter(name: str) -> Callable[[], str]:
    client = boto3.client("ssm", config=BRISK)

    def read() -> str:
        with retried(f"get_parameter {name}"):
            # Of a parameter that is no SecureString, WithDecryption is ignored (GetParameter).
            return client.get_parameter(Name=name, WithDecryption=True)["Parameter"]["Value"]

    return read


def credentials(text: str) -> Mapping[str, str]:
    """Read Slack's credentials; Undeliverable says what is wrong with them and never what they are."""
    found = _parsed(text)
    if found is None:
        raise Undeliverable(
            f"The secret in SLACK_CREDENTIALS is not JSON; it must be {_SHAPE}", code=ErrorCode.SECRET_MALFORMED
        )
    if not isinstance(found, dict) or not (found.keys() >= {"bot_token", "channel"} or "webhook_url" in found):
        raise Undeliverable(f"The secret in SLACK_CREDENTIALS must be {_SHAPE}", code=ErrorCode.SECRET_MALFORMED)
    if not all(isinstance(value, str) and value for value in found.values()):
        raise Undeliverable(
            "Every value of the secret in SLACK_CREDENTIALS must be a text", code=ErrorCode.SECRET_MALFORMED
        )
    stripped: dict[str, str] = {name: value.strip() for name, value in found.items()}
    if not all(_is_plain(stripped.get(name, "-")) for name in _SECRET_FIELDS):
        raise Undeliverable(
            f"{' and '.join(_SECRET_FIELDS)} in SLACK_CREDENTIALS must be plain ASCII without blanks",
            code=ErrorCode.SECRET_MALFORMED,
        )
    return stripped


def routing_key(text: str) -> Mapping[str, str]:
    """Read a PagerDuty routing key, as it is or as `{"routing_key": …}`."""
    return _single("routing_key", "PagerDuty's routing key", text)


def signing_secret(text: str) -> Mapping[str, str]:
    """Read what signs a webhook's messages, as it is or as `{"secret": …}`."""
    return _single("secret", "A webhook's signing secret", text)


def _single(name: str, what: str, text: str) -> Mapping[str, str]:
    found = _parsed(text)
    value = found.get(name) if isinstance(found, dict) else text
    if not isinstance(value, str) or not _is_plain(value.strip()) or value.lstrip().startswith("{"):
        raise Undeliverable(
            f'{what} must be plain ASCII without blanks, as it is or as {{"{name}": …}}',
            code=ErrorCode.SECRET_MALFORMED,
        )
    return {name: value.strip()}


def _parsed(text: str) -> object:
    try:
        return json.loads(text)
    except ValueError:
        return None


def _is_plain(value: str) -> bool:
    # Anything else would fail inside http.client, whose errors repeat the value.
    return re.fullmatch("[!-~]+", value) is not None


@dataclass(slots=True)
class CachedSecret:
    """A secret that is read again after five minutes by `clock` (seconds), or when it was forgotten."""

    read: Callable[[], str] = field(repr=False)
    clock: Callable[[], float]
    parse: Callable[[str], Mapping[str, str]] = credentials
    found: Mapping[str, str] = field(default_factory=dict, repr=False)
    until: float = 0

    def __call__(self) -> Mapping[str, str]:
        if not self.found or self.clock() >= self.until:
            self.found = self.parse(self.read())
            self.until = self.clock() + _LIFETIME
        return self.found

    def forget(self) -> None:
        """Read it anew the next time: it was refused, and may have been rotated."""
        self.found = {}

    def use[T, **P](self, ask: Callable[Concatenate[Mapping[str, str], P], T], *args: P.args, **more: P.kwargs) -> T:
        """Return `ask(secret, …)`; when that raises Unauthorised, ask once more with what is read anew."""
        try:
            return ask(self(), *args, **more)
        except Unauthorised:
            self.forget()
        return ask(self(), *args, **more)
