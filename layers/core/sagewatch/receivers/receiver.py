"""What tells people of incidents: one place of a route, and how it is talked to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from sagewatch.model import About, Incident, Line

type Remembered = Mapping[str, Any]
"""What a channel wants to know again of a message that it sent: where it is."""


WHERE_NOTHING_IS_EDITED: frozenset[About] = frozenset(
    {"joined", "worsened", "cleared", "closed", "resolved", "reopened", "flapping", "reminder"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Manner:
    """How a place is talked to: whether messages can be edited and withdrawn, and which lines are said there.

    `opens` says that the root is told at all: who hears of reminders only has none.
    """

    editable: bool
    abouts: frozenset[About] | None = None
    opens: bool = True

    def says(self, line: Line) -> bool:
        return self.abouts is None or line.about in self.abouts


class Voice(Protocol):
    """One place of a route. What it returns is given back to it when the same message is to be changed."""

    @property
    def manner(self) -> Manner: ...

    def mark(self, incident: Incident, now: datetime) -> str:
        """Return what tells two states of the root message apart."""

    def open(self, incident: Incident, now: datetime, previous: Remembered) -> Remembered:
        """Tell of an incident; `previous` is the root message of the one before."""

    def edit(self, root: Remembered, incident: Incident, now: datetime, previous: Remembered) -> Remembered:
        """Change what was told; Stale when that is not there any more."""

    def add(self, root: Remembered, incident: Incident, line: Line) -> Remembered:
        """Tell of one change."""

    def withdraw(self, where: Remembered) -> None:
        """Take a message back."""
