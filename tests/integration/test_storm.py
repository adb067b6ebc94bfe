"""A small storm; `benchmarks/lost_messages.py` makes a big one."""

from __future__ import annotations

from typing import Any

from benchmarks.lost_messages import storm
from tests.integration.notify_function import alarm


def changed(state: str, resource: str) -> dict[str, Any]:
    return alarm(state, 0 if state == "ALARM" else 9, resource=resource)


def test_two_workers_and_a_slack_that_fails_and_throttles_lose_nothing() -> None:
    outcome = storm(40, share=0.3, per_second=20, alarm=changed)

    assert (outcome.lost, outcome.dead, outcome.repeated) == (0, 0, 0)
    assert outcome.noted["Retry"] > 0
