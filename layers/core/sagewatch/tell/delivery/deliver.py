"""Holds the conversation about a timeline: who claims it, says on every voice what is still to be said."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cache
from typing import Any

import boto3
from botocore.config import Config

from sagewatch.aws.errors import BRISK
from sagewatch.errors import Retry, SagewatchError, Undeliverable, Unreachable
from sagewatch.model import Incident, Unit
from sagewatch.policy.rules import Policy, Route
from sagewatch.receivers.build import SlackBot, Switchboard
from sagewatch.receivers.receiver import Voice
from sagewatch.settings import NotifySettings
from sagewatch.tell.delivery import actions as delivery
from sagewatch.tell.delivery.actions import PICTURE, Said, Talk
from sagewatch.tell.evidence import gather as evidence
from sagewatch.tell.evidence import graph as graphs
from sagewatch.tell.incident.group import incidents, kept
from sagewatch.tell.route import default_route, route_named
from sagewatch.tell.store import timelines as store
from sagewatch.tell.store.timelines import Conflict, Timeline
from sagewatch.units import parse

EXHAUSTED = 6
"""After so many deliveries of a message, what a voice did not take goes to the fallback instead."""

_BEHIND = "behind"
"""What is remembered of a channel that a fallback stood in for: the clock has it catch up when it can."""

_BUSY = 3.0  # s, until somebody who talks on the same timeline should be done
_MOST_SAVES = 5
_HASTY = Config(retries={"mode": "standard", "max_attempts": 1}, connect_timeout=1, read_timeout=3)
_LATE = timedelta(minutes=15)
"""How late the clock may be, which strikes every five minutes."""


@dataclass(frozen=True, slots=True)
class Clients:
    """What the function holds for the life of its container; what only some notices need is made when it is needed."""

    dynamodb: Any
    cloudwatch: Any
    sqs: Any
    evidence: evidence.Clients
    artist: Callable[[], Any]

    @classmethod
    def of(cls) -> Clients:
        """Return them; who draws is a client of CloudWatch that gives up soon."""
        make: Any = boto3.client
        dynamodb, cloudwatch, sqs = (make(name, config=BRISK) for name in ("dynamodb", "cloudwatch", "sqs"))
        artist = cache(lambda: make("cloudwatch", config=_HASTY))
        return cls(dynamodb, cloudwatch, sqs, evidence.Clients.of(BRISK), artist)


class Busy(Retry):
    """Somebody else talks on the same timeline, and will be done soon."""


def unhurried() -> int:
    """Return the time left of somebody who has no deadline, in ms."""
    return 30_000


@dataclass(frozen=True, slots=True)
class Desk:
    """Who tells, on whose behalf, and when; `left` is the time left, in ms.

    `who` tells those apart who talk at the same time.
    """

    clients: Clients
    settings: NotifySettings
    switchboard: Switchboard
    policy: Policy
    now: datetime
    who: str
    attempt: int = 1
    left: Callable[[], int] = unhurried


def for_all[T](several: Iterable[T], work: Callable[[T], object]) -> None:
    """Do something for all of them even when it fails for some, and then raise the most hopeful failure."""
    errors: list[SagewatchError] = []
    for each in several:
        try:
            work(each)
        except SagewatchError as error:
            errors.append(error)
    if errors:
        raise min(errors, key=lambda error: not isinstance(error, Retry))


def incidents_of(desk: Desk, timeline: Timeline) -> tuple[Incident, ...]:
    """Return the incidents of a timeline as of now."""
    return incidents(timeline.route, timeline.notices, timeline.evidence, desk.now)


def written(desk: Desk, timeline: Timeline, change: Callable[[Timeline], Timeline]) -> Timeline:
    """Write a change of a timeline down, on top of what others wrote meanwhile; return it as it is then."""
    for _ in range(_MOST_SAVES - 1):
        try:
            return _saved(desk, change(timeline))
        except Conflict:
            timeline = store.load(desk.clients.dynamodb, desk.settings.table, timeline.route, timeline.subject)
    return _saved(desk, change(timeline))


def _saved(desk: Desk, timeline: Timeline) -> Timeline:
    worth = replace(timeline, notices=kept(timeline.notices))
    return store.save(desk.clients.dynamodb, desk.settings.table, worth, wants_care(desk, worth), desk.now)


def wants_care(desk: Desk, timeline: Timeline) -> bool:
    """Tell whether something may become due by itself.

    That is what fires, flaps or sleeps, what people are reminded of, and what a channel has to catch up on.
    """
    last = max(_ladder(route_named(desk.policy, timeline.route)), default=timedelta())
    behind = any(each.get(_BEHIND) for each in timeline.sent.values())
    return behind or any(
        any(part.firing or part.flapping for part in each.parts)
        or each.status == "snoozed"
        or (each.is_open and desk.now <= each.opened + last + _LATE)
        for each in incidents_of(desk, timeline)
    )


def _ladder(route: Route) -> tuple[timedelta, ...]:
    return tuple(timedelta(seconds=parse(each, Unit.SECONDS)) for each in route.remind)


def owes(desk: Desk, route: Route, timeline: Timeline) -> bool:
    """Tell whether anything is still to be said of a timeline, without any new notice."""
    if any(each.get(_BEHIND) for each in timeline.sent.values()):
        return True
    talker, several = _Talker(desk, route, timeline, frozenset()), incidents_of(desk, timeline)
    return any(talker.talk(name, voice).owes(several) for name, voice in desk.switchboard.voices(route).items())


def converse(desk: Desk, route: Route, timeline: Timeline, fresh: frozenset[str]) -> None:
    """Say on every voice of a route what is still to be said of a timeline; one talker at a time.

    `fresh` are the keys of the notices that it is about.
    """
    client, table, subject = desk.clients.dynamodb, desk.settings.table, timeline.subject
    if not store.claim(client, table, route.name, subject, desk.who, desk.now):
        after = _BUSY * 2 ** (desk.attempt - 1)
        raise Busy(f"somebody else is telling of {subject} on {route.name}", after=after)
    try:
        _Talker(desk, route, store.load(client, table, route.name, subject), fresh).talk_to_all()
    finally:
        store.release(client, table, route.name, subject, desk.who)


@dataclass(slots=True)
class _Talker:
    """Somebody who has claimed a timeline."""

    desk: Desk
    route: Route
    timeline: Timeline
    fresh: frozenset[str]

    def talk_to_all(self) -> None:
        """Say everything on every voice, then on those that told of an incident before and are not the route's own.

        Pictures come last, so that nobody waits for them.
        """
        own = self.desk.switchboard.voices(self.route)
        for_all(own.items(), lambda named: self._catch_up(*named))
        former = self.desk.switchboard.former(self.route, self.timeline.sent.keys() - own.keys())
        for_all(former.items(), lambda named: self._go_on(*named))
        for name, voice in own.items():
            if isinstance(voice, SlackBot):
                self._illustrate(name, voice)

    def talk(self, name: str, voice: Voice, in_place_of: str = "") -> Talk:
        """Return the talk on a voice; one in place of another knows since when that one was told."""
        known = self.timeline.sent.get(in_place_of, {})
        times = [notice.at for notice in self.timeline.notices if notice.key in self.fresh]
        since = [datetime.fromisoformat(known["since"])] if known else []
        said, oldest = delivery.of_data(self.timeline.sent.get(name, {}), [*times, *since], self.desk.now)
        return Talk(
            voice=voice,
            sent=said,
            since=oldest,
            fresh=self.fresh,
            ladder=_ladder(self.route),
            now=self.desk.now,
            remember=lambda said: self._remember(name, delivery.as_data(said, oldest)),
        )

    def _say(self, name: str, voice: Voice, in_place_of: str = "") -> None:
        spoken = self.talk(name, voice, in_place_of)
        spoken.catch_up(incidents_of(self.desk, self.timeline))
        if self.timeline.sent.get(name, {_BEHIND: True}).get(_BEHIND):
            # Who has nothing to say yet (an escalation) must know later since when it was told.
            spoken.remember(spoken.sent)

    def _catch_up(self, name: str, voice: Voice) -> None:
        """Say on one voice what is still to be said; what fails for good, or too often, goes to the fallback."""
        try:
            self._say(name, voice)
        except (Undeliverable, Retry) as error:
            if isinstance(error, Retry) and self.desk.attempt < EXHAUSTED:
                raise
            if isinstance(error, Unreachable):
                self.desk.switchboard.note("ChannelBroken", voice=name, route=self.route.name, because=str(error))
            self._fall_back(name, error)
            if isinstance(error, Retry) and isinstance(voice, SlackBot):
                known = self.talk(name, voice)
                self._remember(name, {**delivery.as_data(known.sent, known.since), _BEHIND: True})

    def _fall_back(self, name: str, error: SagewatchError) -> None:
        """Say it on the first other voice that takes it; when none does, the failure stays what it was."""
        default = default_route(self.desk.policy).slack
        for other, voice in self.desk.switchboard.fallback(self.route, name, default).items():
            try:
                self._say(other, voice, in_place_of=name)
            except (Undeliverable, Retry):
                continue
            self.desk.switchboard.note("ToldByFallback", voice=name, by=other, because=str(error))
            return
        raise error

    def _go_on(self, name: str, voice: Voice) -> None:
        """Tell who heard of an incident before, by a fallback or another policy, how that one goes on."""
        spoken = self.talk(name, voice)
        heard = [
            each for each in incidents_of(self.desk, self.timeline) if spoken.sent.keys() & {each.id, *each.anchors}
        ]
        try:
            spoken.catch_up(heard)
        except Undeliverable as error:
            self.desk.switchboard.note("ChannelBroken", voice=name, route=self.route.name, because=str(error))

    def _illustrate(self, name: str, voice: SlackBot) -> None:
        """Put the graph of the alarm that opened an incident into its thread, once; without one the message stands."""
        spoken = self.talk(name, voice)
        for incident, said in self._unillustrated(spoken.sent):
            opening = incident.notices[0]
            picture = graphs.graph(self.desk.clients.artist(), opening)
            if picture is None:
                self.desk.switchboard.note("PictureMissed", alarm=opening.part, because="CloudWatch drew none")
                continue
            try:
                voice.show(said.root, opening.title, picture)
            except SagewatchError as error:
                self.desk.switchboard.note("PictureMissed", alarm=opening.part, because=str(error))
                continue
            spoken.sent[incident.id] = replace(said, lines={**said.lines, f"{PICTURE}{incident.id}": {}})
            spoken.remember(spoken.sent)

    def _unillustrated(self, sent: Mapping[str, Said]) -> Iterator[tuple[Incident, Said]]:
        """Yield the incidents that a fresh alarm opened, and that were told and have no picture yet."""
        for incident in incidents_of(self.desk, self.timeline):
            opening, said = incident.notices[0], sent.get(incident.id)
            opens = opening.state == "firing" and opening.key in self.fresh
            if opens and said and said.root and not any(key.startswith(PICTURE) for key in said.lines):
                yield incident, said

    def _remember(self, name: str, said: dict[str, Any]) -> None:
        """Write down what was said. Only who has claimed the timeline writes that, so others' notices are kept."""
        self.timeline = written(
            self.desk, self.timeline, lambda latest: replace(latest, sent={**latest.sent, name: said})
        )
