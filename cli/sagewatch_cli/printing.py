"""How commands print: for people on a terminal, or as JSON for programs; progress and trouble go to stderr."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sized
from enum import StrEnum
from typing import Annotated, Any, Never

import typer
from rich import box
from rich.console import Console
from rich.progress import track
from rich.table import Table
from rich.text import Text

from sagewatch.errors import ErrorCode
from sagewatch_cli.account.deployment import Deployment


class OutputFormat(StrEnum):
    """For reading, or for programs."""

    TABLE = "table"
    JSON = "json"


Form = Annotated[OutputFormat, typer.Option("--format", "-f", help="For reading, or for programs.")]

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
    yield from track(things, description=doing, console=console, disable=not console.is_terminal, transient=True)


def stop(exit_code: int, message: str, code: ErrorCode) -> Never:
    """Say on stderr why the command ends, then the code of the error, and end the command."""
    typer.echo(message, err=True)
    typer.echo(explained_at(code), err=True)
    raise typer.Exit(exit_code)


def explained_at(code: ErrorCode) -> str:
    """Return the line that says where an error is explained: `SW-502 (docs/errors.md)`."""
    return f"{code} (docs/errors.md)"
