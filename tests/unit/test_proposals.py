"""Which thresholds `sagewatch backtest` proposes, and that they keep what is promised of them."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import yaml
from hypothesis import assume, given
from hypothesis import strategies as st

from sagewatch.kinds.kind import Kind, Spec
from sagewatch.kinds.registry import KINDS
from sagewatch.model import Ref, Unit
from sagewatch.policy.parse import read_policy
from sagewatch.units import parse
from sagewatch_cli.account.proposals import (
    DAY,
    AlarmFit,
    ReplayedAlarm,
    ThresholdProposal,
    Trial,
    outcome,
    proposals,
    rungs,
    snippet,
    written,
)
from sagewatch_cli.account.replay import Point, Rule, Series, replay

HOUR = 3600
MS = 1000  # µs, in which SageMaker counts latencies
CHURN = Ref("endpoint", "churn")


def latency(*points: Point, threshold: float = 1000 * MS, scope: str = "AllTraffic", **more: object) -> Trial:
    """An alarm on hours of latency, one of one, that fires over a second."""
    rule = Rule(comparison="GreaterThanThreshold", threshold=threshold, periods=1, datapoints=1, missing="notBreaching")
    one = Trial(
        alarm="latency-p99",
        scope=scope,
        title="model latency",
        unit=Unit.MICROSECONDS,
        scale=1,
        rule=rule,
        series=Series(begin=0, period=HOUR, points=points),
    )
    return replace(one, **more)  # type: ignore[arg-type]


def idle(*points: Point, threshold: float) -> Trial:
    """An alarm that fires on few requests."""
    one = latency(*points, alarm="idle", title="requests", unit=Unit.COUNT)
    return replace(one, rule=replace(one.rule, comparison="LessThanThreshold", threshold=threshold))


def week(base: float, *peaks: float) -> list[Point]:
    """Seven days of hours at `base`, with these peaks every third hour."""
    points: list[Point] = [base] * (7 * 24)
    points[3 : 3 + 3 * len(peaks) : 3] = peaks
    return points


def proposed(*trials: Trial) -> dict[str, str | None]:
    return {each.alarm: each.text for each in proposals(outcome(each) for each in trials)}


def test_what_fires_more_than_once_a_day_is_noisy_and_the_next_calm_round_threshold_is_proposed() -> None:
    noisy = latency(*week(100 * MS, 2300 * MS, *[1400 * MS] * 8))

    assert outcome(noisy).fit is AlarmFit.NOISY
    assert proposed(noisy) == {"latency-p99": "1.5s"}


def test_what_fires_all_the_time_is_noisy_however_seldom_it_begins() -> None:
    always = latency(*week(3400 * MS))

    assert outcome(always).fit is AlarmFit.NOISY
    assert proposed(always) == {"latency-p99": "4s"}


def test_what_fires_now_and_then_fits() -> None:
    fine = latency(*week(100 * MS, 2300 * MS, 1400 * MS))

    assert (outcome(fine).fit, proposed(fine)) == (AlarmFit.FITS, {})


def test_what_no_value_comes_near_is_deaf_and_gets_half_as_much_again_as_its_rarest_values() -> None:
    deaf = latency(*week(20 * MS, 90 * MS, 110 * MS))

    assert outcome(deaf).fit is AlarmFit.DEAF
    assert proposed(deaf) == {"latency-p99": "200ms"}


def test_what_fires_on_low_values_is_made_calmer_downwards() -> None:
    assert proposed(idle(*week(90.0, *[40.0] * 20), threshold=50)) == {"idle": "40"}


def test_what_fires_on_low_values_is_deaf_when_all_are_high() -> None:
    assert proposed(idle(*week(900.0), threshold=50)) == {"idle": "600"}


def test_without_data_there_is_nothing_to_propose() -> None:
    dead = latency(*[None] * 100)

    assert (outcome(dead).fit, proposed(dead)) == (AlarmFit.DEAD, {})


def test_the_silence_of_errors_fits() -> None:
    quiet = latency(*week(0.0), unit=Unit.COUNT)

    assert (outcome(quiet).fit, proposed(quiet)) == (AlarmFit.FITS, {})


def test_a_share_of_a_whole_is_never_deaf() -> None:
    roomy = latency(*week(12.0), unit=Unit.PERCENT, threshold=90)

    assert outcome(roomy).fit is AlarmFit.FITS


def test_what_no_threshold_helps_is_said_and_not_proposed() -> None:
    full = latency(*week(100.0), alarm="memory", unit=Unit.PERCENT, threshold=90)

    assert tuple(proposals([outcome(full)])) == (ThresholdProposal("memory", Unit.PERCENT, None),)


def test_one_threshold_is_proposed_for_all_scopes() -> None:
    blue = latency(*week(100 * MS, *[1400 * MS] * 9), scope="blue")
    green = latency(*week(100 * MS, *[4400 * MS] * 9), scope="green")
    empty = latency(*[None] * 100, scope="red")

    assert proposed(blue, green, empty) == {"latency-p99": "5s"}


def test_a_threshold_is_proposed_for_one_core_and_tried_on_all() -> None:
    busy = latency(*week(300.0, *[740.0] * 9), alarm="cpu", unit=Unit.PERCENT_OF_VCPUS, threshold=8 * 90, scale=8)

    assert proposed(busy) == {"cpu": "95%"}


def entries(*outcomes: ReplayedAlarm) -> list[dict[str, object]]:
    found: list[dict[str, object]] = yaml.safe_load(snippet(CHURN, proposals(outcomes), outcomes))["alarms"]
    return found


def test_the_snippet_is_entries_of_the_policy() -> None:
    noisy = outcome(latency(*week(3400 * MS)))
    low = outcome(idle(*week(900.0), threshold=50))

    assert entries(noisy, low) == [
        {"kind": "endpoint", "resource": "churn", "alarm": "idle", "threshold": 600},
        {"kind": "endpoint", "resource": "churn", "alarm": "latency-p99", "threshold": "4s"},
    ]


def test_both_alarms_of_a_pair_are_written_together() -> None:
    points = week(100 * MS, *[700 * MS] * 9)
    critical = outcome(latency(*points))
    warning = outcome(latency(*points, alarm="latency-p99-warning", threshold=500 * MS))

    assert entries(critical, warning) == [
        {"kind": "endpoint", "resource": "churn", "alarm": "latency-p99", "critical": "1s", "warning": "800ms"}
    ]


def test_a_warning_that_would_come_after_its_critical_alarm_is_left_out() -> None:
    points = week(3400 * MS)
    critical = outcome(latency(*points))
    warning = outcome(latency(*points, alarm="latency-p99-warning", threshold=500 * MS))

    assert entries(critical, warning) == [
        {"kind": "endpoint", "resource": "churn", "alarm": "latency-p99", "threshold": "4s"}
    ]


def test_where_all_fits_there_is_no_snippet() -> None:
    assert snippet(CHURN, (), [outcome(latency(*week(900 * MS)))]) == ""


@pytest.mark.parametrize(
    ("kind", "spec"), [pytest.param(kind, spec, id=f"{kind.name}/{spec.id}") for kind in KINDS for spec in kind.specs]
)
def test_whatever_is_proposed_for_any_row_is_a_policy(kind: Kind, spec: Spec) -> None:
    one = latency(alarm=spec.id, unit=spec.unit)

    for text in rungs(spec.unit)[::9]:
        document = snippet(Ref(kind.name, "churn"), [ThresholdProposal(spec.id, spec.unit, text)], [outcome(one)])

        [entry] = read_policy(document).alarms
        assert (entry.kind, entry.alarm, entry.resource) == (kind.name, spec.id, "churn")
        assert parse(str(entry.threshold), spec.unit) == parse(text, spec.unit)


@pytest.mark.parametrize("unit", Unit)
def test_round_thresholds_rise_and_can_be_read(unit: Unit) -> None:
    values = [parse(text, unit) for text in rungs(unit)]

    assert values == sorted(set(values))


@given(st.sampled_from(Unit), st.integers(1, 100))
def test_a_threshold_is_read_as_it_was_written(unit: Unit, value: int) -> None:
    one = value / 100 if unit is Unit.RATIO else float(value)

    assert parse(written(one, unit), unit) == pytest.approx(one)


hours = st.lists(st.none() | st.integers(0, 5_000).map(lambda each: float(each * MS)), min_size=30, max_size=24 * 8)


@given(st.lists(hours, min_size=1, max_size=2))
def test_a_proposal_keeps_its_promise_on_the_same_data(several: list[list[Point]]) -> None:
    trials = [latency(*points, scope=f"v{number}") for number, points in enumerate(several)]
    outcomes = [outcome(each) for each in trials]

    for each in proposals(outcomes):
        assert each.text is not None
        value = parse(each.text, each.unit)
        alive = [one for one in trials if one.values]
        again = tuple(replay(replace(one.rule, threshold=value), one.series) for one in alive)
        assert again == each.replays
        if any(one.fit is AlarmFit.NOISY for one in outcomes):
            assert value > 1000 * MS
            assert all(len(one.episodes) <= math.ceil(one.seconds / (7 * DAY)) and one.share <= 0.01 for one in again)
        else:
            assert value < 1000 * MS
            assert not any(one.episodes for one in again)


@given(hours)
def test_no_rounder_threshold_in_between_would_have_been_calm(points: list[Point]) -> None:
    one = latency(*points)
    assume(outcome(one).fit is AlarmFit.NOISY)
    values = [parse(each, one.unit) for each in rungs(one.unit)]

    text = proposed(one)["latency-p99"]

    tried = [one.at(each) for each in values if 1000 * MS < each < parse(text or "", one.unit)]
    assert all(len(each.episodes) > math.ceil(each.seconds / (7 * DAY)) or each.share > 0.01 for each in tried)
