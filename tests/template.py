"""The template, as data: intrinsic functions stay the dictionaries that they stand for."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from cfnlint.decode.cfn_yaml import load

PATH = Path(__file__).parents[1] / "template.yaml"


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


def statements(function: str) -> Iterator[dict[str, Any]]:
    """Yield the statements of a function's policies, those under a condition too; SAM's policy templates not."""
    for policy in functions()[function]["Policies"]:
        for each in policy["Fn::If"][1:] if "Fn::If" in policy else [policy]:
            yield from each.get("Statement", ())


def actions(function: str) -> set[str]:
    """Return the actions that a function's own statements allow."""
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


def listed(value: Any) -> list[Any]:
    """Return a list, of one when it is none."""
    return value if isinstance(value, list) else [value]
