"""What should be: the alarms that a fresh, empty account with the same resources gets; and how the real one differs."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.model.account import APIS, AccountDouble, Clock
from tests.model.stack import Stack
from tests.model.world import WATCHED, World

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


def plain(alarm: Mapping[str, Any]) -> dict[str, Any]:
    """Return what an alarm asks for: without its state, whether its actions are on, and marks of its making."""
    request = {key: value for key, value in alarm.items() if key not in _STATE}
    return {**request, "AlarmDescription": _OURS.sub("", alarm.get("AlarmDescription", ""))}


def wanted(
    account: AccountDouble, ghosts: Mapping[str, Any], prefix: str = "sagewatch", *, budget: bool = False
) -> dict[str, dict[str, Any]]:
    """Return the alarms of a clean room, by name: every resource is looked at once, from an empty account.

    With `ghosts` what was deleted under living endpoints is there (`config/churn-config-1`). With a budget it is swept
    until that is settled.
    """
    room = AccountDouble(Clock(account.clock.now))
    room.strict = False
    room.resources, room.parameters, room.metrics = account.resources, account.parameters, account.metrics
    room.configs = account.configs | {n.removeprefix("config/"): g for n, g in ghosts.items() if n[0] == "c"}
    room.models = account.models | {n.removeprefix("model/"): g for n, g in ghosts.items() if n[0] == "m"}
    stack = Stack(room, prefix)
    room.tell = lambda _event: None  # nobody edits here
    for kind, name in room.resources:
        if kind in WATCHED:
            stack.name(kind, name)
    stack.drain()
    for _ in range(3 if budget else 0):
        stack.sweep("full")
        stack.drain()
    dead = [body for queue in room.queues.values() for body in queue.dead]
    assert not dead, f"even a clean room has dead letters: {dead[:3]}"
    return {name: plain(alarm) for name, alarm in room.alarms.items()}


@dataclass(slots=True)
class People:
    """What people did to alarms, which the product has to respect."""

    foreign: dict[str, dict[str, Any]] = field(default_factory=dict)
    disabled: set[str] = field(default_factory=set)
    kept: dict[str, tuple[str, str]] = field(default_factory=dict)
    """Alarms that were there when a part of their resource was hidden, and the resource."""


def differences(
    world: World, people: People, prefix: str = "sagewatch", refused: Collection[str] = (), *, budget: bool = False
) -> Iterator[str]:
    """Yield every way in which an account at rest is not as it should be; `refused` alarms cannot be written."""
    account = world.account
    should = wanted(account, world.ghosts, prefix, budget=budget)
    known = wanted(account, {}, prefix, budget=budget) if world.ghosts else should
    named = set(_named_for_roll_backs(account))
    ours = {n: plain(a) for n, a in account.alarms.items() if n.startswith(f"{prefix}/") and n not in people.foreign}
    # DescribeEndpoint names no instance type (API reference, ProductionVariantSummary): what an endpoint had when its
    # new configuration was deleted, before anybody looked, cannot be told from what it should have.
    for name in sorted(ours.keys() - should.keys() - named - people.kept.keys()):
        yield f"{name} should not be there"
    for name in sorted((known.keys() & should.keys()) - ours.keys() - set(refused) - people.foreign.keys()):
        yield f"{name} is missing"
    for name in sorted((people.kept.keys() & should.keys()) - ours.keys() - known.keys()):
        yield f"{name} was lost when a part of its resource could not be read"
    for name in sorted((ours.keys() & should.keys() & known.keys()) - set(refused)):
        if ours[name] not in (should[name], known[name]):  # the price of an instance is text, and may be hidden
            fields = [key for key in should[name] if ours[name].get(key) != should[name][key]]
            has = {key: ours[name].get(key) for key in fields}
            yield f"{name} is not as it should be: {has}, not { {key: should[name][key] for key in fields} }"
    for name, alarm in people.foreign.items():
        if account.alarms.get(name) != alarm:
            yield f"{name} is not ours, and was touched"
    for name in sorted(people.disabled & account.alarms.keys()):
        if account.alarms[name]["ActionsEnabled"]:
            yield f"{name}: somebody disabled its actions, and they are on"


def _named_for_roll_backs(account: AccountDouble) -> Iterator[str]:
    for found in account.resources.values():
        deployment = found.body.get("LastDeploymentConfig") or {}
        for each in (deployment.get("AutoRollbackConfiguration") or {}).get("Alarms", ()):
            if found.body[APIS[found.kind].status] != "Deleting":
                yield each["AlarmName"]
