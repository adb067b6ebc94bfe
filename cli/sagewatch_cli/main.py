"""The `sagewatch` command: its groups of commands, and nothing else."""

from importlib.metadata import version as installed
from typing import Annotated, Any

import typer
from typer.core import TyperGroup
from typer.exceptions import TyperException

from sagewatch.errors import ErrorCode
from sagewatch_cli.commands import events, local, notify, policy
from sagewatch_cli.commands.backtest import backtest
from sagewatch_cli.commands.catalog import catalog
from sagewatch_cli.commands.coverage import coverage
from sagewatch_cli.commands.explain import explain
from sagewatch_cli.commands.guardrails import guardrails
from sagewatch_cli.commands.plan import plan
from sagewatch_cli.commands.uninstall import uninstall
from sagewatch_cli.printing import explained_at


class _Coded(TyperGroup):
    """The group of all commands: a wrong option or argument of any of them is shown with its code."""

    def make_context(self, *args: Any, **options: Any) -> Any:
        try:
            return super().make_context(*args, **options)
        except TyperException as error:
            raise _coded(error) from None

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except TyperException as error:
            raise _coded(error) from None


def _coded(error: TyperException) -> TyperException:
    # A group without a command shows its help, by way of an error.
    if type(error).__name__ != "NoArgsIsHelpError":
        error.message = f"{error.message} {explained_at(ErrorCode.WRONG_USAGE)}".lstrip()
    return error


app = typer.Typer(
    name="sagewatch",
    cls=_Coded,
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
