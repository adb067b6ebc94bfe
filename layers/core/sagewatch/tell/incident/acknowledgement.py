"""Decides whether people attend to an incident: who acknowledged or snoozed it, and whether that still counts. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sagewatch.model import About, Incident, Notice, Severity
from sagewatch.policy.rules import Route, listed


def is_refused(click: Notice) -> bool:
    """Return whether a snooze is one that the route does not allow: it ends when it begins, and changes nothing."""
    return click.until is not None and click.until <= click.at


def may_snooze(route: Route, incidents: Iterable[Incident], click: Notice) -> bool:
    """Return whether who clicked may snooze: what is critical can be kept for those whom the route names."""
    if route.snoozers is None or f"<@{click.by}>" in listed(route.snoozers):
        return True
    # A click of the first version names no incident, and is of the newest one.
    return not any(each.is_open and each.severity is Severity.CRITICAL for each in incidents)


@dataclass(frozen=True, slots=True, kw_only=True)
class Acknowledgement:
    """The last acknowledgement and the last snooze of an incident.

    `counts` is False once something new or worse happened after `acked`: people must look again.
    """

    acked: Notice | None = None
    counts: bool = False
    snoozed: Notice | None = None

    def after(self, notice: Notice, told: Sequence[About], is_new_part: bool) -> Acknowledgement:
        """Return the acknowledgement after a notice of which `told` was said.

        A new part and a worse severity ask for attention again; so does an incident that reopens.
        """
        if notice.state == "acked":
            return replace(self, acked=notice, counts=True)
        if notice.state == "snoozed":
            return replace(self, snoozed=notice) if not is_refused(notice) else self
        if "reopened" in told:
            return Acknowledgement()
        if "worsened" in told or (is_new_part and "joined" in told):
            return replace(self, counts=False, snoozed=None)
        return self

    def is_snoozed(self, at: datetime) -> bool:
        """Return whether the incident is snoozed at that time."""
        return self.snoozed is not None and at < (self.snoozed.until or self.snoozed.at)

    def is_news(self, click: Notice) -> bool:
        """Return whether a click changes anything: the same person's second click does not."""
        if click.state == "acked":
            return not (self.counts and self.acked and self.acked.by == click.by)
        return not (self.snoozed and (self.snoozed.by, self.snoozed.until) == (click.by, click.until))

    @property
    def clicks(self) -> tuple[Notice, ...]:
        """The clicks that still count."""
        return tuple(notice for notice in (self.acked if self.counts else None, self.snoozed) if notice)
