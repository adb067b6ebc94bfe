from __future__ import annotations

import json
import traceback
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from sagewatch.aws import secrets
from sagewatch.channels import slack
from sagewatch.errors import BadSetting, Retry, Undeliverable
from sagewatch.notices import notice
from tests.integration.conftest import batch, cold_start, log_of
from tests.integration.slack_double import SlackDouble, slack_double
from tests.payloads import event
from tests.template import actions

SECRET = "very" + "secret"  # so that no source line in a traceback holds it
TOKEN = "xox" + "b-very-secret"


@pytest.fixture
def double() -> Iterator[SlackDouble]:
    with slack_double() as double:
        yield double


class Inbox:
    """Somebody who subscribed to the alerts topic."""

    def __init__(self, topic: str) -> None:
        self.sqs: Any = boto3.client("sqs")
        self.url = self.sqs.create_queue(QueueName="inbox")["QueueUrl"]
        boto3.client("sns").subscribe(
            TopicArn=topic, Protocol="sqs", Endpoint="arn:aws:sqs:us-east-1:123456789012:inbox"
        )

    def taken(self) -> list[dict[str, Any]]:
        """Take all messages; without bodies of mail, as SNS wraps them."""
        taken = []
        while messages := self.sqs.receive_message(QueueUrl=self.url, MaxNumberOfMessages=10).get("Messages"):
            for message in messages:
                taken.append(json.loads(message["Body"]))
                self.sqs.delete_message(QueueUrl=self.url, ReceiptHandle=message["ReceiptHandle"])
        return taken


@pytest.fixture
def inbox(monkeypatch: pytest.MonkeyPatch) -> Inbox:
    """The topic and the table, in the environment, and somebody who listens."""
    topic = boto3.client("sns").create_topic(Name="alerts")["TopicArn"]
    boto3.client("dynamodb").create_table(
        TableName="incidents",
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk")],
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
    )
    monkeypatch.setenv("ALERTS_TOPIC_ARN", topic)
    monkeypatch.setenv("INCIDENTS_TABLE", "incidents")
    return Inbox(topic)


@pytest.fixture
def with_slack(monkeypatch: pytest.MonkeyPatch, inbox: Inbox, double: SlackDouble) -> Callable[..., ModuleType]:
    """Start the function with Slack's credentials in a parameter."""

    def start(**credentials: str) -> ModuleType:
        value = credentials or {"webhook_url": f"{double.url}/services/T000/B000/{SECRET}"}
        boto3.client("ssm").put_parameter(Name="/slack", Type="SecureString", Value=json.dumps(value))
        monkeypatch.setenv("SLACK_CREDENTIALS", "ssm:/slack")
        monkeypatch.setenv("SLACK_API_URL", f"{double.url}/api")
        return cold_start("notify")

    return start


def run(app: ModuleType, *bodies: Any) -> list[str]:
    """Hand the messages to the function and return the ids of those that failed."""
    return [each["itemIdentifier"] for each in app.handler(batch(*bodies), None)["batchItemFailures"]]


def test_without_slack_a_notice_goes_to_the_topic_with_its_attributes(inbox: Inbox) -> None:
    app = cold_start("notify")

    assert run(app, event("alarm-firing")) == []

    [message] = inbox.taken()
    assert message["Subject"] == "[CRITICAL] churn p99 latency 1.84 s, limit 1.00 s"
    assert message["Message"].startswith("churn · p99 latency 1.84 s, limit 1.00 s · CRITICAL\n")
    attributes = {name: each["Value"] for name, each in message["MessageAttributes"].items()}
    assert attributes.items() >= {"severity": "critical", "kind": "endpoint", "state": "firing"}.items()


def test_with_a_webhook_a_notice_goes_to_slack_and_to_the_topic(
    with_slack: Callable[..., ModuleType], inbox: Inbox, double: SlackDouble
) -> None:
    app = with_slack()

    assert run(app, event("training-job-failed")) == []

    [(path, _, body)] = double.posts
    assert path == f"/services/T000/B000/{SECRET}"
    assert body["text"] == ":red_circle: *xgb-churn* · training job failed · CRITICAL"
    assert len(inbox.taken()) == 1


def test_with_a_bot_token_a_notice_goes_to_its_channel(
    with_slack: Callable[..., ModuleType], double: SlackDouble
) -> None:
    app = with_slack(bot_token=TOKEN, channel="C0ALERTS")

    assert run(app, event("alarm-firing")) == []

    [(path, headers, body)] = double.posts
    assert path == "/api/chat.postMessage"
    assert headers["Authorization"] == f"Bearer {TOKEN}"
    assert body["channel"] == "C0ALERTS"
    assert body["text"].startswith(":red_circle: *churn*")


