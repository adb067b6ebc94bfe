"""The `sagewatch` command: its groups of commands, each loaded when it is asked for, and nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import version as installed
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup
from typer.exceptions import TyperException
from typer.main import get_command

from sagewatch.errors import ErrorCode
from sagewatch_cli.formats import ASKED, OutputFormat, asked_format, explained_at, said_error

_HELP = {"help_option_names": ["-h", "--help"]}


@dataclass(frozen=True, slots=True)
class LazyCommand:
    """A command that is not loaded yet: where it is, and what the list of commands says of it."""

    module: str
    name: str
    said: str


COMMANDS: Mapping[str, LazyCommand] = {
    "catalog": LazyCommand("catalog", "catalog", "Print every alarm of every kind, and what becomes of every metric."),
    "guardrails": LazyCommand(
        "guardrails", "guardrails", "Print the AutoRollbackConfiguration of a live endpoint, for UpdateEndpoint."
    ),
    "plan": LazyCommand("plan", "plan", "Print which alarms would be made, changed and deleted, and what they cost."),
    "explain": LazyCommand("explain", "explain", "Say when an alarm fires, why it exists, and how it is now."),
    "coverage": LazyCommand("coverage", "coverage", "Print who is watched in the account and Region, and who is not."),
    "policy": LazyCommand("policy", "app", "What the owner of the account wants otherwise."),
    "notify": LazyCommand("notify", "app", "Who hears of what."),
    "backtest": LazyCommand("backtest", "backtest", "Replay the last days of a resource's metrics through its alarms."),
    "events": LazyCommand("events", "app", "What the deployed stack is doing."),
    "uninstall": LazyCommand(
        "uninstall", "uninstall", "Remove our alarms, mute rules and left-over dashboard once the stack is deleted."
    ),
    "local": LazyCommand("local", "app", "AWS played on this machine: no account, no Docker."),
}
"""The commands, in the order in which they are listed."""


class LazyGroup(TyperGroup):
    """Lists its commands without loading any: boto3 and the emulators take seconds, and each TAB of a shell asks.

    A wrong option or argument of any command is shown with its code.
    """

    def make_context(self, info_name: str | None, args: list[str], parent: Any = None, **options: Any) -> Any:
        ASKED.set(asked_format(args))
        try:
            return super().make_context(info_name, args, parent, **options)
        except TyperException as error:
            raise _coded(error) from None

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except TyperException as error:
            raise _coded(error) from None

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ARG002
        listed = COMMANDS.get(cmd_name)
        return TyperCommand(name=cmd_name, help=listed.said) if listed else None

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        # What TyperGroup looks through for names that are near.
        self.commands = {name: self.get_command(ctx, name) for name in COMMANDS}
        name, command, rest = super().resolve_command(ctx, args)
        return name, load(name) if command and name else None, rest


def _coded(error: TyperException) -> Exception:
    # A group without a command shows its help, by way of an error.
    if type(error).__name__ == "NoArgsIsHelpError":
        return error
    if ASKED.get() == OutputFormat.JSON:
        typer.echo(said_error(error.exit_code, error.format_message(), ErrorCode.WRONG_USAGE), err=True)
        return typer.Exit(error.exit_code)
    error.message = f"{error.message} {explained_at(ErrorCode.WRONG_USAGE)}".lstrip()
    return error


def load(name: str) -> Any:
    """Return a command, or a group of them, as typer makes it of what its module declares."""
    where = COMMANDS[name]
    try:
        module = import_module(f"sagewatch_cli.commands.{where.module}")
    except ModuleNotFoundError as error:
        if name != "local" or (error.name or "").startswith("sagewatch"):
            raise
        said = f"`sagewatch local` needs {error.name}: install sagewatch[local], or run make in a clone."
        typer.echo(said_error(1, said, ErrorCode.NOT_A_CHECKOUT), err=True)
        raise typer.Exit(1) from error
    found = getattr(module, where.name)
    if not isinstance(found, typer.Typer):
        alone = typer.Typer(add_completion=False, pretty_exceptions_enable=False, context_settings=_HELP)
        alone.command(name, context_settings=_HELP)(found)
        found = alone
    found.info.context_settings = _HELP
    command = get_command(found)
    command.name = name
    return command


app = typer.Typer(
    name="sagewatch",
    help="Alarms for every Amazon SageMaker resource: made when it appears, gone when it goes.",
    cls=LazyGroup,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings=_HELP,
)


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
