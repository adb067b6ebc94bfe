"""What is told when neither the table nor the policy can be read: what fires or failed, to those who need no memory.

Amazon SNS API Reference, Publish.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest

from sagewatch.aws.clients import Clients
from sagewatch.aws.retries import BRISK
from sagewatch.errors import Impaired
from sagewatch.policy.rules import Policy, PolicyInForce, Route
from sagewatch.receivers.build import Receivers
from sagewatch.settings import NotifySettings
from sagewatch.tell.context import Context
from sagewatch.tell.impaired import tell_without_memory
from tests.payloads import event

TOPICS = "arn:aws:sns:us-east-1:123456789012:"
SETTINGS = NotifySettings.read(
    {"ALARM_PREFIX": "sagewatch", "ALERTS_TOPIC_ARN": f"{TOPICS}alerts", "INCIDENTS_TABLE": "incidents"}
)
NOW = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)


@dataclass
class Topics:
    """SNS: keeps what is published, by the name of the topic; `refused` takes nothing."""

    refused: str = ""
    mails: list[tuple[str, str]] = field(default_factory=list)

    def publish(self, **request: Any) -> dict[str, str]:
        name = request["TopicArn"].removeprefix(TOPICS)
        if name == self.refused:
            raise Impaired("nobody answers")
        self.mails.append((name, request["Message"]))
        return {"MessageId": "m"}


def ignored(*_: str, **__: str) -> None:
    """Take a note of nothing."""


@pytest.fixture(autouse=True)
def _somewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")


def told(body: Any, policy: Callable[[], PolicyInForce], refused: str = "") -> list[str]:
    """Return to which topics a message was told."""
    topics, clients = Topics(refused), Clients(BRISK)
    receivers = Receivers.of(SETTINGS, topics, lambda: 0.0, ignored)  # type: ignore[arg-type]
    tell_without_memory(Context(clients, clients, clients, SETTINGS, receivers, policy, NOW), body)
    assert all("impaired" in body for _, body in topics.mails)
    return [name for name, _ in topics.mails]


def of_routes(*routes: Route) -> Callable[[], PolicyInForce]:
    return lambda: PolicyInForce(Policy(routes=routes))


def unreadable() -> PolicyInForce:
    raise Impaired("SSM is denied")


ALL = Route(name="all", sns=f"{TOPICS}ops")


@pytest.mark.parametrize("name", ["alarm-firing", "training-job-failed"])
def test_what_fires_or_failed_is_told_on_its_route(name: str) -> None:
    assert told(event(name), of_routes(ALL)) == ["ops"]


def test_without_a_policy_the_default_route_is_told() -> None:
    assert told(event("alarm-firing"), unreadable) == ["alerts"]


@pytest.mark.parametrize("name", ["alarm-cleared", "alarm-firing-muted", "alarm-deleted", "training-job-completed"])
def test_what_is_over_muted_or_well_is_not_told(name: str) -> None:
    assert told(event(name), of_routes(ALL)) == []


@pytest.mark.parametrize(
    "body",
    [
        {"detail-type": "Sagewatch Clock", "detail": {}},
        {"detail-type": "Sagewatch Digest Due", "detail": {}},
        {"detail-type": "Something else", "detail": {}},
        {},
    ],
)
def test_what_is_no_notice_is_not_told(body: Any) -> None:
    assert told(body, of_routes(ALL)) == []


def test_a_route_that_tells_nobody_tells_nobody() -> None:
    assert told(event("alarm-firing"), of_routes(Route(name="none", drop=True))) == []


@pytest.mark.parametrize(
    "route",
    [Route(name="all", pagerduty="ssm:/pagerduty"), Route(name="all", escalate=f"{TOPICS}on-call", remind=("15min",))],
    ids=["pagerduty", "escalation"],
)
def test_those_stand_in_who_need_no_memory(route: Route) -> None:
    assert told(event("alarm-firing"), of_routes(route)) == ["alerts"]


def test_those_stand_in_when_nobody_takes_it() -> None:
    assert told(event("alarm-firing"), of_routes(ALL), refused="ops") == ["alerts"]
