"""Measures a light sweep over a large fleet in which all is well: calls, CPU time, memory.

The fleet's pages are written into a file first, and read in a fresh process, so that the memory is the sweep's alone.

Run: .venv/bin/python -m benchmarks.large_fleet [endpoints …]
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from itertools import batched
from pathlib import Path
from typing import Any

from benchmarks.counted_account import THEN, CountedAccount
from benchmarks.cpu_ratios import PREFIX, Product
from sagewatch.kinds.endpoint.observe import ENDPOINT
from sagewatch.model import Alarm, Facts, Ref
from sagewatch.watch.diff import diff
from sagewatch.watch.facts import read_facts
from sagewatch.watch.plan import plan


def alarms_of(facts: Facts) -> tuple[Alarm, ...]:
    """Return the alarms of an endpoint as a first reconcile puts them."""
    return diff(plan(PREFIX, ENDPOINT, facts), ()).puts


def facts_of_all(endpoints: int) -> Iterator[Facts]:
    """Yield the facts of endpoints that differ by their names only."""
    product = Product(1)
    [known] = product.account.endpoints
    facts = read_facts(product.clients.reader, ENDPOINT, Ref("endpoint", known))
    for number in range(endpoints):
        name = f"churn-{number:05}"
        scopes = tuple(
            replace(each, series=tuple({k: name if v == known else v for k, v in one.items()} for one in each.series))
            for each in facts.scopes
        )
        yield replace(facts, ref=Ref("endpoint", name), scopes=scopes)


def write_pages(path: Path, endpoints: int) -> int:
    """Write what DescribeAlarms answers, a page a line; return the number of alarms."""
    updated, count = THEN.timestamp(), 0
    with path.open("w") as file:
        every = (alarm for facts in facts_of_all(endpoints) for alarm in alarms_of(facts))
        for some in batched(every, 100, strict=False):
            page = [{**each.request, "AlarmConfigurationUpdatedTimestamp": updated} for each in some]
            file.write(json.dumps(page) + "\n")
            count += len(page)
    return count


class FleetOnDisk(CountedAccount):
    """An account whose alarms are in a file."""

    def __init__(self, endpoints: int, path: Path) -> None:
        super().__init__(endpoints)
        self._pages = path.open()

    def _DescribeAlarms(self, **_: Any) -> dict[str, Any]:  # noqa: N802
        line = self._pages.readline()
        here = self._pages.tell()
        more = bool(self._pages.readline())
        self._pages.seek(here)
        return {"MetricAlarms": json.loads(line) if line else [], **({"NextToken": str(here)} if more else {})}


def swept(endpoints: int, path: Path) -> dict[str, Any]:
    """Sweep in this process; return what it cost."""
    product = Product(0)
    product.account = account = FleetOnDisk(endpoints, path)
    product.boto = {each: account.client(each) for each in product.boto}
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    began = time.process_time()
    product.sweep()
    spent = time.process_time() - began
    calls = account.taken()
    return {
        "endpoints": endpoints,
        "calls": calls.total(),
        "describes_of_resources": sum(
            n for call, n in calls.items() if call.startswith("Describe") and call != "DescribeAlarms"
        ),
        "writes": sum(calls[call] for call in ("PutMetricAlarm", "DeleteAlarms")),
        "named": account.sent,
        "cpu_seconds": round(spent, 2),
        "peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
        "peak_mb_before": round(before / 1024),
    }


def measured(endpoints: int) -> dict[str, Any]:
    """Sweep a fleet of so many endpoints in a fresh process; return what it cost."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "pages.jsonl"
        alarms = write_pages(path, endpoints)
        command = [sys.executable, "-m", "benchmarks.large_fleet", "--pages", str(path), str(endpoints)]
        found = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return {**json.loads(found), "alarms": alarms}


if __name__ == "__main__":
    if sys.argv[1:2] == ["--pages"]:
        print(json.dumps(swept(int(sys.argv[3]), Path(sys.argv[2]))))
    else:
        for size in map(int, sys.argv[1:] or ("1000", "10000")):
            print(json.dumps(measured(size)))
