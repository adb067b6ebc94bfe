"""HyperPod clusters on EKS, by the health of their nodes. Slurm clusters publish no metrics and have only notices.

Metrics: CloudWatch User Guide, "Container Insights", published where the CloudWatch Observability add-on runs. That
`ClusterName` is the EKS cluster's name is read in the CloudWatch agent's source; where only the other one is listed, it
is taken. Thresholds are our own choice.
Where the add-on is missing nothing is published, so missing data is well.
"""

from __future__ import annotations

from dataclasses import replace

from sagewatch.kinds.charts import DOING_WELL, SPREAD, Chart
from sagewatch.kinds.kind import (
    FailureNotice,
    Kind,
    Level,
    Lifetime,
    Listing,
    Metric,
    Reader,
    Spec,
)
from sagewatch.kinds.leads import DETAILS, FailureReader, Lead
from sagewatch.model import Description, Facts, Notice, Scope, Severity, Unit

NAMESPACE = "ContainerInsights"
UNSCHEDULABLE = "hyperpod_node_health_status_unschedulable"

SPECS = (
    Spec(
        id="nodes-unschedulable",
        title="nodes in health checks",
        level="cluster",
        metrics=(Metric(NAMESPACE, UNSCHEDULABLE, "Maximum"),),
        threshold=0,
        unit=Unit.COUNT,
        # It counts nodes that "are running deep health checks" (SageMaker Developer Guide, "Resilience-related
        # Kubernetes labels", Container Insights), which take up to two hours or more; failed ones have metrics of
        # their own below.
        periods=360,
        datapoints=360,
        severity=Severity.WARNING,
        why="For six hours nodes that are paid for have run nothing: their health checks do not end.",
        do="Read the health check's log of the node, then reboot or replace it.",
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
    has_other, has_likely = _has_data(read, other), _has_data(read, likely)
    # What was found out once holds while CloudWatch lists neither.
    was_other = other in [each.dimensions for each in facts.watched]
    series = other if not has_likely and (has_other or was_other) else likely
    return replace(facts, scopes=(Scope(level="cluster", name="all", series=(series,)),))


def _has_data(read: Reader, dimensions: dict[str, str]) -> bool:
    listed = read.published(UNSCHEDULABLE, within=NAMESPACE, **dimensions)
    return any(each.dimensions == dimensions for each in listed)


CLUSTER_ONLY = ("ClusterName",)
NODE = ("ClusterName", "InstanceId", "NodeName")

CHARTS = (
    Chart(
        title="Nodes by health (EKS with the CloudWatch Observability add-on)",
        namespace=NAMESPACE,
        dimensions=(CLUSTER_ONLY, NODE),
        unit="Count",
        statistics=SPREAD,
        shown="Maximum",
        metrics={
            "hyperpod_node_health_status_schedulable": DOING_WELL,
            UNSCHEDULABLE: "",
            f"{UNSCHEDULABLE}_pending_replacement": "",
            f"{UNSCHEDULABLE}_pending_reboot": "",
        },
    ),
)

NOTICES = (
    FailureNotice(
        detail_type="SageMaker HyperPod Cluster State Change",
        what="cluster",
        named="ClusterName",
        status=("ClusterStatus",),
        failed={"Failed": "failed", "RollingBack": "is rolling back"},
        recovered=frozenset({"InService"}),
        # Nothing is documented to say that it is deleted; a deletion that fails says so.
        gone=frozenset({"Deleting"}),
        filtered=True,
        reason={"FailureMessage": ""},
        severity=Severity.CRITICAL,
        # The detail has no time of change, and the next update may fail, too.
        identity=("ClusterArn", "ClusterStatus", "time"),
    ),
    FailureNotice(
        detail_type="SageMaker HyperPod Cluster Node Health Event",
        what="node",
        named="ClusterName",
        status=("HealthSummary.HealthStatus",),
        # Only one bad state is documented, by example.
        failed={"Healthy": "", "Unhealthy": "is unhealthy"},
        otherwise="is not healthy",
        recovered=frozenset({"Healthy"}),
        reason={
            "HealthSummary.HealthStatusReason": "",
            "HealthSummary.RepairAction": "Repair action: ",
            "HealthSummary.Recommendation": "Recommendation: ",
        },
        severity=Severity.WARNING,
        scope=("InstanceId",),
        # A node that was mended may fail again for the same reason.
        identity=("ClusterArn", "InstanceId", "HealthSummary.HealthStatus", "time"),
    ),
    FailureNotice(
        detail_type="SageMaker HyperPod Cluster Event",
        what="cluster",
        named="EventDetails.ClusterName",
        status=("EventDetails.EventLevel",),
        failed={"Warn": "warns", "Error": "reports an error"},
        filtered=True,
        reason={
            "EventDetails.Description": "",
            # The metadata is found at either depth.
            "EventDetails.EventMetadata.*.FailureMessage": "",
            "EventDetails.EventDetails.EventMetadata.*.FailureMessage": "",
        },
        severity=Severity.WARNING,
        scope=("EventDetails.InstanceId", "EventDetails.InstanceGroupName"),
        identity=("EventDetails.EventId",),
        # AWS's own example has no level.
        lenient=True,
    ),
)


def _explain(read: FailureReader, notice: Notice) -> Lead:
    """Follow a cluster to the node that failed, where one is named, and to its lifecycle script's log."""
    name, scope = notice.labels["resource"], notice.labels["scope"]
    if scope.startswith("i-"):
        answer = read.sagemaker("details of the node", "describe_cluster_node", ClusterName=name, NodeId=scope)
        node = answer.get("NodeDetails") or {}
        message = (node.get("InstanceStatus") or {}).get("Message") or ""
        facts = {"Compute": node.get("InstanceType"), "Instance group": node.get("InstanceGroupName")}
        streams = f"LifecycleConfig/{node.get('InstanceGroupName', '')}/{scope}" if node else ""
    else:
        description = read.described(DETAILS, notice.labels.ref)
        message, facts = description.get("FailureMessage") or "", {"Nodes": _lacking_nodes(description)}
        streams = "LifecycleConfig/" + ("" if scope == "all" else f"{scope}/")
    cluster_id = notice.arn.rpartition("/")[2]
    return Lead(
        ref=notice.labels.ref,
        reason=notice.reason if message in notice.reason else f"{notice.reason}\n{message}".strip(),
        facts={fact: value for fact, value in facts.items() if value},
        group=f"/aws/sagemaker/Clusters/{name}/{cluster_id}" if notice.arn and streams else "",
        streams=streams,
    )


def _lacking_nodes(description: Description) -> str:
    """Say how many nodes the groups that lack some have: `workers 1 of 16`."""
    groups = description.get("InstanceGroups") or ()
    counted = ((g.get("InstanceGroupName"), g.get("CurrentCount", 0), g.get("TargetCount", 0)) for g in groups)
    return ", ".join(f"{name} {there} of {wanted}" for name, there, wanted in counted if there < wanted)


CLUSTER = Kind(
    name="cluster",
    title="HyperPod cluster",
    plural="HyperPod clusters",
    arn_type="cluster",
    by_arn=True,
    lifetime=Lifetime.STAYS,
    describe="describe_cluster",
    categories=("", ()),
    parameter="ClusterName",
    arn="ClusterArn",
    listing=Listing(operation="list_clusters", items="ClusterSummaries", modified="CreationTime"),
    failures=None,
    # No last event is documented: DeleteCluster and the sweep bring the end.
    events={"SageMaker HyperPod Cluster State Change": "ClusterName"},
    calls={"CreateCluster": "clusterName", "DeleteCluster": "clusterName"},
    live=lambda cluster: cluster["ClusterStatus"] != "Deleting",
    version=lambda cluster: repr(cluster.get("Orchestrator")),
    observe=_observe,
    reads={},
    levels={"cluster": Level(CLUSTER_ONLY)},
    specs=SPECS,
    discovers=(),
    charts=CHARTS,
    without_charts="",
    notices=NOTICES,
    parents={},
    page="home#/cluster-management",
    log_group=None,
    run=None,
    explain=_explain,
    explain_calls=("describe_cluster", "describe_cluster_node"),
    causes=frozenset({"cluster-capacity", "node-reboot", "node-broken", "disruption-budget", "lifecycle-script"}),
    deployed=False,
)
