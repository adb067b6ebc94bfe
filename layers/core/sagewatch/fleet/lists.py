"""Reads the lists of the account: what lives, what failed, and our alarms; by resource, and those in state ALARM."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING

from sagewatch.aws import canary, cloudwatch, sagemaker
from sagewatch.aws.deadline import Deadline
from sagewatch.errors import NotAllowed, Retry
from sagewatch.fleet.costs import prices
from sagewatch.fleet.summaries import AlarmSummary, summary_of
from sagewatch.kinds.kind import Kind
from sagewatch.kinds.registry import KINDS
from sagewatch.kinds.registry import kind as kind_named
from sagewatch.model import Alarm, Described, Description, Labels, Ref
from sagewatch.policy.rules import Window
from sagewatch.watch import names

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch import CloudWatchClient

WATCHED = tuple(kind for kind in KINDS if kind.specs)
"""The kinds whose resources get alarms; of the others nobody need know what lives."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """What SageMaker's lists say of some kinds."""

    living: Mapping[Ref, datetime]
    """What lives, with the time of its last change."""
    failed: tuple[tuple[Kind, Description], ...] = ()
    """What failed of the kinds without failure events."""
    unread: Mapping[str, str] = field(default_factory=dict)
    """Kind → why it could not be listed this time."""
    not_allowed: Mapping[str, str] = field(default_factory=dict)
    """Kind → why it cannot be listed here: denied, or unknown in this Region."""


def list_kinds(client: sagemaker.Client, kinds: Iterable[Kind], since: datetime) -> Listed:
    """List what lives of these kinds, and what failed since then of those without failure events."""
    living: dict[Ref, datetime] = {}
    failed: list[tuple[Kind, Description]] = []
    unread, not_allowed = {}, {}
    for kind in kinds:
        try:
            if kind.specs:
                living.update(sagemaker.live(client, kind))
            failed += [(kind, item) for item in sagemaker.failed(client, kind, since)]
        except NotAllowed as error:
            not_allowed[kind.name] = str(error)
        except Retry as error:
            unread[kind.name] = str(error)
    return Listed(living=living, failed=tuple(failed), unread=unread, not_allowed=not_allowed)


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


def list_owned(client: CloudWatchClient, prefix: str) -> tuple[dict[Ref, list[Described]], list[str]]:
    """Return our alarms by resource, and the names of those under our prefix that are not ours."""
    owned: dict[Ref, list[Described]] = {}
    foreign = []
    for each, labels in _labelled(client, prefix):
        if labels:
            owned.setdefault(labels.ref, []).append(each)
        else:
            foreign.append(each.alarm.name)
    return owned, foreign


def list_summaries(
    client: CloudWatchClient, prefix: str, windows: Collection[Window], deadline: Deadline
) -> tuple[dict[Ref, list[AlarmSummary]], list[str]]:
    """Return the same as `list_owned`, but of each alarm only what a sweep needs under a policy with these windows.

    Raise OutOfTime when there are more alarms than can be listed before the deadline.
    """
    owned: dict[Ref, list[AlarmSummary]] = {}
    foreign = []
    here = prices(client.meta.region_name)
    for each, labels in _labelled(client, prefix, deadline):
        if labels:
            owned.setdefault(labels.ref, []).append(summary_of(each, labels, here, windows))
        else:
            foreign.append(each.alarm.name)
    return owned, foreign


def _labelled(
    client: CloudWatchClient, prefix: str, deadline: Deadline | None = None
) -> Iterator[tuple[Described, Labels | None]]:
    """Yield the alarms under our prefix, one page after the other, with their labels; None of those not ours.

    The canary is none of them.
    """
    for each in cloudwatch.described(client, f"{prefix}/", deadline=deadline):
        if each.alarm.name == canary.alarm_name(prefix):
            continue
        ours = names.claimed(prefix, each.alarm)
        if ours and ours.labels and kind_named(ours.labels["kind"]):
            yield replace(each, alarm=ours), ours.labels
        else:
            yield each, None


def list_firing(client: CloudWatchClient, prefix: str) -> Iterator[Alarm]:
    """Yield the metric alarms under our prefix that are in the state ALARM."""
    return (each.alarm for each in cloudwatch.described(client, f"{prefix}/", state="ALARM"))
