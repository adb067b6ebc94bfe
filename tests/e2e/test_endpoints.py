"""Endpoints, from EventBridge's rule to CloudWatch's alarms, through what sam built and deployed."""

from __future__ import annotations

import pytest

from sagewatch.kinds.endpoint.observe import ENDPOINT
from sagewatch_cli.local.drivers.sagemaker import ProductionVariant
from tests.e2e.world import World
from tests.resources import rows_of

pytestmark = pytest.mark.e2e

ON_CPU = rows_of(ENDPOINT, "variant", "instance", "requests")
ON_GPU = rows_of(ENDPOINT, "variant", "instance", "requests", "gpu")
SERVERLESS = rows_of(ENDPOINT, "variant", "requests", "serverless") | rows_of(ENDPOINT, "serverless")
ON_CPU_VARIANT = ProductionVariant("AllTraffic", "ml.m5.2xlarge")


def names(endpoint: str, variant: str, alarms: set[str]) -> set[str]:
    return {f"sagewatch/endpoint/{endpoint}/{variant}/{alarm}" for alarm in alarms}


def test_each_variant_of_a_new_endpoint_gets_the_alarms_that_its_hardware_publishes(world: World) -> None:
    world.sagemaker.create_endpoint(
        "churn", ProductionVariant("cpu", "ml.m5.2xlarge"), ProductionVariant("gpu", "ml.g5.12xlarge")
    )
    world.reconciled()

    assert world.names() == names("churn", "cpu", ON_CPU) | names("churn", "gpu", ON_GPU)


def test_an_alarm_is_written_complete(world: World) -> None:
    world.sagemaker.create_endpoint("churn", ON_CPU_VARIANT, tags={"team": "fraud"})
    world.reconciled()

    alarm = world.alarms()["sagewatch/endpoint/churn/AllTraffic/cpu"]
    assert {
        "Namespace": "/aws/sagemaker/Endpoints",
        "MetricName": "CPUUtilization",
        "Dimensions": [
            {"Name": "EndpointName", "Value": "churn"},
            {"Name": "VariantName", "Value": "AllTraffic"},
        ],
        "Statistic": "Average",
        "Period": 60,
        "EvaluationPeriods": 10,
        "DatapointsToAlarm": 8,
        "Threshold": 90.0 * 8,
        "ComparisonOperator": "GreaterThanThreshold",
        "TreatMissingData": "notBreaching",
        "ActionsEnabled": True,
        "StateValue": "INSUFFICIENT_DATA",
    }.items() <= alarm.items()
    assert (
        "[sagewatch severity=warning kind=endpoint resource=churn scope=AllTraffic alarm=cpu team=fraud vcpus=8"
        in (alarm["AlarmDescription"].splitlines()[-1])
    )


def test_a_serverless_endpoint_gets_the_serverless_alarms_only(world: World) -> None:
    serverless = {"MemorySizeInMB": 2048, "MaxConcurrency": 5}

    world.sagemaker.create_endpoint("scores", ProductionVariant("AllTraffic", serverless=serverless))
    world.reconciled()

    assert world.names() == names("scores", "AllTraffic", SERVERLESS)


def test_duplicate_reordered_and_late_events_write_nothing_more(world: World) -> None:
    world.sagemaker.create_endpoint("churn", ON_CPU_VARIANT)
    in_service = world.sagemaker.endpoint_event("churn")
    world.reconciled()
    made = len(world.writes())

    creating = world.events.make("endpoint-creating", detail={"EndpointName": "churn"})
    for event in (in_service, in_service, in_service, in_service, in_service, creating):
        world.stack.bus.put_event(event)
    world.reconciled()

    assert len(world.writes()) == made
    assert world.names() == names("churn", "AllTraffic", ON_CPU)


