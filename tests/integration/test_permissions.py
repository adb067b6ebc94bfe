"""Least privilege, counted: what the functions call is what the template allows, no more and no less."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import pytest

from sagewatch.kinds.registry import KINDS
from tests.integration.conftest import Fleet, Queue, batch, cold_start
from tests.template import actions, functions

MESSAGES = (
    {"kind": "endpoint", "name": "churn"},
    {"kind": "pipeline", "name": "churn-train"},
    {"kind": "training-job", "name": "train"},
)


ACRONYMS = {"ml": "ML", "ai": "AI"}
STANDING = {"ssm:GetParameter", "ssm:GetParameterHistory", "dynamodb:GetItem"}
"""What it takes to know the policy, the last good one, and what the budget has no room for."""


class Ledger:
    """The IAM actions behind the calls of a function."""

    def __init__(self, function: ModuleType) -> None:
        self.actions: set[str] = set()
        for name in ("sagemaker", "cloudwatch", "sqs"):
            client = getattr(function.clients, name, None)
            if client is None:
                continue
            client.meta.events.register("before-call", self.note, unique_id=name)

    def note(self, model: Any, **_: Any) -> None:
        self.actions.add(f"{model.service_model.service_name}:{model.name}")


@pytest.fixture
def whole_fleet(fleet: Fleet) -> Fleet:
    fleet.endpoint()
    fleet.pipeline()
    fleet.training_job()
    return fleet


def action(operation: str) -> str:
    return "sagemaker:" + "".join(ACRONYMS.get(part, part.title()) for part in operation.split("_"))


def queues_of(function: str) -> list[str]:
    """Return the queues that a function may send to, by SAM's own policy."""
    of_sam = [
        each["SQSSendMessagePolicy"] for each in functions()[function]["Policies"] if "SQSSendMessagePolicy" in each
    ]
    return [each["QueueName"]["Fn::GetAtt"][0] for each in of_sam]


def test_reconcile_is_allowed_what_it_calls(whole_fleet: Fleet) -> None:
    app = cold_start("reconcile")
    ledger = Ledger(app)

    app.handler(batch(*MESSAGES), None)
    whole_fleet.sagemaker.delete_endpoint(EndpointName="churn")
    app.handler(batch(*MESSAGES), None)

    described = {action(kind.describe) for kind in KINDS if kind.specs}
    assert queues_of("Reconcile") == ["ReconcileQueue", "BackfillQueue", "NotifyQueue"]
    assert ledger.actions <= actions("Reconcile")
    assert actions("Reconcile") == described | STANDING | {
        "sagemaker:DescribeEndpointConfig",
        "sagemaker:DescribeModel",
        "sagemaker:ListEndpoints",
        "sagemaker:ListInferenceComponents",
        "sagemaker:ListTags",
        "cloudwatch:DescribeAlarms",
        "cloudwatch:PutMetricAlarm",
        "cloudwatch:DeleteAlarms",
        "cloudwatch:ListMetrics",
        "dynamodb:PutItem",
        "ec2:DescribeInstanceTypes",
        "sqs:ChangeMessageVisibility",  # of messages that failed; none does here
    }


def test_the_sweep_is_allowed_what_it_calls(whole_fleet: Fleet, queue: Queue) -> None:
    app = cold_start("sweep")
    ledger = Ledger(app)

    app.handler({}, None)

    assert queues_of("Sweep") == ["BackfillQueue", "NotifyQueue"]
    assert ledger.actions - {"sqs:SendMessageBatch"} <= actions("Sweep")
    listed = {action(each.operation) for kind in KINDS for each in (kind.specs and kind.listing, kind.failures) if each}
    muting = {f"cloudwatch:{each}" for each in ("ListAlarmMuteRules", "PutAlarmMuteRule", "DeleteAlarmMuteRule")}
    reading = {"cloudwatch:DescribeAlarms", "cloudwatch:ListMetrics"}
    assert actions("Sweep") == listed | STANDING | muting | reading | {"dynamodb:PutItem", "ssm:PutParameter"}
