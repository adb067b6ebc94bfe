"""The kinds besides endpoints, training jobs and pipelines: their alarms, from their beginning to their end."""

from __future__ import annotations

import pytest

from sagewatch.kinds.feature_group import FEATURE_GROUP
from sagewatch.kinds.recommender_job import RECOMMENDER_JOB
from tests.e2e.world import World
from tests.resources import rows_of

pytestmark = pytest.mark.e2e

ON_CPU = {"cpu-stalled", "memory"}
ONLINE = rows_of(FEATURE_GROUP, "operation")
NODES = {"nodes-awaiting-reboot", "nodes-awaiting-replacement", "nodes-unschedulable"}
DRIFT = "aws/sagemaker/Endpoints/data-metrics"
LOAD_TESTS = "/aws/sagemaker/InferenceRecommendationsJobs"


def names(resource: str, scope: str, *alarms: set[str]) -> set[str]:
    return {f"sagewatch/{resource}/{scope}/{alarm}" for alarm in set().union(*alarms)}


# ---- jobs on hosts


@pytest.mark.parametrize("ending", ["Completed", "Failed"])
def test_11_hosts_of_a_processing_job_are_watched_in_two_parts_until_it_ends(world: World, ending: str) -> None:
    world.resources.start_processing_job("prep", "ml.m5.2xlarge", 11)
    world.reconciled()
    running = world.alarms()
    world.resources.end("processing-job", "prep", ending, f"processing-job-{ending.lower()}")
    world.reconciled()

    assert set(running) == (
        names("processing-job/prep", "algo-1-10", ON_CPU, {"disk"})
        | names("processing-job/prep", "algo-11", ON_CPU, {"disk"})
    )
    assert running["sagewatch/processing-job/prep/algo-11/memory"]["Dimensions"] == [
        {"Name": "Host", "Value": "prep/algo-11"}
    ]
    assert world.names() == set()


def test_a_transform_job_is_watched_once_cloudwatch_lists_its_hosts(world: World) -> None:
    world.forget_discoveries()
    world.resources.start_transform_job("score", "ml.m5.2xlarge", 2)
    world.reconciled()
    begun = world.names()
    world.resources.publish_hosts("score", "i-0a", "i-0b")
    world.resources.publish_hosts("score-again", "i-0c")
    world.forget_discoveries()  # a quarter of an hour passes
    world.invoke("Sweep", {})
    world.reconciled()
    running = world.alarms()
    world.resources.end("transform-job", "score", "Completed", "transform-job-completed")
    world.reconciled()

    assert (begun, set(running), world.names()) == (set(), names("transform-job/score", "host-1-2", ON_CPU), set())
    queries = running["sagewatch/transform-job/score/host-1-2/memory"]["Metrics"]
    assert [query["MetricStat"]["Metric"]["Dimensions"] for query in queries if "MetricStat" in query] == [
        [{"Name": "Host", "Value": "score/i-0a"}],
        [{"Name": "Host", "Value": "score/i-0b"}],
    ]


def test_a_job_that_another_one_began_carries_a_label_of_it(world: World) -> None:
    world.silent_resources.start_processing_job("prep", "ml.m5.2xlarge")
    schedule = "arn:aws:sagemaker:us-east-1:123456789012:monitoring-schedule/churn-drift"
    world.silent_resources.end("processing-job", "prep", "InProgress", MonitoringScheduleArn=schedule)

    world.invoke("Sweep", {})
    world.reconciled()

    labels = world.alarms()["sagewatch/processing-job/prep/algo-1/memory"]["AlarmDescription"].splitlines()[-1]
    assert "parent=monitoring-schedule/churn-drift" in labels


# ---- feature groups


def test_a_feature_group_is_watched_by_the_operations_on_its_online_store(world: World) -> None:
    world.resources.create("feature-group", "customers")
    world.reconciled()
    created = world.names()
    world.resources.delete("feature-group", "customers", "feature-group-deleting")
    world.reconciled()

    online = names("feature-group/customers", "GetRecord", ONLINE) | names(
        "feature-group/customers", "PutRecord", ONLINE
    )
    assert (created, world.names()) == (online, set())


