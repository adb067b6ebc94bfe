"""Publishes to SNS topics.

Retry         what SNS throttles, or cannot do now
Unreachable   a topic that does not exist
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from sagewatch.aws.retries import retried
from sagewatch.errors import Unreachable
from sagewatch.model import Incident, ThreadLine
from sagewatch.policy.rules import Route
from sagewatch.receivers.receiver import Capabilities, Location, PostOnlyReceiver
from sagewatch.receivers.sns import render

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mypy_boto3_sns import SNSClient


def publish(client: SNSClient, topic_arn: str, subject: str, body: str, attributes: Mapping[str, str]) -> None:
    """Publish plain lines; in a FIFO topic, in order for each resource."""
    group = "/".join(filter(None, (attributes.get("kind"), attributes.get("resource"))))
    with _publishing(topic_arn):
        client.publish(
            TopicArn=topic_arn,
            Subject=subject,
            Message=body,
            MessageAttributes={
                # SNS refuses empty values.
                name: {"DataType": "String", "StringValue": value}
                for name, value in attributes.items()
                if value
            },
            **_order(topic_arn, group, f"{subject}\n{body}\n{sorted(attributes.items())}"),
        )


def publish_raw(client: SNSClient, topic_arn: str, json_text: str) -> None:
    """Publish JSON that a program reads, as it is, without a subject."""
    with _publishing(topic_arn):
        client.publish(TopicArn=topic_arn, Message=json_text, **_order(topic_arn, "", json_text))


@contextmanager
def _publishing(topic_arn: str) -> Iterator[None]:
    """Raise Unreachable when there is no such topic, Retry when SNS does not take it."""
    with retried(f"publish {topic_arn}"):
        try:
            yield
        except ClientError as error:
            # botocore declares NotFoundException for Publish, whose code on the wire is NotFound.
            if error.response["Error"]["Code"] not in {"NotFound", "NotFoundException"}:
                raise
            raise Unreachable(f"publish {topic_arn}: there is no such topic") from error


def _order(topic_arn: str, group: str, content: str) -> dict[str, Any]:
    # The name of every FIFO topic ends so; only these take a deduplication id (SNS, CreateTopic and Publish).
    if not topic_arn.endswith(".fifo"):
        return {}
    return {
        # Publish takes 128 characters of ASCII without blanks.
        "MessageGroupId": re.sub("[^!-~]", "-", group)[:128] or "sagewatch",
        # Of all that is said: what is repeated is dropped for five minutes, a change never is.
        "MessageDeduplicationId": sha256(content.encode()).hexdigest(),
    }


@dataclass(frozen=True, slots=True)
class SnsReceiver(PostOnlyReceiver):
    """A topic, for the readers of one route."""

    client: SNSClient
    arn: str
    route: Route

    def tell(self, incident: Incident, line: ThreadLine | None) -> None:
        mail = render.mail(incident, line, self.route)
        publish(self.client, self.arn, mail.subject, mail.body, mail.attributes)

    def has_readers(self) -> bool:
        """Return False when nobody has confirmed a subscription; who may not ask that is taken for having some."""
        try:
            found = self.client.list_subscriptions_by_topic(TopicArn=self.arn)["Subscriptions"]
        except (ClientError, BotoCoreError):
            return True
        # ListSubscriptionsByTopic: one that nobody confirmed has `PendingConfirmation` in place of an ARN.
        return any(each.get("SubscriptionArn", "").startswith("arn:") for each in found)


class EscalationReceiver(SnsReceiver):
    """The topic that is told of what nobody acknowledged, by the last reminder, and then of the end of that."""

    __slots__ = ()
    capabilities = Capabilities(
        editable=False, abouts=frozenset({"reminder", "cleared", "closed", "resolved"}), opens=False
    )

    def warn(self, incident: Incident) -> bool:  # noqa: ARG002 - it is of reminders only
        return False

    def add(self, root: Location, incident: Incident, line: ThreadLine) -> Location:
        if line.about == "reminder" and line.number != len(self.route.remind):
            return {}  # nothing was sent, and so no end is to follow
        return SnsReceiver.add(self, root, incident, line)
