"""Transform jobs. Their hosts are named by instance ids that no API of SageMaker returns: CloudWatch is asked for them.

CloudWatch lists a new metric after up to 15 minutes. Until then nothing is known of the hosts, so nothing is made
and nothing deleted; the sweep, which names a job without alarms every quarter of an hour, brings them. A shorter
job has only the notice of its failure. DiskUtilization is not published (SageMaker Developer Guide, "SageMaker Jobs
and Endpoint Metrics").
"""

from __future__ import annotations

from dataclasses import replace

from sagewatch.kinds import hosts
from sagewatch.kinds.kind import Kind, Listing, Reader
from sagewatch.model import Description, Facts, Gap

NAMESPACE = "/aws/sagemaker/TransformJobs"
ENDED = frozenset({"Completed", "Failed", "Stopped"})


def _observe(job: Description, read: Reader, facts: Facts) -> Facts:
    name = job["TransformJobName"]
    listed = (each.dimensions.get("Host", "") for each in read.published("MemoryUtilization", within=NAMESPACE))
    found = sorted({host for host in listed if host.startswith(f"{name}/")})
    parents = hosts.parent(labeling_job=job.get("LabelingJobArn"), automl_job=job.get("AutoMLJobArn"))
    facts = replace(facts, labels=parents)
    if not found:
        return replace(facts, gaps=(Gap(level="hosts", reason=f"CloudWatch lists no host of {name} yet"),))
    called = [f"host-{number}" for number in range(1, len(found) + 1)]
    return hosts.with_hosts(facts, read, [job.get("TransformResources", {})], found, called, disk=False)


TRANSFORM_JOB = Kind(
    name="transform-job",
    title="Transform job",
    arn_type="transform-job",
    describe="describe_transform_job",
    parameter="TransformJobName",
    arn="TransformJobArn",
    listing=Listing(
        operation="list_transform_jobs",
        items="TransformJobSummaries",
        modified="LastModifiedTime",
        filters=({"StatusEquals": "InProgress"}, {"StatusEquals": "Stopping"}),
    ),
    events={"SageMaker Transform Job State Change": "TransformJobName"},
    calls={},
    live=lambda job: job["TransformJobStatus"] not in ENDED,
    version=lambda job: repr(job.get("TransformResources")),
    observe=_observe,
    specs=tuple(row for row in hosts.rows(NAMESPACE) if row.id != "disk"),
)
