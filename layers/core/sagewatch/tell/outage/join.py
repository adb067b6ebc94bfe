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
from sagewatch.tell.store import groups, timelines
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

    Nothing (twice) when it is told now: it opens none, or is the first one on its route for a while. A group alone when
    that first incident goes on opening while others join it: what it says waits with them.
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
        return "", _group_of_first(context, route, current.timeline, incident) if is_young else ""
    begun = Window(group=short_hash(route.name, name, now.isoformat()), first=name, until=now + wait + _MARGIN)
    if groups.begin(client, table, route.name, begun, now):
        return "", ""
    last = groups.last(client, table, route.name)
    # The message of who began it came back after a crash.
    if last is None or _is_first(last, current.timeline, incident):
        return "", ""
    groups.join(client, table, route.name, last.group, (last.first, name), last.first, now)
    return incident.id, last.group


def _is_told(timeline: Timeline, incident: Incident) -> bool:
    ids = {incident.id, *incident.anchors}
    return any(ids & sent["said"].keys() for sent in timeline.sent.values())


def _is_first(window: Window, timeline: Timeline, incident: Incident) -> bool:
    """Return whether a group began with an incident, which an older notice may have given another id since."""
    subject, place, id_ = owner_of(window.first)
    return (subject, place) == (timeline.subject, timeline.place) and id_ in (incident.id, *incident.anchors)


def _group_of_first(context: Context, route: Route, timeline: Timeline, incident: Incident) -> str:
    """Return the group that began with an incident which was told alone, while others join; else nothing."""
    client, table = context.clients.dynamodb, context.settings.table
    last = groups.last(client, table, route.name)
    if last is None or not _is_first(last, timeline, incident) or last.until <= context.now:
        return ""
    others = timelines.load(client, table, route.name, Ref(OUTAGE, last.group)).entries
    if not (context.is_busy or others):
        return ""
    groups.join(client, table, route.name, last.group, (last.first,), last.first, context.now)
    return last.group


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
            groups.join(client, table, timeline.route, group, (name,), "", context.now)
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
