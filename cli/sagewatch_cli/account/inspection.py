"""Reads what `sagewatch explain` needs: the resource, its alarms with their states and history, and their metrics."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from sagewatch.aws import sagemaker
from sagewatch.aws.clients import Clients
from sagewatch.aws.deadline import Deadline
from sagewatch.aws.published_metrics import PublishedMetrics
from sagewatch.aws.retries import PATIENT
from sagewatch.aws.sagemaker import AccountReader
from sagewatch.errors import ErrorCode, Retry
from sagewatch.fleet.costs import prices
from sagewatch.kinds.kind import Kind
from sagewatch.kinds.registry import KINDS
from sagewatch.kinds.registry import kind as kind_named
from sagewatch.model import Alarm, Capacity, Description, Published, Ref
from sagewatch.policy.rules import PolicyInForce, row_id
from sagewatch.watch import names
from sagewatch.watch.diff import decide
from sagewatch.watch.facts import observe
from sagewatch_cli.account import alarms
from sagewatch_cli.account.alarms import MetricSeries, StateChange, series
from sagewatch_cli.account.coverage_reading import reader
from sagewatch_cli.account.deployment import Deployment
from sagewatch_cli.account.ended import EndedResource, read_ended
from sagewatch_cli.account.explain import (
    AbsentRow,
    ExplainedAlarm,
    Inspection,
    absent_rows,
    explain_alarms,
    without_scopes,
)
from sagewatch_cli.account.nearest import near
from sagewatch_cli.account.session import Account


class NotFound(LookupError):
    """There is no resource, row or scope of that name; the message proposes names that are near."""

    code = ErrorCode.NO_RESOURCE


class Ended(LookupError):
    """The resource is over, and has no alarms any more; the message says how it ended."""

    code = ErrorCode.NO_RESOURCE


class NotOurs(LookupError):
    """The alarm is under our prefix, and somebody else made it."""

    code = ErrorCode.FOREIGN_ALARM


@dataclass(frozen=True, slots=True)
class Subject:
    """The resource to explain; with `scope` and `alarm`, only that alarm of it."""

    ref: Ref
    scope: str = ""
    alarm: str = ""

    @classmethod
    def read(cls, account: Account, prefix: str, what: str) -> Subject:
        """Read the argument: `endpoint/churn` or an alarm's name.

        An existing alarm is identified by its labels, since its name may be shortened. Raises NotFound or NotOurs."""
        if what.startswith(f"{prefix}/") and (present := alarms.find_alarm(account.client("cloudwatch"), what)):
            ours = alarms.claimed(prefix, present.alarm)
            if ours is None or (labels := ours.labels) is None:
                raise NotOurs(f"{what} is foreign: it is under our prefix, and we did not make it. We leave it alone.")
            return cls(labels.ref, labels["scope"], labels["alarm"])
        kind, _, name = what.partition("/")
        if name.startswith("arn:") and kind_named(kind):
            return cls(Ref(kind, name))
        parts = what.removeprefix(f"{prefix}/").split("/")
        if len(parts) not in {2, 4} or not all(parts):
            such = f"endpoint/{what}" if parts == [what] and what else "endpoint/churn"
            raise NotFound(f"{what} is neither kind/name, such as {such}, nor an alarm's name under {prefix}/.")
        if kind_named(parts[0]) is None:
            raise not_found(f"There is no kind {parts[0]}.", parts[0], [kind.name for kind in KINDS])
        return cls(Ref(*parts[:2]), *parts[2:])

    def names(self, scope: str, alarm: str) -> bool:
        """Tell whether this alarm is asked about; an empty `scope` stands for all scopes."""
        return not self.alarm or (alarm == self.alarm and scope in {"", self.scope})


def not_found(said: str, name: str, known: Iterable[str]) -> NotFound:
    """Return the error with the names that are near."""
    return NotFound(said + near(name, known))


def no_resource(account: Account, where: str, kind: Kind, ref: Ref, ended: EndedResource | None) -> NotFound | Ended:
    """Return the error for a resource that does not live: how it ended, or names that are near."""
    if ended:
        return Ended(f"{ended.said} It has no alarms any more.")
    known = [each.name for each, _ in sagemaker.live(account.client("sagemaker"), kind)]
    return not_found(f"There is no {kind.name} {ref.name} in {where}.", ref.name, known)


def explain_subject(
    account: Account, found: Inspection, subject: Subject
) -> tuple[tuple[ExplainedAlarm, ...], tuple[AbsentRow, ...]]:
    """Explain the alarms and the absent rows that are asked about; raises NotFound when nothing has that name."""
    there = tuple(each for each in explain_alarms(found) if subject.names(each.labels["scope"], each.labels["alarm"]))
    absent = without_scopes(tuple(each for each in absent_rows(found) if subject.names(each.scope, each.alarm)))
    if not (there or absent):
        check_subject(account, found, subject)
    return there, absent


def check_subject(account: Account, found: Inspection, subject: Subject) -> None:
    """Raise NotFound when there is nothing of that name: no such resource, row or scope; Ended when it is over."""
    facts, kind = found.look.facts, found.kind
    if not facts.live:
        raise no_resource(account, found.where, kind, subject.ref, found.ended)
    if not subject.alarm:
        return
    rows = [spec.id for spec in kind.specs]
    if row_id(subject.alarm) not in rows:
        raise not_found(f"There is no alarm {subject.alarm} for the kind {kind.name}.", subject.alarm, rows)
    raise not_found(f"{facts.ref} has no scope {subject.scope}.", subject.scope, [scope.name for scope in facts.scopes])


@dataclass(frozen=True, slots=True)
class RecordingReader:
    """A reader that remembers which instance types were asked about."""

    read: AccountReader
    types: dict[str, Capacity | None] = field(default_factory=dict)

    def until(self, deadline: Deadline) -> RecordingReader:
        """Return one with the same memory, as AccountReader does."""
        return replace(self, read=self.read.until(deadline))

    def __call__(self, operation: str, **parameters: object) -> Description | None:
        return self.read(operation, **parameters)

    def listed(self, operation: str, items: str, **parameters: object) -> tuple[Description, ...]:
        return self.read.listed(operation, items, **parameters)

    def published(
        self, metric: str | None = None, within: str | None = None, **dimensions: str
    ) -> tuple[Published, ...]:
        return self.read.published(metric, within, **dimensions)

    def capacity(self, instance_type: str) -> tuple[Capacity | None, str]:
        found, why = self.read.capacity(instance_type)
        self.types[instance_type] = found
        return found, why


def inspect(account: Account, deployment: Deployment, wanted: PolicyInForce, ref: Ref) -> Inspection:
    """Read a resource and its alarms as reconcile does, and the alarms' states and metrics."""
    prefix, at = deployment.prefix, deployment.place
    cloudwatch = account.client("cloudwatch")
    discovery = PublishedMetrics(cloudwatch)
    read = RecordingReader(reader(account, discovery))
    kind = _kind_of(ref)
    clients = Clients(PATIENT, sagemaker=account.client("sagemaker"), cloudwatch=cloudwatch, reader=read)
    seen = observe(clients, prefix, kind, ref)
    ours = {alarm.name for alarm in seen.owned}
    there = alarms.alarms_under(cloudwatch, names.search_prefix(prefix, seen.facts.ref))
    return Inspection(
        kind=kind,
        prefix=prefix,
        where=deployment.where,
        look=seen,
        decision=decide(read, prefix, kind, seen, wanted),
        standing=wanted,
        present={each.name: each for each in there if each.name in ours},
        types=read.types,
        published=_series_with_data(discovery, seen.owned),
        place=at,
        prices=prices(at.region),
        at=datetime.now(UTC),
        ended=None if seen.facts.live else read_ended(read, kind, ref),
    )


def _kind_of(ref: Ref) -> Kind:
    kind = kind_named(ref.kind)
    if kind is None:
        raise not_found(f"There is no kind {ref.kind}.", ref.kind, [kind.name for kind in KINDS])
    return kind


def _series_with_data(discovery: PublishedMetrics, owned: Iterable[Alarm]) -> frozenset[MetricSeries]:
    """Return which of the series that the alarms read had data within two weeks."""
    read = {each for alarm in owned for each in series(alarm)}
    return frozenset(each for each in read if _is_published(discovery, each))


def _is_published(discovery: PublishedMetrics, asked: MetricSeries) -> bool:
    namespace, metric, dimensions = asked
    listed = discovery.published(metric, namespace, **dict(dimensions))
    return any(frozenset(each.dimensions.items()) == dimensions for each in listed)


def state_history(account: Account, name: str) -> tuple[StateChange, ...] | str:
    """Return the last changes of an alarm's state, or the error that kept them from being read."""
    try:
        return alarms.history(account.client("cloudwatch"), name)
    except Retry as error:
        return str(error)
