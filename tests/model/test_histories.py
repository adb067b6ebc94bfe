"""After any history of events and faults, one sweep later, the alarms are exactly those that should be."""

from __future__ import annotations

import os

import pytest

from tests.model.account import AccountDouble
from tests.model.clean_room import People, differences
from tests.model.histories import ALL, History
from tests.model.stack import Stack
from tests.model.world import WATCHED, World

EACH = int(os.environ.get("HISTORIES", "22"))


@pytest.mark.parametrize("history", ALL, ids=lambda history: history.__name__)
def test_at_rest_the_alarms_are_those_that_should_be(history: type[History]) -> None:
    for seed in range(EACH):
        wrong = history.play(history.draw(seed))

        assert wrong is None, f"{wrong}\nAgain: make soak HISTORY={history.__name__} SEED={seed}"


@pytest.mark.parametrize("kind", WATCHED)
def test_a_worker_that_dies_at_any_call_leaves_nothing_behind_that_a_sweep_does_not_mend(kind: str) -> None:
    """Made, changed, and deleted, each with a worker that dies at its first call, at its second, and so on."""
    for number in range(1, 200):
        account = AccountDouble()
        stack = Stack(account)
        world = World(account, stack.event)
        for shape in (1, 2, None):
            if shape is None:
                world.delete(kind, "churn")
            else:
                world.create(kind, "churn", shape)
            stack.drain(dies_at=number)
            account.clock.advance(16 * 60)
            stack.sweep("full")
            stack.drain()

            wrong = list(differences(world, People()))
            assert not wrong, f"dead at call {number}: {wrong}"
        if not any(each.killed for each in stack.invocations):
            return
    raise AssertionError("it always dies")
