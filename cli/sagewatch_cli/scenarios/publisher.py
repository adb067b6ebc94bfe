"""Publishes what SageMaker would of a resource in some condition: metrics, units, statistics, frequencies, dimensions.

Metrics, units and dimensions: SageMaker Developer Guide, "Amazon SageMaker AI metrics in Amazon CloudWatch", "Monitor a
serverless endpoint", "Monitoring asynchronous endpoints", "Amazon SageMaker Feature Store metrics" and the like. Where
its editions differ (whether zeros are published), both can be played: see `Habits`. A condition is a plain mapping of
the quantities below each function; rates are per minute, shares 0 to 1, times in seconds.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from random import Random

from sagewatch_cli.scenarios.samples import MetricData, Samples, key

REQUESTS = "AWS/SageMaker"
INSTANCES = "/aws/sagemaker/Endpoints"
MICROSECONDS = 1_000_000

type Condition = Mapping[str, float]
"""How a resource is in one minute: `{"rate": 3, "fails": 1.0}` is three requests a minute that all fail."""


@dataclass(frozen=True, slots=True)
class Habits:
    """Where sources differ about what SageMaker does. `zeros`: a metric without anything to count is published as 0."""

    zeros: bool


@dataclass(frozen=True, slots=True)
class Minute:
    """One minute that is being published."""

    data: MetricData
    at: int
    random: Random
    habits: Habits
    now: Condition
    before: Condition
    """The condition without the fault: what hosts, that it does not reach, are in."""

    def send(self, namespace: str, name: str, dimensions: Mapping[str, str], values: Mapping[float, float]) -> None:
        """Publish single values, and how often each was sent."""
        self.data.add(key(namespace, name, dimensions), self.at, Samples.of(values))

    def count(self, namespace: str, name: str, dimensions: Mapping[str, str], number: float, of: float = 0) -> None:
        """Publish a 1 for each that is counted and a 0 for every other of so many; if there is none, by our habit.

        "For each 5xx response, 1 is sent; otherwise, 0 is sent."
        """
        if number or self.habits.zeros:
            self.send(namespace, name, dimensions, {1.0: number, 0.0: max(of - number, 0 if number else 1)})


def published(
    emit: Callable[[Minute], None],
    conditions: Iterable[tuple[Condition, Condition]],
    minutes: int,
    habits: Habits,
    seed: str,
) -> MetricData:
    """Publish a resource's metrics, given its condition and that without the fault, minute by minute.

    The same seed gives the same data.
    """
    data, random = MetricData(minutes), Random(seed)
    for at, (now, before) in enumerate(conditions):
        emit(Minute(data, at, random, habits, now, before))
    return data


# ------------------------------------------------------------------------------------------------ chance


def happened(random: Random, mean: float) -> int:
    """Return how many independent things happened, of which so many are expected (Poisson; even above 200)."""
    if mean > 200:
        return max(0, round(random.gauss(mean, math.sqrt(mean))))
    number, product, limit = 0, random.random(), math.exp(-mean)
    while product > limit:
        number, product = number + 1, product * random.random()
    return number


def some(random: Random, of: int, share: float) -> int:
    """Return how many of them it hits, each with that chance."""
    if share <= 0 or of == 0:
        return 0
    if share >= 1:
        return of
    if of > 500:
        return min(of, max(0, round(random.gauss(of * share, math.sqrt(of * share * (1 - share))))))
    return sum(random.random() < share for _ in range(of))


def spread(random: Random, typical: float, times: int) -> dict[float, float]:
    """Return durations around a typical one, by how often each occurs: a third longer is common, twice as long rare."""
    if times <= 20:
        return {typical * math.exp(random.gauss(0, 0.25)): 1.0 for _ in range(times)}
    return {typical * factor: times * share for factor, share in _BELL}


_BELL = tuple(
    (math.exp(0.25 * step / 2), math.exp(-((step / 2) ** 2) / 2) / (2 * math.sqrt(2 * math.pi)))
    for step in range(-6, 7)
)
"""Factors of a typical duration and the share of requests that have each, 0.47 to 2.1 times as long."""


def joined(*several: Mapping[float, float]) -> dict[float, float]:
    """Return values and how often they occur in all of them."""
    found: dict[float, float] = {}
    for each in several:
        for value, times in each.items():
            found[value] = found.get(value, 0) + times
    return found


# ------------------------------------------------------------------------------------------------ requests


def requests(minute: Minute, dimensions: Mapping[str, str], *, model_errors: bool = True, overhead: bool = True) -> int:
    """Publish what requests leave behind, and return how many there were.

    `rate` a minute, by chance or, when `even`, on the beat; `fails` are answered 5xx by the model, `refused` 4xx,
    `broken` time out or break the connection; `slow` of them take `slow_seconds` in place of `latency`; `overhead` is
    added by SageMaker; `streams_broken` a minute; `at_once` is how many run at the same time.
    """
    now, random = minute.now, minute.random
    number = arrived(minute)
    fails, refused = some(random, number, now.get("fails", 0)), some(random, number, now.get("refused", 0))
    broken = some(random, number, now.get("broken", 0))
    minute.count(REQUESTS, "Invocations", dimensions, number, number)
    minute.count(REQUESTS, "Invocation5XXErrors", dimensions, fails, number)
    minute.count(REQUESTS, "Invocation4XXErrors", dimensions, min(refused, number - fails), number)
    if model_errors:
        minute.count(REQUESTS, "InvocationModelErrors", dimensions, min(number, fails + refused + broken), number)
    latencies(minute, "ModelLatency", dimensions, number)
    if overhead:
        durations = spread(random, now.get("overhead", 0.02) * MICROSECONDS, number)
        minute.send(REQUESTS, "OverheadLatency", dimensions, durations)
    if number and now.get("streams_broken"):
        minute.count(REQUESTS, "MidStreamErrors", dimensions, happened(random, now["streams_broken"]), number)
    return number


def arrived(minute: Minute) -> int:
    """Return how many requests come in a minute: `rate` on average, exactly that often when they are `even`."""
    rate = minute.now["rate"]
    if minute.now.get("even"):
        return math.floor((minute.at + 1) * rate) - math.floor(minute.at * rate)
    return happened(minute.random, rate)


def latencies(minute: Minute, name: str, dimensions: Mapping[str, str], number: int) -> None:
    """Publish `latency` of so many requests, of which the share `slow` takes `slow_seconds`."""
    slow = some(minute.random, number, minute.now.get("slow", 0))
    usual = spread(minute.random, minute.now.get("latency", 0.12) * MICROSECONDS, number - slow)
    late = spread(minute.random, minute.now.get("slow_seconds", 5) * MICROSECONDS, slow)
    minute.send(REQUESTS, name, dimensions, joined(usual, late))


def used(minute: Minute, namespace: str, names: Mapping[str, tuple[str, float]], dimensions: Mapping[str, str]) -> None:
    """Publish utilisation: by metric name the quantity (a share) and full scale, `{"CPUUtilization": ("cpu", 400)}`.

    `hosts` of them publish every `every` seconds (60); one that is below a minute sends several in each.
    """
    every, hosts = int(minute.now.get("every", 60)), int(minute.now.get("hosts", 1))
    if hosts <= 0 or minute.at * 60 % every:
        return
    times = hosts * max(1, 60 // every)
    for name, (quantity, scale) in names.items():
        if quantity in minute.now:
            # It varies by a few percent of what it is, and never passes its full scale.
            level, drawn = minute.now[quantity], (minute.random.uniform(0.97, 1.03) for _ in range(times))
            values = [min(1.0, max(0.0, level * each)) * scale for each in drawn]
            minute.send(namespace, name, dimensions, Counter(values))


def gauge(minute: Minute, namespace: str, name: str, dimensions: Mapping[str, str], value: float | None) -> None:
    """Publish one value, if there is one."""
    if value is not None:
        minute.send(namespace, name, dimensions, {float(value): 1.0})
