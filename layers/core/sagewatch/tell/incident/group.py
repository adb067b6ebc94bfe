"""Decides which notices are one incident, and how that incident stands. Pure.

Everything follows from the set of notices alone, ordered by when they happened, so that no order of arrival and no
repetition changes what people see in the end. The incidents of one resource on one route are its timeline, cut where
half an hour passed with nothing firing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from hashlib import sha256
from itertools import pairwise
from typing import Literal

from sagewatch.kinds.registry import place_of_row, spec
from sagewatch.model import WHOLE_RESOURCE, About, Evidence, Incident, Notice, Part, Severity, State, Status
from sagewatch.tell.incident.acknowledgement import Acknowledgement
from sagewatch.tell.incident.flapping import changes, flapping_since

REOPEN = timedelta(minutes=30)
"""How long after its end an incident goes on when something of it fires again."""

RELATED = timedelta(days=7)
"""How long after its end an incident is named by the next one."""

ALIKE = 3
"""How many lines tell the same of parts with the same title; the others are only counted."""

# SageMaker "may send multiple events for each state change" (its EventBridge documentation), and EventBridge keeps no
# order: so nothing here depends on arrival.
_OPENING, _ENDING, _CLICKS = ("firing", "failed"), ("cleared", "closed"), ("acked", "snoozed")
_TOLD_ONCE: Mapping[State, Status] = {"succeeded": "succeeded", "announced": "announced"}
"""What opens nothing → the status of the incident that it is by itself."""
BEGINNINGS = frozenset({*_OPENING, *_TOLD_ONCE})
"""The states of notices that say something new, rather than how it went on."""
_RANKS = {severity: rank for rank, severity in enumerate(Severity)}


def incident_id(route: str, notice: Notice) -> str:
    """Return the id of an incident that begins with this notice: `inc_` and sixteen hexadecimal digits.

    Its time is no part of that: SageMaker repeats an event with another time. Nor does it change with the route.
    """
    return f"inc_{short_hash(notice.route or route, str(notice.subject), notice.key)}"


def incidents(
    route: str, notices: Iterable[Notice], evidence: Mapping[str, Evidence], now: datetime
) -> tuple[Incident, ...]:
    """Return the incidents of one timeline, oldest first; `evidence` is by the key of the notice it explains.

    What fires or fails joins the incident before it while that has something firing, or within half an hour of its
    last change; otherwise it begins another. So does what is worse than anything that an incident had before all was
    clear. What is cleared or closed ends that part wherever it is open, and is silence where it is not. An
    acknowledgement or a snooze is of the newest incident that is open, or of the last one. What begins to fire while
    it is muted is silence, until the clock finds it firing after the mute. A success or an
    announcement is an incident by itself.
    """
    in_order = ordered(notices)
    groups = grouped(in_order)
    found, before = [], None
    for group in groups:
        related = before is not None and group.notices[0].at - before.changed <= RELATED
        previous = incident_id(route, before.notices[0]) if before and related else ""
        found.append(incident_of(route, group, previous, evidence, now))
        before = group
    found += [_told_once(route, each, evidence) for each in in_order if each.state in _TOLD_ONCE and not each.muted]
    return tuple(sorted(found, key=lambda each: in_time(each.notices[0])))


def ordered(notices: Iterable[Notice]) -> tuple[Notice, ...]:
    """Return each notice once, in order of time; of those with the same key, the oldest."""
    found: dict[str, Notice] = {}
    for notice in notices:
        same = found.setdefault(notice.key, notice)
        if same != notice:
            # Whichever of the two arrived first, the same one must stay.
            older = min(same, notice, key=lambda each: (each.at, repr(each)))
            found[notice.key] = replace(
                older, until=max((each.until for each in (same, notice) if each.until), default=None)
            )
    return tuple(sorted(found.values(), key=in_time))


# Two events may have the same time: EventBridge stamps those of SageMaker in whole seconds.
def in_time(notice: Notice) -> tuple[datetime, str]:
    """Return what notices are sorted by: when they happened, then their key."""
    return notice.at, notice.key


def newest_first(notices: Iterable[Notice]) -> list[Notice]:
    """Return notices in the reverse order of time."""
    return sorted(notices, key=in_time, reverse=True)


def short_hash(*texts: str) -> str:
    """Return sixteen hexadecimal digits that stand for the texts."""
    # Half a surrogate pair in other people's text has no UTF-8.
    return sha256("\n".join(texts).encode(errors="surrogatepass")).hexdigest()[:16]


def grouped(notices: Iterable[Notice]) -> list[Group]:
    """Cut a timeline, in order, into the groups that become incidents; a notice may end a part in several of them."""
    groups: list[Group] = []
    for notice in notices:
        goes_on = bool(groups) and groups[-1].goes_on(notice)
        if notice.state in _OPENING and not notice.muted and not goes_on:
            groups.append(Group())
            goes_on = True
        for group in _belongs_to(groups, notice):
            group.take(notice)
    return groups


def _belongs_to(groups: Sequence[Group], notice: Notice) -> Sequence[Group]:
    """Return the groups that take a notice."""
    if notice.state in _TOLD_ONCE:
        return ()
    if notice.state in _CLICKS and notice.incident:
        return [group for group in groups if notice.incident in _ids(group, notice.labels["route"])][-1:]
    if notice.state in _CLICKS:
        return ([group for group in groups if group.open] or groups)[-1:]
    if notice.state in _ENDING:
        return [group for group in groups if group.ended_by(notice)]
    if notice.muted and not (groups and notice.part in groups[-1].open):
        return ()
    return groups[-1:]


def _ids(group: Group, route: str) -> set[str]:
    """Return the ids that the incident of a group could ever have had."""
    return {incident_id(route, each) for each in group.notices if each.state in _OPENING and not each.muted}


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """What a group was like right after one of its notices.

    `open` is what fires or has failed, by part. `told` is what the thread says of the notice, `told_if_steady` what it
    says of a part that flaps, once that did not change for a quarter of an hour.
    """

    notice: Notice
    open: Mapping[str, Notice]
    told: tuple[About, ...]
    told_if_steady: tuple[About, ...]
    acknowledgement: Acknowledgement

    @property
    def critical(self) -> Notice | None:
        """The newest critical notice that is open; None when nothing critical is."""
        return next((each for each in newest_first(self.open.values()) if each.severity is Severity.CRITICAL), None)

    def is_unattended(self, at: datetime) -> bool:
        """Return whether something critical is open that nobody has acknowledged or snoozed at that time."""
        return bool(self.critical) and not self.acknowledgement.counts and not self.acknowledgement.is_snoozed(at)


@dataclass(slots=True)
class Group:
    """The notices of one incident, taken one by one.

    `history` holds the notices of each part, `open` what fires or has failed, by part. `titles` counts what was told
    of each title, `flaps` holds the spells of flapping that were told: (part, since). `worst` is the rank of the worst
    severity that anything of it had: 0 is critical.
    """

    snapshots: list[Snapshot] = field(default_factory=list)
    history: dict[str, list[Notice]] = field(default_factory=dict)
    open: dict[str, Notice] = field(default_factory=dict)
    titles: Counter[tuple[About, str]] = field(default_factory=Counter)
    flaps: set[tuple[str, datetime]] = field(default_factory=set)
    worst: int = len(_RANKS)

    @property
    def notices(self) -> tuple[Notice, ...]:
        """In order of time."""
        return tuple([snapshot.notice for snapshot in self.snapshots])

    @property
    def firing(self) -> bool:
        """Whether an alarm of it fires now; a failure does not."""
        return "firing" in [notice.state for notice in self.open.values()]

    @property
    def changed(self) -> datetime:
        """When something of it last fired, failed or ended."""
        return max([went[-1].at for went in self.history.values()])

    @property
    def ending(self) -> Literal["resolved", "closed"]:
        """How it ended, once nothing is open: closed when nothing was ever cleared."""
        return "resolved" if "cleared" in [went[-1].state for went in self.history.values()] else "closed"

    def goes_on(self, notice: Notice) -> bool:
        """Return whether what fires or fails is part of it: not when all was clear, and it is worse than all before."""
        first = self.snapshots[0].notice
        if not self.open and _RANKS[notice.severity] < self.worst:
            return False
        return self.firing or notice.at - max(self.changed, first.until or self.changed) <= REOPEN

    def ended_by(self, notice: Notice) -> tuple[str, ...]:
        """Return the open parts that a cleared or closed notice ends."""
        if notice.part == WHOLE_RESOURCE and notice.state == "closed":
            return tuple(self.open)
        return (notice.part,) if notice.part in self.open else ()

    def take(self, notice: Notice) -> None:
        """Add a notice that is known to belong here."""
        before, is_new_part = dict(self.open), notice.part not in self.history
        acknowledgement = self.snapshots[-1].acknowledgement if self.snapshots else Acknowledgement()
        told: tuple[About, ...] = ()
        told_if_steady: tuple[About, ...] = ()
        if notice.state == "acked" or notice.state == "snoozed":
            told = (notice.state,) if acknowledgement.is_news(notice) else ()
        else:
            self._change(notice)
            told, told_if_steady = self._told(notice, before)
        self.snapshots.append(
            Snapshot(
                notice=notice,
                open=dict(self.open),
                told=told,
                told_if_steady=told_if_steady,
                acknowledgement=acknowledgement.after(notice, told, is_new_part),
            )
        )

    def _change(self, notice: Notice) -> None:
        """Write the notice into `history` and `open`."""
        for part in self.ended_by(notice) if notice.state in _ENDING else (notice.part,):
            self.history.setdefault(part, []).append(notice)
            self.open.pop(part, None)
            if notice.state in _OPENING:
                self.open[part] = notice
                self.worst = min(self.worst, _RANKS[notice.severity])

    def _told(self, notice: Notice, before: Mapping[str, Notice]) -> tuple[tuple[About, ...], tuple[About, ...]]:
        """Return what is told of the notice, and what only if it is steady; `before` is what was open until then."""
        about = self._about(notice, before) if self.snapshots else None
        # Who was told of the beginning, and cannot see an edit, must hear of the end, in a mute as well.
        if about is None or (notice.muted and notice.state in _OPENING):
            return (), ()
        since = flapping_since(changes(self.history[notice.part]), notice.at) if notice.state != "closed" else None
        if since:
            is_first = (notice.part, since) not in self.flaps
            self.flaps.add((notice.part, since))
            return (("flapping",) if is_first else ()), (("settled" if notice.state in _OPENING else about),)
        self.titles[about, notice.title] += 1
        is_one_of_many = about in ("joined", "cleared") or (about == "closed" and self.open)
        if is_one_of_many and self.titles[about, notice.title] > ALIKE:
            return (), ()
        return (about,), ()

    def _about(self, notice: Notice, before: Mapping[str, Notice]) -> About | None:
        """Return what the notice is in the history of the incident; None when the same alarm fires on."""
        if notice.state in _ENDING:
            if self.open:
                return "closed" if notice.state == "closed" else "cleared"
            return self.ending
        if not before:
            return "reopened"
        if _RANKS[notice.severity] < min(_RANKS[each.severity] for each in before.values()):
            return "worsened"
        still = notice.part in before and before[notice.part].state == notice.state == "firing"
        return None if still else "joined"


def incident_of(route: str, group: Group, previous: str, evidence: Mapping[str, Evidence], now: datetime) -> Incident:
    """Return the incident that a group is; `previous` is the id of the one before, `evidence` that of its notices."""
    notices, acknowledgement = group.notices, group.snapshots[-1].acknowledgement
    opening = [each for each in notices if each.state in _OPENING]
    acked, snoozed = acknowledgement.acked, acknowledgement.snoozed
    return Incident(
        id=incident_id(route, notices[0]),
        route=route,
        subject=notices[0].subject,
        notices=notices,
        parts=_parts(group, now),
        status=_status(group, now),
        severity=worst_first(group.open.values() or opening)[0].severity,
        opened=notices[0].at,
        ended=None if group.open else group.changed,
        reopened=sum(bool(after.open and not before.open) for before, after in pairwise(group.snapshots)),
        acked_by=acked.by if acked else "",
        acked_at=acked.at if acked else None,
        snoozed_until=snoozed.until if snoozed else None,
        previous=previous,
        anchors=tuple([incident_id(route, each) for each in opening if not each.muted]),
        evidence={each.key: evidence[each.key] for each in notices if each.key in evidence},
    )


def _told_once(route: str, notice: Notice, evidence: Mapping[str, Evidence]) -> Incident:
    name = incident_id(route, notice)
    return Incident(
        id=name,
        route=route,
        subject=notice.subject,
        notices=(notice,),
        parts=(_part_of((notice,), notice.at),),
        status=_TOLD_ONCE[notice.state],
        severity=notice.severity,
        opened=notice.at,
        ended=notice.at,
        anchors=(name,),
        evidence={notice.key: evidence[notice.key]} if notice.key in evidence else {},
    )


def _status(group: Group, now: datetime) -> Status:
    acknowledgement = group.snapshots[-1].acknowledgement
    if not group.open:
        return group.ending
    if acknowledgement.is_snoozed(now):
        return "snoozed"
    if acknowledgement.counts:
        return "acked"
    return "open" if group.firing else "failed"


def _parts(group: Group, now: datetime) -> tuple[Part, ...]:
    """Return what is open, the worst first (see worst_first), then what ended, the last first."""
    parts = [_part_of(went, now) for went in group.history.values()]
    rank = {notice.key: place for place, notice in enumerate(worst_first(group.open.values()))}
    ended = sorted([part for part in parts if part.last.key not in rank], key=lambda part: in_time(part.first))
    # Sorting is stable: what ended at once, with the resource, stays in the order in which it began.
    return (
        *sorted([part for part in parts if part.last.key in rank], key=lambda part: rank[part.last.key]),
        *sorted(ended, key=lambda part: in_time(part.last), reverse=True),
    )


def worst_first(notices: Iterable[Notice]) -> list[Notice]:
    """Return notices by severity, then failures, then what callers notice, then its causes.

    Alarms of one severity stand in the order of their kind's rows, so that a headline does not change with each alarm
    that joins; of the same alarm, and of failures, the newest comes first.
    """
    return sorted(newest_first(notices), key=lambda notice: (_RANKS[notice.severity], *_telling(notice)))


def _telling(notice: Notice) -> tuple[int, int]:
    if notice.state == "failed":
        return 0, 0
    kind, alarm = notice.labels.get("kind") or "", notice.labels.get("alarm") or ""
    row = spec(kind, alarm)
    return (1 if row and row.symptom else 2, place_of_row(kind, alarm))


def _part_of(went: Sequence[Notice], now: datetime) -> Part:
    """Return the part that these notices are about."""
    changed = changes(went)
    firing = [after.at - before.at for before, after in pairwise(went) if before.state == "firing"]
    return Part(
        last=went[-1],
        first=went[0],
        peak=_peak(went),
        spent=sum(firing, timedelta()),
        changes=len(changed),
        flapping=flapping_since(changed, now) is not None,
    )


def _peak(went: Sequence[Notice]) -> Notice:
    """Return the notice with the worst value: the highest if any was above its limit, else the lowest."""
    valued = [(notice.value, notice) for notice in went if notice.state == "firing" and notice.value is not None]
    if not valued:
        return went[0]
    above = any(notice.limit is None or value > notice.limit for value, notice in valued)
    return (max if above else min)(valued, key=lambda each: each[0])[1]
