"""Write docs/scenarios.md from the table of scenarios: what would be noticed, after how long, and what stays silent.

Run: make generate
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path

from sagewatch_cli.scenarios.facets import FACETS
from sagewatch_cli.scenarios.play import HABITS, Outcome, played
from sagewatch_cli.scenarios.scenario import Scenario
from sagewatch_cli.scenarios.table import FAULTS, HEALTHY

TARGET = Path(__file__).parents[1] / "docs" / "scenarios.md"

_HEAD = """# Scenarios

What would be noticed, and what stays silent: each line is played through the reconciler, what SageMaker would publish,
and CloudWatch's rules of evaluation, with and without published zeros, data a minute late. Times are from the fault to
the alarm, the later of both. Made by `make generate` from `cli/sagewatch_cli/scenarios/table.py`; a test plays
all of them.
"""


def rendered() -> str:
    """Return the page."""
    return "\n".join(
        (_HEAD, "## What is noticed", *_faults(FAULTS), "", "## What stays silent", *_healthy(HEALTHY), "")
    )


def _faults(scenarios: Sequence[Scenario]) -> Iterator[str]:
    for title, some in _by_kind(scenarios):
        yield from (
            "",
            f"### {title}",
            "",
            "| what | fault | alarm | noticed after | at the latest |",
            "|---|---|---|---|---|",
        )
        for each in some:
            yield fault_line(each, [played(each, habits) for habits in HABITS])


def _healthy(scenarios: Sequence[Scenario]) -> Iterator[str]:
    for title, some in _by_kind(scenarios):
        yield from ("", f"### {title}", "", "| what | pattern | watched for | may be told |", "|---|---|---|---|")
        for each in some:
            yield healthy_line(each)


def fault_line(scenario: Scenario, outcomes: Sequence[Outcome]) -> str:
    """Return the line of a fault that was played with each of the habits."""
    times = [each.noticed for each in outcomes if each.noticed is not None]
    after = f"{max(times)} min" if len(times) == len(HABITS) else "not noticed"
    rows = ", ".join(scenario.rows)
    return f"| {scenario.facet} | {scenario.says} | {rows} | {after} | {scenario.within} min |"


def healthy_line(scenario: Scenario) -> str:
    """Return the line of a healthy pattern."""
    may = ", ".join(scenario.may) or "–"
    return f"| {scenario.facet} | {scenario.says} | {scenario.minutes} min | {may} |"


def _by_kind(scenarios: Sequence[Scenario]) -> Iterator[tuple[str, list[Scenario]]]:
    for kind, some in groupby(scenarios, key=lambda each: FACETS[each.facet].kind):
        yield kind.replace("-", " ").capitalize(), list(some)
