"""Reconciles the resources that the messages of one batch name, each once."""

from __future__ import annotations

from dataclasses import dataclass, field

from sagewatch.aws.clients import Clients
from sagewatch.aws.deadline import Deadline
from sagewatch.aws.policy_store import PolicyStore
from sagewatch.errors import SagewatchError
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
    in_force: PolicyInForce | None = None
    """What the store answered; None until it was asked."""

    def reconcile(self, ref: Ref) -> None:
        """Reconcile a resource, and its children, unless this batch has done so; raise what that raised, again too."""
        # Each message fails by itself (Lambda Developer Guide, "Handling errors for an SQS event source in Lambda").
        if ref in self.errors:
            raise self.errors[ref]
        if ref in self.outcomes:
            return
        try:
            if self.in_force is None:
                self.in_force = self.store.read()
            self.outcomes[ref] = reconcile(self.clients, self.prefix, ref, self.in_force, self.deadline)
        except SagewatchError as error:
            self.errors[ref] = error
            raise
        for child in self.outcomes[ref].children:
            self.reconcile(child)

    def counts(self) -> dict[str, int]:
        """Return what was written, as metrics: `{"AlarmsPut": 11, "AlarmsDeleted": 0}`."""
        done = self.outcomes.values()
        return {"AlarmsPut": sum([each.put for each in done]), "AlarmsDeleted": sum([each.deleted for each in done])}
