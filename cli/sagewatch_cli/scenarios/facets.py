"""The facets that scenarios are about: what Describe* answers of each, how it usually is, and what it publishes."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sagewatch_cli.scenarios.publisher import (
    INSTANCES,
    MICROSECONDS,
    REQUESTS,
    Condition,
    Minute,
    gauge,
    happened,
    latencies,
    requests,
    some,
    spread,
    used,
)

_ARN = "arn:aws:sagemaker:us-east-1:123456789012"
_THEN = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)

type Answers = Mapping[str, Any]
"""What SageMaker answers, by operation: `{"describe_endpoint": {...}}`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Facet:
    """A resource of some shape.

    `kind` and `name` are how the product calls it; `answers` what SageMaker says of it; `usual` how it is on an
    ordinary day; `emit` publishes a minute. `looks` are the minutes in which the product looks at it: its event at 0,
    and a sweep a quarter of an hour later where CloudWatch must be asked what is published.
    """

    kind: str
    name: str
    answers: Answers
    usual: Condition
    emit: Callable[[Minute], None]
    looks: tuple[int, ...] = (0,)


# ------------------------------------------------------------------------------------------------ endpoints

ENDPOINT = "churn"
VARIANT = {"EndpointName": ENDPOINT, "VariantName": "AllTraffic"}
_USUAL: Condition = {"rate": 60, "cpu": 0.3, "memory": 0.5, "disk": 0.3, "gpu": 0.4, "gpu_memory": 0.6, "at_once": 4}


def described(
    variants: Mapping[str, Mapping[str, Any]] | None = None,
    status: str = "InService",
    model: Mapping[str, Any] | None = None,
    **config: Any,
) -> Answers:
    """Return the answers about an endpoint: its variants by name, and more of its configuration."""
    named = variants or {"AllTraffic": {"InstanceType": "ml.m5.xlarge", "InitialInstanceCount": 1}}
    bodies = [{"VariantName": name, "ModelName": "model", **body} for name, body in named.items()]
    summaries = [
        {"VariantName": each["VariantName"]}
        | ({"CurrentServerlessConfig": each["ServerlessConfig"]} if "ServerlessConfig" in each else {})
        for each in bodies
    ]
    shared = {key: value for key, value in config.items() if key in {"AsyncInferenceConfig", "MetricsConfig"}}
    return {
        "describe_endpoint": {
            "EndpointName": ENDPOINT,
            "EndpointArn": f"{_ARN}:endpoint/{ENDPOINT}",
            "EndpointConfigName": "churn-config",
            "ProductionVariants": summaries,
            "EndpointStatus": status,
            "CreationTime": _THEN,
            "LastModifiedTime": _THEN,
            **shared,
        },
        "describe_endpoint_config": {
            "EndpointConfigName": "churn-config",
            "EndpointConfigArn": f"{_ARN}:endpoint-config/churn-config",
            "ProductionVariants": bodies,
            "CreationTime": _THEN,
            **config,
        },
        "describe_model": {"ModelName": "model", **(model or {"PrimaryContainer": {"Image": "image"}})},
    }


def _utilisation(vcpus: int, gpus: int) -> dict[str, tuple[str, float]]:
    """CPU and GPU count 100 for each core and device, memory and disk 100 in all (units of the Developer Guide)."""
    names: dict[str, tuple[str, float]] = {
        "CPUUtilization": ("cpu", 100 * vcpus),
        "MemoryUtilization": ("memory", 100),
        "DiskUtilization": ("disk", 100),
    }
    devices: dict[str, tuple[str, float]] = {
        "GPUUtilization": ("gpu", 100 * gpus),
        "GPUMemoryUtilization": ("gpu_memory", 100 * gpus),
    }
    return {**names, **devices} if gpus else names


def variant(vcpus: int = 4, gpus: int = 0, dimensions: Mapping[str, str] = VARIANT) -> Callable[[Minute], None]:
    """Publish an instance-based variant. With `hosts` 0 nothing answers, and there is nothing to publish."""
    names = _utilisation(vcpus, gpus)

    def emit(minute: Minute) -> None:
        used(minute, INSTANCES, names, dimensions)
        if minute.now.get("hosts", 1) <= 0:
            return
        number = requests(minute, dimensions)
        if number and "at_once" in minute.now:
            at_once = minute.now["at_once"]
            minute.send(REQUESTS, "ConcurrentRequestsPerModel", dimensions, {1.0: number, at_once: 1.0})

    return emit


