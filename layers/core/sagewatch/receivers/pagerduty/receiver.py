"""A PagerDuty service as a receiver."""

from __future__ import annotations

from dataclasses import dataclass

from sagewatch.model import Incident, ThreadLine
from sagewatch.policy.rules import Route
from sagewatch.receivers.pagerduty import render
from sagewatch.receivers.pagerduty.api import PagerDutyApi
from sagewatch.receivers.receiver import Capabilities, PostOnlyReceiver


@dataclass(frozen=True, slots=True)
class PagerDutyReceiver(PostOnlyReceiver):
    """A service, for one route; it is sent how the incident stands, whatever the line."""

    capabilities = Capabilities(
        editable=False, abouts=frozenset({"worsened", "reopened", "resolved", "closed", "acked", "snoozed"})
    )
    api: PagerDutyApi
    route: Route

    def tell(self, incident: Incident, line: ThreadLine | None) -> None:  # noqa: ARG002 - the incident says it all
        self.api.send(render.event(incident, self.route))
