"""Endpoints: real-time variants on instances, and serverless ones.

Metrics, units and dimension sets: SageMaker Developer Guide, "Monitor Amazon SageMaker with Amazon CloudWatch" and
"Monitor a serverless endpoint" (an exhaustive list). `EndpointName` with `VariantName` is the only set that
SageMaker publishes for these. The thresholds are our own choice; AWS recommends none.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping

from sagewatch.kinds.instances import INSTANCES
from sagewatch.model import (
    Capacity,
    Description,
    Gap,
    Kind,
    Listing,
    Metric,
    Observation,
    Reader,
    Scope,
    Severity,
    Spec,
    Unit,
)

REQUESTS = "AWS/SageMaker"
INSTANCES_NAMESPACE = "/aws/sagemaker/Endpoints"
SECOND = 1_000_000  # µs, in which SageMaker counts latencies

_REQUESTS = Metric(REQUESTS, "Invocations", "Sum", "requests")
_SHARE = "IF(requests >= 20, 100 * errors / requests, 0)"


def _errors(metric: str) -> tuple[Metric, ...]:
    return (Metric(REQUESTS, metric, "Sum", "errors"), _REQUESTS)


SPECS = (
    Spec(
        id="errors-5xx",
        title="share of 5xx answers",
        level="variant",
        metrics=_errors("Invocation5XXErrors"),
        expression=_SHARE,
        threshold=5,
        unit=Unit.PERCENT,
        period=300,
        periods=1,
        datapoints=1,
        severity=Severity.CRITICAL,
        needs=("requests",),
        why="Callers get no prediction. Counted from 20 requests in five minutes, so one stray error wakes nobody.",
        do="Read the endpoint's log for the failing container, then roll back the last deployment or add instances.",
    ),
    Spec(
        id="model-errors",
        title="share of requests the model failed",
        level="variant",
        metrics=_errors("InvocationModelErrors"),
        expression=_SHARE,
        threshold=5,
        unit=Unit.PERCENT,
        period=300,
        periods=1,
        datapoints=1,
        severity=Severity.CRITICAL,
        needs=("requests", "instance"),
        why="The container answered with an error, closed the connection or timed out.",
        do="Read the container's log; input it cannot parse, no memory left, or the 60 s time-out.",
    ),
    Spec(
        id="latency-p99",
        title="p99 latency",
        level="variant",
        metrics=(Metric(REQUESTS, "ModelLatency", "p99"),),
        threshold=1 * SECOND,
        unit=Unit.MICROSECONDS,
        periods=5,
        datapoints=3,
        severity=Severity.CRITICAL,
        needs=("requests",),
        why="One caller in a hundred waits longer than this for the model.",
        do="Compare with CPU, GPU and requests per instance; add instances, or tag the endpoint with its own limit.",
    ),
    Spec(
        id="memory",
        title="memory",
        level="variant",
        metrics=(Metric(INSTANCES_NAMESPACE, "MemoryUtilization", "Maximum"),),
        threshold=90,
        unit=Unit.PERCENT,
        periods=5,
        datapoints=5,
        severity=Severity.CRITICAL,
        why="A container that runs out of memory is killed, and its requests fail until it is back.",
        do="Use fewer workers or models, or an instance type (serverless: a memory size) with more memory.",
    ),
    Spec(
        id="disk",
        title="disk",
        level="variant",
        metrics=(Metric(INSTANCES_NAMESPACE, "DiskUtilization", "Maximum"),),
        threshold=85,
        unit=Unit.PERCENT,
        periods=5,
        datapoints=5,
        severity=Severity.CRITICAL,
        needs=("instance",),
        why="A full disk stops model loading, logging and data capture.",
        do="Look for temporary files the container leaves behind, or give the variant a larger volume.",
    ),
    Spec(
        id="errors-4xx",
        title="share of 4xx answers",
        level="variant",
        metrics=_errors("Invocation4XXErrors"),
        expression=_SHARE,
        threshold=20,
        unit=Unit.PERCENT,
        period=300,
        periods=3,
        datapoints=3,
        severity=Severity.WARNING,
        needs=("requests",),
        why="Callers send what the model refuses, often after a change of its input or of a client.",
        do="Read one refused request in the endpoint's log and compare it with the model's input schema.",
    ),
    Spec(
        id="overhead-latency",
        title="overhead latency",
        level="variant",
        metrics=(Metric(REQUESTS, "OverheadLatency", "Average"),),
        threshold=0.25 * SECOND,
        unit=Unit.MICROSECONDS,
        periods=5,
        datapoints=5,
        severity=Severity.WARNING,
        needs=("requests", "instance"),
        why="SageMaker itself adds this much to every request: large payloads, authorization, or requests that queue.",
        do="Look at the payload's size and the request rate first; then ask AWS support with the endpoint's ARN.",
    ),
    Spec(
        id="cpu",
        title="CPU",
        level="variant",
        metrics=(Metric(INSTANCES_NAMESPACE, "CPUUtilization", "Average"),),
        threshold=90,
        unit=Unit.PERCENT_OF_VCPUS,
        periods=10,
        datapoints=8,
        severity=Severity.WARNING,
        needs=("instance",),
        why="With every core busy, requests queue and latency climbs next.",
        do="Add instances, scale out earlier, or choose a type with more vCPU.",
    ),
    Spec(
        id="gpu",
        title="GPU",
        level="variant",
        metrics=(Metric(INSTANCES_NAMESPACE, "GPUUtilization", "Average"),),
        threshold=95,
        unit=Unit.PERCENT_OF_GPUS,
        periods=15,
        datapoints=15,
        severity=Severity.WARNING,
        needs=("instance", "gpu"),
        why="The devices have no room left; the next rise in traffic becomes latency.",
        do="Add instances, or batch requests in the container.",
    ),
    Spec(
        id="gpu-memory",
        title="GPU memory",
        level="variant",
        metrics=(Metric(INSTANCES_NAMESPACE, "GPUMemoryUtilization", "Maximum"),),
        threshold=97,
        unit=Unit.PERCENT_OF_GPUS,
        periods=5,
        datapoints=5,
        severity=Severity.WARNING,
        needs=("instance", "gpu"),
        why="The next larger batch or longer prompt ends in an out-of-memory error.",
        do="Lower the batch size, sequence length or number of models per device.",
    ),
    Spec(
        id="serverless-concurrency",
        title="concurrency in use",
        level="variant",
        metrics=(Metric(REQUESTS, "ServerlessConcurrentExecutionsUtilization", "Maximum"),),
        threshold=0.9,
        unit=Unit.RATIO,
        periods=5,
        datapoints=3,
        severity=Severity.WARNING,
        needs=("serverless",),
        why="At its maximum concurrency a serverless endpoint refuses requests.",
        do="Raise MaxConcurrency of the variant, or the account's quota.",
    ),
    Spec(
        id="serverless-setup",
        title="cold start",
        level="variant",
        metrics=(Metric(REQUESTS, "ModelSetupTime", "Average"),),
        threshold=30 * SECOND,
        unit=Unit.MICROSECONDS,
        period=300,
        periods=3,
        datapoints=3,
        severity=Severity.WARNING,
        needs=("serverless",),
        why="New compute takes this long to come up, and a caller waits for it.",
        do="Make the image and the model smaller, or use provisioned concurrency.",
    ),
    Spec(
        id="serverless-overhead",
        title="overhead latency with cold starts",
        level="variant",
        metrics=(Metric(REQUESTS, "OverheadLatency", "p90"),),
        threshold=10 * SECOND,
        unit=Unit.MICROSECONDS,
        period=300,
        periods=3,
        datapoints=3,
        severity=Severity.WARNING,
        needs=("serverless",),
        why="For a serverless endpoint this contains the cold start: one caller in ten waits longer.",
        do="Use provisioned concurrency for the part of the traffic that is always there.",
    ),
    Spec(
        id="provisioned-concurrency",
        title="provisioned concurrency in use",
        level="variant",
        metrics=(Metric(REQUESTS, "ServerlessProvisionedConcurrencyUtilization", "Maximum"),),
        threshold=0.9,
        unit=Unit.RATIO,
        periods=10,
        datapoints=8,
        severity=Severity.WARNING,
        needs=("serverless", "provisioned"),
        why="Traffic beyond what is provisioned meets cold starts.",
        do="Raise ProvisionedConcurrency, or let it scale.",
    ),
    Spec(
        id="provisioned-spillover",
        title="requests beyond provisioned concurrency",
        level="variant",
        # SageMaker lists Average, Max and Min as valid for this metric, and no Sum.
        metrics=(Metric(REQUESTS, "ServerlessProvisionedConcurrencySpilloverInvocations", "Maximum"),),
        threshold=0,
        unit=Unit.COUNT,
        period=300,
        periods=3,
        datapoints=3,
        severity=Severity.INFO,
        needs=("serverless", "provisioned"),
        why="For a quarter of an hour requests went past the provisioned concurrency that is being paid for.",
        do="Raise ProvisionedConcurrency if these callers mind the cold start.",
    ),
    Spec(
        id="idle",
        title="requests per hour",
        level="variant",
        metrics=(Metric(REQUESTS, "Invocations", "Sum"),),
        comparison="LessThanThreshold",
        threshold=1,
        unit=Unit.COUNT,
        period=3600,
        periods=24,
        datapoints=24,
        severity=Severity.INFO,
        needs=("requests", "instance"),
        why="Nobody has called it for a day, and its instances are paid for by the hour.",
        do="Delete it, scale it to zero or make it serverless; or tag it sagewatch:idle=off.",
    ),
)


def _version(endpoint: Description) -> Hashable:
    names = tuple(sorted(variant["VariantName"] for variant in endpoint.get("ProductionVariants", ())))
    return endpoint.get("EndpointConfigName"), names


def _observe(endpoint: Description, read: Reader) -> Observation:
    # An endpoint outlives its configuration if someone deletes that; only the instance types are lost then.
    config = read("describe_endpoint_config", EndpointConfigName=endpoint["EndpointConfigName"]) or {}
    configured = {variant["VariantName"]: variant for variant in config.get("ProductionVariants", ())}
    # While it is being created, DescribeEndpoint may not name the variants yet.
    current = {variant["VariantName"]: variant for variant in endpoint.get("ProductionVariants") or configured.values()}
    if not current:
        return Observation(
            scopes=(), gaps=(Gap(level="variant", reason="neither the endpoint nor its configuration names a variant"),)
        )
    ways = frozenset(_ways(endpoint, config))
    scopes = tuple(
        _variant(endpoint["EndpointName"], {**configured.get(name, {}), **current[name]}, ways) for name in current
    )
    return Observation(scopes=scopes, gaps=tuple(_gaps(scopes, configured)))


def _ways(endpoint: Description, config: Description) -> Iterator[str]:
    """Yield how the endpoint is called, which decides what it publishes about requests."""
    if endpoint.get("AsyncInferenceConfig") or config.get("AsyncInferenceConfig"):
        yield "async"
    elif config.get("ExecutionRoleArn") and not any(v.get("ModelName") for v in config.get("ProductionVariants", ())):
        # Inference components publish their requests under their own name, not under the variant.
        yield "components"
    else:
        yield "requests"


def _variant(endpoint: str, variant: Mapping[str, object], ways: frozenset[str]) -> Scope:
    name = str(variant["VariantName"])
    serverless = variant.get("CurrentServerlessConfig") or variant.get("ServerlessConfig")
    capacity = None if serverless else INSTANCES.get(str(variant.get("InstanceType")))
    return Scope(
        level="variant",
        name=name,
        series=({"EndpointName": endpoint, "VariantName": name},),
        traits=ways | frozenset(_traits(serverless, capacity)),
        capacity=capacity,
    )


def _traits(serverless: object, capacity: Capacity | None) -> Iterator[str]:
    if isinstance(serverless, Mapping):
        yield "serverless"
        if serverless.get("ProvisionedConcurrency"):
            yield "provisioned"
        return
    yield "instance"
    if capacity and capacity.gpus:
        yield "gpu"


def _gaps(scopes: tuple[Scope, ...], configured: Mapping[str, Description]) -> Iterator[Gap]:
    for scope in scopes:
        if scope.capacity is None and "instance" in scope.traits:
            type_ = configured.get(scope.name, {}).get("InstanceType")
            known = (
                f"instance type {type_} is not in our table" if type_ else "its configuration names no instance type"
            )
            yield Gap(level="variant", scope=scope.name, reason=f"variant {scope.name}: {known}")


ENDPOINT = Kind(
    name="endpoint",
    title="Endpoint",
    arn_type="endpoint",
    describe="describe_endpoint",
    parameter="EndpointName",
    arn="EndpointArn",
    listing=Listing(operation="list_endpoints", items="Endpoints"),
    events={
        "SageMaker Endpoint State Change": "EndpointName",
        "SageMaker Endpoint Deployment State Change": "EndpointName",
    },
    calls={"CreateEndpoint": "endpointName", "UpdateEndpoint": "endpointName", "DeleteEndpoint": "endpointName"},
    live=lambda endpoint: endpoint["EndpointStatus"] != "Deleting",
    version=_version,
    observe=_observe,
    specs=SPECS,
)
