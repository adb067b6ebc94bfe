"""Reconciles the resources that the messages of one batch name, each once."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

from sagewatch.aws import queue
from sagewatch.aws.clients import Clients
from sagewatch.aws.deadline import Deadline
from sagewatch.aws.policy_store import PolicyStore
from sagewatch.errors import NotAllowed, OutOfTime, Retry, SagewatchError
from sagewatch.model import Ref
from sagewatch.policy.rules import PolicyInForce
from sagewatch.watch.reconcile import Outcome, reconcile
from sagewatch.watch.rollback import Deployments

MOST_DENIALS = 3
"""The receive at which a resource that may not be described is given up, 24 minutes after the first.

Before that it may be a permission that was just given (IAM User Guide, "Changes that I make are not always immediately
visible"). After it the message would end in the dead-letter queue, as would each of its kind."""


_FIRST_WAIT_S, _LONGEST_WAIT_S = 15.0, 1_500.0


def wait_s(error: SagewatchError, attempt: int) -> float | None:
    """Return for how many seconds a message waits after so many failures; None: as long as the queue hides it.

    15 s, then four times as long each time: most of what fails works again in seconds, and six tries take 50 minutes.
    What is not allowed, and what will never succeed, is not hurried.
    """
    if not isinstance(error, Retry) or isinstance(error, NotAllowed):
        return None
    # Jitter: what failed together should not come back together (AWS Builders' Library, "Timeouts, retries, and
    # backoff with jitter").
    return min(_FIRST_WAIT_S * 4.0 ** (attempt - 1), _LONGEST_WAIT_S) * random.uniform(1, 1.2)


@dataclass(slots=True)
class Batch:
    """The work of one invocation: messages that name the same resource share one answer, and all share one policy."""

    clients: Clients
    """For everything that is read and written."""
    prefix: str
    """What the names of all our alarms begin with (ALARM_PREFIX)."""
    store: PolicyStore
    """Asked once, with the first resource that lives."""
    deadline: Deadline
    """When Lambda ends the invocation; what is not begun in time goes back to the queue."""
    outcomes: dict[Ref, Outcome] = field(default_factory=dict)
    """What was done, by the ref that was named."""
    errors: dict[Ref, SagewatchError] = field(default_factory=dict)
    """Why it could not be done, by the ref that was named."""
    given_up: dict[Ref, NotAllowed] = field(default_factory=dict)
    """Why it cannot be done here, and its message is no failure any more."""
    sent: set[Ref] = field(default_factory=set)
    """What was put into the queue anew, to be gone on with."""
    deployments: Deployments = field(default_factory=Deployments)
    """What was deployed lately; the lists are read once, however many endpoints are gone."""
    in_force: PolicyInForce | None = None
    """What the store answered; None until it was asked."""

    def reconcile(self, ref: Ref, queue_url: str | None = None, attempt: int = 1) -> None:
        """Reconcile a resource unless this batch has done so; raise what that raised, again too.

        `attempt` counts the receives of the message: at the third, one that may not be described is given up.

        What ran out of time is put into the queue anew, and so counts as no failed receive, if some of it was done or
        something else took the time. Children go into the queue, too; without a queue they are reconciled here.
        """
        # Each message fails by itself (Lambda Developer Guide, "Handling errors for an SQS event source in Lambda").
        if ref in self.errors:
            raise self.errors[ref]
        if ref in self.outcomes or ref in self.sent or ref in self.given_up:
            return
        alone = not (self.outcomes or self.errors or self.sent or self.given_up)
        try:
            self._reconcile(ref, queue_url)
        except OutOfTime as error:
            if queue_url is None or (alone and not error.done):
                self.errors[ref] = error
                raise
            queue.name(self.clients.sqs, queue_url, [ref])
            self.sent.add(ref)
        except NotAllowed as error:
            if attempt < MOST_DENIALS or not error.describes:
                self.errors[ref] = error
                raise
            self.given_up[ref] = error
        except SagewatchError as error:
            self.errors[ref] = error
            raise

    def _policy(self) -> PolicyInForce:
        if self.in_force is None:
            self.deadline.require_call()
            self.in_force = self.store.read()
        return self.in_force

    def _reconcile(self, ref: Ref, queue_url: str | None) -> None:
        outcome = reconcile(self.clients, self.prefix, ref, self._policy, self.deadline, self.deployments)
        if queue_url is not None:
            queue.name(self.clients.sqs, queue_url, [each for each in outcome.children if each not in self.outcomes])
        self.outcomes[ref] = outcome
        for child in outcome.children if queue_url is None else ():
            self.reconcile(child)
        if outcome.denied:
            raise NotAllowed(f"{ref}: {outcome.denied[0]}", describes=True)

    @property
    def refused(self) -> list[str]:
        """The alarms that CloudWatch refuses, each with its reason."""
        return [each for done in self.outcomes.values() for each in done.refused]

    def counts(self) -> dict[str, int]:
        """Return what was written, as metrics: `{"AlarmsPut": 11, "AlarmsDeleted": 0, "AlarmsRefused": 0}`."""
        done = self.outcomes.values()
        return {
            "AlarmsPut": sum([each.put for each in done]),
            "AlarmsDeleted": sum([each.deleted for each in done]),
            "AlarmsRefused": len(self.refused),
        }

    def postpone(self, error: SagewatchError, attempt: int, queue_url: str | None, receipt: str | None) -> float | None:
        """Have a message that failed come back when it is worth another try; return in how many seconds.

        None: when the queue shows it again by itself, which is also so when SQS does not answer.
        """
        seconds = wait_s(error, attempt)
        if seconds is None or not (queue_url and receipt):
            return None
        try:
            queue.postpone(self.clients.sqs, queue_url, receipt, seconds)
        except Retry:
            return None
        return seconds
