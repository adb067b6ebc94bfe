"""The sweep: what events missed, what somebody edited, and what outlived its resource."""

from __future__ import annotations

from typing import Any

import pytest

from sagewatch_cli.local.doubles.sagemaker import forget_endpoint
from sagewatch_cli.local.drivers.sagemaker import ProductionVariant
from sagewatch_cli.local.machine.waiting import until
from sagewatch_cli.local.stack.sam import STACK
from tests.e2e.world import World

pytestmark = pytest.mark.e2e

CPU = "sagewatch/endpoint/churn/AllTraffic/cpu"


def watch(world: World, name: str = "churn") -> None:
    world.sagemaker.create_endpoint(name, ProductionVariant("AllTraffic", "ml.m5.2xlarge"))
    world.reconciled()


def test_resources_that_were_there_before_are_watched_after_the_first_sweep(world: World) -> None:
    quiet = world.silent_sagemaker
    quiet.create_endpoint("churn", ProductionVariant("AllTraffic", "ml.m5.2xlarge"))
    quiet.start_training_job("xgb", "ml.g5.12xlarge")
    quiet.create_pipeline("p", "Train")

    swept = world.invoke("Sweep", {})
    world.reconciled()

    assert swept == {"live": 3, "watched": 0, "named": 3, "unwatched": 3}
    assert {"/".join(name.split("/")[1:3]) for name in world.alarms()} == {
        "endpoint/churn",
        "training-job/xgb",
        "pipeline/p",
    }


def test_when_all_is_well_a_sweep_names_nobody(world: World) -> None:
    watch(world)

    assert world.invoke("Sweep", {}) == {"live": 1, "watched": 1, "named": 0, "unwatched": 0}


def test_a_full_sweep_names_everybody_and_still_writes_nothing(world: World) -> None:
    watch(world)
    made = len(world.writes())

    swept = world.invoke("Sweep", {"mode": "full"})
    world.reconciled()

    assert (swept, len(world.writes())) == ({"live": 1, "watched": 1, "named": 1, "unwatched": 0}, made)


def test_an_alarm_that_somebody_edited_is_put_right(world: World) -> None:
    watch(world)
    alarm = world.alarms()[CPU]
    fields = ("AlarmName", "AlarmDescription", "Namespace", "MetricName", "Dimensions", "Statistic", "Period")
    kept: Any = {name: alarm[name] for name in (*fields, "EvaluationPeriods", "ComparisonOperator")}
    world.cloudwatch.client.put_metric_alarm(**kept, Threshold=1.0)

    world.invoke("Sweep", {})
    world.reconciled()

    assert (world.alarms()[CPU]["Threshold"], world.alarms()[CPU]["DatapointsToAlarm"]) == (720.0, 8)


@pytest.mark.parametrize("alarm", ["latency-p99", "cpu"])
def test_an_alarm_that_somebody_deleted_comes_back(world: World, alarm: str) -> None:
    watch(world)
    before = world.names()
    world.cloudwatch.client.delete_alarms(AlarmNames=[f"sagewatch/endpoint/churn/AllTraffic/{alarm}"])

    world.invoke("Sweep", {})
    world.reconciled()

    assert world.names() == before


def test_an_alarm_that_somebody_deleted_comes_back_without_a_sweep_when_cloudwatch_tells(world: World) -> None:
    watch(world)
    before = world.names()
    world.cloudwatch.client.delete_alarms(AlarmNames=[CPU])

    world.cloudwatch.tell()
    world.reconciled()

    assert world.names() == before


def test_alarms_whose_endpoint_went_unnoticed_are_removed(world: World) -> None:
    watch(world)
    watch(world, "churn-v2")
    world.sagemaker.client.delete_endpoint(EndpointName="churn")
    forget_endpoint("churn")

    swept = world.invoke("Sweep", {})
    world.reconciled()

    assert swept == {"live": 1, "watched": 1, "named": 1, "unwatched": 0}
    assert {name.split("/")[2] for name in world.alarms()} == {"churn-v2"}


def test_alarms_of_others_are_left_alone(world: World) -> None:
    theirs: Any = {
        "AlarmDescription": "ours",
        "Namespace": "AWS/SageMaker",
        "MetricName": "Invocations",
        "Statistic": "Sum",
        "Period": 60,
        "EvaluationPeriods": 1,
        "Threshold": 1.0,
        "ComparisonOperator": "GreaterThanThreshold",
    }
    names = {"sagewatch/endpoint/churn/AllTraffic/homemade", "payments/endpoint/churn/AllTraffic/cpu"}
    for name in names:
        world.cloudwatch.client.put_metric_alarm(AlarmName=name, **theirs)
    watch(world)

    world.sagemaker.delete_endpoint("churn")
    world.invoke("Sweep", {"mode": "full"})
    world.reconciled()

    assert world.names() == names


def test_after_a_deployment_cloudformation_starts_a_sweep(world: World) -> None:
    world.silent_sagemaker.create_endpoint("churn", ProductionVariant("AllTraffic", "ml.m5.2xlarge"))
    [stack] = world.stack.client("cloudformation").describe_stacks(StackName=STACK)["Stacks"]

    world.stack.bus.put_event(
        world.events.make("stack-deployed", detail={"stack-id": stack["StackId"]}, resources=[stack["StackId"]])
    )

    until("the endpoint's alarms", world.names)
