"""Brings the receivers of a route up to date with a timeline: sends what is due, and writes down what was sent."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sagewatch.errors import (
    ErrorCode,
    Impaired,
    NoAnswer,
    Retry,
    SagewatchError,
    Stale,
    Unauthorised,
    Undeliverable,
    Unreachable,
    understood,
)
from sagewatch.model import OUTAGE, WHOLE_RESOURCE, Incident
from sagewatch.policy.rules import Route
from sagewatch.receivers.receiver import Location, Receiver
from sagewatch.receivers.slack.api import SlackReceiver
from sagewatch.tell.context import (
    BEHIND,
    Context,
    Current,
    change,
    collected,
    current_of,
    may_become_due,
    raise_most_hopeful,
)
from sagewatch.tell.delivery import difference, outage_news
from sagewatch.tell.delivery.difference import PICTURE, Action, Sent
from sagewatch.tell.delivery.moved import renamed
from sagewatch.tell.evidence.graph import graph
from sagewatch.tell.incident.group import BEGINNINGS
from sagewatch.tell.incident.thread import thread_lines
from sagewatch.tell.route import default_route, group_interval, reminders
from sagewatch.tell.store import timelines

EXHAUSTED = 6
"""The attempt from which what a receiver does not take goes to the fallback instead."""

_BUSY_WAIT = 3.0  # s, until another worker should be done with the same timeline


class Busy(Retry):
    """Another worker delivers the same timeline, and will be done soon."""

    code = ErrorCode.ANOTHER_WORKER


def deliver(context: Context, route: Route, current: Current, fresh: frozenset[str]) -> None:
    """Send to every receiver of a route what is still to be sent of a timeline; one worker at a time, else Busy.

    `fresh` are the keys of the notices that have just arrived. Every receiver is tried before a failure is raised,
    Retry before Undeliverable. Then come those that were told of an incident before and are not the route's own any
    more; pictures come last, so that nobody waits for them.
    """
    with claimed(context, route, current, fresh) as claim:
        deliver_claimed(claim)


def deliver_claimed(claim: Claim) -> None:
    """Send what is still to be sent of a timeline that this worker has claimed, as `deliver` does."""
    receivers, route = claim.context.receivers, claim.route
    own, errors = receivers.of_route(route), list[SagewatchError]()
    for name, receiver in own.items():
        with collected(errors):
            claim.catch_up(name, receiver)
    raise_most_hopeful(errors)
    for name, receiver in _former(claim, own.keys(), errors).items():
        with collected(errors):
            claim.go_on(name, receiver)
    raise_most_hopeful(errors)
    for name, receiver in own.items():
        if isinstance(receiver, SlackReceiver):
            claim.illustrate(name, receiver)


def _former(claim: Claim, own: Collection[str], errors: list[SagewatchError]) -> Mapping[str, Receiver]:
    """Return who was told before and is not the route's own any more, by name; those too whom no route has now."""
    context, names = claim.context, claim.current.timeline.sent.keys() - own
    found = context.receivers.former(claim.route, names, context.every_route)
    lost = [name for name in names - found.keys() if name.startswith("webhook:") and claim.has_told_open(name)]
    if not lost:
        return found
    try:
        # The newest last: it says what the secret is called now.
        routes = [route for policy in context.earlier_policies() for route in policy.routes][::-1]
    except Impaired as error:  # it is told later; the others were told already
        errors.append(Retry(str(error), code=error.code))
        return found
    return {**found, **context.receivers.former(claim.route, lost, routes)}


def is_due(context: Context, route: Route, current: Current) -> bool:
    """Return whether anything is still to be sent of a timeline, without any new notice."""
    if current.is_behind or current.moved:
        return True
    claim = Claim(context, route, _by_present_names(context, current), frozenset())
    own = context.receivers.of_route(route)
    if any(claim.delivery(name, receiver).is_due(current.own) for name, receiver in own.items()):
        return True
    names = claim.current.timeline.sent.keys() - own.keys()
    former = context.receivers.former(route, names, context.every_route)
    deliveries = (claim.delivery(name, receiver) for name, receiver in former.items())
    return any(each.is_due(claim.told_incidents(each)) for each in deliveries)


