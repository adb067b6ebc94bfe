"""After any history of events and faults, one sweep later, the alarms are exactly those that should be."""

from __future__ import annotations

import os

import pytest

from tests.model.histories import ALL, History

EACH = int(os.environ.get("HISTORIES", "40"))


@pytest.mark.parametrize("history", ALL, ids=lambda history: history.__name__)
def test_at_rest_the_alarms_are_those_that_should_be(history: type[History]) -> None:
    for seed in range(EACH):
        wrong = history.play(history.draw(seed))

        assert wrong is None, f"{wrong}\nAgain: make soak HISTORY={history.__name__} SEED={seed}"
