"""Decides what is still to be sent so that a receiver shows what the incidents are. Pure.

What was sent is compared with what should be shown, as alarms are: so a crash repeats at most the message that was sent
last, and what a late notice makes untrue is taken back.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import reduce
from typing import Any, Literal

from sagewatch.model import GOES_ON, WHOLE_RESOURCE, About, Incident, Notice, Part, Severity, ThreadLine
from sagewatch.receivers.receiver import Capabilities, Location
from sagewatch.tell.incident.group import ALIKE, short_hash

PICTURE = "picture/"
"""What the key of a picture begins with, among the lines that were sent: it is of no line, and stays."""

MOVED = "/moved"
"""What the stored id ends in of an incident that was told on two routes, for the one that the policy has no more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """What one receiver was sent about one incident."""

    key: str = ""
    """The id that the incident had when it was first sent: who cannot be shown another one knows it by this."""
    root: Location = field(default_factory=dict)
    """Where its message is."""
    fingerprint: str = ""
    """What that message showed."""
    lines: Mapping[str, Location] = field(default_factory=dict)
    """Where each line of the thread is, by key."""
    at: str = ""
    """Of an outage, when its readers were told last, in ISO 8601."""
    parts: Mapping[str, str] | None = None
    """How each part stood when it was last told, as `standings` says it; None of what the first version sent."""


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
    is_news: bool,
    fingerprint: str,
    capabilities: Capabilities,
) -> Iterator[Action]:
    """Yield what is still to be sent about an incident, in order.

    `fingerprint` is that of its message as it should be, `fresh` are the keys of the notices that have just arrived.
    What was over before a receiver was told of it is told only when it `is_news` (see touched).
    """
    if capabilities.opens and (sent is None or not sent.root):
        was_tried = sent is not None
        if not (incident.is_open or was_tried or is_news):
            return
        yield Action(do="post", id=incident.id)
    elif capabilities.editable and sent and sent.fingerprint != fingerprint:
        yield Action(do="edit", id=incident.id)
    told = [each for each in history if capabilities.abouts is None or each.about in capabilities.abouts]
    if capabilities.editable:
        yield from _thread(incident, told, history, sent or Sent())
    else:
        yield from _news(incident, told, sent, fresh, capabilities)


def touched(incidents: Iterable[Incident], fresh: frozenset[str], told: Mapping[str, Sent]) -> frozenset[str]:
    """Return the ids of the incidents that notices which have just arrived may have changed.

    Those are the incidents that have one, and those after one that was told and has one: an end that is heard of late
    may have cut them off, and what was told of them was told with that.
    """
    found, may_be_cut_off = set(), False
    for incident in incidents:
        has_fresh = any(notice.key in fresh for notice in incident.notices)
        if has_fresh or may_be_cut_off:
            found.add(incident.id)
        may_be_cut_off = may_be_cut_off or (has_fresh and incident.id in told)
    return frozenset(found)


def outlived(incidents: Iterable[Incident]) -> frozenset[str]:
    """Return the ids of the incidents that are over while something of them fires in a later one.

    Where nothing can be edited they are not told any more: their end would be the last word about what fires.
    """
    found, firing_later = set(), set[str]()
    for incident in reversed(tuple(incidents)):
        names = {part.first.part for part in incident.parts}
        if not incident.is_open and names & firing_later:
            found.add(incident.id)
        firing_later |= {part.first.part for part in incident.parts if part.firing}
    return frozenset(found)


def _thread(
    incident: Incident, told: Iterable[ThreadLine], history: Sequence[ThreadLine], sent: Sent
) -> Iterator[Action]:
    """Yield what makes the thread of a message what it should be."""
    for line in told:
        if line.key not in sent.lines and not _is_past(incident, line):
            yield Action(do="reply", id=incident.id, line=line)
    if _is_shortened(incident):
        return
    wanted = {line.key for line in history}
    for key, where in sent.lines.items():
        if key not in wanted and not key.startswith(PICTURE):
            yield Action(do="withdraw", id=incident.id, key=key, where=where)


def _is_shortened(incident: Incident) -> bool:
    """Tell whether the middle of an incident was dropped (see retention): then what was said of it stays said."""
    return incident.notices[0].until is not None


