"""Decides whether an event is worth telling, and what it tells. Pure; how it is told is up to `wording`."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sagewatch import links
from sagewatch.errors import Undeliverable
from sagewatch.kinds import hosts, kind, spec
from sagewatch.model import PER_CAPACITY, Labels, Notice, Place, Ref, Severity, Spec, State, Unit

type Event = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """How SageMaker says that something failed.

    Fields are paths into the detail, `*` for any field: `HealthSummary.HealthStatus`. `named` is the resource's name
    or ARN; the ARN in the event's `resources` stands in for it. The first state in `status` that is worth telling
    counts: `failed` maps states, letters only and in capitals, to words (none: silence), `otherwise` is said of all
    others. `scope` names a part of the resource. `reason` maps fields to what precedes them. What the fields in
    `identity` hold tells one failure from the next: SageMaker repeats events with new ids; `time` is the event's own,
    where the detail has none. Without any state, the event is not understood, or silence where it is `lenient`: its
    shape is not known, or the state is optional.
    """

    detail_type: str
    kind: str
    what: str
    named: str
    status: tuple[str, ...]
    failed: Mapping[str, str]
    otherwise: str = ""
    reason: Mapping[str, str]
    severity: Severity
    identity: tuple[str, ...]
    scope: tuple[str, ...] = ()
    lenient: bool = False


FAILURES = (
    Failure(
        detail_type="SageMaker Endpoint State Change",
        kind="endpoint",
        what="endpoint",
        named="EndpointName",
        status=("EndpointStatus",),
        failed={
            "FAILED": "failed",
            "OUTOFSERVICE": "is out of service",
            "ROLLINGBACK": "is rolling back",
            "UPDATEROLLBACKFAILED": "could not be rolled back",
        },
        reason={"FailureReason": ""},
        severity=Severity.CRITICAL,
        identity=("EndpointArn", "EndpointStatus", "EndpointConfigName", "LastModifiedTime"),
    ),
    Failure(
        detail_type="SageMaker Training Job State Change",
        kind="training-job",
        what="training job",
        named="TrainingJobName",
        status=("TrainingJobStatus",),
        failed={"FAILED": "failed"},
        reason={"FailureReason": ""},
        severity=Severity.CRITICAL,
        # A job can be deleted, and its name used again.
        identity=("TrainingJobArn", "TrainingJobStatus", "CreationTime"),
    ),
    Failure(
        detail_type="SageMaker Model Building Pipeline Execution Status Change",
        kind="pipeline",
        what="pipeline execution",
        named="pipelineArn",
        status=("currentPipelineExecutionStatus",),
        failed={"FAILED": "failed", "COMPLETEDWITHFAILURES": "completed with failures"},
        reason={"failureReason": ""},
        severity=Severity.CRITICAL,
        # An execution can be retried, and fail again later.
        identity=("pipelineExecutionArn", "currentPipelineExecutionStatus", "executionEndTime"),
    ),
    Failure(
        detail_type="SageMaker Model Building Pipeline Execution Step Status Change",
        kind="pipeline",
        what="pipeline step",
        named="pipelineArn",
        status=("currentStepStatus",),
        failed={"FAILED": "failed"},
        reason={"failureReason": ""},
        severity=Severity.WARNING,
        scope=("stepName",),
        identity=("pipelineExecutionArn", "stepName", "currentStepStatus", "stepStartTime"),
    ),
    Failure(
        detail_type="SageMaker Processing Job State Change",
        kind="processing-job",
        what="processing job",
        named="ProcessingJobName",
        status=("ProcessingJobStatus",),
        failed={"FAILED": "failed"},
        reason={"FailureReason": ""},
        severity=Severity.CRITICAL,
        identity=("ProcessingJobArn", "ProcessingJobStatus", "CreationTime"),
    ),
    Failure(
        detail_type="SageMaker Transform Job State Change",
        kind="transform-job",
        what="transform job",
        named="TransformJobName",
        status=("TransformJobStatus",),
        failed={"FAILED": "failed"},
        reason={"FailureReason": ""},
        severity=Severity.CRITICAL,
        identity=("TransformJobArn", "TransformJobStatus", "CreationTime"),
    ),
    Failure(
        detail_type="SageMaker HyperParameter Tuning Job State Change",
        kind="tuning-job",
        what="tuning job",
        named="HyperParameterTuningJobName",
        status=("HyperParameterTuningJobStatus",),
        failed={"FAILED": "failed", "DELETEFAILED": "could not be deleted"},
        reason={"FailureReason": ""},
        severity=Severity.CRITICAL,
        identity=("HyperParameterTuningJobArn", "HyperParameterTuningJobStatus", "CreationTime"),
    ),
    Failure(
        detail_type="SageMaker Feature Group State Change",
        kind="feature-group",
        what="feature group",
        named="FeatureGroupName",
        status=("FeatureGroupStatus",),
        failed={"CREATEFAILED": "could not be created", "DELETEFAILED": "could not be deleted"},
        reason={"FailureReason": ""},
        severity=Severity.WARNING,
        identity=("FeatureGroupArn", "FeatureGroupStatus", "CreationTime"),
        # It is sent for its offline store, too, whose states are others.
        lenient=True,
    ),
    Failure(
        detail_type="SageMaker Ground Truth Labeling Job State Change",
        kind="labeling-job",
        what="labeling job",
        named="LabelingJobName",
        status=("LabelingJobStatus",),
        failed={"FAILED": "failed"},
        # The detail holds nothing but the status.
        reason={"FailureReason": ""},
        severity=Severity.WARNING,
        identity=("LabelingJobName", "LabelingJobStatus"),
    ),
    Failure(
        detail_type="SageMaker Notebook Instance State Change",
        kind="notebook",
        what="notebook instance",
        named="NotebookInstanceName",
        status=("NotebookInstanceStatus",),
        failed={"FAILED": "failed"},
        reason={"FailureReason": ""},
        severity=Severity.WARNING,
        identity=("NotebookInstanceArn", "NotebookInstanceStatus", "LastModifiedTime"),
    ),
    Failure(
        detail_type="SageMaker Monitoring Schedule State Change",
        kind="monitoring-schedule",
        what="monitoring schedule",
        named="MonitoringScheduleName",
        # Nobody has shown such an event: the fields are those of DescribeMonitoringSchedule.
        status=("MonitoringScheduleStatus", "MonitoringExecutionStatus", "*.MonitoringExecutionStatus"),
        failed={"FAILED": "failed", "COMPLETEDWITHVIOLATIONS": "found violations"},
        reason={"FailureReason": "", "LastMonitoringExecutionSummary.FailureReason": ""},
        severity=Severity.WARNING,
        identity=("MonitoringScheduleName", "LastMonitoringExecutionSummary.ScheduledTime"),
        lenient=True,
    ),
    Failure(
        detail_type="SageMaker HyperPod Cluster State Change",
        kind="cluster",
        what="cluster",
        named="ClusterName",
        status=("ClusterStatus",),
        failed={"FAILED": "failed", "ROLLINGBACK": "is rolling back"},
        reason={"FailureMessage": ""},
        severity=Severity.CRITICAL,
        # The detail has no time of change, and the next update may fail, too.
        identity=("ClusterArn", "ClusterStatus", "time"),
    ),
    Failure(
        detail_type="SageMaker HyperPod Cluster Node Health Event",
        kind="cluster",
        what="node",
        named="ClusterName",
        status=("HealthSummary.HealthStatus",),
        # Only one bad state is documented, by example.
        failed={"HEALTHY": "", "UNHEALTHY": "is unhealthy"},
        otherwise="is not healthy",
        reason={
            "HealthSummary.HealthStatusReason": "",
            "HealthSummary.RepairAction": "Repair action: ",
            "HealthSummary.Recommendation": "Recommendation: ",
        },
        severity=Severity.WARNING,
        scope=("InstanceId",),
        # A node that was mended may fail again for the same reason.
        identity=("ClusterArn", "InstanceId", "HealthSummary.HealthStatus", "time"),
    ),
    Failure(
        detail_type="SageMaker HyperPod Cluster Event",
        kind="cluster",
        what="cluster",
        named="EventDetails.ClusterName",
        status=("EventDetails.EventLevel",),
        failed={"WARN": "warns", "ERROR": "reports an error"},
        reason={
            "EventDetails.Description": "",
            # The metadata is found at either depth.
            "EventDetails.EventMetadata.*.FailureMessage": "",
            "EventDetails.EventDetails.EventMetadata.*.FailureMessage": "",
        },
        severity=Severity.WARNING,
        scope=("EventDetails.InstanceId", "EventDetails.InstanceGroupName"),
        identity=("EventDetails.EventId",),
        # AWS's own example has no level.
        lenient=True,
    ),
)

_FAILURES = {row.detail_type: row for row in FAILURES}
_EPOCH = datetime.fromtimestamp(0, UTC)
_PARENTS: Mapping[str, str] = {
    "tuning-job": "TuningJobArn",
    "automl-job": "AutoMLJobArn",
    "labeling-job": "LabelingJobArn",
    "monitoring-schedule": "MonitoringScheduleArn",
    "training-job": "TrainingJobArn",
}
"""The field of a job's event or description that holds the ARN of what started it."""


