"""Training jobs: one alarm a row for every ten hosts, since SageMaker publishes no aggregate of a job.

Metrics: SageMaker Developer Guide, "SageMaker Jobs and Endpoint Metrics"; the only dimension is `Host`, `[training-
job-name]/algo-[n]` with n from 1. Metric math takes ten metrics (PutMetricAlarm, Metrics). Thresholds are our own
choice.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import batched

from sagewatch.kinds.instances import INSTANCES
from sagewatch.model import (
    Capacity,
    Description,
    Gap,
    Kind,
    Listing,
    Metric,
    Observation,
    Reader,
    Scope,
    Severity,
    Spec,
    Unit,
)

NAMESPACE = "/aws/sagemaker/TrainingJobs"
MOST_METRICS = 10
ENDED = frozenset({"Completed", "Failed", "Stopped", "Deleting"})

SPECS = (
    Spec(
        id="memory",
        title="memory of the fullest host",
        level="hosts",
        metrics=(Metric(NAMESPACE, "MemoryUtilization", "Maximum"),),
        across="MAX",
        threshold=90,
        unit=Unit.PERCENT,
        periods=5,
        datapoints=5,
        severity=Severity.WARNING,
        why="A host that runs out of memory ends the whole job (exit code 137), often after hours.",
        do="Lower the batch size or the number of data loaders, or use a type with more memory.",
    ),
    Spec(
        id="disk",
        title="disk of the fullest host",
        level="hosts",
        metrics=(Metric(NAMESPACE, "DiskUtilization", "Maximum"),),
        across="MAX",
        threshold=90,
        unit=Unit.PERCENT,
        periods=5,
        datapoints=5,
        severity=Severity.WARNING,
        why="With a full disk the next checkpoint fails, and the job with it.",
        do="Keep fewer checkpoints, or raise VolumeSizeInGB.",
    ),
    Spec(
        id="gpu-memory",
        title="GPU memory of the fullest host",
        level="hosts",
        metrics=(Metric(NAMESPACE, "GPUMemoryUtilization", "Maximum"),),
        across="MAX",
        threshold=98,
        unit=Unit.PERCENT_OF_GPUS,
        periods=10,
        datapoints=10,
        severity=Severity.INFO,
        needs=("gpu",),
        why="The next larger batch ends in an out-of-memory error.",
        do="Lower the batch size or shard the model.",
    ),
    Spec(
        id="gpu-stalled",
        title="GPU of the busiest host",
        level="hosts",
        metrics=(Metric(NAMESPACE, "GPUUtilization", "Maximum"),),
        across="MAX",
        comparison="LessThanThreshold",
        threshold=5,
        unit=Unit.PERCENT_OF_GPUS,
        periods=30,
        datapoints=30,
        severity=Severity.WARNING,
        needs=("gpu",),
        why="For half an hour no host has used its GPUs, and they are paid for.",
        do="Look for a hung data loader, a lost host in a collective operation, or a job that does not need GPUs.",
    ),
    Spec(
        id="cpu-stalled",
        title="CPU of the busiest host",
        level="hosts",
        metrics=(Metric(NAMESPACE, "CPUUtilization", "Maximum"),),
        across="MAX",
        comparison="LessThanThreshold",
        threshold=2,
        unit=Unit.PERCENT_OF_VCPUS,
        periods=30,
        datapoints=30,
        severity=Severity.WARNING,
        needs=("cpu-only",),
        why="For half an hour no host has computed anything.",
        do="Look for a dead-lock or a download that never ends in the job's log.",
    ),
)


def _observe(job: Description, _read: Reader) -> Observation:
    groups = job.get("ResourceConfig", {}).get("InstanceGroups") or [job.get("ResourceConfig", {})]
    count = sum(group.get("InstanceCount", 0) for group in groups)
    types = {group["InstanceType"] for group in groups if "InstanceType" in group}
    # The hosts of unlike groups share one numbering, so it cannot be told which host has which capacity.
    capacity = INSTANCES.get(next(iter(types))) if len(types) == 1 else None
    scopes = tuple(_scopes(job["TrainingJobName"], count, capacity))
    reason = f"the capacity of {', '.join(sorted(types)) or 'the hosts'} is not known"
    gaps = () if capacity else tuple(Gap(level="hosts", scope=scope.name, reason=reason) for scope in scopes)
    return Observation(scopes=scopes, gaps=gaps)


def _scopes(job: str, count: int, capacity: Capacity | None) -> Iterator[Scope]:
    for numbers in batched(range(1, count + 1), MOST_METRICS, strict=False):
        first, last = numbers[0], numbers[-1]
        yield Scope(
            level="hosts",
            name=f"algo-{first}" if first == last else f"algo-{first}-{last}",
            series=tuple({"Host": f"{job}/algo-{number}"} for number in numbers),
            traits=frozenset(_traits(capacity)),
            capacity=capacity,
        )


def _traits(capacity: Capacity | None) -> Iterator[str]:
    if capacity and capacity.gpus:
        yield "gpu"
    # Trainium and Inferentia hosts are busy with a quiet CPU, and publish nothing about their devices.
    elif capacity and not capacity.accelerators:
        yield "cpu-only"


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
    specs=SPECS,
)
