"""Reads what explains a failure or a change: a job's description, a pipeline's steps, the last lines of the log.

All of it is best effort: what AWS refuses, does not find or takes too long for is left out, and a short fact says so.
"""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from sagewatch.aws.clients import Clients
from sagewatch.aws.errors import BRISK
from sagewatch.aws.sagemaker import is_gone
from sagewatch.kinds import hosts
from sagewatch.kinds.registry import KINDS, kind
from sagewatch.model import Description, Evidence, Notice, Ref, Unit
from sagewatch.tell.evidence import causes
from sagewatch.units import humanise

PATIENCE = 3.0
"""Seconds of reading for one notice, after which nothing more is asked: it is worth more than what explains it."""

_DEPLOYED = ("endpoint", "inference-component")

_DETAILS = "Details"
"""What a refused description is noted under: the name of the kind would take the place of the link to the resource."""

TAIL = 12  # lines of log
_WIDEST = 500  # characters of a line
_STREAMS = 50  # DescribeLogStreams, limit

QUICK = BRISK.merge(Config(retries={"mode": "standard", "max_attempts": 2}, connect_timeout=1, read_timeout=2))
"""For the clients that evidence is read with: they give up sooner than those that a notice cannot do without."""


def best_effort(call: Callable[[], Any]) -> tuple[Description, str]:
    """Return the answer of a call to AWS, or `{}` and why: `({}, "could not be read: AccessDeniedException")`.

    For what may be left out, and for nothing else.
    """
    try:
        return call(), ""
    except ClientError as error:
        code = error.response.get("Error", {}).get("Code") or "unknown"
        gone = is_gone(error) or code == "ResourceNotFoundException"
        return {}, "not found" if gone else f"could not be read: {code}"
    except BotoCoreError as error:
        return {}, f"could not be read: {type(error).__name__}"


@dataclass(frozen=True, slots=True)
class _Reading:
    """Reads for one notice, until it has taken too long; `notes` say what could not be read, by what it was for."""

    clients: Clients
    clock: Callable[[], float]
    until: float
    notes: dict[str, str] = field(default_factory=dict)

    def described(self, purpose: str, ref: Ref) -> Description:
        """Describe a resource by the operation that its kind declares."""
        found = kind(ref.kind)
        return self.sagemaker(purpose, found.describe, **{found.parameter: ref.name}) if found else {}

    def sagemaker(self, purpose: str, operation: str, **parameters: Any) -> Description:
        """Return the answer of SageMaker, `{}` when it is refused, which is noted under `purpose`."""
        return self._read("sagemaker", purpose, operation, parameters)

    def logs(self, operation: str, **parameters: Any) -> Description:
        """Return the answer of CloudWatch Logs, `{}` when it is refused."""
        return self._read("logs", "Log", operation, parameters)

    def _read(self, service: str, purpose: str, operation: str, parameters: Mapping[str, Any]) -> Description:
        if self.clock() > self.until:
            self.notes[purpose] = "not read: AWS answers too slowly"
            return {}
        answer, trouble = best_effort(lambda: getattr(getattr(self.clients, service), operation)(**parameters))
        if trouble:
            self.notes[purpose] = trouble
        return answer


@dataclass(frozen=True, slots=True, kw_only=True)
class _Lead:
    """Where a failure leads: whose it is, how it is put, and the log (a group and what its streams begin with)."""

    ref: Ref
    reason: str = ""
    facts: Mapping[str, str] = field(default_factory=dict)
    steps: tuple[tuple[str, str, float | None, str], ...] = ()
    behind: str = ""
    group: str = ""
    streams: str = ""


def gather(
    clients: Clients,
    notice: Notice,
    wants_log: bool,
    patience: float = PATIENCE,
    clock: Callable[[], float] = time.monotonic,
) -> Evidence:
    """Return what explains a failure, or what changed before an alarm of an endpoint; what AWS refuses is left out.

    Nothing more is asked once `patience` seconds of `clock` have passed.
    """
    reading = _Reading(clients, clock, clock() + patience)
    ref = notice.labels.ref
    if notice.state == "firing":
        facts = _last_change(reading.described("Last change", ref)) if ref.kind in _DEPLOYED else {}
        return Evidence(facts={**facts, **reading.notes})
    if notice.state != "failed":
        return Evidence()
    lead = _LEADS.get(ref.kind, _plain)(reading, notice)
    stream, log = _tail(reading, lead) if wants_log and lead.group else ("", ())
    cause, remedy = causes.likely(lead.ref.kind, lead.reason, log)
    if not cause:
        cause, remedy = causes.likely(ref.kind, notice.reason)
    return Evidence(
        cause=cause,
        remedy=remedy,
        steps=lead.steps,
        behind=lead.behind,
        stream=stream,
        log=log,
        facts={**lead.facts, **reading.notes},
    )


