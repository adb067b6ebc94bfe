"""Counts the AWS calls of `sagewatch plan` over 1,000 endpoints, and measures its CPU time beside the sweep's.

Run: .venv/bin/python -m benchmarks.plan_command
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from rich.console import Console
from rich.table import Table

from benchmarks.counted_account import CountedAccount, measured
from sagewatch.aws.clients import Clients
from sagewatch.aws.policy_store import PolicyStore
from sagewatch.aws.retries import PATIENT
from sagewatch.fleet.sweep import sweep
from sagewatch.model import Ref
from sagewatch.policy.rules import DEFAULT, AlarmRule, Policy, PolicyInForce
from sagewatch.settings import SweepSettings
from sagewatch.watch.reconcile import reconcile
from sagewatch_cli.account.plan import Selection, plan_account
from sagewatch_cli.commands.plan import as_data

ENDPOINTS = 1_000
SETTINGS = SweepSettings(
    prefix="sagewatch",
    queue_url="https://q/1/r",
    backfill_url="https://q/1/b",
    notify_url="https://q/1/n",
    policy_parameter=None,
    table=None,
)
ONE = Policy(alarms=(AlarmRule(kind="endpoint", resource="churn-00042", alarm="latency-p99", threshold="800ms"),))
ALL = Policy(alarms=(AlarmRule(kind="endpoint", alarm="latency-p99", threshold="800ms"),))

READ = (
    "Calls that a plan makes to AWS, and the CPU time of this process, botocore included and the network not. A "
    "plan writes nothing, and should read no more than the sweep, but for the resources that a new policy concerns. "
    "The command itself adds one GetParameter for the deployed policy.\n"
)


def add_case(table: Table, title: str, account: CountedAccount, work: Callable[[], object]) -> None:
    """Do the work once, and add what it cost."""
    calls, spent = measured(account, work)
    kinds = {name: sum(n for call, n in calls.items() if call.startswith(name)) for name in ("List", "Describe")}
    writes = sum(calls[call] for call in ("PutMetricAlarm", "DeleteAlarms"))
    table.add_row(title, *(f"{n:,}" for n in (calls.total(), *kinds.values(), writes)), f"{spent:.2f} s")


def main() -> None:
    """Print the table."""
    account = CountedAccount(ENDPOINTS)
    clients = Clients(
        PATIENT,
        sagemaker=account.client("sagemaker"),
        cloudwatch=account.client("cloudwatch"),
        sqs=account.client("sqs"),
    )
    for name in account.endpoints:
        reconcile(clients, "sagewatch", Ref("endpoint", name))

    def planned(policy: Policy, asked: Selection) -> object:
        return as_data(plan_account(clients, "sagewatch", PolicyInForce(policy), asked, datetime.now(UTC)))

    def swept() -> object:
        return sweep(clients, SETTINGS, PolicyStore(None, None, PATIENT), datetime.now(UTC), full=False)

    title = f"{ENDPOINTS:,} endpoints, {len(account.alarms):,} alarms"
    table = Table("case", "calls", "lists", "describes", "writes", "own CPU", title=title)
    for column in table.columns[1:]:
        column.justify = "right"
    add_case(table, "sweep, nothing changed", account, swept)
    add_case(table, "plan, nothing changed", account, lambda: planned(DEFAULT, Selection()))
    add_case(
        table, "plan endpoint/churn-00042", account, lambda: planned(DEFAULT, Selection(("endpoint/churn-00042",)))
    )
    add_case(table, "plan --policy, one endpoint concerned", account, lambda: planned(ONE, Selection()))
    add_case(table, "plan --policy, all concerned", account, lambda: planned(ALL, Selection()))
    add_case(table, "plan --full, nothing changed", account, lambda: planned(DEFAULT, Selection(everyone=True)))
    console = Console(width=100)
    console.print(READ)
    console.print(table)


if __name__ == "__main__":
    main()
