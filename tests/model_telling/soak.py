"""Plays histories by their seeds, and says what is wrong in each: the same seed is the same history.

`python -m tests.model_telling.soak 300` plays 300 from seed 0 (`SEED=…` another), and counts what was wrong;
`SOAK_SECONDS=3600 python -m tests.model_telling.soak` plays for so long and stops at the first that fails;
`SEED=17 python -m tests.model_telling.soak 1` plays one again.
"""

from __future__ import annotations

import os
import re
import sys
import time
from collections import Counter

from tests.model_telling.histories import OUTAGES, Step, made, made_outage, play, smaller
from tests.model_telling.judge import verdict
from tests.model_telling.world import EVERY_RECEIVER, world

# With OUTAGES=1, histories of several resources that fire together.
_MADE, _ROUTES = (made_outage, OUTAGES) if os.environ.get("OUTAGES") else (made, EVERY_RECEIVER)


def wrong(history: list[Step], seed: int = 0, routes: str = EVERY_RECEIVER) -> list[str]:
    """Play a history and return what is wrong at its end."""
    with world(seed, routes=routes) as here:
        play(here, history)
        return verdict(here)


def kind(said: str) -> str:
    """Return what a line says but for the names of alarms, so that the same defect is counted once."""
    return re.sub(r"(latency-p99|errors-5xx|memory|cpu)(\+(latency-p99|errors-5xx|memory|cpu))*", "…", said)


def _report(seed: int, history: list[Step], found: list[str]) -> None:
    least = smaller(history, lambda shorter: kind(found[0]) in map(kind, wrong(shorter, seed, _ROUTES)))
    print(f"SEED={seed}: {found[0]}")
    for step in least:
        print(f"    {step}")


def main() -> int:
    """Play, and return 1 when anything is wrong."""
    first, seconds = int(os.environ.get("SEED", "0")), float(os.environ.get("SOAK_SECONDS", "0"))
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    end, seed, bad, kinds = time.perf_counter() + seconds, first, 0, Counter[str]()
    while seed - first < count or time.perf_counter() < end:
        found = wrong(_MADE(seed), seed, _ROUTES)
        seed += 1
        bad += bool(found)
        for same in {kind(each) for each in found}:
            kinds[same] += 1
            if kinds[same] == 1:
                _report(seed - 1, _MADE(seed - 1), [each for each in found if kind(each) == same])
        if found and seconds:
            break
    print(f"{seed - first} histories from seed {first}, {bad} of them end wrong")
    for same, times in kinds.most_common():
        print(f"{times:5d}  {same}")
    return int(bad > 0)


if __name__ == "__main__":
    sys.exit(main())
