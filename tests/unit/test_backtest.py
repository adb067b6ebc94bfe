"""What `sagewatch backtest` asks CloudWatch for, and how it reads on a narrow and on a wide terminal."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from sagewatch.kinds.endpoint.observe import ENDPOINT
from sagewatch.model import Alarm, Facts, Ref
from sagewatch.watch.plan import plan
from sagewatch_cli.account.backtest import Report, judged
from sagewatch_cli.account.metric_history import MetricHistory, queries
from sagewatch_cli.account.proposals import DAY
from sagewatch_cli.account.replay import Point, Series
from sagewatch_cli.commands.backtest import as_data, rendered
from tests.resources import answering, config, endpoint, observed, variant
from tests.snapshots import NOT_DRAWN

NOW = datetime(2026, 1, 9, tzinfo=UTC)
BEGIN = int(NOW.timestamp()) - 7 * DAY
SNAPSHOTS = Path(__file__).parent / "snapshots"
BUSY: dict[str, tuple[Point, ...]] = {
    "latency-p99": (240_000.0,) * 300 + (1_840_000.0,) * 12,
    "cpu": (480.0,),
    "errors-5xx": (0.0,) * 50 + (12.0,),
    "memory": (71.5,),
    "concurrency": (0.4, None, None, None),
}
"""What is repeated over the week; the other alarms have no data."""


def wanted() -> tuple[Alarm, ...]:
    seen = observed(ENDPOINT, endpoint(), answering(describe_endpoint_config=config(variant())))
    facts = Facts(ref=Ref("endpoint", "churn"), live=True, scopes=seen.scopes)
    return plan("sagewatch", ENDPOINT, facts, withheld=NOT_DRAWN).alarms


def named(alarm: str) -> Alarm:
    return next(each for each in wanted() if each.name.endswith(f"/{alarm}"))


def week(alarm: Alarm) -> Series:
    name = alarm.name.rpartition("/")[2]
    length = alarm.request.get("Period", 300)
    pattern = BUSY.get(name, (None,))
    slots = range(7 * DAY // length)
    return Series(
        begin=BEGIN,
        period=length,
        points=tuple(pattern[at % len(pattern)] for at in slots),
    )


def report() -> Report:
    alarms = wanted()
    seen = observed(ENDPOINT, endpoint(), answering(describe_endpoint_config=config(variant())))
    facts = Facts(ref=Ref("endpoint", "churn"), live=True, scopes=seen.scopes, tags={"sagewatch:nope": "1"})
    history = MetricHistory({each.name: week(each) for each in alarms}, metrics=14)
    return judged(facts.ref, plan("sagewatch", ENDPOINT, facts, withheld=NOT_DRAWN), history, 7, NOW)


def printed(found: Report, width: int) -> str:
    console = Console(file=io.StringIO(), width=width, color_system=None)
    console.print(rendered(found))
    assert isinstance(console.file, io.StringIO)
    return "".join(f"{line.rstrip()}\n" for line in console.file.getvalue().splitlines())


@pytest.mark.parametrize("width", [80, 120])
def test_a_terminal_shows_what_would_have_happened(width: int) -> None:
    assert printed(report(), width) == (SNAPSHOTS / f"backtest-{width}.txt").read_text()


def test_programs_get_the_same_as_people() -> None:
    data = as_data(report())

    latency = next(each for each in data["alarms"] if each["alarm"] == "latency-p99")
    latency["episodes"] = latency["episodes"][:1]
    assert latency == {
        "alarm": "latency-p99",
        "scope": "AllTraffic",
        "title": "model latency",
        "fires": "> 1.00 s, 3 of 3 × 5 min",
        "threshold": 1_000_000.0,
        "fit": "fits",
        "fired": 6,
        "seconds": 18_000,
        "longest": 3000,
        "share": 0.029762,
        "episodes": [{"begin": datetime(2026, 1, 3, 1, 10, tzinfo=UTC), "seconds": 3000}],
        "peak": 1_840_000.0,
        "peak_in_words": "1.84 s",
        "data": 1.0,
        "undecided": 0.0,
    }
    assert data["proposals"][-1] == {
        "alarm": "errors-5xx",
        "threshold": "15%",
        "tag": "sagewatch:errors-5xx=15%",
        "would": [{"fired": 0, "seconds": 0, "longest": 0, "share": 0.0}],
    }


def metric(name: str, namespace: str = "AWS/SageMaker") -> dict[str, Any]:
    dimensions = [{"Name": "EndpointName", "Value": "churn"}, {"Name": "VariantName", "Value": "AllTraffic"}]
    return {"Namespace": namespace, "MetricName": name, "Dimensions": dimensions}


def test_a_single_metric_is_asked_for_as_the_alarm_does() -> None:
    of = metric("MemoryUtilization", "/aws/sagemaker/Endpoints")

    assert queries(3, named("memory")) == [
        {"Id": "q3", "MetricStat": {"Metric": of, "Period": 60, "Stat": "Maximum"}},
    ]


def test_a_percentile_is_asked_for_with_its_samples() -> None:
    of = metric("ModelLatency")
    statistic = {"ExtendedStatistic": "p99", "EvaluateLowSampleCountPercentile": "ignore"}
    edited = Alarm({**{k: v for k, v in named("memory").request.items() if k != "Statistic"}, **of, **statistic})

    assert queries(0, edited) == [
        {"Id": "q0", "MetricStat": {"Metric": of, "Period": 60, "Stat": "p99"}},
        {"Id": "q0_samples", "MetricStat": {"Metric": of, "Period": 60, "Stat": "SampleCount"}},
    ]


def test_an_expression_is_left_to_cloudwatch_under_names_of_its_own() -> None:
    def part(name: str, of: str) -> dict[str, Any]:
        stat = {"Metric": metric(of), "Period": 300, "Stat": "Sum"}
        return {"Id": f"q7_{name}", "MetricStat": stat, "ReturnData": False}

    expression = "IF((q7_requests >= 20) AND (q7_errors >= 5), 100 * q7_errors / q7_requests, 0)"
    assert queries(7, named("errors-5xx")) == [
        part("errors", "Invocation5XXErrors"),
        part("requests", "Invocations"),
        {"Id": "q7", "Expression": expression, "Label": "5xx errors", "ReturnData": True},
    ]


def test_a_fold_over_many_hosts_keeps_them_apart() -> None:
    stat = {"Metric": {}, "Period": 60, "Stat": "Maximum"}
    hosts = [{"Id": f"m{n}", "MetricStat": stat, "ReturnData": False} for n in (1, 2, 11)]
    folded = Alarm({"Metrics": [*hosts, {"Id": "result", "Expression": "MAX([m1,m2,m11])"}]})

    assert [(each["Id"], each.get("Expression")) for each in queries(0, folded)] == [
        ("q0_m1", None),
        ("q0_m2", None),
        ("q0_m11", None),
        ("q0", "MAX([q0_m1,q0_m2,q0_m11])"),
    ]
