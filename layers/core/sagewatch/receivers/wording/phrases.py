"""Words for values and times, and what makes other people's text harmless: redacted, without controls, cut. Pure."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

from sagewatch.kinds.kind import Spec
from sagewatch.kinds.registry import spec
from sagewatch.model import Notice, Unit
from sagewatch.units import humanise

# AKIA and ASIA begin access keys (IAM User Guide, "IAM identifiers"), xox and xapp the tokens of Slack ("Tokens").
_SECRET_PATTERN = re.compile(
    r"""
    -----BEGIN[ A-Z]*PRIVATE[ ]KEY-----[^-]*(?:-----END[ A-Z]*-----)?
    | (?P<kept>
        (?:(?:secret|private)[_-]?(?:access[_-]?)?key|(?:client[_-]?)?secret|passw(?:or)?d|passphrase|pwd|api[_-]?key
           |token|signature)["']?\s*[=:]\s*["']?
        | --(?:password|token|secret|api[_-]?key)\s+)
      (?:(?<=")[^"]+|(?<=')[^']+|[^\s"',;&]+)
    | \b(?:AKIA|ASIA)[A-Z0-9]{16}\b
    | \b(?:IQoJ|FwoG|FQoG)[A-Za-z0-9+/=]{40,}  # how session tokens begin
    | \b(?:Bearer|Basic)\s+[A-Za-z0-9._~+/=-]{8,}
    | \bxox[a-z]-[A-Za-z0-9-]+
    | \bxapp-[A-Za-z0-9-]+
    | \b(?:hf|gh[a-z]|github_pat)_[A-Za-z0-9_]{20,}
    | \bsk-[A-Za-z0-9_-]{20,}
    | \beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*  # a JSON web token
    | (?<=://)[^\s/@:]*:[^\s/@]+(?=@)
    | \bhttps://hooks\.slack(?:-gov)?\.com/\S+
    """,
    re.VERBOSE | re.IGNORECASE,
)
# Unicode Standard Annex 9 has those that turn the direction of writing.
_CONTROL = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    r"\ud800-\udfff\U000e0000-\U000e007f]"
)
"""Controls, marks that turn the writing around or do not show, and halves of characters, which have no UTF-8 and stop a
request."""

# ECMA-48, "control sequence introducer".
_ANSI = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]")
"""How logs colour what they say."""

_BARS = "▁▂▃▄▅▆▇█"
_FEWEST, _MOST = 4, 40  # values that are drawn as bars
_PERIODS = {60: "min", 3600: "h"}


def resource_and_scope(notice: Notice) -> str:
    """Return whose notice it is: `churn`, or `churn/blue` of a variant."""
    resource, scope = notice.labels["resource"], notice.labels["scope"]
    return resource if scope in {"all", "AllTraffic"} else f"{resource}/{scope}"


def measured(notice: Notice) -> str:
    """Say what was measured, or what happened."""
    value = quantity(notice, notice.value)
    if notice.state == "failed" or not value:
        return notice.title
    back = " back to" if notice.state == "cleared" else ""
    return f"{notice.title}{back} {value}{bound(notice)}"


def bound(notice: Notice) -> str:
    """Say what the value is held against: `, limit 1.00 s`, `, outside 400 ms–900 ms`; nothing when not known."""
    if notice.limit is None:
        return ""
    limit = quantity(notice, notice.limit)
    if not has_band(notice):
        return f", limit {limit}"
    where = "outside" if notice.state == "firing" else "expected"
    return f", {where} {quantity(notice, notice.floor)}–{limit}"


def has_band(notice: Notice) -> bool:
    """Tell whether the value is held against two limits; a floor of 0 or less is none: no metric goes there."""
    return notice.limit is not None and notice.floor is not None and notice.floor > 0


def quantity(notice: Notice, value: float | None) -> str:
    """Say a value of the notice's metric; nothing when there is none."""
    return "" if value is None else humanise(value, notice.unit, notice.capacity)


def harmless(text: str, longest: int) -> str:
    """Return other people's text without secrets and control characters, cut to a length."""
    redacted = _SECRET_PATTERN.sub(lambda found: f"{found['kept'] or ''}[redacted]", _ANSI.sub("", text))
    return cut(_CONTROL.sub(" ", redacted).strip(), longest)


def inline(text: str, longest: int) -> str:
    """Return other people's text made harmless and on one line, a dash when nothing is left of it."""
    return cut(" ".join(harmless(text, 4 * longest).split()), longest) or "–"


def cut(text: str, longest: int) -> str:
    """Cut to at most so many characters, with an ellipsis."""
    return text if len(text) <= longest else text[: longest - 1] + "…"


def sparkline(points: Sequence[float]) -> str:
    """Draw the latest values as bars: `▁▁▃▆█`; nothing for fewer than four."""
    shown = points[-_MOST:]
    if len(shown) < _FEWEST:
        return ""
    low, high = min(shown), max(shown)
    if math.isinf(high - low):
        return ""
    step = (high - low) / (len(_BARS) - 1) or 1
    return "".join(_BARS[round((point - low) / step)] for point in shown)


def breaches(notice: Notice) -> str:
    """Say how often the latest values were beyond the limit: `3 of 5 min over 1.00 s`; nothing for fewer than two."""
    if notice.limit is None or len(notice.points) < 2:
        return ""
    row = _row_of(notice)
    times, each = sum(map(_beyond(notice), notice.points)), _PERIODS.get(row.period if row else 0, "values")
    limit = quantity(notice, notice.limit)
    where = "under" if is_low(notice) else "over"
    said = f"outside {quantity(notice, notice.floor)}–{limit}" if has_band(notice) else f"{where} {limit}"
    return f"{times} of {len(notice.points)} {each} {said}"


def worst(peak: Notice) -> str:
    """Say the worst value that there was: `peak 2.31 s`, `lowest 0`; nothing when there is none."""
    value = quantity(peak, peak.value)
    return f"{'lowest' if is_low(peak) else 'peak'} {value}" if value else ""


def is_low(notice: Notice) -> bool:
    """Tell whether the alarm is about too little of something."""
    row = _row_of(notice)
    if row:
        return row.comparison.startswith("Less")
    return notice.value is not None and notice.limit is not None and notice.value < notice.limit


def _row_of(notice: Notice) -> Spec | None:
    return spec(notice.labels.get("kind") or "", notice.labels.get("alarm") or "")


def _beyond(notice: Notice) -> Callable[[float], bool]:
    row, limit, floor = _row_of(notice), notice.limit or 0, notice.floor or 0
    if has_band(notice):
        return lambda point: not floor <= point <= limit
    touches = "OrEqual" in (row.comparison if row else "")
    if is_low(notice):
        return lambda point: point < limit or (touches and point == limit)
    return lambda point: point > limit or (touches and point == limit)


def lasting(span: timedelta) -> str:
    """Say how long: `45 s`, `14 min`, `2 h 5 min`."""
    seconds = max(0, round(span.total_seconds()))
    return f"{seconds} s" if seconds < 60 else humanise(round(seconds / 60) * 60, Unit.SECONDS)


def utc(when: datetime) -> str:
    """Say when, for those who cannot be told in their own time: `2026-11-21 09:12 UTC`."""
    return f"{when.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
