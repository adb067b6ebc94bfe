"""Every metric that SageMaker documents, once, as the kinds' charts declare them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase

from sagewatch.kinds.charts import CloudWatchUnit, DimensionNames
from sagewatch.kinds.registry import KINDS

MISSPELLINGS: Mapping[str, str] = {
    "MemoryUtilizaton": "MemoryUtilization",
    "Invocations4XXErrors": "Invocation4XXErrors",
    "Invocations5XXErrors": "Invocation5XXErrors",
    "Invocation4XX Errors": "Invocation4XXErrors",
    "InvocationsProcesssed": "InvocationsProcessed",
}
"""Names that SageMaker's documentation prints and CloudWatch does not know, with the real ones."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentedMetric:
    """One metric name in one namespace, with all that publish it: CloudWatch tells them apart by dimensions alone."""

    namespace: str
    name: str
    """`*` at its end stands for any ending: `feature_data_*`."""
    kinds: tuple[str, ...]
    also: tuple[str, ...]
    """Namespaces that other sources give for the same metric."""
    unit: CloudWatchUnit
    dimensions: tuple[DimensionNames, ...]
    """The dimension sets with which it is published."""
    statistics: tuple[str, ...]
    reason: str
    """Why it has no alarm; used only while no row reads it."""

    def is_read_as(self, namespace: str, name: str, dimensions: DimensionNames) -> bool:
        """Tell whether this is the metric of that name with exactly these dimensions."""
        return namespace == self.namespace and fnmatchcase(name, self.name) and dimensions in self.dimensions


def documented() -> tuple[DocumentedMetric, ...]:
    """Return every metric once, in the order of the kinds' charts."""
    found: dict[tuple[str, str], DocumentedMetric] = {}
    for kind in KINDS:
        for chart in kind.charts:
            for name, reason in chart.metrics.items():
                mine = DocumentedMetric(
                    namespace=chart.namespace,
                    name=name,
                    kinds=(kind.name,),
                    also=chart.also,
                    unit=chart.unit,
                    dimensions=chart.dimensions,
                    statistics=chart.statistics,
                    reason=reason,
                )
                known = found.get((chart.namespace, name))
                found[chart.namespace, name] = _joined(known, mine) if known else mine
    return tuple(found.values())


def _joined(known: DocumentedMetric, more: DocumentedMetric) -> DocumentedMetric:
    return replace(
        known,
        kinds=_union(known.kinds, more.kinds),
        also=_union(known.also, more.also),
        dimensions=_union(known.dimensions, more.dimensions),
        statistics=_union(known.statistics, more.statistics),
        reason=known.reason or more.reason,
    )


def _union[T](first: tuple[T, ...], second: tuple[T, ...]) -> tuple[T, ...]:
    return tuple(dict.fromkeys((*first, *second)))
