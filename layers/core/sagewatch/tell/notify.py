"""Tells people what an event says: reads it, finds its routes, writes it down, and delivers what follows from it."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache
from typing import Any

from sagewatch.aws import canary, queue
from sagewatch.errors import ErrorCode, Impaired, Retry, SagewatchError, understood
from sagewatch.fleet.coverage import DUE
from sagewatch.model import OUTAGE, Evidence, Labels, Notice
from sagewatch.policy.rules import Route
from sagewatch.tell import snooze
from sagewatch.tell.clock import CLOCK, look_after_all
from sagewatch.tell.context import ENOUGH_MS, Context, Current, change, collected, current_of, raise_most_hopeful
from sagewatch.tell.delivery.deliver import Busy, deliver
from sagewatch.tell.delivery.moved import holds_incident
from sagewatch.tell.digest.send import send_digest
from sagewatch.tell.evidence.gather import PATIENCE, gather, shared, tags_of_arn
from sagewatch.tell.hide import evidence_without_secrets, without_secrets
from sagewatch.tell.impaired import IMPAIRED_ATTEMPTS, tell_without_memory
from sagewatch.tell.incident.acknowledgement import may_snooze
from sagewatch.tell.incident.group import BEGINNINGS
from sagewatch.tell.incident.late import dated
from sagewatch.tell.outage.join import WAKE, group_to_join, have_told, wake
from sagewatch.tell.outage.tell import tell_group
from sagewatch.tell.read import alarm_events
from sagewatch.tell.read.sagemaker_events import lacks_tags, tagged
from sagewatch.tell.route import default_route, group_wait, route_named, routes
from sagewatch.tell.store import seen, timelines
from sagewatch.tell.store.timelines import Timeline

_UNTAGGED_TOLD, _UNTAGGED_GIVEN_UP = 3, 10
"""The attempts from which what lacks its tags is told without them, and from which they are asked for no more."""

_FIRST_WAIT, _LONGEST_WAIT = 15.0, 900.0  # s, before a message comes back that nobody said when to try again


def receive(context: Context, record: Any, event: Mapping[str, Any]) -> Notice | None:
    """Do what one message of the queue asks for; return the notice that was told, None when there was none.

    On Retry the message is hidden for as long as it has to wait. What is not begun in time goes back to the queue, so
    that what is done stays done.
    """
    # The count includes this receive (SQS, ReceiveMessage, ApproximateReceiveCount).
    context.attempt = int(record.get("attributes", {}).get("ApproximateReceiveCount", 1))
    try:
        with understood("The message could not be read"):
            return _do(context, event)
    except Retry as error:
        if isinstance(error, Impaired) and context.attempt % IMPAIRED_ATTEMPTS == 0:
            tell_without_memory(context, event)
        # Nothing sleeps here: Lambda bills the time. SQS hides the message instead (ChangeMessageVisibility).
        receipt, url = record.get("receiptHandle"), context.settings.queue_url
        if url and receipt:
            queue.postpone(context.clients.sqs, url, receipt, wait(error, context.attempt) + 1)
        raise


def _do(context: Context, event: Mapping[str, Any]) -> Notice | None:
    context.require_time()
    if event.get("detail-type") == CLOCK:
        look_after_all(context, lambda route, notice: _tell_on(context, (route,), without_secrets(notice)))
        return None
    if event.get("detail-type") == WAKE:
        _tell_group(context, event["detail"]["route"], event["detail"]["group"])
        return None
    if event.get("detail-type") == DUE:
        send_digest(context, event)
        return None
    return tell(context, event)


def wait(error: Retry, attempt: int) -> float:
    """Return for how many seconds a message waits.

    Those who were sent away together must not come back together: Slack takes one message a second in a channel. So
    what it asks for is the least, and the most, four times that, doubles with each attempt.
    """
    if error.after is None:
        # Jitter: what failed together should not come back together (AWS Builders' Library, "Timeouts, retries, and
        # backoff with jitter").
        return min(_FIRST_WAIT * 2.0 ** (attempt - 1), _LONGEST_WAIT) * random.uniform(1, 1.2)
    # Slack, "Rate limits": about one message a second in a channel; 429 says in Retry-After when to come back.
    least: float = error.after
    most = min(4 * least * 2.0 ** (attempt - 1), _LONGEST_WAIT)
    return least if isinstance(error, Busy) else random.uniform(least, max(least, most))


def tell(context: Context, event: Mapping[str, Any]) -> Notice | None:
    """Tell what an event says, on every route it takes; None when that is nothing, or nobody.

    Every route is tried even when another one fails, and then the failure is raised: Retry before Undeliverable.
    """
    found, is_tagged = _read_with_tags(context, event)
    if found is None:
        return None
    if not is_tagged and context.attempt < _UNTAGGED_TOLD:
        raise Retry(
            f"the tags of {found.arn} cannot be read, so that it is not known who is to be told",
            code=ErrorCode.TAGS_UNREAD,
        )
    notice = without_secrets(found)
    taken = tuple([route for route in _routes(context, notice) if not route.drop])
    _tell_on(context, taken, notice)
    if notice.subject == canary.CANARY and notice.state == "firing":
        canary.remember_told(context.clients.dynamodb, context.settings.table, notice.reason)
    if not is_tagged and context.attempt < _UNTAGGED_GIVEN_UP:
        raise Retry(
            f"the tags of {found.arn} cannot be read: it was told without them, and they are asked for again",
            code=ErrorCode.TAGS_UNREAD,
        )
    return notice if taken else None


def _tell_on(context: Context, taken: tuple[Route, ...], notice: Notice) -> None:
    """Write a notice down and tell it, on each of the routes."""
    explain = cache(
        lambda logs: evidence_without_secrets(gather(context.evidence_clients, notice, logs, _patience(context)))
    )
    errors: list[SagewatchError] = []
    for route in taken:
        with collected(errors):
            current, waits_in = _add(context, route, notice, explain)
            if waits_in:
                wake(context, route.name, waits_in, context.now + group_wait(route))
                continue
            if notice.subject.kind == OUTAGE:
                _tell_group(context, route.name, notice.subject.name, frozenset({notice.key}))
            elif current.own or current.moved:
                deliver(context, route, current, frozenset({notice.key}))
            have_told(context, route, current, notice)
            if notice.state == "snoozed":
                snooze.mute(context, current, notice)
            else:
                snooze.unmute(context, current)
    raise_most_hopeful(errors)


def _tell_group(context: Context, name: str, group: str, fresh: frozenset[str] = frozenset()) -> None:
    """Tell a group; of a route that the policy has no more only the clock does, once it has moved all of it."""
    is_present = route_named(context.policy, name) in (*context.policy.routes, default_route(context.policy))
    if is_present or not context.has_own_routes:
        tell_group(context, name, group, fresh)


def _read_with_tags(context: Context, event: Mapping[str, Any]) -> tuple[Notice | None, bool]:
    """Read an event with the tags of what it is about: whose it is, who started it, whether it is ignored.

    The second value tells whether they are known; tags that could not be read are never remembered as none.
    """
    prefix, policy = context.settings.prefix, context.policy
    found = alarm_events.notice(prefix, event, policy)
    if found is None or not lacks_tags(event, found):
        return found, True
    if found.state in ("succeeded", "announced") and not any(_wants(route, found) for route in policy.routes):
        return found, True  # nobody is told, whatever its tags say
    client, table, now = context.clients.dynamodb, context.settings.table, context.now.timestamp()
    tags = seen.tags(client, table, found.key)
    if tags is None:
        tags = tags_of_arn(context.evidence_clients, found.arn, _patience(context))
        if tags is None:
            return found, False
        seen.remember_tags(client, table, found.key, tags, now)
    return alarm_events.notice(prefix, tagged(event, tags), policy), True


def _patience(context: Context) -> float:
    """Return for how many seconds to read what explains a notice: none of a batch should wait for the others'."""
    return min(PATIENCE, (context.deadline.remaining_ms() - ENOUGH_MS) / 1000 - PATIENCE)


