"""The facets of an endpoint: from a rule on EventBridge to the exact alarms, through what sam built and deployed."""

from __future__ import annotations

import pytest

from sagewatch.kinds.endpoint.observe import ENDPOINT
from sagewatch.kinds.inference_component import INFERENCE_COMPONENT
from sagewatch_cli.local.drivers.sagemaker import ProductionVariant
from tests.e2e.world import World
from tests.resources import rows_of

pytestmark = pytest.mark.e2e

HARDWARE = rows_of(ENDPOINT, "variant", "instance")
REQUESTS = rows_of(ENDPOINT, "variant", "instance", "requests")
MULTI_MODEL = rows_of(ENDPOINT, "variant", "multi-model")
DIRECT = rows_of(ENDPOINT, "container", "direct")
ASYNC = rows_of(ENDPOINT, "variant", "async")
BACKLOG = rows_of(ENDPOINT, "backlog")
RESERVED = rows_of(ENDPOINT, "variant", "components")
COMPONENT = rows_of(INFERENCE_COMPONENT, "component")
OUTPUT = {"OutputConfig": {"S3OutputPath": "s3://bucket/output"}}
ROLE = "arn:aws:iam::123456789012:role/ml"
ON_CPU = ProductionVariant("AllTraffic", "ml.m5.2xlarge")
FOR_COMPONENTS = ProductionVariant("AllTraffic", "ml.g5.12xlarge", model=None)


def names(resource: str, scope: str, *alarms: set[str]) -> set[str]:
    return {f"sagewatch/{resource}/{scope}/{alarm}" for alarm in set().union(*alarms)}


def test_an_endpoint_of_many_models_is_watched_for_the_time_that_they_take_to_load(world: World) -> None:
    world.sagemaker.create_model("many", {"Image": "image", "Mode": "MultiModel", "ModelDataUrl": "s3://bucket/models"})

    world.sagemaker.create_endpoint("churn", ProductionVariant("AllTraffic", "ml.m5.2xlarge", model="many"))
    world.reconciled()

    assert world.names() == names("endpoint/churn", "AllTraffic", HARDWARE, REQUESTS, MULTI_MODEL)


def test_each_container_of_an_inference_pipeline_is_watched_for_its_latency(world: World) -> None:
    world.sagemaker.create_model("line", {"Image": "scale", "ContainerHostname": "scale"}, {"Image": "predict"})

    world.sagemaker.create_endpoint("churn", ProductionVariant("AllTraffic", "ml.m5.2xlarge", model="line"))
    world.reconciled()

    alarms = world.alarms()
    assert set(alarms) == (
        names("endpoint/churn", "AllTraffic", HARDWARE, REQUESTS)
        | names("endpoint/churn", "AllTraffic.scale", {"container-latency"})
        | names("endpoint/churn", "AllTraffic.container-2", {"container-latency"})
    )
    assert alarms["sagewatch/endpoint/churn/AllTraffic.container-2/container-latency"]["Dimensions"] == [
        {"Name": "ContainerName", "Value": "container-2"},
        {"Name": "EndpointName", "Value": "churn"},
        {"Name": "VariantName", "Value": "AllTraffic"},
    ]


def test_containers_that_are_called_each_by_itself_have_errors_of_their_own(world: World) -> None:
    containers = [{"Image": name, "ContainerHostname": name} for name in ("spam", "tone")]
    world.sagemaker.create_model("both", *containers, direct=True)

    world.sagemaker.create_endpoint("churn", ProductionVariant("AllTraffic", "ml.m5.2xlarge", model="both"))
    world.reconciled()

    assert world.names() == (
        names("endpoint/churn", "AllTraffic", HARDWARE, REQUESTS)
        | names("endpoint/churn", "AllTraffic.spam", DIRECT)
        | names("endpoint/churn", "AllTraffic.tone", DIRECT)
    )


def test_an_asynchronous_endpoint_is_watched_for_its_backlog_and_not_for_requests(world: World) -> None:
    world.sagemaker.create_endpoint("churn", ON_CPU, AsyncInferenceConfig=OUTPUT)
    world.reconciled()

    assert world.names() == names("endpoint/churn", "AllTraffic", HARDWARE, ASYNC) | names(
        "endpoint/churn", "all", BACKLOG
    )


def test_provisioned_concurrency_is_watched_where_there_is_any(world: World) -> None:
    serverless = {"MemorySizeInMB": 2048, "MaxConcurrency": 5, "ProvisionedConcurrency": 2}

    world.sagemaker.create_endpoint("scores", ProductionVariant("AllTraffic", serverless=serverless))
    world.reconciled()

    assert world.names() == names(
        "endpoint/scores",
        "AllTraffic",
        rows_of(ENDPOINT, "variant", "requests", "serverless"),
        rows_of(ENDPOINT, "serverless", "provisioned"),
    )


