"""AutoML jobs. They publish no metrics and send no events: the jobs they start do both, and carry a label of them."""

from __future__ import annotations

from functools import partial

from sagewatch.kinds.kind import Kind, Lifetime, Listing
from sagewatch.kinds.leads import JobRun, explain_job

ENDED = frozenset({"Completed", "Failed", "Stopped"})
RUN = JobRun((), "CreationTime", "EndTime")

AUTOML_JOB = Kind(
    name="automl-job",
    title="AutoML job",
    plural="AutoML jobs",
    arn_type="automl-job",
    by_arn=False,
    lifetime=Lifetime.JOB,
    describe="describe_auto_ml_job_v2",
    categories=("", ()),
    parameter="AutoMLJobName",
    arn="AutoMLJobArn",
    listing=Listing(
        operation="list_auto_ml_jobs",
        items="AutoMLJobSummaries",
        filters=({"StatusEquals": "InProgress"}, {"StatusEquals": "Stopping"}),
    ),
    failures=Listing(operation="list_auto_ml_jobs", items="AutoMLJobSummaries", filters=({"StatusEquals": "Failed"},)),
    events={},
    calls={},
    live=lambda job: job["AutoMLJobStatus"] not in ENDED,
    version=lambda _: None,
    observe=lambda _job, _read, facts: facts,
    reads={},
    levels={},
    specs=(),
    discovers=(),
    charts=(),
    without_charts="An AutoML job publishes no metrics: the jobs it starts do, above. Its failure is a notice.",
    notices=(),
    parents={},
    page=None,
    log_group=None,
    run=RUN,
    explain=partial(explain_job, RUN),
    explain_calls=("describe_auto_ml_job_v2",),
    causes=frozenset({"few-rows"}),
    deployed=False,
)
