"""Histories that were told wrongly once, each by its name; all of them go through the functions."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator

import pytest

from tests.model_telling.clock import START
from tests.model_telling.cloud import ACCOUNT, REGION, whole
from tests.model_telling.judge import chat, told_open, verdict
from tests.model_telling.receivers import Mail
from tests.model_telling.world import EVERY_RECEIVER, FRAUD, TICK, TOKEN, TOPICS, World, world

SLACK_ONLY = "\n  - {name: everyone, slack: C0ALL}\n"
NAGGING = f"""
  - name: everyone
    slack: C0ALL
    sns: default
    remind: [15min, 1h]
    mention: {{critical: "<!here>"}}
    escalate: "{TOPICS}on-call"
"""


@pytest.fixture
def play() -> Iterator[Callable[..., World]]:
    """Return what makes the world; one for each test."""
    made = []

    def start(routes: str = EVERY_RECEIVER, **given: object) -> World:
        context = world(routes=routes, **given)
        made.append(context)
        return context.__enter__()

    yield start
    for each in made:
        each.__exit__(None, None, None)


type Play = Callable[..., World]


def mails(here: World, topic: str = "alerts") -> list[str]:
    return [each.subject for each in here.topics.of(topic)]


def news(here: World, since: float, channel: str = "C0ALL") -> list[str]:
    """Return what people of a channel were called by since a minute."""
    begin = 60 * since + START.timestamp()
    return [each.text for each in here.slack.notified(channel) if each.at >= begin]


def is_open(here: World, resource: str = "churn", channel: str = "C0ALL") -> bool:
    return any(each.is_open for each in here.slack.channel(channel) if resource in each.text)


# ------------------------------------------------------------------------------------------------- what is kept owed
def test_an_end_that_the_clock_found_while_slack_stumbled_is_shown_later(play: Play) -> None:
    here = play(SLACK_ONLY)
    here.goes("ALARM")
    here.until(12)
    here.goes("OK", event="lost")
    here.breaks("slack.chat.update", "500", 1)

    here.until(60)

    assert not is_open(here)


def test_what_ended_while_pagerduty_was_down_for_hours_is_resolved_there(play: Play) -> None:
    here = play()
    here.goes("ALARM")
    here.until(10)
    here.breaks("pagerduty", "500")
    here.goes("OK")
    here.until(300)

    here.rests()

    assert here.pager.open() == []


@pytest.mark.parametrize("broken", ["slack", "sns.Publish:alerts", "sns.Publish:amazon-q", "pagerduty", "webhook"])
def test_what_began_and_ended_while_somebody_was_down_reaches_them_afterwards(play: Play, broken: str) -> None:
    here = play()
    here.breaks(broken, "denied" if broken.startswith("sns") else "500")
    here.goes("ALARM")
    here.until(60)
    here.goes("OK")
    here.until(120)

    here.rests()

    assert [each.text for each in here.slack.channel("C0ALL")]
    assert told_open(here.topics.of("alerts"), "churn") == {"latency-p99": False}
    assert told_open([chat(each) for each in here.topics.of("amazon-q")], "churn") == {"latency-p99": False}
    # Nobody is called for what is over.
    assert [each.status for each in here.pager.pages] == ([] if broken == "pagerduty" else ["resolved"])
    assert [each["status"] for each in here.hook.incidents().values()] == ["resolved"]
    assert verdict(here) == []


def test_what_ended_while_slack_refused_the_token_turns_green_when_it_is_mended(play: Play) -> None:
    here = play()
    here.goes("ALARM")
    here.until(10)
    here.breaks("slack", "refused")
    here.goes("OK")
    here.until(30)

    here.rests()

    assert not is_open(here)


def test_what_ended_while_the_channel_was_closed_turns_green_when_it_is_open_again(play: Play) -> None:
    here = play()
    here.goes("ALARM")
    here.until(10)
    here.slack.closed["C0ALL"] = "is_archived"
    here.goes("OK")
    here.until(30)

    here.rests()

    assert not is_open(here)


def test_what_is_open_reaches_slack_when_a_revoked_token_is_mended(play: Play) -> None:
    here = play(SLACK_ONLY)
    here.slack.token = "xoxb-" + "another"
    here.goes("ALARM")
    here.until(30)

    here.slack.token = TOKEN
    here.until(60)

    assert is_open(here)


def test_an_alarm_whose_event_was_lost_is_told_by_the_clock(play: Play) -> None:
    here = play()

    here.goes("ALARM", event="lost")
    here.until(30)

    assert verdict(here) == []


def test_what_slack_confirmed_to_nobody_is_acknowledged_at_pagerduty_after_it_was_opened_there(play: Play) -> None:
    """A crash between Slack and PagerDuty, and a click before the message comes back."""
    here = play()
    here.crash_at, here.crash_after = 14, True
    here.goes("ALARM")
    here.until(1)
    here.clicks("ack")

    here.until(30)

    assert [each.status for each in here.pager.open()] == ["acknowledged"]


# ------------------------------------------------------------------------------------------------ windows and snoozes
def test_what_fires_since_a_window_is_told_when_the_window_ends(play: Play) -> None:
    here = play()
    here.window(60)
    here.until(10)
    here.goes("ALARM")
    here.until(55)
    during = is_open(here)

    here.until(75)

    assert (during, is_open(here)) == (False, True)
    assert verdict(here) == []


def test_what_fires_again_in_a_snooze_is_told_when_the_snooze_is_over(play: Play) -> None:
    here = play()
    here.goes("ALARM")
    here.until(5)
    assert here.clicks("snooze", option=1)
    here.until(15)
    here.goes("OK")
    here.until(20)
    here.goes("ALARM")

    here.rests()

    assert verdict(here) == []


def test_who_snoozed_is_called_when_it_is_over_and_still_fires(play: Play) -> None:
    here = play()
    here.goes("ALARM")
    here.until(5)
    assert here.clicks("snooze", option=1)
    here.until(10)
    heard = len(mails(here))

    here.until(300)

    assert news(here, 10)
    assert len(mails(here)) > heard


def test_a_part_that_clears_under_a_mute_while_another_fires_is_told_to_those_who_see_no_edits(play: Play) -> None:
    here = play()
    here.goes("ALARM")
    here.goes("ALARM", "memory")
    here.until(5)
    here.window(30)
    here.until(10)
    here.goes("OK", "memory")

    here.rests()

    assert verdict(here) == []


def test_what_fired_before_a_window_and_is_heard_of_in_it_is_told_when_the_window_ends(play: Play) -> None:
    """It fires again in the window, and its end before that is lost."""
    here = play()
    here.goes("ALARM")
    here.until(1)
    here.goes("ALARM", "cpu", event=10)
    here.until(8)
    here.window(60)
    here.until(9)
    here.goes("OK", "cpu", event="lost")
    here.goes("ALARM", "cpu")

    here.rests()

    assert verdict(here) == []


# ----------------------------------------------------------------------------------------------------------- disorder
def test_a_critical_that_arrives_after_a_later_warning_is_told_to_everybody(play: Play) -> None:
    here = play()
    here.goes("ALARM", event=5)
    here.until(2)
    here.goes("ALARM", "memory")

    here.until(30)

    assert verdict(here) == []


def test_an_end_that_is_heard_of_late_is_not_told_as_the_end_of_all(play: Play) -> None:
    """When the memory was well again nothing else fired; when that is heard of, the latency does."""
    here = play()
    here.goes("ALARM", "memory")
    here.until(2)
    here.goes("OK", "memory", event=5)
    here.until(4)
    here.goes("ALARM")

    here.until(30)

    assert verdict(here) == []
    assert [mail.kind for mail in here.topics.of("alerts")] == ["WARNING", "CRITICAL", "OK"]


def test_what_arrives_late_does_not_change_the_key_at_pagerduty(play: Play) -> None:
    here = play()
    here.goes("ALARM", event=5)
    here.until(2)
    here.goes("ALARM", "memory")
    here.until(10)
    here.goes("OK")
    here.goes("OK", "memory")
    here.until(30)

    assert len({each["dedup_key"] for each in here.pager.events}) == 1
    assert here.pager.open() == []


def test_what_arrives_late_does_not_begin_another_thread_in_chat(play: Play) -> None:
    here = play()
    here.goes("ALARM", event=5)
    here.until(2)
    here.goes("ALARM", "memory")
    here.until(10)
    here.goes("OK", "memory")
    here.until(20)

    assert len({json.loads(each.body)["metadata"]["threadId"] for each in here.topics.of("amazon-q")}) == 1


def test_what_arrives_late_does_not_change_the_incidents_id_at_the_webhook(play: Play) -> None:
    here = play()
    here.goes("ALARM", event=5)
    here.until(2)
    here.goes("ALARM", "memory")
    here.until(20)
    here.goes("OK", "memory")
    here.until(30)

    assert len(here.hook.incidents()) == 1


def test_an_end_that_arrives_late_is_not_the_last_word_while_it_fires_again(play: Play) -> None:
    here = play()
    here.goes("ALARM", "memory")
    here.until(20)
    here.goes("ALARM")
    here.until(22)
    here.goes("OK", event=17)
    here.until(25)
    here.goes("ALARM")

    here.until(60)

    assert told_open(here.topics.of("alerts"), "churn")["latency-p99"] is True
    assert verdict(here) == []


def test_a_beginning_that_arrives_after_its_end_is_not_told_as_firing_for_good(play: Play) -> None:
    here = play()
    here.goes("ALARM", "memory")
    here.until(5)
    here.goes("ALARM", event=10)
    here.until(7)
    here.goes("OK")

    here.until(60)

    assert told_open(here.topics.of("alerts"), "churn").get("latency-p99") is not True


def test_a_deleted_endpoint_is_not_told_as_worse_afterwards(play: Play) -> None:
    here = play()
    here.goes("ALARM", "memory")
    here.until(5)
    here.goes("ALARM", event=10)
    here.until(8)
    here.deletes("memory")
    here.deletes()

    here.until(60)

    assert verdict(here) == []


def test_two_alarms_of_one_second_are_both_told_to_everybody(play: Play) -> None:
    here = play()
    here.goes("ALARM", "memory")
    here.goes("ALARM")

    here.until(30)

    assert verdict(here) == []


def test_a_part_that_began_and_ended_in_the_second_of_another_makes_no_incident_of_its_own(play: Play) -> None:
    here = play()
    here.until(45)
    here.goes("ALARM", "latency-p99", event=2)
    here.goes("ALARM", "cpu")
    here.goes("OK", "cpu", event=20)

    here.until(90)

    assert [each.subject.partition("]")[0] for each in here.topics.of("alerts")] == ["[WARNING", "[CRITICAL", "[OK"]
    assert verdict(here) == []


def test_who_acknowledged_before_the_critical_was_heard_of_is_called_again(play: Play) -> None:
    """Its event is lost; the clock finds it after the click."""
    here = play(NAGGING.replace("sns: default", "sns: default\n    pagerduty: ssm:/pagerduty"))
    here.goes("ALARM", "memory")
    here.until(7)
    here.goes("ALARM", event="lost")
    here.until(9)
    here.clicks("ack")
    here.until(60)

    assert [(each.status, each.severity) for each in here.pager.open()] == [("acknowledged", "critical")]
    assert mails(here, "on-call") == []

    here.passes(60)

    assert mails(here, "on-call")


def test_a_critical_that_joins_what_is_acknowledged_raises_the_severity_at_pagerduty(play: Play) -> None:
    here = play()
    here.goes("ALARM", "memory")
    here.until(5)
    here.goes("ALARM")
    here.clicks("ack")

    here.until(10)

    assert [each.severity for each in here.pager.open()] == ["critical"]


# ------------------------------------------------------------------------------------------------ reminders, flapping
def test_reminders_count_from_the_critical_and_not_from_the_warning_before_it(play: Play) -> None:
    here = play(NAGGING)
    here.goes("ALARM", "memory")
    here.until(90)
    here.goes("ALARM")

    here.until(180)

    assert mails(here, "on-call")


@pytest.mark.parametrize("attended", [False, True])
def test_nobody_is_reminded_late_of_what_is_over_or_attended_to(play: Play, attended: bool) -> None:
    """The route gets its reminders while another alarm of the resource fires."""
    here = play(EVERY_RECEIVER)
    here.goes("ALARM")
    here.goes("ALARM", "cpu")
    here.until(40)
    if attended:
        here.clicks("ack")
    else:
        here.goes("OK")
    here.until(83)
    here.policy(EVERY_RECEIVER + "    remind: [15min, 1h]\n")
    here.until(200)

    assert not [each for each in here.slack.posted if "Still open" in each.text]
    assert not [each for each in mails(here) if "Still open" in each]
    assert verdict(here) == []


def test_who_was_called_because_nobody_acknowledged_hears_the_end_each_time(play: Play) -> None:
    here = play(NAGGING)
    here.goes("ALARM", "memory")
    here.goes("OK", "memory")
    here.until(45)
    for minute, state in ((45, "ALARM"), (130, "OK"), (140, "ALARM"), (230, "OK"), (240, "ALARM"), (250, "OK")):
        here.until(minute)
        here.goes(state)
    here.until(330)

    kinds = [each.kind for each in here.topics.of("on-call")]
    assert kinds == ["CRITICAL", "RESOLVED", "CRITICAL", "RESOLVED"]
    assert verdict(here) == []


def test_who_was_called_hears_the_end_of_what_is_critical_though_a_warning_goes_on(play: Play) -> None:
    here = play(NAGGING)
    here.goes("ALARM")
    here.goes("ALARM", "memory")
    here.goes("ALARM", "cpu")
    here.until(70)
    here.goes("OK", "cpu")
    here.until(75)
    here.goes("OK")
    here.until(90)

    assert [each.kind for each in here.topics.of("on-call")] == ["CRITICAL", "OK"]
    assert verdict(here) == []


def test_reminders_begin_anew_when_it_fires_again(play: Play) -> None:
    here = play(NAGGING)
    here.goes("ALARM")
    here.until(65)
    here.goes("OK")
    here.until(81)
    before = len(mails(here, "on-call"))
    here.goes("ALARM")

    here.until(240)

    assert len(mails(here, "on-call")) > before


def test_nobody_is_reminded_of_minutes_in_which_it_did_not_fire(play: Play) -> None:
    here = play(NAGGING)
    here.goes("ALARM")
    here.until(2)
    here.clicks("ack")
    here.until(6)
    here.goes("OK")
    here.until(12)
    here.goes("ALARM")

    here.until(20)

    assert not [each for each in mails(here) if "still open" in each.lower()]


def test_what_flapped_and_ends_firing_is_told_as_firing(play: Play) -> None:
    here = play()
    for minute in range(0, 18, 2):
        here.until(minute)
        here.goes("ALARM" if minute % 4 == 0 else "OK")

    here.until(200)

    last = here.topics.of("alerts")[-1]
    assert (last.kind, last.labels["state"]) != ("RESOLVED", "cleared")
    assert verdict(here) == []


def test_what_began_to_flap_after_it_was_told_as_resolved_is_told_as_resolved_again(play: Play) -> None:
    here = play()
    for minute in (1, 46, 47, 50, 57, 58):
        here.until(minute)
        here.goes("OK" if minute in (46, 50, 58) else "ALARM")

    here.until(120)

    assert [each.kind for each in here.topics.of("alerts")][-2:] == ["UNSTABLE", "RESOLVED"]
    assert verdict(here) == []


def test_what_fires_again_within_half_an_hour_calls_people(play: Play) -> None:
    here = play(SLACK_ONLY)
    here.goes("ALARM")
    here.until(10)
    here.goes("OK")
    here.until(25)
    here.goes("ALARM")

    here.until(30)

    assert news(here, 25)


def test_a_change_every_twelve_minutes_is_flapping(play: Play) -> None:
    here = play()
    for change in range(20):
        here.until(12 * change)
        here.goes("OK" if change % 2 else "ALARM")

    here.until(300)

    assert len(mails(here)) <= 10


# --------------------------------------------------------------------------------------------------- whose it is, tags
EXECUTION = f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:pipeline/churn-train/execution/"
PIPELINE = f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:pipeline/churn-train"


def fails(here: World, execution: str) -> None:
    now = whole(60 * here.minute + START.timestamp())
    named = {"pipelineArn": PIPELINE, "pipelineExecutionArn": f"{EXECUTION}{execution}"}
    here.fails("churn-train", "pipeline-failed", executionStartTime=now, executionEndTime=now, **named)


def test_tags_that_could_not_be_read_are_asked_for_again(play: Play) -> None:
    here = play(FRAUD + EVERY_RECEIVER)
    here.cloud.tags[PIPELINE] = {"team": "fraud"}
    here.breaks("sagemaker.ListTags", "denied", 1)

    fails(here, "one")
    here.until(60)

    assert is_open(here, "churn-train", "C0FRAUD")
    assert mails(here, "fraud")


def test_somebody_hears_of_a_failure_within_minutes_though_its_tags_cannot_be_read(play: Play) -> None:
    here = play(FRAUD + EVERY_RECEIVER)
    here.cloud.tags[PIPELINE] = {"team": "fraud"}
    here.breaks("sagemaker.ListTags", "denied")

    fails(here, "one")
    here.until(20)

    assert is_open(here, "churn-train", "C0ALL") or is_open(here, "churn-train", "C0FRAUD")


@pytest.mark.parametrize("before", range(1, 5))
def test_the_last_of_a_slow_batch_goes_to_its_own_team(play: Play, before: int) -> None:
    here = play(FRAUD + EVERY_RECEIVER)
    here.cloud.tags[PIPELINE] = {"team": "fraud"}
    here.breaks("pagerduty", "silence", 1)
    here.breaks("webhook", "silence", 1)

    for number in range(before):
        here.goes("ALARM", "memory", f"endpoint-{number}")
    fails(here, "one")
    here.until(30)

    assert is_open(here, "churn-train", "C0FRAUD")
    assert not is_open(here, "churn-train", "C0ALL")


@pytest.mark.parametrize(
    "order", [("pipeline-step-failed", "pipeline-failed"), ("pipeline-failed", "pipeline-step-failed")]
)
def test_the_reason_of_a_failed_step_is_told_whichever_comes_first(play: Play, order: tuple[str, str]) -> None:
    """Its execution has none of its own, and both have the same second."""
    here = play()
    named = {"pipelineArn": PIPELINE, "pipelineExecutionArn": f"{EXECUTION}one"}
    for payload in order:
        here.fails("churn-train", payload, **named)
        here.passes(1)

    [root] = here.slack.channel("C0ALL")
    assert "use an instance type with more memory" in root.everything
    assert any("use an instance type with more memory" in each.body for each in here.topics.of("alerts"))


def test_a_click_on_mondays_failure_does_not_acknowledge_tuesdays(play: Play) -> None:
    here = play(SLACK_ONLY)
    fails(here, "monday")
    here.until(5)
    [monday] = here.slack.channel("C0ALL")
    control = monday.controls()["ack"]
    here.until(24 * 60)
    fails(here, "tuesday")
    here.until(24 * 60 + 5)
    tuesday = next(each for each in here.slack.channel("C0ALL") if each is not monday)

    here.clicks_on(monday, "ack", control=control)
    here.passes(5)

    assert "ack" in tuesday.controls()
    assert "U0ANA" not in tuesday.everything


# ------------------------------------------------------------------------------------------------------------ endings
def test_a_deleted_alarm_among_others_is_not_told_as_ok(play: Play) -> None:
    here = play()
    here.goes("ALARM")
    here.goes("ALARM", "cpu")
    here.until(10)
    here.deletes("cpu")

    here.until(30)

    assert not [each for each in mails(here) if each.startswith("[OK]")]


def test_a_deleted_endpoint_with_three_alarms_is_never_told_as_ok(play: Play) -> None:
    here = play()
    for alarm in ("latency-p99", "cpu", "memory"):
        here.goes("ALARM", alarm)
        here.passes(1)
    here.until(10)
    for alarm in ("latency-p99", "cpu", "memory"):
        here.deletes(alarm)

    here.until(30)

    assert not [each for each in mails(here) if each.startswith("[OK]")]
    assert verdict(here) == []


def test_what_fires_on_when_another_alarm_is_deleted_is_not_told_again(play: Play) -> None:
    here = play()
    here.goes("ALARM")
    here.until(3)
    here.goes("ALARM", "errors-5xx")
    here.until(10)
    here.deletes()

    here.until(30)

    assert len(mails(here)) == 3
    assert verdict(here) == []


def test_an_alarm_that_fires_for_a_month_is_told_to_its_end(play: Play) -> None:
    here = play(SLACK_ONLY, tick_every=3 * 3600)
    here.goes("ALARM")
    here.until(31 * 24 * 60)

    here.goes("OK")
    here.passes(30)

    assert not is_open(here)


# ---------------------------------------------------------------------------------------------- each receiver alone
def test_a_secret_without_a_channel_stops_nobody_else(play: Play) -> None:
    here = play()
    here.credentials(bot_token=TOKEN, webhook_url="https://hooks.slack.com/services/T/B/x")

    here.goes("ALARM")
    here.until(30)

    assert mails(here)
    assert here.pager.open()


def test_a_secret_without_a_channel_stops_nobody_on_the_default_route(play: Play) -> None:
    here = play("\n  - {name: everyone, slack: default, sns: default}\n")
    here.credentials(bot_token=TOKEN, webhook_url="https://hooks.slack.com/services/T/B/x")

    here.goes("ALARM")
    here.until(30)

    assert mails(here)


@pytest.mark.parametrize("target", ["dynamodb", "ssm.GetParameter"])
def test_somebody_hears_within_minutes_though_the_table_or_the_policy_is_denied(play: Play, target: str) -> None:
    here = play()
    here.goes("ALARM", "memory", "ranker")
    here.until(10)
    here.breaks(target, "denied")

    here.goes("ALARM")
    here.until(25)

    [*_, told] = [each for each in here.topics.of("alerts") if each.labels.get("resource") == "churn"]
    # A warm container follows the policy that it read last, and loses nothing by it.
    assert ("Sagewatch: impaired" in told.body) == (target == "dynamodb")


@pytest.mark.parametrize("target", ["dynamodb", "ssm.GetParameter"])
def test_what_was_told_without_memory_is_told_as_ended_once_it_can_be_remembered(play: Play, target: str) -> None:
    here = play()
    here.breaks(target, "denied")
    here.goes("ALARM")
    here.until(25)
    here.goes("OK")
    here.until(40)
    assert told_open(here.topics.of("alerts"), "churn") == {"latency-p99": True}

    here.rests()

    assert told_open(here.topics.of("alerts"), "churn") == {"latency-p99": False}
    assert verdict(here) == []


def test_who_was_warned_without_memory_hears_of_an_end_that_came_before_anything_could_be_written_down(
    play: Play,
) -> None:
    """Another alarm of the resource is told by the clock before its own events come back."""
    here = play()
    here.breaks("dynamodb", "denied")
    here.goes("ALARM", "errors-5xx")
    here.until(30)
    here.goes("ALARM", event="lost")
    here.until(40)
    here.deletes("errors-5xx")
    here.until(56)
    [told, _, *_] = [each for each in here.queue.values() if "errors-5xx" in each.body]
    here.mends("dynamodb")
    told.visible += 1800

    here.rests()

    assert told_open(here.topics.of("alerts"), "churn")["errors-5xx"] is False
    assert verdict(here) == []


def test_what_ended_before_and_is_heard_of_late_is_not_the_last_word_while_it_fires(play: Play) -> None:
    here = play()
    here.goes("ALARM", event=60)
    here.until(1)
    here.goes("OK", event=59)
    here.until(35)
    here.goes("ALARM")

    here.until(90)

    assert told_open(here.topics.of("alerts"), "churn") == {"latency-p99": True}
    assert verdict(here) == []


def test_a_topic_whose_key_is_disabled_stops_nobody_else(play: Play) -> None:
    here = play()
    here.breaks("sns.Publish:alerts", "denied")

    here.goes("ALARM")
    here.until(10)

    assert is_open(here)
    assert len(here.pager.open()) == 1
    assert here.hook.documents


# ------------------------------------------------------------------------------------------------- many, long, renamed
def test_the_three_hundredth_notice_takes_nothing_back(play: Play) -> None:
    here = play(SLACK_ONLY, tick_every=1e9)
    here.goes("ALARM")
    for change in range(320):
        here.until(20 * change + 1)
        here.goes("OK" if change % 2 else "ALARM", "memory")

    here.passes(5)

    assert len(here.slack.deleted) <= 2


def test_a_renamed_route_does_not_say_in_a_new_channel_what_ended(play: Play) -> None:
    here = play()
    here.goes("ALARM")
    here.until(10)
    here.policy(EVERY_RECEIVER.replace("everyone", "all-of-us").replace("C0ALL", "C0NEW"))
    here.goes("OK")

    here.until(40)

    assert here.slack.channel("C0NEW") == []
    assert not is_open(here)


RENAMED = EVERY_RECEIVER.replace("name: everyone", "name: all-of-us")


def test_what_is_open_on_a_renamed_route_goes_on_as_the_same_incident(play: Play) -> None:
    here = play()
    here.goes("ALARM", "memory")
    here.until(7)
    heard = len(mails(here))
    here.policy(RENAMED)
    here.until(20)
    assert len(mails(here)) == heard

    here.goes("ALARM")
    here.until(25)
    here.goes("OK", "memory")
    here.until(30)

    assert len(here.slack.channel("C0ALL")) == 1
    assert len({each["dedup_key"] for each in here.pager.events}) == 1
    assert len(here.hook.incidents()) == 1
    assert verdict(here) == []


def test_what_fires_before_the_clock_has_seen_a_renamed_route_becomes_one_incident_with_the_rest(play: Play) -> None:
    here = play()
    here.goes("ALARM", "memory")
    here.until(7)
    here.policy(RENAMED)
    here.goes("ALARM")

    here.until(20)

    assert [each.is_open for each in here.slack.channel("C0ALL")] == [True]
    assert len(here.pager.open()) == 1
    assert [each["ended"] is None for each in here.hook.incidents().values()].count(True) == 1
    assert len(mails(here)) == 2
    assert verdict(here) == []


def test_a_click_on_a_message_of_a_renamed_route_is_of_its_incident(play: Play) -> None:
    here = play()
    here.goes("ALARM")
    here.until(7)
    [message] = here.slack.channel("C0ALL")
    control = message.controls()["ack"]
    here.policy(RENAMED)
    here.until(20)

    here.clicks_on(message, "ack", control=control)
    here.until(30)

    assert "U0ANA" in message.everything
    assert [each.status for each in here.pager.open()] == ["acknowledged"]


def test_a_new_click_on_a_message_that_a_renamed_route_took_over_is_of_its_incident(play: Play) -> None:
    here = play()
    here.goes("ALARM")
    here.until(7)
    here.policy(RENAMED)
    here.until(20)

    here.clicks("ack")
    here.until(30)

    assert [each.status for each in here.pager.open()] == ["acknowledged"]


def test_a_snooze_of_a_renamed_route_ends_with_its_incident(play: Play) -> None:
    here = play()
    here.goes("ALARM")
    here.until(5)
    here.clicks("snooze", option=3)
    here.until(7)
    here.policy(RENAMED)
    here.until(20)
    here.goes("OK")
    here.until(30)
    here.goes("ALARM")
    here.until(45)

    assert verdict(here) == []
    assert is_open(here)


def test_a_failure_on_a_renamed_route_ends_when_it_is_well_again(play: Play) -> None:
    here = play()
    here.fails("churn", "endpoint-failed")
    here.until(300)
    here.policy(RENAMED)
    here.until(315)
    heard = len(mails(here))
    here.fails("churn", "endpoint-in-service")
    here.until(330)

    assert heard == 1
    assert [each.is_open for each in here.slack.channel("C0ALL")] == [False]
    assert here.pager.open() == []
    assert [each["status"] for each in here.hook.incidents().values()] == ["resolved"]


def test_what_a_renamed_route_was_told_is_shown_in_its_new_channel_too_and_ends_in_both(play: Play) -> None:
    here = play()
    here.goes("ALARM")
    here.until(7)
    here.policy(EVERY_RECEIVER.replace("everyone", "all-of-us").replace("C0ALL", "C0NEW"))
    here.until(20)
    shown = [is_open(here, channel=each) for each in ("C0ALL", "C0NEW")]
    here.goes("OK")
    here.until(30)

    assert shown == [True, True]
    assert [is_open(here, channel=each) for each in ("C0ALL", "C0NEW")] == [False, False]


def test_what_ended_on_another_route_before_the_clock_moved_its_incident_ends_where_it_was_told(play: Play) -> None:
    here = play()
    here.goes("ALARM", team="fraud")
    here.until(30)
    here.policy(FRAUD + EVERY_RECEIVER)
    here.until(41)
    shown = is_open(here, channel="C0FRAUD")
    here.policy(EVERY_RECEIVER)
    here.goes("OK")
    here.until(60)

    assert shown
    assert not is_open(here, channel="C0FRAUD")
    assert told_open(here.topics.of("fraud"), "churn") == {"latency-p99": False}
    assert verdict(here) == []


def test_who_is_on_no_route_any_more_and_down_for_hours_ends_no_message_of_the_queue(play: Play) -> None:
    here = play()
    here.goes("ALARM")
    here.until(7)
    here.policy("\n".join(line for line in EVERY_RECEIVER.splitlines() if "pagerduty" not in line) + "\n")
    here.breaks("pagerduty", "500")
    here.goes("OK")
    here.until(600)
    dead = list(here.dead)
    here.rests()

    assert dead == here.dead == []
    assert here.pager.open() == []


@pytest.mark.parametrize("broken", [False, True])
def test_a_policy_that_names_the_channel_of_the_credentials_says_nothing_twice(play: Play, broken: bool) -> None:
    here = play("")
    if broken:
        here.breaks("ssm.GetParameter", "denied")
    here.goes("ALARM")
    here.until(30)
    here.mends()
    here.policy("\n  - {name: everyone, slack: C0ALL, sns: default}\n")
    here.until(60)
    shown = [each.is_open for each in here.slack.channel("C0ALL")]
    here.policy("")
    here.until(75)
    here.goes("OK")
    here.until(90)

    assert shown == [True]
    assert [each.is_open for each in here.slack.channel("C0ALL")] == [False]
    assert verdict(here) == []


WITHOUT_WEBHOOK = "\n".join(line for line in EVERY_RECEIVER.splitlines() if "webhook" not in line) + "\n"


def test_a_webhook_that_no_route_has_any_more_hears_the_end(play: Play) -> None:
    here = play()
    here.goes("ALARM")
    here.until(10)
    here.policy(WITHOUT_WEBHOOK)
    here.until(20)
    here.goes("OK")
    here.until(30)

    assert [each["status"] for each in here.hook.incidents().values()] == ["resolved"]


def test_a_webhook_that_no_route_has_any_more_hears_the_end_when_earlier_policies_can_be_read_again(
    play: Play,
) -> None:
    here = play()
    here.goes("ALARM")
    here.until(10)
    here.policy(WITHOUT_WEBHOOK)
    here.until(20)
    here.breaks("ssm.GetParameterHistory", "denied")
    here.goes("OK")
    here.until(40)
    before = [each["status"] for each in here.hook.incidents().values()]
    heard = len(here.topics.mails)

    here.rests()

    assert before == ["open"]
    assert [each["status"] for each in here.hook.incidents().values()] == ["resolved"]
    assert len(here.topics.mails) == heard


def test_a_broken_policy_moves_nothing(play: Play) -> None:
    here = play(FRAUD + EVERY_RECEIVER)
    here.goes("ALARM", team="fraud")
    here.until(7)
    here.cloud.texts["/policy"].append("routes: [nonsense")
    here.until(30)
    here.policy(here.routes)
    here.until(45)
    here.goes("OK")
    here.until(55)

    assert [each.is_open for each in here.slack.channel("C0FRAUD")] == [False]
    assert not is_open(here, channel="C0ALL")
    assert len(mails(here, "fraud")) == 2
    assert verdict(here) == []


def test_a_route_that_is_renamed_and_renamed_back_says_nothing_twice(play: Play) -> None:
    here = play()
    here.goes("ALARM")
    here.until(7)
    for routes in (RENAMED, EVERY_RECEIVER, RENAMED):
        here.policy(routes)
        here.passes(12)

    assert (len(mails(here)), len(here.slack.posted), len(here.hook.documents)) == (1, 1, 1)
    assert verdict(here) == []


def test_no_snooze_is_longer_than_a_day(play: Play) -> None:
    here = play(SLACK_ONLY)
    here.until(17 * 60 + 10)
    here.goes("ALARM")
    here.passes(5)
    [message] = here.slack.channel("C0ALL")
    for option in range(len(message.controls()["snooze"]["options"])):
        here.clicks("snooze", option=option)
        here.passes(2)

    now = 60 * here.minute + START.timestamp()
    assert max(rule.end for rule in here.cloud.put) - now <= 24 * 3600 + 120


@pytest.mark.parametrize("by", ["U0ANA", "U0BEN"])
def test_anybody_may_snooze_what_is_not_critical(play: Play, by: str) -> None:
    here = play("\n  - {name: everyone, slack: C0ALL, snoozers: '<@U0ANA>'}\n")
    here.goes("ALARM", "cpu")
    here.until(5)
    here.clicks("snooze", option=1, by=by)
    here.until(10)

    assert len(here.cloud.put) == 1


def test_only_who_is_named_may_snooze_what_is_critical(play: Play) -> None:
    here = play("\n  - {name: everyone, slack: C0ALL, snoozers: ['<@U0ANA>', '<@U0CEM>']}\n")
    here.goes("ALARM")
    here.until(5)
    here.clicks("snooze", option=1, by="U0BEN")
    here.until(8)
    [message] = here.slack.channel("C0ALL")
    refused = (list(here.cloud.put), [each.text for each in here.slack.thread(message)])
    here.clicks("snooze", option=1, by="U0CEM")
    here.until(10)

    assert refused[0] == []
    assert "<@U0BEN> may not snooze this" in refused[1][-1]
    assert len(here.cloud.put) == 1
    here.clicks("snooze", option=2, by="U0BEN")
    here.until(15)
    assert len(here.cloud.put) == 1
    assert message.text.startswith(":red_circle: :zzz:")


def test_no_snooze_is_offered_under_a_failed_job(play: Play) -> None:
    here = play(SLACK_ONLY)
    fails(here, "one")
    here.until(5)

    assert "snooze" not in here.slack.channel("C0ALL")[0].controls()


def test_the_line_of_each_trial_has_its_name(play: Play) -> None:
    here = play(SLACK_ONLY)
    for number in range(3):
        name = f"churn-tuning-{number:03d}-abc"
        arn = f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:training-job/{name}"
        here.fails(
            name,
            TrainingJobName=name,
            TrainingJobArn=arn,
            TuningJobArn=f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:hyper-parameter-tuning-job/churn-tuning",
        )
        here.passes(3)

    replies = [each.text for each in here.slack.posted if each.thread and "failed" in each.text]
    assert all(re.search(r"\d{3}-abc", each) for each in replies), replies


def test_an_event_of_another_account_is_another_incident(play: Play) -> None:
    here = play()
    here.goes("ALARM", event="lost")
    body = json.loads(json.dumps(here.last_event))
    here.sends(body)
    here.until(2)

    here.sends(json.loads(json.dumps(other_account(here, "OK"))))
    here.until(4)

    assert is_open(here)


def other_account(here: World, state: str) -> dict[str, object]:
    """Return the newest event as another account sends it, with another state."""
    text = json.dumps(here.last_event).replace(ACCOUNT, "999999999999")
    body: dict[str, object] = json.loads(text)
    body["detail"]["state"] |= {"value": state, "timestamp": "2026-11-16T09:02:00.000+0000"}  # type: ignore[index]
    return body


def test_a_critical_after_an_info_that_ended_is_a_new_message(play: Play) -> None:
    here = play(SLACK_ONLY)
    here.goes("ALARM", "idle")
    here.until(10)
    here.goes("OK", "idle")
    here.until(20)
    here.goes("ALARM")

    here.until(30)

    assert any("latency" in each.lower() for each in news(here, 20))


def test_an_end_whose_event_is_on_its_way_is_told_once(play: Play) -> None:
    here = play()
    here.goes("ALARM")
    here.until(18)
    here.goes("OK", event=8)

    here.until(60)

    ends = [each for each in here.topics.of("alerts") if each.labels.get("state") in ("cleared", "resolved")]
    assert len(ends) == 1


def test_the_clock_of_a_quiet_account_says_nothing(play: Play) -> None:
    here = play()

    here.sends(TICK)
    here.until(60)

    assert (here.said, here.failures) == (0, [])


def test_the_reader_of_chat_sees_what_ended(play: Play) -> None:
    here = play()
    here.goes("ALARM")
    here.until(10)
    here.goes("OK")
    here.until(20)

    got: list[Mail] = [chat(each) for each in here.topics.of("amazon-q")]
    assert told_open(got, "churn") == {"latency-p99": False}


def test_people_are_mentioned_in_the_text_that_makes_the_notification(play: Play) -> None:
    here = play(NAGGING)
    here.goes("ALARM")
    here.until(5)

    assert "<!here>" in here.slack.channel("C0ALL")[0].text


def test_a_quiet_days_summary_ends_in_no_dash(play: Play) -> None:
    here = play("\n  - {name: everyone, slack: C0ALL, sns: default, digest: true}\n")

    counted = {"kinds": {"endpoint": [8, 8]}, "unwatched": [], "idle": [], "unread": [], "withheld": []}
    numbers = dict.fromkeys(("left_out", "orphans", "foreign"), 0)
    detail = {**counted, **numbers, "alarms": 88, "cost": 8.8}
    here.sends({"source": "sagewatch", "detail-type": "Sagewatch Digest Due", "detail": detail})
    here.until(10)

    [mail] = here.topics.of("alerts")
    assert not [line for line in mail.body.splitlines() if line.strip() == "–"]
    assert '"–"' not in here.slack.channel("C0ALL")[0].everything


def test_a_topic_that_nobody_confirmed_is_not_the_only_one_that_is_told(play: Play) -> None:
    """Slack refuses its token, and nobody subscribed to the alerts topic: PagerDuty and the webhook hear of it."""
    here = play()
    here.slack.token = "xoxb-" + "another"
    here.cloud.unconfirmed.add("alerts")

    here.goes("ALARM")
    here.until(30)
    here.slack.token = TOKEN
    here.until(60)

    assert (len(here.pager.open()), len(here.hook.documents)) == (1, 1)
    assert is_open(here)