def notice(prefix: str, event: Event) -> Notice | None:
    """Return what an event tells, None when it is better left unsaid; Undeliverable when it cannot be understood."""
    detail_type, detail = event.get("detail-type"), event.get("detail")
    if not isinstance(detail_type, str) or not isinstance(detail, dict):
        raise Undeliverable("The message is no event: it needs detail-type and detail")
    if detail_type == "CloudWatch Alarm State Change":
        return _alarm(prefix, event, detail)
    if detail_type == "CloudWatch Alarm Configuration Change":
        return None  # a deleted alarm closes its incident, once there are incidents
    if detail_type == "Sagewatch Failure Found":
        return _found(event, detail)
    if detail_type not in _FAILURES:
        raise Undeliverable(f"Nothing is known to be told by events of detail-type '{detail_type}'")
    return _failure(_FAILURES[detail_type], event, detail)


def happened(event: Event) -> datetime:
    """Return when the change happened, not when it arrived: changes are told in this order."""
    detail = event.get("detail")
    state = detail.get("state") if isinstance(detail, dict) else None
    stamps = (state.get("timestamp") if isinstance(state, dict) else None, event.get("time"))
    return next((when for stamp in stamps if (when := _when(stamp))), _EPOCH)


def in_order(records: Sequence[Event]) -> list[Event]:
    """Return queue messages in the order in which what they tell happened; those that cannot be read come first."""
    return sorted(records, key=_told_at)


