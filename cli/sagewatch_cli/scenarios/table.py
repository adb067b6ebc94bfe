"""The table of scenarios, one line each: what must be noticed and how soon, and what must stay silent.

A line is added by writing it; `tests/unit/test_scenarios.py` plays all of them. Quantities are those of
`publisher.requests`, `publisher.used` and the facet's own publisher: `rate` is requests a minute, `fails` the share
that is answered 5xx, `cpu` and the like shares of full scale.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sagewatch_cli.scenarios.scenario import Scenario, fault, healthy

_HOUR = 60
_DAY = 24 * _HOUR


def _rising(begin: float, end: float, minutes: int) -> Callable[[int], float]:
    """Return what goes from `begin` to `end` in so many minutes, and stays there."""
    return lambda minute: begin + (end - begin) * min(1, minute / minutes)


def _first(minutes: int, of: int = 10**9) -> Callable[[int], bool]:
    """Return whether it holds: for so many minutes, again every `of` minutes."""
    return lambda minute: minute % of < minutes


def _between(begin: int, end: int, value: float = 1) -> Callable[[int], float]:
    """Return `value` from minute `begin` to `end` after the change, else 0."""
    return lambda minute: value if begin <= minute < end else 0


def _even(rate: float) -> dict[str, float]:
    """Return so many requests a minute, on the beat, as a scheduled caller sends them."""
    return {"rate": rate, "even": 1}


_ALL_FAIL = {"fails": 1}
_5XX = "errors-5xx, errors-5xx-low-traffic"

_DEPLOYED: dict[str, Any] = {
    "usual": {"new_hosts": 0, "rate": 20},
    "first": "endpoint",
    "later": ((60, "endpoint, being deployed"), (80, "endpoint, two variants")),
}
"""A second variant is deployed from minute 60 on, and in service 20 minutes later."""
_ALL_SLOW = {"slow": 1, "slow_seconds": 10}

REQUEST_FAULTS: tuple[Scenario, ...] = (
    fault("endpoint", "60 requests a minute, all fail", "errors-5xx", 10, _ALL_FAIL),
    fault("endpoint", "60 requests a minute, one in ten fails", "errors-5xx", 10, {"fails": 0.1}),
    fault("endpoint", "3,000 requests a minute, 6 % fail", "errors-5xx", 15, {"fails": 0.07}, usual={"rate": 3000}),
    fault("endpoint", "10 requests a minute, a third fails", _5XX, 30, {"fails": 0.33}, usual={"rate": 10}),
    fault("endpoint", "4 requests a minute, all fail", _5XX, 30, _ALL_FAIL, usual={"rate": 4}),
    fault("endpoint", "4 requests a minute, three in five fail", _5XX, 45, {"fails": 0.6}, usual={"rate": 4}),
    fault("endpoint", "3 requests a minute, all fail", _5XX, 30, _ALL_FAIL, usual={"rate": 3}),
    fault("endpoint", "2 requests a minute, all fail", _5XX, 30, _ALL_FAIL, usual={"rate": 2}),
    fault("endpoint", "a request a minute, all fail", _5XX, 30, _ALL_FAIL, usual={"rate": 1}),
    fault("endpoint", "12 requests an hour, all fail", _5XX, 150, _ALL_FAIL, usual={"rate": 0.2}, lasts=180),
    *(
        fault("endpoint", f"a call every {60 // rate} s, all fail", _5XX, 30, _ALL_FAIL, usual=_even(rate))
        for rate in (1, 2, 3, 4)
    ),
    fault("endpoint", "an outage of ten minutes", "errors-5xx", 12, _ALL_FAIL, lasts=10),
    fault("endpoint, GPU", "20 requests a minute, all fail", "errors-5xx", 15, _ALL_FAIL, usual={"rate": 20}),
    fault("endpoint, instance pool", "60 requests a minute, all fail", "errors-5xx", 10, _ALL_FAIL),
    fault("endpoint, being created", "all fail an hour later", "errors-5xx", 10, _ALL_FAIL, later=((20, "endpoint"),)),
    fault("endpoint, two variants", "the new variant fails", "errors-5xx", 10, _ALL_FAIL, usual={"rate": 20}),
    fault("endpoint, two variants", "the new one fails, 2 a minute", _5XX, 30, _ALL_FAIL, usual={"rate": 2}),
    fault(
        "endpoint, two variants",
        "a new variant fails from its first request",
        "errors-5xx",
        45,
        {"new_hosts": 1, "rate": _between(20, 10**9, 20), "fails": 1},
        **_DEPLOYED,
    ),
    fault("endpoint", "2 requests a minute, a third fails", _5XX, 60, {"fails": 0.35}, usual={"rate": 2}),
    fault("endpoint", "100 requests a minute, 5 % take 5 s", "latency-p99", 20, {"slow": 0.05}, usual={"rate": 100}),
    fault("endpoint, enhanced metrics every 300 s", "all requests fail", "errors-5xx", 15, _ALL_FAIL),
    fault("endpoint", "60 requests a minute, one in ten times out", "model-errors", 10, {"broken": 0.1}),
    fault(
        "endpoint",
        "3 requests a minute, all time out",
        "model-errors-low-traffic",
        30,
        {"broken": 1},
        usual={"rate": 3},
    ),
    fault(
        "endpoint", "a request a minute, all time out", "model-errors-low-traffic", 30, {"broken": 1}, usual={"rate": 1}
    ),
    fault(
        "endpoint",
        "2 requests a minute, all fail for a quarter of an hour",
        _5XX,
        18,
        _ALL_FAIL,
        usual={"rate": 2},
        lasts=15,
    ),
    fault("endpoint", "15 requests a minute, all fail", _5XX, 10, _ALL_FAIL, usual={"rate": 15}),
    fault("endpoint", "8 requests a minute, half fail", _5XX, 15, {"fails": 0.5}, usual={"rate": 8}),
    fault("endpoint, GPU", "a request a minute, all fail", _5XX, 30, _ALL_FAIL, usual={"rate": 1}),
    fault("endpoint, published every 300 s", "2 requests a minute, all fail", _5XX, 30, _ALL_FAIL, usual={"rate": 2}),
    fault(
        "endpoint, enhanced metrics every 300 s", "a request a minute, all fail", _5XX, 40, _ALL_FAIL, usual={"rate": 1}
    ),
    fault("endpoint", "a request a minute, all are refused", "errors-4xx", 60, {"refused": 1}, usual={"rate": 1}),
    fault("endpoint", "60 requests a minute, half are refused", "errors-4xx", 30, {"refused": 0.5}),
    fault("endpoint", "4 requests a minute, all are refused", "errors-4xx", 60, {"refused": 1}, usual={"rate": 4}),
    fault("endpoint", "two streams a minute break off", "midstream-errors", 20, {"streams_broken": 2.5}),
    fault("endpoint", "300 requests at once", "concurrency", 20, {"at_once": 300}),
)

LATENCY_FAULTS: tuple[Scenario, ...] = (
    fault("endpoint", "3,000 requests a minute, 3 % take 5 s", "latency-p99", 15, {"slow": 0.03}, usual={"rate": 3000}),
    fault("endpoint", "300 requests a minute, 3 % take 5 s", "latency-p99", 20, {"slow": 0.03}, usual={"rate": 300}),
    fault("endpoint", "100 requests a minute, all take 10 s", "latency-p99", 15, _ALL_SLOW, usual={"rate": 100}),
    fault("endpoint", "60 requests a minute, all take 10 s", "latency-p99", 15, _ALL_SLOW),
    fault("endpoint", "60 requests a minute, a tenth takes 5 s", "latency-p99", 20, {"slow": 0.1}),
    fault("endpoint", "30 requests a minute, all take 10 s", "latency-p99", 20, _ALL_SLOW, usual={"rate": 30}),
    fault("endpoint", "10 requests a minute, all take 10 s", "latency-p99", 30, _ALL_SLOW, usual={"rate": 10}),
    fault("endpoint", "4 requests a minute, all take 10 s", "latency-p99", 60, _ALL_SLOW, usual={"rate": 4}),
    fault("endpoint", "a request a minute, all take 10 s", "latency-p99", 60, _ALL_SLOW, usual={"rate": 1}),
    fault("endpoint", "a call every 60 s, all take 10 s", "latency-p99", 60, _ALL_SLOW, usual=_even(1)),
    fault("endpoint", "a call every 15 s, all take 10 s", "latency-p99", 60, _ALL_SLOW, usual=_even(4)),
    fault("endpoint, two variants", "the new variant takes 10 s", "latency-p99", 20, _ALL_SLOW, usual={"rate": 30}),
    fault("endpoint, enhanced metrics every 300 s", "all requests take 10 s", "latency-p99", 30, _ALL_SLOW),
    fault("endpoint", "SageMaker adds a second", "overhead-latency", 15, {"overhead": 1}),
    fault(
        "endpoint", "SageMaker adds a second, 3 a minute", "overhead-latency", 20, {"overhead": 1}, usual={"rate": 3}
    ),
)

INSTANCE_FAULTS: tuple[Scenario, ...] = (
    fault("endpoint", "memory at 97 %", "memory", 15, {"memory": 0.97}),
    fault("endpoint", "memory leaks away in two hours", "memory", 130, {"memory": _rising(0.5, 1, 120)}, lasts=180),
    fault("endpoint", "disk at 95 %", "disk", 15, {"disk": 0.95}),
    fault("endpoint", "disk fills in two hours", "disk", 130, {"disk": _rising(0.3, 1, 120)}, lasts=180),
    fault("endpoint", "CPU at 98 %", "cpu", 20, {"cpu": 0.98}),
    fault("endpoint", "CPU at 98 % on three instances", "cpu", 20, {"cpu": 0.98}, usual={"hosts": 3}),
    fault("endpoint, GPU", "GPUs at 99 %", "gpu", 30, {"gpu": 0.995}),
    fault("endpoint, GPU", "GPU memory at 99.5 %", "gpu-memory", 15, {"gpu_memory": 1}),
    *(
        line
        for every in (10, 120, 300)
        for line in (
            fault(f"endpoint, published every {every} s", "memory at 97 %", "memory", 45, {"memory": 0.97}),
            fault(f"endpoint, published every {every} s", "disk at 95 %", "disk", 45, {"disk": 0.95}),
            fault(f"endpoint, published every {every} s", "CPU at 98 %", "cpu", 75, {"cpu": 0.98}),
        )
    ),
    *(
        line
        for every in (180, 240)
        for line in (
            fault(f"endpoint, published every {every} s", "memory at 97 %", "memory", 45, {"memory": 0.97}),
            fault(f"endpoint, published every {every} s", "CPU at 98 %", "cpu", 75, {"cpu": 0.98}),
        )
    ),
    *(
        line
        for facet in ("endpoint, instance pool by type", "endpoint, instance pool by type and zone")
        for line in (
            fault(facet, "CPU at 98 %", "pool-cpu", 20, {"cpu": 0.98}),
            fault(facet, "GPUs at 99 %", "pool-gpu", 30, {"gpu": 0.995}),
            fault(facet, "GPU memory at 99.5 %", "pool-gpu-memory", 15, {"gpu_memory": 1}),
        )
    ),
    fault("endpoint, GPU, published every 300 s", "GPUs at 99 %", "gpu", 45, {"gpu": 0.995}),
    fault("endpoint, GPU, published every 300 s", "GPU memory at 99.5 %", "gpu-memory", 45, {"gpu_memory": 1}),
    fault("endpoint, enhanced metrics every 300 s", "SageMaker adds a second", "overhead-latency", 30, {"overhead": 1}),
    fault("endpoint", "nobody calls it", "idle", 26 * _HOUR, {"rate": 0}, lasts=26 * _HOUR),
    fault("endpoint", "nobody ever called it", "idle", 26 * _HOUR, {}, usual={"rate": 0}, lasts=26 * _HOUR, start=0),
)

FACET_FAULTS: tuple[Scenario, ...] = (
    fault("serverless", "60 requests a minute, all fail", "errors-5xx", 10, _ALL_FAIL),
    fault("serverless", "3 requests a minute, all fail", _5XX, 30, _ALL_FAIL, usual={"rate": 3}),
    fault("serverless", "a request a minute, all fail", _5XX, 30, _ALL_FAIL, usual={"rate": 1}),
    fault("serverless", "4 requests a minute, all take 10 s", "latency-p99", 60, _ALL_SLOW, usual={"rate": 4}),
    fault("serverless", "half the requests are throttled", "errors-4xx", 30, {"refused": 0.5}),
    fault("serverless", "all requests take 10 s", "latency-p99", 20, _ALL_SLOW),
    fault("serverless", "memory at 97 %", "memory", 15, {"memory": 0.97}),
    fault("serverless", "at its maximum concurrency", "serverless-concurrency", 15, {"concurrency": 0.98}),
    fault("serverless", "cold starts take 45 s", "serverless-setup", 30, {"cold": 0.2, "setup": 45}),
    fault("serverless", "most requests wait 20 s", "serverless-overhead", 30, {"cold": 0.8, "setup": 20}),
    fault("serverless, provisioned", "all of it is in use", "provisioned-concurrency", 20, {"provisioned": 0.98}),
    fault("serverless, provisioned", "requests go past it", "provisioned-spillover", 30, {"spilt": 5}),
    fault("multi-model", "most models are not loaded", "model-cache-hits", 45, {"cache_hit": 0.2}),
    fault("multi-model", "callers wait 20 s for a model", "model-loading-wait", 30, {"cache_hit": 0.6, "waiting": 20}),
    fault("multi-model", "downloads take a minute", "model-downloading", 30, {"cache_hit": 0.6, "downloading": 60}),
    fault("multi-model", "loading takes a minute", "model-loading", 30, {"cache_hit": 0.6, "loading": 60}),
    fault("multi-model", "unloading takes half a minute", "model-unloading", 30, {"cache_hit": 0.6, "unloading": 30}),
    fault("multi-model", "1,500 models on an instance", "models-loaded", 30, {"loaded": 1500}),
    fault("inference pipeline", "the second container takes 5 s", "container-latency", 15, {"container_latency": 5}),
    fault("containers called directly", "one fails", "container-errors-5xx", 10, {"container_fails": 1}),
    fault(
        "containers called directly",
        "one fails, 3 a minute",
        "container-errors-5xx-low-traffic",
        30,
        {"container_fails": 1},
        usual={"rate": 3},
    ),
    fault("containers called directly", "one refuses most", "container-errors-4xx", 30, {"container_refused": 0.6}),
    fault("containers called directly", "one takes the CPU", "container-cpu", 20, {"container_cpu": 0.98}),
    fault("containers called directly", "one takes the memory", "container-memory", 15, {"container_memory": 0.95}),
    fault("asynchronous", "10 wait, no instance comes", "backlog-without-capacity", 30, {"hosts": 0, "backlog": 10}),
    fault("asynchronous", "the oldest waits for an hour", "oldest-request", 15, {"backlog": 20, "age": 3600}),
    fault("asynchronous", "200 wait for each instance", "backlog-per-instance", 30, {"backlog": 200}),
    fault("asynchronous", "all requests fail", "async-failures", 20, {"failures": 2}),
    fault("asynchronous", "12 an hour, all fail", "async-failures", 60, {"failures": 0.2}, usual={"rate": 0.2}),
    fault("asynchronous", "requests expire", "async-expired", 15, {"expired": 0.5}),
    fault("asynchronous", "inputs cannot be read", "async-downloads", 20, {"downloads": 2}),
    fault("asynchronous", "results cannot be written", "async-uploads", 15, {"uploads": 0.5}),
    fault("asynchronous", "notifications cannot be sent", "async-notifications", 20, {"notifications": 2}),
    fault("endpoint of components", "no core is left", "cpu-reserved", 30, {"cpu_reserved": 1}),
    fault("endpoint of components", "no memory is left", "memory-reserved", 30, {"memory_reserved": 1}),
    fault("endpoint of components", "no device is left", "gpu-reserved", 30, {"gpu_reserved": 1}),
)

COMPONENT_FAULTS: tuple[Scenario, ...] = (
    fault("component", "60 requests a minute, all fail", "errors-5xx", 10, _ALL_FAIL),
    fault("component", "3 requests a minute, all fail", _5XX, 30, _ALL_FAIL, usual={"rate": 3}),
    fault("component", "a request a minute, all fail", _5XX, 30, _ALL_FAIL, usual={"rate": 1}),
    fault(
        "component",
        "3 requests a minute, all time out",
        "model-errors-low-traffic",
        30,
        {"broken": 1},
        usual={"rate": 3},
    ),
    fault("component", "a request a minute, all take 10 s", "latency-p99", 60, _ALL_SLOW, usual={"rate": 1}),
    fault(
        "component",
        "2 requests a minute, SageMaker adds a second",
        "overhead-latency",
        20,
        {"overhead": 1},
        usual={"rate": 2},
    ),
    fault("component, published every 300 s", "memory at 97 %", "memory", 45, {"memory": 0.97}),
    fault("component, published every 300 s", "CPU at 98 %", "cpu", 75, {"cpu": 0.98}),
    fault("component", "one in ten times out", "model-errors", 10, {"broken": 0.1}),
    fault("component", "half are refused", "errors-4xx", 30, {"refused": 0.5}),
    fault("component", "60 requests a minute, all take 10 s", "latency-p99", 20, _ALL_SLOW),
    fault("component", "4 requests a minute, all take 10 s", "latency-p99", 60, _ALL_SLOW, usual={"rate": 4}),
    fault("component", "memory at 97 %", "memory", 15, {"memory": 0.97}),
    fault("component", "SageMaker adds a second", "overhead-latency", 15, {"overhead": 1}),
    fault("component", "300 requests at once", "concurrency", 20, {"at_once": 300}),
    fault("component", "CPU at 98 %", "cpu", 20, {"cpu": 0.98}),
    fault("component, GPU", "GPU at 99 %", "gpu", 30, {"gpu": 0.995}),
    fault("component, GPU", "GPU memory full", "gpu-memory", 15, {"gpu_memory": 1}),
    fault("component", "nobody calls it", "idle", 26 * _HOUR, {"rate": 0}, lasts=26 * _HOUR),
    fault("component", "scaled to zero, and called", "no-capacity", 20, {"copies": 0, "rate": 5}),
    fault("component", "scaled to zero, 12 calls an hour", "no-capacity", 60, {"copies": 0, "rate": 0.2}),
)

JOB_FAULTS: tuple[Scenario, ...] = (
    fault("training, CPU", "memory at 95 %", "memory", 15, {"memory": 0.96}),
    fault("training, 2 GPU hosts", "memory of one host at 95 %", "memory", 15, {"memory": 0.96, "first_only": 1}),
    fault("training, 12 hosts", "memory of one of 12 hosts at 95 %", "memory", 15, {"memory": 0.96, "first_only": 1}),
    fault("training, CPU", "disk at 96 %", "disk", 15, {"disk": 0.96}),
    fault("training, 2 GPU hosts", "GPU memory full", "gpu-memory", 20, {"gpu_memory": 1.1}),
    fault("training, 2 GPU hosts", "no GPU works", "gpu-stalled", 45, {"gpu": 0.01}),
    fault("training, CPU", "nothing is computed", "cpu-stalled", 45, {"cpu": 0.005}),
    fault("training, instance preferences", "memory at 95 %", "memory", 15, {"memory": 0.96}),
    fault("training, instance preferences", "nothing is computed", "cpu-stalled", 45, {"cpu": 0.005}),
    fault("processing", "memory at 95 %", "memory", 15, {"memory": 0.96}),
    fault("processing", "disk at 96 %", "disk", 15, {"disk": 0.96}),
    fault("processing", "nothing is computed", "cpu-stalled", 45, {"cpu": 0.005}),
    fault("processing, GPU", "GPU memory full", "gpu-memory", 20, {"gpu_memory": 1.1}),
    fault("processing, GPU", "no GPU works", "gpu-stalled", 45, {"gpu": 0.01}),
    fault("processing, instance preferences", "disk at 96 %", "disk", 15, {"disk": 0.96}),
    fault("transform", "memory at 95 %", "memory", 15, {"memory": 0.96}),
    fault("transform", "nothing is computed", "cpu-stalled", 45, {"cpu": 0.005}),
    fault("transform, GPU", "GPU memory full", "gpu-memory", 20, {"gpu_memory": 1.1}),
    fault("transform, GPU", "no GPU works", "gpu-stalled", 45, {"gpu": 0.01}),
)

_ENDS = {"executions": 0.2}

OTHER_FAULTS: tuple[Scenario, ...] = (
    *(
        line
        for facet in ("pipeline, Sagemaker", "pipeline, SageMaker")
        for line in (
            fault(facet, "executions fail", "executions-failed", 30, {**_ENDS, "failed": 1}),
            fault(facet, "executions are stopped", "executions-stopped", 30, {**_ENDS, "stopped": 1}),
            fault(facet, "executions take 30 hours", "execution-duration", 30, {**_ENDS, "hours": 30}),
            fault(facet, "a step fails", "step-failed", 30, {**_ENDS, "step_failed": 1}),
        )
    ),
    fault("feature group", "120 calls a minute, all fail", "errors-5xx", 10, _ALL_FAIL),
    fault("feature group", "4 calls a minute, all fail", _5XX, 30, _ALL_FAIL, usual={"rate": 4}),
    fault("feature group", "a call a minute, all fail", "errors-5xx-low-traffic", 30, _ALL_FAIL, usual={"rate": 1}),
    fault("feature group", "half the calls are refused", "errors-4xx", 30, {"refused": 0.5}),
    fault("feature group", "a third of the calls is throttled", "throttled", 30, {"throttled": 0.3}),
    fault("feature group", "400 calls a minute take a second", "latency-p99", 15, {"latency": 1}, usual={"rate": 400}),
    fault("feature group", "60 calls a minute take a second", "latency-p99", 20, {"latency": 1}, usual={"rate": 60}),
    fault("feature group", "10 calls a minute take a second", "latency-p99", 30, {"latency": 1}, usual={"rate": 10}),
    fault("feature group", "2 calls a minute take a second", "latency-p99", 40, {"latency": 1}, usual={"rate": 2}),
    fault(
        "feature group",
        "a tenth of 300 calls a minute is throttled",
        "throttled",
        30,
        {"throttled": 0.1},
        usual={"rate": 300},
    ),
    fault("feature group, provisioned", "95 of 100 read units", "read-capacity", 15, {"units": 95}),
    fault("feature group, provisioned", "95 of 100 write units", "write-capacity", 15, {"units": 95}),
    fault("labeling job", "five objects cannot be labelled", "objects-failed", 20, {"objects": 5}),
    fault("labeling job", "workers decline 30 tasks an hour", "tasks-declined", 90, {"declined": 0.5}),
    fault("labeling job", "workers return 30 tasks an hour", "tasks-returned", 90, {"returned": 0.5}),
    fault("labeling job", "a labeling job fails", "jobs-failed", 15, {"jobs_failed": 1}, lasts=1),
    fault("recommender job", "a fifth of the requests fails", "client-errors", 15, {"fails": 0.2}),
    fault(
        "recommender job",
        "3 requests a minute, all fail",
        "client-errors-low-traffic",
        30,
        {"fails": 1},
        usual={"rate": 3},
    ),
    fault("recommender job", "2 requests a minute take 3 s", "client-latency", 40, {"latency": 3}, usual={"rate": 2}),
    fault("recommender job", "300 requests a minute take 3 s", "client-latency", 15, {"latency": 3}),
    fault("recommender job", "30 requests a minute take 3 s", "client-latency", 20, {"latency": 3}, usual={"rate": 30}),
    fault("monitoring schedule", "a feature drifts", "drift", 75, {"drift": 0.5}),
    fault(
        "monitoring schedule",
        "a feature drifts, one run a day",
        "drift",
        1400,
        {"drift": 0.5},
        usual={"every_hours": 24},
        lasts=_DAY,
    ),
    fault("cluster", "a node waits for a replacement", "nodes-awaiting-replacement", 45, {"awaiting_replacement": 1}),
    fault("cluster", "a node waits for a reboot", "nodes-awaiting-reboot", 45, {"awaiting_reboot": 1}),
    fault("cluster", "health checks never end", "nodes-unschedulable", 8 * _HOUR, {"checking": 2}, lasts=9 * _HOUR),
)

FAULTS = (
    *REQUEST_FAULTS,
    *LATENCY_FAULTS,
    *INSTANCE_FAULTS,
    *FACET_FAULTS,
    *COMPONENT_FAULTS,
    *JOB_FAULTS,
    *OTHER_FAULTS,
)

HEALTHY_ENDPOINTS: tuple[Scenario, ...] = (
    healthy("endpoint", "60 requests a minute", lasts=6 * _HOUR),
    healthy("endpoint", "3,000 requests a minute, 0.5 % fail", {"fails": 0.005}, usual={"rate": 3000}),
    healthy(
        "endpoint",
        "a call every 15 s, a minute of them fails",
        {"fails": 1},
        usual=_even(4),
        holds=_first(1),
        lasts=_HOUR,
    ),
    healthy("endpoint", "3 requests a minute", usual={"rate": 3}, lasts=12 * _HOUR),
    healthy("endpoint", "12 requests an hour", usual={"rate": 0.2}, lasts=_DAY),
    healthy("endpoint", "one 5xx at night", {"rate": 1, "fails": 1}, usual={"rate": 0.3}, holds=_first(2)),
    healthy("endpoint", "a 5xx every three hours", {"fails": 1}, usual={"rate": 1}, holds=_first(1, 180), lasts=_DAY),
    healthy("endpoint", "a bad minute at 4 a minute", {"fails": 1}, usual={"rate": 4}, holds=_first(1), lasts=180),
    healthy("endpoint", "5 requests a minute, 1 % fail all day", {"fails": 0.01}, usual={"rate": 5}, lasts=_DAY),
    healthy("endpoint", "60 requests a minute, 1 % fail all day", {"fails": 0.01}, lasts=_DAY),
    healthy("endpoint", "6 % bad requests by callers", {"refused": 0.06}, lasts=12 * _HOUR),
    healthy("endpoint", "3,000 a minute, 6 % bad requests", {"refused": 0.06}, usual={"rate": 3000}),
    healthy("endpoint", "4 a minute, a tenth bad requests", {"refused": 0.1}, usual={"rate": 4}, lasts=_DAY),
    healthy("endpoint", "a caller's bad five minutes", {"refused": 0.8}, holds=_first(5)),
    healthy("endpoint", "10 requests a minute, 1 % fail for a day", {"fails": 0.01}, usual={"rate": 10}, lasts=_DAY),
    healthy(
        "endpoint", "one 5xx an hour at 30 an hour", {"fails": 1}, usual={"rate": 0.5}, holds=_first(1, 60), lasts=_DAY
    ),
    healthy("endpoint", "30 a minute, 6 % bad requests", {"refused": 0.06}, usual={"rate": 30}, lasts=12 * _HOUR),
    healthy("endpoint", "a request a minute, 6 % bad requests", {"refused": 0.06}, usual={"rate": 1}, lasts=_DAY),
    healthy("endpoint", "60 a minute, 5 per mille are slow", {"slow": 0.005}, lasts=12 * _HOUR),
    healthy("endpoint", "30 a minute, 1 % is slow", {"slow": 0.01}, usual={"rate": 30}, lasts=_DAY),
    healthy("endpoint", "two slow minutes, 10 a minute", {"slow": 1}, usual={"rate": 10}, holds=_first(2), lasts=180),
    healthy("endpoint", "five slow minutes", {"slow": 1}, holds=_first(5)),
    healthy("endpoint", "a request a minute, one in 20 is slow", {"slow": 0.05}, usual={"rate": 1}, lasts=_DAY),
    healthy("endpoint", "4 a minute, one in 20 is slow", {"slow": 0.05}, usual={"rate": 4}, lasts=12 * _HOUR),
    healthy("endpoint", "one slow request a night", {"slow": 1}, usual={"rate": 0.5}, holds=_first(2), lasts=300),
    healthy("endpoint", "one slow minute", {"slow": 1}, holds=_first(1)),
    healthy("endpoint", "one slow minute at 4 a minute", {"slow": 1}, usual={"rate": 4}, holds=_first(1), lasts=180),
    healthy("endpoint", "3 of 1,000 are slow", {"slow": 0.003}, lasts=6 * _HOUR),
    healthy("endpoint", "a burst of 3,000 a minute", {"rate": 3000, "cpu": 0.95}, holds=_first(5)),
    healthy("endpoint", "CPU at 100 % for three minutes", {"cpu": 1}, holds=_first(3, 60), lasts=6 * _HOUR),
    healthy("endpoint", "memory at 95 % for three minutes", {"memory": 0.95}, holds=_first(3)),
    healthy("endpoint", "disk at 90 % for three minutes", {"disk": 0.9}, holds=_first(3)),
    healthy("endpoint", "scaled in to zero overnight", {"hosts": 0, "rate": 0}, lasts=9 * _HOUR),
    healthy("endpoint", "no request for a night", {"rate": 0}, lasts=14 * _HOUR),
    healthy("endpoint", "a quiet weekend, a request now and then", {"rate": 0.02}, lasts=2 * _DAY),
    healthy("endpoint", "a weekend without a request", {"rate": 0}, lasts=2 * _DAY, may=("idle",)),
    healthy("endpoint, GPU", "20 requests a minute", {}, usual={"rate": 20}, lasts=4 * _HOUR),
    healthy("endpoint, GPU", "GPUs at 99 % for ten minutes", {"gpu": 0.995}, holds=_first(10)),
    *(healthy(f"endpoint, published every {every} s", "60 requests a minute") for every in (10, 120, 300)),
    *(
        healthy(f"endpoint, published every {every} s", "CPU at 100 % for five minutes", {"cpu": 1}, holds=_first(5))
        for every in (120, 300)
    ),
    *(
        healthy(
            f"endpoint, published every {every} s",
            "memory at 95 % for three minutes",
            {"memory": 0.95},
            holds=_first(3),
        )
        for every in (120, 300)
    ),
    healthy("endpoint, GPU, published every 300 s", "GPUs at 99 % for ten minutes", {"gpu": 0.995}, holds=_first(10)),
    healthy("endpoint, enhanced metrics every 300 s", "60 requests a minute", lasts=4 * _HOUR),
    healthy("endpoint, enhanced metrics every 300 s", "4 a minute", usual={"rate": 4}, lasts=4 * _HOUR),
    healthy("endpoint, instance pool", "60 requests a minute"),
    healthy("endpoint, instance pool by type", "60 requests a minute", lasts=4 * _HOUR),
    healthy("endpoint, instance pool by type and zone", "CPU at 100 % for three minutes", {"cpu": 1}, holds=_first(3)),
    healthy("endpoint, being deployed", "the new variant has not come yet"),
    healthy(
        "endpoint, two variants",
        "a new variant loads for 20 minutes",
        {
            "new_hosts": 1,
            "rate": _between(20, 10**9, 20),
            "cpu": lambda minute: 0.95 if minute < 20 else 0.4,
            "memory": 0.8,
        },
        **_DEPLOYED,
    ),
    healthy(
        "endpoint, two variants",
        "a new variant's first 12 minutes are slow",
        {"new_hosts": 1, "rate": _between(20, 10**9, 20), "slow": _between(20, 32), "slow_seconds": 10},
        **_DEPLOYED,
    ),
    healthy(
        "endpoint",
        "a new endpoint: loads for 20 minutes, is slow for 10",
        {"hosts": 1, "rate": _between(20, 10**9, 30), "slow": _between(20, 30), "slow_seconds": 10},
        usual={"hosts": 0, "rate": 0},
        first="endpoint, being created",
        later=((20, "endpoint"),),
        start=0,
    ),
    healthy(
        "endpoint",
        "a large model: slow for its first 20 minutes",
        {"hosts": 1, "slow": _between(0, 20), "slow_seconds": 8, "rate": 30},
        usual={"hosts": 0, "rate": 0},
        start=0,
        lasts=90,
    ),
)

HEALTHY_FACETS: tuple[Scenario, ...] = (
    healthy("serverless", "60 requests a minute", lasts=4 * _HOUR),
    healthy("serverless", "6 requests an hour, each a cold start", {"cold": 1}, usual={"rate": 0.1}, lasts=6 * _HOUR),
    healthy("serverless", "no request all day", {"rate": 0}, lasts=_DAY),
    healthy("serverless, provisioned", "a request past it now and then", {"spilt": 0.02}, lasts=6 * _HOUR),
    healthy("multi-model", "60 requests a minute", lasts=4 * _HOUR),
    healthy("multi-model", "all models load anew for ten minutes", {"cache_hit": 0.1}, holds=_first(10)),
    healthy("inference pipeline", "60 requests a minute"),
    healthy("containers called directly", "60 requests a minute"),
    healthy("containers called directly", "one 5xx", {"container_fails": 1}, usual={"rate": 2}, holds=_first(1)),
    healthy("asynchronous", "2 requests a minute", lasts=4 * _HOUR),
    healthy("asynchronous", "scaled in to zero all day", {"hosts": 0, "rate": 0}, lasts=_DAY),
    healthy(
        "asynchronous",
        "scaling out from zero takes ten minutes",
        {"hosts": 0, "backlog": 5, "age": 400},
        usual={"hosts": 1},
        holds=_first(10),
    ),
    healthy("asynchronous", "one request fails", {"failures": 1}, holds=_first(1)),
    healthy("asynchronous", "a burst of 200", {"backlog": _rising(200, 0, 12), "age": 300}, holds=_first(12)),
    healthy("endpoint of components", "half reserved"),
    healthy("endpoint of components", "fully reserved for ten minutes", {"cpu_reserved": 1}, holds=_first(10)),
    healthy("component", "60 requests a minute", lasts=4 * _HOUR),
    healthy("component", "3 requests an hour on four copies", usual={"rate": 0.05, "copies": 4}, lasts=_DAY),
    healthy("component", "scaled in to zero, not called", {"copies": 0, "rate": 0}, lasts=6 * _HOUR),
    healthy("component", "one call finds no copy", {"copies": 0, "rate": 1}, usual={"rate": 0.5}, holds=_first(1)),
    healthy("component", "five minutes until the first copy is there", {"copies": 0, "rate": 5}, holds=_first(5)),
    healthy("component", "4 a minute, one in 20 is slow", {"slow": 0.05}, usual={"rate": 4}, lasts=6 * _HOUR),
    healthy("component", "a 5xx every three hours", {"fails": 1}, usual={"rate": 1}, holds=_first(1, 180), lasts=_DAY),
    healthy("component", "a bad minute at 4 a minute", {"fails": 1}, usual={"rate": 4}, holds=_first(1), lasts=180),
    healthy("component, published every 300 s", "60 requests a minute", lasts=4 * _HOUR),
    healthy("component", "6 % bad requests by callers", {"refused": 0.06}, lasts=4 * _HOUR),
    healthy("component, GPU", "60 requests a minute"),
)

HEALTHY_OTHERS: tuple[Scenario, ...] = (
    healthy("training, CPU", "CPU at 100 %", {"cpu": 1}),
    healthy("training, CPU", "25 minutes of downloads", {"cpu": 0.005}, holds=_first(25)),
    healthy("training, 2 GPU hosts", "two hours"),
    healthy("training, 2 GPU hosts", "25 minutes without GPUs", {"gpu": 0.01}, holds=_first(25)),
    healthy("training, 2 GPU hosts", "one host waits for the other", {"gpu": 0.01, "first_only": 1}),
    healthy("training, 12 hosts", "two hours"),
    healthy("training, Trainium", "busy devices, a quiet CPU", lasts=4 * _HOUR),
    healthy("training, CPU", "a checkpoint: disk at 95 % for three minutes", {"disk": 0.95}, holds=_first(3, 60)),
    healthy("training, instance preferences", "two hours"),
    healthy("processing", "CPU at 100 % for three minutes", {"cpu": 1}, holds=_first(3)),
    healthy("processing", "memory at 95 % for three minutes", {"memory": 0.95}, holds=_first(3)),
    healthy("processing, GPU", "two hours"),
    healthy("processing, instance preferences", "two hours"),
    healthy("transform", "two hours"),
    healthy("transform, GPU", "two hours"),
    healthy("pipeline, Sagemaker", "executions succeed", lasts=6 * _HOUR),
    healthy("pipeline, SageMaker", "executions succeed", lasts=6 * _HOUR),
    healthy("pipeline, Sagemaker", "no execution all day", {"executions": 0}, lasts=_DAY),
    healthy("feature group", "120 calls a minute", lasts=4 * _HOUR),
    healthy("feature group", "one 5xx at night", {"fails": 1}, usual={"rate": 2}, holds=_first(1), lasts=180),
    healthy("feature group", "a call is throttled now and then", {"throttled": 0.0002}, lasts=4 * _HOUR),
    healthy("feature group", "4 calls a minute, one in 20 is slow", {"slow": 0.05}, usual={"rate": 4}, lasts=360),
    healthy("feature group", "4 calls a minute, 1 % fail", {"fails": 0.01}, usual={"rate": 4}, lasts=12 * _HOUR),
    healthy("feature group", "60 calls a minute, one in 100 is slow", {"slow": 0.01}, usual={"rate": 60}, lasts=360),
    healthy("feature group, provisioned", "120 calls a minute"),
    healthy("labeling job", "workers decline a task an hour", lasts=6 * _HOUR),
    healthy("recommender job", "1 % of the requests fail", {"fails": 0.01}),
    healthy("monitoring schedule", "a small drift", {"drift": 0.15}, lasts=6 * _HOUR),
    healthy("cluster", "all nodes work"),
    healthy("cluster", "health checks for two hours", {"checking": 4}, holds=_first(120), lasts=180),
    healthy("cluster", "a node is replaced within 20 minutes", {"awaiting_replacement": 1}, holds=_first(20)),
    healthy("cluster", "a node reboots within ten minutes", {"awaiting_reboot": 1}, holds=_first(10)),
)

HEALTHY = (*HEALTHY_ENDPOINTS, *HEALTHY_FACETS, *HEALTHY_OTHERS)
SCENARIOS = (*FAULTS, *HEALTHY)
