"""The roles as CloudFormation makes them: of our own, with sentences for names, and no wider than AWS lets them be."""

from __future__ import annotations

import json
import re
from functools import cache
from typing import Any

import botocore.session
import pytest
from policy_sentry.querying.actions import get_action_data

from tests.template import ROOT, arns, functions, listed, made, policies, role_of, statements_of, template, transformed

ROLES = ("ReconcileRole", "SweepRole", "NotifyRole", "InteractRole", "SweepSchedulesRole")
SENTENCE = re.compile(r"([A-Z][a-z0-9]*){3,}")
YOUNGER = re.compile(r"sagemaker:(List|Describe)(AI(Benchmark|Recommendation)Job|Job)s?")
"""What the Service Authorization Reference in policy_sentry does not have yet, and the API model in botocore has."""


def test_each_function_has_a_role_of_its_own_and_the_transform_adds_none() -> None:
    assert {name: role_of(name) for name in functions()} == {name: f"{name}Role" for name in functions()}
    assert set(made("AWS::IAM::Role")) == set(ROLES)
    assert {each["Type"] for each in transformed()["Resources"].values() if each["Type"].startswith("AWS::IAM::")} == {
        "AWS::IAM::Role"
    }


@pytest.mark.parametrize("role", ROLES)
def test_a_role_has_no_managed_policies_a_path_and_a_boundary_where_wanted(role: str) -> None:
    properties = made("AWS::IAM::Role")[role]

    assert "ManagedPolicyArns" not in properties
    assert properties["Path"] == {"Ref": "RolePath"}
    boundary = ["HasPermissionsBoundary", {"Ref": "PermissionsBoundaryArn"}, {"Ref": "AWS::NoValue"}]
    assert properties["PermissionsBoundary"] == {"Fn::If": boundary}


@pytest.mark.parametrize("role", ROLES)
def test_every_statement_allows_something_and_is_named_by_a_sentence(role: str) -> None:
    trusted = made("AWS::IAM::Role")[role]["AssumeRolePolicyDocument"]["Statement"]
    found = [*trusted, *statements_of(role)]

    assert {each["Effect"] for each in found} == {"Allow"}
    assert [each.get("Sid") for each in found if not SENTENCE.fullmatch(each.get("Sid", ""))] == []
    assert all(
        len(sids) == len(set(sids))
        for sids in ([each["Sid"] for each in policy["PolicyDocument"]["Statement"]] for policy in policies(role))
    )


@pytest.mark.parametrize("role", ROLES)
def test_names_of_policies_differ_within_a_role(role: str) -> None:
    """PutRolePolicy replaces a policy of that name."""
    names = [policy["PolicyName"] for policy in policies(role)]

    assert len(names) == len(set(names))


def statements_with_names() -> list[Any]:
    return [pytest.param(each, id=f"{role}-{each['Sid']}") for role in ROLES for each in statements_of(role)]


@pytest.mark.parametrize("statement", statements_with_names())
def test_every_action_exists_and_fits_the_resources_of_its_statement(statement: dict[str, Any]) -> None:
    """`*` is for actions that know no narrower resource; each ARN is one that an action of the statement knows."""
    resources, fitting = arns(statement["Resource"]), set[str]()

    for action in listed(statement["Action"]):
        formats = known(action)
        mine = {arn for arn in resources if any(fits(arn, each) for each in formats)}
        assert mine, f"{action} does not act on {resources}, but on {formats}"
        fitting |= mine

    assert fitting == set(resources)


def known(action: str) -> list[str]:
    """Return the formats of the ARNs that an action acts on; `["*"]` when it knows no resources."""
    service, name = action.split(":")
    if name.endswith("*"):
        name = name.removesuffix("*")
    if YOUNGER.fullmatch(action):
        assert name in botocore.session.get_session().get_service_model(service).operation_names
        return ["*"] if name.startswith("List") else [f"arn:${{P}}:{service}:${{R}}:${{A}}:${{Job}}/${{Name}}"]
    found = get_action_data(service, name)
    assert found, f"{action} is no action"
    formats = [each["resource_arn_format"] for each in found[service]]
    return [each for each in formats if each != "*"] or ["*"]


def fits(arn: str, known_format: str) -> bool:
    """Tell whether some ARN of a format such as `arn:${Partition}:sqs:…:${QueueName}` is one of a statement's."""
    if "*" in (arn, known_format):
        return arn == known_format
    return overlap(arn, re.sub(r"\$\{[^}]+\}", "*", known_format))


@cache
def overlap(one: str, other: str) -> bool:
    """Tell whether two patterns with stars have a text in common."""
    if not one or not other:
        return set(one + other) <= {"*"}
    if one[0] == "*":
        return overlap(one[1:], other) or overlap(one, other[1:])
    if other[0] == "*":
        return overlap(other, one)
    return one[0] == other[0] and overlap(one[1:], other[1:])


