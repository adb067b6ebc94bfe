from __future__ import annotations

from datetime import timedelta

import pytest

from sagewatch.model import Notice, Unit
from sagewatch.receivers.wording.phrases import breaches, lasting, measured, sparkline, worst
from sagewatch.receivers.wording.sentences import shortened
from tests.sample_incidents import latency


@pytest.mark.parametrize(
    ("points", "drawn"),
    [
        ((), ""),
        ((1, 2, 3), ""),
        ((5, 5, 5, 5), "▁▁▁▁"),
        ((0, 1, 2, 3, 4, 5, 6, 7), "▁▂▃▄▅▆▇█"),
        ((-7, 0, 7, 0), "▁▅█▅"),
        ((1e-300, 0, 1e300, 0), "▁▁█▁"),
        ((1e308, -1e308, 0, 0), ""),
        (range(100), "▁▁▁▂▂▂▂▂▂▃▃▃▃▃▄▄▄▄▄▄▅▅▅▅▅▅▆▆▆▆▆▇▇▇▇▇▇███"),
    ],
)
def test_the_latest_forty_values_are_drawn_between_the_lowest_and_the_highest(
    points: tuple[float, ...], drawn: str
) -> None:
    assert sparkline(points) == drawn


@pytest.mark.parametrize(
    ("notice", "said"),
    [
        (latency(), "3 of 5 min over 1.00 s"),
        (latency(points=(1_843_221.0,)), ""),
        (latency(limit=None), ""),
        (latency(points=(1_000_000.0, 1_000_000.0, 1_843_221.0)), "1 of 3 min over 1.00 s"),
        (latency(labels={"alarm": "no-row"}), "3 of 5 values over 1.00 s"),
        (latency(labels={"alarm": "no-row"}, value=1.0, points=(1.0, 5e6), limit=1e6), "1 of 2 values under 1.00 s"),
        (latency(floor=410_000.0, limit=1_600_000.0), "2 of 5 min outside 410 ms–1.60 s"),
        (latency(floor=-1.0), "3 of 5 min over 1.00 s"),
    ],
)
def test_how_often_the_values_were_beyond_the_limit(notice: Notice, said: str) -> None:
    assert breaches(notice) == said


def test_a_value_is_held_against_a_band_or_a_limit() -> None:
    assert measured(latency(floor=400_000.0, limit=900_000.0)) == "p99 latency 1.84 s, outside 400 ms–900 ms"
    assert measured(latency("cleared", floor=400_000.0, limit=900_000.0)) == (
        "p99 latency back to 430 ms, expected 400 ms–900 ms"
    )
    assert measured(latency(floor=-5.0)) == "p99 latency 1.84 s, limit 1.00 s"
    assert measured(latency(value=744.0, limit=720.0, unit=Unit.PERCENT_OF_VCPUS, capacity=8)) == (
        "p99 latency 93 % of 8 vCPU, limit 90 % of 8 vCPU"
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
