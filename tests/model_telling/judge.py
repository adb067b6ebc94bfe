"""An independent model of what people should see: it knows the alarms and the policy's text, not the product.

At rest, the alarms that are in ALARM and not muted are the ones that each reader takes for open; every opening that
lasted reached every receiver; and nothing was told twice, but for one repetition for each crash or lost answer.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

import yaml

from tests.model_telling.clock import CLOCK
from tests.model_telling.cloud import Alarm, firing
from tests.model_telling.receivers import Mail, Message, Page
from tests.model_telling.world import World

_WORDS = {
    "latency-p99": "latency",
    "errors-5xx": "5xx",
    "memory": "memory",
    "cpu": "cpu",
    "disk": "disk",
    "idle": "idle",
}
"""What the name of an alarm is called by in texts, whatever else is said of it."""

_OPEN_LINE = re.compile(r"·\s*(CRITICAL|WARNING|INFO)\b")
_OVER = ("· OK", "· alarm deleted", "· no data any more")
_RANKS = ("critical", "warning", "info")
IMPAIRED_AT_FIRST, IMPAIRED_EVERY = 2, 40
"""How often one opening is told while nothing can be remembered: twice within ten minutes, then each forty minutes."""
LASTING = 30 * 60
"""Seconds that an alarm fires without any trouble, after which everybody must have heard of it."""


def routes(world: World) -> list[Mapping[str, Any]]:
    """Return the routes that are in force: of a broken policy, of the last text that was none."""
    for text in reversed(world.cloud.texts["/policy"]):
        try:
            found = yaml.safe_load(text) or {}
        except yaml.YAMLError:
            continue
        if isinstance(found, dict) and all(isinstance(each, dict) for each in found.get("routes", [])):
            return found.get("routes") or [{"name": "default", "slack": "C0ALL", "sns": "default"}]
    return []


def _topic(arn: str) -> str:
    return "alerts" if arn == "default" else arn.rpartition(":")[2]


def places(world: World, alarm: Alarm) -> set[str]:
    """Return where an alarm's news goes: `{"slack C0ALL", "topic alerts", "pagerduty"}`."""
    several = routes(world)
    route = next((r for r in several if r.get("match", {}).get("team") == alarm.team and alarm.team), several[-1])
    found = {f"slack {route['slack']}"} if "slack" in route else set()
    found |= {f"topic {_topic(route['sns'])}"} if "sns" in route else set()
    found |= {f"chat {_topic(route['chatbot'])}"} if "chatbot" in route else set()
    return found | {name for name in ("pagerduty", "webhook") if name in route}


def wanted(world: World) -> dict[str, dict[str, list[Alarm]]]:
    """Return the alarms in ALARM that are not muted now, by place and by resource."""
    found: dict[str, dict[str, list[Alarm]]] = {}
    for alarm in firing(world.cloud.alarms):
        if world.cloud.mutes(alarm.name, CLOCK.seconds):
            continue
        for place in places(world, alarm):
            found.setdefault(place, {}).setdefault(alarm.resource, []).append(alarm)
    return found


def verdict(world: World) -> list[str]:
    """Return what is wrong at rest, one line each; nothing when all is as it should be."""
    told = wanted(world)
    resources = sorted({alarm.resource for alarm in [*world.cloud.alarms.values(), *world.cloud.deleted]})
    found = [
        *_slack(world, told, resources),
        *_pages(world, told.get("pagerduty", {}), resources),
        *_documents(world, told.get("webhook", {}), resources),
        *_topics(world, told, resources),
        *_failed(world),
        *_lasting(world),
        *_repeated(world),
    ]
    found += [f"function: {each}" for each in dict.fromkeys(world.failures)]
    return found + [f"dead letter: {json.loads(each).get('detail-type')}" for each in world.dead]


def fires(world: World, resource: str) -> set[str]:
    """Return what of a resource is in ALARM, muted or not."""
    return {each.id for each in firing(world.cloud.alarms) if each.resource == resource}