def test_the_provisioned_capacity_of_a_feature_group_is_the_limit_of_its_alarms(world: World) -> None:
    throughput = {
        "ThroughputMode": "Provisioned",
        "ProvisionedReadCapacityUnits": 100,
        "ProvisionedWriteCapacityUnits": 50,
    }

    world.resources.create("feature-group", "customers", ThroughputConfig=throughput)
    world.reconciled()

    limits = {name: alarm["Threshold"] for name, alarm in world.alarms().items() if name.endswith("-capacity")}
    assert limits == {
        "sagewatch/feature-group/customers/GetRecord/read-capacity": 80.0 * 100,
        "sagewatch/feature-group/customers/PutRecord/write-capacity": 80.0 * 50,
    }


def test_a_feature_group_without_an_online_store_publishes_nothing_and_has_no_alarms(world: World) -> None:
    world.resources.create("feature-group", "archive", OnlineStoreConfig={"EnableOnlineStore": False})
    world.reconciled()

    assert world.names() == set()


# ---- kinds whose metrics only CloudWatch knows


def test_a_monitoring_schedule_is_watched_for_each_feature_that_it_has_found_a_drift_of(world: World) -> None:
    world.forget_discoveries()
    world.resources.create("monitoring-schedule", "churn-drift")
    world.reconciled()
    created = world.names()
    for feature in ("age", "plan"):
        metric = f"feature_baseline_drift_{feature}"
        world.resources.publish(DRIFT, metric, Endpoint="churn", MonitoringSchedule="churn-drift")
    world.resources.publish(DRIFT, "feature_non_null_age", Endpoint="churn", MonitoringSchedule="churn-drift")
    world.forget_discoveries()  # a quarter of an hour passes
    world.invoke("Sweep", {})
    world.reconciled()
    ran = world.alarms()
    world.resources.delete("monitoring-schedule", "churn-drift")
    world.reconciled()

    drifts = {f"sagewatch/monitoring-schedule/churn-drift/{feature}/drift" for feature in ("age", "plan")}
    assert (created, set(ran), world.names()) == (set(), drifts, set())
    alarm = ran["sagewatch/monitoring-schedule/churn-drift/age/drift"]
    assert (alarm["Namespace"], alarm["MetricName"], alarm["Dimensions"]) == (
        DRIFT,
        "feature_baseline_drift_age",
        [{"Name": "Endpoint", "Value": "churn"}, {"Name": "MonitoringSchedule", "Value": "churn-drift"}],
    )


def test_a_load_test_is_watched_once_cloudwatch_lists_its_endpoints(world: World) -> None:
    world.forget_discoveries()
    world.resources.create("recommender-job", "which")
    world.resources.publish(LOAD_TESTS, "ClientInvocations", JobName="which", EndpointName="sm-epc-1")
    world.forget_discoveries()
    world.invoke("Sweep", {})
    world.reconciled()
    running = world.names()
    world.resources.end("recommender-job", "which", "COMPLETED")
    world.invoke("Sweep", {})
    world.reconciled()

    assert (running, world.names()) == (
        names("recommender-job/which", "sm-epc-1", rows_of(RECOMMENDER_JOB, "endpoint")),
        set(),
    )


def test_a_labeling_job_is_watched_until_it_ends(world: World) -> None:
    world.resources.create("labeling-job", "cats")
    world.reconciled()
    created = world.names()
    world.resources.end("labeling-job", "cats", "Completed", "labeling-job-completed")
    world.reconciled()

    assert (created, world.names()) == (names("labeling-job/cats", "all", {"objects-failed"}), set())


def test_workers_who_turn_tasks_down_are_watched_in_whatever_dimensions_they_are_published(world: World) -> None:
    world.forget_discoveries()
    for worker in ("w1", "w2"):
        world.resources.publish("AWS/SageMaker/Workteam", "TasksDeclined", LabelingJob="cats", WorkerId=worker)

    world.resources.create("labeling-job", "cats")
    world.reconciled()

    declined = world.alarms()["sagewatch/labeling-job/cats/workers/tasks-declined"]
    assert [query.get("Expression") for query in declined["Metrics"]] == [None, None, "SUM([m1,m2])"]


# ---- clusters


