"""An AWS account that answers without a network and counts the calls, so that only our own work is measured.

Answers are bytes, as from the network: botocore checks, serialises and signs each request and parses each answer.
DescribeAlarms is paged as CloudWatch pages it; moto answers everything on one page.
"""

from __future__ import annotations

import bisect
import json
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import boto3
from botocore import xform_name
from botocore.compat import HTTPHeaders
from botocore.config import Config
from botocore.exceptions import ClientError
from botocore.model import OperationModel

ACCOUNT = "arn:aws:sagemaker:us-east-1:123456789012"
THEN = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Call:
    """One call and its answer, as it was made once."""

    service: str
    operation: str
    parameters: Mapping[str, Any]
    answer: SimpleNamespace


class CountedAccount:
    """An account with endpoints that are all alike, alarms, and a count of the calls.

    `endpoints` are the names of those that exist; take one out and the next describe says that it is gone.
    """

    def __init__(self, endpoints: int = 0, policy: str = "", instance: str = "ml.m5.xlarge", variants: int = 1) -> None:
        self.endpoints = [f"churn-{n:05}" for n in range(endpoints)]
        self._there: set[str] = set()
        self.policy = policy
        self.variants = [
            {"VariantName": f"variant-{n}", "ModelName": "m", "InstanceType": instance} for n in range(variants)
        ]
        self.alarms: dict[str, dict[str, Any]] = {}
        self.names: list[str] = []
        self.sent = 0
        self.bodies: list[str] = []
        self.calls: Counter[str] = Counter()
        self.recording: list[Call] | None = None
        """Every call is added to it, unless it is None."""
        self.replaying: Iterator[Call] | None = None
        """Where answers come from in place of the account, unless it is None."""
        self.before: Callable[[str], SimpleNamespace | None] = lambda _operation: None
        """Asked before each request is answered: what it returns is the answer, unless it is None."""

    def client(self, service: str, config: Config | None = None) -> Any:
        """Return a boto3 client whose requests are answered here in place of the network."""
        client = boto3.client(
            service,
            region_name="us-east-1",
            aws_access_key_id="test",
            aws_secret_access_key="test",
            config=config,
        )
        model = client.meta.service_model
        if model.resolved_protocol != "json":
            raise ValueError(f"{service} speaks {model.resolved_protocol}")

        def remember(params: dict[str, Any], context: dict[str, Any], **_: Any) -> None:
            context["asked"] = dict(params)

        def answer(request: Any, event_name: str, **_: Any) -> SimpleNamespace:
            operation = event_name.rpartition(".")[2]
            self.calls[operation] += 1
            if self.replaying is not None:
                return next(self.replaying).answer
            if (odd := self.before(operation)) is not None:
                return odd
            asked = request.context["asked"]
            made = self._answer(model.operation_model(operation), asked)
            if self.recording is not None:
                self.recording.append(Call(service, operation, asked, made))
            return made

        client.meta.events.register("before-parameter-build", remember)
        client.meta.events.register("before-send", answer)
        return client

    def taken(self) -> Counter[str]:
        """Return the calls since the last time."""
        calls, self.calls = self.calls, Counter()
        return calls

    def recorded(self, work: Callable[[], object]) -> list[Call]:
        """Do the work once, and return its calls with their answers."""
        self.recording = []
        work()
        calls, self.recording = self.recording, None
        return calls

    def replayed(self, calls: list[Call], work: Callable[[], object]) -> float:
        """Do work that makes the same calls again; return the CPU time of this process in seconds."""
        self.replaying = iter(calls)
        began = time.process_time()
        work()
        spent = time.process_time() - began
        left, self.replaying = sum(1 for _ in self.replaying), None
        if left:
            raise AssertionError(f"{left} of {len(calls)} calls were not made again")
        return spent

    def _answer(self, model: OperationModel, asked: dict[str, Any]) -> SimpleNamespace:
        outputs = model.output_shape.members.items() if model.output_shape else ()
        empty = {name: [] for name, shape in outputs if shape.type_name == "list"}
        made = getattr(self, f"_{model.name}", lambda **_: empty)(**asked)
        return _as_json(made)

    def _DescribeEndpoint(self, EndpointName: str) -> dict[str, Any]:  # noqa: N802, N803 - as AWS names them
        if len(self._there) != len(self.endpoints):
            self._there = set(self.endpoints)
        if EndpointName not in self._there:
            return {"Error": {"Code": "ValidationException", "Message": f'Could not find endpoint "{EndpointName}".'}}
        return {
            "EndpointName": EndpointName,
            "EndpointArn": f"{ACCOUNT}:endpoint/{EndpointName}",
            "EndpointConfigName": EndpointName,
            "ProductionVariants": [{"VariantName": each["VariantName"]} for each in self.variants],
            "EndpointStatus": "InService",
        }

    def _DescribeEndpointConfig(self, EndpointConfigName: str) -> dict[str, Any]:  # noqa: N802, N803, ARG002
        return {"ProductionVariants": self.variants}

    def _DescribeModel(self, **_: Any) -> dict[str, Any]:  # noqa: N802
        return {"ModelName": "m", "PrimaryContainer": {"Image": "i"}}

    def _ListTags(self, **_: Any) -> dict[str, Any]:  # noqa: N802
        return {"Tags": []}

    def _ListEndpoints(self, MaxResults: int, NextToken: str = "0", **_: Any) -> dict[str, Any]:  # noqa: N802, N803
        first = int(NextToken)
        page = self.endpoints[first : first + MaxResults]
        listed = [{"EndpointName": name, "CreationTime": THEN, "LastModifiedTime": THEN} for name in page]
        more = first + MaxResults < len(self.endpoints)
        return {"Endpoints": listed, **({"NextToken": str(first + MaxResults)} if more else {})}

    def _PutMetricAlarm(self, **request: Any) -> dict[str, Any]:  # noqa: N802
        name = request["AlarmName"]
        if name not in self.alarms:
            bisect.insort(self.names, name)
        self.alarms[name] = {**request, "AlarmConfigurationUpdatedTimestamp": THEN}
        return {}

    def _DeleteAlarms(self, AlarmNames: list[str]) -> dict[str, Any]:  # noqa: N802, N803
        for name in AlarmNames:
            self.alarms.pop(name, None)
        self.names = sorted(self.alarms)
        return {}

    def _DescribeAlarms(self, AlarmNamePrefix: str, MaxRecords: int, NextToken: str = "", **_: Any) -> dict[str, Any]:  # noqa: N802, N803
        first = bisect.bisect_left(self.names, NextToken or AlarmNamePrefix)
        end = bisect.bisect_left(self.names, AlarmNamePrefix + "\U0010ffff")
        page = self.names[first : min(first + MaxRecords, end)]
        found = {"MetricAlarms": [self.alarms[name] for name in page]}
        more = first + MaxRecords < end
        return {**found, **({"NextToken": self.names[first + MaxRecords]} if more else {})}

    def _SendMessageBatch(self, Entries: list[dict[str, str]], **_: Any) -> dict[str, Any]:  # noqa: N802, N803
        self.sent += len(Entries)
        self.bodies += [each["MessageBody"] for each in Entries]
        return {"Successful": []}

    def _GetParameter(self, Name: str) -> dict[str, Any]:  # noqa: N802, N803
        return {"Parameter": {"Name": Name, "Value": self.policy, "Version": 1}}


