"""The nouns, as frozen values; imports nothing of ours."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Literal, Protocol
from urllib.parse import quote, unquote

type Description = Mapping[str, Any]
"""What a SageMaker Describe* call answered."""

type Dimensions = Mapping[str, str]
"""One exact CloudWatch dimension set."""


class Severity(StrEnum):
    """How much it matters: critical wakes people, warning waits for the morning, info is worth knowing."""

    CRITICAL = "critical"
    WARNING = "warning"
    INFO = "info"


class Unit(StrEnum):
    """How CloudWatch counts a metric. The per-capacity units are sums over cores or devices: four busy vCPU are 400."""

    MICROSECONDS = "µs"
    MILLISECONDS = "ms"
    SECONDS = "s"
    PERCENT = "%"
    PERCENT_OF_VCPUS = "% of vCPU"
    PERCENT_OF_GPUS = "% of GPU"
    PERCENT_OF_UNITS = "% of provisioned units"
    RATIO = "ratio"
    COUNT = "count"


PER_CAPACITY: Mapping[Unit, str] = {
    Unit.PERCENT_OF_VCPUS: "vcpus",
    Unit.PERCENT_OF_GPUS: "gpus",
    Unit.PERCENT_OF_UNITS: "units",
}
"""The field of Capacity (and the label) that a threshold of that unit is multiplied by."""

CAPACITY = "capacity"
"""The trait that a row with a threshold per capacity needs without saying so."""

CAPACITY_TRAITS = frozenset({CAPACITY, "cpu-only", "gpu"})
"""What follows from the instance type."""


@dataclass(frozen=True, slots=True, order=True)
class Ref:
    """Who: a kind's name and a resource's name, never what happened."""

    kind: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind}/{self.name}"


@dataclass(frozen=True, slots=True)
class Capacity:
    """What one instance of a type has; `accelerators` (Trainium, Inferentia) report no GPU metrics.

    `units` are what a feature group has instead: reads or writes that it may serve in a second.
    `memory` and `gpu_memory` (of all its GPUs) are GiB, 0 when not known. They decide no alarm, so they are not
    compared.
    """

    vcpus: int
    gpus: int = 0
    accelerators: int = 0
    memory: float = field(default=0, compare=False)
    gpu_memory: float = field(default=0, compare=False)
    units: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """A part of a resource that is measured by itself: a variant, ten hosts, a step.

    `series` are the exact dimension sets of its metrics: one, or one for each host. `capacity` is None when it is
    not known or has no meaning. `namespace` and `metric` are what was discovered in place of the rows' own. `hourly`
    is the price of an instance in USD, where known.
    """

    level: str
    name: str
    series: tuple[Dimensions, ...]
    traits: frozenset[str] = frozenset()
    capacity: Capacity | None = None
    namespace: str | None = None
    metric: str | None = None
    hourly: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """Something that could not be known; the alarms that hang on it are neither made nor deleted.

    With a `scope`, whether that scope has the `traits`; without one, which scopes there are at that level.
    """

    level: str
    scope: str | None = None
    traits: frozenset[str] = CAPACITY_TRAITS
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What a fresh describe says of one resource; not `live` means proven gone.

    `labels` are more of them for its alarms (a parent), `children` are resources that appear and go without an event of
    their own, `guards` are names of alarms that a deployment of it depends on.
    """

    ref: Ref
    live: bool
    scopes: tuple[Scope, ...] = ()
    tags: Mapping[str, str] = field(default_factory=dict)
    gaps: tuple[Gap, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    children: tuple[Ref, ...] = ()
    guards: frozenset[str] = frozenset()


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

    def hangs_on(self, traits: frozenset[str]) -> bool:
        """Tell whether the traits must be known to say if the row applies, or at which threshold."""
        return not traits.isdisjoint((*self.needs, CAPACITY) if self.unit in PER_CAPACITY else self.needs)


_PLAIN = "/:@+,-._~"


@dataclass(frozen=True, slots=True)
class Labels:
    """What routing looks at, and what makes an alarm ours: the last line of its description."""

    values: Mapping[str, str]

    def __getitem__(self, name: str) -> str:
        return self.values[name]

    def get(self, name: str) -> str | None:
        """Return the label's value, or None."""
        return self.values.get(name)

    @property
    def ref(self) -> Ref:
        return Ref(self["kind"], self["resource"])

    def line(self) -> str:
        """Return `[sagewatch severity=critical kind=endpoint …]`; blanks, brackets and the like are percent-encoded."""
        return "[sagewatch " + " ".join(f"{k}={quote(v, safe=_PLAIN)}" for k, v in self.values.items()) + "]"

    @classmethod
    def of(cls, description: str | None) -> Labels | None:
        """Read the last line of a description; None when it is not a labels line with a kind and a resource."""
        last = (description or "").rstrip().rpartition("\n")[2]
        if not (last.startswith("[sagewatch ") and last.endswith("]")):
            return None
        pairs = [part.partition("=") for part in last[len("[sagewatch ") : -1].split()]
        values = {key: unquote(value) for key, equals, value in pairs if equals}
        return cls(values) if values.keys() >= {"kind", "resource", "scope", "alarm"} else None


@dataclass(frozen=True, slots=True)
class Alarm:
    """One complete PutMetricAlarm request, in a fixed order so that equal alarms are equal."""

    request: Mapping[str, Any]
    warm_up: int = field(default=0, compare=False)

    @property
    def name(self) -> str:
        name: str = self.request["AlarmName"]
        return name

    @property
    def labels(self) -> Labels | None:
        return Labels.of(self.request.get("AlarmDescription"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The alarms that should be; those to leave alone, by scope (None: any) and id; and what people should know."""

    alarms: tuple[Alarm, ...] = ()
    held: frozenset[tuple[str | None, str]] = frozenset()
    guards: frozenset[str] = frozenset()
    reports: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """The difference between the alarms that should be and those that are."""

    puts: tuple[Alarm, ...] = ()
    deletes: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.puts or self.deletes)


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
class Observation:
    """What a kind reads out of a description: the scopes to watch, what could not be known, and the like of Facts."""

    scopes: tuple[Scope, ...] = ()
    gaps: tuple[Gap, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    children: tuple[Ref, ...] = ()
    guards: frozenset[str] = frozenset()


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
    `version` is what tells two descriptions apart for us. `by_arn` says that ARNs carry an id in place of the name,
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
    observe: Callable[[Description, Reader], Observation]
    specs: tuple[Spec, ...]
    failures: Listing | None = None
    by_arn: bool = False

    def called(self, text: str) -> str:
        """Return what to describe: the name in an ARN (`…:pipeline/churn/execution/…`); a name is its own."""
        if self.by_arn or not text.startswith("arn:"):
            return text
        return text.rpartition(f":{self.arn_type}/")[2].partition("/")[0]

    def among(self, arns: object) -> str | None:
        """Return the first ARN of this kind in the `resources` of an event, None when there is none."""
        listed = arns if isinstance(arns, list) else []
        return next((arn for arn in listed if isinstance(arn, str) and f":{self.arn_type}/" in arn), None)


type State = Literal["firing", "cleared", "failed", "succeeded", "closed", "acked", "snoozed"]
"""What a notice says: of an alarm (firing, cleared, closed: it was deleted), of a resource (failed, succeeded; closed:
it is gone, or cleared: it recovered), or of an incident (somebody acknowledged or snoozed it)."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where it happened."""

    partition: str
    region: str
    account: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """One thing worth telling. Two notices with the same `key` tell the same thing.

    `subject` is whose incident it belongs to: the resource, or what started it (a tuning job's trial belongs to the
    tuning job, a pipeline's job to the pipeline). `part` tells an incident's alarms and failures apart. `muted` was
    under a mute rule or suppressed: it opens no incident. `value` and `limit` are of the metric, in `unit`, summed over
    `capacity` where that says so, `points` the latest values, oldest first, `floor` the lower limit of an anomaly
    band; `reason` is other people's text. `links` lead to the alarm, the resource and its logs, by what they are
    called. `by` is the person (Slack's id) who acknowledged or snoozed, `until` the end of the snooze (or, of the first
    notice of an incident whose middle was dropped, how far that went), `arn` that of what failed. `execution` is that
    of a pipeline.
    """

    key: str
    state: State
    labels: Labels
    place: Place
    at: datetime
    title: str
    subject: Ref
    part: str
    muted: bool = False
    value: float | None = None
    limit: float | None = None
    floor: float | None = None
    unit: Unit = Unit.COUNT
    capacity: int | None = None
    points: tuple[float, ...] = ()
    reason: str = ""
    advice: str = ""
    links: Mapping[str, str] = field(default_factory=dict)
    by: str = ""
    until: datetime | None = None
    arn: str = ""
    execution: str = ""

    @property
    def severity(self) -> Severity:
        return Severity(self.labels["severity"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What was found out about why something failed or changed; gathered once for each failure.

    `cause` is a likely cause in words, `remedy` what to do about it. `steps` are a pipeline execution's, in order:
    (name, status, seconds or None, reason). `behind` is the ARN of the job that failed a step. `log` are the last lines
    of `stream`. `facts` are short facts by name (Compute, Ran, Started by, Last change).
    """

    cause: str = ""
    remedy: str = ""
    steps: tuple[tuple[str, str, float | None, str], ...] = ()
    behind: str = ""
    stream: str = ""
    log: tuple[str, ...] = ()
    facts: Mapping[str, str] = field(default_factory=dict)
