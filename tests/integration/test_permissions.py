"""Least privilege, counted: what the functions call is what the template allows, no more and no less."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import pytest

from tests.integration.conftest import Fleet, Queue, batch, cold_start
from tests.template import actions, functions

MESSAGES = (
    {"kind": "endpoint", "name": "churn"},
    {"kind": "pipeline", "name": "churn-train"},
    {"kind": "training-job", "name": "train"},
)


class Ledger:
    """The IAM actions behind the calls of a function."""

    def __init__(self, function: ModuleType) -> None:
        self.actions: set[str] = set()
        for name in function.clients.__slots__:
            client = getattr(function.clients, name)
            client.meta.events.register("before-call", self.note, unique_id=name)

    def note(self, model: Any, **_: Any) -> None:
        self.actions.add(f"{model.service_model.service_name}:{model.name}")


@pytest.fixture
def whole_fleet(fleet: Fleet) -> Fleet:
    fleet.endpoint()
    fleet.pipeline()
    fleet.training_job()
    return fleet


def test_reconcile_is_allowed_what_it_calls(whole_fleet: Fleet) -> None:
    app = cold_start("reconcile")
    ledger = Ledger(app)

    app.handler(batch(*MESSAGES), None)
    whole_fleet.sagemaker.delete_endpoint(EndpointName="churn")
    app.handler(batch(*MESSAGES), None)

    assert ledger.actions == actions("Reconcile")


def test_the_sweep_is_allowed_what_it_calls(whole_fleet: Fleet, queue: Queue) -> None:
    app = cold_start("sweep")
    ledger = Ledger(app)

    app.handler({}, None)

    [template_of_sam] = [each for each in functions()["Sweep"]["Policies"] if "SQSSendMessagePolicy" in each]
    assert template_of_sam == {"SQSSendMessagePolicy": {"QueueName": {"Fn::GetAtt": ["ReconcileQueue", "QueueName"]}}}
    assert ledger.actions - {"sqs:SendMessageBatch"} == actions("Sweep")
