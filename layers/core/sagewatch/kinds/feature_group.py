"""Feature groups with an online store, by the operations that callers use on them; the offline store publishes nothing.

Metrics: SageMaker Developer Guide, "Monitor Amazon SageMaker with Amazon CloudWatch". It does not say in which
namespace they are, so CloudWatch is asked. GetRecord and PutRecord are watched from the beginning, others when they
have been used; BatchGetRecord is published for the whole account, without the group's name. Thresholds are our own
choice. Nothing is published without calls, so missing data is well.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import replace

from sagewatch.kinds import requests
from sagewatch.kinds.charts import SHARE, TIMED, Chart
from sagewatch.kinds.kind import Discovery, FailureNotice, Kind, Level, Lifetime, Listing, Metric, Reader, Spec
from sagewatch.model import Capacity, Description, Facts, Published, Scope, Severity, Unit

NAMESPACE = "AWS/SageMaker"
ENDED = frozenset({"Deleting", "CreateFailed"})
MILLISECOND = 1_000  # µs, in which the feature store counts latency

_SIDES = {
    "GetRecord": ("reads", "ProvisionedReadCapacityUnits"),
    "ListRecords": ("reads", "ProvisionedReadCapacityUnits"),
    "PutRecord": ("writes", "ProvisionedWriteCapacityUnits"),
    "DeleteRecord": ("writes", "ProvisionedWriteCapacityUnits"),
}
_ALWAYS = ("GetRecord", "PutRecord")
_DIMENSIONS = {"FeatureGroupName", "OperationName"}

_CALLS = Metric(NAMESPACE, "Invocations", "Sum", "calls")
_A_SECOND = "100 * consumed / 60"

ERRORS_5XX = Spec(
    id="errors-5xx",
    title="5xx errors",
    level="operation",
    metrics=(Metric(NAMESPACE, "Operation5XXErrors", "Sum", "errors"), _CALLS),
    expression=requests.error_share(requests="calls"),
    threshold=5,
    unit=Unit.PERCENT,
    period=300,
    periods=1,
    datapoints=1,
    severity=Severity.CRITICAL,
    symptom=True,
    why="Models predict without these features, or do not predict. Counted from 20 calls and 5 errors in five minutes.",
    do="Retry with a growing pause; if it lasts, look at the AWS Health Dashboard.",
)

SPECS = (
    ERRORS_5XX,
    requests.low_traffic(ERRORS_5XX, requests.quiet_error_share(requests="calls")),
    Spec(
        id="errors-4xx",
        title="4xx errors",
        level="operation",
        metrics=(Metric(NAMESPACE, "Operation4XXErrors", "Sum", "errors"), _CALLS),
        expression=requests.refusal_share(requests="calls"),
        threshold=20,
        unit=Unit.PERCENT,
        period=300,
        periods=3,
        datapoints=3,
        severity=Severity.WARNING,
        symptom=True,
        why="Callers send what the feature group refuses, often after a change of its features or of a role.",
        do="Compare one refused call with the group's feature definitions and the caller's permissions.",
    ),
    Spec(
        id="throttled",
        title="throttled requests",
        level="operation",
        metrics=(Metric(NAMESPACE, "ThrottledRequests", "Sum"),),
        # SDKs retry a few unseen; more than one a minute for a quarter of an hour is a lack of throughput.
        threshold=5,
        unit=Unit.COUNT,
        period=300,
        periods=3,
        datapoints=3,
        severity=Severity.WARNING,
        symptom=True,
        why="Callers ask for more than the feature group gives, and wait for their retries or lose records.",
        do="Raise the provisioned capacity or go on demand, spread the calls over time, or ask for a higher quota.",
    ),
    Spec(
        id="latency-p99",
        title="call latency",
        level="operation",
        metrics=requests.slowest_requests(NAMESPACE, "Latency"),
        expression=requests.SLOWEST,
        # An online store answers within milliseconds; a caller that looks features up has not much more to spend.
        threshold=100 * MILLISECOND,
        unit=Unit.MICROSECONDS,
        period=300,
        periods=3,
        datapoints=3,
        severity=Severity.WARNING,
        symptom=True,
        why="Some predictions that look features up wait this much longer.",
        note=requests.SLOWEST_NEEDS,
        do="Read fewer features in a call, look for records that grew, or tag the feature group with its own limit.",
    ),
    Spec(
        id="read-capacity",
        title="consumed read capacity",
        level="operation",
        metrics=(Metric(NAMESPACE, "ConsumedReadCapacityUnits", "Sum", "consumed"),),
        expression=_A_SECOND,
        threshold=80,
        unit=Unit.PERCENT_OF_UNITS,
        periods=5,
        datapoints=5,
        severity=Severity.WARNING,
        needs=("reads", "provisioned"),
        why="Beyond the provisioned capacity reads are throttled. This operation alone uses so much, others share it.",
        do="Raise ProvisionedReadCapacityUnits, or let the feature group scale on demand.",
    ),
    Spec(
        id="write-capacity",
        title="consumed write capacity",
        level="operation",
        metrics=(Metric(NAMESPACE, "ConsumedWriteCapacityUnits", "Sum", "consumed"),),
        expression=_A_SECOND,
        threshold=80,
        unit=Unit.PERCENT_OF_UNITS,
        periods=5,
        datapoints=5,
        severity=Severity.WARNING,
        needs=("writes", "provisioned"),
        why="Beyond the provisioned capacity writes are throttled. This operation alone uses so much, others share it.",
        do="Raise ProvisionedWriteCapacityUnits, slow the ingestion down, or let the feature group scale on demand.",
    ),
)


def _observe(group: Description, read: Reader, facts: Facts) -> Facts:
    if not (group.get("OnlineStoreConfig") or {}).get("EnableOnlineStore"):
        return facts
    listed = tuple(filter(_is_ours, read.published(FeatureGroupName=group["FeatureGroupName"])))
    return replace(facts, scopes=tuple(_scopes(group, listed, tuple(filter(_is_ours, facts.watched)))))


def _is_ours(each: Published) -> bool:
    """Tell a metric of the feature store from somebody's own that has the same dimension."""
    return each.is_sagemakers and each.dimensions.keys() == _DIMENSIONS


