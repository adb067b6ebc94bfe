"""`sagewatch policy`: checks, prints and changes the policy document; nothing else changes what is deployed."""

from __future__ import annotations

import os
import shlex
import subprocess
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from difflib import unified_diff
from itertools import zip_longest
from pathlib import Path
from typing import Annotated, Any, Never

import typer

from sagewatch.errors import ErrorCode, Fault, Retry
from sagewatch.policy.limits import Limits
from sagewatch.policy.rules import Policy
from sagewatch_cli.account.deployment import Deployment, find_deployment
from sagewatch_cli.account.plan_markdown import change_as_markdown
from sagewatch_cli.account.policy import (
    EMPTY,
    UNWRITTEN,
    DeployedDocument,
    PastDocument,
    author_of,
    check_document,
    deployed_document,
    parameter_of,
    past_documents,
)
from sagewatch_cli.account.policy_change import PolicyChange
from sagewatch_cli.account.policy_push import Moved, SavedPlan, find_change, write_after
from sagewatch_cli.account.session import Account
from sagewatch_cli.account.stack import limits_anywhere, limits_of, living_stack, stack_parameter
from sagewatch_cli.formats import OutputFormat, RichFormat, explained_at
from sagewatch_cli.options import EndpointUrl, Prefix, Profile, Region, open_account, read_document
from sagewatch_cli.printing import BROKEN, REFUSED, Form, RichForm, as_json, progress, stop, waiting

_ABSENT, _MOVED = 4, 7

File = Annotated[Path, typer.Argument(metavar="FILE", help="The document; - is standard input.", show_default=False)]
OptionalFile = Annotated[
    Path | None, typer.Argument(metavar="[FILE]", help="The document; - is standard input.", show_default=False)
]
SavedFile = Annotated[
    Path | None,
    typer.Option("--plan", dir_okay=False, help="The file that keeps a plan.", metavar="FILE", show_default=False),
]
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
            account = open_account(profile, region, endpoint_url)
            with waiting():
                found = living_stack(account, prefix)
                where = find_deployment(account, prefix).where
                limits = limits_of(account, found or _stop_without(stack_parameter(prefix), where))
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
def schema() -> None:
    """Print a JSON Schema of the document, for editors: each key with its text. Asks nobody."""
    from sagewatch_cli.account.policy_schema import policy_schema

    as_json(policy_schema())


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
    account = open_account(profile, region, endpoint_url)
    parameter = parameter_of(prefix)
    try:
        with waiting():
            client = account.client("ssm")
            deployment = find_deployment(account, prefix)
            found = _deployed(client, parameter, deployment.where)
            by = author_of(client, parameter, found.version)
    except Retry as error:
        stop(REFUSED, str(error), error.code)
    if form is OutputFormat.JSON:
        said = {"parameter": parameter, "version": found.version, "at": found.at, "by": by, "text": found.text}
        as_json({**deployment.data(), **said})
        return
    typer.echo(deployment.line, err=True)
    typer.echo(f"{parameter}, version {found.version}, {found.at:%Y-%m-%d %H:%M %Z} by {by}", err=True)
    typer.echo(found.text, nl=not found.text.endswith("\n"))


@app.command()
def plan(
    file: File,
    saved: SavedFile = None,
    form: RichForm = RichFormat.TABLE,
    prefix: Prefix = "sagewatch",
    profile: Profile = None,
    region: Region = None,
    endpoint_url: EndpointUrl = None,
) -> None:
    """Say what a push of a document would do; with --plan keep that in a file, for `policy push --plan`. Only reads.

    Exit codes: 0 printed; 1 AWS refused; 2 wrong usage; 4 there is no such parameter; 5 the document is broken, or too
    large.
    """
    account = open_account(profile, region, endpoint_url)
    push = _prepared(account, prefix, read_document(file), str(file))
    if form is RichFormat.JSON:
        as_json({**push.deployment.data(), **push.change.data()})
    elif form is RichFormat.MARKDOWN:
        typer.echo(change_as_markdown(push.deployment, push.change), nl=False)
    else:
        typer.echo(push.deployment.line)
        typer.echo("\n".join(push.change.lines()))
    if saved:
        push.saved.save(saved)
        typer.echo(f"Saved. To push exactly this: sagewatch policy push --plan {saved}", err=True)


