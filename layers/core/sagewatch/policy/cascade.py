"""Decides what the policy and a resource's tags change about the rows of its kind. Pure.

One cascade everywhere, the later wins: the row's default, the policy's `alarms` in their order, the resource's tags.
Tags: `sagewatch:ignore=true`, `sagewatch:<alarm-id>=<value or off>`, `sagewatch:severity=critical|warning|info`.
Opt-out, never opt-in: a tag that cannot be understood leaves what was there and is reported.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from sagewatch.kinds.kind import Spec
from sagewatch.model import Ref, Severity
from sagewatch.policy.rules import DEFAULT, WARNING, AlarmRule, Policy
from sagewatch.units import parse

TAG = "sagewatch:"
_OWN = frozenset({"ignore", "severity", "route"})
_TRUE = frozenset({"true", "yes", "1", "on"})
_FALSE = frozenset({"false", "no", "0", "off", ""})
_PERIODS = re.compile(r"\s*(\d+)(?:\s+of\s+(\d+))?\s*")


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the cascade that changed an alarm: where it is written, and what it says there."""

    source: str
    said: str


@dataclass(frozen=True, slots=True)
class Tuned:
    """The rows that remain as the owner wants them, the steps that led to each, and what could not be understood.

    `ignored` says by what the whole resource is ignored; `off` are the ids that were switched off, with the reason.
    """

    specs: tuple[Spec, ...] = ()
    reports: tuple[str, ...] = ()
    steps: Mapping[str, tuple[Step, ...]] = field(default_factory=dict)
    off: Mapping[str, str] = field(default_factory=dict)
    ignored: str = ""


@dataclass(slots=True)
class _Row:
    """A row on its way through the cascade: one alarm, or a critical and a warning one, or none."""

    specs: list[Spec]
    off: str = ""
    steps: list[Step] = field(default_factory=list)
    reports: list[str] = field(default_factory=list)


def tuned(specs: Sequence[Spec], ref: Ref, tags: Mapping[str, str], policy: Policy = DEFAULT) -> Tuned:
    """Apply the policy and a resource's tags to its kind's rows."""
    ours = {key.removeprefix(TAG): value.strip() for key, value in tags.items() if key.startswith(TAG)}
    ignore = ours.get("ignore", "").lower()
    if ignore in _TRUE:
        return Tuned(ignored=f"tag {TAG}ignore")
    if entry := policy.ignores(ref, tags):
        return Tuned(ignored=f"ignore in the policy{_at(entry.line)}")
    severity, said = _severity(ours.get("severity"))
    reports = [] if ignore in _FALSE else [f"tag {TAG}ignore: '{ignore}' is neither true nor false; it is not ignored"]
    rows = [_row(spec, ref, tags, ours, severity, policy) for spec in specs]
    known = {spec.id for spec in specs} | {spec.id for row in rows for spec in row.specs}
    unknown = sorted(ours.keys() - _OWN - known)
    reports += [*said, *(report for row in rows for report in row.reports)]
    reports += [f"tag {TAG}{name}: there is no such alarm for this kind of resource" for name in unknown]
    return Tuned(
        specs=tuple(spec for row in rows if not row.off for spec in row.specs),
        reports=tuple(reports),
        steps={spec.id: tuple(row.steps) for row in rows if row.steps for spec in row.specs},
        off={row.specs[0].id: row.off for row in rows if row.off},
    )


def is_ignored(ref: Ref, tags: Mapping[str, str], policy: Policy) -> bool:
    """Tell whether a resource is left alone, by its own tag or by the policy."""
    return tags.get(f"{TAG}ignore", "").strip().lower() in _TRUE or policy.ignores(ref, tags) is not None


def _at(line: int) -> str:
    return f" (line {line})" if line else ""


def _severity(value: str | None) -> tuple[Severity | None, tuple[str, ...]]:
    if value is None:
        return None, ()
    try:
        return Severity(value.lower()), ()
    except ValueError:
        return None, (f"tag {TAG}severity: '{value}' is none of {', '.join(Severity)}",)


def _row(
    spec: Spec, ref: Ref, tags: Mapping[str, str], ours: Mapping[str, str], severity: Severity | None, policy: Policy
) -> _Row:
    row = _Row([spec])
    for rule in policy.alarms:
        if rule.matches(ref, spec.id, tags):
            _follow(row, rule)
    if severity:
        row.specs = [replace(each, severity=severity) for each in row.specs]
        row.steps.append(Step(f"tag {TAG}severity", str(severity)))
    for each in tuple(row.specs):
        if (value := ours.get(each.id)) is not None:
            _follow_tag(row, each, value)
    _hold_apart(row)
    return row


