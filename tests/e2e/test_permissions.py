"""What the template's own roles may do, where an emulator checks it.

ministack checks what it answers: queues, topics, parameters and tables, in all of this suite. It checks `cloudwatch:`
permissions too, so here it answers for CloudWatch. It judges DescribeAlarms and DeleteAlarms on `*` whatever names they
carry, where AWS judges them on the alarms: those two are let through, and simulated instead; so are mute rules, which
it lacks. What it asks for under names that AWS does not have (`sqs:SendMessageBatch`) is in the local stack's
`permissions`. Neither emulator checks `sagemaker:` permissions; the calls that were made are held against the role's
policy.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatchcase
from typing import Any

import pytest

from sagewatch_cli.local.drivers.sagemaker import ProductionVariant, SageMakerDriver
from sagewatch_cli.local.machine.environment import AWS
from sagewatch_cli.local.machine.waiting import until
from sagewatch_cli.local.stack.deployment import Stack, beside, deployed
from tests.e2e.world import World, logged
from tests.resources import PLAIN_VARIANT

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

    sagemaker.create_endpoint("churn", ProductionVariant("AllTraffic", "ml.m5.2xlarge"))

    expected = {f"sagewatch/endpoint/churn/AllTraffic/{row}" for row in PLAIN_VARIANT}
    made = until("all its alarms", lambda: alarms(guarded, "sagewatch/endpoint/churn/"), expected.__eq__)
    assert "sagewatch/endpoint/churn/AllTraffic/cpu" in made


def test_an_alarm_outside_the_prefix_is_denied(world: World, guarded: Stack) -> None:
    """A function that was given another prefix than its role is stopped by the role."""
    functions, name = guarded.client("lambda"), guarded.resources["Reconcile"]
    variables = functions.get_function_configuration(FunctionName=name)["Environment"]["Variables"]
    world.silent_sagemaker.create_endpoint("churn", ProductionVariant("AllTraffic", "ml.m5.2xlarge"))
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


ACCOUNT = "arn:aws:{service}:us-east-1:123456789012:{resource}"


@pytest.mark.parametrize(
    ("role", "action", "resource", "decision"),
    [
        ("SweepRole", "cloudwatch:PutAlarmMuteRule", "alarm-mute-rule:sagewatch-window-night-0a1b", "allowed"),
        ("SweepRole", "cloudwatch:PutAlarmMuteRule", "alarm:sagewatch/endpoint/churn/AllTraffic/cpu", "allowed"),
        ("SweepRole", "cloudwatch:PutAlarmMuteRule", "alarm:payments", "implicitDeny"),
        ("SweepRole", "cloudwatch:PutAlarmMuteRule", "alarm-mute-rule:sagewatch-snooze-1", "implicitDeny"),
        ("SweepRole", "cloudwatch:DeleteAlarmMuteRule", "alarm-mute-rule:sagewatch-window-night-0a1b", "allowed"),
        ("SweepRole", "cloudwatch:DeleteAlarmMuteRule", "alarm-mute-rule:theirs", "implicitDeny"),
        ("SweepRole", "cloudwatch:PutMetricAlarm", "alarm:sagewatch/endpoint/churn/AllTraffic/cpu", "implicitDeny"),
        ("NotifyRole", "cloudwatch:PutAlarmMuteRule", "alarm-mute-rule:sagewatch-snooze-1", "allowed"),
        ("NotifyRole", "cloudwatch:PutAlarmMuteRule", "alarm:sagewatch/endpoint/churn/AllTraffic/cpu", "allowed"),
        ("NotifyRole", "cloudwatch:PutAlarmMuteRule", "alarm-mute-rule:sagewatch-window-night-0a1b", "implicitDeny"),
        ("NotifyRole", "cloudwatch:DeleteAlarmMuteRule", "alarm-mute-rule:sagewatch-snooze-1", "allowed"),
        ("NotifyRole", "cloudwatch:DeleteAlarmMuteRule", "alarm-mute-rule:sagewatch-window-night-0a1b", "implicitDeny"),
        ("NotifyRole", "cloudwatch:GetAlarmMuteRule", "alarm-mute-rule:theirs", "allowed"),
        ("ReconcileRole", "cloudwatch:PutAlarmMuteRule", "alarm-mute-rule:sagewatch-window-night-0a1b", "implicitDeny"),
        ("ReconcileRole", "ssm:GetParameterHistory", "parameter/sagewatch/sagewatch/policy", "allowed"),
        ("ReconcileRole", "ssm:GetParameter", "parameter/sagewatch/slack", "implicitDeny"),
        ("SweepRole", "ssm:GetParameter", "parameter/sagewatch/slack", "implicitDeny"),
        ("NotifyRole", "ssm:GetParameter", "parameter/sagewatch/slack", "allowed"),
        ("NotifyRole", "ssm:PutParameter", "parameter/sagewatch/sagewatch/policy", "implicitDeny"),
    ],
)
def test_the_roles_reach_their_own_rules_and_parameters_only(
    stack: Stack, role: str, action: str, resource: str, decision: str
) -> None:
    arn = stack.client("iam").get_role(RoleName=stack.resources[role])["Role"]["Arn"]
    on = ACCOUNT.format(service=action.partition(":")[0], resource=resource)

    [result] = stack.client("iam").simulate_principal_policy(
        PolicySourceArn=arn, ActionNames=[action], ResourceArns=[on]
    )["EvaluationResults"]

    assert result["EvalDecision"] == decision


def test_another_parameter_than_the_policy_is_denied(world: World) -> None:
    """ministack checks the role's own statements, so what the tests of the policy do is allowed by the template."""
    functions, name = world.stack.client("lambda"), world.stack.resources["Sweep"]
    variables = functions.get_function_configuration(FunctionName=name)["Environment"]["Variables"]
    world.stack.client("ssm").put_parameter(Name="/theirs", Type="String", Value="{}", Overwrite=True)
    world.configure("Sweep", {**variables, "POLICY_PARAMETER": "/theirs"})

    answer = world.invoke("Sweep", {})
    world.configure("Sweep", variables)

    assert "is not authorized to perform: ssm:GetParameter" in answer["errorMessage"]


