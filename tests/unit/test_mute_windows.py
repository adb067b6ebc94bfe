from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sagewatch.aws.mute_rules import DIGEST
from sagewatch.fleet.mute_windows import is_of_snooze, is_of_window, iso_duration, snooze_rule, window_rules
from sagewatch.model import MOST_TARGETS, Labels
from sagewatch.policy.rules import Window

NOW = datetime(2026, 11, 21, 9, 12, 5, tzinfo=UTC)
NIGHT = Window(name="night", match={"kind": "endpoint", "team": "fraud"}, schedule="cron(0 2 * * *)", duration="2h")


def alarm(resource: str, team: str = "fraud") -> tuple[str, Labels]:
    labels = Labels({"kind": "endpoint", "resource": resource, "scope": "all", "alarm": "cpu", "team": team})
    return f"sagewatch/endpoint/{resource}/all/cpu", labels


def test_a_window_mutes_the_alarms_that_match_it() -> None:
    [rule] = window_rules("sagewatch", (NIGHT,), [alarm("b"), alarm("a"), alarm("c", team="search")], NOW)

    assert rule.alarms == ("sagewatch/endpoint/a/all/cpu", "sagewatch/endpoint/b/all/cpu")
    assert (rule.expression, rule.duration, rule.timezone) == ("cron(0 2 * * *)", "PT2H", "UTC")
    assert rule.name.startswith("sagewatch-window-night-")


def test_a_window_that_matches_nothing_is_no_rule() -> None:
    assert list(window_rules("sagewatch", (NIGHT,), [alarm("a", team="search")], NOW)) == []


def test_a_rule_takes_a_hundred_alarms() -> None:
    alarms = [alarm(f"e{n:03}") for n in range(250)]
    rules = list(window_rules("sagewatch", (NIGHT,), alarms, NOW))

    assert all(len(rule.alarms) <= MOST_TARGETS for rule in rules)
    assert sorted(name for rule in rules for name in rule.alarms) == sorted(name for name, _ in alarms)
    assert len({rule.name for rule in rules}) == len(rules)


def test_a_resource_with_more_alarms_than_a_rule_takes_is_in_several() -> None:
    labels = Labels({"kind": "endpoint", "resource": "a", "scope": "all", "alarm": "cpu", "team": "fraud"})
    alarms = [(f"a/{n}", labels) for n in range(250)]

    rules = list(window_rules("sagewatch", (NIGHT,), alarms, NOW))

    assert all(len(rule.alarms) <= MOST_TARGETS for rule in rules)
    assert sum(len(rule.alarms) for rule in rules) == 250


@given(st.sets(st.text("abcdef", min_size=1, max_size=4), max_size=400), st.text("abcdef", min_size=1, max_size=4))
def test_a_new_resource_changes_one_rule_or_splits_it(there: set[str], new: str) -> None:
    def rules(resources: set[str]) -> set[str]:
        alarms = [alarm(each) for each in sorted(resources)]
        return {rule.name for rule in window_rules("sagewatch", (NIGHT,), alarms, NOW)}

    before, after = rules(there), rules(there | {new})

    assert len(before - after) <= 1


def test_the_rules_of_a_prefix_that_begins_ours_are_not_ours() -> None:
    [ours] = window_rules("sage", (NIGHT,), [alarm("a")], NOW)
    [theirs] = window_rules("sage-window-night", (NIGHT,), [alarm("a")], NOW)

    assert is_of_window("sage", ours.name)
    assert is_of_window("sage-window-night", theirs.name)
    assert not is_of_window("sage", theirs.name)
    assert not is_of_window("sage", "sage-window-night-by-hand")


def test_a_window_that_came_once_is_no_rule_when_it_is_over_in_every_zone() -> None:
    once = Window(name="move", schedule="at(2026-11-20T20:00)", duration="2h", timezone="America/Los_Angeles")

    def rules(now: datetime) -> int:
        return len(list(window_rules("sagewatch", (once,), [alarm("a")], now)))

    assert rules(datetime(2026, 11, 21, 5, 59, tzinfo=UTC)) == 1
    assert rules(datetime(2026, 11, 21, 22, 1, tzinfo=UTC)) == 0


def test_the_name_of_a_rule_changes_with_what_it_says_and_with_nothing_else() -> None:
    def name(window: Window = NIGHT, now: datetime = NOW, *resources: str) -> str:
        return next(window_rules("sagewatch", (window,), [alarm(each) for each in resources or ("a",)], now)).name

    longer = Window(name="night", match=NIGHT.match, schedule=NIGHT.schedule, duration="3h")
    fewer = Window(name="night", match={"kind": "endpoint"}, schedule=NIGHT.schedule, duration="2h")

    assert name() == name(now=NOW + timedelta(days=7))
    assert len({name(), name(longer), name(fewer), name(NIGHT, NOW, "a", "b")}) == 4
    assert name()[:-DIGEST] == name(NIGHT, NOW, "a", "b")[:-DIGEST] != name(longer)[:-DIGEST]


def test_a_rule_outlives_the_week_after_which_it_is_made_anew() -> None:
    [rule] = window_rules("sagewatch", (NIGHT,), [alarm("a")], NOW)

    assert rule.expires - NOW > timedelta(days=7)


def test_a_snooze_begins_with_the_next_minute_and_ends_when_it_should() -> None:
    rule = snooze_rule("sagewatch", "inc_1", ["b", "a"], "U0ANA", NOW, NOW + timedelta(hours=2))

    assert (rule.expression, rule.duration, rule.alarms) == ("at(2026-11-21T09:13)", "PT2H", ("a", "b"))
    assert rule.name == "sagewatch-snooze-inc_1"


@pytest.mark.parametrize(
    ("minutes", "said"),
    [(1, "PT1M"), (45, "PT45M"), (120, "PT2H"), (1590, "P1DT2H30M"), (1440, "P1D"), (21_600, "P15D")],
)
def test_durations_are_said_as_iso_8601(minutes: int, said: str) -> None:
    assert iso_duration(timedelta(minutes=minutes)) == said


@given(st.integers(0, 15 * 24 * 3600))
def test_no_duration_is_shorter_than_asked_or_than_a_minute(seconds: int) -> None:
    text = iso_duration(timedelta(seconds=seconds))
    days, _, time = text.removeprefix("P").partition("T")
    hours, _, minutes = time.rpartition("H")
    total = int(days.removesuffix("D") or 0) * 1440 + int(hours or 0) * 60 + int(minutes.removesuffix("M") or 0)

    assert seconds <= total * 60 < max(seconds, 60) + 60 or total == 1


def test_a_snooze_is_known_by_its_name_under_its_own_prefix_only() -> None:
    rule = snooze_rule("sage-snooze", "inc_0123456789abcdef", ["sage-snooze/a"], "ana", NOW, NOW + timedelta(hours=1))

    assert is_of_snooze("sage-snooze", rule.name)
    assert not is_of_snooze("sage", rule.name)
    assert not is_of_snooze("sage-snooze", "sage-snooze-snooze-inc_mine")
