"""What a kind of SageMaker resource declares: its events, calls, alarms, metrics, failure notices and links."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Literal, Protocol, Self

from sagewatch.kinds.charts import Chart, DimensionNames
from sagewatch.kinds.leads import FailureReader, JobRun, Lead
from sagewatch.model import (
    CAPACITY,
    PER_CAPACITY,
    Capacity,
    Description,
    Facts,
    Gap,
    Notice,
    Published,
    Severity,
    Unit,
)


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric as CloudWatch names it, the statistic we read, and its id in an expression."""

    namespace: str
    name: str
    statistic: str
    id: str = "m"


SLOWEST_PUBLISHED = 300
"""Seconds between two data points at most (MetricsConfig, MetricPublishFrequencyInSeconds)."""

type Comparison = Literal[
    "GreaterThanThreshold", "GreaterThanOrEqualToThreshold", "LessThanThreshold", "LessThanOrEqualToThreshold"
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Spec:
    """One row of a kind's table: an alarm that every scope of that level gets when it has all the traits in `needs`."""

    id: str
    """Last part of the alarm's name, and of the tag that tunes it: `latency-p99`, `sagewatch:latency-p99=2s`."""
    title: str
    """What is measured, as a phrase in the middle of a sentence: `model latency`."""
    level: str
    """Which scopes get it; a key of the kind's `levels`."""
    metrics: tuple[Metric, ...]
    """One metric, or several that `expression` combines by their ids."""
    expression: str | None = None
    """Metric math over the ids in `metrics`; None for a single metric."""
    across: Literal["MAX", "MIN", "SUM"] | None = None
    """How the series of one scope (its hosts) are combined into one; None where a scope has one series."""
    comparison: Comparison = "GreaterThanThreshold"
    threshold: float
    """In `unit`; for units per capacity the share of one vCPU or GPU in percent."""
    unit: Unit
    """In which the metric, or the expression, counts."""
    period: int = 60
    """Seconds of one data point."""
    periods: int
    """How many of the latest data points are looked at."""
    datapoints: int
    """How many of them must be beyond the threshold."""
    missing: Literal["breaching", "notBreaching", "ignore", "missing"] = "notBreaching"
    """What a missing data point counts as (PutMetricAlarm, TreatMissingData)."""
    severity: Severity
    needs: tuple[str, ...] = ()
    """The traits that a scope must have: `("instance", "gpu")`."""
    warm_up: int = 0
    """Minutes after its creation in which the alarm is not evaluated; it is made when its scope is in service."""
    symptom: bool = False
    """Whether callers notice it themselves: errors, waiting. A headline speaks of symptoms before their causes."""
    phrase: str = ""
    """What is said in place of value and limit while it fires, where these say little: `idle, no requests for 24 h`."""
    priced: bool = False
    """Whether the alarm's description says what it costs to be idle."""
    why: str
    """What it means for users when the alarm fires: whole sentences."""
    do: str
    """What to do then: whole sentences."""
    note: str = ""
    """What only the catalogue says: how it is judged, and what it does not notice."""

    def depends_on(self, gap: Gap) -> bool:
        """Tell whether what a gap leaves open must be known to say if the row applies, at which threshold or period."""
        traits = (*self.needs, CAPACITY) if self.unit in PER_CAPACITY else self.needs
        return not gap.traits.isdisjoint(traits) or (
            self.period < SLOWEST_PUBLISHED and any(metric.namespace in gap.unsteady for metric in self.metrics)
        )


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
class Discovery:
    """A question to ListMetrics whose answers become scopes, asked for all resources of a kind at once."""

    metric: str | None = None
    """The metric's name; None for any."""
    within: str | None = None
    """The namespace; None for any."""
    dimension: str
    """A dimension that the metrics have."""
    owner: Callable[[Published], str | None]
    """Returns the name of the resource that gets a scope for a metric; None for a metric that is none of ours."""
    by_metric: bool = False
    """Whether each metric is a scope of its own; else all metrics with the same dimensions are one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """How resources of a kind are listed: a paginated operation, called once for each set of filters."""

    operation: str
    items: str
    """The field of the answer with the items."""
    modified: str = "LastModifiedTime"
    """The field of an item with the time of its last change, or of its end."""
    filters: tuple[Mapping[str, str], ...] = ({},)
    """The parameters of each call: `({"StatusEquals": "InProgress"}, {"StatusEquals": "Stopping"})`."""
    since: Literal["LastModifiedTimeAfter", "CreationTimeAfter"] = "LastModifiedTimeAfter"
    """The parameter by which a list of failures is asked for the latest ones; some know only the time of creation."""

    def changed(self, item: Description) -> datetime:
        """Return when an item of the list last changed; summaries need not say so, but when it was created."""
        when: datetime = item.get(self.modified) or item["CreationTime"]
        return when


@dataclass(frozen=True, slots=True)
class Level:
    """What the rows of one level look at: the names of the dimensions of its scopes' metrics.

    Where SageMaker's documentation does not name them, the likely ones. `elsewhere` are the other namespaces, with
    their dimensions, in which ListMetrics may find the same metrics.
    """

    dimensions: DimensionNames
    elsewhere: tuple[tuple[str, DimensionNames], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class FailureNotice:
    """How an event of SageMaker says that something failed, recovered, is gone, went well or was decided.

    Fields of the event's `detail` are given as paths, `*` for any field: `HealthSummary.HealthStatus`. States are
    written as EventBridge spells them; they are compared without regard to case and to what is not a letter, because
    SageMaker spells the same state in several ways.
    """

    detail_type: str
    what: str
    """What the notice calls it: `training job`, `pipeline step`."""
    named: str
    """The field with the resource's name or ARN; the ARN in the event's `resources` stands in for it."""
    status: tuple[str, ...]
    """The fields with a state; the first state that is worth telling counts."""
    failed: Mapping[str, str]
    """State → words that follow `what`: `{"Failed": "failed"}`; empty words: nothing is told."""
    otherwise: str = ""
    """The words for every state that is named nowhere here; empty: nothing is told."""
    recovered: frozenset[str] = frozenset()
    """States that end a failure."""
    gone: frozenset[str] = frozenset()
    """States that end everything about the resource."""
    succeeded: Mapping[str, str] = field(default_factory=dict)
    """State → words, of a job that went well."""
    announced: Mapping[str, str] = field(default_factory=dict)
    """State → words, of what is neither good nor bad: told once for each of these, on routes with `approvals` only."""
    filtered: bool = False
    """Whether the event rule lets only the states named here pass; not where the spelling is unknown."""
    reason: Mapping[str, str]
    """Field with the reason → what is written before it."""
    severity: Severity
    identity: tuple[str, ...]
    """Fields that tell one failure from the next, as SageMaker repeats events with new ids; `time` is the event's."""
    scope: tuple[str, ...] = ()
    """Fields that name a part of the resource, the first that is there counts."""
    arn: str | None = None
    """Field with the ARN of what failed, where that is not the resource itself."""
    lenient: bool = False
    """Whether an event without any state is silence; otherwise it is not understood (Undeliverable)."""


class Lifetime(Enum):
    """How long a resource of a kind lives, and with it whether anything can end a failure."""

    JOB = "job"
    """It runs once: its failure is final, and belongs to the incident of what started it."""
    EXECUTIONS = "executions"
    """It stays, and each of its executions runs once: a failure is final, and starts jobs that belong to it."""
    STAYS = "stays"
    """It stays until it is deleted; a failure is over when it is well again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A declaration of one SageMaker resource kind.

    Every field must be given, an empty value where there is nothing to declare: all that the package, the command and
    the template say of a kind is derived from here.
    """

    # What it is called.
    name: str
    """In alarm names, labels, tags and the policy: `training-job`."""
    title: str
    """One of them, as a heading: `Training job`."""
    plural: str
    """Several of them, as a heading: `Training jobs`."""
    arn_type: str
    """The resource type in its ARNs: `arn:…:<arn_type>/<name>`."""
    by_arn: bool
    """Whether its ARNs carry an id in place of the name; the Describe* operation then takes either."""
    lifetime: Lifetime

    # How it is found.
    describe: str
    """The Describe* operation, as boto3 names it."""
    categories: tuple[str, Sequence[str]]
    """A further parameter of Describe* and its values, for names that are unique among all of them, as
    `("JobCategory", ("AgentRFT", …))`; an ARN then has the value before the name. `("", ())` where there is none."""
    parameter: str
    """The operation's parameter, and the field of its answer and of the list's items, that hold the name."""
    arn: str
    """The field of the answer that holds the ARN."""
    listing: Listing
    """How those that live are listed."""
    failures: Listing | None
    """How those that failed are listed, where no event tells of a failure; None where one does."""
    events: Mapping[str, str]
    """Detail-type → the field of the detail with the resource's name, or with its ARN when the field ends in Arn."""
    calls: Mapping[str, str]
    """CloudTrail event name → the request parameter with the resource's name."""
    live: Callable[[Description], bool]
    """Tells from a description whether the resource lives; one that is being deleted does not."""
    version: Callable[[Description], Hashable]
    """Returns what tells two descriptions of one resource apart, as far as alarms go."""

    # What is watched.
    observe: Callable[[Description, Reader, Facts], Facts]
    """Adds to the facts that all kinds have what this kind's description says: scopes, gaps, children."""
    reads: Mapping[str, str]
    """SageMaker operation that `observe` calls → the ARN type that it reads, `*` where IAM knows no narrower one."""
    levels: Mapping[str, Level]
    """Level → the dimensions of its metrics; a level for every one that rows name."""
    specs: tuple[Spec, ...]
    """The rows: which alarms there are. Without rows there are no alarms, only notices."""
    discovers: tuple[Discovery, ...]
    """Which metrics become scopes when CloudWatch begins to list them."""
    charts: tuple[Chart, ...]
    """Every metric that SageMaker documents for the kind, as the charts of the dashboard."""
    without_charts: str
    """Why there are no charts: a sentence; empty where there are some."""

    # What is told.
    notices: tuple[FailureNotice, ...]
    """What its events say of failures."""
    parents: Mapping[str, str]
    """Field with the ARN of what started it → that one's kind; the first that is there counts."""
    page: str | None
    """Its page in the SageMaker console, `<app>#/<path>` before its name; None where its name leads to none."""
    log_group: str | None
    """The log group that a message links to. `{name}` in it is the resource's; without, its streams begin with that."""
    run: JobRun | None
    """Where a job's description says what it ran on and for how long; None for what is no job with a log or compute."""
    explain: Callable[[FailureReader, Notice], Lead] | None
    """Explains a failure by further reading; None where the event says all that there is."""
    explain_calls: tuple[str, ...]
    """The SageMaker operations that `explain` may call."""
    causes: frozenset[str]
    """Names of the known causes (`tell/causes.py`) that only failures of such kinds have."""
    deployed: bool
    """Whether new versions are deployed to it, so that an alarm says when it was last changed."""

    def __new__(cls, **declared: object) -> Self:
        """Refuse a declaration that leaves a field out, by the names of the kind and of the field."""
        missing = [each for each in cls.__slots__ if each not in declared]
        if missing:
            raise TypeError(f"kind {declared.get('name')}: {', '.join(missing)} must be declared (see kinds/kind.py)")
        return object.__new__(cls)

    def name_in(self, text: str) -> str:
        """Return what to describe: the name in an ARN (`…:pipeline/churn/execution/…`); a name is its own."""
        return text if self.by_arn else self.called(text)

    def called(self, text: str) -> str:
        """Return the name in an ARN, or what stands in its place: `…:job/AgentRFT/tune-7` → `tune-7`."""
        if not text.startswith("arn:"):
            return text
        parts = text.rpartition(f":{self.arn_type}/")[2].split("/")
        return parts[1] if self.categories[1] and len(parts) > 1 else parts[0]

    def asked(self, name: str) -> Iterator[Mapping[str, str]]:
        """Yield the parameters of Describe* for that name: one set, or one for each category until one is answered."""
        parameter, values = self.categories
        yield from ({self.parameter: name, parameter: value} for value in values)
        if not values:
            yield {self.parameter: name}

    def first_arn(self, arns: object) -> str | None:
        """Return the first ARN of this kind in the `resources` of an event, None when there is none."""
        listed = arns if isinstance(arns, list) else []
        return next((arn for arn in listed if isinstance(arn, str) and f":{self.arn_type}/" in arn), None)


def describe(read: Reader, kind: Kind, name: str) -> Description | None:
    """Describe a resource; None when it is gone or on its way out, for which no last event is guaranteed."""
    answers = (read(kind.describe, **parameters) for parameters in kind.asked(name))
    description = next((each for each in answers if each is not None), None)
    return description if description is not None and kind.live(description) else None