def _enhanced(minute: Minute) -> None:
    """Publish with enhanced metrics: requests too are gathered, and sent every `every` seconds."""
    every = int(minute.now["every"]) // 60
    used(minute, INSTANCES, _utilisation(4, 0), VARIANT)
    if minute.at % every == 0:
        now = {**minute.now, "rate": minute.now["rate"] * every}
        requests(Minute(minute.data, minute.at, minute.random, minute.habits, now, minute.before), VARIANT)


def _canary(minute: Minute) -> None:
    """Publish two variants; all that breaks is the new one, which is there while it has `new_hosts` (1)."""
    stable = Minute(minute.data, minute.at, minute.random, minute.habits, minute.before, minute.before)
    variant()(stable)
    now = {**minute.now, "hosts": minute.now.get("new_hosts", 1)}
    new = Minute(minute.data, minute.at, minute.random, minute.habits, now, minute.before)
    variant(dimensions={**VARIANT, "VariantName": "New"})(new)


def _serverless(minute: Minute) -> None:
    """`concurrency` and `provisioned` are shares in use, `cold` of the requests wait `setup` seconds for compute.

    No InvocationModelErrors, CPU or disk ("Any metric not listed is not published"); MemoryUtilization is a percentage.
    """
    number = requests(minute, VARIANT, model_errors=False, overhead=False)
    cold = some(minute.random, number, minute.now.get("cold", 0.02))
    setup = spread(minute.random, minute.now.get("setup", 6) * MICROSECONDS, cold)
    warm = spread(minute.random, minute.now.get("overhead", 0.02) * MICROSECONDS, number - cold)
    minute.send(REQUESTS, "ModelSetupTime", VARIANT, setup)
    # OverheadLatency of a serverless endpoint contains the cold start.
    minute.send(REQUESTS, "OverheadLatency", VARIANT, {**warm, **setup})
    if number:
        minute.send(INSTANCES, "MemoryUtilization", VARIANT, {100 * minute.now["memory"]: 1.0})
        gauge(minute, REQUESTS, "ServerlessConcurrentExecutionsUtilization", VARIANT, minute.now["concurrency"])
    if "provisioned" in minute.now:
        gauge(minute, REQUESTS, "ServerlessProvisionedConcurrencyUtilization", VARIANT, minute.now["provisioned"])
        spilt = happened(minute.random, minute.now.get("spilt", 0))
        name = "ServerlessProvisionedConcurrencySpilloverInvocations"
        minute.count(REQUESTS, name, VARIANT, spilt, number)


def _multi_model(minute: Minute) -> None:
    """`cache_hit` of the requests find their model loaded; the others wait `waiting` seconds."""
    variant()(minute)
    number = happened(minute.random, minute.now["rate"])
    hits = some(minute.random, number, minute.now["cache_hit"])
    if number:
        minute.send(REQUESTS, "ModelCacheHit", VARIANT, {1.0: hits, 0.0: number - hits})
    quantities = {
        "ModelLoadingWaitTime": "waiting",
        "ModelDownloadingTime": "downloading",
        "ModelLoadingTime": "loading",
        "ModelUnloadingTime": "unloading",
    }
    for name, quantity in quantities.items():
        seconds = minute.now.get(quantity, 2.0)
        minute.send(REQUESTS, name, VARIANT, spread(minute.random, seconds * MICROSECONDS, number - hits))
    gauge(minute, INSTANCES, "LoadedModelCount", VARIANT, minute.now["loaded"])


def _containers(*, direct: bool) -> Callable[[Minute], None]:
    """Publish an endpoint of two containers. `container_…` are of the second one, most of them when called directly."""

    def emit(minute: Minute) -> None:
        variant()(minute)
        for name in ("first", "second"):
            dimensions = {**VARIANT, "ContainerName": name}
            broken = minute.now if name == "second" else minute.before
            own = {key.removeprefix("container_"): value for key, value in broken.items() if "container_" in key}
            part = Minute(minute.data, minute.at, minute.random, minute.habits, {**own, "rate": minute.now["rate"]}, {})
            if direct:
                used(
                    part, INSTANCES, {"CPUUtilization": ("cpu", 400), "MemoryUtilization": ("memory", 100)}, dimensions
                )
                requests(part, dimensions, model_errors=False)
            number = happened(minute.random, minute.now["rate"])
            latencies(part, "ContainerLatency", dimensions, number)

    return emit


