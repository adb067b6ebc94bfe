"""Jobs on hosts: what training and processing jobs, which publish by host and never as a whole, have in common.

`Host` is the only dimension; SageMaker Developer Guide, "SageMaker Jobs and Endpoint Metrics". Metric math takes
ten metrics (PutMetricAlarm, Metrics), so there is one alarm a row for every ten hosts.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import batched
from typing import Any

from sagewatch.kinds.charts import HOST, TIMED, Chart
from sagewatch.kinds.kind import Metric, Reader, Spec
from sagewatch.model import Capacity, Description, Facts, Gap, Scope, Severity, Unit

MOST_METRICS = 10


TRAINING_JOBS = "/aws/sagemaker/TrainingJobs"

SPECS = (
    Spec(
        id="memory",
        title="memory use of the fullest host",
        level="hosts",
        metrics=(Metric(TRAINING_JOBS, "MemoryUtilization", "Maximum"),),
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
        title="disk use of the fullest host",
        level="hosts",
        metrics=(Metric(TRAINING_JOBS, "DiskUtilization", "Maximum"),),
        across="MAX",
        threshold=90,
        unit=Unit.PERCENT,
        periods=5,
        datapoints=5,
        severity=Severity.WARNING,
        needs=("disk",),
        why="With a full disk the next write fails, and the job with it.",
        do="Keep fewer checkpoints and temporary files, or raise VolumeSizeInGB.",
    ),
    Spec(
        id="gpu-memory",
        title="GPU memory use of the fullest host",
        level="hosts",
        metrics=(Metric(TRAINING_JOBS, "GPUMemoryUtilization", "Maximum"),),
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
        title="GPU use of the busiest host",
        level="hosts",
        metrics=(Metric(TRAINING_JOBS, "GPUUtilization", "Maximum"),),
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
        title="CPU use of the busiest host",
        level="hosts",
        metrics=(Metric(TRAINING_JOBS, "CPUUtilization", "Maximum"),),
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
"""The rows of training jobs. Thresholds are our own choice."""


def rows(namespace: str) -> tuple[Spec, ...]:
    """Return the rows of jobs that publish the same metrics in another namespace."""
    return tuple(
        replace(row, metrics=tuple(replace(metric, namespace=namespace) for metric in row.metrics)) for row in SPECS
    )


def charts(namespace: str, *, disk: bool = True) -> tuple[Chart, ...]:
    """Return the charts of jobs that publish in this namespace, transform jobs without their disks."""
    return (
        Chart(
            title="Utilisation (% summed over cores and devices)",
            namespace=namespace,
            dimensions=(HOST,),
            unit="Percent",
            statistics=TIMED,
            shown="Average",
            metrics={"CPUUtilization": "", "GPUUtilization": "", "GPUMemoryUtilization": ""},
        ),
        Chart(
            title="Memory and disk (%)" if disk else "Memory (%)",
            namespace=namespace,
            dimensions=(HOST,),
            unit="Percent",
            statistics=TIMED,
            shown="Maximum",
            metrics={"MemoryUtilization": "", "DiskUtilization": ""} if disk else {"MemoryUtilization": ""},
        ),
    )


def with_hosts(
    facts: Facts,
    read: Reader,
    groups: Sequence[Mapping[str, object]],
    hosts: Sequence[str],
    names: Sequence[str],
    *,
    disk: bool = True,
) -> Facts:
    """Add a job's scopes: `hosts` as in the dimension, `names` what to call them, `groups` their instance types."""
    types = sorted({str(group["InstanceType"]) for group in groups if "InstanceType" in group})
    # The hosts of unlike groups share one numbering, so it cannot be told which host has which capacity.
    capacity, why = (
        read.capacity(types[0]) if len(types) == 1 else (None, f"hosts of several types: {', '.join(types)}")
    )
    scopes = tuple(_scopes(hosts, names, capacity, disk=disk))
    gaps = (
        ()
        if capacity
        else tuple(Gap(level="hosts", scope=scope.name, reason=f"{scope.name}: {why}") for scope in scopes)
    )
    return replace(facts, scopes=scopes, gaps=gaps)


def with_numbered_hosts(facts: Facts, read: Reader, job: str, resources: Mapping[str, Any]) -> Facts:
    """Add the scopes of a job whose hosts are `[job-name]/algo-[n]`, n from 1, or a gap where it is not known how many.

    `resources` is its ResourceConfig or ClusterConfig.
    """
    groups, why = _groups(resources)
    if why:
        return replace(facts, gaps=(Gap(level="hosts", reason=f"{job}: {why}"),))
    count = sum(group["InstanceCount"] for group in groups)
    names = [f"algo-{number}" for number in range(1, count + 1)]
    return with_hosts(facts, read, groups, [f"{job}/{name}" for name in names], names)


def _groups(resources: Mapping[str, Any]) -> tuple[Sequence[Mapping[str, Any]], str]:
    """Return the instances of a job, by groups of one type, or why they are not known."""
    if "InstancePreferences" in resources or "SelectedInstanceType" in resources:
        groups, why = [_selected(resources)], "SageMaker has not chosen among the preferred instance types"
    else:
        groups = resources.get("InstanceGroups") or [resources]
        why = "its description says in no known way which instances it has"
    known = all(group.get("InstanceType") and isinstance(group.get("InstanceCount"), int) for group in groups)
    return (groups, "") if known else ((), why)


def _selected(resources: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return what SageMaker took of the preferred instance types, which Describe* names when it is decided."""
    chosen = resources.get("SelectedInstanceType")
    # Each preference has a count, or all have one together (InstancePreference, InstanceCount).
    preferred = [each for each in resources.get("InstancePreferences") or () if each.get("InstanceType") == chosen]
    counts = [resources.get("SelectedInstanceCount"), *(each.get("InstanceCount") for each in (*preferred, resources))]
    return {"InstanceType": chosen, "InstanceCount": next(filter(None, counts), None)}


def parent(described: Description, parents: Mapping[str, str]) -> dict[str, str]:
    """Return the label of what started a job: `{"parent": "tuning-job/sweep"}`; `{}` when nothing did.

    `parents` are those that the job's kind declares; `described` is its description, or the detail of an event.
    """
    found = ((kind, described.get(field)) for field, kind in parents.items())
    labels = ({"parent": f"{kind}/{arn.rpartition('/')[2]}"} for kind, arn in found if isinstance(arn, str) and arn)
    return next(labels, {})


def _scopes(hosts: Sequence[str], names: Sequence[str], capacity: Capacity | None, *, disk: bool) -> Iterator[Scope]:
    traits = frozenset(_traits(capacity, disk=disk))
    for ten, called in zip(batched(hosts, MOST_METRICS), batched(names, MOST_METRICS), strict=True):
        yield Scope(
            level="hosts",
            name=called[0] if len(called) == 1 else f"{called[0]}-{called[-1].rpartition('-')[2]}",
            series=tuple({"Host": host} for host in ten),
            traits=traits,
            capacity=capacity,
        )


def _traits(capacity: Capacity | None, *, disk: bool) -> Iterator[str]:
    if disk:
        yield "disk"
    if capacity and capacity.gpus:
        yield "gpu"
    # Trainium and Inferentia hosts are busy with a quiet CPU, and publish nothing about their devices.
    elif capacity and not capacity.accelerators:
        yield "cpu-only"
