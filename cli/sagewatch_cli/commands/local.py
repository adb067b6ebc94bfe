"""The `sagewatch local` commands."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from sagewatch_cli.formats import explained_at
from sagewatch_cli.local.demo.kept import keep_running
from sagewatch_cli.local.demo.steps import StepPrinter
from sagewatch_cli.local.demo.story import Story
from sagewatch_cli.local.machine.checkout import Checkout
from sagewatch_cli.local.machine.environment import isolate
from sagewatch_cli.local.machine.errors import LocalError
from sagewatch_cli.local.machine.processes import exit_on_sigterm
from sagewatch_cli.local.stack.deployment import emulators

app = typer.Typer(name="local", help="AWS played on this machine: no account, no Docker.", no_args_is_help=True)


@app.callback()
def local() -> None:
    """Options that hold for every local command."""


@app.command()
def demo(
    keep: Annotated[bool, typer.Option("--keep", help="Leave everything running afterwards, until Ctrl-C.")] = False,
) -> None:
    """Deploy the template on emulators and play the main job: resources come, change, fail and go."""
    isolate()
    exit_on_sigterm()
    printer = StepPrinter(Console())
    try:
        _play(printer, keep)
    except LocalError as error:
        printer.console.print(Text(str(error), style="red"))
        printer.console.print(explained_at(error.code))
        raise typer.Exit(1) from error
    except KeyboardInterrupt:
        printer.console.print("Stopped.")
        raise typer.Exit(0 if keep else 130) from None


def _play(printer: StepPrinter, keep: bool) -> None:
    with ExitStack() as everything:
        with printer.step("Starting the emulators"):
            running = everything.enter_context(emulators(Checkout.here()))
        story = Story.begin(running, printer)
        story.tell()
        if keep:
            keep_running(story)
        story.end()
    printer.console.print(f"[bold]Done in {printer.elapsed:.0f} s.[/] Nothing is left running.")
