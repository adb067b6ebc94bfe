"""Groups in the incidents table: who opens one, who is told alone, and who joins."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest

from sagewatch.model import OUTAGE, Ref
from sagewatch.tell.store import groups, timelines
from sagewatch.tell.store.groups import Window
from tests.integration.conftest import incidents_table

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
LATER = NOW + timedelta(seconds=45)
A, B, C = "endpoint/a|inc_1", "endpoint/b|inc_2", "endpoint/c|inc_3"


@pytest.fixture
def table() -> str:
    return incidents_table()


def client() -> Any:
    return boto3.client("dynamodb")


def begun(table: str, group: str = "one", at: datetime = NOW) -> bool:
    window = Window(group=group, alone=frozenset({A}), until=at + (LATER - NOW))
    return groups.begin(client(), table, "everyone", window, at)


def test_one_group_at_a_time_is_open_on_a_route(table: str) -> None:
    assert (begun(table), begun(table, "two"), begun(table, "two", LATER)) == (True, False, True)

    window = groups.last(client(), table, "everyone")
    assert window == Window(group="two", alone=frozenset({A}), until=LATER + (LATER - NOW))


def test_so_many_are_told_alone_until_the_group_gathers(table: str) -> None:
    begun(table)

    second = groups.tell_alone(client(), table, "everyone", "one", B, 2)
    third = groups.tell_alone(client(), table, "everyone", "one", C, 2)

    assert (second, third) == (True, False)
    assert groups.last(client(), table, "everyone") == Window(group="one", alone=frozenset({A, B}), until=LATER)


def test_nobody_is_told_alone_once_a_group_gathers(table: str) -> None:
    begun(table)

    gathers = groups.gather(client(), table, "everyone", "one")

    assert (gathers, groups.tell_alone(client(), table, "everyone", "one", B, 5)) == (True, False)
    assert groups.last(client(), table, "everyone") == Window(
        group="one", alone=frozenset({A}), until=LATER, gathers=True
    )


def test_the_next_group_begins_without_what_the_one_before_gathered(table: str) -> None:
    begun(table)
    groups.gather(client(), table, "everyone", "one")

    begun(table, "two", LATER)

    assert groups.tell_alone(client(), table, "everyone", "two", B, 5)
    assert not groups.gather(client(), table, "everyone", "one")


def test_an_outage_that_goes_on_leaves_its_group_open_unless_another_one_was_begun(table: str) -> None:
    begun(table)

    assert groups.prolong(client(), table, "everyone", "one", LATER + timedelta(minutes=10), NOW)
    assert not begun(table, "two", LATER)
    assert not groups.prolong(client(), table, "everyone", "two", LATER, NOW)


def test_who_joins_a_group_stays_joined_and_the_clock_looks_after_it(table: str) -> None:
    groups.join(client(), table, "everyone", "one", [B], NOW, [A])
    groups.join(client(), table, "everyone", "one", [C], NOW)

    timeline = timelines.load(client(), table, "everyone", Ref(OUTAGE, "one"))
    assert (timeline.entries, timeline.alone) == (frozenset({A, B, C}), frozenset({A}))
    assert list(timelines.open_timelines(client(), table)) == [("everyone", Ref(OUTAGE, "one"), "")]


def test_a_group_is_woken_once_and_again_when_it_is_to_be_told_sooner(table: str) -> None:
    def is_to_wake(seconds: int) -> bool:
        return groups.is_to_wake(client(), table, "everyone", "one", NOW + timedelta(seconds=seconds), NOW)

    assert [is_to_wake(seconds) for seconds in (30, 60, 30, 10)] == [True, False, False, True]
