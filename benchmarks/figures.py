"""Measures what quotas and time Sagewatch needs, keeps the results, and writes docs/performance.md from them.

Counts, and what is played in a time of its own, are the same on every machine: more than the promised number is an
error. CPU times and memory are printed only.

Run: .venv/bin/python -m benchmarks.figures [calls] [cpu] [large_fleet] [first_deployment]
"""

from __future__ import annotations

import json
import os
import platform
import sys
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import botocore

from benchmarks import call_counts, cpu_ratios, first_deployment, large_fleet, performance_page

RESULTS = Path(__file__).parent / "results"


def machine() -> dict[str, Any]:
    """Describe the machine, without its name."""
    models = [line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    return {
        "cpu": models[0].partition(":")[2].strip() if models else platform.machine(),
        "cores": os.cpu_count(),
        "load": round(os.getloadavg()[0], 1),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "botocore": botocore.__version__,
    }


def check_deployment(found: dict[str, Any]) -> None:
    """Raise AssertionError when a first deployment is slower or ruder than promised."""
    promised = {
        "times_the_floor": found["times_the_floor"] <= 1.05,
        "invocations_killed": found["invocations_killed"] == 0,
        "puts_throttled_share": found["puts_throttled_share"] <= 0.05,
        "others_served_share": (found["others_served_share"] or 1.0) >= 0.9,
    }
    if missed := {name: found[name] for name, kept in promised.items() if not kept}:
        raise AssertionError(f"first deployment over {found['endpoints']} endpoints: {missed}")


def calls() -> list[dict[str, Any]]:
    """Count the calls of each case."""
    counts = call_counts.call_counts()
    call_counts.check(counts)
    return [{**asdict(each), "total": each.total, "writes": each.writes} for each in counts]


def fleets() -> list[dict[str, Any]]:
    """Sweep fleets of growing size."""
    return [large_fleet.measured(size) for size in (100, 1_000, 10_000)]


def deployments() -> list[dict[str, Any]]:
    """Play first deployments, alone and beside somebody who takes a third of the quota."""
    found = [first_deployment.Deployment(1_000, others).play() for others in (0.0, 1.0)]
    for each in found:
        check_deployment(each)
    return found


PARTS = {"calls": calls, "cpu": cpu_ratios.cpu_ratios, "large_fleet": fleets, "first_deployment": deployments}


def main() -> None:
    """Measure all parts, or those that are named, into today's results; write the page."""
    begun, date = machine(), f"{datetime.now(UTC):%Y-%m-%d}"
    path = RESULTS / f"{date}.json"
    results: dict[str, Any] = {}
    for part in sys.argv[1:] or PARTS:
        found = PARTS[part]()
        print(part, json.dumps(found, indent=1), flush=True)
        before = json.loads(path.read_text()) if path.exists() else {}
        results = {**before, "date": date, "machine": begun, part: found}
        # Notes are written by hand, of what one run of all parts would not need said.
        if not sys.argv[1:]:
            results.pop("notes", None)
        path.write_text(json.dumps(results, indent=2) + "\n")
    if results.keys() >= PARTS.keys():
        performance_page.PAGE.write_text(performance_page.rendered(results))


if __name__ == "__main__":
    main()
