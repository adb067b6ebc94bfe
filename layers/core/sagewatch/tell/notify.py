"""Tells people what an event says: reads it, finds its routes, writes it down, and has it talked about."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cache, partial
from itertools import batched, takewhile
from typing import Any
from uuid import uuid4

from sagewatch.aws import cloudwatch, mute_rules, queue
from sagewatch.aws.policy_store import Standing
from sagewatch.errors import Retry
from sagewatch.fleet.coverage import DUE
from sagewatch.fleet.mute_windows import snooze_rule
from sagewatch.model import Evidence, Notice, Ref, State
from sagewatch.policy.rules import Policy, Route
from sagewatch.receivers.build import Switchboard
from sagewatch.settings import NotifySettings
from sagewatch.tell.delivery.deliver import (
    Busy,
    Clients,
    Desk,
    converse,
    for_all,
    incidents_of,
    owes,
    unhurried,
    wants_care,
    written,
)
from sagewatch.tell.digest.send import digested
from sagewatch.tell.evidence import gather as evidence
from sagewatch.tell.read import alarm_events
from sagewatch.tell.read.sagemaker_events import lacks_tags, tagged
from sagewatch.tell.route import default_route, route_named, routes
from sagewatch.tell.store import seen as told_store
from sagewatch.tell.store import timelines as store
from sagewatch.tell.store.timelines import Timeline

CLOCK = "Sagewatch Clock"
"""The detail-type of what the schedule sends every five minutes."""

_SETTLES = timedelta(minutes=10)
"""How long after it fired an alarm is believed to, unless an event says otherwise."""

_AT_ONCE = 100
"""So many open timelines are read together, for as many alarms in one DescribeAlarms."""

_FIRST_WAIT, _LONGEST_WAIT = 15.0, 900.0  # s, before a message comes back that nobody said when to try again

_ENOUGH = 12_000  # ms, for one message when Slack does not answer, or DynamoDB only at the third time

type Explain = Callable[[bool], Evidence]
"""Returns what explains a notice, with the last lines of the log or without."""


@dataclass(slots=True)
class Round:
    """One batch: the policy is asked for once; a message that has to wait is hidden for as long as it has to.

    `left` is the time left, in ms: what is not begun in time goes back to the queue, so that what is done stays done.
    """

    clients: Clients
    settings: NotifySettings
    switchboard: Switchboard
    asking: Callable[[], Standing]
    now: datetime
    left: Callable[[], int] = unhurried
    who: str = field(default_factory=lambda: uuid4().hex)
    policy: Policy | None = None

    def __call__(self, record: Any, event: Mapping[str, Any]) -> Notice | None:
        attempt = int(record.get("attributes", {}).get("ApproximateReceiveCount", 1))
        try:
            return handle(self._desk(attempt), event)
        except Retry as error:
            self._postpone(record, wait(error, attempt))
            raise

    def _desk(self, attempt: int) -> Desk:
        if self.left() < _ENOUGH:
            raise Retry("out of time before this message; it goes back to the queue", after=1)
        if self.policy is None:
            self.policy = followed(self.asking())
        return Desk(self.clients, self.settings, self.switchboard, self.policy, self.now, self.who, attempt, self.left)

    def _postpone(self, record: Any, after: float) -> None:
        receipt = record.get("receiptHandle")
        if self.settings.queue_url and receipt:
            queue.postpone(self.clients.sqs, self.settings.queue_url, receipt, after + 1)


def wait(error: Retry, attempt: int) -> float:
    """Return for how many seconds a message waits.

    Those who were sent away together must not come back together: Slack takes one message a second in a channel. So
    what it asks for is the least, and the most, four times that, doubles with each attempt.
    """
    if error.after is None:
        return min(_FIRST_WAIT * 2.0 ** (attempt - 1), _LONGEST_WAIT) * random.uniform(1, 1.2)
    least: float = error.after
    most = min(4 * least * 2.0 ** (attempt - 1), _LONGEST_WAIT)
    return least if isinstance(error, Busy) else random.uniform(least, max(least, most))


def followed(standing: Standing) -> Policy:
    """Return the policy by which people are told: of a broken one, only the default route is left."""
    if standing.broken is None:
        return standing.policy
    return replace(standing.policy, routes=(default_route(standing.policy),))


def handle(desk: Desk, event: Mapping[str, Any]) -> Notice | None:
    """Do what a message asks for; None when it told nothing."""
    if event.get("detail-type") == CLOCK:
        looked_after(desk)
        return None
    if event.get("detail-type") == DUE:
        digested(desk, event)
        return None
    return told(desk, event)


def told(desk: Desk, event: Mapping[str, Any]) -> Notice | None:
    """Tell what an event says; None when that is nothing.

    Every route is tried even when another one fails, and then the failure is raised: Retry before Undeliverable.
    """
    notice = _noticed(desk, event)
    if notice is None:
        return None
    taken = [route for route in _routes(desk, notice) if not route.drop]
    explain = cache(lambda logs: evidence.gather(desk.clients.evidence, notice, logs, _patience(desk)))
    for_all(taken, lambda route: _tell(desk, route, notice, explain))
    return notice if taken else None


def _noticed(desk: Desk, event: Mapping[str, Any]) -> Notice | None:
    """Read an event with the tags of what it is about: whose it is, who started it, whether it is ignored."""
    found = alarm_events.notice(desk.settings.prefix, event, desk.policy)
    if found is None or not lacks_tags(event, found) or not _may_be_told(desk, found):
        return found
    look = partial(evidence.tags, desk.clients.evidence, found.arn, _patience(desk))
    tags = told_store.first(desk.clients.dynamodb, desk.settings.table, found.key, look, desk.now.timestamp())
    return alarm_events.notice(desk.settings.prefix, tagged(event, tags), desk.policy)


def _may_be_told(desk: Desk, notice: Notice) -> bool:
    return notice.state != "succeeded" or any(route.success for route in desk.policy.routes)


def _patience(desk: Desk) -> float:
    """Return for how many seconds to read what explains a notice: none of a batch should wait for the others'."""
    return min(evidence.PATIENCE, (desk.left() - _ENOUGH) / 1000 - evidence.PATIENCE)