@app.command()
def push(
    file: OptionalFile = None,
    saved: SavedFile = None,
    yes: Yes = False,
    form: Form = OutputFormat.TABLE,
    prefix: Prefix = "sagewatch",
    profile: Profile = None,
    region: Region = None,
    endpoint_url: EndpointUrl = None,
) -> None:
    """Write a document into the parameter of the stack, after it was checked and what it does was shown.

    With --plan it is the document that `policy plan --plan` kept, and nothing is written unless it would still do the
    same.

    Exit codes: 0 written, or the same already; 1 AWS refused, or you did not agree; 2 wrong usage; 4 there is no such
    parameter; 5 the document is broken, or too large; 7 somebody else changed the policy or the account meanwhile.
    """
    if (file is None) is (saved is None):
        raise typer.BadParameter("name a document, or say --plan and the file that `policy plan` wrote")
    if file and str(file) == "-" and not yes:
        raise typer.BadParameter("standard input cannot both be the document and answer; add --yes")
    account = open_account(profile, region, endpoint_url)
    kept = _kept(saved) if saved else None
    text = kept.text if kept else read_document(file or Path("-"))
    prepared = _prepared(account, prefix, text, str(file or saved))
    if kept:
        try:
            kept.check(prepared.saved)
        except Moved as error:
            stop(_MOVED, str(error), ErrorCode.POLICY_CHANGED_MEANWHILE)
    written = _push(prepared, yes=yes)
    if form is OutputFormat.JSON:
        as_json({**written, **({"change": prepared.change.data()} if written["written"] else {})})
    else:
        typer.echo("{parameter} is at version {version}.".format_map(written))


def _kept(file: Path) -> SavedPlan:
    try:
        return SavedPlan.read(file)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--plan") from error


@app.command()
def log(
    form: Form = OutputFormat.TABLE,
    prefix: Prefix = "sagewatch",
    profile: Profile = None,
    region: Region = None,
    endpoint_url: EndpointUrl = None,
) -> None:
    """Print the versions of the document that are kept, the newest first: when, by whom, and how many lines changed.

    Exit codes: 0 printed, 1 AWS refused, 2 wrong usage, 4 there is no such parameter.
    """
    account = open_account(profile, region, endpoint_url)
    try:
        with waiting():
            deployment = find_deployment(account, prefix)
            client = account.client("ssm")
            _deployed(client, parameter_of(prefix), deployment.where)
            found = past_documents(client, parameter_of(prefix))
    except Retry as error:
        stop(REFUSED, str(error), error.code)
    if form is OutputFormat.JSON:
        versions = [{"version": each.version, "at": each.at, "by": each.by, "text": each.text} for each in found]
        as_json({**deployment.data(), "versions": versions})
        return
    typer.echo(deployment.line)
    for each, before in zip_longest(found, found[1:]):
        typer.echo(f"{each.version:>4}  {each.at:%Y-%m-%d %H:%M %Z}  {_lines_changed(before, each)}  {each.by}")


def _lines_changed(before: PastDocument | None, after: PastDocument) -> str:
    changed = list(unified_diff(before.text.splitlines() if before else [], after.text.splitlines(), n=0))[2:]
    return f"+{sum(line[0] == '+' for line in changed)} -{sum(line[0] == '-' for line in changed)} lines"


