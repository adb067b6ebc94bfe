"""Decides which notices are one incident, and what its conversation holds. Pure.

Everything follows from the set of notices alone, ordered by when they happened, so that no order of arrival and no
repetition changes what people see in the end. The incidents of one resource on one route are its timeline, cut where
half an hour passed with nothing firing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from hashlib import sha256
from itertools import pairwise
from typing import Literal

from sagewatch.model import FLAP_WINDOW, FLAPS, About, Evidence, Incident, Line, Notice, Part, Severity, Status

REOPEN = timedelta(minutes=30)
"""How long after its end an incident goes on when something of it fires again."""


QUIET = timedelta(minutes=15)
"""How long an alarm must not change to flap no more."""

RELATED = timedelta(days=7)
"""How long after its end an incident is named by the next one."""

ALIKE = 3
"""How many lines say the same of things with the same title; the others are only counted."""

KEPT, MOST = timedelta(days=30), 300
"""How old, and how many, the notices of a timeline may be."""

REASON = 3000
"""How many characters of other people's text a notice keeps: no channel shows more."""

RESOURCE = "*"
"""The part of a notice that speaks of the whole resource: its end is the end of all of its parts."""

_OPENING, _ENDING, _CLICKS = ("firing", "failed"), ("cleared", "closed"), ("acked", "snoozed")
_RANKS = {severity: rank for rank, severity in enumerate(Severity)}


def incident_id(route: str, notice: Notice) -> str:
    """Return the id of an incident that begins with this notice.

    Its time is no part of that: SageMaker repeats an event with another time.
    """
    return f"inc_{_short(route, str(notice.subject), notice.key)}"


def incidents(
    route: str, notices: Iterable[Notice], evidence: Mapping[str, Evidence], now: datetime
) -> tuple[Incident, ...]:
    """Return the incidents of one timeline, oldest first; `evidence` is by the key of the notice it explains.

    What fires or fails joins the incident before it while that has something firing, or within half an hour of its
    last change; otherwise it begins another. What is cleared or closed ends that part wherever it is open, and is
    silence where it is not. Who acknowledges or snoozes means the newest incident that is open, or the last one. What
    is muted joins only what is open. A success is an incident by itself.
    """
    ordered = _ordered(notices)
    courses = _courses(ordered)
    previous = ("", *(_named(route, before, after) for before, after in pairwise(courses)))
    found = [_incident(route, course, then, evidence, now) for course, then in zip(courses, previous, strict=False)]
    found += [_success(route, each, evidence) for each in ordered if each.state == "succeeded" and not each.muted]
    return tuple(sorted(found, key=lambda each: _place_in_time(each.notices[0])))


def lines(incident: Incident, remind: tuple[timedelta, ...], now: datetime) -> tuple[Line, ...]:
    """Return the history of an incident, in order: what joined, worsened, cleared, was acknowledged, is still open.

    The first notice is the root message, and has no line; what is muted has none either, but for the end of the
    incident. Something else that fires or
    fails `joined`, or `worsened` the incident if its severity rises by it, or `reopened` it if all was clear. What ends
    is `cleared` while others are open; the last to end makes it `resolved`, or `closed` if nothing was ever cleared.
    Of `joined` and of `cleared`, three are said of the same title.

    An alarm that flaps has one line, `flapping`, for each time it does; only the end of the incident is said in
    addition, once it lasted for a quarter of an hour. A `log` follows every failure that is told and has one. A
    `reminder` is due that long after the opening, if something critical is open then, and nobody acknowledged or
    snoozed it; reminders are those that are due by now. Of an incident that was too long to keep, only the newer half
    of what is left has lines: of the rest, nobody knows any more what it was among.
    """
    if incident.status == "succeeded":
        return ()
    course = _Course()
    for notice in incident.notices:
        course.take(notice)
    told = [*_told(course.steps, incident.evidence, now), *_reminders(course.steps, remind, now)]
    return tuple(sorted(told, key=lambda line: line.at))


