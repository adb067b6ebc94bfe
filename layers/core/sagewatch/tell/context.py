"""What a batch of messages is worked on with, and how a loop goes on after an error."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from uuid import uuid4

from sagewatch.aws.clients import Clients
from sagewatch.aws.deadline import Deadline
from sagewatch.errors import Retry, SagewatchError
from sagewatch.policy.rules import Policy, PolicyInForce
from sagewatch.receivers.build import Receivers
from sagewatch.settings import NotifySettings
from sagewatch.tell.route import default_route

ENOUGH_MS = 12_000
"""Milliseconds for one message when Slack does not answer, or DynamoDB only at the third time."""


@dataclass(slots=True)
class Context:
    """What a batch of messages is worked on with."""

    clients: Clients
    """For what must be done: the table, the queue, the mute rules, the topics."""
    evidence_clients: Clients
    """For reading what explains a notice: they give up sooner."""
    graph_clients: Clients
    """For drawing the graph of an alarm: they give up at once."""
    settings: NotifySettings
    """What the environment of the function says."""
    receivers: Receivers
    """Who can be told, built by route."""
    read_policy: Callable[[], PolicyInForce]
    """Called once for each batch, when the policy is first needed."""
    now: datetime
    """The time of the batch, in UTC: everything that is derived is as of then."""
    deadline: Deadline = field(default_factory=Deadline)
    """When Lambda ends the invocation; what is not begun in time goes back to the queue."""
    worker: str = field(default_factory=lambda: uuid4().hex)
    """Tells those apart who work on the same timeline at the same time."""
    attempt: int = 1
    """How often the message that is worked on was received, this time counted."""
    known_policy: Policy | None = None
    """What `policy` returns; None until it was asked for."""

    @property
    def policy(self) -> Policy:
        """The policy by which people are told: of a broken one, only the default route is left."""
        if self.known_policy is None:
            in_force = self.read_policy()
            policy = in_force.policy
            self.known_policy = replace(policy, routes=(default_route(policy),)) if in_force.faults else policy
        return self.known_policy

    def require_time(self) -> None:
        """Raise Retry when there is not enough time left for another message."""
        if self.deadline.remaining_ms() < ENOUGH_MS:
            raise Retry("out of time before this message; it goes back to the queue", after=1)


@contextmanager
def collected(errors: list[SagewatchError]) -> Iterator[None]:
    """Keep an error for later, so that the next one in a loop is tried all the same."""
    try:
        yield
    except SagewatchError as error:
        errors.append(error)


def raise_most_hopeful(errors: list[SagewatchError]) -> None:
    """Raise the first Retry among the errors, else the first error; nothing when there is none."""
    if errors:
        raise min(errors, key=lambda error: not isinstance(error, Retry))
