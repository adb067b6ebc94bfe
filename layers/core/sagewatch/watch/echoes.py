"""Decides which events of deleted alarms are echoes of what this container did or saw itself. Pure.

EventBridge cannot tell our deletions from those of people: an event of a deletion has no field in which they differ.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sagewatch.model import Ref

_KNOWN_FOR = timedelta(minutes=1)
"""How long before and after a look it explains a deletion: events arrive within seconds."""


@dataclass(frozen=True, slots=True)
class LastLook:
    """What the last look at a resource did and saw."""

    at: datetime
    live: bool
    """False when the resource was gone, and had no alarm any more."""
    deleted: Collection[str]
    """The names of the alarms that were deleted."""


@dataclass(slots=True)
class Echoes:
    """What this container knows of the last minute; another one looks once for itself, and then knows."""

    looks: dict[Ref, LastLook] = field(default_factory=dict)

    def learn(self, ref: Ref, look: LastLook) -> None:
        """Remember the last look at a resource; what is older than a minute is forgotten."""
        self.looks = {each: last for each, last in self.looks.items() if look.at - last.at <= _KNOWN_FOR}
        self.looks[ref] = look

    def explain(self, event: Mapping[str, Any], ref: Ref, sent: datetime) -> bool:
        """Tell whether an event that was sent at that time asks for nothing, since we know why its alarm was deleted.

        What a person deletes within the same minute is taken for an echo, too: then the next sweep finds it.
        """
        detail, last = event.get("detail"), self.looks.get(ref)
        if last is None or abs(sent - last.at) > _KNOWN_FOR:
            return False
        if not isinstance(detail, dict) or detail.get("operation") != "delete":
            return False
        return not last.live or detail.get("alarmName") in last.deleted
