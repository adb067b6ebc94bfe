"""Decides what SageMaker's own events tell: what failed, recovered, is gone or went well, and who started it. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from sagewatch.errors import Undeliverable
from sagewatch.kinds import hosts, links
from sagewatch.kinds.registry import kind
from sagewatch.model import WHOLE_RESOURCE, Labels, Notice, Place, Ref, Severity, State
from sagewatch.policy.cascade import TAG, is_ignored
from sagewatch.policy.rules import Policy

type Event = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """How SageMaker says that something failed, recovered, is gone, or went well.

    Fields are paths into the detail, `*` for any field: `HealthSummary.HealthStatus`. `named` is the resource's name
    or ARN; the ARN in the event's `resources` stands in for it. The first state in `status` that is worth telling
    counts: `failed` maps states, letters only and in capitals, to words (none: silence), `otherwise` is said of all
    others. States in `recovered` end a failure, in `gone` everything about the resource; `succeeded` maps those of a
    job that went well. `scope` names a part of the resource. `reason` maps fields to what precedes them. What the
    fields in `identity` hold tells one failure from the next: SageMaker repeats events with new ids; `time` is the
    event's own, where the detail has none. Without any state, the event is not understood, or silence where it is
    `lenient`: its shape is not known, or the state is optional.
    """

    detail_type: str
    kind: str
    what: str
    named: str
    status: tuple[str, ...]
    failed: Mapping[str, str]
    otherwise: str = ""
    recovered: frozenset[str] = frozenset()
    gone: frozenset[str] = frozenset()
    succeeded: Mapping[str, str] = field(default_factory=dict)
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
        recovered=frozenset({"INSERVICE"}),
        gone=frozenset({"DELETED"}),
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
        succeeded={"COMPLETED": "completed"},
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
        succeeded={"SUCCEEDED": "succeeded"},
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
        succeeded={"COMPLETED": "completed"},
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
        succeeded={"COMPLETED": "completed"},
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
        succeeded={"COMPLETED": "completed"},
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
        gone=frozenset({"DELETING"}),
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
        succeeded={"COMPLETED": "completed"},
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
        recovered=frozenset({"INSERVICE"}),
        gone=frozenset({"DELETED"}),
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
        recovered=frozenset({"INSERVICE"}),
        # Nothing is documented to say that it is deleted; a deletion that fails says so.
        gone=frozenset({"DELETING"}),
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
        recovered=frozenset({"HEALTHY"}),
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

BY_DETAIL_TYPE = {row.detail_type: row for row in FAILURES}
_EPOCH = datetime.fromtimestamp(0, UTC)
_PARENTS: Mapping[str, str] = {
    "tuning-job": "TuningJobArn",
    "automl-job": "AutoMLJobArn",
    "labeling-job": "LabelingJobArn",
    "monitoring-schedule": "MonitoringScheduleArn",
    "training-job": "TrainingJobArn",
}
"""The field of a job's event or description that holds the ARN of what started it."""


def failure(event: Event, detail: Event, policy: Policy) -> Notice | None:
    """Return what an event of SageMaker tells; None when it is nothing, or of a resource that is ignored."""
    row = BY_DETAIL_TYPE[event["detail-type"]]
    told = _told(row, detail)
    if told is None:
        return None
    state, words = told
    place, ref, tags = place_of(event), Ref(row.kind, _name(row, event, detail)), tags_of(detail)
    if is_ignored(ref, tags, policy):
        return None
    scope = next((str(value) for path in row.scope for value in _at(detail, path)), "all")
    labels = _labels(row, ref, scope, detail, policy)
    execution = _execution(detail, tags)
    return Notice(
        key=f"{place.account}/{place.region}/{row.detail_type}/{'/'.join(_identity(row, ref, event, detail))}",
        state=state,
        labels=labels,
        place=place,
        at=happened(event),
        title=f"{row.what} {words}",
        subject=subject_of(labels),
        part=_part(ref, scope, execution, state),
        reason="\n".join(dict.fromkeys(_reasons(row, detail))) if state == "failed" else "",
        links=links_of(place, ref, _behind(place, detail)),
        arn=_arn(row, event, detail),
        execution=execution,
    )


