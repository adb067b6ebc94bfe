"""Turns what AWS answers into the two words that the queues understand."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from sagewatch.errors import NotAllowed, Retry

# SageMaker and CloudWatch spell the first in both ways (Common Errors of either API); the second is a service's word
# for an operation that it does not have in the Region.
_NOT_ALLOWED = frozenset({"AccessDenied", "AccessDeniedException", "UnknownOperationException"})

PATIENT = Config(
    # Adaptive: botocore slows itself down when AWS throttles, which at three writes a second is the normal case.
    retries={"mode": "adaptive", "max_attempts": 8},
    connect_timeout=3,
    read_timeout=10,
)
"""For the clients of reconcile and sweep."""

LONGEST_CALL_MS = 55_000
"""Milliseconds that one call of a PATIENT client may take: throttled eight times, a put took 42 to 52 s (measured)."""

# Standard mode waits 20 s at most before an attempt (boto3 guide, "Retries"); read_timeout counts for each attempt
# anew.
BRISK = Config(retries={"mode": "standard", "max_attempts": 3}, connect_timeout=2, read_timeout=3)
"""For the clients of notify: a service that hangs must not use up the time of a batch, which comes back anyway."""


@contextmanager
def retried(doing: str, kind: type[Retry] = Retry, *, describes: bool = False) -> Iterator[None]:
    """Raise Retry, saying what was being done, when AWS refuses, throttles or is silent: none of it proves anything.

    `kind` is the one to raise: Impaired of what people cannot be told without. Of a plain Retry, what this function may
    not call, or what the Region does not have, is NotAllowed; `describes` says that a resource is being described.
    """
    try:
        yield
    # A ClientError is an answer that refuses; a BotoCoreError means that none came (boto3 guide, "Error handling").
    except ClientError as error:
        if kind is Retry and error.response["Error"].get("Code") in _NOT_ALLOWED:
            raise NotAllowed(f"{doing}: {error}", describes=describes) from error
        raise kind(f"{doing}: {error}") from error
    except BotoCoreError as error:
        raise kind(f"{doing}: {error}") from error
