"""The nouns, as frozen values; imports nothing of ours."""

from __future__ import annotations

import re
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cached_property, lru_cache
from operator import itemgetter
from typing import Any, Literal
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
    """What one instance of a type has, or what a feature group may serve."""

    vcpus: int
    """As EC2 counts them: two threads of one core are two."""
    gpus: int = 0
    """Devices of one instance that report GPU metrics."""
    accelerators: int = 0
    """Trainium and Inferentia devices; they report no GPU metrics."""
    memory: float = field(default=0, compare=False)
    """GiB, 0 when not known. It decides no alarm, so it is not compared."""
    gpu_memory: float = field(default=0, compare=False)
    """GiB of all its GPUs together, 0 when not known. It decides no alarm, so it is not compared."""
    units: int = 0
    """Reads or writes a second that a feature group has provisioned; it has no instances."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """A part of a resource that is measured by itself: a variant, ten hosts, a step."""

    level: str
    """What kind of part it is; rows of that level make its alarms: `variant`, `container`, `hosts`, `step`."""
    name: str
    """Its part of the alarm's name: `AllTraffic`, `algo-1-10`, `all` where a resource has only one."""
    series: tuple[Dimensions, ...]
    """The exact dimension sets of its metrics: one, or one for each host."""
    traits: frozenset[str] = frozenset()
    """What it has and does; a row may need some of them: `{"instance", "gpu", "requests"}`."""
    capacity: Capacity | None = None
    """None when it is not known or has no meaning."""
    namespace: str | None = None
    """The namespace that CloudWatch listed, in place of the rows' own."""
    also: str | None = None
    """Another namespace in which the metrics may be, where sources differ and CloudWatch has listed neither."""
    metric: str | None = None
    """The metric's name that CloudWatch listed, in place of the rows' own."""
    hourly: float | None = None
    """The price of an instance in USD an hour, where known."""
    published_every: Mapping[str, int] = field(default_factory=dict)
    """Namespace → seconds between two data points, where that is not a minute: `{"/aws/sagemaker/Endpoints": 300}`."""
    waits: bool = False
    """Whether it is still being created: it gets no new alarms yet, whose warm-up would end before it serves."""

    def capacity_in(self, unit: Unit) -> int | None:
        """Return what a threshold per capacity is multiplied by: 8 for percent of vCPU on eight of them, else None."""
        field = PER_CAPACITY.get(unit)
        return getattr(self.capacity, field) if field else None


@dataclass(frozen=True, slots=True)
class Published:
    """A metric that CloudWatch has lately had data of."""

    namespace: str
    metric: str
    dimensions: Dimensions

    @property
    def is_sagemakers(self) -> bool:
        """Tell SageMaker's own metric from somebody else's; SageMaker spells its namespaces in several ways."""
        return self.namespace.removeprefix("/").casefold().startswith("aws/sagemaker")


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """Something that could not be found out; the alarms that depend on it are neither made nor deleted."""

    level: str
    """Rows of this level depend on it."""
    scope: str | None = None
    """The scope of which it is not known whether it has `traits`; None when it is not known which scopes there are."""
    within: str = ""
    """With a scope of None, how the names of the scopes begin of which it is not known: `AllTraffic.`; empty: any."""
    mixed: bool = False
    """With a scope of None, whether their instances are known to differ: no row per vCPU or GPU applies to them."""
    traits: frozenset[str] = CAPACITY_TRAITS
    """Only rows that depend on one of these are left as they are."""
    unsteady: frozenset[str] = frozenset()
    """Namespaces of which it is not known how often they are published; rows that count their minutes depend on it."""
    reason: str
    """Why, for people: `variant blue: its configuration names no instance type`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What a fresh describe says of one resource.

    `watch.facts` reads what all kinds have (ref, version, rollback_alarms, tags); the kind's `observe` adds the rest.
    """

    ref: Ref
    """Who, by the name that the description gives: an event may carry the ARN alone, which SageMaker lower-cases."""
    live: bool
    """False when its own describe said that it is not there, or is being deleted; then only `ref` is set."""
    version: Hashable = None
    """Equal as long as a new description would lead to the same alarms; None when it is gone."""
    scopes: tuple[Scope, ...] = ()
    """The parts of it that get alarms of their own."""
    tags: Mapping[str, str] = field(default_factory=dict)
    """Its SageMaker tags."""
    watched: tuple[Published, ...] = ()
    """The metrics that its alarms look at: what CloudWatch listed once is not gone because it lists it no more."""
    gaps: tuple[Gap, ...] = ()
    """What could not be found out."""
    denied: tuple[str, ...] = ()
    """Why parts of it could not be read that the role may not read: its alarms are not all that there should be."""
    labels: Mapping[str, str] = field(default_factory=dict)
    """Labels that its alarms get besides our own: `{"parent": "endpoint/churn"}`."""
    children: tuple[Ref, ...] = ()
    """Resources that appear and go without an event of their own: the inference components of an endpoint."""
    rollback_alarms: frozenset[str] = frozenset()
    """Names of the alarms on which SageMaker rolls its last deployment back."""


