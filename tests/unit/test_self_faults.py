"""Whatever happens to Sagewatch itself, somebody is told within a quarter of an hour; on an ordinary day nobody is."""

from __future__ import annotations

from typing import Any

import pytest

from scripts.self_alarms import ALARMS, RULES
from scripts.self_faults import FAULTS, OPERATIONS, PHASES, WITHIN, SelfFault, filled, firing, told_after
from tests.template import functions, made, resources, rules, template
from tests.unit.test_template import OPERATORS


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.what)
def test_a_fault_is_told_within_a_quarter_of_an_hour(fault: SelfFault) -> None:
    alarm, minutes = told_after(fault)

    assert minutes <= WITHIN, f"{alarm} comes after {minutes} minutes"


@pytest.mark.parametrize("phase", PHASES)
def test_on_an_ordinary_day_nobody_is_told(phase: int) -> None:
    assert firing(None, phase, [each.id for each in ALARMS]) == {}


def test_the_table_in_the_documentation_is_current() -> None:
    text = OPERATIONS.read_text()

    assert filled(text) == text, "run make generate"


def test_every_rule_and_every_function_is_watched() -> None:
    watched = {(each.metric, each.value.removeprefix("!Ref ")) for each in ALARMS}

    assert {*rules(), "Clock"} == set(RULES)
    assert {("FailedInvocations", rule) for rule in RULES} <= watched
    assert {(metric, name) for name in functions() for metric in ("Errors", "Throttles")} <= watched
    waiting = {name for name in resources("AWS::SQS::Queue") if name.endswith("Queue")}
    assert {each.value for each in ALARMS if each.namespace == "AWS/SQS"} == {
        f"!GetAtt {name}.QueueName" for name in waiting
    }


def test_whatever_can_be_disabled_is_looked_at() -> None:
    """Rules, schedules and event source mappings: each by its name, which the sweep's own have by the prefix."""
    variables = made("AWS::Lambda::Function")["Sweep"]["Environment"]["Variables"]
    [_, parts] = variables["PARTS"]["Fn::Join"]
    looked_at = {part["Fn::Sub"] for part in parts}

    rules_made = {f"rule:{_name(logical, each)}" for logical, each in made("AWS::Events::Rule").items()}
    schedules = {f"schedule:{each['Name']['Fn::Sub']}" for each in made("AWS::Scheduler::Schedule").values()}
    mappings = {f"mapping:${{{logical}}}" for logical in made("AWS::Lambda::EventSourceMapping")}
    assert looked_at == rules_made | schedules | mappings


def _name(logical: str, rule: dict[str, Any]) -> str:
    return str(rule["Name"]["Fn::Sub"]) if "Name" in rule else f"${{{logical}}}"


def test_alarms_on_ourselves_act_on_the_topic_of_the_operators() -> None:
    actions = {name: each.get("AlarmActions", []) for name, each in resources("AWS::CloudWatch::Alarm").items()}

    dead_letters = {f"{name}DeadLettersAlarm" for name in ("Reconcile", "Sweep", "Notify")}
    ours = {f"{each.id}Alarm" for each in ALARMS} | dead_letters
    assert {name for name, acts in actions.items() if OPERATORS in acts} == ours


def test_the_topic_of_the_operators_shares_no_key_with_the_alerts_topic() -> None:
    topics = resources("AWS::SNS::Topic")

    assert "KmsMasterKeyId" in topics["AlertsTopic"]
    assert "KmsMasterKeyId" not in topics["OperatorsTopic"]


@pytest.mark.parametrize(
    ("given", "is_taken"),
    [
        ({}, False),
        ({"OperatorsEmail": "ops@example.com"}, True),
        ({"OperatorsTopicArn": "arn:aws:sns:eu-west-1:123456789012:operators"}, True),
    ],
)
def test_a_stack_of_which_nobody_would_hear_is_refused(given: dict[str, str], is_taken: bool) -> None:
    [rule] = template()["Rules"].values()
    [assertion] = rule["Assertions"]
    parameters = {"OperatorsEmail": "", "OperatorsTopicArn": "", **given}

    assert holds(assertion["Assert"], parameters) is is_taken
    assert "OperatorsEmail" in assertion["AssertDescription"]


def holds(condition: Any, parameters: dict[str, str]) -> bool:
    """Decide a condition of Equals, Not and Or."""
    match condition:
        case {"Fn::Or": list(each)}:
            return any(holds(one, parameters) for one in each)
        case {"Fn::Not": [one]}:
            return not holds(one, parameters)
        case {"Fn::Equals": [{"Ref": name}, value]}:
            return bool(parameters[name] == value)
    raise ValueError(condition)
