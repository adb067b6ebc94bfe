"""Makes the alarms of one resource what they should be: observe, decide, write, look again."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

from sagewatch.aws import cloudwatch
from sagewatch.aws.clients import Clients
from sagewatch.aws.deadline import Deadline
from sagewatch.errors import Retry, Undeliverable
from sagewatch.kinds.registry import kind as kind_named
from sagewatch.model import Alarm, Ref
from sagewatch.policy.rules import PolicyInForce
from sagewatch.watch.diff import decide
from sagewatch.watch.facts import is_unchanged, observe
from sagewatch.watch.plan import withheld_alarms
from sagewatch.watch.rollback import alarms_of_others, to_label

MOST_LOOKS = 3
"""How often a resource that keeps changing is reconciled before it goes back to the queue."""

# What is set aside for one write with its retries.
_WRITE_MS = 5_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What was done about a resource."""

    ref: Ref
    """The resource, by the name that its description gives."""
    live: bool
    """False when it is gone, and its alarms with it."""
    put: int = 0
    """Alarms that were made or changed."""
    deleted: int = 0
    """Alarms that were deleted."""
    children: tuple[Ref, ...] = ()
    """Resources without events of their own, which are to be reconciled with it."""
    foreign: tuple[str, ...] = ()
    """Names under its prefix of alarms that are not ours; they were left alone."""
    reports: tuple[str, ...] = ()
    """What people should know: tags that cannot be understood, facts that could not be found out, alarms that stay."""
    withheld: tuple[Alarm, ...] = ()
    """The alarms that the budget has no room for."""
    is_bare: bool = False
    """Whether it lives, and is well without any alarm."""

    def data(self) -> dict[str, Any]:
        """Return it for a log line."""
        said = {each.name: getattr(self, each.name) for each in fields(self) if each.name != "withheld"}
        return {**said, "ref": str(self.ref), "children": [str(child) for child in self.children]}


_NO_POLICY = PolicyInForce()
_NO_DEADLINE = Deadline()


def reconcile(
    clients: Clients, prefix: str, ref: Ref, in_force: PolicyInForce = _NO_POLICY, deadline: Deadline = _NO_DEADLINE
) -> Outcome:
    """Bring a resource's alarms in line with a fresh describe and the policy.

    After a put the resource is described once more: if it went or changed meanwhile, everything is done again, so
    that two workers on one resource leave no orphan. Raise Retry when AWS does not answer, time runs out, or the
    resource will not settle, Undeliverable for a kind that nobody knows.
    """
    kind = kind_named(ref.kind)
    if kind is None:
        raise Undeliverable(f"{ref}: this version knows no such kind")
    for _ in range(MOST_LOOKS):
        observed = observe(clients, prefix, kind, ref)
        facts, decision = observed.facts, decide(clients.reader, prefix, kind, observed, in_force)
        deletes, puts = decision.changes.deletes, decision.changes.puts
        # One call deletes a hundred alarms; each put is a call, of which three a second pass (service quotas).
        cloudwatch.delete(clients.cloudwatch, deletes)
        for done, alarm in enumerate(puts):
            if deadline.remaining_ms() < _WRITE_MS:
                raise Retry(f"out of time after {done} of {len(puts)} alarms; the rest go back to the queue")
            cloudwatch.put(clients.cloudwatch, alarm)
        if facts.rollback_alarms:
            others = cloudwatch.named(clients.cloudwatch, alarms_of_others(prefix, facts))
            for alarm in to_label(facts, others):
                cloudwatch.put(clients.cloudwatch, alarm)
        if not puts or is_unchanged(clients.reader, kind, ref, facts):
            return Outcome(
                ref=facts.ref,
                live=facts.live,
                put=len(puts),
                deleted=len(deletes),
                children=facts.children,
                foreign=tuple(sorted(observed.foreign)),
                reports=decision.reports,
                withheld=withheld_alarms(prefix, kind, facts, in_force),
                is_bare=facts.live and not (decision.wanted.alarms or facts.gaps or observed.foreign),
            )
    raise Retry(f"{ref}: it changed {MOST_LOOKS} times while its alarms were written")