def _scopes(group: Description, listed: Collection[Published], watched: Collection[Published]) -> Iterator[Scope]:
    namespace = min((each.namespace for each in listed or watched), default=None)
    for operation in sorted({*_ALWAYS, *(each.dimensions["OperationName"] for each in (*listed, *watched))}):
        side, units = _SIDES.get(operation, ("", ""))
        capacity = _provisioned(group, units)
        yield Scope(
            level="operation",
            name=operation,
            series=({"FeatureGroupName": group["FeatureGroupName"], "OperationName": operation},),
            traits=frozenset({side, "provisioned"}) if capacity else frozenset(),
            capacity=capacity,
            namespace=namespace,
        )


def _provisioned(group: Description, units: str) -> Capacity | None:
    """Return the units a second, None when the group pays on demand and has no such limit."""
    throughput = group.get("ThroughputConfig") or {}
    found = throughput.get(units) if throughput.get("ThroughputMode") == "Provisioned" else None
    return Capacity(0, units=found) if found else None


ON_DEMAND = "On demand there is no limit to come near; it is what the bill counts."

OPERATION = ("FeatureGroupName", "OperationName")
BATCH_OPERATION = ("OperationName",)

CHARTS = (
    Chart(
        title="Requests and errors",
        namespace=NAMESPACE,
        dimensions=(OPERATION, BATCH_OPERATION),
        unit="None",
        statistics=SHARE,
        shown="Sum",
        metrics={"Invocations": "", "Operation4XXErrors": "", "Operation5XXErrors": "", "ThrottledRequests": ""},
    ),
    Chart(
        title="Latency (µs)",
        namespace=NAMESPACE,
        dimensions=(OPERATION, BATCH_OPERATION),
        unit="Microseconds",
        statistics=TIMED,
        shown="p99",
        metrics={"Latency": ""},
    ),
    Chart(
        title="Consumed units",
        namespace=NAMESPACE,
        dimensions=(OPERATION,),
        unit="None",
        statistics=TIMED,
        shown="Sum",
        metrics={
            "ConsumedReadRequestsUnits": ON_DEMAND,
            "ConsumedWriteRequestsUnits": ON_DEMAND,
            "ConsumedReadCapacityUnits": "",
            "ConsumedWriteCapacityUnits": "",
        },
    ),
)

NOTICES = (
    FailureNotice(
        detail_type="SageMaker Feature Group State Change",
        what="feature group",
        named="FeatureGroupName",
        status=("FeatureGroupStatus",),
        failed={"CreateFailed": "could not be created", "DeleteFailed": "could not be deleted"},
        gone=frozenset({"Deleting"}),
        filtered=True,
        reason={"FailureReason": ""},
        severity=Severity.WARNING,
        identity=("FeatureGroupArn", "FeatureGroupStatus", "CreationTime"),
        # It is sent for its offline store, too, whose states are others.
        lenient=True,
    ),
)

FEATURE_GROUP = Kind(
    name="feature-group",
    title="Feature group",
    plural="Feature groups",
    arn_type="feature-group",
    by_arn=False,
    lifetime=Lifetime.STAYS,
    describe="describe_feature_group",
    categories=("", ()),
    parameter="FeatureGroupName",
    arn="FeatureGroupArn",
    # Its list tells no time of change: UpdateFeatureGroup calls and the daily full sweep bring those.
    listing=Listing(
        operation="list_feature_groups",
        items="FeatureGroupSummaries",
        modified="CreationTime",
        filters=(
            {"FeatureGroupStatusEquals": "Creating"},
            {"FeatureGroupStatusEquals": "Created"},
            {"FeatureGroupStatusEquals": "DeleteFailed"},
        ),
    ),
    failures=None,
    events={"SageMaker Feature Group State Change": "FeatureGroupName"},
    calls={
        "CreateFeatureGroup": "featureGroupName",
        "UpdateFeatureGroup": "featureGroupName",
        "DeleteFeatureGroup": "featureGroupName",
    },
    live=lambda group: group.get("FeatureGroupStatus") not in ENDED,
    version=lambda group: repr((group.get("OnlineStoreConfig"), group.get("ThroughputConfig"))),
    observe=_observe,
    reads={},
    levels={"operation": Level(OPERATION)},
    specs=SPECS,
    discovers=(
        Discovery(
            dimension="FeatureGroupName", owner=lambda p: p.dimensions["FeatureGroupName"] if _is_ours(p) else None
        ),
    ),
    charts=CHARTS,
    without_charts="",
    notices=NOTICES,
    parents={},
    page=None,
    log_group=None,
    run=None,
    explain=None,
    explain_calls=(),
    causes=frozenset({"offline-store"}),
    deployed=False,
)
