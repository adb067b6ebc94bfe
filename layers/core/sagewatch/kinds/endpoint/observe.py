"""Endpoints, in all their facets: which variants, containers and ways of being called there are, and what each
publishes.

`EndpointName` with `VariantName` is the only dimension set of a variant; `ContainerName` is added for the
containers of a pipeline or a multi-container model, and the backlog of an asynchronous endpoint has `EndpointName`
alone.
"""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sagewatch.kinds.endpoint.charts import CHARTS, CONTAINER, ENDPOINT_ONLY, INSTANCE_TYPE, VARIANT
from sagewatch.kinds.endpoint.failures import NOTICES, explain
from sagewatch.kinds.endpoint.rows import SPECS
from sagewatch.kinds.hosts import MOST_METRICS
from sagewatch.kinds.kind import Kind, Level, Lifetime, Listing, Reader
from sagewatch.kinds.parts import PartReader
from sagewatch.kinds.prices import hourly
from sagewatch.kinds.requests import UTILISATION, published_every
from sagewatch.model import CAPACITY_TRAITS, Description, Dimensions, Facts, Gap, Published, Ref, Scope

_LISTS = ("ProductionVariants", "ShadowProductionVariants")
_MODEL_TRAITS = frozenset({"multi-model"})
_INVOCATION_TRAITS = frozenset({"components", "requests"})
_NOT_SERVING = frozenset({"Creating", "Failed"})
"""States of an endpoint that serves nobody; a failed one can only be deleted (DescribeEndpoint, EndpointStatus)."""


type Part = Scope | Gap
"""What one look at a part of the endpoint finds: something that gets alarms, or what could not be found out."""


@dataclass(frozen=True, slots=True)
class Variant:
    """One variant, as the endpoint and its configuration describe it together."""

    name: str
    dimensions: Dimensions
    body: Mapping[str, Any]
    invocation: str
    """How the endpoint is invoked: `async`, `components` or `requests`; a trait of the variant's scopes."""
    hidden: str = ""
    """Why its configuration cannot be read, and with it its model and type; empty when it can."""
    watched: tuple[Published, ...] = ()
    """The metrics that the endpoint's alarms look at."""
    uninvoked: str = ""
    """Why `invocation` is only the likeliest: the endpoint's configuration, not that of a deployment, is hidden."""


def _version(endpoint: Description) -> Hashable:
    pending = endpoint.get("PendingDeploymentSummary") or {}
    configs = endpoint.get("EndpointConfigName"), pending.get("EndpointConfigName")
    return *configs, tuple(sorted(_variants(endpoint))), endpoint["EndpointStatus"] in _NOT_SERVING


def _observe(endpoint: Description, reader: Reader, facts: Facts) -> Facts:
    name, read = endpoint["EndpointName"], PartReader(reader)
    config, hidden = _config(endpoint.get("EndpointConfigName"), read)
    pending = _pending(endpoint)
    coming, pending_hidden = _config(pending["EndpointConfigName"], read) if pending else ({}, "")
    invocation = _invocation(endpoint, config)
    # DescribeEndpoint answers with AsyncInferenceConfig; roles and models are in the configuration alone.
    unsure = hidden if invocation != "async" else ""
    # While it is being created, DescribeEndpoint may not name the variants yet. While another configuration is being
    # deployed, the variants of both are there.
    serving = _variants(endpoint) or _variants(config)
    present = {**_variants(pending), **serving}
    parts: list[Part] = []
    for each, body in sorted(present.items()):
        configured, why = (_variants(config), hidden) if each in serving else (_variants(coming), pending_hidden)
        dimensions = {"EndpointName": name, "VariantName": each}
        whole = {**configured.get(each, {} if why else _variants(coming).get(each, {})), **body}
        parts += _variant_parts(Variant(each, dimensions, whole, invocation, why, facts.watched, unsure), read)
    if not parts:
        why = hidden or "neither the endpoint nor its configuration names a variant"
        parts += [Gap(level=level, reason=why) for level in ("variant", "container")]
    if invocation == "async":
        backlog = {"EndpointName": name}
        waits = endpoint["EndpointStatus"] in _NOT_SERVING
        parts.append(Scope(level="backlog", name="all", series=(backlog,), waits=waits))
    every, unsteady = published_every(endpoint.get("MetricsConfig") or config.get("MetricsConfig") or {}, UTILISATION)
    coming_only = frozenset(present) if endpoint["EndpointStatus"] in _NOT_SERVING else present.keys() - serving
    scopes = tuple(_timed(part, every, coming_only) for part in parts if isinstance(part, Scope))
    children = _components(name, read) if invocation == "components" or unsure else ()
    return replace(
        facts,
        scopes=scopes,
        gaps=(
            *(part for part in parts if isinstance(part, Gap)),
            *(_unsteady(scope, unsteady) for scope in scopes if unsteady),
        ),
        children=children,
        denied=tuple(read.denied.values()),
    )


