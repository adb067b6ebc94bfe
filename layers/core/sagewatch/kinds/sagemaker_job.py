"""Jobs made by CreateJob: fine-tuning of agents, its evaluation, synthetic data and others, by `JobCategory`.

EventBridge is told of fine-tuning and its evaluation only (SageMaker Developer Guide, "Amazon SageMaker AI events that
are sent to EventBridge", SageMaker job state change). Failures of the other categories are found on their lists.
"""

from __future__ import annotations

from functools import partial

from sagewatch.kinds.kind import FailureNotice, Kind, Lifetime, Listing
from sagewatch.kinds.leads import JobRun, explain_job
from sagewatch.model import Severity

TOLD = ("AgentRFT", "AgentRFTEvaluation")
"""Categories whose jobs send events."""
LISTED = ("SyntheticDataGeneration", "DataQualityEvaluation", "DataTransformation")
"""Categories whose jobs send none."""
RUNNING = ("InProgress", "Stopping")
RUN = JobRun((), "CreationTime", "EndTime")

NOTICES = (
    FailureNotice(
        detail_type="SageMaker Job State Change",
        what="SageMaker job",
        named="JobName",
        status=("JobStatus",),
        failed={"Failed": "failed", "DeleteFailed": "could not be deleted"},
        succeeded={"Completed": "completed"},
        filtered=True,
        reason={"FailureReason": ""},
        severity=Severity.CRITICAL,
        # A job can be deleted, and its name used again.
        identity=("JobArn", "JobStatus", "CreationTime"),
    ),
)

SAGEMAKER_JOB = Kind(
    name="sagemaker-job",
    title="SageMaker job",
    plural="SageMaker jobs",
    arn_type="job",
    by_arn=False,
    lifetime=Lifetime.JOB,
    describe="describe_job",
    categories=("JobCategory", (*TOLD, *LISTED)),
    parameter="JobName",
    arn="JobArn",
    listing=Listing(
        operation="list_jobs",
        items="JobSummaries",
        filters=tuple({"JobCategory": each, "StatusEquals": status} for each in (*TOLD, *LISTED) for status in RUNNING),
    ),
    failures=Listing(
        operation="list_jobs",
        items="JobSummaries",
        filters=tuple({"JobCategory": each, "StatusEquals": "Failed"} for each in LISTED),
    ),
    events={"SageMaker Job State Change": "JobName"},
    calls={},
    live=lambda job: job["JobStatus"] in RUNNING,
    version=lambda _: None,
    observe=lambda _job, _read, facts: facts,
    reads={},
    levels={},
    specs=(),
    discovers=(),
    charts=(),
    without_charts="SageMaker documents no metrics of jobs made by CreateJob. Their failure is a notice.",
    notices=NOTICES,
    parents={},
    page=None,
    log_group=None,
    run=RUN,
    explain=partial(explain_job, RUN),
    explain_calls=("describe_job",),
    causes=frozenset(),
    deployed=False,
)
