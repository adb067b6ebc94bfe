"""Sweeps the account: names the resources that need a look, and brings budget and mute windows up to date.

The steps, in their order: list what lives and what alarms there are, decide which rows the budget has room for, name
the suspects to the reconcile queue, name untold failures and a broken policy to the notify queue, write the mute rules.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from sagewatch.aws import mute_rules, queue
from sagewatch.aws.clients import Clients
from sagewatch.aws.policy_store import PolicyStore
from sagewatch.fleet.budget import over_budget, row_costs, scaled
from sagewatch.fleet.costs import prices
from sagewatch.fleet.growth import grown
from sagewatch.fleet.lists import list_failed, list_living, list_owned
from sagewatch.fleet.mute_windows import window_rules, windows_beginning
from sagewatch.fleet.own_events import failure_found, policy_broken
from sagewatch.fleet.suspects import LOOK_BACK, suspects
from sagewatch.model import Alarm, Ref
from sagewatch.policy.rules import PolicyInForce
from sagewatch.settings import SweepSettings

_AS_DEPLOYED = 1  # the version of the parameter that the template made


@dataclass(frozen=True, slots=True, kw_only=True)
class Swept:
    """What a sweep saw and did."""

    live: int
    """Resources that live, of the kinds whose lists could be read."""
    watched: int
    """Resources that have alarms."""
    named: tuple[Ref, ...]
    """The resources that were named to the reconcile queue."""
    foreign: tuple[str, ...]
    """Names under our prefix of alarms that are not ours."""
    unread: tuple[str, ...]
    """Why some lists could not be read."""
    withheld: tuple[str, ...] = ()
    """The rows that the budget has no room for: `("endpoint/idle",)`."""


def sweep(clients: Clients, settings: SweepSettings, store: PolicyStore, now: datetime, *, full: bool) -> Swept:
    """Send the suspects (a full sweep suspects all) to the reconcile queue, and untold failures to the notify queue."""
    living, unread = list_living(clients.sagemaker)
    owned, foreign = list_owned(clients.cloudwatch, settings.prefix)
    alarms = [each.alarm for several in owned.values() for each in several]
    # A list that could not be read would make the fleet look small.
    resources = Counter(ref.kind for ref in living) if not unread else {}
    in_force = _apply_budget(store, alarms, resources, clients.cloudwatch.meta.region_name, full=full)
    growing = set() if full else grown(clients.cloudwatch, living, owned)
    named = tuple(sorted({*living, *owned} if full else growing | suspects(living, owned, now, in_force)))
    queue.name(clients.sqs, settings.queue_url, named)
    failed, unlisted = list_failed(clients.sagemaker, now - LOOK_BACK)
    # Events of SageMaker are best effort, and these kinds have none (EventBridge, "Amazon SageMaker AI events").
    events = [failure_found(kind, item) for kind, item in failed]
    if in_force.faults:
        events.append(policy_broken(settings.policy_parameter, in_force.faults, now))
    queue.send(clients.sqs, settings.notify_url, events)
    _apply_windows(clients, settings.prefix, in_force, alarms, now)
    return Swept(
        live=len(living),
        watched=len(owned),
        named=named,
        foreign=tuple(foreign),
        unread=(*unread.values(), *unlisted),
        withheld=tuple(sorted("/".join(row) for row in in_force.withheld)),
    )


def _apply_budget(
    store: PolicyStore, alarms: Collection[Alarm], resources: Mapping[str, int], region: str, *, full: bool
) -> PolicyInForce:
    """Return the policy in force, after deciding anew which rows the budget has no room for; that is written down.

    What withheld rows would cost follows the size of the fleet (`resources` by kind) once a day, with the full sweep:
    no oftener, so that rows of jobs do not come and go with them.
    """
    in_force = store.read()
    if in_force.policy.budget is None:
        return in_force
    written = store.read_withheld()
    sized = scaled(written, resources) if full else written
    costs = row_costs(alarms, prices(region), sized)
    rows = over_budget(in_force.policy.budget, costs)
    if rows != in_force.withheld or sized != written:
        counted = {row: replace(costs[row], resources=costs[row].resources or resources.get(row[0], 0)) for row in rows}
        store.write_withheld(counted)
    return replace(in_force, withheld=rows)


def _apply_windows(
    clients: Clients, prefix: str, in_force: PolicyInForce, alarms: Iterable[Alarm], now: datetime
) -> None:
    """Make CloudWatch's mute rules those of the policy's windows; a policy that nobody ever wrote has none."""
    if in_force.version <= _AS_DEPLOYED and not in_force.policy.mute:
        return
    wanted = window_rules(prefix, in_force.policy.mute, alarms, now)
    mute_rules.converge(clients.cloudwatch, windows_beginning(prefix), wanted)
