"""Print the template as CloudFormation gets it, everything in it that is under a condition included, for scanners.

Scanners understand little of conditions: here, every condition holds. Run: python -m tests.scanned
"""

from __future__ import annotations

import json
from fnmatch import fnmatchcase
from typing import Any

from tests.template import transformed

SKIPPED = (
    ("CKV_AWS_28", "Incidents", "what it holds is derived and expires; lost, alarms are told anew"),
    ("CKV_AWS_116", "Reconcile", "a queue calls it, and has a dead-letter queue"),
    ("CKV_AWS_116", "Notify", "a queue calls it, and has a dead-letter queue"),
    ("CKV_AWS_116", "Sweep", "it has a destination for what fails, which holds more than a dead letter"),
    ("CKV_AWS_116", "Interact", "Slack waits for its answer: there is nothing to keep"),
    ("CKV_AWS_117", "*", "it calls AWS and Slack, and nothing inside a VPC"),
    ("CKV_AWS_115", "Reconcile", "MaximumConcurrency of the queues bounds it; small quotas have nothing to set aside"),
    ("CKV_AWS_115", "Notify", "MaximumConcurrency of the queue bounds it; small quotas have nothing to set aside"),
    ("CKV_AWS_115", "Sweep", "schedules start it, one at a time"),
    ("CKV_AWS_115", "Interact", "SlackButtonsConcurrency sets executions aside for those whose quota has them"),
    ("CKV_AWS_173", "*", "no variable holds a secret: they name queues, tables and parameters"),
    ("CKV_AWS_26", "OperatorsTopic", "a key may be what is broken; its messages name functions and queues only"),
    ("CKV_AWS_258", "InteractUrl", "Slack cannot sign for IAM: it signs with the secret of the app, which is checked"),
)
"""Check of Checkov, resources that it is skipped for, and why. What no line names must pass."""


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
    """Return the template without conditions, and with what is skipped as Checkov wants it: in the metadata."""
    resources = {
        name: {field: with_everything(each) for field, each in resource.items() if field != "Condition"}
        for name, resource in transformed()["Resources"].items()
    }
    for name, resource in resources.items():
        skips = [{"id": check, "comment": why} for check, which, why in SKIPPED if fnmatchcase(name, which)]
        resource["Metadata"] = {"checkov": {"skip": skips}}
    # A condition that holds asks about a parameter that is given; Checkov puts the default in its place.
    parameters = {
        name: {**each, "Default": "given"} if each.get("Default") == "" else each
        for name, each in transformed()["Parameters"].items()
    }
    return {**transformed(), "Parameters": parameters, "Resources": resources}


if __name__ == "__main__":
    print(json.dumps(scanned(), indent=1))
