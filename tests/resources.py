"""Descriptions of SageMaker resources as its API gives them, for tests to vary."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sagewatch.kinds.endpoint.observe import ENDPOINT
from sagewatch.kinds.instances import INSTANCES
from sagewatch.kinds.kind import Kind, Reader
from sagewatch.kinds.pipeline import PIPELINE
from sagewatch.kinds.training_job import TRAINING_JOB
from sagewatch.model import Capacity, Description, Facts, Published, Ref

ACCOUNT = "arn:aws:sagemaker:us-east-1:123456789012"
THEN = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def variant(name: str = "AllTraffic", instance: str | None = "ml.m5.2xlarge", **more: Any) -> dict[str, Any]:
    """A variant as DescribeEndpointConfig gives it; without an instance type, serverless."""
    body = {"VariantName": name, "ModelName": "model", "InitialVariantWeight": 1.0}
    if instance:
        return {**body, "InstanceType": instance, "InitialInstanceCount": 1, **more}
    return {**body, "ServerlessConfig": {"MemorySizeInMB": 2048, "MaxConcurrency": 5}, **more}


def endpoint(*variants: Mapping[str, Any], name: str = "churn", status: str = "InService", **more: Any) -> Description:
    """An endpoint as DescribeEndpoint gives it; instance types are only in its configuration."""
    return {
        "EndpointName": name,
        "EndpointArn": f"{ACCOUNT}:endpoint/{name.lower()}",
        "EndpointConfigName": f"{name}-config",
        "ProductionVariants": [
            {"VariantName": each["VariantName"]}
            | ({"CurrentServerlessConfig": each["ServerlessConfig"]} if "ServerlessConfig" in each else {})
            for each in variants or (variant(),)
        ],
        "EndpointStatus": status,
        "CreationTime": THEN,
        "LastModifiedTime": THEN,
        **more,
    }


def config(*variants: Mapping[str, Any], **more: Any) -> Description:
    """An endpoint configuration as DescribeEndpointConfig gives it."""
    return {"EndpointConfigName": "churn-config", "ProductionVariants": list(variants or (variant(),)), **more}


def training_job(hosts: int = 1, instance: str = "ml.g5.12xlarge", name: str = "train", **more: Any) -> Description:
    """A training job as DescribeTrainingJob gives it."""
    return {
        "TrainingJobName": name,
        "TrainingJobArn": f"{ACCOUNT}:training-job/{name}",
        "TrainingJobStatus": "InProgress",
        "ResourceConfig": {"InstanceType": instance, "InstanceCount": hosts, "VolumeSizeInGB": 50},
        **more,
    }


def pipeline(*steps: str, name: str = "churn-train", **more: Any) -> Description:
    """A pipeline as DescribePipeline gives it."""
    definition = {"Version": "2020-12-01", "Steps": [{"Name": step, "Type": "Training"} for step in steps]}
    return {
        "PipelineName": name,
        "PipelineArn": f"{ACCOUNT}:pipeline/{name}",
        "PipelineStatus": "Active",
        "PipelineDefinition": json.dumps(definition),
        **more,
    }


@dataclass(frozen=True, slots=True)
class Answers:
    """A reader with an answer for each operation; gone, empty or unknown for everything else."""

    answers: Mapping[str, Any]
    metrics: tuple[Published, ...] = ()

    def __call__(self, operation: str, **parameters: object) -> Description | None:
        answer = self.answers.get(operation)
        return answer(**parameters) if callable(answer) else answer

    def listed(self, operation: str, items: str, **_: object) -> tuple[Description, ...]:
        return tuple((self.answers.get(operation) or {}).get(items, ()))

    def published(
        self, metric: str | None = None, within: str | None = None, **dimensions: str
    ) -> tuple[Published, ...]:
        named = (each for each in self.metrics if metric in (None, each.metric) and within in (None, each.namespace))
        return tuple(each for each in named if each.dimensions.items() >= dimensions.items())

    def capacity(self, instance_type: str) -> tuple[Capacity | None, str]:
        known = INSTANCES.get(instance_type)
        return known, "" if known else f"instance type {instance_type} is not in our table"


BARE = Facts(ref=Ref("kind", "name"), live=True)
"""Facts before a kind has added anything."""


def observed(kind: Kind, description: Description, read: Reader) -> Facts:
    """Return what a kind adds to bare facts."""
    return kind.observe(description, read, BARE)


def answering(*metrics: Published, **answers: Any) -> Reader:
    """Return a reader that answers so, and of any model that it has one container; an answer may be a function."""
    plain = {"describe_model": {"ModelName": "model", "PrimaryContainer": {"Image": "image"}}}
    return Answers({**plain, **answers}, metrics)


def rows_of(kind: Kind, level: str, *traits: str) -> set[str]:
    """Return the ids of the rows that a scope of this level with exactly these traits gets."""
    return {spec.id for spec in kind.specs if spec.level == level and set(spec.needs) <= set(traits)}


PLAIN_VARIANT = rows_of(ENDPOINT, "variant", "instance", "requests")
"""What `endpoint()` gets: one variant on instances without a GPU, called in real time."""

TWO_STEPS = len(rows_of(PIPELINE, "pipeline")) + 2 * len(rows_of(PIPELINE, "step"))
"""How many alarms a pipeline with two steps has."""

GPU_HOST = rows_of(TRAINING_JOB, "hosts", "disk", "gpu")
"""What a training job on one GPU instance gets."""
