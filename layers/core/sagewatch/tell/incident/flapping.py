"""Decides whether an alarm flaps: fires and clears so often that telling every change is noise. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import pairwise

from sagewatch.model import FLAP_WINDOW, FLAPS, Notice

STEADY = timedelta(minutes=15)
"""An alarm that has not changed for this long does not flap any more."""


def changes(notices: Sequence[Notice]) -> list[datetime]:
    """Return when a part changed its state, from its notices in order.

    The first notice is a change, a repeated state is none: `firing, firing, cleared` are two changes.
    """
    return [notices[0].at, *(after.at for before, after in pairwise(notices) if before.state != after.state)]


def flapping_since(changed: Sequence[datetime], now: datetime) -> datetime | None:
    """Return since when a part that changed at these times flaps; None when it does not, or no longer does.

    Flapping begins with the fourth change within 45 minutes, and ends after fifteen minutes without a change: so four
    changes of which none was steady are always flapping.
    """
    start, since = 0, None
    for place, at in enumerate(changed):
        if since and at - changed[place - 1] >= STEADY:
            start, since = place, None
        earliest = place - FLAPS + 1
        if since is None and earliest >= start and at - changed[earliest] <= FLAP_WINDOW:
            since = at
    return since if since and now - changed[-1] < STEADY else None
