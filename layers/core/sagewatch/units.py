"""Reads quantities as people write them (`800ms`, `2.5s`, `90%`, `5`). Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping

from sagewatch.model import Unit

_QUANTITY = re.compile(r"\s*(?P<number>\d+(\.\d+)?)\s*(?P<suffix>[a-zµ%]*)\s*", re.IGNORECASE)

_TIMES: Mapping[str, float] = {"us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1, "m": 60, "min": 60, "h": 3600}
_SECONDS_PER: Mapping[Unit, float] = {Unit.MICROSECONDS: 1e-6, Unit.MILLISECONDS: 1e-3, Unit.SECONDS: 1}
_SHARES = frozenset({Unit.PERCENT, Unit.PERCENT_OF_VCPUS, Unit.PERCENT_OF_GPUS})


def parse(text: str, unit: Unit) -> float:
    """Return what the text means in `unit`; a bare number counts in it. ValueError says what is wrong in words."""
    found = _QUANTITY.fullmatch(text)
    if found is None:
        raise ValueError(f"'{text}' is not a number with a unit, such as {_example(unit)}")
    number, suffix = float(found["number"]), found["suffix"].lower()
    if not suffix:
        return number
    if unit in _SECONDS_PER and suffix in _TIMES:
        return round(number * _TIMES[suffix] / _SECONDS_PER[unit], 6)
    if suffix == "%" and unit in _SHARES:
        return number
    if suffix == "%" and unit is Unit.RATIO:
        return number / 100
    raise ValueError(f"'{text}' has the wrong unit; write {_example(unit)}")


def _example(unit: Unit) -> str:
    if unit in _SECONDS_PER:
        return "800ms or 2.5s"
    return "90%" if unit in _SHARES or unit is Unit.RATIO else "5"
