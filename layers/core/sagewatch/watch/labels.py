"""Decides which labels an alarm carries: our own, those of its resource's tags, and the mark of the policy. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from sagewatch.kinds.kind import Spec
from sagewatch.kinds.registry import started_by
from sagewatch.model import PER_CAPACITY, Facts, Labels, Scope
from sagewatch.policy.cascade import TAG
from sagewatch.policy.rules import Policy

# Characters of a description that labels from tags may take; the rest is for our own labels and the text.
_ROOM = 500


def from_tags(tags: Mapping[str, str], policy: Policy) -> tuple[dict[str, str], list[str]]:
    """Return the labels that a resource's tags become, as many as a description has room for, and reports of the rest.

    With `labels: {team: team}` in the policy, `{"team": "fraud", "cost": "7"}` becomes `{"team": "fraud"}, []`.
    """
    wanted = policy.labels_of(tags)
    if route := tags.get(f"{TAG}route"):
        wanted["route"] = route
    labels: dict[str, str] = {}
    for label, value in wanted.items():
        if len(Labels({**labels, label: value}).line()) <= _ROOM:
            labels[label] = value
    left_out = sorted(wanted.keys() - labels.keys())
    return labels, [
        f"label {label}: the text of an alarm has no room for its tag's value; it is left out" for label in left_out
    ]


def labels_of(facts: Facts, spec: Spec, scope: Scope, of_tags: Mapping[str, str], policy: Policy) -> Labels:
    """Return the labels of one alarm; a label from a tag never replaces one of ours."""
    values = {
        "severity": str(spec.severity),
        "kind": facts.ref.kind,
        "resource": facts.ref.name,
        "scope": scope.name,
        "alarm": spec.id,
    }
    values |= {**facts.labels, **started_by(facts.ref, facts.tags)}
    values |= {label: value for label, value in of_tags.items() if label not in values}
    if mark := policy.mark(facts.ref, spec.id):
        values["policy"] = mark
    if field := PER_CAPACITY.get(spec.unit):
        values[field] = str(scope.capacity_in(spec.unit))
    return Labels(values)
