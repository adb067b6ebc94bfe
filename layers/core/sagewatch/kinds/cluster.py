"""HyperPod clusters on EKS, by the health of their nodes. Slurm clusters publish no metrics and have only notices.

Metrics: CloudWatch User Guide, "Container Insights", published where the CloudWatch Observability add-on runs. That
`ClusterName` is the EKS cluster's name is likely and unverified, so CloudWatch is asked. Thresholds are our own choice.
Where the add-on is missing nothing is published, so missing data is well.
"""

from __future__ import annotations

from dataclasses import replace

from sagewatch.kinds.kind import Kind, Listing, Metric, Reader, Spec
from sagewatch.model import Description, Facts, Scope, Severity, Unit

NAMESPACE = "ContainerInsights"
UNSCHEDULABLE = "hyperpod_node_health_status_unschedulable"

SPECS = (
    Spec(
        id="nodes-unschedulable",
        title="nodes that take no work",
        level="cluster",
        metrics=(Metric(NAMESPACE, UNSCHEDULABLE, "Maximum"),),
        threshold=0,
        unit=Unit.COUNT,
        periods=15,
        datapoints=15,
        severity=Severity.WARNING,
        why="For a quarter of an hour nodes that are paid for have run nothing: they failed a health check.",
        do="Read the node's health event for the fault, then reboot or replace it.",
    ),
    Spec(
        id="nodes-awaiting-replacement",
        title="nodes that wait for a replacement",
        level="cluster",
        metrics=(Metric(NAMESPACE, f"{UNSCHEDULABLE}_pending_replacement", "Maximum"),),
        threshold=0,
        unit=Unit.COUNT,
        # A replacement takes a while where there is capacity; half an hour is longer than that.
        periods=30,
        datapoints=30,
        severity=Severity.CRITICAL,
        why="Broken hardware is not being replaced, and a job that needs all nodes stands still.",
        do="See that NodeRecovery is Automatic and that the zone has such instances, or replace the node.",
    ),
    Spec(
        id="nodes-awaiting-reboot",
        title="nodes that wait for a reboot",
        level="cluster",
        metrics=(Metric(NAMESPACE, f"{UNSCHEDULABLE}_pending_reboot", "Maximum"),),
        threshold=0,
        unit=Unit.COUNT,
        periods=30,
        datapoints=30,
        severity=Severity.WARNING,
        why="A reboot that would mend the node has not happened for half an hour.",
        do="See that NodeRecovery is Automatic, or reboot the node.",
    ),
)


def _observe(cluster: Description, read: Reader, facts: Facts) -> Facts:
    eks = (cluster.get("Orchestrator") or {}).get("Eks") or {}
    if "ClusterArn" not in eks:
        return facts
    likely = {"ClusterName": eks["ClusterArn"].rpartition("/")[2]}
    other = {"ClusterName": cluster["ClusterName"]}
    series = other if _has_data(read, other) and not _has_data(read, likely) else likely
    return replace(facts, scopes=(Scope(level="cluster", name="all", series=(series,)),))


def _has_data(read: Reader, dimensions: dict[str, str]) -> bool:
    listed = read.published(UNSCHEDULABLE, within=NAMESPACE, **dimensions)
    return any(each.dimensions == dimensions for each in listed)


CLUSTER = Kind(
    name="cluster",
    title="HyperPod cluster",
    arn_type="cluster",
    describe="describe_cluster",
    parameter="ClusterName",
    arn="ClusterArn",
    by_arn=True,
    listing=Listing(operation="list_clusters", items="ClusterSummaries", modified="CreationTime"),
    # No last event is documented: DeleteCluster and the sweep bring the end.
    events={"SageMaker HyperPod Cluster State Change": "ClusterName"},
    calls={"CreateCluster": "clusterName", "DeleteCluster": "clusterName"},
    live=lambda cluster: cluster["ClusterStatus"] != "Deleting",
    version=lambda cluster: repr(cluster.get("Orchestrator")),
    observe=_observe,
    specs=SPECS,
)
