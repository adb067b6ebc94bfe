from __future__ import annotations

from datetime import timedelta

import pytest

from sagewatch.model import Notice, Unit
from sagewatch.receivers.wording.phrases import breaches, lasting, measured, quantity, sparkline, worst
from sagewatch.receivers.wording.sentences import shortened
from tests.sample_incidents import latency


@pytest.mark.parametrize(
    ("points", "drawn"),
    [
        ((), ""),
        ((1, 2, 3), ""),
        ((5, 5, 5, 5), ""),
        ((0, 1, 2, 3, 4, 5, 6, 7), "▁▂▃▄▅▆▇█"),
        ((-7, 0, 7, 0), "▁▅█▅"),
        ((1e-300, 0, 1e300, 0), "▁▁█▁"),
        ((1e308, -1e308, 0, 0), ""),
        (range(100), "▁▁▁▂▂▂▂▂▂▃▃▃▃▃▄▄▄▄▄▄▅▅▅▅▅▅▆▆▆▆▆▇▇▇▇▇▇███"),
    ],
)
def test_without_a_limit_the_latest_forty_values_are_drawn_between_the_lowest_and_the_highest(
    points: tuple[float, ...], drawn: str
) -> None:
    notice = latency(points=tuple(points), limit=None)

    assert "".join(bars for bars, _ in sparkline(notice)) == drawn


@pytest.mark.parametrize(
    ("notice", "runs"),
    [
        (latency(), [("▂▂", False), ("▆▇█", True)]),
        (latency(points=(0.0, 500_000.0, 1_000_000.0, 1_000_001.0, 9e9)), [("▁▃▄", False), ("▅█", True)]),
        (latency(points=(900_000.0, 910_000.0, 905_000.0, 920_000.0)), [("▄▄▄▄", False)]),
        (latency(points=(1_010_000.0, 1_020_000.0, 1_010_000.0, 1_030_000.0)), [("▅▅▅▅", True)]),
        (latency(points=(2e6, 2e6, 2e6, 2e6)), []),
        (latency(limit=0.0, points=(0.0, 0.0, 3.0, 1.0)), [("▁▁", False), ("█▆", True)]),
        (latency(labels={"alarm": "idle"}, limit=10.0, points=(25.0, 12.0, 5.0, 0.0)), [("█▅", False), ("▃▁", True)]),
        (latency(floor=400_000.0, limit=900_000.0, points=(1e5, 5e5, 8e5, 2e6)),
         [("▁", True), ("▄▅", False), ("█", True)]),
    ],
    ids=["over", "touching", "below", "just-over", "flat", "none-allowed", "too-little", "band"],
)  # fmt: skip
def test_bars_are_drawn_against_the_limit_which_is_half_as_high_as_they_can_be(
    notice: Notice, runs: list[tuple[str, bool]]
) -> None:
    assert list(sparkline(notice)) == runs


def test_percentages_of_one_notice_have_as_many_decimals_as_one_of_them_needs() -> None:
    share = latency(unit=Unit.RATIO, value=0.021, limit=0.02, points=(0.0, 0.02, 0.021))

    assert [quantity(share, each) for each in share.points] == ["0.0 %", "2.0 %", "2.1 %"]
    assert measured(share) == "model latency 2.1 % (limit 2 %)"
    assert measured(latency(unit=Unit.PERCENT, value=93.0, limit=90.0, points=())) == "model latency 93 % (limit 90 %)"


def test_an_alarm_whose_numbers_say_little_is_said_in_words() -> None:
    idle = {"labels": {"alarm": "idle"}, "unit": Unit.COUNT, "value": 0.0, "points": (0.0,) * 24}
    price = "about $1.41 an hour, $1,014 a month (us-east-1)"

    assert measured(latency(**idle, limit=1.0)) == "idle, no requests for 24 h"
    assert measured(latency(**idle, limit=1.0, cost=price)) == (
        "idle, no requests for 24 h · about $1,014 a month per instance"
    )
    assert measured(latency(**idle, limit=50.0, title="requests per hour")) == "requests per hour 0 (limit 50)"
    assert breaches(latency(**idle, limit=1.0)) == ""


@pytest.mark.parametrize(
    ("notice", "said"),
    [
        (latency(), "3 of 5 values over 1.00 s"),
        (latency(labels={"alarm": "memory"}), "3 of 5 min over 1.00 s"),
        (latency(points=(1_843_221.0,)), ""),
        (latency(limit=None), ""),
        (latency(points=(1_000_000.0, 1_000_000.0, 1_843_221.0)), "1 of 3 values over 1.00 s"),
        (latency(labels={"alarm": "no-row"}), "3 of 5 values over 1.00 s"),
        (latency(labels={"alarm": "no-row"}, value=1.0, points=(1.0, 5e6), limit=1e6), "1 of 2 values under 1.00 s"),
        (latency(floor=410_000.0, limit=1_600_000.0), "2 of 5 values outside 410 ms–1.60 s"),
        (latency(floor=-1.0), "3 of 5 values over 1.00 s"),
    ],
)
def test_how_often_the_values_were_beyond_the_limit(notice: Notice, said: str) -> None:
    assert breaches(notice) == said


def test_a_value_is_held_against_a_band_or_a_limit() -> None:
    assert measured(latency(floor=400_000.0, limit=900_000.0)) == "model latency 1.84 s (outside 400 ms–900 ms)"
    assert measured(latency("cleared", floor=400_000.0, limit=900_000.0)) == (
        "model latency back to 430 ms (expected 400 ms–900 ms)"
    )
    assert measured(latency(floor=-5.0)) == "model latency 1.84 s (limit 1.00 s)"
    assert measured(latency(value=744.0, limit=720.0, unit=Unit.PERCENT_OF_VCPUS, capacity=8)) == (
        "model latency 93 % (limit 90 %, of 8 vCPUs)"
    )


def test_the_worst_of_too_little_is_the_lowest() -> None:
    assert worst(latency()) == "peak 1.84 s"
    assert worst(latency(labels={"alarm": "no-row"}, value=1e3, limit=1e6)) == "lowest 1 ms"
    assert worst(latency(value=None)) == ""


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(-5, "0 s"), (0, "0 s"), (59, "59 s"), (60, "1 min"), (845, "14 min"), (7_500, "2 h 5 min"), (90_000, "1 d 1 h")],
)
def test_how_long(seconds: float, said: str) -> None:
    assert lasting(timedelta(seconds=seconds)) == said


def test_a_long_name_is_cut_in_its_middle() -> None:
    assert shortened("xgb-churn-2026-11-21-08-02-11-345", 24) == "xgb-churn-2026-…2-11-345"
    assert shortened("churn", 2) == "churn"
