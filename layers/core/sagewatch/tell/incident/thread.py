"""Decides which lines the thread of an incident has: what joined, worsened, ended, was acknowledged, is due. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import zip_longest

from sagewatch.model import About, Evidence, Incident, Notice, ThreadLine
from sagewatch.tell.incident.acknowledgement import is_refused
from sagewatch.tell.incident.flapping import STEADY
from sagewatch.tell.incident.group import Group, Snapshot, short_hash, worst_first


def thread_lines(incident: Incident, remind: Sequence[timedelta], now: datetime) -> tuple[ThreadLine, ...]:
    """Return the history of an incident in order of time; `remind` are the times of reminders: `(15 min, 1 h)`.

    The first notice is the message itself and has no line. What fires or fails besides is `joined`, or `worsened` if
    the severity rises by it, or `reopened` if all was clear. What ends is `cleared` (or `closed`: its alarm was
    deleted) while others are open; the last to end makes it `resolved`, or `closed` if nothing was ever cleared. Of
    `joined` and of `cleared`, three are told of the same title.

    An alarm that flaps has one line `flapping` for each time it begins to; besides, only what it is once it has not
    changed for fifteen minutes is told: `settled` if it fires, else its end. A `log` follows every failure that is told
    and has log lines. `snooze-over` is told when a snooze ends and something still fires. A `reminder` is due that
    long after something critical opened, or a snooze ended, if nobody has acknowledged or snoozed it since.

    Of an incident that was too long to keep whole, only the newer half of what is left has lines.
    """
    if incident.status in ("succeeded", "announced"):
        return ()
    group = Group()
    for notice in incident.notices:
        group.take(notice)
    history = (
        *_told_lines(group.snapshots, incident.evidence, now),
        *_ends_of_snoozes(group.snapshots, now),
        *_due_reminders(group.snapshots, remind, now),
    )
    return tuple(sorted(history, key=lambda line: line.at))


def _told_lines(snapshots: Sequence[Snapshot], evidence: Mapping[str, Evidence], now: datetime) -> Iterator[ThreadLine]:
    """Yield what was told of each notice, then its log."""
    # `until` of the first notice says that the middle of the incident was dropped (see retention).
    first_told = len(snapshots) // 2 if snapshots[0].notice.until else 0
    for place, snapshot in enumerate(snapshots[first_told:], start=first_told):
        notice = snapshot.notice
        for about in snapshot.told:
            yield _line(about, notice.at, notice)
        if snapshot.told_if_steady and (steady := _once_steady(snapshots, place, now)):
            yield _line(steady, notice.at + STEADY, notice)
        known = evidence.get(notice.key)
        if notice.state == "failed" and known and known.log and (snapshot.told or not place):
            yield _line("log", notice.at, notice)


def _once_steady(snapshots: Sequence[Snapshot], place: int, now: datetime) -> About | None:
    """Return what is told of a part that flaps, once it has not changed for fifteen minutes; None while it has.

    An end that was the last one is told as such when nothing is open then either, any other when something is.
    """
    snapshot, notice = snapshots[place], snapshots[place].notice
    [about], steady = snapshot.told_if_steady, notice.at + STEADY
    then = snapshot
    for later in snapshots[place + 1 :]:
        if later.notice.at >= steady:
            break
        then = later
        is_ended_with_all = notice.part in snapshot.open and notice.part not in later.open
        if is_ended_with_all or (later.notice.part == notice.part and later.notice.state != notice.state):
            return None
    if now < steady:
        return None
    if about in ("resolved", "closed") and then.open:
        return "cleared"
    return None if about == "cleared" and not then.open else about


def _ends_of_snoozes(snapshots: Sequence[Snapshot], now: datetime) -> Iterator[ThreadLine]:
    """Yield a line for each snooze that was in force until its end, when something fired then."""
    for until, clicked, then in _snoozes_that_ended(snapshots, now):
        firing = [notice for notice in then.open.values() if notice.state == "firing"]
        if firing:
            key = f"snooze-over:{short_hash(clicked.key)}"
            yield ThreadLine(key=key, about="snooze-over", at=until, notice=worst_first(firing)[0])


def _snoozes_that_ended(snapshots: Sequence[Snapshot], now: datetime) -> Iterator[tuple[datetime, Notice, Snapshot]]:
    """Yield the end of each snooze that lasted until then, its click, and how the incident was at that time."""
    for snapshot in snapshots:
        clicked = snapshot.notice
        if clicked.state != "snoozed" or clicked.until is None or clicked.until > now or is_refused(clicked):
            continue
        then = _at(snapshots, max(clicked.until, clicked.at))
        acknowledgement = then.acknowledgement
        acked = acknowledgement.acked if acknowledgement.counts else None
        if acknowledgement.snoozed == clicked and not (acked and acked.at > clicked.at):
            yield max(clicked.until, clicked.at), clicked, then


def _due_reminders(snapshots: Sequence[Snapshot], remind: Sequence[timedelta], now: datetime) -> Iterator[ThreadLine]:
    """Yield a line for each time of `remind` after which something critical is open and nobody attends to it."""
    begins = _unattended_since(snapshots, now)
    for (begin, cause), following in zip_longest(begins, begins[1:]):
        for number, after in enumerate(remind, start=1):
            due = begin + after
            then = _at(snapshots, due)
            is_over = following and due >= following[0]
            if due > now or is_over or not then.critical or not then.is_unattended(due):
                continue
            key = f"reminder-{number}:{short_hash(cause.key)}"
            yield ThreadLine(key=key, about="reminder", at=due, notice=then.critical, number=number, waited=after)


def _unattended_since(snapshots: Sequence[Snapshot], now: datetime) -> list[tuple[datetime, Notice]]:
    """Return when, and by which notice, something critical came to be open that nobody attends to, in order.

    What joins it meanwhile does not begin it anew, nor does an alarm that flaps; the end of a snooze does.
    """
    found: list[tuple[datetime, Notice]] = []
    before: Snapshot | None = None
    for snapshot in snapshots:
        at = snapshot.notice.at
        is_news = bool(snapshot.told) and snapshot.told != ("flapping",)
        if snapshot.is_unattended(at) and not (before and before.is_unattended(at)) and (is_news or not before):
            found.append((at, snapshot.notice))
        before = snapshot
    found += [(until, clicked) for until, clicked, then in _snoozes_that_ended(snapshots, now) if then.critical]
    return sorted(found, key=lambda each: each[0])


def _at(snapshots: Sequence[Snapshot], at: datetime) -> Snapshot:
    """Return how the incident was at a time, which is not before its first notice."""
    return [snapshot for snapshot in snapshots if snapshot.notice.at <= at][-1]


def _line(about: About, at: datetime, notice: Notice) -> ThreadLine:
    return ThreadLine(key=f"{about}:{short_hash(notice.key)}", about=about, at=at, notice=notice)
