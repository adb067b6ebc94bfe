"""Decides which resources need a look, by the lists alone. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta

from sagewatch.fleet.summaries import AlarmSummary
from sagewatch.kinds.kind import Kind, Spec
from sagewatch.kinds.registry import kind as kind_named
from sagewatch.model import Alarm, Ref
from sagewatch.policy.cascade import all_off
from sagewatch.policy.rules import Look, PolicyInForce, row_id
from sagewatch.watch.names import row_names
from sagewatch.watch.revision import Member, is_whole, set_digest, taken

LOOK_BACK = timedelta(hours=2)
"""For how long a change makes a resource suspect while no alarm was written after it.

A message is tried six times, in 72 minutes at most, before it is a dead letter: so a change is looked at again by
sweeps after what named it at first has failed for good.
"""

NO_LOOKS: Mapping[Ref, Look] = {}


def suspects(
    living: Mapping[Ref, datetime],
    owned: Mapping[Ref, Collection[AlarmSummary]],
    now: datetime,
    in_force: PolicyInForce,
    looks: Mapping[Ref, Look] = NO_LOOKS,
    unlisted: Collection[str] = (),
    foreign: Collection[str] = (),
) -> set[Ref]:
    """Return the resources, of those that live (with the time of their last change) or have alarms, that need a look.

    A resource needs one when it has alarms and is not on the list of those that live, or when it should have alarms and
    has none, too few, edited ones, ones older than its last change or ones made under another policy. One that the last
    look found well without any alarm needs none until it changes, nor does one that lacks only what CloudWatch refused
    at that look. Of kinds that are `unlisted` nobody knows who lives. `foreign` are the names of alarms under our
    prefix that are not ours: one of them may stand, or have stood, where one of ours should be.
    """
    blocked = row_names(foreign)

    def needs_a_look(ref: Ref) -> bool:
        if ref not in living and ref.kind not in unlisted:
            return True
        alarms = owned.get(ref, ())
        members = [*(each.member for each in alarms), *map(taken, blocked.get(ref, ()))]
        changed = _changed(ref, living, alarms)
        return _is_suspect(ref, changed, alarms, members, now, in_force, looks.get(ref))

    return {ref for ref in living.keys() | owned.keys() if needs_a_look(ref)}


def _changed(ref: Ref, living: Mapping[Ref, datetime], alarms: Collection[AlarmSummary]) -> datetime | None:
    """Return when a resource, or one that its alarms depend on, last changed; None when no list shows it."""
    if (changed := living.get(ref)) is None:
        return None
    return max([changed, *(living[each.parent] for each in alarms if each.parent and each.parent in living)])


def _is_suspect(
    ref: Ref,
    modified: datetime | None,
    alarms: Collection[AlarmSummary],
    members: Collection[Member],
    now: datetime,
    in_force: PolicyInForce,
    look: Look | None,
) -> bool:
    """Tell whether a resource needs a look that lives, or is of a kind that cannot be listed (`modified` is None)."""
    kind = kind_named(ref.kind)
    if kind is None:
        return True
    is_wanted = not all_off(in_force.policy, ref, rows_in_force(kind, in_force))
    mark = in_force.mark_of(ref)
    was_looked_at = look is not None and look.mark == mark and (modified is None or look.at > modified)
    if not alarms:
        rests = was_looked_at and look and (look.is_bare or is_left(look, (), members, mark))
        return not rests and (is_wanted or _is_unpriced(kind, ref, in_force, look))
    if not is_wanted:
        return True
    if was_looked_at and look and is_left(look, alarms, members, mark):
        return _is_unpriced(kind, ref, in_force, look)
    changed = modified and now - modified < LOOK_BACK and modified > max(each.updated for each in alarms)
    if changed or any(each.edited for each in alarms):
        return True
    # A document that never could be read says nothing of alarms that are there: they stay.
    if in_force.frozen:
        return False
    return (
        any(is_row_stale(ref, each.row, each.policy, in_force) for each in alarms)
        or not is_whole(members, mark)
        or _is_unpriced(kind, ref, in_force, look)
    )


def is_left(look: Look, alarms: Collection[AlarmSummary], members: Collection[Member], mark: str) -> bool:
    """Tell whether these are still the alarms that were there when CloudWatch last refused others.

    Then it would refuse them again: they are tried with each full sweep, and when anything changes.
    """
    there = set_digest(members, mark)
    return bool(look.left) and look.left == there and not any(each.edited for each in alarms)


def rows_in_force(kind: Kind, in_force: PolicyInForce) -> list[Spec]:
    """Return the rows of a kind that the budget has room for."""
    return [spec for spec in kind.specs if (kind.name, spec.id) not in in_force.withheld]


def _is_unpriced(kind: Kind, ref: Ref, in_force: PolicyInForce, look: Look | None) -> bool:
    """Tell whether it is not known what the rows of a resource would cost that the budget has no room for."""
    withheld = [spec for spec in kind.specs if (kind.name, spec.id) in in_force.withheld]
    is_known = look is not None and look.mark == in_force.mark_of(ref)
    return bool(withheld) and not is_known and not all_off(in_force.policy, ref, withheld)


def is_stale(ref: Ref, alarm: Alarm, in_force: PolicyInForce) -> bool:
    """Tell whether an alarm was made under a policy that says something else of it, or before the budget was spent."""
    labels = alarm.labels
    return labels is None or is_row_stale(ref, labels["alarm"], labels.get("policy") or "", in_force)


def is_row_stale(ref: Ref, row: str, mark: str, in_force: PolicyInForce) -> bool:
    """Tell the same of an alarm of this row with this label `policy`."""
    return (ref.kind, row_id(row)) in in_force.withheld or mark != in_force.policy.mark(ref, row)