def _async(minute: Minute) -> None:
    """`backlog` requests wait, the oldest for `age` seconds; `failures` and the like are counted by the minute.

    The backlog is published for the endpoint as a whole; Invocations, OverheadLatency and InvocationModelErrors are not
    published ("Monitoring asynchronous endpoints").
    """
    now, hosts = minute.now, minute.now.get("hosts", 1)
    whole = {"EndpointName": ENDPOINT}
    used(minute, INSTANCES, _utilisation(4, 0), VARIANT)
    backlog = now.get("backlog", 0)
    gauge(minute, REQUESTS, "ApproximateBacklogSize", whole, backlog)
    gauge(minute, REQUESTS, "HasBacklogWithoutCapacity", whole, float(backlog > 0 and hosts == 0))
    if hosts:
        gauge(minute, REQUESTS, "ApproximateBacklogSizePerInstance", whole, backlog / hosts)
    if backlog:
        gauge(minute, REQUESTS, "ApproximateAgeOfOldestRequest", whole, now.get("age", 20))
    number = happened(minute.random, now["rate"]) if hosts else 0
    latencies(minute, "ModelLatency", VARIANT, number)
    counted = {
        "InvocationFailures": "failures",
        "ExpiredRequests": "expired",
        "RequestDownloadFailures": "downloads",
        "ResponseUploadFailures": "uploads",
        "NotificationFailures": "notifications",
    }
    for name, quantity in counted.items():
        failed = happened(minute.random, now.get(quantity, 0))
        if failed or (number and minute.habits.zeros):
            minute.count(REQUESTS, name, VARIANT, failed, number)


def _reserving(minute: Minute) -> None:
    """Publish the variant of an endpoint with inference components; requests are published by these."""
    names = {
        **_utilisation(48, 4),
        "CPUReservation": ("cpu_reserved", 100.0),
        "MemoryReservation": ("memory_reserved", 100.0),
        "GPUReservation": ("gpu_reserved", 100.0),
    }
    used(minute, INSTANCES, names, VARIANT)


_GPU = {"AllTraffic": {"InstanceType": "ml.g5.12xlarge", "InitialInstanceCount": 1}}
_SERVERLESS = {"MemorySizeInMB": 2048, "MaxConcurrency": 20}
_PAIR = {"Containers": [{"ContainerHostname": "first"}, {"ContainerHostname": "second"}]}
_CONTAINER_USUAL = {"container_latency": 0.05, "container_cpu": 0.2, "container_memory": 0.3}
_ROLE = "arn:aws:iam::123456789012:role/sagemaker"


def _pooled() -> Mapping[str, Mapping[str, Any]]:
    pools = [{"InstanceType": "ml.m5.xlarge", "Priority": 1}, {"InstanceType": "ml.c5.xlarge", "Priority": 2}]
    return {"AllTraffic": {"InstancePools": pools, "InitialInstanceCount": 1}}


def _pool_by_type(*, zones: bool) -> Facet:
    """An endpoint of two instance types, published together and by type; with `zones`, by zone, too."""
    pools = [{"InstanceType": "ml.m5.xlarge", "Priority": 1}, {"InstanceType": "ml.g5.12xlarge", "Priority": 2}]
    more = {"AvailabilityZone": "us-east-1a", "Region": "us-east-1"} if zones else {}

    def emit(minute: Minute) -> None:
        variant()(minute)
        for instance_type, vcpus, gpus in (("ml.m5.xlarge", 4, 0), ("ml.g5.12xlarge", 48, 4)):
            used(minute, INSTANCES, _utilisation(vcpus, gpus), {**VARIANT, "InstanceType": instance_type, **more})

    answers = described({"AllTraffic": {"InstancePools": pools, "InitialInstanceCount": 2}})
    return Facet(kind="endpoint", name=ENDPOINT, answers=answers, usual=_USUAL, emit=emit, looks=(0, 15))


