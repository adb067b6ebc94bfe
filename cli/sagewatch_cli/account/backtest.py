"""Replays the alarms that a resource would have now over the metrics of the last days, and proposes thresholds."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sagewatch.aws.sagemaker import AccountReader
from sagewatch.errors import ErrorCode, Retry
from sagewatch.kinds.kind import Kind
from sagewatch.kinds.registry import spec as row_named
from sagewatch.model import PER_CAPACITY, Alarm, Facts, Plan, Ref
from sagewatch.policy.rules import PolicyInForce
from sagewatch.watch.facts import read_facts
from sagewatch.watch.plan import plan
from sagewatch.watch.rows import RowStatus, decide_rows
from sagewatch_cli.account.deployment import Deployment
from sagewatch_cli.account.ended import read_ended
from sagewatch_cli.account.inspection import no_resource
from sagewatch_cli.account.metric_history import MetricHistory, read_history
from sagewatch_cli.account.proposals import ReplayedAlarm, ThresholdProposal, Trial, outcome, proposals
from sagewatch_cli.account.replay import Rule, Series
from sagewatch_cli.account.session import Account, Progress, unseen


class NoAlarms(LookupError):
    """The resource gets no alarms; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What a backtest found; `reports` is what could not be understood or known about the resource."""

    ref: Ref
    days: int
    now: datetime
    outcomes: tuple[ReplayedAlarm, ...]
    proposals: tuple[ThresholdProposal, ...]
    metrics: int
    price: float
    reports: tuple[str, ...] = ()


def replay_resource(
    account: Account,
    deployment: Deployment,
    wanted: PolicyInForce,
    kind: Kind,
    ref: Ref,
    days: int,
    now: datetime,
    progress: Progress = unseen,
) -> Report:
    """Replay the alarms that a resource would have now; raises NotFound, Ended or NoAlarms where there is nothing."""
    cloudwatch, sagemaker = account.client("cloudwatch"), account.client("sagemaker")
    read = AccountReader.of(sagemaker, cloudwatch)
    facts = read_facts(read, kind, ref)
    if not facts.live:
        raise no_resource(account, deployment.where, kind, ref, read_ended(read, kind, ref))
    planned = plan(deployment.prefix, kind, facts, wanted.policy, wanted.withheld)
    if not planned.alarms:
        raise NoAlarms(f"{facts.ref} gets no alarms: {_why_none(kind, facts, wanted)}.")
    return judged(facts.ref, planned, read_history(cloudwatch, planned.alarms, days, now, progress), days, now)


def _why_none(kind: Kind, facts: Facts, wanted: PolicyInForce) -> str:
    """Say what keeps all rows away, the owner's word before what the resource lacks."""
    decided = decide_rows(kind, facts, wanted.policy, wanted.withheld)
    for status in (RowStatus.OFF, RowStatus.WITHHELD, RowStatus.HELD, RowStatus.NOT_APPLICABLE):
        if reasons := dict.fromkeys(each.reason for each in decided if each.status is status):
            return "; ".join(reasons)
    return "its kind has no rows"


def judged(ref: Ref, planned: Plan, history: MetricHistory, days: int, now: datetime) -> Report:
    """Replay every alarm of a plan over what was read."""
    outcomes = tuple(outcome(trial(alarm, history.series[alarm.name])) for alarm in planned.alarms)
    return Report(
        ref=ref,
        days=days,
        now=now,
        outcomes=outcomes,
        proposals=tuple(proposals(outcomes)),
        metrics=history.metrics,
        price=history.price,
        reports=planned.reports,
    )


def trial(alarm: Alarm, series: Series) -> Trial:
    """Return an alarm of ours with its data."""
    labels = alarm.labels
    row = row_named(labels["kind"], labels["alarm"]) if labels else None
    if labels is None or row is None:
        raise Retry(f"{alarm.name}: this version knows no such alarm", code=ErrorCode.UNKNOWN_KIND)
    scale = labels.get(PER_CAPACITY[row.unit]) if row.unit in PER_CAPACITY else None
    return Trial(
        alarm=labels["alarm"],
        scope=labels["scope"],
        title=row.title,
        unit=row.unit,
        scale=int(scale or 1),
        rule=Rule.of(alarm.request),
        series=series,
    )
