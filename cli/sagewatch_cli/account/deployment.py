"""Finds out where a command looks: which account and Region, and the stack that is deployed there with a prefix."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import (
    ClientError,
    NoCredentialsError,
    PartialCredentialsError,
    SSOTokenLoadError,
    TokenRetrievalError,
)

from sagewatch.aws.retries import retried
from sagewatch.errors import ErrorCode, Retry
from sagewatch.model import Place
from sagewatch_cli.account.session import Account
from sagewatch_cli.account.stack import living_stack, stack_name


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """Where a command looks: the account, the Region, and our stack there, as its own marks say."""

    place: Place
    """The account and the Region."""
    alias: str = ""
    """The account's alias; empty where it has none, or where IAM may not be asked."""
    prefix: str
    """The first part of the names of our alarms."""
    stack: str = ""
    """The name of the stack that owns this prefix; empty where none was found."""
    resources: Mapping[str, Mapping[str, Any]]
    """The stack's resources by logical id, as ListStackResources gives them."""
    asked: str = ""
    """The name of the stack that was asked for; empty when it was looked for by its prefix."""
    unread: str = ""
    """Why it could not be found out which stack there is, or what is in it; empty when it could."""

    @property
    def table(self) -> str:
        """Return the name of the stack's incidents table, nothing where that is not known."""
        return str(self.resources.get("Incidents", {}).get("PhysicalResourceId", ""))

    @property
    def where(self) -> str:
        """Return the account and the Region: `account 123456789012 (acme-prod), eu-west-1`."""
        alias = f" ({self.alias})" if self.alias else ""
        return f"account {self.place.account}{alias}, {self.place.region}"

    @property
    def stack_words(self) -> str:
        """Return what was found of the stack: `stack sagewatch`, `no stack of ours`."""
        if self.unread:
            return "its stack could not be read"
        return f"stack {self.stack}" if self.stack else "no stack of ours"

    @property
    def line(self) -> str:
        """Return the first line of an answer: `Account 123456789012 (acme-prod), eu-west-1, alarms under …`."""
        return f"A{self.where[1:]}, alarms under {self.prefix}/, {self.stack_words}"

    @property
    def missing(self) -> str:
        """Return a sentence for a command that needs the stack and has none."""
        if self.unread:
            return self.unread
        named = f"called {self.asked}" if self.asked else f"with the prefix {self.prefix}"
        return f"There is no stack of ours {named} in {self.where}. Say --prefix, or --stack and its name."

    def data(self) -> dict[str, str | None]:
        """Return it for programs."""
        return {
            "account": self.place.account,
            "alias": self.alias or None,
            "region": self.place.region,
            "prefix": self.prefix,
            "stack": self.stack or None,
        }


def find_deployment(account: Account, prefix: str, stack: str | None = None) -> Deployment:
    """Ask whose credentials these are, and for the stack that owns the prefix, or has that name.

    Raises Retry when nobody says whose credentials these are. What else cannot be read is said in the answer: a command
    can do without the alias and, unless there is a budget, without the stack.
    """
    at = place(account)
    alias = _alias(account)
    resources: Mapping[str, Mapping[str, Any]] = {}
    try:
        name = stack or stack_name(living_stack(account, prefix) or "")
        resources = (name and stack_resources(account.client("cloudformation"), name)) or {}
    except Retry as error:
        return Deployment(place=at, alias=alias, prefix=prefix, resources={}, unread=str(error))
    found = name if resources else ""
    return Deployment(place=at, alias=alias, prefix=prefix, stack=found, resources=resources, asked=stack or "")


def place(account: Account) -> Place:
    """Return the partition, account and Region of the credentials."""
    client = account.client("sts")
    try:
        with retried("get_caller_identity"):
            arn = client.get_caller_identity()["Arn"]
    except Retry as error:
        if _are_no_credentials(error.__cause__):
            said = f"{error}. Log in (aws sso login), or say --profile with one that works."
            raise Retry(said, code=ErrorCode.NO_CREDENTIALS) from error
        raise
    _, partition, _, _, number, *_ = arn.split(":")
    return Place(partition=partition, region=client.meta.region_name, account=number)


_REFUSED_CREDENTIALS = frozenset(
    {"ExpiredToken", "ExpiredTokenException", "InvalidClientTokenId", "SignatureDoesNotMatch"}
)
"""STS API reference, "Common Errors"; ExpiredToken is what SDKs get for a session that is over."""


def _are_no_credentials(cause: object) -> bool:
    """Tell whether a call failed for lack of credentials that AWS takes."""
    if isinstance(cause, ClientError):
        return cause.response["Error"].get("Code") in _REFUSED_CREDENTIALS
    return isinstance(cause, (NoCredentialsError, PartialCredentialsError, TokenRetrievalError, SSOTokenLoadError))


def _alias(account: Account) -> str:
    try:
        client = account.client("iam")
        with retried("list_account_aliases"):
            # An account has one alias at most (ListAccountAliases).
            aliases = client.list_account_aliases()["AccountAliases"]
    except Retry:
        return ""
    return str(aliases[0]) if aliases else ""


def stack_resources(client: Any, stack: str) -> dict[str, Any] | None:
    """Return a stack's resources by logical id; None when CloudFormation has no such stack."""
    with retried(f"list_stack_resources {stack}"):
        try:
            pages = client.get_paginator("list_stack_resources").paginate(StackName=stack)
            found = [each for page in pages for each in page["StackResourceSummaries"]]
        except ClientError as error:
            if "does not exist" in error.response["Error"].get("Message", ""):
                return None
            raise
    return {each["LogicalResourceId"]: each for each in found if each.get("PhysicalResourceId")}
