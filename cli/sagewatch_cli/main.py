"""The `sagewatch` command: its groups of commands, and nothing else."""

from importlib.metadata import version as installed
from typing import Annotated

import typer

from sagewatch_cli.commands import events, local, notify, policy
from sagewatch_cli.commands.backtest import backtest
from sagewatch_cli.commands.catalog import catalog
from sagewatch_cli.commands.coverage import coverage
from sagewatch_cli.commands.explain import explain
from sagewatch_cli.commands.guardrails import guardrails
from sagewatch_cli.commands.plan import plan
from sagewatch_cli.commands.uninstall import uninstall

app = typer.Typer(
    name="sagewatch",
    help="Alarms for every Amazon SageMaker resource: made when it appears, gone when it goes.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
app.command()(catalog)
app.command()(guardrails)
app.command()(plan)
app.command()(explain)
app.command()(coverage)
app.add_typer(policy.app)
app.add_typer(notify.app)
app.command()(backtest)
app.add_typer(events.app)
app.command()(uninstall)
app.add_typer(local.app)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"sagewatch {installed('sagewatch')}")
        raise typer.Exit


@app.callback()
def sagewatch(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and stop.")
    ] = False,
) -> None:
    """Options that hold for every command."""
