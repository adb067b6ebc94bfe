"""From what CloudWatch and SageMaker say to what people read, in Slack and over SNS."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from moto.cloudwatch.models import cloudwatch_backends

from sagewatch_cli.local.demo.slack_text import transcript
from sagewatch_cli.local.doubles.event_bus import BusEvent
from sagewatch_cli.local.doubles.slack import WEBHOOK, Reply
from sagewatch_cli.local.doubles.slack_workspace import CHANNEL
from sagewatch_cli.local.drivers.inbox import Mail
from sagewatch_cli.local.drivers.sagemaker import ProductionVariant
from sagewatch_cli.local.machine.environment import ACCOUNT, REGION
from sagewatch_cli.local.machine.waiting import until
from sagewatch_cli.local.stack.deployment import SLACK_PARAMETER
from tests.e2e.world import LosesEvents, World

pytestmark = pytest.mark.e2e

LATENCY = "sagewatch/endpoint/churn/AllTraffic/latency-p99"
CPU = "sagewatch/endpoint/churn/AllTraffic/cpu"
SLOW = 400_000, 420_000, 1_200_000, 1_500_000, 1_843_221
FAST = 1_900_000, 2_310_000, 700_000, 450_000, 430_000
LABELS = {
    "severity": "critical",
    "kind": "endpoint",
    "resource": "churn",
    "scope": "AllTraffic",
    "alarm": "latency-p99",
    "team": "fraud",
    "route": "default",
}


@pytest.fixture
def watched(world: World) -> World:
    """The world with one endpoint, watched."""
    world.sagemaker.create_endpoint("churn", ProductionVariant("AllTraffic", "ml.m5.2xlarge"), tags={"team": "fraud"})
    world.reconciled()
    world.notified()
    return world


def texts(world: World) -> list[str]:
    """Return the first lines of the messages in the channel, as they read now."""
    return [transcript(said.content).splitlines()[0] for said in world.said()]


def attributes(mail: Mail) -> dict[str, str]:
    """Return what subscriptions filter on, but for the incident's id."""
    return {name: value for name, value in mail.attributes.items() if name != "incident"}


def thread(world: World) -> list[str]:
    """Return the first lines of what stands below the only message in the channel."""
    [root] = world.said()
    found = world.stack.emulators.slack.workspace.thread(root.ts)
    return [transcript(said.content).splitlines()[0] for said in found]


def test_an_alarm_that_fires_is_told_in_words_in_slack_and_over_sns(watched: World) -> None:
    watched.cloudwatch.fire(LATENCY, *SLOW)
    watched.notified()

    posted, [mail] = watched.posted[0], watched.mail()
    assert (posted.path, posted.body["channel"]) == ("/api/chat.postMessage", CHANNEL)
    assert posted.headers["Authorization"] == "Bearer xoxb-local-double"
    assert texts(watched) == ["🔴 churn · model latency 1.84 s (limit 1.00 s) · CRITICAL"]
    assert mail.subject == "[CRITICAL] churn · model latency 1.84 s (limit 1.00 s)"
    assert attributes(mail) == {**LABELS, "state": "firing"}


def test_a_critical_alarm_has_its_graph_in_the_thread(watched: World) -> None:
    watched.cloudwatch.fire(LATENCY, *SLOW)
    watched.notified()

    [root], [picture] = watched.said(), watched.stack.emulators.slack.workspace.pictures
    assert (picture.thread, picture.content[:4]) == (root.ts, b"\x89PNG")


def test_an_alarm_that_clears_turns_its_message_green_and_is_one_more_mail(watched: World) -> None:
    watched.cloudwatch.fire(LATENCY, *SLOW)
    watched.notified()
    watched.cloudwatch.clear(LATENCY, *FAST)
    watched.notified()

    mails = watched.mail()
    assert [mail.subject.partition(" back to ")[0] for mail in mails if mail.subject] == [
        "[CRITICAL] churn · model latency 1.84 s (limit 1.00 s)",
        "[RESOLVED] churn · Resolved: model latency",
    ]
    assert [attributes(mail) for mail in mails] == [{**LABELS, "state": "firing"}, {**LABELS, "state": "resolved"}]
    [text] = texts(watched)
    assert text.startswith("🟢 churn · model latency")