def _deploying() -> Answers:
    """Answer as while a second variant is being deployed: the endpoint has the first, the deployment names both."""
    now, coming = described(), described(_TWO)
    pending = {"EndpointConfigName": "churn-config-2", "ProductionVariants": [{"VariantName": name} for name in _TWO]}
    configs = {"churn-config": now, "churn-config-2": coming}
    return {
        **now,
        "describe_endpoint": {
            **now["describe_endpoint"],
            "EndpointStatus": "Updating",
            "PendingDeploymentSummary": pending,
        },
        "describe_endpoint_config": lambda EndpointConfigName: configs[EndpointConfigName][  # noqa: N803
            "describe_endpoint_config"
        ],
    }


def _every(seconds: int, *, enhanced: bool = False) -> Facet:
    """An endpoint that publishes every so many seconds."""
    config = {"MetricPublishFrequencyInSeconds": seconds, "EnableEnhancedMetrics": enhanced}
    return Facet(
        kind="endpoint",
        name=ENDPOINT,
        answers=described(MetricsConfig=config),
        usual={**_USUAL, "every": seconds},
        emit=_enhanced if enhanced else variant(),
    )


def _endpoint(answers: Answers, usual: Condition, emit: Callable[[Minute], None]) -> Facet:
    return Facet(kind="endpoint", name=ENDPOINT, answers=answers, usual={**_USUAL, **usual}, emit=emit)


_SERVED = {"concurrency": 0.2, "overhead": 0.05}
_RESERVED = {"cpu_reserved": 0.5, "memory_reserved": 0.5, "gpu_reserved": 0.5}
_TWO = {name: {"InstanceType": "ml.m5.xlarge", "InitialInstanceCount": 1} for name in ("AllTraffic", "New")}

ENDPOINTS: Mapping[str, Facet] = {
    "endpoint": _endpoint(described(), {}, variant()),
    "endpoint, GPU": _endpoint(described(_GPU), {}, variant(48, 4)),
    "endpoint, being created": _endpoint(described(status="Creating"), {}, variant()),
    "endpoint, being deployed": _endpoint(_deploying(), {"new_hosts": 0}, _canary),
    "endpoint, two variants": _endpoint(described(_TWO), {}, _canary),
    "endpoint, instance pool": _endpoint(described(_pooled()), {}, variant()),
    "endpoint, instance pool by type": _pool_by_type(zones=False),
    "endpoint, instance pool by type and zone": _pool_by_type(zones=True),
    "endpoint, published every 10 s": _every(10),
    "endpoint, published every 120 s": _every(120),
    "endpoint, published every 180 s": _every(180),
    "endpoint, published every 240 s": _every(240),
    "endpoint, published every 300 s": _every(300),
    "endpoint, GPU, published every 300 s": _endpoint(
        described(_GPU, MetricsConfig={"MetricPublishFrequencyInSeconds": 300}), {"every": 300}, variant(48, 4)
    ),
    "endpoint, enhanced metrics every 300 s": _every(300, enhanced=True),
    "serverless": _endpoint(described({"AllTraffic": {"ServerlessConfig": _SERVERLESS}}), _SERVED, _serverless),
    "serverless, provisioned": _endpoint(
        described({"AllTraffic": {"ServerlessConfig": {**_SERVERLESS, "ProvisionedConcurrency": 5}}}),
        {**_SERVED, "provisioned": 0.3},
        _serverless,
    ),
    "multi-model": _endpoint(
        described(model={"Containers": [{"Image": "image", "Mode": "MultiModel"}]}),
        {"cache_hit": 0.95, "loaded": 40},
        _multi_model,
    ),
    "inference pipeline": _endpoint(described(model=_PAIR), _CONTAINER_USUAL, _containers(direct=False)),
    "containers called directly": _endpoint(
        described(model={**_PAIR, "InferenceExecutionConfig": {"Mode": "Direct"}}),
        _CONTAINER_USUAL,
        _containers(direct=True),
    ),
    "asynchronous": _endpoint(described(AsyncInferenceConfig={"OutputConfig": {}}), {"rate": 2}, _async),
    "endpoint of components": _endpoint(
        {
            **described(
                {"AllTraffic": {"ModelName": None, "InstanceType": "ml.g5.12xlarge", "InitialInstanceCount": 1}},
                ExecutionRoleArn=_ROLE,
            ),
            "list_inference_components": {"InferenceComponents": []},
        },
        _RESERVED,
        _reserving,
    ),
}

