"""Pipelines: failed executions, and failed steps by name.

Metrics: SageMaker Developer Guide, "SageMaker Pipelines Metrics". It spells the namespace with a small m, CloudWatch's
User Guide ("AWS services that publish CloudWatch metrics") with a capital one; CloudWatch itself is asked, and both are
watched until it lists one. Data exist only while pipelines run, so missing data is well.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from sagewatch.kinds.charts import ACCOUNT, DELIBERATE, DOING_WELL, LOAD, SHARE, SPREAD, Chart
from sagewatch.kinds.kind import FailureNotice, Kind, Level, Lifetime, Listing, Metric, Reader, Spec
from sagewatch.kinds.leads import FailureReader, Lead, lasting, seconds_between
from sagewatch.model import Description, Facts, Gap, Notice, Scope, Severity, Unit

NAMESPACE = "AWS/Sagemaker/ModelBuildingPipeline"
CAPITAL = "AWS/SageMaker/ModelBuildingPipeline"
HOUR = 3_600_000  # ms, in which SageMaker counts the durations of pipelines

EXECUTION_TAG = "sagemaker:pipeline-execution-arn"
"""The tag that Pipelines puts on the jobs that it starts (read so by the SageMaker Python SDK, sagemaker.lineage)."""

SPECS = (
    Spec(
        id="executions-failed",
        title="failed executions",
        level="pipeline",
        metrics=(Metric(NAMESPACE, "ExecutionFailed", "Sum"),),
        threshold=0,
        unit=Unit.COUNT,
        period=300,
        periods=1,
        datapoints=1,
        severity=Severity.CRITICAL,
        why="What the pipeline makes (a model, a data set) was not made.",
        do="Open the execution, read the reason of its first failed step, and retry it from there.",
    ),
    Spec(
        id="executions-stopped",
        title="stopped executions",
        level="pipeline",
        metrics=(Metric(NAMESPACE, "ExecutionStopped", "Sum"),),
        threshold=0,
        unit=Unit.COUNT,
        period=300,
        periods=1,
        datapoints=1,
        severity=Severity.INFO,
        why="Somebody, or something, stopped an execution; what it makes was not made.",
        do="Ask who did, or look for StopPipelineExecution in CloudTrail.",
    ),
    Spec(
        id="execution-duration",
        title="duration of an execution",
        level="pipeline",
        metrics=(Metric(NAMESPACE, "ExecutionDuration", "Maximum"),),
        threshold=24 * HOUR,
        unit=Unit.MILLISECONDS,
        period=300,
        periods=1,
        datapoints=1,
        severity=Severity.WARNING,
        why="A pipeline that takes longer than a day misses a daily schedule. It is known only at its end.",
        do="Look which step grew, or tag the pipeline with the time it may take.",
    ),
    Spec(
        id="step-failed",
        title="failures of the step",
        level="step",
        metrics=(Metric(NAMESPACE, "StepFailed", "Sum"),),
        threshold=0,
        unit=Unit.COUNT,
        period=300,
        periods=1,
        datapoints=1,
        severity=Severity.WARNING,
        why="The step did not finish; a retry policy may still save the execution.",
        do="Read the step's reason and the log of the job behind it.",
    ),
)


def _observe(pipeline: Description, read: Reader, facts: Facts) -> Facts:
    name = pipeline["PipelineName"]
    seen = {each.namespace for each in read.published(PipelineName=name)} & {NAMESPACE, CAPITAL}
    # Two spellings at once are possible only if AWS moves from one to the other.
    namespace, also = (seen.pop(), None) if len(seen) == 1 else (None, CAPITAL)
    whole = Scope(level="pipeline", name="all", series=({"PipelineName": name},), namespace=namespace, also=also)
    unseen = Gap(level="pipeline", scope="all", traits=frozenset(), reason=_BOTH)
    facts = replace(facts, gaps=(unseen,) if also else ())
    try:
        steps = tuple(dict.fromkeys(_steps(json.loads(pipeline["PipelineDefinition"])["Steps"])))
    except (KeyError, TypeError, ValueError) as unreadable:
        reason = f"the pipeline's definition cannot be read: {type(unreadable).__name__} {unreadable}"
        return replace(facts, scopes=(whole,), gaps=(*facts.gaps, Gap(level="step", reason=reason)))
    series = {step: {"PipelineName": name, "StepName": step} for step in steps}
    parts = (replace(whole, level="step", name=step, series=(series[step],)) for step in steps)
    return replace(facts, scopes=(whole, *parts))


_BOTH = (
    "CloudWatch lists no metric of the pipeline yet, and AWS's documentation spells their namespace in two ways: both "
    "are watched, at twice the cost, until it does"
)


def _steps(steps: list[Mapping[str, Any]]) -> Iterator[str]:
    """Yield the names of all steps, those in the branches of a condition and those that a ForEach repeats too."""
    for step in steps:
        yield step["Name"]
        # IfSteps and ElseSteps are in the published "Pipeline definition JSON schema". How a ForEach holds its steps is
        # not: the API model has only what its execution answers (ForEachStepMetadata, IterationContext).
        parts = {**step, **(step.get("Arguments") or {})}
        inner = (part for field, part in parts.items() if field.endswith("Steps") and isinstance(part, list))
        yield from _steps([each for part in inner for each in part if isinstance(each, Mapping)])


PIPELINE_ONLY = ("PipelineName",)
STEP = ("PipelineName", "StepName")

CHARTS = (
    Chart(
        title="Executions",
        namespace=NAMESPACE,
        also=(CAPITAL,),
        dimensions=(PIPELINE_ONLY, ACCOUNT),
        unit="Count",
        statistics=SHARE,
        shown="Sum",
        metrics={
            "ExecutionStarted": LOAD,
            "ExecutionFailed": "",
            "ExecutionSucceeded": DOING_WELL,
            "ExecutionStopped": "",
        },
    ),
    Chart(
        title="Duration of executions (ms)",
        namespace=NAMESPACE,
        also=(CAPITAL,),
        dimensions=(PIPELINE_ONLY, ACCOUNT),
        unit="Milliseconds",
        statistics=SPREAD,
        shown="Maximum",
        metrics={"ExecutionDuration": ""},
    ),
    Chart(
        title="Steps",
        namespace=NAMESPACE,
        also=(CAPITAL,),
        dimensions=(STEP,),
        unit="Count",
        statistics=SHARE,
        shown="Sum",
        metrics={
            "StepStarted": LOAD,
            "StepFailed": "",
            "StepSucceeded": DOING_WELL,
            "StepStopped": DELIBERATE,
        },
    ),
    Chart(
        title="Duration of steps (ms)",
        namespace=NAMESPACE,
        also=(CAPITAL,),
        dimensions=(STEP,),
        unit="Milliseconds",
        statistics=SPREAD,
        shown="Maximum",
        metrics={"StepDuration": "A slow step makes its execution slow, which has the alarm."},
    ),
)

NOTICES = (
    FailureNotice(
        detail_type="SageMaker Model Building Pipeline Execution Status Change",
        what="pipeline execution",
        named="pipelineArn",
        status=("currentPipelineExecutionStatus",),
        failed={"Failed": "failed", "CompletedWithFailures": "completed with failures"},
        succeeded={"Succeeded": "succeeded"},
        filtered=True,
        reason={"failureReason": ""},
        severity=Severity.CRITICAL,
        # An execution can be retried, and fail again later.
        identity=("pipelineExecutionArn", "currentPipelineExecutionStatus", "executionEndTime"),
        arn="pipelineExecutionArn",
    ),
    FailureNotice(
        detail_type="SageMaker Model Building Pipeline Execution Step Status Change",
        what="pipeline step",
        named="pipelineArn",
        status=("currentStepStatus",),
        failed={"Failed": "failed"},
        filtered=True,
        reason={"failureReason": ""},
        severity=Severity.WARNING,
        scope=("stepName",),
        identity=("pipelineExecutionArn", "stepName", "currentStepStatus", "stepStartTime"),
        arn="pipelineExecutionArn",
    ),
)

_JOB_STEPS = ("TrainingJob", "ProcessingJob", "TransformJob", "TuningJob", "AutoMLJob", "Job")
_CHECK_STEPS = ("QualityCheck", "ClarifyCheck")


def _explain(read: FailureReader, notice: Notice) -> Lead:
    """Follow a pipeline's execution to the first step that failed, and that to its job."""
    # Its executions are below the pipeline's own ARN, so `pipeline/*` allows it (Service Authorization Reference).
    operation = "list_pipeline_execution_steps"
    answer = read.sagemaker("steps", operation, PipelineExecutionArn=notice.arn, MaxResults=100) if notice.arn else {}
    steps = sorted(answer.get("PipelineExecutionSteps", ()), key=_start_of)
    failed = _failed_step(steps, notice.labels["scope"])
    ran = _duration(steps)
    return Lead(
        ref=notice.labels.ref,
        reason=failed.get("FailureReason") or notice.reason,
        facts={"Ran": ran} if ran else {},
        steps=tuple(map(_summary, steps)),
        behind=_job_behind(failed.get("Metadata") or {}),
        follow=True,
    )


