"""Subscribes a queue to the alerts topic, and reads the messages that arrive."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sagewatch_cli.local.stack.deployment import Stack

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient


@dataclass(frozen=True, slots=True)
class Mail:
    """One SNS message: its subject, its text, and the attributes that subscription filters look at."""

    subject: str | None
    text: str
    attributes: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Inbox:
    """A queue that gets what the topic gets."""

    sqs: SQSClient
    url: str

    @classmethod
    def subscribe(cls, stack: Stack, topic: str) -> Inbox:
        """Make the queue, let the topic send to it and subscribe it."""
        sqs = stack.client("sqs")
        url = sqs.create_queue(QueueName="inbox")["QueueUrl"]
        arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        allowed = {
            "Effect": "Allow",
            "Principal": {"Service": "sns.amazonaws.com"},
            "Action": "sqs:SendMessage",
            "Resource": arn,
            "Condition": {"ArnEquals": {"aws:SourceArn": topic}},
        }
        sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": json.dumps({"Statement": [allowed]})})
        stack.client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
        return cls(sqs, url)

    def read(self) -> tuple[Mail, ...]:
        """Return what came since the last time."""
        return tuple(self._read())

    def _read(self) -> Iterator[Mail]:
        while messages := self.sqs.receive_message(QueueUrl=self.url, MaxNumberOfMessages=10).get("Messages", []):
            for message in messages:
                envelope = json.loads(message["Body"])
                attributes = {name: each["Value"] for name, each in envelope.get("MessageAttributes", {}).items()}
                yield Mail(envelope.get("Subject"), envelope["Message"], attributes)
                self.sqs.delete_message(QueueUrl=self.url, ReceiptHandle=message["ReceiptHandle"])
