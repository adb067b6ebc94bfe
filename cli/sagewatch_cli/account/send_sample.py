"""Sends a sample notice through the deployed stack, and watches in the incidents table until it has arrived."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sagewatch.aws import queue
from sagewatch.model import Labels, Place
from sagewatch.policy.rules import Route
from sagewatch.tell.store import timelines
from sagewatch_cli.account.deployment import Deployment
from sagewatch_cli.account.notify import RESOURCE, SampleRouting, SampleState, receiver_prefixes, sample_event
from sagewatch_cli.account.session import Account

PAUSE = 1.0  # s, between two looks


class NoStack(LookupError):
    """There is no stack of ours to send it through; the message says what was looked for."""


@dataclass(frozen=True, slots=True)
class SampleDelivery:
    """Whether the sample reached one receiver of a route; `what` is its name, `slack:C0123` or only `slack`."""

    route: str
    what: str
    told: bool


def send_sample(
    account: Account, deployment: Deployment, labels: Labels, found: SampleRouting, wait: int
) -> tuple[SampleDelivery, ...]:
    """Send the sample through the stack, wait up to `wait` seconds, and send its end in any case; raises NoStack."""
    made = deployment.resources
    if not {"NotifyQueue", "Incidents"} <= made.keys():
        raise NoStack(deployment.missing)
    url, table = (made[each]["PhysicalResourceId"] for each in ("NotifyQueue", "Incidents"))
    sqs, dynamodb = account.client("sqs"), account.client("dynamodb")
    trying = DeployedNotifier(sqs, dynamodb, url, table, deployment.prefix, deployment.place)
    # A resource of its own for each trial: nothing that was told before is edited or goes on.
    own = Labels({**labels.values, "resource": f"{RESOURCE}-{datetime.now(UTC):%Y%m%d-%H%M%S-%f}"})
    trying.send(own, "ALARM")
    try:
        return trying.watch(own, found.routes_told, wait, time.sleep)
    finally:
        trying.send(own, "OK")


@dataclass(frozen=True, slots=True)
class DeployedNotifier:
    """The notify function of a deployed stack, as a sample reaches it."""

    sqs: Any
    """A client of SQS."""
    dynamodb: Any
    """A client of DynamoDB."""
    url: str
    """The address of the stack's notify queue."""
    table: str
    """The name of the stack's incidents table."""
    prefix: str
    """The first part of the names of our alarms."""
    place: Place
    """The account and Region of the stack."""

    def send(self, labels: Labels, state: SampleState) -> None:
        """Put the sample, or its end, into the queue. The end is later, however soon it follows."""
        at = datetime.now(UTC) + (timedelta(seconds=1) if state == "OK" else timedelta())
        queue.send(self.sqs, self.url, [sample_event(self.prefix, labels, self.place, at, state)])

    def watch(
        self, labels: Labels, routes: Iterable[Route], seconds: float, wait: Callable[[float], None]
    ) -> tuple[SampleDelivery, ...]:
        """Read the incidents until the last receiver of each route has it, or `seconds` have passed."""
        routes = tuple(routes)
        for _ in range(int(seconds / PAUSE)):
            found = tuple(self._arrived(labels, routes))
            if _is_over(found):
                return found
            wait(PAUSE)
        return tuple(self._arrived(labels, routes))

    def _arrived(self, labels: Labels, routes: Iterable[Route]) -> Iterator[SampleDelivery]:
        for route in routes:
            sent = timelines.load(self.dynamodb, self.table, route.name, labels.ref).sent
            for name in receiver_prefixes(route):
                full = next((key for key, data in sent.items() if key.startswith(name) and data.get("said")), None)
                yield SampleDelivery(route.name, full or name.rstrip(":"), full is not None)


def _is_over(found: Iterable[SampleDelivery]) -> bool:
    """Tell whether every route is done: receivers are served in order, so the last one has it."""
    last: dict[str, bool] = {each.route: each.told for each in found}
    return all(last.values())
