"""Training jobs, watched by their hosts until they end."""

from __future__ import annotations

from dataclasses import replace

from sagewatch.kinds import hosts
from sagewatch.kinds.kind import Kind, Listing, Reader
from sagewatch.model import Description, Facts

NAMESPACE = "/aws/sagemaker/TrainingJobs"
ENDED = frozenset({"Completed", "Failed", "Stopped", "Deleting"})


def _observe(job: Description, read: Reader, facts: Facts) -> Facts:
    resources = job.get("ResourceConfig", {})  # without instances for a serverless customisation job
    groups = resources.get("InstanceGroups") or [resources]
    count = sum(group.get("InstanceCount", 0) for group in groups)
    parents = hosts.parent(
        tuning_job=job.get("TuningJobArn"), automl_job=job.get("AutoMLJobArn"), labeling_job=job.get("LabelingJobArn")
    )
    names = hosts.numbered(job["TrainingJobName"], count)
    return hosts.with_hosts(replace(facts, labels=parents), read, groups, *names)


TRAINING_JOB = Kind(
    name="training-job",
    title="Training job",
    arn_type="training-job",
    describe="describe_training_job",
    parameter="TrainingJobName",
    arn="TrainingJobArn",
    listing=Listing(
        operation="list_training_jobs",
        items="TrainingJobSummaries",
        filters=({"StatusEquals": "InProgress"}, {"StatusEquals": "Stopping"}),
    ),
    events={"SageMaker Training Job State Change": "TrainingJobName"},
    calls={},
    live=lambda job: job["TrainingJobStatus"] not in ENDED,
    version=lambda job: repr(job.get("ResourceConfig")),
    observe=_observe,
    specs=hosts.rows(NAMESPACE),
)
