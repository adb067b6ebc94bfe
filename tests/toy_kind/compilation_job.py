"""Compilation jobs, as an invented kind: SageMaker has the API, but neither these metrics nor these events."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from sagewatch.kinds.charts import TIMED, Chart
from sagewatch.kinds.kind import (
    FailureNotice,
    Kind,
    Level,
    Lifetime,
    Listing,
    Metric,
    Reader,
    Spec,
)
from sagewatch.kinds.leads import JobRun, explain_job
from sagewatch.model import Description, Facts, Scope, Severity, Unit

NAMESPACE = "/aws/sagemaker/CompilationJobs"
JOB = ("CompilationJobName",)
RUN = JobRun((), "CompilationStartTime", "CompilationEndTime", NAMESPACE)

SPECS = (
    Spec(
        id="memory",
        title="memory of the compiler",
        level="job",
        metrics=(Metric(NAMESPACE, "MemoryUtilization", "Maximum"),),
        threshold=90,
        unit=Unit.PERCENT,
        periods=5,
        datapoints=5,
        severity=Severity.WARNING,
        why="A compiler that runs out of memory ends the job.",
        do="Compile a smaller model.",
    ),
)

CHARTS = (
    Chart(
        title="Memory (%)",
        namespace=NAMESPACE,
        dimensions=(JOB,),
        unit="Percent",
        statistics=TIMED,
        shown="Maximum",
        metrics={"MemoryUtilization": ""},
    ),
)

NOTICES = (
    FailureNotice(
        detail_type="SageMaker Compilation Job State Change",
        what="compilation job",
        named="CompilationJobName",
        status=("CompilationJobStatus",),
        failed={"Failed": "failed"},
        succeeded={"Completed": "completed"},
        filtered=True,
        reason={"FailureReason": ""},
        severity=Severity.CRITICAL,
        identity=("CompilationJobArn", "CompilationJobStatus"),
    ),
)


def _observe(job: Description, _read: Reader, facts: Facts) -> Facts:
    series = {"CompilationJobName": job["CompilationJobName"]}
    return replace(facts, scopes=(Scope(level="job", name="all", series=(series,)),))


COMPILATION_JOB = Kind(
    name="compilation-job",
    title="Compilation job",
    plural="Compilation jobs",
    arn_type="compilation-job",
    by_arn=False,
    lifetime=Lifetime.JOB,
    describe="describe_compilation_job",
    parameter="CompilationJobName",
    arn="CompilationJobArn",
    listing=Listing(
        operation="list_compilation_jobs",
        items="CompilationJobSummaries",
        filters=({"StatusEquals": "INPROGRESS"},),
    ),
    failures=None,
    events={"SageMaker Compilation Job State Change": "CompilationJobName"},
    calls={"CreateCompilationJob": "compilationJobName"},
    live=lambda job: job["CompilationJobStatus"] in {"STARTING", "INPROGRESS"},
    version=lambda _: None,
    observe=_observe,
    reads={},
    levels={"job": Level(JOB)},
    specs=SPECS,
    discovers=(),
    charts=CHARTS,
    without_charts="",
    notices=NOTICES,
    parents={},
    page="home#/compilation-jobs",
    log_group=NAMESPACE,
    run=RUN,
    explain=partial(explain_job, RUN),
    explain_calls=("describe_compilation_job",),
    causes=frozenset(),
    deployed=False,
)
