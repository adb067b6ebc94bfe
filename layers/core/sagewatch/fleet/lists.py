"""Reads the lists of the account: what lives, what failed, and our alarms; by resource, and those in state ALARM."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from sagewatch.aws import cloudwatch, sagemaker
from sagewatch.errors import Retry
from sagewatch.kinds.kind import Kind
from sagewatch.kinds.registry import KINDS
from sagewatch.kinds.registry import kind as kind_named
from sagewatch.model import Alarm, Described, Description, Ref
from sagewatch.watch import names

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch import CloudWatchClient

WATCHED = tuple(kind for kind in KINDS if kind.specs)
"""The kinds whose resources get alarms; of the others nobody need know what lives."""


def list_living(
    client: sagemaker.Client, kinds: Iterable[Kind] = WATCHED
) -> tuple[dict[Ref, datetime], dict[str, str]]:
    """Return what lives, with the time of its last change, and why the lists of some kinds could not be read.

    `({Ref("endpoint", "churn"): …}, {"cluster": "list_clusters: AccessDenied…"})`
    """
    living: dict[Ref, datetime] = {}
    unread = {}
    for kind in kinds:
        try:
            living.update(sagemaker.live(client, kind))
        # One kind that may not be listed must not hide the others.
        except Retry as error:
            unread[kind.name] = str(error)
    return living, unread


def list_failed(client: sagemaker.Client, since: datetime) -> tuple[list[tuple[Kind, Description]], list[str]]:
    """Return what failed since then of the kinds without failure events, and why some lists could not be read."""
    found: list[tuple[Kind, Description]] = []
    unread = []
    for kind in KINDS:
        try:
            found += [(kind, item) for item in sagemaker.failed(client, kind, since)]
        except Retry as error:
            unread.append(str(error))
    return found, unread


def list_owned(client: CloudWatchClient, prefix: str) -> tuple[dict[Ref, list[Described]], list[str]]:
    """Return our alarms by resource, and the names of those under our prefix that are not ours."""
    owned: dict[Ref, list[Described]] = {}
    foreign = []
    for each in cloudwatch.described(client, f"{prefix}/"):
        ours = names.claimed(prefix, each.alarm)
        if ours and ours.labels and kind_named(ours.labels["kind"]):
            owned.setdefault(ours.labels.ref, []).append(replace(each, alarm=ours))
        else:
            foreign.append(each.alarm.name)
    return owned, foreign


def list_firing(client: CloudWatchClient, prefix: str) -> Iterator[Alarm]:
    """Yield the metric alarms under our prefix that are in the state ALARM."""
    return (each.alarm for each in cloudwatch.described(client, f"{prefix}/", state="ALARM"))