_PLAIN = "/:@+,-._~"
# A description that people wrote into may be cut at its end, in the middle of the line.
_LINE = re.compile(r"\[sagewatch ([^\]\n]*)(?:\]|\Z)")


# Most values are said again and again: of all alarms of a resource, many times each.
@lru_cache(maxsize=4_096)
def _quoted(value: str) -> str:
    """Percent-encode what would end a label or the line; letters of all alphabets stay, as descriptions are short."""
    if value.isascii():
        return quote(value, safe=_PLAIN)
    return "".join(
        each if not each.isascii() and each.isprintable() else quote(each, safe=_PLAIN, errors="backslashreplace")
        for each in value
    )


@dataclass(frozen=True, slots=True)
class Labels:
    """What routing looks at, and what makes an alarm ours: a line of its description, the last one as we write it."""

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
        return "[sagewatch " + " ".join(f"{k}={_quoted(v)}" for k, v in self.values.items()) + "]"

    @classmethod
    def of(cls, description: str | None) -> Labels | None:
        """Read the labels line, wherever in a description; None when none names kind, resource, scope and alarm."""
        return cls.and_text(description)[0]

    @classmethod
    def and_text(cls, description: str | None) -> tuple[Labels | None, str]:
        """Return the labels of a description, those of its last line that are whole, and the text around that line.

        `"Why.\\n[sagewatch kind=…]"` → the labels and `"Why."`; a note below the line is part of the text.
        """
        whole = description or ""
        for found in reversed(list(_LINE.finditer(whole))):
            pairs = [part.partition("=") for part in found[1].split()]
            values = {key: unquote(value) for key, equals, value in pairs if equals}
            if values.keys() >= {"kind", "resource", "scope", "alarm"}:
                return cls(values), whole[: found.start()].removesuffix("\n") + whole[found.end() :]
        return None, whole


def _dimensions(metric: Mapping[str, Any]) -> dict[str, str]:
    return {each["Name"]: each["Value"] for each in metric.get("Dimensions", ())}


@dataclass(frozen=True)  # without slots: cached properties need a __dict__
class Alarm:
    """One complete PutMetricAlarm request, in a fixed order so that equal alarms are equal."""

    request: Mapping[str, Any]
    warm_up: int = field(default=0, compare=False)
    """Minutes for which CloudWatch does not evaluate it once it is made; sent with the first put only."""

    @property
    def name(self) -> str:
        name: str = self.request["AlarmName"]
        return name

    @property
    def labels(self) -> Labels | None:
        return self._labels_and_text[0]

    @property
    def text(self) -> str:
        """Its description without the line of labels."""
        return self._labels_and_text[1]

    @cached_property
    def _labels_and_text(self) -> tuple[Labels | None, str]:
        return Labels.and_text(self.request.get("AlarmDescription"))

    @property
    def metrics(self) -> tuple[Published, ...]:
        """The metrics that it looks at."""
        queries = [query["MetricStat"]["Metric"] for query in self.request.get("Metrics", ()) if "MetricStat" in query]
        metrics = queries or ([self.request] if "MetricName" in self.request else [])
        return tuple(
            Published(
                each["Namespace"], each["MetricName"], {d["Name"]: d["Value"] for d in each.get("Dimensions", ())}
            )
            for each in metrics
        )


@dataclass(frozen=True, slots=True)
class Described:
    """An alarm as CloudWatch has it, and when it was last written."""

    alarm: Alarm
    updated: datetime


