"""Finds the resources of which CloudWatch lists more than their alarms look at: hosts, features, operations."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import TYPE_CHECKING

from sagewatch.aws.published_metrics import PublishedMetrics
from sagewatch.fleet.summaries import AlarmSummary
from sagewatch.kinds.kind import Discovery
from sagewatch.kinds.registry import KINDS
from sagewatch.model import Published, Ref

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch import CloudWatchClient


def grown(client: CloudWatchClient, living: Collection[Ref], owned: Mapping[Ref, Collection[AlarmSummary]]) -> set[Ref]:
    """Return the resources with alarms that need more of them; ListMetrics is asked once for each kind that has any.

    Raise Retry when CloudWatch does not answer.
    """
    asked = PublishedMetrics(client)
    found: set[Ref] = set()
    for kind in KINDS:
        watched = {ref: owned[ref] for ref in living if ref.kind == kind.name and ref in owned}
        for discovery in kind.discovers if watched else ():
            listed = asked.published(discovery.metric, discovery.within, **{discovery.dimension: ""})
            found |= unwatched(kind.name, discovery, listed, watched)
    return found


def unwatched(
    kind: str, discovery: Discovery, listed: Iterable[Published], watched: Mapping[Ref, Collection[AlarmSummary]]
) -> set[Ref]:
    """Return those of the resources of a kind that own a listed metric which none of their alarms looks at."""
    looked_at = {
        (ref, _scope(discovery, metric))
        for ref, alarms in watched.items()
        for each in alarms
        for metric in each.metrics
    }
    owners = ((Ref(kind, owner), metric) for metric in listed if (owner := discovery.owner(metric)))
    return {ref for ref, metric in owners if ref in watched and (ref, _scope(discovery, metric)) not in looked_at}


def _scope(discovery: Discovery, metric: Published) -> tuple[str, frozenset[tuple[str, str]]]:
    return metric.metric if discovery.by_metric else "", frozenset(metric.dimensions.items())