def test_a_repeated_event_is_told_once(
    with_slack: Callable[..., ModuleType], inbox: Inbox, double: SlackDouble
) -> None:
    app = with_slack()

    for n in range(3):
        assert run(app, *[{**event("training-job-failed"), "id": f"{n}-{m}"} for m in range(2)]) == []

    assert len(double.posts) == 1
    assert len(inbox.taken()) == 1


def test_what_is_not_worth_telling_is_silence_and_no_failure(
    with_slack: Callable[..., ModuleType], inbox: Inbox, double: SlackDouble
) -> None:
    app = with_slack()

    assert run(app, event("alarm-born"), event("alarm-deleted"), event("endpoint-in-service")) == []

    assert double.posts == []
    assert inbox.taken() == []


def test_an_alarm_is_told_in_the_order_of_its_changes(
    with_slack: Callable[..., ModuleType], double: SlackDouble
) -> None:
    app = with_slack()

    run(app, event("alarm-cleared"), event("alarm-firing"))

    assert [body["text"].split()[0] for _, _, body in double.posts] == [":red_circle:", ":large_green_circle:"]


def test_messages_that_cannot_be_told_come_back_and_the_others_are_told(
    with_slack: Callable[..., ModuleType], double: SlackDouble
) -> None:
    app = with_slack()

    failed = run(
        app, "not json", event("alarm-firing"), {"detail-type": "Nonsense", "detail": {}}, event("endpoint-failed")
    )

    assert sorted(failed) == ["m0", "m2"]
    assert len(double.posts) == 2


@pytest.mark.parametrize("answer", [(429, "rate_limited"), (500, ""), (503, "")])
def test_when_slack_stumbles_the_topic_hears_of_it_once_and_slack_later(
    with_slack: Callable[..., ModuleType], inbox: Inbox, double: SlackDouble, answer: tuple[int, str]
) -> None:
    app = with_slack()
    double.answers.append(answer)

    first = run(app, event("alarm-firing"))
    second = run(app, event("alarm-firing"))

    assert (first, second) == (["m0"], [])
    assert len(double.posts) == 2
    assert len(inbox.taken()) == 1


def test_when_the_topic_refuses_slack_hears_of_it_all_the_same(
    with_slack: Callable[..., ModuleType], double: SlackDouble
) -> None:
    app = with_slack()

    def refused(**_: Any) -> None:
        raise ClientError({"Error": {"Code": "KMSAccessDenied", "Message": "no"}}, "Publish")

    app.clients.sns.meta.events.register("before-call.sns.Publish", refused)

    assert run(app, event("alarm-firing")) == ["m0"]
    assert len(double.posts) == 1


def test_the_function_is_allowed_what_it_calls(with_slack: Callable[..., ModuleType]) -> None:
    app = with_slack()
    called: set[str] = set()
    for client in (app.clients.sns, app.clients.dynamodb):
        client.meta.events.register(
            "before-call", lambda model, **_: called.add(f"{model.service_model.service_name}:{model.name}")
        )

    run(app, event("alarm-firing"))

    slack_and_key = {"secretsmanager:GetSecretValue", "ssm:GetParameter", "kms:Decrypt", "kms:GenerateDataKey*"}
    assert called - {"sns:Publish"} == actions("Notify") - slack_and_key


def test_a_rotated_secret_is_noticed_after_five_minutes() -> None:
    texts, now = iter(['{"webhook_url": "old"}', '{"webhook_url": "new"}']), [0.0]
    kept = secrets.Kept(lambda: next(texts), lambda: now[0])

    first, at_299 = kept(), (now.append(299), now.pop(0), kept())[-1]
    now[0] = 300

    assert (first, at_299, kept()) == ({"webhook_url": "old"}, {"webhook_url": "old"}, {"webhook_url": "new"})


def test_the_secret_may_be_in_secrets_manager() -> None:
    value = json.dumps({"bot_token": TOKEN, "channel": "C0"})
    arn = boto3.client("secretsmanager").create_secret(Name="slack", SecretString=value)["ARN"]

    assert secrets.credentials(secrets.reader(arn)()) == {"bot_token": TOKEN, "channel": "C0"}