def tags_of_arn(clients: Clients, arn: str, patience: float = PATIENCE) -> dict[str, str]:
    """Return the tags of what an ARN names, of a pipeline for its executions; none when they cannot be read."""
    reading = _Reading(clients, time.monotonic, time.monotonic() + patience)
    return _tags(reading, arn.partition("/execution/")[0])


def _tags(reading: _Reading, arn: str) -> dict[str, str]:
    answer = reading.sagemaker("Started by", "list_tags", ResourceArn=arn) if arn else {}
    return {tag["Key"]: tag["Value"] for tag in answer.get("Tags", ())}


# Jobs


@dataclass(frozen=True, slots=True)
class _Job:
    """Where the description of a job says what it runs on and how long it ran, and where it writes its log."""

    compute: tuple[str, ...]
    start: str
    end: str
    group: str = ""


_JOBS: Mapping[str, _Job] = {
    "training-job": _Job(("ResourceConfig",), "TrainingStartTime", "TrainingEndTime", "/aws/sagemaker/TrainingJobs"),
    "processing-job": _Job(
        ("ProcessingResources", "ClusterConfig"),
        "ProcessingStartTime",
        "ProcessingEndTime",
        "/aws/sagemaker/ProcessingJobs",
    ),
    "transform-job": _Job(
        ("TransformResources",), "TransformStartTime", "TransformEndTime", "/aws/sagemaker/TransformJobs"
    ),
    "tuning-job": _Job((), "CreationTime", "HyperParameterTuningEndTime"),
    "automl-job": _Job((), "CreationTime", "EndTime"),
}
_PARENTS = {
    "TuningJobArn": "tuning job",
    "AutoMLJobArn": "AutoML job",
    "LabelingJobArn": "labeling job",
    "MonitoringScheduleArn": "monitoring schedule",
    "TrainingJobArn": "training job",
}
"""The fields of a job's description that say what started it; its own ARN is none of them."""

_STEP = re.compile(r"pipelines-[a-z0-9]{12}-(?P<step>.+)-[A-Za-z0-9]{10}")
"""How Pipelines names the jobs of an execution, unless told otherwise."""


def _job(reading: _Reading, notice: Notice) -> _Lead:
    return _job_and_its_starter(reading, notice, reading.described("Job", notice.labels.ref))


def _job_and_its_starter(reading: _Reading, notice: Notice, description: Description) -> _Lead:
    lead = _of_job(notice.labels.ref, description, notice.reason)
    starter = _starter(reading, notice, description)
    return replace(lead, facts={**lead.facts, "Started by": starter} if starter else lead.facts)


def _of_job(ref: Ref, description: Description, reason: str = "") -> _Lead:
    """Return what a job's description says of its failure; without one, what is known anyway."""
    job = _JOBS[ref.kind]
    partial = [each.get("PartialFailureMessage") for each in description.get("PartialFailureReasons") or ()]
    said = (description.get("FailureReason") or reason, description.get("ExitMessage"), *partial)
    facts = {"Compute": _compute(description, job), "Ran": _ran(description, job)}
    return _Lead(
        ref=ref,
        reason="\n".join(filter(None, said)),
        facts={name: fact for name, fact in facts.items() if fact},
        group=job.group,
        streams=f"{ref.name}/",
    )


def _compute(description: Description, job: _Job) -> str:
    """Say what it runs on: `2 × ml.m5.4xlarge (spot)`."""
    at: Any = description if job.compute else {}
    for step in job.compute:
        at = at.get(step) or {}
    said = " + ".join(filter(None, map(_instances, at.get("InstanceGroups") or (at,))))
    return f"{said} (spot)" if said and description.get("EnableManagedSpotTraining") else said


def _instances(group: Mapping[str, Any]) -> str:
    instance = group.get("SelectedInstanceType") or group.get("InstanceType")
    count = group.get("SelectedInstanceCount") or group.get("InstanceCount")
    return f"{count} × {instance}" if instance and count else ""