def test_an_arn_of_another_service_or_type_does_not_fit() -> None:
    queue, table = "arn:${P}:sqs:${R}:${A}:${Q}", "arn:${P}:dynamodb:${R}:${A}:table/${T}"

    assert fits("arn:aws:sqs:eu-west-1:123456789012:x", queue)
    assert not fits("arn:aws:sns:eu-west-1:123456789012:x", queue)
    assert not fits("arn:aws:dynamodb:eu-west-1:123456789012:stream/x", table)
    assert not fits("*", queue)


def test_alarms_may_act_on_our_topic_and_on_those_that_the_stack_names_only() -> None:
    [statement] = [each for each in statements_of("ReconcileRole") if each["Action"] == "cloudwatch:PutMetricAlarm"]

    both = {"Fn::Sub": ["${AlertsTopic},${Paging}", {"Paging": {"Fn::Join": [",", {"Ref": "PagingTopicArns"}]}}]}
    assert statement["Condition"] == {
        "ForAllValues:ArnLike": {
            "cloudwatch:AlarmActions": {
                "Fn::If": ["HasPagingTopics", {"Fn::Split": [",", both]}, [{"Ref": "AlertsTopic"}]]
            }
        }
    }


def test_traces_are_neither_sent_nor_allowed_unless_somebody_asks() -> None:
    allowed = {
        (role, policy["Fn::If"][0])
        for role, properties in made("AWS::IAM::Role").items()
        for policy in properties["Policies"]
        if "xray:" in str(policy)
    }
    modes = {str(each["TracingConfig"]) for each in made("AWS::Lambda::Function").values()}

    assert template()["Parameters"]["Traces"]["Default"] == "off"
    assert allowed == {(role_of(name), "WantsTraces") for name in functions()}
    assert modes == {str({"Mode": {"Fn::If": ["WantsTraces", "Active", "PassThrough"]}})}


def conditions_of(action: str) -> dict[str, set[str]]:
    """Return under which conditions of the stack the roles have an action, by role; `always` for none."""
    found: dict[str, set[str]] = {}
    for role, properties in made("AWS::IAM::Role").items():
        for policy in properties["Policies"]:
            if f"'{action}'" in str(policy):
                found.setdefault(role, set()).add(policy["Fn::If"][0] if "Fn::If" in policy else "always")
    return found


def test_logs_of_sagemaker_are_read_only_where_the_stack_lets_them_be() -> None:
    for action in ("logs:DescribeLogStreams", "logs:GetLogEvents"):
        assert conditions_of(action) == {"NotifyRole": {"ReadsLogs"}}


def test_every_role_may_use_the_key_of_the_data_through_the_services_that_it_uses() -> None:
    """Of each statement on the key: by which service it may be used."""
    services: dict[str, set[str]] = {}
    for role in ROLES:
        for each in statements_of(role):
            if each["Resource"] == {"Ref": "DataKeyArn"}:
                via = each["Condition"]["StringEquals"]["kms:ViaService"]["Fn::Sub"]
                services.setdefault(role, set()).add(via.partition(".")[0])

    both = {"sqs", "dynamodb"}
    assert services == {
        "ReconcileRole": both,
        "SweepRole": both,
        "NotifyRole": both,
        "InteractRole": {"sqs"},
        "SweepSchedulesRole": {"sqs"},
    }
    assert all("HasDataKey" in conditions for conditions in conditions_of("kms:GenerateDataKey").values())


def test_the_key_policy_in_the_documentation_names_actions_that_there_are() -> None:
    page = (ROOT / "docs/operations.md").read_text()
    statements = json.loads(page.partition("<!-- key policy -->\n```json\n")[2].partition("```")[0])

    asked = {action for each in statements for action in listed(each["Action"]) if action != "kms:*"}
    assert {each for each in asked if not get_action_data("kms", each.removeprefix("kms:"))} == set()
    assert [each["Principal"] for each in statements] == [
        {"AWS": "arn:aws:iam::123456789012:root"},
        {"Service": "events.amazonaws.com"},
        {"Service": "logs.eu-west-1.amazonaws.com"},
    ]


def test_only_lambda_and_schedules_of_this_account_may_take_the_roles() -> None:
    trusted = {
        role: (each["Principal"], each.get("Condition"))
        for role in ROLES
        for each in made("AWS::IAM::Role")[role]["AssumeRolePolicyDocument"]["Statement"]
    }

    mine = {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}
    assert trusted == {
        **{role_of(name): ({"Service": "lambda.amazonaws.com"}, None) for name in functions()},
        "SweepSchedulesRole": ({"Service": "scheduler.amazonaws.com"}, mine),
    }
