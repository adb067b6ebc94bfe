"""Whole conversations: events in, and what people see in Slack and in their inbox in the end."""

from __future__ import annotations

import json
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import boto3
import pytest

from sagewatch_cli.local.doubles.slack import Reply
from tests.integration.notify_function import (
    START,
    TICK,
    TOPICS,
    Start,
    alarm,
    alarm_name,
    clicked,
    deleted,
    failed_job,
    fires,
    set_policy,
    subscribed,
)
from tests.integration.notify_function import double as double
from tests.integration.notify_function import inbox as inbox
from tests.integration.notify_function import town as town
from tests.payloads import event

RED, GREEN, WHITE = ":red_circle:", ":large_green_circle:", ":white_circle:"
TWO_ROUTES = """
routes:
  - {name: fraud, match: {team: fraud}, slack: C0FRAUD, continue: true}
  - {name: everyone, slack: C0ALL, sns: default}
"""
NAGGING = f"""
routes:
  - {{name: default, slack: C0ALL, remind: [15min, 1h], escalate: "{TOPICS}on-call"}}
"""


def marks(texts: list[str]) -> list[str]:
    return [text.split()[0] for text in texts]


def test_what_fires_and_clears_is_one_message_that_turns_green(town: Start) -> None:
    here = town()

    assert here.run(alarm()) == []
    red = here.shown()
    assert here.run(alarm("OK", 12)) == []

    assert (marks(red), marks(here.shown())) == ([RED], [GREEN])
    assert marks(here.thread()) == [":white_check_mark:"]
    assert [each.split()[0] for each in here.inbox.subjects()] == ["[CRITICAL]", "[RESOLVED]"]


def test_three_alarms_of_one_endpoint_are_one_message(town: Start) -> None:
    here = town()

    here.run(alarm(name="latency-p99"), alarm(minute=1, name="errors-5xx"), alarm(minute=2, name="cpu"))

    assert len(here.shown()) == 1
    assert len(here.thread()) == 2


def test_what_gets_worse_turns_red_and_calls_again(town: Start) -> None:
    here = town("routes: [{name: all, slack: C0ALL, mention: {critical: <!here>}}]")

    here.run(alarm(severity="warning", name="cpu"))
    amber = here.shown("C0ALL")
    here.run(alarm(minute=3))

    assert marks([*amber, *here.shown("C0ALL")]) == [":large_orange_circle:", RED]
    [line] = here.thread(channel="C0ALL")
    assert line.endswith("<!here>")


def test_a_deleted_alarm_ends_its_incident_in_grey(town: Start) -> None:
    here = town()

    here.run(alarm(), deleted(5))

    assert marks(here.shown()) == [WHITE]


def test_a_failed_job_of_a_failed_pipeline_is_one_incident(town: Start) -> None:
    here = town()

    assert here.run(event("pipeline-step-failed"), event("pipeline-failed")) == []

    assert len(here.shown()) == 1


def test_a_hundred_failed_trials_are_one_message(town: Start) -> None:
    here = town()
    tuning = "arn:aws:sagemaker:us-east-1:123456789012:hyper-parameter-tuning-job/churn-tuning"

    for n in range(0, 100, 10):
        trials = (failed_job(m / 60, f"churn-tuning-{m:03}", TuningJobArn=tuning) for m in range(n, n + 10))
        assert here.run(*trials) == []

    assert len(here.shown()) == 1
    assert len(here.thread()) <= 4


def test_an_alarm_that_is_born_well_is_silence(town: Start) -> None:
    here = town()

    assert here.run(event("alarm-born"), event("alarm-deleted"), event("endpoint-in-service")) == []

    assert (here.double.posts, here.inbox.taken()) == ([], [])


@pytest.mark.parametrize("name", ["alarm-firing-muted", "alarm-firing-suppressed"])
def test_what_is_muted_opens_nothing(town: Start, name: str) -> None:
    here = town()

    assert here.run(event(name)) == []

    assert (here.shown(), here.inbox.taken()) == ([], [])


def test_an_alarm_that_flaps_is_said_once_and_its_end_once_it_lasted(town: Start) -> None:
    here = town()
    for minute in range(0, 12, 2):
        here.at(minute, alarm(minute=minute))
        here.at(minute + 1, alarm("OK", minute + 1))
    before = here.thread()

    here.at(40, TICK)
    here.at(45, TICK)

    assert sum(":repeat:" in line for line in before) == 1
    assert [line for line in here.thread() if line not in before] == [here.thread()[-1]]
    assert marks(here.thread())[-1] == ":white_check_mark:"
    assert len(here.shown()) == 1
    assert here.inbox.subjects()[-1].startswith("[RESOLVED]")


