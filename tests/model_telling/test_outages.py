"""Incidents that open together, through the functions: who waits, what is told of them together, and what alone."""

from __future__ import annotations

import pytest

from benchmarks.outages import measured
from tests.model_telling.clock import START
from tests.model_telling.judge import verdict
from tests.model_telling.receivers import Message
from tests.model_telling.world import EVERY_RECEIVER, World, world

FLEET = tuple(f"fleet-{number}" for number in range(8))


def storm(here: World, *resources: str) -> None:
    for resource in resources:
        here.goes("ALARM", resource=resource)


def roots(here: World) -> list[Message]:
    return here.slack.channel("C0ALL")


def mails(here: World) -> list[str]:
    return [each.subject for each in here.topics.of("alerts")]


def seconds(message: Message) -> float:
    return message.at - START.timestamp()


def test_what_opens_together_is_one_message_one_page_and_one_mail_after_the_first() -> None:
    with world() as here:
        storm(here, *FLEET)
        here.until(3)

        [outage] = roots(here)
        assert outage.text == ":red_circle: *8 endpoints* in alarm since 09:00 UTC: model latency · CRITICAL"
        assert seconds(outage) <= 45
        assert [each.summary for each in here.pager.open()] == [
            "8 endpoints in alarm since 09:00 UTC: model latency · CRITICAL"
        ]
        assert mails(here) == [
            "[CRITICAL] fleet-0 · model latency 1.84 s (limit 1.00 s)",
            "[CRITICAL] 8 endpoints in alarm since 09:00 UTC: model latency",
        ]
        assert verdict(here) == []


def test_a_team_of_five_endpoints_hears_of_each_at_once() -> None:
    with world() as here:
        storm(here, *FLEET[:5])
        here.until(0.3)

        assert len(roots(here)) == 5
        assert verdict(here) == []


def test_the_first_five_are_told_at_once_and_become_one_outage_with_the_sixth() -> None:
    with world() as here:
        for number, resource in enumerate(FLEET[:6]):
            here.until(number / 20)
            storm(here, resource)
        here.until(0.5)
        before = [each.text.partition("*")[2].partition("*")[0] for each in roots(here)]
        here.until(2)

        assert before == list(FLEET[:5])
        [outage] = roots(here)
        assert outage.text == ":red_circle: *6 endpoints* in alarm since 09:00 UTC: model latency · CRITICAL"
        assert len(mails(here)) == 6
        assert verdict(here) == []


def test_who_shares_nothing_with_an_outage_is_told_alone_after_half_a_minute() -> None:
    rows = ("latency-p99", "latency-p99", "latency-p99", "memory", "cpu", "disk")
    with world() as here:
        for number, (resource, row) in enumerate(zip(FLEET, rows, strict=False)):
            here.until(number / 30)
            here.goes("ALARM", row, resource)
        here.until(1.5)

        shown = {each.text.partition("*")[2].partition("*")[0]: seconds(each) for each in roots(here)}
        assert shown.keys() == {"3 endpoints", *FLEET[3:6]}
        assert shown[FLEET[5]] - 10 <= 45
        assert verdict(here) == []


def test_what_waits_is_told_by_the_clock_although_the_message_to_wake_it_is_lost() -> None:
    with world() as here:
        storm(here, *FLEET)
        here.until(0.3)
        lost = [number for number, each in here.queue.items() if "Sagewatch Outage" in each.body]
        for number in lost:
            del here.queue[number]
        here.until(7)

        assert len(lost) == 1
        [outage] = roots(here)
        assert outage.text.startswith(":red_circle: *8 endpoints* in alarm since 09:00 UTC")
        assert verdict(here) == []


def test_who_fires_alone_is_told_at_once_and_with_one_call_more() -> None:
    trails = []
    for routes in (EVERY_RECEIVER, EVERY_RECEIVER.rstrip() + "\n    group_wait: 0s\n"):
        with world(routes=routes) as here:
            here.goes("ALARM")
            here.until(0.2)
            trails.append(here.trail)
            assert seconds(roots(here)[0]) < 3

    assert len(trails[0]) == len(trails[1]) + 1


def test_an_outage_is_resolved_once_all_of_its_members_are() -> None:
    with world() as here:
        storm(here, *FLEET)
        here.until(3)
        for resource in FLEET:
            here.goes("OK", resource=resource)
        here.until(10)

        [outage] = roots(here)
        assert outage.text.startswith(":large_green_circle: *8 endpoints* were in alarm")
        assert mails(here)[2:] == ["[RESOLVED] Resolved: all 8 endpoints, after 3 min"]
        assert here.pager.open() == []


