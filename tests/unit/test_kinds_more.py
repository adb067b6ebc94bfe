"""The kinds beyond endpoints, jobs and pipelines: a described resource in, the exact scopes, gaps and alarms out."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from sagewatch.kinds.ai_benchmark_job import AI_BENCHMARK_JOB
from sagewatch.kinds.ai_recommendation_job import AI_RECOMMENDATION_JOB
from sagewatch.kinds.automl_job import AUTOML_JOB
from sagewatch.kinds.cluster import CLUSTER
from sagewatch.kinds.compilation_job import COMPILATION_JOB
from sagewatch.kinds.feature_group import FEATURE_GROUP
from sagewatch.kinds.kind import Kind
from sagewatch.kinds.labeling_job import LABELING_JOB
from sagewatch.kinds.monitoring_schedule import MONITORING_SCHEDULE
from sagewatch.kinds.notebook import NOTEBOOK
from sagewatch.kinds.optimization_job import OPTIMIZATION_JOB
from sagewatch.kinds.recommender_job import RECOMMENDER_JOB
from sagewatch.kinds.sagemaker_job import LISTED, SAGEMAKER_JOB, TOLD
from sagewatch.kinds.tuning_job import TUNING_JOB
from sagewatch.model import Capacity, Description, Facts, Gap, Plan, Published, Ref, Scope
from sagewatch.watch.plan import plan
from tests.alarm_limits import broken
from tests.resources import ACCOUNT, BARE, THEN, answering, observed

STORE = "AWS/SageMaker/FeatureStore"
LABELING = "AWS/SageMaker/LabelingJobs"
WORKTEAM = "AWS/SageMaker/Workteam"
RECOMMENDER = "/aws/sagemaker/InferenceRecommendationsJobs"
DATA = "aws/sagemaker/Endpoints/data-metrics"
UNSCHEDULABLE = "hyperpod_node_health_status_unschedulable"


def feature_group(online: bool = True, name: str = "customers", **more: Any) -> Description:
    return {
        "FeatureGroupName": name,
        "FeatureGroupArn": f"{ACCOUNT}:feature-group/{name}",
        "FeatureGroupStatus": "Created",
        "OnlineStoreConfig": {"EnableOnlineStore": online},
        "CreationTime": THEN,
        **more,
    }


def provisioned(reads: int = 500, writes: int = 100) -> dict[str, Any]:
    units = {"ProvisionedReadCapacityUnits": reads, "ProvisionedWriteCapacityUnits": writes}
    return {"ThroughputConfig": {"ThroughputMode": "Provisioned", **units}}


def labeling_job(name: str = "cats", **more: Any) -> Description:
    return {
        "LabelingJobName": name,
        "LabelingJobArn": f"{ACCOUNT}:labeling-job/{name}",
        "LabelingJobStatus": "InProgress",
        **more,
    }


def recommender_job(name: str = "churn-sizing", **more: Any) -> Description:
    arn = f"{ACCOUNT}:inference-recommendations-job/{name}"
    return {"JobName": name, "JobArn": arn, "Status": "IN_PROGRESS", **more}


def schedule(name: str = "churn-drift", type_: str | None = "DataQuality", **more: Any) -> Description:
    return {
        "MonitoringScheduleName": name,
        "MonitoringScheduleArn": f"{ACCOUNT}:monitoring-schedule/{name}",
        "MonitoringScheduleStatus": "Scheduled",
        "MonitoringScheduleConfig": {"MonitoringType": type_} if type_ else {},
        **more,
    }


def cluster(eks: str | None = "research", name: str = "llm", **more: Any) -> Description:
    arn = f"arn:aws:eks:us-east-1:123456789012:cluster/{eks}"
    return {
        "ClusterName": name,
        "ClusterArn": f"{ACCOUNT}:cluster/a1b2c3d4e5f6",
        "ClusterStatus": "InService",
        "Orchestrator": {"Eks": {"ClusterArn": arn}} if eks else {"Slurm": {}},
        **more,
    }


def planned(kind: Kind, description: Description, *metrics: Published) -> Plan:
    seen = observed(kind, description, answering(*metrics))
    ref = Ref(kind.name, description[kind.parameter])
    wanted = plan("sagewatch", kind, Facts(ref=ref, live=True, scopes=seen.scopes, gaps=seen.gaps))
    assert {alarm.name: broken(alarm.request) for alarm in wanted.alarms if broken(alarm.request)} == {}
    return wanted


def names(wanted: Plan) -> set[str]:
    return {alarm.name.removeprefix("sagewatch/") for alarm in wanted.alarms}


def request(wanted: Plan, name: str) -> dict[str, Any]:
    return dict(next(alarm.request for alarm in wanted.alarms if alarm.name == f"sagewatch/{name}"))


def dimensions(**values: str) -> list[dict[str, str]]:
    return [{"Name": name, "Value": value} for name, value in values.items()]


# ------------------------------------------------------------------------------------------------ feature groups


def operation(name: str, namespace: str | None = None, **more: Any) -> Scope:
    series = ({"FeatureGroupName": "customers", "OperationName": name},)
    return Scope(level="operation", name=name, series=series, namespace=namespace, **more)


def test_a_feature_group_is_watched_by_operation_in_the_likely_namespace() -> None:
    seen = observed(FEATURE_GROUP, feature_group(), answering())

    assert seen == replace(BARE, scopes=(operation("GetRecord"), operation("PutRecord")))
    assert names(planned(FEATURE_GROUP, feature_group())) == {
        f"feature-group/customers/{name}/{alarm}"
        for name in ("GetRecord", "PutRecord")
        for alarm in ("errors-5xx", "errors-5xx-low-traffic", "errors-4xx", "throttled", "latency-p99")
    }


def test_an_offline_feature_group_publishes_nothing_to_watch() -> None:
    nothing = feature_group()
    nothing = {key: value for key, value in nothing.items() if key != "OnlineStoreConfig"}

    assert observed(FEATURE_GROUP, feature_group(online=False), answering()) == BARE
    assert observed(FEATURE_GROUP, nothing, answering()) == BARE


def test_the_namespace_and_further_operations_of_a_feature_group_are_discovered() -> None:
    used = {"FeatureGroupName": "customers", "OperationName": "DeleteRecord"}
    mine = Published("Customers/Features", "Latency", {"FeatureGroupName": "customers", "OperationName": "Mine"})
    batch = Published(STORE, "Latency", {"OperationName": "BatchGetRecord"})
    odd = Published(STORE, "Latency", {"FeatureGroupName": "customers"})

    read = answering(Published(STORE, "Latency", used), mine, batch, odd)
    wanted = planned(FEATURE_GROUP, feature_group(), Published(STORE, "Latency", used))

    assert observed(FEATURE_GROUP, feature_group(), read) == replace(
        BARE, scopes=(operation("DeleteRecord", STORE), operation("GetRecord", STORE), operation("PutRecord", STORE))
    )
    assert request(wanted, "feature-group/customers/GetRecord/throttled")["Namespace"] == STORE
    metrics = request(wanted, "feature-group/customers/PutRecord/errors-5xx")["Metrics"]
    assert {query["MetricStat"]["Metric"]["Namespace"] for query in metrics if "MetricStat" in query} == {STORE}


def test_provisioned_capacity_is_a_share_of_units_a_second() -> None:
    wanted = planned(FEATURE_GROUP, feature_group(**provisioned()))

    alarm = request(wanted, "feature-group/customers/GetRecord/read-capacity")

    assert names(wanted) >= {
        "feature-group/customers/GetRecord/read-capacity",
        "feature-group/customers/PutRecord/write-capacity",
    }
    assert len(wanted.alarms) == 2 + len(planned(FEATURE_GROUP, feature_group()).alarms)
    assert alarm["Threshold"] == 80 * 500
    assert request(wanted, "feature-group/customers/PutRecord/write-capacity")["Threshold"] == 80 * 100
    [consumed, result] = alarm["Metrics"]
    assert consumed["MetricStat"]["Metric"]["MetricName"] == "ConsumedReadCapacityUnits"
    assert (consumed["MetricStat"]["Stat"], consumed["MetricStat"]["Period"]) == ("Sum", 60)
    assert result["Expression"] == "100 * consumed / 60"
    assert alarm["AlarmDescription"].startswith("Fires on consumed read capacity over 80 % of 500 units in 5 of 5")
    assert " units=500 " in alarm["AlarmDescription"]


def test_the_scopes_of_a_provisioned_group_have_the_capacity_of_their_side() -> None:
    seen = observed(FEATURE_GROUP, feature_group(**provisioned()), answering())

    assert seen.scopes == (
        operation("GetRecord", traits=frozenset({"reads", "provisioned"}), capacity=Capacity(0, units=500)),
        operation("PutRecord", traits=frozenset({"writes", "provisioned"}), capacity=Capacity(0, units=100)),
    )


@pytest.mark.parametrize("throughput", [{"ThroughputMode": "OnDemand"}, {"ThroughputMode": "Provisioned"}, None])
def test_without_provisioned_units_there_is_no_capacity_to_use_up(throughput: dict[str, Any] | None) -> None:
    seen = observed(FEATURE_GROUP, feature_group(ThroughputConfig=throughput), answering())

    assert seen.scopes == (operation("GetRecord"), operation("PutRecord"))


def test_a_change_of_throughput_is_another_version_of_a_feature_group() -> None:
    before, after = feature_group(**provisioned()), feature_group(**provisioned(reads=1000))

    assert FEATURE_GROUP.version(before) != FEATURE_GROUP.version(after)
    assert FEATURE_GROUP.version(before) == FEATURE_GROUP.version({**before, "OnlineStoreTotalSizeBytes": 7})


# ------------------------------------------------------------------------------------------------ labeling jobs


def test_a_labeling_job_is_watched_for_objects_that_fail() -> None:
    seen = observed(LABELING_JOB, labeling_job(), answering())
    alarm = request(planned(LABELING_JOB, labeling_job()), "labeling-job/cats/all/objects-failed")

    assert seen == replace(BARE, scopes=(Scope(level="job", name="all", series=({"LabelingJobName": "cats"},)),))
    assert names(planned(LABELING_JOB, labeling_job())) == {"labeling-job/cats/all/objects-failed"}
    assert (alarm["Namespace"], alarm["MetricName"], alarm["Statistic"]) == (
        "AWS/Sagemaker/LabelingJobs",
        "DatasetObjectsLabelingFailed",
        "Maximum",
    )
    assert (alarm["Threshold"], alarm["TreatMissingData"]) == (0.0, "ignore")


def test_the_namespace_of_a_labeling_job_is_discovered() -> None:
    listed = Published(LABELING, "DatasetObjectsLabelingFailed", {"LabelingJobName": "cats"})
    neighbour = Published("AWS/SageMaker", "DatasetObjectsLabelingFailed", {"LabelingJobName": "cats-2"})

    wanted = planned(LABELING_JOB, labeling_job(), neighbour, listed)

    assert request(wanted, "labeling-job/cats/all/objects-failed")["Namespace"] == LABELING


def worker(metric: str, number: int, job: str = "cats") -> Published:
    return Published(WORKTEAM, metric, {"CognitoUserPool": "pool", "LabelingJob": job, "WorkerId": f"w{number:02}"})


def test_tasks_are_watched_by_the_dimensions_that_are_discovered() -> None:
    declined = [worker("TasksDeclined", number) for number in range(1, 3)]

    wanted = planned(
        LABELING_JOB, labeling_job(), *declined, worker("TasksReturned", 1), worker("TasksReturned", 2, "dogs")
    )

    alarm = request(wanted, "labeling-job/cats/workers/tasks-declined")
    assert names(wanted) == {
        "labeling-job/cats/all/objects-failed",
        "labeling-job/cats/workers/tasks-declined",
        "labeling-job/cats/workers/tasks-returned",
    }
    assert [query.get("Expression") for query in alarm["Metrics"]] == [None, None, "SUM([m1,m2])"]
    assert alarm["Metrics"][1]["MetricStat"]["Metric"] == {
        "Namespace": WORKTEAM,
        "MetricName": "TasksDeclined",
        "Dimensions": dimensions(CognitoUserPool="pool", LabelingJob="cats", WorkerId="w02"),
    }
    assert request(wanted, "labeling-job/cats/workers/tasks-returned")["MetricName"] == "TasksReturned"


def test_many_workers_are_watched_in_tens_and_all_as_one_where_that_is_published() -> None:
    many = [worker("TasksDeclined", number) for number in range(23)]
    whole = Published(WORKTEAM, "TasksDeclined", {"Workteam": "team", "LabelingJob": "cats"})

    tens = observed(LABELING_JOB, labeling_job(), answering(*many)).scopes[1:]
    one = observed(LABELING_JOB, labeling_job(), answering(*many, whole)).scopes[1:]

    assert [(scope.name, len(scope.series)) for scope in tens] == [
        ("workers-1", 10),
        ("workers-2", 10),
        ("workers-3", 3),
    ]
    assert one == (Scope(level="declined", name="workers", series=(whole.dimensions,), namespace=WORKTEAM),)


def test_failed_jobs_of_the_account_are_watched_only_where_they_are_published_without_dimensions() -> None:
    foreign = Published("AWS/Glue", "JobsFailed", {})
    odd = Published(LABELING, "JobsFailed", {"Workteam": "team"})

    wanted = planned(LABELING_JOB, labeling_job(), Published(LABELING, "JobsFailed", {}), foreign, odd)

    alarm = request(wanted, "labeling-job/cats/account/jobs-failed")
    assert (alarm["Namespace"], alarm.get("Dimensions")) == (LABELING, None)
    assert names(planned(LABELING_JOB, labeling_job(), foreign, odd)) == {"labeling-job/cats/all/objects-failed"}


# ------------------------------------------------------------------------------------------------ recommender jobs


def load_test(endpoint: str, job: str = "churn-sizing") -> Published:
    return Published(RECOMMENDER, "ClientInvocations", {"JobName": job, "EndpointName": endpoint})


def test_a_recommender_job_is_watched_by_the_endpoints_that_it_tests() -> None:
    listed = load_test("sm-epc-b"), load_test("sm-epc-a"), load_test("sm-epc-c", "other")
    alone = Published(RECOMMENDER, "ClientInvocations", {"JobName": "churn-sizing"})

    seen = observed(RECOMMENDER_JOB, recommender_job(), answering(*listed, alone))
    wanted = planned(RECOMMENDER_JOB, recommender_job(), *listed)

    assert seen == replace(
        BARE,
        scopes=tuple(
            Scope(level="endpoint", name=name, series=({"JobName": "churn-sizing", "EndpointName": name},))
            for name in ("sm-epc-a", "sm-epc-b")
        ),
    )
    assert names(wanted) == {
        f"recommender-job/churn-sizing/{name}/{alarm}"
        for name in ("sm-epc-a", "sm-epc-b")
        for alarm in ("client-errors", "client-errors-low-traffic", "client-latency")
    }
    latency = request(wanted, "recommender-job/churn-sizing/sm-epc-a/client-latency")
    slowest = latency["Metrics"][0]["MetricStat"]
    assert (slowest["Metric"]["Namespace"], slowest["Stat"], latency["Threshold"]) == (RECOMMENDER, "p50", 1000.0)
    assert "over 1.00 s" in latency["AlarmDescription"]


def test_a_recommender_job_whose_endpoints_are_not_listed_yet_is_a_gap() -> None:
    seen = observed(RECOMMENDER_JOB, recommender_job(), answering())

    assert seen == replace(
        BARE, gaps=(Gap(level="endpoint", reason="CloudWatch lists no load test of churn-sizing yet"),)
    )
    unknown = planned(RECOMMENDER_JOB, recommender_job()).unknown
    assert unknown == {(None, "client-errors"), (None, "client-errors-low-traffic"), (None, "client-latency")}


# ------------------------------------------------------------------------------------------------ monitoring


def drift(feature: str, namespace: str = DATA, **values: str) -> Published:
    found = values or {"Endpoint": "churn", "MonitoringSchedule": "churn-drift"}
    return Published(namespace, f"feature_baseline_drift_{feature}", found)


def test_a_schedule_is_watched_by_the_features_whose_drift_is_published() -> None:
    data = Published(DATA, "feature_data_age", {"Endpoint": "churn", "MonitoringSchedule": "churn-drift"})
    neighbour = drift("age", Endpoint="churn", MonitoringSchedule="churn-drift-2")

    wanted = planned(MONITORING_SCHEDULE, schedule(), drift("plan"), drift("age"), data, neighbour)

    assert names(wanted) == {f"monitoring-schedule/churn-drift/{feature}/drift" for feature in ("age", "plan")}
    alarm = request(wanted, "monitoring-schedule/churn-drift/age/drift")
    assert (alarm["Namespace"], alarm["MetricName"]) == (DATA, "feature_baseline_drift_age")
    assert alarm["Dimensions"] == dimensions(Endpoint="churn", MonitoringSchedule="churn-drift")
    assert (alarm["Threshold"], alarm["TreatMissingData"], alarm["Period"]) == (0.2, "ignore", 3600)


@pytest.mark.parametrize(
    ("namespace", "values"),
    [
        ("aws/sagemaker/ModelMonitoring/data-metrics", {"MonitoringSchedule": "churn-drift"}),
        ("/aws/sagemaker/Endpoints/data-metric", {"EndpointName": "churn", "ScheduleName": "churn-drift"}),
    ],
)
def test_drift_is_found_in_every_namespace_and_dimension_set_that_is_published(
    namespace: str, values: dict[str, str]
) -> None:
    wanted = planned(MONITORING_SCHEDULE, schedule(), drift("age", namespace, **values))

    alarm = request(wanted, "monitoring-schedule/churn-drift/age/drift")
    assert (alarm["Namespace"], alarm["Dimensions"]) == (namespace, dimensions(**values))


def test_somebodys_own_metrics_of_a_schedule_are_left_alone() -> None:
    own = drift("age", "Churn/Drift")

    seen = observed(MONITORING_SCHEDULE, schedule(), answering(own))

    assert seen == replace(
        BARE, gaps=(Gap(level="feature", reason="CloudWatch lists no drift that churn-drift found yet"),)
    )


def test_a_feature_that_is_published_twice_has_one_alarm() -> None:
    twice = drift("age"), drift("age", MonitoringSchedule="churn-drift")

    assert len(planned(MONITORING_SCHEDULE, schedule(), *twice).alarms) == 1


def test_features_with_long_names_that_begin_alike_have_alarms_of_their_own() -> None:
    one, two = "x" * 200 + "1", "x" * 200 + "2"

    assert (
        len(
            names(
                planned(
                    MONITORING_SCHEDULE,
                    schedule("s" * 63),
                    *(drift(feature, Endpoint="churn", MonitoringSchedule="s" * 63) for feature in (one, two)),
                )
            )
        )
        == 2
    )


@pytest.mark.parametrize("type_", ["ModelQuality", "ModelBias", "ModelExplainability"])
def test_schedules_without_features_have_only_notices(type_: str) -> None:
    assert observed(MONITORING_SCHEDULE, schedule(type_=type_), answering()) == BARE
    assert observed(MONITORING_SCHEDULE, schedule(type_=None, MonitoringType=type_), answering()) == BARE


def test_a_schedule_of_unknown_type_may_have_features() -> None:
    assert len(planned(MONITORING_SCHEDULE, schedule(type_=None), drift("age")).alarms) == 1


# ------------------------------------------------------------------------------------------------ clusters


def test_a_cluster_on_eks_is_watched_by_the_name_of_its_eks_cluster() -> None:
    wanted = planned(CLUSTER, cluster())

    assert names(wanted) == {
        "cluster/llm/all/nodes-unschedulable",
        "cluster/llm/all/nodes-awaiting-replacement",
        "cluster/llm/all/nodes-awaiting-reboot",
    }
    alarm = request(wanted, "cluster/llm/all/nodes-awaiting-replacement")
    assert (alarm["Namespace"], alarm["MetricName"]) == ("ContainerInsights", f"{UNSCHEDULABLE}_pending_replacement")
    assert alarm["Dimensions"] == dimensions(ClusterName="research")


@pytest.mark.parametrize(
    ("listed", "named"),
    [
        ((), "research"),
        (("llm",), "llm"),
        (("llm", "research"), "research"),
        (("another",), "research"),
    ],
)
def test_cloudwatch_decides_which_name_a_cluster_has_there(listed: tuple[str, ...], named: str) -> None:
    metrics = [Published("ContainerInsights", UNSCHEDULABLE, {"ClusterName": name}) for name in listed]
    node = Published("ContainerInsights", UNSCHEDULABLE, {"ClusterName": "llm", "InstanceId": "i-0", "NodeName": "n"})

    seen = observed(CLUSTER, cluster(), answering(*metrics, node))

    assert seen == replace(BARE, scopes=(Scope(level="cluster", name="all", series=({"ClusterName": named},)),))


def test_a_slurm_cluster_has_only_notices() -> None:
    assert observed(CLUSTER, cluster(eks=None), answering()) == BARE
    assert observed(CLUSTER, cluster(Orchestrator=None), answering()) == BARE


# ------------------------------------------------------------------------------------------------ all of them


NEO_RUNNING, NEO_ENDED = {"STARTING", "INPROGRESS", "STOPPING"}, {"COMPLETED", "FAILED", "STOPPED"}


def test_what_publishes_nothing_has_only_notices() -> None:
    for kind in (TUNING_JOB, AUTOML_JOB, SAGEMAKER_JOB, OPTIMIZATION_JOB, COMPILATION_JOB, AI_BENCHMARK_JOB, NOTEBOOK):
        assert (kind.specs, observed(kind, {}, answering())) == ((), BARE)


@pytest.mark.parametrize(
    ("kind", "field", "alive", "over"),
    [
        (
            TUNING_JOB,
            "HyperParameterTuningJobStatus",
            {"InProgress", "Stopping"},
            {"Completed", "Failed", "Stopped", "Deleting", "DeleteFailed"},
        ),
        (AUTOML_JOB, "AutoMLJobStatus", {"InProgress", "Stopping"}, {"Completed", "Failed", "Stopped"}),
        (
            SAGEMAKER_JOB,
            "JobStatus",
            {"InProgress", "Stopping"},
            {"Completed", "Failed", "Stopped", "Deleting", "DeleteFailed"},
        ),
        (OPTIMIZATION_JOB, "OptimizationJobStatus", NEO_RUNNING, NEO_ENDED),
        (COMPILATION_JOB, "CompilationJobStatus", NEO_RUNNING, NEO_ENDED),
        (AI_BENCHMARK_JOB, "AIBenchmarkJobStatus", {"InProgress", "Stopping"}, {"Completed", "Failed", "Stopped"}),
        (
            AI_RECOMMENDATION_JOB,
            "AIRecommendationJobStatus",
            {"InProgress", "Stopping"},
            {"Completed", "Failed", "Stopped"},
        ),
        (FEATURE_GROUP, "FeatureGroupStatus", {"Creating", "Created", "DeleteFailed"}, {"CreateFailed", "Deleting"}),
        (
            LABELING_JOB,
            "LabelingJobStatus",
            {"Initializing", "InProgress"},
            {"Completed", "Failed", "Stopping", "Stopped"},
        ),
        (
            RECOMMENDER_JOB,
            "Status",
            {"PENDING", "IN_PROGRESS"},
            {"COMPLETED", "FAILED", "STOPPING", "STOPPED", "DELETING", "DELETED"},
        ),
        (MONITORING_SCHEDULE, "MonitoringScheduleStatus", {"Pending", "Failed", "Scheduled", "Stopped"}, set()),
        (
            CLUSTER,
            "ClusterStatus",
            {"Creating", "Failed", "InService", "RollingBack", "SystemUpdating", "Updating"},
            {"Deleting"},
        ),
        (
            NOTEBOOK,
            "NotebookInstanceStatus",
            {"Pending", "InService", "Stopping", "Stopped", "Failed", "Updating"},
            {"Deleting"},
        ),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
def test_a_resource_is_over_at_each_of_its_ends(kind: Kind, field: str, alive: set[str], over: set[str]) -> None:
    assert {status for status in alive | over if kind.live({field: status})} == alive


@pytest.mark.parametrize(
    ("kind", "statuses"),
    [
        (TUNING_JOB, {"InProgress", "Stopping"}),
        (AUTOML_JOB, {"InProgress", "Stopping"}),
        (SAGEMAKER_JOB, {"InProgress", "Stopping", *TOLD, *LISTED}),
        (OPTIMIZATION_JOB, NEO_RUNNING),
        (COMPILATION_JOB, NEO_RUNNING),
        (AI_BENCHMARK_JOB, {"InProgress", "Stopping"}),
        (AI_RECOMMENDATION_JOB, {"InProgress", "Stopping"}),
        (FEATURE_GROUP, {"Creating", "Created", "DeleteFailed"}),
        (LABELING_JOB, {"Initializing", "InProgress"}),
        (RECOMMENDER_JOB, {"PENDING", "IN_PROGRESS"}),
        (MONITORING_SCHEDULE, set()),
        (CLUSTER, set()),
        (NOTEBOOK, set()),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
def test_only_what_is_live_is_listed(kind: Kind, statuses: set[str]) -> None:
    assert {status for filters in kind.listing.filters for status in filters.values()} == statuses
