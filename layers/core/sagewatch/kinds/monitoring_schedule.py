"""Monitoring schedules (Model Monitor): how far each feature has drifted from its baseline, as the last run found it.

The analyzer publishes one metric a feature, `feature_baseline_drift_<feature>`, in namespaces without a leading slash.
Documentation contradicts itself on namespaces and dimensions, and which features there are only CloudWatch knows, so it
is asked. Quality, bias and explanations have as many measures as problems have, good in either direction: they have no
alarms, what breaks their constraints is a notice. Thresholds are our own choice.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace

from sagewatch.kinds.kind import Kind, Listing, Metric, Reader, Spec
from sagewatch.model import Description, Facts, Gap, Scope, Severity, Unit

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
    drifts = [each for each in listed if each.metric.startswith(DRIFT) and _is_ours(each.namespace)]
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


def _type(schedule: Description) -> str | None:
    kind: str | None = schedule.get("MonitoringType") or schedule["MonitoringScheduleConfig"].get("MonitoringType")
    return kind


def _is_ours(namespace: str) -> bool:
    return namespace.removeprefix("/").startswith("aws/sagemaker/")


def _called(feature: str) -> str:
    if len(feature) <= _LONGEST:
        return feature
    return f"{feature[: _LONGEST - 11]}~{hashlib.sha256(feature.encode()).hexdigest()[:10]}"


MONITORING_SCHEDULE = Kind(
    name="monitoring-schedule",
    title="Monitoring schedule",
    arn_type="monitoring-schedule",
    describe="describe_monitoring_schedule",
    parameter="MonitoringScheduleName",
    arn="MonitoringScheduleArn",
    listing=Listing(operation="list_monitoring_schedules", items="MonitoringScheduleSummaries"),
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
    specs=SPECS,
)