def _ran(description: Description, job: _Job) -> str:
    """Say how long it ran: `1 h 12 min · billed 1 h 5 min`; nothing when it never began."""
    seconds = _between(description.get(job.start), description.get(job.end))
    billed = description.get("BillableTimeInSeconds")
    if seconds is None:
        return ""
    return _lasting(seconds) + (f" · billed {_lasting(billed)}" if billed is not None else "")


def _between(start: datetime | None, end: datetime | None) -> float | None:
    return (end - start).total_seconds() if start and end and end >= start else None


def _lasting(seconds: float) -> str:
    return humanise(round(seconds), Unit.SECONDS) if seconds >= 1 else "0 s"


def _starter(reading: _Reading, notice: Notice, description: Description) -> str:
    """Say what or who started a job: `tuning job sweep`, `pipeline churn-train / step Train`, or its tag `owner`."""
    own = kind(notice.labels.ref.kind)
    arns = ((what, description.get(arn)) for arn, what in _PARENTS.items() if own is None or arn != own.arn)
    return next((f"{what} {_named(arn)}" for what, arn in arns if arn), "") or _tagged(reading, notice)


def _tagged(reading: _Reading, notice: Notice) -> str:
    parent = notice.labels.get("parent")
    tags = {} if parent else _tags(reading, notice.arn)
    what, _, name = (parent or hosts.started_by(tags).get("parent", "")).partition("/")
    if not name:
        return tags.get("owner") or tags.get("Owner") or ""
    step = _STEP.fullmatch(notice.labels["resource"]) if what == "pipeline" else None
    return f"{what.replace('-', ' ')} {name}" + (f" / step {step['step']}" if step else "")


def _named(arn: str) -> str:
    return arn.rpartition("/")[2]


def _tuning_job(reading: _Reading, notice: Notice) -> _Lead:
    """Follow a tuning job to the failure that most of its trials share."""
    name, description = notice.labels["resource"], reading.described("Job", notice.labels.ref)
    own = _job_and_its_starter(reading, notice, description)
    own = replace(own, facts={**_trials(description), **own.facts})
    listing = "list_training_jobs_for_hyper_parameter_tuning_job"
    answer = reading.sagemaker("Failed trials", listing, HyperParameterTuningJobName=name, StatusEquals="Failed")
    failed = [each for each in answer.get("TrainingJobSummaries", ()) if each.get("FailureReason")]
    if not failed:
        return own
    [(common, times)] = Counter(each["FailureReason"] for each in failed).most_common(1)
    trial = next(each for each in failed if each["FailureReason"] == common)
    shared = {"Most failed with": f"{common[:_WIDEST]} ({times} of {len(failed)})"}
    lead = _of_job(Ref("training-job", trial["TrainingJobName"]), {}, common)
    return replace(lead, facts={**own.facts, **shared}, behind=trial["TrainingJobArn"])


def _trials(description: Description) -> dict[str, str]:
    counted = description.get("TrainingJobStatusCounters") or {}
    failed = counted.get("NonRetryableError", 0) + counted.get("RetryableError", 0)
    return {"Trials": f"{failed} of {sum(counted.values())} failed"} if counted else {}


# Pipelines

_BEHIND = ("TrainingJob", "ProcessingJob", "TransformJob", "TuningJob", "AutoMLJob")
_CHECKS = ("QualityCheck", "ClarifyCheck")


def _pipeline(reading: _Reading, notice: Notice) -> _Lead:
    """Follow a pipeline's execution to the first step that failed, and that to its job."""
    answer = (
        reading.sagemaker("Steps", "list_pipeline_execution_steps", PipelineExecutionArn=notice.arn, MaxResults=100)
        if notice.arn
        else {}
    )
    steps = sorted(answer.get("PipelineExecutionSteps", ()), key=_began)
    failed = _failed(steps, notice.labels["scope"])
    facts = {"Ran": _spanning(steps)} if _spanning(steps) else {}
    behind = _job_behind(failed.get("Metadata") or {})
    own = _Lead(
        ref=notice.labels.ref,
        reason=failed.get("FailureReason") or notice.reason,
        facts=facts,
        steps=tuple(map(_step, steps)),
        behind=behind,
    )
    return _followed(reading, own)


