"""Looks every five minutes at what fires and at what is told of it, and brings the two together.

What ended without an event is ended, what fires and is told nowhere is told, and what has become due is sent.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import batched

from sagewatch.aws import cloudwatch, mute_rules
from sagewatch.errors import ErrorCode, SagewatchError
from sagewatch.fleet.mute_windows import window_of
from sagewatch.model import NO_DATA, OUTAGE, AlarmState, Notice, Ref
from sagewatch.policy.rules import Route
from sagewatch.tell import snooze
from sagewatch.tell.context import (
    ENOUGH_MS,
    Context,
    Current,
    change,
    collected,
    current_of,
    may_become_due,
    raise_most_hopeful,
)
from sagewatch.tell.delivery.deliver import deliver, is_due
from sagewatch.tell.delivery.moved import moved, route_now
from sagewatch.tell.incident.late import dated
from sagewatch.tell.outage.derive import group_of
from sagewatch.tell.outage.join import have_told, rejoin, subject_of_group
from sagewatch.tell.outage.tell import is_group_due, tell_group
from sagewatch.tell.read.alarm_events import firing_now
from sagewatch.tell.route import default_route, route_named, routes
from sagewatch.tell.store import groups, timelines
from sagewatch.tell.store.timelines import FOUND, Timeline, owner_of

CLOCK = "Sagewatch Clock"
"""The detail-type of what the schedule sends every five minutes."""

_EVENTS_ARRIVE = timedelta(minutes=10)
"""How long after an alarm changed its event may still be on its way."""

_WITHOUT_DATA = timedelta(minutes=15)
"""How long an alarm has no data before what it said is ended."""

_RECENT = timedelta(minutes=30)
"""What fires for longer, and is told only now, begins now for those who are told."""

_SECOND = timedelta(seconds=1)

# DescribeAlarms takes 100 names.
_AT_ONCE = 100
"""So many open timelines are read together, for as many alarms in one DescribeAlarms."""

type Tell = Callable[[Route, Notice], None]
"""Writes a notice down, and tells it on a route."""


def look_after_all(context: Context, tell: Tell) -> int:
    """Look after all open timelines and all alarms, as far as there is time; return how many timelines are open."""
    errors: list[SagewatchError] = []
    open_now: list[tuple[str, Ref, str]] = []
    with collected(errors):
        open_now = list(timelines.open_timelines(context.clients.dynamodb, context.settings.table))
        random.shuffle(open_now)  # when there is no time for all, nobody must always be the last
        known = {subject.name for _, subject, _ in open_now if subject.kind == OUTAGE}
        open_now = list(_on_present_routes(context, open_now, errors))
        for some in batched(open_now, _AT_ONCE):
            _look_after_some(context, some, known, errors)
    with collected(errors):
        _tell_untold(context, open_now, tell, errors)
    raise_most_hopeful(errors)
    return len(open_now)


def _on_present_routes(
    context: Context, open_now: Iterable[tuple[str, Ref, str]], errors: list[SagewatchError]
) -> Mapping[tuple[str, Ref, str], None]:
    """Move what is open on a route that the policy has no more, and return where everything is then, in order.

    Groups are moved first, with all of their members. One that was moved in part is left out: nobody tells it until the
    rest has followed.
    """
    names = {route.name for route in context.policy.routes or (default_route(context.policy),)}
    client, table = context.clients.dynamodb, context.settings.table
    # What has failed is shown as such until it is well again, which is told on its present route.
    kept = timelines.kept_timelines(client, table) if context.has_own_routes else ()
    several = [*open_now, *(each for each in kept if each[0] not in names)]
    found: dict[tuple[str, Ref, str], tuple[str, Ref, str] | None] = {}
    for each in sorted(several, key=lambda owner: owner[1].kind != OUTAGE):
        is_group = each[1].kind == OUTAGE
        found[each] = each
        if each[0] not in names and context.has_own_routes:
            found[each] = None if is_group else each
            with collected(errors):
                if context.deadline.remaining_ms() >= ENOUGH_MS:
                    found[each] = _group_moved(context, *each[:2]) if is_group else _moved(context, *each)
    return dict.fromkeys(now for each in several if (now := found[each]))


def _moved(context: Context, name: str, subject: Ref, place: str) -> tuple[str, Ref, str]:
    """Move a timeline to the route that it takes now; return where it is then, the same when that is not possible yet.

    A crash between the two writes has it done again, with the same result.
    """
    here = (name, subject, place)
    route = route_now(context.policy, current_of(context, *here))
    return _moved_to(context, route, *here) if route else here


def _group_moved(context: Context, name: str, subject: Ref) -> tuple[str, Ref, str] | None:
    """Move a group with its members; return where it is then, None when some of it could not be moved yet."""
    client, table = context.clients.dynamodb, context.settings.table
    current = current_of(context, name, subject)
    owners = sorted({owner_of(entry)[:2] for entry in current.timeline.entries})
    route = route_now(context.policy, current) or _route_with(context, owners, subject.name)
    if route is None:
        return name, subject, ""
    for owner in (each for each, timeline in current.members.items() if timeline.notices):
        is_late = context.deadline.remaining_ms() < ENOUGH_MS
        if is_late or _moved_to(context, route, name, *owner)[0] != route.name:
            return None
    joined = current.timeline
    if joined.entries:
        groups.join(client, table, route.name, subject.name, joined.entries, context.now, joined.alone)
    here = _moved_to(context, route, name, subject, "")
    return here if here[0] == route.name else None


def _route_with(context: Context, owners: Sequence[tuple[Ref, str]], group: str) -> Route | None:
    """Return the route to which members of a group were moved before a crash; None when none was."""
    client, table = context.clients.dynamodb, context.settings.table
    for route in context.policy.routes or (default_route(context.policy),):
        several = timelines.load_all(client, table, route.name, owners).values()
        if any(group in timeline.grouped.values() for timeline in several):
            return route
    return None


def _moved_to(context: Context, route: Route, name: str, subject: Ref, place: str) -> tuple[str, Ref, str]:
    """Move a timeline to a route; return where it is then. Both are claimed, so that nobody sends meanwhile."""
    client, table = context.clients.dynamodb, context.settings.table
    here, there = (name, subject, place), (route.name, subject, place)
    claimed: list[tuple[str, Ref, str]] = []
    try:
        for owner, of, where in (here, there):
            if not timelines.claim(client, table, owner, of, context.worker, context.now, where):
                return here
            claimed.append((owner, of, where))
        old = timelines.load(client, table, *here)
        new = Current(timelines.load(client, table, *there), context.now)
        change(context, new, lambda latest: moved(old, latest))
        emptied = replace(old, notices=(), evidence={}, sent={}, grouped={}, clusters={})
        timelines.save(client, table, emptied, False, context.now)
    finally:
        for owner, of, where in claimed:
            timelines.release(client, table, owner, of, context.worker, where)
    return there


def _look_after_some(
    context: Context, some: Sequence[tuple[str, Ref, str]], known: Set[str], errors: list[SagewatchError]
) -> None:
    """Look after some open timelines, with the states that their firing alarms are in, if these can be read.

    `known` are the groups that are looked after, too.
    """
    client, table = context.clients.dynamodb, context.settings.table
    found = [Current(timelines.load(client, table, *each), context.now) for each in some if each[1].kind != OUTAGE]
    firing = sorted({name for current in found for name in _firing(current)})
    # AWS's pages disagree on whether alarm events are best effort: what CloudWatch says now is the truth.
    states: Mapping[str, AlarmState] | None = None
    with collected(errors):
        states = {each.name: each for each in cloudwatch.states(context.clients.cloudwatch, firing)}
    for current in found:
        if _is_late(context):
            return
        with collected(errors):
            look_after(context, current, states, known)
    for route, subject, _ in some:
        if subject.kind != OUTAGE:
            continue
        if _is_late(context):
            return
        with collected(errors):
            _look_after_group(context, route, subject.name)


def _look_after_group(context: Context, name: str, group: str) -> None:
    """Tell a group when anything of it is to be told, and leave it alone once nothing may become due."""
    route, client, table = route_named(context.policy, name), context.clients.dynamodb, context.settings.table
    current = current_of(context, route.name, subject_of_group(group))
    if is_group_due(context, route, current):
        tell_group(context, name, group)
    elif may_become_due(context, current):
        timelines.renew(client, table, current.timeline, context.now)
    else:
        timelines.settle(client, table, current.timeline)


def _is_late(context: Context) -> bool:
    """Return whether there is no time for another timeline; the next clock begins with others."""
    if context.deadline.remaining_ms() >= ENOUGH_MS:
        return False
    context.receivers.note("ClockCutShort", because="there was no time for all that fires", code=ErrorCode.OUT_OF_TIME)
    return True


# ------------------------------------------------------------------------------------------------- what is told as open
def look_after(
    context: Context,
    current: Current,
    states: Mapping[str, AlarmState] | None,
    known: Set[str] = frozenset(),
) -> None:
    """End what ended without an event, send what is due, and leave the timeline alone once nothing may become due.

    `states` are those of the firing alarms that there are, by name; None when they could not be read.
    """
    route = route_named(context.policy, current.timeline.route)
    ends = () if states is None else tuple(_ends(context, current, states))
    if ends:
        current = change(context, current, lambda latest: _with_ends(latest, ends))
    errors: list[SagewatchError] = []
    with collected(errors):
        snooze.unmute(context, current)
    client, table = context.clients.dynamodb, context.settings.table
    with collected(errors):
        for end in ends:
            have_told(context, route, current, end)
        told_by = {group_of(current.timeline, each) for each in current.incidents if each.is_open}
        if any(group and group not in known for group in told_by):
            rejoin(context, current)
        if (ends and (current.own or current.moved)) or is_due(context, route, current):
            deliver(context, route, current, frozenset(each.key for each in ends))
        elif may_become_due(context, current):
            timelines.renew(client, table, current.timeline, context.now)
        else:
            timelines.settle(client, table, current.timeline, is_over=not current.is_open)
    raise_most_hopeful(errors)


def _firing(current: Current) -> dict[str, Notice]:
    """Return the alarms that fire for a while, by name, and their newest notices."""
    if current.timeline.place:
        return {}  # of another account or Region, whose alarms cannot be asked for here
    parts = [part for incident in current.incidents for part in incident.parts]
    return {part.last.part: part.last for part in parts if part.firing and current.now - part.last.at > _EVENTS_ARRIVE}


def _ends(context: Context, current: Current, states: Mapping[str, AlarmState]) -> Iterator[Notice]:
    """Yield what ends alarms that fire here, and are not in ALARM any more: the event of it was lost."""
    for name, last in _firing(current).items():
        alarm = states.get(name)
        # Of what takes other routes by now, no event will come here.
        is_told_here = current.timeline.route in {
            route.name for route in routes(context.policy, last.labels, last.place)
        }
        arrives = _EVENTS_ARRIVE if is_told_here else timedelta()
        if alarm is None:
            links = {name: link for name, link in last.links.items() if name != "alarm"}
            yield replace(_end(last, current.now), state="closed", links=links)
        elif alarm.value == "OK" and current.now - alarm.since > arrives:
            yield _end(last, alarm.since)
        elif alarm.value == NO_DATA and current.now - alarm.since > _WITHOUT_DATA:
            yield replace(_end(last, alarm.since), state="closed", reason=NO_DATA)


def _with_ends(timeline: Timeline, ends: Iterable[Notice]) -> Timeline:
    return replace(timeline, notices=(*timeline.notices, *(dated(timeline.notices, each) for each in ends)))


def _end(last: Notice, at: datetime) -> Notice:
    """Return the notice that ends an alarm whose newest notice is `last`: it is OK since then."""
    at = max(at, last.at + _SECOND)
    return replace(
        last,
        key=f"{last.part}/ended{FOUND}{at.isoformat()}",
        state="cleared",
        at=at,
        value=None,
        points=(),
        reason="",
        muted=False,
        after="",
    )


# ------------------------------------------------------------------------------------------------ what fires in fact
def _tell_untold(
    context: Context, open_now: Iterable[tuple[str, Ref, str]], tell: Tell, errors: list[SagewatchError]
) -> None:
    """Tell what fires, is not muted now, and is told nowhere: its event was lost, or it was muted until now."""
    found = list(_untold(context, open_now))
    muted = mute_rules.muted_now(context.clients.cloudwatch) if found else frozenset[str]()
    for route, notice in found:
        if notice.part in muted:
            continue
        if _is_late(context):
            return
        with collected(errors):
            tell(route, notice)


def _untold(context: Context, open_now: Iterable[tuple[str, Ref, str]]) -> Iterator[tuple[Route, Notice]]:
    """Yield each alarm that fires for a while, as a notice, with each of its routes where it is not open."""
    policy, prefix, known = context.policy, context.settings.prefix, dict[tuple[str, Ref, str], Current]()
    names = {route.name for route in policy.routes or (default_route(policy),)}
    # What is open on a route that the policy has no more, and could not be moved yet, is told to the default route's
    # receivers (route_named).
    inherited = [each for each in open_now if each[0] not in names]
    for alarm in cloudwatch.in_alarm(context.clients.cloudwatch, f"{prefix}/"):
        notice = firing_now(prefix, alarm) if context.now - alarm.since > _EVENTS_ARRIVE else None
        for route in routes(policy, notice.labels, notice.place) if notice else ():
            if notice is None or route.drop:
                continue
            own = (route.name, notice.subject, "")
            others = [each for each in inherited if each[1:] == own[1:]]
            for each in (own, *others):
                if each not in known:
                    stored = timelines.load(context.clients.dynamodb, context.settings.table, *each)
                    known[each] = Current(stored, context.now)
            if not any(_is_open(known[each], notice.part) for each in (own, *others)):
                yield route, _found(prefix, notice, known[own].timeline, context.now)


def _is_open(current: Current, name: str) -> bool:
    """Return whether an alarm is open, and not only for what it said under a mute, of which nobody was told."""
    lasts = (part.last for incident in current.incidents for part in incident.parts if part.firing)
    return any(last.part == name and not last.muted for last in lasts)


def _found(prefix: str, notice: Notice, timeline: Timeline, now: datetime) -> Notice:
    """Return the notice of an alarm that fires untold: since when it fires, or from now if it was muted until now."""
    of_part = sorted((each for each in timeline.notices if each.part == notice.part), key=lambda each: each.at)
    muted = [each for each in of_part if each.muted and each.state == "firing" and each.at >= notice.at - _SECOND]
    at = now if muted or now - notice.at > _RECENT else notice.at
    if of_part:
        at = max(at, of_part[-1].at + _SECOND)
    after = window_of(prefix, muted[-1].muted_by) if muted else ""
    return replace(notice, key=f"{notice.key}{FOUND}{at.isoformat()}", at=at, after=after)
