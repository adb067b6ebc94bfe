from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from sagewatch.model import Alarm, Changes, Labels, Plan
from sagewatch.watch import revision
from sagewatch.watch.diff import diff
from sagewatch.watch.revision import member_of, revision_of, with_revision


def alarm(scope: str = "AllTraffic", alarm_id: str = "cpu", threshold: float = 90.0, *, enabled: bool = True) -> Alarm:
    values = {"severity": "warning", "kind": "endpoint", "resource": "churn", "scope": scope, "alarm": alarm_id}
    return with_revision(
        "",
        Labels(values),
        {
            "AlarmName": f"sagewatch/endpoint/churn/{scope}/{alarm_id}",
            "Threshold": threshold,
            "ActionsEnabled": enabled,
        },
    )


def asked(alarms: Iterable[Alarm]) -> list[tuple[str, float, bool]]:
    """Return what alarms ask for, without their descriptions."""
    return [(each.name, each.request["Threshold"], each.request["ActionsEnabled"]) for each in alarms]


def is_whole(alarms: Iterable[Alarm], mark: str) -> bool:
    return revision.is_whole([member_of(each) for each in alarms], mark)


def made(*alarms: Alarm) -> tuple[Alarm, ...]:
    """Return alarms as a first write leaves them."""
    return diff(Plan(alarms=alarms), ()).puts


ALARMS = st.lists(st.builds(alarm, st.sampled_from("abc"), st.sampled_from("xyz"), st.sampled_from([1.0, 2.0])))


def unique(alarms: list[Alarm]) -> tuple[Alarm, ...]:
    return tuple({each.name: each for each in alarms}.values())


def test_nothing_changed_means_nothing_written() -> None:
    assert diff(Plan(alarms=(alarm(),)), made(alarm())) == Changes()


def test_an_alarm_that_is_not_there_is_put() -> None:
    assert asked(diff(Plan(alarms=(alarm(),)), []).puts) == asked([alarm()])


def test_an_alarm_that_differs_is_put_again_and_never_deleted_first() -> None:
    changes = diff(Plan(alarms=(alarm(threshold=80),)), made(alarm()))

    assert (asked(changes.puts), changes.deletes) == (asked([alarm(threshold=80)]), ())


def test_each_write_takes_the_other_turn() -> None:
    first = made(alarm())
    second = diff(Plan(alarms=(alarm(threshold=80),)), first).puts
    third = diff(Plan(alarms=(alarm(),)), second).puts

    assert [revision_of(each).turn for each in (*first, *second, *third)] == ["x", "y", "x"]


def test_one_alarm_says_which_there_should_be() -> None:
    all_ = made(alarm(), alarm("b"), alarm("c"))

    assert is_whole(all_, "")
    assert not is_whole(all_, "another policy")
    for missing in all_:
        assert not is_whole([each for each in all_ if each != missing], "")


def test_an_alarm_more_has_one_other_written_again() -> None:
    changes = diff(Plan(alarms=(alarm(), alarm("b"), alarm("A"))), made(alarm(), alarm("b")))

    assert sorted(each.name for each in changes.puts) == sorted([alarm().name, alarm("A").name])


def test_a_set_of_which_the_first_alarm_alone_was_written_is_not_whole() -> None:
    before = made(alarm(), alarm("b"))
    [first, second] = diff(Plan(alarms=(alarm(threshold=80), alarm("b", threshold=80))), before).puts

    assert not is_whole([first, before[1]], "")
    assert not is_whole([before[0], second], "")
    assert is_whole([first, second], "")


def test_what_is_unknown_is_part_of_the_set_and_is_not_written() -> None:
    unknown = Plan(alarms=(alarm("b"),), unknown=frozenset({("AllTraffic", "cpu")}))
    before = made(alarm(), alarm("b"))
    lower = replace(unknown, alarms=(alarm("b", threshold=80),))
    changes = diff(lower, before)

    assert diff(unknown, before) == Changes(), "the unknown one goes on saying what there should be"
    assert [each.name for each in changes.puts] == [alarm("b").name]
    assert is_whole([before[0], *changes.puts], "")
    assert diff(lower, [before[0], *changes.puts]) == Changes()


def test_an_alarm_that_should_not_be_is_deleted() -> None:
    assert diff(Plan(), [alarm(), alarm("old")]) == Changes(deletes=(alarm().name, alarm("old").name))


def test_actions_that_somebody_disabled_stay_disabled() -> None:
    [asleep] = (Alarm({**each.request, "ActionsEnabled": False}) for each in made(alarm()))

    assert diff(Plan(alarms=(alarm(),)), [asleep]) == Changes()
    changed = diff(Plan(alarms=(alarm(threshold=80),)), [asleep]).puts
    assert asked(changed) == asked([alarm(threshold=80, enabled=False)])


def test_what_hangs_on_an_unknown_capacity_is_left_as_it_is() -> None:
    wanted = Plan(unknown=frozenset({("AllTraffic", "cpu")}))

    assert diff(wanted, [alarm(), alarm("other")]) == Changes(deletes=(alarm("other").name,))


def test_what_hangs_on_unknown_scopes_is_left_as_it_is() -> None:
    wanted = Plan(unknown=frozenset({(None, "step-failed")}))

    assert diff(wanted, [alarm("Train", "step-failed"), alarm("all", "gone")]) == Changes(
        deletes=(alarm("all", "gone").name,)
    )


def test_an_alarm_that_guards_a_deployment_is_never_deleted() -> None:
    guarded = Plan(rollback_alarms=frozenset({alarm("old").name}))

    assert diff(guarded, [alarm(), alarm("old")]) == Changes(deletes=(alarm().name,))


def test_a_new_alarm_warms_up_and_one_that_is_there_does_not() -> None:
    def warming(threshold: float) -> Plan:
        return Plan(alarms=(Alarm(alarm(threshold=threshold).request, warm_up=10),))

    assert [each.warm_up for each in diff(warming(90), []).puts] == [10]
    assert [each.warm_up for each in diff(warming(80), [alarm()]).puts] == [0]


def test_somebody_elses_alarm_is_not_overwritten_even_under_our_name() -> None:
    assert diff(Plan(alarms=(alarm(),)), [], foreign={alarm().name}) == Changes()


@given(wanted=ALARMS, existing=ALARMS)
def test_applying_the_changes_leaves_what_is_wanted_and_nothing_to_do(
    wanted: list[Alarm], existing: list[Alarm]
) -> None:
    want, have = Plan(alarms=unique(wanted)), {each.name: each for each in existing}

    changes = diff(want, have.values())
    after = {**have, **{each.name: each for each in changes.puts}}
    after = {name: each for name, each in after.items() if name not in changes.deletes}

    assert sorted(asked(after.values())) == sorted(asked(want.alarms))
    assert is_whole(list(after.values()), "") or not after
    assert diff(want, after.values()) == Changes()
