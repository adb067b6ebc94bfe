"""The template, as data: intrinsic functions stay the dictionaries that they stand for."""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from cfnlint.decode.cfn_yaml import load

ROOT = Path(__file__).parents[1]
PATH = ROOT / "template.yaml"


@cache
def template() -> dict[str, Any]:
    """Return template.yaml."""
    return json.loads(json.dumps(load(str(PATH))))  # type: ignore[no-any-return]


def resources(type_: str) -> dict[str, dict[str, Any]]:
    """Return the properties of all resources of a type, by logical id."""
    return {name: each["Properties"] for name, each in template()["Resources"].items() if each["Type"] == type_}


def functions() -> dict[str, dict[str, Any]]:
    """Return the properties of the functions, their global ones included."""
    globals_ = template()["Globals"]["Function"]
    return {name: {**globals_, **each} for name, each in resources("AWS::Serverless::Function").items()}


def variables(function: str) -> set[str]:
    """Return the names of a function's environment variables."""
    own = resources("AWS::Serverless::Function")[function].get("Environment", {}).get("Variables", {})
    return {*template()["Globals"]["Function"]["Environment"]["Variables"], *own}


@cache
def transformed() -> dict[str, Any]:
    """Return the template as CloudFormation gets it, with all that the transform of SAM adds.

    That takes seconds, so it is kept in .cache under a hash of what goes in and of who transforms it.
    """
    text, script, lock = json.dumps(template()), ROOT / "tests/transform.py", ROOT / "uv.lock"
    digest = hashlib.sha256(b"\0".join((text.encode(), script.read_bytes(), lock.read_bytes()))).hexdigest()
    kept = ROOT / ".cache" / f"transformed-{digest[:16]}.json"
    if not kept.exists():
        kept.parent.mkdir(exist_ok=True)
        written = kept.with_suffix(f".{os.getpid()}")  # two workers may write at once
        written.write_text(_transform(text, script))
        written.replace(kept)
    return json.loads(kept.read_text())  # type: ignore[no-any-return]


