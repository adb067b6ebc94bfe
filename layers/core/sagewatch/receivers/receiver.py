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
    {"joined", "worsened", "cleared", "closed", "resolved", "reopened", "flapping", "reminder"}
)
"""The lines that are told where a message cannot be edited: acknowledgements, snoozes and logs are not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """What a receiver can do: whether it edits and deletes messages, and which lines it tells (None: all).

    `opens` is False for a receiver that is not told of the opening, but only of lines.
    """

    editable: bool
    abouts: frozenset[About] | None = None
    opens: bool = True


type Note = Callable[..., None]
"""Counts and logs what went wrong though nothing was lost by it: `note("ChannelBroken", route="fraud")`."""


@dataclass(frozen=True, slots=True)
class Draft:
    """The message of an incident as it should be at `now`, rendered once: for its fingerprint and to be sent.

    `fingerprint` is another one when the message would look different; `message` is in the receiver's own terms, and
    None where nothing is compared.
    """

    incident: Incident
    now: datetime
    fingerprint: str = ""
    message: Any = None


class Receiver(Protocol):
    """One place of a route; each method sends one message."""

    @property
    def capabilities(self) -> Capabilities:
        """What it can do."""

    def draft(self, incident: Incident, now: datetime) -> Draft:
        """Return the message of an incident as it should be; nothing is sent."""

    def open(self, draft: Draft, previous: Location) -> Location:
        """Post the message of an incident; `previous` is that of the incident before it."""

    def edit(self, root: Location, draft: Draft, previous: Location) -> Location:
        """Change that message; Stale when it is not there any more."""

    def add(self, root: Location, incident: Incident, line: ThreadLine) -> Location:
        """Post one line of its thread; Stale when the message is not there any more."""

    def withdraw(self, where: Location) -> None:
        """Delete a message."""


class PostOnlyReceiver(ABC):
    """A receiver that can neither edit nor delete what it sent: it tells each thing that is worth telling once."""

    capabilities: ClassVar[Capabilities] = Capabilities(editable=False, abouts=TOLD_WITHOUT_EDITS)

    @abstractmethod
    def tell(self, incident: Incident, line: ThreadLine | None) -> None:
        """Send the opening of an incident (no line), or one entry of its history."""

    def draft(self, incident: Incident, now: datetime) -> Draft:
        """Return a draft without a message: nothing is compared."""
        return Draft(incident, now)

    def open(self, draft: Draft, previous: Location) -> Location:  # noqa: ARG002
        self.tell(draft.incident, None)
        return _TOLD

    def edit(self, root: Location, draft: Draft, previous: Location) -> Location:  # noqa: ARG002
        return root

    def add(self, root: Location, incident: Incident, line: ThreadLine) -> Location:  # noqa: ARG002
        self.tell(incident, line)
        return _TOLD

    def withdraw(self, where: Location) -> None:  # noqa: B027 - nothing that was sent can be taken back
        """Do nothing."""


_TOLD: Location = {"told": True}
"""What is remembered of a message that cannot be found again."""