def _routes(desk: Desk, notice: Notice) -> tuple[Route, ...]:
    if notice.state in ("acked", "snoozed"):
        return (route_named(desk.policy, notice.labels["route"]),)
    taken = routes(desk.policy, notice.labels)
    if notice.state in ("cleared", "closed") and notice.labels["alarm"] == "failed":
        return (*taken, *(route for route in desk.policy.routes if route not in taken and _waits(desk, route, notice)))
    return tuple(route for route in taken if route.success or notice.state != "succeeded")


def _waits(desk: Desk, route: Route, notice: Notice) -> bool:
    """Tell whether something is open there that this may end, or ended when it came before and could not be told.

    What is deleted has lost the tags that led there.
    """
    timeline = store.load(desk.clients.dynamodb, desk.settings.table, route.name, notice.subject)
    return _has(timeline, notice) or any(incident.is_open for incident in incidents_of(desk, timeline))


def _tell(desk: Desk, route: Route, notice: Notice, explain: Explain) -> None:
    timeline = _added(desk, route, notice, explain)
    if any(incidents_of(desk, timeline)):
        converse(desk, route, timeline, frozenset({notice.key}))
    if notice.state == "snoozed":
        _snooze(desk, timeline, notice)


def _added(desk: Desk, route: Route, notice: Notice, explain: Explain) -> Timeline:
    """Write a notice down before anything is said of it, so that it cannot be lost."""
    timeline = store.load(desk.clients.dynamodb, desk.settings.table, route.name, notice.subject)
    if _has(timeline, notice):
        return timeline
    explained = notice.state in ("failed", "firing") and not notice.muted
    found = explain(route.logs) if explained else Evidence()
    more = {} if found == Evidence() else {notice.key: found}

    def with_it(latest: Timeline) -> Timeline:
        if _has(latest, notice):
            return latest
        return replace(latest, notices=(*latest.notices, notice), evidence={**latest.evidence, **more})

    return written(desk, timeline, with_it)


