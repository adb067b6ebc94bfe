"""What should be: the alarms that a fresh, empty account with the same resources gets; and how the real one differs."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.model import guesses
from tests.model.account import APIS, AccountDouble, Clock
from tests.model.stack import Stack
from tests.model.world import WATCHED, World

type Alarms = dict[str, dict[str, Any]]
"""Name → what it asks for."""

_STATE = {
    "StateValue",
    "StateUpdatedTimestamp",
    "AlarmArn",
    "AlarmConfigurationUpdatedTimestamp",
    "ActionsEnabled",
    "WarmUpConfiguration",
}
_OURS = re.compile(r" (rev|guards)=[^\s\]]*")
"""Labels that say how an alarm came to be, not what it is."""
_PRICE = re.compile(r"Each instance costs about [^()]*\(us-east-1\)\. ")
"""What an instance costs is text, and nobody knows it while the instance type is hidden."""


def plain(alarm: Mapping[str, Any]) -> dict[str, Any]:
    """Return what an alarm asks for: without its state, whether its actions are on, and marks of its making."""
    request = {key: value for key, value in alarm.items() if key not in _STATE}
    return {**request, "AlarmDescription": _OURS.sub("", alarm.get("AlarmDescription", ""))}


def wanted(account: AccountDouble, prefix: str = "sagewatch", *, budget: bool = False) -> Alarms:
    """Return the alarms of a clean room: every resource is looked at once, from an empty account.

    With a budget it is swept until that is settled. What is only partly known is not asked for here.
    """
    refs = [ref for ref in account.resources if ref[0] in WATCHED and not guesses.is_partly_known(account, *ref)]
    return _looked_at(account, refs, prefix, budget=budget)


def _looked_at(account: AccountDouble, refs: Collection[tuple[str, str]], prefix: str, *, budget: bool) -> Alarms:
    room = AccountDouble(Clock(account.clock.now))
    room.strict = False
    room.resources, room.parameters, room.metrics = account.resources, account.parameters, account.metrics
    room.configs, room.models = account.configs, account.models
    stack = Stack(room, prefix)
    room.tell = lambda _event: None  # nobody edits here
    for kind, name in refs:
        stack.name(kind, name)
    stack.drain()
    for _ in range(3 if budget else 0):
        stack.sweep("full")
        stack.drain()
    dead = [body for queue in room.queues.values() for body in queue.dead]
    assert not dead, f"even a clean room has dead letters: {dead[:3]}"
    return {name: plain(alarm) for name, alarm in room.alarms.items()}


def possible(world: World, kind: str, name: str, prefix: str = "sagewatch") -> tuple[list[Alarms], list[Alarms]]:
    """Return the alarms that a resource would get in each world that fits what can still be read of it: now, soon."""
    now: list[Alarms] = []
    soon: list[Alarms] = []
    for guess, is_now in guesses.worlds(world.account, world.ghosts, kind, name):
        said = json.dumps([prefix, kind, name, guesses.read_by_a_look(guess, kind, name)], default=str, sort_keys=True)
        if said not in _seen:
            beginning = f"{prefix}/{kind}/{name}/"
            there = _looked_at(guess, [(kind, name)], prefix, budget=False)
            _seen[said] = {alarm: asks for alarm, asks in there.items() if alarm.startswith(beginning)}
        found = now if is_now else soon
        if _seen[said] not in found:
            found.append(_seen[said])
    return now, soon


_seen: dict[str, Alarms] = {}
"""What was found, by all that decides about it: many histories ask the same."""


@dataclass(slots=True)
class People:
    """What people did to alarms, which the product has to respect."""

    foreign: dict[str, dict[str, Any]] = field(default_factory=dict)
    disabled: set[str] = field(default_factory=set)
    kept: dict[tuple[str, str], Alarms] = field(default_factory=dict)
    """The alarms that a resource had when something about it became unknown; they may stay."""
    owed: set[str] = field(default_factory=set)
    """Those of them that must stay: nothing else about their resource changed since."""
    guarding: set[str] = field(default_factory=set)
    """The alarms that a deployment was to be rolled back by when it began."""


def differences(
    world: World, people: People, prefix: str = "sagewatch", refused: str = "", *, budget: bool = False
) -> Iterator[str]:
    """Yield every way in which an account at rest is not as it should be.

    Alarms whose names contain `refused` cannot be written.
    """
    account = world.account
    should = wanted(account, prefix, budget=budget)
    named = set(_named_for_roll_backs(account))
    ours = {n: plain(a) for n, a in account.alarms.items() if n.startswith(f"{prefix}/") and n not in people.foreign}
    for kind, name in account.resources:
        if kind in WATCHED and guesses.is_partly_known(account, kind, name):
            beginning = f"{prefix}/{kind}/{name}/"
            its = {each: ours.pop(each) for each in sorted(ours) if each.startswith(beginning)}
            now, soon = possible(world, kind, name, prefix)
            yield from _against_guesses(now, soon, its, named, people, people.kept.get((kind, name), {}), refused)
    for name in sorted(ours.keys() - should.keys() - named):
        yield f"{name} should not be there"
    for name in sorted(should.keys() - ours.keys() - people.foreign.keys()):
        if not refused or refused not in name:
            yield f"{name} is missing"
    for name in sorted(ours.keys() & should.keys()):
        if ours[name] != should[name] and not (refused and refused in name):
            fields = [key for key in should[name] if ours[name].get(key) != should[name][key]]
            has = {key: ours[name].get(key) for key in fields}
            yield f"{name} is not as it should be: {has}, not { {key: should[name][key] for key in fields} }"
    for name in sorted(people.guarding & named - account.alarms.keys()):
        kind, resource = name.split("/")[1:3]
        if (kind, resource) not in account.resources:
            yield f"{name} went with its resource, and a deployment is rolled back by it"
    for name, alarm in people.foreign.items():
        if account.alarms.get(name) != alarm:
            yield f"{name} is not ours, and was touched"
    for name in sorted(people.disabled & account.alarms.keys()):
        if account.alarms[name]["ActionsEnabled"]:
            yield f"{name}: somebody disabled its actions, and they are on"


def _against_guesses(
    now: list[Alarms],
    soon: list[Alarms],
    its: Alarms,
    named: Collection[str],
    people: People,
    kept: Alarms,
    refused: str,
) -> Iterator[str]:
    """Yield what is wrong with the alarms of a resource of which not all is known."""
    worlds = [*now, *soon]
    anywhere = {name for each in worlds for name in each}
    everywhere = {name for name in anywhere if all(name in each for each in now)}
    for name in sorted(its.keys() - anywhere - set(named)):
        yield f"{name} should not be there, whatever is hidden"
    for name in sorted(everywhere - its.keys() - people.foreign.keys()):
        if not refused or refused not in name:
            yield f"{name} is missing, whatever is hidden"
    for name in sorted((its.keys() & anywhere) - everywhere - kept.keys()):
        yield f"{name} was made on a guess"
    for name in sorted(people.owed & kept.keys() & anywhere - its.keys()):
        yield f"{name} was lost when a part of its resource could not be read"
    for name in sorted(its.keys() & anywhere):
        fit = [_unpriced(each[name]) for each in worlds if name in each]
        of_now = [_unpriced(each[name]) for each in now if name in each]
        is_certain = name in everywhere and all(each == of_now[0] for each in of_now)
        if name in kept and not is_certain:
            fit.append(_unpriced(kept[name]))
        if _unpriced(its[name]) not in fit and not (refused and refused in name):
            yield f"{name} is as it would be in no world: {its[name]}"


def _unpriced(alarm: Mapping[str, Any]) -> dict[str, Any]:
    return {**alarm, "AlarmDescription": _PRICE.sub("", alarm["AlarmDescription"])}


def _named_for_roll_backs(account: AccountDouble) -> Iterator[str]:
    for found in account.resources.values():
        deployment = found.body.get("LastDeploymentConfig") or {}
        for each in (deployment.get("AutoRollbackConfiguration") or {}).get("Alarms", ()):
            if found.body[APIS[found.kind].status] != "Deleting":
                yield each["AlarmName"]
