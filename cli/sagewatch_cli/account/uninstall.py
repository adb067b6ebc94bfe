"""Finds what the product made in an account outside of its stack, and removes it: alarms, mute rules, a dashboard."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import batched
from typing import Any

from botocore.exceptions import ClientError

from sagewatch.aws import cloudwatch, mute_rules
from sagewatch.aws.published_metrics import PublishedMetrics
from sagewatch.aws.retries import retried
from sagewatch.errors import NotAllowed
from sagewatch.fleet.costs import monthly, prices
from sagewatch.fleet.mute_windows import is_of_snooze, is_of_window
from sagewatch.kinds.charts import dashboard_title
from sagewatch.kinds.kind import Reader
from sagewatch.kinds.registry import KINDS
from sagewatch.model import Alarm, Ref
from sagewatch.watch import names
from sagewatch.watch.rollback import still_protecting
from sagewatch_cli.account.alarms import alarms_under
from sagewatch_cli.account.coverage_reading import reader
from sagewatch_cli.account.deployment import place
from sagewatch_cli.account.policy import deployed_document, parameter_of
from sagewatch_cli.account.session import Account, Progress, unseen

_UNKNOWN = "UnknownOperationException"  # how SageMaker calls an operation that a Region does not have


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptAlarm:
    """An alarm of ours that stays, because SageMaker rolls a deployment back when it fires."""

    name: str
    protects: str
    """The resources whose deployments it rolls back: `endpoint/churn, endpoint/fraud`."""
    monthly_usd: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Uninstallation:
    """What is there to remove, and what stays."""

    account: str
    region: str
    prefix: str
    alarms: tuple[str, ...]
    """Names of our alarms that nothing else needs."""
    mute_rules: tuple[str, ...]
    """Names of the mute rules of the policy's windows and of snoozes."""
    dashboards: tuple[str, ...]
    """Names of our dashboards that a stack left behind."""
    kept: tuple[KeptAlarm, ...]
    foreign: tuple[str, ...]
    """Names of alarms under our prefix that are not ours."""
    policy: str | None
    """The parameter with the policy, where there is one; it stays."""

    @property
    def is_empty(self) -> bool:
        """Tell whether there is nothing to remove."""
        return not (self.alarms or self.mute_rules or self.dashboards)


def find(account: Account, prefix: str) -> Uninstallation:
    """Read what is there; only reads.

    Every endpoint and inference component is described, for the alarms that roll back its deployments. Raise Retry when
    anything of it cannot be read: an alarm that may roll back a deployment is not to be deleted.
    """
    client, at = account.client("cloudwatch"), place(account)
    ours, foreign = _ours(client, prefix)
    read = reader(account, PublishedMetrics(client))
    protecting = still_protecting(read, ours, (each.name for each in ours), tuple(_deployed(read)) if ours else ())
    policy = parameter_of(prefix)
    costs = prices(at.region)
    return Uninstallation(
        account=at.account,
        region=at.region,
        prefix=prefix,
        alarms=tuple(each.name for each in ours if each.name not in protecting),
        mute_rules=tuple(sorted(_our_rules(client, prefix))),
        dashboards=tuple(sorted(_our_dashboards(client, prefix, at.region))),
        kept=tuple(
            KeptAlarm(name=each.name, protects=protecting[each.name], monthly_usd=monthly(each.request, costs))
            for each in ours
            if each.name in protecting
        ),
        foreign=tuple(foreign),
        policy=policy if deployed_document(account.client("ssm"), policy) else None,
    )


def remove(account: Account, found: Uninstallation, progress: Progress = unseen) -> None:
    """Delete it; Retry when CloudWatch refuses. What is deleted by then stays deleted: find the rest and go on.

    Alarms go before the rules that mute them, so that none calls anybody in between.
    """
    client = account.client("cloudwatch")
    for some in progress(tuple(batched(found.alarms, cloudwatch.MOST_NAMES)), "Deleting alarms"):
        cloudwatch.delete(client, some)
    for rule in progress(found.mute_rules, "Deleting mute rules"):
        mute_rules.delete(client, rule)
    for name in found.dashboards:
        _delete_dashboard(client, name)


def _ours(client: Any, prefix: str) -> tuple[list[Alarm], list[str]]:
    """Return our alarms, also those whose description somebody emptied, and the names of others under our prefix."""
    ours, foreign = [], []
    for each in alarms_under(client, f"{prefix}/"):
        if alarm := names.claimed(prefix, each.alarm):
            ours.append(alarm)
        else:
            foreign.append(each.name)
    return ours, foreign


def _deployed(read: Reader) -> Iterator[Ref]:
    """Yield all resources that are deployed to; a Region that does not know a list has none of its kind."""
    for kind in KINDS:
        if kind.deployed:
            try:
                items = read.listed(kind.listing.operation, kind.listing.items)
            except NotAllowed as error:
                refusal = error.__cause__
                if not isinstance(refusal, ClientError) or refusal.response["Error"].get("Code") != _UNKNOWN:
                    raise
                continue
            yield from (Ref(kind.name, item[kind.parameter]) for item in items)


def _our_rules(client: Any, prefix: str) -> Iterator[str]:
    for each in mute_rules.listed(client):
        if is_of_window(prefix, each.name) or is_of_snooze(prefix, each.name):
            yield each.name


def _our_dashboards(client: Any, prefix: str, region: str) -> Iterator[str]:
    """Yield the dashboards that a stack of this prefix and Region made: by the end of the name, and by the title."""
    with retried("list_dashboards"):
        pages = client.get_paginator("list_dashboards").paginate()
        there = [each["DashboardName"] for page in pages for each in page["DashboardEntries"]]
    for name in there:
        if name.endswith(f"-{region}") and _title(_body(client, name)) == dashboard_title(prefix):
            yield name


def _body(client: Any, name: str) -> str:
    with retried(f"get_dashboard {name}"):
        try:
            body: str = client.get_dashboard(DashboardName=name)["DashboardBody"]
        except ClientError as error:
            # DashboardNotFoundError says ResourceNotFound on the wire (GetDashboard, Errors).
            if error.response["Error"].get("Code") != "ResourceNotFound":
                raise
            return ""
    return body


def _title(body: str) -> str | None:
    """Return the text of a dashboard's first widget, None when that has none."""
    try:
        first: Mapping[str, Any] = json.loads(body)["widgets"][0]
        return str(first["properties"]["markdown"])
    except (LookupError, TypeError, ValueError):
        return None


def _delete_dashboard(client: Any, name: str) -> None:
    with retried(f"delete_dashboards {name}"):
        try:
            client.delete_dashboards(DashboardNames=[name])
        except ClientError as error:
            if error.response["Error"].get("Code") != "ResourceNotFound":
                raise