def _news(
    incident: Incident, told: Iterable[ThreadLine], sent: Sent | None, fresh: frozenset[str], capabilities: Capabilities
) -> Iterator[Action]:
    """Yield what is told where nothing can be edited: how parts stand that stood otherwise when they were last told.

    So no order of arrival loses a part, and nothing is told that is not so any more. Of clicks, logs and reminders a
    line is sent when its notice is fresh, or when it had to wait.
    """
    lines = [each for each in told if sent is None or each.key not in sent.lines]
    found: list[ThreadLine] = []
    is_called = any(sent.lines.values()) if sent else False
    if sent and (sent.root if capabilities.opens else is_called):
        changed = _changed_parts(incident, lines, told_parts(incident, sent, fresh))
        found = [each for each in changed if capabilities.abouts is None or each.about in capabilities.abouts]
    for line in lines:
        had_to_wait = line.at > line.notice.at
        is_steady = line.about == "flapping" and not _flaps(incident, line.notice.part)
        if line.about in _OF_PARTS or line in found or is_steady or _is_past(incident, line):
            continue
        if had_to_wait or line.notice.key in fresh:
            found.append(line)
    for line in sorted(found, key=lambda each: each.at):
        yield Action(do="reply", id=incident.id, line=line)


def _is_past(incident: Incident, line: ThreadLine) -> bool:
    """Tell whether it is too late to remind: what was critical then is over, or somebody attends to it by now."""
    if line.about != "reminder":
        return False
    is_over = all(part.last.state not in ("firing", "failed") for part in incident.parts if _is_of(part, line.notice))
    return is_over or incident.status in ("acked", "snoozed")


def _is_of(part: Part, notice: Notice) -> bool:
    return part.first.part == notice.part


def _flaps(incident: Incident, name: str) -> bool:
    return any(part.flapping for part in incident.parts if part.first.part == name)


_OF_PARTS: frozenset[About] = frozenset({"joined", "worsened", "reopened", "settled", "cleared", "closed", "resolved"})
_OPENED: frozenset[About] = frozenset({"joined", "worsened", "reopened", "settled"})
_RANKS = {str(severity): rank for rank, severity in enumerate(Severity)}
ENDED = "ended"
"""How a part stands that is over, and under `*` an incident."""
_FLAPPING, _DOUBTFUL = "flapping", "?"


def standings(incident: Incident) -> dict[str, str]:
    """Return how each part stands, and under `*` the incident: `{"*": "open", "sagewatch/…/cpu": "critical"}`.

    A part that ended is `ended`; each failure of one part is news, so it is told apart by its notice. What flaps is
    neither open nor ended for its readers, until it settles.
    """
    found = {WHOLE_RESOURCE: "open" if not incident.is_settled else ENDED}
    for part in incident.parts:
        found[part.first.part] = _FLAPPING if part.flapping else _standing(part.last)
    return found


def _standing(last: Notice) -> str:
    if last.state == "firing":
        return str(last.severity)
    return f"{last.severity} {short_hash(last.key)}" if last.state == "failed" else ENDED


def told_parts(incident: Incident, sent: Sent, fresh: frozenset[str]) -> Mapping[str, str]:
    """Return how the parts stood when they were last told.

    The first version did not write it down: then everything counts as told but for what has just arrived.
    """
    if sent.parts is not None:
        return sent.parts
    found: dict[str, str] = {}
    for notice in incident.notices:
        if notice.key not in fresh and notice.state not in ("acked", "snoozed"):
            found[notice.part] = _standing(notice)
    is_over = all(standing == ENDED for standing in found.values())
    return {**found, WHOLE_RESOURCE: ENDED if is_over else "open"}


def _changed_parts(incident: Incident, lines: Sequence[ThreadLine], told: Mapping[str, str]) -> Iterator[ThreadLine]:
    """Yield one line for each part that stands otherwise than it was told; of what is over, only that it is."""
    if not incident.is_open:
        if told.get(WHOLE_RESOURCE) != ENDED and not any(part.flapping for part in incident.parts):
            ends = [line for line in lines if line.about in ("resolved", "closed")]
            yield ends[-1] if ends else _line_of(incident.parts[0].last, _ending(incident))
        return
    # Who was warned of it, when nothing could be remembered, takes it for open.
    warned = {each.part: str(each.severity) for each in incident.notices if each.warned}
    for part in incident.parts:
        now = _standing(part.last)
        untold = warned.get(part.first.part, ENDED) if now == ENDED else ENDED
        was = told.get(part.first.part, untold)
        is_hidden = part.flapping or (now != ENDED and part.last.muted)
        if is_hidden or now == was or (now != ENDED and not _is_worse(now, was)):
            continue
        ended = now == ENDED
        own = [
            line
            for line in lines
            if line.notice.part == part.first.part and line.about in _OF_PARTS and (line.about in _OPENED) != ended
        ]
        # What ended all that was open then, and was heard of late, must not be taken for the end of what is open now.
        if own and own[-1].about != "resolved":
            yield own[-1]
        elif own or not _is_one_of_many(incident, part):
            yield _line_of(part.last, _about(part.last, told))


