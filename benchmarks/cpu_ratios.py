"""Measures the CPU time of reconcile and sweep beside a bare boto3 loop that makes the same calls.

Each pair is measured in turn, several times, in one process; a ratio is the median of the turns. The answers were
recorded before, so both sides get the same bytes.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from benchmarks.counted_account import Call, CountedAccount, bare_loop
from sagewatch.aws.clients import Clients
from sagewatch.aws.deadline import Deadline
from sagewatch.aws.policy_store import PolicyStore
from sagewatch.aws.retries import PATIENT
from sagewatch.fleet.sweep import sweep
from sagewatch.kinds.endpoint.observe import ENDPOINT
from sagewatch.model import Ref
from sagewatch.policy.rules import PolicyInForce
from sagewatch.settings import SweepSettings
from sagewatch.watch.batch import Batch
from sagewatch.watch.diff import decide
from sagewatch.watch.facts import observe

PREFIX = "sagewatch"
SETTINGS = SweepSettings(
    prefix=PREFIX,
    queue_url="https://sqs.us-east-1.amazonaws.com/123456789012/reconcile",
    backfill_url="https://sqs.us-east-1.amazonaws.com/123456789012/backfill",
    notify_url="https://sqs.us-east-1.amazonaws.com/123456789012/notify",
    policy_parameter=None,
    table=None,
)


class Product:
    """A counted account, and the product's clients in it."""

    def __init__(self, endpoints: int = 0, **made_of: Any) -> None:
        self.account = CountedAccount(endpoints, **made_of)
        self.boto = {each: self.account.client(each, PATIENT) for each in ("sagemaker", "cloudwatch", "sqs")}

    @property
    def clients(self) -> Clients:
        """The clients of a container that has just started: nothing is remembered."""
        return Clients(PATIENT, **self.boto)

    def reconcile(self, *names: str) -> None:
        """Reconcile endpoints, all of them unless some are named, as one batch."""
        batch = Batch(self.clients, PREFIX, PolicyStore(None, None, PATIENT), Deadline())
        for name in names or self.account.endpoints:
            batch.reconcile(Ref("endpoint", name))

    def sweep(self) -> None:
        """Make a light sweep."""
        sweep(self.clients, SETTINGS, PolicyStore(None, None, PATIENT), datetime.now(UTC), full=False)


def ratio(product: Product, calls: list[Call], work: Callable[[], object], turns: int) -> float:
    """Return how many times the CPU time of a bare loop the work takes that makes these calls."""
    bare = bare_loop(product.boto, calls)
    product.account.replayed(calls, bare)
    return statistics.median(
        product.account.replayed(calls, work) / product.account.replayed(calls, bare) for _ in range(turns)
    )


def pure_part(product: Product, turns: int = 300) -> float:
    """Return the CPU time in ms to decide about an endpoint whose alarms are as they should be, without any call."""
    name = product.account.endpoints[0]
    clients = product.clients
    observed = observe(clients, PREFIX, ENDPOINT, Ref("endpoint", name))
    spent = []
    for _ in range(turns):
        began = time.process_time()
        decide(clients.reader, PREFIX, ENDPOINT, observed, PolicyInForce())
        spent.append(time.process_time() - began)
    return statistics.median(spent) * 1e3


def cpu_ratios(endpoints: int = 40, swept: int = 200, turns: int = 7) -> dict[str, float]:
    """Return the ratios, and the CPU time of the pure part in ms."""
    product = Product(endpoints)
    new = product.account.recorded(product.reconcile)
    unchanged = product.account.recorded(product.reconcile)
    many = Product(swept)
    many.reconcile()
    light = many.account.recorded(many.sweep)
    figures = {
        "reconcile, new endpoints": ratio(product, new, product.reconcile, turns),
        "reconcile, nothing changed": ratio(product, unchanged, product.reconcile, turns),
        "light sweep": ratio(many, light, many.sweep, turns),
        "pure part": pure_part(product),
    }
    return {name: round(figure, 2) for name, figure in figures.items()}


if __name__ == "__main__":
    for title, figure in cpu_ratios().items():
        print(f"{title}: {figure:.2f}")
