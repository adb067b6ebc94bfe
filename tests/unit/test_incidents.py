"""What is one incident, and what its thread says: by example, then for every history, in every order."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sagewatch.model import Evidence, Incident, Labels, Notice, Place, Ref, State, ThreadLine
from sagewatch.tell.incident.group import incident_id, incidents
from sagewatch.tell.incident.late import dated
from sagewatch.tell.incident.retention import LONGEST_REASON, MOST_NOTICES, retained
from sagewatch.tell.incident.thread import thread_lines

CHURN = Ref("endpoint", "churn")
START = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
REMIND = (timedelta(minutes=15), timedelta(hours=1))
SEVERITY = {"latency": "critical", "errors": "warning", "disk": "info"}


def minute(number: float) -> datetime:
    return START + timedelta(minutes=number)


def said(number: float, state: State, part: str = "latency", **more: Any) -> Notice:
    """Return what a part says in that minute."""
    values = {"severity": SEVERITY.get(part, "warning"), "kind": "endpoint", "resource": "churn", "alarm": part}
    common: dict[str, Any] = {
        "key": f"{part}/{state}/{number}",
        "state": state,
        "labels": Labels(values),
        "place": Place("aws", "us-east-1", "123456789012"),
        "at": minute(number),
        "title": part,
        "subject": CHURN,
        "part": "" if state in ("acked", "snoozed") else part,
    }
    return Notice(**common | more)


def fires(number: float, part: str = "latency", **more: Any) -> Notice:
    return said(number, "firing", part, **more)


def clears(number: float, part: str = "latency", **more: Any) -> Notice:
    return said(number, "cleared", part, **more)


def fails(number: float, part: str = "trial", **more: Any) -> Notice:
    return said(number, "failed", part, **more)


def closes(number: float, part: str = "latency", **more: Any) -> Notice:
    return said(number, "closed", part, **more)


def acks(number: float, by: str = "U1") -> Notice:
    return said(number, "acked", by=by, key=f"ack/{number}/{by}")


def snoozes(number: float, until: float, by: str = "U1") -> Notice:
    return said(number, "snoozed", by=by, until=minute(until), key=f"snooze/{number}/{until}/{by}")


def all_of(*notices: Notice, now: float = 1000, evidence: dict[str, Evidence] | None = None) -> tuple[Incident, ...]:
    return incidents("default", notices, evidence or {}, minute(now))


def one(*notices: Notice, now: float = 1000, evidence: dict[str, Evidence] | None = None) -> Incident:
    (found,) = all_of(*notices, now=now, evidence=evidence)
    return found


def thread(incident: Incident, now: float = 1000, remind: tuple[timedelta, ...] = ()) -> list[tuple[str, float]]:
    """Return what the thread says, and in which minute."""
    told = thread_lines(incident, remind, minute(now))
    return [(line.about, (line.at - START) / timedelta(minutes=1)) for line in told]


# ---------------------------------------------------------------------------------------------- what is one incident


def test_an_alarm_that_fires_is_an_incident_from_then_on() -> None:
    first = fires(0)

    found = one(first)

    assert (found.id, found.status, found.severity, found.opened, found.ended, found.lead) == (
        incident_id("default", first),
        "open",
        "critical",
        minute(0),
        None,
        first,
    )
    assert thread(found) == []


def test_ids_differ_by_route_resource_and_first_notice_and_are_short() -> None:
    other = replace(fires(0), subject=Ref("endpoint", "churn-v2"))

    ids = {incident_id(route, notice) for route in ("a", "b") for notice in (fires(0), fires(1), other)}

    assert len(ids) == 6
    assert all(name.startswith("inc_") and len(name) == 20 for name in ids)


def test_a_repeated_event_with_another_time_does_not_change_the_id() -> None:
    again = replace(fires(0), at=minute(-3))

    assert one(fires(0)).id == one(again).id == one(fires(0), again).id


@pytest.mark.parametrize("noise", [clears(0), closes(0), closes(0, "*"), acks(0), snoozes(0, 60)])
def test_what_ends_or_answers_nothing_is_silence(noise: Notice) -> None:
    assert all_of(noise) == ()


def test_a_clear_that_arrives_before_its_firing_ends_it_all_the_same() -> None:
    found = one(clears(5), fires(0))

    assert (found.status, found.ended) == ("resolved", minute(5))
    assert thread(found) == [("resolved", 5)]


def test_a_second_alarm_joins_and_the_worst_leads() -> None:
    found = one(fires(0, "errors"), fires(1, "disk"), fires(2, "latency"))

    assert [part.last.part for part in found.parts] == ["latency", "errors", "disk"]
    assert found.severity == "critical"
    assert thread(found) == [("joined", 1), ("worsened", 2)]


def test_while_one_alarm_still_fires_the_end_of_another_is_a_line() -> None:
    found = one(fires(0), fires(1, "errors"), clears(2))

    assert (found.status, found.severity, found.lead.part) == ("open", "warning", "errors")
    assert thread(found) == [("joined", 1), ("cleared", 2)]


def test_after_all_clear_the_last_that_cleared_leads_and_the_severity_is_the_worst_there_was() -> None:
    found = one(fires(0), fires(1, "errors"), clears(2), clears(3, "errors"))

    assert (found.status, found.severity, found.lead.part, found.ended) == ("resolved", "critical", "errors", minute(3))
    assert thread(found) == [("joined", 1), ("cleared", 2), ("resolved", 3)]


def test_alarms_that_were_deleted_close_the_incident() -> None:
    found = one(fires(0), fires(1, "errors"), closes(2), closes(3, "errors"))

    assert found.status == "closed"
    assert thread(found) == [("joined", 1), ("closed", 2), ("closed", 3)]


def test_an_incident_of_which_anything_was_cleared_is_resolved() -> None:
    assert one(fires(0), fires(1, "errors"), clears(2), closes(3, "errors")).status == "resolved"


def test_the_end_of_the_resource_ends_all_of_its_parts() -> None:
    gone = closes(3, "*")

    found = one(fires(0), fires(1, "errors"), fails(2), gone)

    assert (found.status, found.ended, [part.last for part in found.parts]) == ("closed", minute(3), [gone] * 3)
    assert thread(found) == [("joined", 1), ("joined", 2), ("closed", 3)]


def test_only_the_end_of_the_resource_does_so() -> None:
    assert one(fires(0), clears(1, "*")).status == "open"


def test_of_two_alarms_that_matter_as_much_the_newer_leads() -> None:
    assert one(fires(0, "errors"), fires(1, "saturation")).lead.part == "saturation"


def test_firing_again_within_half_an_hour_reopens() -> None:
    found = one(fires(0), clears(10), fires(40))

    assert (found.status, found.reopened, found.ended) == ("open", 1, None)
    assert thread(found) == [("resolved", 10), ("reopened", 40)]


def test_firing_again_later_is_another_incident_that_names_the_one_before() -> None:
    before, after = all_of(fires(0), clears(10), fires(41))

    assert (before.status, before.previous, after.status, after.previous) == ("resolved", "", "open", before.id)


def test_an_incident_that_ended_more_than_a_week_ago_is_not_named() -> None:
    week = 7 * 24 * 60

    assert all_of(fires(0), clears(10), fires(10 + week))[1].previous
    assert not all_of(fires(0), clears(10), fires(11 + week))[1].previous


# ---------------------------------------------------------------------------------------------- failures


def test_a_failure_stays_failed() -> None:
    found = one(fails(0))

    assert (found.status, found.ended, found.is_open, found.parts[0].spent) == ("failed", None, True, timedelta())


def test_a_failure_is_joined_within_half_an_hour_of_the_last_notice_only() -> None:
    first, second = all_of(fails(0), fails(30, "other"), fails(61, "third"))

    assert [len(each.parts) for each in (first, second)] == [2, 1]
    assert second.previous == first.id


def test_what_fails_while_an_alarm_fires_joins_at_any_time() -> None:
    assert thread(one(fires(0), fails(600))) == [("joined", 600)]


def test_a_failure_that_was_recovered_from_is_resolved_however_late() -> None:
    assert one(fails(0), clears(600, "trial")).status == "resolved"
    assert one(fails(0), closes(600, "trial")).status == "closed"


def test_a_recovery_ends_every_incident_that_still_shows_the_failure() -> None:
    found = all_of(fails(0), fails(60, key="again"), clears(120, "trial"))

    assert [(each.status, each.ended) for each in found] == [("resolved", minute(120))] * 2


def test_a_failure_is_not_all_clear_when_the_alarms_are() -> None:
    found = one(fires(0), fails(1), clears(2))

    assert (found.status, found.lead.part) == ("failed", "trial")
    assert thread(found) == [("joined", 1), ("cleared", 2)]


def test_a_failure_that_happens_again_is_told_again() -> None:
    assert thread(one(fails(0), fails(1))) == [("joined", 1)]


def test_of_a_hundred_failing_trials_three_join_in_words_and_the_rest_by_count() -> None:
    trials = [fails(n / 10, f"trial-{n}", title="training job failed") for n in range(100)]
    log = {each.key: Evidence(log=("Killed",)) for each in trials}

    found = one(*trials, evidence=log)

    assert len(found.parts) == 100
    assert [about for about, _ in thread(found)] == ["log", "joined", "log", "joined", "log", "joined", "log"]


def test_a_trial_that_is_only_counted_does_not_undo_an_acknowledgement() -> None:
    trials = [fails(n, f"trial-{n}", title="training job failed") for n in range(6)]

    assert one(*trials[:5], acks(4.5), trials[5]).status == "acked"


def test_only_failures_with_a_log_have_one_in_the_thread() -> None:
    known = {fails(0).key: Evidence(cause="out of memory"), fails(1, "b").key: Evidence(log=("Killed",))}

    found = one(fails(0), fails(1, "b"), evidence=known)

    assert thread(found) == [("joined", 1), ("log", 1)]
    assert found.evidence == known


def test_a_success_is_an_incident_by_itself() -> None:
    well = said(5, "succeeded", "job")

    failed, fine, later = all_of(fails(0), well, said(6, "succeeded", "job"))

    assert [each.status for each in (failed, fine, later)] == ["failed", "succeeded", "succeeded"]
    assert (fine.id, fine.lead, fine.ended, fine.previous) == (incident_id("default", well), well, minute(5), "")
    assert thread(fine) == []


# ---------------------------------------------------------------------------------------------- muted


def test_what_is_muted_opens_no_incident() -> None:
    assert all_of(fires(0, muted=True), clears(1), fails(2, muted=True), said(3, "succeeded", muted=True)) == ()


def test_what_fires_muted_beside_an_open_incident_is_not_open() -> None:
    found = one(fires(0, "errors"), fires(1, muted=True), clears(2, "errors"))

    assert (found.status, [part.last.part for part in found.parts]) == ("resolved", ["errors"])
    assert thread(found, remind=REMIND) == [("resolved", 2)]


def test_what_fires_after_its_mute_joins_from_then_on() -> None:
    found = one(fires(0, "errors"), fires(1, muted=True), fires(20, after="the window nightly"))

    assert (found.severity, thread(found)) == ("critical", [("worsened", 20)])


def test_what_ends_in_a_mute_while_another_fires_is_told() -> None:
    assert thread(one(fires(0), fires(1, "errors"), clears(2, "errors", muted=True))) == [("joined", 1), ("cleared", 2)]


def test_what_is_worse_than_all_before_it_is_a_new_incident_once_all_was_clear() -> None:
    before, after = all_of(fires(0, "disk"), clears(10, "disk"), fires(20))

    assert (before.status, after.status, after.previous) == ("resolved", "open", before.id)


def test_what_is_as_bad_as_what_was_before_reopens() -> None:
    assert one(fires(0, "disk"), fires(1), clears(5), clears(10, "disk"), fires(20)).reopened == 1


def test_what_is_muted_does_not_reopen() -> None:
    assert one(fires(0), clears(1), fires(2, muted=True)).status == "resolved"


def test_the_end_of_an_incident_is_said_in_a_snooze_as_well() -> None:
    found = one(fires(0), clears(1, muted=True))

    assert found.status == "resolved"
    assert thread(found) == [("resolved", 1)]


# ---------------------------------------------------------------------------------------------- acknowledged, snoozed


def test_an_acknowledged_incident_says_by_whom_and_is_not_said_again() -> None:
    found = one(fires(0), acks(2))

    assert (found.status, found.acked_by, found.acked_at) == ("acked", "U1", minute(2))
    assert thread(found, remind=REMIND) == [("acked", 2)]


def test_a_second_click_of_the_same_person_is_no_second_line() -> None:
    assert thread(one(fires(0), acks(2), acks(3), acks(4, "U2"))) == [("acked", 2), ("acked", 4)]
    snoozed = one(fires(0), snoozes(2, 60), snoozes(3, 60), snoozes(4, 90))
    assert thread(snoozed) == [("snoozed", 2), ("snoozed", 4), ("snooze-over", 90)]


def test_the_end_of_a_snooze_is_said_when_something_still_fires() -> None:
    snoozed = (fires(0), snoozes(5, 35))

    assert thread(one(*snoozed), now=34) == [("snoozed", 5)]
    assert thread(one(*snoozed), now=35) == [("snoozed", 5), ("snooze-over", 35)]
    assert thread(one(*snoozed, clears(30))) == [("snoozed", 5), ("resolved", 30)]
    assert thread(one(*snoozed, acks(30))) == [("snoozed", 5), ("acked", 30)]


def test_a_failure_can_be_acknowledged() -> None:
    assert one(fails(0), acks(2)).status == "acked"


def test_a_new_part_after_an_acknowledgement_makes_it_open_again() -> None:
    found = one(fires(0), acks(2), fires(3, "errors"))

    assert (found.status, found.acked_by) == ("open", "U1")


def test_a_part_that_was_there_before_does_not() -> None:
    assert one(fires(0), fires(1, "errors"), acks(2), clears(3, "errors"), fires(9, "errors")).status == "acked"


def test_a_worse_severity_after_an_acknowledgement_makes_it_open_again() -> None:
    worse = Labels({**fires(0).labels.values, "severity": "critical"})

    found = one(fires(0, "errors"), acks(2), fires(3, "errors", labels=worse))

    assert (found.status, found.severity) == ("open", "critical")
    assert thread(found) == [("acked", 2), ("worsened", 3)]


def test_reopening_cancels_an_acknowledgement() -> None:
    found = one(fires(0), acks(2), clears(3), fires(4))

    assert (found.status, found.acked_by, found.acked_at) == ("open", "", None)


def test_a_snooze_lasts_until_its_end() -> None:
    history = (fires(0), snoozes(2, 60))

    assert [one(*history, now=now).status for now in (59, 60)] == ["snoozed", "open"]
    assert one(*history).snoozed_until == minute(60)


def test_after_a_snooze_an_acknowledgement_still_counts() -> None:
    assert one(fires(0), acks(1), snoozes(2, 60)).status == "acked"


def test_a_click_belongs_to_the_incident_that_was_open_then_or_to_the_last_before() -> None:
    first, second = all_of(fires(0), clears(10), acks(20, "U1"), fires(60), acks(61, "U2"))

    assert (first.status, first.acked_by, second.status, second.acked_by) == ("resolved", "U1", "acked", "U2")


def test_a_click_belongs_to_a_failure_that_is_open_before_an_alarm_that_is_not() -> None:
    first, second = all_of(fails(0), fires(60), clears(61), acks(62))

    assert (first.status, second.status, second.acked_by) == ("acked", "resolved", "")


# ---------------------------------------------------------------------------------------------- reminders


def test_a_critical_incident_that_nobody_attends_to_is_said_again_when_due() -> None:
    found = one(fires(0))

    assert thread(found, now=14, remind=REMIND) == []
    assert thread(found, now=60, remind=REMIND) == [("reminder", 15), ("reminder", 60)]
    assert [line.number for line in thread_lines(found, REMIND, minute(60))] == [1, 2]


@pytest.mark.parametrize(
    "history",
    [
        (fires(0, "errors"),),
        (fires(0), clears(10)),
        (fires(0), acks(10)),
        (fires(0), snoozes(10, 1000)),
        (fires(0), closes(10, "*")),
    ],
    ids=["not critical", "cleared", "acknowledged", "snoozed", "gone"],
)
def test_no_reminder_is_due_when_it_matters_less(history: tuple[Notice, ...]) -> None:
    assert "reminder" not in {about for about, _ in thread(one(*history), remind=REMIND)}


def test_a_reminder_is_judged_by_what_was_then() -> None:
    assert thread(one(fires(0), acks(20)), remind=REMIND) == [("reminder", 15), ("acked", 20)]


def test_reminders_begin_anew_after_a_snooze() -> None:
    assert thread(one(fires(0), snoozes(5, 30)), remind=REMIND) == [
        ("snoozed", 5),
        ("snooze-over", 30),
        ("reminder", 45),
        ("reminder", 90),
    ]


def test_reminders_count_from_the_critical_that_nobody_acknowledged() -> None:
    worsens = one(fires(0, "errors"), fires(90))
    reopens = one(fires(0), clears(65), fires(81))
    again = one(fires(0), acks(2), clears(6), fires(12))

    assert thread(worsens, remind=REMIND) == [("worsened", 90), ("reminder", 105), ("reminder", 150)]
    assert [at for about, at in thread(reopens, remind=REMIND) if about == "reminder"] == [15, 60, 96, 141]
    assert [at for about, at in thread(again, remind=REMIND) if about == "reminder"] == [27, 72]


def test_what_joins_while_nobody_attends_to_it_puts_no_reminder_off() -> None:
    joined = one(fires(0), *(fires(10 * n, f"latency-{n}", labels=fires(0).labels) for n in range(1, 6)))

    assert [at for about, at in thread(joined, remind=REMIND) if about == "reminder"] == [15, 60]


def test_a_reminder_says_how_long_nobody_acknowledged_what_is_wrong() -> None:
    found = thread_lines(one(fires(0, "errors"), fires(90)), REMIND, minute(200))

    assert [line.waited for line in found if line.about == "reminder"] == list(REMIND)


# ---------------------------------------------------------------------------------------------- flapping


FLAPPING = (fires(0), clears(2), fires(4), clears(6), fires(8), clears(10))


def test_flapping_is_said_once_and_then_nothing_but_the_end_that_lasts() -> None:
    found = one(*FLAPPING)

    assert thread(found) == [("resolved", 2), ("reopened", 4), ("flapping", 6), ("resolved", 25)]
    assert (found.status, found.reopened, found.parts[0].changes) == ("resolved", 2, 6)


def test_a_flapping_incident_is_not_settled_before_it_was_quiet_for_a_quarter_of_an_hour() -> None:
    states = [one(*FLAPPING, now=now) for now in (24.9, 25)]

    assert [(each.parts[0].flapping, each.is_settled) for each in states] == [(True, False), (False, True)]
    assert [thread(each, now)[-1] for each, now in zip(states, (24.9, 25), strict=True)] == [
        ("flapping", 6),
        ("resolved", 25),
    ]


def test_after_a_quiet_time_an_alarm_speaks_again_and_may_flap_again() -> None:
    more = tuple(replace(each, key=each.key + "'", at=each.at + timedelta(minutes=30)) for each in FLAPPING)

    found = one(*FLAPPING, *more)

    assert thread(found)[4:] == [
        ("reopened", 30),
        ("resolved", 32),
        ("reopened", 34),
        ("flapping", 36),
        ("resolved", 55),
    ]


def test_other_alarms_are_told_while_one_flaps() -> None:
    assert ("worsened", 9) in thread(
        one(
            fires(0, "errors"),
            clears(1, "errors"),
            fires(2, "errors"),
            clears(3, "errors"),
            fires(8, "errors"),
            fires(9),
        )
    )


def test_an_acknowledgement_survives_flapping() -> None:
    assert one(*FLAPPING, acks(10.5), fires(11)).status == "acked"


def test_after_exactly_a_quarter_of_an_hour_it_speaks_again() -> None:
    assert thread(one(*FLAPPING, fires(25)))[-2:] == [("resolved", 25), ("reopened", 25)]
    assert thread(one(*FLAPPING, fires(24.9)), now=39.8)[-1] == ("flapping", 6)


def test_what_flaps_and_ends_firing_is_said_to_fire_once_it_is_steady() -> None:
    found = one(*FLAPPING, fires(12))

    assert thread(found, now=26.9)[-1] == ("flapping", 6)
    assert thread(found, now=27)[-1] == ("settled", 27)


def test_what_flaps_and_ends_while_another_fires_is_said_to_be_cleared() -> None:
    assert thread(one(*FLAPPING, fires(11, "errors")))[-1] == ("cleared", 25)


def test_four_changes_in_exactly_45_minutes_are_flapping() -> None:
    assert thread(one(fires(0), clears(15), fires(30), clears(45)))[2:] == [("flapping", 45), ("resolved", 60)]


def test_a_change_every_twelve_minutes_is_flapping() -> None:
    found = one(*(said(12 * n, "cleared" if n % 2 else "firing") for n in range(20)))

    assert [about for about, _ in thread(found)] == ["resolved", "reopened", "flapping", "resolved"]


def test_a_slow_alternation_is_no_flapping() -> None:
    found = one(fires(0), clears(16), fires(32), clears(48), fires(64))

    assert {about for about, _ in thread(found)} == {"resolved", "reopened"}


# ---------------------------------------------------------------------------------------------- parts


def test_the_time_that_an_alarm_fired_is_added_up() -> None:
    assert one(fires(0), clears(5), fires(10), fires(14)).parts[0].spent == timedelta(minutes=9)


@pytest.mark.parametrize(
    ("values", "limit", "worst"),
    [((3, 5, 4), 2, 5), ((3, 1, 2), 9, 1), ((3, 5, 4), None, 5), ((None, 4), 2, 4), ((None, None), 2, None)],
)
def test_the_peak_is_the_value_furthest_beyond_the_limit(
    values: tuple[float | None, ...], limit: float | None, worst: float | None
) -> None:
    history = [fires(n, value=value, limit=limit) for n, value in enumerate(values)]

    peak = one(*history, clears(99, value=-1, limit=limit), now=99).parts[0].peak

    assert peak.value == worst


# ---------------------------------------------------------------------------------------------- late arrivals


def test_an_older_notice_that_arrives_late_changes_the_id_and_keeps_the_anchor() -> None:
    posted = one(fires(5))

    found = one(fires(5), fires(0, "errors"))

    assert found.id != posted.id
    assert found.anchors == (found.id, posted.id)


def test_a_late_notice_may_make_one_incident_of_two() -> None:
    history = (fires(0), clears(10), fires(60))
    posted = all_of(*history)

    found = one(*history, fires(35, "errors"))

    assert {each.id for each in posted} < set(found.anchors)


def test_a_late_notice_may_make_two_incidents_of_one() -> None:
    posted = one(fires(0), clears(100))

    first, second = all_of(fires(0), clears(100), clears(1, key="late"), fires(99))

    assert (posted.id, second.previous) == (first.id, first.id)


# ---------------------------------------------------------------------------------------------- every history


@st.composite
def some_notice(draw: st.DrawFn) -> Notice:
    slot = 5 * draw(st.integers(0, 24))
    state: State = draw(st.sampled_from(["firing", "firing", "cleared", "cleared", "failed", "closed", "succeeded"]))
    if draw(st.integers(0, 5)) == 0:
        click = acks(slot, draw(st.sampled_from(["U1", "U2"])))
        return click if draw(st.booleans()) else snoozes(slot, slot + draw(st.integers(0, 90)))
    part = draw(st.sampled_from(["latency", "errors", "disk"]))
    if state == "closed" and draw(st.booleans()):
        part = "*"
    # An event may come again with another time, or muted by then.
    at = minute(slot + draw(st.sampled_from([0, 0, 0, 0, 2])))
    value = draw(st.sampled_from([None, 1.0, 2.0, 3.0]))
    return said(slot, state, part, at=at, muted=draw(st.integers(0, 5)) == 0, value=value, limit=2.0)


HISTORIES = st.lists(some_notice(), max_size=30)
AT_LEISURE = settings(deadline=None)
LOG = Evidence(log=("Killed",))


def told(notices: Iterable[Notice], now: float) -> list[tuple[Incident, tuple[ThreadLine, ...]]]:
    """Return all incidents with their lines; every failure has a log."""
    listed = list(notices)
    evidence = {notice.key: LOG for notice in listed if notice.state == "failed"}
    found = incidents("default", listed, evidence, minute(now))
    return [(each, thread_lines(each, REMIND, minute(now))) for each in found]


@AT_LEISURE
@given(HISTORIES, st.data(), st.integers(0, 200))
def test_neither_order_nor_repetition_changes_anything(history: list[Notice], data: st.DataObject, now: int) -> None:
    again = data.draw(st.lists(st.sampled_from(history), max_size=10)) if history else []
    late = [replace(notice, at=notice.at + timedelta(minutes=2), reason="again") for notice in again]
    same = [replace(notice, reason="again") for notice in again]
    known = history + same

    shuffled = data.draw(st.permutations(known + late))

    assert told(shuffled, now) == told(known, now)


@AT_LEISURE
@given(HISTORIES, st.data())
def test_it_does_not_matter_in_which_batches_notices_are_kept(history: list[Notice], data: st.DataObject) -> None:
    cuts = sorted(data.draw(st.lists(st.integers(0, len(history)), max_size=4)))
    stored: tuple[Notice, ...] = ()

    for start, end in zip([0, *cuts], [*cuts, len(history)], strict=True):
        stored = retained((*stored, *history[start:end]))

    assert stored == retained(history)
    assert told(stored, 100) == told(history, 100)


@AT_LEISURE
@given(HISTORIES, st.integers(0, 122), st.integers(0, 100))
def test_what_happens_later_never_takes_back_a_line_or_an_id(history: list[Notice], now: int, later: int) -> None:
    known = [notice for notice in history if notice.at <= minute(now)]
    # A repetition with an earlier time is news of then.
    keys = {notice.key for notice in known}
    more = [notice for notice in history if notice.at > minute(now) or notice.key not in keys]

    before, after = dict_of(told(known, now)), dict_of(told([*known, *more], now + later))

    assert before.keys() <= after.keys()
    assert all(said <= after[name] for name, said in before.items())


def dict_of(found: list[tuple[Incident, tuple[ThreadLine, ...]]]) -> dict[str, set[tuple[str, datetime]]]:
    return {incident.id: {(line.key, line.at) for line in said} for incident, said in found}


@AT_LEISURE
@given(HISTORIES, HISTORIES)
def test_whatever_arrives_late_every_id_ever_given_leads_to_one_incident(
    history: list[Notice], late: list[Notice]
) -> None:
    before = incidents("default", [each for each in history if not each.muted], {}, minute(100))

    after = incidents("default", [each for each in (*history, *late) if not each.muted], {}, minute(100))

    for posted in before:
        assert len([each for each in after if posted.id in each.anchors]) == 1


@AT_LEISURE
@given(HISTORIES, st.integers(0, 200))
def test_every_incident_is_consistent(history: list[Notice], now: int) -> None:
    for incident, said_of_it in told(history, now):
        opening = {n.key for n in incident.notices if n.state in ("firing", "failed", "succeeded") and not n.muted}

        assert incident.id == incident.anchors[0]
        assert len(incident.anchors) == len(opening)
        assert incident.is_open == (incident.ended is None)
        assert incident.opened <= (incident.ended or incident.opened)
        assert len({line.key for line in said_of_it}) == len(said_of_it)
        assert [line.at for line in said_of_it] == sorted(line.at for line in said_of_it)
        assert not any(line.notice.muted for line in said_of_it if line.about in ("joined", "worsened", "reopened"))
        assert all(line.notice.at <= line.at for line in said_of_it)


@AT_LEISURE
@given(HISTORIES)
def test_the_end_of_the_resource_leaves_nothing_open(history: list[Notice]) -> None:
    gone = closes(500, "*")

    assert not any(each.is_open for each in all_of(*history, gone))


@AT_LEISURE
@given(HISTORIES)
def test_what_fires_in_the_end_is_what_was_said_last_of_each_alarm(history: list[Notice]) -> None:
    """Against the plainest model there is: of each alarm, the latest word, if nothing is muted."""
    plain = [replace(each, muted=False) for each in history if each.state in ("firing", "cleared")]
    once: dict[str, Notice] = {}
    for each in sorted(plain, key=lambda notice: notice.at, reverse=True):
        once[each.key] = each
    latest = {each.part: each for each in sorted(once.values(), key=lambda notice: (notice.at, notice.key))}

    found = all_of(*plain)

    assert firing(found) == {part for part, each in latest.items() if each.state == "firing"}


# ---------------------------------------------------------------------------------------------- what is kept


def test_a_reason_is_cut() -> None:
    assert retained([fires(0, reason="x" * 5000)])[0].reason == "x" * LONGEST_REASON


def test_noise_is_kept_since_what_it_ends_may_still_arrive() -> None:
    assert retained([clears(5)]) == (clears(5),)


def test_whole_incidents_go_when_they_are_old_or_too_many() -> None:
    day = 24 * 60
    old, newer, newest = (fires(0), clears(5)), (fires(20 * day), clears(20 * day + 5)), (fires(31 * day),)

    assert retained([*old, *newer, *newest]) == (*newer, *newest)
    assert retained([*newer, *newest], most=2) == newest


def test_what_still_fires_is_kept_at_any_age() -> None:
    day = 24 * 60
    well = said(90 * day, "succeeded", "job")

    assert retained([fires(0), well]) == (fires(0), well)
    assert retained([fires(0), clears(5), well]) == (well,)


def test_of_an_incident_that_is_too_long_the_middle_goes() -> None:
    long = [said(n, "cleared" if n % 2 else "firing", "errors") for n in range(2, 500)]
    history = [fires(0), fires(1, "disk"), *long]

    stored = retained(history)

    assert len(stored) == MOST_NOTICES
    assert stored[:3] == (fires(0, until=minute(499)), fires(1, "disk"), long[0])
    assert stored[3:] == tuple(long[-(MOST_NOTICES - 3) :])
    assert one(*stored).id == one(*history).id


def test_the_end_of_what_opened_a_long_incident_is_kept() -> None:
    long = [said(n, "cleared" if n % 2 else "firing", "errors") for n in range(2, 500)]

    assert one(*retained([fires(0), clears(1.5), *long])).status == "resolved"


def test_a_tuning_job_that_fails_for_days_stays_one_incident() -> None:
    trials = [fails(5 * n, f"trial-{n}") for n in range(500)]
    stored: tuple[Notice, ...] = ()

    for start in range(0, 500, 25):
        stored = retained((*stored, *trials[start : start + 25]))

    assert (one(*stored).id, len(one(*stored).parts)) == (one(*trials).id, MOST_NOTICES)
    assert retained((trials[0], *stored)) == retained((*stored, trials[0])) == stored


def test_the_end_of_what_opened_an_incident_with_too_many_parts_is_kept() -> None:
    trials = [fails(n, f"trial-{n}") for n in range(2, 500)]

    assert firing(all_of(*retained([fires(0), clears(1), *trials]))) == set()


def test_who_attends_to_a_long_incident_is_kept() -> None:
    long = [said(n, "cleared" if n % 2 else "firing", "errors") for n in range(2, 500)]
    history = [fires(0), fires(0.5, "errors"), acks(1), *long]

    assert (one(*retained(history)).status, one(*retained(history)).acked_by) == ("acked", "U1")


def test_a_long_incident_says_nothing_again_as_its_middle_goes() -> None:
    long = [said(n, "cleared" if n % 2 else "firing", "errors") for n in range(2, 500)]
    stored = retained([fires(0), *long[:250]])
    keys = {line.key for line in thread_lines(one(*stored), (), stored[-1].at)}

    for start in range(250, len(long), 7):
        stored = retained((*stored, *long[start : start + 7]))
        keys |= {line.key for line in thread_lines(one(*stored), (), stored[-1].at)}

    assert keys == {line.key for line in thread_lines(one(fires(0), *long), (), long[-1].at)}


@AT_LEISURE
@given(HISTORIES, st.data(), st.integers(2, 12))
def test_keeping_is_a_matter_of_the_set_and_of_once(history: list[Notice], data: st.DataObject, most: int) -> None:
    stored = retained(history, most)

    assert retained(data.draw(st.permutations(history)), most) == stored
    assert len(stored) <= most


@AT_LEISURE
@given(HISTORIES)
def test_what_is_kept_tells_of_the_newest_incidents_as_before(history: list[Notice]) -> None:
    stored = retained(history, 12)

    before = {each.id: replace(each, previous="") for each in all_of(*history)}
    after = [replace(each, previous="") for each in all_of(*stored)]
    if all(len(each.notices) <= 12 for each in before.values()):
        assert all(before[each.id] == each for each in after)


@AT_LEISURE
@given(st.lists(some_notice(), min_size=12, max_size=30), st.integers(13, 16))
def test_however_little_room_there_is_the_last_incident_stays_what_it_is(history: list[Notice], most: int) -> None:
    loud = retained(replace(each, muted=False) for each in history if each.state != "succeeded")
    stored: tuple[Notice, ...] = ()

    for number, notice in enumerate(loud, start=1):
        stored = retained((*stored, notice), most)

        everything, remembered = all_of(*loud[:number])[-1:], all_of(*stored)[-1:]
        assert [identity(each) for each in remembered] == [identity(each) for each in everything]


def identity(incident: Incident) -> tuple[Any, ...]:
    return incident.id, incident.is_open, incident.ended, firing([incident])


@AT_LEISURE
@given(HISTORIES)
def test_what_fires_is_kept_however_little_room_there_is(history: list[Notice]) -> None:
    loud = [replace(each, muted=False) for each in history]

    before, after = firing(all_of(*loud)), firing(all_of(*retained(loud, 6)))

    assert after == before


def firing(found: Iterable[Incident]) -> set[str]:
    return {part.last.part for each in found for part in each.parts if part.firing}


# ---------------------------------------------------------------------------------------------- late ends


def test_an_end_that_is_heard_of_late_comes_just_after_what_was_told_to_join() -> None:
    known = (fires(25, "disk"), fires(38))

    found = one(*known, dated(known, clears(37, "disk")))

    assert thread(found)[0] == ("worsened", 38)
    assert found.parts[1].last.at - minute(38) == timedelta(microseconds=1)


def test_an_end_that_is_heard_of_late_never_passes_the_next_change_of_its_own_part() -> None:
    known = (fires(0), fires(5, "disk"), fires(8), fires(20, "errors"))

    assert dated(known, clears(7)) == clears(7)
    assert dated(known, clears(3)).at < minute(8)


@pytest.mark.parametrize("notice", [fires(5), acks(5), clears(30)])
def test_nothing_else_is_dated_otherwise(notice: Notice) -> None:
    assert dated((fires(0), fires(10, "disk")), notice) == notice


def test_what_fires_and_is_heard_of_after_a_click_is_said_to_have_come_after_it() -> None:
    known = (fires(0, "disk"), acks(9))

    late = dated(known, fires(7))

    assert minute(9) < late.at < minute(10)
    assert one(*known, late).status == "open"
    assert dated((*known, clears(8)), fires(7)) == fires(7)
