"""The real template, built by sam and deployed on the emulators, once for the whole session."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from sagewatch_cli.local.drivers.inbox import Inbox
from sagewatch_cli.local.machine.checkout import Checkout
from sagewatch_cli.local.machine.environment import isolated
from sagewatch_cli.local.stack import sam
from sagewatch_cli.local.stack.deployment import Stack, deployed, emulators
from tests.e2e.world import World


def _silence(_line: str) -> None:
    """Say nothing: when sam fails its last lines are in the error."""


@pytest.fixture(scope="session", autouse=True)
def environment() -> Iterator[None]:
    """Nothing of the host's AWS account, for as long as the suite runs."""
    with pytest.MonkeyPatch.context() as patch:
        kept = isolated(os.environ)
        for name in os.environ.keys() - kept.keys():
            patch.delenv(name)
        for name, value in kept.items():
            patch.setenv(name, value)
        yield


@pytest.fixture(scope="session")
def built() -> Checkout:
    """The functions and the layer in .aws-sam/build."""
    checkout = Checkout.here()
    sam.build(checkout, _silence)
    return checkout


@pytest.fixture(scope="session")
def stack(built: Checkout) -> Iterator[Stack]:
    """The stack, with CloudWatch on moto: what alarms say can be trusted here, what roles may do cannot."""
    with emulators(built, "moto") as running:
        yield deployed(running, _silence)


@pytest.fixture(scope="session")
def inbox(stack: Stack) -> Inbox:
    """A subscriber of the alerts topic."""
    return Inbox.subscribe(stack, stack.resources["AlertsTopic"])


@pytest.fixture
def world(stack: Stack, inbox: Inbox) -> World:
    """The deployed stack in a world without SageMaker resources, alarms, messages or posts."""
    world = World(stack, inbox)
    world.clear()
    return world
