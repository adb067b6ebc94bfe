"""Processing jobs, watched by their hosts until they end."""

from __future__ import annotations

from dataclasses import replace

from sagewatch.kinds import hosts
from sagewatch.kinds.kind import Kind, Listing, Reader
from sagewatch.model import Description, Facts

NAMESPACE = "/aws/sagemaker/ProcessingJobs"
ENDED = frozenset({"Completed", "Failed", "Stopped"})


def _observe(job: Description, read: Reader, facts: Facts) -> Facts:
    cluster = job.get("ProcessingResources", {}).get("ClusterConfig", {})
    parents = hosts.parent(
        monitoring_schedule=job.get("MonitoringScheduleArn"),
        automl_job=job.get("AutoMLJobArn"),
        training_job=job.get("TrainingJobArn"),
    )
    names = hosts.numbered(job["ProcessingJobName"], cluster.get("InstanceCount", 0))
    return hosts.with_hosts(replace(facts, labels=parents), read, [cluster], *names)


PROCESSING_JOB = Kind(
    name="processing-job",
    title="Processing job",
    arn_type="processing-job",
    describe="describe_processing_job",
    parameter="ProcessingJobName",
    arn="ProcessingJobArn",
    listing=Listing(
        operation="list_processing_jobs",
        items="ProcessingJobSummaries",
        filters=({"StatusEquals": "InProgress"}, {"StatusEquals": "Stopping"}),
    ),
    events={"SageMaker Processing Job State Change": "ProcessingJobName"},
    calls={},
    live=lambda job: job["ProcessingJobStatus"] not in ENDED,
    version=lambda job: repr(job.get("ProcessingResources")),
    observe=_observe,
    specs=hosts.rows(NAMESPACE),
)