def _config(name: str | None, read: PartReader) -> tuple[Description, str]:
    """Return a configuration, and why it cannot be read: an endpoint outlives it if someone deletes it.

    DescribeEndpoint does not promise to name one (EndpointConfigName is not required in its answer); then it says all
    that there is.
    """
    if not name:
        return {}, ""
    found = read("describe_endpoint_config", EndpointConfigName=name)
    return ({}, f"its configuration {name} {read.why(name)}") if found is None else (found, "")


def _timed(scope: Scope, every: Mapping[str, int], coming: Collection[str]) -> Scope:
    """Return a scope with how often it is published, and whether it waits; `coming` are variants not in service."""
    variant = scope.series[0].get("VariantName")
    return replace(scope, published_every=every, waits=variant in coming if variant else scope.waits)


def _unsteady(scope: Scope, namespaces: frozenset[str]) -> Gap:
    return Gap(
        level=scope.level,
        scope=scope.name,
        traits=frozenset(),
        unsteady=namespaces,
        reason=f"{scope.name}: how often its metrics are published is not known (MetricPublishFrequencyInSeconds)",
    )


def _pending(endpoint: Description) -> Description:
    """Return the deployment under way when that is of another configuration."""
    pending: Description = endpoint.get("PendingDeploymentSummary") or {}
    return pending if pending.get("EndpointConfigName") not in (None, endpoint.get("EndpointConfigName")) else {}


def _variants(described: Description) -> dict[str, Mapping[str, Any]]:
    """Return all variants by name; shadow variants are watched like the others."""
    return {variant["VariantName"]: variant for key in _LISTS for variant in described.get(key) or ()}


def _invocation(endpoint: Description, config: Description) -> str:
    """Return how the endpoint is invoked, which decides what it publishes about requests."""
    if endpoint.get("AsyncInferenceConfig") or config.get("AsyncInferenceConfig"):
        return "async"
    if config.get("ExecutionRoleArn") and not any(v.get("ModelName") for v in config.get("ProductionVariants", ())):
        # Inference components publish their requests under their own name, not under the variant.
        return "components"
    return "requests"


def _variant_parts(variant: Variant, read: PartReader) -> list[Part]:
    """Look at a variant: its containers when there are several, and its instances or its serverless capacity."""
    serverless = variant.body.get("CurrentServerlessConfig") or variant.body.get("ServerlessConfig")
    if serverless is not None:
        return _serverless(variant, serverless, read)
    containers, traits = _containers(variant, read)
    unsure = [part.reason for part in containers if isinstance(part, Gap) and part.scope is None]
    return [*containers, *_on_instances(variant, traits, read, unsure)]


def _serverless(variant: Variant, config: Mapping[str, Any], read: Reader) -> list[Part]:
    # "Monitor a serverless endpoint" does not say in which namespace these are. Dashboards and alarms that others run
    # read them in AWS/SageMaker, which the rows name; CloudWatch is asked all the same.
    metric = "ServerlessConcurrentExecutionsUtilization"
    watched = [each for each in variant.watched if (each.metric, each.dimensions) == (metric, variant.dimensions)]
    known = read.published(metric, **variant.dimensions) or watched
    return [
        Scope(
            level="variant",
            name=variant.name,
            series=(variant.dimensions,),
            traits=frozenset({variant.invocation, "serverless"}),
        ),
        Scope(
            level="serverless",
            name=variant.name,
            series=(variant.dimensions,),
            traits=frozenset({"provisioned"}) if config.get("ProvisionedConcurrency") else frozenset(),
            namespace=known[0].namespace if known else None,
        ),
    ]