def _told_at(record: Event) -> datetime:
    try:
        event = json.loads(record.get("body") or "")
    except (TypeError, ValueError):
        return _EPOCH
    return happened(event) if isinstance(event, dict) else _EPOCH


def _when(stamp: object) -> datetime | None:
    try:
        when = datetime.fromisoformat(stamp) if isinstance(stamp, str) else None
    except ValueError:
        return None
    return when if when is None or when.tzinfo else when.replace(tzinfo=UTC)


def _alarm(prefix: str, event: Event, detail: Event) -> Notice | None:
    name, state, configuration = (detail.get(field) for field in ("alarmName", "state", "configuration"))
    if not (isinstance(name, str) and isinstance(state, dict) and isinstance(configuration, dict)):
        raise Undeliverable("The alarm event has no alarmName, state or configuration")
    labels = Labels.of(configuration.get("description"))
    told = _told(state, detail)
    if told is None or labels is None or not name.startswith(f"{prefix}/"):
        return None
    row = spec(labels.ref.kind, labels["alarm"])
    unit = row.unit if row else Unit.COUNT
    place, data = _place(event), _reason_data(state)
    points = _numbers(data.get("recentDatapoints"))
    limits = _numbers([data.get("threshold")])
    return Notice(
        key=f"{place.account}/{place.region}/{name}/{state.get('value')}/{state.get('timestamp')}",
        state=told,
        labels=_judged(labels, row),
        place=place,
        at=happened(event),
        title=row.title if row else labels["alarm"],
        value=points[-1] if points else None,
        limit=limits[-1] if limits else None,
        unit=unit,
        capacity=_number(labels.get(PER_CAPACITY.get(unit, ""))),
        reason=str(state.get("reason") or ""),
        advice=f"{row.why} {row.do}" if row else "",
        links=_links(place, labels.ref, {"alarm": links.alarm(place, name)}),
    )


