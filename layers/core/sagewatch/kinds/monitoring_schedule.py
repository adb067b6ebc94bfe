"""Monitoring schedules (Model Monitor): how far each feature has drifted from its baseline, as the last run found it.

The analyzer publishes one metric a feature, `feature_baseline_drift_<feature>`, in namespaces without a leading slash.
Documentation contradicts itself on namespaces and dimensions, and which features there are only CloudWatch knows, so it
is asked. Quality, bias and explanations have as many measures as problems have, good in either direction: they have no
alarms, what breaks their constraints is a notice. Thresholds are our own choice.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace

from sagewatch.kinds.charts import SPREAD, Chart
from sagewatch.kinds.kind import Discovery, FailureNotice, Kind, Level, Lifetime, Listing, Metric, Reader, Spec
from sagewatch.kinds.leads import FailureReader, Lead
from sagewatch.model import Description, Facts, Gap, Notice, Published, Scope, Severity, Unit

NAMESPACE = "aws/sagemaker/Endpoints/data-metrics"
DRIFT = "feature_baseline_drift_"

_WITHOUT_FEATURES = frozenset({"ModelQuality", "ModelBias", "ModelExplainability"})
_LONGEST = 100  # characters of a feature's name in an alarm's name, which has 255 in all

SPECS = (
    Spec(
        id="drift",
        title="drift of the feature",
        level="feature",
        metrics=(Metric(NAMESPACE, f"{DRIFT}*", "Maximum"),),
        # A distance between distributions, 0 to 1; Model Monitor's own constraint of 0.1 is met by small samples, too.
        threshold=0.2,
        unit=Unit.COUNT,
        period=3600,
        periods=1,
        datapoints=1,
        # A schedule runs once an hour at most, often once a day: what a run found holds until the next one.
        missing="ignore",
        severity=Severity.WARNING,
        why="The model sees values of this feature that are distributed unlike those it was trained on.",
        do="Read the run's violations report; mend what feeds the feature, or train anew and set the baseline again.",
    ),
)


def _observe(schedule: Description, read: Reader, facts: Facts) -> Facts:
    name = schedule["MonitoringScheduleName"]
    if _type(schedule) in _WITHOUT_FEATURES:
        return facts
    # The first is what the analyzer publishes, the second what some pages of the documentation say.
    listed = read.published(MonitoringSchedule=name) or read.published(ScheduleName=name)
    drifts = [each for each in (*facts.watched, *listed) if _is_drift(each)]
    if not drifts:
        return replace(facts, gaps=(Gap(level="feature", reason=f"CloudWatch lists no drift that {name} found yet"),))
    by_feature = {_called(each.metric.removeprefix(DRIFT)): each for each in drifts}
    return replace(
        facts,
        scopes=tuple(
            Scope(level="feature", name=feature, series=(p.dimensions,), namespace=p.namespace, metric=p.metric)
            for feature, p in sorted(by_feature.items())
        ),
    )


def _is_drift(each: Published) -> bool:
    return each.metric.startswith(DRIFT) and each.is_sagemakers


def _type(schedule: Description) -> str | None:
    kind: str | None = schedule.get("MonitoringType") or schedule["MonitoringScheduleConfig"].get("MonitoringType")
    return kind


def _called(feature: str) -> str:
    if len(feature) <= _LONGEST:
        return feature
    return f"{feature[: _LONGEST - 11]}~{hashlib.sha256(feature.encode()).hexdigest()[:10]}"


_VALUES = "The value of a feature means nothing without its baseline; its drift has the alarm."
_MISSING = "How many values may be missing, the schedule's own constraints say for each feature; they are notices."
_MEASURES = "Which measure matters, and how much of it, the schedule's own constraints say; they are notices."

# The first is what endpoints publish, the second what documentation says.
MONITORED = (("Endpoint", "MonitoringSchedule"), ("EndpointName", "ScheduleName"))
MONITORED_BATCH = (("MonitoringSchedule",),)
BIAS = (("Endpoint", "MonitoringSchedule", "BiasStage", "Label", "LabelValue", "Facet", "FacetValue"),)

CHARTS = (
    Chart(
        title="Drift of features",
        namespace=NAMESPACE,
        dimensions=MONITORED,
        unit="None",
        statistics=SPREAD,
        shown="Maximum",
        metrics={
            "feature_baseline_drift_*": "",
            "feature_data_*": _VALUES,
            "feature_non_null_*": _MISSING,
        },
    ),
    Chart(
        title="Drift of features, batch",
        namespace="aws/sagemaker/ModelMonitoring/data-metrics",
        dimensions=MONITORED_BATCH,
        unit="None",
        statistics=SPREAD,
        shown="Maximum",
        metrics={
            "feature_baseline_drift_*": "",
            "feature_data_*": _VALUES,
            "feature_non_null_*": _MISSING,
        },
    ),
    Chart(
        title="Quality of the model",
        namespace="aws/sagemaker/Endpoints/model-metrics",
        dimensions=MONITORED,
        unit="None",
        statistics=SPREAD,
        shown="Average",
        metrics={"*": _MEASURES},
    ),
    Chart(
        title="Quality of the model, batch",
        namespace="aws/sagemaker/ModelMonitoring/model-metrics",
        dimensions=MONITORED_BATCH,
        unit="None",
        statistics=SPREAD,
        shown="Average",
        metrics={"*": _MEASURES},
    ),
    Chart(
        title="Bias",
        namespace="aws/sagemaker/Endpoints/bias-metrics",
        dimensions=BIAS,
        unit="None",
        statistics=SPREAD,
        shown="Average",
        metrics={"bias_metric_*": "What is unfair differs by measure and case, and infinity is published as a number."},
    ),
    Chart(
        title="Explanations",
        namespace="aws/sagemaker/Endpoints/explainability-metrics",
        dimensions=MONITORED,
        unit="None",
        statistics=SPREAD,
        shown="Average",
        metrics={"*": "How much a feature contributes is for people to read; drift and violations tell of change."},
    ),
)

NOTICES = (
    FailureNotice(
        detail_type="SageMaker Monitoring Schedule State Change",
        what="monitoring schedule",
        named="MonitoringScheduleName",
        # Nobody has shown such an event: the fields are those of DescribeMonitoringSchedule.
        status=("MonitoringScheduleStatus", "MonitoringExecutionStatus", "*.MonitoringExecutionStatus"),
        failed={"Failed": "failed", "CompletedWithViolations": "found violations"},
        reason={"FailureReason": "", "LastMonitoringExecutionSummary.FailureReason": ""},
        severity=Severity.WARNING,
        identity=("MonitoringScheduleName", "LastMonitoringExecutionSummary.ScheduledTime"),
        lenient=True,
    ),
)


def _explain(read: FailureReader, notice: Notice) -> Lead:
    """Follow a monitoring schedule to the processing job of its last execution."""
    last = read.described("details of the schedule", notice.labels.ref).get("LastMonitoringExecutionSummary") or {}
    reason = last.get("FailureReason") or notice.reason
    return Lead(ref=notice.labels.ref, reason=reason, behind=last.get("ProcessingJobArn") or "", follow=True)


MONITORING_SCHEDULE = Kind(
    name="monitoring-schedule",
    title="Monitoring schedule",
    plural="Monitoring schedules",
    arn_type="monitoring-schedule",
    by_arn=False,
    lifetime=Lifetime.STAYS,
    describe="describe_monitoring_schedule",
    categories=("", ()),
    parameter="MonitoringScheduleName",
    arn="MonitoringScheduleArn",
    listing=Listing(operation="list_monitoring_schedules", items="MonitoringScheduleSummaries"),
    failures=None,
    # Nobody has shown one of these events; the ARN in `resources` names the schedule if no field does.
    events={"SageMaker Monitoring Schedule State Change": "MonitoringScheduleName"},
    calls={
        "CreateMonitoringSchedule": "monitoringScheduleName",
        "UpdateMonitoringSchedule": "monitoringScheduleName",
        "DeleteMonitoringSchedule": "monitoringScheduleName",
    },
    # It has no state of going; a stopped one keeps what its last run found.
    live=lambda _: True,
    version=lambda schedule: repr(schedule["MonitoringScheduleConfig"]),
    observe=_observe,
    reads={},
    levels={
        "feature": Level(
            ("Endpoint", "MonitoringSchedule"),
            elsewhere=(("aws/sagemaker/ModelMonitoring/data-metrics", ("MonitoringSchedule",)),),
        )
    },
    specs=SPECS,
    discovers=tuple(
        Discovery(
            dimension=name,
            owner=lambda each, name=name: each.dimensions[name] if _is_drift(each) else None,  # type: ignore[misc]
            by_metric=True,
        )
        for name in ("MonitoringSchedule", "ScheduleName")
    ),
    charts=CHARTS,
    without_charts="",
    notices=NOTICES,
    parents={},
    page=None,
    log_group=None,
    run=None,
    explain=_explain,
    explain_calls=("describe_monitoring_schedule",),
    causes=frozenset({"monitored-gone"}),
    deployed=False,
)
