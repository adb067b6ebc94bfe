"""Sends refs to the reconcile queue."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from itertools import batched
from typing import TYPE_CHECKING

from sagewatch.aws.retries import retried
from sagewatch.errors import Retry
from sagewatch.model import Ref

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

_LONGEST_DELAY = 900  # seconds (SendMessageBatch, DelaySeconds)
MOST_MESSAGES = 10  # in one SendMessageBatch


def name(client: SQSClient, url: str, refs: Iterable[Ref]) -> None:
    """Name the refs to the reconcile function, one message each; Retry when the queue refuses any."""
    send(client, url, ({"kind": ref.kind, "name": ref.name} for ref in refs))


def beside(url: str, arn: str) -> str:
    """Return the URL of a queue by its ARN, of the same account and Region as the queue at `url`; `url` without an ARN.

    `beside("https://sqs.eu-west-1.amazonaws.com/123456789012/a", "arn:aws:sqs:eu-west-1:123456789012:b")` ends in `/b`.
    """
    name = arn.rpartition(":")[2]
    return f"{url.rpartition('/')[0]}/{name}" if name else url


def send(client: SQSClient, url: str, bodies: Iterable[Mapping[str, object]], delay: int = 0) -> None:
    """Send messages, which arrive after so many seconds (900 at most); Retry when the queue refuses any."""
    later = {"DelaySeconds": min(delay, _LONGEST_DELAY)} if delay else {}
    for some in batched(bodies, MOST_MESSAGES):
        # An Id must be unique within one request, nothing more (SendMessageBatch, Id).
        entries = [{"Id": str(n), "MessageBody": json.dumps(body), **later} for n, body in enumerate(some)]
        with retried(f"send_message_batch {url}"):
            refused = client.send_message_batch(QueueUrl=url, Entries=entries).get("Failed", [])  # type: ignore[arg-type]
        # The call succeeds when single messages are refused (SendMessageBatch, Failed).
        if refused:
            raise Retry(
                f"send_message_batch {url}: {len(refused)} of {len(some)} refused, first {refused[0]['Message']}"
            )


def postpone(client: SQSClient, url: str, receipt: str, seconds: float) -> None:
    """Hide a message that was received for so long, half an hour at most; Retry when the queue refuses."""
    with retried(f"change_message_visibility {url}"):
        # Twelve hours from the receive are the most that SQS hides a message (ChangeMessageVisibility).
        client.change_message_visibility(
            QueueUrl=url, ReceiptHandle=receipt, VisibilityTimeout=min(int(seconds), 1_800)
        )
