"""Derives outages from the timelines of their members. Pure.

An outage is an incident whose notices say when the first of its members opened, how bad the worst was, and when the
last one ended; so lines, reminders and acknowledgements are derived as those of every incident are.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import groupby

from sagewatch.model import OUTAGE, WHOLE_RESOURCE, Incident, Labels, Notice, Part, Ref, Severity, State
from sagewatch.tell.incident.group import Group, in_time, incident_of, incidents, worst_first
from sagewatch.tell.outage import cluster
from sagewatch.tell.store.timelines import Timeline, owner_of

type Members = Mapping[tuple[Ref, str], Timeline]
"""The timelines of a group's members, by the resource and its place."""

_RANKS = {severity: rank for rank, severity in enumerate(Severity)}


LEAVES = "-"
"""Before the name of a group, it says that an incident leaves that one, and is just being told alone."""


def group_of(timeline: Timeline, incident: Incident) -> str:
    """Return the group that tells of an incident in place of its own timeline; nothing when none does."""
    known = known_group_of(timeline, incident)
    return "" if known.startswith(LEAVES) else known


def known_group_of(timeline: Timeline, incident: Incident) -> str:
    """Return the group that an incident is in, or leaves; nothing when there is none."""
    ids = (incident.id, *incident.anchors)
    return next((timeline.grouped[each] for each in ids if each in timeline.grouped), "")


def leaving(group: Timeline, timelines: Members) -> tuple[str, ...]:
    """Return the entries of incidents that were let go, and of which it is not written down that they were told."""
    left = f"{LEAVES}{group.subject.name}"
    return tuple(
        [
            entry
            for entry in sorted(group.entries)
            if (timeline := timelines.get(owner_of(entry)[:2])) and left in timeline.grouped.values()
        ]
    )


def own(timeline: Timeline, found: Iterable[Incident]) -> tuple[Incident, ...]:
    """Return the incidents that a timeline tells of itself."""
    return tuple([each for each in found if not group_of(timeline, each)]) if timeline.grouped else tuple(found)


def members(group: Timeline, timelines: Members, now: datetime) -> dict[str, Incident]:
    """Return the incidents of a group by their entries: those that it tells, and those that were told before it."""
    derived: dict[tuple[Ref, str], tuple[Incident, ...]] = {}
    found: dict[str, Incident] = {}
    seen: set[tuple[Ref, str, str]] = set()
    for entry in sorted(group.entries):
        subject, place, id_ = owner_of(entry)
        timeline = timelines.get((subject, place))
        if timeline is None:
            continue
        if (subject, place) not in derived:
            derived[subject, place] = incidents(group.route, timeline.notices, timeline.evidence, now)
        for incident in derived[subject, place]:
            told_by = group_of(timeline, incident)
            is_ours = told_by == group.subject.name or (not told_by and entry in group.alone)
            if is_ours and id_ in (incident.id, *incident.anchors) and (subject, place, incident.id) not in seen:
                seen.add((subject, place, incident.id))
                is_old = not incident.is_open and incident is not derived[subject, place][-1]
                found[entry] = replace(incident, is_superseded=is_old)
    return found


def outages(group: Timeline, timelines: Members, now: datetime) -> tuple[Incident, ...]:
    """Return the outages of a group, oldest first."""
    found = members(group, timelines, now)
    several = (
        _outage(group, id_, [found[entry] for entry in stored["entries"] if entry in found], now)
        for id_, stored in group.clusters.items()
    )
    return tuple(sorted(filter(None, several), key=lambda each: (each.opened, each.id)))


