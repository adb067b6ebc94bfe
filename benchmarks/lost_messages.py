"""Counts what is lost, missing or repeated when many alarms fire at once while Slack fails and throttles.

Two workers take from one queue. Queue and clock are played: a message comes back after its visibility timeout, as from
SQS, in a time that goes thirty times as fast. DynamoDB is moto's, one call at a time, since moto cannot do two at once.

Run: .venv/bin/python -m benchmarks.lost_messages [incidents] [share of failing requests]
"""

from __future__ import annotations

import heapq
import json
import os
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import boto3
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from moto import mock_aws

from sagewatch.aws.clients import Clients
from sagewatch.aws.retries import BRISK
from sagewatch.errors import Retry, SagewatchError
from sagewatch.policy.rules import Policy, PolicyInForce
from sagewatch.receivers.build import Receivers
from sagewatch.receivers.http import CircuitBreaker
from sagewatch.settings import NotifySettings
from sagewatch.tell.context import Context
from sagewatch.tell.evidence.gather import QUICK
from sagewatch.tell.evidence.graph import QUICKEST
from sagewatch.tell.notify import receive
from sagewatch.tell.route import DEFAULT_ROUTE
from sagewatch_cli.local.doubles.slack import Slack, Troubles, slack

FASTER = 30
RECEIVES = 20
"""How often a message is received before it goes to the dead-letter queue."""

VISIBILITY = 180.0
TOPIC = "arn:aws:sns:us-east-1:123456789012:alerts"
INBOX = "https://sqs.us-east-1.amazonaws.com/123456789012/inbox"
TOPIC_INBOX = "arn:aws:sqs:us-east-1:123456789012:inbox"
ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_DEFAULT_REGION": "us-east-1",
    "ALERTS_TOPIC_ARN": TOPIC,
    "INCIDENTS_TABLE": "incidents",
    "NOTIFY_QUEUE_URL": "https://sqs.us-east-1.amazonaws.com/123456789012/notify",
    "SLACK_CREDENTIALS": "ssm:/slack",
}


def _one_by_one() -> PolicyInForce:
    return PolicyInForce(Policy(routes=(replace(DEFAULT_ROUTE, group_wait="0s"),)))


def clock() -> float:
    """Return the time in which the storm is played, in seconds."""
    return time.monotonic() * FASTER


@dataclass(slots=True)
class PlayedQueue:
    """A queue as SQS is one: what is not deleted comes back, and in the end goes to the dead letters."""

    waiting: list[tuple[float, int, dict[str, Any]]] = field(default_factory=list)
    hidden: int = 0
    dead: list[dict[str, Any]] = field(default_factory=list)
    receives: Counter[int] = field(default_factory=Counter)
    lock: Any = field(default_factory=threading.Lock)

    def send(self, number: int, body: dict[str, Any]) -> None:
        heapq.heappush(self.waiting, (0.0, number, body))

    def receive(self, most: int = 10) -> list[tuple[int, dict[str, Any]]]:
        with self.lock:
            taken: list[tuple[int, dict[str, Any]]] = []
            while self.waiting and self.waiting[0][0] <= clock() and len(taken) < most:
                _, number, body = heapq.heappop(self.waiting)
                self.receives[number] += 1
                taken.append((number, body))
            self.hidden += len(taken)
            return taken

    def done(self) -> None:
        with self.lock:
            self.hidden -= 1

    def again(self, number: int, body: dict[str, Any], after: float) -> None:
        with self.lock:
            self.hidden -= 1
            if self.receives[number] >= RECEIVES:
                self.dead.append(body)
            else:
                heapq.heappush(self.waiting, (clock() + after, number, body))

    @property
    def empty(self) -> bool:
        return not (self.waiting or self.hidden)


