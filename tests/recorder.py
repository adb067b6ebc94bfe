"""Records which AWS operations the functions call in the tests, and compares them with what their roles allow.

A call belongs to the function whose handler is on the stack; without a handler, to the function whose room of the
package the test entered first (`watch`: Reconcile, `fleet`: Sweep, `tell`: Notify). Calls of tests and of the
command line belong to nobody.

What is used must be allowed: a fixture of tests/conftest.py asserts it after every test. What is allowed must be
used: that needs the records of all tests, which each process of pytest leaves in .cache/aws-calls.

Run after all tests: make calls
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable
from pathlib import Path
from types import FrameType
from typing import Any

import botocore.session
from botocore.model import OperationModel

from tests.template import ROOT, actions, functions

RECORDS = ROOT / ".cache" / "aws-calls"
ROOMS = {"watch": "Reconcile", "fleet": "Sweep", "tell": "Notify"}
OTHERS = ("cli/sagewatch_cli", "benchmarks", "scripts")
PACKAGE = str(ROOT / "layers/core/sagewatch")

ALLOWED_BY = {
    # One permission for the single call and for the batch (Service Authorization Reference, SQS).
    "sqs:SendMessageBatch": "sqs:SendMessage",
    "sqs:ChangeMessageVisibilityBatch": "sqs:ChangeMessageVisibility",
}
"""Operation → the action that allows it, where they differ."""

FOR_THE_FUNCTION = {
    "logs:CreateLogStream": "Lambda writes the log (Lambda Developer Guide, CloudWatch Logs)",
    "logs:PutLogEvents": "Lambda writes the log",
    "sqs:ReceiveMessage": "Lambda polls the queue (Lambda Developer Guide, Amazon SQS)",
    "sqs:DeleteMessage": "Lambda deletes what was done",
    "sqs:GetQueueAttributes": "Lambda scales its pollers",
    "xray:PutTraceSegments": "Lambda sends traces (Lambda Developer Guide, AWS X-Ray)",
    "xray:PutTelemetryRecords": "Lambda sends traces",
    "kms:Decrypt": "SNS, Secrets Manager and Systems Manager use the key for the caller (their developer guides)",
    "kms:GenerateDataKey*": "SNS uses the key of an encrypted topic for the publisher",
    "kms:GenerateDataKey": "SQS uses the key of a queue for the sender (SQS Developer Guide, key management)",
    "kms:DescribeKey": "DynamoDB uses the key of a table for the caller (DynamoDB Developer Guide, encryption at rest)",
    "kms:Encrypt": "DynamoDB uses the key of a table for the caller",
    "kms:ReEncryptFrom": "DynamoDB uses the key of a table for the caller",
    "kms:ReEncryptTo": "DynamoDB uses the key of a table for the caller",
}
"""What other services do with a function's role, for which no test can see a call."""

type Call = tuple[str, str]
"""A function and the IAM action that it used: `("Notify", "sns:Publish")`."""

calls: set[Call] = set()
"""What was called in this process."""


def install() -> None:
    """Have every client that is made from now on tell of its calls."""
    make = botocore.session.Session.create_client

    def create_client(self: Any, *args: Any, **kwargs: Any) -> Any:
        client = make(self, *args, **kwargs)
        client.meta.events.register("provide-client-params", _note)
        return client

    botocore.session.Session.create_client = create_client  # type: ignore[method-assign]


def _note(model: OperationModel, **_: Any) -> None:
    if function := _caller(sys._getframe(1)):
        operation = f"{model.service_model.service_name}:{model.name}"
        calls.add((function, ALLOWED_BY.get(operation, operation)))


def _caller(frame: FrameType | None) -> str | None:
    """Return the function of the template that makes this call; None for tests and the command line.

    A test that acts in the middle of a function's work, as others would, is the nearest to its call.
    """
    room, nearest = None, True
    while frame:
        path = frame.f_code.co_filename
        if path.startswith(PACKAGE):
            room, nearest = path.removeprefix(PACKAGE).split("/")[1], False
        elif path.startswith(str(ROOT)):
            top = path.removeprefix(f"{ROOT}/")
            if nearest and top.startswith("tests/"):
                return None
            nearest = nearest and top.startswith(".venv")
            if top.startswith("functions/"):
                return top.split("/")[1].title()
            if top.startswith(OTHERS):
                return None
        frame = frame.f_back
    return ROOMS.get(room or "")


def not_allowed(used: Iterable[Call]) -> list[str]:
    """Return what was called without the role's leave: `["Notify: sns:Publish"]`."""
    return sorted(f"{function}: {action}" for function, action in used if action not in actions(function))


def unused(used: Iterable[Call]) -> list[str]:
    """Return what roles allow and nobody called."""
    known = set(used)
    return sorted(
        f"{function}: {action}"
        for function in functions()
        for action in actions(function)
        if action not in FOR_THE_FUNCTION and (function, action) not in known
    )


def keep() -> None:
    """Write down what was called in this process."""
    if calls:
        RECORDS.mkdir(parents=True, exist_ok=True)
        (RECORDS / f"{os.getpid()}.json").write_text(json.dumps(sorted(calls)))


def kept(folder: Path = RECORDS) -> set[Call]:
    """Return what was called in all processes."""
    return {(function, action) for path in folder.glob("*.json") for function, action in json.loads(path.read_text())}


if __name__ == "__main__":
    used = kept()
    faults = [f"not allowed: {each}" for each in not_allowed(used)] + [f"never used: {each}" for each in unused(used)]
    print("\n".join(faults) or f"{len(used)} pairs of function and action: allowed is used, and used is allowed")
    sys.exit(1 if faults or not used else 0)
