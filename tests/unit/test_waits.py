"""How long a message waits before it is tried again."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sagewatch.errors import Retry
from sagewatch.tell.delivery.deliver import Busy
from sagewatch.tell.notify import wait

attempts = st.integers(1, 20)


@given(attempts)
def test_what_nobody_gave_a_time_for_waits_twice_as_long_each_time_up_to_a_quarter_of_an_hour(attempt: int) -> None:
    least = min(15 * 2 ** (attempt - 1), 900)

    assert least <= wait(Retry("silence"), attempt) <= 1.2 * least


@given(attempts, st.floats(1, 900))
def test_nobody_comes_back_earlier_than_slack_asks_for(attempt: int, after: float) -> None:
    assert after <= wait(Retry("429", after=after), attempt) <= max(after, 900)


def test_those_who_were_sent_away_together_do_not_come_back_together() -> None:
    waits = {round(wait(Retry("429", after=1), 4)) for _ in range(200)}

    assert max(waits) - min(waits) > 20


@given(attempts)
def test_who_only_waits_for_a_turn_waits_no_longer_than_that(attempt: int) -> None:
    assert wait(Busy("another talks", after=3), attempt) == 3
