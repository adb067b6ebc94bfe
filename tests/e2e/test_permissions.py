"""What the template's own roles may do, where an emulator checks it.

ministack checks `cloudwatch:` permissions, so here it answers for CloudWatch. It judges DescribeAlarms and DeleteAlarms
on `*` whatever names they carry, where AWS judges them on the alarms: those two are let through, and simulated instead.
Neither emulator checks `sagemaker:` permissions; the calls that were made are held against the role's policy instead.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import Any

import pytest

from sagewatch_cli.local.drivers import SageMakerDriver, Variant
from sagewatch_cli.local.isolation import AWS
from sagewatch_cli.local.stack import Stack, beside, deployed
from sagewatch_cli.local.waiting import until
from tests.e2e.world import World, logged

pytestmark = pytest.mark.e2e

MISJUDGED = {"Effect": "Allow", "Action": ["cloudwatch:DescribeAlarms", "cloudwatch:DeleteAlarms"], "Resource": "*"}
ALARM = "arn:aws:cloudwatch:us-east-1:123456789012:alarm"


@pytest.fixture(scope="module")
def guarded(stack: Stack) -> Iterator[Stack]:
    """The stack once more, where CloudWatch's permissions are checked."""
    with beside(stack.emulators, "ministack") as running:
        guarded = deployed(running, lambda _line: None)
        guarded.client("iam").put_role_policy(
            RoleName=guarded.resources["ReconcileRole"],
            PolicyName="what-ministack-misjudges",
            PolicyDocument=json.dumps({"Statement": [MISJUDGED]}),
        )
        yield guarded


def alarms(stack: Stack, prefix: str) -> set[str]:
    answer = stack.client("cloudwatch").describe_alarms(AlarmNamePrefix=prefix)
    return {alarm["AlarmName"] for alarm in answer["MetricAlarms"]}


def test_reconcile_makes_alarms_with_no_more_than_the_templates_own_role(world: World, guarded: Stack) -> None:
    sagemaker = SageMakerDriver(client=world.sagemaker.client, bus=guarded.bus, events=world.events)

    sagemaker.create_endpoint("churn", Variant("AllTraffic", "ml.m5.2xlarge"))

    made = until("eleven alarms", lambda: alarms(guarded, "sagewatch/endpoint/churn/"), lambda names: len(names) == 11)
    assert "sagewatch/endpoint/churn/AllTraffic/cpu" in made


def test_an_alarm_outside_the_prefix_is_denied(world: World, guarded: Stack) -> None:
    """A function that was given another prefix than its role is stopped by the role."""
    functions, name = guarded.client("lambda"), guarded.resources["Reconcile"]
    variables = functions.get_function_configuration(FunctionName=name)["Environment"]["Variables"]
    world.silent_sagemaker.create_endpoint("churn", Variant("AllTraffic", "ml.m5.2xlarge"))
    functions.update_function_configuration(
        FunctionName=name, Environment={"Variables": {**variables, "ALARM_PREFIX": "payments"}}
    )

    guarded.client("sqs").send_message(
        QueueUrl=guarded.resources["ReconcileQueue"], MessageBody='{"kind": "endpoint", "name": "churn"}'
    )

    denied = until(
        "a denial", lambda: logged(guarded, "ReconcileLogs"), lambda log: "is not authorized to perform" in log
    )
    functions.update_function_configuration(FunctionName=name, Environment={"Variables": variables})
    assert "cloudwatch:PutMetricAlarm" in denied
    assert alarms(guarded, "payments/") == set()


@pytest.mark.parametrize(
    ("action", "alarm", "decision"),
    [
        ("PutMetricAlarm", "sagewatch/endpoint/churn/AllTraffic/cpu", "allowed"),
        ("PutMetricAlarm", "sagewatch-other/endpoint/churn/AllTraffic/cpu", "implicitDeny"),
        ("PutMetricAlarm", "payments", "implicitDeny"),
        ("DeleteAlarms", "sagewatch/endpoint/churn/AllTraffic/cpu", "allowed"),
        ("DeleteAlarms", "payments", "implicitDeny"),
        ("DescribeAlarms", "*", "allowed"),
        ("SetAlarmState", "sagewatch/endpoint/churn/AllTraffic/cpu", "implicitDeny"),
    ],
)
def test_reconcile_writes_alarms_under_the_prefix_only(stack: Stack, action: str, alarm: str, decision: str) -> None:
    role = stack.client("iam").get_role(RoleName=stack.resources["ReconcileRole"])["Role"]["Arn"]

    [result] = stack.client("iam").simulate_principal_policy(
        PolicySourceArn=role, ActionNames=[f"cloudwatch:{action}"], ResourceArns=[f"{ALARM}:{alarm}"]
    )["EvaluationResults"]

    assert result["EvalDecision"] == decision


def test_every_sagemaker_call_of_the_functions_is_allowed_by_their_roles(world: World) -> None:
    world.sagemaker.create_endpoint("churn", Variant("AllTraffic", "ml.m5.2xlarge"))
    world.sagemaker.start_training_job("xgb", "ml.g5.12xlarge", 2)
    world.sagemaker.create_pipeline("churn-train", "Train")
    host = Variant("AllTraffic", "ml.g5.12xlarge", model=None)
    world.sagemaker.create_endpoint("llm", host, ExecutionRoleArn="arn:aws:iam::123456789012:role/ml")
    world.resources.create_component("chat", "llm")
    world.resources.start_processing_job("prep", "ml.m5.large")
    world.resources.start_transform_job("score", "ml.m5.large")
    for kind in ("feature-group", "labeling-job", "recommender-job", "monitoring-schedule", "cluster"):
        world.resources.create(kind, "mine")
    world.invoke("Sweep", {"mode": "full"})
    world.reconciled()

    calls = {f"sagemaker:{call.operation}" for call in world.calls("sagemaker") if call.key != AWS["AWS_ACCESS_KEY_ID"]}
    allowed = {action for role in ("ReconcileRole", "SweepRole") for action in actions(world.stack, role)}
    resources = {
        "Cluster",
        "Endpoint",
        "FeatureGroup",
        "InferenceComponent",
        "InferenceRecommendationsJob",
        "LabelingJob",
        "MonitoringSchedule",
        "Pipeline",
        "ProcessingJob",
        "TrainingJob",
        "TransformJob",
    }
    assert calls >= {f"sagemaker:Describe{each}" for each in resources} | {
        f"sagemaker:List{each}s" for each in resources
    }
    assert calls >= {"sagemaker:DescribeEndpointConfig", "sagemaker:DescribeModel", "sagemaker:ListTags"}
    assert {call for call in calls if not any(fnmatchcase(call, action) for action in allowed)} == set()


def actions(stack: Stack, role: str) -> Iterator[str]:
    """Yield the actions that a role's inline policies allow."""
    iam, name = stack.client("iam"), stack.resources[role]
    for policy in iam.list_role_policies(RoleName=name)["PolicyNames"]:
        document = iam.get_role_policy(RoleName=name, PolicyName=policy)["PolicyDocument"]
        for statement in each(document["Statement"]):
            if statement["Effect"] == "Allow":
                yield from each(statement["Action"])


def each(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
