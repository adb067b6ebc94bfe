"""`sagewatch plan` as people read it, and the words for what two versions of an alarm differ in.

The tables are compared whole with tests/unit/snapshots; `SNAPSHOTS=write pytest tests/unit/test_plan_tables.py` writes
them anew.
"""

from __future__ import annotations

import io
from collections.abc import Iterable
from typing import Any

import pytest
from rich.console import Console

from sagewatch.kinds.registry import kind
from sagewatch.model import Alarm, Description, Facts, Gap, Observed, Ref, Severity, canonical
from sagewatch.policy.rules import DEFAULT, AlarmRule, Policy, PolicyInForce, RowCost
from sagewatch.watch.plan import plan
from sagewatch_cli.account.alarm_words import Difference, condition, differences
from sagewatch_cli.account.plan import AccountPlan, MonthlyCost, ResourcePlan
from sagewatch_cli.commands.plan import show
from tests.resources import answering, config, endpoint, observed, pipeline, variant
from tests.snapshots import NOT_DRAWN, snapshot

READ = answering(describe_endpoint_config=config(variant()))


def facts(described: Description, name: str, tags: dict[str, str] | None = None, gaps: tuple[Gap, ...] = ()) -> Facts:
    """Return what a describe says of an endpoint or a pipeline."""
    kind_ = kind(name)
    assert kind_ is not None
    seen = observed(kind_, described, READ)
    return Facts(
        ref=Ref(name, described[kind_.parameter]), live=True, scopes=seen.scopes, tags=tags or {}, gaps=seen.gaps + gaps
    )


def made(seen: Facts, policy: Policy = DEFAULT) -> tuple[Alarm, ...]:
    """Return the alarms that the product makes of it."""
    kind_ = kind(seen.ref.kind)
    assert kind_ is not None
    return plan("sagewatch", kind_, seen, policy, NOT_DRAWN).alarms


def planned(
    seen: Facts, owned: Iterable[Alarm] = (), policy: Policy = DEFAULT, withheld: Iterable[tuple[str, str]] = ()
) -> ResourcePlan:
    look = Observed(facts=seen, owned=tuple(owned))
    return ResourcePlan.of(READ, "sagewatch", look, PolicyInForce(policy, NOT_DRAWN.union(withheld)))


POLICY = Policy(
    alarms=(
        AlarmRule(kind="endpoint", alarm="latency-p99", threshold="800ms", periods="5 of 5", severity=Severity.INFO),
        AlarmRule(kind="endpoint", alarm="cpu", warning="70%", critical="95%"),
        AlarmRule(kind="endpoint", alarm="idle", off=True, line=12),
    ),
    paging={Severity.CRITICAL: "arn:aws:sns:us-east-1:123456789012:pager"},
    budget=40,
)


def of_all_sorts() -> AccountPlan:
    """A plan with everything that one can hold."""
    churn = facts(endpoint(), "endpoint", {"team": "fraud", "sagewatch:memory": "[red]lots[/red]\x1b[31m"})
    gone = facts(endpoint(name="recommendations-for-the-start-page-of-the-second-shop-in-europe"), "endpoint")
    steps = facts(pipeline("Prepare", "TrainOnEverythingThatHappenedInTheLastQuarter"), "pipeline")
    unknown = Gap(level="variant", scope="AllTraffic", reason="instance type ml.q9.large is not in our table")
    held = facts(endpoint(name="held"), "endpoint", gaps=(unknown,))
    withheld = {("endpoint", "concurrency"): RowCost(1.3, Severity.INFO)}
    return AccountPlan(
        planned=(
            planned(churn, made(facts(endpoint(), "endpoint")), POLICY, withheld),
            planned(held, made(facts(endpoint(name="held"), "endpoint"))),
            planned(Facts(ref=gone.ref, live=False), made(gone)[:2]),
            planned(steps),
        ),
        resources=1234,
        foreign=("sagewatch/endpoint/churn/AllTraffic/by-hand",),
        listed=MonthlyCost(before=1.3, after=1.6),
        fleet=MonthlyCost(before=1234.5, after=1234.8),
        budget=40,
        withheld=withheld,
        known_prices=False,
    )


