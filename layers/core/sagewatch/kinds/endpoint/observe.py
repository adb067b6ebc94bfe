"""Endpoints, in all their facets: which variants, containers and ways of being called there are, and what each
publishes.

`EndpointName` with `VariantName` is the only dimension set of a variant; `ContainerName` is added for the
containers of a pipeline or a multi-container model, and the backlog of an asynchronous endpoint has `EndpointName`
alone.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sagewatch.kinds.endpoint.charts import CHARTS, CONTAINER, ENDPOINT_ONLY, VARIANT
from sagewatch.kinds.endpoint.failures import NOTICES, explain
from sagewatch.kinds.endpoint.rows import SPECS
from sagewatch.kinds.guards import guards
from sagewatch.kinds.kind import Kind, Level, Lifetime, Listing, Observation, Reader
from sagewatch.kinds.prices import hourly
from sagewatch.model import CAPACITY_TRAITS, Capacity, Description, Gap, Ref, Scope

_LISTS = ("ProductionVariants", "ShadowProductionVariants")
_MODEL_TRAITS = frozenset({"multi-model"})


@dataclass(frozen=True, slots=True)
class Variant:
    """One variant, as the endpoint and its configuration describe it together."""

    endpoint: str
    body: Mapping[str, Any]
    ways: frozenset[str]

    @property
    def name(self) -> str:
        return str(self.body["VariantName"])

    @property
    def dimensions(self) -> dict[str, str]:
        return {"EndpointName": self.endpoint, "VariantName": self.name}

    @property
    def serverless(self) -> Mapping[str, Any] | None:
        found: Mapping[str, Any] | None = self.body.get("CurrentServerlessConfig") or self.body.get("ServerlessConfig")
        return found


@dataclass(frozen=True, slots=True)
class Seen:
    """What one look at a part of the endpoint found."""

    scopes: tuple[Scope, ...] = ()
    gaps: tuple[Gap, ...] = ()


def _version(endpoint: Description) -> Hashable:
    pending = endpoint.get("PendingDeploymentSummary") or {}
    return endpoint.get("EndpointConfigName"), pending.get("EndpointConfigName"), tuple(sorted(_named(endpoint)))


def _observe(endpoint: Description, read: Reader) -> Observation:
    # An endpoint outlives its configuration if someone deletes that; only the instance types are lost then.
    config = read("describe_endpoint_config", EndpointConfigName=endpoint["EndpointConfigName"]) or {}
    pending, coming = _pending(endpoint, read)
    ways = frozenset(_ways(endpoint, config))
    # While it is being created, DescribeEndpoint may not name the variants yet. While another configuration is being
    # deployed, the variants of both are there.
    configured = {**_named(coming), **_named(config)}
    present = {**_named(pending), **(_named(endpoint) or _named(config))}
    variants = [
        Variant(endpoint["EndpointName"], {**configured.get(n, {}), **present[n]}, ways) for n in sorted(present)
    ]
    looks = [look for variant in variants for look in _looks(variant, read)]
    gaps = tuple(gap for look in looks for gap in look.gaps)
    if not variants:
        gaps = (Gap(level="variant", reason="neither the endpoint nor its configuration names a variant"),)
    return Observation(
        scopes=(*(scope for look in looks for scope in look.scopes), *_backlog(endpoint["EndpointName"], ways)),
        gaps=gaps,
        children=_components(endpoint["EndpointName"], ways, read),
        guards=guards(endpoint),
    )


def _pending(endpoint: Description, read: Reader) -> tuple[Description, Description]:
    """Return the deployment under way, and the configuration it deploys, when that is another one."""
    pending = endpoint.get("PendingDeploymentSummary") or {}
    name = pending.get("EndpointConfigName")
    if not name or name == endpoint["EndpointConfigName"]:
        return {}, {}
    return pending, read("describe_endpoint_config", EndpointConfigName=name) or {}


def _named(described: Description) -> dict[str, Mapping[str, Any]]:
    """Return all variants by name; shadow variants are watched like the others."""
    return {variant["VariantName"]: variant for key in _LISTS for variant in described.get(key) or ()}


def _ways(endpoint: Description, config: Description) -> Iterator[str]:
    """Yield how the endpoint is called, which decides what it publishes about requests."""
    if endpoint.get("AsyncInferenceConfig") or config.get("AsyncInferenceConfig"):
        yield "async"
    elif config.get("ExecutionRoleArn") and not any(v.get("ModelName") for v in config.get("ProductionVariants", ())):
        # Inference components publish their requests under their own name, not under the variant.
        yield "components"
    else:
        yield "requests"


def _looks(variant: Variant, read: Reader) -> Iterator[Seen]:
    if variant.serverless is not None:
        yield _serverless(variant, variant.serverless, read)
        return
    containers, model = _containers(variant, read)
    yield containers
    yield _instances(variant, model, read, [gap.reason for gap in containers.gaps if gap.scope is None])


def _serverless(variant: Variant, config: Mapping[str, Any], read: Reader) -> Seen:
    traits = variant.ways | {"serverless"}
    # Documentation does not say in which namespace these are; it is asked, and the rows name the likely one.
    known = read.published("ServerlessConcurrentExecutionsUtilization", **variant.dimensions)
    return Seen(
        (
            Scope(level="variant", name=variant.name, series=(variant.dimensions,), traits=traits),
            Scope(
                level="serverless",
                name=variant.name,
                series=(variant.dimensions,),
                traits=frozenset({"provisioned"}) if config.get("ProvisionedConcurrency") else frozenset(),
                namespace=known[0].namespace if known else None,
            ),
        )
    )


def _instances(variant: Variant, model: frozenset[str], read: Reader, unsure: list[str]) -> Seen:
    instance_type = variant.body.get("InstanceType")
    capacity, why = (None, "its configuration names no instance type")
    if isinstance(instance_type, str):
        capacity, why = read.capacity(instance_type)
    scope = Scope(
        level="variant",
        name=variant.name,
        series=(variant.dimensions,),
        traits=variant.ways | model | frozenset(_traits(capacity)),
        capacity=capacity,
        hourly=hourly(instance_type) if isinstance(instance_type, str) else None,
    )
    unknown = (CAPACITY_TRAITS if capacity is None else frozenset()) | (_MODEL_TRAITS if unsure else frozenset())
    if not unknown:
        return Seen((scope,))
    reason = why if capacity is None else unsure[0]
    return Seen(
        (scope,),
        (Gap(level="variant", scope=variant.name, traits=unknown, reason=f"variant {variant.name}: {reason}"),),
    )


def _traits(capacity: Capacity | None) -> Iterator[str]:
    yield "instance"
    if capacity and capacity.gpus:
        yield "gpu"


def _containers(variant: Variant, read: Reader) -> tuple[Seen, frozenset[str]]:
    """Look at the variant's model: its containers, when there are several, and whether it is many models."""
    name = variant.body.get("ModelName")
    if not isinstance(name, str):
        return Seen(), frozenset()
    model = read("describe_model", ModelName=name)
    if model is None:
        return Seen(gaps=(Gap(level="container", reason=f"its model {name} was deleted"),)), frozenset()
    containers = model.get("Containers") or [model.get("PrimaryContainer") or {}]
    many = frozenset({"multi-model"}) if any(each.get("Mode") == "MultiModel" for each in containers) else frozenset()
    if len(containers) < 2:
        return Seen(), many
    direct = (model.get("InferenceExecutionConfig") or {}).get("Mode") == "Direct"
    traits = frozenset({"direct"}) if direct else frozenset()
    capacity, why = read.capacity(str(variant.body.get("InstanceType")))
    # Unnamed containers are called so in log streams (Developer Guide, "Inference Pipeline Logs and Metrics").
    names = [each.get("ContainerHostname") or f"container-{number}" for number, each in enumerate(containers, start=1)]
    scopes = tuple(
        Scope(
            level="container",
            name=f"{variant.name}.{name}",
            series=({**variant.dimensions, "ContainerName": name},),
            traits=traits,
            capacity=capacity,
        )
        for name in names
    )
    gaps = () if capacity else tuple(Gap(level="container", scope=scope.name, reason=why) for scope in scopes)
    return Seen(scopes, gaps), many


def _backlog(endpoint: str, ways: frozenset[str]) -> Iterator[Scope]:
    if "async" in ways:
        yield Scope(level="backlog", name="all", series=({"EndpointName": endpoint},))


def _components(endpoint: str, ways: frozenset[str], read: Reader) -> tuple[Ref, ...]:
    if "components" not in ways:
        return ()
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
        "backlog": Level(ENDPOINT_ONLY),
    },
    specs=SPECS,
    charts=CHARTS,
    without_charts="",
    notices=NOTICES,
    parents={},
    page="home#/endpoints",
    log_group="/aws/sagemaker/Endpoints/{name}",
    run=None,
    explain=explain,
    explain_calls=("describe_endpoint",),
    causes=frozenset({"endpoint-capacity", "start-up"}),
    deployed=True,
)
