"""What a kind of SageMaker resource declares: its events, its calls, and the rows of its table of alarms."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from typing import Literal, Protocol

from sagewatch.model import CAPACITY, PER_CAPACITY, Capacity, Description, Dimensions, Facts, Severity, Unit


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric as CloudWatch names it, the statistic we read, and its id in an expression."""

    namespace: str
    name: str
    statistic: str
    id: str = "m"


type Comparison = Literal[
    "GreaterThanThreshold", "GreaterThanOrEqualToThreshold", "LessThanThreshold", "LessThanOrEqualToThreshold"
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Spec:
    """One row of a kind's table: an alarm that every scope of that level gets when it has all the traits in `needs`.

    `threshold` counts in `unit`; for units per capacity it is the share of one vCPU or GPU, in percent. `metrics`
    is a single metric, or several that `expression` combines by their ids. `across` folds the series of a scope
    (its hosts) into one. `warm_up` are minutes in which a new alarm does not act. `priced` says the price of idling.
    """

    id: str
    title: str
    level: str
    metrics: tuple[Metric, ...]
    expression: str | None = None
    across: Literal["MAX", "MIN", "SUM"] | None = None
    comparison: Comparison = "GreaterThanThreshold"
    threshold: float
    unit: Unit
    period: int = 60
    periods: int
    datapoints: int
    missing: Literal["breaching", "notBreaching", "ignore", "missing"] = "notBreaching"
    severity: Severity
    needs: tuple[str, ...] = ()
    warm_up: int = 0
    priced: bool = False
    why: str
    do: str

    def depends_on(self, traits: frozenset[str]) -> bool:
        """Tell whether the traits must be known to say if the row applies, or at which threshold."""
        return not traits.isdisjoint((*self.needs, CAPACITY) if self.unit in PER_CAPACITY else self.needs)


@dataclass(frozen=True, slots=True)
class Published:
    """A metric that CloudWatch has lately had data of."""

    namespace: str
    metric: str
    dimensions: Dimensions


class Reader(Protocol):
    """What a kind may ask while it observes a resource; every answer is of now, but for those of `published`."""

    def __call__(self, operation: str, **parameters: object) -> Description | None:
        """Call a SageMaker read operation; None when it says in that API's own words that the thing is gone."""

    def listed(self, operation: str, items: str, **parameters: object) -> tuple[Description, ...]:
        """Return the items of all pages of a SageMaker list operation."""

    def published(
        self, metric: str | None = None, within: str | None = None, **dimensions: str
    ) -> tuple[Published, ...]:
        """Return the metrics of that name, in that namespace or any, with these dimensions among theirs."""

    def capacity(self, instance_type: str) -> tuple[Capacity | None, str]:
        """Return what one instance of a type has, or why that is not known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """How the live resources of a kind are listed: a paginated operation, called once for each set of filters."""

    operation: str
    items: str
    modified: str = "LastModifiedTime"
    filters: tuple[Mapping[str, str], ...] = ({},)


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A declaration of one SageMaker resource kind.

    Without rows there are no alarms, only notices. `failures` lists the failed ones where no event tells of them.
    `describe`, `parameter` and `arn` name the Describe* operation, its parameter (also the answer's and the
    listing's field with the name) and the field with the ARN. `arn_type` is the resource type in ARNs. `events`
    maps a detail-type to the field of the detail that names the resource (a name, or an ARN when the field ends
    so); `calls` maps a CloudTrail event name to the request parameter that does. `live` judges a description,
    `version` is what tells two descriptions apart for us. `observe` adds to the facts that all kinds have what this
    kind's description says. `by_arn` says that ARNs carry an id in place of the name,
    and that the Describe* operation takes either.
    """

    name: str
    title: str
    arn_type: str
    describe: str
    parameter: str
    arn: str
    listing: Listing
    events: Mapping[str, str]
    calls: Mapping[str, str]
    live: Callable[[Description], bool]
    version: Callable[[Description], Hashable]
    observe: Callable[[Description, Reader, Facts], Facts]
    specs: tuple[Spec, ...]
    failures: Listing | None = None
    by_arn: bool = False

    def name_in(self, text: str) -> str:
        """Return what to describe: the name in an ARN (`…:pipeline/churn/execution/…`); a name is its own."""
        if self.by_arn or not text.startswith("arn:"):
            return text
        return text.rpartition(f":{self.arn_type}/")[2].partition("/")[0]

    def first_arn(self, arns: object) -> str | None:
        """Return the first ARN of this kind in the `resources` of an event, None when there is none."""
        listed = arns if isinstance(arns, list) else []
        return next((arn for arn in listed if isinstance(arn, str) and f":{self.arn_type}/" in arn), None)


def describe(read: Reader, kind: Kind, name: str) -> Description | None:
    """Describe a resource; None when it is gone or on its way out, for which no last event is guaranteed."""
    description = read(kind.describe, **{kind.parameter: name})
    return description if description is not None and kind.live(description) else None
