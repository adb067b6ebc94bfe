"""`sagewatch uninstall`: removes what the product made outside of its stack, after it was shown."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from sagewatch.errors import ErrorCode, Retry
from sagewatch.receivers.wording.phrases import harmless
from sagewatch_cli.account.stack import living_stack, stack_name
from sagewatch_cli.account.uninstall import Uninstallation, find, remove
from sagewatch_cli.formats import OutputFormat
from sagewatch_cli.options import EndpointUrl, Prefix, Profile, Region, open_account
from sagewatch_cli.printing import REFUSED, Form, as_json, progress, stop, waiting

_SOME_STAY, _STACK_LIVES = 3, 4
_MOST = 10  # names of each sort on a terminal; JSON has all
_LONGEST = 300


def uninstall(
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    plan: Annotated[bool, typer.Option("--plan", help="Say what would be removed, and remove nothing.")] = False,
    form: Form = OutputFormat.TABLE,
    prefix: Prefix = "sagewatch",
    profile: Profile = None,
    region: Region = None,
    endpoint_url: EndpointUrl = None,
) -> None:
    """Remove our alarms, mute rules and left-over dashboard from the account and Region; delete the stack before.

    What would be removed is shown first. Alarms that roll back deployments of an endpoint or inference component stay,
    and so do alarms of others and the policy. After a failure, run it again: it removes what is left.

    Exit codes: 0 nothing of ours is left but the policy, or the plan is printed; 1 AWS refused, or you did not agree; 2
    wrong usage; 3 done, but alarms that roll back deployments stay; 4 a stack with this prefix is there.
    """
    if form is OutputFormat.JSON and not (yes or plan):
        raise typer.BadParameter("JSON is for programs, which cannot answer; add --plan or --yes")
    account = open_account(profile, region, endpoint_url)
    try:
        with waiting():
            stack = living_stack(account, prefix)
        if stack and not plan:
            stop(_STACK_LIVES, _delete_first(stack), ErrorCode.STACK_LIVES)
        with waiting():
            found = find(account, prefix)
        if form is OutputFormat.TABLE:
            _show(found, stack)
        if not (plan or found.is_empty):
            if not yes:
                typer.confirm(f"Remove this from account {found.account}, {found.region}?", abort=True, err=True)
            remove(account, found, progress)
            typer.echo("Removed.", err=True)
        if form is OutputFormat.JSON:
            as_json({**asdict(found), "stack": stack, "removed": not plan})
    except Retry as error:
        stop(REFUSED, f"{error}\nRun it again when that is mended: it goes on with what is left.", error.code)
    if found.kept and not plan:
        stop(
            _SOME_STAY, "Run it again when the deployments of these resources name other alarms.", ErrorCode.ALARMS_STAY
        )


def _delete_first(stack: str) -> str:
    """Say which stack to delete, as its id names it."""
    name = harmless(stack_name(stack), _LONGEST)
    return (
        f"The stack {name} has this prefix and would make the alarms again. "
        f"Delete it first: sam delete --stack-name {name}"
    )


def _show(found: Uninstallation, stack: str | None) -> None:
    typer.echo(f"Account {found.account}, {found.region}, prefix {found.prefix}")
    if stack:
        typer.echo(_delete_first(stack))
    _show_names("to remove: alarms", found.alarms)
    _show_names("to remove: mute rules", found.mute_rules)
    _show_names("to remove: dashboards", found.dashboards)
    if found.is_empty:
        typer.echo("There is nothing to remove.")
    for each in found.kept:
        cost = f"${each.monthly_usd:,.2f} a month"
        typer.echo(f"stays: {_name(each.name)} rolls back deployments of {_name(each.protects)}; {cost}")
    _show_names("stay: alarms under the prefix that are not ours", found.foreign)
    if found.policy:
        typer.echo(
            f"stays: the policy {found.policy}, free up to 4 KB, else $0.05 a month; "
            f"aws ssm delete-parameter --name {found.policy}"
        )


def _show_names(what: str, several: tuple[str, ...]) -> None:
    if several:
        typer.echo(f"{what} ({len(several):,})")
    for name in several[:_MOST]:
        typer.echo(f"  {_name(name)}")
    if len(several) > _MOST:
        typer.echo(f"  and {len(several) - _MOST:,} more")


def _name(name: str) -> str:
    return harmless(name, _LONGEST)
