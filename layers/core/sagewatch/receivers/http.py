"""Asks over HTTP: once, without redirects, and not again for a while whoever did not answer.

Addresses and headers hold secrets, and the exceptions of urllib3 and http.client carry them: they are never chained,
not even as context.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import urllib3
from urllib3.exceptions import HTTPError, LocationParseError
from urllib3.util import Url, parse_url

from sagewatch.errors import NoAnswer

TIMEOUT = urllib3.Timeout(connect=3, read=8)
REST = 30.0
"""Seconds, the notify function's timeout: longer than any batch."""

THROTTLED = 30.0
"""Seconds to wait when somebody who throttles does not say for how long."""

LOOPBACK = frozenset({"127.0.0.1", "localhost", "[::1]"})
_LONGEST = 900.0


def pool() -> urllib3.PoolManager:
    """Return what holds the connections for the life of a container; retries belong to the queue."""
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
        return 200 <= self.status < 300

    @property
    def throttled(self) -> bool:
        return self.status == 429

    @property
    def troubled(self) -> bool:
        return self.status >= 500 or self.status == 408


@dataclass(slots=True)
class Rest:
    """Until when somebody is left alone who did not answer.

    Ten time-outs are longer than the function lives, and would keep everybody else from being told.
    """

    clock: Callable[[], float] = time.monotonic
    until: float = 0

    @property
    def left(self) -> float:
        return self.until - self.clock()

    def begin(self) -> None:
        self.until = self.clock() + REST


@dataclass(frozen=True, slots=True)
class Line:
    """The way to somebody: `who` is how errors call them."""

    http: urllib3.PoolManager
    who: str
    rest: Rest

    def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        """Send a body; NoAnswer when nobody answers, and at once while they rest."""
        if self.rest.left > 0:
            raise NoAnswer(f"{self.who} did not answer a moment ago, and is left alone for now", after=self.rest.left)
        try:
            answer = self.http.request("POST", url, body=body, headers=headers, redirect=False)
        except HTTPError as error:
            trouble = type(error).__name__
        else:
            return Answer(answer.status, answer.data.decode(errors="replace"), _after(answer.headers))
        self.rest.begin()
        # Raised here, not above: an error's context would keep the URL even when it is not shown.
        raise NoAnswer(f"{self.who} did not answer: {trouble}")


def _after(headers: Mapping[str, str]) -> float | None:
    said = headers.get("Retry-After", "").strip()
    return min(max(float(said), 1.0), _LONGEST) if re.fullmatch("[0-9]{1,9}", said) else None
