"""Makes the alarms of one resource what they should be: describe, plan, diff, apply, look again."""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from functools import cache
from typing import TYPE_CHECKING, Any

from sagewatch.aws import cloudwatch, sagemaker
from sagewatch.aws.instance_types import InstanceTypes
from sagewatch.aws.policy_store import Standing
from sagewatch.aws.published_metrics import Discovery
from sagewatch.errors import Retry, SagewatchError, Undeliverable
from sagewatch.kinds.guards import guards
from sagewatch.kinds.kind import Kind, Reader
from sagewatch.kinds.registry import kind as kind_named
from sagewatch.model import Alarm, Changes, Facts, Plan, Ref
from sagewatch.watch import names
from sagewatch.watch.diff import diff
from sagewatch.watch.plan import guarding, plan

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch import CloudWatchClient

MOST_LOOKS = 3
"""How often a resource that keeps changing is reconciled before it goes back to the queue."""

_ENOUGH = 5_000  # ms, for one write with its retries
_NOTHING_WANTED = Standing()


def unhurried() -> int:
    """Return the time left of somebody who has no deadline, in ms."""
    return _ENOUGH


@dataclass(frozen=True, slots=True)
class Clients:
    """What the function holds for the life of its container."""

    sagemaker: sagemaker.Client
    cloudwatch: CloudWatchClient
    reader: Reader

    @classmethod
    def of(cls, sagemaker_: sagemaker.Client, cloudwatch_: CloudWatchClient) -> Clients:
        """Return them with a reader that remembers what it discovered."""
        return cls(sagemaker_, cloudwatch_, sagemaker.Reading(sagemaker_, Discovery(cloudwatch_), InstanceTypes()))


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What a look at a resource found: its facts, its alarms, and the names under its prefix that are not ours.

    `version` is of the description that the facts were read from.
    """

    facts: Facts
    version: Hashable
    owned: tuple[Alarm, ...] = ()
    foreign: frozenset[str] = frozenset()

    @classmethod
    def at(cls, clients: Clients, prefix: str, kind: Kind, ref: Ref) -> Look:
        """Read everything that decides about a resource's alarms, and those that it has."""
        sighting = sagemaker.observe(clients.reader, kind, ref)
        ref = sighting.facts.ref
        found = [each.alarm for each in cloudwatch.described(clients.cloudwatch, names.search_prefix(prefix, ref))]
        return cls(
            facts=sighting.facts,
            version=sighting.version,
            owned=tuple(alarm for alarm in found if names.is_owned(prefix, ref, alarm.name, alarm.labels)),
            foreign=_foreign(prefix, ref, found),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """The alarms that should be, what to write for that, and whose deployments are guarded by alarms that stay."""

    wanted: Plan
    changes: Changes
    guarding: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def about(cls, read: Reader, prefix: str, kind: Kind, look: Look, standing: Standing) -> Decision:
        """Decide what to write; an alarm that guards the deployments of another endpoint that lives is not deleted."""
        wanted, changes = decided(prefix, kind, look.facts, look.owned, look.foreign, standing)
        guarding = _still_guards(read, look.owned, changes)
        deletes = tuple(name for name in changes.deletes if name not in guarding)
        return cls(wanted=wanted, changes=replace(changes, deletes=deletes), guarding=guarding)

    @property
    def reports(self) -> tuple[str, ...]:
        stay = (f"{name} stays: it guards {guarded}" for name, guarded in self.guarding.items())
        return (*self.wanted.reports, *stay)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What was done about a resource."""

    ref: Ref
    live: bool
    put: int = 0
    deleted: int = 0
    children: tuple[Ref, ...] = ()
    foreign: tuple[str, ...] = ()
    reports: tuple[str, ...] = ()

    def data(self) -> dict[str, Any]:
        """Return it for a log line."""
        return {**asdict(self), "ref": str(self.ref), "children": [str(child) for child in self.children]}


def reconcile(
    clients: Clients,
    prefix: str,
    ref: Ref,
    left: Callable[[], int] = unhurried,
    standing: Standing = _NOTHING_WANTED,
) -> Outcome:
    """Bring a resource's alarms in line with a fresh describe and the policy; `left` tells the ms that remain.

    After a put the resource is described once more: if it went or changed meanwhile, everything is done again, so
    that two workers on one resource leave no orphan. Retry when AWS does not answer, time runs out, or the resource
    will not settle.
    """
    kind = kind_named(ref.kind)
    if kind is None:
        raise Undeliverable(f"{ref}: this version knows no such kind")
    for _ in range(MOST_LOOKS):
        look = Look.at(clients, prefix, kind, ref)
        decision = Decision.about(clients.reader, prefix, kind, look, standing)
        _apply(clients.cloudwatch, decision.changes, left)
        for alarm in claims(clients.cloudwatch, prefix, look.facts):
            cloudwatch.put(clients.cloudwatch, alarm)
        if not decision.changes.puts or _unchanged(clients, kind, ref, look):
            return _outcome(look, decision)
    raise Retry(f"{ref}: it changed {MOST_LOOKS} times while its alarms were written")


def _unchanged(clients: Clients, kind: Kind, ref: Ref, before: Look) -> bool:
    return sagemaker.version(kind, sagemaker.describe(clients.reader, kind, ref.name)) == before.version


def _outcome(look: Look, decision: Decision) -> Outcome:
    return Outcome(
        ref=look.facts.ref,
        live=look.facts.live,
        put=len(decision.changes.puts),
        deleted=len(decision.changes.deletes),
        children=look.facts.children,
        foreign=tuple(sorted(look.foreign)),
        reports=decision.reports,
    )


def decided(
    prefix: str, kind: Kind, facts: Facts, owned: Collection[Alarm], foreign: Collection[str], standing: Standing
) -> tuple[Plan, Changes]:
    """Return which alarms should be and what to write for that.

    Where alarms are held, only a resource that has none gets any, and only one that is gone loses its own.
    """
    wanted = plan(prefix, kind, facts, standing.policy, standing.withheld)
    if standing.held and facts.live and owned:
        return wanted, Changes()
    return wanted, diff(wanted, owned, foreign)


def _still_guards(read: Reader, owned: Iterable[Alarm], changes: Changes) -> dict[str, str]:
    """Return which of the alarms to delete guard the deployments of another resource that lives, and whose."""
    claimed = {alarm.name: alarm.labels.get("guards") for alarm in owned if alarm.labels}
    found = {}
    for name in changes.deletes:
        guarded = claimed.get(name)
        kind, _, guarded_name = (guarded or "").partition("/")
        declared = kind_named(kind)
        description = sagemaker.describe(read, declared, guarded_name) if declared else None
        if guarded and description and name in guards(description):
            found[name] = guarded
    return found


def claims(client: CloudWatchClient, prefix: str, facts: Facts) -> Iterator[Alarm]:
    """Yield the alarms of other resources that guard this endpoint's deployments, with a label that says so.

    Those that say it already are left out. Their own teardown looks for it.
    """
    own = names.search_prefix(prefix, facts.ref)
    others = sorted(name for name in facts.guards if name.startswith(f"{prefix}/") and not name.startswith(own))
    for alarm in cloudwatch.named(client, others):
        if alarm.labels and alarm.labels.get("guards") != str(facts.ref):
            yield guarding(alarm, str(facts.ref))


def _foreign(prefix: str, ref: Ref, found: Iterable[Alarm]) -> frozenset[str]:
    """Name the alarms under the resource's own prefix that are not ours; they are left alone."""
    beginning = names.alarm_name(prefix, ref, "", "").removesuffix("//") + "/"
    under = (alarm for alarm in found if alarm.name.startswith(beginning))
    return frozenset(each.name for each in under if not names.is_owned(prefix, ref, each.name, each.labels))


def _apply(client: CloudWatchClient, changes: Changes, left: Callable[[], int]) -> None:
    cloudwatch.delete(client, changes.deletes)
    for done, alarm in enumerate(changes.puts):
        if left() < _ENOUGH:
            raise Retry(f"out of time after {done} of {len(changes.puts)} alarms; the rest go back to the queue")
        cloudwatch.put(client, alarm)


@dataclass(slots=True)
class Once:
    """Does the work of each ref of a batch once, and gives every message that names it the same answer.

    What has no events of its own is looked at with its parent.
    """

    work: Callable[[Ref], Outcome]
    outcomes: dict[Ref, Outcome] = field(default_factory=dict)
    errors: dict[Ref, SagewatchError] = field(default_factory=dict)

    @classmethod
    def of(cls, clients: Clients, prefix: str, left: Callable[[], int], asking: Callable[[], Standing]) -> Once:
        """Return it for one batch, for which the policy is asked once."""
        standing = cache(asking)
        return cls(lambda ref: reconcile(clients, prefix, ref, left, standing()))

    def __call__(self, ref: Ref) -> Outcome:
        if ref in self.errors:
            raise self.errors[ref]
        if ref not in self.outcomes:
            try:
                self.outcomes[ref] = self.work(ref)
            except SagewatchError as error:
                self.errors[ref] = error
                raise
            for child in self.outcomes[ref].children:
                self(child)
        return self.outcomes[ref]

    def counted(self) -> tuple[tuple[str, int], ...]:
        """Return what was written, as metrics."""
        done = self.outcomes.values()
        return ("AlarmsPut", sum(each.put for each in done)), ("AlarmsDeleted", sum(each.deleted for each in done))
