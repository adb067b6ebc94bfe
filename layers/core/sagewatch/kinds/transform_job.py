"""Transform jobs. Their hosts are named by instance ids that no API of SageMaker returns: CloudWatch is asked for them.

CloudWatch lists a new metric after up to 15 minutes. Until then nothing is known of the hosts, so nothing is made
and nothing deleted; the sweep, which names a job without alarms every quarter of an hour, brings them. A shorter
job has only the notice of its failure. DiskUtilization is not published (SageMaker Developer Guide, "SageMaker Jobs
and Endpoint Metrics").
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from sagewatch.kinds import hosts
from sagewatch.kinds.charts import HOST
from sagewatch.kinds.kind import (
    Discovery,
    FailureNotice,
    Kind,
    Level,
    Lifetime,
    Listing,
    Reader,
)
from sagewatch.kinds.leads import JobRun, explain_job
from sagewatch.model import Description, Facts, Gap, Severity

NAMESPACE = "/aws/sagemaker/TransformJobs"
ENDED = frozenset({"Completed", "Failed", "Stopped"})
RUN = JobRun(("TransformResources",), "TransformStartTime", "TransformEndTime", NAMESPACE)
PARENTS = {"AutoMLJobArn": "automl-job", "LabelingJobArn": "labeling-job"}


def _observe(job: Description, read: Reader, facts: Facts) -> Facts:
    name = job["TransformJobName"]
    listed = (*read.published("MemoryUtilization", within=NAMESPACE), *facts.watched)
    hosts_of_all = {each.dimensions.get("Host", "") for each in listed}
    found = sorted(host for host in hosts_of_all if host.startswith(f"{name}/"))
    facts = replace(facts, labels=hosts.parent(job, PARENTS))
    if not found:
        return replace(facts, gaps=(Gap(level="hosts", reason=f"CloudWatch lists no host of {name} yet"),))
    called = [f"host-{number}" for number in range(1, len(found) + 1)]
    return hosts.with_hosts(facts, read, [job.get("TransformResources", {})], found, called, disk=False)


NOTICES = (
    FailureNotice(
        detail_type="SageMaker Transform Job State Change",
        what="transform job",
        named="TransformJobName",
        status=("TransformJobStatus",),
        failed={"Failed": "failed"},
        succeeded={"Completed": "completed"},
        filtered=True,
        reason={"FailureReason": ""},
        severity=Severity.CRITICAL,
        identity=("TransformJobArn", "TransformJobStatus", "CreationTime"),
    ),
)

TRANSFORM_JOB = Kind(
    name="transform-job",
    title="Transform job",
    plural="Transform jobs",
    arn_type="transform-job",
    by_arn=False,
    lifetime=Lifetime.JOB,
    describe="describe_transform_job",
    categories=("", ()),
    parameter="TransformJobName",
    arn="TransformJobArn",
    listing=Listing(
        operation="list_transform_jobs",
        items="TransformJobSummaries",
        modified="LastModifiedTime",
        filters=({"StatusEquals": "InProgress"}, {"StatusEquals": "Stopping"}),
    ),
    failures=None,
    events={"SageMaker Transform Job State Change": "TransformJobName"},
    calls={},
    live=lambda job: job["TransformJobStatus"] not in ENDED,
    version=lambda job: repr(job.get("TransformResources")),
    observe=_observe,
    reads={},
    levels={"hosts": Level(HOST)},
    specs=tuple(row for row in hosts.rows(NAMESPACE) if row.id != "disk"),
    discovers=(
        Discovery(
            metric="MemoryUtilization",
            within=NAMESPACE,
            dimension="Host",
            owner=lambda each: each.dimensions["Host"].partition("/")[0],
        ),
    ),
    charts=hosts.charts(NAMESPACE, disk=False),
    without_charts="",
    notices=NOTICES,
    parents=PARENTS,
    page="home#/transform-jobs",
    log_group=NAMESPACE,
    run=RUN,
    explain=partial(explain_job, RUN),
    explain_calls=("describe_transform_job",),
    causes=frozenset(),
    deployed=False,
)
