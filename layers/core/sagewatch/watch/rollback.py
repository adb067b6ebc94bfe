"""Decides about alarms that roll deployments back: SageMaker's AutoRollbackConfiguration names alarms of any endpoint.

An alarm of ours that other resources name gets the label `guards=<kind>/<name>,<kind>/<name>`. When its own resource
goes, it stays for as long as one of the resources in that label lives and names it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from sagewatch.kinds.kind import Reader, describe
from sagewatch.kinds.registry import KINDS
from sagewatch.kinds.registry import kind as kind_named
from sagewatch.model import Alarm, Description, Facts, Labels, Ref
from sagewatch.watch import names
from sagewatch.watch.revision import as_edited, is_edited, with_revision

UNSEEN = timedelta(minutes=45)
"""For how long a deployment may go unseen: its event was lost, and two sweeps failed."""

# The label, as it is written in alarms that are there already.
_PROTECTS = "guards"


def rollback_alarms(description: Description) -> frozenset[str]:
    """Return the names of the alarms that roll the last deployment of a resource back, as its description says.

    Only DescribeEndpoint and DescribeInferenceComponent answer with a LastDeploymentConfig.
    """
    # One to ten alarms by name, of the same account and Region (AutoRollbackConfig, Alarms).
    deployment = description.get("LastDeploymentConfig") or {}
    alarms = (deployment.get("AutoRollbackConfiguration") or {}).get("Alarms") or ()
    return frozenset(alarm["AlarmName"] for alarm in alarms)


def alarms_of_others(prefix: str, facts: Facts) -> list[str]:
    """Return the names under our prefix, of other resources, that roll this resource's deployments back."""
    own = names.search_prefix(prefix, facts.ref)
    return sorted(name for name in facts.rollback_alarms if name.startswith(f"{prefix}/") and not name.startswith(own))


def to_label(prefix: str, facts: Facts, alarms: Iterable[Alarm]) -> Iterator[Alarm]:
    """Yield, with a label that says whose deployments they roll back, those of our alarms that lack that label."""
    for alarm in alarms:
        ours, protected = names.claimed(prefix, alarm), {*protected_by(alarm), str(facts.ref)}
        if ours and protected != set(protected_by(alarm)):
            yield protecting(ours, protected)


def protecting(alarm: Alarm, protected: Collection[str]) -> Alarm:
    """Return an alarm of ours with the label that names the resources whose deployments it rolls back (kind/name).

    What somebody edited still looks edited afterwards, so that it is mended with its own resource.
    """
    if alarm.labels is None:
        return alarm
    labels = Labels({**alarm.labels.values, _PROTECTS: ",".join(sorted(protected))})
    marked = with_revision(alarm.text, labels, alarm.request)
    return as_edited(marked) if is_edited(alarm) else marked


def protected_by(alarm: Alarm) -> tuple[str, ...]:
    """Return the resources (kind/name) whose deployments an alarm of ours rolls back, as its label says."""
    said = alarm.labels.get(_PROTECTS) if alarm.labels else None
    return tuple(said.split(",")) if said else ()


def still_protecting(
    read: Reader,
    owned: Iterable[Alarm],
    deletes: Iterable[str],
    deployed: Collection[Ref] = (),
    known: dict[str, frozenset[str]] | None = None,
) -> dict[str, str]:
    """Return which of the alarms to delete still roll back the deployments of resources that live, and of which.

    Those that the alarms' labels name are asked, and those in `deployed`, unless `known` says what they answered.
    """
    answers = {} if known is None else known
    protected = {alarm.name: protected_by(alarm) for alarm in owned}
    going = tuple(deletes)
    asked = {*map(str, deployed if going else ()), *(each for name in going for each in protected.get(name, ()))}
    for each in sorted(asked - answers.keys()):
        answers[each] = _alarms_of(read, each)
    found = {name: [each for each in sorted(asked) if name in answers[each]] for name in going}
    return {name: ", ".join(several) for name, several in found.items() if several}


def _alarms_of(read: Reader, resource: str) -> frozenset[str]:
    """Return the alarms that roll back the deployments of a resource (kind/name); none when it is gone."""
    kind_name, _, name = resource.partition("/")
    kind = kind_named(kind_name)
    description = describe(read, kind, name) if kind and name else None
    return rollback_alarms(description) if description else frozenset()


@dataclass(slots=True)
class Deployments:
    """The resources to which something was deployed lately, listed once in an invocation, when they are first needed.

    A resource that names alarms of another one is labelled in them when it is looked at: at its event, or at one of
    the sweeps that follow. Until then only its own description knows. Who begins to deploy after the lists were read
    has events in flight, and is looked at because of them.
    """

    found: tuple[Ref, ...] | None = None
    alarms: dict[str, frozenset[str]] = field(default_factory=dict)
    """What was described already: resource (kind/name) → the alarms that roll its deployments back."""

    def lately(self, read: Reader) -> tuple[Ref, ...]:
        """Return them; Retry when the lists cannot be read."""
        if self.found is None:
            self.found = deployed_since(read, datetime.now(UTC) - UNSEEN)
        return self.found


def deployed_since(read: Reader, since: datetime) -> tuple[Ref, ...]:
    """Return the resources to which something was deployed since then, as the lists say."""
    return tuple(
        Ref(kind.name, item[kind.parameter])
        for kind in KINDS
        if kind.deployed
        for item in read.listed(kind.listing.operation, kind.listing.items, LastModifiedTimeAfter=since)
    )
