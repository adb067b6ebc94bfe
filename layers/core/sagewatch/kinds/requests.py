"""What endpoints and inference components share: their metrics of requests, and the rows that read them.

The rows are those of an endpoint's variant; a component has its own level, and says in its own words what to do.
Thresholds are our own choice, AWS recommends none. How much traffic a row needs was chosen by playing it
(docs/scenarios.md): it must notice what fails at one request a minute, and stay silent for a stray error.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from sagewatch.kinds.kind import Metric, Spec
from sagewatch.model import Description, Severity, Unit

REQUESTS = "AWS/SageMaker"
UTILISATION = "/aws/sagemaker/Endpoints"
SECOND = 1_000_000  # µs, in which SageMaker counts latencies
WARM_UP = 10  # minutes after the scope is in service
DAY = 24 * 60  # minutes, before which nobody can have failed to call for a day
WARM_UP_BUSY = 30  # minutes: a container that loads its model keeps its cores and devices busy
WARM_UP_SLOW = 45  # minutes: a large model answers its first requests slowly for up to twenty, with fifteen to notice


def errors_and_requests(errors: str) -> tuple[Metric, ...]:
    """Return what the expressions of shares read: a metric of errors, and Invocations."""
    return (Metric(REQUESTS, errors, "Sum", "errors"), Metric(REQUESTS, "Invocations", "Sum", "requests"))


# CloudWatch documents the operators of metric math and not their order, so every comparison is in brackets.
def error_share(errors: str = "errors", requests: str = "requests") -> str:
    """Return the expression for the errors in percent of the requests; 0 for fewer than 20 requests or 5 errors."""
    return f"IF(({requests} >= 20) AND ({errors} >= 5), 100 * {errors} / {requests}, 0)"


def quiet_error_share(errors: str = "errors", requests: str = "requests") -> str:
    """Return the expression for the errors in percent of however few requests; 0 for fewer than 5 errors."""
    return f"IF({errors} >= 5, 100 * {errors} / {requests}, 0)"


def refusal_share(errors: str = "errors", requests: str = "requests") -> str:
    """Return the expression for the errors in percent of the requests; of fewer than 20, only where most failed.

    Of fewer than 20 requests it is 0 unless 3 failed, and more than half.
    """
    share = f"100 * {errors} / {requests}"
    return f"IF({requests} >= 20, {share}, IF(({errors} >= 3) AND (2 * {errors} > {requests}), {share}, 0))"


def low_traffic(row: Spec, expression: str) -> Spec:
    """Return the row beside a row of error shares that sees the same at few requests: in half an hour, over 20 %."""
    return replace(
        row,
        id=f"{row.id}-low-traffic",
        title=f"{row.title} at low traffic",
        expression=expression,
        threshold=20,
        period=1800,
        why=f"{row.why.split('. ')[0].rstrip('.')}. Counted from 5 errors in half an hour, however few requests.",
    )


def slowest_requests(namespace: str, latency: str) -> tuple[Metric, ...]:
    """Return what `SLOWEST` reads of a metric of latencies."""
    percentiles = [Metric(namespace, latency, name, name) for name in ("p99", "p95", "p75", "p50")]
    return (*percentiles, Metric(namespace, latency, "SampleCount", "samples"))


SLOWEST = "IF(samples >= 300, p99, IF(samples >= 100, p95, IF(samples >= 20, p75, IF(samples >= 3, p50))))"
"""The highest percentile that so many requests can bear: each has some requests beyond it. No data for fewer than 3."""

SLOWEST_NEEDS = (
    "Judged by p99 from 300 requests in five minutes, p95 from 100, p75 from 20 and the median from 3: below about 20 "
    "a minute a tenth of slow requests is not noticed."
)


_FREQUENCIES = frozenset({10, 30, 60, 120, 180, 240, 300})


def published_every(config: Description, utilisation: str) -> tuple[Mapping[str, int], frozenset[str]]:
    """Return how often an endpoint publishes, by namespace, and the namespaces of which that is not known.

    `config` is its MetricsConfig; utilisation follows its frequency, requests too where its metrics are enhanced:
    `{"MetricPublishFrequencyInSeconds": 300}` → `({"/aws/sagemaker/Endpoints": 300}, frozenset())`.
    """
    seconds: object = config.get("MetricPublishFrequencyInSeconds", 60)
    namespaces = (utilisation, REQUESTS) if config.get("EnableEnhancedMetrics") else (utilisation,)
    # The valid values by the API's model (MetricsConfig); under another one, periods of our rows may lack data.
    if not isinstance(seconds, int) or seconds not in _FREQUENCIES:
        return {}, frozenset(namespaces)
    return (dict.fromkeys(namespaces, seconds) if seconds > 60 else {}), frozenset()


ERRORS_5XX = Spec(
    id="errors-5xx",
    title="5xx errors",
    level="variant",
    metrics=errors_and_requests("Invocation5XXErrors"),
    expression=error_share(),
    threshold=5,
    unit=Unit.PERCENT,
    period=300,
    periods=1,
    datapoints=1,
    severity=Severity.CRITICAL,
    symptom=True,
    warm_up=WARM_UP,
    needs=("requests",),
    why="Callers get no prediction. Counted from 20 requests and 5 errors in five minutes.",
    do="Read the endpoint's log for the failing container, then roll back the last deployment or add instances.",
)

ERRORS_5XX_LOW_TRAFFIC = low_traffic(ERRORS_5XX, quiet_error_share())

# InvocationModelErrors counts every answer of the model that is not 2xx, 4xx among them (Developer Guide, "Amazon
# SageMaker AI metrics in Amazon CloudWatch"), and what callers do wrong wakes nobody.
_FAILED = "(errors - refused)"

MODEL_ERRORS = Spec(
    id="model-errors",
    title="model errors",
    level="variant",
    metrics=(
        *errors_and_requests("InvocationModelErrors"),
        Metric(REQUESTS, "Invocation4XXErrors", "Sum", "refused"),
    ),
    expression=error_share(_FAILED),
    threshold=5,
    unit=Unit.PERCENT,
    period=300,
    periods=1,
    datapoints=1,
    severity=Severity.CRITICAL,
    symptom=True,
    warm_up=WARM_UP,
    needs=("requests", "instance"),
    why="The container answered 5xx, closed the connection or timed out. 4xx are not counted: they are the callers'.",
    do="Read the container's log; an exception, no memory left, or the 60 s time-out.",
)

MODEL_ERRORS_LOW_TRAFFIC = low_traffic(MODEL_ERRORS, quiet_error_share(_FAILED))

LATENCY_P99 = Spec(
    id="latency-p99",
    title="model latency",
    level="variant",
    metrics=slowest_requests(REQUESTS, "ModelLatency"),
    expression=SLOWEST,
    threshold=1 * SECOND,
    unit=Unit.MICROSECONDS,
    period=300,
    periods=3,
    datapoints=3,
    severity=Severity.CRITICAL,
    symptom=True,
    warm_up=WARM_UP_SLOW,
    needs=("requests",),
    why="Some callers wait longer than this for the model.",
    do="Compare with CPU, GPU and requests per instance; add instances, or tag the endpoint with its own limit.",
    note=SLOWEST_NEEDS,
)

MEMORY = Spec(
    id="memory",
    title="memory use",
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
    title="4xx errors",
    level="variant",
    metrics=errors_and_requests("Invocation4XXErrors"),
    expression=refusal_share(),
    threshold=20,
    unit=Unit.PERCENT,
    period=300,
    periods=3,
    datapoints=3,
    severity=Severity.WARNING,
    symptom=True,
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
    period=300,
    periods=3,
    datapoints=3,
    severity=Severity.WARNING,
    symptom=True,
    warm_up=WARM_UP_SLOW,
    needs=("requests", "instance"),
    why="SageMaker itself adds this much to every request: large payloads, authorization, or requests that queue.",
    do="Look at the payload's size and the request rate first; then ask AWS support with the endpoint's ARN.",
)

CPU = Spec(
    id="cpu",
    title="CPU use",
    level="variant",
    metrics=(Metric(UTILISATION, "CPUUtilization", "Average"),),
    threshold=90,
    unit=Unit.PERCENT_OF_VCPUS,
    periods=10,
    datapoints=8,
    severity=Severity.WARNING,
    warm_up=WARM_UP_BUSY,
    needs=("instance",),
    why="With every core busy, requests queue and latency climbs next.",
    do="Add instances, scale out earlier, or choose a type with more vCPU.",
)

GPU = Spec(
    id="gpu",
    title="GPU use",
    level="variant",
    metrics=(Metric(UTILISATION, "GPUUtilization", "Average"),),
    threshold=95,
    unit=Unit.PERCENT_OF_GPUS,
    periods=15,
    datapoints=15,
    severity=Severity.WARNING,
    warm_up=WARM_UP_BUSY,
    needs=("instance", "gpu"),
    why="The devices have no room left; the next rise in traffic becomes latency.",
    do="Add instances, or batch requests in the container.",
)

GPU_MEMORY = Spec(
    id="gpu-memory",
    title="GPU memory use",
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
