"""Rules of the template that no linter knows."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import botocore.session
import pytest
from botocore import xform_name
from moto.events.models import EventPattern

from sagewatch.kinds import links
from sagewatch.kinds.kind import Kind
from sagewatch.kinds.registry import KINDS
from sagewatch.model import Place
from sagewatch_cli.account.stack import stack_parameter
from tests.payloads import every_event
from tests.template import (
    ROOT,
    actions,
    clocks,
    functions,
    listed,
    made,
    resolved,
    resources,
    rules,
    statements,
    template,
    variables,
)

STACK = "arn:aws:cloudformation:us-east-1:123456789012:stack/sagewatch/00000000-0000-4000-c000-000000000001"
OPERATIONS = {
    xform_name(name): name for name in botocore.session.get_session().get_service_model("sagemaker").operation_names
}
OPERATORS = {"Fn::If": ["MakesOperatorsTopic", {"Ref": "OperatorsTopic"}, {"Ref": "OperatorsTopicArn"}]}
BOTH = {"SageMakerStateChanges", "SageMakerOutcomes"}
REACHED = {
    "alarm-born": {"AlarmStateChanges"},
    "alarm-cleared": {"AlarmStateChanges"},
    "alarm-deleted": {"AlarmRepairs", "AlarmStateChanges"},
    "alarm-edited": {"AlarmRepairs"},
    "alarm-firing": {"AlarmStateChanges"},
    "alarm-firing-muted": {"AlarmStateChanges"},
    "alarm-firing-suppressed": {"AlarmStateChanges"},
    "cloudtrail-create-cluster": {"SageMakerApiCalls"},
    "cloudtrail-create-feature-group": {"SageMakerApiCalls"},
    "cloudtrail-create-labeling-job": {"SageMakerApiCalls"},
    "cloudtrail-create-monitoring-schedule": {"SageMakerApiCalls"},
    "cloudtrail-create-recommender-job": {"SageMakerApiCalls"},
    "cloudtrail-delete-cluster": {"SageMakerApiCalls"},
    "cloudtrail-delete-feature-group": {"SageMakerApiCalls"},
    "cloudtrail-delete-monitoring-schedule": {"SageMakerApiCalls"},
    "cloudtrail-stop-recommender-job": {"SageMakerApiCalls"},
    "cloudtrail-update-feature-group": {"SageMakerApiCalls"},
    "cloudtrail-update-monitoring-schedule": {"SageMakerApiCalls"},
    "cluster-deleting": BOTH,
    "cluster-event-error": {"SageMakerOutcomes"},
    "cluster-event-info": set(),
    "cluster-event-warn": {"SageMakerOutcomes"},
    "cluster-event-without-level": set(),
    "cluster-failed": BOTH,
    "cluster-in-service": BOTH,
    "cluster-node-healthy": {"SageMakerOutcomes"},
    "cluster-node-unhealthy": {"SageMakerOutcomes"},
    "feature-group-active": {"SageMakerStateChanges"},
    "feature-group-create-failed": BOTH,
    "feature-group-deleting": BOTH,
    "labeling-job-completed": BOTH,
    "labeling-job-failed": BOTH,
    "labeling-job-stopped": {"SageMakerStateChanges"},
    "monitoring-schedule-failed": BOTH,
    "monitoring-schedule-scheduled": BOTH,
    "monitoring-schedule-violated": BOTH,
    "model-package-approved": {"SageMakerOutcomes"},
    "model-package-failed": {"SageMakerOutcomes"},
    "model-package-pending": {"SageMakerOutcomes"},
    "model-package-rejected": {"SageMakerOutcomes"},
    "notebook-deleted": {"SageMakerOutcomes"},
    "notebook-failed": {"SageMakerOutcomes"},
    "notebook-in-service": {"SageMakerOutcomes"},
    "tuning-job-completed": {"SageMakerOutcomes"},
    "tuning-job-failed": {"SageMakerOutcomes"},
    "tuning-job-in-progress": set(),
    "cloudtrail-add-tags": {"SageMakerApiCalls"},
    "cloudtrail-create-endpoint": {"SageMakerApiCalls"},
    "cloudtrail-create-pipeline": {"SageMakerApiCalls"},
    "cloudtrail-create-pipeline-denied": {"SageMakerApiCalls"},
    "cloudtrail-delete-endpoint": {"SageMakerApiCalls"},
    "cloudtrail-delete-pipeline": {"SageMakerApiCalls"},
    "cloudtrail-delete-tags": {"SageMakerApiCalls"},
    "cloudtrail-update-endpoint": {"SageMakerApiCalls"},
    "cloudtrail-update-pipeline": {"SageMakerApiCalls"},
    "endpoint-creating": BOTH,
    "endpoint-deleted": BOTH,
    "endpoint-deleting": BOTH,
    "endpoint-deployment-updating": {"SageMakerStateChanges"},
    "endpoint-failed": BOTH,
    "endpoint-in-service": BOTH,
    "endpoint-updating": BOTH,
    "cloudtrail-create-inference-component": {"SageMakerApiCalls"},
    "cloudtrail-delete-inference-component": {"SageMakerApiCalls"},
    "cloudtrail-update-inference-component": {"SageMakerApiCalls"},
    "sagemaker-job-completed": {"SageMakerOutcomes"},
    "sagemaker-job-failed": {"SageMakerOutcomes"},
    "sagemaker-job-in-progress": set(),
    "processing-job-completed": BOTH,
    "processing-job-failed": BOTH,
    "processing-job-in-progress": {"SageMakerStateChanges"},
    "transform-job-completed": BOTH,
    "transform-job-failed": BOTH,
    "transform-job-in-progress": {"SageMakerStateChanges"},
    "pipeline-executing": {"SageMakerStateChanges"},
    "pipeline-completed-with-failures": BOTH,
    "pipeline-failed": BOTH,
    "pipeline-step-failed": {"SageMakerOutcomes"},
    "pipeline-succeeded": BOTH,
    "policy-changed": {"SweepPolicyChanged"},
    "stack-deployed": {"SweepDeployed", "SweepCanary"},
    "training-job-completed": BOTH,
    "training-job-failed": BOTH,
    "training-job-in-progress": {"SageMakerStateChanges"},
    "training-job-stopped": {"SageMakerStateChanges"},
    "training-job-training": {"SageMakerStateChanges"},
}
"""Which rules each payload in events/ must reach."""


def patterns() -> dict[str, str]:
    parameters = {"AlarmPrefix": "sagewatch", "AWS::StackId": STACK}
    return {name: json.dumps(resolved(rule["pattern"], **parameters)) for name, rule in rules().items()}


def reached(event: dict[str, Any]) -> set[str]:
    return {name for name, pattern in patterns().items() if EventPattern.load(pattern).matches_event(event)}


def test_every_payload_reaches_the_rules_that_it_should() -> None:
    assert {name: reached(event) for name, event in every_event().items()} == REACHED


def test_alarms_of_another_stack_and_deployments_of_another_reach_nobody() -> None:
    events = every_event()
    alarm, deployed = events["alarm-firing"], events["stack-deployed"]
    alarm["detail"]["alarmName"] = "sagewatch-other/endpoint/churn/AllTraffic/cpu"
    deployed["detail"]["stack-id"] = STACK.replace("stack/sagewatch/", "stack/other/")

    assert reached(alarm) == reached(deployed) == set()


def test_patterns_are_no_longer_than_eventbridge_takes() -> None:
    assert {name: len(pattern) for name, pattern in patterns().items() if len(pattern) > 4096} == {}


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind.specs], ids=lambda kind: kind.name)
def test_a_kind_may_be_read_and_listed_and_its_events_arrive(kind: Kind) -> None:
    def action(operation: str) -> str:
        return f"sagemaker:{OPERATIONS[operation]}"

    state_changes = rules()["SageMakerStateChanges"]["pattern"]["detail-type"]
    calls = rules()["SageMakerApiCalls"]["pattern"]["detail"]["eventName"]
    readable = json.dumps([each["Resource"] for each in statements("Reconcile")])

    assert action(kind.describe) in actions("Reconcile")
    assert action(kind.listing.operation) in actions("Sweep")
    assert f":{kind.arn_type}/*" in readable
    assert kind.events.keys() <= set(state_changes)
    assert kind.calls.keys() <= set(calls)


def test_alarms_are_written_under_our_prefix_only() -> None:
    arn = {"Fn::Sub": "arn:${AWS::Partition}:cloudwatch:${AWS::Region}:${AWS::AccountId}:alarm:${AlarmPrefix}/*"}
    writers = [
        (name, listed(each["Resource"]))
        for name in functions()
        for each in statements(name)
        if {"cloudwatch:PutMetricAlarm", "cloudwatch:DeleteAlarms"} & set(listed(each["Action"]))
    ]

    assert writers == [("Reconcile", [arn]), ("Reconcile", [arn])]  # to put them, and to delete them


def test_no_function_may_write_to_sagemaker_or_use_a_wildcard() -> None:
    allowed = {action for name in functions() for action in actions(name)}

    assert {
        a for a in allowed if a.startswith("sagemaker:") and not a.startswith(("sagemaker:Describe", "sagemaker:List"))
    } == set()
    assert {a for a in allowed if "*" in a} == {"kms:GenerateDataKey*"}


def test_every_failure_edge_ends_in_a_dead_letter_queue() -> None:
    edges: dict[str, Any] = {}
    for name, rule in rules().items():
        for target in rule["targets"]:
            edges[f"rule {name}"] = (target["DeadLetterConfig"]["Arn"], target["RetryPolicy"].keys())
    for name, rule in clocks().items():
        [target] = rule["Targets"]
        edges[f"clock {name}"] = (target["DeadLetterConfig"]["Arn"], target["RetryPolicy"].keys())
    for function, properties in functions().items():
        for event, each in properties.get("Events", {}).items():
            if each["Type"] == "ScheduleV2":
                edges[f"schedule {event}"] = each["Properties"]["DeadLetterConfig"]["Arn"]
            if each["Type"] == "SQS":
                queue = each["Properties"]["Queue"]["Fn::GetAtt"][0]
                edges[f"queue {queue}"] = resources("AWS::SQS::Queue")[queue]["RedrivePolicy"]["deadLetterTargetArn"]
        if "EventInvokeConfig" in properties:
            edges[f"async {function}"] = properties["EventInvokeConfig"]["DestinationConfig"]["OnFailure"][
                "Destination"
            ]

    retried = {"MaximumEventAgeInSeconds": 0, "MaximumRetryAttempts": 0}.keys()
    reconcile, sweep, notify = (
        {"Fn::GetAtt": [f"{name}DeadLetters", "Arn"]} for name in ("Reconcile", "Sweep", "Notify")
    )
    assert edges == {
        "rule SageMakerStateChanges": (reconcile, retried),
        "rule SageMakerApiCalls": (reconcile, retried),
        "rule AlarmRepairs": (reconcile, retried),
        "rule AlarmStateChanges": (notify, retried),
        "rule SageMakerOutcomes": (notify, retried),
        "clock Clock": (notify, retried),
        "rule SweepDeployed": (sweep, retried),
        "rule SweepCanary": (sweep, retried),
        "rule SweepPolicyChanged": (sweep, retried),
        "queue ReconcileQueue": reconcile,
        "queue BackfillQueue": reconcile,
        "queue NotifyQueue": notify,
        "schedule QuarterHourly": sweep,
        "schedule Daily": sweep,
        "schedule Digest": sweep,
        "schedule SelfCheck": sweep,
        "schedule DailyCanary": sweep,
        "async Sweep": sweep,
    }


def test_every_dead_letter_queue_has_an_alarm_that_needs_none_of_our_code() -> None:
    topics = [{"Ref": "AlertsTopic"}, OPERATORS]
    alarms = {
        alarm["Dimensions"][0]["Value"]["Fn::GetAtt"][0]: (
            alarm["MetricName"],
            alarm["AlarmActions"],
            alarm["Threshold"],
        )
        for alarm in resources("AWS::CloudWatch::Alarm").values()
        if alarm.get("MetricName") == "ApproximateNumberOfMessagesVisible"
    }

    queues = {name for name in resources("AWS::SQS::Queue") if name.endswith("DeadLetters")}
    assert alarms == dict.fromkeys(queues, ("ApproximateNumberOfMessagesVisible", topics, 0))
    assert len(queues) == 3


def test_pipelines_that_fail_together_are_told_once_for_the_account() -> None:
    alarm = resources("AWS::CloudWatch::Alarm")["PipelinesFailingAlarm"]

    assert (alarm["Namespace"], alarm["MetricName"]) == ("AWS/Sagemaker/ModelBuildingPipeline", "ExecutionFailed")
    assert "Dimensions" not in alarm
    assert alarm["AlarmActions"] == [{"Ref": "AlertsTopic"}]


def test_every_rule_may_send_to_its_queue_and_its_dead_letter_queue() -> None:
    allowed: dict[str, set[str]] = {}
    for policy in resources("AWS::SQS::QueuePolicy").values():
        [statement] = policy["PolicyDocument"]["Statement"]
        senders = {each["Fn::GetAtt"][0] for each in listed(statement["Condition"]["ArnEquals"]["aws:SourceArn"])}
        for queue in listed(statement["Resource"]):
            allowed[queue["Fn::GetAtt"][0]] = senders

    for name, rule in rules().items():
        for target in rule["targets"]:
            arns = [target["DeadLetterConfig"]["Arn"], *([target["Arn"]] if "Arn" in target else [])]
            assert all(name in allowed[arn["Fn::GetAtt"][0]] for arn in arns), name


def test_a_message_stays_hidden_for_six_times_the_functions_timeout() -> None:
    for function, queue in (("Reconcile", "ReconcileQueue"), ("Reconcile", "BackfillQueue"), ("Notify", "NotifyQueue")):
        assert resources("AWS::SQS::Queue")[queue]["VisibilityTimeout"] == 6 * functions()[function]["Timeout"]


def test_two_workers_at_most_share_the_three_writes_a_second() -> None:
    scaling = {
        name: each["Events"]["Messages"]["Properties"]["ScalingConfig"]
        for name, each in functions().items()
        if "Messages" in each.get("Events", {})
    }

    assert scaling == {"Reconcile": {"MaximumConcurrency": 2}, "Notify": {"MaximumConcurrency": 2}}


def test_refused_alarms_are_told_past_our_code_until_a_day_went_without_any() -> None:
    """Reconcile counts them at each invocation, and tries them again once a day."""
    alarm = resources("AWS::CloudWatch::Alarm")["AlarmsRefusedAlarm"]

    assert (alarm["Namespace"], alarm["MetricName"]) == ("Sagewatch", "AlarmsRefused")
    assert alarm["Dimensions"] == [{"Name": "service", "Value": "reconcile"}]
    assert alarm["AlarmActions"] == [{"Ref": "AlertsTopic"}, OPERATORS]
    assert (alarm["Statistic"], alarm["Threshold"], alarm["DatapointsToAlarm"]) == ("Sum", 0, 1)
    assert 24 * 3600 < alarm["Period"] * alarm["EvaluationPeriods"] <= 7 * 24 * 3600


def test_the_functions_have_the_variables_that_the_contracts_name() -> None:
    common = {
        "ALARM_PREFIX",
        "POLICY_PARAMETER",
        "INCIDENTS_TABLE",
        "POWERTOOLS_LOG_LEVEL",
        "POWERTOOLS_SERVICE_NAME",
        "POWERTOOLS_TRACE_DISABLED",
    }

    assert variables("Reconcile") == {*common, "RECONCILE_QUEUE_URL", "NOTIFY_QUEUE_URL"}
    assert variables("Sweep") == {
        *common,
        *("RECONCILE_QUEUE_URL", "BACKFILL_QUEUE_URL", "NOTIFY_QUEUE_URL"),
        *("PARTS", "OPERATORS_TOPIC_ARN", "ALARM_QUOTA"),
    }
    assert variables("Notify") == {
        *common,
        *("NOTIFY_QUEUE_URL", "ALERTS_TOPIC_ARN", "SLACK_CREDENTIALS", "SLACK_API_URL"),
        *("WEBHOOK_HOSTS", "READ_LOGS"),
    }


def test_whatever_holds_data_is_encrypted_with_the_key_of_the_owner_where_there_is_one() -> None:
    mine = {"Fn::If": ["HasDataKey", {"Ref": "DataKeyArn"}, {"Ref": "AWS::NoValue"}]}

    assert {str(each.get("KmsKeyId")) for each in made("AWS::Logs::LogGroup").values()} == {str(mine)}
    # Both at once are refused (CloudFormation, AWS::SQS::Queue, SqsManagedSseEnabled).
    ours = {"Fn::If": ["HasDataKey", {"Ref": "AWS::NoValue"}, True]}
    assert {
        (str(each.get("KmsMasterKeyId")), str(each.get("SqsManagedSseEnabled")))
        for each in made("AWS::SQS::Queue").values()
    } == {(str(mine), str(ours))}
    [table] = made("AWS::DynamoDB::Table").values()
    assert table["SSESpecification"]["KMSMasterKeyId"] == mine


def test_the_readme_says_how_many_alarms_the_stack_has_of_its_own_and_what_they_cost() -> None:
    count = len(resources("AWS::CloudWatch::Alarm"))

    said = " ".join((ROOT / "README.md").read_text().split())
    assert f"${count * 0.10:.2f} for {count} alarms of its own" in said


def test_every_parameter_and_output_is_described_in_plain_words() -> None:
    described = {**template()["Parameters"], **template()["Outputs"]}

    assert {
        name: each["Description"] for name, each in described.items() if not each["Description"].endswith((".", ")"))
    } == {}
    for name, each in template()["Parameters"].items():
        assert "AllowedPattern" in each or "AllowedValues" in each, name
        assert "ConstraintDescription" in each or "AllowedValues" in each, name


def test_a_stack_owns_its_prefix_by_a_parameter_that_holds_its_id() -> None:
    owner = resources("AWS::SSM::Parameter")["PrefixOwner"]

    assert owner["Name"]["Fn::Sub"].replace("${AlarmPrefix}", "ml-prod") == stack_parameter("ml-prod")
    assert owner["Value"] == {"Ref": "AWS::StackId"}


def test_names_of_schedules_fit_the_longest_prefix() -> None:
    """EventBridge Scheduler takes 64 characters (CreateSchedule, Name), and names are unique in a Region."""
    names = [
        each["Properties"]["Name"]["Fn::Sub"]
        for function in functions().values()
        for each in function.get("Events", {}).values()
        if each["Type"] == "ScheduleV2"
    ]
    [longest] = re.findall(r"\{0,(\d+)\}", template()["Parameters"]["AlarmPrefix"]["AllowedPattern"])

    assert len(names) == len(set(names))
    assert all(re.fullmatch(r"\$\{AlarmPrefix\}-[a-z-]+", name) for name in names)
    assert max(len(name.replace("${AlarmPrefix}", "p" * (int(longest) + 1))) for name in names) <= 64


def test_no_function_sets_executions_aside_unless_it_is_asked_for() -> None:
    """Lambda keeps 100 executions unreserved: an account with a quota of 10 could not deploy."""
    reserved = {name: each.get("ReservedConcurrentExecutions") for name, each in functions().items()}

    asked = {"Fn::If": ["HasSlackButtonsConcurrency", {"Ref": "SlackButtonsConcurrency"}, {"Ref": "AWS::NoValue"}]}
    assert {name: each for name, each in reserved.items() if each is not None} == {"Interact": asked}
    assert template()["Parameters"]["SlackButtonsConcurrency"]["Default"] == ""


def test_no_arn_names_a_partition_and_no_address_a_domain_of_one() -> None:
    """But for patterns of parameters, which take every partition, and the principals of services."""
    texts = list(leaves({**template(), "Parameters": {}}))

    assert len(texts) > 500
    assert [text for text in texts if re.search(r"\barn:aws", text)] == []
    assert {text for text in texts if "amazonaws" in text and not re.fullmatch(r"[a-z]+\.amazonaws\.com", text)} == {
        "console.amazonaws.cn",
        "console.amazonaws-us-gov.com",
    }


def leaves(value: Any) -> Iterator[str]:
    """Yield every text of a document."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        for each in value:
            yield from leaves(each)
    elif isinstance(value, str):
        yield value


