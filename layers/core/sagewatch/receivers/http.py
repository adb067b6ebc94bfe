"""Posts over HTTP: once, without redirects, and not again for a while to a server that did not answer.

Addresses and headers hold secrets, and the exceptions of urllib3 and http.client carry them: they are never chained,
not even as context.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import urllib3
from urllib3.exceptions import HTTPError, LocationParseError
from urllib3.util import Url, parse_url

from sagewatch.errors import NoAnswer

TIMEOUT = urllib3.Timeout(connect=3, read=8)
OPEN_FOR = 30.0
"""Seconds that a circuit stays open: the notify function's timeout, which is longer than any batch."""

THROTTLED = 30.0
"""Seconds to wait when a server that throttles does not say for how long."""

LOOPBACK = frozenset({"127.0.0.1", "localhost", "[::1]"})
"""Hosts of test doubles, as urllib3 reads them; the settings take an address there only where emulators are named."""
_LONGEST_RETRY_AFTER = 900.0


def pool() -> urllib3.PoolManager:
    """Return what holds the connections for the life of a container; retries belong to the queue."""
    # With retries=False urllib3 neither repeats a request nor follows a redirect.
    return urllib3.PoolManager(timeout=TIMEOUT, retries=False, maxsize=2)


def address(text: str) -> Url | None:
    """Take an address apart as urllib3 does when it connects; None when it is none."""
    try:
        return parse_url(text)
    except LocationParseError:
        return None


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back; `after` is Retry-After in seconds, a quarter of an hour at most, None when it is not given so."""

    status: int
    text: str
    after: float | None

    @property
    def good(self) -> bool:
        """Whether it was taken."""
        return 200 <= self.status < 300

    # RFC 6585, "429 Too Many Requests".
    @property
    def throttled(self) -> bool:
        """Whether the server wants fewer requests."""
        return self.status == 429

    @property
    def troubled(self) -> bool:
        """Whether the same request may succeed later."""
        # RFC 9110, "408 Request Timeout": the client may repeat the request.
        return self.status >= 500 or self.status == 408


@dataclass(slots=True)
class CircuitBreaker:
    """Keeps a server that did not answer from being asked again until then (`clock` in seconds).

    Ten time-outs are longer than the function lives, and would keep everybody else from being told.
    """

    clock: Callable[[], float] = time.monotonic
    until: float = 0


@dataclass(slots=True)
class Pauses:
    """Keeps what can wait from places that took no message a moment ago (`clock` in seconds)."""

    clock: Callable[[], float] = time.monotonic
    until: dict[str, float] = field(default_factory=dict)

    def begin(self, place: str, seconds: float) -> None:
        """Leave a place alone for so long."""
        self.until[place] = max(self.until.get(place, 0), self.clock() + seconds)

    def left(self, place: str) -> float:
        """Return for how many seconds a place is still left alone; 0 when it is not."""
        return max(0.0, self.until.get(place, 0) - self.clock())


def post(
    http: urllib3.PoolManager, breaker: CircuitBreaker, who: str, url: str, body: bytes, headers: Mapping[str, str]
) -> Answer:
    """Post a body; NoAnswer, in which the server is called `who`, when it does not answer or the circuit is open."""
    left = breaker.until - breaker.clock()
    if left > 0:
        raise NoAnswer(f"{who} did not answer a moment ago, and is left alone for now", after=left)
    try:
        # A redirect would carry headers and body, secrets among them, to wherever it points.
        answer = http.request("POST", url, body=body, headers=headers, redirect=False)
    except HTTPError as error:
        trouble = type(error).__name__
    else:
        # RFC 9110, "Retry-After": a number of seconds, or a date, which nobody who throttles us sends.
        said = answer.headers.get("Retry-After", "").strip()
        after = min(max(float(said), 1.0), _LONGEST_RETRY_AFTER) if re.fullmatch("[0-9]{1,9}", said) else None
        return Answer(answer.status, answer.data.decode(errors="replace"), after)
    breaker.until = breaker.clock() + OPEN_FOR
    # Raised here, not above: an error's context would keep the URL even when it is not shown.
    raise NoAnswer(f"{who} did not answer: {trouble}")
