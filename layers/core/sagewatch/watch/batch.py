"""Reconciles the resources that the messages of one batch name, each once."""

from __future__ import annotations

from dataclasses import dataclass, field

from sagewatch.aws import queue
from sagewatch.aws.clients import Clients
from sagewatch.aws.deadline import Deadline
from sagewatch.aws.policy_store import PolicyStore
from sagewatch.errors import OutOfTime, SagewatchError
from sagewatch.model import Ref
from sagewatch.policy.rules import PolicyInForce
from sagewatch.watch.reconcile import Outcome, reconcile


@dataclass(slots=True)
class Batch:
    """The work of one invocation: messages that name the same resource share one answer, and all share one policy."""

    clients: Clients
    """For everything that is read and written."""
    prefix: str
    """What the names of all our alarms begin with (ALARM_PREFIX)."""
    store: PolicyStore
    """Asked once, with the first resource."""
    deadline: Deadline
    """When Lambda ends the invocation; what is not begun in time goes back to the queue."""
    outcomes: dict[Ref, Outcome] = field(default_factory=dict)
    """What was done, by the ref that was named."""
    errors: dict[Ref, SagewatchError] = field(default_factory=dict)
    """Why it could not be done, by the ref that was named."""
    sent: set[Ref] = field(default_factory=set)
    """What was put into the queue anew, to be gone on with."""
    in_force: PolicyInForce | None = None
    """What the store answered; None until it was asked."""

    def reconcile(self, ref: Ref, queue_url: str | None = None) -> None:
        """Reconcile a resource unless this batch has done so; raise what that raised, again too.

        What ran out of time is put into the queue anew, and so counts as no failed receive, if some of it was done or
        something else took the time. Children go into the queue, too; without a queue they are reconciled here.
        """
        # Each message fails by itself (Lambda Developer Guide, "Handling errors for an SQS event source in Lambda").
        if ref in self.errors:
            raise self.errors[ref]
        if ref in self.outcomes or ref in self.sent:
            return
        alone = not (self.outcomes or self.errors or self.sent)
        try:
            self._reconcile(ref, queue_url)
        except OutOfTime as error:
            if queue_url is None or (alone and not error.done):
                self.errors[ref] = error
                raise
            queue.name(self.clients.sqs, queue_url, [ref])
            self.sent.add(ref)
        except SagewatchError as error:
            self.errors[ref] = error
            raise

    def _reconcile(self, ref: Ref, queue_url: str | None) -> None:
        self.deadline.require_call()
        if self.in_force is None:
            self.in_force = self.store.read()
        outcome = reconcile(self.clients, self.prefix, ref, self.in_force, self.deadline)
        if queue_url is not None:
            queue.name(self.clients.sqs, queue_url, [each for each in outcome.children if each not in self.outcomes])
        self.outcomes[ref] = outcome
        for child in outcome.children if queue_url is None else ():
            self.reconcile(child)

    def counts(self) -> dict[str, int]:
        """Return what was written, as metrics: `{"AlarmsPut": 11, "AlarmsDeleted": 0, "AlarmsRefused": 0}`."""
        done = self.outcomes.values()
        return {
            "AlarmsPut": sum([each.put for each in done]),
            "AlarmsDeleted": sum([each.deleted for each in done]),
            "AlarmsRefused": sum([len(each.refused) for each in done]),
        }