def owed_at(context: Context, route: Route, current: Current) -> datetime | None:
    """Return when somebody who cannot edit is to be told how the outages of a group changed; None when nobody is."""
    claim = Claim(context, route, _by_present_names(context, current), frozenset())
    several = context.receivers.of_route(route).items()
    found = [at for name, receiver in several for at in claim.delivery(name, receiver).owed_at(current.incidents)]
    return min(found, default=None)


def _by_present_names(context: Context, current: Current) -> Current:
    sent = renamed(current.timeline.sent, context.receivers.present_name)
    return current if sent is current.timeline.sent else current.follows(replace(current.timeline, sent=sent))


@contextmanager
def claimed(context: Context, route: Route, current: Current, fresh: frozenset[str]) -> Iterator[Claim]:
    """Hold the claim of a timeline, and yield it; once all was told, the clock looks at it only if more may be due."""
    client, table = context.clients.dynamodb, context.settings.table
    subject, place = current.timeline.subject, current.timeline.place
    if not timelines.claim(client, table, route.name, subject, context.worker, context.now, place):
        after = _BUSY_WAIT * 2 ** (context.attempt - 1)
        raise Busy(f"somebody else is telling of {subject} on {route.name}", after=after)
    settled, joined, is_over = None, 0, True
    try:
        latest = _as_it_is_now(context, route, current)
        claim = Claim(context, route, _by_present_names(context, latest), fresh)
        yield claim
        if not may_become_due(context, claim.current):
            settled, joined = claim.current.timeline.version, len(claim.current.timeline.entries)
            is_over = not claim.current.is_open
    # What a killed worker never gives back ends by itself, after 40 s.
    finally:
        timelines.release(client, table, route.name, subject, context.worker, place, settled, joined, is_over)


def _as_it_is_now(context: Context, route: Route, current: Current) -> Current:
    subject, place = current.timeline.subject, current.timeline.place
    if subject.kind == OUTAGE:
        return current_of(context, route.name, subject)
    return current.follows(timelines.load(context.clients.dynamodb, context.settings.table, route.name, subject, place))


