"""Waits for a truth, with a deadline."""

from __future__ import annotations

import time
from collections.abc import Callable

from sagewatch_cli.local.machine.errors import Unmet

_PAUSE = 0.05


def until[T](expected: str, look: Callable[[], T], holds: Callable[[T], object] = bool, *, within: float = 20) -> T:
    """Call `look` until `holds` accepts its answer, and return that answer; raises Unmet after `within` seconds."""
    deadline = time.monotonic() + within
    while True:
        seen = look()
        if holds(seen):
            return seen
        if time.monotonic() > deadline:
            raise Unmet(f"expected within {within:g} s: {expected}\nseen: {seen!r}")
        time.sleep(_PAUSE)
