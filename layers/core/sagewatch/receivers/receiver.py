"""The interface of a receiver: one place of a route that is told of incidents."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, Protocol

from sagewatch.model import About, Incident, ThreadLine

type Location = Mapping[str, Any]
"""Where a message is, in the receiver's own terms (Slack: `{"channel": "C0", "ts": "17.1", "degraded": False}`).

It is stored with the timeline, and handed back when the message is to be edited, answered or deleted.
"""

TOLD_WITHOUT_EDITS: frozenset[About] = frozenset(
    {
        "joined",
        "worsened",
        "cleared",
        "closed",
        "resolved",
        "reopened",
        "flapping",
        "settled",
        "snooze-over",
        "reminder",
    }
)
"""The lines that are told where a message cannot be edited: acknowledgements, snoozes and logs are not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """What a receiver can do."""

    editable: bool
    """Whether it edits and deletes messages."""
    abouts: frozenset[About] | None = None
    """Which lines it tells; None: all."""
    opens: bool = True
    """False for a receiver that is not told of the opening, but only of lines."""
    keyed: bool = False
    """Whether it knows an incident by its id, which is then written down before it is first sent."""


type Note = Callable[..., None]
"""Counts and logs what went wrong though nothing was lost by it: `note("ChannelBroken", route="fraud")`."""


class Receiver(Protocol):
    """One place of a route; each method sends one message."""

    @property
    def capabilities(self) -> Capabilities:
        """What it can do."""

    def fingerprint(self, incident: Incident, now: datetime) -> str:
        """Return a text that is another one when the message of the incident would look different."""

    def open(self, incident: Incident, now: datetime, previous: Location) -> Location:
        """Post the message of an incident; `previous` is that of the incident before it."""

    def edit(self, root: Location, incident: Incident, now: datetime, previous: Location) -> Location:
        """Change that message; Stale when it is not there any more."""

    def add(self, root: Location, incident: Incident, line: ThreadLine) -> Location:
        """Post one line of its thread; Stale when the message is not there any more."""

    def withdraw(self, where: Location) -> None:
        """Delete a message."""

    def has_readers(self) -> bool:
        """Return whether anybody gets what is sent, as far as that is known."""

    def warn(self, incident: Incident) -> bool:
        """Tell of an incident without remembering it; return False where it could not be found again and ended."""


class PostOnlyReceiver(ABC):
    """A receiver that can neither edit nor delete what it sent: it tells each thing that is worth telling once."""

    capabilities: ClassVar[Capabilities] = Capabilities(editable=False, abouts=TOLD_WITHOUT_EDITS)

    @abstractmethod
    def tell(self, incident: Incident, line: ThreadLine | None) -> None:
        """Send the opening of an incident (no line), or one entry of its history."""

    def fingerprint(self, incident: Incident, now: datetime) -> str:  # noqa: ARG002 - nothing is compared
        return ""

    def open(self, incident: Incident, now: datetime, previous: Location) -> Location:  # noqa: ARG002
        self.tell(incident, None)
        return _TOLD

    def edit(self, root: Location, incident: Incident, now: datetime, previous: Location) -> Location:  # noqa: ARG002
        return root

    def add(self, root: Location, incident: Incident, line: ThreadLine) -> Location:  # noqa: ARG002
        self.tell(incident, line)
        return _TOLD

    def withdraw(self, where: Location) -> None:  # noqa: B027 - nothing that was sent can be taken back
        """Do nothing."""

    def has_readers(self) -> bool:
        return True

    def warn(self, incident: Incident) -> bool:
        self.tell(incident, None)
        return True


_TOLD: Location = {"told": True}
"""What is remembered of a message that cannot be found again."""