def _on_instances(variant: Variant, model: frozenset[str], read: Reader, unsure: list[str]) -> Iterator[Part]:
    """Yield the variant on instances; `model` are traits of its model, `unsure` why they are not known."""
    instance_type = variant.body.get("InstanceType")
    pools = sorted({each["InstanceType"] for each in variant.body.get("InstancePools") or () if "InstanceType" in each})
    capacity, why = (None, variant.hidden or "its configuration names no instance type")
    if pools:
        why = f"its instance pools have instances of several types, which are watched by type: {', '.join(pools)}"
        yield from _pools(variant, pools, read)
    if isinstance(instance_type, str):
        capacity, why = read.capacity(instance_type)
    partitioned = bool(variant.body.get("AcceleratorPartitionLayouts"))
    gpu = {"gpu"} if capacity and capacity.gpus and not partitioned else set()
    yield Scope(
        level="variant",
        name=variant.name,
        series=(variant.dimensions,),
        traits=model | {variant.invocation, "instance", *gpu},
        capacity=capacity,
        hourly=hourly(instance_type) if isinstance(instance_type, str) else None,
    )
    if partitioned:
        # Multi-Instance GPU: ProductionVariant, AcceleratorPartitionLayouts. Metrics of partitions are not documented.
        # Nothing is unknown, but for the reader: rows of whole GPUs do not apply, and those that are there go.
        reason = f"variant {variant.name}: its GPUs are partitioned, and what a partition publishes is not documented"
        yield Gap(level="variant", scope=variant.name, traits=frozenset(), reason=reason)
    # Of pools nothing is unknown: no row of the whole variant is measured by what one instance has.
    is_pooled = bool(pools) and not isinstance(instance_type, str)
    unknown = CAPACITY_TRAITS if capacity is None and not is_pooled else frozenset()
    unknown -= {"gpu"} if partitioned else frozenset()
    unknown |= _MODEL_TRAITS if unsure else frozenset()
    unknown |= _INVOCATION_TRAITS if variant.uninvoked else frozenset()
    if unknown or is_pooled:
        reason = variant.hidden or (why if capacity is None else next(iter(unsure), variant.uninvoked))
        yield Gap(level="variant", scope=variant.name, traits=unknown, reason=f"variant {variant.name}: {reason}")


def _pools(variant: Variant, types: Sequence[str], read: Reader) -> Iterator[Part]:
    """Yield the types of a variant's instance pools; the series of one are found out, one or several by zone.

    The Developer Guide ("Deploy to multiple instance types with instance pools") names EndpointName, VariantName and
    InstanceType; live endpoints were seen to add AvailabilityZone and Region (Cloud Custodian, tools/dev).
    """
    listed = read.published("CPUUtilization", within=UTILISATION, **variant.dimensions)
    for each in types:
        found = [one.dimensions for one in listed if one.dimensions.get("InstanceType") == each]
        name = f"{variant.name}.{each}"
        if not found:
            yield Gap(level="pool", scope=name, reason=f"{name}: CloudWatch lists no metric of this instance type yet")
            continue
        fewest = min(map(len, found))
        capacity, why = read.capacity(each)
        yield Scope(
            level="pool",
            name=name,
            series=tuple([one for one in found if len(one) == fewest][:MOST_METRICS]),
            traits=frozenset({"gpu"}) if capacity and capacity.gpus else frozenset(),
            capacity=capacity,
        )
        if capacity is None:
            yield Gap(level="pool", scope=name, reason=f"{name}: {why}")