@app.command()
def rollback(
    version: Annotated[
        int | None, typer.Argument(metavar="VERSION", help="Which to go back to; the one before by default.")
    ] = None,
    yes: Yes = False,
    prefix: Prefix = "sagewatch",
    profile: Profile = None,
    region: Region = None,
    endpoint_url: EndpointUrl = None,
) -> None:
    """Push an earlier version of the document again, after what that does was shown.

    Exit codes: as of push; 2 when no such version is kept.
    """
    account = open_account(profile, region, endpoint_url)
    try:
        with waiting():
            client = account.client("ssm")
            now = _deployed(client, parameter_of(prefix), find_deployment(account, prefix).where)
            past = past_documents(client, parameter_of(prefix))
        wanted = now.version - 1 if version is None else version
        found = next((each for each in past if each.version == wanted), None)
    except Retry as error:
        stop(REFUSED, str(error), error.code)
    if found is None:
        raise typer.BadParameter(f"version {wanted} is not kept; `sagewatch policy log` lists those that are")
    written = _push(_prepared(account, prefix, found.text, f"version {wanted}"), yes=yes)
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
    is no such parameter; 5 the document is broken, or too large; 7 somebody else changed the policy meanwhile.
    """
    account = open_account(profile, region, endpoint_url)
    parameter = parameter_of(prefix)
    try:
        with waiting():
            before = _deployed_or_unwritten(account, prefix, find_deployment(account, prefix))
    except Retry as error:
        stop(REFUSED, str(error), error.code)
    with ExitStack() as unpushed:
        path = _draft(before.text or EMPTY)
        unpushed.callback(lambda: typer.echo(f"What you wrote is in {path}", err=True))
        text = _edited(path, _limits(account, prefix))
        prepared = _prepared(account, prefix, text, str(path))
        if text != before.text and prepared.before != before:
            stop(_MOVED, f"{parameter} was changed after it was read.", ErrorCode.POLICY_CHANGED_MEANWHILE)
        written = _push(prepared, yes=yes)
        unpushed.pop_all()
        path.unlink()
    typer.echo("{parameter} is at version {version}.".format_map(written))


# ---------------------------------------------------------------------------------------------------------- document
def _counts(policy: Policy) -> dict[str, Any]:
    return {
        "alarms": len(policy.alarms),
        "ignore": len(policy.ignore),
        "routes": len(policy.routes),
        "mute": len(policy.mute),
        "paging": sorted(policy.paging),
        "paging_entries": len(policy.pages),
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
        (len(policy.pages), "entry of paging", "entries of paging"),
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
def _deployed(client: Any, parameter: str, where: str) -> DeployedDocument:
    found = deployed_document(client, parameter)
    return found or _stop_without(parameter, where)


def _stop_without(parameter: str, where: str) -> Never:
    stop(
        _ABSENT,
        f"There is no parameter {parameter} in {where}. Deployed with another prefix? Say --prefix.",
        ErrorCode.NO_POLICY_PARAMETER,
    )


def _deployed_or_unwritten(account: Account, prefix: str, deployment: Deployment) -> DeployedDocument:
    """Return what is deployed, or UNWRITTEN where a stack has the prefix but nobody wrote a policy."""
    found = deployed_document(account.client("ssm"), parameter_of(prefix))
    if found is None and living_stack(account, prefix) is None:
        _stop_without(parameter_of(prefix), deployment.where)
    return found or UNWRITTEN


def _limits(account: Account, prefix: str) -> Limits:
    """Return where the stack lets a policy lead; where AWS does not say, that is said on stderr."""
    try:
        stack = living_stack(account, prefix)
        return limits_of(account, stack) if stack else limits_anywhere()
    except Retry as error:
        typer.echo(f"The parameters of the stack cannot be read, so nothing was compared with them: {error}", err=True)
        return limits_anywhere()


@dataclass(frozen=True, slots=True)
class _Prepared:
    """A push that waits for consent."""

    client: Any
    deployment: Deployment
    parameter: str
    before: DeployedDocument
    text: str
    change: PolicyChange

    @property
    def saved(self) -> SavedPlan:
        return SavedPlan.of(self.deployment, self.parameter, self.before, self.text, self.change)


def _prepared(account: Account, prefix: str, text: str, name: str) -> _Prepared:
    """Check a document and find out what a push of it would do; ends the command when that cannot be."""
    policy, faults = check_document(text, _limits(account, prefix))
    if faults:
        stop(BROKEN, "\n".join(_pointed(name, text, faults)), ErrorCode.BROKEN_POLICY)
    text = text if text.strip() else EMPTY
    try:
        with waiting():
            deployment = find_deployment(account, prefix)
            client, parameter = account.client("ssm"), parameter_of(prefix)
            before = _deployed_or_unwritten(account, prefix, deployment)
            change = find_change(account, deployment, before.text, policy, datetime.now(UTC), progress)
    except Retry as error:
        stop(REFUSED, f"What it would do could not be found out, so nothing was written: {error}", error.code)
    return _Prepared(client, deployment, parameter, before, text, change)


def _push(push: _Prepared, *, yes: bool) -> dict[str, Any]:
    """Write the document when it differs and the user agrees; return the parameter and its version."""
    if push.text == push.before.text:
        typer.echo("Nothing changed.", err=True)
        return {"parameter": push.parameter, "version": push.before.version, "written": False}
    diff = unified_diff(push.before.text.splitlines(), push.text.splitlines(), "deployed", "new", lineterm="")
    typer.echo("\n".join((push.deployment.line, *diff, "", *push.change.lines())), err=True)
    if not yes:
        typer.confirm(f"Write this to {push.parameter}?", abort=True, err=True)
    try:
        version = write_after(push.client, push.parameter, push.before, push.text)
    except Moved as error:
        stop(_MOVED, str(error), ErrorCode.POLICY_CHANGED_MEANWHILE)
    except Retry as error:
        stop(REFUSED, str(error), error.code)
    return {"parameter": push.parameter, "version": version, "written": True}


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
