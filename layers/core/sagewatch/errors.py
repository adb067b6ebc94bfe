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
from enum import StrEnum


class ErrorCode(StrEnum):
    """The code of each error that a user can meet; docs/errors.md has a section of each.

    Log lines carry it as `code`, and the command prints it last. A code keeps its meaning for good: a new error gets a
    new number, and the number of one that is gone is not given again.
    """

    # What AWS answers
    AWS_FAILED = "SW-101"
    NOT_ALLOWED = "SW-102"
    OUT_OF_TIME = "SW-103"
    MEMORY_UNREADABLE = "SW-104"
    ALARM_REFUSED = "SW-105"
    KEEPS_CHANGING = "SW-106"
    LISTS_INCOMPLETE = "SW-107"
    TAGS_UNREAD = "SW-108"
    ANOTHER_WORKER = "SW-109"
    NO_REGION = "SW-110"
    NO_CREDENTIALS = "SW-111"
    # What receivers answer
    NO_ANSWER = "SW-201"
    RECEIVER_BUSY = "SW-202"
    PLACE_GONE = "SW-203"
    CREDENTIALS_REFUSED = "SW-204"
    MESSAGE_GONE = "SW-205"
    MESSAGE_REFUSED = "SW-206"
    ADDRESS_NOT_ALLOWED = "SW-207"
    SECRET_MALFORMED = "SW-208"
    CLICK_REFUSED = "SW-209"
    BLOCKS_REFUSED = "SW-210"
    NO_GRAPH = "SW-211"
    # What is in the queues and in the table
    MALFORMED_MESSAGE = "SW-301"
    UNKNOWN_KIND = "SW-302"
    TIMELINE_TOO_LARGE = "SW-303"
    # Settings and the policy
    BAD_SETTING = "SW-401"
    BROKEN_POLICY = "SW-402"
    NO_POLICY_PARAMETER = "SW-403"
    POLICY_CHANGED_MEANWHILE = "SW-404"
    EDITOR_FAILED = "SW-405"
    # The command
    WRONG_USAGE = "SW-501"
    NO_STACK = "SW-502"
    NO_RESOURCE = "SW-503"
    FOREIGN_ALARM = "SW-504"
    NO_ALARMS = "SW-505"
    NOT_ALL_READ = "SW-506"
    UNWRITABLE_FILE = "SW-507"
    SAMPLE_NOT_TOLD = "SW-508"
    STACK_LIVES = "SW-509"
    ALARMS_STAY = "SW-510"
    # The local stack
    NOT_A_CHECKOUT = "SW-601"
    SAM_FAILED = "SW-602"
    EMULATOR_DIED = "SW-603"
    NOT_IN_TIME = "SW-604"


class SagewatchError(Exception):
    """Anything that this product raises on purpose; `code` is its class's, where whoever raises names no other."""

    code: ErrorCode

    def __init__(self, message: str = "", *, code: ErrorCode | None = None) -> None:
        super().__init__(message)
        if code:
            self.code = code

    @property
    def printable(self) -> str:
        """What it says, so that any stream can take it: half a character of UTF-16 becomes `\\ud800`."""
        return str(self).encode(errors="backslashreplace").decode()


class Retry(SagewatchError):
    """The same work may succeed later: after so many seconds when somebody said so, else at the queue's own pace."""

    code = ErrorCode.AWS_FAILED

    def __init__(self, message: str, after: float | None = None, *, code: ErrorCode | None = None) -> None:
        super().__init__(message, code=code)
        self.after = after


class NotAllowed(Retry):
    """AWS refuses us a call, or does not know it in this Region: so it stays until somebody changes something.

    `describes` tells that it is SageMaker that does not describe a resource: then no other of the kind is, either.
    """

    code = ErrorCode.NOT_ALLOWED

    def __init__(self, message: str, *, describes: bool = False) -> None:
        super().__init__(message)
        self.describes = describes


class NoAnswer(Retry):
    """Somebody was asked and said nothing, or was not even asked because they said nothing a moment ago."""

    code = ErrorCode.NO_ANSWER


class Impaired(Retry):
    """What Sagewatch remembers, or its policy, can be neither read nor written now."""

    code = ErrorCode.MEMORY_UNREADABLE


class OutOfTime(Retry):
    """The invocation ends too soon for one more call; `done` is how much was written before."""

    code = ErrorCode.OUT_OF_TIME

    def __init__(self, message: str, done: int = 0) -> None:
        super().__init__(message)
        self.done = done


class Stale(Retry):
    """A message to be edited or answered is not there any more, or cannot be edited."""

    code = ErrorCode.MESSAGE_GONE


class Undeliverable(SagewatchError):
    """The same work will never succeed; a person must look."""

    code = ErrorCode.MALFORMED_MESSAGE


class Refused(Undeliverable):
    """AWS refuses a request for what it says, or because a quota is used up."""

    code = ErrorCode.ALARM_REFUSED


class Unreachable(Undeliverable):
    """A channel, topic or address is gone, or closed to us; the same work may succeed elsewhere."""

    code = ErrorCode.PLACE_GONE


class Unauthorised(Undeliverable):
    """Credentials are refused."""

    code = ErrorCode.CREDENTIALS_REFUSED


class BadSetting(SagewatchError):
    """An environment variable is missing or malformed; the message begins with its name.

    Lambda itself logs what stops a function at its start, so the code is part of the text.
    """

    code = ErrorCode.BAD_SETTING

    def __str__(self) -> str:
        return f"{super().__str__()} ({self.code})"


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

    code = ErrorCode.BROKEN_POLICY

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
