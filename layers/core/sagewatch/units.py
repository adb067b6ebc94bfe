"""Reads quantities as people write them (`800ms`), writes them as people read them (`93 % of 8 vCPU`). Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping

from sagewatch.model import PER_CAPACITY, Unit

_QUANTITY = re.compile(r"\s*(?P<number>\d+(\.\d+)?)\s*(?P<suffix>[a-zµ%]*)\s*", re.IGNORECASE)

_TIMES: Mapping[str, float] = {"us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1, "m": 60, "min": 60, "h": 3600, "d": 86_400}
_SECONDS_PER: Mapping[Unit, float] = {Unit.MICROSECONDS: 1e-6, Unit.MILLISECONDS: 1e-3, Unit.SECONDS: 1}
_WHOLE: Mapping[Unit, float] = {Unit.PERCENT: 100, **dict.fromkeys(PER_CAPACITY, 100), Unit.RATIO: 1}


def parse(text: str, unit: Unit) -> float:
    """Return what the text means in `unit`; a bare number counts in it. ValueError says what is wrong in words."""
    found = _QUANTITY.fullmatch(text)
    if found is None:
        raise ValueError(f"'{text}' is not a number with a unit, such as {_example(unit)}")
    value = float(found["number"]) * _factor(text, found["suffix"].lower(), unit)
    if value > _WHOLE.get(unit, value):
        raise ValueError(f"'{text}' is over 100%; a share counts in percent of all cores or devices")
    return round(value, 6)


def _factor(text: str, suffix: str, unit: Unit) -> float:
    if not suffix:
        return 1
    if unit in _SECONDS_PER and suffix in _TIMES:
        return _TIMES[suffix] / _SECONDS_PER[unit]
    if suffix == "%" and unit in _WHOLE:
        return _WHOLE[unit] / 100
    raise ValueError(f"'{text}' has the wrong unit; write {_example(unit)}")


def _example(unit: Unit) -> str:
    if unit in _SECONDS_PER:
        return "800ms or 2.5s"
    return "90%" if unit in _WHOLE else "5"


# CPUUtilization is the sum over all cores: 0 to 400 % on four (SageMaker Developer Guide, "Monitor Amazon SageMaker
# with Amazon CloudWatch").
_DEVICES = {"vcpus": "vCPU", "gpus": "GPU", "units": "units"}


def humanise(value: float, unit: Unit, capacity: int | None = None) -> str:
    """Return a metric's value as people say it: `1.84 s`, `430 ms`, `2 h 5 min`, `93 % of 8 vCPU`, `12.4k`.

    `capacity` is the number of cores or devices that the metric sums over; without it a sum stays one.
    """
    if unit in _SECONDS_PER:
        return _duration(value * _SECONDS_PER[unit])
    if unit is Unit.COUNT:
        return _count(value)
    if unit in PER_CAPACITY and capacity:
        return f"{_short_number(value / capacity)} % of {capacity} {_DEVICES[PER_CAPACITY[unit]]}"
    return f"{_short_number(value * 100 if unit is Unit.RATIO else value)} %"


def _duration(seconds: float) -> str:
    if seconds < 1e-3:
        return f"{seconds * 1e6:.0f} µs"
    if round(seconds * 1e3) < 1000:
        return f"{seconds * 1e3:.0f} ms"
    if round(seconds, 2) < 10:
        return f"{seconds:.2f} s"
    if round(seconds, 1) < 60:
        return f"{_short_number(round(seconds, 1))} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    parts = [(days, "d"), (hours, "h"), (minutes, "min"), (rest, "s")]
    first = next(index for index, (number, _) in enumerate(parts) if number)
    return " ".join(f"{number} {name}" for number, name in parts[first : first + 2] if number)


def _count(value: float) -> str:
    for size, suffix in ((1e9, "G"), (1e6, "M"), (1e4, "k")):
        if abs(value) >= size:
            return f"{_short_number(value / (1e3 if suffix == 'k' else size))}{suffix}"
    return _short_number(value)


def _short_number(value: float) -> str:
    return (
        f"{value:.0f}"
        if value == round(value) or abs(value) >= 100
        else f"{value:.1f}"
        if abs(value) >= 1
        else f"{value:.2g}"
    )
