"""Sweeps the account: names the resources that need a look, and brings budget and mute windows up to date.

The steps, in their order: list what lives and what alarms there are, decide which rows the budget has room for, name
the suspects to the reconcile queue, name untold failures and a broken policy to the notify queue, write the mute rules.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sagewatch.aws import cloudwatch, mute_rules, queue
from sagewatch.aws.clients import Clients
from sagewatch.aws.deadline import Deadline
from sagewatch.aws.policy_store import PolicyStore
from sagewatch.errors import NotAllowed, OutOfTime, Retry
from sagewatch.fleet.budget import AlarmCost, over_budget, sum_by_row
from sagewatch.fleet.coverage import listed_status
from sagewatch.fleet.growth import grown
from sagewatch.fleet.lists import Listed, list_kinds, list_summaries
from sagewatch.fleet.mute_windows import is_of_window, window_rules
from sagewatch.fleet.own_events import failure_found, kinds_unlisted, policy_broken
from sagewatch.fleet.summaries import AlarmSummary
from sagewatch.fleet.suspects import suspects
from sagewatch.kinds.kind import Kind
from sagewatch.kinds.registry import KINDS
from sagewatch.model import Ref
from sagewatch.policy.rules import Look, Policy, PolicyInForce, Row, RowCost, Withheld
from sagewatch.settings import SweepSettings
from sagewatch.watch.names import row_names
from sagewatch.watch.rows import ResourceStatus

_FAILURES_BACK = timedelta(minutes=45)  # three sweeps, so that one may fail
_NO_DEADLINE = Deadline()
_METRICS = "metrics"  # among what could not be listed, beside the kinds
_AS_MADE = 1  # the version of the parameter that a sweep made


@dataclass(frozen=True, slots=True, kw_only=True)
class Swept:
    """What a sweep saw and did."""

    live: int
    """Resources that live, of the kinds whose lists could be read."""
    watched: int
    """Of these, those that have alarms."""
    named: tuple[Ref, ...]
    """The resources that were named to the reconcile queue."""
    foreign: tuple[str, ...]
    """Names under our prefix of alarms that are not ours."""
    unread: tuple[str, ...]
    """Why some lists could not be read this time."""
    not_allowed: tuple[str, ...] = ()
    """Why some lists cannot be read here: denied, or unknown in this Region."""
    withheld: tuple[str, ...] = ()
    """The rows that the budget has no room for: `("endpoint/idle",)`."""
    unwatched: int = 0
    """Resources that have no alarms and should have some."""
    alarms_in_account: int | None = None
    """Alarms of the account in the Region, whosesoever; None when it was not full, or had no time to count."""


def sweep(
    clients: Clients,
    settings: SweepSettings,
    store: PolicyStore,
    now: datetime,
    *,
    full: bool,
    deadline: Deadline = _NO_DEADLINE,
) -> Swept:
    """Send the suspects (a full sweep suspects all) to the backfill queue, and untold failures to the notify queue.

    Raise OutOfTime, before anything is sent, when the alarms cannot all be listed before the deadline.
    """
    in_force = store.read()
    listed = list_kinds(clients.sagemaker, kinds_wanted(in_force.policy), now - _FAILURES_BACK)
    owned, foreign = list_summaries(clients.cloudwatch, settings.prefix, in_force.policy.mute, deadline)
    looks: Mapping[Ref, Look] = {}
    if in_force.policy.budget is not None:
        looks = store.read_looks({ref.kind for ref in listed.living})
        costs = _costs(listed, owned, looks, in_force)
        in_force = _apply_budget(store, in_force, costs, full=full)
    unlisted = {**listed.unread, **listed.not_allowed}
    named = {*listed.living, *owned}
    if not full:
        named = suspects(listed.living, owned, now, in_force, looks, unlisted, foreign)
        if named and not looks:  # what was remembered acquits some, and accuses nobody
            looks = store.read_looks({ref.kind for ref in named})
            theirs = {ref: owned[ref] for ref in named if ref in owned}
            parents = {each.parent for several in theirs.values() for each in several if each.parent}
            living = {ref: listed.living[ref] for ref in named | parents if ref in listed.living}
            named &= suspects(living, theirs, now, in_force, looks, unlisted, foreign)
        try:
            named |= grown(clients.cloudwatch, listed.living, owned)
        except NotAllowed as error:  # the resources that need ListMetrics are told of when they are looked at
            listed = replace(listed, not_allowed={**listed.not_allowed, _METRICS: str(error)})
        except Retry as error:
            listed = replace(listed, unread={**listed.unread, _METRICS: str(error)})
    queue.name(clients.sqs, settings.backfill_url, sorted(named))
    queue.send(clients.sqs, settings.notify_url, _events(listed, in_force, settings, now))
    kinds = {kind: why for kind, why in listed.not_allowed.items() if kind != _METRICS}
    if kinds and store.has_new_unlisted(kinds):
        queue.send(clients.sqs, settings.notify_url, [kinds_unlisted(kinds, now)])
        store.write_unlisted(kinds)
    _apply_windows(clients, settings, in_force, owned, now, full=full)
    if full and not looks:  # another sweep has read them: it suspects what has no alarms
        looks = store.read_looks({ref.kind for ref in listed.living if ref not in owned})
    return Swept(
        live=len(listed.living),
        watched=sum(ref in listed.living for ref in owned),
        named=tuple(sorted(named)),
        foreign=tuple(foreign),
        unread=tuple(listed.unread.values()),
        not_allowed=tuple(listed.not_allowed.values()),
        withheld=tuple(sorted("/".join(row) for row in in_force.withheld)),
        unwatched=_unwatched(named, listed, owned, foreign, looks, in_force),
        alarms_in_account=_alarms_in_account(clients, deadline) if full else None,
    )


def _unwatched(
    named: Iterable[Ref],
    listed: Listed,
    owned: Mapping[Ref, Sequence[AlarmSummary]],
    foreign: Collection[str],
    looks: Mapping[Ref, Look],
    in_force: PolicyInForce,
) -> int:
    """Count what lives and lacks alarms that it should have; who is not named is well."""
    blocked = row_names(foreign)
    statuses = [
        listed_status(ref, modified, owned.get(ref, ()), in_force, looks.get(ref), blocked.get(ref, ()))
        for ref in named
        if (modified := listed.living.get(ref))
    ]
    return sum(each in (ResourceStatus.MISSING, ResourceStatus.INCOMPLETE) for each in statuses)


def _alarms_in_account(clients: Clients, deadline: Deadline) -> int | None:
    """Count the alarms of the account; None when there is no time for it: the sweep itself is done by then."""
    try:
        return cloudwatch.count(clients.cloudwatch, deadline)
    except OutOfTime:
        return None


def kinds_wanted(policy: Policy) -> list[Kind]:
    """Return the kinds to list: those of which the policy does not ignore every resource."""
    return [kind for kind in KINDS if not policy.ignores_kind(kind.name)]


def _events(
    listed: Listed, in_force: PolicyInForce, settings: SweepSettings, now: datetime
) -> list[Mapping[str, object]]:
    """Return what is to be told at each sweep: failures that no event tells, a broken policy."""
    events = [failure_found(kind, item) for kind, item in listed.failed]
    if in_force.faults:
        events.append(policy_broken(settings.policy_parameter, in_force.faults, now))
    return events


def _costs(
    listed: Listed,
    owned: Mapping[Ref, Iterable[AlarmSummary]],
    looks: Mapping[Ref, Look],
    in_force: PolicyInForce,
) -> Mapping[Row, RowCost]:
    """Return what each row costs: alarms of what lives or may live, and what the last looks found withheld."""
    may_live = {*listed.unread, *listed.not_allowed}
    counted = (
        AlarmCost(ref, each.row, each.severity, each.monthly_usd)
        for ref, several in owned.items()
        if ref in listed.living or ref.kind in may_live
        for each in several
    )
    withheld = {ref: look.withheld for ref, look in looks.items() if ref in listed.living or ref.kind in may_live}
    return sum_by_row(counted, in_force.policy, withheld)


def _apply_budget(
    store: PolicyStore, in_force: PolicyInForce, costs: Mapping[Row, RowCost], *, full: bool
) -> PolicyInForce:
    """Return the policy in force, after deciding anew which rows the budget has no room for; that is written down.

    Rows give way with any sweep. They come back with a full sweep, once a day, or under another budget: no oftener, so
    that the jobs of an hour do not take the rows of all other resources away and bring them back.
    """
    budget, written = in_force.policy.budget, store.read_withheld()
    rows = over_budget(budget, costs)
    if not full and written.budget == budget:
        rows |= written.rows
    if (found := Withheld(rows, budget)) != written:
        store.write_withheld(found)
    return replace(in_force, withheld=rows)


def _apply_windows(
    clients: Clients,
    settings: SweepSettings,
    in_force: PolicyInForce,
    owned: Mapping[Ref, Iterable[AlarmSummary]],
    now: datetime,
    *,
    full: bool,
) -> None:
    """Make CloudWatch's mute rules those of the policy's windows; a policy that nobody ever wrote has none."""
    never_written = in_force.version == _AS_MADE and not in_force.policy.mute
    if settings.policy_parameter is None or (never_written and not full):
        return
    labelled = [(each.member.name, each.labels) for several in owned.values() for each in several if each.labels]
    wanted = window_rules(settings.prefix, in_force.policy.mute, labelled, now)
    there = (each for each in mute_rules.listed(clients.cloudwatch) if is_of_window(settings.prefix, each.name))
    mute_rules.converge(clients.cloudwatch, there, wanted, now)
