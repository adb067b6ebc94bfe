"""A topic that Amazon Q Developer reads, as a receiver: for Slack without an app of one's own, and for Teams."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sagewatch.model import Incident, ThreadLine
from sagewatch.policy.rules import Route
from sagewatch.receivers.amazon_q import render
from sagewatch.receivers.receiver import PostOnlyReceiver
from sagewatch.receivers.sns.api import publish_raw

if TYPE_CHECKING:
    from mypy_boto3_sns import SNSClient


@dataclass(frozen=True, slots=True)
class AmazonQReceiver(PostOnlyReceiver):
    """A topic whose messages are custom notifications, for one route."""

    client: SNSClient
    arn: str
    route: Route

    def tell(self, incident: Incident, line: ThreadLine | None) -> None:
        publish_raw(self.client, self.arn, json.dumps(render.notification(incident, line, self.route)))
