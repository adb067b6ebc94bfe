"""Turns what AWS answers into the two words that the queues understand."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from sagewatch.errors import NotAllowed, Retry

PATIENT = Config(
    # Adaptive: botocore slows itself down when AWS throttles, which at three writes a second is the normal case.
    retries={"mode": "adaptive", "max_attempts": 8},
    connect_timeout=3,
    read_timeout=10,
)
"""For the clients of reconcile and sweep."""

LONGEST_CALL_MS = 55_000
"""Milliseconds that one call of a PATIENT client may take: throttled eight times, a put took 42 to 52 s (measured)."""

_DENIALS = frozenset({"AccessDenied", "AccessDeniedException", "UnknownOperationException"})

# Standard mode waits 20 s at most before an attempt (boto3 guide, "Retries"); read_timeout counts for each attempt
# anew.
BRISK = Config(retries={"mode": "standard", "max_attempts": 3}, connect_timeout=2, read_timeout=3)
"""For the clients of notify: a service that hangs must not use up the time of a batch, which comes back anyway."""


@contextmanager
def retried(doing: str) -> Iterator[None]:
    """Raise Retry, saying what was being done, when AWS refuses, throttles or is silent: none of it proves anything.

    It is NotAllowed when AWS says that the role may not.
    """
    try:
        yield
    # A ClientError is an answer that refuses; a BotoCoreError means that none came (boto3 guide, "Error handling").
    except ClientError as error:
        denied = error.response["Error"].get("Code") in _DENIALS
        raise (NotAllowed if denied else Retry)(f"{doing}: {error}") from error
    except BotoCoreError as error:
        raise Retry(f"{doing}: {error}") from error
