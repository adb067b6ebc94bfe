"""For each facet of an endpoint: a described endpoint in, the exact set of alarms out."""

from __future__ import annotations

from typing import Any

import pytest

from sagewatch.kinds.endpoint.observe import ENDPOINT
from sagewatch.kinds.inference_component import INFERENCE_COMPONENT
from sagewatch.model import Facts, Gap, Plan, Published, Ref
from sagewatch.watch.facts import facts_of
from sagewatch.watch.plan import plan
from tests.alarm_limits import broken
from tests.resources import BARE, answering, config, endpoint, variant

COMMON = {"memory", "disk", "cpu"}
REQUESTS = {
    *("errors-5xx", "errors-5xx-low-traffic", "model-errors", "model-errors-low-traffic"),
    *("latency-p99", "errors-4xx", "overhead-latency"),
    *("idle", "concurrency", "midstream-errors"),
}
REAL_TIME = COMMON | REQUESTS
GPU = {"gpu", "gpu-memory"}
MULTI_MODEL = {
    *("model-cache-hits", "model-loading-wait", "model-downloading"),
    *("model-loading", "model-unloading", "models-loaded"),
}
SERVERLESS = {
    *("errors-5xx", "errors-5xx-low-traffic", "latency-p99", "memory", "errors-4xx"),
    *("serverless-concurrency", "serverless-setup", "serverless-overhead"),
}
PROVISIONED = {"provisioned-concurrency", "provisioned-spillover"}
ASYNC = {"async-failures", "async-expired", "async-downloads", "async-uploads", "async-notifications"}
BACKLOG = {"backlog-without-capacity", "oldest-request", "backlog-per-instance"}
DIRECT = {
    *("container-latency", "container-errors-5xx", "container-errors-5xx-low-traffic", "container-errors-4xx"),
    *("container-cpu", "container-memory"),
}
RESERVED = {"cpu-reserved", "memory-reserved", "gpu-reserved"}
NAMED = REAL_TIME | GPU | MULTI_MODEL | SERVERLESS | PROVISIONED | ASYNC | BACKLOG | DIRECT | RESERVED
"""The rows that are spoken of here; a row that is added is none of them."""

ROLE = {"ExecutionRoleArn": "arn:aws:iam::123456789012:role/ml"}


