"""The AWS account that a command looks at: whose credentials, which Region, and clients of its services."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import urlsplit

import boto3
from botocore.config import Config

from sagewatch.aws.retries import retried
from sagewatch.errors import ErrorCode, Retry

GIVES_UP = 10
"""Seconds after which a call has failed, with all its tries."""

_CONNECTING = 4
_PATIENCE = Config(
    retries={"mode": "standard", "max_attempts": 5}, connect_timeout=_CONNECTING, read_timeout=GIVES_UP - 1
)


def unheard(_what: str) -> None:
    """Do nothing about a call."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Which credentials and Region; what is None comes from the AWS configuration, as with the AWS CLI."""

    profile: str | None = None
    region: str | None = None
    endpoint_url: str | None = None
    calling: Callable[[str], None] = unheard
    """Is told which call begins: `sagemaker DescribeEndpoint`."""

    def client(self, service: str) -> Any:
        """Return a client of the service; raises Retry when there is no such profile, or no Region."""
        with retried(f"cannot talk to {service}"):
            session: Any = boto3.Session(profile_name=self.profile, region_name=self.region)
            if session.region_name is None:
                raise Retry(
                    "no Region is configured; say --region, or set AWS_DEFAULT_REGION", code=ErrorCode.NO_REGION
                )
            made = session.client(service, endpoint_url=self.endpoint_url, config=_PATIENCE)
        made.meta.events.register("before-call", self._begins)
        made.meta.events.register("request-created", _is_tried)
        return made

    def _begins(self, model: Any, context: dict[str, Any], **_: Any) -> None:
        context[_BEGAN] = time.monotonic()
        self.calling(_named(model))


_BEGAN, _TRIES = "sagewatch-began", "sagewatch-tries"


def _is_tried(request: Any, operation_name: str, **_: Any) -> None:
    """Raise Retry in place of another try that could not end in time; botocore makes the request anew for each."""
    context = request.context
    context[_TRIES] = context.get(_TRIES, 0) + 1
    if context[_TRIES] > 1 and time.monotonic() - context.get(_BEGAN, 0) > GIVES_UP - _CONNECTING:
        host = urlsplit(request.url).hostname
        raise Retry(
            f"{operation_name}: {host} does not answer within {GIVES_UP} s. Is the network there, and is this the "
            "right Region? Say --region, or --endpoint-url for an emulator."
        )


def _named(model: Any) -> str:
    return f"{model.service_model.service_name} {model.name}"


class Progress(Protocol):
    """How slow work is shown to whoever waits for it: yields the things again, one after the other."""

    def __call__[T](self, several: Iterable[T], doing: str) -> Iterable[T]:
        """Yield every thing; `doing` says what is done with them, `Listing metrics`."""


def unseen[T](several: Iterable[T], doing: str) -> Iterable[T]:  # noqa: ARG001
    """Show nothing."""
    return several