def test_alarms_of_one_endpoint_are_one_message_that_grows(watched: World) -> None:
    watched.cloudwatch.fire(CPU, *(740,) * 10)
    watched.notified()
    watched.cloudwatch.fire(LATENCY, *SLOW)
    watched.notified()

    assert texts(watched) == ["🔴 churn · model latency 1.84 s (limit 1.00 s) + 1 more · CRITICAL"]
    assert [mail.subject for mail in watched.mail()] == [
        "[WARNING] churn · CPU use 92.5 % (limit 90 %, of 8 vCPUs)",
        "[CRITICAL] churn · Now CRITICAL: model latency 1.84 s (limit 1.00 s)",
    ]


def test_an_incident_whose_endpoint_is_deleted_is_closed(watched: World) -> None:
    watched.cloudwatch.fire(LATENCY, *SLOW)
    watched.notified()
    watched.sagemaker.delete_endpoint("churn")
    watched.reconciled()
    watched.cloudwatch.tell()
    watched.notified()

    [text] = texts(watched)
    assert text.startswith("⚪ churn · model latency")
    assert "closed" in text
    assert [(mail.subject or "").partition("]")[0] for mail in watched.mail()] == ["[CRITICAL", "[CLOSED"]


def an_hour_ago(event: BusEvent) -> BusEvent:
    """Return the event as it would have come an hour before."""
    then = datetime.now(UTC) - timedelta(hours=1)
    state = {**event["detail"]["state"], "timestamp": f"{then:%Y-%m-%dT%H:%M:%S}.000+0000"}
    return {**event, "time": f"{then:%Y-%m-%dT%H:%M:%SZ}", "detail": {**event["detail"], "state": state}}


def test_the_clock_finds_an_incident_whose_last_event_was_lost(watched: World) -> None:
    fired = replace(watched.cloudwatch, bus=LosesEvents()).fire(LATENCY, *SLOW)
    watched.stack.bus.put_event(an_hour_ago(fired))
    watched.notified()
    watched.cloudwatch.client.set_alarm_state(AlarmName=LATENCY, StateValue="OK", StateReason="it is fast")
    # The event of a change may be on its way for ten minutes: so long the clock waits for it.
    alarm = cloudwatch_backends[ACCOUNT][REGION].alarms[LATENCY]
    alarm.state_updated_timestamp -= timedelta(minutes=11)

    watched.tick("Clock")
    watched.notified()

    [text] = texts(watched)
    assert text.startswith("🟢 churn")


def test_a_share_of_the_capacity_is_told_as_one(watched: World) -> None:
    watched.cloudwatch.fire(CPU, *(740,) * 10)
    watched.notified()

    [mail] = watched.mail()
    assert mail.subject == "[WARNING] churn · CPU use 92.5 % (limit 90 %, of 8 vCPUs)"


def test_an_alarm_over_an_expression_is_told_like_any_other(watched: World) -> None:
    watched.cloudwatch.fire("sagewatch/endpoint/churn/AllTraffic/errors-5xx", 12.5)
    watched.notified()

    [mail] = watched.mail()
    assert mail.subject == "[CRITICAL] churn · 5xx errors 12.5 % (limit 5 %)"


@pytest.mark.parametrize("event", ["alarm-born", "alarm-cleared", "alarm-firing-muted", "alarm-firing-suppressed"])
def test_some_things_are_better_left_unsaid(world: World, event: str) -> None:
    if event == "alarm-cleared":
        detail: dict[str, Any] = {"previousState": world.events.load("alarm-born")["detail"]["previousState"]}
    else:
        detail = {}

    world.stack.bus.put_event(world.events.make(event, detail=detail))
    world.notified()

    assert (world.posted, world.mail()) == ((), ())


def test_an_event_that_comes_five_times_is_told_once(watched: World) -> None:
    fired = watched.cloudwatch.fire(LATENCY, *SLOW)
    for _ in range(4):
        watched.stack.bus.put_event(fired)
    watched.notified()

    assert (len(watched.said()), len(watched.mail())) == (1, 1)


