"""Words for values and times, and what makes other people's text harmless: redacted, without controls, cut. Pure."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from itertools import groupby

from sagewatch.kinds.kind import Lifetime, Spec
from sagewatch.kinds.registry import kind, spec
from sagewatch.model import GOES_ON, NO_DATA, PER_CAPACITY, Notice, Unit
from sagewatch.receivers.wording.redaction import redacted
from sagewatch.units import humanise

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

type Span = tuple[str, bool]
"""A piece of a sentence, and whether it is shown in bold: `("churn", True)`."""

_BARS = "▁▂▃▄▅▆▇█"
_FEWEST, _MOST = 4, 40  # values that are drawn as bars
_PERIODS = {60: "min", 3600: "h"}
_DEVICES = {"vcpus": "vCPU", "gpus": "GPU", "units": "unit"}
_MONTHLY = re.compile(r"\$[\d.,]+ a month")


def resource_and_scope(notice: Notice) -> str:
    """Return whose notice it is: `churn`, or `churn/blue` of a variant."""
    resource, scope = notice.labels["resource"], notice.labels["scope"]
    return resource if scope in {"all", "AllTraffic"} else f"{resource}/{scope}"


def measured(notice: Notice) -> str:
    """Say what was measured, or what happened: `model latency 1.84 s (limit 1.00 s)`, `idle, no requests for 24 h`."""
    value = quantity(notice, notice.value)
    if said := phrase(notice):
        return " · ".join(filter(None, (said, monthly(notice))))
    if notice.state == "failed" or not value:
        return notice.title
    back = " back to" if notice.state == "cleared" else ""
    return f"{notice.title}{back} {value}{bound(notice)}"


def phrase(notice: Notice) -> str:
    """Say what fires where a value and a limit say little; nothing where they do, or where the limit is another."""
    row = _row_of(notice)
    if row is None or notice.state != "firing" or notice.limit not in (None, row.threshold):
        return ""
    return row.phrase


def monthly(notice: Notice) -> str:
    """Say what an instance costs in a month: `about $1,014 a month per instance`; nothing when that is not known."""
    found = _MONTHLY.search(notice.cost)
    return f"about {found[0]} per instance" if found else ""


def bound(notice: Notice) -> str:
    """Say what the value is held against: ` (limit 90 %, of 8 vCPUs)`, ` (outside 400 ms–900 ms)`."""
    said = ", ".join(filter(None, (_against(notice), _of_capacity(notice))))
    return f" ({said})" if said else ""


def _against(notice: Notice) -> str:
    if notice.limit is None:
        return ""
    if not has_band(notice):
        return f"limit {limit(notice, notice.limit)}"
    where = "outside" if notice.state == "firing" else "expected"
    return f"{where} {limit(notice, notice.floor)}–{limit(notice, notice.limit)}"


def _of_capacity(notice: Notice) -> str:
    if notice.unit not in PER_CAPACITY or not notice.capacity:
        return ""
    return f"of {notice.capacity} {_DEVICES[PER_CAPACITY[notice.unit]]}{'s' if notice.capacity > 1 else ''}"


def has_band(notice: Notice) -> bool:
    """Tell whether the value is held against two limits; a floor of 0 or less is none: no metric goes there."""
    return notice.limit is not None and notice.floor is not None and notice.floor > 0


def quantity(notice: Notice, value: float | None) -> str:
    """Say a measured value, a sum over cores or devices as a share of them; nothing when there is none.

    Percentages have a decimal where any of the notice's has one: `2.0 %` beside `2.1 %`.
    """
    if value is None:
        return ""
    of = [_percent(notice, each) for each in (*notice.points, notice.value) if each is not None]
    percent = _percent(notice, value)
    if percent is None or not any(each is not None and _has_decimal(each) for each in of) or 0 < abs(percent) < 1:
        return limit(notice, value)
    return f"{percent:.0f} %" if abs(percent) >= 100 else f"{percent:.1f} %"


def limit(notice: Notice, value: float | None) -> str:
    """Say a limit as people set it, of one core or device where the metric sums over them; nothing for none."""
    if value is None:
        return ""
    if notice.unit in PER_CAPACITY and notice.capacity:
        return humanise(value / notice.capacity, Unit.PERCENT)
    return humanise(value, notice.unit)


def _percent(notice: Notice, value: float) -> float | None:
    """Return a value in percent, None when it is of something else."""
    if notice.unit is Unit.RATIO:
        return value * 100
    if notice.unit in PER_CAPACITY:
        return value / (notice.capacity or 1)
    return value if notice.unit is Unit.PERCENT else None


def _has_decimal(percent: float) -> bool:
    return 1 <= abs(percent) < 100 and round(percent, 1) != round(percent)


def harmless(text: str, longest: int) -> str:
    """Return other people's text without secrets and control characters, cut to a length."""
    return cut(_CONTROL.sub(" ", redacted(_ANSI.sub("", text))).strip(), longest)


