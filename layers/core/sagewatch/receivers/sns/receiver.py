"""An SNS topic as a receiver: plain text with attributes to filter by."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sagewatch.model import Incident, ThreadLine
from sagewatch.policy.rules import Route
from sagewatch.receivers.receiver import Capabilities, PostOnlyReceiver
from sagewatch.receivers.sns import api, render

if TYPE_CHECKING:
    from mypy_boto3_sns import SNSClient


@dataclass(frozen=True, slots=True)
class SnsReceiver(PostOnlyReceiver):
    """A topic, for the readers of one route."""

    client: SNSClient
    arn: str
    route: Route

    def tell(self, incident: Incident, line: ThreadLine | None) -> None:
        mail = render.mail(incident, line, self.route)
        api.publish(self.client, self.arn, mail.subject, mail.body, mail.attributes)


class EscalationReceiver(SnsReceiver):
    """The topic that is told of what nobody acknowledged, by the last reminder and by nothing else."""

    __slots__ = ()
    capabilities = Capabilities(editable=False, abouts=frozenset({"reminder"}), opens=False)

    def tell(self, incident: Incident, line: ThreadLine | None) -> None:
        if line and line.number == len(self.route.remind):
            SnsReceiver.tell(self, incident, line)