def _names(alarms: list[Alarm]) -> str:
    return "+".join(sorted(each.id for each in alarms))


# -------------------------------------------------------------------------------------------------- those who can edit
def _slack(world: World, told: Mapping[str, Mapping[str, list[Alarm]]], resources: list[str]) -> Iterator[str]:
    for channel in sorted({message.channel for message in world.slack.messages.values()} | {"C0ALL"}):
        for resource in resources:
            alarms = told.get(f"slack {channel}", {}).get(resource, [])
            shown = [m for m in world.slack.channel(channel) if shows(m, resource) and m.is_open and m.heard]
            # A channel that the routes have left, and one that is muted, may show what is true; so may one that a route
            # has left on which something else of the resource fires now: each route has a message of its own.
            elsewhere = fires(world, resource) - {each.id for each in alarms}
            most = 2 if alarms and elsewhere and world.policies_changed else 1
            if not bool(alarms) <= len(shown) <= most or (shown and not fires(world, resource)):
                yield f"slack: {len(shown)} open messages where {_names(alarms) or 'nothing'} fires"
            for alarm in alarms if shown else []:
                text = " ".join(each for message in shown for each in said_of(message, resource)).lower()
                if _WORDS[alarm.id] not in text:
                    yield f"slack: the open message does not say {alarm.id}"


def is_outage(message: Message) -> bool:
    """Tell whether a message is about several resources: it says how many there are, and lists them."""
    return bool(re.search(r"\*\d+ [^*]+\* (in alarm|were in alarm)", message.text))


def _texts(message: Message) -> list[str]:
    blocks = [block for each in message.attachments for block in each.get("blocks", [])]
    return [block["text"]["text"] for block in blocks if block["type"] == "section" and "text" in block]


def said_of(message: Message, resource: str) -> list[str]:
    """Return what a message says of a resource: all of it, or the lines of a list that begin with its name."""
    if not is_outage(message):
        return [message.everything]
    lines = [line.removeprefix("• ") for text in _texts(message) for line in text.splitlines()]
    return [line for line in lines if line.startswith(f"{resource} ·")]


def shows(message: Message, resource: str) -> bool:
    """Tell whether a message shows a resource as its own, or as a member that is in alarm."""
    if not is_outage(message):
        return resource in message.text
    if any(_OPEN_LINE.search(line) for line in said_of(message, resource)):
        return True
    names = (name for text in _texts(message) if text.startswith("Also: ") for name in text[6:].split(", "))
    return resource in [name.partition(" and ")[0] for name in names]


def _pages(world: World, told: Mapping[str, list[Alarm]], resources: list[str]) -> Iterator[str]:
    for resource in resources:
        alarms = told.get(resource, [])
        pages = [each for each in world.pager.open() if _is_of(each, resource)]
        if len(pages) != bool(alarms) and (alarms or len(pages) > 1 or not fires(world, resource)):
            yield f"pagerduty: {len(pages)} open incidents where {_names(alarms) or 'nothing'} fires"
        elif alarms and pages:
            worst = min((each.severity for each in alarms), key=_RANKS.index)
            if _RANKS.index(pages[0].severity) > _RANKS.index(worst):
                yield f"pagerduty: {pages[0].severity} where {worst} fires"


def _is_of(page: Page, resource: str) -> bool:
    return page.source.endswith(f"/{resource}") or any(
        line.startswith(f"{resource} ·") and _OPEN_LINE.search(line) for line in page.members
    )


# ---------------------------------------------------------------------------------------------- those who remember
def _documents(world: World, told: Mapping[str, list[Alarm]], resources: list[str]) -> Iterator[str]:
    known = world.hook.incidents().values()
    for resource in resources:
        several = [(each, _parts_of(each, resource)) for each in known if each["ended"] is None]
        live = [each for each, parts in several if parts]
        parts = sorted(part["alarm"] for _, parts in several for part in parts)
        alarms, true = {each.id for each in told.get(resource, [])}, fires(world, resource)
        if len(parts) > len(set(parts)) or not alarms <= set(parts) <= true:
            yield f"webhook: {'+'.join(parts) or 'nothing'} open where {'+'.join(sorted(true)) or 'nothing'} fires"
        elif len(live) > 1:
            yield f"webhook: {len(live)} incidents open for one resource"


