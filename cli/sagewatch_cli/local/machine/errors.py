"""What can go wrong on the local stack.

LocalError
├── NotACheckout   the command was installed without the repository around it, or its tools were not
├── SamFailed      sam build or sam deploy ended with an error
├── EmulatorDied   ministack ended by itself
└── Unmet          what was expected did not come true in time
"""

from sagewatch.errors import ErrorCode


class LocalError(RuntimeError):
    """The local stack cannot go on; the message says why, and where to look."""

    code: ErrorCode


class NotACheckout(LocalError):
    """The command was installed without the repository around it, or its tools were not."""

    code = ErrorCode.NOT_A_CHECKOUT


class SamFailed(LocalError):
    """`sam` ended with an error; the message carries its last lines."""

    code = ErrorCode.SAM_FAILED


class EmulatorDied(LocalError):
    """The emulator ended by itself; the message says where its log is."""

    code = ErrorCode.EMULATOR_DIED


class Unmet(LocalError, AssertionError):
    """What was expected did not come true in time; the message says what was seen instead."""

    code = ErrorCode.NOT_IN_TIME
