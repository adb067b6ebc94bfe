"""A clock that stands still while code runs, and goes on when all workers sleep; one worker runs at a time."""

from __future__ import annotations

import heapq
import itertools
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch


class VirtualTime:
    """The time of some workers, in seconds from 0."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self._sleepers: list[tuple[float, int, threading.Event]] = []
        self._number = itertools.count()
        self._all_done = threading.Event()
        self._errors: list[BaseException] = []

    def now(self) -> float:
        """Return the seconds since the beginning."""
        return self.seconds

    def sleep(self, seconds: float) -> None:
        """Let the others run until so much time is over."""
        turn = threading.Event()
        heapq.heappush(self._sleepers, (self.seconds + max(seconds, 0.0), next(self._number), turn))
        self._wake_next()
        turn.wait()

    def run(self, *workers: Callable[[], None]) -> None:
        """Run the workers until all have returned; raise what one of them raised."""
        for worker in workers:
            turn = threading.Event()
            heapq.heappush(self._sleepers, (self.seconds, next(self._number), turn))
            threading.Thread(target=self._work, args=(worker, turn), daemon=True).start()
        self._wake_next()
        self._all_done.wait()
        if self._errors:
            raise self._errors[0]

    def _work(self, worker: Callable[[], None], turn: threading.Event) -> None:
        turn.wait()
        try:
            worker()
        except BaseException as error:
            self._errors.append(error)
        self._wake_next()

    def _wake_next(self) -> None:
        if not self._sleepers or self._errors:
            self._all_done.set()
            return
        at, _, turn = heapq.heappop(self._sleepers)
        self.seconds = max(self.seconds, at)
        turn.set()

    @contextmanager
    def of_botocore(self) -> Iterator[None]:
        """Make botocore's retries and its adaptive mode wait in this time."""
        time_ = SimpleNamespace(time=self.now, sleep=self.sleep)
        waits = SimpleNamespace(Lock=threading.Lock, Condition=lambda lock: _Condition(lock, self))
        with (
            patch("botocore.endpoint.time", time_),
            patch("botocore.retries.bucket.time", time_),
            patch("botocore.retries.bucket.threading", waits),
        ):
            yield


class _Condition:
    """A condition on which nobody else is heard: it is over when the time is."""

    def __init__(self, lock: Any, clock: VirtualTime) -> None:
        self._lock, self._clock = lock, clock

    def __enter__(self) -> None:
        self._lock.acquire()

    def __exit__(self, *_: object) -> None:
        self._lock.release()

    def notify(self) -> None:
        """Wake nobody: who waits looks again when its time is over."""

    def wait(self, seconds: float) -> None:
        self._lock.release()
        self._clock.sleep(max(seconds, 0.001))  # less than that may not move the time at all
        self._lock.acquire()
