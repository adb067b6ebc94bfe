"""The notify function among those who hear of it: a Slack, an inbox at the topic, and a clock that can be set."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import ModuleType, SimpleNamespace
from typing import Any

import boto3
import pytest
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord

from sagewatch.model import Notice
from sagewatch.tell.clock import CLOCK
from sagewatch.tell.context import Context
from sagewatch.tell.notify import receive
from sagewatch_cli.local.doubles.slack_workspace import CHANNEL, ShownMessage
from tests.integration.conftest import batch, cold_start, incidents_table
from tests.integration.slack_double import SlackDouble, slack_double
from tests.payloads import event

ACCOUNT = "123456789012"
TOPICS = f"arn:aws:sns:us-east-1:{ACCOUNT}:"
START = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=2)
TICK = {"source": "sagewatch", "detail-type": CLOCK, "detail": {}}


class Inbox:
    """Somebody who subscribed to a topic."""

    def __init__(self, topic: str) -> None:
        name = f"inbox-{topic.rpartition(':')[2]}"
        self.sqs: Any = boto3.client("sqs")
        self.url = self.sqs.create_queue(QueueName=name)["QueueUrl"]
        boto3.client("sns").subscribe(
            TopicArn=topic, Protocol="sqs", Endpoint=f"arn:aws:sqs:us-east-1:{ACCOUNT}:{name}"
        )

    def taken(self) -> list[dict[str, Any]]:
        """Take all messages, as SNS wraps them."""
        taken = []
        while messages := self.sqs.receive_message(QueueUrl=self.url, MaxNumberOfMessages=10).get("Messages"):
            for message in messages:
                taken.append(json.loads(message["Body"]))
                self.sqs.delete_message(QueueUrl=self.url, ReceiptHandle=message["ReceiptHandle"])
        return taken

    def subjects(self) -> list[str]:
        """Take all messages and return their subjects."""
        return [each["Subject"] for each in self.taken()]


def subscribed(topic: str) -> Inbox:
    """Make a topic and return somebody who listens to it."""
    return Inbox(boto3.client("sns").create_topic(Name=topic)["TopicArn"])


@pytest.fixture
def inbox(monkeypatch: pytest.MonkeyPatch) -> Inbox:
    """The topic and the table, in the environment, and somebody who listens."""
    incidents_table()
    monkeypatch.setenv("ALERTS_TOPIC_ARN", f"{TOPICS}alerts")
    monkeypatch.setenv("INCIDENTS_TABLE", "incidents")
    return subscribed("alerts")


@pytest.fixture
def double() -> Iterator[SlackDouble]:
    with slack_double() as double:
        yield double


_NOTHING: dict[str, dict[str, Any]] = {
    "ListTags": {"Tags": []},
    "ListPipelineExecutionSteps": {"PipelineExecutionSteps": []},
    "ListTrainingJobsForHyperParameterTuningJob": {"TrainingJobSummaries": []},
}


def answered(answer: Callable[[], dict[str, Any]]) -> Callable[..., Any]:
    """Return a handler of botocore's `before-call` that answers in place of AWS."""
    good = {"ResponseMetadata": {"HTTPStatusCode": 200}}
    return lambda **_: (SimpleNamespace(status_code=200), {**answer(), **good})


@dataclass(slots=True)
class Town:
    """The function in one container, and everybody whom it tells."""

    app: ModuleType
    double: SlackDouble
    inbox: Inbox
    noted: list[str] = field(default_factory=list)
    drawn: bytes = b""

    def __post_init__(self) -> None:
        self.app.receivers.note = self._note
        # moto knows no mute rules: nothing is muted, and what is deleted is gone.
        events = self.app.clients.cloudwatch.meta.events
        events.register("before-call.cloudwatch.ListAlarmMuteRules", answered(lambda: {"AlarmMuteRuleSummaries": []}))
        events.register("before-call.cloudwatch.DeleteAlarmMuteRule", answered(dict))
        # Where moto has no such operation, or fails over a job that was never made.
        sagemaker, drawer = self.app.evidence_clients.sagemaker, self.app.graph_clients.cloudwatch
        for operation, answer in _NOTHING.items():
            sagemaker.meta.events.register(f"before-call.sagemaker.{operation}", answered(lambda answer=answer: answer))
        drawing = answered(lambda: {"MetricWidgetImage": self.drawn})
        drawer.meta.events.register("before-call.cloudwatch.GetMetricWidgetImage", drawing)

    def _note(self, what: str, **_: str) -> None:
        self.noted.append(what)

    def run(self, *bodies: Any, attempt: int = 1) -> list[str]:
        """Hand the messages to the handler and return the ids of those that failed."""
        return run(self.app, *bodies, attempt=attempt)

    def at(self, minute: float, *bodies: Any, attempt: int = 1) -> list[Notice | None]:
        """Have it told in that minute, message by message; what fails is raised."""
        app, now = self.app, START + timedelta(minutes=minute)
        context = Context(
            app.clients,
            app.evidence_clients,
            app.graph_clients,
            app.settings,
            app.receivers,
            app.policy_store.read,
            now,
        )
        records = received(*bodies, attempt=attempt)["Records"]
        return [receive(context, SQSRecord(each), json.loads(each["body"])) for each in records]

    def shown(self, channel: str = CHANNEL) -> list[str]:
        """Return the first lines of the messages of a channel, as people see them now."""
        return [each.text for each in self.channel(channel)]

    def channel(self, channel: str = CHANNEL) -> tuple[ShownMessage, ...]:
        return self.double.slack.workspace.channel(channel)

    def thread(self, number: int = 0, channel: str = CHANNEL) -> list[str]:
        """Return the lines below a message."""
        return [each.text for each in self.double.slack.workspace.thread(self.channel(channel)[number].ts)]