def test_a_member_that_joins_later_and_one_that_ended_are_shown_by_an_edit_and_one_mail() -> None:
    with world() as here:
        storm(here, *FLEET[:7])
        here.until(3)
        here.goes("OK", resource=FLEET[1])
        storm(here, FLEET[7])
        here.until(8)

        [outage] = roots(here)
        assert outage.text.startswith(":red_circle: *7 endpoints* in alarm")
        assert mails(here)[2:] == ["[CRITICAL] Now 7 endpoints in alarm, 1 ended"]
        assert verdict(here) == []


def test_one_member_is_acknowledged_by_itself_and_then_all_of_them() -> None:
    with world() as here:
        storm(here, *FLEET)
        here.until(3)
        [outage] = roots(here)

        assert here.clicks_on(outage, "ack-one", option=2)
        here.until(5)
        one = outage.everything.count(", acknowledged")
        assert here.clicks_on(outage, "ack")
        here.until(6)

        assert one == 1
        assert outage.text.endswith("CRITICAL, acknowledged")
        assert "ack" not in outage.controls()
        assert {each.status for each in here.pager.open()} == {"acknowledged"}


def test_a_snooze_of_an_outage_mutes_all_of_its_alarms() -> None:
    with world() as here:
        storm(here, *FLEET)
        here.until(3)

        assert here.clicks_on(roots(here)[0], "snooze", option=1)
        here.until(5)

        muted = {alarm for rule in here.cloud.put for alarm in rule.alarms}
        assert muted == {each.name for each in here.cloud.alarms.values()}


def test_two_symptoms_at_once_are_two_outages() -> None:
    with world() as here:
        storm(here, *FLEET[:4])
        for resource in FLEET[4:]:
            here.goes("ALARM", "memory", resource)
        here.until(3)

        assert sorted(each.text.partition(": *")[2] for each in roots(here)) == [
            "4 endpoints* in alarm since 09:00 UTC: memory use · WARNING",
            "4 endpoints* in alarm since 09:00 UTC: model latency · CRITICAL",
        ]
        assert verdict(here) == []


def test_the_headline_speaks_of_what_most_members_have_though_one_has_something_worse() -> None:
    with world() as here:
        for resource in FLEET:
            here.goes("ALARM", "memory", resource)
        here.goes("ALARM", resource=FLEET[3])
        here.until(3)

        [outage] = roots(here)
        assert outage.text.endswith("*8 endpoints* in alarm since 09:00 UTC: memory use and others · CRITICAL")
        assert outage.everything.count("What to do:") == 1
        assert '"• fleet-3 · model latency 1.84 s (limit 1.00 s) · CRITICAL' in outage.everything
        assert verdict(here) == []


def test_an_outage_goes_on_in_the_same_message_when_its_route_gets_another_name() -> None:
    with world() as here:
        storm(here, *FLEET)
        here.until(3)
        [before], told = roots(here), mails(here)
        here.policy(EVERY_RECEIVER.replace("name: everyone", "name: all-of-us"))
        here.until(12)
        assert here.clicks_on(before, "ack-one", option=0)
        here.goes("OK", resource=FLEET[1])
        here.until(20)

        assert [each.text for each in roots(here)] == [before.text]
        assert before.text.startswith(":red_circle: *7 endpoints* in alarm since 09:00 UTC")
        assert before.everything.count(", acknowledged") == 1
        assert mails(here) == [*told, "[CRITICAL] 1 of 8 have ended, 7 endpoints in alarm"]
        assert verdict(here) == []


@pytest.mark.parametrize("receiver", ["slack.chat.postMessage", "pagerduty", "webhook", "sns.Publish"])
def test_a_receiver_that_fails_when_the_outage_is_told_hears_of_all_members_later(receiver: str) -> None:
    with world() as here:
        storm(here, *FLEET)
        here.until(0.4)
        here.breaks(receiver, "throttled" if receiver.startswith("sns") else "500")
        here.until(20)

        here.rests(quiet=3)

        assert verdict(here) == []


def test_a_member_whose_message_to_wake_the_group_was_refused_is_told_by_the_clock() -> None:
    with world() as here:
        here.breaks("sqs.SendMessage", "denied")
        storm(here, *FLEET)
        here.until(11)

        assert len(roots(here)) == 1
        assert verdict(here) == []


@pytest.mark.parametrize("webhook", [False, True], ids=["bot", "webhook"])
def test_a_storm_is_few_messages_that_list_everybody_soon(webhook: bool) -> None:
    """`benchmarks/outages.py` plays larger ones."""
    found = measured(40, 2, 5.0, webhook=webhook)

    assert (found.posts <= 3, found.mails <= 3, found.refused <= 20) == (True, True, True), found
    assert (found.first <= 45, found.listed <= 120, found.dead, found.open_at_end) == (True, True, 0, 0), found