@dataclass(slots=True, kw_only=True)
class Delivery:
    """What one receiver was sent about the incidents of one timeline, and the difference to what should be shown."""

    receiver: Receiver
    """Who is told."""
    sent: dict[str, Sent]
    """By the id of the incident."""
    since: datetime
    """The time of the oldest notice that it was told: who joins a route is told what fires, but not what ended."""
    fresh: frozenset[str]
    """The keys of the notices that have just arrived."""
    remind: Sequence[timedelta]
    """The times of reminders, after the opening."""
    now: datetime
    """The time as of which messages are rendered and reminders are due."""
    store: Callable[[Mapping[str, Sent]], None]
    """Writes down what was sent; called after each message, before the next one."""
    interval: timedelta = timedelta()
    """How long after one message about an outage the next one may come."""
    is_unknown: bool = False
    """Whether nothing is stored of it, or that a fallback stood in: then catching up is stored in any case."""

    def is_due(self, incidents: Sequence[Incident]) -> bool:
        """Return whether anything is still to be sent about the incidents of a timeline."""
        capabilities = self.receiver.capabilities
        if any(difference.merged(self.sent, incidents, capabilities)):
            return True
        if any(difference.superseded(self.sent, incidents, capabilities, self.now)):
            return True
        sent = difference.by_present_id(self.sent, incidents, capabilities)
        return any(self._due(each, sent.get(each.id), self._fingerprint(each), is_news=False) for each in incidents)

    def owed_at(self, outages: Sequence[Incident]) -> list[datetime]:
        """Return when something is to be sent about outages that waits until then."""
        capabilities = self.receiver.capabilities
        times = (
            outage_news.due_at(each, self.sent.get(each.id), capabilities, self.now, self.interval) for each in outages
        )
        return [each for each in times if each]

    def catch_up(self, incidents: Sequence[Incident], moved: Sequence[Incident] = ()) -> bool:
        """Send what is still to be sent about the incidents of a timeline, oldest first; return whether that was any.

        What was sent about those that `moved` into a group is withdrawn.

        A mistake of ours in the words for one receiver is Undeliverable, too: it must not silence the others.
        """
        with understood("An incident could not be put into words"):
            return self._catch_up(incidents, moved)

    def _catch_up(self, incidents: Sequence[Incident], moved: Sequence[Incident]) -> bool:
        capabilities = self.receiver.capabilities
        for id_, over, line in difference.superseded(self.sent, incidents, capabilities, self.now):
            self.receiver.add(self._root(id_), over, line)
            parts = {**(self.sent[id_].parts or {}), WHOLE_RESOURCE: difference.ENDED}
            self.sent[id_] = replace(self.sent[id_], parts=parts)
            self._store()
        superfluous = (
            *difference.merged(self.sent, incidents, capabilities),
            *difference.moved(self.sent, moved, capabilities),
        )
        for action in superfluous:
            self.receiver.withdraw(action.where)
        if capabilities.keyed and not capabilities.editable:
            self._say_moved(moved)
        self.sent = difference.by_present_id(self.sent, incidents, self.receiver.capabilities)
        if superfluous or moved:
            self._store()
        told, news = False, self._news(incidents, self.sent)
        due: list[tuple[Incident, Action, str]] = []
        for incident in incidents:
            fingerprint, is_news = self._fingerprint(incident), incident.id in news
            several = self._due(incident, self.sent.get(incident.id), fingerprint, is_news)
            due += [(incident, action, fingerprint) for action in several]
        if capabilities.editable:
            # Slack takes one message a second in a channel: openings, acknowledgements and ends go before the threads.
            due.sort(key=lambda each: each[1].do not in ("post", "edit"))
        for incident, action, fingerprint in due:
            try:
                self._perform(incident, action, fingerprint)
            except NoAnswer:
                self._doubt(incident, action)
                raise
            told = True
        if self.is_unknown:
            # Who has nothing to be told yet (an escalation) must know later since when it was told.
            self._store()
        return told

    def _say_moved(self, moved: Sequence[Incident]) -> None:
        """Tell a program that keeps incidents by their ids that these go on as part of another one."""
        told = difference.by_present_id(self.sent, moved, self.receiver.capabilities)
        for incident in moved:
            if incident.id in told:
                ended = replace(incident, id=told[incident.id].key or incident.id, status="closed", ended=self.now)
                self.receiver.add(told[incident.id].root, ended, outage_news.moved_line(incident, self.now))

    def _news(self, incidents: Sequence[Incident], sent: Mapping[str, Sent]) -> frozenset[str]:
        """Return the ids of the incidents that what has just arrived may have changed, and that are worth telling."""
        news = difference.touched(incidents, self.fresh, sent)
        return news if self.receiver.capabilities.editable else news - difference.outlived(incidents)

    def owed(self, incidents: Sequence[Incident]) -> dict[str, Sent]:
        """Return what was sent, with each incident whose opening is still to be sent: it stays so when it ends."""
        sent = difference.by_present_id(self.sent, incidents, self.receiver.capabilities)
        news = self._news(incidents, sent)
        found = dict(self.sent)
        for incident in incidents:
            due = self._due(incident, sent.get(incident.id), "", incident.id in news)
            if incident.id not in sent and any(action.do == "post" for action in due):
                found[incident.id] = Sent(key=incident.id)
        return found

    def _fingerprint(self, incident: Incident) -> str:
        editable = self.receiver.capabilities.editable
        return self.receiver.fingerprint(self._as_first_sent(incident), self.now) if editable else ""

    def _as_first_sent(self, incident: Incident) -> Incident:
        """Return an incident with the id that the receiver knows it by: one that arrived late may have changed it."""
        sent = self.sent.get(incident.id)
        return replace(incident, id=sent.key) if sent and sent.key else incident

    def _due(self, incident: Incident, sent: Sent | None, fingerprint: str, is_news: bool) -> tuple[Action, ...]:
        begins = (notice for notice in incident.notices if notice.state in BEGINNINGS)
        # Of what was cut off an incident that was told, the beginning was told with that.
        is_past = not (is_news and self.sent) and all(notice.at < self.since for notice in begins)
        if is_past and sent is None and not any(part.firing for part in incident.parts):
            return ()
        history = [line for line in thread_lines(incident, self.remind, self.now) if line.at >= self.since]
        capabilities = self.receiver.capabilities
        told = (sent, self.fresh, is_news, fingerprint, capabilities)
        if incident.members:
            return tuple(outage_news.due(incident, history, *told, self.now, self.interval))
        return tuple(difference.due(incident, history, *told))

    def _perform(self, incident: Incident, action: Action, fingerprint: str) -> None:
        """Do one thing and write it down.

        A message that is not there any more was deleted by somebody, or is too old to be edited: it is posted anew.
        """
        root, previous, shown = self._root(incident.id), self._root(incident.previous), self._as_first_sent(incident)
        if action.do == "post" and self.receiver.capabilities.keyed and incident.id not in self.sent:
            # Should the answer be lost, the next attempt must name the same incident.
            self.sent[incident.id] = Sent(key=incident.id)
            self._store()
        if action.do == "reply" and not self.receiver.capabilities.editable:
            # After a crash the part may stand otherwise: then what was sent must be followed by how it stands now.
            self._doubt(incident, action)
        if action.do == "post":
            where = self.receiver.open(shown, self.now, previous)
        elif action.do == "edit":
            try:
                where = self.receiver.edit(root, shown, self.now, previous)
            except Stale:
                where = self.receiver.open(shown, self.now, previous)
        elif action.do == "reply" and action.line:
            try:
                where = self.receiver.add(root, shown, action.line)
            except Stale:
                anew = self.receiver.open(shown, self.now, previous)
                self._remember(Action(do="post", id=incident.id), anew, fingerprint, incident)
                where = self.receiver.add(anew, shown, action.line)
        else:
            self.receiver.withdraw(action.where)
            where = {}
        self._remember(action, where, fingerprint, incident)

    def _root(self, id_: str) -> Location:
        return self.sent[id_].root if id_ in self.sent else {}

    def _remember(self, action: Action, where: Location, fingerprint: str, incident: Incident) -> None:
        """Write down what was sent, once the action is done."""
        sent = difference.after(self.sent.get(action.id), action, where, fingerprint, incident)
        if incident.members:
            sent = outage_news.after(sent, action, incident, self.now)
        self.sent[action.id] = sent
        self._store()

    def _doubt(self, incident: Incident, action: Action) -> None:
        """Write down that nobody knows whether a message arrived: what it said counts as neither told nor untold."""
        before = self.sent.get(action.id)
        doubtful = before and difference.doubted(before, action, incident)
        if doubtful and doubtful != before:
            self.sent[action.id] = doubtful
            self._store()

    def _store(self) -> None:
        self.store(self.sent)
        self.is_unknown = False


