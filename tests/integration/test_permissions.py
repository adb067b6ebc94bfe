"""Least privilege, counted: what the functions call is what the template allows, no more and no less."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from botocore import xform_name
from botocore.model import OperationModel

from sagewatch.kinds.registry import KINDS
from sagewatch_cli.scenarios.facets import FACETS
from tests.integration.conftest import Fleet, Journal, Queue, batch, cold_start
from tests.recorder import FOR_THE_FUNCTION
from tests.template import actions, arns, listed, statements

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
    """Return the queues that a function may send to, but for its dead letters."""
    sends = [each for each in statements(function) if "sqs:SendMessage" in listed(each["Action"])]
    return [
        arn.rpartition(":")[2] for each in sends for arn in arns(each["Resource"]) if not arn.endswith("DeadLetters")
    ]


def test_reconcile_is_allowed_what_it_calls(whole_fleet: Fleet) -> None:
    app = cold_start("reconcile")
    ledger = Ledger(app)

    app.handler(batch(*MESSAGES), None)
    whole_fleet.sagemaker.delete_endpoint(EndpointName="churn")
    app.handler(batch(*MESSAGES), None)

    described = {action(kind.describe) for kind in KINDS if kind.specs}
    assert queues_of("Reconcile") == ["ReconcileQueue", "BackfillQueue", "NotifyQueue"]
    assert ledger.actions <= actions("Reconcile")
    assert actions("Reconcile") - FOR_THE_FUNCTION.keys() == described | STANDING | {
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
        "sqs:SendMessage",
        "sqs:ChangeMessageVisibility",  # of messages that failed; none does here
    }


def test_the_sweep_is_allowed_what_it_calls(whole_fleet: Fleet, queue: Queue) -> None:
    app = cold_start("sweep")
    ledger = Ledger(app)

    app.handler({}, None)

    assert queues_of("Sweep") == ["BackfillQueue", "NotifyQueue"]
    assert ledger.actions - {"sqs:SendMessageBatch"} <= actions("Sweep")
    lists = {action(each.operation) for kind in KINDS for each in (kind.specs and kind.listing, kind.failures) if each}
    muting = {f"cloudwatch:{each}" for each in ("ListAlarmMuteRules", "PutAlarmMuteRule", "DeleteAlarmMuteRule")}
    reading = {"cloudwatch:DescribeAlarms", "cloudwatch:ListMetrics"}
    writing = {"dynamodb:PutItem", "sqs:SendMessage", "ssm:PutParameter"}
    looking_after_itself = {
        "cloudwatch:SetAlarmState",
        "events:DescribeRule",
        "lambda:GetEventSourceMapping",
        "scheduler:GetSchedule",
        "sns:ListSubscriptionsByTopic",
    }
    assert (
        actions("Sweep") - FOR_THE_FUNCTION.keys()
        == lists | STANDING | muting | reading | writing | looking_after_itself
    )


def test_reconcile_describes_every_kind_that_it_may_describe(journal: Journal, queue: Queue) -> None:
    """Of each facet that a scenario is about, with SageMaker's answers; the recorder of calls keeps them, too."""
    app = cold_start("reconcile")
    answers: Mapping[str, Any] = {}
    journal.watch(app.clients.sagemaker)

    def answered(model: OperationModel, params: Mapping[str, Any], **_: Any) -> Any:
        answer = answers.get(xform_name(model.name))
        if answer is None and model.name.startswith("Describe"):
            error = {"Code": "ValidationException", "Message": "Could not find it"}
            return SimpleNamespace(status_code=400), {"Error": error, "ResponseMetadata": {"HTTPStatusCode": 400}}
        if callable(answer):
            answer = answer(**json.loads(params["body"]))
        page = defaultdict(list, answer or {}, ResponseMetadata={"HTTPStatusCode": 200})  # an empty list of anything
        return SimpleNamespace(status_code=200), page

    app.clients.sagemaker.meta.events.register_first("before-call", answered)
    for facet in FACETS.values():
        answers = facet.answers
        assert app.handler(batch({"kind": facet.kind, "name": facet.name}), None) == {"batchItemFailures": []}

    allowed = {each for each in actions("Reconcile") if each.startswith("sagemaker:Describe")}
    assert {f"sagemaker:{each}" for each in journal.calls if each.startswith("Describe")} == allowed
