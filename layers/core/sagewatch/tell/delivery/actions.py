"""Decides what is still to be said somewhere so that it shows what the incidents are, and has it said. Pure.

What was said is compared with what should be, as alarms are: so a crash repeats at most what was said last, and what a
late notice makes untrue is taken back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Literal

from sagewatch.errors import Stale
from sagewatch.model import Incident, Line
from sagewatch.receivers.receiver import Manner, Remembered, Voice
from sagewatch.tell.incident.group import lines

PICTURE = "picture/"
"""What the key of a picture begins with, among the lines that were said: it is of no line, and stays."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What was said of one incident in one place: the root message, what it showed (`mark`), and the lines, by key."""

    root: Remembered = field(default_factory=dict)
    mark: str = ""
    lines: Mapping[str, Remembered] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One thing to do: post or edit the root of an incident, reply a line, withdraw a message.

    `id` is what the incident is remembered under; withdrawing names the line by `key`, or the root by none.
    """

    do: Literal["post", "edit", "reply", "withdraw"]
    id: str
    incident: Incident | None = None
    line: Line | None = None
    key: str = ""
    root: Remembered = field(default_factory=dict)


@dataclass(slots=True, kw_only=True)
class Talk:
    """A talk on one voice, which writes down (`remember`) each thing that was said before it says the next.

    `since` is the time of the oldest notice that this voice was told: who joins a route is not told its past. `fresh`
    are the keys of the notices that the talk is about, `ladder` the times of reminders.
    """

    voice: Voice
    sent: dict[str, Said]
    since: datetime
    fresh: frozenset[str]
    ladder: tuple[timedelta, ...]
    now: datetime
    remember: Callable[[Mapping[str, Said]], None]

    def owes(self, several: Sequence[Incident]) -> bool:
        """Tell whether anything is still to be said of the incidents of a timeline."""
        if any(superfluous(self.sent, several)):
            return True
        sent = settled(self.sent, several)
        return any(True for each in several for _ in self._steps(each, sent.get(each.id), self._mark(each)))

    def catch_up(self, several: Sequence[Incident]) -> None:
        """Say what is still to be said of the incidents of a timeline, oldest first."""
        withdrawn = tuple(superfluous(self.sent, several))
        for step in withdrawn:
            self.voice.withdraw(step.root)
        self.sent = settled(self.sent, several)
        if withdrawn:
            self.remember(self.sent)
        for incident in several:
            mark = self._mark(incident)
            for step in tuple(self._steps(incident, self.sent.get(incident.id), mark)):
                self._done(step, self._take(incident, step, mark), mark)

    def _mark(self, incident: Incident) -> str:
        return self.voice.mark(incident, self.now) if self.voice.manner.editable else ""

    def _steps(self, incident: Incident, said: Said | None, mark: str) -> Iterator[Step]:
        if any(notice.at >= self.since for notice in incident.notices):
            history = lines(incident, self.ladder, self.now)
            yield from steps(incident, history, said, self.fresh, mark, self.voice.manner)

    def _done(self, step: Step, where: Remembered, mark: str) -> None:
        self.sent[step.id] = after(self.sent.get(step.id), step, where, mark)
        self.remember(self.sent)

    def _take(self, incident: Incident, step: Step, mark: str) -> Remembered:
        # What is there no more somebody deleted, or it is too old to be edited: said anew, nothing is lost.
        root, previous = self._root(incident.id), self._root(incident.previous)
        if step.do == "post":
            return self.voice.open(incident, self.now, previous)
        if step.do == "edit":
            try:
                return self.voice.edit(root, incident, self.now, previous)
            except Stale:
                return self.voice.open(incident, self.now, previous)
        if step.do == "reply" and step.line:
            try:
                return self.voice.add(root, incident, step.line)
            except Stale:
                anew = self.voice.open(incident, self.now, previous)
                self._done(Step(do="post", id=incident.id), anew, mark)
                return self.voice.add(anew, incident, step.line)
        self.voice.withdraw(step.root)
        return {}

    def _root(self, id_: str) -> Remembered:
        return self.sent[id_].root if id_ in self.sent else {}


def settled(sent: Mapping[str, Said], several: Iterable[Incident]) -> dict[str, Said]:
    """Return what was said by the ids that the incidents have now; of incidents that became one, the first."""
    found: dict[str, Said] = {}
    for incident in several:
        known = _known(sent, incident)
        if known:
            found[incident.id] = sent[known[0]]
    return found


def superfluous(sent: Mapping[str, Said], several: Iterable[Incident]) -> Iterator[Step]:
    """Yield the withdrawal of messages about incidents that turned out to be part of another."""
    for incident in several:
        for other in _known(sent, incident)[1:]:
            said = sent[other]
            replies = {key: where for key, where in said.lines.items() if not key.startswith(PICTURE)}
            yield from (Step(do="withdraw", id=other, key=key, root=where) for key, where in replies.items())
            yield Step(do="withdraw", id=other, root=said.root)


def _known(sent: Mapping[str, Said], incident: Incident) -> list[str]:
    """Return the ids under which an incident was spoken of, by the order in which its notices could have opened it."""
    return [each for each in dict.fromkeys((incident.id, *incident.anchors)) if each in sent]


def steps(
    incident: Incident, history: Sequence[Line], said: Said | None, fresh: frozenset[str], mark: str, manner: Manner
) -> Iterator[Step]:
    """Yield what is still to be done about an incident, in order.

    Where nothing can be edited, a line is said only when its notice is `fresh`, or when it had to wait (a reminder, the
    end of what flapped): what is read into the past later is not worth another message.
    """
    if manner.opens and (said is None or not said.root):
        yield Step(do="post", id=incident.id, incident=incident)
    elif manner.editable and said and said.mark != mark:
        yield Step(do="edit", id=incident.id, incident=incident, root=said.root)
    before = said.lines if said else {}
    for line in history:
        waited = line.about == "reminder" or line.at > line.notice.at
        due = manner.editable or waited or line.notice.key in fresh
        if line.key not in before and manner.says(line) and due:
            yield Step(do="reply", id=incident.id, incident=incident, line=line)
    if manner.editable:
        wanted = {line.key for line in history}
        gone = {key: where for key, where in before.items() if key not in wanted and not key.startswith(PICTURE)}
        yield from (Step(do="withdraw", id=incident.id, key=key, root=where) for key, where in gone.items())


def after(said: Said | None, step: Step, where: Remembered, mark: str) -> Said:
    """Return what was said once a step is done."""
    before = said or Said()
    if step.do in ("post", "edit"):
        return replace(before, root=where, mark=mark)
    if step.do == "reply" and step.line:
        return replace(before, lines={**before.lines, step.line.key: where})
    return replace(before, lines={key: each for key, each in before.lines.items() if key != step.key})


def as_data(sent: Mapping[str, Said], since: datetime) -> dict[str, Any]:
    """Return it for the table."""
    return {
        "since": since.isoformat(),
        "said": {
            id_: {"root": dict(said.root), "mark": said.mark, "lines": {k: dict(v) for k, v in said.lines.items()}}
            for id_, said in sent.items()
        },
    }


def of_data(data: Mapping[str, Any], fresh: Iterable[datetime], now: datetime) -> tuple[dict[str, Said], datetime]:
    """Read what `as_data` returned; `fresh` are the times of the notices to be told now."""
    since = datetime.fromisoformat(data["since"]) if data else now
    said = data["said"] if data else {}
    sent = {id_: Said(root=each["root"], mark=each["mark"], lines=each["lines"]) for id_, each in said.items()}
    return sent, min([since, *fresh])
