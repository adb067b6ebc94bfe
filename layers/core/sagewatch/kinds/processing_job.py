"""Processing jobs, watched by their hosts until they end."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from sagewatch.kinds import hosts
from sagewatch.kinds.charts import HOST
from sagewatch.kinds.kind import (
    FailureNotice,
    Kind,
    Level,
    Lifetime,
    Listing,
    Reader,
)
from sagewatch.kinds.leads import JobRun, explain_job
from sagewatch.model import Description, Facts, Severity

NAMESPACE = "/aws/sagemaker/ProcessingJobs"
ENDED = frozenset({"Completed", "Failed", "Stopped"})
RUN = JobRun(("ProcessingResources", "ClusterConfig"), "ProcessingStartTime", "ProcessingEndTime", NAMESPACE)
PARENTS = {
    "AutoMLJobArn": "automl-job",
    "MonitoringScheduleArn": "monitoring-schedule",
    "TrainingJobArn": "training-job",
}


def _observe(job: Description, read: Reader, facts: Facts) -> Facts:
    cluster = job.get("ProcessingResources", {}).get("ClusterConfig", {})
    facts = replace(facts, labels=hosts.parent(job, PARENTS))
    return hosts.with_numbered_hosts(facts, read, job["ProcessingJobName"], cluster)


NOTICES = (
    FailureNotice(
        detail_type="SageMaker Processing Job State Change",
        what="processing job",
        named="ProcessingJobName",
        status=("ProcessingJobStatus",),
        failed={"Failed": "failed"},
        succeeded={"Completed": "completed"},
        filtered=True,
        reason={"FailureReason": ""},
        severity=Severity.CRITICAL,
        identity=("ProcessingJobArn", "ProcessingJobStatus", "CreationTime"),
    ),
)

PROCESSING_JOB = Kind(
    name="processing-job",
    title="Processing job",
    plural="Processing jobs",
    arn_type="processing-job",
    by_arn=False,
    lifetime=Lifetime.JOB,
    describe="describe_processing_job",
    categories=("", ()),
    parameter="ProcessingJobName",
    arn="ProcessingJobArn",
    listing=Listing(
        operation="list_processing_jobs",
        items="ProcessingJobSummaries",
        filters=({"StatusEquals": "InProgress"}, {"StatusEquals": "Stopping"}),
    ),
    failures=None,
    events={"SageMaker Processing Job State Change": "ProcessingJobName"},
    calls={},
    live=lambda job: job["ProcessingJobStatus"] not in ENDED,
    version=lambda job: repr(job.get("ProcessingResources")),
    observe=_observe,
    reads={},
    levels={"hosts": Level(HOST)},
    specs=hosts.rows(NAMESPACE),
    discovers=(),
    charts=hosts.charts(NAMESPACE),
    without_charts="",
    notices=NOTICES,
    parents=PARENTS,
    page="home#/processing-jobs",
    log_group=NAMESPACE,
    run=RUN,
    explain=partial(explain_job, RUN),
    explain_calls=("describe_processing_job",),
    causes=frozenset(),
    deployed=False,
)
