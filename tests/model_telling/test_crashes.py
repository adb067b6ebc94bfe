"""The function ends before and after each of its calls, one by one: nothing is lost, one thing may be repeated."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.model_telling.judge import verdict
from tests.model_telling.world import EVERY_RECEIVER, World, world


def opens_and_ends(here: World) -> None:
    here.goes("ALARM")
    here.until(7)
    here.goes("OK")


def ends_at_once(here: World) -> None:
    """The end comes before the message of the beginning, which the crash left in the queue, is visible again."""
    here.goes("ALARM")
    here.until(1)
    here.goes("OK")


def joins_for_a_minute(here: World) -> None:
    here.goes("ALARM", "memory")
    here.until(3)
    here.goes("ALARM")
    here.until(4)
    here.goes("OK")


def joins_and_worsens(here: World) -> None:
    here.goes("ALARM", "memory")
    here.until(3)
    here.goes("ALARM")
    here.until(7)
    here.goes("OK", "memory")


def is_acknowledged(here: World) -> None:
    here.goes("ALARM")
    here.until(3)
    here.clicks("ack")
    here.until(7)
    here.goes("OK")


def is_snoozed(here: World) -> None:
    here.goes("ALARM")
    here.until(3)
    here.clicks("snooze")
    here.until(45)
    here.goes("OK")


def ends_unheard(here: World) -> None:
    here.goes("ALARM")
    here.until(7)
    here.goes("OK", event="lost")


def is_deleted(here: World) -> None:
    here.goes("ALARM")
    here.until(7)
    here.deletes()


def fires_again(here: World) -> None:
    here.goes("ALARM")
    here.until(4)
    here.goes("OK")
    here.until(12)
    here.goes("ALARM")


def is_renamed(here: World) -> None:
    """The route gets another name, and the next alarm comes before the clock has seen that."""
    here.goes("ALARM", "memory")
    here.until(7)
    here.policy(EVERY_RECEIVER.replace("name: everyone", "name: all-of-us"))
    here.goes("ALARM")
    here.until(12)
    here.goes("OK", "memory")


def opens_together(here: World) -> None:
    for resource in ("churn", "ranker", "search"):
        here.goes("ALARM", resource=resource)
    here.until(3)
    here.goes("OK", resource="ranker")
    here.until(6)
    for resource in ("churn", "search"):
        here.goes("OK", resource=resource)


def opens_with_few(here: World) -> None:
    for resource in ("churn", "ranker"):
        here.goes("ALARM", resource=resource)
    here.until(4)
    here.goes("OK", resource="ranker")


def is_renamed_together(here: World) -> None:
    """The route of an outage gets another name, and a member ends before the clock has seen that."""
    for resource in ("churn", "ranker", "search", "basket"):
        here.goes("ALARM", resource=resource)
    here.until(3)
    here.goes("OK", resource="basket")
    here.until(6)
    here.policy(TOGETHER.replace("name: everyone", "name: all-of-us"))
    here.goes("OK", resource="ranker")
    here.until(12)
    here.goes("OK", resource="search")


TOGETHER = """
  - {name: everyone, slack: C0ALL, sns: default, group_from: 3}
"""
QUIET = ("dynamodb.Query", "dynamodb.Scan", "ssm", "cloudwatch", "dynamodb.GetItem")
"""What the clock asks when nothing is left to be told."""

STORIES = (
    opens_and_ends,
    ends_at_once,
    joins_and_worsens,
    joins_for_a_minute,
    is_acknowledged,
    is_snoozed,
    ends_unheard,
    is_deleted,
    fires_again,
    is_renamed,
)


def played(
    story: Callable[[World], None], crash_at: int, after: bool, routes: str = EVERY_RECEIVER
) -> tuple[list[str], list[str]]:
    """Play a story with one crash and return what is wrong at its end, and all calls that were made."""
    with world(routes=routes, crash_at=crash_at, crash_after=after) as here:
        story(here)
        here.passes(20)
        here.rests(quiet=5)
        return verdict(here), here.trail


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.__name__)
def test_a_crash_at_any_call_loses_nothing(story: Callable[[World], None], after: bool) -> None:
    _, trail = played(story, 0, after)
    last = max(number for number, name in enumerate(trail, 1) if not name.startswith(QUIET))

    found = {(call, trail[call - 1]): played(story, call, after)[0] for call in range(1, last + 1)}

    assert {call: wrong for call, wrong in found.items() if wrong} == {}


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize(
    "story", [opens_together, opens_with_few, is_renamed_together], ids=lambda story: story.__name__
)
def test_a_crash_at_any_call_loses_nothing_of_what_opens_together(story: Callable[[World], None], after: bool) -> None:
    _, trail = played(story, 0, after, TOGETHER)
    last = max(number for number, name in enumerate(trail, 1) if not name.startswith(QUIET))

    found = {(call, trail[call - 1]): played(story, call, after, TOGETHER)[0] for call in range(1, last + 1)}

    assert {call: wrong for call, wrong in found.items() if wrong} == {}