type Start = Callable[..., Town]


@pytest.fixture
def town(monkeypatch: pytest.MonkeyPatch, inbox: Inbox, double: SlackDouble) -> Start:
    """Start the function: with a policy or without, and as a bot unless other credentials are given."""

    def start(policy: str = "", **credentials: str) -> Town:
        put = boto3.client("ssm").put_parameter
        found = credentials or dict(double.slack.bot)
        put(Name="/slack", Type="SecureString", Value=json.dumps(found), Overwrite=True)
        monkeypatch.setenv("SLACK_CREDENTIALS", "ssm:/slack")
        monkeypatch.setenv("SLACK_API_URL", f"{double.url}/api")
        take_doubles(monkeypatch, double.url)
        set_policy(policy)
        monkeypatch.setenv("POLICY_PARAMETER", "/policy")
        return Town(cold_start("notify"), double, inbox)

    return start


def take_doubles(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    """Have the environment name emulators, for which alone doubles are taken, and moto answer all the same."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", url)
    monkeypatch.setenv("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true")  # botocore's own switch


def set_policy(text: str) -> None:
    """Write the policy's parameter anew."""
    boto3.client("ssm").put_parameter(Name="/policy", Type="String", Value=text or "# nothing", Overwrite=True)


def received(*bodies: Any, attempt: int = 1) -> dict[str, Any]:
    """Return the messages as a queue hands them over for that time."""
    found = batch(*bodies)
    for each in found["Records"]:
        each["attributes"] = {"ApproximateReceiveCount": str(attempt)}
    return found


def run(app: ModuleType, *bodies: Any, attempt: int = 1) -> list[str]:
    """Hand the messages to the function and return the ids of those that failed."""
    answer = app.handler(received(*bodies, attempt=attempt), None)
    return [each["itemIdentifier"] for each in answer["batchItemFailures"]]


def alarm(
    state: str = "ALARM", minute: float = 0, name: str = "latency-p99", resource: str = "churn", **labels: Any
) -> dict[str, Any]:
    """Return the event of an alarm of an endpoint that changed in that minute; `muted=True` under a mute rule."""
    body = event("alarm-firing" if state == "ALARM" else "alarm-cleared")
    at, detail, muted = START + timedelta(minutes=minute), body["detail"], labels.pop("muted", False)
    said = {"severity": "critical", "kind": "endpoint", "resource": resource, "scope": "AllTraffic", "alarm": name}
    line = " ".join(f"{label}={value}" for label, value in {**said, **labels}.items())
    detail["alarmName"] = alarm_name(name, resource)
    detail["configuration"]["description"] = f"{name}\n[sagewatch {line}]"
    detail["state"] |= {"value": state, "timestamp": f"{at:%Y-%m-%dT%H:%M:%S}.000+0000"}
    if muted:
        detail["muteDetail"] = {"mutedByArn": "arn:aws:cloudwatch:us-east-1:123456789012:alarm-mute-rule:x"}
    return {**body, "time": f"{at:%Y-%m-%dT%H:%M:%SZ}", "resources": [f"arn:{detail['alarmName']}"]}


def alarm_name(name: str = "latency-p99", resource: str = "churn") -> str:
    return f"sagewatch/endpoint/{resource}/AllTraffic/{name}"


def deleted(minute: float) -> dict[str, Any]:
    """Return the event of the deletion, in that minute, of the alarm that fires since the start."""
    body, at = event("alarm-deleted"), START + timedelta(minutes=minute)
    body["detail"]["state"] = alarm()["detail"]["state"]
    body["detail"]["configuration"]["timestamp"] = f"{at:%Y-%m-%dT%H:%M:%S}.000+0000"
    return {**body, "time": f"{at:%Y-%m-%dT%H:%M:%SZ}"}


def failed_job(minute: float = 0, name: str = "xgb-churn", **detail: Any) -> dict[str, Any]:
    """Return the event of a training job that failed in that minute."""
    body, at = event("training-job-failed"), START + timedelta(minutes=minute)
    arn = f"arn:aws:sagemaker:us-east-1:{ACCOUNT}:training-job/{name}"
    stamp = int(at.timestamp() * 1000)
    body["detail"] |= {"TrainingJobName": name, "TrainingJobArn": arn, "LastModifiedTime": stamp, **detail}
    return {**body, "time": f"{at:%Y-%m-%dT%H:%M:%SZ}", "resources": [arn]}


def clicked(said: str, minute: float, route: str = "default", **more: Any) -> dict[str, Any]:
    """Return the message that a click in Slack becomes."""
    at = START + timedelta(minutes=minute)
    detail = {"route": route, "kind": "endpoint", "name": "churn", "by": "U0ANA", "at": at.isoformat(), **more}
    return {"source": "sagewatch", "detail-type": said, "time": at.isoformat(), "detail": detail}


def fires(state: str = "ALARM") -> None:
    """Make the alarm itself, in that state."""
    client = boto3.client("cloudwatch")
    client.put_metric_alarm(
        AlarmName=alarm_name(),
        Namespace="AWS/SageMaker",
        MetricName="ModelLatency",
        Statistic="Average",
        Period=60,
        EvaluationPeriods=1,
        Threshold=1.0,
        ComparisonOperator="GreaterThanThreshold",
    )
    client.set_alarm_state(AlarmName=alarm_name(), StateValue=state, StateReason="set by hand")
