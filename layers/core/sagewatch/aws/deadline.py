"""Tells how much time an invocation has left."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sagewatch.aws.retries import LONGEST_CALL_MS
from sagewatch.errors import OutOfTime

_FOREVER_MS = 15 * 60 * 1000  # no invocation takes longer (Lambda quotas, "Function timeout")


def _forever() -> int:
    return _FOREVER_MS


@dataclass(frozen=True, slots=True)
class Deadline:
    """The end of an invocation: `deadline.remaining_ms()` are the milliseconds until Lambda kills it.

    A `Deadline()` of its own never comes nearer: it is for the command line and for tests.
    """

    remaining_ms: Callable[[], int] = _forever

    def require_call(self) -> None:
        """Raise OutOfTime when Lambda might end the invocation before one more call, with all its retries, returns."""
        if (left := self.remaining_ms()) < LONGEST_CALL_MS:
            raise OutOfTime(f"out of time: {left} ms are left, and one call may take {LONGEST_CALL_MS} ms")

    @classmethod
    def of(cls, context: object) -> Deadline:
        """Return the deadline of an invocation, by the context object that Lambda passes to the handler."""
        return cls(getattr(context, "get_remaining_time_in_millis", _forever))