def _followed(reading: _Reading, own: _Lead) -> _Lead:
    """Return the lead of the job behind, with what is known of what it belongs to."""
    found = next((each for each in KINDS if f":{each.arn_type}/" in own.behind and each.name in _JOBS), None)
    if found is None:
        return own
    ref = Ref(found.name, _named(own.behind))
    job = _of_job(ref, reading.described("Job", ref), own.reason)
    facts = {**own.facts, **({"Compute": job.facts["Compute"]} if "Compute" in job.facts else {})}
    return replace(job, facts=facts, steps=own.steps, behind=own.behind)


def _failed(steps: Iterable[Mapping[str, Any]], name: str) -> Mapping[str, Any]:
    """Return the step of that name where it failed, else the first that did; nothing when none has."""
    failed = [step for step in steps if step.get("StepStatus") == "Failed"]
    return next((step for step in failed if step.get("StepName") == name), failed[0] if failed else {})


def _began(step: Mapping[str, Any]) -> tuple[bool, float]:
    """Order steps by their start; those that have not begun come last."""
    start = step.get("StartTime")
    return (start is None, start.timestamp() if start else 0.0)


def _step(step: Mapping[str, Any]) -> tuple[str, str, float | None, str]:
    seconds = _between(step.get("StartTime"), step.get("EndTime"))
    return (step.get("StepName", ""), step.get("StepStatus", ""), seconds, step.get("FailureReason") or "")


def _spanning(steps: Iterable[Mapping[str, Any]]) -> str:
    starts = [step["StartTime"] for step in steps if step.get("StartTime")]
    ends = [step["EndTime"] for step in steps if step.get("EndTime")]
    seconds = _between(min(starts, default=None), max(ends, default=None))
    return "" if seconds is None else _lasting(seconds)


def _job_behind(metadata: Mapping[str, Any]) -> str:
    """Return the ARN of the job that a step ran; `Metadata` names it by what kind of step it is."""
    jobs = (*((metadata.get(each) or {}).get("Arn") for each in _BEHIND),)
    checks = (*((metadata.get(each) or {}).get("CheckJobArn") for each in _CHECKS),)
    return next((arn for arn in (*jobs, *checks) if arn), "")


# What serves, and what else there is


def _endpoint(reading: _Reading, notice: Notice) -> _Lead:
    name, scope = notice.labels["resource"], notice.labels["scope"]
    description = reading.described(_DETAILS, notice.labels.ref)
    return _Lead(
        ref=notice.labels.ref,
        reason=description.get("FailureReason") or notice.reason,
        facts=_last_change(description),
        group=f"/aws/sagemaker/Endpoints/{name}",
        streams="" if scope == "all" else f"{scope}/",
    )


def _last_change(description: Description) -> dict[str, str]:
    """Say when an endpoint was last changed, and to which configuration."""
    when, config = description.get("LastModifiedTime"), description.get("EndpointConfigName")
    if when is None:
        return {}
    return {"Last change": f"{when.astimezone(UTC):%Y-%m-%d %H:%M} UTC" + (f" to {config}" if config else "")}


def _inference_component(reading: _Reading, notice: Notice) -> _Lead:
    name = notice.labels["resource"]
    description = reading.described(_DETAILS, notice.labels.ref)
    copies, endpoint = description.get("RuntimeConfig") or {}, description.get("EndpointName")
    there = f"{copies.get('CurrentCopyCount', 0)} of {copies.get('DesiredCopyCount', 0)}" if copies else ""
    facts = {"Endpoint": endpoint, "Copies": there}
    return _Lead(
        ref=notice.labels.ref,
        reason=description.get("FailureReason") or notice.reason,
        facts={fact: str(value) for fact, value in facts.items() if value},
        group=f"/aws/sagemaker/InferenceComponents/{name}",
    )