class OneAtATime:
    """A client whose calls wait for each other."""

    def __init__(self, client: Any, lock: threading.RLock) -> None:
        self._client, self._lock = client, lock

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._client, name)
        if not callable(found) or name in {"exceptions", "get_paginator"}:
            return found

        def call(*args: Any, **parameters: Any) -> Any:
            with self._lock:
                return found(*args, **parameters)

        return call


@dataclass(slots=True)
class Waits:
    """Stands for SQS in a worker, and keeps for how long a message is to be hidden."""

    seconds: dict[str, float] = field(default_factory=dict)

    def change_message_visibility(self, ReceiptHandle: str, VisibilityTimeout: int, **_: Any) -> None:  # noqa: N803
        self.seconds[ReceiptHandle] = VisibilityTimeout


@dataclass(slots=True)
class Worker:
    """One container of the notify function."""

    queue: PlayedQueue
    settings: NotifySettings
    clients: Clients
    receivers: Receivers
    waits: Waits
    noted: Counter[str]

    @classmethod
    def of(cls, queue: PlayedQueue, settings: NotifySettings, lock: threading.RLock) -> Worker:
        noted: Counter[str] = Counter()

        def note(what: str, **_: str) -> None:
            noted[what] += 1

        make: Any = boto3.client
        played = {name: OneAtATime(make(name, config=BRISK), lock) for name in ("dynamodb", "cloudwatch", "sns")}
        waits = Waits()
        clients = Clients(BRISK, sqs=waits, **played)
        receivers = Receivers.of(settings, clients.sns, time.monotonic, note)
        receivers.slack = replace(receivers.slack, breaker=CircuitBreaker(clock)) if receivers.slack else None
        return cls(queue, settings, clients, receivers, waits, noted)

    def work(self) -> None:
        """Take batches until the queue is empty."""
        while not self.queue.empty:
            evidence, graphs = Clients(QUICK), Clients(QUICKEST, cloudwatch=_NoAlarms())
            now = datetime.now(UTC)
            context = Context(self.clients, evidence, graphs, self.settings, self.receivers, _one_by_one, now)
            batch = self.queue.receive()
            for number, body in batch:
                self._take(context, number, body)
            if not batch:
                time.sleep(0.5 / FASTER)

    def _take(self, context: Context, number: int, body: dict[str, Any]) -> None:
        receives = str(self.queue.receives[number])
        receipt = f"{number}/{receives}"
        record = {
            "messageId": str(number),
            "receiptHandle": receipt,
            "body": "",
            "attributes": {"ApproximateReceiveCount": receives},
        }
        try:
            receive(context, SQSRecord(record), body)
        except SagewatchError as error:
            self.noted[type(error).__name__] += 1
            after = self.waits.seconds.get(receipt, VISIBILITY)
            self.queue.again(number, body, after if isinstance(error, Retry) else VISIBILITY)
        else:
            self.queue.done()


class _NoAlarms:
    """A CloudWatch without alarms, so that no graph is drawn: pictures are not measured here."""

    def describe_alarms(self, **_: Any) -> dict[str, Any]:
        return {"MetricAlarms": []}


@dataclass(frozen=True, slots=True, kw_only=True)
class StormFigures:
    """What people got of all incidents, and what it took."""

    lost: int
    """Incidents of whose opening or end neither Slack nor the topic tells."""
    missing: int
    """Incidents of whose opening or end Slack's channel does not tell."""
    repeated: int
    """Messages that Slack's channel or threads have more than once."""
    dead: int
    """Messages in the dead-letter queue."""
    deliveries: int
    """How often the queue handed a message to a worker."""
    requests: int
    """Requests to Slack, refused ones included."""
    noted: dict[str, int]
    """What the workers noted, and the errors that they raised, by name."""
    seconds: float
    """How long it took, by the clock on the wall."""


