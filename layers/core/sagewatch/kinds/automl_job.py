"""AutoML jobs. They publish no metrics and send no events: the jobs they start do both, and carry a label of them."""

from __future__ import annotations

from sagewatch.kinds.kind import Kind, Listing

ENDED = frozenset({"Completed", "Failed", "Stopped"})

AUTOML_JOB = Kind(
    name="automl-job",
    title="AutoML job",
    arn_type="automl-job",
    describe="describe_auto_ml_job_v2",
    parameter="AutoMLJobName",
    arn="AutoMLJobArn",
    listing=Listing(
        operation="list_auto_ml_jobs",
        items="AutoMLJobSummaries",
        filters=({"StatusEquals": "InProgress"}, {"StatusEquals": "Stopping"}),
    ),
    events={},
    calls={},
    live=lambda job: job["AutoMLJobStatus"] not in ENDED,
    version=lambda _: None,
    observe=lambda _job, _read, facts: facts,
    specs=(),
    failures=Listing(operation="list_auto_ml_jobs", items="AutoMLJobSummaries", filters=({"StatusEquals": "Failed"},)),
)