def _told(state: Event, detail: Event) -> State | None:
    """Return what a state change tells. An OK without an alarm before it is a birth or a lull: silence."""
    previous = detail.get("previousState")
    before = previous.get("value") if isinstance(previous, dict) else None
    if detail.get("muteDetail") or state.get("actionsSuppressedBy"):
        return None
    if state.get("value") == "ALARM":
        return "firing"
    return "cleared" if state.get("value") == "OK" and before == "ALARM" else None


def _reason_data(state: Event) -> Event:
    """Read reasonData, a JSON text that is missing from some changes (SetAlarmState, a new alarm)."""
    try:
        data = json.loads(state.get("reasonData") or "{}")
    except (TypeError, ValueError):
        return {}
    return data if isinstance(data, dict) else {}


def _numbers(values: object) -> list[float]:
    """Return what can be said as a number: Python reads NaN and Infinity as JSON, and CloudWatch sends null."""
    listed = values if isinstance(values, list) else []
    return [v for v in listed if isinstance(v, int | float) and not isinstance(v, bool) and math.isfinite(v)]


def _judged(labels: Labels, row: Spec | None) -> Labels:
    """Return the labels with a severity: somebody may have edited theirs away, and the alarm fires all the same."""
    if labels.get("severity") in set(Severity):
        return labels
    return Labels({**labels.values, "severity": str(row.severity if row else Severity.WARNING)})


def _failure(row: Failure, event: Event, detail: Event) -> Notice | None:
    words = _words(row, detail)
    if not words:
        return None
    place, ref = _place(event), Ref(row.kind, _name(row, event, detail))
    scope = next((str(value) for path in row.scope for value in _at(detail, path)), "all")
    # A field that is missing must not make two failures one: better told twice than not at all.
    unsure = f"{ref}@{event.get('time')}"
    known = {"time": event.get("time"), row.named: ref.name, **detail}
    identity = (next((str(value) for value in _at(known, path)), unsure) for path in row.identity)
    return Notice(
        key=f"{place.account}/{place.region}/{row.detail_type}/{'/'.join(identity)}",
        state="failed",
        labels=_labels(row, ref, scope, detail),
        place=place,
        at=happened(event),
        title=f"{row.what} {words}",
        reason="\n".join(dict.fromkeys(_reasons(row, detail))),
        links=_links(place, ref, _behind(place, detail)),
    )


def _at(detail: Event, path: str) -> Iterator[object]:
    """Yield what a path of fields leads to, `*` for any field; nothing when there is none, or null."""
    here: list[object] = [detail]
    for step in path.split("."):
        deeper = (each for each in here if isinstance(each, dict))
        here = [value for each in deeper for field, value in each.items() if step in ("*", field)]
    return (value for value in here if value is not None)


def _words(row: Failure, detail: Event) -> str:
    """Return what is said of the first state worth telling, nothing when there is none."""
    states = [state for path in row.status for state in _at(detail, path)]
    if not any(isinstance(state, str) for state in states) and not row.lenient:
        wrong = json.dumps(states[0] if states else None, default=str)[:80]
        raise Undeliverable(f"{row.detail_type}: '{row.status[0]}' must be a status, not {wrong}")
    spelt = (re.sub("[^A-Za-z]", "", state).upper() for state in states if isinstance(state, str))
    return next((words for state in spelt if (words := row.failed.get(state, row.otherwise))), "")


