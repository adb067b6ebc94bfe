"""Edge packaging jobs, as an invented kind: SageMaker has the API, but neither these metrics nor these events."""

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

NAMESPACE = "/aws/sagemaker/EdgePackagingJobs"
JOB = ("EdgePackagingJobName",)
RUN = JobRun((), "CreationTime", "LastModifiedTime", NAMESPACE)

SPECS = (
    Spec(
        id="memory",
        title="memory of the packager",
        level="job",
        metrics=(Metric(NAMESPACE, "MemoryUtilization", "Maximum"),),
        threshold=90,
        unit=Unit.PERCENT,
        periods=5,
        datapoints=5,
        severity=Severity.WARNING,
        why="A packager that runs out of memory ends the job.",
        do="Package a smaller model.",
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
        detail_type="SageMaker Edge Packaging Job State Change",
        what="edge packaging job",
        named="EdgePackagingJobName",
        status=("EdgePackagingJobStatus",),
        failed={"Failed": "failed"},
        succeeded={"Completed": "completed"},
        filtered=True,
        reason={"FailureReason": ""},
        severity=Severity.CRITICAL,
        identity=("EdgePackagingJobArn", "EdgePackagingJobStatus"),
    ),
)


def _observe(job: Description, _read: Reader, facts: Facts) -> Facts:
    series = {"EdgePackagingJobName": job["EdgePackagingJobName"]}
    return replace(facts, scopes=(Scope(level="job", name="all", series=(series,)),))


EDGE_PACKAGING_JOB = Kind(
    name="edge-packaging-job",
    title="Edge packaging job",
    plural="Edge packaging jobs",
    arn_type="edge-packaging-job",
    by_arn=False,
    lifetime=Lifetime.JOB,
    describe="describe_edge_packaging_job",
    categories=("", ()),
    parameter="EdgePackagingJobName",
    arn="EdgePackagingJobArn",
    listing=Listing(
        operation="list_edge_packaging_jobs",
        items="EdgePackagingJobSummaries",
        filters=({"StatusEquals": "INPROGRESS"},),
    ),
    failures=None,
    events={"SageMaker Edge Packaging Job State Change": "EdgePackagingJobName"},
    calls={"CreateEdgePackagingJob": "edgePackagingJobName"},
    live=lambda job: job["EdgePackagingJobStatus"] in {"STARTING", "INPROGRESS"},
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
    page="home#/edge-packaging-jobs",
    log_group=NAMESPACE,
    run=RUN,
    explain=partial(explain_job, RUN),
    explain_calls=("describe_edge_packaging_job",),
    causes=frozenset(),
    deployed=False,
)
