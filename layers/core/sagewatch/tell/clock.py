"""Looks after open incidents every five minutes: sends what has become due, and ends what ended without an event."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import batched

from sagewatch.aws import cloudwatch
from sagewatch.errors import SagewatchError
from sagewatch.model import Notice, Ref, State
from sagewatch.tell.context import ENOUGH_MS, Context, Current, change, collected, may_become_due, raise_most_hopeful
from sagewatch.tell.delivery.deliver import deliver, is_due
from sagewatch.tell.route import route_named
from sagewatch.tell.store import timelines

CLOCK = "Sagewatch Clock"
"""The detail-type of what the schedule sends every five minutes."""

_EVENTS_ARRIVE = timedelta(minutes=10)
"""How long after it fired an alarm is believed to fire, unless an event says otherwise."""

# DescribeAlarms takes 100 names.
_AT_ONCE = 100
"""So many open timelines are read together, for as many alarms in one DescribeAlarms."""

type _AlarmStates = Mapping[str, tuple[str, datetime]]
"""The state of alarms and since when they are in it, by name: `{"sagewatch/…": ("OK", 09:12)}`."""


def look_after_all(context: Context) -> int:
    """Look after all open timelines, as far as there is time; return how many there are."""
    open_now = list(timelines.open_timelines(context.clients.dynamodb, context.settings.table))
    random.shuffle(open_now)  # when there is no time for all, nobody must always be the last
    errors: list[SagewatchError] = []
    for current, states in _with_alarm_states(context, open_now):
        if context.deadline.remaining_ms() < ENOUGH_MS:
            context.receivers.note("ClockCutShort", because="there was no time for all open incidents")
            break
        with collected(errors):
            look_after(context, current, states)
    raise_most_hopeful(errors)
    return len(open_now)


def _with_alarm_states(context: Context, open_now: Iterable[tuple[str, Ref]]) -> Iterator[tuple[Current, _AlarmStates]]:
    """Yield the timelines, with the states that their firing alarms are in."""
    client, table = context.clients.dynamodb, context.settings.table
    for some in batched(open_now, _AT_ONCE, strict=False):
        found = [Current(timelines.load(client, table, *each), context.now) for each in some]
        firing = {name for current in found for name in _firing(current)}
        # AWS's pages disagree on whether alarm events are best effort: what CloudWatch says now is the truth.
        states = dict(cloudwatch.states(context.clients.cloudwatch, sorted(firing)))
        yield from ((current, states) for current in found)


def look_after(context: Context, current: Current, states: _AlarmStates) -> None:
    """End what ended without an event, send what is due, and leave the timeline alone once nothing may become due."""
    route, ends = route_named(context.policy, current.timeline.route), tuple(_ends(current, states))
    if ends:
        current = change(context, current, lambda latest: replace(latest, notices=(*latest.notices, *ends)))
    if ends or is_due(context, route, current):
        deliver(context, route, current, frozenset(each.key for each in ends))
    if not may_become_due(context, current):
        change(context, current, lambda latest: latest)  # takes it out of the index of open timelines


def _ends(current: Current, states: _AlarmStates) -> Iterator[Notice]:
    """Yield what ends alarms that fire here, and do not exist any more or are OK: the event of it was lost."""
    for name, last in _firing(current).items():
        state = states.get(name)
        if state is None or state[0] == "OK":
            yield _end(last, state[1] if state else None, current.now)


def _firing(current: Current) -> dict[str, Notice]:
    """Return the alarms that fire for a while, by name, and their newest notices."""
    parts = [part for incident in current.incidents for part in incident.parts]
    return {part.last.part: part.last for part in parts if part.firing and current.now - part.last.at > _EVENTS_ARRIVE}


def _end(last: Notice, ok_since: datetime | None, now: datetime) -> Notice:
    """Return the notice that ends an alarm: it is OK since then, or it does not exist (None)."""
    at = ok_since.astimezone(UTC) if ok_since else now
    state: State = "cleared" if ok_since else "closed"
    return replace(
        last,
        key=f"{last.part}/{state}/found/{at.isoformat()}",
        state=state,
        at=max(at, last.at + timedelta(seconds=1)),
        value=None,
        points=(),
        reason="",
        links={name: link for name, link in last.links.items() if ok_since or name != "alarm"},
    )
