"""Reads and changes timelines, each together with the incidents that follow from it now."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sagewatch.model import Incident
from sagewatch.tell.context import Context
from sagewatch.tell.incident.group import incidents
from sagewatch.tell.incident.retention import retained
from sagewatch.tell.route import reminders, route_named
from sagewatch.tell.store import timelines
from sagewatch.tell.store.timelines import Conflict, Timeline

BEHIND = "behind"
"""Marks what was sent to a receiver that a fallback stood in for: the clock has it catch up when it can."""

_MOST_SAVES = 5
_LATE = timedelta(minutes=15)
"""How late the clock may be, which strikes every five minutes."""


@dataclass(slots=True)
class Current:
    """A timeline, and its incidents as of `now`, which are derived once, when they are first asked for."""

    timeline: Timeline
    now: datetime
    derived: tuple[Incident, ...] | None = None

    @property
    def incidents(self) -> tuple[Incident, ...]:
        """The incidents of the timeline, oldest first."""
        if self.derived is None:
            timeline = self.timeline
            self.derived = incidents(timeline.route, timeline.notices, timeline.evidence, self.now)
        return self.derived

    def follows(self, timeline: Timeline) -> Current:
        """Return a later state of the timeline, with the same incidents when nothing was added or dropped."""
        before = self.timeline
        same = timeline.notices == before.notices and timeline.evidence == before.evidence
        return Current(timeline, self.now, self.derived if same else None)

    @property
    def is_behind(self) -> bool:
        """Whether a receiver has to catch up on what a fallback was told in its place."""
        return any(sent.get(BEHIND) for sent in self.timeline.sent.values())


def change(context: Context, current: Current, to: Callable[[Timeline], Timeline]) -> Current:
    """Write a change of a timeline, on top of what others wrote meanwhile; return it as it is then."""
    client, table, timeline = context.clients.dynamodb, context.settings.table, current.timeline
    for _ in range(_MOST_SAVES - 1):
        try:
            return _save(context, current, to(current.timeline))
        except Conflict:
            current = current.follows(timelines.load(client, table, timeline.route, timeline.subject))
    return _save(context, current, to(current.timeline))


def _save(context: Context, before: Current, timeline: Timeline) -> Current:
    if timeline.notices is not before.timeline.notices:
        timeline = replace(timeline, notices=retained(timeline.notices))
    current = before.follows(timeline)
    saved = timelines.save(
        context.clients.dynamodb, context.settings.table, timeline, may_become_due(context, current), context.now
    )
    return current.follows(saved)


def may_become_due(context: Context, current: Current) -> bool:
    """Return whether something may have to be sent without any new notice, so that the clock must look at it.

    That is what fires, flaps or is snoozed, what people are reminded of, and what a receiver has to catch up on.
    """
    last = max(reminders(route_named(context.policy, current.timeline.route)), default=timedelta())
    return current.is_behind or any(
        any(part.firing or part.flapping for part in incident.parts)
        or incident.status == "snoozed"
        or (incident.is_open and context.now <= incident.opened + last + _LATE)
        for incident in current.incidents
    )
