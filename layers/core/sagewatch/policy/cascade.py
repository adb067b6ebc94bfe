"""Decides what the policy and a resource's tags change about the rows of its kind. Pure.

One cascade everywhere, the later wins: the row's default, the policy's `alarms` in their order, the resource's tags.
Tags: `sagewatch:ignore=true`, `sagewatch:<alarm-id>=<value or off>`, `sagewatch:severity=critical|warning|info`.
Opt-out, never opt-in: a tag that cannot be understood leaves what was there and is reported.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from sagewatch.kinds.kind import Spec
from sagewatch.model import Ref, Severity
from sagewatch.policy.rules import DEFAULT, WARNING, AlarmRule, Policy
from sagewatch.units import parse

TAG = "sagewatch:"
_OWN = frozenset({"ignore", "severity", "route"})
_TRUE = frozenset({"true", "yes", "1", "on"})
_FALSE = frozenset({"false", "no", "0", "off", ""})
_M_OF_N = re.compile(r"\s*(\d+)(?:\s+of\s+(\d+))?\s*")


@dataclass(frozen=True, slots=True)
class Override:
    """One step of the cascade that changed a row."""

    source: str
    """Where it is written: `policy (line 3)`, `tag sagewatch:cpu`."""
    text: str
    """What it says there: `threshold 2s, periods 2 of 4`."""


@dataclass(frozen=True, slots=True)
class RowsInForce:
    """A kind's rows as the owner wants them for one resource."""

    specs: tuple[Spec, ...] = ()
    """The rows that remain, with what was changed about them."""
    reports: tuple[str, ...] = ()
    """What could not be understood, in words."""
    overrides: Mapping[str, tuple[Override, ...]] = field(default_factory=dict)
    """Alarm id → what changed it, in the order of the cascade."""
    off: Mapping[str, str] = field(default_factory=dict)
    """Row id → by what it was switched off."""
    ignored: str = ""
    """By what the whole resource is ignored; empty when it is not."""


@dataclass(slots=True)
class _Draft:
    """A row on its way through the cascade: one alarm, or a critical and a warning one, or none."""

    specs: list[Spec]
    single: Spec
    """The row as one alarm: what it is again when a threshold follows a pair."""
    ids: set[str]
    """The ids of all alarms that the row was on the way."""
    off: str = ""
    overrides: list[Override] = field(default_factory=list)
    reports: list[str] = field(default_factory=list)

    def change_all(self, **changes: Any) -> None:
        """Change these fields of each alarm of the row."""
        self.single = replace(self.single, **changes)
        self.specs = [replace(each, **changes) for each in self.specs]


def apply_policy(specs: Sequence[Spec], ref: Ref, tags: Mapping[str, str], policy: Policy = DEFAULT) -> RowsInForce:
    """Apply the policy and a resource's tags to its kind's rows."""
    ours = {key.removeprefix(TAG): value.strip() for key, value in tags.items() if key.startswith(TAG)}
    ignore = ours.get("ignore", "").lower()
    if ignore in _TRUE:
        return RowsInForce(ignored=f"tag {TAG}ignore")
    if entry := policy.ignores(ref, tags):
        return RowsInForce(ignored=f"ignore in the policy{_at_line(entry.line)}")
    reports = [] if ignore in _FALSE else [f"tag {TAG}ignore: '{ignore}' is neither true nor false; it is not ignored"]
    severity = next((each for each in Severity if each == ours.get("severity", "").lower()), None)
    if "severity" in ours and severity is None:
        reports.append(f"tag {TAG}severity: '{ours['severity']}' is none of {', '.join(Severity)}")
    rows = [_draft(spec, ref, tags, ours, severity, policy) for spec in specs]
    known = {alarm for row in rows for alarm in row.ids}
    reports += [report for row in rows for report in row.reports]
    unknown = sorted(ours.keys() - _OWN - known)
    reports += [f"tag {TAG}{name}: there is no such alarm for this kind of resource" for name in unknown]
    return RowsInForce(
        specs=tuple([spec for row in rows if not row.off for spec in row.specs]),
        reports=tuple(reports),
        overrides={spec.id: tuple(row.overrides) for row in rows if row.overrides for spec in row.specs},
        off={row.specs[0].id: row.off for row in rows if row.off},
    )


