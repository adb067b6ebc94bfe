"""Any history ends well: what fires is shown as open, what ended as ended, and nothing is told twice.

`make soak` plays more of them; `SEED=17 python -m tests.model_telling.soak 1` plays that of seed 17 again.
"""

from __future__ import annotations

import os

import pytest
from hypothesis import given, settings

from tests.model_telling.histories import OUTAGES, Step, histories, made, made_outage, smaller
from tests.model_telling.soak import kind, wrong

SEEDS, OUTAGE_SEEDS, IN_ONE = 240, 60, 20


@pytest.mark.parametrize("first", range(0, SEEDS, IN_ONE))
def test_histories_of_seeds_end_well(first: int) -> None:
    start = int(os.environ.get("SEED", "0"))
    for seed in range(start + first, start + first + IN_ONE):
        found = wrong(made(seed), seed)
        if found:
            least = smaller(made(seed), lambda shorter: kind(found[0]) in map(kind, wrong(shorter, seed)))  # noqa: B023
            pytest.fail(f"SEED={seed}: {found}\n" + "\n".join(map(str, least)), pytrace=False)


@pytest.mark.parametrize("first", range(0, OUTAGE_SEEDS, IN_ONE))
def test_histories_of_resources_that_fire_together_end_well(first: int) -> None:
    start = int(os.environ.get("SEED", "0"))
    found = {seed: wrong(made_outage(seed), seed, OUTAGES) for seed in range(start + first, start + first + IN_ONE)}

    assert {seed: said for seed, said in found.items() if said} == {}


@settings(max_examples=80)
@given(histories)
def test_histories_that_hypothesis_makes_up_end_well(history: list[Step]) -> None:
    assert wrong(history) == []
