"""`sagewatch events`: what the deployed stack is doing, read out of its logs and queues."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from datetime import datetime
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from sagewatch.errors import ErrorCode, Retry
from sagewatch.model import Unit
from sagewatch.units import parse
from sagewatch_cli.account.deployment import find_deployment
from sagewatch_cli.account.events import Activity, StackParts, Tail
from sagewatch_cli.formats import OutputFormat
from sagewatch_cli.options import EndpointUrl, Prefix, Profile, Region, StackName, open_account
from sagewatch_cli.printing import REFUSED, Form, stop

_NO_STACK = 3
_PAUSE = 2.0  # s, between two looks
app = typer.Typer(name="events", help="What the deployed stack is doing.", no_args_is_help=True)


@app.callback()
def events() -> None:
    """Options that hold for every events command."""


@app.command()
def tail(
    stack: StackName = None,
    since: Annotated[str, typer.Option("--since", help="How far back to begin: 30s, 10m, 2h.")] = "10m",
    follow: Annotated[bool, typer.Option("--follow/--no-follow", help="Go on until Ctrl-C.")] = True,
    form: Form = OutputFormat.TABLE,
    prefix: Prefix = "sagewatch",
    profile: Profile = None,
    region: Region = None,
    endpoint_url: EndpointUrl = None,
) -> None:
    """Show in words what the three functions do, the newest last, and what waits in the queues.

    A failure is red, and says the error. With --format json each line is one object, with all that was logged. Only
    reads (ListStackResources, FilterLogEvents, GetQueueAttributes).

    Exit codes: 0 shown, or ended by Ctrl-C, 1 AWS refused, 2 wrong usage, 3 no such stack.
    """
    begin = _now() - _milliseconds(since)
    account = open_account(profile, region, endpoint_url)
    show = _shown_as_json if form is OutputFormat.JSON else _shown(Console())
    try:
        deployment = find_deployment(account, prefix, stack)
        found = StackParts.of(deployment.resources)
        if not found.logs:
            stop(REFUSED if deployment.unread else _NO_STACK, deployment.missing, ErrorCode.NO_STACK)
        typer.echo(deployment.line, err=True)
        watch(Tail(account.client("logs"), account.client("sqs"), found, begin), show, time.sleep if follow else None)
    except Retry as error:
        stop(REFUSED, str(error), error.code)
    except KeyboardInterrupt:
        raise typer.Exit(0) from None


def watch(tail: Tail, show: Callable[[Activity], None], wait: Callable[[float], None] | None) -> None:
    """Show what is new, again after each `wait`; only once without one."""
    while True:
        for each in tail.look(_now()):
            show(each)
        if wait is None:
            return
        wait(_PAUSE)


def _milliseconds(since: str) -> int:
    try:
        return int(parse(since, Unit.SECONDS) * 1000)
    except ValueError as wrong:
        raise typer.BadParameter(f"'{since}' is not a time such as 30s, 10m or 2h", param_hint="--since") from wrong


def _now() -> int:
    return int(time.time() * 1000)


def _shown_as_json(each: Activity) -> None:
    typer.echo(json.dumps(each.data(), ensure_ascii=False))


def _shown(console: Console) -> Callable[[Activity], None]:
    return lambda each: console.print(line(each), soft_wrap=True)


def line(each: Activity) -> Text:
    """Return `12:04:31  reconcile  endpoint/churn · 13 alarms put`, in local time; red when it went wrong."""
    at = datetime.fromtimestamp(each.at / 1000).astimezone()
    # What others wrote must not move the cursor or colour the terminal.
    said = "".join(sign if sign.isprintable() else " " for sign in each.said)
    return Text.assemble(
        (f"{at:%H:%M:%S}  ", "dim"), (f"{each.where:<10} ", "cyan"), (said, "red" if each.failed else "")
    )