def _outage(group: Timeline, id_: str, several: Sequence[Incident], now: datetime) -> Incident | None:
    """Return the outage that several incidents are; None when none of them is known any more."""
    if not several:
        return None
    clicks = [each for each in group.notices if each.incident == id_]
    taken = Group()
    for notice in sorted([*_turns(id_, several), *clicks], key=in_time):
        if taken.snapshots or notice not in clicks:
            taken.take(notice)
    outage = incident_of(group.route, taken, "", {}, now)
    attended = [each.status in ("acked", "snoozed") for each in several if each.is_open]
    is_attended = outage.status in ("open", "failed") and attended and all(attended)
    return replace(
        outage,
        id=id_,
        anchors=(id_,),
        status="acked" if is_attended else outage.status,
        subject=group.subject,
        parts=_worst_first(_parts(several)),
        members=tuple(sorted(several, key=_first_open)),
        common=cluster.common([cluster.traits(each) for each in several]),
    )


def _parts(several: Sequence[Incident]) -> Iterable[Part]:
    """Return the parts of all members, each once: of an alarm that two incidents of a resource had, the newest."""
    newest: dict[tuple[Ref, str], Part] = {}
    for part, subject in sorted(((part, each.subject) for each in several for part in each.parts), key=_in_time):
        newest[subject, part.first.part] = part
    return newest.values()


def _in_time(part: tuple[Part, Ref]) -> tuple[datetime, datetime]:
    return part[0].first.at, part[0].last.at


def _worst_first(parts: Iterable[Part]) -> tuple[Part, ...]:
    """Return what is open, the worst first as of every incident, then what ended, the last first."""
    newest = sorted(parts, key=lambda part: in_time(part.last), reverse=True)
    open_ = {part.last.key: part for part in newest if part.last.state in ("firing", "failed")}
    in_order = (open_[notice.key] for notice in worst_first(part.last for part in open_.values()))
    return (*in_order, *(part for part in newest if part.last.key not in open_))


def _first_open(incident: Incident) -> tuple[bool, bool, int, float, float, str]:
    attended = incident.status in ("acked", "snoozed")
    return (
        not incident.is_open,
        attended,
        _RANKS[incident.severity],
        -_excess(incident.parts[0].last),
        -incident.opened.timestamp(),
        str(incident.subject),
    )


def _excess(last: Notice) -> float:
    """Return how many times a value is beyond its limit, on whichever side: 15 % of 5 % is 3; 0 if unknown."""
    value, limit = last.value or 0, last.limit or 0
    return max(value / limit, limit / value) if value > 0 and limit > 0 else 0


def _turns(id_: str, several: Sequence[Incident]) -> Iterator[Notice]:
    """Yield a notice for each time at which the first member opened, the worst severity changed, or the last ended."""
    open_: dict[tuple[int, str], Severity] = {}
    worst: Severity | None = None
    changes = sorted(
        ((notice, number) for number, each in enumerate(several) for notice in each.notices),
        key=lambda change: in_time(change[0]),
    )
    # What happens at one time is one turn: alarms of a fleet change in the same second.
    for _, several_at_once in groupby(changes, key=lambda change: change[0].at):
        for notice, number in several_at_once:
            if notice.state in ("firing", "failed"):
                open_[number, notice.part] = notice.severity
            elif notice.state in ("cleared", "closed"):
                for key in [key for key in open_ if key[0] == number and notice.part in (key[1], WHOLE_RESOURCE)]:
                    del open_[key]
        now = min(open_.values(), key=_RANKS.__getitem__, default=None)
        if now == worst:
            continue
        state: State = notice.state if now is None and notice.state == "closed" else "firing" if now else "cleared"
        yield _turn(id_, notice, state, now or worst or notice.severity, several)
        worst = now


def _turn(id_: str, notice: Notice, state: State, severity: Severity, several: Sequence[Incident]) -> Notice:
    teams = {each.labels.get("team") for incident in several for each in incident.notices[:1]}
    [team] = teams if len(teams) == 1 else [None]
    values = {"severity": str(severity), "kind": OUTAGE, "resource": id_, "scope": "all", "alarm": OUTAGE}
    return Notice(
        key=f"{id_}/{state}/{notice.key}",
        state=state,
        labels=Labels(values | ({"team": team} if team else {})),
        place=notice.place,
        at=notice.at,
        title="outage",
        subject=Ref(OUTAGE, id_),
        part=id_,
    )
