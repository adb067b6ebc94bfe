"""The options that several commands share, and what they lead to: the policy of a file or the deployed one."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer
from botocore.utils import is_valid_endpoint_url

from sagewatch.errors import BadSetting, BrokenPolicy, ErrorCode
from sagewatch.kinds.kind import Kind
from sagewatch.kinds.registry import KINDS
from sagewatch.model import Ref
from sagewatch.policy.rules import PolicyInForce
from sagewatch.settings import alarm_prefix
from sagewatch_cli.account.deployment import Deployment, find_deployment
from sagewatch_cli.account.nearest import near
from sagewatch_cli.account.policy import parameter_of, read_policy
from sagewatch_cli.account.references import Reference, check_account, common_region
from sagewatch_cli.account.session import Account
from sagewatch_cli.printing import BROKEN, calling, stop


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
StackName = Annotated[
    str | None,
    typer.Option(
        "--stack",
        help="Name of the CloudFormation stack; found by the prefix when it is not given.",
        show_default=False,
    ),
]
PolicyFile = Annotated[
    Path | None,
    typer.Option("--policy", exists=True, dir_okay=False, help="A policy to try, in place of the deployed one."),
]
IncidentsTable = Annotated[
    str | None,
    typer.Option(
        "--table",
        envvar="INCIDENTS_TABLE",
        help="The table where the sweep writes which rows a budget has no room for; by default, the stack's.",
        show_default=False,
    ),
]


def open_account(
    profile: str | None, region: str | None, endpoint_url: str | None, pointed: Iterable[Reference] = ()
) -> Account:
    """Return the account that the options name, in the Region of the references; its calls are shown to who waits."""
    try:
        found = common_region(pointed, region)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error
    return Account(profile=profile, region=found, endpoint_url=endpoint_url, calling=calling)


def open_deployment(
    account: Account, prefix: str, stack: str | None = None, pointed: Iterable[Reference] = ()
) -> Deployment:
    """Find out where a command looks; wrong usage when an ARN names another account."""
    found = find_deployment(account, prefix, stack)
    try:
        check_account(pointed, found)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error
    return found


def read_reference(text: str) -> Reference:
    """Read a name, an ARN or a console address; anything else is wrong usage."""
    try:
        return Reference.read(text)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error


def known_ref(text: str, *, watched: bool = False) -> tuple[Kind, Ref]:
    """Read `kind/name`; with `watched` only of a kind that has rows. Anything else is wrong usage."""
    kind_name, _, name = text.partition("/")
    kinds = [each for each in KINDS if each.specs or not watched]
    kind = next((each for each in kinds if each.name == kind_name), None)
    if kind is not None and name:
        return kind, Ref(kind.name, name)
    if kind is None and name:
        of = " with alarms" if watched else ""
        hint = near(kind_name, [each.name for each in kinds])
        raise typer.BadParameter(f"'{text}' is not kind/name: there is no kind {kind_name}{of}.{hint}")
    raise typer.BadParameter(f"'{text}' is not kind/name, such as endpoint/{kind_name if kind is None else 'churn'}")


def policy_in_force(account: Account, prefix: str, file: Path | None) -> PolicyInForce:
    """Return what the file says, else what is deployed; a broken policy ends the command, with all its faults."""
    found = read_policy(account, prefix, read_document(file) if file else None)
    if found.faults:
        stop(
            BROKEN, f"{file or parameter_of(prefix)} is broken:\n{BrokenPolicy(found.faults)}", ErrorCode.BROKEN_POLICY
        )
    return found


def read_document(file: Path) -> str:
    """Return a policy document's text; `-` is standard input. A file that cannot be read ends the command."""
    try:
        return typer.get_text_stream("stdin").read() if str(file) == "-" else file.read_text(encoding="utf-8")
    except OSError as error:
        raise typer.BadParameter(f"{file} cannot be read: {error.strerror}", param_hint="FILE") from error
    except UnicodeDecodeError as wrong:
        stop(BROKEN, f"{file} is not text in UTF-8: byte {wrong.start} cannot be read.", ErrorCode.BROKEN_POLICY)
