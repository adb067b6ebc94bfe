"""Counts the AWS calls of reconcile and sweep, and measures their CPU time and the functions' cold start.

Run: .venv/bin/python -m benchmarks.aws_calls
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.counted_account import CountedAccount, measured
from sagewatch.aws.clients import Clients
from sagewatch.aws.policy_store import PolicyStore
from sagewatch.aws.retries import PATIENT
from sagewatch.fleet.sweep import sweep
from sagewatch.model import Ref
from sagewatch.settings import SweepSettings
from sagewatch.watch.reconcile import reconcile

ROOT = Path(__file__).parents[1]
SETTINGS = SweepSettings(
    prefix="sagewatch",
    queue_url="https://q/1/reconcile",
    backfill_url="https://q/1/backfill",
    notify_url="https://q/1/notify",
    policy_parameter=None,
    table=None,
)
QUEUE = "https://sqs.us-east-1.amazonaws.com/123456789012/reconcile"
START = """
import time; t = time.perf_counter()
import functions.{function}.app
print((time.perf_counter() - t) * 1e3)
"""


READ = (
    "Calls that each case makes to AWS, and the CPU time of this process, botocore included and the network not. "
    "Reads are describes and lists. An idle fleet should cost no puts, deletes or sends. Cold start is a fresh "
    "interpreter that imports the function and makes its clients. Times differ between machines; calls do not.\n"
)


class Measured:
    """A counted account and the product's clients in it."""

    def __init__(self, endpoints: int = 0) -> None:
        self.account = CountedAccount(endpoints)
        self.clients = Clients(
            PATIENT,
            sagemaker=self.account.client("sagemaker"),
            cloudwatch=self.account.client("cloudwatch"),
            sqs=self.account.client("sqs"),
        )

    def reconcile_all(self) -> None:
        for name in self.account.endpoints:
            reconcile(self.clients, "sagewatch", Ref("endpoint", name))

    def sweep(self) -> None:
        sweep(self.clients, SETTINGS, PolicyStore(None, None, PATIENT), datetime.now(UTC), full=False)


def add_case(table: Table, title: str, measuring: Measured, work: Callable[[], None]) -> None:
    """Do the work once, and add what it cost."""
    calls, spent = measured(measuring.account, work)
    reads = sum(n for call, n in calls.items() if call.startswith(("Describe", "List")))
    puts, deletes, sends = (calls[call] for call in ("PutMetricAlarm", "DeleteAlarms", "SendMessageBatch"))
    table.add_row(title, *(str(n) for n in (calls.total(), reads, puts, deletes, sends)), f"{spent * 1e3:.0f} ms")


def cold_start(function: str) -> float:
    """Return the median time, in ms, to import a function with its clients in a fresh interpreter, bytecode at hand."""
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": os.pathsep.join((str(ROOT), str(ROOT / "layers/core"))),
        "AWS_DEFAULT_REGION": "us-east-1",
        "RECONCILE_QUEUE_URL": QUEUE,
        "NOTIFY_QUEUE_URL": QUEUE,
        "ALERTS_TOPIC_ARN": "arn:aws:sns:us-east-1:123456789012:alerts",
        "INCIDENTS_TABLE": "incidents",
    }
    command = [sys.executable, "-c", START.format(function=function)]
    runs = [
        subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout for _ in range(10)
    ]
    return statistics.median(float(run) for run in runs[1:])


def main() -> None:
    """Print the tables."""
    console = Console(width=100)
    console.print(READ)
    table = Table("case", "calls", "reads", "puts", "deletes", "sends", "own CPU", title="Calls and CPU time")
    for column in table.columns[1:]:
        column.justify = "right"

    one = Measured(1)
    add_case(table, "a new endpoint (one variant)", one, one.reconcile_all)
    add_case(table, "the same event again", one, one.reconcile_all)
    one.account.endpoints.clear()
    add_case(table, "the endpoint is deleted", one, lambda: reconcile_gone(one))

    many = Measured(500)
    add_case(table, "500 new endpoints", many, many.reconcile_all)
    add_case(table, "500 endpoints, nothing changed", many, many.reconcile_all)
    add_case(table, "sweep of 500 endpoints in order", many, many.sweep)
    for n in range(5000):
        many.account._PutMetricAlarm(AlarmName=f"other/{n}")
    add_case(table, "the same among 5,000 alarms of others", many, many.sweep)
    many.account.endpoints[:] = many.account.endpoints[:250]
    add_case(table, "sweep, half of the endpoints gone", many, many.sweep)
    console.print(table)

    starts = Table("function", "import with clients, median of 9", title="Cold start")
    for function in ("reconcile", "sweep", "notify"):
        starts.add_row(function, f"{cold_start(function):.0f} ms")
    console.print(starts)


def reconcile_gone(measuring: Measured) -> None:
    """Reconcile the one endpoint that is no more."""
    reconcile(measuring.clients, "sagewatch", Ref("endpoint", "churn-00000"))


if __name__ == "__main__":
    main()