def _is_worse(now: str, was: str) -> bool:
    """Tell whether an open part is news: it was not open, it failed again, or its severity has risen."""
    if was in (ENDED, _FLAPPING, _DOUBTFUL) or now.partition(" ")[2] != was.partition(" ")[2]:
        return True
    return _RANKS[now.partition(" ")[0]] < _RANKS[was.partition(" ")[0]]


def is_change(now: str, was: str | None) -> bool:
    """Tell whether a part stands otherwise for its readers than it was told; one that flaps is left out."""
    if now == _FLAPPING or was == now:
        return False
    return now == ENDED or was is None or _is_worse(now, was)


def _is_one_of_many(incident: Incident, part: Part) -> bool:
    """Tell whether a part is only counted, because too many have its title for each to be told."""
    return sum(each.first.title == part.first.title for each in incident.parts) > ALIKE


def _about(last: Notice, told: Mapping[str, str]) -> About:
    """Return what a part of which the history has no line is told as: it came first, but was heard of later."""
    if last.state in ("cleared", "closed"):
        return "closed" if last.state == "closed" else "cleared"
    opened = [
        each.partition(" ")[0]
        for part, each in told.items()
        if part != WHOLE_RESOURCE and each not in (ENDED, _FLAPPING, _DOUBTFUL)
    ]
    if told.get(WHOLE_RESOURCE) == ENDED:
        return "reopened"
    return "worsened" if all(_RANKS[last.severity] < _RANKS[each] for each in opened) else "joined"


def _ending(incident: Incident) -> About:
    return "closed" if incident.status == "closed" else "resolved"


def _line_of(notice: Notice, about: About) -> ThreadLine:
    return ThreadLine(key=f"{about}:{short_hash(notice.key)}", about=about, at=notice.at, notice=notice)


def merged(sent: Mapping[str, Sent], incidents: Iterable[Incident], capabilities: Capabilities) -> Iterator[Action]:
    """Yield the withdrawal of messages about incidents that turned out to be part of another."""
    if not capabilities.editable:
        return
    for incident in incidents:
        for other in _known_ids(sent, incident)[1:]:
            yield from _withdrawn(sent, other, capabilities)


def moved(sent: Mapping[str, Sent], incidents: Iterable[Incident], capabilities: Capabilities) -> Iterator[Action]:
    """Yield the withdrawal of messages about incidents that an outage tells now."""
    if not capabilities.editable:
        return
    for incident in incidents:
        for id_ in _known_ids(sent, incident):
            yield from _withdrawn(sent, id_, capabilities)


def _withdrawn(sent: Mapping[str, Sent], id_: str, capabilities: Capabilities) -> Iterator[Action]:
    for key, where in sent[id_].lines.items():
        if not key.startswith(PICTURE):
            yield Action(do="withdraw", id=id_, key=key, where=where)
    keyed = {"key": sent[id_].key} if capabilities.keyed else {}
    yield Action(do="withdraw", id=id_, where=sent[id_].root or keyed)


def by_present_id(
    sent: Mapping[str, Sent], incidents: Iterable[Incident], capabilities: Capabilities
) -> dict[str, Sent]:
    """Return what was sent, by the ids that the incidents have now.

    Of incidents that became one the first counts, whose message stays; where nothing can be edited the last, with what
    was told of the parts of all.
    """
    found = {}
    for incident in incidents:
        several = [sent[each] for each in _known_ids(sent, incident)]
        if several:
            first = capabilities.editable
            known = several[0] if first else several[-1] if capabilities.keyed else reduce(_and, several)
            found[incident.id] = _shortened(known, incident)
    return found


def _and(earlier: Sent, later: Sent) -> Sent:
    """Return what was sent about two incidents that became one."""
    both = earlier.parts is not None and later.parts is not None
    parts = {**(earlier.parts or {}), **(later.parts or {})} if both else later.parts
    return replace(later, lines={**earlier.lines, **later.lines}, parts=parts)


def superseded(
    sent: Mapping[str, Sent], incidents: Iterable[Incident], capabilities: Capabilities, now: datetime
) -> Iterator[tuple[str, Incident, ThreadLine]]:
    """Yield what is told as closed to who keeps incidents by their ids, and was told of two that became one.

    That is the stored id of the one that does not go on, the incident as it is to be told, and the line to tell.
    """
    if capabilities.editable or not capabilities.keyed:
        return
    for incident in incidents:
        for other in _known_ids(sent, incident)[:-1]:
            told = sent[other]
            if told.root and (told.parts or {}).get(WHOLE_RESOURCE) != ENDED:
                parts = [part for part in incident.parts if part.first.part in (told.parts or {})] or incident.parts
                ends = tuple([replace(part, last=_superseded(part.last, now)) for part in parts])
                over = replace(incident, id=told.key or other, parts=ends, status="closed", ended=now)
                yield other, over, _line_of(ends[0].last, "closed")


