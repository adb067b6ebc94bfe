"""Asks EC2 what an instance type has, where our table does not say."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from sagewatch.aws.retries import BRISK
from sagewatch.model import Capacity

type Client = Any
"""A boto3 EC2 client."""

FAILURE_SECONDS = 900
"""Seconds that a failure is kept: one missing permission costs a call in a quarter of an hour, not one a variant."""


_NOT_ALLOWED = "our table does not know the instance type {0}, and the role may not call ec2:DescribeInstanceTypes"
_OTHER = "our table does not know the instance type {0}, and EC2 could not be asked: {1}"
_REASONS = {
    "InvalidInstanceType": "neither our table nor EC2 in this Region knows the instance type {0}",
    # EC2 says UnauthorizedOperation where others, and a service control policy, say AccessDenied.
    "UnauthorizedOperation": _NOT_ALLOWED,
    "AccessDenied": _NOT_ALLOWED,
    "AccessDeniedException": _NOT_ALLOWED,
}
"""What EC2's error codes mean for the reader of a report."""


class Looked(NamedTuple):
    """What one instance of a type has; without it, the reason, for people."""

    capacity: Capacity | None
    reason: str = ""


def capacity_of(described: Mapping[str, Any]) -> Capacity:
    """Count what EC2's description of an instance type names."""
    devices = described.get("GpuInfo", {})
    return Capacity(
        vcpus=described["VCpuInfo"]["DefaultVCpus"],
        # A fraction of a device counts as one: its `Count` is 0.
        gpus=sum(gpu.get("LogicalGpuCount") or gpu["Count"] for gpu in devices.get("Gpus", ())),
        accelerators=sum(each["Count"] for each in described.get("NeuronInfo", {}).get("NeuronDevices", ())),
        memory=_gib(described["MemoryInfo"]["SizeInMiB"]),
        gpu_memory=_gib(devices.get("TotalGpuMemoryInMiB", 0)),
    )


def _gib(mib: int) -> float:
    return round(mib / 1024, 2)


def _connect() -> Client:
    return boto3.client("ec2", config=BRISK)


@dataclass(slots=True)
class InstanceTypes:
    """DescribeInstanceTypes, its answers kept: what a type has for good, a failure for a while by `clock` (seconds).

    `connect` makes the client, at the first question: EC2's is the largest model of botocore, and the table nearly
    always knows.
    """

    connect: Callable[[], Client] = _connect
    clock: Callable[[], float] = time.monotonic
    client: Client = None
    known: dict[str, Looked] = field(default_factory=dict)
    failed: dict[str, tuple[float, Looked]] = field(default_factory=dict)

    def lookup(self, instance_type: str) -> Looked:
        """Return what one instance of a type (`ml.…`) has, or why that is not known; no error of AWS's is raised."""
        if instance_type in self.known:
            return self.known[instance_type]
        until, looked = self.failed.get(instance_type, (0.0, None))
        if looked and self.clock() < until:
            return looked
        looked = self._ask(instance_type)
        if looked.capacity:
            self.known[instance_type] = looked
        else:
            self.failed[instance_type] = self.clock() + FAILURE_SECONDS, looked
        return looked

    def _ask(self, instance_type: str) -> Looked:
        try:
            self.client = self.client or self.connect()
            # SageMaker's types are EC2's with `ml.` before them.
            answer = self.client.describe_instance_types(InstanceTypes=[instance_type.removeprefix("ml.")])
        except ClientError as error:
            code = error.response["Error"].get("Code", "")
            return Looked(None, _REASONS.get(code, _OTHER).format(instance_type, code))
        except BotoCoreError as error:
            return Looked(None, _OTHER.format(instance_type, error))
        for described in answer["InstanceTypes"]:
            return Looked(capacity_of(described))
        return Looked(None, _REASONS["InvalidInstanceType"].format(instance_type))
