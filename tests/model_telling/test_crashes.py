"""The function ends before and after each of its calls, one by one: nothing is lost, one thing may be repeated."""

from __future__ import annotations

import json
import os
import traceback
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field

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


def opens_one_by_one(here: World) -> None:
    """Two are told at once, the third one waits, and takes them into an outage."""
    for resource in ("churn", "ranker", "search"):
        here.goes("ALARM", resource=resource)
        here.until(here.minute + 0.1)
    here.until(4)
    for resource in ("churn", "search", "ranker"):
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
QUIET = ("dynamodb.Query", "dynamodb.Scan", "ssm", "cloudwatch", "dynamodb.GetItem", "dynamodb.BatchGetItem")
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


@dataclass(repr=False)
class Forking(World):
    """A world that is copied before each of its calls: in the copy the function ends there, before or after the call.

    The copy is a process of its own, which plays on to the end and says what is wrong then; so nothing is played twice.
    """

    last: int = 0
    after: bool = False
    found: dict[tuple[int, str], list[str]] = field(default_factory=dict)
    reports_to: int | None = None

    def _begins(self, name: str, seconds: float) -> str:
        if self.reports_to is None and self.calls < self.last and not self._gone:
            self._forks(name)
        return super()._begins(name, seconds)

    def _forks(self, name: str) -> None:
        call, (reads, writes) = self.calls + 1, os.pipe()
        with warnings.catch_warnings():
            # A worker of xdist has another thread, which waits for its orders and holds no lock.
            warnings.filterwarnings("ignore", ".*use of fork", DeprecationWarning)
            child = os.fork()
        if not child:
            os.close(reads)
            self.reports_to, self.crash_at, self.crash_after = writes, call, self.after
            return
        os.close(writes)
        with os.fdopen(reads) as report:
            said = report.read()
        os.waitpid(child, 0)
        self.found[call, name] = json.loads(said) if said else ["the copy ended without a word"]


def ends_well(here: World, story: Callable[[World], None]) -> list[str]:
    """Play a story and return what is wrong at its end."""
    story(here)
    here.passes(20)
    here.rests(quiet=5)
    return verdict(here)


def wrong_after_crashes(
    story: Callable[[World], None], after: bool, routes: str = EVERY_RECEIVER
) -> dict[tuple[int, str], list[str]]:
    """Return what is wrong at the end of a story, by the call, and its number, at which the function crashed."""
    with world(routes=routes) as here:
        assert ends_well(here, story) == []
        calls = [number for number, name in enumerate(here.trail, 1) if not name.startswith(QUIET)]
    with world(make=Forking, routes=routes, last=max(calls), after=after) as here:
        assert isinstance(here, Forking)
        try:
            wrong = ends_well(here, story)
        except BaseException:
            if here.reports_to is None:
                raise
            wrong = [traceback.format_exc()]
        if here.reports_to is not None:
            os.write(here.reports_to, json.dumps(wrong).encode())
            os._exit(0)
        assert len(here.found) == max(calls)
        return {call: said for call, said in here.found.items() if said}


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.__name__)
def test_a_crash_at_any_call_loses_nothing(story: Callable[[World], None], after: bool) -> None:
    assert wrong_after_crashes(story, after) == {}


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize(
    "story",
    [opens_together, opens_one_by_one, opens_with_few, is_renamed_together],
    ids=lambda story: story.__name__,
)
def test_a_crash_at_any_call_loses_nothing_of_what_opens_together(story: Callable[[World], None], after: bool) -> None:
    assert wrong_after_crashes(story, after, TOGETHER) == {}
