"""What is promised of calls and quotas, on fleets small enough for a test; `make bench` measures large ones."""

from __future__ import annotations

import pytest

from benchmarks import call_counts, first_deployment, performance_page
from benchmarks.figures import check_deployment


def test_no_case_costs_more_calls_than_promised() -> None:
    cases = call_counts.call_counts(endpoints=20, others=300)

    call_counts.check(cases)
    assert {each.name: each.writes for each in cases} == {
        "new endpoint": 13,
        "event without change": 0,
        "five events without change, one batch": 0,
        "endpoint deleted, 120 alarms": 2,
        "light sweep, 20 endpoints, nothing changed": 0,
        "the same beside 300 unrelated alarms": 0,
    }


def test_a_case_that_costs_more_is_named() -> None:
    dear = call_counts.Case(name="event without change", calls={"PutMetricAlarm": 7}, most=6, goal=5)

    with pytest.raises(
        AssertionError, match="event without change: 7 calls, at most 6; event without change: 7 writes"
    ):
        call_counts.check([dear])


@pytest.mark.parametrize("others", [0.0, 1.0])
def test_a_first_deployment_is_as_fast_as_the_quota_and_leaves_others_their_third(others: float) -> None:
    check_deployment(first_deployment.Deployment(40, others).play())


def test_the_page_says_what_was_measured_last() -> None:
    assert performance_page.PAGE.read_text() == performance_page.rendered(performance_page.newest())
