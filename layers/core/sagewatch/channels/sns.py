"""Delivers to the alerts topic."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sagewatch.aws.errors import retried
from sagewatch.model import Notice
from sagewatch.wording import text

if TYPE_CHECKING:
    from mypy_boto3_sns import SNSClient


def send(client: SNSClient, topic_arn: str, notice: Notice) -> None:
    """Publish a notice; Retry when SNS does not take it."""
    with retried(f"publish {topic_arn}"):
        client.publish(
            TopicArn=topic_arn,
            Subject=text.subject(notice),
            Message=text.body(notice),
            MessageAttributes={
                name: {"DataType": "String", "StringValue": value} for name, value in text.attributes(notice).items()
            },
        )