def storm(incidents: int, share: float, per_second: int, alarm: Callable[[str, str], dict[str, Any]]) -> StormFigures:
    """Have so many alarms fire and clear; return what people saw in the end. `alarm` makes the events."""
    began = time.monotonic()
    with account() as settings, slack() as double:
        _credentials(double)
        settings = replace(settings, slack_api_url=double.api_url)
        double.per_second, double.troubles = per_second, Troubles(share=share, seed=1)
        queue, lock = PlayedQueue(), threading.RLock()
        names = [f"endpoint-{n:04}" for n in range(incidents)]
        for number, name in enumerate(names):
            queue.send(number, alarm("ALARM", name))
            queue.send(number + incidents, alarm("OK", name))
        workers = [Worker.of(queue, settings, lock) for _ in range(2)]
        threads = [threading.Thread(target=worker.work) for worker in workers]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return _figures(double, names, queue, workers, time.monotonic() - began)


def _figures(
    double: Slack, names: list[str], queue: PlayedQueue, workers: list[Worker], seconds: float
) -> StormFigures:
    shown, heard = double.workspace.channel(), Counter(_heard())
    roots = {name: [each for each in shown if f"*{name}*" in each.text] for name in names}
    lines = {name: [line for root in roots[name] for line in double.workspace.thread(root.ts)] for name in names}
    green = {name for name in names if any(each.text.startswith(":large_green") for each in roots[name])}
    return StormFigures(
        lost=sum(name not in green and heard[name] < 2 for name in names),
        missing=len(names) - len(green),
        repeated=sum(max(0, len(found) - 1) for found in (*roots.values(), *lines.values())),
        dead=len(queue.dead),
        deliveries=sum(queue.receives.values()),
        requests=len(double.asked),
        noted=dict(sum((worker.noted for worker in workers), Counter())),
        seconds=round(seconds, 1),
    )


def _heard() -> Iterator[str]:
    """Yield the endpoint of every message that the topic's subscriber got."""
    sqs: Any = boto3.client("sqs")
    while messages := sqs.receive_message(QueueUrl=INBOX, MaxNumberOfMessages=10).get("Messages"):
        for each in messages:
            yield json.loads(each["Body"])["MessageAttributes"]["resource"]["Value"]
            sqs.delete_message(QueueUrl=INBOX, ReceiptHandle=each["ReceiptHandle"])


@contextmanager
def account() -> Iterator[NotifySettings]:
    """An account with the topic and the table, and the settings of the function in it."""
    before = dict(os.environ)
    os.environ.update(ENVIRONMENT)
    try:
        with mock_aws():
            boto3.client("sns").create_topic(Name="alerts")
            boto3.client("sqs").create_queue(QueueName="inbox")
            boto3.client("sns").subscribe(TopicArn=TOPIC, Protocol="sqs", Endpoint=TOPIC_INBOX)
            boto3.client("dynamodb").create_table(
                TableName="incidents",
                BillingMode="PAY_PER_REQUEST",
                AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk")],
                KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
            )
            yield NotifySettings.read(ENVIRONMENT)
    finally:
        os.environ.clear()
        os.environ.update(before)


def _credentials(double: Slack) -> None:
    boto3.client("ssm").put_parameter(Name="/slack", Type="SecureString", Value=json.dumps(dict(double.bot)))


def main() -> None:
    """Print what is measured, how to read it, and the figures."""
    from tests.integration.notify_function import alarm

    incidents, share = int(sys.argv[1] if len(sys.argv) > 1 else 500), float(sys.argv[2] if len(sys.argv) > 2 else 0.3)
    figures = storm(
        incidents, share, 1 * FASTER, lambda state, name: alarm(state, 0 if state == "ALARM" else 9, resource=name)
    )
    print(f"{incidents} alarms fire and clear; Slack fails {share:.0%} of the requests and takes one message a second.")
    print("lost, repeated and dead should be 0: every opening and end is told once, in Slack or by the topic.\n")
    for name, value in asdict(figures).items():
        print(f"{name:>12}  {value}")


if __name__ == "__main__":
    main()
