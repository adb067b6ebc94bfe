"""What the end-to-end tests see of the deployed stack, and how they wait for it to come to rest."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from moto.cloudwatch.models import cloudwatch_backends
from moto.sagemaker.models import sagemaker_backends
from typer.testing import CliRunner

from sagewatch_cli.local.doubles.event_bus import BusEvent, TakesEvents, TargetDelivery
from sagewatch_cli.local.doubles.journal import Call
from sagewatch_cli.local.doubles.slack import SlackRequest
from sagewatch_cli.local.doubles.slack_workspace import ShownMessage
from sagewatch_cli.local.drivers.alarms import AlarmDriver
from sagewatch_cli.local.drivers.inbox import Inbox, Mail
from sagewatch_cli.local.drivers.payloads import Events
from sagewatch_cli.local.drivers.policy import PolicyDriver
from sagewatch_cli.local.drivers.resources import ResourceDriver
from sagewatch_cli.local.drivers.sagemaker import SageMakerDriver
from sagewatch_cli.local.machine.environment import ACCOUNT, AWS, REGION
from sagewatch_cli.local.machine.waiting import until
from sagewatch_cli.local.stack.deployment import PREFIX, Stack
from sagewatch_cli.main import app

type Alarms = Mapping[str, Mapping[str, Any]]

QUEUES = ("ReconcileQueue", "BackfillQueue", "NotifyQueue")
DEAD_LETTERS = ("ReconcileDeadLetters", "NotifyDeadLetters", "SweepDeadLetters")
WAITING = ("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible", "ApproximateNumberOfMessagesDelayed")


def logged(stack: Stack, group: str) -> str:
    """Return everything in a log group of a stack, named by its logical id."""
    pages = stack.client("logs").get_paginator("filter_log_events").paginate(logGroupName=stack.resources[group])
    return "\n".join(event["message"] for page in pages for event in page["events"])


class LosesEvents:
    """An event bus that loses everything; SageMaker's events are best effort."""

    def put_event(self, event: BusEvent) -> tuple[TargetDelivery, ...]:
        return ()


