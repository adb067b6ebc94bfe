"""Decides what to write. Pure: the alarms that should be against those that are."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace

from sagewatch.kinds.kind import Kind, Reader
from sagewatch.model import Alarm, Changes, Observed, Plan, Ref
from sagewatch.policy.rules import PolicyInForce
from sagewatch.watch.plan import plan
from sagewatch.watch.rollback import protected_by, protecting, still_protecting


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """The alarms that should be, what to write for that, and which alarms stay because they roll deployments back."""

    wanted: Plan
    changes: Changes
    protecting: Mapping[str, str] = field(default_factory=dict)
    """Name of an alarm that stays → the resource (kind/name) whose deployments it rolls back."""

    @property
    def reports(self) -> tuple[str, ...]:
        stay = [f"{name} stays: it guards {protected}" for name, protected in self.protecting.items()]
        return (*self.wanted.reports, *stay)


def decide(
    read: Reader,
    prefix: str,
    kind: Kind,
    observed: Observed,
    in_force: PolicyInForce,
    deployed: Collection[Ref] = (),
) -> Decision:
    """Decide what to write about a resource.

    Under a frozen policy only a resource without alarms gets any, and only one that is gone loses its own. An alarm
    that rolls back the deployments of another resource that lives (`read` asks) is not deleted: of one that its label
    names, or of one in `deployed`, which may have been deployed too lately to be named there.
    """
    wanted = plan(prefix, kind, observed.facts, in_force.policy, in_force.withheld)
    if in_force.frozen and observed.facts.live and observed.owned:
        return Decision(wanted=wanted, changes=Changes())
    changes = diff(wanted, observed.owned, observed.foreign)
    stay = still_protecting(read, observed.owned, changes.deletes, deployed)
    deletes = tuple([name for name in changes.deletes if name not in stay])
    return Decision(wanted=wanted, changes=replace(changes, deletes=deletes), protecting=stay)


def diff(wanted: Plan, existing: Iterable[Alarm], foreign: Collection[str] = ()) -> Changes:
    """Return the puts and deletes that make `existing` what is wanted; nothing changed means no write.

    An alarm whose actions somebody disabled keeps them disabled. What the plan says is unknown is left as it is, an
    alarm that rolls back this resource's own deployments is never deleted, and `foreign` alarms are left alone even
    under a name that we would have given.
    """
    present = {alarm.name: alarm for alarm in existing}
    desired = {alarm.name: _as_present(alarm, present.get(alarm.name)) for alarm in wanted.alarms}
    return Changes(
        puts=tuple([each for name, each in desired.items() if each != present.get(name) and name not in foreign]),
        deletes=tuple(
            [
                name
                for name, alarm in present.items()
                if name not in desired and name not in wanted.rollback_alarms and not _is_unknown(wanted, alarm)
            ]
        ),
    )


def _as_present(alarm: Alarm, present: Alarm | None) -> Alarm:
    """Return a wanted alarm with what is kept of the alarm that is there."""
    if present is None:
        return alarm
    if protected := protected_by(present):
        alarm = protecting(alarm, protected)
    # An alarm that is there has warmed up, so it gets no warm-up again. Whether it acts is the user's to say
    # (DisableAlarmActions), and PutMetricAlarm would overwrite it.
    return Alarm({**alarm.request, "ActionsEnabled": present.request["ActionsEnabled"]})


def _is_unknown(wanted: Plan, alarm: Alarm) -> bool:
    labels = alarm.labels
    if labels is None:
        return False
    of_scope, of_any = (labels["scope"], labels["alarm"]), (None, labels["alarm"])
    return of_scope in wanted.unknown or (of_any in wanted.unknown and of_scope not in wanted.known)