def _routes(context: Context, notice: Notice) -> tuple[Route, ...]:
    """Return the routes on which a notice is told, in order."""
    if notice.state in ("acked", "snoozed"):
        return (_route_of_click(context, notice),)
    taken = routes(context.policy, notice.labels, notice.place)
    if notice.state in ("cleared", "closed") and notice.labels["alarm"] == "failed":
        others = [route for route in context.policy.routes if route not in taken]
        return (*taken, *(route for route in others if _may_end_something(context, route, notice)))
    return tuple([route for route in taken if _wants(route, notice)])


def _route_of_click(context: Context, notice: Notice) -> Route:
    """Return the route of a click; the clock may have moved its incident since to another one (see clock)."""
    named = route_named(context.policy, notice.labels["route"])
    if named in context.policy.routes or not notice.incident:
        return named
    client, table = context.clients.dynamodb, context.settings.table
    place = _place_of_timeline(context, notice)
    for route in context.policy.routes:
        if holds_incident(timelines.load(client, table, route.name, notice.subject, place), notice.incident):
            return route
    return named


def _place_of_timeline(context: Context, notice: Notice) -> str:
    """Return the place in the name of the timeline that takes a notice; an outage has none."""
    return "" if notice.subject.kind == OUTAGE else context.place_of(notice)