MOST_TARGETS = 100
"""Alarms that one rule mutes (PutAlarmMuteRule, MuteTargets)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmState:
    """How a metric alarm stands now (DescribeAlarms)."""

    name: str
    """Its name: `sagewatch/endpoint/churn/AllTraffic/latency-p99`."""
    arn: str
    """Its ARN, which says the account and the Region."""
    description: str
    """Its description, whose last line is our labels."""
    value: str
    """ALARM, OK or INSUFFICIENT_DATA."""
    since: datetime
    """Since when it is in that state, in UTC."""
    reason: str
    """Why, in CloudWatch's words."""
    reason_data: str
    """Why, as JSON; empty where CloudWatch has none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MuteRule:
    """One complete PutAlarmMuteRule request."""

    name: str
    """Unique in the account and Region; ours begin with the prefix."""
    description: str
    """For people who look at CloudWatch's console."""
    expression: str
    """`cron(…)` or `at(…)`: when it begins to mute."""
    duration: str
    """For how long it mutes each time, in ISO 8601: `PT45M`."""
    timezone: str
    """The zone in which the expression is meant: `Europe/Berlin`."""
    alarms: tuple[str, ...]
    """Names of the alarms that it mutes, at most MOST_TARGETS."""
    expires: datetime
    """When CloudWatch deletes the rule."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The alarms that a resource should have, and what is left as it is."""

    alarms: tuple[Alarm, ...] = ()
    unknown: frozenset[tuple[str | None, str]] = frozenset()
    """(scope, alarm id) of alarms of which a gap leaves it open whether they should be; a scope of None is any scope
    but those in `known`."""
    unknown_within: frozenset[tuple[str, str]] = frozenset()
    """(how the scope's name begins, alarm id) of alarms of which it is not known whether their scopes are there; those
    in `known` are."""
    known: frozenset[tuple[str, str]] = frozenset()
    """(scope, alarm id) of the scopes that were found, for every row that could be theirs."""
    rollback_alarms: frozenset[str] = frozenset()
    """Names of alarms that roll the resource's own deployments back; none of them is deleted while it lives."""
    reports: tuple[str, ...] = ()
    """What people should know, in words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """What was found of one resource: its facts, its alarms, and the names under its prefix that are not ours."""

    facts: Facts
    owned: tuple[Alarm, ...] = ()
    foreign: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """The difference between the alarms that should be and those that are."""

    puts: tuple[Alarm, ...] = ()
    deletes: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.puts or self.deletes)


type State = Literal["firing", "cleared", "failed", "succeeded", "announced", "closed", "acked", "snoozed"]
"""What a notice says: of an alarm (firing, cleared, closed: it was deleted), of a resource (failed, succeeded,
announced: a decision about it is due or was made; closed: it is gone, or cleared: it recovered), or of an incident
(somebody acknowledged or snoozed it)."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where it happened."""

    partition: str
    region: str
    account: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """One thing worth telling: an alarm changed its state, a resource failed, somebody acknowledged an incident."""

    key: str
    """Two notices with the same key tell the same thing."""
    state: State
    """What happened to the part: it fired, was cleared, failed, was closed; or what somebody clicked."""
    labels: Labels
    """What routing matches on."""
    place: Place
    """The account and the Region that it happened in."""
    at: datetime
    """When it happened, not when it was heard of."""
    title: str
    """What it is about, in words: `model latency`."""
    subject: Ref
    """Whose incident it belongs to: the resource, or what started it (a trial belongs to its tuning job)."""
    part: str
    """Tells the alarms and failures of one incident apart."""
    muted: bool = False
    """Whether a mute rule covers it or CloudWatch suppressed it; then it opens no incident."""
    muted_by: str = ""
    """The name of the mute rule, where the event says it: `sagewatch-window-nightly-3f9a01bc22`."""
    after: str = ""
    """After which mute it still fires, in words: `the window nightly`; empty when it was not muted before."""
    value: float | None = None
    """The metric's value, in `unit`."""
    limit: float | None = None
    """The threshold, in `unit`; the upper one of an anomaly band."""
    floor: float | None = None
    """The lower limit of an anomaly band, in `unit`."""
    unit: Unit = Unit.COUNT
    """What `value`, `limit`, `floor` and `points` are measured in."""
    capacity: int | None = None
    """Over how many cores or devices `value` and `limit` are summed, where the unit is per capacity."""
    points: tuple[float, ...] = ()
    """The latest values of the metric, oldest first."""
    reason: str = ""
    """Text that AWS or somebody's code wrote: hostile."""
    meaning: str = ""
    """What it means for users, in whole sentences."""
    advice: str = ""
    """What to do about it, in whole sentences; in what earlier versions wrote, what it means stands before it."""
    cost: str = ""
    """What each instance costs meanwhile: `about $1.41 an hour, $1,014 a month (us-east-1)`."""
    links: Mapping[str, str] = field(default_factory=dict)
    """What a link is called → where it leads: the alarm, the resource, its logs."""
    by: str = ""
    """Slack's id of the person who acknowledged or snoozed."""
    until: datetime | None = None
    """The end of the snooze; of the first notice of an incident whose middle was dropped, how far that middle went."""
    arn: str = ""
    """The ARN of what failed."""
    execution: str = ""
    """The ARN of the pipeline's execution."""
    incident: str = ""
    """The id that the incident had whose control somebody clicked; empty in what the first version wrote."""
    route: str = ""
    """The route on which it was told first, when the policy has another one for it by now."""
    warned: bool = False
    """Whether people may have been warned of it before it could be written down, when nothing could be remembered."""

    @property
    def severity(self) -> Severity:
        return Severity(self.labels["severity"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What was found out about why something failed or changed; gathered once for each failure."""

    cause: str = ""
    """A likely cause, in words."""
    short: str = ""
    """The same in so few words that a headline holds them: `failed the /ping health check`."""
    remedy: str = ""
    """What to do about it."""
    steps: tuple[tuple[str, str, float | None, str], ...] = ()
    """The steps of a pipeline's execution, in order: (name, status, seconds or None, reason)."""
    behind: str = ""
    """The ARN of the job that failed a step."""
    stream: str = ""
    """The log stream that `log` was read from."""
    log: tuple[str, ...] = ()
    """Its last lines."""
    facts: Mapping[str, str] = field(default_factory=dict)
    """Short facts by name: Compute, Ran, Started by, Last deployment."""
    unread: tuple[str, ...] = ()
    """What could not be read, and why: `No log: the notify role may not read it`."""
    shared: Mapping[str, str] = field(default_factory=dict)
    """What it may have in common with other incidents: `{"instance type": "ml.g5.2xlarge", "model": "llama"}`."""


REQUEST_FIELDS = (
    "AlarmName",
    "AlarmDescription",
    "ActionsEnabled",
    "OKActions",
    "AlarmActions",
    "InsufficientDataActions",
    "Namespace",
    "MetricName",
    "Statistic",
    "ExtendedStatistic",
    "Dimensions",
    "Unit",
    "Metrics",
    "ThresholdMetricId",
    "Period",
    "EvaluationPeriods",
    "DatapointsToAlarm",
    "Threshold",
    "ComparisonOperator",
    "TreatMissingData",
    "EvaluateLowSampleCountPercentile",
)
"""The fields of PutMetricAlarm that we decide, set or unset; DescribeAlarms answers with the same names and more."""


def canonical(described: Mapping[str, Any]) -> Alarm:
    """Return the alarm that a request or a described alarm stands for; order and unset fields do not matter."""
    request = {field: described[field] for field in REQUEST_FIELDS if described.get(field) not in (None, [], "")}
    # DescribeAlarms promises no order of dimensions or queries.
    if "Dimensions" in request:
        request["Dimensions"] = sorted(request["Dimensions"], key=_BY_NAME)
    if "Metrics" in request:
        request["Metrics"] = sorted([_canonical_query(query) for query in request["Metrics"]], key=_BY_ID)
    if "Threshold" in request:
        # CloudWatch answers with a double, whatever was sent (PutMetricAlarm, Threshold).
        request["Threshold"] = float(request["Threshold"])
    return Alarm({"ActionsEnabled": True, **request})


_BY_NAME, _BY_ID = itemgetter("Name"), itemgetter("Id")


def _canonical_query(query: Mapping[str, Any]) -> dict[str, Any]:
    if "MetricStat" not in query:
        return {"ReturnData": True, **query}
    metric = query["MetricStat"]["Metric"]
    dimensions = sorted(metric.get("Dimensions", ()), key=_BY_NAME)
    return {
        "ReturnData": True,
        **query,
        "MetricStat": {**query["MetricStat"], "Metric": {**metric, "Dimensions": dimensions}},
    }


NO_DATA = "INSUFFICIENT_DATA"
"""The state of an alarm that CloudWatch has no data to judge by, and the reason of a notice that it ended so."""

GOES_ON = "GOES_ON"
"""The reason of a notice that ends an incident only because another one goes on with it."""

OUTAGE = "outage"
"""In place of a kind: the subject of an outage, `outage/9f3c01d2a4b5e6f7`."""

WHOLE_RESOURCE = "*"
"""The part of a notice that speaks of the whole resource: when that is deleted, all of its parts end."""

FLAPS, FLAP_WINDOW = 4, timedelta(minutes=45)
"""So many changes of one alarm within that time are flapping: told once, then shown by edits only."""


type Status = Literal["open", "acked", "snoozed", "resolved", "closed", "failed", "succeeded", "announced"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One alarm or failure of an incident: what it says now, since when it fires, its worst, and how it changed."""

    last: Notice
    """The newest notice; that of the whole resource when its deletion ended the part."""
    first: Notice
    """The oldest notice."""
    peak: Notice
    """The notice with the worst value."""
    spent: timedelta
    """How long it fired in all, until `last` if it still does."""
    changes: int
    """How often its state changed, its first notice counted."""
    flapping: bool
    """Whether it changes too often for every change to be told."""

    @property
    def firing(self) -> bool:
        return self.last.state == "firing"


@dataclass(frozen=True, slots=True, kw_only=True)
class Incident:
    """All notices about one resource on one route, from the first firing to all clear."""

    id: str
    """Short and opaque (`inc_0123456789abcdef`); made of the route, the subject and the first notice."""
    route: str
    """The name of the route."""
    subject: Ref
    """The resource, or what started it: a trial belongs to its tuning job."""
    notices: tuple[Notice, ...]
    """In order of time."""
    parts: tuple[Part, ...]
    """What is open: the worst first, then failures, symptoms, causes; at last what ended, the last first."""
    status: Status
    """What people see first: open, failed, acked, snoozed, resolved, closed or succeeded."""
    severity: Severity
    """The worst among what is open, or among all once nothing is."""
    opened: datetime
    """When its first notice happened."""
    ended: datetime | None
    """When its last part ended; None while something is open."""
    reopened: int = 0
    """How often something fired again after all was clear."""
    acked_by: str = ""
    """Slack's id of the person who acknowledged it; stays when something new fires, goes when it reopens."""
    acked_at: datetime | None = None
    """When that was; None while nobody did."""
    snoozed_until: datetime | None = None
    """The end of the last snooze, also when it is over; None when there was none."""
    previous: str = ""
    """The id of the incident before it, when that ended within a week."""
    anchors: tuple[str, ...] = ()
    """The ids it could ever have had, oldest first, its own among them.

    An older notice that arrives late becomes the first, and may even make one incident of two. Whoever remembers a
    message by an id finds its incident by these: an id is an anchor of one incident only while its notice is kept.
    """
    evidence: Mapping[str, Evidence] = field(default_factory=dict)
    """What explains its notices, by their keys."""
    members: tuple[Incident, ...] = ()
    """Of an outage, the incidents that it is made of, what is open and worst first; else none.

    Then `parts` are those of all members, and `notices` say when the first of them opened and the last ended.
    """
    is_superseded: bool = False
    """Of a member of an outage, whether a newer incident of the same resource has begun since it ended."""
    common: tuple[tuple[str, str], ...] = ()
    """Of an outage, what its members share: `(("instance type", "ml.g5.2xlarge"),)`."""

    @property
    def lead(self) -> Notice:
        """The notice that the headline speaks of."""
        return self.parts[0].last

    @property
    def is_open(self) -> bool:
        return self.status in {"open", "acked", "snoozed", "failed"}

    @property
    def is_settled(self) -> bool:
        """Whether it stays as it is unless something else happens: it is over, and nothing of it flaps."""
        return not (self.is_open or any(part.flapping for part in self.parts))


type About = Literal[
    "joined",
    "worsened",
    "cleared",
    "closed",
    "resolved",
    "reopened",
    "flapping",
    "settled",
    "acked",
    "snoozed",
    "snooze-over",
    "moved",
    "log",
    "reminder",
]
"""What a line in the thread of an incident tells; `settled` and `snooze-over` are of what still fires then."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ThreadLine:
    """One entry of an incident's history, told in its thread."""

    key: str
    """The same whenever the line is derived again; no two lines of an incident share one."""
    about: About
    at: datetime
    notice: Notice
    """What it tells of."""
    number: int = 0
    """Which reminder it is, from 1."""
    waited: timedelta = timedelta()
    """How long a reminder says that nobody acknowledged what is wrong."""
