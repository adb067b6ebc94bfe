"""Pipelines have no state events of their own: CloudTrail tells of them, or their first execution does."""

from __future__ import annotations

import pytest

from tests.e2e.world import World

pytestmark = pytest.mark.e2e

WHOLE = {
    f"sagewatch/pipeline/churn-train/all/{alarm}"
    for alarm in ("execution-duration", "executions-failed", "executions-stopped")
}


def steps(*names: str) -> set[str]:
    return {f"sagewatch/pipeline/churn-train/{name}/step-failed" for name in names}


def test_with_a_trail_a_pipeline_is_watched_from_its_creation_to_its_deletion(world: World) -> None:
    world.sagemaker.create_pipeline("churn-train", "Prepare", "Train")
    world.reconciled()
    created = world.names()
    world.sagemaker.update_pipeline("churn-train", "Prepare", "Evaluate")
    world.reconciled()
    updated = world.names()
    world.sagemaker.delete_pipeline("churn-train")
    world.reconciled()
    deleted = world.names()

    assert (created, updated, deleted) == (
        WHOLE | steps("Prepare", "Train"),
        WHOLE | steps("Prepare", "Evaluate"),
        set(),
    )


def test_without_a_trail_a_pipeline_is_watched_from_its_first_execution(world: World) -> None:
    world.sagemaker.create_pipeline("churn-train", "Train", trail=False)
    world.reconciled()
    before = world.names()

    world.sagemaker.run_pipeline("churn-train")
    world.reconciled()

    assert (before, world.names()) == (set(), WHOLE | steps("Train"))


def test_a_call_that_was_denied_changes_nothing(world: World) -> None:
    world.sagemaker.create_pipeline("churn-train", "Train", trail=False)

    world.stack.bus.put_event(world.events.load("cloudtrail-create-pipeline-denied"))
    world.reconciled()

    assert (world.names(), world.writes()) == (set(), ())
