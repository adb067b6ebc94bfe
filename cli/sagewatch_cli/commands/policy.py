"""`sagewatch policy`: checks, prints and changes the policy document; nothing else changes what is deployed."""

from __future__ import annotations

import os
import shlex
import subprocess
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack
from difflib import unified_diff
from pathlib import Path
from typing import Annotated, Any, Never

import typer

from sagewatch.errors import ErrorCode, Fault, Retry
from sagewatch.policy.limits import Limits
from sagewatch.policy.rules import Policy
from sagewatch_cli.account.policy import (
    EMPTY,
    UNWRITTEN,
    DeployedDocument,
    author_of,
    check_document,
    deployed_document,
    parameter_of,
    write_document,
)
from sagewatch_cli.account.session import Account
from sagewatch_cli.account.stack import limits_anywhere, limits_of, living_stack, stack_parameter
from sagewatch_cli.options import EndpointUrl, Prefix, Profile, Region, read_document
from sagewatch_cli.printing import BROKEN, REFUSED, Form, OutputFormat, as_json, explained_at, stop

_ABSENT = 4

File = Annotated[Path, typer.Argument(metavar="FILE", help="The document; - is standard input.", show_default=False)]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]

app = typer.Typer(name="policy", help="What the owner of the account wants otherwise.", no_args_is_help=True)


# ---------------------------------------------------------------------------------------------------------- commands
@app.command()
def check(
    file: File,
    stack: Annotated[
        bool,
        typer.Option("--stack", help="Compare with the parameters of the stack, too: WebhookHosts, PagingTopicArns."),
    ] = False,
    form: Form = OutputFormat.TABLE,
    prefix: Prefix = "sagewatch",
    profile: Profile = None,
    region: Region = None,
    endpoint_url: EndpointUrl = None,
) -> None:
    """Tell whether a document can be followed, and what it holds; asks nobody, unless you say --stack.

    Exit codes: 0 valid, 1 AWS refused, 2 wrong usage, 4 no stack has the prefix, 5 broken: every fault is printed as
    FILE:line:column.
    """
    text = read_document(file)
    limits = limits_anywhere()
    if stack:
        try:
            account = Account(profile=profile, region=region, endpoint_url=endpoint_url)
            found = living_stack(account, prefix)
            limits = limits_of(account, found or _stop_without(stack_parameter(prefix)))
        except Retry as error:
            stop(REFUSED, str(error), error.code)
    policy, faults = check_document(text, limits)
    if form is OutputFormat.JSON:
        as_json({"valid": not faults, "holds": _counts(policy), "faults": [_fault(each) for each in faults]})
    elif not faults:
        typer.echo(f"{file} is valid: {_holds(policy)}")
    if faults:
        stop(BROKEN, "\n".join(_pointed(str(file), text, faults)), ErrorCode.BROKEN_POLICY)


@app.command()
def show(
    form: Form = OutputFormat.TABLE,
    prefix: Prefix = "sagewatch",
    profile: Profile = None,
    region: Region = None,
    endpoint_url: EndpointUrl = None,
) -> None:
    """Print the document that is deployed; its version, when and by whom it was written go to stderr.

    Exit codes: 0 printed, 1 AWS refused, 2 wrong usage, 4 there is no such parameter.
    """
    account = Account(profile=profile, region=region, endpoint_url=endpoint_url)
    parameter = parameter_of(prefix)
    try:
        client = account.client("ssm")
        found = _deployed(client, parameter)
        by = author_of(client, parameter, found.version)
    except Retry as error:
        stop(REFUSED, str(error), error.code)
    if form is OutputFormat.JSON:
        as_json({"parameter": parameter, "version": found.version, "at": found.at, "by": by, "text": found.text})
        return
    typer.echo(f"{parameter}, version {found.version}, {found.at:%Y-%m-%d %H:%M %Z} by {by}", err=True)
    typer.echo(found.text, nl=not found.text.endswith("\n"))