def _has(timeline: Timeline, notice: Notice) -> bool:
    return any(each.key == notice.key for each in timeline.notices)


def _snooze(desk: Desk, timeline: Timeline, notice: Notice) -> None:
    """Have CloudWatch itself keep quiet about what fires, so that native paging does too; it wakes up by itself."""
    for incident in incidents_of(desk, timeline):
        alarms = [part.last.part for part in incident.parts if part.firing]
        meant = any(each.key == notice.key for each in incident.notices)
        if meant and alarms and notice.until and notice.until > desk.now:
            rule = snooze_rule(desk.settings.prefix, incident.id, alarms, notice.by, desk.now, notice.until)
            mute_rules.put(desk.clients.cloudwatch, rule)


def looked_after(desk: Desk) -> int:
    """Go through all open incidents: what is due is said, and what ended without an event is ended; return how many."""
    named = list(store.open_timelines(desk.clients.dynamodb, desk.settings.table))
    random.shuffle(named)  # when there is no time for all, nobody must always be the last
    for_all(takewhile(lambda _: _in_time(desk), _loaded(desk, named)), lambda each: _look_after(desk, *each))
    return len(named)


def _in_time(desk: Desk) -> bool:
    enough = desk.left() >= _ENOUGH
    if not enough:
        desk.switchboard.note("ClockCutShort", because="there was no time for all open incidents")
    return enough


def _loaded(desk: Desk, named: Iterable[tuple[str, Ref]]) -> Iterator[tuple[Timeline, _States]]:
    """Yield the timelines, with the states that their firing alarms are in."""
    for some in batched(named, _AT_ONCE, strict=False):
        found = [store.load(desk.clients.dynamodb, desk.settings.table, *each) for each in some]
        firing = {name for timeline in found for name in _firing(desk, timeline)}
        states = dict(cloudwatch.states(desk.clients.cloudwatch, sorted(firing)))
        yield from ((timeline, states) for timeline in found)


type _States = Mapping[str, tuple[str, datetime]]


def _look_after(desk: Desk, timeline: Timeline, states: _States) -> None:
    route, ends = route_named(desk.policy, timeline.route), tuple(_ends(desk, timeline, states))
    if ends:
        timeline = written(desk, timeline, lambda latest: replace(latest, notices=(*latest.notices, *ends)))
    if ends or owes(desk, route, timeline):
        converse(desk, route, timeline, frozenset(each.key for each in ends))
    if not wants_care(desk, timeline):
        written(desk, timeline, lambda latest: latest)  # it is not among the open ones any more


def _ends(desk: Desk, timeline: Timeline, states: _States) -> Iterator[Notice]:
    """Yield what ends alarms that fire here, and are not there any more or are OK: the event of it was lost."""
    for name, last in _firing(desk, timeline).items():
        state = states.get(name)
        if state is None or state[0] == "OK":
            yield _end(last, state, desk.now)


def _firing(desk: Desk, timeline: Timeline) -> dict[str, Notice]:
    """Return the alarms that fire for a while, by name, and what they said last."""
    parts = (part for incident in incidents_of(desk, timeline) for part in incident.parts)
    return {part.last.part: part.last for part in parts if part.firing and desk.now - part.last.at > _SETTLES}


def _end(last: Notice, state: tuple[str, datetime] | None, now: datetime) -> Notice:
    at = state[1].astimezone(UTC) if state else now
    said: State = "cleared" if state else "closed"
    return replace(
        last,
        key=f"{last.part}/{said}/found/{at.isoformat()}",
        state=said,
        at=max(at, last.at + timedelta(seconds=1)),
        value=None,
        points=(),
        reason="",
        links={name: link for name, link in last.links.items() if state or name != "alarm"},
    )
