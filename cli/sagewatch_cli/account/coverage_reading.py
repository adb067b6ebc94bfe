"""Reads what coverage is counted from: the resources that exist, the alarms under our prefix, the published metrics."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import Any

from sagewatch.aws import budget_store, look_store
from sagewatch.aws.instance_types import InstanceTypes
from sagewatch.aws.published_metrics import PublishedMetrics
from sagewatch.aws.retries import retried
from sagewatch.aws.sagemaker import AccountReader
from sagewatch.errors import Retry
from sagewatch.fleet.costs import prices
from sagewatch.fleet.lists import WATCHED, list_living
from sagewatch.kinds.kind import Reader
from sagewatch.kinds.registry import kind as kind_named
from sagewatch.model import Place, Ref
from sagewatch.policy.rules import Look, PolicyInForce
from sagewatch.watch.facts import read_facts
from sagewatch_cli.account.alarms import MetricSeries, PresentAlarm, alarms_under, by_owner, series
from sagewatch_cli.account.coverage import (
    Coverage,
    CoverageContext,
    CoverageReadings,
    UnwatchedReason,
    UnwatchedResource,
    count_coverage,
    unwatched,
)
from sagewatch_cli.account.session import Account, Progress, unseen


def recorded(account: Account, standing: PolicyInForce, table: str | None) -> PolicyInForce:
    """Add the rows that the budget has no room for, as the sweep stored them; none without a budget or a table."""
    if standing.policy.budget is None or not table:
        return standing
    return replace(standing, withheld=budget_store.read_withheld(account.client("dynamodb"), table).rows)


def remembered_looks(account: Account, table: str | None, kinds: Iterable[str]) -> dict[Ref, Look]:
    """Return what reconcile remembers of looks at resources of these kinds; nothing without a table."""
    return {
        Ref(kind, name): look
        for kind in (sorted(kinds) if table else ())
        for name, look in look_store.read_looks(account.client("dynamodb"), table or "", kind).items()
    }


def place(account: Account) -> Place:
    """Return the partition, account and Region of the credentials."""
    client = account.client("sts")
    with retried("get_caller_identity"):
        arn = client.get_caller_identity()["Arn"]
    _, partition, _, _, number, *_ = arn.split(":")
    return Place(partition=partition, region=client.meta.region_name, account=number)


def reader(account: Account, discovery: PublishedMetrics) -> AccountReader:
    """Return a reader of the account; EC2 is asked with the same credentials."""
    types = InstanceTypes(connect=partial(account.client, "ec2"))
    return AccountReader(account.client("sagemaker"), discovery, types)


def survey(account: Account, prefix: str, standing: PolicyInForce, progress: Progress = unseen) -> Coverage:
    """Read the whole account; Retry when the alarms cannot be listed. What else cannot be read is named in `unread`."""
    discovery = PublishedMetrics(account.client("cloudwatch"))
    at = place(account)
    where = CoverageContext(
        account=at.account,
        region=at.region,
        prefix=prefix,
        at=datetime.now(UTC),
        policy=standing.policy,
        withheld=standing.withheld,
    )
    living, unread = _existing(account.client("sagemaker"), progress)
    owned, foreign = by_owner(prefix, alarms_under(account.client("cloudwatch"), f"{prefix}/"))
    without = {ref: living[ref] for ref in living if ref not in owned}
    reasons = _reasons_without_alarms(reader(account, discovery), where, without, progress)
    published, listed, unlisted = _published_metrics(
        discovery, (each for several in owned.values() for each in several), progress
    )
    read = CoverageReadings(
        living=frozenset(ref for ref in living if ref in owned or ref in reasons),
        owned=owned,
        foreign=foreign,
        unwatched=reasons.values(),
        unread={**unread, **unlisted},
        published=published,
        listed=listed,
    )
    return count_coverage(where, read, prices(at.region))


def _existing(client: Any, progress: Progress) -> tuple[dict[Ref, datetime], dict[str, str]]:
    """Return the resources that exist with their last change, and why a kind could not be listed, by kind."""
    living, unread = list_living(client, progress(WATCHED, "Listing what lives"))
    return {ref: modified for ref, modified in living.items() if ref.kind not in unread}, unread


def _reasons_without_alarms(
    read: Reader, where: CoverageContext, without: Mapping[Ref, datetime], progress: Progress
) -> dict[Ref, UnwatchedResource]:
    """Describe the resources without alarms to say why; one that is gone by now is not returned."""
    found = {}
    for ref in progress(without, "Looking at those without alarms"):
        kind = kind_named(ref.kind)
        if kind is None:
            continue
        try:
            facts = read_facts(read, kind, ref)
        except Retry as error:
            found[ref] = UnwatchedResource(ref, UnwatchedReason.UNREADABLE, str(error))
            continue
        if facts.live:
            found[ref] = replace(unwatched(where, kind, facts, without[ref]), ref=ref)
    return found


def _published_metrics(
    discovery: PublishedMetrics, alarms: Iterable[PresentAlarm], progress: Progress
) -> tuple[frozenset[MetricSeries], frozenset[str], dict[str, str]]:
    """Return all metrics of the namespaces that alarms read, those namespaces, and which could not be listed."""
    published: set[MetricSeries] = set()
    listed, unlisted = set(), {}
    for namespace in progress(sorted({name for each in alarms for name, *_ in series(each.alarm)}), "Listing metrics"):
        try:
            metrics = discovery.published(within=namespace)
        except Retry as error:
            unlisted[namespace] = str(error)
            continue
        listed.add(namespace)
        published |= {(each.namespace, each.metric, frozenset(each.dimensions.items())) for each in metrics}
    return frozenset(published), frozenset(listed), unlisted
