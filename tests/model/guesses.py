"""What nobody can know of a resource, and every world that fits what can still be read of it.

An endpoint outlives its configuration and its models (DeleteEndpointConfig and DeleteModel allow it), and what only
those say is lost: instance types, models, containers, the role of inference components. A resource that is being made,
or whose new variants are, may or may not serve soon.

An alarm that is there in each of the worlds of now must be there: what serves is watched as it serves, whatever is
deployed next. One that is in none, now or soon, must not. One that is in some cannot be decided: what was there before
it became unknown stays, and nothing is made on a guess. Each world is complete, so nothing of the product that deals
with what is unknown takes part in this.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from typing import Any

from tests.model.account import APIS, AccountDouble, Clock, Resource

NOT_SERVING = frozenset({"Creating", "Failed"})
SERVING_KINDS = frozenset({"endpoint", "inference-component"})
_LISTS = ("ProductionVariants", "ShadowProductionVariants")
# One without a GPU, two with one or several, and one that nobody has heard of yet.
_TYPES = ("ml.m5.xlarge", "ml.g5.xlarge", "ml.g5.12xlarge", "ml.zz9.xlarge")
_NAMES = ("AllTraffic", "blue", "green", "shadow")
"""What variants may be called of which nobody says anything."""
_CONTAINER = {"Image": "i", "ModelDataUrl": "s3://b/k"}
_STEPS = [{**_CONTAINER, "ContainerHostname": name} for name in ("prepare", "score")]
_MODELS: Mapping[str, dict[str, Any]] = {
    "guess-plain": {"PrimaryContainer": {**_CONTAINER, "Mode": "SingleModel"}},
    "guess-many": {"PrimaryContainer": {**_CONTAINER, "Mode": "MultiModel"}},
    "guess-serial": {"Containers": _STEPS, "InferenceExecutionConfig": {"Mode": "Serial"}},
    "guess-direct": {"Containers": _STEPS, "InferenceExecutionConfig": {"Mode": "Direct"}},
}
_COMPONENTS = ""
"""In the place of a model's name: the endpoint is one of inference components, and has none."""


def is_partly_known(account: AccountDouble, kind: str, name: str) -> bool:
    """Tell whether something that decides about a resource's alarms was deleted, or is not settled yet."""
    body = account.resources[kind, name].body
    status = body[APIS[kind].status]
    if kind in SERVING_KINDS and status in NOT_SERVING:
        return True
    if kind != "endpoint" or status == "Deleting":
        return False
    config = account.configs.get(body["EndpointConfigName"])
    if config is None or body.get("PendingDeploymentSummary"):
        return True
    return any(each not in account.models for each in _models_of(config))


def worlds(
    account: AccountDouble, ghosts: Mapping[str, Any], kind: str, name: str
) -> Iterator[tuple[AccountDouble, bool]]:
    """Yield the accounts that fit what can be read of a resource, and whether it is as now; the others may come soon.

    The first is the true one, with what was deleted.
    """
    true = _copy(account)
    true.configs |= {each.removeprefix("config/"): body for each, body in ghosts.items() if each[0] == "c"}
    true.models |= {each.removeprefix("model/"): body for each, body in ghosts.items() if each[0] == "m"}
    for guess in (true, *_guessed(account, kind, name)):
        yield guess, True
        if settled := _settled(guess, kind, name):
            yield settled, False


def read_by_a_look(account: AccountDouble, kind: str, name: str) -> list[Any]:
    """Return all that decides about the alarms of one resource: nothing else is read when it is looked at."""
    found = account.resources[kind, name]
    body = {key: value for key, value in found.body.items() if not key.endswith("Time")}
    host = account.resources.get(("endpoint", body.get("EndpointName", "")))
    configs = [account.configs.get(each) for each in _configs_of(body)] if kind == "endpoint" else []
    models = [account.models.get(each) for config in configs if config for each in _models_of(config)]
    metrics = [each for each in account.metrics if any(name in value for value in each[2].values())]
    return [body, found.tags, list(account.parameters.values()), configs, models, metrics, host and host.body]


def _guessed(account: AccountDouble, kind: str, name: str) -> Iterator[AccountDouble]:
    """Yield accounts with something in the place of what was deleted."""
    body = account.resources[kind, name].body
    named = _configs_of(body) if kind == "endpoint" else []
    hidden = [each for each in named if each not in account.configs]
    lost = {
        each
        for n in named
        if n in account.configs
        for each in _models_of(account.configs[n])
        if each not in account.models
    }
    # Components need instances, and are not called asynchronously (Developer Guide, "Inference components").
    plain = _all(
        [body if body.get("EndpointConfigName") in hidden else body.get("PendingDeploymentSummary") or {}], _LISTS[0]
    )
    hosts = hidden and "AsyncInferenceConfig" not in body and not any("CurrentServerlessConfig" in v for v in plain)
    for model in (*_MODELS, *([_COMPONENTS] if hosts else [])) if hidden or lost else ():
        for instance in _TYPES if hidden else _TYPES[:1]:
            guess = _copy(account)
            guess.models |= {each: {"ModelName": each, **what} for each, what in _MODELS.items()}
            guess.models |= {each: {"ModelName": each, **_MODELS[model or "guess-plain"]} for each in lost}
            guess.configs |= {each: _config(body, each, instance, model) for each in hidden}
            yield guess


