"""Play random histories for an hour (SOAK_SECONDS), or one again: `make soak HISTORY=Hidden SEED=17`."""

from __future__ import annotations

import os
import time
from collections import Counter
from itertools import count

from tests.model.histories import ALL, History
from tests.model.setting import on_paper

_FIRST = 1_000_000  # seeds that the tests do not play


def again(history: type[History], seed: int) -> int:
    """Play one history, leave out what it fails without, and print it."""
    steps = history.draw(seed)
    if history.play(steps) is None:
        print(f"{history.__name__} {seed}: all is as it should be")
        return 0
    steps = history.shrunk(steps)
    print(f"{history.__name__} {seed}, in {len(steps)} steps:")
    for step, arguments in steps:
        print(f"    {step}({', '.join(f'{key}={value!r}' for key, value in arguments.items())})")
    print(history.play(steps))
    return 1


def soak(seconds: float, first: int) -> int:
    """Play histories of all sorts in turn until the time is over; return how many went wrong."""
    played, wrong, begin = 0, Counter[str](), time.monotonic()
    for seed in count(first):
        for history in ALL:
            if time.monotonic() - begin > seconds:
                print(f"{played} histories in {time.monotonic() - begin:.0f} s; wrong: {dict(wrong) or 'none'}")
                return sum(wrong.values())
            played += 1
            if found := history.play(history.draw(seed)):
                wrong[history.__name__] += 1
                print(f"make soak HISTORY={history.__name__} SEED={seed}\n{found}\n", flush=True)
    return 0


def main() -> int:
    only, seed = os.environ.get("HISTORY"), os.environ.get("SEED")
    if only and seed:
        return again(next(each for each in ALL if each.__name__ == only), int(seed))
    return min(1, soak(float(os.environ.get("SOAK_SECONDS", "3600")), int(seed or _FIRST)))


if __name__ == "__main__":
    with on_paper():
        raise SystemExit(main())
