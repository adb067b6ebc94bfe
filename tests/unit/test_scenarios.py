"""Every line of the table of scenarios, played through the reconciler, with and without published zeros."""

from __future__ import annotations

import pytest

from sagewatch.kinds.registry import KINDS
from sagewatch_cli.scenarios.facets import FACETS
from sagewatch_cli.scenarios.play import HABITS, played, told
from sagewatch_cli.scenarios.publisher import Habits
from sagewatch_cli.scenarios.scenario import Scenario, fault, healthy
from sagewatch_cli.scenarios.table import FAULTS, HEALTHY, SCENARIOS
from scripts.scenarios import TARGET, fault_line, healthy_line

PAGE = TARGET.read_text().splitlines()


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda each: f"{each.facet}: {each.says}")
def test_what_breaks_is_noticed_and_an_ordinary_day_is_silent(scenario: Scenario) -> None:
    outcomes = [played(scenario, habits) for habits in HABITS]

    wrong = [told(outcome) for outcome in outcomes if outcome.wrong]
    assert not wrong, "\n".join(wrong)
    line = fault_line(scenario, outcomes) if scenario.is_fault else healthy_line(scenario)
    assert line in PAGE, "run make generate"


def test_the_page_has_no_line_that_is_not_in_the_table() -> None:
    facets = {f"| {facet} " for facet in FACETS}

    assert sum(any(line.startswith(facet) for facet in facets) for line in PAGE) == len(SCENARIOS)


def rows_in(scenarios: tuple[Scenario, ...]) -> set[tuple[str, str]]:
    """Return (kind, row) of all that these lines expect to fire."""
    return {(FACETS[each.facet].kind, row) for each in scenarios for row in each.rows}


def test_every_row_of_every_kind_must_fire_in_some_line() -> None:
    known = {(kind.name, row.id) for kind in KINDS for row in kind.specs}

    assert known - rows_in(FAULTS) == set()


def test_every_row_of_every_kind_stays_silent_in_some_line() -> None:
    shapes = {each.facet: each for each in HEALTHY}
    watched = {
        (FACETS[facet].kind, row) for facet, scenario in shapes.items() for row in played(scenario, HABITS[0]).rows
    }
    known = {(kind.name, row.id) for kind in KINDS for row in kind.specs}

    assert known - watched == set()


def test_there_are_enough_lines_and_none_is_there_twice() -> None:
    said = [(each.facet, each.says) for each in SCENARIOS]

    assert len(FAULTS) >= 80
    assert len(HEALTHY) >= 50
    assert len(said) == len(set(said))
    assert {each.facet for each in SCENARIOS} == set(FACETS)


def test_a_fault_that_nothing_notices_is_told_in_a_sentence() -> None:
    line = fault("training, CPU", "nothing breaks", "memory", 30, {}, lasts=30)

    assert told(played(line, Habits(zeros=False))) == (
        "training, CPU, nothing breaks (without zeros): expected memory within 30 min, nothing fired in 60 min; "
        "alarms evaluated: cpu-stalled, disk, memory"
    )


def test_an_alarm_on_an_ordinary_day_is_told_in_a_sentence() -> None:
    line = healthy("training, CPU", "no ordinary day", {"memory": 0.97}, lasts=30)

    assert told(played(line, Habits(zeros=True))) == (
        "training, CPU, no ordinary day (with zeros): expected silence, algo-1/memory at minute 65"
    )


def test_what_alarms_before_the_fault_is_wrong() -> None:
    line = fault("training, CPU", "it was bad before", "memory", 30, {"memory": 0.97}, usual={"disk": 0.97})

    assert played(line, Habits(zeros=True)).wrong == "expected silence, algo-1/disk at minute 5"


def test_playing_a_scenario_again_gives_the_same() -> None:
    line = fault("endpoint", "three in five fail", "errors-5xx", 45, {"fails": 0.6}, usual={"rate": 6})

    assert played(line, Habits(zeros=True)) == played(line, Habits(zeros=True))