# ------------------------------------------------------------------------------------------------ components

COMPONENTS = "/aws/sagemaker/InferenceComponents"


def _component(*, gpus: int, every: int = 60) -> Facet:
    devices = {"NumberOfAcceleratorDevicesRequired": float(gpus)} if gpus else {}
    needs = {"NumberOfCpuCoresRequired": 2.0, "MinMemoryRequiredInMb": 4096, **devices}
    return Facet(
        kind="inference-component",
        name="llama",
        answers={
            "describe_inference_component": {
                "InferenceComponentName": "llama",
                "InferenceComponentArn": f"{_ARN}:inference-component/llama",
                "EndpointName": ENDPOINT,
                "EndpointArn": f"{_ARN}:endpoint/{ENDPOINT}",
                "VariantName": "AllTraffic",
                "InferenceComponentStatus": "InService",
                "Specification": {"ModelName": "model", "ComputeResourceRequirements": needs},
                "RuntimeConfig": {"DesiredCopyCount": 1, "CurrentCopyCount": 1},
            },
            "describe_endpoint": described(MetricsConfig={"MetricPublishFrequencyInSeconds": every})[
                "describe_endpoint"
            ],
        },
        usual={**_USUAL, "copies": 1, "every": every},
        emit=_copies(gpus),
    )


def _copies(gpus: int) -> Callable[[Minute], None]:
    """Publish a component of `copies`, used in shares of what it reserves. Without one, requests find no capacity."""
    own = {"InferenceComponentName": "llama"}
    names: dict[str, tuple[str, float]] = {
        "CPUUtilizationNormalized": ("cpu", 100),
        "MemoryUtilizationNormalized": ("memory", 100),
    }
    devices: dict[str, tuple[str, float]] = {
        "GPUUtilizationNormalized": ("gpu", 100),
        "GPUMemoryUtilizationNormalized": ("gpu_memory", 100),
    }

    def emit(minute: Minute) -> None:
        copies = minute.now["copies"]
        if not copies:
            turned_away = happened(minute.random, minute.now["rate"])
            if turned_away:
                minute.count(REQUESTS, "NoCapacityInvocationFailures", own, turned_away, turned_away)
            return
        used(minute, COMPONENTS, {**names, **devices} if gpus else names, own)
        number = requests(minute, own)
        if number or minute.habits.zeros:
            minute.send(REQUESTS, "InvocationsPerCopy", own, {1 / copies if number else 0.0: max(1, number)})
        if number:
            minute.send(REQUESTS, "ConcurrentRequestsPerCopy", own, {1.0: number, minute.now["at_once"]: 1.0})

    return emit


# ------------------------------------------------------------------------------------------------ jobs

_HOST_USUAL: Condition = {"cpu": 0.6, "memory": 0.5, "disk": 0.4, "gpu": 0.7, "gpu_memory": 0.7}


def _hosts(namespace: str, names: tuple[str, ...], vcpus: int, gpus: int) -> Callable[[Minute], None]:
    """Publish a job's hosts; with `first_only` what breaks is the first one alone."""
    metrics = _utilisation(vcpus, gpus)
    if "Transform" in namespace:
        del metrics["DiskUtilization"]  # "not supported for batch transform jobs"

    def emit(minute: Minute) -> None:
        for number, host in enumerate(names):
            spared = number and minute.now.get("first_only")
            now = minute.before if spared else minute.now
            one = Minute(minute.data, minute.at, minute.random, minute.habits, now, minute.before)
            used(one, namespace, metrics, {"Host": host})

    return emit