def test_a_shadow_variant_is_watched_like_the_one_it_shadows(world: World) -> None:
    world.sagemaker.create_endpoint(
        "churn", ON_CPU, ShadowProductionVariants=[ProductionVariant("next", "ml.m5.large").request()]
    )
    world.reconciled()

    assert world.names() == names("endpoint/churn", "AllTraffic", HARDWARE, REQUESTS) | names(
        "endpoint/churn", "next", HARDWARE, REQUESTS
    )


def test_a_variant_that_is_being_deployed_is_watched_once_it_is_in_service(world: World) -> None:
    world.sagemaker.create_endpoint("churn", ON_CPU)
    world.sagemaker.begin_update("churn", ProductionVariant("green", "ml.m5.large"))
    world.reconciled()
    deploying = world.names()

    world.sagemaker.settle_endpoint("churn")
    world.reconciled()

    green = names("endpoint/churn", "green", HARDWARE, REQUESTS)
    assert (deploying, world.names()) == (names("endpoint/churn", "AllTraffic", HARDWARE, REQUESTS), green)


def test_an_alarm_that_would_roll_back_a_deployment_stays_as_long_as_the_endpoint(world: World) -> None:
    world.sagemaker.create_endpoint("churn", ON_CPU, ProductionVariant("canary", "ml.m5.large"))
    world.reconciled()
    guard = "sagewatch/endpoint/churn/canary/errors-5xx"

    world.sagemaker.update_endpoint("churn", ON_CPU, rolled_back_by=[guard])
    world.reconciled()
    world.invoke("Sweep", {"mode": "full"})
    world.reconciled()
    updated = world.names()
    world.sagemaker.delete_endpoint("churn")
    world.reconciled()

    assert (updated, world.names()) == (
        names("endpoint/churn", "AllTraffic", HARDWARE, REQUESTS) | {guard},
        set(),
    )


@pytest.fixture
def hosting(world: World) -> World:
    """The world with an endpoint that hosts inference components, watched."""
    world.sagemaker.create_endpoint("llm", FOR_COMPONENTS, ExecutionRoleArn=ROLE)
    world.reconciled()
    return world


HOST = names("endpoint/llm", "AllTraffic", HARDWARE, RESERVED, {"gpu", "gpu-memory", "gpu-reserved"})


def test_an_endpoint_of_components_is_watched_for_what_they_reserve(hosting: World) -> None:
    assert hosting.names() == HOST


def test_with_a_trail_a_component_is_watched_once_it_is_in_service_until_its_deletion(hosting: World) -> None:
    hosting.resources.create_component("chat", "llm", gpus=1)
    hosting.resources.create_component("rank", "llm")
    hosting.reconciled()
    # No event tells that a component is in service: the sweep names those that have no alarms.
    hosting.invoke("Sweep", {})
    hosting.reconciled()
    created = hosting.alarms()
    hosting.resources.delete("inference-component", "chat")
    hosting.reconciled()

    chat = names("inference-component/chat", "AllTraffic", COMPONENT, {"gpu", "gpu-memory"})
    rank = names("inference-component/rank", "AllTraffic", COMPONENT)
    assert (set(created), hosting.names()) == (HOST | chat | rank, HOST | rank)
    alarm = created["sagewatch/inference-component/chat/AllTraffic/gpu"]
    assert alarm["Dimensions"] == [{"Name": "InferenceComponentName", "Value": "chat"}]
    assert "parent=endpoint/llm" in alarm["AlarmDescription"].splitlines()[-1]


def test_without_a_trail_a_component_is_watched_from_the_next_event_of_its_endpoint(hosting: World) -> None:
    hosting.resources.create_component("chat", "llm", trail=False)
    hosting.reconciled()
    before = hosting.names()

    hosting.stack.bus.put_event(hosting.sagemaker.endpoint_event("llm"))
    hosting.reconciled()

    assert (before, hosting.names()) == (HOST, HOST | names("inference-component/chat", "AllTraffic", COMPONENT))


def test_a_component_that_went_unnoticed_is_found_by_the_sweep(hosting: World) -> None:
    hosting.resources.create_component("chat", "llm")
    hosting.reconciled()
    hosting.silent_resources.delete("inference-component", "chat")

    hosting.invoke("Sweep", {})
    hosting.reconciled()

    assert hosting.names() == HOST
