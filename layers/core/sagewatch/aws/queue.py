"""Sends refs to the reconcile queue."""

from __future__ import annotations

import json
from collections.abc import Iterable
from itertools import batched
from typing import TYPE_CHECKING

from sagewatch.aws.errors import retried
from sagewatch.errors import Retry
from sagewatch.model import Ref

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

MOST_MESSAGES = 10  # in one SendMessageBatch


def send(client: SQSClient, url: str, refs: Iterable[Ref]) -> None:
    """Name the refs to the reconcile function, one message each; Retry when the queue refuses any."""
    for some in batched(refs, MOST_MESSAGES, strict=False):
        entries = [
            {"Id": str(n), "MessageBody": json.dumps({"kind": ref.kind, "name": ref.name})}
            for n, ref in enumerate(some)
        ]
        with retried(f"send_message_batch {url}"):
            refused = client.send_message_batch(QueueUrl=url, Entries=entries).get("Failed", [])  # type: ignore[arg-type]
        if refused:
            raise Retry(
                f"send_message_batch {url}: {len(refused)} of {len(some)} refused, first {refused[0]['Message']}"
            )
