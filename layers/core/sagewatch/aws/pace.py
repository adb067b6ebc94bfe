"""Spaces the puts of one container, so that workers share CloudWatch's quota with each other and with others."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

_FASTEST = 1.5
"""Puts a second: half of the quota (3 a second in an account and Region, CloudWatch service quotas), since two workers
take from the backfill queue."""

_SLOWEST = 0.5
_BANKED_S = 2.0  # seconds that reads took between puts, and that the next puts may catch up


@dataclass(slots=True)
class Pace:
    """How fast one container puts alarms. It is as fast as it can be until CloudWatch throttles a put.

    From then on each throttled put makes it a fifth slower and each other one a hundredth of a put a second faster:
    so about one put in twenty-five is throttled while others put alarms, too, and none while nobody else does.
    botocore's adaptive mode, which tries again after a second, has every fourth put throttled.
    """

    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    rate: float | None = None
    """Puts a second; None while nothing was throttled."""
    next_at: float = 0.0
    """When the next put may begin, by the clock."""

    def wait(self) -> None:
        """Wait until it is time for another put: two seconds at most."""
        if self.rate is None:
            return
        now = self.clock()
        if self.next_at > now:
            self.sleep(self.next_at - now)
        self.next_at = max(self.next_at, now - _BANKED_S) + 1 / self.rate

    def answered(self, *, throttled: bool) -> None:
        """Take note of whether CloudWatch throttled the put that was begun last."""
        if throttled:
            self.rate = _FASTEST if self.rate is None else max(_SLOWEST, self.rate * 0.8)
            self.next_at = self.clock() + 1 / self.rate
        elif self.rate is not None:
            self.rate = min(_FASTEST, self.rate + 0.01)
