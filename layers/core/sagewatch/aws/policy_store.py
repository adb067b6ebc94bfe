"""Reads what the account's owner wants as of now: the policy in its SSM parameter, and the rows without budget."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from botocore.config import Config
from botocore.exceptions import ClientError

from sagewatch.aws import budget_store, look_store, unlisted_store
from sagewatch.aws.clients import Clients
from sagewatch.aws.retries import retried
from sagewatch.errors import BadSetting, BrokenPolicy, Impaired
from sagewatch.model import Ref
from sagewatch.policy.limits import Limits
from sagewatch.policy.rules import Look, Policy, PolicyInForce, Withheld

if TYPE_CHECKING:
    from mypy_boto3_ssm import SSMClient


NOTHING = "# Nothing is changed: every alarm is as its row says. See docs/policy.md."
"""What the sweep writes where there is no parameter: a document that says nothing."""


def is_blank(text: str) -> bool:
    """Tell whether a document says nothing, for which it need not be parsed: the parser costs a cold start 0.2 s."""
    return not any(line.strip() and not line.lstrip().startswith("#") for line in text.splitlines())


def read_text(client: SSMClient, parameter: str) -> str:
    """Return the document in the parameter, nothing when there is no such parameter."""
    return _read_parameter(client, parameter)[0]


def _read_parameter(client: SSMClient, parameter: str) -> tuple[str, int]:
    with retried(f"get_parameter {parameter}", Impaired):
        try:
            # Each PutParameter counts the version up by one (Systems Manager User Guide, "Working with parameter
            # versions").
            found = client.get_parameter(Name=parameter)["Parameter"]
        except ClientError as error:
            if error.response["Error"].get("Code") == "ParameterNotFound":
                return "", 0
            raise
    return found["Value"], found["Version"]


def earlier_texts(client: SSMClient, parameter: str) -> tuple[str, ...]:
    """Return the versions of the document that SSM keeps (a hundred), the newest first."""
    with retried(f"get_parameter_history {parameter}", Impaired):
        # Parameter Store keeps the last 100 versions, and answers with the oldest first (GetParameterHistory).
        pages = client.get_paginator("get_parameter_history").paginate(Name=parameter)
        return tuple(each["Value"] for page in pages for each in page["Parameters"])[::-1]


class PolicyStore:
    """The policy in the SSM parameter `parameter`, and what its budget withholds in the DynamoDB table `table`.

    It is read at each call, and parsed when it has changed. Without a parameter AWS is not asked.
    """

    def __init__(self, parameter: str | None, table: str | None, config: Config) -> None:
        self.parameter, self.table, self.clients = parameter, table, Clients(config)
        self._text, self._in_force = "", PolicyInForce()
        self._was_read = False

    def read_or_last(self) -> PolicyInForce:
        """Return the policy in force; when AWS does not answer, the last one that was read; Impaired if none was."""
        try:
            found = self.read()
        except Impaired:
            if not self._was_read:
                raise
            return self._in_force
        self._was_read = True
        return found

    def read(self) -> PolicyInForce:
        """Return the policy in force; Retry when AWS does not answer, BadSetting for a budget without a table."""
        if not self.parameter:
            return self._in_force
        text, version = _read_parameter(self.clients.ssm, self.parameter)
        # A parameter that was deleted and made again counts from one again.
        if (text, version) != (self._text, self._in_force.version):
            found = from_text(text)
            if found.faults:
                earlier = map(from_text, earlier_texts(self.clients.ssm, self.parameter))
                good = next((each for each in earlier if not each.faults), None)
                found = replace(found, policy=good.policy) if good else replace(found, frozen=True)
            self._text, self._in_force = text, replace(found, version=version)
        if self._in_force.policy.budget is None:
            return self._in_force
        return replace(self._in_force, withheld=self.read_withheld().rows)

    def earlier(self) -> Iterator[Policy]:
        """Yield the policies that SSM keeps, the newest first, without those that were broken; Impaired if denied."""
        for text in earlier_texts(self.clients.ssm, self.parameter) if self.parameter else ():
            found = from_text(text)
            if not found.faults:
                yield found.policy

    def make_if_missing(self) -> bool:
        """Write a document that says nothing if the last read found no parameter; tell whether that was done.

        Nothing is written over: a document that was pushed meanwhile stays. Raise Impaired when SSM refuses.
        """
        if not self.parameter or self._in_force.version:
            return False
        with retried(f"put_parameter {self.parameter}", Impaired):
            try:
                # Without Overwrite it is refused where the parameter is there (PutParameter, Overwrite).
                self.clients.ssm.put_parameter(
                    Name=self.parameter,
                    Description="What is wanted otherwise than by default. Edit it with `sagewatch policy edit`.",
                    Value=NOTHING,
                    Type="String",
                    Tier="Intelligent-Tiering",
                )
            except ClientError as error:
                if error.response["Error"].get("Code") != "ParameterAlreadyExists":
                    raise
                return False
        return True

    def read_withheld(self) -> Withheld:
        """Return the rows that the sweep last found to have no room."""
        return budget_store.read_withheld(self.clients.dynamodb, self._budget_table())

    def write_withheld(self, withheld: Withheld) -> None:
        """Write down which rows have no room from now on, in place of those before."""
        budget_store.write_withheld(self.clients.dynamodb, self._budget_table(), withheld)

    def has_new_unlisted(self, kinds: Collection[str]) -> bool:
        """Tell whether any of the kinds that cannot be listed could be listed before; without a table, all could."""
        return not (self.table and unlisted_store.read_unlisted(self.clients.dynamodb, self.table).issuperset(kinds))

    def write_unlisted(self, kinds: Collection[str]) -> None:
        """Remember which kinds cannot be listed now; without a table nothing is remembered."""
        if self.table:
            unlisted_store.write_unlisted(self.clients.dynamodb, self.table, kinds)

    def read_looks(self, kinds: Iterable[str]) -> dict[Ref, Look]:
        """Return what was remembered of looks at resources of these kinds; nothing without a table."""
        if not self.table:
            return {}
        return {
            Ref(kind, name): look
            for kind in sorted(kinds)
            for name, look in look_store.read_looks(self.clients.dynamodb, self.table, kind).items()
        }

    def remember(self, looks: Mapping[Ref, Look]) -> None:
        """Remember looks in place of older ones at the same resources; without a table they are forgotten."""
        for kind in sorted({ref.kind for ref in looks}):
            if self.table:
                new = {ref.name: look for ref, look in looks.items() if ref.kind == kind}
                look_store.add_looks(self.clients.dynamodb, self.table, kind, new)

    def _budget_table(self) -> str:
        if not self.table:
            raise BadSetting("INCIDENTS_TABLE is not set; it must be the name of the incidents table for a budget.")
        return self.table


def from_text(text: str, limits: Limits | None = None) -> PolicyInForce:
    """Return what a document says, or the default policy with what is wrong with the document.

    With `limits`, it is wrong as well where it leads beyond them.
    """
    if is_blank(text):
        return PolicyInForce()
    # pydantic and yaml are loaded by those who have a policy only.
    from sagewatch.policy.parse import read_policy

    try:
        return PolicyInForce(read_policy(text, limits))
    except BrokenPolicy as broken:
        return PolicyInForce(faults=broken.faults)