@pytest.mark.parametrize(
    ("partition", "host"),
    [
        ("aws", "eu-west-1.console.aws.amazon.com"),
        ("aws-cn", "console.amazonaws.cn"),
        ("aws-us-gov", "console.amazonaws-us-gov.com"),
    ],
)
def test_the_dashboard_is_where_the_links_of_messages_lead(partition: str, host: str) -> None:
    template_text, names = template()["Outputs"]["DashboardUrl"]["Value"]["Fn::Sub"]
    chosen = names["Host"]
    while isinstance(chosen, dict) and "Fn::If" in chosen:
        condition, then, otherwise = chosen["Fn::If"]
        [_, wanted] = template()["Conditions"][condition]["Fn::Equals"]
        chosen = then if wanted == partition else otherwise

    assert template_text.startswith("https://${Host}/cloudwatch/")
    assert resolved(chosen, **{"AWS::Region": "eu-west-1"}) == host
    assert links.alarm(Place(partition, "eu-west-1", "1"), "x").startswith(f"https://{host}/cloudwatch/")


def test_keys_of_the_owner_are_used_only_when_named_and_by_who_reads_secrets() -> None:
    users = {
        name: (each["Action"], each["Resource"])
        for name in functions()
        for each in statements(name)
        if each["Resource"] == {"Ref": "CustomerKeyArns"}
    }
    conditions = {
        policy["Fn::If"][0]
        for role in made("AWS::IAM::Role").values()
        for policy in role["Policies"]
        if "CustomerKeyArns" in json.dumps(policy)
    }

    keys = {"Ref": "CustomerKeyArns"}
    assert users == {"Notify": (["kms:Decrypt", "kms:GenerateDataKey*"], keys), "Interact": ("kms:Decrypt", keys)}
    assert conditions == {"HasCustomerKeys"}


