"""Plays a scenario through the product: descriptions in, alarms out, metrics published, alarms judged."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from sagewatch.aws.clients import Clients
from sagewatch.aws.retries import PATIENT
from sagewatch.model import Labels, Ref
from sagewatch.watch.reconcile import reconcile
from sagewatch_cli.account.replay import Verdict
from sagewatch_cli.scenarios.account import CloudWatch, SageMaker
from sagewatch_cli.scenarios.evaluator import Written, states
from sagewatch_cli.scenarios.facets import FACETS
from sagewatch_cli.scenarios.publisher import Habits, published
from sagewatch_cli.scenarios.samples import MetricData
from sagewatch_cli.scenarios.scenario import Scenario

HABITS = (Habits(zeros=True), Habits(zeros=False))
"""A scenario is played with each: sources differ on whether SageMaker publishes zeros."""

LATE = 1
"""Minutes after which data are there. CloudWatch says only that metrics may be "published with a slight delay"."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Firing:
    """One alarm that fired in a scenario, and when it first did in each stretch (minutes)."""

    row: str
    scope: str
    minutes: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a scenario came to with one of the habits."""

    scenario: Scenario
    """What was played."""
    habits: Habits
    """With which habits of SageMaker."""
    rows: frozenset[str]
    """The alarms that there were."""
    firings: tuple[Firing, ...]
    """Those that fired at some time."""
    noticed: int | None
    """Minutes from the change to the first alarm that was expected."""
    wrong: str
    """What should have been otherwise, in words; empty when all is well."""


def played(scenario: Scenario, habits: Habits, late: int = LATE) -> Outcome:
    """Play a scenario with one of the habits of SageMaker."""
    facet = FACETS[scenario.facet]
    conditions = [scenario.condition(facet.usual, minute) for minute in range(scenario.minutes)]
    data = published(facet.emit, conditions, scenario.minutes, habits, scenario.says)
    writes = alarms_of(scenario, data)
    firings = tuple(_firings(writes, data, late))
    rows = frozenset(_labels(each)["alarm"] for each in writes.values())
    expected = [at - scenario.start for each in firings if each.row in scenario.rows for at in each.minutes]
    noticed = min((at for at in expected if at >= 0), default=None)
    return Outcome(
        scenario=scenario,
        habits=habits,
        rows=rows,
        firings=firings,
        noticed=noticed,
        wrong="; ".join(_wrong(scenario, rows, firings, noticed)),
    )


def alarms_of(scenario: Scenario, data: MetricData) -> Mapping[str, list[Written]]:
    """Let the product look at the resource as often as it would, and return what it wrote, by alarm."""
    facet = FACETS[scenario.facet]
    cloudwatch, sagemaker = CloudWatch(data), SageMaker(facet.answers)
    looks = sorted((*((minute, scenario.first or scenario.facet) for minute in facet.looks), *scenario.later))
    for minute, described_as in looks:
        cloudwatch.now, sagemaker.answers = minute, FACETS[described_as].answers
        # A new reader each time: between two looks, what it remembers of ListMetrics is forgotten.
        clients = Clients(PATIENT, sagemaker=sagemaker, cloudwatch=cloudwatch)
        reconcile(clients, "sagewatch", Ref(facet.kind, facet.name))
    return cloudwatch.writes


def _labels(writes: list[Written]) -> Labels:
    found = Labels.of(next(each.request for each in writes if each.request)["AlarmDescription"])
    if found is None:
        raise ValueError("an alarm without labels")
    return found


def _firings(writes: Mapping[str, list[Written]], data: MetricData, late: int) -> Iterator[Firing]:
    for each in writes.values():
        found = states(each, data, late)
        begun = tuple(
            minute
            for minute, state in enumerate(found)
            if state is Verdict.ALARM and (minute == 0 or found[minute - 1] is not Verdict.ALARM)
        )
        if begun:
            labels = _labels(each)
            yield Firing(row=labels["alarm"], scope=labels["scope"], minutes=begun)


def _wrong(scenario: Scenario, rows: frozenset[str], firings: tuple[Firing, ...], noticed: int | None) -> Iterator[str]:
    if scenario.is_fault and (noticed is None or noticed > scenario.within):
        happened = "nothing fired" if not firings else f"fired: {', '.join(map(_said, firings))}"
        missing = "" if rows & set(scenario.rows) else " (there is no such alarm)"
        yield (
            f"expected {' or '.join(scenario.rows)}{missing} within {scenario.within} min, {happened} "
            f"in {scenario.lasts + scenario.after} min; alarms evaluated: {', '.join(sorted(rows)) or 'none'}"
        )
    # What follows from a fault may be told by other rows, too; before it, and on an ordinary day, nothing may be.
    silent_until = scenario.start if scenario.is_fault else scenario.minutes
    for each in firings:
        if each.row not in scenario.may and each.minutes[0] < silent_until:
            yield f"expected silence, {_said(each)}"


def _said(firing: Firing) -> str:
    return f"{firing.scope}/{firing.row} at minute {firing.minutes[0]}" + (
        f" and {len(firing.minutes) - 1} more" if len(firing.minutes) > 1 else ""
    )


def told(outcome: Outcome) -> str:
    """Return a failure as a sentence: `endpoint, 3 requests a minute, all fail (without zeros): expected …`."""
    zeros = "with" if outcome.habits.zeros else "without"
    return f"{outcome.scenario.facet}, {outcome.scenario.says} ({zeros} zeros): {outcome.wrong}"
