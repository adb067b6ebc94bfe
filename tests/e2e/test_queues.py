"""Failures surface: what cannot be read ends in the dead-letter queue, whose alarm tells people by another way."""

from __future__ import annotations

import boto3
import pytest

from sagewatch_cli.local.drivers.sagemaker import ProductionVariant
from sagewatch_cli.local.machine.environment import REGION
from sagewatch_cli.local.machine.waiting import until
from tests.e2e.world import World

pytestmark = pytest.mark.e2e


def test_a_message_nobody_can_read_is_dead_lettered_while_the_others_of_its_batch_are_done(world: World) -> None:
    world.silent_sagemaker.create_endpoint("churn", ProductionVariant("AllTraffic", "ml.m5.2xlarge"))

    with world.impatient("ReconcileQueue"):
        world.send("ReconcileQueue", "not json", '{"kind": "endpoint", "name": "churn"}')
        dead = until("a dead letter", lambda: world.dead_letters("ReconcileDeadLetters"), within=30)

    assert dead == ("not json",)
    assert {name.split("/")[2] for name in world.alarms()} == {"churn"}


@pytest.mark.parametrize("queue", ["ReconcileDeadLetters", "NotifyDeadLetters", "SweepDeadLetters"])
def test_each_dead_letter_queue_has_an_alarm_that_tells_both_topics_by_itself(world: World, queue: str) -> None:
    # CloudFormation makes the stack's own alarms in ministack, not in moto.
    own = boto3.client("cloudwatch", endpoint_url=world.stack.emulators.ministack, region_name=REGION)
    [alarm] = own.describe_alarms(AlarmNames=[world.stack.resources[f"{queue}Alarm"]])["MetricAlarms"]

    assert {
        "Namespace": "AWS/SQS",
        "MetricName": "ApproximateNumberOfMessagesVisible",
        "Dimensions": [{"Name": "QueueName", "Value": world.arn(queue).rpartition(":")[2]}],
        "Threshold": 0.0,
        "ComparisonOperator": "GreaterThanThreshold",
        "AlarmActions": [world.stack.resources["AlertsTopic"], world.stack.resources["OperatorsTopic"]],
        "ActionsEnabled": True,
    }.items() <= alarm.items()


@pytest.mark.parametrize(
    ("queue", "dead_letters"), [("ReconcileQueue", "ReconcileDeadLetters"), ("NotifyQueue", "NotifyDeadLetters")]
)
def test_what_a_queue_gives_up_on_goes_to_its_dead_letter_queue(world: World, queue: str, dead_letters: str) -> None:
    asked = world.stack.client("sqs").get_queue_attributes(
        QueueUrl=world.stack.resources[queue], AttributeNames=["RedrivePolicy"]
    )

    assert world.arn(dead_letters) in asked["Attributes"]["RedrivePolicy"]