def _training(resources: Mapping[str, Any], count: int, vcpus: int, gpus: int, usual: Condition = _HOST_USUAL) -> Facet:
    name = "train-1"
    return Facet(
        kind="training-job",
        name=name,
        answers={
            "describe_training_job": {
                "TrainingJobName": name,
                "TrainingJobArn": f"{_ARN}:training-job/{name}",
                "TrainingJobStatus": "InProgress",
                "SecondaryStatus": "Training",
                "ResourceConfig": {"VolumeSizeInGB": 50, **resources},
            }
        },
        usual=usual,
        emit=_hosts("/aws/sagemaker/TrainingJobs", tuple(f"{name}/algo-{n}" for n in range(1, count + 1)), vcpus, gpus),
    )


def _processing(cluster: Mapping[str, Any], count: int, vcpus: int, gpus: int = 0) -> Facet:
    name = "prepare-1"
    return Facet(
        kind="processing-job",
        name=name,
        answers={
            "describe_processing_job": {
                "ProcessingJobName": name,
                "ProcessingJobArn": f"{_ARN}:processing-job/{name}",
                "ProcessingJobStatus": "InProgress",
                "ProcessingResources": {"ClusterConfig": {"VolumeSizeInGB": 30, **cluster}},
            }
        },
        usual=_HOST_USUAL,
        emit=_hosts(
            "/aws/sagemaker/ProcessingJobs", tuple(f"{name}/algo-{n}" for n in range(1, count + 1)), vcpus, gpus
        ),
    )


def _transform(instance: str, vcpus: int, gpus: int) -> Facet:
    name = "score-1"
    hosts = tuple(f"{name}/i-{number}" for number in range(2))
    return Facet(
        kind="transform-job",
        name=name,
        answers={
            "describe_transform_job": {
                "TransformJobName": name,
                "TransformJobArn": f"{_ARN}:transform-job/{name}",
                "TransformJobStatus": "InProgress",
                "TransformResources": {"InstanceType": instance, "InstanceCount": 2},
            }
        },
        usual=_HOST_USUAL,
        emit=_hosts("/aws/sagemaker/TransformJobs", hosts, vcpus, gpus),
        looks=(0, 15),
    )


_PREFERRED = {
    "InstancePreferences": [{"InstanceType": "ml.m5.xlarge"}, {"InstanceType": "ml.c5.xlarge"}],
    "SelectedInstanceType": "ml.m5.xlarge",
    "SelectedInstanceCount": 1,
}

JOBS: Mapping[str, Facet] = {
    "training, CPU": _training({"InstanceType": "ml.m5.xlarge", "InstanceCount": 1}, 1, 4, 0),
    "training, 2 GPU hosts": _training({"InstanceType": "ml.g5.12xlarge", "InstanceCount": 2}, 2, 48, 4),
    "training, 12 hosts": _training({"InstanceType": "ml.m5.xlarge", "InstanceCount": 12}, 12, 4, 0),
    "training, Trainium": _training(
        {"InstanceType": "ml.trn1.32xlarge", "InstanceCount": 1}, 1, 128, 0, {**_HOST_USUAL, "cpu": 0.01}
    ),
    "training, instance preferences": _training(_PREFERRED, 1, 4, 0),
    "processing": _processing({"InstanceType": "ml.m5.xlarge", "InstanceCount": 2}, 2, 4),
    "processing, GPU": _processing({"InstanceType": "ml.g5.12xlarge", "InstanceCount": 1}, 1, 48, 4),
    "processing, instance preferences": _processing(_PREFERRED, 1, 4),
    "transform": _transform("ml.m5.xlarge", 4, 0),
    "transform, GPU": _transform("ml.g5.12xlarge", 48, 4),
}

# ------------------------------------------------------------------------------------------------ other kinds


