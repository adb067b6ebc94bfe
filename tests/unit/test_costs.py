from __future__ import annotations

from typing import Any

import pytest

from sagewatch.fleet.costs import PRICES, Prices, Total, alarm_metrics, monthly, prices, total
from sagewatch.kinds.registry import KINDS
from sagewatch.kinds.training_job import TRAINING_JOB
from sagewatch.model import Facts, Ref
from sagewatch.watch.plan import plan
from tests.resources import answering, observed, training_job

US = prices("us-east-1")
ODD = Prices(standard=1, high=10, composite=100, insights=1000, free=3)
"""Prices that tell by a sum what was counted how often."""

COMPOSITE = {"AlarmName": "c", "AlarmRule": 'ALARM("a") OR ALARM("b")'}


def alarm(period: int = 60) -> dict[str, Any]:
    return {"AlarmName": "a", "Namespace": "AWS/SageMaker", "MetricName": "Invocations", "Period": period}


def stat(name: str, period: int = 60) -> dict[str, Any]:
    metric = {"Namespace": "AWS/SageMaker", "MetricName": "Invocations"}
    return {"Id": name, "MetricStat": {"Metric": metric, "Period": period, "Stat": "Sum"}, "ReturnData": False}


def expression(text: str, name: str = "result") -> dict[str, Any]:
    return {"Id": name, "Expression": text, "ReturnData": True}


def combined(*queries: dict[str, Any]) -> dict[str, Any]:
    return {"AlarmName": "a", "Metrics": list(queries)}


BAND = expression("ANOMALY_DETECTION_BAND(m1, 2)", "band")
INSIGHTS = 'SELECT MAX(CPUUtilization) FROM "/aws/sagemaker/Endpoints"'


def test_an_alarm_on_one_metric_costs_ten_cents() -> None:
    assert monthly(alarm(), US) == 0.10


@pytest.mark.parametrize(
    ("request_", "metrics", "cost"),
    [
        pytest.param(alarm(), 1, 1, id="one-metric"),
        pytest.param(alarm(3600), 1, 1, id="of-an-hour"),
        pytest.param({**alarm(), "Metrics": []}, 1, 1, id="described"),
        pytest.param(alarm(10), 1, 10, id="high-resolution"),
        pytest.param(combined(stat("m1"), stat("m2"), expression("m1 / m2")), 2, 2, id="math"),
        pytest.param(combined(stat("m1"), stat("m2", 30), expression("m1 / m2")), 2, 20, id="high-resolution-math"),
        pytest.param(combined(stat("m1"), BAND), 3, 3, id="anomaly"),
        pytest.param(combined(stat("m1", 10), BAND), 3, 30, id="high-resolution-anomaly"),
        pytest.param(combined(stat("m1"), stat("m2"), expression("m1 / m2"), BAND), 4, 4, id="anomaly-of-math"),
        pytest.param(combined({**expression(INSIGHTS), "Period": 60}), 1, 1000, id="insights"),
        pytest.param(
            combined(expression(f" {INSIGHTS.lower()}", "q"), stat("m1"), expression("q / m1")),
            2,
            1001,
            id="insights-and-math",
        ),
        pytest.param(COMPOSITE, 0, 100, id="composite"),
    ],
)
def test_what_an_alarm_is_billed_for(request_: dict[str, Any], metrics: int, cost: float) -> None:
    assert (alarm_metrics(request_), monthly(request_, ODD)) == (metrics, cost)


def test_an_alarm_over_all_hosts_of_a_job_is_billed_for_each_host() -> None:
    job = training_job(hosts=4, instance="ml.g5.xlarge")
    facts = Facts(ref=Ref("training-job", "train"), live=True, scopes=observed(TRAINING_JOB, job, answering()).scopes)

    planned = {
        alarm.labels["alarm"]: alarm.request for alarm in plan("sagewatch", TRAINING_JOB, facts).alarms if alarm.labels
    }

    assert monthly(planned["gpu-memory"], US) == 0.40


def test_no_row_is_of_high_resolution() -> None:
    assert min(spec.period for kind in KINDS for spec in kind.specs) == 60


def test_dimes_add_up_to_dollars() -> None:
    assert monthly(combined(*(stat(f"m{n}") for n in range(3))), US) == 0.30
    assert total([alarm()] * 13, US) == Total(metrics=13, before=1.30, after=0.30)


def test_the_free_tier_takes_off_no_more_than_there_is() -> None:
    assert total([alarm()] * 2, ODD) == Total(metrics=2, before=2, after=0)
    assert total([], ODD) == Total(metrics=0, before=0, after=0)


def test_only_metrics_of_standard_resolution_that_no_query_finds_are_free() -> None:
    never_free = [alarm(10), combined(expression(INSIGHTS)), COMPOSITE]

    assert total(never_free, ODD) == Total(metrics=2, before=1110, after=1110)
    assert total([*never_free, alarm(), alarm()], ODD) == Total(metrics=4, before=1112, after=1110)


def test_several_metrics_of_one_alarm_may_be_free_in_part() -> None:
    wide = combined(*(stat(f"m{n}") for n in range(5)), expression("MAX(METRICS())"))

    assert total([wide], ODD) == Total(metrics=5, before=5, after=2)


def test_a_region_that_no_source_speaks_of_gets_the_prices_of_us_east_1_and_says_so() -> None:
    assert prices("eu-central-1").known
    assert prices("us-gov-west-1") == Prices(standard=0.10, high=0.30, composite=0.50, insights=0.10, known=False)


def test_a_high_resolution_metric_is_dearer_and_ten_metrics_are_free_in_every_region() -> None:
    assert {(each.known, each.free, each.high > each.standard) for each in PRICES.values()} == {(True, 10, True)}