def _wants(route: Route, notice: Notice) -> bool:
    """Return whether a route hears of such a notice: of success and of approvals only if it asks for them."""
    match notice.state:
        case "succeeded":
            return route.success
        case "announced":
            return route.approvals
    return True


def _may_end_something(context: Context, route: Route, notice: Notice) -> bool:
    """Return whether an end is to be told on a route to which its labels do not lead (any more).

    What is deleted has lost the tags that led there. So it is told where something is open, and where it was written
    down before but could not be told.
    """
    client, table = context.clients.dynamodb, context.settings.table
    timeline = timelines.load(client, table, route.name, notice.subject, context.place_of(notice))
    current = Current(timeline, context.now)
    return timeline.holds(notice) or any(incident.is_open for incident in current.incidents)


def _add(context: Context, route: Route, notice: Notice, explain: Callable[[bool], Evidence]) -> tuple[Current, str]:
    """Write a notice and what explains it down before anything is told of it, so that it cannot be lost.

    Return the timeline as it is then, and the group in which the notice waits to be told; nothing when it is told now.
    `explain(logs)` returns that, with the last lines of the log or without.
    """
    current = current_of(context, route.name, notice.subject, _place_of_timeline(context, notice))
    if current.timeline.holds(notice):
        return current, ""
    if notice.incident:
        notice = replace(notice, labels=Labels({**notice.labels.values, "route": route.name}))
    if notice.state == "snoozed" and not may_snooze(route, current.incidents, notice):
        notice = replace(notice, until=notice.at)
    if context.attempt > IMPAIRED_ATTEMPTS:
        notice = replace(notice, warned=notice.state in BEGINNINGS)
    is_explained = notice.state in ("failed", "firing") and not notice.muted
    found = explain(route.logs and context.settings.reads_logs) if is_explained else Evidence()

    def added(latest: Timeline) -> Timeline:
        if latest.holds(notice):
            return latest
        notices = (*latest.notices, dated(latest.notices, notice))
        more = {} if found == Evidence() else {notice.key: found}
        return replace(latest, notices=notices, evidence={**latest.evidence, **more})

    incident, group = group_to_join(context, route, current.follows(added(current.timeline)), notice)
    if not incident:
        return change(context, current, added), group
    found = replace(found, shared=shared(context.evidence_clients, found, _patience(context)))
    joined = change(
        context, current, lambda latest: replace(added(latest), grouped={**latest.grouped, incident: group})
    )
    return joined, group
