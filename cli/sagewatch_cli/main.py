"""The `sagewatch` command: its groups of commands, and nothing else."""

from importlib.metadata import version as installed
from typing import Annotated

import typer

from sagewatch_cli.catalog import catalog
from sagewatch_cli.guardrails import guardrails
from sagewatch_cli.local import commands as local

app = typer.Typer(
    name="sagewatch",
    help="Alarms for every Amazon SageMaker resource: made when it appears, gone when it goes.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
app.command()(catalog)
app.command()(guardrails)
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
