"""Reads Slack's credentials from Secrets Manager or SSM; keeps them five minutes, so that a rotation is noticed."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import boto3

from sagewatch.aws.errors import BRISK, retried
from sagewatch.errors import Undeliverable

KEPT = 300  # s
_SECRETS = ("bot_token", "webhook_url")
_SHAPE = '{"webhook_url": …} or {"bot_token": …, "channel": …}'


def reader(name: str) -> Callable[[], str]:
    """Return a function that reads the secret's text: of `ssm:/name` in SSM, of an ARN in Secrets Manager."""
    if name.startswith("ssm:"):
        return _from_parameter(name.removeprefix("ssm:"))
    return _from_secret(name)


def _from_secret(arn: str) -> Callable[[], str]:
    client = boto3.client("secretsmanager", config=BRISK)

    def read() -> str:
        with retried("get_secret_value (SLACK_CREDENTIALS)"):
            return client.get_secret_value(SecretId=arn)["SecretString"]

    return read


def _from_parameter(name: str) -> Callable[[], str]:
    client = boto3.client("ssm", config=BRISK)

    def read() -> str:
        with retried("get_parameter (SLACK_CREDENTIALS)"):
            return client.get_parameter(Name=name, WithDecryption=True)["Parameter"]["Value"]

    return read


def credentials(text: str) -> Mapping[str, str]:
    """Read credentials; Undeliverable says what is wrong with them and never what they are."""
    try:
        found = json.loads(text)
    except ValueError:
        raise Undeliverable(f"The secret in SLACK_CREDENTIALS is not JSON; it must be {_SHAPE}") from None
    if not isinstance(found, dict) or not (found.keys() >= {"bot_token", "channel"} or "webhook_url" in found):
        raise Undeliverable(f"The secret in SLACK_CREDENTIALS must be {_SHAPE}")
    if not all(isinstance(value, str) and value for value in found.values()):
        raise Undeliverable("Every value of the secret in SLACK_CREDENTIALS must be a text")
    stripped: dict[str, str] = {name: value.strip() for name, value in found.items()}
    # Anything else would fail inside http.client, whose errors repeat the value.
    if not all(re.fullmatch("[!-~]+", stripped.get(name, "-")) for name in _SECRETS):
        raise Undeliverable(f"{' and '.join(_SECRETS)} in SLACK_CREDENTIALS must be plain ASCII without blanks")
    return stripped


@dataclass(slots=True)
class Kept:
    """Credentials that are read again after five minutes by `clock` (seconds)."""

    read: Callable[[], str]
    clock: Callable[[], float]
    found: Mapping[str, str] = field(default_factory=dict, repr=False)
    until: float = 0

    def __call__(self) -> Mapping[str, str]:
        if not self.found or self.clock() >= self.until:
            self.found = credentials(self.read())
            self.until = self.clock() + KEPT
        return self.found