def test_nothing_is_promised_to_eventbridge_that_its_events_cannot_do() -> None:
    """`aws:SourceAccount` does not work for EventBridge and encrypted topics; no rule targets the topic."""
    policies = json.dumps([resources("AWS::KMS::Key"), resources("AWS::SNS::TopicPolicy")])

    assert "events.amazonaws.com" not in policies
    assert "AlertsTopic" not in json.dumps([rule["targets"] for rule in (*rules().values(),)])


def test_cloudwatch_may_use_the_topic_and_its_key() -> None:
    key = resources("AWS::KMS::Key")["AlertsKey"]["KeyPolicy"]["Statement"]
    topic = resources("AWS::SNS::TopicPolicy")["AlertsTopicPolicy"]["PolicyDocument"]["Statement"]
    operators = resources("AWS::SNS::TopicPolicy")["OperatorsTopicPolicy"]["PolicyDocument"]["Statement"]
    mine = {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}

    for [statement], action in (
        ([s for s in key if "Service" in s["Principal"]], "kms:Decrypt"),
        (topic, "sns:Publish"),
        (operators, "sns:Publish"),
    ):
        assert statement["Principal"] == {"Service": "cloudwatch.amazonaws.com"}
        assert action in listed(statement["Action"])
        assert statement["Condition"] == mine