def _transform(text: str, script: Path) -> str:
    done = subprocess.run(
        [ROOT / ".venv-sam/bin/python", script],
        input=text,
        env={"AWS_DEFAULT_REGION": "eu-west-1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def made(type_: str) -> dict[str, dict[str, Any]]:
    """Return the properties of all resources of a type that CloudFormation makes, by logical id."""
    return {name: each["Properties"] for name, each in transformed()["Resources"].items() if each["Type"] == type_}


def role_of(function: str) -> str:
    """Return the logical id of a function's role."""
    return str(made("AWS::Lambda::Function")[function]["Role"]["Fn::GetAtt"][0])


def policies(role: str) -> Iterator[Mapping[str, Any]]:
    """Yield the inline policies of a role, those under a condition too."""
    for policy in made("AWS::IAM::Role")[role]["Policies"]:
        for each in policy["Fn::If"][1:] if "Fn::If" in policy else [policy]:
            if each != {"Ref": "AWS::NoValue"}:
                yield each


def statements_of(role: str) -> Iterator[dict[str, Any]]:
    """Yield the statements of a role, those under a condition too."""
    for policy in policies(role):
        yield from policy["PolicyDocument"]["Statement"]


def statements(function: str) -> Iterator[dict[str, Any]]:
    """Yield the statements of a function's role."""
    return statements_of(role_of(function))


def actions(function: str) -> set[str]:
    """Return the actions that a function's role allows."""
    return {action for each in statements(function) for action in listed(each["Action"])}


def rules() -> dict[str, dict[str, Any]]:
    """Return the event rules: pattern, targets' retry policy and dead-letter queue."""
    found = {
        name: {"pattern": each["EventPattern"], "targets": each["Targets"]}
        for name, each in resources("AWS::Events::Rule").items()
        if "EventPattern" in each
    }
    for function, properties in functions().items():
        for event, each in properties.get("Events", {}).items():
            if each["Type"] == "EventBridgeRule":
                found[f"{function}{event}"] = {
                    "pattern": each["Properties"]["Pattern"],
                    "targets": [each["Properties"]],
                }
    return found


def clocks() -> dict[str, dict[str, Any]]:
    """Return the rules that a schedule starts: what they send, and where."""
    return {name: each for name, each in resources("AWS::Events::Rule").items() if "ScheduleExpression" in each}


def resolved(value: Any, **parameters: str) -> Any:
    """Replace Ref and Sub by the parameters' values."""
    if isinstance(value, list):
        return [resolved(each, **parameters) for each in value]
    if isinstance(value, dict):
        if value.keys() == {"Ref"}:
            return parameters[value["Ref"]]
        if value.keys() == {"Fn::Sub"}:
            text = value["Fn::Sub"]
            for name, each in parameters.items():
                text = text.replace(f"${{{name}}}", each)
            return text
        return {key: resolved(each, **parameters) for key, each in value.items()}
    return value


SAMPLES: Mapping[str, Any] = {
    "AWS::Partition": "aws",
    "AWS::Region": "eu-west-1",
    "AWS::AccountId": "123456789012",
    "AWS::StackName": "sagewatch",
    "AlarmPrefix": "sagewatch",
    "SlackParameterName": "/team/slack",
    "SlackSecretArn": "arn:aws:secretsmanager:eu-west-1:123456789012:secret:slack-AbCdEf",
    "CustomerKeyArns": ["arn:aws:kms:eu-west-1:123456789012:key/0a1b"],
    "DataKeyArn": "arn:aws:kms:eu-west-1:123456789012:key/0d2e",
    "PagingTopicArns": ["arn:aws:sns:eu-west-1:123456789012:pager"],
    "RouteTopicArns": ["arn:aws:sns:eu-west-1:123456789012:team"],
    "RouteSecretArns": [
        "arn:aws:secretsmanager:eu-west-1:123456789012:secret:pagerduty-AbCdEf",
        "arn:aws:ssm:eu-west-1:123456789012:parameter/team/webhook",
    ],
    "OperatorsTopicArn": "arn:aws:sns:eu-west-1:123456789012:operators",
}
"""Values for what the resources of roles refer to."""

_ARNS = {
    "AWS::SQS::Queue": "sqs:eu-west-1:123456789012:{}",
    "AWS::SNS::Topic": "sns:eu-west-1:123456789012:{}",
    "AWS::DynamoDB::Table": "dynamodb:eu-west-1:123456789012:table/{}",
    "AWS::KMS::Key": "kms:eu-west-1:123456789012:key/{}",
    "AWS::Lambda::Function": "lambda:eu-west-1:123456789012:function:{}",
    "AWS::Events::Rule": "events:eu-west-1:123456789012:rule/{}",
    "AWS::CloudWatch::Alarm": "cloudwatch:eu-west-1:123456789012:alarm:{}",
    # GetAtt of a log group ends in a star (CloudFormation, AWS::Logs::LogGroup, "Return values").
    "AWS::Logs::LogGroup": "logs:eu-west-1:123456789012:log-group:{}:*",
}


def arn_of(resource: str) -> str:
    """Return an ARN for a resource of the template."""
    return "arn:aws:" + _ARNS[transformed()["Resources"][resource]["Type"]].format(resource)


def arns(value: Any) -> list[str]:
    """Return the ARNs that the Resource of a statement stands for, with SAMPLES in place of parameters."""
    if isinstance(value, list):
        return [arn for each in value for arn in arns(each)]
    match value:
        case {"Fn::If": [_, then, otherwise]}:
            return [*arns(then), *arns(otherwise)]
        case {"Ref": "AWS::NoValue"}:
            return []
        case {"Ref": name}:
            return listed(SAMPLES[name]) if name in SAMPLES else [arn_of(name)]
        case {"Fn::GetAtt": [name, "Arn"]}:
            return [arn_of(name)]
        case {"Fn::Sub": str(text)}:
            for name in re.findall(r"\$\{([^}]+)\}", text):
                text = text.replace(f"${{{name}}}", SAMPLES.get(name) or arn_of(name.removesuffix(".Arn")))
            return [text]
    return [str(value)]


def listed(value: Any) -> list[Any]:
    """Return a list, of one when it is none."""
    return value if isinstance(value, list) else [value]
