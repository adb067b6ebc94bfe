"""What was told on a route that the policy has no more goes on on another one."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from sagewatch.model import GOES_ON, Labels, Notice, Place, Ref, State
from sagewatch.policy.rules import Policy, Route
from sagewatch.receivers.receiver import Capabilities
from sagewatch.tell.context import BEHIND, Current
from sagewatch.tell.delivery import difference
from sagewatch.tell.delivery.difference import MOVED, of_stored
from sagewatch.tell.delivery.moved import holds_incident, moved, route_now
from sagewatch.tell.incident.group import incidents
from sagewatch.tell.store.timelines import Timeline

MORNING = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
LATER = MORNING + timedelta(hours=1)
SUBJECT = Ref("endpoint", "churn")
MAIL, PROGRAM = Capabilities(editable=False), Capabilities(editable=False, keyed=True)


def notice(name: str, minute: float = 0, state: State = "firing", **more: Any) -> Notice:
    labels = {"severity": "warning", "kind": "endpoint", "resource": "churn", "alarm": name}
    return Notice(
        key=f"{name}/{state}/{minute}",
        state=state,
        labels=Labels({**labels, **more.pop("labels", {})}),
        place=Place("aws", "us-east-1", "123456789012"),
        at=MORNING + timedelta(minutes=minute),
        title=name,
        subject=SUBJECT,
        part=name if state not in ("acked", "snoozed") else "",
        **more,
    )


def ids(timeline: Timeline) -> list[str]:
    return [each.id for each in incidents(timeline.route, timeline.notices, {}, LATER)]


def told(timeline: Timeline, *names: str) -> dict[str, Any]:
    """Return what a receiver was sent of the first incident of a timeline."""
    said = {"root": {"told": True}, "mark": "", "lines": {}, "parts": {"*": "open", **dict.fromkeys(names, "warning")}}
    return {"since": MORNING.isoformat(), "said": {ids(timeline)[0]: said}}


def timeline(route: str, *notices: Notice) -> Timeline:
    made = Timeline(route=route, subject=SUBJECT, notices=notices)
    return replace(made, sent={"sns:x": told(made, *(each.part for each in notices))}) if notices else made


OLD = timeline("everyone", notice("memory"))


def test_an_incident_keeps_its_id_on_another_route() -> None:
    assert ids(moved(OLD, timeline("all"))) == ids(OLD)


def test_an_incident_keeps_its_id_on_the_third_route_and_on_the_way_back() -> None:
    third = moved(moved(OLD, timeline("all")), timeline("third"))

    assert ids(third) == ids(moved(third, timeline("everyone"))) == ids(OLD)


def test_moving_again_changes_nothing() -> None:
    """A crash came between the two writes."""
    once = moved(OLD, timeline("all", notice("cpu", 5)))

    assert moved(OLD, once) == once


def test_a_click_goes_along_with_its_incident() -> None:
    click = notice("", 3, "acked", by="U0ANA", incident=ids(OLD)[0], labels={"route": "everyone"})
    old = replace(OLD, notices=(*OLD.notices, click))

    [incident] = incidents("all", moved(old, timeline("all")).notices, {}, LATER)

    assert (incident.status, incident.acked_by) == ("acked", "U0ANA")


def test_a_receiver_that_is_behind_on_either_route_is_behind() -> None:
    old = replace(OLD, sent={"sns:x": {**OLD.sent["sns:x"], BEHIND: True}})

    assert moved(old, timeline("all", notice("cpu", 5))).sent["sns:x"][BEHIND] is True


def test_who_was_told_of_both_by_mail_is_told_nothing_again() -> None:
    both = moved(OLD, timeline("all", notice("cpu", 5)))
    sent, _ = of_stored(both.sent["sns:x"], (), LATER)
    together = incidents("all", both.notices, {}, LATER)

    [known] = difference.by_present_id(sent, together, MAIL).values()

    assert known.parts == {"*": "open", "memory": "warning", "cpu": "warning"}
    assert list(difference.superseded(sent, together, MAIL, LATER)) == []


def test_who_keeps_incidents_by_their_ids_is_told_that_one_goes_on_in_the_other() -> None:
    both = moved(OLD, timeline("all", notice("cpu", 5)))
    sent, _ = of_stored(both.sent["sns:x"], (), LATER)

    [(id_, over, line)] = difference.superseded(sent, incidents("all", both.notices, {}, LATER), PROGRAM, LATER)

    assert (id_, over.id, over.status, over.ended) == (ids(OLD)[0], ids(OLD)[0], "closed", LATER)
    assert (line.about, line.notice.part, line.notice.reason) == ("closed", "memory", GOES_ON)


def test_what_came_on_both_routes_is_found_by_both_ids() -> None:
    new = timeline("all", *OLD.notices)
    both = moved(OLD, new)

    assert set(both.sent["sns:x"]["said"]) == {ids(new)[0], f"{ids(new)[0]}{MOVED}"}
    assert (
        len(
            list(
                difference.merged(
                    of_stored(both.sent["sns:x"], (), LATER)[0],
                    incidents("all", both.notices, {}, LATER),
                    Capabilities(editable=True),
                )
            )
        )
        == 1
    )


def test_an_incident_is_held_by_the_id_and_by_the_key_that_somebody_knows() -> None:
    assert holds_incident(OLD, ids(OLD)[0])
    assert not holds_incident(OLD, "inc_0000000000000000")


def test_the_route_now_is_the_first_that_tells_anybody() -> None:
    policy = Policy(routes=(Route(name="quiet", match={"alarm": "memory"}, drop=True), Route(name="all", slack="C0")))
    current = Current(timeline("everyone", notice("cpu"), notice("memory", 5)), LATER)

    found = route_now(policy, current)

    assert found is not None
    assert found.name == "all"


def test_what_nobody_is_to_be_told_of_any_more_stays_where_it_is() -> None:
    policy = Policy(routes=(Route(name="quiet", drop=True),))

    assert route_now(policy, Current(OLD, LATER)) is None
