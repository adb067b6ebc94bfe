"""A function that is killed, a version that cannot start, a burst of repeated events: nothing is lost on the queue.

The burst of 5,000 is played in `tests/model`; here it takes minutes:

    BURST=5000 .venv/bin/pytest -s tests/e2e/test_under_fire.py
"""

from __future__ import annotations

import json
import os
import random
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import batched
from pathlib import Path

import pytest

from sagewatch.kinds.endpoint.observe import ENDPOINT
from sagewatch_cli.local.drivers.sagemaker import ProductionVariant
from sagewatch_cli.local.machine.waiting import until
from tests.e2e.world import World
from tests.resources import rows_of

pytestmark = pytest.mark.e2e

BURST = int(os.environ.get("BURST", "200"))
"""Events, of which four in five repeat another one."""
LIVING = tuple(f"endpoint-{number}" for number in range(5))
POISON = "not json"
ROWS = rows_of(ENDPOINT, "variant", "instance") | rows_of(ENDPOINT, "variant", "instance", "requests")
WHOLE = {f"sagewatch/endpoint/{name}/AllTraffic/{row}" for name in LIVING for row in ROWS}


@pytest.fixture
def lived_in(world: World) -> World:
    """The world with five endpoints of which no event has told."""
    for name in LIVING:
        world.silent_sagemaker.create_endpoint(name, ProductionVariant("AllTraffic", "ml.m5.2xlarge"))
    return world


def asked(name: str) -> str:
    return json.dumps({"kind": "endpoint", "name": name})


def in_service(world: World, name: str) -> str:
    """Return the event that SageMaker sends of an endpoint that begins to serve."""
    arn = f"arn:aws:sagemaker:us-east-1:123456789012:endpoint/{name}"
    return json.dumps(world.events.make("endpoint-in-service", detail={"EndpointName": name}, resources=[arn]))


def send(world: World, bodies: list[str]) -> None:
    """Put messages into the reconcile queue, ten in a request."""
    for some in batched(bodies, 10, strict=False):
        entries = [{"Id": str(number), "MessageBody": body} for number, body in enumerate(some)]
        world.stack.client("sqs").send_message_batch(QueueUrl=world.stack.resources["ReconcileQueue"], Entries=entries)


@contextmanager
def received_twice_at_most(world: World) -> Iterator[None]:
    """Let the queue give a message up after two receives rather than six: each costs the start of a container."""
    sqs, url = world.stack.client("sqs"), world.stack.resources["ReconcileQueue"]
    before = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["RedrivePolicy"])["Attributes"]
    twice = {**json.loads(before["RedrivePolicy"]), "maxReceiveCount": 2}
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"RedrivePolicy": json.dumps(twice)})
    try:
        yield
    finally:
        sqs.set_queue_attributes(QueueUrl=url, Attributes=before)


def containers(world: World, function: str) -> Iterator[int]:
    """Yield the process ids of a function's containers: grandchildren of this process, in folders of their names."""
    for each in Path("/proc").iterdir():
        try:
            folder = str((each / "cwd").readlink()) if each.name.isdecimal() else ""
            is_ours = f"-lambda-{world.stack.resources[function]}-" in folder and os.getpid() in _ancestors(
                int(each.name)
            )
        except OSError:  # it has ended, or is somebody else's
            continue
        if is_ours:
            yield int(each.name)


def _ancestors(process: int) -> Iterator[int]:
    while process > 1:
        # The name in brackets may have spaces; the parent's id is the second field after it (proc(5), stat).
        process = int(Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[1])
        yield process


def test_a_function_that_is_killed_in_the_middle_of_a_batch_loses_nothing(lived_in: World) -> None:
    with lived_in.impatient("ReconcileQueue", 5):
        send(lived_in, [asked(name) for name in LIVING])
        until("some alarms to be written", lambda: len(lived_in.writes()), lambda count: count >= 8, within=30)
        killed = [os.kill(process, signal.SIGKILL) for process in containers(lived_in, "Reconcile")]
        written = lived_in.names()
        lived_in.reconciled(within=60)

    assert killed
    assert written < WHOLE
    assert lived_in.names() == WHOLE
    assert lived_in.dead_letters("ReconcileDeadLetters") == ()


def test_what_a_version_that_cannot_start_left_behind_is_done_when_it_is_redriven(lived_in: World) -> None:
    function, client = lived_in.stack.resources["Reconcile"], lived_in.stack.client("lambda")
    good = client.get_function_configuration(FunctionName=function)["Environment"]["Variables"]

    lived_in.configure("Reconcile", {**good, "ALARM_PREFIX": "no prefix!"})
    with lived_in.impatient("ReconcileQueue"), received_twice_at_most(lived_in):
        send(lived_in, [asked(name) for name in LIVING])
        lived_in.reconciled(within=60)
    before = lived_in.names()
    lived_in.configure("Reconcile", good)
    dead: list[str] = []
    until("all to be read from the dead-letter queue", lambda: dead.extend(_read(lived_in)) or len(dead) >= len(LIVING))
    send(lived_in, dead)
    lived_in.reconciled(within=60)

    assert before == set()
    assert sorted(dead) == sorted(asked(name) for name in LIVING)
    assert lived_in.names() == WHOLE


def _read(world: World) -> tuple[str, ...]:
    return world.dead_letters("ReconcileDeadLetters")


def test_a_burst_of_repeated_events_with_a_poison_message_among_them_is_worked_off(lived_in: World) -> None:
    names = [*LIVING, *(f"gone-{number}" for number in range(BURST // 5 - len(LIVING)))]
    bodies = [in_service(lived_in, name) for name in names * 5]
    random.Random(5).shuffle(bodies)
    bodies.insert(len(bodies) // 10, POISON)
    began = time.monotonic()

    with lived_in.impatient("ReconcileQueue", 4):
        send(lived_in, bodies)
        lived_in.reconciled(within=300)

    print(f"\n{len(bodies)} messages in {time.monotonic() - began:.0f} s")
    assert lived_in.names() == WHOLE
    assert lived_in.dead_letters("ReconcileDeadLetters") == (POISON,)
    puts = [call.parameters["AlarmName"] for call in lived_in.writes() if call.operation == "PutMetricAlarm"]
    assert sorted(set(puts)) == sorted(WHOLE)
