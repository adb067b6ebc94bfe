"""Counts the AWS calls of `sagewatch plan` over 1,000 endpoints, and measures our own CPU time beside the sweep's.

Run: .venv/bin/python -m benchmarks.plan

The command adds one GetParameter for the deployed policy. Nothing here asserts a time.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime

from rich.console import Console
from rich.table import Table

from benchmarks.paper import Paper
from sagewatch.aws.errors import PATIENT
from sagewatch.aws.policy_store import Asking, Standing
from sagewatch.fleet.sweep import Clients as SweepClients
from sagewatch.fleet.sweep import sweep
from sagewatch.model import Ref
from sagewatch.policy.rules import DEFAULT, AlarmRule, Policy
from sagewatch.settings import SweepSettings
from sagewatch.watch.reconcile import Clients, reconcile
from sagewatch_cli.account.plan import Selection, plan_account
from sagewatch_cli.commands.plan import as_data

ENDPOINTS = 1_000
SETTINGS = SweepSettings(
    prefix="sagewatch", queue_url="https://q/1/r", notify_url="https://q/1/n", policy_parameter=None, table=None
)
ONE = Policy(alarms=(AlarmRule(kind="endpoint", resource="churn-00042", alarm="latency-p99", threshold="800ms"),))
ALL = Policy(alarms=(AlarmRule(kind="endpoint", alarm="latency-p99", threshold="800ms"),))


def case(table: Table, title: str, paper: Paper, work: Callable[[], object]) -> None:
    """Do the work once, and add what it cost."""
    paper.taken()
    began = time.process_time()
    work()
    spent = time.process_time() - began
    calls = paper.taken()
    kinds = {name: sum(n for call, n in calls.items() if call.startswith(name)) for name in ("List", "Describe")}
    writes = sum(calls[call] for call in ("PutMetricAlarm", "DeleteAlarms"))
    table.add_row(title, *(f"{n:,}" for n in (calls.total(), *kinds.values(), writes)), f"{spent:.2f} s")


def main() -> None:
    """Print the table."""
    paper = Paper(ENDPOINTS)
    clients = Clients.of(paper.client("sagemaker"), paper.client("cloudwatch"))
    sweepers = SweepClients(clients.sagemaker, clients.cloudwatch, paper.client("sqs"))
    for name in paper.endpoints:
        reconcile(clients, "sagewatch", Ref("endpoint", name))

    def planned(policy: Policy, asked: Selection) -> object:
        return as_data(plan_account(clients, "sagewatch", Standing(policy), asked, datetime.now(UTC)))

    def swept() -> object:
        return sweep(sweepers, SETTINGS, Asking(None, None, PATIENT), datetime.now(UTC), full=False)

    title = f"{ENDPOINTS:,} endpoints, {len(paper.alarms):,} alarms"
    table = Table("case", "calls", "lists", "describes", "writes", "own CPU", title=title)
    for column in table.columns[1:]:
        column.justify = "right"
    case(table, "sweep, nothing changed", paper, swept)
    case(table, "plan, nothing changed", paper, lambda: planned(DEFAULT, Selection()))
    case(table, "plan endpoint/churn-00042", paper, lambda: planned(DEFAULT, Selection(("endpoint/churn-00042",))))
    case(table, "plan --policy, one endpoint concerned", paper, lambda: planned(ONE, Selection()))
    case(table, "plan --policy, all concerned", paper, lambda: planned(ALL, Selection()))
    case(table, "plan --full, nothing changed", paper, lambda: planned(DEFAULT, Selection(everyone=True)))
    Console(width=100).print(table)


if __name__ == "__main__":
    main()