def _parts_of(document: Mapping[str, Any], resource: str) -> list[Mapping[str, Any]]:
    """Return what fires of a resource, by an incident or an outage."""
    return [part for part in document["parts"] if part["state"] == "firing" and part["labels"]["resource"] == resource]


def chat(mail: Mail) -> Mail:
    """Return a message for Amazon Q as the reader of its thread takes it."""
    said = json.loads(mail.body)
    title, labels = said["content"]["title"], said["metadata"]["additionalContext"]
    kind = "RESOLVED" if labels.get("state") == "resolved" else "CLOSED" if title.startswith("⚪ Closed") else "NEWS"
    return Mail(mail.at, mail.topic, f"[{kind}] {title}", f"{title}\n{said['content']['description']}", labels)


def readers_of(world: World) -> dict[str, list[Mail]]:
    """Return what the readers of each topic got, in order."""
    names = dict.fromkeys(mail.topic for mail in world.topics.mails)
    return {
        ("chat " if name == "amazon-q" else "topic ") + name: [
            chat(mail) if name == "amazon-q" else mail for mail in world.topics.of(name)
        ]
        for name in names
    }


def told_open(mails: list[Mail], resource: str) -> dict[str, bool | None]:
    """Return what a reader of these mails takes for open, by alarm; None where a mail leaves it unsaid."""
    found: dict[str, bool | None] = {}
    told_by: dict[str, set[str]] = {}
    for mail in mails:
        # A topic may stand in for the receivers of another route, whose incident is another one.
        whose = {mail.labels.get("route", ""), mail.labels.get("incident", "")}
        if mail.labels.get("kind") == "outage":
            said = _lines(mail, f"{resource} ·")
            found |= said
            told_by |= dict.fromkeys(said, whose)
            continue
        if mail.labels.get("resource") != resource:
            continue
        state, alarm = mail.labels.get("state"), mail.labels.get("alarm", "")
        own = {name for name in found if whose & told_by[name]}
        if mail.kind == "RESOLVED" or state == "resolved":
            found |= dict.fromkeys(own, False)
        if mail.kind == "CLOSED":
            found |= {name: None for name in own if found[name]}
        found |= _lines(mail)
        told_by |= dict.fromkeys((*_lines(mail), alarm), whose)
        if state in ("firing", "cleared", "closed") and alarm in _WORDS:
            found[alarm] = state == "firing"
    return found


def _lines(mail: Mail, begin: str = "") -> dict[str, bool | None]:
    """Return what a mail says of each alarm on lines such as `memory 93 % (limit 90 %) · WARNING`."""
    found: dict[str, bool | None] = {}
    for line in mail.body.splitlines()[1:]:
        if not line.startswith(begin):
            continue
        for alarm, word in _WORDS.items():
            if word in line.lower() and _OPEN_LINE.search(line):
                found[alarm] = True
            elif word in line.lower() and line.rstrip().endswith(_OVER):
                found[alarm] = False
    return found


def _topics(world: World, told: Mapping[str, Mapping[str, list[Alarm]]], resources: list[str]) -> Iterator[str]:
    got = readers_of(world)
    for place in sorted({place for place in told if place.startswith(("topic", "chat"))} | got.keys()):
        for resource in resources:
            alarms = told.get(place, {}).get(resource, [])
            seen = told_open(got.get(place, []), resource)
            lacks = [each for each in alarms if seen.get(each.id, False) is False]
            stale = [name for name, is_open in seen.items() if is_open and name not in fires(world, resource)]
            if lacks:
                yield f"{place}: never told, or told ended, where {_names(lacks)} fires"
            if stale:
                yield f"{place}: {'+'.join(sorted(stale))} told open, and it is not"


