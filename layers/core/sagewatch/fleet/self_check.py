"""Looks whether every part of the stack is enabled, and whether the path of a message works from end to end."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from sagewatch.aws import canary, parts
from sagewatch.aws.clients import Clients
from sagewatch.errors import Retry, SagewatchError, Undeliverable
from sagewatch.settings import SweepSettings

PATIENCE = 200
"""Seconds that the canary's message may take: a cold start, one failed try, and the wait for the next."""

_LOOK_EVERY = 5  # s


def parts_off(clients: Clients, settings: SweepSettings) -> tuple[str, ...]:
    """Return what is not enabled, and how it stands: `("rule:sagewatch-Clock-X: DISABLED",)`.

    A part whose state cannot be read counts, too: nobody knows whether it works.
    """
    off = [f"{part}: {why}" for part in settings.parts if (why := _why_off(clients, part))]
    topic = settings.operators_topic
    if topic and (why := _why_unheard(clients, topic)):
        off.append(f"topic:{topic}: {why}")
    return tuple(off)


def _why_off(clients: Clients, part: str) -> str | None:
    try:
        return parts.why_off(clients, part)
    except Retry as error:
        return str(error)


def _why_unheard(clients: Clients, topic: str) -> str | None:
    try:
        return None if parts.has_subscriber(clients, topic) else "nobody has confirmed a subscription"
    except Retry as error:
        return str(error)


def why_canary_is_lost(
    clients: Clients, settings: SweepSettings, now: datetime, sleep: Callable[[float], object]
) -> str | None:
    """Flip the canary alarm and wait for its message to be told; return why it was not, None when it was.

    `sleep` is `time.sleep`. The alarm is flipped back in any case.
    """
    if settings.table is None:
        raise Undeliverable("The canary needs INCIDENTS_TABLE: the notify function writes there that it was told")
    reason = f"canary of {now.isoformat()}"
    try:
        canary.flip(clients.cloudwatch, settings.prefix, "ALARM", reason)
        for _ in range(PATIENCE // _LOOK_EVERY):
            if canary.last_told(clients.dynamodb, settings.table) == reason:
                canary.flip(clients.cloudwatch, settings.prefix, "OK", reason)
                return None
            sleep(_LOOK_EVERY)
        canary.flip(clients.cloudwatch, settings.prefix, "OK", reason)
    except SagewatchError as error:
        return str(error)
    return f"its message did not arrive within {PATIENCE} s"
