"""Decides what is still to be sent so that a receiver shows what the incidents are. Pure.

What was sent is compared with what should be shown, as alarms are: so a crash repeats at most the message that was sent
last, and what a late notice makes untrue is taken back.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Literal

from sagewatch.model import Incident, ThreadLine
from sagewatch.receivers.receiver import Capabilities, Location

PICTURE = "picture/"
"""What the key of a picture begins with, among the lines that were sent: it is of no line, and stays."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """What one receiver was sent about one incident.

    `root` is where its message is, `fingerprint` what that showed, `lines` where each line of the thread is, by key.
    """

    root: Location = field(default_factory=dict)
    fingerprint: str = ""
    lines: Mapping[str, Location] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """One message to send: post or edit that of an incident, reply a line, or withdraw a message."""

    do: Literal["post", "edit", "reply", "withdraw"]
    id: str
    """What the incident is stored under."""
    line: ThreadLine | None = None
    """What to reply."""
    key: str = ""
    """Of which line to withdraw the reply; none means the message of the incident."""
    where: Location = field(default_factory=dict)
    """Where the message is that is withdrawn."""


def due(
    incident: Incident,
    history: Sequence[ThreadLine],
    sent: Sent | None,
    fresh: frozenset[str],
    fingerprint: str,
    capabilities: Capabilities,
) -> Iterator[Action]:
    """Yield what is still to be sent about an incident, in order.

    `fingerprint` is that of its message as it should be, `fresh` are the keys of the notices that have just arrived.
    Where nothing can be edited, a line is sent only when its notice is fresh, or when it had to wait (a reminder, the
    end of what flapped): a change of the past that is found out later is not worth another message.
    """
    if capabilities.opens and (sent is None or not sent.root):
        yield Action(do="post", id=incident.id)
    elif capabilities.editable and sent and sent.fingerprint != fingerprint:
        yield Action(do="edit", id=incident.id)
    before = sent.lines if sent else {}
    for line in history:
        had_to_wait = line.about == "reminder" or line.at > line.notice.at
        is_due = capabilities.editable or had_to_wait or line.notice.key in fresh
        is_told = capabilities.abouts is None or line.about in capabilities.abouts
        if line.key not in before and is_told and is_due:
            yield Action(do="reply", id=incident.id, line=line)
    if capabilities.editable:
        wanted = {line.key for line in history}
        for key, where in before.items():
            if key not in wanted and not key.startswith(PICTURE):
                yield Action(do="withdraw", id=incident.id, key=key, where=where)


def merged(sent: Mapping[str, Sent], incidents: Iterable[Incident]) -> Iterator[Action]:
    """Yield the withdrawal of messages about incidents that turned out to be part of another."""
    for incident in incidents:
        for other in _known_ids(sent, incident)[1:]:
            for key, where in sent[other].lines.items():
                if not key.startswith(PICTURE):
                    yield Action(do="withdraw", id=other, key=key, where=where)
            yield Action(do="withdraw", id=other, where=sent[other].root)


def by_present_id(sent: Mapping[str, Sent], incidents: Iterable[Incident]) -> dict[str, Sent]:
    """Return what was sent, by the ids that the incidents have now; of incidents that became one, the first."""
    known = {incident.id: _known_ids(sent, incident) for incident in incidents}
    return {id_: sent[ids[0]] for id_, ids in known.items() if ids}


def _known_ids(sent: Mapping[str, Sent], incident: Incident) -> list[str]:
    """Return the ids under which something was sent about an incident, its own first, then its anchors in order."""
    return [each for each in dict.fromkeys((incident.id, *incident.anchors)) if each in sent]


def after(sent: Sent | None, action: Action, where: Location, fingerprint: str) -> Sent:
    """Return what was sent about an incident once an action is done; `where` is the new message."""
    before = sent or Sent()
    if action.do in ("post", "edit"):
        return replace(before, root=where, fingerprint=fingerprint)
    if action.do == "reply" and action.line:
        return replace(before, lines={**before.lines, action.line.key: where})
    return replace(before, lines={key: each for key, each in before.lines.items() if key != action.key})


def to_stored(sent: Mapping[str, Sent], since: datetime) -> dict[str, Any]:
    """Return what one receiver was sent, as JSON: `{"since": …, "said": {"inc_…": {"root", "mark", "lines"}}}`.

    The keys are those of the first version, whose timelines must still be read.
    """
    said = {
        id_: {"root": dict(each.root), "mark": each.fingerprint, "lines": {k: dict(v) for k, v in each.lines.items()}}
        for id_, each in sent.items()
    }
    return {"since": since.isoformat(), "said": said}


def of_stored(stored: Mapping[str, Any], fresh: Iterable[datetime], now: datetime) -> tuple[dict[str, Sent], datetime]:
    """Read what `to_stored` returned (or nothing); return what was sent, and since when the receiver is told.

    That is the time of the oldest notice it was told: `fresh` are the times of those to be told now.
    """
    since = datetime.fromisoformat(stored["since"]) if stored else now
    said = stored["said"] if stored else {}
    sent = {id_: Sent(root=each["root"], fingerprint=each["mark"], lines=each["lines"]) for id_, each in said.items()}
    return sent, min([since, *fresh])