def test_two_routes_hold_two_conversations(town: Start) -> None:
    here = town(TWO_ROUTES)

    here.run(alarm(team="fraud"), alarm(minute=1, resource="search"))
    here.run(alarm("OK", 9, team="fraud"))

    assert marks(here.shown("C0FRAUD")) == [GREEN]
    assert marks(here.shown("C0ALL")) == [GREEN, RED]


def test_a_tag_names_the_route(town: Start) -> None:
    here = town(TWO_ROUTES)

    here.run(alarm(route="fraud"))

    assert (len(here.shown("C0FRAUD")), len(here.shown("C0ALL"))) == (1, 0)


def test_a_webhook_hears_the_opening_and_the_end(town: Start, double: Any) -> None:
    here = town(**double.slack.webhook)

    here.run(alarm())
    here.run(alarm(minute=1, name="cpu", severity="warning"))
    here.run(alarm("OK", 9), alarm("OK", 10, "cpu"))

    assert marks(here.shown()) == [RED, ":large_orange_circle:", GREEN, GREEN]


def test_success_is_told_where_it_is_wanted(town: Start) -> None:
    here = town("routes: [{name: all, slack: C0ALL, success: true}]")

    assert here.run(event("training-job-completed")) == []

    assert marks(here.shown("C0ALL")) == [GREEN]


def test_success_is_silence_elsewhere(town: Start) -> None:
    here = town()

    assert here.run(event("training-job-completed")) == []

    assert (here.shown(), here.inbox.taken()) == ([], [])


APPROVALS = tuple(event(f"model-package-{state}") for state in ("pending", "rejected"))


def test_approvals_of_models_are_told_where_they_are_wanted_each_once(town: Start) -> None:
    here = town("routes: [{name: all, slack: C0ALL, approvals: true}]")

    assert here.run(*APPROVALS, *APPROVALS) == []

    waits, rejected = here.shown("C0ALL")
    assert waits.startswith(f"{WHITE} *Model package waits for approval* · churn-models/3")
    assert rejected.startswith(f"{WHITE} *Model package was rejected* · churn-models/3")


def test_approvals_of_models_are_silence_elsewhere_and_success_does_not_ask_for_them(town: Start) -> None:
    here = town("routes: [{name: all, slack: C0ALL, success: true}]")

    assert here.run(*APPROVALS) == []

    assert (here.shown("C0ALL"), here.inbox.taken()) == ([], [])


def test_a_model_that_was_not_validated_is_told_without_being_asked_for(town: Start) -> None:
    here = town()

    assert here.run(event("model-package-failed")) == []

    assert marks(here.shown()) == [":large_orange_circle:"]


def test_what_fires_again_long_after_is_another_message_that_leads_to_the_one_before(town: Start) -> None:
    here = town()

    here.run(alarm(), alarm("OK", 5), alarm(minute=60))

    assert marks(here.shown()) == [GREEN, RED]
    assert "/archives/" in json.dumps(here.channel()[1].content)


# ------------------------------------------------------------------------------------------------- time goes by
def test_nobody_answers_so_people_are_reminded_and_then_somebody_else_is_told(town: Start) -> None:
    here, on_call = town(NAGGING), subscribed("on-call")

    here.at(0, alarm())
    fires()
    for minute in (5, 15, 20, 60, 65, 180):
        here.at(minute, TICK)

    assert len(here.thread(channel="C0ALL")) == 2
    assert len(on_call.taken()) == 1


def test_who_acknowledged_is_not_reminded(town: Start) -> None:
    here, on_call = town(NAGGING), subscribed("on-call")

    here.at(0, alarm())
    fires()
    here.at(3, clicked("Sagewatch Acknowledged", 3))
    for minute in (15, 60, 180):
        here.at(minute, TICK)

    assert here.thread(channel="C0ALL") == [":eyes: <@U0ANA> acknowledged this"]
    assert on_call.taken() == []