def model(*containers: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A model as DescribeModel gives it."""
    if len(containers) == 1:
        return {"ModelName": "model", "PrimaryContainer": containers[0], **more}
    return {"ModelName": "model", "Containers": list(containers), **more}


def observed(described: Any, *metrics: Published, **answers: Any) -> Facts:
    return ENDPOINT.observe(
        described,
        answering(*metrics, **{"describe_model": model({"Image": "i"}), **answers}),
        facts_of(ENDPOINT, described),
    )


def planned(seen: Facts) -> Plan:
    facts = Facts(
        ref=Ref("endpoint", "churn"),
        live=True,
        scopes=seen.scopes,
        gaps=seen.gaps,
        rollback_alarms=seen.rollback_alarms,
    )
    return plan("sagewatch", ENDPOINT, facts)


def alarms(seen: Facts) -> dict[str, set[str]]:
    """Return the ids of the alarms that are spoken of here, by scope; all are checked against the API's limits."""
    found: dict[str, set[str]] = {}
    for alarm in planned(seen).alarms:
        assert broken(alarm.request) == []
        scope, alarm_id = alarm.name.removeprefix("sagewatch/endpoint/churn/").split("/")
        if alarm_id in NAMED:
            found.setdefault(scope, set()).add(alarm_id)
    return found


def dimensions(seen: Facts, name: str) -> set[tuple[str, ...]]:
    """Return the dimension sets that an alarm looks at, by the names of their dimensions."""
    alarm = next(each.request for each in planned(seen).alarms if each.name.endswith(f"/{name}"))
    sets = [query["MetricStat"]["Metric"]["Dimensions"] for query in alarm.get("Metrics", ()) if "MetricStat" in query]
    return {tuple(each["Name"] for each in one) for one in sets or [alarm["Dimensions"]]}


def test_real_time_variants() -> None:
    one, two = variant("cpu"), variant("gpu", "ml.g5.12xlarge")

    seen = observed(endpoint(one, two), describe_endpoint_config=config(one, two))

    assert alarms(seen) == {"cpu": REAL_TIME, "gpu": REAL_TIME | GPU}
    assert dimensions(seen, "cpu/latency-p99") == {("EndpointName", "VariantName")}


def test_a_serverless_endpoint_gets_what_it_publishes_and_nothing_else() -> None:
    one = variant(instance=None)

    assert alarms(observed(endpoint(one), describe_endpoint_config=config(one))) == {"AllTraffic": SERVERLESS}


def test_a_serverless_endpoint_with_provisioned_concurrency() -> None:
    one = variant(
        instance=None, ServerlessConfig={"MemorySizeInMB": 1024, "MaxConcurrency": 5, "ProvisionedConcurrency": 2}
    )

    seen = observed(endpoint(one), describe_endpoint_config=config(one))

    assert alarms(seen) == {"AllTraffic": SERVERLESS | PROVISIONED}


def test_the_namespace_of_serverless_metrics_is_the_one_that_is_published() -> None:
    one = variant(instance=None)
    where = {"EndpointName": "churn", "VariantName": "AllTraffic"}
    elsewhere = Published("/aws/sagemaker/Endpoints", "ServerlessConcurrentExecutionsUtilization", where)

    found, likely = (
        {alarm.name.rpartition("/")[2]: alarm.request.get("Namespace") for alarm in planned(seen).alarms}
        for seen in (
            observed(endpoint(one), elsewhere, describe_endpoint_config=config(one)),
            observed(endpoint(one), describe_endpoint_config=config(one)),
        )
    )

    assert (found["serverless-concurrency"], found["serverless-setup"]) == ("/aws/sagemaker/Endpoints", "AWS/SageMaker")
    assert likely["serverless-concurrency"] == "AWS/SageMaker"


def test_a_multi_model_endpoint() -> None:
    seen = observed(endpoint(), describe_endpoint_config=config(), describe_model=model({"Mode": "MultiModel"}))

    assert alarms(seen) == {"AllTraffic": REAL_TIME | MULTI_MODEL}


def test_an_inference_pipeline_has_the_latency_of_each_container() -> None:
    seen = observed(
        endpoint(),
        describe_endpoint_config=config(),
        describe_model=model({"ContainerHostname": "prepare"}, {"Image": "i"}, {"Image": "j"}),
    )

    assert alarms(seen) == {
        "AllTraffic": REAL_TIME,
        "AllTraffic.prepare": {"container-latency"},
        "AllTraffic.container-2": {"container-latency"},
        "AllTraffic.container-3": {"container-latency"},
    }
    assert dimensions(seen, "AllTraffic.prepare/container-latency") == {
        ("ContainerName", "EndpointName", "VariantName")
    }


def test_containers_that_are_called_directly_have_errors_cpu_and_memory_of_their_own() -> None:
    seen = observed(
        endpoint(),
        describe_endpoint_config=config(),
        describe_model=model({"Image": "i"}, {"Image": "j"}, InferenceExecutionConfig={"Mode": "Direct"}),
    )

    assert alarms(seen) == {
        "AllTraffic": REAL_TIME,
        "AllTraffic.container-1": DIRECT,
        "AllTraffic.container-2": DIRECT,
    }


def test_an_asynchronous_endpoint_has_a_backlog_by_its_name_alone_and_no_rates() -> None:
    seen = observed(endpoint(AsyncInferenceConfig={"OutputConfig": {}}), describe_endpoint_config=config())

    assert alarms(seen) == {"AllTraffic": COMMON | ASYNC, "all": BACKLOG}
    assert dimensions(seen, "all/oldest-request") == {("EndpointName",)}
    assert dimensions(seen, "AllTraffic/async-failures") == {("EndpointName", "VariantName")}


def test_an_endpoint_of_inference_components_leads_to_them() -> None:
    nameless = {"VariantName": "AllTraffic", "InstanceType": "ml.g5.12xlarge"}
    listed = {"InferenceComponents": [{"InferenceComponentName": "llm"}, {"InferenceComponentName": "rerank"}]}

    seen = observed(endpoint(), describe_endpoint_config=config(nameless, **ROLE), list_inference_components=listed)

    assert alarms(seen) == {"AllTraffic": COMMON | GPU | RESERVED}
    assert seen.children == (Ref("inference-component", "llm"), Ref("inference-component", "rerank"))


def test_an_inference_component_is_watched_under_its_own_name_alone() -> None:
    described = {
        "InferenceComponentName": "llm",
        "EndpointName": "churn",
        "VariantName": "AllTraffic",
        "Specification": {"ComputeResourceRequirements": {"NumberOfAcceleratorDevicesRequired": 1.0}},
    }

    seen = INFERENCE_COMPONENT.observe(described, answering(), BARE)
    facts = Facts(ref=Ref("inference-component", "llm"), live=True, scopes=seen.scopes, labels=seen.labels)
    wanted = plan("sagewatch", INFERENCE_COMPONENT, facts)

    made = {alarm.name.removeprefix("sagewatch/inference-component/llm/AllTraffic/") for alarm in wanted.alarms}
    assert made == {spec.id for spec in INFERENCE_COMPONENT.specs}
    assert "no-capacity" in made
    assert seen.scopes[0].series == ({"InferenceComponentName": "llm"},)
    assert all(" parent=endpoint/churn " in alarm.request["AlarmDescription"] for alarm in wanted.alarms)
    assert all(broken(alarm.request) == [] for alarm in wanted.alarms)


def test_a_shadow_variant_is_watched_like_the_others() -> None:
    shadow = {"ShadowProductionVariants": [variant("shadow")]}

    seen = observed(endpoint(**shadow), describe_endpoint_config=config(**shadow))

    assert alarms(seen) == {"AllTraffic": REAL_TIME, "shadow": REAL_TIME}


def test_a_variant_that_is_being_deployed_gets_its_alarms_when_it_is_in_service() -> None:
    pending = {"EndpointConfigName": "next", "ProductionVariants": [{"VariantName": "green"}, {"VariantName": "blue"}]}
    described = endpoint(variant("blue", "ml.m5.xlarge"), PendingDeploymentSummary=pending)
    configs = {
        "churn-config": config(variant("blue", "ml.m5.xlarge")),
        "next": config(variant("green", "ml.m5.4xlarge"), variant("blue", "ml.m5.4xlarge")),
    }

    seen = observed(described, describe_endpoint_config=lambda EndpointConfigName: configs[EndpointConfigName])  # noqa: N803

    thresholds = {a.name.split("/")[3]: a.request["Threshold"] for a in planned(seen).alarms if a.name.endswith("/cpu")}
    assert alarms(seen) == {"blue": REAL_TIME}
    assert thresholds == {"blue": 90 * 4}
    assert {("green", row) for row in REAL_TIME} <= planned(seen).unknown
    assert planned(seen).reports == ("green: it is not in service; its new alarms wait for that",)


def test_scaling_the_same_configuration_reads_no_other() -> None:
    pending = {"EndpointConfigName": "churn-config", "ProductionVariants": [{"VariantName": "AllTraffic"}]}

    seen = observed(endpoint(PendingDeploymentSummary=pending), describe_endpoint_config=config())

    assert alarms(seen) == {"AllTraffic": REAL_TIME}


def test_a_deleted_model_leaves_its_facets_unknown_and_the_variant_watched() -> None:
    seen = observed(endpoint(), describe_endpoint_config=config(), describe_model=None)

    assert alarms(seen) == {"AllTraffic": REAL_TIME}
    assert seen.gaps == (
        Gap(level="container", within="AllTraffic.", reason="its model model was deleted"),
        Gap(
            level="variant",
            scope="AllTraffic",
            traits=frozenset({"multi-model"}),
            reason="variant AllTraffic: its model model was deleted",
        ),
    )
    assert planned(seen).unknown >= {("AllTraffic", "model-cache-hits")}
    assert planned(seen).unknown_within >= {("AllTraffic.", "container-latency")}


def test_new_alarms_of_an_endpoint_warm_up_for_as_long_as_what_they_read_is_odd_at_first() -> None:
    seen = observed(endpoint(), describe_endpoint_config=config())

    warm_ups = {alarm.name.rpartition("/")[2]: alarm.warm_up for alarm in planned(seen).alarms}
    assert {row: minutes for row, minutes in warm_ups.items() if minutes != 10} == {
        "latency-p99": 45,
        "overhead-latency": 45,
        "cpu": 30,
        "idle": 1440,
    }
    assert {"errors-5xx", "memory", "disk"} <= warm_ups.keys()


@pytest.mark.parametrize("status", ["Creating", "Failed"])
def test_an_endpoint_that_is_not_in_service_gets_no_new_alarms_and_keeps_those_that_it_has(status: str) -> None:
    seen = observed(endpoint(EndpointStatus=status), describe_endpoint_config=config())

    wanted = planned(seen)

    assert wanted.alarms == ()
    assert wanted.unknown >= {("AllTraffic", "errors-5xx"), ("AllTraffic", "disk")}
    assert wanted.reports == ("AllTraffic: it is not in service; its new alarms wait for that",)


@pytest.mark.parametrize(("seconds", "number"), [(120, 7), (180, 5), (240, 3), (300, 3)])
def test_what_is_published_less_than_once_a_minute_is_judged_by_the_points_that_there_are(
    seconds: int, number: int
) -> None:
    seen = observed(
        endpoint(MetricsConfig={"MetricPublishFrequencyInSeconds": seconds}), describe_endpoint_config=config()
    )

    periods = periods_of(seen)
    assert periods["memory"] == periods["disk"] == periods["cpu"] == (seconds, number, number)
    assert periods["concurrency"] == (60, 10, 10)
    assert "in 3 of 3 periods of 5 min" in description(seen, "cpu") or seconds < 300


def test_enhanced_metrics_publish_requests_as_seldom() -> None:
    metrics = {"MetricPublishFrequencyInSeconds": 300, "EnableEnhancedMetrics": True}

    periods = periods_of(observed(endpoint(), describe_endpoint_config=config(MetricsConfig=metrics)))

    assert periods["concurrency"] == (300, 3, 3)
    assert periods["errors-5xx"] == (300, 1, 1)
    assert periods["cpu"] == (300, 3, 3)


@pytest.mark.parametrize("seconds", [45, 900, 0, "300", None, [60]])
def test_an_unknown_publish_frequency_leaves_open_only_the_rows_that_count_minutes_of_it(seconds: object) -> None:
    metrics = {"MetricPublishFrequencyInSeconds": seconds}

    wanted = planned(observed(endpoint(MetricsConfig=metrics), describe_endpoint_config=config()))

    made = {alarm.name.rpartition("/")[2] for alarm in wanted.alarms}
    assert made >= {"errors-5xx", "latency-p99", "idle", "concurrency"}
    assert made.isdisjoint({"memory", "disk", "cpu"})
    assert {("AllTraffic", "memory"), ("AllTraffic", "disk"), ("AllTraffic", "cpu")} <= wanted.unknown
    assert wanted.reports == (
        "AllTraffic: how often its metrics are published is not known (MetricPublishFrequencyInSeconds)",
    )


POOLS = [{"InstanceType": "ml.m5.xlarge", "Priority": 1}, {"InstanceType": "ml.g5.12xlarge", "Priority": 2}]


def by_type(instance_type: str, **more: str) -> Published:
    where = {"EndpointName": "churn", "VariantName": "AllTraffic", "InstanceType": instance_type, **more}
    return Published("/aws/sagemaker/Endpoints", "CPUUtilization", where)


def test_instance_pools_are_watched_by_type_in_the_dimensions_that_are_published() -> None:
    pooled = config({"VariantName": "AllTraffic", "ModelName": "model", "InstancePools": POOLS})
    zones = [by_type("ml.g5.12xlarge", AvailabilityZone=zone, Region="us-east-1") for zone in ("a", "b")]

    seen = observed(endpoint(), by_type("ml.m5.xlarge"), *zones, describe_endpoint_config=pooled)

    made = {alarm.name.partition("AllTraffic.")[2]: alarm.request for alarm in planned(seen).alarms}
    assert made.keys() - {""} == {
        "ml.m5.xlarge/pool-cpu",
        *(f"ml.g5.12xlarge/{row}" for row in ("pool-cpu", "pool-gpu", "pool-gpu-memory")),
    }
    assert made["ml.m5.xlarge/pool-cpu"]["Threshold"] == 90 * 4
    assert made["ml.g5.12xlarge/pool-cpu"]["Threshold"] == 90 * 48
    assert [each.get("Expression") for each in made["ml.g5.12xlarge/pool-cpu"]["Metrics"]] == [
        None,
        None,
        "MAX([m1,m2])",
    ]


def test_instance_pools_of_which_nothing_is_listed_are_gaps_by_type() -> None:
    pooled = config({"VariantName": "AllTraffic", "ModelName": "model", "InstancePools": POOLS})

    seen = observed(endpoint(), describe_endpoint_config=pooled)

    assert {gap.scope for gap in seen.gaps} == {"AllTraffic", "AllTraffic.ml.m5.xlarge", "AllTraffic.ml.g5.12xlarge"}
    assert alarms(seen) == {"AllTraffic": REAL_TIME - {"cpu"}}


def test_an_endpoint_without_the_name_of_a_configuration_is_watched_without_its_capacity() -> None:
    described = {key: value for key, value in endpoint().items() if key != "EndpointConfigName"}

    assert alarms(observed(described)) == {"AllTraffic": REAL_TIME - {"cpu"}}


def periods_of(seen: Facts) -> dict[str, tuple[int, int, int]]:
    """Return period, evaluation periods and data points of each alarm."""
    requests = {each.name.rpartition("/")[2]: each.request for each in planned(seen).alarms}
    return {
        row: (
            request.get("Period") or request["Metrics"][0]["MetricStat"]["Period"],
            request["EvaluationPeriods"],
            request["DatapointsToAlarm"],
        )
        for row, request in requests.items()
    }


def description(seen: Facts, row: str) -> str:
    [found] = [each for each in planned(seen).alarms if each.name.endswith(f"/{row}")]
    text: str = found.request["AlarmDescription"]
    return text


def test_idling_says_what_it_costs_where_that_is_known() -> None:
    def idle(instance: str) -> str:
        one = variant(instance=instance)
        seen = observed(endpoint(one), describe_endpoint_config=config(one))
        return next(a.request["AlarmDescription"] for a in planned(seen).alarms if a.name.endswith("/idle"))

    assert "Each instance costs about $" in idle("ml.g5.xlarge")
    assert " a month (us-east-1). Delete it, " in idle("ml.g5.xlarge")


def test_the_alarms_of_a_deployments_guardrail_are_known() -> None:
    guard = {"Alarms": [{"AlarmName": "sagewatch/endpoint/churn/old/latency-p99"}, {"AlarmName": "mine"}]}

    seen = observed(
        endpoint(LastDeploymentConfig={"AutoRollbackConfiguration": guard}), describe_endpoint_config=config()
    )

    assert seen.rollback_alarms == {"sagewatch/endpoint/churn/old/latency-p99", "mine"}
