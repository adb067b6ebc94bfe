"""Short histories in which alarms stayed that nothing asks for, as a part of their resource was hidden or changed."""

from __future__ import annotations

import pytest

from tests.model.scene import Scene


@pytest.mark.parametrize("models", [True, False], ids=["model deleted", "configuration deleted"])
def test_the_containers_of_a_variant_that_is_gone_go_though_those_of_the_new_one_are_hidden(
    scene: Scene, models: bool
) -> None:
    scene.made("endpoint", shape=3)
    scene.silently()
    scene.world.create("endpoint", "churn", 12)
    (scene.world.hide_models if models else scene.world.hide_config)("churn")

    scene.swept("light")

    assert not [name for name in scene.alarms("endpoint") if "/AllTraffic" in name]


def test_an_endpoint_whose_gpus_are_partitioned_loses_the_alarms_of_whole_gpus(scene: Scene) -> None:
    scene.made("endpoint", shape=13)

    after = scene.made("endpoint", shape=12)

    assert not [name for name in after if name.startswith("sagewatch/endpoint/churn/blue/gpu")]
    assert scene.wrong() == []


def test_an_endpoint_that_is_asynchronous_no_more_loses_its_backlog_though_its_configuration_is_deleted(
    scene: Scene,
) -> None:
    scene.made("endpoint", shape=6)
    scene.silently()
    scene.world.create("endpoint", "churn", 2)
    scene.world.hide_config("churn")

    scene.swept("light")

    assert not [name for name in scene.alarms("endpoint") if "/all/" in name]


def test_the_light_sweep_finds_the_components_of_an_endpoint_that_publishes_at_another_frequency(scene: Scene) -> None:
    scene.made("endpoint", "host", shape=10)
    scene.made("inference-component", "scorer")
    scene.silently()
    scene.account.clock.advance(60)
    scene.world.create("endpoint", "host", 9)

    scene.swept("light")

    assert scene.wrong() == []


def test_components_that_were_looked_at_since_their_endpoint_changed_are_not_named(scene: Scene) -> None:
    scene.made("endpoint", "host", shape=10)
    scene.account.clock.advance(60)
    scene.made("inference-component", "scorer")
    scene.swept("light")

    assert scene.named() == 0


def test_the_light_sweep_finds_such_components_beside_other_suspects(scene: Scene) -> None:
    """What was remembered of looks is read when there are suspects, and acquits none of these."""
    scene.made("endpoint", "host", shape=10)
    scene.made("inference-component", "scorer")
    scene.silently()
    scene.account.clock.advance(60)
    scene.world.create("endpoint", "host", 9)
    scene.account.clock.advance(60)
    scene.stack.name("endpoint", "host")
    scene.stack.drain()

    scene.swept("light")

    assert scene.wrong() == []


def test_an_endpoint_whose_configuration_is_deleted_during_a_deployment_is_watched(scene: Scene) -> None:
    scene.silently()
    scene.world.create("endpoint", "churn")
    scene.world.begin_to_update("churn", 2)
    scene.world.hide_config("churn")

    scene.stack.name("endpoint", "churn")
    scene.stack.drain()

    assert scene.wrong() == []
    assert [each.unexpected for each in scene.stack.invocations] == [()]


def test_containers_that_cannot_be_read_have_no_row_per_vcpu_where_instances_differ(scene: Scene) -> None:
    scene.made("endpoint", "churn", shape=3)
    scene.silently()
    scene.world.create("endpoint", "churn", 8)
    scene.world.hide_config("churn")

    scene.stack.name("endpoint", "churn")
    scene.stack.drain()

    rows = {name.rpartition("/")[2] for name in scene.account.alarms if ".prepare/" in name}
    assert "container-latency" in rows
    assert "container-cpu" not in rows