@app.command()
def push(
    file: File,
    yes: Yes = False,
    form: Form = OutputFormat.TABLE,
    prefix: Prefix = "sagewatch",
    profile: Profile = None,
    region: Region = None,
    endpoint_url: EndpointUrl = None,
) -> None:
    """Write a document into the parameter of the stack, after it was checked and its differences were shown.

    What it changes about alarms is shown by sagewatch plan --policy FILE.

    Exit codes: 0 written, or the same already; 1 AWS refused, or you did not agree; 2 wrong usage; 4 there is no such
    parameter; 5 the document is broken, or too large.
    """
    if str(file) == "-" and not yes:
        raise typer.BadParameter("standard input cannot both be the document and answer; add --yes")
    account = Account(profile=profile, region=region, endpoint_url=endpoint_url)
    text = read_document(file)
    _, faults = check_document(text, _limits(account, prefix))
    if faults:
        stop(BROKEN, "\n".join(_pointed(str(file), text, faults)), ErrorCode.BROKEN_POLICY)
    try:
        client = account.client("ssm")
        written = _push(client, parameter_of(prefix), _deployed_or_unwritten(account, prefix), text, yes=yes)
    except Retry as error:
        stop(REFUSED, str(error), error.code)
    if form is OutputFormat.JSON:
        as_json(written)
    else:
        typer.echo("{parameter} is at version {version}.".format_map(written))


@app.command()
def edit(
    yes: Yes = False,
    prefix: Prefix = "sagewatch",
    profile: Profile = None,
    region: Region = None,
    endpoint_url: EndpointUrl = None,
) -> None:
    """Change the deployed document in $VISUAL or $EDITOR, then push it.

    What you wrote is not lost: unless it is pushed, it stays in a file whose path is printed.

    Exit codes: 0 written, or nothing changed; 1 AWS or the editor refused, or you did not agree; 2 wrong usage; 4 there
    is no such parameter; 5 the document is broken, or too large.
    """
    account = Account(profile=profile, region=region, endpoint_url=endpoint_url)
    parameter = parameter_of(prefix)
    try:
        client = account.client("ssm")
        before = _deployed_or_unwritten(account, prefix)
        with ExitStack() as unpushed:
            path = _draft(before.text or EMPTY)
            unpushed.callback(lambda: typer.echo(f"What you wrote is in {path}", err=True))
            text = _edited(path, _limits(account, prefix))
            if text != before.text and _deployed_or_unwritten(account, prefix) != before:
                stop(REFUSED, f"{parameter} was changed after it was read.", ErrorCode.POLICY_CHANGED_MEANWHILE)
            written = _push(client, parameter, before, text, yes=yes)
            unpushed.pop_all()
            path.unlink()
    except Retry as error:
        stop(REFUSED, str(error), error.code)
    typer.echo("{parameter} is at version {version}.".format_map(written))


# ---------------------------------------------------------------------------------------------------------- document
def _counts(policy: Policy) -> dict[str, Any]:
    return {
        "alarms": len(policy.alarms),
        "ignore": len(policy.ignore),
        "routes": len(policy.routes),
        "mute": len(policy.mute),
        "paging": sorted(policy.paging),
        "labels": sorted(policy.labels),
        "budget": policy.budget,
    }


def _holds(policy: Policy) -> str:
    """Say what a policy holds: `2 rules for alarms, 1 route, a budget of $10.00 a month.`"""
    counted = (
        (len(policy.alarms), "rule for alarms", "rules for alarms"),
        (len(policy.ignore), "rule to ignore resources", "rules to ignore resources"),
        (len(policy.routes), "route", "routes"),
        (len(policy.mute), "mute window", "mute windows"),
        (len(policy.paging), "severity that pages", "severities that page"),
    )
    parts = [f"{number} {one if number == 1 else several}" for number, one, several in counted if number]
    if policy.budget is not None:
        parts.append(f"a budget of ${policy.budget:,.2f} a month")
    return f"{', '.join(parts) or 'it changes nothing'}."


def _fault(fault: Fault) -> Mapping[str, Any]:
    return {"line": fault.line, "column": fault.column, "where": fault.where, "message": fault.message}


