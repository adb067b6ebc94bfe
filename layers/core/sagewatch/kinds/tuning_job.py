"""Tuning jobs. They publish no metrics: their training jobs do, and carry a label of them. Here are only notices."""

from __future__ import annotations

from sagewatch.kinds.kind import Kind, Listing

ENDED = frozenset({"Completed", "Failed", "Stopped", "Deleting", "DeleteFailed"})

TUNING_JOB = Kind(
    name="tuning-job",
    title="Tuning job",
    arn_type="hyper-parameter-tuning-job",
    describe="describe_hyper_parameter_tuning_job",
    parameter="HyperParameterTuningJobName",
    arn="HyperParameterTuningJobArn",
    listing=Listing(
        operation="list_hyper_parameter_tuning_jobs",
        items="HyperParameterTuningJobSummaries",
        filters=({"StatusEquals": "InProgress"}, {"StatusEquals": "Stopping"}),
    ),
    events={"SageMaker HyperParameter Tuning Job State Change": "HyperParameterTuningJobName"},
    calls={},
    live=lambda job: job["HyperParameterTuningJobStatus"] not in ENDED,
    version=lambda _: None,
    observe=lambda _job, _read, facts: facts,
    specs=(),
)
