"""The notify function as Lambda starts and calls it: its settings, its answers, its permissions, its log."""

from __future__ import annotations

import json
from itertools import permutations
from random import Random
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from sagewatch.errors import BadSetting
from tests.integration.conftest import Queue, cold_start, log_of
from tests.integration.notify_function import TICK, Start, alarm, answered, clicked, fires, received, set_policy
from tests.integration.notify_function import Inbox as Inbox
from tests.integration.notify_function import double as double
from tests.integration.notify_function import inbox as inbox
from tests.integration.notify_function import run as run
from tests.integration.notify_function import town as town
from tests.integration.slack_double import SlackDouble
from tests.payloads import event
from tests.template import actions

SECRET = "very" + "secret"  # so that no source line in a traceback holds it
STORY = ("alarm-firing", "alarm-cleared", "pipeline-step-failed", "pipeline-failed", "training-job-failed")
ENDS = {
    ":large_green_circle: *churn* · model latency back to *430 ms* · resolved after 14 min": {
        ":white_check_mark: Resolved: model latency back to 430 ms (limit 1.00 s). In alarm for 14 min, peak 1.84 s."
    },
    ":red_circle: *Pipeline execution failed* · churn-train · out of memory": {
        ":large_orange_circle: Also: Train: pipeline step failed · WARNING"
    },
    ":red_circle: *Training job failed* · xgb-churn · out of memory": set(),
}
"""What is in the channel, and in the threads, when all of that was told."""


def test_without_slack_a_notice_goes_to_the_topic_with_its_attributes(inbox: Inbox) -> None:
    app = cold_start("notify")

    assert run(app, event("alarm-firing")) == []

    [message] = inbox.taken()
    assert message["Subject"].startswith("[CRITICAL] churn")
    assert "model latency 1.84 s" in message["Message"]
    attributes = {name: each["Value"] for name, each in message["MessageAttributes"].items()}
    assert attributes.items() >= {"severity": "critical", "kind": "endpoint", "resource": "churn"}.items()


def test_a_repeated_event_is_told_once(town: Start) -> None:
    here = town()

    for n in range(3):
        assert here.run(*({**event("training-job-failed"), "id": f"{n}-{m}"} for m in range(2))) == []

    assert (len(here.shown()), len(here.inbox.taken())) == (1, 1)


def test_a_redelivery_after_success_says_nothing(town: Start) -> None:
    here = town()
    here.run(alarm(), clicked("Sagewatch Acknowledged", 1))
    here.run(alarm("OK", 5))
    here.inbox.taken()
    said = len(here.double.posts)

    assert here.run(alarm(), clicked("Sagewatch Acknowledged", 1), alarm("OK", 5), attempt=2) == []

    assert (len(here.double.posts), here.inbox.taken()) == (said, [])


@pytest.mark.parametrize("order", Random(7).sample(list(permutations(STORY)), 5), ids=" ".join)
def test_every_order_of_the_same_events_ends_in_the_same_messages(town: Start, order: tuple[str, ...]) -> None:
    here = town()

    for name in order:
        assert here.run(event(name)) == []

    shown = {each.text: set(here.thread(number)) for number, each in enumerate(here.channel())}
    assert shown == ENDS


def test_messages_that_cannot_be_told_come_back_and_the_others_are_told(town: Start) -> None:
    here = town()
    nonsense = {"detail-type": "Nonsense", "detail": {}}

    failed = here.run("not json", event("alarm-firing"), nonsense, event("endpoint-failed"))

    assert sorted(failed) == ["m0", "m2"]
    assert len(here.shown()) == 1  # both are about churn


