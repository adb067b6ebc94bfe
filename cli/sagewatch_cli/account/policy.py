"""Reads, checks and writes the policy document: in the parameter of the stack, or as text that is not deployed yet."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import ClientError

from sagewatch.aws.policy_store import from_text, read_text
from sagewatch.aws.retries import retried
from sagewatch.errors import Fault
from sagewatch.policy.limits import Limits
from sagewatch.policy.rules import Policy, PolicyInForce
from sagewatch_cli.account.session import Account

LARGEST = 8192
"""Bytes that a parameter of the advanced tier holds."""

EMPTY = "# Nothing is changed: every alarm is as the catalogue says.\n"
"""What is written in place of a document without a letter, which SSM refuses."""


def parameter_of(prefix: str) -> str:
    """Return the name of the SSM parameter that the stack with this prefix keeps its policy in."""
    return f"/sagewatch/{prefix}/policy"


def read_policy(account: Account, prefix: str, text: str | None = None) -> PolicyInForce:
    """Return the policy of a text, or else of the deployed document; a broken one has `faults`."""
    return from_text(read_text(account.client("ssm"), parameter_of(prefix)) if text is None else text)


def check_document(text: str, limits: Limits) -> tuple[Policy, tuple[Fault, ...]]:
    """Return a document's policy and its faults, of which it is one to lead beyond the `limits`.

    A policy with faults is not to be followed.
    """
    found = from_text(text, limits)
    if found.faults:
        return found.policy, found.faults
    size = len(text.encode())
    if size > LARGEST:
        return found.policy, (Fault(1, 1, "", f"{size:,} bytes are too many; a parameter holds {LARGEST:,}"),)
    return found.policy, ()


@dataclass(frozen=True, slots=True)
class DeployedDocument:
    """The document in the parameter, and when it was written."""

    text: str
    version: int
    at: datetime


UNWRITTEN = DeployedDocument("", 0, datetime.min.replace(tzinfo=UTC))
"""What stands for the document before anybody wrote one."""


def deployed_document(client: Any, parameter: str) -> DeployedDocument | None:
    """Return the document that is deployed; None when there is no such parameter."""
    with retried(f"get_parameter {parameter}"):
        try:
            found = client.get_parameter(Name=parameter)["Parameter"]
        except ClientError as error:
            if error.response["Error"].get("Code") != "ParameterNotFound":
                raise
            return None
    return DeployedDocument(found["Value"], found["Version"], found["LastModifiedDate"])


def author_of(client: Any, parameter: str, version: int) -> str:
    """Return who wrote a version: an ARN."""
    with retried(f"get_parameter_history {parameter}"):
        pages = client.get_paginator("get_parameter_history").paginate(Name=parameter)
        versions = [each for page in pages for each in page["Parameters"]]
    return next((each["LastModifiedUser"] for each in versions if each["Version"] == version), "somebody unknown")


@dataclass(frozen=True, slots=True)
class PastDocument:
    """A version of the document: its text, when it was written, and by whom (an ARN)."""

    text: str
    version: int
    at: datetime
    by: str


def past_documents(client: Any, parameter: str) -> tuple[PastDocument, ...]:
    """Return the versions of the document that SSM keeps (a hundred), the newest first."""
    with retried(f"get_parameter_history {parameter}"):
        pages = client.get_paginator("get_parameter_history").paginate(Name=parameter)
        found = [
            PastDocument(
                each["Value"],
                each["Version"],
                each["LastModifiedDate"],
                each.get("LastModifiedUser") or "somebody unknown",
            )
            for page in pages
            for each in page["Parameters"]
        ]
    return tuple(sorted(found, key=lambda each: each.version, reverse=True))


def write_document(client: Any, parameter: str, text: str) -> int:
    """Write the document into the parameter and return its version.

    SSM keeps up to 4 KB in the standard tier, without a charge; Intelligent-Tiering takes the advanced one only above.
    """
    with retried(f"put_parameter {parameter}"):
        answer = client.put_parameter(
            Name=parameter, Value=text, Type="String", Overwrite=True, Tier="Intelligent-Tiering"
        )
    version: int = answer["Version"]
    return version