def test_a_snooze_becomes_a_mute_rule_of_cloudwatch_and_ends_by_itself(town: Start) -> None:
    here, rules = town(NAGGING), []

    def put(params: Any, **_: Any) -> Any:
        rules.append(params.get("body", params))
        return SimpleNamespace(status_code=200), {"ResponseMetadata": {"HTTPStatusCode": 200}}

    here.app.clients.cloudwatch.meta.events.register("before-call.cloudwatch.PutAlarmMuteRule", put)
    fires()
    here.at(0, alarm())
    until = (START + timedelta(minutes=40)).isoformat()

    here.at(5, clicked("Sagewatch Snoozed", 5, until=until))
    asleep = here.shown("C0ALL")
    here.at(20, TICK)
    here.at(41, TICK)

    assert len(rules) == 1
    assert alarm_name() in json.dumps(rules[0], default=str)
    assert asleep[0].startswith(f"{RED} :zzz: ")
    assert marks(here.shown("C0ALL")) == [RED]
    assert [line.split()[0] for line in here.thread(channel="C0ALL")] == [":zzz:", RED]


def test_an_alarm_that_went_ok_without_an_event_is_found(town: Start) -> None:
    """It goes OK now, two hours after the start; for ten minutes its event may be on its way."""
    here = town()
    here.at(0, alarm())
    fires("OK")  # now, which is minute 120

    here.at(125, TICK)
    early = here.shown()
    here.at(135, TICK)

    assert (marks(early), marks(here.shown())) == ([RED], [GREEN])


def test_an_alarm_that_is_gone_without_an_event_is_found(town: Start) -> None:
    here = town()
    here.at(0, alarm())

    here.at(15, TICK)
    here.at(20, TICK)

    assert marks(here.shown()) == [WHITE]
    assert len(here.thread()) == 1


def test_an_alarm_that_still_fires_stays_open_and_nothing_is_said(town: Start) -> None:
    here = town()
    here.at(0, alarm())
    fires()
    posts = len(here.double.posts)

    for minute in (15, 60, 600):
        here.at(minute, TICK)

    assert (marks(here.shown()), len(here.double.posts)) == ([RED], posts)


def test_a_failed_job_is_not_looked_after_for_ever(town: Start) -> None:
    here = town()
    here.at(0, failed_job())

    here.at(30, TICK)

    items = boto3.client("dynamodb").scan(TableName="incidents")["Items"]
    # It is kept, to follow its route; the clock looks at it no more.
    assert [item["open"] for item in items if "open" in item] == [{"S": "2"}]
    assert marks(here.shown()) == [RED]


# ---------------------------------------------------------------------------------------------- the policy changes
def test_a_route_that_is_gone_is_told_to_the_end_by_the_default_one(town: Start) -> None:
    here = town(TWO_ROUTES)
    here.at(0, alarm(team="fraud"))

    set_policy("routes: [{name: everyone, slack: C0ALL, sns: default}]")
    here.at(15, TICK)

    assert marks(here.shown("C0FRAUD")) == [WHITE]


def test_a_channel_that_a_route_had_before_hears_the_end_of_what_it_was_told(town: Start) -> None:
    here = town("routes: [{name: all, slack: C0OLD}]")
    here.run(alarm())

    set_policy("routes: [{name: all, slack: C0NEW}]")
    here.run(alarm("OK", 9), alarm(minute=90))

    assert marks(here.shown("C0OLD")) == [GREEN]
    assert marks(here.shown("C0NEW"))[-1] == RED


def test_with_a_broken_policy_everything_takes_the_default_route(town: Start) -> None:
    here = town(TWO_ROUTES)
    set_policy("routes: [nonsense")

    assert here.run(alarm(team="fraud")) == []

    assert (len(here.shown("C0FRAUD")), len(here.shown("C0ALL"))) == (0, 1)


# ------------------------------------------------------------------------------------------------------- pictures
def test_the_graph_of_the_alarm_is_in_the_thread_once(town: Start) -> None:
    here = town()
    fires()
    here.drawn = b"\x89PNG"

    for _ in range(2):
        assert here.run(alarm(), alarm(minute=1, name="cpu")) == []
    here.run(alarm("OK", 9), alarm("OK", 9, "cpu"))

    [picture] = here.double.slack.workspace.pictures
    assert (picture.thread, picture.content) == (here.channel()[0].ts, b"\x89PNG")
    assert here.noted == []


def test_without_a_graph_the_message_stands_and_it_is_counted(town: Start) -> None:
    here = town()

    assert here.run(alarm()) == []

    assert marks(here.shown()) == [RED]
    assert here.noted == ["PictureMissed"]


def test_a_graph_that_slack_refuses_fails_no_message(town: Start) -> None:
    here = town()
    fires()
    here.drawn = b"\x89PNG"
    here.double.slack.replies += [Reply(body='{"ok": true, "channel": "C0", "ts": "1"}'), Reply(500, "")]

    assert here.run(alarm()) == []

    assert here.noted == ["PictureMissed"]
