"""Alarms over published data, by the examples of the CloudWatch User Guide; each test names the page."""

from __future__ import annotations

from typing import Any

import pytest

from sagewatch_cli.account.replay import Verdict
from sagewatch_cli.scenarios.evaluator import Written, states
from sagewatch_cli.scenarios.expression import BadExpressionError
from sagewatch_cli.scenarios.samples import MetricData, Samples, key

METRIC = key("n", "m", {})
OK, ALARM, UNKNOWN = Verdict.OK, Verdict.ALARM, Verdict.UNKNOWN
PICTURE = {"0": 0.0, "X": 9.0, "-": None}


def published(*values: float | None, times: float = 1) -> MetricData:
    """Return data with one value a minute."""
    data = MetricData(len(values))
    for minute, value in enumerate(values):
        data.add(METRIC, minute, None if value is None else Samples.of({value: times}))
    return data


def alarm(**more: Any) -> dict[str, Any]:
    request = {
        "Namespace": "n",
        "MetricName": "m",
        "Statistic": "Maximum",
        "Period": 60,
        "EvaluationPeriods": 3,
        "DatapointsToAlarm": 3,
        "Threshold": 5.0,
        "ComparisonOperator": "GreaterThanThreshold",
        "TreatMissingData": "missing",
    }
    return {**request, **more}


def over(data: MetricData, late: int = 0, at: int = 0, **more: Any) -> list[Verdict | None]:
    return states([Written(at, alarm(**more))], data, late)


@pytest.mark.parametrize(
    ("points", "missing", "ignore", "breaching", "not_breaching"),
    [
        ("0 - X - X", OK, OK, OK, OK),
        ("0 - - - -", OK, OK, OK, OK),
        ("0 X X - X", ALARM, ALARM, ALARM, ALARM),
        ("- - X - -", ALARM, UNKNOWN, ALARM, OK),
        ("- - - - -", UNKNOWN, UNKNOWN, ALARM, OK),
    ],
)
def test_missing_data_through_the_whole_evaluator(
    points: str, missing: Verdict, ignore: Verdict, breaching: Verdict, not_breaching: Verdict
) -> None:
    """ "Configuring how CloudWatch alarms treat missing data", first table; the alarm is put at the last minute."""
    data = published(*(PICTURE[each] for each in points.split()))
    treatments = {"missing": missing, "ignore": ignore, "breaching": breaching, "notBreaching": not_breaching}

    found = {each: over(data, at=4, TreatMissingData=each)[-1] for each in treatments}

    assert found == treatments


def test_a_window_slides_with_every_minute() -> None:
    """ "Alarm evaluation": minutes 1 to 5 at the end of minute 5, minutes 2 to 6 at the end of minute 6."""
    data = published(*[0.0] * 4, 3.0, 3.0, *[0.0] * 6)

    found = over(data, Statistic="Sum", Period=300, EvaluationPeriods=1, DatapointsToAlarm=1)

    assert [minute for minute, state in enumerate(found) if state is ALARM] == [5, 6, 7, 8]


def test_a_wall_clock_window_judges_only_whole_periods() -> None:
    """ "Alarm evaluation window": each evaluation looks at the most recently completed clock hour."""
    data = published(*[0.0] * 90, 9.0, *[0.0] * 89)
    window = {"WallClockWindow": {"Timezone": "UTC"}}

    found = over(data, Period=3600, EvaluationPeriods=1, DatapointsToAlarm=1, EvaluationWindow=window)

    assert [minute for minute, state in enumerate(found) if state is ALARM] == list(range(119, 179))


def test_an_alarm_of_more_than_a_day_is_judged_once_an_hour() -> None:
    """ "Example of evaluating a multi-day alarm": it takes into account the metrics up to the current hour at :00."""
    data = published(*[0.0] * 62, 9.0, *[0.0] * 120)

    found = over(data, Period=3600, EvaluationPeriods=25, DatapointsToAlarm=1)

    assert found.index(ALARM) == 119


@pytest.mark.parametrize(("waits", "until"), [(False, 19), (True, 30)])
def test_warm_up_ends_with_a_full_window_or_only_when_it_is_over(waits: bool, until: int) -> None:
    """ "Alarm warm-up periods": 3 × 5 minutes, put at 10:00, data from 10:04, evaluated from about 10:19."""
    data = published(*[None] * 4, *[9.0] * 40)
    config = {"WarmUpPeriodDurationInMinutes": 30, "OnlyStartEvaluatingAfterWarmUpPeriodEnds": waits}

    found = over(data, Period=300, WarmUpConfiguration=config)

    assert found.index(ALARM) in (until - 1, until)
    assert set(found[: until - 1]) == {UNKNOWN}


