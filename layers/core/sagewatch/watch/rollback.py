"""Decides about alarms that roll deployments back: SageMaker's AutoRollbackConfiguration names alarms of any endpoint.

An alarm of ours that another endpoint names gets the label `guards=<kind>/<name>`. When its own resource goes, it stays
for as long as the resource in that label lives and names it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from sagewatch.kinds.kind import Reader, describe
from sagewatch.kinds.registry import kind as kind_named
from sagewatch.model import Alarm, Description, Facts, Labels
from sagewatch.watch import names
from sagewatch.watch.revision import text_of, with_revision

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


def to_label(facts: Facts, alarms: Iterable[Alarm]) -> Iterator[Alarm]:
    """Yield, with a label that says whose deployments they roll back, those of our alarms that lack that label."""
    for alarm in alarms:
        if alarm.labels and alarm.labels.get(_PROTECTS) != str(facts.ref):
            yield protecting(alarm, str(facts.ref))


def protecting(alarm: Alarm, protected: str) -> Alarm:
    """Return an alarm of ours with the label that names the resource whose deployments it rolls back (kind/name)."""
    if alarm.labels is None:
        return alarm
    return with_revision(text_of(alarm), Labels({**alarm.labels.values, _PROTECTS: protected}), alarm.request)


def protected_by(alarm: Alarm) -> str | None:
    """Return the resource (kind/name) whose deployments an alarm of ours rolls back, as its label says."""
    return alarm.labels.get(_PROTECTS) if alarm.labels else None


def still_protecting(read: Reader, owned: Iterable[Alarm], deletes: Iterable[str]) -> dict[str, str]:
    """Return which of the alarms to delete still roll back the deployments of a resource that lives, and of which."""
    protected = {alarm.name: protected_by(alarm) for alarm in owned}
    found = {}
    for name in deletes:
        kind_name, _, resource = (protected.get(name) or "").partition("/")
        kind = kind_named(kind_name)
        description = describe(read, kind, resource) if kind else None
        if description and name in rollback_alarms(description):
            found[name] = f"{kind_name}/{resource}"
    return found
