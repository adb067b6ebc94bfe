"""Decides what to write. Pure: the alarms that should be against those that are."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from sagewatch.model import Alarm, Changes, Plan
from sagewatch.watch.plan import guarding


def diff(wanted: Plan, existing: Iterable[Alarm], foreign: Collection[str] = ()) -> Changes:
    """Return the puts and deletes that make `existing` what is wanted; nothing changed means no write.

    An alarm whose actions somebody disabled keeps them disabled. What the plan holds is left as it is, an alarm
    that guards a deployment is never deleted, and `foreign` alarms are left alone even under a name that we would
    have given.
    """
    present = {alarm.name: alarm for alarm in existing}
    kept = {name for name, alarm in present.items() if name in wanted.guards or _is_held(wanted, alarm)}
    desired = [_kept(alarm, present.get(alarm.name)) for alarm in wanted.alarms]
    planned = {alarm.name for alarm in desired}
    return Changes(
        puts=tuple(alarm for alarm in desired if alarm != present.get(alarm.name) and alarm.name not in foreign),
        deletes=tuple(name for name in present if name not in planned and name not in kept),
    )


def _kept(alarm: Alarm, present: Alarm | None) -> Alarm:
    if present is None:
        return alarm
    if present.labels and (guarded := present.labels.get("guards")):
        alarm = guarding(alarm, guarded)
    # An alarm that is there has warmed up.
    return Alarm({**alarm.request, "ActionsEnabled": present.request["ActionsEnabled"]})


def _is_held(wanted: Plan, alarm: Alarm) -> bool:
    labels = alarm.labels
    return labels is not None and not wanted.held.isdisjoint(
        {(None, labels["alarm"]), (labels["scope"], labels["alarm"])}
    )