def _failed(world: World) -> Iterator[str]:
    """Say which failures of jobs are not shown as such to those of their team, or were told too often."""
    several = routes(world)
    for name, team in world.failed.items():
        route = next((r for r in several if r.get("match", {}).get("team") == team and team), several[-1])
        shown = [m for m in world.slack.messages.values() if name in m.text and not m.thread and m.is_open and m.heard]
        if not shown or (
            route.get("slack", "default") not in {m.channel for m in shown} and not world.policies_changed
        ):
            yield f"slack: a failure of {team or 'nobody'} is not shown"
        pages = [each for each in world.pager.open() if each.source.endswith(f"/{name}")]
        told = [mail for mail in world.topics.mails if mail.labels.get("resource") == name]
        if len(pages) > 1:
            yield "pagerduty: a failure is shown twice"
        if not told:
            yield "topics: a failure was told to none"


# ---------------------------------------------------------------------------------------------------------- counting
def _lasting(world: World) -> Iterator[str]:
    """Say which openings lasted, without any trouble or mute, and did not reach a receiver."""
    if world.policies_changed:
        return
    got = readers_of(world)
    for alarm in [*world.cloud.alarms.values(), *world.cloud.deleted]:
        for begin, end in _periods(alarm):
            if (
                end - begin < LASTING
                or world.was_troubled(begin, begin + LASTING)
                or world.was_muted(alarm.name, begin, end)
            ):
                continue
            for place in sorted(places(world, alarm)):
                if place not in got and not place.startswith(("topic", "chat")):
                    continue
                mails = [mail for mail in got.get(place, []) if mail.at >= begin and _speaks_of(mail, alarm.resource)]
                said = any(m.labels.get("alarm") == alarm.id or _WORDS[alarm.id] in m.body.lower() for m in mails)
                before = [mail for mail in got.get(place, []) if mail.at < begin]
                if not said and told_open(before, alarm.resource).get(alarm.id) is not True:
                    yield f"{place}: an opening of {alarm.id} that lasted was never told"


def _speaks_of(mail: Mail, resource: str) -> bool:
    if mail.labels.get("kind") == "outage":
        return any(line.startswith(f"{resource} ·") for line in mail.body.splitlines())
    return mail.labels.get("resource") == resource


def _periods(alarm: Alarm) -> Iterator[tuple[float, float]]:
    ends = [*(at for at, _ in alarm.changes[1:]), min(alarm.deleted, CLOCK.seconds)]
    yield from ((at, end) for (at, state), end in zip(alarm.changes, ends, strict=True) if state == "ALARM")


def _repeated(world: World) -> Iterator[str]:
    """Say what was told more often than it happened, and than crashes and lost answers allow."""
    changes: dict[tuple[str, str], list[str]] = {}
    for alarm in [*world.cloud.alarms.values(), *world.cloud.deleted]:
        changes.setdefault((alarm.resource, alarm.id), []).extend(state for _, state in alarm.changes[1:])
    for place, mails in readers_of(world).items():
        for (resource, id_), went in sorted(changes.items()):
            about = [m for m in mails if (m.labels.get("resource"), m.labels.get("alarm")) == (resource, id_)]
            for state, word in (("firing", "ALARM"), ("cleared", "OK")):
                happened = went.count(word)
                # What is told without memory, while the table or the policy cannot be read, is told again later.
                said = sum(
                    m.labels.get("state") == state and "still" not in m.subject.lower() and "impaired" not in m.body
                    for m in about
                )
                allowed = happened + world.repeats + (world.mutings if state == "firing" else 0)
                if said > allowed:
                    yield f"{place}: {id_} told {state} more often than it happened"
            unremembered = sum("impaired" in m.body for m in about)
            if unremembered > went.count("ALARM") * (IMPAIRED_AT_FIRST + world.troubled_minutes / IMPAIRED_EVERY):
                yield f"{place}: {id_} told {unremembered} times without memory"