def _pipeline(namespace: str) -> Facet:
    name = "churn-train"
    branch = {"Name": "IsGood", "Type": "Condition", "Arguments": {"IfSteps": [{"Name": "Register"}], "ElseSteps": []}}
    steps = [{"Name": "Prepare"}, {"Name": "Train"}, branch]

    def emit(minute: Minute) -> None:
        """`executions` a minute end after `hours`; shares of them are `failed`, `stopped`, or `step_failed`."""
        whole, step = {"PipelineName": name}, {"PipelineName": name, "StepName": "Register"}
        ended = happened(minute.random, minute.now.get("executions", 0))
        if not ended:
            return
        failed = some(minute.random, ended, minute.now.get("failed", 0))
        minute.count(namespace, "ExecutionFailed", whole, failed, ended)
        minute.count(namespace, "ExecutionStopped", whole, some(minute.random, ended, minute.now.get("stopped", 0)))
        gauge(minute, namespace, "ExecutionDuration", whole, minute.now.get("hours", 1) * 3_600_000)
        minute.count(namespace, "StepFailed", step, some(minute.random, ended, minute.now.get("step_failed", 0)), ended)

    return Facet(
        kind="pipeline",
        name=name,
        answers={
            "describe_pipeline": {
                "PipelineName": name,
                "PipelineArn": f"{_ARN}:pipeline/{name}",
                "PipelineStatus": "Active",
                "PipelineDefinition": json.dumps({"Version": "2020-12-01", "Steps": steps}),
            }
        },
        usual={"executions": 0.05},
        emit=emit,
        looks=(0, 45),
    )


def _feature_group(throughput: Mapping[str, Any]) -> Facet:
    name = "customers"

    def emit(minute: Minute) -> None:
        """Calls of GetRecord, and half as many of PutRecord, like requests; `units` are consumed in a second."""
        for operation, part, side in (("GetRecord", 1.0, "Read"), ("PutRecord", 0.5, "Write")):
            dimensions = {"FeatureGroupName": name, "OperationName": operation}
            number = happened(minute.random, minute.now["rate"] * part)
            if not number:
                continue
            minute.count(REQUESTS, "Invocations", dimensions, number, number)
            for metric, quantity in (("5XX", "fails"), ("4XX", "refused")):
                hit = some(minute.random, number, minute.now.get(quantity, 0))
                minute.count(REQUESTS, f"Operation{metric}Errors", dimensions, hit, number)
            throttled = some(minute.random, number, minute.now.get("throttled", 0))
            minute.count(REQUESTS, "ThrottledRequests", dimensions, throttled, number)
            latencies(minute, "Latency", dimensions, number)
            consumed = minute.now["units"] * 60 / number
            name_of = f"Consumed{side}CapacityUnits"
            minute.send(REQUESTS, name_of, dimensions, {consumed: float(number)})

    return Facet(
        kind="feature-group",
        name=name,
        answers={
            "describe_feature_group": {
                "FeatureGroupName": name,
                "FeatureGroupArn": f"{_ARN}:feature-group/{name}",
                "FeatureGroupStatus": "Created",
                "OnlineStoreConfig": {"EnableOnlineStore": True},
                "ThroughputConfig": throughput,
            }
        },
        usual={"rate": 120, "latency": 0.008, "units": 20},
        emit=emit,
    )


_PROVISIONED = {
    "ThroughputMode": "Provisioned",
    "ProvisionedReadCapacityUnits": 100,
    "ProvisionedWriteCapacityUnits": 100,
}


def _labeling() -> Facet:
    name, teams = "label-1", "AWS/SageMaker/Workteam"

    def emit(minute: Minute) -> None:
        """`objects` could not be labelled so far; workers decline and return so many tasks a minute; jobs fail."""
        worker = {"LabelingJobName": name, "WorkerId": "w-1"}
        if minute.at % 5 == 0:
            gauge(minute, _LABELING, "DatasetObjectsLabelingFailed", {"LabelingJobName": name}, minute.now["objects"])
        for metric, quantity in (("TasksDeclined", "declined"), ("TasksReturned", "returned")):
            number = happened(minute.random, minute.now[quantity])
            if number or minute.at == 0:
                minute.send(teams, metric, worker, {1.0: number, 0.0: 0 if number else 1})
        if minute.now.get("jobs_failed") or minute.at == 0:
            gauge(minute, _LABELING, "JobsFailed", {}, minute.now.get("jobs_failed", 0))

    return Facet(
        kind="labeling-job",
        name=name,
        answers={
            "describe_labeling_job": {
                "LabelingJobName": name,
                "LabelingJobArn": f"{_ARN}:labeling-job/{name}",
                "LabelingJobStatus": "InProgress",
            }
        },
        usual={"objects": 0, "declined": 0.02, "returned": 0.02},
        emit=emit,
        looks=(0, 15),
    )


_LABELING = "AWS/Sagemaker/LabelingJobs"


