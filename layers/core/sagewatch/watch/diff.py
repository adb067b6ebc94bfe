"""Decides what to write. Pure: the alarms that should be against those that are."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from sagewatch.kinds.kind import Kind, Reader
from sagewatch.model import PER_CAPACITY, Alarm, Changes, Observed, Plan
from sagewatch.policy.rules import PolicyInForce
from sagewatch.watch.names import row_names
from sagewatch.watch.plan import plan
from sagewatch.watch.revision import member_of, next_revision, revision_of, set_digest, taken
from sagewatch.watch.rollback import Deployments, protected_by, protecting, still_protecting

_MOST_ASKED = 25
"""The most resources with a late deployment that are described before a row of a living resource goes.

A policy that switches rows off just after a thousand endpoints were made would otherwise describe all of them for each:
then the labels that their looks left are trusted."""


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
    deployments: Deployments | None = None,
) -> Decision:
    """Decide what to write about a resource.

    Under a frozen policy only a resource without alarms gets any, and only one that is gone loses its own. An alarm
    that rolls back the deployments of another resource that lives (`read` asks) is not deleted: of one that its label
    names, or of one in `deployments`, which may have been deployed too lately to be named there.
    """
    wanted = plan(prefix, kind, observed.facts, in_force.policy, in_force.withheld)
    if in_force.frozen and observed.facts.live and observed.owned:
        return Decision(wanted=wanted, changes=Changes())
    going = _superfluous(wanted, observed.owned)
    lately = deployments.lately(read) if deployments and going and kind.deployed else ()
    if observed.facts.live and len(lately) > _MOST_ASKED:
        lately = ()
    known = deployments.alarms if deployments else None
    stay = still_protecting(read, observed.owned, going, lately, known)
    # A set with another mark than the sweep's is not whole to it: what may not be read now is looked at again.
    mark = in_force.mark_of(observed.facts.ref) + ("denied" if observed.facts.denied else "")
    changes = diff(wanted, observed.owned, observed.foreign, stay=stay, mark=mark)
    return Decision(wanted=wanted, changes=changes, protecting=stay)


def diff(
    wanted: Plan,
    existing: Iterable[Alarm],
    foreign: Collection[str] = (),
    *,
    stay: Collection[str] = (),
    mark: str = "",
) -> Changes:
    """Return the puts and deletes that make `existing` what is wanted; nothing changed means no write.

    An alarm whose actions somebody disabled keeps them disabled. What the plan says is unknown is left as it is, an
    alarm that rolls back this resource's own deployments is never deleted, nor is one in `stay`, and `foreign` alarms
    are left alone even under a name that we would have given. One alarm says which there should be in all, such names
    among them, and what the policy's `mark` was.
    """
    present = {alarm.name: alarm for alarm in existing}
    deletes = tuple([name for name in _superfluous(wanted, present.values()) if name not in stay])
    desired = {
        alarm.name: _as_present(alarm, present.get(alarm.name)) for alarm in wanted.alarms if alarm.name not in foreign
    }
    kept = [alarm for name, alarm in present.items() if name not in desired and name not in deletes]
    blocked = [taken(name) for several in row_names(foreign).values() for name in several]
    digest = set_digest([*map(member_of, [*desired.values(), *kept]), *blocked], mark)
    # The alarm that says it already goes on saying it, also when it is unknown by now: that is not written.
    is_said = any(revision_of(each).of_set == digest for each in kept)
    bearer = None if is_said else _bearer(desired, present)
    puts = [next_revision(each, present.get(name), digest if name == bearer else "") for name, each in desired.items()]
    return Changes(puts=tuple([each for each in puts if each != present.get(each.name)]), deletes=deletes)


def _bearer(desired: Mapping[str, Alarm], present: Mapping[str, Alarm]) -> str | None:
    """Return the name of the alarm that is to say which alarms there should be: the one that says so now, if any."""
    return min(
        desired,
        key=lambda name: (not _bears_a_set(present.get(name)), not _has_capacity(desired[name]), name),
        default=None,
    )


def _bears_a_set(alarm: Alarm | None) -> bool:
    return alarm is not None and bool(revision_of(alarm).of_set)


def _has_capacity(alarm: Alarm) -> bool:
    """Tell whether an alarm is written again with each other instance type: then to say the set costs no write more."""
    return alarm.labels is not None and any(alarm.labels.get(each) is not None for each in PER_CAPACITY.values())


def _superfluous(wanted: Plan, existing: Iterable[Alarm]) -> list[str]:
    """Return the names of alarms that are neither wanted nor unknown, and guard no deployment of their own resource."""
    desired = {alarm.name for alarm in wanted.alarms} | wanted.rollback_alarms
    return [each.name for each in existing if each.name not in desired and not _is_unknown(wanted, each)]


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
    scope, row = labels["scope"], labels["alarm"]
    if (scope, row) in wanted.unknown:
        return True
    may_be_there = (None, row) in wanted.unknown or any(
        row == each and scope.startswith(beginning) for beginning, each in wanted.unknown_within
    )
    return may_be_there and (scope, row) not in wanted.known