def _failed_step(steps: Iterable[Mapping[str, Any]], name: str) -> Mapping[str, Any]:
    """Return the step of that name where it failed, else the first that did; `{}` when none has."""
    failed = [step for step in steps if step.get("StepStatus") == "Failed"]
    return next((step for step in failed if step.get("StepName") == name), failed[0] if failed else {})


def _start_of(step: Mapping[str, Any]) -> tuple[bool, float]:
    """Order steps by their start, a ForEach by its end: it fails because one of the steps that it repeats did.

    Those that have not begun come last.
    """
    start = step.get("EndTime" if "ForEach" in (step.get("Metadata") or {}) else "StartTime")
    return (start is None, start.timestamp() if start else 0.0)


def _summary(step: Mapping[str, Any]) -> tuple[str, str, float | None, str]:
    """Return a step's name, status, seconds and reason; of one that a ForEach repeats, with which: `Train (Each 2)`."""
    seconds = seconds_between(step.get("StartTime"), step.get("EndTime"))
    iteration = step.get("IterationContext") or {}
    repeated = f" ({iteration.get('ParentStepName', '')} {iteration.get('Index', '')})" if iteration else ""
    return (
        f"{step.get('StepName', '')}{repeated}",
        step.get("StepStatus", ""),
        seconds,
        step.get("FailureReason") or "",
    )


