"""Measures what people see of a storm: messages, mails, the first, the last, refusals, log, and who is put together.

The functions are played as in `tests/model_telling`, by a virtual clock: a call of AWS takes 20 ms, one over HTTP 200.
Slack takes one message a second in a channel and answers 429 with Retry-After otherwise (Slack, "Rate limits").

Run: .venv/bin/python -m benchmarks.outages
"""

from __future__ import annotations

import contextlib
import io
import json
import random
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field

from tests.model_telling.clock import CLOCK, START
from tests.model_telling.receivers import Answer, Slack
from tests.model_telling.world import ENVIRONMENT, TICK, TOKEN, World, world

BOT = "\n  - {name: everyone, slack: C0ALL, sns: default}\n"
ROWS = ("errors-5xx", "latency-p99", "memory")


@dataclass(slots=True)
class LimitedSlack(Slack):
    """A workspace that takes one message a second in a channel, and fifty edits a minute."""

    last: dict[str, float] = field(default_factory=dict)
    edits: list[float] = field(default_factory=list)
    refused: int = 0

    def serve(self, now: float, method: str, headers: Mapping[str, str], body: bytes) -> Answer:
        given = json.loads(body) if headers.get("Content-Type", "").startswith("application/json") else {}
        channel = str(given.get("channel") or "")
        # chat.postMessage: "1 message per second per channel"; chat.update is of tier 3: 50 and more a minute.
        self.edits = [at for at in self.edits if at > now - 60]
        too_soon = method == "chat.postMessage" and now < self.last.get(channel, 0) + 1
        too_many = method == "chat.update" and len(self.edits) >= 50
        if too_soon or too_many:
            self.refused += 1
            return 429, {"Retry-After": "1" if too_soon else "10"}, b'{"ok": false, "error": "ratelimited"}'
        if method == "chat.postMessage":
            self.last[channel] = now
        if method == "chat.update":
            self.edits.append(now)
        # The base class by its name: a dataclass with slots is another class than the one that super() knows.
        return Slack.serve(self, now, method, headers, body)


class TwoWorkers(World):
    """A world in which two containers take from the queue, as the template allows.

    They take turns by whole invocations: what one of them writes, the other one sees from the time at which that
    invocation began.
    """

    def until(self, minute: float) -> None:
        end = START.timestamp() + 60 * minute
        free = self.__dict__.setdefault("free", [CLOCK.seconds, CLOCK.seconds])
        while True:
            soonest = min((each.visible for each in self.queue.values()), default=float("inf"))
            due = max(min(soonest, self.next_tick), min(free))
            if due > end:
                break
            CLOCK.seconds = due
            if self.next_tick <= due:
                self.next_tick += self.tick_every
                self.sends(TICK, 0)
            worker = free.index(min(free))
            self._receive()
            free[worker] = max(CLOCK.seconds, due)
        CLOCK.seconds = end


@dataclass(frozen=True, slots=True, kw_only=True)
class Storm:
    """What people saw of a storm; times in seconds after its beginning."""

    posts: int
    mails: int
    first: float
    listed: float
    refused: int
    log: int
    dead: int
    open_at_end: int


def measured(endpoints: int, rows: int, within: float, *, webhook: bool = False, ends: bool = True) -> Storm:
    """Have endpoints fire within so many seconds, by so many alarms each, and be well again after ten minutes."""
    log = io.StringIO()
    with contextlib.redirect_stdout(log), world(make=TwoWorkers, routes=BOT) as here:
        here.slack = LimitedSlack(TOKEN)
        if webhook:
            here.credentials(webhook_url="https://hooks.slack.com/services/T0/B0/x")
        names = [f"endpoint-{number:03d}" for number in range(endpoints)]
        order = [(name, row) for name in names for row in ROWS[:rows]]
        random.Random(1).shuffle(order)
        listed = float("inf")
        step = within / len(order)
        fired = 0
        begin = CLOCK.seconds
        while CLOCK.seconds < begin + 600:
            due = len(order) if not step else min(len(order), int((CLOCK.seconds - begin) / step) + 1)
            for name, row in order[fired:due]:
                here.goes("ALARM", row, name)
            fired = max(fired, due)
            here.until(here.minute + 1 / 60)
            if fired == len(order) and listed == float("inf") and _all_listed(here, names):
                listed = CLOCK.seconds - begin
        posts, mails = len(here.slack.posted) + len(here.slack_hook), len(here.topics.of("alerts"))
        first = min([each.at for each in here.slack.posted] + [each.at for each in here.topics.mails]) - begin
        if ends:
            for name, row in order:
                here.goes("OK", row, name)
            here.until(here.minute + 30)
        return Storm(
            posts=posts,
            mails=mails,
            first=first,
            listed=listed,
            refused=here.slack.refused,
            log=len(log.getvalue()) + here.logged,
            dead=len(here.dead),
            open_at_end=sum(each.is_open for each in here.slack.channel("C0ALL")),
        )


def _all_listed(here: World, names: list[str]) -> bool:
    said = "\n".join(mail.body for mail in here.topics.of("alerts"))
    return all(name in said for name in names)


def main() -> int:
    """Print the figures."""
    ENVIRONMENT["POWERTOOLS_LOG_LEVEL"] = "INFO"
    for name, given in {
        "300 endpoints x 3 alarms at once, bot": (300, 3, 0.0, False),
        "500 endpoints within a minute, bot": (500, 1, 60.0, False),
        "500 endpoints within a minute, webhook": (500, 1, 60.0, True),
    }.items():
        endpoints, rows, within, webhook = given
        print(name, measured(endpoints, rows, within, webhook=webhook), file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
