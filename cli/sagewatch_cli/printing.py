"""How commands print: for people on a terminal, or as JSON for programs; progress and trouble go to stderr."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sized
from contextlib import contextmanager, nullcontext
from contextvars import ContextVar
from threading import Lock, Timer
from typing import Annotated, Any, Never

import typer
from rich import box
from rich.console import Console
from rich.progress import track
from rich.table import Table
from rich.text import Text

from sagewatch.errors import ErrorCode
from sagewatch_cli.account.deployment import Deployment
from sagewatch_cli.formats import NAMES, OutputFormat, RichFormat, said_error

Form = Annotated[OutputFormat, typer.Option(*NAMES, help="For reading, or for programs; of errors, too.")]
RichForm = Annotated[
    RichFormat, typer.Option(*NAMES, help="For reading, for programs, or for a pull request; of errors, too.")
]

REFUSED = 1
"""The exit code when AWS refuses, does not answer, or nothing can be found out."""

BROKEN = 5
"""The exit code when the policy is broken."""


def table(*columns: str, title: str | None = None) -> Table:
    """Return an empty table in the house's style."""
    return Table(*columns, title=title, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)


def first_line(console: Console, deployment: Deployment) -> None:
    """Print which account, Region and stack an answer is about; on one line, however narrow the terminal is."""
    console.print(Text(deployment.line, "dim"), soft_wrap=True)


def as_json(data: Mapping[str, Any] | list[Any]) -> None:
    """Print data for programs."""
    typer.echo(json.dumps(data, indent=2, ensure_ascii=False, default=str))


def progress[T](several: Iterable[T], doing: str) -> Iterator[T]:
    """Yield the things, with a bar on stderr for people who wait; none where nobody looks."""
    console = Console(stderr=True)
    things = several if isinstance(several, Sized) else tuple(several)
    shown = _SPINNER.get()
    with shown.paused() if shown else nullcontext():
        yield from track(things, description=doing, console=console, disable=not console.is_terminal, transient=True)


class Spinner:
    """Shows on a terminal what a command waits for, once it has worked for `after` seconds; elsewhere nothing."""

    def __init__(self, console: Console, after: float = 1.0) -> None:
        self._status = console.status("Working") if console.is_terminal else None
        self._lock = Lock()
        self._is_open, self._is_over = True, False
        self._timer = Timer(after, self._start)
        self._timer.daemon = True
        if self._status and after:
            self._timer.start()
        else:
            self._start()

    def _start(self) -> None:
        with self._lock:
            if self._is_open and self._status:
                self._status.start()

    def show(self, what: str) -> None:
        """Say what is waited for from now on: `SageMaker DescribeEndpoint`."""
        if self._status:
            self._status.update(Text(f"Waiting for {what}"))

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Leave the terminal to somebody else."""
        self._close()
        try:
            yield
        finally:
            self._is_open = not self._is_over
            if not self._timer.is_alive():
                self._start()

    def stop(self) -> None:
        """Leave the terminal for good."""
        self._is_over = True
        self._timer.cancel()
        self._close()

    def _close(self) -> None:
        with self._lock:
            self._is_open = False
            if self._status:
                self._status.stop()


@contextmanager
def waiting(spinner: Spinner | None = None) -> Iterator[None]:
    """Show what is waited for while something is read; what it raises or prints comes after."""
    shown = spinner or Spinner(Console(stderr=True))
    before = _SPINNER.set(shown)
    try:
        yield
    finally:
        _SPINNER.reset(before)
        shown.stop()


def calling(what: str) -> None:
    """Say which call of AWS begins now."""
    if shown := _SPINNER.get():
        shown.show(what)


_SPINNER: ContextVar[Spinner | None] = ContextVar("_SPINNER", default=None)


def stop(exit_code: int, message: str, code: ErrorCode) -> Never:
    """Say on stderr why the command ends, then the code of the error, and end the command."""
    if shown := _SPINNER.get():
        shown.stop()
    typer.echo(said_error(exit_code, message, code), err=True)
    raise typer.Exit(exit_code)
