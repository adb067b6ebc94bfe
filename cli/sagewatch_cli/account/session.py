"""The AWS account that a command looks at: whose credentials, which Region, and clients of its services."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Protocol

import boto3
from botocore.config import Config

from sagewatch.aws.retries import retried
from sagewatch.errors import ErrorCode, Retry

_PATIENCE = Config(retries={"mode": "standard", "max_attempts": 5}, connect_timeout=5, read_timeout=20)


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Which credentials and Region; what is None comes from the AWS configuration, as with the AWS CLI."""

    profile: str | None = None
    region: str | None = None
    endpoint_url: str | None = None

    def client(self, service: str) -> Any:
        """Return a client of the service; raises Retry when there is no such profile, or no Region."""
        with retried(f"cannot talk to {service}"):
            session: Any = boto3.Session(profile_name=self.profile, region_name=self.region)
            if session.region_name is None:
                raise Retry(
                    "no Region is configured; say --region, or set AWS_DEFAULT_REGION", code=ErrorCode.NO_REGION
                )
            return session.client(service, endpoint_url=self.endpoint_url, config=_PATIENCE)


class Progress(Protocol):
    """How slow work is shown to whoever waits for it: yields the things again, one after the other."""

    def __call__[T](self, several: Iterable[T], doing: str) -> Iterable[T]:
        """Yield every thing; `doing` says what is done with them, `Listing metrics`."""


def unseen[T](several: Iterable[T], doing: str) -> Iterable[T]:  # noqa: ARG001
    """Show nothing."""
    return several