def _cluster(reading: _Reading, notice: Notice) -> _Lead:
    """Follow a cluster to the node that failed, where one is named, and to its lifecycle script's log."""
    name, scope = notice.labels["resource"], notice.labels["scope"]
    own = _Lead(ref=notice.labels.ref, reason=notice.reason)
    if scope.startswith("i-"):
        answer = reading.sagemaker("Node", "describe_cluster_node", ClusterName=name, NodeId=scope)
        node = answer.get("NodeDetails") or {}
        message = (node.get("InstanceStatus") or {}).get("Message") or ""
        facts = {"Compute": node.get("InstanceType"), "Instance group": node.get("InstanceGroupName")}
        streams = f"LifecycleConfig/{node.get('InstanceGroupName', '')}/{scope}" if node else ""
    else:
        description = reading.described(_DETAILS, notice.labels.ref)
        message, facts = description.get("FailureMessage") or "", {"Nodes": _nodes(description)}
        streams = "LifecycleConfig/" + ("" if scope == "all" else f"{scope}/")
    reason = notice.reason if message in notice.reason else f"{notice.reason}\n{message}".strip()
    group = f"/aws/sagemaker/Clusters/{name}/{_named(notice.arn)}" if notice.arn and streams else ""
    said = {fact: value for fact, value in facts.items() if value}
    return replace(own, reason=reason, facts=said, group=group, streams=streams)


def _nodes(description: Description) -> str:
    """Say how many nodes the groups that lack some have: `workers 1 of 16`."""
    groups = description.get("InstanceGroups") or ()
    counted = ((g.get("InstanceGroupName"), g.get("CurrentCount", 0), g.get("TargetCount", 0)) for g in groups)
    return ", ".join(f"{name} {there} of {wanted}" for name, there, wanted in counted if there < wanted)


def _notebook(reading: _Reading, notice: Notice) -> _Lead:
    name = notice.labels["resource"]
    description = {} if notice.reason else reading.described(_DETAILS, notice.labels.ref)
    reason = notice.reason or description.get("FailureReason") or ""
    return _Lead(ref=notice.labels.ref, reason=reason, group="/aws/sagemaker/NotebookInstances", streams=f"{name}/")


def _monitoring_schedule(reading: _Reading, notice: Notice) -> _Lead:
    """Follow a monitoring schedule to the processing job of its last execution."""
    last = reading.described("Schedule", notice.labels.ref).get("LastMonitoringExecutionSummary") or {}
    reason = last.get("FailureReason") or notice.reason
    return _followed(reading, _Lead(ref=notice.labels.ref, reason=reason, behind=last.get("ProcessingJobArn") or ""))


def _plain(_: _Reading, notice: Notice) -> _Lead:
    return _Lead(ref=notice.labels.ref, reason=notice.reason)


_LEADS: Mapping[str, Callable[[_Reading, Notice], _Lead]] = {
    "training-job": _job,
    "processing-job": _job,
    "transform-job": _job,
    "automl-job": _job,
    "tuning-job": _tuning_job,
    "pipeline": _pipeline,
    "endpoint": _endpoint,
    "inference-component": _inference_component,
    "cluster": _cluster,
    "notebook": _notebook,
    "monitoring-schedule": _monitoring_schedule,
}
"""How each kind is followed; of the others the notice says all that there is."""


# The log


def _tail(reading: _Reading, lead: _Lead) -> tuple[str, tuple[str, ...]]:
    """Return the stream that tells most, and its last lines."""
    # With a prefix, DescribeLogStreams cannot be ordered by time.
    which = {"logStreamNamePrefix": lead.streams} if lead.streams else {"orderBy": "LastEventTime", "descending": True}
    answer = reading.logs("describe_log_streams", logGroupName=lead.group, limit=_STREAMS, **which)
    streams = answer.get("logStreams", ())
    if not streams:
        reading.notes.setdefault("Log", "there is none")
        return "", ()
    stream = max(streams, key=_telling)["logStreamName"]
    return stream, _lines(reading, lead.group, stream)


def _telling(stream: Mapping[str, Any]) -> tuple[bool, int]:
    """Order streams: the first host's, which mostly leads the others, then by the last event."""
    return (re.search(r"/algo-1(?:-|$)", stream["logStreamName"]) is not None, stream.get("lastEventTimestamp", 0))


def _lines(reading: _Reading, group: str, stream: str) -> tuple[str, ...]:
    where = {"logGroupName": group, "logStreamName": stream, "limit": TAIL, "startFromHead": False}
    answer = reading.logs("get_log_events", **where)
    if not answer.get("events") and answer.get("nextBackwardToken"):
        # GetLogEvents may answer with an empty page although there are events behind it.
        answer = reading.logs("get_log_events", **where, nextToken=answer["nextBackwardToken"])
    messages = (event.get("message", "").rstrip() for event in answer.get("events", ()))
    return tuple(message[:_WIDEST] for message in messages if message)