@pytest.mark.parametrize(
    "text",
    ["hunter2", "[]", "{}", '{"bot_token": "hunter2"}', '{"webhook_url": 7, "note": "hunter2"}', '{"webhook_url": ""}'],
)
def test_malformed_credentials_are_refused_without_being_said(text: str) -> None:
    with pytest.raises(Undeliverable, match="SLACK_CREDENTIALS") as refused:
        secrets.credentials(text)

    assert "hunter2" not in "".join(traceback.format_exception(refused.value))


def test_a_secret_that_cannot_be_read_brings_the_message_back(with_slack: Callable[..., ModuleType]) -> None:
    app = with_slack()
    boto3.client("ssm").delete_parameter(Name="/slack")

    assert run(app, event("alarm-firing")) == ["m0"]


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ((429, ""), Retry),
        ((500, "oops"), Retry),
        ((200, '{"ok": false, "error": "ratelimited"}'), Retry),
        ((200, '{"ok": false, "error": "internal_error"}'), Retry),
        ((200, '{"ok": false, "error": "channel_not_found"}'), Undeliverable),
        ((200, '{"ok": false, "error": "token_revoked"}'), Undeliverable),
        ((200, "<html>"), Undeliverable),
        ((302, ""), Undeliverable),
        ((404, ""), Undeliverable),
    ],
)
def test_what_slack_answers_a_bot_is_retried_or_not(
    double: SlackDouble, answer: tuple[int, str], error: type[Exception]
) -> None:
    double.answers.append(answer)

    with pytest.raises(error) as refused:
        post(f"{double.url}/api", {"bot_token": TOKEN, "channel": "C0"})

    assert_no_secret(refused.value)


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ((429, "rate_limited"), Retry),
        ((503, ""), Retry),
        ((400, "invalid_payload"), Undeliverable),
        ((403, "invalid_token"), Undeliverable),
        ((404, "no_service"), Undeliverable),
        ((410, "channel_is_archived"), Undeliverable),
    ],
)
def test_what_slack_answers_a_webhook_is_retried_or_not(
    double: SlackDouble, answer: tuple[int, str], error: type[Exception]
) -> None:
    double.answers.append(answer)

    with pytest.raises(error, match=str(answer[0])) as refused:
        post("", {"webhook_url": f"{double.url}/services/T000/B000/{SECRET}"})

    assert_no_secret(refused.value)


def test_when_nobody_answers_the_error_keeps_the_webhook_to_itself() -> None:
    with slack_double() as gone:
        url = gone.url

    with pytest.raises(Retry, match=r"^Slack did not answer: NewConnectionError$") as refused:
        post("", {"webhook_url": f"{url}/services/T000/B000/{SECRET}"})

    assert_no_secret(refused.value)


@pytest.mark.parametrize(
    "url",
    [
        f"https://hooks.slack.com/triggers/T000/{SECRET}",
        f"https://hooks.slack.com/workflows/T000/{SECRET}",
        f"http://hooks.slack.com/services/T000/{SECRET}",
        f"https://hooks.slack.com.evil.example/services/{SECRET}",
        f"https://evil.example/services/{SECRET}",
    ],
)
def test_a_webhook_that_is_none_of_slacks_is_never_called(url: str) -> None:
    with pytest.raises(Undeliverable, match=r"^Slack's webhook_url ") as refused:
        post("", {"webhook_url": url})

    assert_no_secret(refused.value)


def test_no_secret_is_ever_logged(with_slack: Callable[..., ModuleType], double: SlackDouble) -> None:
    app = with_slack()
    log = log_of(app)
    double.answers += [(500, ""), (400, "invalid_payload")]

    run(app, event("alarm-firing"), event("endpoint-failed"), event("training-job-failed"))

    assert len(log) == 3
    assert SECRET not in json.dumps(log)


@pytest.mark.parametrize("missing", ["ALERTS_TOPIC_ARN", "INCIDENTS_TABLE"])
def test_without_a_setting_the_function_does_not_start(
    inbox: Inbox, monkeypatch: pytest.MonkeyPatch, missing: str
) -> None:
    monkeypatch.delenv(missing)

    with pytest.raises(BadSetting, match=f"^{missing} is not set"):
        cold_start("notify")


def post(api_url: str, credentials: dict[str, str]) -> None:
    found = notice("sagewatch", event("alarm-firing"))
    assert found is not None
    slack.send(slack.pool(), api_url, credentials, found)


def assert_no_secret(error: BaseException) -> None:
    said = "".join(traceback.format_exception(error)) + repr(error)
    assert SECRET not in said
    assert TOKEN not in said
