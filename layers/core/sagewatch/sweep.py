"""Names the resources whose alarms need a look; it changes nothing itself, so a wrong list can do no harm."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from sagewatch import names
from sagewatch.aws import cloudwatch, queue, sagemaker
from sagewatch.aws.cloudwatch import Described
from sagewatch.errors import Retry
from sagewatch.kinds import KINDS
from sagewatch.kinds import kind as kind_named
from sagewatch.model import Description, Kind, Ref
from sagewatch.plan import is_edited, is_incomplete
from sagewatch.settings import SweepSettings

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_sqs import SQSClient

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
    """What a sweep saw, whom it named, what is not ours under our prefix, and which lists could not be read."""

    live: int
    watched: int
    named: tuple[Ref, ...]
    foreign: tuple[str, ...]
    unread: tuple[str, ...]


def sweep(clients: Clients, settings: SweepSettings, now: datetime, *, full: bool) -> Swept:
    """Send the suspects (a full sweep suspects all) to the reconcile queue, and untold failures to the notify queue."""
    living, unread = _living(clients.sagemaker)
    owned, foreign = _owned(clients.cloudwatch, settings.prefix)
    named = tuple(sorted({*living, *owned})) if full else tuple(sorted(suspects(living, owned, now)))
    queue.name(clients.sqs, settings.queue_url, named)
    found, unfound = _failures(clients.sagemaker, now)
    queue.send(clients.sqs, settings.notify_url, found)
    return Swept(live=len(living), watched=len(owned), named=named, foreign=tuple(foreign), unread=(*unread, *unfound))


def _living(client: sagemaker.Client) -> tuple[dict[Ref, datetime], list[str]]:
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


def _owned(client: CloudWatchClient, prefix: str) -> tuple[dict[Ref, list[Described]], list[str]]:
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


def suspects(living: Mapping[Ref, datetime], owned: Mapping[Ref, Iterable[Described]], now: datetime) -> set[Ref]:
    """Return who has no alarms, too few, edited ones or ones older than its last change, and who is not on the list."""
    return {ref for ref in living.keys() | owned.keys() if _is_suspect(ref, living.get(ref), owned.get(ref, ()), now)}


def _is_suspect(ref: Ref, modified: datetime | None, alarms: Iterable[Described], now: datetime) -> bool:
    alarms = tuple(alarms)
    if modified is None or not alarms:
        return True
    changed = now - modified < LOOK_BACK and modified > max(each.updated for each in alarms)
    return changed or any(is_edited(each.alarm) for each in alarms) or _lacks_some(ref, alarms)


def _lacks_some(ref: Ref, alarms: Iterable[Described]) -> bool:
    present: dict[str, frozenset[str]] = {}
    for each in alarms:
        if labels := each.alarm.labels:
            present[labels["scope"]] = present.get(labels["scope"], frozenset()) | {labels["alarm"]}
    kind = kind_named(ref.kind)
    return kind is not None and is_incomplete(kind, present)
