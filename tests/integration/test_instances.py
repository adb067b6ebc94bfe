"""What instance types have: the table, EC2's answers where it does not say, and prices."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from operator import attrgetter
from typing import Any

import boto3
import botocore.session
import pytest
from botocore.exceptions import ConnectTimeoutError, NoRegionError
from botocore.stub import Stubber

from sagewatch.aws.instance_types import FAILURE_SECONDS, InstanceTypes, Looked, capacity_of
from sagewatch.kinds.instances import INSTANCES
from sagewatch.kinds.prices import PRICES, hourly
from sagewatch.model import Capacity
from scripts.instances import BY_HAND, ec2_types, sagemaker_types

UNKNOWN = "ml.x2iedn.2xlarge"  # EC2 has it, SageMaker's model does not name it

said = attrgetter("vcpus", "gpus", "accelerators", "memory", "gpu_memory")


class Clock:
    """Time that passes when a test says so."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


def stubbed(*answers: str | Mapping[str, Any]) -> tuple[Any, Stubber]:
    """Return an EC2 client that gives these answers in turn, error codes or instance types, and no other."""
    client = boto3.client("ec2")
    stub = Stubber(client)
    for answer in answers:
        if isinstance(answer, str):
            stub.add_client_error("describe_instance_types", answer)
        else:
            expected = {"InstanceTypes": [UNKNOWN.removeprefix("ml.")]}
            stub.add_response("describe_instance_types", {"InstanceTypes": [answer] if answer else []}, expected)
    stub.activate()
    return client, stub


ANSWER = {"InstanceType": "x2iedn.2xlarge", "VCpuInfo": {"DefaultVCpus": 8}, "MemoryInfo": {"SizeInMiB": 262_144}}


def raising(error: Exception) -> Callable[[], Any]:
    def connect() -> Any:
        raise error

    return connect


def test_every_type_that_sagemaker_names_is_in_the_table_with_its_memory() -> None:
    assert sorted(INSTANCES) == sagemaker_types()
    assert [name for name, has in INSTANCES.items() if not has.memory or bool(has.gpus) != bool(has.gpu_memory)] == []


def test_notebook_types_are_in_the_table() -> None:
    model = botocore.session.get_session().get_service_model("sagemaker")

    assert set(model.shape_for("InstanceType").metadata["enum"]) <= set(INSTANCES)


def test_the_table_says_what_ec2_says() -> None:
    """Moto answers with what EC2 once did; a table that was not generated anew after a change fails here."""
    ec2 = ec2_types()

    differing = [
        name
        for name, has in INSTANCES.items()
        if said(has) != said(BY_HAND.get(name) or capacity_of(ec2[name.removeprefix("ml.")]))
    ]

    assert differing == []


@pytest.mark.parametrize(
    ("name", "has"),
    [
        ("ml.m5.xlarge", (4, 0, 0, 16, 0)),
        ("ml.g5.12xlarge", (48, 4, 0, 192, 89.41)),
        ("ml.p4d.24xlarge", (96, 8, 0, 1152, 320)),
        ("ml.p3.8xlarge", (32, 4, 0, 244, 64)),
        ("ml.trn1.32xlarge", (128, 0, 16, 512, 0)),
    ],
)
def test_what_ec2s_pages_say(name: str, has: tuple[float, ...]) -> None:
    """By hand; of GPU memory EC2's API names what is usable, which is a little under the data sheet."""
    assert said(INSTANCES[name]) == has


def test_memory_does_not_tell_capacities_apart() -> None:
    assert Capacity(4, 1) == Capacity(4, 1, memory=16, gpu_memory=22.35)


def test_a_type_that_the_table_does_not_know_is_looked_up_under_ec2s_name() -> None:
    assert UNKNOWN not in INSTANCES

    looked = InstanceTypes(lambda: boto3.client("ec2")).lookup(UNKNOWN)

    assert looked == Looked(Capacity(8), "")
    assert looked.capacity
    assert looked.capacity.memory == 256


def test_a_fraction_of_a_gpu_is_one_gpu_with_less_memory() -> None:
    looked = InstanceTypes(lambda: boto3.client("ec2")).lookup("ml.g6f.large")

    assert looked.capacity
    assert said(looked.capacity) == (2, 1, 0, 8, 2.79)


def test_a_type_that_nobody_knows_is_said_so() -> None:
    looked = InstanceTypes(lambda: boto3.client("ec2")).lookup("ml.m99.xlarge")

    assert looked == Looked(None, "neither our table nor EC2 in this Region knows the instance type ml.m99.xlarge")


def test_the_client_is_made_at_the_first_question_and_an_answer_is_asked_for_once() -> None:
    client, stub = stubbed(ANSWER)
    made: list[str] = []
    clock = Clock()
    types = InstanceTypes(lambda: made.append("ec2") or client, clock)
    assert made == []

    first = types.lookup(UNKNOWN)
    clock.now += 10 * FAILURE_SECONDS
    again = types.lookup(UNKNOWN)

    assert first is again
    assert made == ["ec2"]
    stub.assert_no_pending_responses()


def test_a_failure_is_kept_for_a_quarter_of_an_hour_and_then_asked_again() -> None:
    client, stub = stubbed("RequestLimitExceeded", ANSWER)
    clock = Clock()
    types = InstanceTypes(lambda: client, clock)

    failed = types.lookup(UNKNOWN)
    clock.now += FAILURE_SECONDS - 1
    kept = types.lookup(UNKNOWN)
    clock.now += 1
    asked = types.lookup(UNKNOWN)

    assert failed.capacity is None
    assert kept is failed
    assert asked.capacity == Capacity(8)
    stub.assert_no_pending_responses()


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("InvalidInstanceType", "neither our table nor EC2 in this Region knows the instance type ml.x2iedn.2xlarge"),
        ({}, "neither our table nor EC2 in this Region knows the instance type ml.x2iedn.2xlarge"),
        (
            "UnauthorizedOperation",
            "our table does not know the instance type ml.x2iedn.2xlarge, and the role may not call "
            "ec2:DescribeInstanceTypes",
        ),
        (
            "RequestLimitExceeded",
            "our table does not know the instance type ml.x2iedn.2xlarge, and EC2 could not be asked: "
            "RequestLimitExceeded",
        ),
    ],
)
def test_a_refusal_is_a_reason_for_people(answer: str | Mapping[str, Any], reason: str) -> None:
    client, _ = stubbed(answer)

    assert InstanceTypes(lambda: client).lookup(UNKNOWN) == Looked(None, reason)


@pytest.mark.parametrize("error", [NoRegionError(), ConnectTimeoutError(endpoint_url="https://ec2")])
def test_silence_is_a_reason_too(error: Exception) -> None:
    looked = InstanceTypes(raising(error)).lookup(UNKNOWN)

    assert looked.capacity is None
    assert str(error) in looked.reason


def test_only_types_that_exist_have_a_price() -> None:
    assert set(PRICES) <= set(INSTANCES)
    assert all(0.01 < price < 200 for price in PRICES.values())
    assert hourly("ml.m5.xlarge") == 0.23
    assert hourly("ml.m99.xlarge") is None
