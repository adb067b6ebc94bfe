"""Reads what the account's owner wants as of now: the policy in its SSM parameter, and the rows without budget."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from sagewatch.aws import budget_store
from sagewatch.aws.budget_store import Demand, Row
from sagewatch.aws.errors import retried
from sagewatch.errors import BadSetting, BrokenPolicy
from sagewatch.policy.rules import DEFAULT, Policy

if TYPE_CHECKING:
    from mypy_boto3_ssm import SSMClient


@dataclass(frozen=True, slots=True)
class Standing:
    """The policy, the rows that its budget has no room for, and what is wrong when it is broken.

    In place of a broken policy stands the last version that was not. Where there is none the alarms that are there are
    `held`, as they are. `version` counts the writes of the parameter, 0 when there is none.
    """

    policy: Policy = DEFAULT
    withheld: frozenset[Row] = frozenset()
    broken: BrokenPolicy | None = None
    held: bool = False
    version: int = 0


def is_blank(text: str) -> bool:
    """Tell whether a document says nothing, for which it need not be parsed: the parser costs a cold start 0.2 s."""
    return not any(line.strip() and not line.lstrip().startswith("#") for line in text.splitlines())


def text_of(client: SSMClient, parameter: str) -> str:
    """Return the document in the parameter, nothing when there is no such parameter."""
    return _document(client, parameter)[0]


def _document(client: SSMClient, parameter: str) -> tuple[str, int]:
    with retried(f"get_parameter {parameter}"):
        try:
            found = client.get_parameter(Name=parameter)["Parameter"]
        except ClientError as error:
            if error.response["Error"].get("Code") == "ParameterNotFound":
                return "", 0
            raise
    return found["Value"], found["Version"]


def earlier_texts(client: SSMClient, parameter: str) -> tuple[str, ...]:
    """Return the versions of the document that SSM keeps (a hundred), the newest first."""
    with retried(f"get_parameter_history {parameter}"):
        pages = client.get_paginator("get_parameter_history").paginate(Name=parameter)
        return tuple(each["Value"] for page in pages for each in page["Parameters"])[::-1]


@dataclass(slots=True)
class Asking:
    """Asks for the policy at each call, and parses it when it has changed; without a parameter nobody is asked.

    Clients are made, with `config`, when they are first needed. `table` is where the sweep writes what the budget has
    no room for.
    """

    parameter: str | None
    table: str | None
    config: Config
    clients: dict[str, Any] = field(default_factory=dict)
    text: str = ""
    found: Standing = field(default_factory=Standing)

    def __call__(self) -> Standing:
        if not self.parameter:
            return self.found
        text, version = _document(self._client("ssm"), self.parameter)
        # A parameter that was deleted and made again counts from one again.
        if (text, version) != (self.text, self.found.version):
            self.found, self.text = replace(self._followed(parsed(text)), version=version), text
        if self.found.policy.budget is None:
            return self.found
        return replace(self.found, withheld=frozenset(self.remembered()))

    def _followed(self, found: Standing) -> Standing:
        """Put the last version that can be followed in the place of a broken one."""
        if found.broken is None or self.parameter is None:
            return found
        earlier = (parsed(text) for text in earlier_texts(self._client("ssm"), self.parameter))
        good = next((each for each in earlier if each.broken is None), None)
        return replace(found, policy=good.policy) if good else replace(found, held=True)

    def remembered(self) -> Mapping[Row, Demand]:
        """Return what the sweep last withheld, and what it would cost."""
        return budget_store.read(self._client("dynamodb"), self._table())

    def remember(self, withheld: Mapping[Row, Demand]) -> None:
        """Write down what is withheld from now on."""
        budget_store.write(self._client("dynamodb"), self._table(), withheld)

    def _table(self) -> str:
        if not self.table:
            raise BadSetting("INCIDENTS_TABLE is not set; it must be the name of the incidents table for a budget.")
        return self.table

    def _client(self, service: str) -> Any:
        if service not in self.clients:
            make: Any = boto3.client
            self.clients[service] = make(service, config=self.config)
        return self.clients[service]


def parsed(text: str) -> Standing:
    """Return what a document says, or the default policy with what is wrong with it."""
    if is_blank(text):
        return Standing()
    # pydantic and yaml are loaded by those who have a policy only.
    from sagewatch.policy.parse import read

    try:
        return Standing(read(text))
    except BrokenPolicy as broken:
        return Standing(broken=broken)
