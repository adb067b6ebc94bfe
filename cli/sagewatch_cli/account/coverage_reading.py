"""Reads what coverage is counted from: the resources that exist, the alarms under our prefix, the published metrics."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from typing import Any

from sagewatch.aws.instance_types import InstanceTypes
from sagewatch.aws.published_metrics import PublishedMetrics
from sagewatch.aws.sagemaker import AccountReader
from sagewatch.errors import Retry
from sagewatch.fleet.costs import prices
from sagewatch.fleet.growth import grown
from sagewatch.fleet.lists import WATCHED, list_living
from sagewatch.fleet.summaries import summary_of
from sagewatch.fleet.suspects import suspects
from sagewatch.kinds.kind import Reader
from sagewatch.kinds.registry import kind as kind_named
from sagewatch.model import Described, Observed, Ref
from sagewatch.policy.rules import PolicyInForce
from sagewatch.watch.facts import read_facts
from sagewatch.watch.rows import RowDecision, rows_there
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
from sagewatch_cli.account.deployment import Deployment
from sagewatch_cli.account.in_force import KnownBudget, read_looks
from sagewatch_cli.account.session import Account, Progress, unseen


def reader(account: Account, discovery: PublishedMetrics) -> AccountReader:
    """Return a reader of the account; EC2 is asked with the same credentials."""
    types = InstanceTypes(connect=partial(account.client, "ec2"))
    return AccountReader(account.client("sagemaker"), discovery, types)


def survey(
    account: Account,
    deployment: Deployment,
    budget: KnownBudget,
    now: datetime,
    progress: Progress = unseen,
    *,
    table: str = "",
    full: bool = False,
) -> Coverage:
    """Read the whole account; Retry when the alarms cannot be listed. What else cannot be read is named in `unread`.

    Those are looked at whom the next sweep would name, and those without alarms; with `full`, everybody.
    """
    in_force, prefix, at = budget.in_force, deployment.prefix, deployment.place
    cloudwatch = account.client("cloudwatch")
    discovery = PublishedMetrics(cloudwatch)
    where = CoverageContext(
        account=at.account,
        alias=deployment.alias,
        stack=deployment.stack_words,
        region=at.region,
        prefix=prefix,
        at=now,
        policy=in_force.policy,
        withheld=in_force.withheld,
    )
    living, unread = _existing(account.client("sagemaker"), progress)
    owned, foreign = by_owner(prefix, alarms_under(cloudwatch, f"{prefix}/"))
    asked = set(living) if full else _to_look_at(cloudwatch, in_force, living, owned, now)
    looked = _Looks(where, in_force, owned, {each.name for each in foreign})
    looked.at(reader(account, discovery), {ref: living[ref] for ref in asked}, progress)
    published, listed, unlisted = _published_metrics(
        discovery, (each for several in owned.values() for each in several), progress
    )
    if budget.unknown:
        unread["budget"] = budget.unknown
    looks = _current_looks(account, table or deployment.table, in_force, living) if in_force.withheld else {}
    read = CoverageReadings(
        living=frozenset(living.keys() - looked.gone),
        owned=owned,
        foreign=foreign,
        unwatched=looked.unwatched,
        rows=looked.rows,
        withheld=looks,
        modified=living,
        unread={**unread, **{str(ref): said for ref, said in looked.unread.items()}, **unlisted},
        published=published,
        listed=listed,
    )
    return count_coverage(where, read, prices(at.region))


def _to_look_at(
    cloudwatch: Any,
    in_force: PolicyInForce,
    living: Mapping[Ref, datetime],
    owned: Mapping[Ref, Collection[PresentAlarm]],
    now: datetime,
) -> set[Ref]:
    """Return the resources that live and have no alarms, or that the next sweep would name."""
    here = prices(cloudwatch.meta.region_name)
    kept = {
        ref: [
            summary_of(Described(each.alarm, each.updated), labels, here)
            for each in several
            if (labels := each.alarm.labels)
        ]
        for ref, several in owned.items()
    }
    # Without what is remembered: whoever lacks what CloudWatch refused is not named by a sweep, and lacks it.
    named = suspects(living, kept, now, in_force) | grown(cloudwatch, living, kept)
    return {ref for ref in living if ref in named or ref not in owned}


def _current_looks(
    account: Account, table: str, in_force: PolicyInForce, living: Iterable[Ref]
) -> dict[Ref, Collection[str]]:
    """Return which rows of resources had no room when they were looked at under the policy and the budget of now."""
    looks = read_looks(account, table, {ref.kind for ref in living})
    return {ref: look.withheld.keys() for ref, look in looks.items() if look.mark == in_force.mark_of(ref)}


def _existing(client: Any, progress: Progress) -> tuple[dict[Ref, datetime], dict[str, str]]:
    """Return the resources that exist with their last change, and why a kind could not be listed, by kind."""
    living, unread = list_living(client, progress(WATCHED, "Listing what lives"))
    return {ref: modified for ref, modified in living.items() if ref.kind not in unread}, unread


@dataclass(slots=True)
class _Looks:
    """Looks at resources, and what they found."""

    where: CoverageContext
    """Which account, and when."""
    in_force: PolicyInForce
    """What the owner wants."""
    owned: Mapping[Ref, Collection[PresentAlarm]]
    """Our alarms by resource."""
    foreign: Collection[str]
    """Names of alarms under our prefix that are not ours."""
    rows: dict[Ref, tuple[RowDecision, ...]] = field(default_factory=dict)
    """What becomes of each row."""
    unwatched: list[UnwatchedResource] = field(default_factory=list)
    """Those without alarms, and why."""
    gone: set[Ref] = field(default_factory=set)
    """Those that are gone by now."""
    unread: dict[Ref, str] = field(default_factory=dict)
    """Those with alarms that could not be read, and why."""

    def at(self, read: Reader, asked: Mapping[Ref, datetime], progress: Progress) -> None:
        """Look at the resources, which were last changed then."""
        for ref in progress(sorted(asked), "Looking at resources"):
            kind = kind_named(ref.kind)
            if kind is None:
                continue
            alarms = tuple(each.alarm for each in self.owned.get(ref, ()))
            try:
                facts = read_facts(read, kind, ref, alarms)
            except Retry as error:
                if alarms:
                    self.unread[ref] = str(error)
                else:
                    self.unwatched.append(UnwatchedResource(ref, UnwatchedReason.UNREADABLE, str(error)))
                continue
            if not facts.live:
                self.gone.add(ref)
                continue
            seen = Observed(facts=facts, owned=alarms, foreign=frozenset(self.foreign))
            self.rows[ref] = rows_there(self.where.prefix, kind, seen, self.in_force)
            if not alarms:
                self.unwatched.append(replace(unwatched(self.where, kind, seen, asked[ref]), ref=ref))


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
