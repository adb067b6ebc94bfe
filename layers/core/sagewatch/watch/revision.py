"""Marks an alarm with a digest of what we wrote, and tells by it whether somebody edited the alarm since. Pure."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from sagewatch.model import PER_CAPACITY, Alarm, Labels, canonical

_LONGEST = 1024  # characters, PutMetricAlarm AlarmDescription
_LEAST_TEXT = 40  # characters of the text that labels from tags must leave
_NEEDED = frozenset({"severity", "kind", "resource", "scope", "alarm", "policy", "guards", *PER_CAPACITY.values()})
_MARK = "rev"
# What the digest leaves out: the description holds it, and whether actions are enabled is the user's to change.
_THEIRS = {"AlarmDescription", "ActionsEnabled"}


def with_revision(text: str, labels: Labels, request: Mapping[str, Any]) -> Alarm:
    """Complete a request with its description: the text, cut to what there is room for, then the line of labels.

    The last label is `rev`, the digest: `[sagewatch severity=critical … rev=1f0c9a2b]`. Labels for which there is no
    room are left out, those that say whose the alarm is never.
    """
    values = {name: value for name, value in labels.values.items() if name != _MARK}
    optional = [name for name in values if name not in _NEEDED]
    while (room := _room(values)) < _LEAST_TEXT and optional:
        del values[optional.pop()]
    kept = text if len(text) <= room else text[: room - 1] + "…"
    marked = Labels({**values, _MARK: _digest(kept, values, request)})
    return canonical({**request, "AlarmDescription": f"{kept}\n{marked.line()}"})


def _room(values: Mapping[str, str]) -> int:
    """Return how many characters the line of these labels leaves for the text."""
    return _LONGEST - len(Labels({**values, _MARK: "01234567"}).line()) - len("\n")


def is_edited(alarm: Alarm) -> bool:
    """Tell whether somebody changed an alarm of ours after we wrote it; ActionsEnabled is theirs to change."""
    if (labels := alarm.labels) is None:
        return True
    values = {name: value for name, value in labels.values.items() if name != _MARK}
    return labels.get(_MARK) != _digest(text_of(alarm), values, alarm.request)


def as_edited(alarm: Alarm) -> Alarm:
    """Return an alarm of ours with a digest that no alarm has, so that it looks edited."""
    text, labels = text_of(alarm), alarm.labels
    marked = Labels({**labels.values, _MARK: "edited"}) if labels else None
    return canonical({**alarm.request, "AlarmDescription": f"{text}\n{marked.line()}"}) if marked else alarm


def text_of(alarm: Alarm) -> str:
    """Return the text of an alarm's description, without the line of labels."""
    return Labels.and_text(alarm.request.get("AlarmDescription"))[1]


def _digest(text: str, labels: Mapping[str, str], request: Mapping[str, Any]) -> str:
    fixed = {name: value for name, value in canonical(request).request.items() if name not in _THEIRS}
    said = [text, Labels(labels).line(), fixed]
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()[:8]
