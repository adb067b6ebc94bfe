"""Marks alarms with what we wrote, and tells by it what others did since. Pure.

The label `rev` is `<turn><digest>`, or `<turn><digest>.<set>`: `rev=x1f0c9a2b.77aa01ce`.

- The digest is that of the request: somebody who edits the alarm leaves it as it was.
- The turn is x or y, and each write of ours takes the other one: so a rule of EventBridge, which cannot compare two
  fields, tells our own writes from edits (`AlarmRepairs` in the template).
- The set, on one of a resource's alarms, is a digest of all alarms that the resource should have, and of what the
  policy says of it: so a list of alarms tells whether any is missing.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from sagewatch.model import PER_CAPACITY, Alarm, Labels, canonical

_LONGEST = 1024  # characters, PutMetricAlarm AlarmDescription
_LEAST_TEXT = 40  # characters of the text that labels from tags must leave
_NEEDED = frozenset({"severity", "kind", "resource", "scope", "alarm", "policy", "guards", *PER_CAPACITY.values()})
_MARK = "rev"
# What the digest leaves out: the description holds it, and whether actions are enabled is the user's to change.
_THEIRS = {"AlarmDescription", "ActionsEnabled"}
# What an alarm that nobody changes may gain or lose without us: the guard of another resource's deployments.
_OTHERS = "guards"
_TURNS = "xy"


@dataclass(frozen=True, slots=True)
class Revision:
    """The label `rev`, read: `x1f0c9a2b.77aa01ce`."""

    turn: str
    digest: str
    of_set: str = ""

    def __str__(self) -> str:
        return f"{self.turn}{self.digest}" + (f".{self.of_set}" if self.of_set else "")


def revision_of(alarm: Alarm) -> Revision:
    """Return what the label `rev` of an alarm says; nothing where there is none."""
    text = (alarm.labels.get(_MARK) if alarm.labels else None) or ""
    first, _, of_set = text.partition(".")
    turn = first[:1] if first[:1] in _TURNS else ""
    return Revision(turn, first.removeprefix(turn), of_set)


def with_revision(text: str, labels: Labels, request: Mapping[str, Any]) -> Alarm:
    """Complete a request with its description: the text, cut to what there is room for, then the line of labels.

    The last label is `rev`: `[sagewatch severity=critical … rev=x1f0c9a2b]`. Labels that have one say of which alarm
    this is the next revision. Labels for which there is no room are left out, those that say whose the alarm is never.
    """
    values = {name: value for name, value in labels.values.items() if name != _MARK}
    optional = [name for name in values if name not in _NEEDED]
    while (room := _room(values)) < _LEAST_TEXT and optional:
        del values[optional.pop()]
    kept = text if len(text) <= room else text[: room - 1] + "…"
    before = (labels.get(_MARK) or "y").partition(".")
    turn = "x" if before[0].startswith("y") else "y"
    fixed = canonical(request).request
    marked = Labels({**values, _MARK: str(Revision(turn, _digest(kept, values, fixed), before[2]))})
    return Alarm({**fixed, "AlarmDescription": f"{kept}\n{marked.line()}"})


def _room(values: Mapping[str, str]) -> int:
    """Return how many characters the line of these labels leaves for the text."""
    return _LONGEST - len(Labels({**values, _MARK: "x01234567.01234567"}).line()) - len("\n")


def is_edited(alarm: Alarm) -> bool:
    """Tell whether somebody changed an alarm of ours after we wrote it; ActionsEnabled is theirs to change."""
    if (labels := alarm.labels) is None:
        return True
    values = {name: value for name, value in labels.values.items() if name != _MARK}
    return revision_of(alarm).digest != _digest(alarm.text, values, alarm.request)


@dataclass(frozen=True, slots=True)
class Member:
    """What an alarm says of the set that it is one of."""

    name: str
    digest: str
    """Its digest, as it was before the label of a guard."""
    of_set: str
    """The digest of the set; empty on all alarms of a resource but one."""


def member_of(alarm: Alarm) -> Member:
    """Return what an alarm says of its set."""
    return Member(alarm.name, _digest_without_guard(alarm), revision_of(alarm).of_set)


def taken(name: str) -> Member:
    """Return what stands in a set for an alarm of ours that is not made, since somebody's own has its name."""
    return Member(name, "", "")


def set_digest(members: Iterable[Member], mark: str) -> str:
    """Return a digest of all alarms of a resource, and of what the policy says of it (`PolicyInForce.mark_of`)."""
    said = sorted((each.name, each.digest) for each in members)
    return hashlib.sha256(json.dumps([mark, said]).encode()).hexdigest()[:8]


def is_whole(members: Collection[Member], mark: str) -> bool:
    """Tell whether a resource's alarms are all that it should have, as one of them says."""
    digest = set_digest(members, mark)
    return any(each.of_set == digest for each in members)


def _digest_without_guard(alarm: Alarm) -> str:
    """Return the digest of an alarm as it was before the label of a guard: that comes and goes with other resources."""
    if (labels := alarm.labels) is None or labels.get(_OTHERS) is None:
        return revision_of(alarm).digest
    values = {name: value for name, value in labels.values.items() if name not in {_MARK, _OTHERS}}
    return _digest(alarm.text, values, alarm.request)


def next_revision(alarm: Alarm, present: Alarm | None, of_set: str) -> Alarm:
    """Return a wanted alarm as it is to be written over the one that is there, or that one when nothing differs.

    It says of which set it is one; of none when `of_set` is empty.
    """
    turn = revision_of(present).turn if present else ""
    said = replace(revision_of(alarm), turn=turn or "x", of_set=of_set)
    unchanged = _with(alarm, said)
    if present is None or unchanged == present:
        return unchanged
    return _with(alarm, replace(said, turn="y" if turn == "x" else "x"))


def _with(alarm: Alarm, revision: Revision) -> Alarm:
    if (labels := alarm.labels) is None or revision == revision_of(alarm):
        return alarm
    line = Labels({**labels.values, _MARK: str(revision)}).line()
    return replace(alarm, request={**alarm.request, "AlarmDescription": f"{alarm.text}\n{line}"})


def as_edited(alarm: Alarm) -> Alarm:
    """Return an alarm of ours with a digest that no alarm has, so that it looks edited."""
    return _with(alarm, replace(revision_of(alarm), digest="edited"))


def _digest(text: str, labels: Mapping[str, str], request: Mapping[str, Any]) -> str:
    """Return the digest of a request in its canonical form, with this text and these labels as its description."""
    fixed = {name: value for name, value in request.items() if name not in _THEIRS}
    said = [text, Labels(labels).line(), fixed]
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()[:8]
