"""An AWS account that answers without a network and counts the calls, so that only our own work is measured.

DescribeAlarms is paged as CloudWatch pages it; moto answers everything on one page.
"""

from __future__ import annotations

import bisect
import time
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import boto3

ACCOUNT = "arn:aws:sagemaker:us-east-1:123456789012"
THEN = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


class CountedAccount:
    """An account with endpoints of one variant each, alarms, and a count of the calls.

    `endpoints` are the names of those that exist; take one out and the next describe says that it is gone.
    """

    def __init__(self, endpoints: int = 0) -> None:
        self.endpoints = [f"churn-{n:05}" for n in range(endpoints)]
        self.alarms: dict[str, dict[str, Any]] = {}
        self.names: list[str] = []
        self.sent = 0
        self.calls: Counter[str] = Counter()

    def client(self, service: str) -> Any:
        """Return a boto3 client whose calls end here, after botocore has checked and serialised them."""
        client = boto3.client(service, region_name="us-east-1", aws_access_key_id="test", aws_secret_access_key="test")
        client.meta.events.register("before-parameter-build", self._remember)
        client.meta.events.register("before-call", self._answer)
        return client

    def taken(self) -> Counter[str]:
        """Return the calls since the last time."""
        calls, self.calls = self.calls, Counter()
        return calls

    def _remember(self, params: dict[str, Any], **_: Any) -> None:
        self.asked = params

    def _answer(self, model: Any, **_: Any) -> tuple[SimpleNamespace, Any]:
        self.calls[model.name] += 1
        outputs = model.output_shape.members.items() if model.output_shape else ()
        empty = {name: [] for name, shape in outputs if shape.type_name == "list"}
        answer = getattr(self, f"_{model.name}", lambda **_: empty)(**self.asked)
        status = 400 if "Error" in answer else 200
        return SimpleNamespace(status_code=status), {**answer, "ResponseMetadata": {"HTTPStatusCode": status}}

    def _DescribeEndpoint(self, EndpointName: str) -> dict[str, Any]:  # noqa: N802, N803 - as AWS names them
        if EndpointName not in self.endpoints:
            return {"Error": {"Code": "ValidationException", "Message": f'Could not find endpoint "{EndpointName}".'}}
        return {
            "EndpointName": EndpointName,
            "EndpointArn": f"{ACCOUNT}:endpoint/{EndpointName}",
            "EndpointConfigName": EndpointName,
            "ProductionVariants": [{"VariantName": "AllTraffic"}],
            "EndpointStatus": "InService",
        }

    def _DescribeEndpointConfig(self, EndpointConfigName: str) -> dict[str, Any]:  # noqa: N802, N803, ARG002
        return {"ProductionVariants": [{"VariantName": "AllTraffic", "ModelName": "m", "InstanceType": "ml.g5.xlarge"}]}

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
        return {"Successful": []}


def measured(account: CountedAccount, work: Callable[[], object]) -> tuple[Counter[str], float]:
    """Do the work once; return its calls by operation and the CPU time of this process in seconds.

    The CPU time includes botocore's checking and serialising, and no network.
    """
    account.taken()
    began = time.process_time()
    work()
    return account.taken(), time.process_time() - began
