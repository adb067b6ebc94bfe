"""Print the template as CloudFormation gets it, everything in it that is under a condition included, for scanners.

Scanners understand little of conditions: here, every condition holds. Run: python -m tests.scanned
"""

from __future__ import annotations

import json
from typing import Any

from tests.template import transformed


def with_everything(value: Any) -> Any:
    """Return a part of the template with `Fn::If` decided for the condition, and its NoValue left out."""
    if isinstance(value, list):
        return [with_everything(each) for each in value if each != {"Ref": "AWS::NoValue"}]
    if not isinstance(value, dict):
        return value
    if value.keys() == {"Fn::If"}:
        _, then, otherwise = value["Fn::If"]
        return with_everything(otherwise if then == {"Ref": "AWS::NoValue"} else then)
    return {name: with_everything(each) for name, each in value.items()}


def scanned() -> dict[str, Any]:
    """Return the template without conditions."""
    resources = {
        name: {field: with_everything(each) for field, each in resource.items() if field != "Condition"}
        for name, resource in transformed()["Resources"].items()
    }
    return {**transformed(), "Resources": resources}


if __name__ == "__main__":
    print(json.dumps(scanned(), indent=1))
