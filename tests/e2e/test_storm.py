"""Many incidents at once and a Slack that has a bad day, on the deployed function behind its queue.

It is shown that two containers, which take turns with the queue's own visibility, lose nothing and say nothing twice.

Not shown: a Slack that does not answer at all, or that answers and is not heard (`tests/integration` plays both); the
waits of many minutes after several failures in a row, since here Slack mostly says when to come back
(`benchmarks/lost_messages.py` plays them in a clock of its own); Slack's own pace of about one message a second, at
which most of so many at once are told by the fallback first; and pictures, since nobody draws any.

    STORM=500 .venv/bin/pytest -s tests/e2e/test_storm.py
"""

from __future__ import annotations

import json
import os
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

import pytest

from sagewatch_cli.local.doubles.slack import Reply, Troubles
from sagewatch_cli.local.doubles.slack_workspace import CHANNEL, ShownMessage
from tests.e2e.world import World

pytestmark = pytest.mark.e2e

INCIDENTS = int(os.environ.get("STORM", "20"))
PER_SECOND = 10
"""Messages that Slack takes in the channel."""

PATIENCE = 300 + 3 * INCIDENTS  # s
SLACK_ONLY = f"routes: [{{name: all, slack: {CHANNEL}, group_wait: 0s}}]"
"""So that the alerts topic hears of what a fallback tells it and of nothing else, and all is told one by one."""

SOON = {"Retry-After": "1"}
TROUBLES = (
    Reply(429, "", SOON),
    Reply(500, "", SOON),
    Reply(503, "<html>", SOON),
    Reply(200, json.dumps({"ok": False, "error": "internal_error"}), SOON),
)
WITHOUT_A_TIME = (Reply(500, ""), Reply(502, "<html>"), Reply(200, json.dumps({"ok": False, "error": "fatal_error"})))
"""What the first messages meet: the function itself decides when to try again, after 15 s."""

NAMES = tuple(f"endpoint-{number:04}" for number in range(INCIDENTS))


@pytest.fixture
def stormy(world: World) -> Iterator[World]:
    """The world on a day on which Slack fails three times in ten, and takes few messages at once."""
    world.policy.put(SLACK_ONLY)
    slack = world.stack.emulators.slack
    slack.replies.extend(WITHOUT_A_TIME)
    slack.per_second, slack.troubles = PER_SECOND, Troubles(share=0.3, seed=1, kinds=TROUBLES)
    yield world
    world.clear()


def change(world: World, name: str, state: Literal["ALARM", "OK"]) -> str:
    """Return the message that tells of an alarm of an endpoint that changes now."""
    payload = "alarm-firing" if state == "ALARM" else "alarm-cleared"
    told = world.events.load(payload)["detail"]
    alarm, stamp = f"sagewatch/endpoint/{name}/AllTraffic/latency-p99", f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S.%f}"
    line = f"[sagewatch severity=critical kind=endpoint resource={name} scope=AllTraffic alarm=latency-p99]"
    detail = {
        "alarmName": alarm,
        "state": {**told["state"], "timestamp": f"{stamp[:-3]}+0000"},
        "configuration": {**told["configuration"], "description": f"p99 model latency\n{line}"},
    }
    arn = f"arn:aws:cloudwatch:us-east-1:123456789012:alarm:{alarm}"
    return json.dumps(world.events.make(payload, detail=detail, resources=[arn]))


def rush(world: World, state: Literal["ALARM", "OK"]) -> None:
    """Have every alarm change its state, and wait until nobody has anything left to say of it."""
    world.send("NotifyQueue", *(change(world, name, state) for name in NAMES))
    world.notified(within=PATIENCE)


def roots(world: World) -> dict[str, list[ShownMessage]]:
    """Return the messages in the channel about each endpoint, as they read now."""
    found: dict[str, list[ShownMessage]] = {name: [] for name in NAMES}
    for said in world.said():
        found[next(name for name in NAMES if f"*{name}*" in said.text)].append(said)
    return found


def repeats(world: World) -> int:
    """Return how many messages say what another one says already: an incident has one, and its end one line below."""
    lines = Counter((said.thread, said.text) for said in world.stack.emulators.slack.workspace.said.values())
    return sum(max(0, len(found) - 1) for found in roots(world).values()) + sum(
        times - 1 for (thread, _), times in lines.items() if thread
    )


def heard(world: World, state: str) -> Counter[str]:
    """Return how often the topic was told of that state of each endpoint, and forget it."""
    return Counter(mail.attributes["resource"] for mail in world.mail() if mail.attributes["state"] == state)


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What the storm cost: `missing` are the openings that people did not read in Slack while it lasted."""

    seconds: float
    deliveries: int
    failures: int
    requests: int
    repeats: int
    missing: int
    fallbacks: int


def metered(world: World, since: float) -> Counter[str]:
    """Return the sums of the metrics that the notify function logged since then."""
    pages = world.stack.client("logs").get_paginator("filter_log_events")
    sums: Counter[str] = Counter()
    for page in pages.paginate(logGroupName=world.stack.resources["NotifyLogs"], startTime=int(since * 1_000)):
        for event in page["events"]:
            sums.update(_metrics(event["message"]))
    return sums


def _metrics(line: str) -> dict[str, int]:
    """Return the metrics in a line of a log, nothing when it is no such line."""
    if '"_aws"' not in line:
        return {}
    said = json.loads(line)
    names = [each["Name"] for told in said["_aws"]["CloudWatchMetrics"] for each in told["Metrics"]]
    return {name: int(sum(said[name])) for name in names}


def test_a_storm_on_a_bad_day_of_slack_loses_nothing_and_repeats_nothing(stormy: World) -> None:
    slack, began = stormy.stack.emulators.slack, time.time()

    rush(stormy, "ALARM")
    opened, told_instead = roots(stormy), heard(stormy, "firing")
    rush(stormy, "OK")
    ended_instead = heard(stormy, "resolved")
    took, spent, requests = time.time() - began, metered(stormy, began), len(slack.asked)
    slack.troubles, slack.per_second = Troubles(), None
    stormy.tick("Clock")  # it has Slack catch up on what a fallback told
    stormy.notified()

    missing = {name for name, found in opened.items() if not found}
    figures = Figures(
        seconds=round(took, 1),
        deliveries=spent["NoticesTold"] + spent["MessagesFailed"],
        failures=spent["MessagesFailed"],
        requests=requests,
        repeats=repeats(stormy),
        missing=len(missing),
        fallbacks=spent["ToldByFallback"],
    )
    print(f"\n{INCIDENTS} incidents: {figures}")
    assert figures.failures > len(WITHOUT_A_TIME)
    assert missing <= told_instead.keys()
    assert (figures.repeats, stormy.dead_letters("NotifyDeadLetters")) == (0, ())
    assert max((*told_instead.values(), *ended_instead.values()), default=1) == 1
    shown = {name: [said.text.partition(" ")[0] for said in found] for name, found in roots(stormy).items()}
    assert shown == {name: [":large_green_circle:"] for name in NAMES}