def is_ignored(ref: Ref, tags: Mapping[str, str], policy: Policy) -> bool:
    """Tell whether a resource is left alone, by its own tag or by the policy."""
    return tags.get(f"{TAG}ignore", "").strip().lower() in _TRUE or policy.ignores(ref, tags) is not None


def _at_line(number: int) -> str:
    return f" (line {number})" if number else ""


def _draft(
    spec: Spec, ref: Ref, tags: Mapping[str, str], ours: Mapping[str, str], severity: Severity | None, policy: Policy
) -> _Draft:
    row = _Draft([spec], spec, {spec.id})
    for rule in policy.alarms:
        if rule.matches(ref, spec.id, tags):
            _apply_rule(row, rule)
    row.ids.update(each.id for each in row.specs)
    if severity:
        row.specs = [replace(each, severity=severity) for each in row.specs]
        row.overrides.append(Override(f"tag {TAG}severity", str(severity)))
    for each in tuple(row.specs):
        if (value := ours.get(each.id)) is not None:
            _apply_tag(row, each, value)
    if len(row.specs) == 2:
        # A tag can bring about a warning that would come after its critical alarm.
        critical, warning = row.specs
        if not is_milder(critical, warning.threshold, critical.threshold):
            row.specs = [critical]
            row.reports.append(f"{warning.id}: its threshold is not milder than that of {critical.id}; it is left out")
    return row


def _apply_rule(row: _Draft, rule: AlarmRule) -> None:
    """Change a row as a rule of the policy says; the document was checked before, so its quantities can be read."""
    said = []
    if rule.threshold is not None:
        row.single = replace(row.single, threshold=parse(str(rule.threshold), row.single.unit))
        row.specs = [row.single]
        said.append(f"threshold {rule.threshold}")
    if rule.critical is not None and rule.warning is not None:
        row.specs = pair(row.single, str(rule.critical), str(rule.warning))
        said.append(f"critical {rule.critical}, warning {rule.warning}")
    if rule.periods is not None:
        datapoints, periods = read_periods(rule.periods)
        row.change_all(datapoints=datapoints, periods=periods)
        said.append(f"periods {rule.periods}")
    if rule.severity is not None:
        row.change_all(severity=rule.severity)
        said.append(f"severity {rule.severity}")
    source = f"policy{_at_line(rule.line)}"
    if rule.off is not None:
        row.off = f"off in the {source}" if rule.off else ""
        said.append("off" if rule.off else "on")
    if said:
        row.overrides.append(Override(source, ", ".join(said)))


def pair(spec: Spec, critical: str, warning: str) -> list[Spec]:
    """Return the two alarms of a row, the critical one under the row's own id; ValueError for a wrong quantity."""
    return [
        replace(spec, threshold=parse(critical, spec.unit), severity=Severity.CRITICAL),
        replace(spec, id=spec.id + WARNING, threshold=parse(warning, spec.unit), severity=Severity.WARNING),
    ]


def read_periods(periods: int | str) -> tuple[int, int]:
    """Read `5` or `3 of 5` as (data points that must breach, periods looked at); ValueError when it is neither."""
    found = _M_OF_N.fullmatch(str(periods))
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


def _apply_tag(row: _Draft, spec: Spec, value: str) -> None:
    source = f"tag {TAG}{spec.id}"
    if value.lower() == "off":
        if spec.id == row.specs[0].id:
            row.off = f"off by its {source}"
        else:
            row.specs.remove(spec)
        row.overrides.append(Override(source, "off"))
        return
    try:
        changed = replace(spec, threshold=parse(value, spec.unit))
    except ValueError as wrong:
        row.reports.append(f"{source}: {wrong}; it changes nothing")
        return
    row.off = "" if spec.id == row.specs[0].id else row.off
    row.specs[row.specs.index(spec)] = changed
    row.overrides.append(Override(source, value))


def all_off(policy: Policy, ref: Ref, specs: Iterable[Spec]) -> bool:
    """Tell whether the policy leaves a resource without alarms whatever its tags are."""
    if policy.ignores_by_name(ref):
        return True
    return all(is_row_off(policy, ref, spec) for spec in specs)


def is_row_off(policy: Policy, ref: Ref, spec: Spec) -> bool:
    """Tell whether the policy switches a row off for a resource whatever its tags are."""
    said = [rule for rule in policy.alarms if rule.off is not None and rule.may_match(ref, spec.id)]
    sure = [rule.off for rule in said if rule.off is False or not rule.tags]
    return bool(sure) and bool(sure[-1])
