"""CloudWatch's evaluation of alarms, replayed: the tables of its documentation, and what holds for any data."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sagewatch_cli.account.replay import Episode, Point, Replay, Rule, Series, Verdict, judged, replay, samples_needed

MINUTE = 60
SIGNS: dict[str, Point] = {"0": 0.0, "X": 9.0, "-": None}
TREATMENTS = ("missing", "ignore", "breaching", "notBreaching")
RETAINED = None

points_ = st.lists(st.none() | st.integers(0, 9).map(float), min_size=5, max_size=60).map(tuple)


def rule(datapoints: int = 3, periods: int = 3, missing: str = "notBreaching", threshold: float = 5) -> Rule:
    return Rule(
        comparison="GreaterThanThreshold", threshold=threshold, periods=periods, datapoints=datapoints, missing=missing
    )


rules = st.builds(
    lambda datapoints, more, missing: rule(datapoints, datapoints + more, missing),
    st.integers(1, 3),
    st.integers(0, 2),
    st.sampled_from(TREATMENTS),
)


def drawn(picture: str) -> tuple[Point, ...]:
    """Return the points of `0 - X`: a good one, a missing one, a bad one."""
    return tuple(SIGNS[sign] for sign in picture.split())


def minutes(picture: str, **more: object) -> Series:
    return replace(Series(begin=0, period=MINUTE, points=drawn(picture)), **more)  # type: ignore[arg-type]


def firing(found: Replay) -> set[int]:
    return {at for each in found.episodes for at in range(each.begin, each.begin + each.seconds, MINUTE)}


OK, ALARM, UNKNOWN = Verdict.OK, Verdict.ALARM, Verdict.UNKNOWN


@pytest.mark.parametrize("before", Verdict)
@pytest.mark.parametrize(
    ("datapoints", "picture", "expected"),
    [
        (3, "0 - X - X", (OK, OK, OK, OK)),
        (3, "0 - - - -", (OK, OK, OK, OK)),
        (3, "- - - - -", (UNKNOWN, RETAINED, ALARM, OK)),
        (3, "0 X X - X", (ALARM, ALARM, ALARM, ALARM)),
        (3, "- - X - -", (ALARM, RETAINED, ALARM, OK)),
        (2, "0 - X - X", (ALARM, ALARM, ALARM, ALARM)),
        (2, "0 0 X 0 X", (ALARM, ALARM, ALARM, ALARM)),
        (2, "0 - X - -", (OK, OK, ALARM, OK)),
        (2, "- - - - 0", (OK, OK, ALARM, OK)),
        (2, "- - - X -", (ALARM, RETAINED, ALARM, OK)),
    ],
)
def test_missing_data_is_treated_as_in_the_tables_of_the_documentation(
    datapoints: int, picture: str, expected: tuple[Verdict | None, ...], before: Verdict
) -> None:
    found = tuple(judged(rule(datapoints, 3, missing), drawn(picture), before) for missing in TREATMENTS)

    assert found == tuple(before if verdict is RETAINED else verdict for verdict in expected)


@pytest.mark.parametrize("picture", ["- - - - X", "- - - X -", "- - - X 0", "- - X - 0"])
def test_a_lone_bad_point_that_is_young_is_no_alarm_yet(picture: str) -> None:
    assert judged(rule(3, 3, "missing"), drawn(picture), OK) is OK


@pytest.mark.parametrize(
    ("comparison", "expected"),
    [
        ("GreaterThanThreshold", (OK, OK, ALARM)),
        ("GreaterThanOrEqualToThreshold", (OK, ALARM, ALARM)),
        ("LessThanThreshold", (ALARM, OK, OK)),
        ("LessThanOrEqualToThreshold", (ALARM, ALARM, OK)),
    ],
)
def test_a_value_at_the_threshold_is_beyond_it_when_the_comparison_says_so(
    comparison: str, expected: tuple[Verdict, ...]
) -> None:
    one = replace(rule(1, 1), comparison=comparison)

    assert tuple(judged(one, (value,), OK) for value in (4.0, 5.0, 6.0)) == expected


def test_episodes_begin_with_the_period_that_makes_enough_and_end_with_the_first_that_does_not() -> None:
    found = replay(rule(2, 3), minutes("0 0 0 0 0 X X 0 0 0 0 X X X"))

    assert found == Replay(
        episodes=(Episode(6 * MINUTE, 2 * MINUTE), Episode(12 * MINUTE, 2 * MINUTE)),
        seconds=14 * MINUTE,
        covered=14 * MINUTE,
    )
    assert (found.firing, found.longest, found.share) == (4 * MINUTE, 2 * MINUTE, 4 / 14)


def test_what_leads_in_is_looked_back_at_and_not_counted() -> None:
    found = replay(rule(3, 3), minutes("0 0 0 0 X X X X 0", lead=5))

    assert found == Replay(episodes=(Episode(6 * MINUTE, 2 * MINUTE),), seconds=4 * MINUTE, covered=4 * MINUTE)


def test_an_episode_may_have_begun_before() -> None:
    found = replay(rule(1, 1), minutes("X X X X 0", lead=3))

    assert found.episodes == (Episode(3 * MINUTE, MINUTE),)


def test_data_that_stops_counts_as_uncovered() -> None:
    found = replay(rule(1, 1, "breaching"), minutes("0 0 0 0 - - - -"))

    assert found == Replay(episodes=(Episode(6 * MINUTE, 2 * MINUTE),), seconds=8 * MINUTE, covered=4 * MINUTE)


def test_a_percentile_of_few_samples_leaves_the_alarm_as_it_was() -> None:
    percentile = replace(rule(1, 1), enough=1000)
    few = minutes("0 0 0 X X 0 0", samples=(5000, 5000, 5000, 30, 2000, 30, 4000))

    found = replay(percentile, few)

    assert found == Replay(
        episodes=(Episode(4 * MINUTE, 2 * MINUTE),), seconds=7 * MINUTE, covered=7 * MINUTE, undecided=2 * MINUTE
    )


@pytest.mark.parametrize(("statistic", "needed"), [("p99", 1000), ("p90", 100), ("p10", 100), ("Average", 0), ("", 0)])
def test_a_percentile_needs_ten_samples_beyond_it(statistic: str, needed: float) -> None:
    assert samples_needed(statistic) == needed


def test_a_rule_is_read_out_of_a_request() -> None:
    request = {
        "ComparisonOperator": "GreaterThanThreshold",
        "Threshold": 1e6,
        "EvaluationPeriods": 5,
        "DatapointsToAlarm": 3,
        "TreatMissingData": "notBreaching",
        "ExtendedStatistic": "p99",
        "EvaluateLowSampleCountPercentile": "ignore",
    }

    assert Rule.of(request) == replace(rule(3, 5, threshold=1e6), enough=1000)


@given(rules, points_, st.floats(0, 9), st.floats(0, 9), st.sampled_from([0, 8, 80]))
def test_a_higher_threshold_never_fires_when_a_lower_one_does_not(
    one: Rule, points: tuple[Point, ...], low: float, high: float, enough: float
) -> None:
    low, high = sorted((low, high))
    one = replace(one, enough=enough)
    samples = tuple(0 if point is None else float(at % 7) for at, point in enumerate(points))
    series = Series(begin=0, period=MINUTE, points=points, samples=samples)

    assert firing(replay(replace(one, threshold=high), series)) <= firing(replay(replace(one, threshold=low), series))


@given(st.lists(st.booleans(), max_size=40))
def test_where_missing_is_well_one_of_one_fires_once_for_every_run_of_bad_points(bad: list[bool]) -> None:
    # Each good point is followed by as many as the range, so that the lack of data reaches back to no bad one.
    picture = "0 0 0 " + " ".join("X" if each else "0 0 0" for each in bad)

    found = replay(rule(1, 1, "notBreaching"), minutes(picture.strip()))

    assert len(found.episodes) == sum(now and not before for before, now in zip([False, *bad], bad, strict=False))


@given(rules, points_, st.integers(0, 10_000))
def test_data_that_comes_later_makes_the_same_episodes_later(one: Rule, points: tuple[Point, ...], late: int) -> None:
    here = replay(one, Series(begin=0, period=MINUTE, points=points))
    there = replay(one, Series(begin=late, period=MINUTE, points=points))

    assert there.episodes == tuple(Episode(each.begin + late, each.seconds) for each in here.episodes)


@given(rules, points_)
def test_high_and_low_are_mirror_images(one: Rule, points: tuple[Point, ...]) -> None:
    mirrored = Series(begin=0, period=MINUTE, points=tuple(None if p is None else -p for p in points))
    below = replace(one, comparison="LessThanThreshold", threshold=-one.threshold)

    assert replay(below, mirrored) == replay(one, replace(mirrored, points=points))
