"""Explanations: what is said of an alarm, step by step, and of the rows without one."""

from __future__ import annotations

import io
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from sagewatch.fleet.costs import prices
from sagewatch.kinds.endpoint.observe import ENDPOINT
from sagewatch.kinds.instances import INSTANCES
from sagewatch.model import Facts, Gap, Observed, Place
from sagewatch.policy.rules import AlarmRule, Policy, PolicyInForce
from sagewatch.watch.diff import decide
from sagewatch_cli.account.alarms import StateChange, series
from sagewatch_cli.account.explain import VERDICTS, AbsentRow, ExplainedAlarm, Inspection, absent_rows, explain_alarms
from sagewatch_cli.commands.explain import show
from tests import fleets, resources

SNAPSHOTS = Path(__file__).with_name("snapshots")
OURS = "sagewatch/endpoint/churn/AllTraffic/"
STRICTER = Policy(alarms=(AlarmRule(alarm="cpu", warning="60%", critical="80%", line=3),))


def facts(**more: Any) -> Facts:
    """An endpoint with one variant."""
    variant = resources.variant()
    return replace(
        fleets.facts(ENDPOINT, resources.endpoint(variant), describe_endpoint_config=resources.config(variant)), **more
    )


def found(seen: Facts | None = None, standing: PolicyInForce | None = None, silent: bool = False) -> Inspection:
    """A look at an endpoint that has the alarms of the default policy."""
    seen, standing = seen or facts(), standing or PolicyInForce()
    present = {each.name: each for each in fleets.endpoint()}
    owned = tuple(each.alarm for each in present.values())
    look = Observed(facts=seen, owned=owned)
    return Inspection(
        kind=ENDPOINT,
        prefix="sagewatch",
        where="account 123456789012, us-east-1",
        look=look,
        decision=decide(resources.answering(), "sagewatch", ENDPOINT, look, standing),
        standing=standing,
        present=present,
        types={"ml.m5.2xlarge": INSTANCES["ml.m5.2xlarge"]},
        published=frozenset() if silent else frozenset(one for alarm in owned for one in series(alarm)),
        place=Place(partition="aws", region="us-east-1", account="123456789012"),
        prices=prices("us-east-1"),
        at=fleets.NOW,
    )


def of(alarm: str, found: Inspection) -> ExplainedAlarm:
    [one] = [each for each in explain_alarms(found) if each.labels["alarm"] == alarm]
    return one


@pytest.mark.parametrize("width", [80, 120])
def test_what_is_said_is_as_it_was(width: int) -> None:
    """After a change that is meant, look at the difference and write the file anew."""
    console = Console(file=io.StringIO(), width=width, color_system=None)
    seen = found(facts(tags={"sagewatch:cpu": "85%", "sagewatch:idle": "off"}), PolicyInForce(STRICTER))
    told = (of("cpu", seen), of("disk", seen))
    change = StateChange(fleets.NOW - timedelta(hours=1), "OK", "ALARM", "Threshold Crossed: [red]8 datapoints[/red]")

    show(console, seen, told, absent_rows(seen)[:3], {f"{OURS}cpu": (change,), f"{OURS}disk": "throttled"})

    lines = console.file.getvalue().splitlines()  # type: ignore[attr-defined]
    text = "\n".join(line.rstrip() for line in lines) + "\n"
    assert text == (SNAPSHOTS / f"explain-at-{width}.txt").read_text()


def test_a_pair_is_told_as_two_alarms_of_which_one_is_yet_to_be_made() -> None:
    told = explain_alarms(found(standing=PolicyInForce(STRICTER)))

    verdicts = {each.labels["alarm"]: each.verdicts for each in told}
    assert (verdicts["cpu"], verdicts["cpu-warning"]) == (("stale",), ("missing",))


def test_an_alarm_whose_instance_type_is_not_known_any_more_is_held() -> None:
    gap = Gap(level="variant", scope="AllTraffic", reason="our table does not know the instance type ml.x9.huge")

    told = of("cpu", found(facts(gaps=(gap,))))

    assert (told.verdicts, told.notes) == (("held",), (f"not known: {gap.reason}",))


def test_an_alarm_without_data_is_dead_besides() -> None:
    assert of("disk", found(silent=True)).verdicts == ("as it should be", "dead")


def test_an_alarm_of_who_is_gone_is_an_orphan() -> None:
    seen = found(Facts(ref=facts().ref, live=False))

    assert {each.verdicts for each in explain_alarms(seen)} == {("orphan",)}
    assert absent_rows(seen) == ()


def test_a_row_without_budget_says_so() -> None:
    seen = found(standing=PolicyInForce(withheld=frozenset({("endpoint", "idle")})))

    assert AbsentRow("idle", "AllTraffic", "the budget has no room for it") in absent_rows(seen)
    assert of("idle", seen).verdicts == ("unwanted",)


def test_every_verdict_has_words() -> None:
    several = (
        found(),
        found(standing=PolicyInForce(STRICTER)),
        found(silent=True),
        found(Facts(ref=facts().ref, live=False)),
    )

    said = {verdict for seen in several for each in explain_alarms(seen) for verdict in each.verdicts}

    assert said <= VERDICTS.keys()