@dataclass(slots=True)
class Claim:
    """A timeline that this worker alone delivers for now, to the receivers of one route."""

    context: Context
    route: Route
    current: Current
    fresh: frozenset[str]

    def delivery(self, name: str, receiver: Receiver, in_place_of: str = "") -> Delivery:
        """Return what a receiver was sent; one in place of another knows since when that one was told."""
        stored, now = self.current.timeline.sent, self.context.now
        times = [notice.at for notice in self.current.timeline.notices if notice.key in self.fresh]
        # Of an outage no notice is fresh: whoever is on the route is told of it from its beginning.
        times += [each.opened for each in self.current.incidents if each.members and each.is_open]
        if in_place_of in stored:
            times.append(datetime.fromisoformat(stored[in_place_of]["since"]))
        sent, since = difference.of_stored(stored.get(name, {}), times, now)
        return Delivery(
            receiver=receiver,
            sent=sent,
            since=since,
            fresh=self.fresh,
            remind=reminders(self.route),
            interval=group_interval(self.route),
            now=now,
            store=lambda sent: self._store(name, difference.to_stored(sent, since)),
            is_unknown=stored.get(name, {BEHIND: True}).get(BEHIND, False),
        )

    def catch_up(self, name: str, receiver: Receiver) -> None:
        """Tell one receiver; when it does not take it, somebody else, and it is owed what it was not told."""
        delivery = self.delivery(name, receiver)
        was_behind = name in self.current.timeline.sent and delivery.is_unknown
        try:
            delivery.catch_up(self.current.own, self.current.moved)
        except (Undeliverable, Retry) as error:
            # Nothing new is lost: the clock tries again, every five minutes, and somebody else was told already.
            if was_behind and not self.fresh:
                return
            self.fall_back(name, receiver, error)

    def fall_back(self, name: str, receiver: Receiver, error: Undeliverable | Retry) -> None:
        """Tell somebody else what a receiver does not take for good, or too often; raise the error when nobody does."""
        if isinstance(error, Retry) and self.context.attempt < EXHAUSTED:
            raise error
        if isinstance(error, Unreachable | Unauthorised):
            self._note_broken(name, error)
        self._mark_behind(name, receiver, self.current.incidents)
        self._tell_another(name, error)

    def _mark_behind(self, name: str, receiver: Receiver, incidents: Sequence[Incident]) -> None:
        """Write down that a receiver has to catch up, and on which incidents: the clock sees to that."""
        delivery = self.delivery(name, receiver)
        owed = delivery.owed(incidents)
        self._store(name, {**difference.to_stored(owed, delivery.since), BEHIND: True})

    def _tell_another(self, name: str, error: SagewatchError) -> None:
        default_channel = default_route(self.context.policy).slack
        for other, receiver in self.context.receivers.fallback(self.route, name, default_channel).items():
            try:
                told = self.delivery(other, receiver, in_place_of=name).catch_up(self.current.own)
            except (Undeliverable, Retry):
                continue
            if not receiver.has_readers():
                continue
            if told:
                self.context.receivers.note("ToldByFallback", voice=name, by=other, because=str(error), code=error.code)
            return
        raise error

    def go_on(self, name: str, receiver: Receiver) -> None:
        """Tell a receiver that is not the route's own how the incidents go on that it was told of before."""
        delivery = self.delivery(name, receiver)
        was_behind = delivery.is_unknown = bool(self.current.timeline.sent.get(name, {}).get(BEHIND))
        try:
            delivery.catch_up(self.told_incidents(delivery), self.current.moved)
        except (Undeliverable, Retry) as error:
            if was_behind and not self.fresh:
                return
            if isinstance(error, Retry) and self.context.attempt < EXHAUSTED:
                raise
            self._note_broken(name, error)
            self._mark_behind(name, receiver, self.told_incidents(delivery))

    def told_incidents(self, delivery: Delivery) -> tuple[Incident, ...]:
        """Return the incidents that a receiver was told of."""
        known = difference.by_present_id(delivery.sent, self.current.own, delivery.receiver.capabilities)
        return tuple([each for each in self.current.own if each.id in known])

    def has_told_open(self, name: str) -> bool:
        """Return whether a receiver holds any of the incidents for open."""
        sent, _ = difference.of_stored(self.current.timeline.sent[name], (), self.context.now)
        known = {id_ for incident in self.current.incidents for id_ in incident.anchors}
        return any((sent[id_].parts or {}).get(WHOLE_RESOURCE) != difference.ENDED for id_ in known & sent.keys())

    def _note_broken(self, name: str, error: SagewatchError) -> None:
        self.context.receivers.note(
            "ChannelBroken", voice=name, route=self.route.name, because=str(error), code=error.code
        )

    def illustrate(self, name: str, receiver: SlackReceiver) -> None:
        """Put the graph of the alarm that opened an incident into its thread, once; without one the message stands."""
        delivery = self.delivery(name, receiver)
        for incident in self.current.own:
            opening, sent = incident.notices[0], delivery.sent.get(incident.id)
            is_new = opening.state == "firing" and opening.key in self.fresh
            if not (is_new and sent and sent.root) or any(key.startswith(PICTURE) for key in sent.lines):
                continue
            png = graph(self.context.graph_clients.cloudwatch, opening)
            try:
                if png is None:
                    raise Undeliverable("CloudWatch drew none", code=ErrorCode.NO_GRAPH)
                receiver.show(sent.root, opening.title, png)
            except SagewatchError as error:
                self.context.receivers.note("PictureMissed", alarm=opening.part, because=str(error), code=error.code)
                continue
            delivery.sent[incident.id] = replace(sent, lines={**sent.lines, f"{PICTURE}{incident.id}": {}})
            delivery.store(delivery.sent)

    def _store(self, name: str, sent: dict[str, Any]) -> None:
        """Write down what a receiver was sent. Only who holds the claim writes that, so others' notices are kept."""
        self.current = change(
            self.context, self.current, lambda latest: replace(latest, sent={**latest.sent, name: sent})
        )
