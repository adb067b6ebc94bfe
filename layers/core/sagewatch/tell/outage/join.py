"""Lets incidents join the group that is open on their route, and has groups told in time."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from sagewatch.aws import queue
from sagewatch.errors import Retry
from sagewatch.model import OUTAGE, Incident, Notice, Ref
from sagewatch.policy.rules import Route
from sagewatch.tell.incident.group import short_hash
from sagewatch.tell.outage.derive import group_of
from sagewatch.tell.route import group_interval, group_wait
from sagewatch.tell.store import groups
from sagewatch.tell.store.groups import Window
from sagewatch.tell.store.timelines import Timeline, entry, owner_of

if TYPE_CHECKING:
    from sagewatch.tell.context import Context, Current

WAKE = "Sagewatch Outage"
"""The detail-type of the message that has a group told."""

OPEN_FOR = timedelta(minutes=10)
"""How long after an outage was last told something may still join its group."""

_MARGIN = timedelta(seconds=15)
"""How long after `group_wait` a group is open, so that nobody begins another one before it is told."""

_OPENING = ("firing", "failed")


def group_to_join(context: Context, route: Route, current: Current, notice: Notice) -> tuple[str, str]:
    """Return the incident that a new notice of `current` opens, and the group that it waits in.

    Nothing (twice) when it is told now: it opens none, or is one of the first few on its route for a while. A group
    alone when one of those goes on opening while others wait: what it says waits with them.
    """
    wait = group_wait(route)
    if not (wait and context.settings.queue_url) or notice.muted or notice.state not in _OPENING:
        return "", ""
    incident = next((each for each in current.incidents if any(n.key == notice.key for n in each.notices)), None)
    if incident is None or not incident.is_open or group_of(current.timeline, incident):
        return "", ""
    client, table, now = context.clients.dynamodb, context.settings.table, context.now
    name = entry(notice.subject, current.timeline.place, incident.id)
    if _is_told(current.timeline, incident):
        is_young = now - incident.opened <= wait + _MARGIN
        return "", _group_of_told(context, route, current.timeline, incident) if is_young else ""
    id_, until = short_hash(route.name, name, now.isoformat()), now + wait + _MARGIN
    if groups.begin(client, table, route.name, Window(group=id_, alone=frozenset({name}), until=until), now):
        return "", ""
    window = groups.last(client, table, route.name)
    # The message of who was told alone came back after a crash.
    if window is None or _is_alone(window, current.timeline, incident):
        return "", ""
    may_be_alone = not (window.gathers or _are_many(context, route, window))
    if may_be_alone and groups.tell_alone(client, table, route.name, window.group, name, route.group_from - 1):
        return "", ""
    if not window.gathers:
        groups.gather(client, table, route.name, window.group)
        # Until then others may have been told alone.
        window = groups.last(client, table, route.name) or window
    groups.join(client, table, route.name, window.group, (name,), now, window.alone)
    return incident.id, window.group


def _are_many(context: Context, route: Route, window: Window) -> bool:
    """Return whether so many resources open as are told together, those of the messages of this batch included."""
    return len({owner_of(each)[0] for each in window.alone} | context.opening) >= route.group_from


def _is_told(timeline: Timeline, incident: Incident) -> bool:
    ids = {incident.id, *incident.anchors}
    return any(ids & sent["said"].keys() for sent in timeline.sent.values())


def _is_alone(window: Window, timeline: Timeline, incident: Incident) -> bool:
    """Return whether an incident is told alone, which an older notice may have given another id since."""
    ids = (incident.id, *incident.anchors)
    return any(entry(timeline.subject, timeline.place, each) in window.alone for each in ids)


def _group_of_told(context: Context, route: Route, timeline: Timeline, incident: Incident) -> str:
    """Return the group of an incident that was told alone, while others wait; else nothing."""
    client, table = context.clients.dynamodb, context.settings.table
    window = groups.last(client, table, route.name)
    if window is None or not _is_alone(window, timeline, incident) or window.until <= context.now:
        return ""
    if not (window.gathers or _are_many(context, route, window)):
        return ""
    groups.join(client, table, route.name, window.group, (), context.now, window.alone)
    return window.group


def have_told(context: Context, route: Route, current: Current, notice: Notice) -> None:
    """Have the groups told that tell of the incidents in which a notice is."""
    if not current.timeline.grouped:
        return
    if notice.state in _OPENING:
        after = group_wait(route)
    elif notice.state in ("acked", "snoozed"):
        after = timedelta()
    else:
        after = group_interval(route)
    told_by = {
        group_of(current.timeline, each) for each in current.incidents if any(n.key == notice.key for n in each.notices)
    }
    for group in sorted(filter(None, told_by)):
        wake(context, route.name, group, context.now + after)


def rejoin(context: Context, current: Current) -> None:
    """Have incidents that a group tells join it again: it was closed, or never got to know of them."""
    timeline = current.timeline
    for incident in current.incidents:
        group = group_of(timeline, incident)
        if group and incident.is_open:
            name = entry(timeline.subject, timeline.place, incident.id)
            client, table = context.clients.dynamodb, context.settings.table
            groups.join(client, table, timeline.route, group, (name,), context.now)
            wake(context, timeline.route, group, context.now)


def wake(context: Context, route: str, group: str, at: datetime) -> None:
    """Send a message that has a group told at a time, unless one is on its way; the clock makes up for a lost one."""
    url = context.settings.queue_url
    if not url or not groups.is_to_wake(
        context.clients.dynamodb, context.settings.table, route, group, at, context.now
    ):
        return
    delay = max(0, -int((context.now - at).total_seconds() // 1))
    event = {"source": "sagewatch", "detail-type": WAKE, "detail": {"route": route, "group": group}}
    try:
        queue.send(context.clients.sqs, url, [event], delay)
    except Retry as error:
        context.receivers.note("OutageNotWoken", code=error.code, because=str(error))


def subject_of_group(group: str) -> Ref:
    """Return whose timeline a group is: `outage/9f3c01d2a4b5e6f7`."""
    return Ref(OUTAGE, group)
