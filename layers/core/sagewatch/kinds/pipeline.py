"""Pipelines: failed executions, and failed steps by name.

Metrics: SageMaker Developer Guide, "SageMaker Pipelines Metrics"; the namespace is spelt with a small m. Data exist
only while pipelines run, so missing data is well.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from sagewatch.kinds.kind import Kind, Listing, Metric, Reader, Spec
from sagewatch.model import Description, Facts, Gap, Scope, Severity, Unit

NAMESPACE = "AWS/Sagemaker/ModelBuildingPipeline"
HOUR = 3_600_000  # ms, in which SageMaker counts the durations of pipelines

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


def _observe(pipeline: Description, _read: Reader, facts: Facts) -> Facts:
    name = pipeline["PipelineName"]
    whole = Scope(level="pipeline", name="all", series=({"PipelineName": name},))
    try:
        steps = tuple(dict.fromkeys(_steps(json.loads(pipeline["PipelineDefinition"])["Steps"])))
    except (KeyError, TypeError, ValueError) as unreadable:
        reason = f"the pipeline's definition cannot be read: {type(unreadable).__name__} {unreadable}"
        return replace(facts, scopes=(whole,), gaps=(Gap(level="step", reason=reason),))
    series = {step: {"PipelineName": name, "StepName": step} for step in steps}
    return replace(facts, scopes=(whole, *(Scope(level="step", name=step, series=(series[step],)) for step in steps)))


def _steps(steps: list[Mapping[str, Any]]) -> Iterator[str]:
    """Yield the names of all steps, those in the branches of a condition too."""
    for step in steps:
        yield step["Name"]
        arguments = step.get("Arguments") or {}
        yield from _steps([*(arguments.get("IfSteps") or ()), *(arguments.get("ElseSteps") or ())])


PIPELINE = Kind(
    name="pipeline",
    title="Pipeline",
    arn_type="pipeline",
    describe="describe_pipeline",
    parameter="PipelineName",
    arn="PipelineArn",
    listing=Listing(operation="list_pipelines", items="PipelineSummaries"),
    events={"SageMaker Model Building Pipeline Execution Status Change": "pipelineArn"},
    calls={"CreatePipeline": "pipelineName", "UpdatePipeline": "pipelineName", "DeletePipeline": "pipelineName"},
    live=lambda pipeline: pipeline["PipelineStatus"] != "Deleting",
    version=lambda pipeline: pipeline.get("PipelineDefinition"),
    observe=_observe,
    specs=SPECS,
)
