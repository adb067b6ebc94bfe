"""Tells a group: cuts what joined it into outages, has these delivered, and lets go what is told alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from sagewatch.errors import SagewatchError
from sagewatch.model import Incident
from sagewatch.policy.rules import Route
from sagewatch.tell.context import Context, Current, change, collected, current_of, raise_most_hopeful
from sagewatch.tell.delivery.deliver import Claim, claimed, deliver_claimed, is_due, owed_at
from sagewatch.tell.delivery.deliver import deliver as deliver_alone
from sagewatch.tell.incident.group import short_hash
from sagewatch.tell.outage import cluster
from sagewatch.tell.outage.derive import LEAVES, known_group_of, leaving, members
from sagewatch.tell.outage.join import OPEN_FOR, subject_of_group, wake
from sagewatch.tell.route import group_interval, route_named
from sagewatch.tell.store import groups
from sagewatch.tell.store.timelines import Timeline, owner_of


def tell_group(context: Context, name: str, group: str, fresh: frozenset[str] = frozenset()) -> None:
    """Tell what is to be told of a group now; `fresh` are the keys of clicks that have just arrived."""
    route = route_named(context.policy, name)
    current = current_of(context, route.name, subject_of_group(group))
    if not current.timeline.entries:
        return
    errors: list[SagewatchError] = []
    with claimed(context, route, current, fresh) as claim:
        alone = _cut(context, route, claim)
        with collected(errors):
            deliver_claimed(claim)
        current = claim.current
    for entry in alone:
        with collected(errors):
            _let_go(context, route, group, entry)
    with collected(errors):
        _tell_alone(context, route, current)
    if not errors:
        _take_in(context, route, current)
    if owed := owed_at(context, route, current):
        # What should be sent by now failed: the message that asked for it comes back, and the clock tries again.
        wake(context, route.name, group, owed if owed > context.now else context.now + group_interval(route))
    if any(each.is_open for each in current.incidents):
        groups.prolong(
            context.clients.dynamodb, context.settings.table, route.name, group, context.now + OPEN_FOR, context.now
        )
    raise_most_hopeful(errors)


def is_group_due(context: Context, route: Route, current: Current) -> bool:
    """Return whether anything of a group is to be cut, let go, taken in or sent, without any new notice."""
    found, cut = members(current.timeline, current.members, context.now), _in_outages(current)
    waits = found.keys() - cut - current.timeline.alone
    return bool(waits or _to_take_in(current) or leaving(current.timeline, current.members)) or is_due(
        context, route, current
    )


def _cut(context: Context, route: Route, claim: Claim) -> tuple[str, ...]:
    """Write down in which outage each new member is; return those that are told alone.

    That comes before anything is told, so that after a crash the same is told.
    """
    current = claim.current
    found = members(current.timeline, current.members, context.now)
    known = _in_outages(current)
    new = {entry: each for entry, each in found.items() if entry not in known}
    waiting = {entry: each for entry, each in new.items() if entry not in current.timeline.alone}
    before = leaving(current.timeline, current.members)
    if not waiting:
        return before
    clusters = _clusters(current, new, route)
    chosen = {entry for each in clusters.values() for entry in each["entries"]}
    if clusters != current.timeline.clusters:
        claim.current = change(context, current, lambda latest: replace(latest, clusters=clusters))
    return (*before, *(entry for entry in waiting if entry not in chosen))


def _clusters(current: Current, new: Mapping[str, Incident], route: Route) -> dict[str, Any]:
    """Return the outages of a group by id, with those that joined: in those that there are, or in new ones."""
    clusters = {id_: {**each, "entries": list(each["entries"])} for id_, each in current.timeline.clusters.items()}
    open_ = {each.id for each in current.incidents if each.is_open}
    keys = {id_: cluster.key_of(each["key"]) for id_, each in clusters.items() if id_ in open_}
    left = {}
    for entry, incident in new.items():
        traits = cluster.traits(incident)
        if incident.is_open and (id_ := cluster.joined(traits, keys)):
            clusters[id_]["entries"].append(entry)
        elif incident.is_open or entry in current.timeline.alone:
            left[entry] = traits
    if len(left) < route.group_from:
        return clusters
    for each in cluster.partition(left):
        if each.key is None and len(each.entries) < route.group_from:
            continue  # nothing in common, and too few to be told together all the same
        id_ = f"out_{short_hash(current.timeline.route, current.timeline.subject.name, *sorted(each.entries)[:1])}"
        clusters[id_] = {"key": list(each.key or ()), "entries": sorted(each.entries)}
    return clusters


def _let_go(context: Context, route: Route, group: str, entry: str) -> None:
    """Tell an incident alone from now on.

    That it leaves stays written down until it was told: after a crash it is told with all that it says by then.
    """
    left = f"{LEAVES}{group}"
    current = _regrouped(context, route, entry, lambda known: left if known == group else known)
    if current.own:
        deliver_alone(context, route, current, frozenset(each.key for each in current.timeline.notices))
    _regrouped(context, route, entry, lambda known: "" if known == left else known)


def _tell_alone(context: Context, route: Route, current: Current) -> None:
    """Tell what the incidents that were told alone opened meanwhile, of those that are in no outage."""
    for entry in sorted(current.timeline.alone - _in_outages(current)):
        alone = current_of(context, route.name, *owner_of(entry)[:2])
        if is_due(context, route, alone):
            deliver_alone(context, route, alone, frozenset())


def _take_in(context: Context, route: Route, current: Current) -> None:
    """Have the incidents that were told alone before their outage told by the group, once everybody heard of that."""
    group = current.timeline.subject.name
    for entry in _to_take_in(current):
        taken = _regrouped(context, route, entry, lambda known: known or group)
        if taken.moved:
            deliver_alone(context, route, taken, frozenset())


def _to_take_in(current: Current) -> list[str]:
    """Return the entries that were told alone, are in an outage, and are not told by it yet."""
    group, told = current.timeline.subject.name, sorted(current.timeline.alone & _in_outages(current))
    timelines = {entry: current.members.get(owner_of(entry)[:2]) for entry in told}
    return [entry for entry, each in timelines.items() if each and group not in each.grouped.values()]


def _in_outages(current: Current) -> frozenset[str]:
    return frozenset(entry for each in current.timeline.clusters.values() for entry in each["entries"])


def _regrouped(context: Context, route: Route, entry: str, to: Callable[[str], str]) -> Current:
    """Write down who tells the incident of an entry: a group, or nobody but its own timeline."""
    subject, place, id_ = owner_of(entry)
    current = current_of(context, route.name, subject, place)
    meant = [each for each in current.incidents if id_ in (each.id, *each.anchors)]

    def changed(latest: Timeline) -> Timeline:
        grouped = dict(latest.grouped)
        for incident in meant:
            told_by = to(known_group_of(latest, incident))
            for each in (incident.id, *incident.anchors):
                grouped.pop(each, None)
            if told_by:
                grouped[incident.id] = told_by
        return replace(latest, grouped=grouped)

    return current if changed(current.timeline) == current.timeline else change(context, current, changed)