def test_a_cluster_on_eks_is_watched_by_the_name_that_container_insights_gives_it(world: World) -> None:
    world.resources.create("cluster", "llm")
    world.reconciled()
    created = world.alarms()
    world.resources.delete("cluster", "llm", "cluster-deleting")
    world.reconciled()

    assert (set(created), world.names()) == (names("cluster/llm", "all", NODES), set())
    assert created["sagewatch/cluster/llm/all/nodes-unschedulable"]["Dimensions"] == [
        {"Name": "ClusterName", "Value": "research"}
    ]


def test_a_cluster_under_slurm_publishes_nothing_and_has_no_alarms(world: World) -> None:
    world.resources.create("cluster", "llm", Orchestrator={"Slurm": {}})
    world.reconciled()

    assert world.names() == set()


# ---- failures


@pytest.mark.parametrize(
    ("kind", "state", "payload", "subject"),
    [
        ("processing-job", "Failed", "processing-job-failed", "[CRITICAL] Processing job failed · mine"),
        ("transform-job", "Failed", "transform-job-failed", "[CRITICAL] Transform job failed · mine"),
        ("tuning-job", "Failed", "tuning-job-failed", "[CRITICAL] Tuning job failed · mine"),
        (
            "feature-group",
            "CreateFailed",
            "feature-group-create-failed",
            "[WARNING] Feature group could not be created · mine",
        ),
        ("labeling-job", "Failed", "labeling-job-failed", "[WARNING] Labeling job failed · mine"),
        ("monitoring-schedule", "Failed", "monitoring-schedule-failed", "[WARNING] Monitoring schedule failed · mine"),
        (
            "monitoring-schedule",
            "Scheduled",
            "monitoring-schedule-violated",
            "[WARNING] Monitoring schedule found violations · mine",
        ),
        ("cluster", "Failed", "cluster-failed", "[CRITICAL] Cluster failed · mine"),
        ("cluster", "InService", "cluster-event-error", "[WARNING] Cluster reports an error · llm/i-0123456789abcdef0"),
        ("notebook", "Failed", "notebook-failed", "[WARNING] Notebook instance failed · mine"),
    ],
)
def test_what_fails_is_told(world: World, kind: str, state: str, payload: str, subject: str) -> None:
    """A likely cause may follow."""
    resources = {
        "processing-job": {
            "ProcessingResources": {
                "ClusterConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1}
            }
        },
        "transform-job": {"TransformResources": {"InstanceType": "ml.m5.large", "InstanceCount": 1}},
    }.get(kind, {})
    name = subject.rpartition(" · ")[2].partition("/")[0]
    world.silent_resources.create(kind, name, **resources)

    world.resources.end(kind, name, state, payload)
    world.notified()

    assert [" · ".join((mail.subject or "").split(" · ")[:2]) for mail in world.mail()] == [subject]


# ---- the sweep


def test_resources_of_all_kinds_that_were_there_before_are_watched_after_the_first_sweep(world: World) -> None:
    world.forget_discoveries()
    quiet = world.silent_resources
    world.silent_sagemaker.create_pipeline("churn-train", "Train")
    world.silent_sagemaker.start_training_job("xgb", "ml.m5.2xlarge")
    quiet.start_processing_job("prep", "ml.m5.2xlarge")
    quiet.start_transform_job("score", "ml.m5.2xlarge")
    quiet.publish_hosts("score", "i-0a")
    quiet.create("feature-group", "customers")
    quiet.create("labeling-job", "cats")
    quiet.create("recommender-job", "which")
    quiet.publish(LOAD_TESTS, "ClientInvocations", JobName="which", EndpointName="sm-epc-1")
    quiet.create("monitoring-schedule", "churn-drift")
    quiet.publish(DRIFT, "feature_baseline_drift_age", Endpoint="churn", MonitoringSchedule="churn-drift")
    quiet.create("cluster", "llm")

    world.invoke("Sweep", {})
    world.reconciled()

    assert {"/".join(name.split("/")[1:3]) for name in world.names()} == {
        "cluster/llm",
        "feature-group/customers",
        "labeling-job/cats",
        "monitoring-schedule/churn-drift",
        "pipeline/churn-train",
        "processing-job/prep",
        "recommender-job/which",
        "training-job/xgb",
        "transform-job/score",
    }