def _reasons(row: Failure, detail: Event) -> Iterator[str]:
    for path, before in row.reason.items():
        yield from (f"{before}{said}" for said in _at(detail, path) if said)


def _found(event: Event, detail: Event) -> Notice:
    """Tell of a failure that the sweep found on a list, because SageMaker sends no event of it."""
    missing = [name for name in ("kind", "what", "name", "arn", "at") if not isinstance(detail.get(name), str)]
    if missing:
        raise Undeliverable(f"Sagewatch Failure Found: {', '.join(missing)} must be texts")
    place, ref = _place(event), Ref(detail["kind"], detail["name"])
    values = {"severity": Severity.CRITICAL, "kind": ref.kind, "resource": ref.name, "scope": "all", "alarm": "failed"}
    return Notice(
        key=f"{detail['arn']}/failed/{detail['at']}",
        state="failed",
        labels=Labels(values),
        place=place,
        at=happened(event),
        title=f"{detail['what']} failed",
        reason=str(detail.get("reason") or ""),
        links=_links(place, ref, {}),
    )


def _name(row: Failure, event: Event, detail: Event) -> str:
    found = kind(row.kind)
    named = next(_at(detail, row.named), None) or (found.among(event.get("resources")) if found else None)
    if not isinstance(named, str) or not named:
        raise Undeliverable(
            f"{row.detail_type}: '{row.named}' must be a name, not {json.dumps(named, default=str)[:80]}"
        )
    return named.rpartition(":")[2].split("/")[1] if named.startswith("arn:") and "/" in named else named


def _labels(row: Failure, ref: Ref, scope: str, detail: Event) -> Labels:
    parent = hosts.parent(**{parent: detail.get(arn) for parent, arn in _PARENTS.items() if parent != ref.kind})
    # A trial may fail; whether that matters shows when the tuning or AutoML job fails, too.
    severity = Severity.WARNING if parent and row.severity is Severity.CRITICAL else row.severity
    values = {
        "severity": str(severity),
        "kind": ref.kind,
        "resource": ref.name,
        "scope": scope,
        "alarm": "failed",
        **parent,
    }
    team = _tags(detail.get("Tags")).get("team")
    return Labels({**values, "team": str(team)} if team else values)


def _tags(tags: object) -> Event:
    """Read tags; events carry a map, though their schema says a list of keys and values, as in the API."""
    if isinstance(tags, dict):
        return tags
    listed = tags if isinstance(tags, list) else []
    return {str(tag.get("Key")): tag.get("Value") for tag in listed if isinstance(tag, dict)}


def _behind(place: Place, detail: Event) -> dict[str, str]:
    """Link the job behind a pipeline's step (`metadata: {"trainingJob": {"arn": …}}`), whatever kind of job it is."""
    metadata = detail.get("metadata")
    jobs = [job.get("arn") for job in metadata.values() if isinstance(job, dict)] if isinstance(metadata, dict) else []
    arns = [arn.rpartition(":")[2].partition("/") for arn in jobs if isinstance(arn, str) and arn.startswith("arn:")]
    return {name: link for arn_type, _, job in arns for name, link in _links(place, Ref(arn_type, job), {}).items()}


def _links(place: Place, ref: Ref, more: Mapping[str, str]) -> dict[str, str]:
    found = {ref.kind.replace("-", " "): links.resource(place, ref), "logs": links.logs(place, ref)}
    return {**{name: link for name, link in found.items() if link}, **more}


def _place(event: Event) -> Place:
    arns = [arn for arn in event.get("resources") or () if isinstance(arn, str) and arn.startswith("arn:")]
    partition = arns[0].split(":")[1] if arns else "aws"
    return Place(partition, str(event.get("region") or ""), str(event.get("account") or ""))


def _number(text: str | None) -> int | None:
    return int(text) if text and text.isascii() and text.isdigit() else None
