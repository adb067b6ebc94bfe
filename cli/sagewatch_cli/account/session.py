"""The AWS account that a command looks at: the options that say which, and its clients."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

import boto3
import typer
from botocore.config import Config
from botocore.utils import is_valid_endpoint_url

from sagewatch.aws.errors import retried
from sagewatch.errors import BadSetting, Retry
from sagewatch.settings import alarm_prefix

_PATIENCE = Config(retries={"mode": "standard", "max_attempts": 5}, connect_timeout=5, read_timeout=20)


def _prefix(value: str) -> str:
    try:
        return alarm_prefix({"ALARM_PREFIX": value})
    except BadSetting as error:
        raise typer.BadParameter(str(error)) from error


def _address(value: str | None) -> str | None:
    if value is not None and not is_valid_endpoint_url(value):
        raise typer.BadParameter(f"'{value}' is no address; write one such as http://localhost:4566")
    return value


Prefix = Annotated[
    str,
    typer.Option("--prefix", envvar="ALARM_PREFIX", callback=_prefix, help="First part of the names of our alarms."),
]
Profile = Annotated[str | None, typer.Option("--profile", help="Profile of the AWS configuration.", show_default=False)]
Region = Annotated[str | None, typer.Option("--region", help="AWS Region.", show_default=False)]
EndpointUrl = Annotated[
    str | None,
    typer.Option("--endpoint-url", callback=_address, help="Ask an emulator instead of AWS.", show_default=False),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Whose credentials, in which Region; what is not given is up to the AWS configuration, as with the AWS CLI."""

    profile: str | None = None
    region: str | None = None
    endpoint_url: str | None = None

    def client(self, service: str) -> Any:
        """Return a client of the service; raises Retry when there is no such profile, or no Region."""
        with retried(f"cannot talk to {service}"):
            session: Any = boto3.Session(profile_name=self.profile, region_name=self.region)
            if session.region_name is None:
                raise Retry("no Region is configured; say --region, or set AWS_DEFAULT_REGION")
            return session.client(service, endpoint_url=self.endpoint_url, config=_PATIENCE)
