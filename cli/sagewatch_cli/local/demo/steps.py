"""Prints the steps of the demo: a spinner with the time on a terminal, lines elsewhere."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Column
from rich.text import Text

from sagewatch_cli.local.stack.sam import Say

_HEARTBEAT = 5
"""Seconds between lines where there is no terminal."""


@dataclass(frozen=True, slots=True)
class StepPrinter:
    """Prints each step with its outcome and how long it took."""

    console: Console
    began: float = field(default_factory=time.monotonic)

    @property
    def elapsed(self) -> float:
        """Return the seconds since it was made."""
        return time.monotonic() - self.began

    @contextmanager
    def step(self, doing: str) -> Iterator[Say]:
        """Show that this is being done; the block may say more about it, line by line."""
        began, done = time.monotonic(), False
        try:
            with self._spinner(doing) if self.console.is_terminal else self._lines(doing) as say:
                yield say
            done = True
        finally:
            self._outcome(*(("✓", "green") if done else ("✗", "red")), doing, began)

    def _outcome(self, mark: str, colour: str, doing: str, began: float) -> None:
        took = f"{time.monotonic() - began:.1f} s"
        self.console.print(Text.assemble((mark, f"bold {colour}"), f" {doing} ", (took, "dim")))

    @contextmanager
    def _spinner(self, doing: str) -> Iterator[Say]:
        columns = (
            SpinnerColumn(),
            TextColumn("{task.description}", markup=False),
            TimeElapsedColumn(),
            TextColumn("{task.fields[said]}", style="dim", markup=False, table_column=Column(no_wrap=True, ratio=1)),
        )
        with Progress(*columns, console=self.console, transient=True, expand=True) as progress:
            task = progress.add_task(doing, total=None, said="")
            yield lambda line: progress.update(task, said=line)

    @contextmanager
    def _lines(self, doing: str) -> Iterator[Say]:
        self.console.print(Text(f"  {doing} …", style="dim"))
        began = last = time.monotonic()

        def say(line: str) -> None:
            nonlocal last
            if time.monotonic() - last >= _HEARTBEAT:
                last = time.monotonic()
                self.console.print(Text(f"    {last - began:.0f} s: {line}", style="dim"))

        yield say
