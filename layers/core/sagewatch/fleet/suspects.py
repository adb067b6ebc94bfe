"""Decides which resources need a look, by the lists alone. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timedelta

from sagewatch.kinds.kind import Kind
from sagewatch.kinds.registry import kind as kind_named
from sagewatch.model import Alarm, Described, Ref
from sagewatch.policy.cascade import all_off, may_be_off
from sagewatch.policy.rules import PolicyInForce, row_id
from sagewatch.watch.revision import is_edited

LOOK_BACK = timedelta(minutes=45)
"""For how long a change makes a resource suspect while no alarm was written after it: three sweeps, so one may fail."""


def suspects(
    living: Mapping[Ref, datetime], owned: Mapping[Ref, Collection[Described]], now: datetime, in_force: PolicyInForce
) -> set[Ref]:
    """Return the resources, of those that live (with the time of their last change) or have alarms, that need a look.

    A resource needs one when it has alarms and is not on the list of those that live, or when it should have alarms and
    has none, too few, edited ones, ones older than its last change or ones made under another policy.
    """
    named = living.keys() | owned.keys()
    return {ref for ref in named if _is_suspect(ref, living.get(ref), owned.get(ref, ()), now, in_force)}


def _is_suspect(
    ref: Ref, modified: datetime | None, alarms: Collection[Described], now: datetime, in_force: PolicyInForce
) -> bool:
    kind = kind_named(ref.kind)
    if modified is None or kind is None:
        return True
    rows = [spec for spec in kind.specs if (kind.name, spec.id) not in in_force.withheld]
    is_wanted = not all_off(in_force.policy, ref, rows)
    if not alarms or not is_wanted:
        return bool(alarms) or is_wanted
    changed = now - modified < LOOK_BACK and modified > max(each.updated for each in alarms)
    if changed or any(is_edited(each.alarm) for each in alarms):
        return True
    # A document that never could be read says nothing of alarms that are there: they stay.
    if in_force.frozen:
        return False
    return any(is_stale(ref, each.alarm, in_force) for each in alarms) or _lacks_some(kind, ref, alarms, in_force)


def is_stale(ref: Ref, alarm: Alarm, in_force: PolicyInForce) -> bool:
    """Tell whether an alarm was made under a policy that says something else of it, or before the budget was spent."""
    labels = alarm.labels
    if labels is None:
        return True
    over = (ref.kind, row_id(labels["alarm"])) in in_force.withheld
    return over or (labels.get("policy") or "") != in_force.policy.mark(ref, labels["alarm"])


def _lacks_some(kind: Kind, ref: Ref, alarms: Iterable[Described], in_force: PolicyInForce) -> bool:
    present: dict[str, set[str]] = {}
    for each in alarms:
        if labels := each.alarm.labels:
            present.setdefault(labels["scope"], set()).add(labels["alarm"])
    may_lack = [
        spec.id
        for spec in kind.specs
        if (kind.name, spec.id) in in_force.withheld or may_be_off(in_force.policy, ref, spec)
    ]
    return is_incomplete(kind, present, may_lack)


def is_incomplete(kind: Kind, present: Mapping[str, Collection[str]], may_lack: Collection[str] = ()) -> bool:
    """Tell, from the alarm ids that each scope has, whether a scope lacks a row; rows that `may_lack` are no loss.

    What traits a scope has is read off the rows that it has: where `gpu-memory` (needs `gpu`) is, every row of that
    level which needs nothing or `gpu` should be. `{"AllTraffic": {"cpu", "memory"}}` lacks `errors-5xx`. The warning of
    a pair (`cpu-warning`) shows the traits of its row `cpu`, and does not stand for it.
    """
    for ids in present.values():
        here = {row_id(each) for each in ids}
        levels = {spec.level for spec in kind.specs if spec.id in here}
        traits = {trait for spec in kind.specs if spec.id in here for trait in spec.needs}
        expected = {spec.id for spec in kind.specs if spec.level in levels and traits.issuperset(spec.needs)}
        if not expected - set(may_lack) <= set(ids):
            return True
    return False