def _config(endpoint: Mapping[str, Any], name: str, instance: str, model: str) -> dict[str, Any]:
    """Return a configuration that an endpoint may have, by what the endpoint says of its variants."""
    pending = endpoint.get("PendingDeploymentSummary") or {}
    described = endpoint if name == endpoint["EndpointConfigName"] else pending
    seen = {key: endpoint[key] for key in ("AsyncInferenceConfig", "MetricsConfig") if key in endpoint}
    role = {"ExecutionRoleArn": "arn:aws:iam::123456789012:role/ml"} if model == _COMPONENTS else {}
    if not _all([described], _LISTS[0]):  # while it is being created it need not name them
        described = {_LISTS[0]: [{"VariantName": each} for each in _NAMES]}
    return {
        "EndpointConfigName": name,
        **{each: [_variant(v, instance, model) for v in described.get(each) or ()] for each in _LISTS},
        **seen,
        **role,
    }


def _variant(described: Mapping[str, Any], instance: str, model: str) -> dict[str, Any]:
    seen = ("VariantName", "InstancePools", "AcceleratorPartitionLayouts")
    variant = {each: described[each] for each in seen if each in described}
    if "CurrentServerlessConfig" in described:
        variant["ServerlessConfig"] = described["CurrentServerlessConfig"]
    elif "InstancePools" not in described:
        variant["InstanceType"] = instance
    return variant | ({"ModelName": model} if model else {})


def _settled(account: AccountDouble, kind: str, name: str) -> AccountDouble | None:
    """Return the account in which all that is coming serves, None when nothing is."""
    found = account.resources[kind, name]
    status, body = APIS[kind].status, dict(found.body)
    pending = body.pop("PendingDeploymentSummary", None)
    is_coming = kind in SERVING_KINDS and body[status] in NOT_SERVING
    if not (is_coming or pending):
        return None
    body[status] = "InService"
    settled = _copy(account)
    if kind == "endpoint":
        both = [each for each in (pending, body) if each]
        configs = [
            account.configs[each["EndpointConfigName"]]
            for each in both
            if each["EndpointConfigName"] in account.configs
        ]
        for each in _LISTS:
            body[each] = _by_name(
                [*(v for config in configs if is_coming for v in _shown(config, each)), *_all(both, each)]
            )
        merged = {each: _by_name(_all(configs, each)) for each in _LISTS}
        if configs:
            body["EndpointConfigName"] = "settled"
            settled.configs["settled"] = {**configs[0], **configs[-1], **merged, "EndpointConfigName": "settled"}
    settled.resources[kind, name] = Resource(kind, name, body, found.tags)
    return settled


def _shown(config: Mapping[str, Any], key: str) -> list[dict[str, Any]]:
    """Return a configuration's variants as an endpoint in service describes them."""
    kept = ("VariantName", "InstancePools", "AcceleratorPartitionLayouts")
    return [
        {each: variant[each] for each in kept if each in variant}
        | ({"CurrentServerlessConfig": variant["ServerlessConfig"]} if "ServerlessConfig" in variant else {})
        for variant in config.get(key) or ()
    ]


def _all(described: list[Any], key: str) -> list[dict[str, Any]]:
    return [variant for each in described for variant in each.get(key) or ()]


def _by_name(variants: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return list({each["VariantName"]: each for each in variants}.values())


def _configs_of(body: Mapping[str, Any]) -> list[str]:
    pending = body.get("PendingDeploymentSummary") or {}
    return [each["EndpointConfigName"] for each in (body, pending) if "EndpointConfigName" in each]


def _models_of(config: Mapping[str, Any]) -> list[str]:
    return [v["ModelName"] for each in _LISTS for v in config.get(each) or () if v.get("ModelName")]


def _copy(account: AccountDouble) -> AccountDouble:
    """Return an account with the same resources, without alarms."""
    guess = AccountDouble(Clock(account.clock.now))
    guess.resources, guess.configs, guess.models = dict(account.resources), dict(account.configs), dict(account.models)
    guess.parameters, guess.metrics = copy.copy(account.parameters), account.metrics
    return guess