def kept(notices: Iterable[Notice], most: int = MOST) -> tuple[Notice, ...]:
    """Return what is worth keeping of a timeline, each notice once, in order, its reason cut at 3,000 characters.

    That is whole incidents, newest first, for as long as there is room and their last notice is not thirty days older
    than the newest of all; notices of no incident likewise, since what they end may still arrive. What still fires
    stays at any age. If the last incident alone has too many, its first notice stays, then the last one of each of its
    parts, beginning with the part it was opened by, then the first one of each, then the newest. So that it does not
    fall apart where the middle was, its first notice says how far it went, in `until`.
    """
    ordered = _ordered(_cut(notice) for notice in notices)
    courses = _courses(ordered)
    last = courses.pop() if courses else _Course()
    chosen = last.most_telling(most)
    taken = {step.notice.key for course in (*courses, last) for step in course.steps}
    loose = ((notice,) for notice in ordered if notice.key not in taken)
    groups = [*(course.notices for course in courses), *loose]
    oldest = ordered[-1].at - KEPT if ordered else None
    if oldest and last.steps and not last.firing and last.notices[-1].at < oldest:
        chosen = set()
    for group in sorted(groups, key=lambda group: _place_in_time(group[-1]), reverse=True):
        more = chosen | {notice.key for notice in group}
        if len(more) > most or (oldest and group[-1].at < oldest):
            break
        chosen = more
    first = last.steps[0].notice.key if len(last.steps) > most else None
    return tuple(
        replace(notice, until=last.changed) if notice.key == first else notice
        for notice in ordered
        if notice.key in chosen
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Attention:
    """Who attends to an incident; `heeded` says that the acknowledgement still counts."""

    acked: Notice | None = None
    heeded: bool = False
    snoozed: Notice | None = None

    def after(self, notice: Notice, said: Sequence[About], new: bool) -> _Attention:
        """Return who attends after a notice: a line about a new part, or a worse one, asks for attention again."""
        if notice.state == "acked":
            return replace(self, acked=notice, heeded=True)
        if notice.state == "snoozed":
            return replace(self, snoozed=notice)
        if "reopened" in said:
            return _Attention()
        if "worsened" in said or (new and "joined" in said):
            return replace(self, heeded=False, snoozed=None)
        return self

    def snoozes(self, at: datetime) -> bool:
        """Tell whether it is snoozed at a time."""
        return self.snoozed is not None and at < (self.snoozed.until or self.snoozed.at)

    def is_news(self, notice: Notice) -> bool:
        """Tell whether a click says something that was not said before."""
        if notice.state == "acked":
            return not (self.heeded and self.acked and self.acked.by == notice.by)
        return not (self.snoozed and (self.snoozed.by, self.snoozed.until) == (notice.by, notice.until))

    @property
    def counting(self) -> tuple[Notice, ...]:
        """The clicks that still count."""
        return tuple(notice for notice in (self.acked if self.heeded else None, self.snoozed) if notice)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Step:
    """What an incident was like after a notice: what was open, by part, and what was said of it.

    `held` is said only when the end it speaks of lasted.
    """

    notice: Notice
    open: Mapping[str, Notice]
    said: tuple[About, ...]
    held: tuple[About, ...]
    attention: _Attention


@dataclass(slots=True)
class _Course:
    """The course of one incident, notice by notice: a step for each, and what each part went through.

    `open` is what fires or has failed, by part.
    """

    steps: list[_Step] = field(default_factory=list)
    history: dict[str, list[Notice]] = field(default_factory=dict)
    open: dict[str, Notice] = field(default_factory=dict)
    titles: Counter[tuple[About, str]] = field(default_factory=Counter)
    flaps: set[tuple[str, datetime]] = field(default_factory=set)

    @property
    def notices(self) -> tuple[Notice, ...]:
        return tuple(step.notice for step in self.steps)

    @property
    def firing(self) -> bool:
        return any(notice.state == "firing" for notice in self.open.values())

    @property
    def changed(self) -> datetime:
        """When something of it last fired, failed or ended."""
        return max(went[-1].at for went in self.history.values())

    @property
    def ending(self) -> Literal["resolved", "closed"]:
        """How it ended, once nothing is open: closed when nothing was ever cleared."""
        return "resolved" if any(went[-1].state == "cleared" for went in self.history.values()) else "closed"

    def goes_on(self, at: datetime) -> bool:
        """Tell whether what fires or fails then is part of it."""
        return self.firing or at - max(self.changed, self.notices[0].until or self.changed) <= REOPEN

    def ends(self, notice: Notice) -> tuple[str, ...]:
        """Return the open parts that a cleared or closed notice ends."""
        if notice.part == RESOURCE and notice.state == "closed":
            return tuple(self.open)
        return (notice.part,) if notice.part in self.open else ()

    def take(self, notice: Notice) -> None:
        """Go on by a notice that is known to belong here."""
        before, new = dict(self.open), notice.part not in self.history
        attention = self.steps[-1].attention if self.steps else _Attention()
        said: tuple[About, ...] = ()
        held: tuple[About, ...] = ()
        if notice.state == "acked" or notice.state == "snoozed":
            said = (notice.state,) if attention.is_news(notice) else ()
        else:
            self._change(notice)
            said, held = self._says(notice, before)
        attends = attention.after(notice, said, new)
        self.steps.append(_Step(notice=notice, open=dict(self.open), said=said, held=held, attention=attends))

    def _change(self, notice: Notice) -> None:
        for part in self.ends(notice) if notice.state in _ENDING else (notice.part,):
            self.history.setdefault(part, []).append(notice)
            self.open.pop(part, None)
            if notice.state in _OPENING:
                self.open[part] = notice

    def _says(self, notice: Notice, before: Mapping[str, Notice]) -> tuple[tuple[About, ...], tuple[About, ...]]:
        """Return what is said of the notice, and what only when it lasted."""
        about = self._about(notice, before) if self.steps else None
        # Who was told of the beginning, and cannot see an edit, must hear of the end, in a snooze as well.
        if about is None or (notice.muted and about not in ("resolved", "closed")):
            return (), ()
        since = _flapping_since(_changes(self.history[notice.part]), notice.at) if notice.state != "closed" else None
        if since:
            first = (notice.part, since) not in self.flaps
            self.flaps.add((notice.part, since))
            return (("flapping",) if first else ()), ((about,) if about == "resolved" else ())
        self.titles[about, notice.title] += 1
        if about in ("joined", "cleared") and self.titles[about, notice.title] > ALIKE:
            return (), ()
        return (about,), ()

    def _about(self, notice: Notice, before: Mapping[str, Notice]) -> About | None:
        if notice.state in _ENDING:
            return "cleared" if self.open else self.ending
        if not before:
            return "reopened"
        if _rank(notice) < min(map(_rank, before.values())):
            return "worsened"
        still = notice.part in before and before[notice.part].state == notice.state == "firing"
        return None if still else "joined"

    def most_telling(self, most: int) -> set[str]:
        """Return the keys of so many notices: the first, those that say how each part is now, the newest."""
        first, clicks = self.steps[:1], self.steps[-1].attention.counting if self.steps else ()
        ends = _newest_first(went[-1] for went in self.history.values())
        begins = _newest_first(went[0] for went in self.history.values())
        # Without its end, the part that opened the incident would fire for ever.
        ranked = (
            *(notice for step in first for notice in (step.notice, self.history[step.notice.part][-1])),
            *clicks,
            *ends,
            *begins,
            *reversed(self.notices),
        )
        return set(list(dict.fromkeys(notice.key for notice in ranked))[:most])


def _rank(notice: Notice) -> int:
    return _RANKS[notice.severity]


def _place_in_time(notice: Notice) -> tuple[datetime, str]:
    return notice.at, notice.key


def _newest_first(notices: Iterable[Notice]) -> list[Notice]:
    return sorted(notices, key=_place_in_time, reverse=True)


def _worst_first(notices: Iterable[Notice]) -> tuple[Notice, ...]:
    """Return notices by severity, the newest of the same first."""
    return tuple(sorted(_newest_first(notices), key=_rank))


def _short(*texts: str) -> str:
    return sha256("\n".join(texts).encode(errors="surrogatepass")).hexdigest()[:16]


def _ordered(notices: Iterable[Notice]) -> tuple[Notice, ...]:
    """Return each notice once, in order; of those with the same key, the oldest."""
    found: dict[str, Notice] = {}
    for notice in notices:
        same = found.setdefault(notice.key, notice)
        if same != notice:
            # Whichever of the two arrived first, the same one must stay.
            older = min(same, notice, key=lambda each: (each.at, repr(each)))
            found[notice.key] = replace(
                older, until=max((each.until for each in (same, notice) if each.until), default=None)
            )
    return tuple(sorted(found.values(), key=_place_in_time))


def _cut(notice: Notice) -> Notice:
    return notice if len(notice.reason) <= REASON else replace(notice, reason=notice.reason[:REASON])


def _courses(notices: Iterable[Notice]) -> list[_Course]:
    """Cut a timeline, in order, into incidents; a notice may end a part in several of them."""
    courses: list[_Course] = []
    for notice in notices:
        if notice.state in _OPENING and not notice.muted and not _going_on(courses, notice.at):
            courses.append(_Course())
        for course in _concerned(courses, notice):
            course.take(notice)
    return courses


def _going_on(courses: Sequence[_Course], at: datetime) -> bool:
    return bool(courses) and courses[-1].goes_on(at)


def _concerned(courses: Sequence[_Course], notice: Notice) -> Sequence[_Course]:
    """Return the incidents that a notice belongs to."""
    if notice.state == "succeeded":
        return ()
    if notice.state in _CLICKS:
        return ([course for course in courses if course.open] or courses)[-1:]
    if notice.state in _ENDING:
        return [course for course in courses if course.ends(notice)]
    if notice.muted and not (_going_on(courses, notice.at) and courses[-1].open):
        return ()
    return courses[-1:]


def _changes(went: Sequence[Notice]) -> list[datetime]:
    """Return when a part changed: it is not a change to fire on."""
    return [went[0].at, *(after.at for before, after in pairwise(went) if before.state != after.state)]


def _flapping_since(changes: Sequence[datetime], now: datetime) -> datetime | None:
    """Return since when a part that changed at these times flaps, None when it does not, or no more."""
    start, since = 0, None
    for place, at in enumerate(changes):
        if since and at - changes[place - 1] >= QUIET:
            start, since = place, None
        earliest = place - FLAPS + 1
        if since is None and earliest >= start and at - changes[earliest] <= FLAP_WINDOW:
            since = at
    return since if since and now - changes[-1] < QUIET else None


def _peak(went: Sequence[Notice]) -> Notice:
    """Return the notice with the worst value: the highest if any was above its limit, else the lowest."""
    valued = [(notice.value, notice) for notice in went if notice.state == "firing" and notice.value is not None]
    if not valued:
        return went[0]
    above = any(notice.limit is None or value > notice.limit for value, notice in valued)
    return (max if above else min)(valued, key=lambda each: each[0])[1]


def _part(went: Sequence[Notice], now: datetime) -> Part:
    changes = _changes(went)
    return Part(
        last=went[-1],
        first=went[0],
        peak=_peak(went),
        spent=sum((after.at - before.at for before, after in pairwise(went) if before.state == "firing"), timedelta()),
        changes=len(changes),
        flapping=_flapping_since(changes, now) is not None,
    )


def _parts(course: _Course, now: datetime) -> tuple[Part, ...]:
    """Return what is open, the worst and newest first, then what ended, the last first."""
    parts = [_part(went, now) for went in course.history.values()]
    rank = {notice.key: place for place, notice in enumerate(_worst_first(course.open.values()))}
    ended = sorted((part for part in parts if part.last.key not in rank), key=lambda part: _place_in_time(part.first))
    # Sorting is stable: what ended at once, with the resource, stays in the order in which it began.
    return (
        *sorted((part for part in parts if part.last.key in rank), key=lambda part: rank[part.last.key]),
        *sorted(ended, key=lambda part: _place_in_time(part.last), reverse=True),
    )


def _status(course: _Course, now: datetime) -> Status:
    attention = course.steps[-1].attention
    if not course.open:
        return course.ending
    if attention.snoozes(now):
        return "snoozed"
    if attention.heeded:
        return "acked"
    return "open" if course.firing else "failed"


def _named(route: str, before: _Course, after: _Course) -> str:
    """Return the id of the incident before another, nothing when that is too long ago."""
    return incident_id(route, before.notices[0]) if after.notices[0].at - before.changed <= RELATED else ""


def _incident(route: str, course: _Course, previous: str, evidence: Mapping[str, Evidence], now: datetime) -> Incident:
    notices, attention = course.notices, course.steps[-1].attention
    opening = [each for each in notices if each.state in _OPENING]
    return Incident(
        id=incident_id(route, notices[0]),
        route=route,
        subject=notices[0].subject,
        notices=notices,
        parts=_parts(course, now),
        status=_status(course, now),
        severity=_worst_first(course.open.values() or opening)[0].severity,
        opened=notices[0].at,
        ended=None if course.open else course.changed,
        reopened=sum(bool(after.open and not before.open) for before, after in pairwise(course.steps)),
        acked_by=attention.acked.by if attention.acked else "",
        acked_at=attention.acked.at if attention.acked else None,
        snoozed_until=attention.snoozed.until if attention.snoozed else None,
        previous=previous,
        anchors=tuple(incident_id(route, each) for each in opening if not each.muted),
        evidence={each.key: evidence[each.key] for each in notices if each.key in evidence},
    )


def _success(route: str, notice: Notice, evidence: Mapping[str, Evidence]) -> Incident:
    name = incident_id(route, notice)
    return Incident(
        id=name,
        route=route,
        subject=notice.subject,
        notices=(notice,),
        parts=(_part((notice,), notice.at),),
        status="succeeded",
        severity=notice.severity,
        opened=notice.at,
        ended=notice.at,
        anchors=(name,),
        evidence={notice.key: evidence[notice.key]} if notice.key in evidence else {},
    )


def _told(steps: Sequence[_Step], evidence: Mapping[str, Evidence], now: datetime) -> Iterator[Line]:
    """Yield what was said of each notice, its log after it."""
    half = len(steps) // 2 if steps[0].notice.until else 0
    for place, step in enumerate(steps[half:], start=half):
        notice = step.notice
        for about in step.said:
            yield _line(about, notice.at, notice)
        again = next((later.notice.at for later in steps[place + 1 :] if later.open), now)
        if step.held and again - notice.at >= QUIET:
            yield _line(step.held[0], notice.at + QUIET, notice)
        known = evidence.get(notice.key)
        if notice.state == "failed" and known and known.log and (step.said or not place):
            yield _line("log", notice.at, notice)


def _reminders(steps: Sequence[_Step], remind: tuple[timedelta, ...], now: datetime) -> Iterator[Line]:
    """Yield a line for each time at which something critical was open and nobody attended to it."""
    opening = steps[0].notice
    for number, after in enumerate(remind, start=1):
        due = opening.at + after
        then = [step for step in steps if step.notice.at <= due][-1]
        unmuted = (each for each in then.open.values() if not each.muted)
        critical = [each for each in _newest_first(unmuted) if each.severity is Severity.CRITICAL]
        if due <= now and critical and not then.attention.heeded and not then.attention.snoozes(due):
            key = f"reminder-{number}:{_short(opening.key)}"
            yield Line(key=key, about="reminder", at=due, notice=critical[0], number=number)


def _line(about: About, at: datetime, notice: Notice) -> Line:
    return Line(key=f"{about}:{_short(notice.key)}", about=about, at=at, notice=notice)