def _superseded(last: Notice, now: datetime) -> Notice:
    return replace(last, state="closed", at=now, reason=GOES_ON) if last.state in ("firing", "failed") else last


def _shortened(sent: Sent, incident: Incident) -> Sent:
    """Return what was sent, without the lines of notices that were dropped: they stay said, and need no room."""
    if not _is_shortened(incident):
        return sent
    kept = {short_hash(notice.key) for notice in incident.notices}
    lines = {
        key: where for key, where in sent.lines.items() if key.startswith(PICTURE) or key.rpartition(":")[2] in kept
    }
    return replace(sent, lines=lines)


def _known_ids(sent: Mapping[str, Sent], incident: Incident) -> list[str]:
    """Return the ids under which something was sent about an incident, its own first, then its anchors in order."""
    names = (incident.id, *incident.anchors)
    return [each for each in dict.fromkeys((*names, *(f"{name}{MOVED}" for name in names))) if each in sent]


def after(sent: Sent | None, action: Action, where: Location, fingerprint: str, incident: Incident) -> Sent:
    """Return what was sent about an incident once an action is done; `where` is the new message."""
    before = sent or Sent(key=incident.id)
    if action.do in ("post", "edit"):
        return replace(before, root=where, fingerprint=fingerprint, parts=standings(incident))
    if action.do == "reply" and action.line:
        line, now = action.line, standings(incident)
        # Who is called by a reminder was told of nothing else.
        is_called = line.about == "reminder" and before.parts is None and not before.root
        told = {} if is_called else told_parts(incident, before, frozenset({line.notice.key}))
        news = {part: standing for part, standing in now.items() if part == line.notice.part}
        is_end = line.about in ("resolved", "closed") and not incident.is_open
        if line.about in _OF_PARTS or line.about in ("flapping", "reminder"):
            news[WHOLE_RESOURCE] = now[WHOLE_RESOURCE]
        parts = now if is_end else {**told, **news}
        return replace(before, lines={**before.lines, line.key: where}, parts=parts)
    return replace(before, lines={key: each for key, each in before.lines.items() if key != action.key})


def doubted(sent: Sent, action: Action, incident: Incident) -> Sent:
    """Return what was sent, when it is not known whether the message of an action arrived."""
    if action.do == "edit":
        return replace(sent, fingerprint=_DOUBTFUL)
    if action.do == "reply" and action.line and action.line.about in _OF_PARTS and sent.parts is not None:
        is_end = bool(incident.members) or (action.line.about in ("resolved", "closed") and not incident.is_open)
        parts = list(sent.parts) if is_end else [action.line.notice.part, WHOLE_RESOURCE]
        return replace(sent, parts={**sent.parts, **dict.fromkeys(parts, _DOUBTFUL)})
    return sent


def to_stored(sent: Mapping[str, Sent], since: datetime) -> dict[str, Any]:
    """Return what one receiver was sent, as JSON: `{"since": …, "said": {"inc_…": {"root", "mark", "lines", …}}}`.

    The keys are those of the first version, whose timelines must still be read, with `key` and `parts` in addition.
    """
    return {"since": since.isoformat(), "said": {id_: _sent_to_stored(id_, each) for id_, each in sent.items()}}


def _sent_to_stored(id_: str, sent: Sent) -> dict[str, Any]:
    lines = {key: dict(where) for key, where in sent.lines.items()}
    told = {"root": dict(sent.root), "mark": sent.fingerprint, "lines": lines}
    more = {"key": sent.key} if sent.key not in ("", id_) else {}
    more |= {"at": sent.at} if sent.at else {}
    return {**told, **more, **({"parts": dict(sent.parts)} if sent.parts is not None else {})}


def of_stored(stored: Mapping[str, Any], fresh: Iterable[datetime], now: datetime) -> tuple[dict[str, Sent], datetime]:
    """Read what `to_stored` returned (or nothing); return what was sent, and since when the receiver is told.

    That is the time of the oldest notice it was told: `fresh` are the times of those to be told now.
    """
    since = datetime.fromisoformat(stored["since"]) if stored else now
    said = stored["said"] if stored else {}
    return {id_: _sent_of_stored(id_, each) for id_, each in said.items()}, min([since, *fresh])


def _sent_of_stored(id_: str, stored: Mapping[str, Any]) -> Sent:
    return Sent(
        key=stored.get("key", id_),
        root=stored["root"],
        fingerprint=stored["mark"],
        lines=stored["lines"],
        at=stored.get("at", ""),
        parts=stored.get("parts"),
    )
