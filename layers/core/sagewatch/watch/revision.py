"""Marks an alarm with a digest of what we wrote, and tells by it whether somebody edited the alarm since. Pure."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from sagewatch.model import Alarm, Labels, canonical

_LONGEST = 1024  # characters, PutMetricAlarm AlarmDescription
_MARK = "rev"
# What the digest leaves out: the description holds it, and whether actions are enabled is the user's to change.
_THEIRS = {"AlarmDescription", "ActionsEnabled"}


def with_revision(text: str, labels: Labels, request: Mapping[str, Any]) -> Alarm:
    """Complete a request with its description: the text, cut to what there is room for, then the line of labels.

    The last label is `rev`, the digest: `[sagewatch severity=critical … rev=1f0c9a2b]`.
    """
    values = {name: value for name, value in labels.values.items() if name != _MARK}
    room = _LONGEST - len(Labels({**values, _MARK: "01234567"}).line()) - len("\n")
    kept = text if len(text) <= room else text[: room - 1] + "…"
    marked = Labels({**values, _MARK: _digest(kept, values, request)})
    return canonical({**request, "AlarmDescription": f"{kept}\n{marked.line()}"})


def is_edited(alarm: Alarm) -> bool:
    """Tell whether somebody changed an alarm of ours after we wrote it; ActionsEnabled is theirs to change."""
    if (labels := alarm.labels) is None:
        return True
    values = {name: value for name, value in labels.values.items() if name != _MARK}
    return labels.get(_MARK) != _digest(text_of(alarm), values, alarm.request)


def text_of(alarm: Alarm) -> str:
    """Return the text of an alarm's description, without the line of labels."""
    text: str = alarm.request["AlarmDescription"].rpartition("\n")[0]
    return text


def _digest(text: str, labels: Mapping[str, str], request: Mapping[str, Any]) -> str:
    fixed = {name: value for name, value in canonical(request).request.items() if name not in _THEIRS}
    said = [text, Labels(labels).line(), fixed]
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()[:8]