def _follow(row: _Row, rule: AlarmRule) -> None:
    """Change a row as a rule of the policy says; the document was checked before, so its quantities can be read."""
    main = row.specs[0]
    said = []
    if rule.threshold is not None:
        row.specs = [replace(main, threshold=parse(str(rule.threshold), main.unit))]
        said.append(f"threshold {rule.threshold}")
    if rule.critical is not None and rule.warning is not None:
        row.specs = pair(main, str(rule.critical), str(rule.warning))
        said.append(f"critical {rule.critical}, warning {rule.warning}")
    if rule.periods is not None:
        datapoints, periods = windowed(rule.periods)
        row.specs = [replace(each, datapoints=datapoints, periods=periods) for each in row.specs]
        said.append(f"periods {rule.periods}")
    if rule.severity is not None:
        row.specs = [replace(each, severity=rule.severity) for each in row.specs]
        said.append(f"severity {rule.severity}")
    source = f"policy{_at(rule.line)}"
    if rule.off is not None:
        row.off = f"off in the {source}" if rule.off else ""
        said.append("off" if rule.off else "on")
    if said:
        row.steps.append(Step(source, ", ".join(said)))


def pair(spec: Spec, critical: str, warning: str) -> list[Spec]:
    """Return the two alarms of a row, the critical one under the row's own id; ValueError for a wrong quantity."""
    return [
        replace(spec, threshold=parse(critical, spec.unit), severity=Severity.CRITICAL),
        replace(spec, id=spec.id + WARNING, threshold=parse(warning, spec.unit), severity=Severity.WARNING),
    ]


def windowed(periods: int | str) -> tuple[int, int]:
    """Read `5` or `3 of 5` as (data points that must breach, periods looked at); ValueError when it is neither."""
    found = _PERIODS.fullmatch(str(periods))
    if found is None:
        raise ValueError(f"'{periods}' is no number of periods; write 5, or 3 of 5")
    datapoints = int(found[1])
    of = int(found[2] or datapoints)
    if not 1 <= datapoints <= of:
        raise ValueError(
            f"'{periods}' asks for {datapoints} of {of} periods; write at least 1, and no more than there are"
        )
    return datapoints, of


def is_milder(spec: Spec, warning: float, critical: float) -> bool:
    """Tell whether a warning's threshold is reached before the critical one's."""
    return warning < critical if spec.comparison.startswith("Greater") else warning > critical


def _follow_tag(row: _Row, spec: Spec, value: str) -> None:
    source = f"tag {TAG}{spec.id}"
    if value.lower() == "off":
        if spec.id == row.specs[0].id:
            row.off = f"off by its {source}"
        else:
            row.specs.remove(spec)
        row.steps.append(Step(source, "off"))
        return
    try:
        changed = replace(spec, threshold=parse(value, spec.unit))
    except ValueError as wrong:
        row.reports.append(f"{source}: {wrong}; it changes nothing")
        return
    row.off = "" if spec.id == row.specs[0].id else row.off
    row.specs[row.specs.index(spec)] = changed
    row.steps.append(Step(source, value))


def _hold_apart(row: _Row) -> None:
    """Leave out a warning that would come after its critical alarm, which a tag can bring about."""
    if len(row.specs) < 2:
        return
    critical, warning = row.specs
    if not is_milder(critical, warning.threshold, critical.threshold):
        row.specs = [critical]
        row.reports.append(f"{warning.id}: its threshold is not milder than that of {critical.id}; it is left out")


def may_be_off(policy: Policy, ref: Ref, spec: Spec) -> bool:
    """Tell whether the policy may switch a row off for a resource, depending on its tags or not."""
    return any(rule.off and rule.may_match(ref, spec.id) for rule in policy.alarms)


def all_off(policy: Policy, ref: Ref, specs: Iterable[Spec]) -> bool:
    """Tell whether the policy leaves a resource without alarms whatever its tags are."""
    if policy.ignores_by_name(ref):
        return True
    return all(_is_off(policy, ref, spec) for spec in specs)


def _is_off(policy: Policy, ref: Ref, spec: Spec) -> bool:
    said = [rule for rule in policy.alarms if rule.off is not None and rule.may_match(ref, spec.id)]
    sure = [rule.off for rule in said if rule.off is False or not rule.tags]
    return bool(sure) and bool(sure[-1])
