"""Training jobs, watched by their hosts until they end."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from sagewatch.kinds import hosts
from sagewatch.kinds.charts import HOST, TIMED, Chart
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

NAMESPACE = hosts.TRAINING_JOBS
ENDED = frozenset({"Completed", "Failed", "Stopped", "Deleting"})
RUN = JobRun(("ResourceConfig",), "TrainingStartTime", "TrainingEndTime", NAMESPACE)
PARENTS = {"TuningJobArn": "tuning-job", "AutoMLJobArn": "automl-job", "LabelingJobArn": "labeling-job"}


def _observe(job: Description, read: Reader, facts: Facts) -> Facts:
    facts = replace(facts, labels=hosts.parent(job, PARENTS))
    # A serverless customisation job has no instances of its own (CreateTrainingJob, ServerlessJobConfig).
    if "ServerlessJobConfig" in job:
        return facts
    return hosts.with_numbered_hosts(facts, read, job["TrainingJobName"], job.get("ResourceConfig", {}))


CHARTS = (
    *hosts.charts(NAMESPACE),
    Chart(
        title="What the training code reports",
        namespace=NAMESPACE,
        dimensions=(("TrainingJobName",),),
        unit="None",
        statistics=TIMED,
        shown="Average",
        metrics={
            "*": "Only who wrote the training code knows what a good value is; the job's own alarms watch the machine."
        },
    ),
)

NOTICES = (
    FailureNotice(
        detail_type="SageMaker Training Job State Change",
        what="training job",
        named="TrainingJobName",
        status=("TrainingJobStatus",),
        failed={"Failed": "failed"},
        succeeded={"Completed": "completed"},
        filtered=True,
        reason={"FailureReason": ""},
        severity=Severity.CRITICAL,
        # A job can be deleted, and its name used again.
        identity=("TrainingJobArn", "TrainingJobStatus", "CreationTime"),
    ),
)

TRAINING_JOB = Kind(
    name="training-job",
    title="Training job",
    plural="Training jobs",
    arn_type="training-job",
    by_arn=False,
    lifetime=Lifetime.JOB,
    describe="describe_training_job",
    categories=("", ()),
    parameter="TrainingJobName",
    arn="TrainingJobArn",
    listing=Listing(
        operation="list_training_jobs",
        items="TrainingJobSummaries",
        filters=({"StatusEquals": "InProgress"}, {"StatusEquals": "Stopping"}),
    ),
    failures=None,
    events={"SageMaker Training Job State Change": "TrainingJobName"},
    calls={},
    live=lambda job: job["TrainingJobStatus"] not in ENDED,
    version=lambda job: repr(job.get("ResourceConfig")),
    observe=_observe,
    reads={},
    levels={"hosts": Level(HOST)},
    specs=hosts.SPECS,
    discovers=(),
    charts=CHARTS,
    without_charts="",
    notices=NOTICES,
    parents=PARENTS,
    page="home#/jobs",
    log_group=NAMESPACE,
    run=RUN,
    explain=partial(explain_job, RUN),
    explain_calls=("describe_training_job",),
    causes=frozenset(),
    deployed=False,
)