def throttled() -> SimpleNamespace:
    """Return what CloudWatch answers over the quota."""
    return _as_json({"Error": {"Code": "ThrottlingException", "Message": "Rate exceeded"}})


def _as_json(made: Mapping[str, Any]) -> SimpleNamespace:
    """Return an answer as bytes; botocore speaks JSON with all services that are played here."""
    if error := made.get("Error"):
        return _response(400, json.dumps({"__type": error["Code"], "message": error["Message"]}).encode())
    return _response(200, json.dumps(made, default=datetime.timestamp).encode())


def _response(status: int, content: bytes) -> SimpleNamespace:
    return SimpleNamespace(status_code=status, headers=HTTPHeaders(), content=content, raw=None)


def bare_loop(clients: Mapping[str, Any], calls: list[Call]) -> Callable[[], None]:
    """Return work that makes these calls with boto3, one after the other, and does nothing else."""
    made = [(getattr(clients[each.service], xform_name(each.operation)), each.parameters) for each in calls]

    def loop() -> None:
        for call, parameters in made:
            try:
                call(**parameters)
            except ClientError:
                continue

    return loop


def measured(account: CountedAccount, work: Callable[[], object]) -> tuple[Counter[str], float]:
    """Do the work once; return its calls by operation and the CPU time of this process in seconds.

    The CPU time includes botocore's checking and serialising, and no network.
    """
    account.taken()
    began = time.process_time()
    work()
    return account.taken(), time.process_time() - began
