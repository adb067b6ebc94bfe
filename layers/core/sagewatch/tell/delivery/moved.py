"""Decides how what was told on a route that the policy has no more goes on on another one. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from sagewatch.model import Labels, Notice
from sagewatch.policy.rules import Policy, Route
from sagewatch.tell.context import BEHIND, Current
from sagewatch.tell.delivery.difference import MOVED
from sagewatch.tell.incident.group import incident_id
from sagewatch.tell.route import routes
from sagewatch.tell.store.timelines import Timeline


def route_now(policy: Policy, current: Current) -> Route | None:
    """Return the route that what is told in a timeline takes now, the newest incident's first; None when none does."""
    notices = (part.last for incident in reversed(current.incidents) for part in incident.parts)
    taken = (route for notice in notices for route in routes(policy, notice.labels, notice.place))
    return next((route for route in taken if not route.drop), None)


def moved(old: Timeline, new: Timeline) -> Timeline:
    """Return the timeline `new`, which goes on with what `old` held on another route; the same when done again.

    Each notice says on which route it was told first (`Notice.route`), so that the ids of incidents stay as they are.
    """
    known = {notice.key for notice in new.notices}
    # What came on both routes has two ids, and can be found by one of them.
    twice = {
        incident_id(old.route, notice): incident_id(new.route, notice) for notice in old.notices if notice.key in known
    }
    notices = [_on(new.route, notice, old.route) for notice in old.notices if notice.key not in known]
    names = dict.fromkeys((*old.sent, *new.sent))
    return replace(
        new,
        notices=(*new.notices, *notices),
        evidence={**old.evidence, **new.evidence},
        grouped={**old.grouped, **new.grouped},
        clusters={**old.clusters, **new.clusters},
        sent={name: _together(old.sent.get(name), new.sent.get(name), twice) for name in names},
    )


def renamed(sent: Mapping[str, Any], present_name: Callable[[str], str]) -> Mapping[str, Any]:
    """Return what was sent, by the names that receivers have now; what one was sent under two names is put together."""
    names = {name: present_name(name) for name in sent}
    if all(name == now for name, now in names.items()):
        return sent
    found: dict[str, Any] = {}
    for name, now in names.items():
        found[now] = _together(sent[name], found.get(now), {})
    return found


def holds_incident(timeline: Timeline, key: str) -> bool:
    """Return whether anybody was told on this timeline, or by a group, of an incident by the id `key`."""
    if key in timeline.grouped:
        return True
    stored = (each for receiver in timeline.sent.values() for each in receiver["said"].items())
    return any(key in (id_, each.get("key")) for id_, each in stored)


def _on(route: str, notice: Notice, before: str) -> Notice:
    """Return a notice as it is on another route; clicks name theirs."""
    first = notice.route or before
    if notice.state not in ("acked", "snoozed"):
        return replace(notice, route=first)
    return replace(notice, route=first, labels=Labels({**notice.labels.values, "route": route}))


def _together(
    old: Mapping[str, Any] | None, new: Mapping[str, Any] | None, twice: Mapping[str, str]
) -> Mapping[str, Any]:
    """Return what one receiver was sent on both routes, as `to_stored` returns it."""
    if old is None:
        return new or {}
    said = dict(new["said"]) if new else {}
    keys = {each.get("key", id_) for id_, each in said.items()}
    for id_, each in old["said"].items():
        key = each.get("key", id_)
        if key not in keys:
            present = twice.get(id_, id_)
            said[f"{present}{MOVED}" if present in said else present] = {**each, "key": key}
    both = [each for each in (old, new) if each]
    behind = {BEHIND: True} if any(each.get(BEHIND) for each in both) else {}
    return {"since": min(each["since"] for each in both), "said": said, **behind}