def test_warm_up_begins_once_in_the_life_of_an_alarm() -> None:
    """ "Change or end a warm-up period": it applies only once at alarm creation and does not restart."""
    config = {"WarmUpPeriodDurationInMinutes": 10, "OnlyStartEvaluatingAfterWarmUpPeriodEnds": True}
    warm = alarm(WarmUpConfiguration=config)

    found = states([Written(0, warm), Written(15, warm), Written(20, None), Written(22, warm)], published(*[9.0] * 40))

    assert found == [*[UNKNOWN] * 10, *[ALARM] * 10, None, None, *[UNKNOWN] * 10, *[ALARM] * 8]


@pytest.mark.parametrize(
    ("samples", "low_samples", "expected"),
    [(199, "ignore", UNKNOWN), (200, "ignore", ALARM), (1, "evaluate", ALARM)],
)
def test_a_percentile_of_few_samples_is_ignored_when_the_alarm_says_so(
    samples: float, low_samples: str, expected: Verdict
) -> None:
    """ "Percentile-based alarms and low data samples": fewer than 10/(1 - p) in the evaluation period, 1000 for p99."""
    asked = {"ExtendedStatistic": "p99", "Statistic": None, "EvaluateLowSampleCountPercentile": low_samples}

    found = over(published(*[9.0] * 20, times=samples), EvaluationPeriods=5, **asked)

    assert found[-1] is expected


def test_an_expression_is_judged_like_a_metric() -> None:
    other = key("n", "other", {"A": "b"})
    data = published(*[1.0] * 5)
    for minute, sent in enumerate([4.0, 30.0, 30.0, 0.0, 20.0]):
        data.add(other, minute, Samples.of({1.0: sent}))
    stat = {"Period": 60, "Stat": "Sum"}
    metrics = [
        {"Id": "a", "MetricStat": {"Metric": {"Namespace": "n", "MetricName": "m"}, **stat}, "ReturnData": False},
        {
            "Id": "b",
            "MetricStat": {
                "Metric": {"Namespace": "n", "MetricName": "other", "Dimensions": [{"Name": "A", "Value": "b"}]},
                **stat,
            },
            "ReturnData": False,
        },
        {"Id": "share", "Expression": "100 * a / b", "ReturnData": False},
        {"Id": "result", "Expression": "IF(b >= 20, share, 0)"},
    ]
    request = alarm(EvaluationPeriods=1, DatapointsToAlarm=1, Threshold=4.0, TreatMissingData="notBreaching")
    math = {name: value for name, value in request.items() if name not in {"Namespace", "MetricName", "Period"}}

    assert states([Written(0, {**math, "Metrics": metrics})], data) == [OK, OK, OK, OK, ALARM]


def test_filling_what_is_only_late_keeps_an_alarm_in_one_state() -> None:
    """ "Math expressions with metrics", FILL: the latest data point is always the filler when metrics are late."""
    stat = {"Metric": {"Namespace": "n", "MetricName": "m"}, "Period": 60, "Stat": "Sum"}
    request = {
        "Metrics": [
            {"Id": "m", "MetricStat": stat, "ReturnData": False},
            {"Id": "result", "Expression": "FILL(m, 0)"},
        ],
        **{name: value for name, value in alarm(EvaluationPeriods=1, DatapointsToAlarm=1).items() if name[0] in "TC"},
        "EvaluationPeriods": 1,
        "DatapointsToAlarm": 1,
    }
    data = published(*[9.0] * 10)

    assert states([Written(5, request)], data, late=0)[-1] is ALARM
    assert states([Written(5, request)], data, late=1)[-1] is OK


def test_late_data_are_missing_until_they_arrive() -> None:
    found = over(published(0.0, 0.0, 9.0, 9.0, 9.0, 0.0, 0.0), late=2)

    assert found.index(ALARM) == 6


@pytest.mark.parametrize(
    "more",
    [
        {"Period": 10},
        {"Period": 120, "EvaluationWindow": {"WallClockWindow": {}}},
        {"EvaluationWindow": {"WallClockWindow": {"Timezone": "Europe/Berlin"}}},
    ],
)
def test_what_cannot_be_judged_is_refused(more: dict[str, Any]) -> None:
    with pytest.raises(BadExpressionError):
        over(published(1.0), **more)
