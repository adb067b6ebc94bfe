"""Sends the daily digest to every route that wants it, to each place once a day."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sagewatch.fleet.coverage import of_data
from sagewatch.model import Place
from sagewatch.receivers.sns import api as sns
from sagewatch.tell.delivery.deliver import Desk, for_all
from sagewatch.tell.digest import messages as words
from sagewatch.tell.digest.summary import DAY, Digest, Told, digest
from sagewatch.tell.read.sagemaker_events import happened
from sagewatch.tell.store import seen as told_store
from sagewatch.tell.store import timelines as store
from sagewatch.tell.store.timelines import Timeline


@dataclass(frozen=True, slots=True)
class Reader:
    """A place where the digest is read: whose route it is, what it is remembered under, and how it gets there."""

    route: str
    place: str
    send: Callable[[Digest], object]


def digested(desk: Desk, event: Mapping[str, Any]) -> int:
    """Send the digest to who has not had that day's yet; return to how many. Every place is tried before one fails."""
    client, table, day = desk.clients.dynamodb, desk.settings.table, _day(event, desk.now)
    waiting = [each for each in _readers(desk) if not told_store.was_told(client, table, _key(each, day), each.place)]
    if not waiting:
        return 0
    found = gathered(desk, event)

    def send(reader: Reader) -> None:
        reader.send(found)
        told_store.remember(client, table, _key(reader, day), reader.place, desk.now.timestamp())

    for_all(waiting, send)
    return len(waiting)


def gathered(desk: Desk, event: Mapping[str, Any]) -> Digest:
    """Return what is to be said: the tally out of the event, and what the timelines hold."""
    tally = of_data(event.get("detail") or {})
    return digest(_place(desk), tally, _told(desk), desk.now)


def _told(desk: Desk) -> Iterator[Told]:
    """Yield the timelines that changed within the day, and those that are open however old they are."""
    client, table = desk.clients.dynamodb, desk.settings.table
    changed = {(each.route, each.subject): each for each in store.changed_timelines(client, table, desk.now - DAY)}
    still = [named for named in store.open_timelines(client, table) if named not in changed]
    for each in (*changed.values(), *(store.load(client, table, *named) for named in still)):
        yield _heard(each)


def _heard(timeline: Timeline) -> Told:
    return timeline.subject, timeline.notices, timeline.evidence


def _readers(desk: Desk) -> tuple[Reader, ...]:
    """Return the places of the routes that want the digest, each place once: of all routes it would say the same."""
    found: dict[str, Reader] = {}
    for route in desk.policy.routes:
        if not route.digest:
            continue
        if route.slack and (channel := desk.switchboard.slack):
            name = f"slack:{route.slack}" if channel.editable else "slack:webhook"
            post = _posting(channel.post, route.slack)
            found.setdefault(name, Reader(route.name, name, post))
        if route.sns:
            arn = desk.settings.topic_arn if route.sns == "default" else route.sns
            found.setdefault(f"sns:{arn}", Reader(route.name, f"sns:{arn}", _mailing(desk.switchboard.sns, arn)))
        if route.chatbot:
            name = f"chatbot:{route.chatbot}"
            found.setdefault(name, Reader(route.name, name, _handing(desk.switchboard.sns, route.chatbot)))
    return tuple(found.values())


def _posting(post: Callable[[str | None, dict[str, Any]], object], channel: str) -> Callable[[Digest], object]:
    return lambda found: post(channel, words.message(found))


def _mailing(client: Any, arn: str) -> Callable[[Digest], object]:
    def mail(found: Digest) -> None:
        said = words.letter(found)
        sns.send(client, arn, said.subject, said.body, said.attributes)

    return mail


def _handing(client: Any, arn: str) -> Callable[[Digest], object]:
    return lambda found: sns.send_raw(client, arn, json.dumps(words.notification(found)))


def _key(reader: Reader, day: str) -> str:
    return f"digest/{reader.route}/{day}"


def _day(event: Mapping[str, Any], now: datetime) -> str:
    """Return the day that an event is of, which does not change with a delivery after midnight; today without one."""
    at = happened(event)
    return f"{at if at.timestamp() else now:%Y-%m-%d}"


def _place(desk: Desk) -> Place:
    """Return where this is, out of the alerts topic's ARN."""
    _, partition, _, region, account, *_ = desk.settings.topic_arn.split(":")
    return Place(partition, region, account)