def _told(row: Failure, detail: Event) -> tuple[State, str] | None:
    """Return what is said of the first state that is worth telling, None when none is."""
    states = [state for path in row.status for state in _at(detail, path)]
    if not any(isinstance(state, str) for state in states) and not row.lenient:
        wrong = json.dumps(states[0] if states else None, default=str)[:80]
        raise Undeliverable(f"{row.detail_type}: '{row.status[0]}' must be a status, not {wrong}")
    spelt = (re.sub("[^A-Za-z]", "", state).upper() for state in states if isinstance(state, str))
    return next((told for state in spelt if (told := _said(row, state))), None)


def _said(row: Failure, state: str) -> tuple[State, str] | None:
    if state in row.recovered:
        return "cleared", "is well again"
    if state in row.gone:
        return "closed", "is being deleted" if state == "DELETING" else "was deleted"
    if words := row.succeeded.get(state):
        return "succeeded", words
    words = row.failed.get(state, row.otherwise)
    return ("failed", words) if words else None


def _identity(row: Failure, ref: Ref, event: Event, detail: Event) -> Iterator[str]:
    # A field that is missing must not make two failures one: better told twice than not at all.
    unsure = f"{ref}@{event.get('time')}"
    known = {"time": event.get("time"), row.named: ref.name, **detail}
    return (next((str(value) for value in _at(known, path)), unsure) for path in row.identity)


def _part(ref: Ref, scope: str, execution: str, state: State) -> str:
    if state == "closed":
        return WHOLE_RESOURCE
    return "/".join(filter(None, (str(ref), execution, "" if scope == "all" else scope)))


def _execution(detail: Event, tags: Mapping[str, str]) -> str:
    arn = detail.get("pipelineExecutionArn") or tags.get(hosts.EXECUTION_TAG) or ""
    return arn.rpartition("/execution/")[2] if isinstance(arn, str) and "/execution/" in arn else ""


def _arn(row: Failure, event: Event, detail: Event) -> str:
    if row.kind == "pipeline":
        return str(detail.get("pipelineExecutionArn") or "")
    found = kind(row.kind)
    named = next((value for field, value in detail.items() if found and field == found.arn), None)
    return str(named or (found.among(event.get("resources")) if found else None) or "")


def subject_of(labels: Labels) -> Ref:
    """Return whose incident it is: what started a job, or the resource itself."""
    kind, _, name = (labels.get("parent") or "").partition("/")
    return Ref(kind, name) if name and labels["kind"].endswith("-job") else labels.ref


def happened(event: Event) -> datetime:
    """Return when the change happened, not when it arrived: changes are told in this order."""
    detail = event.get("detail")
    state = detail.get("state") if isinstance(detail, dict) else None
    stamps = (state.get("timestamp") if isinstance(state, dict) else None, event.get("time"))
    return next((when for stamp in stamps if (when := _when(stamp))), _EPOCH)


def _when(stamp: object) -> datetime | None:
    try:
        when = datetime.fromisoformat(stamp) if isinstance(stamp, str) else None
    except ValueError:
        return None
    return when if when is None or when.tzinfo else when.replace(tzinfo=UTC)


def _at(detail: Event, path: str) -> Iterator[object]:
    """Yield what a path of fields leads to, `*` for any field; nothing when there is none, or null."""
    here: list[object] = [detail]
    for step in path.split("."):
        deeper = (each for each in here if isinstance(each, dict))
        here = [value for each in deeper for field, value in each.items() if step in ("*", field)]
    return (value for value in here if value is not None)


def _reasons(row: Failure, detail: Event) -> Iterator[str]:
    for path, before in row.reason.items():
        yield from (f"{before}{said}" for said in _at(detail, path) if said)