def test_a_failed_training_job_is_told_with_its_reason(world: World) -> None:
    world.sagemaker.start_training_job("xgb", "ml.g5.12xlarge", 2, tags={"team": "fraud"})
    reason = 'AlgorithmError: ExitCode 137\nCommand "python train.py" <!channel> token=s3cr3t'

    world.sagemaker.end_training_job("xgb", "Failed", reason)
    world.notified()

    [mail] = world.mail()
    assert mail.subject == "[CRITICAL] Training job failed · xgb · out of memory"
    assert attributes(mail) == {
        "route": "default",
        "severity": "critical",
        "kind": "training-job",
        "resource": "xgb",
        "scope": "all",
        "alarm": "failed",
        "team": "fraud",
        "state": "failed",
    }
    assert "AlgorithmError: ExitCode 137" in mail.text
    assert texts(world) == ["🔴 Training job failed · xgb · out of memory"]
    assert "s3cr3t" not in mail.text + json.dumps([posted.body for posted in world.posted])


def test_a_failed_endpoint_is_told_once_however_often_sagemaker_says_so(world: World) -> None:
    world.sagemaker.begin_endpoint("churn", ProductionVariant("AllTraffic", "ml.m5.2xlarge"))
    world.sagemaker.fail_endpoint("churn", "The container did not pass the ping health check.")
    world.stack.bus.put_event(world.sagemaker.endpoint_event("churn"))
    world.notified()

    assert [(mail.subject or "")[:36] for mail in world.mail()] == ["[CRITICAL] Endpoint failed · churn ·"]
    assert len(world.said()) == 1


def test_a_failed_pipeline_is_told_with_its_step(world: World) -> None:
    world.sagemaker.create_pipeline("churn-train", "Train")
    execution = world.sagemaker.run_pipeline("churn-train")

    world.sagemaker.end_execution(execution, "Failed", failed_step="Train", reason="ClientError: no such image")
    world.notified()

    [text], mails = texts(world), world.mail()
    assert text.startswith("🔴 Pipeline execution failed · churn-train")
    assert any("no such image" in mail.text for mail in mails)


def test_when_slack_asks_to_wait_the_message_comes_later_and_sns_is_not_told_twice(watched: World) -> None:
    with watched.impatient("NotifyQueue"):
        watched.stack.emulators.slack.replies.append(Reply(429, "", {"Retry-After": "1"}))

        watched.cloudwatch.fire(LATENCY, *SLOW)
        until("a second try", lambda: watched.posted, lambda posted: len(posted) == 2)
        watched.notified()

    assert (len(watched.posted), len(watched.mail())) == (2, 1)


@pytest.fixture
def notify(world: World) -> Iterator[Mapping[str, str]]:
    """The notify function's variables, put back afterwards."""
    functions, name = world.stack.client("lambda"), world.stack.resources["Notify"]
    variables = functions.get_function_configuration(FunctionName=name)["Environment"]["Variables"]
    yield variables
    functions.update_function_configuration(FunctionName=name, Environment={"Variables": variables})


def test_without_slack_the_topic_is_told_alone(watched: World, notify: Mapping[str, str]) -> None:
    without = {key: value for key, value in notify.items() if not key.startswith("SLACK_")}
    watched.configure("Notify", without)

    watched.cloudwatch.fire(LATENCY, *SLOW)
    watched.notified()

    assert (len(watched.posted), len(watched.mail())) == (0, 1)


def test_with_a_webhook_slack_is_told_there(watched: World, notify: Mapping[str, str]) -> None:
    slack = watched.stack.emulators.slack
    parameters: Any = {"Name": SLACK_PARAMETER, "Type": "SecureString", "Overwrite": True}
    watched.stack.client("ssm").put_parameter(**parameters, Value=json.dumps(dict(slack.webhook)))
    watched.configure("Notify", {**notify, "FRESH": "container"})

    watched.cloudwatch.fire(LATENCY, *SLOW)
    watched.notified()
    watched.stack.client("ssm").put_parameter(**parameters, Value=json.dumps(dict(slack.bot)))

    assert [posted.path for posted in watched.posted] == [WEBHOOK]
    assert texts(watched) == ["🔴 churn · model latency 1.84 s (limit 1.00 s) · CRITICAL"]


def test_no_log_and_no_message_of_ours_carries_the_secret(watched: World) -> None:
    watched.stack.emulators.slack.replies.append(Reply(403, "invalid_token"))

    watched.cloudwatch.fire(LATENCY, *SLOW)
    watched.notified()

    logged, [mail] = watched.logged("NotifyLogs"), watched.mail()
    assert "Slack answered 403" in logged
    assert "xoxb-local-double" not in mail.text
    assert "xoxb-local-double" not in logged
