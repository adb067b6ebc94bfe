"""Asks CloudWatch which metrics there are, where documentation does not say: names, namespaces, dimension sets."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sagewatch.aws.retries import retried
from sagewatch.model import Published

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch import CloudWatchClient

# Less than between two sweeps, so that each of them hears of what CloudWatch lists by then.
_KEPT_SECONDS = 300

type Question = tuple[str | None, str | None, frozenset[tuple[str, str]]]


@dataclass(slots=True)
class PublishedMetrics:
    """ListMetrics, its answers kept for five minutes by `clock` (seconds); that there is nothing yet is not kept."""

    client: CloudWatchClient
    clock: Callable[[], float] = time.monotonic
    answers: dict[Question, tuple[float, tuple[Published, ...]]] = field(default_factory=dict)

    def published(
        self, metric: str | None = None, within: str | None = None, **dimensions: str
    ) -> tuple[Published, ...]:
        """Return the metrics of that name, in that namespace or any, with these dimensions among theirs, in order.

        A dimension whose value is empty may have any.
        """
        question = metric, within, frozenset(dimensions.items())
        until, found = self.answers.get(question, (0.0, ()))
        if self.clock() >= until:
            # No order is promised (ListMetrics); a decision must not depend on it.
            found = tuple(sorted(self._ask(metric, within, dimensions), key=str))
            if found:
                self.answers[question] = self.clock() + _KEPT_SECONDS, found
        return found

    def _ask(self, metric: str | None, within: str | None, dimensions: dict[str, str]) -> list[Published]:
        asked = {"MetricName": metric, "Namespace": within}
        named = {name: value for name, value in asked.items() if value}
        filters = [{"Name": name, **({"Value": value} if value else {})} for name, value in dimensions.items()]
        # Some of the dimensions are enough to ask by. A new metric is listed within 15 minutes, and until nothing of
        # it was published for two weeks (ListMetrics).
        with retried(f"list_metrics {metric or ''} {dimensions}", describes=True):
            pages = self.client.get_paginator("list_metrics").paginate(**named, Dimensions=filters)  # type: ignore[arg-type]
            return [
                Published(each["Namespace"], each["MetricName"], {d["Name"]: d["Value"] for d in each["Dimensions"]})
                for page in pages
                for each in page["Metrics"]
            ]
