"""Names the resources whose alarms need a look; it changes nothing itself, so a wrong list can do no harm."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from sagewatch.aws import cloudwatch, mute_rules, queue, sagemaker
from sagewatch.aws.cloudwatch import Described
from sagewatch.aws.policy_store import Asking, Standing
from sagewatch.errors import BrokenPolicy, Retry
from sagewatch.fleet.budget import demands, resized, withheld
from sagewatch.fleet.costs import prices
from sagewatch.fleet.mute_windows import window_rules, windows_beginning
from sagewatch.kinds.kind import Kind
from sagewatch.kinds.registry import KINDS
from sagewatch.kinds.registry import kind as kind_named
from sagewatch.model import Alarm, Description, Ref
from sagewatch.policy.cascade import all_off, may_be_off
from sagewatch.policy.rules import row_of
from sagewatch.settings import SweepSettings
from sagewatch.watch import names
from sagewatch.watch.plan import is_edited, is_incomplete

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_sqs import SQSClient

_AS_DEPLOYED = 1  # the version of the parameter that the template made

LOOK_BACK = timedelta(minutes=45)
"""How long a change is named again while no alarm was written after it: three sweeps, so one may fail."""


@dataclass(frozen=True, slots=True)
class Clients:
    """What the function holds for the life of its container."""

    sagemaker: sagemaker.Client
    cloudwatch: CloudWatchClient
    sqs: SQSClient


@dataclass(frozen=True, slots=True, kw_only=True)
class Swept:
    """What a sweep saw, whom it named, what is not ours under our prefix, and which lists could not be read.

    `withheld` are the rows that the budget has no room for.
    """

    live: int
    watched: int
    named: tuple[Ref, ...]
    foreign: tuple[str, ...]
    unread: tuple[str, ...]
    withheld: tuple[str, ...] = ()


def sweep(clients: Clients, settings: SweepSettings, asking: Asking, now: datetime, *, full: bool) -> Swept:
    """Send the suspects (a full sweep suspects all) to the reconcile queue, and untold failures to the notify queue."""
    living, unread = list_living(clients.sagemaker)
    owned, foreign = list_owned(clients.cloudwatch, settings.prefix)
    # A list that could not be read would make the fleet look small.
    counted = Counter(ref.kind for ref in living) if not unread else {}
    standing = _budgeted(asking, owned, counted, clients.cloudwatch.meta.region_name, full=full)
    named = tuple(sorted({*living, *owned})) if full else tuple(sorted(suspects(living, owned, now, standing)))
    queue.name(clients.sqs, settings.queue_url, named)
    found, unfound = _failures(clients.sagemaker, now)
    queue.send(clients.sqs, settings.notify_url, [*found, *_wrong(settings, standing.broken, now)])
    _mute(clients, settings, standing, owned, now)
    return Swept(
        live=len(living),
        watched=len(owned),
        named=named,
        foreign=tuple(foreign),
        unread=(*unread, *unfound),
        withheld=tuple(sorted("/".join(row) for row in standing.withheld)),
    )


def _budgeted(
    asking: Asking, owned: Mapping[Ref, Iterable[Described]], living: Mapping[str, int], region: str, *, full: bool
) -> Standing:
    """Return what is wanted, after deciding anew which rows the budget has no room for; it is written down.

    What those that gave way ask for follows the size of the fleet once a day, with the full sweep: no oftener, so
    that rows of jobs do not come and go with them.
    """
    standing = asking()
    if standing.policy.budget is None:
        return standing
    remembered = asking.remembered()
    sized = resized(remembered, living) if full else remembered
    demand = demands(_alarms(owned), prices(region), sized)
    rows = withheld(standing.policy.budget, demand)
    if rows != standing.withheld or sized != remembered:
        now = {row: replace(demand[row], among=demand[row].among or living.get(row[0], 0)) for row in rows}
        asking.remember(now)
    return replace(standing, withheld=rows)


def _mute(
    clients: Clients,
    settings: SweepSettings,
    standing: Standing,
    owned: Mapping[Ref, Iterable[Described]],
    now: datetime,
) -> None:
    """Make CloudWatch's mute rules those of the policy's windows; a policy that nobody ever wrote has none."""
    if standing.version <= _AS_DEPLOYED and not standing.policy.mute:
        return
    wanted = window_rules(settings.prefix, standing.policy.mute, _alarms(owned), now)
    mute_rules.converge(clients.cloudwatch, windows_beginning(settings.prefix), wanted)


def _alarms(owned: Mapping[Ref, Iterable[Described]]) -> Iterator[Alarm]:
    return (each.alarm for several in owned.values() for each in several)


def _wrong(settings: SweepSettings, broken: BrokenPolicy | None, now: datetime) -> list[Mapping[str, object]]:
    """Return what to tell of a policy that cannot be followed; the memory of notices keeps it from being told twice."""
    if broken is None:
        return []
    detail = {"parameter": settings.policy_parameter, "faults": [str(fault) for fault in broken.faults]}
    return [
        {"source": "sagewatch", "detail-type": "Sagewatch Policy Broken", "time": now.isoformat(), "detail": detail}
    ]


def list_living(client: sagemaker.Client) -> tuple[dict[Ref, datetime], list[str]]:
    """Return what lives, with the time of its last change, and which lists could not be read."""
    living: dict[Ref, datetime] = {}
    unread = []
    for kind in KINDS:
        if not kind.specs:
            continue
        try:
            living.update(sagemaker.live(client, kind))
        except Retry as error:
            unread.append(str(error))
    return living, unread


def _failures(client: sagemaker.Client, now: datetime) -> tuple[list[Mapping[str, object]], list[str]]:
    """Return what to tell of kinds without failure events; the memory of notices keeps it from being told twice."""
    found: list[Mapping[str, object]] = []
    unread = []
    for kind in KINDS:
        try:
            found += [failure(kind, item) for item in sagemaker.failed(client, kind, now - LOOK_BACK)]
        except Retry as error:
            unread.append(str(error))
    return found, unread


def failure(kind: Kind, item: Description) -> Mapping[str, object]:
    """Return an event of our own for a failed resource on a list."""
    arn, at = item[kind.arn], item["LastModifiedTime"].isoformat()
    return {
        "source": "sagewatch",
        "detail-type": "Sagewatch Failure Found",
        "account": arn.split(":")[4],
        "region": arn.split(":")[3],
        "time": at,
        "resources": [arn],
        "detail": {
            "kind": kind.name,
            "what": kind.title,
            "name": item[kind.parameter],
            "arn": arn,
            "status": "Failed",
            "at": at,
            "reason": item.get("FailureReason"),
        },
    }


def list_owned(client: CloudWatchClient, prefix: str) -> tuple[dict[Ref, list[Described]], list[str]]:
    """Return our alarms by resource, and the names of those under our prefix that are not ours."""
    owned: dict[Ref, list[Described]] = {}
    foreign = []
    for each in cloudwatch.described(client, f"{prefix}/"):
        labels = each.alarm.labels
        if labels and kind_named(labels.ref.kind) and names.is_owned(prefix, labels.ref, each.alarm.name, labels):
            owned.setdefault(labels.ref, []).append(each)
        else:
            foreign.append(each.alarm.name)
    return owned, foreign


def suspects(
    living: Mapping[Ref, datetime], owned: Mapping[Ref, Iterable[Described]], now: datetime, standing: Standing
) -> set[Ref]:
    """Return who has no alarms, too few, edited ones, ones older than its last change or made under another policy.

    And who is not on the list of those that live.
    """
    named = living.keys() | owned.keys()
    return {ref for ref in named if _is_suspect(ref, living.get(ref), owned.get(ref, ()), now, standing)}


def _is_suspect(
    ref: Ref, modified: datetime | None, alarms: Iterable[Described], now: datetime, standing: Standing
) -> bool:
    alarms = tuple(alarms)
    kind = kind_named(ref.kind)
    if modified is None or kind is None:
        return True
    rows = [spec for spec in kind.specs if (kind.name, spec.id) not in standing.withheld]
    if not alarms or all_off(standing.policy, ref, rows):
        return bool(alarms) or not all_off(standing.policy, ref, rows)
    changed = now - modified < LOOK_BACK and modified > max(each.updated for each in alarms)
    if changed or any(is_edited(each.alarm) for each in alarms):
        return True
    return not standing.held and (
        any(is_stale(ref, each.alarm, standing) for each in alarms) or _lacks_some(kind, ref, alarms, standing)
    )


def is_stale(ref: Ref, alarm: Alarm, standing: Standing) -> bool:
    """Tell whether an alarm was made under a policy that says something else of it, or before the budget was spent."""
    labels = alarm.labels
    if labels is None:
        return True
    over = (ref.kind, row_of(labels["alarm"])) in standing.withheld
    return over or (labels.get("policy") or "") != standing.policy.mark(ref, labels["alarm"])


def _lacks_some(kind: Kind, ref: Ref, alarms: Iterable[Described], standing: Standing) -> bool:
    present: dict[str, frozenset[str]] = {}
    for each in alarms:
        if labels := each.alarm.labels:
            present[labels["scope"]] = present.get(labels["scope"], frozenset()) | {labels["alarm"]}
    pardoned = [
        spec.id
        for spec in kind.specs
        if (kind.name, spec.id) in standing.withheld or may_be_off(standing.policy, ref, spec)
    ]
    return is_incomplete(kind, present, pardoned)
