"""Sends the daily digest to every route that wants it, to each place once a day."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from sagewatch.errors import SagewatchError
from sagewatch.fleet.coverage import from_detail
from sagewatch.model import Place
from sagewatch.receivers.sns import api as sns
from sagewatch.tell.context import Context, collected, raise_most_hopeful
from sagewatch.tell.digest import messages
from sagewatch.tell.digest.summary import DAY, Digest, digest
from sagewatch.tell.read.sagemaker_events import happened
from sagewatch.tell.store import seen, timelines
from sagewatch.tell.store.timelines import Timeline


@dataclass(frozen=True, slots=True)
class Recipient:
    """A place to which the digest is sent: a channel or a topic of a route, and the name it is remembered by."""

    route: str
    name: str
    kind: Literal["slack", "sns", "chatbot"]
    where: str


def send_digest(context: Context, event: Mapping[str, Any]) -> int:
    """Send the digest to who has not had that day's yet; return to how many. Every place is tried before one fails."""
    client, table, at = context.clients.dynamodb, context.settings.table, happened(event)
    # The day of the event does not change with a delivery after midnight; without one it is today.
    day = f"{at if at.timestamp() else context.now:%Y-%m-%d}"
    keys = {each: f"digest/{each.route}/{day}" for each in recipients(context)}
    waiting = [each for each, key in keys.items() if not seen.was_sent(client, table, key, each.name)]
    if not waiting:
        return 0
    found, errors = gathered(context, event), list[SagewatchError]()
    for recipient in waiting:
        with collected(errors):
            _send(context, recipient, found)
            seen.remember_sent(client, table, keys[recipient], recipient.name, context.now.timestamp())
    raise_most_hopeful(errors)
    return len(waiting)


def recipients(context: Context) -> tuple[Recipient, ...]:
    """Return the places of the routes that want the digest, each place once: of all routes it would say the same."""
    found: dict[str, Recipient] = {}
    for route in context.policy.routes:
        if not route.digest:
            continue
        if route.slack and (slack := context.receivers.slack):
            name = f"slack:{route.slack}" if slack.editable else "slack:webhook"
            found.setdefault(name, Recipient(route.name, name, "slack", route.slack))
        if route.sns:
            arn = context.settings.topic_arn if route.sns == "default" else route.sns
            found.setdefault(f"sns:{arn}", Recipient(route.name, f"sns:{arn}", "sns", arn))
        if route.chatbot:
            name = f"chatbot:{route.chatbot}"
            found.setdefault(name, Recipient(route.name, name, "chatbot", route.chatbot))
    return tuple(found.values())


def gathered(context: Context, event: Mapping[str, Any]) -> Digest:
    """Return what is to be said: the counted resources out of the event, and what the timelines hold."""
    # The alerts topic is in the account and the Region that the digest is about.
    # arn:<partition>:sns:<region>:<account>:<name>
    _, partition, _, region, account, *_ = context.settings.topic_arn.split(":")
    told = ((each.subject, each.notices, each.evidence) for each in _timelines(context))
    return digest(Place(partition, region, account), from_detail(event.get("detail") or {}), told, context.now)


def _timelines(context: Context) -> Iterator[Timeline]:
    """Yield the timelines that changed within the day, and those that are open however old they are."""
    client, table = context.clients.dynamodb, context.settings.table
    changed = {
        (each.route, each.subject, each.place): each
        for each in timelines.changed_timelines(client, table, context.now - DAY)
    }
    yield from changed.values()
    for owner in timelines.open_timelines(client, table):
        if owner not in changed:
            yield timelines.load(client, table, *owner)


def _send(context: Context, recipient: Recipient, found: Digest) -> None:
    if recipient.kind == "slack" and context.receivers.slack:
        context.receivers.slack.post(recipient.where, messages.digest_message(found))
    elif recipient.kind == "sns":
        mail = messages.digest_mail(found)
        sns.publish(context.clients.sns, recipient.where, mail.subject, mail.body, mail.attributes)
    else:
        sns.publish_raw(context.clients.sns, recipient.where, json.dumps(messages.digest_notification(found)))
