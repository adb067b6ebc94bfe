"""Decides which lines the thread of an incident has: what joined, worsened, ended, was acknowledged, is due. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from sagewatch.model import About, Evidence, Incident, Notice, Severity, ThreadLine
from sagewatch.tell.incident.flapping import STEADY
from sagewatch.tell.incident.group import Group, Snapshot, newest_first, short_hash


def thread_lines(incident: Incident, remind: Sequence[timedelta], now: datetime) -> tuple[ThreadLine, ...]:
    """Return the history of an incident in order of time; `remind` are the times of reminders after the opening.

    The first notice is the message itself and has no line. Muted notices have none either, except for the end of the
    incident. What fires or fails besides is `joined`, or `worsened` if the severity rises by it, or `reopened` if all
    was clear. What ends is `cleared` while others are open; the last to end makes it `resolved`, or `closed` if
    nothing was ever cleared. Of `joined` and of `cleared`, three are told of the same title.

    An alarm that flaps has one line `flapping` for each time it begins to; besides, only the end of the incident is
    told, once it lasted fifteen minutes. A `log` follows every failure that is told and has log lines. A `reminder` is
    due that long after the opening, if something critical is open then and nobody acknowledged or snoozed it.

    Of an incident that was too long to keep whole, only the newer half of what is left has lines.
    """
    if incident.status in ("succeeded", "announced"):
        return ()
    group = Group()
    for notice in incident.notices:
        group.take(notice)
    history = [*_told_lines(group.snapshots, incident.evidence, now), *_due_reminders(group.snapshots, remind, now)]
    return tuple(sorted(history, key=lambda line: line.at))


def _told_lines(snapshots: Sequence[Snapshot], evidence: Mapping[str, Evidence], now: datetime) -> Iterator[ThreadLine]:
    """Yield what was told of each notice, then its log."""
    # `until` of the first notice says that the middle of the incident was dropped (see retention).
    first_told = len(snapshots) // 2 if snapshots[0].notice.until else 0
    for place, snapshot in enumerate(snapshots[first_told:], start=first_told):
        notice = snapshot.notice
        for about in snapshot.told:
            yield _line(about, notice.at, notice)
        open_again = next((later.notice.at for later in snapshots[place + 1 :] if later.open), now)
        if snapshot.told_if_it_lasts and open_again - notice.at >= STEADY:
            yield _line(snapshot.told_if_it_lasts[0], notice.at + STEADY, notice)
        known = evidence.get(notice.key)
        if notice.state == "failed" and known and known.log and (snapshot.told or not place):
            yield _line("log", notice.at, notice)


def _due_reminders(snapshots: Sequence[Snapshot], remind: Sequence[timedelta], now: datetime) -> Iterator[ThreadLine]:
    """Yield a line for each time of `remind` at which something critical was open and nobody attended to it."""
    opening = snapshots[0].notice
    for number, after in enumerate(remind, start=1):
        due = opening.at + after
        if due > now:
            continue
        then = [snapshot for snapshot in snapshots if snapshot.notice.at <= due][-1]
        unmuted = [notice for notice in then.open.values() if not notice.muted]
        critical = [each for each in newest_first(unmuted) if each.severity is Severity.CRITICAL]
        if critical and not then.acknowledgement.counts and not then.acknowledgement.is_snoozed(due):
            key = f"reminder-{number}:{short_hash(opening.key)}"
            yield ThreadLine(key=key, about="reminder", at=due, notice=critical[0], number=number)


def _line(about: About, at: datetime, notice: Notice) -> ThreadLine:
    return ThreadLine(key=f"{about}:{short_hash(notice.key)}", about=about, at=at, notice=notice)
