"""Decides what a resource's tags change about a row. Pure.

`sagewatch:ignore=true`, `sagewatch:<alarm-id>=<value or off>`, `sagewatch:severity=critical|warning|info`. Opt-out,
never opt-in: a tag that cannot be understood leaves the default and is reported.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from sagewatch.model import Severity, Spec
from sagewatch.units import parse

TAG = "sagewatch:"
_OWN = frozenset({"ignore", "severity", "route"})
_TRUE = frozenset({"true", "yes", "1", "on"})
_FALSE = frozenset({"false", "no", "0", "off", ""})


@dataclass(frozen=True, slots=True)
class Tuned:
    """The rows that remain, as the tags want them, and what could not be understood."""

    specs: tuple[Spec, ...]
    reports: tuple[str, ...] = ()


def tuned(specs: Sequence[Spec], tags: Mapping[str, str]) -> Tuned:
    """Apply a resource's tags to its kind's rows."""
    ours = {key.removeprefix(TAG): value.strip() for key, value in tags.items() if key.startswith(TAG)}
    ignore = ours.get("ignore", "").lower()
    if ignore in _TRUE:
        return Tuned(())
    reports = [] if ignore in _FALSE else [f"tag {TAG}ignore: '{ignore}' is neither true nor false; it is not ignored"]
    severity, said = _severity(ours.get("severity"))
    rows = [_row(spec, ours.get(spec.id), severity) for spec in specs]
    unknown = sorted(ours.keys() - _OWN - {spec.id for spec in specs})
    reports += [*said, *(report for _, report in rows if report)]
    reports += [f"tag {TAG}{name}: there is no such alarm for this kind of resource" for name in unknown]
    return Tuned(tuple(spec for spec, _ in rows if spec), tuple(reports))


def _severity(value: str | None) -> tuple[Severity | None, tuple[str, ...]]:
    if value is None:
        return None, ()
    try:
        return Severity(value.lower()), ()
    except ValueError:
        return None, (f"tag {TAG}severity: '{value}' is none of {', '.join(Severity)}",)


def _row(spec: Spec, value: str | None, severity: Severity | None) -> tuple[Spec | None, str]:
    row = replace(spec, severity=severity) if severity else spec
    if value is None:
        return row, ""
    if value.lower() == "off":
        return None, ""
    try:
        return replace(row, threshold=parse(value, spec.unit)), ""
    except ValueError as wrong:
        return row, f"tag {TAG}{spec.id}: {wrong}; the default stays"