def test_a_message_that_has_to_wait_is_hidden_for_as_long_as_it_has_to(
    town: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    queue = Queue("notify")
    monkeypatch.setenv("NOTIFY_QUEUE_URL", queue.url)
    here, waits = town(), []
    here.app.clients.sqs.meta.events.register(
        "provide-client-params.sqs.ChangeMessageVisibility",
        lambda params, **_: waits.append(params["VisibilityTimeout"]),
    )
    queue.sqs.send_message(QueueUrl=queue.url, MessageBody=json.dumps(alarm()))
    [message] = queue.sqs.receive_message(QueueUrl=queue.url)["Messages"]
    batch = received(alarm(), attempt=3)
    batch["Records"][0]["receiptHandle"] = message["ReceiptHandle"]

    here.double.answers.append((503, ""))
    here.app.handler(batch, None)

    [wait] = waits
    assert 60 <= wait <= 73


def test_the_function_is_allowed_what_it_calls(town: Start) -> None:
    here, called = town(), set()
    clients = here.app.clients

    def note(model: Any, **_: Any) -> None:
        called.add(f"{model.service_model.signing_name}:{model.name}".replace("monitoring:", "cloudwatch:"))

    for client in (
        clients.dynamodb,
        clients.cloudwatch,
        here.app.graph_clients.cloudwatch,
        here.app.evidence_clients.sagemaker,
    ):
        client.meta.events.register("before-parameter-build", note)
    fires()

    here.run(alarm(), event("training-job-failed"), event("pipeline-failed"), TICK)

    assert {"dynamodb:Query", "cloudwatch:DescribeAlarms", "sagemaker:ListTags"} < called
    assert called <= actions("Notify")


def test_a_secret_that_cannot_be_read_keeps_nothing_from_the_topic(town: Start) -> None:
    here = town()
    boto3.client("ssm").delete_parameter(Name="/slack")

    assert here.run(alarm()) == ["m0"]

    assert len(here.inbox.taken()) == 1


@pytest.mark.parametrize("was_read", [False, True])
def test_a_policy_that_cannot_be_read_brings_the_message_back_unless_it_was_read_before(
    town: Start, was_read: bool
) -> None:
    here = town()
    if was_read:
        here.run(event("alarm-born"))

    def refused(**_: Any) -> None:
        raise ClientError({"Error": {"Code": "AccessDeniedException", "Message": "no"}}, "GetParameter")

    here.app.policy_store.clients.ssm.meta.events.register("before-call.ssm.GetParameter", refused)

    assert here.run(alarm()) == ([] if was_read else ["m0"])
    assert bool(here.shown()) == was_read


def test_a_policy_that_changes_is_followed_by_the_next_batch(town: Start) -> None:
    here = town()

    set_policy("routes: [{name: all, slack: C0ALL}]")
    here.run(alarm())

    assert (len(here.shown()), len(here.shown("C0ALL"))) == (0, 1)


def test_no_secret_is_ever_logged(town: Start, double: SlackDouble) -> None:
    here = town(webhook_url="")
    hook = f"{here.double.url}/services/T000/B000/{SECRET}"
    boto3.client("ssm").put_parameter(
        Name="/slack", Type="SecureString", Value=json.dumps({"webhook_url": hook}), Overwrite=True
    )
    log = log_of(here.app)
    here.double.answers += [(500, ""), (400, "invalid_payload"), (400, "invalid_payload")]

    here.run(event("alarm-firing"), event("endpoint-failed"), event("training-job-failed"))

    assert log
    assert SECRET not in json.dumps(log)


@pytest.mark.parametrize(("switch", "asked"), [("on", {"DescribeLogStreams"}), ("off", set())])
def test_no_log_is_asked_for_where_the_stack_does_not_let_it_be_read(
    town: Start, monkeypatch: pytest.MonkeyPatch, switch: str, asked: set[str]
) -> None:
    monkeypatch.setenv("READ_LOGS", switch)
    here, calls = town(), set[str]()

    def answer(model: Any, **_: Any) -> Any:
        calls.add(model.name)
        return answered(lambda: {"logStreams": []})()

    here.app.evidence_clients.logs.meta.events.register("before-call.logs", answer)
    here.run(event("training-job-failed"))

    assert calls == asked


def test_a_message_that_cannot_be_read_is_one_line_of_the_log_without_a_traceback(town: Start) -> None:
    here = town()
    log = log_of(here.app)

    failed = run(here.app, "not json", '["no event"]')

    said = [each for each in log if each.get("message") == "failed"]
    assert (failed, [(each["message_id"], each["error"]) for each in said]) == (
        ["m0", "m1"],
        [("m0", "Undeliverable"), ("m1", "Undeliverable")],
    )
    assert "Traceback" not in json.dumps(log)


def test_what_is_degraded_is_counted(town: Start, capsys: pytest.CaptureFixture[str]) -> None:
    here = town()
    app: Any = cold_start("notify")
    here.double.answers.append((200, '{"ok": false, "error": "invalid_blocks"}'))

    run(app, alarm())

    metrics = [json.loads(line) for line in capsys.readouterr().out.splitlines() if "CloudWatchMetrics" in line]
    assert metrics[-1]["RenderRejected"] == [1.0]


@pytest.mark.parametrize("missing", ["ALERTS_TOPIC_ARN", "INCIDENTS_TABLE"])
def test_without_a_setting_the_function_does_not_start(
    inbox: Inbox, monkeypatch: pytest.MonkeyPatch, missing: str
) -> None:
    monkeypatch.delenv(missing)

    with pytest.raises(BadSetting, match=f"^{missing} is not set"):
        cold_start("notify")
