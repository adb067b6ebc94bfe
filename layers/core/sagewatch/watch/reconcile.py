"""Makes the alarms of one resource what they should be: observe, decide, write, look again."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, fields
from functools import partial
from itertools import batched
from typing import Any

from sagewatch.aws import cloudwatch
from sagewatch.aws.clients import Clients
from sagewatch.aws.deadline import Deadline
from sagewatch.errors import ErrorCode, NotAllowed, OutOfTime, Refused, Retry, Undeliverable
from sagewatch.kinds.kind import Kind
from sagewatch.kinds.registry import kind as kind_named
from sagewatch.model import Alarm, Changes, Observed, Ref
from sagewatch.policy.rules import PolicyInForce
from sagewatch.watch import names
from sagewatch.watch.diff import decide
from sagewatch.watch.facts import is_unchanged, observe
from sagewatch.watch.plan import withheld_alarms
from sagewatch.watch.revision import Member, member_of, set_digest, taken
from sagewatch.watch.rollback import Deployments, alarms_of_others, to_label

MOST_LOOKS = 3
"""How often a resource that keeps changing is reconciled before it goes back to the queue."""


_UNSAID = frozenset({"left", "names_deleted", "withheld"})
"""What of an outcome is too long for its log line."""


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
    names_deleted: tuple[str, ...] = ()
    """Their names, but for those that are there again."""
    children: tuple[Ref, ...] = ()
    """Resources without events of their own, which are to be reconciled with it."""
    foreign: tuple[str, ...] = ()
    """Names under its prefix of alarms that are not ours; they were left alone."""
    reports: tuple[str, ...] = ()
    """What people should know: tags that cannot be understood, facts that could not be found out, alarms that stay."""
    refused: tuple[str, ...] = ()
    """Alarms that CloudWatch refuses for good, with its reason: `sagewatch/endpoint/churn/AllTraffic/cpu: …`."""
    left: str = ""
    """A digest of the alarms that the resource has now."""
    withheld: tuple[Alarm, ...] = ()
    """The alarms that the budget has no room for."""
    denied: tuple[str, ...] = ()
    """Why parts of it could not be read that the role may not read; the alarms that depend on them are as they were."""
    is_bare: bool = False
    """Whether it lives, and is well without any alarm."""

    def data(self) -> dict[str, Any]:
        """Return it for a log line."""
        said = {each.name: getattr(self, each.name) for each in fields(self) if each.name not in _UNSAID}
        return {**said, "ref": str(self.ref), "children": [str(child) for child in self.children]}


_NO_POLICY = PolicyInForce()
_NO_DEADLINE = Deadline()


def reconcile(
    clients: Clients,
    prefix: str,
    ref: Ref,
    in_force: PolicyInForce | Callable[[], PolicyInForce] = _NO_POLICY,
    deadline: Deadline = _NO_DEADLINE,
    deployments: Deployments | None = None,
) -> Outcome:
    """Bring a resource's alarms in line with a fresh describe and the policy.

    After a write the resource is described once more: if it went, came or changed meanwhile, everything is done again,
    so that two workers on one resource leave no orphan and no gap. Raise Retry when AWS does not answer or the resource
    will not settle, OutOfTime (with how much was written) before a call that might be cut off, Undeliverable for a kind
    that nobody knows. An alarm that CloudWatch refuses stops no other. Where `in_force` is to be called, that is done
    for a resource that lives: of one that is gone the policy says nothing.
    """
    kind = kind_named(ref.kind)
    if kind is None:
        raise Undeliverable(f"{ref}: this version knows no such kind", code=ErrorCode.UNKNOWN_KIND)
    writes = _Writes(clients, deadline)
    try:
        return _settled(clients, prefix, kind, ref, in_force, writes, deployments or Deployments())
    except OutOfTime as error:
        done = writes.put + writes.deleted
        raise OutOfTime(f"{ref}: {error}; {done} alarms were written", done) from error


@dataclass(slots=True)
class _Writes:
    """Writes alarms, one after the other; counts them, and keeps in mind those that cannot be written."""

    clients: Clients
    deadline: Deadline
    put: int = 0
    deleted: int = 0
    gone: set[str] = field(default_factory=set)
    """The names of those that were deleted, and not put since."""
    refused: dict[str, str] = field(default_factory=dict)
    """Alarm → why CloudWatch takes no such alarm."""
    denied: dict[str, str] = field(default_factory=dict)
    """Alarm → why the role may not write it."""

    def apply(self, changes: Changes) -> bool:
        """Delete and put what can be; tell whether anything was written."""
        before = self.put + self.deleted
        # One call deletes a hundred alarms; each put is a call, of which three a second pass (service quotas).
        for some in batched(changes.deletes, cloudwatch.MOST_NAMES):
            delete = partial(cloudwatch.delete, self.clients.cloudwatch, some)
            if self._written(some[0], delete):
                self.deleted += len(some)
                self.gone.update(some)
        self.put_all(changes.puts)
        return self.put + self.deleted > before

    def put_all(self, alarms: Iterable[Alarm]) -> None:
        """Put those that were not refused before."""
        for alarm in alarms:
            put = partial(cloudwatch.put, self.clients.cloudwatch, alarm, self.clients.pace)
            self.put += self._written(alarm.name, put, self.clients.pace.wait)
            self.gone.discard(alarm.name)

    def _written(self, name: str, write: Callable[[], None], wait: Callable[[], None] = lambda: None) -> bool:
        if name in self.refused or name in self.denied:
            return False
        wait()
        self.deadline.require_call()
        try:
            write()
        except Refused as error:
            self.refused[name] = str(error)
            return False
        except NotAllowed as error:
            self.denied[name] = str(error)
            return False
        return True


def _settled(
    clients: Clients,
    prefix: str,
    kind: Kind,
    ref: Ref,
    wanted: PolicyInForce | Callable[[], PolicyInForce],
    writes: _Writes,
    deployments: Deployments,
) -> Outcome:
    """Observe and write until the resource is, after the last write, what it was before it."""
    read = clients.reader.until(writes.deadline)
    for _ in range(MOST_LOOKS):
        observed = observe(clients, prefix, kind, ref, writes.deadline)
        facts = observed.facts
        in_force = _in_force(wanted) if facts.live else _NO_POLICY
        decision = decide(read, prefix, kind, observed, in_force, deployments)
        written = writes.apply(decision.changes)
        if facts.rollback_alarms:
            others = cloudwatch.named(clients.cloudwatch, alarms_of_others(prefix, facts))
            writes.put_all(to_label(prefix, facts, others))
        if not written or is_unchanged(read, kind, ref, facts):
            if writes.denied:
                raise NotAllowed(f"{ref}: {len(writes.denied)} writes were denied, first {min(writes.denied.values())}")
            return Outcome(
                ref=facts.ref,
                live=facts.live,
                put=writes.put,
                deleted=writes.deleted,
                names_deleted=tuple(sorted(writes.gone)),
                children=facts.children,
                foreign=tuple(sorted(observed.foreign)),
                reports=decision.reports,
                refused=tuple(writes.refused.values()),
                left=set_digest(_set_after(observed, decision.changes, writes), in_force.mark_of(facts.ref)),
                withheld=withheld_alarms(prefix, kind, facts, in_force),
                denied=facts.denied,
                is_bare=facts.live and not (decision.wanted.alarms or facts.gaps or observed.foreign),
            )
    raise Retry(f"{ref}: it changed {MOST_LOOKS} times while its alarms were written", code=ErrorCode.KEEPS_CHANGING)


def _in_force(wanted: PolicyInForce | Callable[[], PolicyInForce]) -> PolicyInForce:
    return wanted if isinstance(wanted, PolicyInForce) else wanted()


def _set_after(observed: Observed, changes: Changes, writes: _Writes) -> list[Member]:
    """Return a resource's alarms, and names that somebody's own have, as they are after what could be written was."""
    there = {each.name: each for each in observed.owned if each.name not in changes.deletes}
    there |= {each.name: each for each in changes.puts if each.name not in writes.refused}
    blocked = [taken(name) for several in names.row_names(observed.foreign).values() for name in several]
    return [*map(member_of, there.values()), *blocked]