def in_order() -> AccountPlan:
    """A plan of a fleet that is as it should be."""
    none, all_ = MonthlyCost(before=0, after=0), MonthlyCost(before=13.4, after=13.4)
    return AccountPlan(planned=(), resources=7, listed=none, fleet=all_, budget=40)


def printed(found: AccountPlan, width: int) -> str:
    """Return what is printed on a screen of that width; trailing blanks nobody sees."""
    screen = io.StringIO()
    show(Console(file=screen, width=width, color_system=None), found)
    return "".join(f"{line.rstrip()}\n" for line in screen.getvalue().splitlines())


@pytest.mark.parametrize("width", [80, 120])
@pytest.mark.parametrize("found", [of_all_sorts, in_order])
def test_the_plan_is_printed_as_its_snapshot(found: Any, width: int) -> None:
    table = printed(found(), width)

    assert table == snapshot(f"plan-{found.__name__.replace('_', '-')}-{width}", table)


def test_no_line_is_wider_than_the_screen() -> None:
    assert max(map(len, printed(of_all_sorts(), 80).splitlines())) <= 80


def test_latencies_are_never_said_in_microseconds() -> None:
    [alarm] = (each for each in made(facts(endpoint(), "endpoint")) if each.name.endswith("latency-p99"))

    assert condition(alarm) == "over 1.00 s, 3 of 3 × 5 min"


def changed(alarm: Alarm, **otherwise: Any) -> Alarm:
    return canonical({**alarm.request, **otherwise})


@pytest.mark.parametrize(
    ("otherwise", "said"),
    [
        ({"Threshold": 80}, Difference("threshold", "90 %", "80 %")),
        ({"ComparisonOperator": "LessThanThreshold"}, Difference("fires", "over", "under")),
        ({"EvaluationPeriods": 7}, Difference("periods", "5 of 5 × 1 min", "5 of 7 × 1 min")),
        ({"Period": 300}, Difference("periods", "5 of 5 × 1 min", "5 of 5 × 5 min")),
        ({"TreatMissingData": "breaching"}, Difference("no data", "is well", "fires")),
        ({"AlarmActions": ["arn:a", "arn:b"]}, Difference("tells", "none", "arn:a, arn:b")),
        ({"OKActions": ["arn:a"]}, Difference("tells of OK", "none", "arn:a")),
        ({"AlarmActions": ["arn:a"], "OKActions": ["arn:a"]}, Difference("tells", "none", "arn:a")),
        ({"Unit": "Seconds"}, Difference("Unit", "none", "Seconds")),
        (
            {"Dimensions": [{"Name": "EndpointName", "Value": "churn"}]},
            Difference(
                "looks at",
                "/aws/sagemaker/Endpoints MemoryUtilization Maximum of EndpointName=churn, VariantName=AllTraffic",
                "/aws/sagemaker/Endpoints MemoryUtilization Maximum of EndpointName=churn",
            ),
        ),
    ],
)
def test_each_difference_is_said_in_words(otherwise: dict[str, Any], said: Difference) -> None:
    [alarm] = (each for each in made(facts(endpoint(), "endpoint")) if each.name.endswith("/memory"))

    assert differences(alarm, changed(alarm, **otherwise)) == (said,)


def test_when_nothing_but_the_text_differs_the_text_is_the_difference() -> None:
    [alarm] = (each for each in made(facts(endpoint(), "endpoint")) if each.name.endswith("latency-p99"))
    text = alarm.request["AlarmDescription"]

    other = changed(alarm, AlarmDescription=f"Old words. {text}")

    assert differences(other, alarm) == (Difference("text", f"Old words. {text}", text),)