def _recommender() -> Facet:
    name = "recommend-1"

    def emit(minute: Minute) -> None:
        namespace = "/aws/sagemaker/InferenceRecommendationsJobs"
        dimensions = {"JobName": name, "EndpointName": "candidate-1"}
        number = happened(minute.random, minute.now["rate"])
        failed = some(minute.random, number, minute.now.get("fails", 0))
        minute.count(namespace, "ClientInvocations", dimensions, number, number)
        minute.count(namespace, "ClientInvocationErrors", dimensions, failed, number)
        # ClientLatency counts in milliseconds, unlike the latencies of endpoints.
        durations = spread(minute.random, minute.now["latency"] * 1000, number)
        minute.send(namespace, "ClientLatency", dimensions, durations)

    return Facet(
        kind="recommender-job",
        name=name,
        answers={
            "describe_inference_recommendations_job": {
                "JobName": name,
                "JobArn": f"{_ARN}:inference-recommendations-job/{name}",
                "Status": "IN_PROGRESS",
                "JobType": "Default",
            }
        },
        usual={"rate": 300, "latency": 0.2},
        emit=emit,
        looks=(0, 15),
    )


def _monitoring() -> Facet:
    name = "churn-drift"

    def emit(minute: Minute) -> None:
        """Each run, every `every_hours`, publishes how far each feature has drifted (0 to 1)."""
        if minute.at % (60 * int(minute.now["every_hours"])) == 5:
            own = {"Endpoint": ENDPOINT, "MonitoringSchedule": name}
            for feature, drift in (("age", minute.now["drift"]), ("plan", 0.02)):
                gauge(minute, "aws/sagemaker/Endpoints/data-metrics", f"feature_baseline_drift_{feature}", own, drift)

    return Facet(
        kind="monitoring-schedule",
        name=name,
        answers={
            "describe_monitoring_schedule": {
                "MonitoringScheduleName": name,
                "MonitoringScheduleArn": f"{_ARN}:monitoring-schedule/{name}",
                "MonitoringScheduleStatus": "Scheduled",
                "MonitoringType": "DataQuality",
                "MonitoringScheduleConfig": {"MonitoringType": "DataQuality"},
            }
        },
        usual={"drift": 0.05, "every_hours": 1},
        emit=emit,
        looks=(0, 15),
    )


def _cluster() -> Facet:
    def emit(minute: Minute) -> None:
        """Nodes in health checks (`checking`), and those that wait for a replacement or a reboot."""
        name = "hyperpod_node_health_status_unschedulable"
        own = {"ClusterName": "research-eks"}
        gauge(minute, "ContainerInsights", name, own, minute.now["checking"])
        gauge(minute, "ContainerInsights", f"{name}_pending_replacement", own, minute.now["awaiting_replacement"])
        gauge(minute, "ContainerInsights", f"{name}_pending_reboot", own, minute.now["awaiting_reboot"])

    return Facet(
        kind="cluster",
        name="research",
        answers={
            "describe_cluster": {
                "ClusterName": "research",
                "ClusterArn": f"{_ARN}:cluster/abcdefghijkl",
                "ClusterStatus": "InService",
                "Orchestrator": {"Eks": {"ClusterArn": "arn:aws:eks:us-east-1:123456789012:cluster/research-eks"}},
            }
        },
        usual={"checking": 0, "awaiting_replacement": 0, "awaiting_reboot": 0},
        emit=emit,
    )


FACETS: Mapping[str, Facet] = {
    **ENDPOINTS,
    "component": _component(gpus=0),
    "component, GPU": _component(gpus=1),
    "component, published every 300 s": _component(gpus=0, every=300),
    **JOBS,
    "pipeline, Sagemaker": _pipeline("AWS/Sagemaker/ModelBuildingPipeline"),
    "pipeline, SageMaker": _pipeline("AWS/SageMaker/ModelBuildingPipeline"),
    "feature group": _feature_group({"ThroughputMode": "OnDemand"}),
    "feature group, provisioned": _feature_group(_PROVISIONED),
    "labeling job": _labeling(),
    "recommender job": _recommender(),
    "monitoring schedule": _monitoring(),
    "cluster": _cluster(),
}
"""Every facet by what the table calls it."""