def _duration(steps: Iterable[Mapping[str, Any]]) -> str:
    """Say how long it took from the first step's start to the last one's end; empty when that is unknown."""
    starts = [step["StartTime"] for step in steps if step.get("StartTime")]
    ends = [step["EndTime"] for step in steps if step.get("EndTime")]
    seconds = seconds_between(min(starts, default=None), max(ends, default=None))
    return "" if seconds is None else lasting(seconds)


def _job_behind(metadata: Mapping[str, Any]) -> str:
    """Return the ARN of the job that a step ran; `Metadata` names it by what kind of step it is."""
    jobs = (*((metadata.get(each) or {}).get("Arn") for each in _JOB_STEPS),)
    checks = (*((metadata.get(each) or {}).get("CheckJobArn") for each in _CHECK_STEPS),)
    return next((arn for arn in (*jobs, *checks) if arn), "")


PIPELINE = Kind(
    name="pipeline",
    title="Pipeline",
    plural="Pipelines",
    arn_type="pipeline",
    by_arn=False,
    lifetime=Lifetime.EXECUTIONS,
    describe="describe_pipeline",
    categories=("", ()),
    parameter="PipelineName",
    arn="PipelineArn",
    # Without a filter the answer includes pipelines that AWS manages (ListPipelines, ManagedBy), which are not ours to
    # watch: they have ARNs of the account `aws`, and cannot be described by name.
    listing=Listing(operation="list_pipelines", items="PipelineSummaries", filters=({"ManagedBy": "CUSTOMER"},)),
    failures=None,
    events={"SageMaker Model Building Pipeline Execution Status Change": "pipelineArn"},
    calls={"CreatePipeline": "pipelineName", "UpdatePipeline": "pipelineName", "DeletePipeline": "pipelineName"},
    live=lambda pipeline: pipeline["PipelineStatus"] != "Deleting",
    version=lambda pipeline: pipeline.get("PipelineDefinition"),
    observe=_observe,
    reads={},
    levels={
        "pipeline": Level(PIPELINE_ONLY, elsewhere=((CAPITAL, PIPELINE_ONLY),)),
        "step": Level(STEP, elsewhere=((CAPITAL, STEP),)),
    },
    specs=SPECS,
    discovers=(),
    charts=CHARTS,
    without_charts="",
    notices=NOTICES,
    parents={},
    page=None,
    log_group=None,
    run=None,
    explain=_explain,
    explain_calls=("list_pipeline_execution_steps",),
    causes=frozenset({"step"}),
    deployed=False,
)
