"""Tells people what an event says: reads it, finds its routes, writes it down, and delivers what follows from it."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache
from typing import Any

from sagewatch.aws import mute_rules, queue
from sagewatch.errors import Retry, SagewatchError
from sagewatch.fleet.coverage import DUE
from sagewatch.fleet.mute_windows import snooze_rule
from sagewatch.model import Evidence, Notice
from sagewatch.policy.rules import Route
from sagewatch.tell.clock import CLOCK, look_after_all
from sagewatch.tell.context import ENOUGH_MS, Context, Current, change, collected, raise_most_hopeful
from sagewatch.tell.delivery.deliver import Busy, deliver
from sagewatch.tell.digest.send import send_digest
from sagewatch.tell.evidence.gather import PATIENCE, gather, tags_of_arn
from sagewatch.tell.read import alarm_events
from sagewatch.tell.read.sagemaker_events import lacks_tags, tagged
from sagewatch.tell.route import route_named, routes
from sagewatch.tell.store import seen, timelines
from sagewatch.tell.store.timelines import Timeline

_FIRST_WAIT, _LONGEST_WAIT = 15.0, 900.0  # s, before a message comes back that nobody said when to try again


def receive(context: Context, record: Any, event: Mapping[str, Any]) -> Notice | None:
    """Do what one message of the queue asks for; return the notice that was told, None when there was none.

    On Retry the message is hidden for as long as it has to wait. What is not begun in time goes back to the queue, so
    that what is done stays done.
    """
    # The count includes this receive (SQS, ReceiveMessage, ApproximateReceiveCount).
    context.attempt = int(record.get("attributes", {}).get("ApproximateReceiveCount", 1))
    try:
        context.require_time()
        if event.get("detail-type") == CLOCK:
            look_after_all(context)
            return None
        if event.get("detail-type") == DUE:
            send_digest(context, event)
            return None
        return tell(context, event)
    except Retry as error:
        # Nothing sleeps here: Lambda bills the time. SQS hides the message instead (ChangeMessageVisibility).
        receipt, url = record.get("receiptHandle"), context.settings.queue_url
        if url and receipt:
            queue.postpone(context.clients.sqs, url, receipt, wait(error, context.attempt) + 1)
        raise


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
    notice = _read_with_tags(context, event)
    if notice is None:
        return None
    taken = [route for route in _routes(context, notice) if not route.drop]
    explain = cache(lambda logs: gather(context.evidence_clients, notice, logs, _patience(context)))
    errors: list[SagewatchError] = []
    for route in taken:
        with collected(errors):
            current = _add(context, route, notice, explain)
            if current.incidents:
                deliver(context, route, current, frozenset({notice.key}))
            if notice.state == "snoozed":
                _snooze(context, current, notice)
    raise_most_hopeful(errors)
    return notice if taken else None


def _read_with_tags(context: Context, event: Mapping[str, Any]) -> Notice | None:
    """Read an event with the tags of what it is about: whose it is, who started it, whether it is ignored."""
    prefix, policy = context.settings.prefix, context.policy
    found = alarm_events.notice(prefix, event, policy)
    if found is None or not lacks_tags(event, found):
        return found
    if found.state == "succeeded" and not any(route.success for route in policy.routes):
        return found  # nobody is told, whatever its tags say
    client, table, now = context.clients.dynamodb, context.settings.table, context.now.timestamp()
    tags = seen.tags(client, table, found.key)
    if tags is None:
        tags = tags_of_arn(context.evidence_clients, found.arn, _patience(context))
        seen.remember_tags(client, table, found.key, tags, now)
    return alarm_events.notice(prefix, tagged(event, tags), policy)


def _patience(context: Context) -> float:
    """Return for how many seconds to read what explains a notice: none of a batch should wait for the others'."""
    return min(PATIENCE, (context.deadline.remaining_ms() - ENOUGH_MS) / 1000 - PATIENCE)


def _routes(context: Context, notice: Notice) -> tuple[Route, ...]:
    """Return the routes on which a notice is told, in order."""
    if notice.state in ("acked", "snoozed"):
        return (route_named(context.policy, notice.labels["route"]),)
    taken = routes(context.policy, notice.labels)
    if notice.state in ("cleared", "closed") and notice.labels["alarm"] == "failed":
        others = [route for route in context.policy.routes if route not in taken]
        return (*taken, *(route for route in others if _may_end_something(context, route, notice)))
    return tuple([route for route in taken if route.success or notice.state != "succeeded"])


def _may_end_something(context: Context, route: Route, notice: Notice) -> bool:
    """Return whether an end is to be told on a route to which its labels do not lead (any more).

    What is deleted has lost the tags that led there. So it is told where something is open, and where it was written
    down before but could not be told.
    """
    timeline = timelines.load(context.clients.dynamodb, context.settings.table, route.name, notice.subject)
    current = Current(timeline, context.now)
    return timeline.holds(notice) or any(incident.is_open for incident in current.incidents)


def _add(context: Context, route: Route, notice: Notice, explain: Callable[[bool], Evidence]) -> Current:
    """Write a notice and what explains it down before anything is told of it, so that it cannot be lost.

    `explain(logs)` returns that, with the last lines of the log or without.
    """
    timeline = timelines.load(context.clients.dynamodb, context.settings.table, route.name, notice.subject)
    current = Current(timeline, context.now)
    if timeline.holds(notice):
        return current
    is_explained = notice.state in ("failed", "firing") and not notice.muted
    found = explain(route.logs) if is_explained else Evidence()
    more = {} if found == Evidence() else {notice.key: found}

    def added(latest: Timeline) -> Timeline:
        if latest.holds(notice):
            return latest
        return replace(latest, notices=(*latest.notices, notice), evidence={**latest.evidence, **more})

    return change(context, current, added)


def _snooze(context: Context, current: Current, notice: Notice) -> None:
    """Have CloudWatch itself mute what fires, so that native paging is quiet too; the rule ends by itself."""
    for incident in current.incidents:
        alarms = [part.last.part for part in incident.parts if part.firing]
        is_meant = any(each.key == notice.key for each in incident.notices)
        if is_meant and alarms and notice.until and notice.until > context.now:
            rule = snooze_rule(context.settings.prefix, incident.id, alarms, notice.by, context.now, notice.until)
            mute_rules.put(context.clients.cloudwatch, rule)
