"""What can go wrong, in the two words that the queues understand.

SagewatchError
├── Retry            the platform should try again: a throttle, a time-out, a resource that changed under our hands
│   ├── Impaired         the table or the policy cannot be read: people are told without memory, and told so
│   ├── NotAllowed   AWS refuses us a call, or does not know it in this Region; it will, until somebody changes that
│   ├── NoAnswer     nobody answered; who was asked is left alone for a while
│   ├── OutOfTime    the invocation ends too soon for one more call; another one goes on
│   └── Stale        what was to be changed or answered is not there any more; it has to be said anew
├── Undeliverable    trying again cannot help: a malformed event, an unknown kind; it belongs in the dead-letter queue
│   ├── Refused      what was asked is not allowed as it is: a malformed request, a quota that is used up
│   ├── Unreachable  the place is gone, or closed to us; another one may do
│   └── Unauthorised the credentials are refused, also those that were read anew
├── BadSetting       the function cannot start; names the environment variable
└── BrokenPolicy     the policy document is wrong; says every fault in it, with its line
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass


class SagewatchError(Exception):
    """Anything that this product raises on purpose."""

    @property
    def printable(self) -> str:
        """What it says, so that any stream can take it: half a character of UTF-16 becomes `\\ud800`."""
        return str(self).encode(errors="backslashreplace").decode()


class Retry(SagewatchError):
    """The same work may succeed later: after so many seconds when somebody said so, else at the queue's own pace."""

    def __init__(self, message: str, after: float | None = None) -> None:
        super().__init__(message)
        self.after = after


class NotAllowed(Retry):
    """AWS refuses us a call, or does not know it in this Region: so it stays until somebody changes something.

    `describes` tells that it is SageMaker that does not describe a resource: then no other of the kind is, either.
    """

    def __init__(self, message: str, *, describes: bool = False) -> None:
        super().__init__(message)
        self.describes = describes


class NoAnswer(Retry):
    """Somebody was asked and said nothing, or was not even asked because they said nothing a moment ago."""


class Impaired(Retry):
    """What Sagewatch remembers, or its policy, can be neither read nor written now."""


class OutOfTime(Retry):
    """The invocation ends too soon for one more call; `done` is how much was written before."""

    def __init__(self, message: str, done: int = 0) -> None:
        super().__init__(message)
        self.done = done


class Stale(Retry):
    """A message to be edited or answered is not there any more, or cannot be edited."""


class Undeliverable(SagewatchError):
    """The same work will never succeed; a person must look."""


class Refused(Undeliverable):
    """AWS refuses a request for what it says, or because a quota is used up."""


class Unreachable(Undeliverable):
    """A channel, topic or address is gone, or closed to us; the same work may succeed elsewhere."""


class Unauthorised(Undeliverable):
    """Credentials are refused."""


class BadSetting(SagewatchError):
    """An environment variable is missing or malformed; the message begins with its name."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong with the policy document, counted from line 1 and column 1; `where` may be empty."""

    line: int
    column: int
    where: str
    message: str

    def __str__(self) -> str:
        where = f", {self.where}" if self.where else ""
        return f"line {self.line}, column {self.column}{where}: {self.message}"


class BrokenPolicy(SagewatchError):
    """The policy document cannot be followed; the faults are in its order."""

    def __init__(self, faults: tuple[Fault, ...]) -> None:
        super().__init__("\n".join(str(fault) for fault in faults))
        self.faults = faults


ODD: tuple[type[Exception], ...] = (
    ArithmeticError,
    AttributeError,
    LookupError,
    RecursionError,
    TypeError,
    ValueError,
)
"""What Python raises of a value that is not what it was taken for: in an event, or by a mistake of ours."""


@contextmanager
def understood(what: str) -> Iterator[None]:
    """Raise Undeliverable, `An event could not be read: KeyError`, where a value is not what it was taken for.

    The original is not shown: it may repeat a secret. It is chained for who debugs.
    """
    try:
        yield
    except ODD as odd:
        raise Undeliverable(f"{what}: {type(odd).__name__}") from odd
