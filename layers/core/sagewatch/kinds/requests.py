"""What endpoints and inference components share: their metrics of requests, and the rows that read them.

The rows are those of an endpoint's variant; a component has its own level, and says in its own words what to do.
Thresholds are our own choice, AWS recommends none.
"""

from __future__ import annotations

from sagewatch.kinds.kind import Metric, Spec
from sagewatch.model import Severity, Unit

REQUESTS = "AWS/SageMaker"
UTILISATION = "/aws/sagemaker/Endpoints"
SECOND = 1_000_000  # µs, in which SageMaker counts latencies
WARM_UP = 10  # minutes: a container loads its model, and its first requests are slow


def errors_and_requests(errors: str) -> tuple[Metric, ...]:
    """Return what `error_share` divides: a metric of errors, and Invocations."""
    return (Metric(REQUESTS, errors, "Sum", "errors"), Metric(REQUESTS, "Invocations", "Sum", "requests"))


def error_share(requests: str = "requests") -> str:
    """Return the expression for the errors in percent of the requests, by the ids of both; 0 for fewer than 20."""
    return f"IF({requests} >= 20, 100 * errors / {requests}, 0)"


ERRORS_5XX = Spec(
    id="errors-5xx",
    title="share of 5xx answers",
    level="variant",
    metrics=errors_and_requests("Invocation5XXErrors"),
    expression=error_share(),
    threshold=5,
    unit=Unit.PERCENT,
    period=300,
    periods=1,
    datapoints=1,
    severity=Severity.CRITICAL,
    warm_up=WARM_UP,
    needs=("requests",),
    why="Callers get no prediction. Counted from 20 requests in five minutes, so one stray error wakes nobody.",
    do="Read the endpoint's log for the failing container, then roll back the last deployment or add instances.",
)

MODEL_ERRORS = Spec(
    id="model-errors",
    title="share of requests the model failed",
    level="variant",
    metrics=errors_and_requests("InvocationModelErrors"),
    expression=error_share(),
    threshold=5,
    unit=Unit.PERCENT,
    period=300,
    periods=1,
    datapoints=1,
    severity=Severity.CRITICAL,
    warm_up=WARM_UP,
    needs=("requests", "instance"),
    why="The container answered with an error, closed the connection or timed out.",
    do="Read the container's log; input it cannot parse, no memory left, or the 60 s time-out.",
)

LATENCY_P99 = Spec(
    id="latency-p99",
    title="p99 latency",
    level="variant",
    metrics=(Metric(REQUESTS, "ModelLatency", "p99"),),
    threshold=1 * SECOND,
    unit=Unit.MICROSECONDS,
    periods=5,
    datapoints=3,
    severity=Severity.CRITICAL,
    warm_up=WARM_UP,
    needs=("requests",),
    why="One caller in a hundred waits longer than this for the model.",
    do="Compare with CPU, GPU and requests per instance; add instances, or tag the endpoint with its own limit.",
)

MEMORY = Spec(
    id="memory",
    title="memory",
    level="variant",
    metrics=(Metric(UTILISATION, "MemoryUtilization", "Maximum"),),
    threshold=90,
    unit=Unit.PERCENT,
    periods=5,
    datapoints=5,
    severity=Severity.CRITICAL,
    warm_up=WARM_UP,
    why="A container that runs out of memory is killed, and its requests fail until it is back.",
    do="Use fewer workers or models, or an instance type (serverless: a memory size) with more memory.",
)

ERRORS_4XX = Spec(
    id="errors-4xx",
    title="share of 4xx answers",
    level="variant",
    metrics=errors_and_requests("Invocation4XXErrors"),
    expression=error_share(),
    threshold=20,
    unit=Unit.PERCENT,
    period=300,
    periods=3,
    datapoints=3,
    severity=Severity.WARNING,
    warm_up=WARM_UP,
    needs=("requests",),
    why="Callers send what the model refuses, often after a change of its input or of a client.",
    do="Read one refused request in the endpoint's log and compare it with the model's input schema.",
)

OVERHEAD_LATENCY = Spec(
    id="overhead-latency",
    title="overhead latency",
    level="variant",
    metrics=(Metric(REQUESTS, "OverheadLatency", "Average"),),
    threshold=0.25 * SECOND,
    unit=Unit.MICROSECONDS,
    periods=5,
    datapoints=5,
    severity=Severity.WARNING,
    warm_up=WARM_UP,
    needs=("requests", "instance"),
    why="SageMaker itself adds this much to every request: large payloads, authorization, or requests that queue.",
    do="Look at the payload's size and the request rate first; then ask AWS support with the endpoint's ARN.",
)

CPU = Spec(
    id="cpu",
    title="CPU",
    level="variant",
    metrics=(Metric(UTILISATION, "CPUUtilization", "Average"),),
    threshold=90,
    unit=Unit.PERCENT_OF_VCPUS,
    periods=10,
    datapoints=8,
    severity=Severity.WARNING,
    warm_up=WARM_UP,
    needs=("instance",),
    why="With every core busy, requests queue and latency climbs next.",
    do="Add instances, scale out earlier, or choose a type with more vCPU.",
)

GPU = Spec(
    id="gpu",
    title="GPU",
    level="variant",
    metrics=(Metric(UTILISATION, "GPUUtilization", "Average"),),
    threshold=95,
    unit=Unit.PERCENT_OF_GPUS,
    periods=15,
    datapoints=15,
    severity=Severity.WARNING,
    warm_up=WARM_UP,
    needs=("instance", "gpu"),
    why="The devices have no room left; the next rise in traffic becomes latency.",
    do="Add instances, or batch requests in the container.",
)

GPU_MEMORY = Spec(
    id="gpu-memory",
    title="GPU memory",
    level="variant",
    metrics=(Metric(UTILISATION, "GPUMemoryUtilization", "Maximum"),),
    threshold=97,
    unit=Unit.PERCENT_OF_GPUS,
    periods=5,
    datapoints=5,
    severity=Severity.WARNING,
    warm_up=WARM_UP,
    needs=("instance", "gpu"),
    why="The next larger batch or longer prompt ends in an out-of-memory error.",
    do="Lower the batch size, sequence length or number of models per device.",
)
