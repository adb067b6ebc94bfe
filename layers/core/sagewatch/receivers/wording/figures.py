"""Words for numbers: how values went, how often they were beyond a limit, how long something took, when. Pure."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

from sagewatch.kinds.kind import Spec
from sagewatch.kinds.registry import spec
from sagewatch.model import Notice, Unit
from sagewatch.receivers.wording.phrases import has_band, quantity
from sagewatch.units import humanise

_BARS = "▁▂▃▄▅▆▇█"
_FEWEST, _MOST = 4, 40
_PERIODS = {60: "min", 3600: "h"}


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
