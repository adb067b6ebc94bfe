from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sagewatch.model import Alarm, Changes, Labels, Plan
from sagewatch.watch.diff import diff


def alarm(scope: str = "AllTraffic", alarm_id: str = "cpu", threshold: float = 90.0, *, enabled: bool = True) -> Alarm:
    values = {"severity": "warning", "kind": "endpoint", "resource": "churn", "scope": scope, "alarm": alarm_id}
    return Alarm(
        {
            "AlarmName": f"sagewatch/endpoint/churn/{scope}/{alarm_id}",
            "AlarmDescription": Labels(values).line(),
            "Threshold": threshold,
            "ActionsEnabled": enabled,
        }
    )


ALARMS = st.lists(st.builds(alarm, st.sampled_from("abc"), st.sampled_from("xyz"), st.sampled_from([1.0, 2.0])))


def unique(alarms: list[Alarm]) -> tuple[Alarm, ...]:
    return tuple({each.name: each for each in alarms}.values())


def test_nothing_changed_means_nothing_written() -> None:
    assert diff(Plan(alarms=(alarm(),)), [alarm()]) == Changes()


def test_an_alarm_that_is_not_there_is_put() -> None:
    assert diff(Plan(alarms=(alarm(),)), []) == Changes(puts=(alarm(),))


def test_an_alarm_that_differs_is_put_again_and_never_deleted_first() -> None:
    assert diff(Plan(alarms=(alarm(threshold=80),)), [alarm()]) == Changes(puts=(alarm(threshold=80),))


def test_an_alarm_that_should_not_be_is_deleted() -> None:
    assert diff(Plan(), [alarm(), alarm("old")]) == Changes(deletes=(alarm().name, alarm("old").name))


def test_actions_that_somebody_disabled_stay_disabled() -> None:
    asleep = alarm(enabled=False)

    assert diff(Plan(alarms=(alarm(),)), [asleep]) == Changes()
    assert diff(Plan(alarms=(alarm(threshold=80),)), [asleep]) == Changes(puts=(alarm(threshold=80, enabled=False),))


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

    assert set(map(str, after.values())) == set(map(str, want.alarms))
    assert diff(want, after.values()) == Changes()
