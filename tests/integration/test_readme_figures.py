"""How many alarms the README says a resource has, and what it says they cost."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from tests.integration.conftest import Fleet, alarms, batch, cold_start

COST = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8").partition("## Cost")[2]
A_METRIC = 0.10  # $ a month in us-east-1


def metrics(alarm: dict[str, Any]) -> int:
    """Return how many metrics CloudWatch bills an alarm for."""
    return sum("MetricStat" in each for each in alarm.get("Metrics") or ()) or 1


@pytest.mark.parametrize(
    ("instance", "said"),
    [
        ("ml.m5.xlarge", r"one-variant endpoint has (\d+) alarms.*about \*\*\$(\d+\.\d\d) a month"),
        ("ml.g4dn.xlarge", r"on GPUs (\d+) alarms, \$(\d+\.\d\d)"),
        (None, r"serverless variant (\d+) alarms, \$(\d+\.\d\d)"),
    ],
)
def test_an_endpoint_has_as_many_alarms_and_costs_as_much_as_the_readme_says(
    fleet: Fleet, instance: str | None, said: str
) -> None:
    fleet.endpoint("churn", {"AllTraffic": instance})
    cold_start("reconcile").handler(batch({"kind": "endpoint", "name": "churn"}), None)
    found = alarms().values()

    [(count, cost)] = re.findall(said, COST.replace("\n", " "))

    assert (len(found), f"{sum(map(metrics, found)) * A_METRIC:.2f}") == (int(count), cost)