def snoozed(kind: str, name: str) -> dict[str, Any]:
    """Return what a click on Snooze becomes."""
    now = datetime.now(UTC)
    until = now + timedelta(hours=2)
    detail = {"route": "default", "kind": kind, "name": name, "by": "U0ALICE"}
    times = {"at": now.isoformat(), "until": until.isoformat()}
    return {
        "source": "sagewatch",
        "detail-type": "Sagewatch Snoozed",
        "time": now.isoformat(),
        "detail": {**detail, **times},
    }


def test_every_call_for_policy_and_notices_is_allowed_by_the_roles(world: World) -> None:
    world.sagemaker.create_endpoint("churn", ProductionVariant("AllTraffic", "ml.m5.2xlarge"))
    world.sagemaker.start_training_job("xgb", "ml.g5.12xlarge")
    world.reconciled()
    world.policy.put('{budget: 1, mute: [{name: night, schedule: "at(2099-01-31T22:00)", duration: 2h}]}')
    world.converge()
    world.cloudwatch.fire("sagewatch/endpoint/churn/AllTraffic/errors-5xx", 12.5)
    world.sagemaker.end_training_job("xgb", "Failed", "AlgorithmError: ExitCode 137")
    world.tick("Clock")
    world.notified()
    world.send("NotifyQueue", json.dumps(snoozed("endpoint", "churn")))
    world.notified()
    world.policy.put("budget: 1")
    world.converge()

    calls = {
        f"{call.service}:{call.operation}"
        for service in ("cloudwatch", "sagemaker")
        for call in world.calls(service)
        if call.key != AWS["AWS_ACCESS_KEY_ID"]
    }
    allowed = {action for role in ("ReconcileRole", "SweepRole", "NotifyRole") for action in actions(world.stack, role)}
    assert calls >= {f"cloudwatch:{each}AlarmMuteRule" for each in ("Put", "Delete")}
    assert calls >= {"cloudwatch:ListAlarmMuteRules", "cloudwatch:GetMetricWidgetImage"}
    assert calls >= {"sagemaker:DescribeTrainingJob"}
    assert {call for call in calls if not any(fnmatchcase(call, action) for action in allowed)} == set()
    assert {name for name in world.mute_rules() if "-snooze-" in name} != set()


def test_every_sagemaker_call_of_the_functions_is_allowed_by_their_roles(world: World) -> None:
    world.sagemaker.create_endpoint("churn", ProductionVariant("AllTraffic", "ml.m5.2xlarge"))
    world.sagemaker.start_training_job("xgb", "ml.g5.12xlarge", 2)
    world.sagemaker.create_pipeline("churn-train", "Train")
    host = ProductionVariant("AllTraffic", "ml.g5.12xlarge", model=None)
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