def test_a_deleting_event_that_comes_after_the_end_brings_nothing_back(world: World) -> None:
    world.sagemaker.create_endpoint("churn", ON_CPU_VARIANT)
    world.reconciled()
    world.sagemaker.delete_endpoint("churn")
    world.reconciled()
    made = len(world.writes())

    late = [
        world.events.make(name, detail={"EndpointName": "churn"})
        for name in ("endpoint-deleting", "endpoint-in-service", "endpoint-deleted", "endpoint-deleting")
    ]
    for event in late:
        world.stack.bus.put_event(event)
    world.reconciled()

    assert (world.names(), len(world.writes())) == (set(), made)


def test_alarms_go_as_soon_as_an_endpoint_is_being_deleted(world: World) -> None:
    world.sagemaker.create_endpoint("churn", ON_CPU_VARIANT)
    world.reconciled()

    world.sagemaker.client.delete_endpoint(EndpointName="churn")
    world.stack.bus.put_event(world.sagemaker.endpoint_event("churn"))
    world.reconciled()

    assert world.names() == set()


def test_after_an_update_thresholds_follow_the_hardware_and_old_variants_are_gone(world: World) -> None:
    world.sagemaker.create_endpoint("churn", ON_CPU_VARIANT, ProductionVariant("canary", "ml.g5.12xlarge"))
    world.reconciled()

    world.sagemaker.update_endpoint(
        "churn", ProductionVariant("AllTraffic", "ml.m5.4xlarge"), ProductionVariant("blue", "ml.m5.large")
    )
    world.reconciled()

    alarms = world.alarms()
    assert set(alarms) == names("churn", "AllTraffic", ON_CPU) | names("churn", "blue", ON_CPU)
    assert {name: alarm["Threshold"] for name, alarm in alarms.items() if name.endswith("/cpu")} == {
        "sagewatch/endpoint/churn/AllTraffic/cpu": 90.0 * 16,
        "sagewatch/endpoint/churn/blue/cpu": 90.0 * 2,
    }


def test_a_neighbour_whose_name_extends_ours_keeps_its_alarms(world: World) -> None:
    world.sagemaker.create_endpoint("churn", ON_CPU_VARIANT)
    world.sagemaker.create_endpoint("churn-v2", ON_CPU_VARIANT)
    world.reconciled()

    world.sagemaker.delete_endpoint("churn")
    world.reconciled()

    assert world.names() == names("churn-v2", "AllTraffic", ON_CPU)


def test_a_tag_changes_a_threshold_and_switches_an_alarm_off(world: World) -> None:
    world.sagemaker.create_endpoint("churn", ON_CPU_VARIANT)
    world.reconciled()

    arn = world.sagemaker.client.describe_endpoint(EndpointName="churn")["EndpointArn"]
    world.sagemaker.tag(arn, **{"sagewatch:latency-p99": "800ms", "sagewatch:idle": "off"})
    world.reconciled()

    alarms = world.alarms()
    assert alarms.keys() == names("churn", "AllTraffic", ON_CPU - {"idle"})
    assert alarms["sagewatch/endpoint/churn/AllTraffic/latency-p99"]["Threshold"] == 800_000


def test_actions_that_somebody_disabled_stay_disabled_through_an_update(world: World) -> None:
    world.sagemaker.create_endpoint("churn", ON_CPU_VARIANT)
    world.reconciled()
    name = "sagewatch/endpoint/churn/AllTraffic/cpu"
    world.cloudwatch.client.disable_alarm_actions(AlarmNames=[name])

    world.sagemaker.update_endpoint("churn", ProductionVariant("AllTraffic", "ml.m5.4xlarge"))
    world.reconciled()

    alarm = world.alarms()[name]
    assert (alarm["Threshold"], alarm["ActionsEnabled"]) == (90.0 * 16, False)


def test_our_own_writes_come_back_as_events_and_cause_no_further_write(world: World) -> None:
    world.sagemaker.create_endpoint("churn", ON_CPU_VARIANT)
    world.reconciled()
    world.sagemaker.update_endpoint("churn", ProductionVariant("blue", "ml.m5.4xlarge"))
    world.reconciled()
    made = len(world.writes())

    told = world.cloudwatch.tell()
    world.reconciled()

    assert {event["detail"]["operation"] for event in told} >= {"create", "delete"}
    assert len(world.writes()) == made