def _containers(variant: Variant, read: PartReader) -> tuple[list[Part], frozenset[str]]:
    """Look at the variant's model: its containers, when there are several, and the traits that it gives the variant."""
    name = variant.body.get("ModelName")
    if not isinstance(name, str):
        return [_no_containers(variant, variant.hidden)] if variant.hidden else [], frozenset()
    model = read("describe_model", ModelName=name)
    if model is None:
        return [_no_containers(variant, f"its model {name} {read.why(name)}")], frozenset()
    containers = model.get("Containers") or [model.get("PrimaryContainer") or {}]
    many = _MODEL_TRAITS if "MultiModel" in [each.get("Mode") for each in containers] else frozenset()
    return (_several(variant, model, containers, read), many) if len(containers) > 1 else ([], many)


def _no_containers(variant: Variant, why: str) -> Gap:
    """Return the gap of a variant whose containers cannot be read; names of variants have no dot."""
    mixed = bool(variant.body.get("InstancePools")) and not isinstance(variant.body.get("InstanceType"), str)
    return Gap(level="container", within=f"{variant.name}.", mixed=mixed, reason=why)


def _several(variant: Variant, model: Description, containers: Sequence[Mapping[str, Any]], read: Reader) -> list[Part]:
    """Return the containers of a model that has several."""
    direct = (model.get("InferenceExecutionConfig") or {}).get("Mode") == "Direct"
    capacity, why = read.capacity(str(variant.body.get("InstanceType")))
    # Unnamed containers are called so in log streams (Developer Guide, "Inference Pipeline Logs and Metrics").
    names = [each.get("ContainerHostname") or f"container-{number}" for number, each in enumerate(containers, start=1)]
    scopes = [
        Scope(
            level="container",
            name=f"{variant.name}.{name}",
            series=({**variant.dimensions, "ContainerName": name},),
            traits=frozenset({"direct"}) if direct else frozenset(),
            capacity=capacity,
        )
        for name in names
    ]
    gaps = [] if capacity else [Gap(level="container", scope=scope.name, reason=why) for scope in scopes]
    return [*scopes, *gaps]


def _components(endpoint: str, read: Reader) -> tuple[Ref, ...]:
    listed = read.listed("list_inference_components", "InferenceComponents", EndpointNameEquals=endpoint)
    return tuple(Ref("inference-component", each["InferenceComponentName"]) for each in listed)


ENDPOINT = Kind(
    name="endpoint",
    title="Endpoint",
    plural="Endpoints",
    arn_type="endpoint",
    by_arn=False,
    lifetime=Lifetime.STAYS,
    describe="describe_endpoint",
    categories=("", ()),
    parameter="EndpointName",
    arn="EndpointArn",
    listing=Listing(operation="list_endpoints", items="Endpoints"),
    failures=None,
    events={
        "SageMaker Endpoint State Change": "EndpointName",
        "SageMaker Endpoint Deployment State Change": "EndpointName",
    },
    calls={"CreateEndpoint": "endpointName", "UpdateEndpoint": "endpointName", "DeleteEndpoint": "endpointName"},
    live=lambda endpoint: endpoint["EndpointStatus"] != "Deleting",
    version=_version,
    observe=_observe,
    reads={
        "describe_endpoint_config": "endpoint-config",
        "describe_model": "model",
        # SageMaker's lists know no narrower resource (Service Authorization Reference, SageMaker).
        "list_inference_components": "*",
    },
    levels={
        "variant": Level(VARIANT),
        "serverless": Level(VARIANT),
        "container": Level(CONTAINER),
        "pool": Level(INSTANCE_TYPE),
        "backlog": Level(ENDPOINT_ONLY),
    },
    specs=SPECS,
    discovers=(),
    charts=CHARTS,
    without_charts="",
    notices=NOTICES,
    parents={},
    page="home#/endpoints",
    log_group="/aws/sagemaker/Endpoints/{name}",
    run=None,
    explain=explain,
    explain_calls=("describe_endpoint", "describe_endpoint_config"),
    causes=frozenset({"endpoint-capacity", "start-up"}),
    deployed=True,
)
