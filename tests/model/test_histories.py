"""After any history of events and faults, one sweep later, the alarms are exactly those that should be."""

import os

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.model.histories import ALL, Histories

EACH = int(os.environ.get("HISTORIES", "40"))


@pytest.mark.parametrize("machine", ALL, ids=lambda machine: machine.__name__)
def test_at_rest_the_alarms_are_those_that_should_be(machine: type[Histories]) -> None:
    once = settings(
        max_examples=EACH,
        stateful_step_count=25,
        deadline=None,
        derandomize=True,
        database=None,
        print_blob=True,
        suppress_health_check=list(HealthCheck),
    )

    run_state_machine_as_test(machine, settings=once)
