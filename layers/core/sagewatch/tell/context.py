"""What a batch of messages is worked on with: clients, policy, time, and timelines as they are now.

A timeline is read and changed together with the incidents that follow from it. It is written only when nobody else
wrote meanwhile, else the change is made again on top of theirs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from uuid import uuid4

from sagewatch.aws.clients import Clients
from sagewatch.aws.deadline import Deadline
from sagewatch.errors import ErrorCode, Impaired, Retry, SagewatchError
from sagewatch.model import OUTAGE, Incident, Notice, Ref
from sagewatch.policy.rules import Policy, PolicyInForce, Route
from sagewatch.receivers.build import Receivers
from sagewatch.settings import NotifySettings
from sagewatch.tell.incident.group import incidents
from sagewatch.tell.incident.retention import retained
from sagewatch.tell.outage.derive import Members, group_of, outages, own
from sagewatch.tell.route import default_route, reminders, route_named
from sagewatch.tell.store import timelines
from sagewatch.tell.store.timelines import Conflict, Timeline, owner_of

ENOUGH_MS = 12_000
"""Milliseconds for one message when Slack does not answer, or DynamoDB only at the third time."""

BEHIND = "behind"
"""Marks what was sent to a receiver that a fallback stood in for: the clock has it catch up when it can."""

_MOST_SAVES = 5
_LATE = timedelta(minutes=15)
"""How late the clock may be, which strikes every five minutes."""


@dataclass(slots=True)
class Context:
    """What a batch of messages is worked on with."""

    clients: Clients
    """For what must be done: the table, the queue, the mute rules, the topics."""
    evidence_clients: Clients
    """For reading what explains a notice: they give up sooner."""
    graph_clients: Clients
    """For drawing the graph of an alarm: they give up at once."""
    settings: NotifySettings
    """What the environment of the function says."""
    receivers: Receivers
    """Who can be told, built by route."""
    read_policy: Callable[[], PolicyInForce]
    """Called once for each batch, when the policy is first needed."""
    now: datetime
    """The time of the batch, in UTC: everything that is derived is as of then."""
    deadline: Deadline = field(default_factory=Deadline)
    """When Lambda ends the invocation; what is not begun in time goes back to the queue."""
    worker: str = field(default_factory=lambda: uuid4().hex)
    """Tells those apart who work on the same timeline at the same time."""
    attempt: int = 1
    """How often the message that is worked on was received, this time counted."""
    opening: frozenset[Ref] = frozenset()
    """The resources of which the messages of this batch say that something opens."""
    known_policy: Policy | None = None
    """What `policy` returns; None until it was asked for."""
    has_own_routes: bool = True
    """Whether the routes of `policy` are the owner's; False while the document is broken."""
    every_route: tuple[Route, ...] = ()
    """The owner's routes, those too by which nobody is told while the document is broken."""
    earlier_policies: Callable[[], Iterable[Policy]] = tuple
    """Called for the policies before this one, the newest first, where somebody is told whom no route has any more."""

    @property
    def policy(self) -> Policy:
        """The policy by which people are told: of a broken one, only the default route is left."""
        if self.known_policy is None:
            in_force = self.read_policy()
            policy = in_force.policy
            self.known_policy = replace(policy, routes=(default_route(policy),)) if in_force.faults else policy
            self.has_own_routes, self.every_route = not in_force.faults, policy.routes
        return self.known_policy

    def place_of(self, notice: Notice) -> str:
        """Return the account and Region of a notice, `999999999999/eu-west-1`; nothing for those of this stack."""
        own = self.settings.topic_arn.split(":")[3:5]
        place = notice.place
        known = bool(place.account and place.region)
        return f"{place.account}/{place.region}" if known and [place.region, place.account] != own else ""

    def require_time(self) -> None:
        """Raise Retry when there is not enough time left for another message."""
        if self.deadline.remaining_ms() < ENOUGH_MS:
            raise Retry(
                "out of time before this message; it goes back to the queue", after=1, code=ErrorCode.OUT_OF_TIME
            )