@dataclass(frozen=True, slots=True)
class World:
    """The stack, the drivers that play AWS on it, and what came of it."""

    stack: Stack
    inbox: Inbox

    # ---- what plays AWS

    @property
    def events(self) -> Events:
        return Events(self.stack.emulators.checkout.root / "events")

    @property
    def sagemaker(self) -> SageMakerDriver:
        return SageMakerDriver(client=self.stack.client("sagemaker"), bus=self.stack.bus, events=self.events)

    @property
    def silent_sagemaker(self) -> SageMakerDriver:
        """SageMaker in an account whose events are lost."""
        return SageMakerDriver(client=self.stack.client("sagemaker"), bus=LosesEvents(), events=self.events)

    @property
    def resources(self) -> ResourceDriver:
        """SageMaker's other resources."""
        return self._resources(self.stack.bus)

    @property
    def silent_resources(self) -> ResourceDriver:
        """The same in an account whose events are lost."""
        return self._resources(LosesEvents())

    def _resources(self, bus: TakesEvents) -> ResourceDriver:
        return ResourceDriver(
            client=self.stack.client("sagemaker"),
            cloudwatch=self.stack.client("cloudwatch"),
            bus=bus,
            events=self.events,
        )

    @property
    def cloudwatch(self) -> AlarmDriver:
        return AlarmDriver(
            client=self.stack.client("cloudwatch"),
            doubles=self.stack.emulators.doubles,
            bus=self.stack.bus,
            events=self.events,
        )

    @property
    def policy(self) -> PolicyDriver:
        return PolicyDriver(
            client=self.stack.client("ssm"),
            parameter=self.stack.outputs["PolicyParameter"],
            bus=self.stack.bus,
            events=self.events,
        )

    def push(self, folder: Path, text: str) -> None:
        """Have the owner push a document with our own command, and wait until all alarms have followed it."""
        path = folder / "policy.yaml"
        path.write_text(text)
        where = ["--prefix", PREFIX, "--region", REGION, "--endpoint-url", self.stack.emulators.endpoint("ssm")]
        pushed = CliRunner().invoke(app, ["policy", "push", str(path), "--yes", *where])
        assert pushed.exit_code == 0, pushed.output
        self.follow()

    def follow(self) -> None:
        """Tell of a change of the policy, and wait until all alarms are as it says."""
        self.policy.tell()
        self.converge()

    def converge(self) -> None:
        """Sweep until that changes nothing any more: who is ignored by a tag is named by every sweep."""
        until("a sweep after which nothing is written", self._swept, lambda writes: writes == 0, within=60)

    def _swept(self) -> int:
        """Sweep, and return how many writes of alarms came of it."""
        before = len(self.writes())
        self.invoke("Sweep", {})
        self.reconciled()
        return len(self.writes()) - before

    def tick(self, rule: str) -> None:
        """Let the time of a schedule of the stack come, named by its logical id."""
        self.stack.bus.run_schedule(self.stack.resources[rule])

    def send(self, queue: str, *bodies: str) -> None:
        """Put messages into a queue of the stack, named by its logical id."""
        for body in bodies:
            self.stack.client("sqs").send_message(QueueUrl=self.stack.resources[queue], MessageBody=body)

    def invoke(self, function: str, event: object) -> Any:
        """Invoke a function of the stack and return its answer."""
        answer = self.stack.client("lambda").invoke(
            FunctionName=self.stack.resources[function], Payload=json.dumps(event).encode()
        )
        return json.loads(answer["Payload"].read())

    def configure(self, function: str, variables: Mapping[str, str]) -> None:
        """Give a function other variables; its next invocation begins in a new container."""
        self.stack.client("lambda").update_function_configuration(
            FunctionName=self.stack.resources[function], Environment={"Variables": dict(variables)}
        )

    def forget_discoveries(self) -> None:
        """Begin Reconcile in a new container: an old one asks CloudWatch the same but once in a quarter of an hour."""
        self.reconciled()  # what an old one is at work on would be lost for six minutes
        name = self.stack.resources["Reconcile"]
        asked = self.stack.client("lambda").get_function_configuration(FunctionName=name)
        self.configure("Reconcile", {**asked["Environment"]["Variables"], "FRESH": uuid.uuid4().hex})

    @contextmanager
    def impatient(self, queue: str, seconds: int = 1) -> Iterator[None]:
        """Let a message that failed be tried again after a second, or so many, rather than twelve minutes."""
        sqs, url = self.stack.client("sqs"), self.stack.resources[queue]
        before = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["VisibilityTimeout"])["Attributes"]
        sqs.set_queue_attributes(QueueUrl=url, Attributes={"VisibilityTimeout": str(seconds)})
        try:
            yield
        finally:
            sqs.set_queue_attributes(QueueUrl=url, Attributes=before)

    def arn(self, queue: str) -> str:
        """Return the ARN of a queue of the stack."""
        asked = self.stack.client("sqs").get_queue_attributes(
            QueueUrl=self.stack.resources[queue], AttributeNames=["QueueArn"]
        )
        arn: str = asked["Attributes"]["QueueArn"]
        return arn

    # ---- what came of it

    def alarms(self) -> Alarms:
        """Return all alarms, whoever's, by name."""
        pages = self.stack.client("cloudwatch").get_paginator("describe_alarms").paginate()
        return {alarm["AlarmName"]: alarm for page in pages for alarm in page["MetricAlarms"]}

    def names(self) -> set[str]:
        """Return the names of all alarms."""
        return set(self.alarms())

    def writes(self) -> tuple[Call, ...]:
        """Return the writes of alarms by the functions, in order."""
        calls = self.stack.emulators.doubles.asked("PutMetricAlarm", "DeleteAlarms")
        return tuple(call for call in calls if call.key != AWS["AWS_ACCESS_KEY_ID"])

    def calls(self, service: str) -> tuple[Call, ...]:
        """Return every call of a service that a double answered."""
        return tuple(call for call in tuple(self.stack.emulators.doubles.journal.calls) if call.service == service)

    def dead_letters(self, queue: str) -> tuple[str, ...]:
        """Return the bodies in a dead-letter queue, and leave it empty."""
        sqs, url = self.stack.client("sqs"), self.stack.resources[queue]
        messages = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", [])
        for message in messages:
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        return tuple(message["Body"] for message in messages)

    def logged(self, group: str) -> str:
        """Return everything in a log group of the stack."""
        return logged(self.stack, group)

    @property
    def posted(self) -> tuple[SlackRequest, ...]:
        """What Slack got."""
        return tuple(self.stack.emulators.slack.posted)

    def said(self) -> tuple[ShownMessage, ...]:
        """Return the messages in the channel, as they read now."""
        return self.stack.emulators.slack.workspace.channel()

    def mute_rules(self) -> Mapping[str, Mapping[str, Any]]:
        """Return all mute rules by name."""
        client = self.stack.client("cloudwatch")
        pages = client.get_paginator("list_alarm_mute_rules").paginate()
        names = [each["AlarmMuteRuleArn"].split(":", 6)[6] for page in pages for each in page["AlarmMuteRuleSummaries"]]
        return {name: client.get_alarm_mute_rule(AlarmMuteRuleName=name) for name in names}

    def mail(self) -> tuple[Mail, ...]:
        """Return what the alerts topic's subscribers got since the last time."""
        return self.inbox.read()

    # ---- rest

    def reconciled(self, within: float = 30) -> None:
        """Wait until reconcile has nothing left to do, of what events and of what the sweep named."""
        for queue in ("BackfillQueue", "ReconcileQueue"):  # children and what ran out of time go to the second
            self._empty(queue, within)

    def notified(self, within: float = 30) -> None:
        """Wait until notify has nothing left to do."""
        self._empty("NotifyQueue", within)

    def _empty(self, queue: str, within: float = 30) -> None:
        until(f"{queue} to be empty", lambda: self._count(queue), lambda count: count == 0, within=within)

    def _count(self, queue: str) -> int:
        asked = self.stack.client("sqs").get_queue_attributes(
            QueueUrl=self.stack.resources[queue], AttributeNames=list(WAITING)
        )
        return sum(int(asked["Attributes"][name]) for name in WAITING)

    def clear(self) -> None:
        """Forget every resource, alarm, message, incident and post, and the policy."""
        for queue in (*QUEUES, *DEAD_LETTERS):
            self.stack.client("sqs").purge_queue(QueueUrl=self.stack.resources[queue])
        for queue in QUEUES:
            self._empty(queue)
        sagemaker_backends[ACCOUNT][REGION].reset()
        cloudwatch_backends[ACCOUNT][REGION].reset()
        self._forget_incidents()
        self.policy.forget()
        self.inbox.read()
        self.stack.emulators.doubles.journal.calls.clear()
        self.stack.emulators.doubles.journal.changes.clear()
        self.stack.emulators.slack.clear()

    def _forget_incidents(self) -> None:
        dynamo, table = self.stack.client("dynamodb"), self.stack.resources["Incidents"]
        keys = [key["AttributeName"] for key in dynamo.describe_table(TableName=table)["Table"]["KeySchema"]]
        for item in dynamo.scan(TableName=table)["Items"]:
            dynamo.delete_item(TableName=table, Key={key: item[key] for key in keys})