def inline(text: str, longest: int) -> str:
    """Return other people's text made harmless and on one line, a dash when nothing is left of it."""
    return cut(" ".join(harmless(text, 4 * longest).split()), longest) or "–"


def cut(text: str, longest: int) -> str:
    """Cut to at most so many characters, with an ellipsis."""
    return text if len(text) <= longest else text[: longest - 1] + "…"


def sparkline(notice: Notice) -> tuple[Span, ...]:
    """Draw the latest values as bars, in runs of those within the limit and, in bold, of those beyond it.

    The limit is half as high as a bar can be, and a bar of half that height half the limit: `▂▂` then `▆▇█`. Without a
    limit they are drawn between the lowest and the highest. Nothing for fewer than four values, or when all are equal.
    """
    shown = notice.points[-_MOST:]
    if len(shown) < _FEWEST or min(shown) == max(shown) or math.isinf(max(shown) - min(shown)):
        return ()
    zones, beyond = _zones(notice, shown), _beyond(notice) if notice.limit is not None else lambda _: False
    runs = groupby(shown, beyond)
    return tuple(("".join(_bar(point, zones) for point in run), is_beyond) for is_beyond, run in runs)


def _zones(notice: Notice, shown: Sequence[float]) -> tuple[tuple[float, float, int, int], ...]:
    """Return from which value to which a bar has which heights: `((0, 1e6, 0, 3), (1e6, 2e6, 4, 7))`."""
    top = len(_BARS) - 1
    if notice.limit is None:
        return ((min(shown), max(shown), 0, top),)
    ground, roof = min(0.0, *shown), max(2 * notice.limit, *shown)
    if has_band(notice):
        floor = notice.floor or 0.0
        return ((ground, floor, 0, 1), (floor, notice.limit, 2, top - 2), (notice.limit, roof, top - 1, top))
    return ((ground, notice.limit, 0, top // 2), (notice.limit, roof, top // 2 + 1, top))


def _bar(point: float, zones: Sequence[tuple[float, float, int, int]]) -> str:
    low, high, bottom, top = next((zone for zone in zones if point <= zone[1]), zones[-1])
    share = (point - low) / (high - low) if high > low else 0.0
    return _BARS[bottom + round(min(1.0, max(0.0, share)) * (top - bottom))]


def breaches(notice: Notice) -> str:
    """Say how often the latest values were beyond the limit: `3 of 5 min over 1.00 s`; nothing for fewer than two."""
    times = _times_beyond(notice)
    if not times or notice.limit is None:
        return ""
    if has_band(notice):
        return f"{times} outside {limit(notice, notice.floor)}–{limit(notice, notice.limit)}"
    return f"{times} {'under' if is_low(notice) else 'over'} {limit(notice, notice.limit)}"


def breaches_by_name(notice: Notice) -> dict[str, str]:
    """Say the same as a fact: `{"Over the limit": "3 of 5 min"}`."""
    times = _times_beyond(notice)
    if not times:
        return {}
    where = "Outside the limits" if has_band(notice) else f"{'Under' if is_low(notice) else 'Over'} the limit"
    return {where: times}


def _times_beyond(notice: Notice) -> str:
    if notice.limit is None or len(notice.points) < 2 or phrase(notice):
        return ""
    row = _row_of(notice)
    each = _PERIODS.get(row.period if row else 0, "values")
    return f"{sum(map(_beyond(notice), notice.points))} of {len(notice.points)} {each}"


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
    row, most, floor = _row_of(notice), notice.limit or 0, notice.floor or 0
    if has_band(notice):
        return lambda point: not floor <= point <= most
    touches = "OrEqual" in (row.comparison if row else "")
    if is_low(notice):
        return lambda point: point < most or (touches and point == most)
    return lambda point: point > most or (touches and point == most)


def lasting(span: timedelta) -> str:
    """Say how long: `45 s`, `14 min`, `2 h 5 min`."""
    seconds = max(0, round(span.total_seconds()))
    return f"{seconds} s" if seconds < 60 else humanise(round(seconds / 60) * 60, Unit.SECONDS)


def utc(when: datetime) -> str:
    """Say when, for those who cannot be told in their own time: `2026-11-21 09:12 UTC`."""
    return f"{when.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


_CLOSINGS = {NO_DATA: "no data any more", GOES_ON: "it goes on in another incident"}
_TITLE = 160  # characters


def closing(notice: Notice) -> str:
    """Say why nothing more will be heard of it: what it is about, or only its alarm, is gone."""
    if notice.state == "closed" and notice.labels.get("alarm") == "failed":
        return f"the {inline(notice.title, _TITLE)}"
    if why := _CLOSINGS.get(notice.reason):
        return why
    found = kind(notice.labels.get("kind") or "")
    return "the job has ended" if found and found.lifetime is Lifetime.JOB else "alarm deleted"