@dataclass(slots=True)
class Current:
    """A timeline, and its incidents as of `now`, which are derived once, when they are first asked for."""

    timeline: Timeline
    now: datetime
    derived: tuple[Incident, ...] | None = None
    members: Members = field(default_factory=dict)
    """Of a group, the timelines of its members."""

    @property
    def incidents(self) -> tuple[Incident, ...]:
        """The incidents of the timeline, oldest first; those of a group are outages."""
        if self.derived is None:
            timeline = self.timeline
            if timeline.subject.kind == OUTAGE:
                self.derived = outages(timeline, self.members, self.now)
            else:
                self.derived = incidents(timeline.route, timeline.notices, timeline.evidence, self.now)
        return self.derived

    @property
    def own(self) -> tuple[Incident, ...]:
        """The incidents that are told by this timeline, and by no group in its place."""
        return own(self.timeline, self.incidents)

    @property
    def moved(self) -> tuple[Incident, ...]:
        """The incidents that a group tells, and of which somebody was told before."""
        if not self.timeline.grouped:
            return ()
        told = {id_ for sent in self.timeline.sent.values() for id_ in sent["said"]}
        return tuple(
            [each for each in self.incidents if group_of(self.timeline, each) and told & {each.id, *each.anchors}]
        )

    def follows(self, timeline: Timeline) -> Current:
        """Return a later state of the timeline, with the same incidents when nothing was added or dropped."""
        before = self.timeline
        same = (timeline.notices, timeline.evidence, timeline.clusters) == (
            before.notices,
            before.evidence,
            before.clusters,
        )
        return Current(timeline, self.now, self.derived if same else None, self.members)

    @property
    def is_open(self) -> bool:
        """Whether any incident of it is not over."""
        return any(incident.is_open for incident in self.incidents)

    @property
    def is_behind(self) -> bool:
        """Whether a receiver has to catch up on what a fallback was told in its place."""
        return any(sent.get(BEHIND) for sent in self.timeline.sent.values())


def current_of(context: Context, route: str, subject: Ref, place: str = "") -> Current:
    """Read a timeline as it is now; of a group, those of its members, too."""
    client, table = context.clients.dynamodb, context.settings.table
    timeline = timelines.load(client, table, route, subject, place)
    if subject.kind != OUTAGE:
        return Current(timeline, context.now)
    owners = [owner_of(each)[:2] for each in sorted(timeline.entries)]
    return Current(timeline, context.now, members=timelines.load_all(client, table, route, owners))


def change(context: Context, current: Current, to: Callable[[Timeline], Timeline]) -> Current:
    """Write a change of a timeline, on top of what others wrote meanwhile; return it as it is then."""
    client, table, timeline = context.clients.dynamodb, context.settings.table, current.timeline
    for _ in range(_MOST_SAVES - 1):
        try:
            return _save(context, current, to(current.timeline))
        except Conflict:
            current = current.follows(timelines.load(client, table, timeline.route, timeline.subject, timeline.place))
    return _save(context, current, to(current.timeline))


def _save(context: Context, before: Current, timeline: Timeline) -> Current:
    if timeline.notices is not before.timeline.notices:
        timeline = replace(timeline, notices=retained(timeline.notices))
    current = before.follows(timeline)
    # The clock looks at it until all of it was told: a crash, or a receiver that fails, must not leave it untold.
    is_open = bool(current.incidents) or timeline.subject.kind == OUTAGE
    saved = timelines.save(context.clients.dynamodb, context.settings.table, timeline, is_open, context.now)
    return current.follows(saved)


def may_become_due(context: Context, current: Current) -> bool:
    """Return whether something may have to be sent without any new notice, so that the clock must look at it.

    That is what fires or flaps, a snooze that outlasts its incident, what people are reminded of, and what a receiver
    has to catch up on.
    """
    last = max(reminders(route_named(context.policy, current.timeline.route)), default=timedelta())
    return current.is_behind or any(
        any(part.firing or part.flapping for part in incident.parts)
        or (incident.snoozed_until is not None and context.now < incident.snoozed_until)
        or (incident.is_open and context.now <= _last_change(incident) + last + _LATE)
        for incident in current.incidents
    )


def _last_change(incident: Incident) -> datetime:
    """Return the last time from which reminders may count: a notice, or the end of a snooze."""
    return max(incident.notices[-1].at, incident.snoozed_until or incident.opened)


@contextmanager
def collected(errors: list[SagewatchError]) -> Iterator[None]:
    """Keep an error for later, so that the next one in a loop is tried all the same."""
    try:
        yield
    except SagewatchError as error:
        errors.append(error)


def raise_most_hopeful(errors: list[SagewatchError]) -> None:
    """Raise the first Impaired among the errors, else the first Retry, else the first; nothing when there is none."""
    if errors:
        raise min(errors, key=lambda error: (not isinstance(error, Impaired), not isinstance(error, Retry)))