def _pointed(name: str, text: str, faults: Iterable[Fault]) -> Iterator[str]:
    """Yield each fault as compilers do, with the line of the document and a caret under the place."""
    lines = text.splitlines()
    for fault in faults:
        where = f"{fault.where}: " if fault.where else ""
        yield f"{name}:{fault.line}:{fault.column}: {where}{fault.message}"
        if 1 <= fault.line <= len(lines):
            # A tab is one column, and other controls steer terminals; as a blank each is one column on the screen, too.
            yield f"    {''.join(c if c.isprintable() else ' ' for c in lines[fault.line - 1])}"
            yield f"    {' ' * (fault.column - 1)}^"


# ---------------------------------------------------------------------------------------------------------- parameter
def _deployed(client: Any, parameter: str) -> DeployedDocument:
    found = deployed_document(client, parameter)
    return found or _stop_without(parameter)


def _stop_without(parameter: str) -> Never:
    stop(
        _ABSENT,
        f"There is no parameter {parameter} in this account and Region. Deployed with another prefix? Say --prefix.",
        ErrorCode.NO_POLICY_PARAMETER,
    )


def _deployed_or_unwritten(account: Account, prefix: str) -> DeployedDocument:
    """Return what is deployed, or UNWRITTEN where a stack has the prefix but nobody wrote a policy."""
    found = deployed_document(account.client("ssm"), parameter_of(prefix))
    if found is None and living_stack(account, prefix) is None:
        _stop_without(parameter_of(prefix))
    return found or UNWRITTEN


def _limits(account: Account, prefix: str) -> Limits:
    """Return where the stack lets a policy lead; where AWS does not say, that is said on stderr."""
    try:
        stack = living_stack(account, prefix)
        return limits_of(account, stack) if stack else limits_anywhere()
    except Retry as error:
        typer.echo(f"The parameters of the stack cannot be read, so nothing was compared with them: {error}", err=True)
        return limits_anywhere()


def _push(client: Any, parameter: str, before: DeployedDocument, text: str, *, yes: bool) -> dict[str, Any]:
    """Write the document when it differs and the user agrees; return the parameter and its version."""
    text = text if text.strip() else EMPTY
    if text == before.text:
        typer.echo("Nothing changed.", err=True)
        return {"parameter": parameter, "version": before.version, "written": False}
    diff = unified_diff(before.text.splitlines(), text.splitlines(), "deployed", "new", lineterm="")
    typer.echo("\n".join(diff), err=True)
    if not yes:
        typer.confirm(f"Write this to {parameter}?", abort=True, err=True)
    return {"parameter": parameter, "version": write_document(client, parameter, text), "written": True}


# ---------------------------------------------------------------------------------------------------------- editor
def _draft(text: str) -> Path:
    """Return a file of the user's own with the text in it."""
    with tempfile.NamedTemporaryFile(
        "w", prefix="sagewatch-policy-", suffix=".yaml", delete=False, encoding="utf-8"
    ) as file:
        file.write(text)
    return Path(file.name)


def _edited(path: Path, limits: Limits) -> str:
    """Let the user edit the file until it is valid, and return it; ends the command when the user gives up."""
    while True:
        _open(path)
        text = read_document(path)
        _, faults = check_document(text, limits)
        if not faults:
            return text
        typer.echo("\n".join((*_pointed(str(path), text, faults), explained_at(ErrorCode.BROKEN_POLICY))), err=True)
        if not typer.confirm("Edit again?", default=True, err=True):
            raise typer.Exit(BROKEN)


def _open(path: Path) -> None:
    """Let the user edit the file; ends the command when there is no editor, or when it fails."""
    editor = os.environ.get("VISUAL") or os.environ.get("EDITOR") or "vi"
    try:
        subprocess.run([*shlex.split(editor), str(path)], check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        stop(
            REFUSED,
            f"{editor} did not edit the document: {error}. Say which editor in EDITOR.",
            ErrorCode.EDITOR_FAILED,
        )