def _name(row: Failure, event: Event, detail: Event) -> str:
    found = kind(row.kind)
    named = next(_at(detail, row.named), None) or (found.among(event.get("resources")) if found else None)
    if not isinstance(named, str) or not named:
        raise Undeliverable(
            f"{row.detail_type}: '{row.named}' must be a name, not {json.dumps(named, default=str)[:80]}"
        )
    return named.rpartition(":")[2].split("/")[1] if named.startswith("arn:") and "/" in named else named


def _labels(row: Failure, ref: Ref, scope: str, detail: Event, policy: Policy) -> Labels:
    parent = hosts.parent(**{parent: detail.get(arn) for parent, arn in _PARENTS.items() if parent != ref.kind})
    # A trial may fail; whether that matters shows when the tuning or AutoML job fails, too.
    severity = Severity.WARNING if parent and row.severity is Severity.CRITICAL else row.severity
    return labelled(ref, scope, severity, parent, tags_of(detail), policy)


def labelled(
    ref: Ref, scope: str, severity: Severity, parent: Mapping[str, str], tags: Mapping[str, str], policy: Policy
) -> Labels:
    """Return the labels of a failure, with what the resource's tags say."""
    wanted = tags.get(f"{TAG}severity", "").lower()
    values = {
        "severity": wanted if wanted in set(Severity) else str(severity),
        "kind": ref.kind,
        "resource": ref.name,
        "scope": scope,
        "alarm": "failed",
        **parent,
        **hosts.started_by(tags),
    }
    more = {**policy.labels_of(tags), "route": tags.get(f"{TAG}route", "")}
    return Labels({**{label: value for label, value in more.items() if value}, **values})


def lacks_tags(event: Event, notice: Notice) -> bool:
    """Tell whether an event says too little of the tags of what failed or went well.

    Some events carry none (pipelines, processing jobs, what the sweep found); those of jobs need not have the ones of
    Pipelines.
    """
    if notice.state not in ("failed", "succeeded") or not notice.arn:
        return False
    started = notice.labels["kind"].endswith("-job") and not notice.labels.get("parent")
    return "Tags" not in event["detail"] or started


def tagged(event: Event, tags: Mapping[str, str]) -> Event:
    """Return an event with more tags."""
    return {**event, "detail": {**event["detail"], "Tags": {**tags_of(event["detail"]), **tags}}}


def tags_of(detail: Event) -> dict[str, str]:
    """Read the tags in the detail of an event."""
    return _tags(detail.get("Tags"))


def _tags(tags: object) -> dict[str, str]:
    """Read tags; events carry a map, though their schema says a list of keys and values, as in the API."""
    if isinstance(tags, dict):
        return {str(key): str(value) for key, value in tags.items()}
    listed = tags if isinstance(tags, list) else []
    return {str(tag.get("Key")): str(tag.get("Value")) for tag in listed if isinstance(tag, dict)}


def _behind(place: Place, detail: Event) -> dict[str, str]:
    """Link the job behind a pipeline's step (`metadata: {"trainingJob": {"arn": …}}`), whatever kind of job it is."""
    metadata = detail.get("metadata")
    jobs = [job.get("arn") for job in metadata.values() if isinstance(job, dict)] if isinstance(metadata, dict) else []
    arns = [arn.rpartition(":")[2].partition("/") for arn in jobs if isinstance(arn, str) and arn.startswith("arn:")]
    return {name: link for arn_type, _, job in arns for name, link in links_of(place, Ref(arn_type, job), {}).items()}


def links_of(place: Place, ref: Ref, more: Mapping[str, str]) -> dict[str, str]:
    """Return the links that every notice of a resource has, and more."""
    found = {ref.kind.replace("-", " "): links.resource(place, ref), "logs": links.logs(place, ref)}
    return {**{name: link for name, link in found.items() if link}, **more}


def place_of(event: Event) -> Place:
    """Return where an event comes from."""
    arns = [arn for arn in event.get("resources") or () if isinstance(arn, str) and arn.startswith("arn:")]
    partition = arns[0].split(":")[1] if arns else "aws"
    return Place(partition, str(event.get("region") or ""), str(event.get("account") or ""))
