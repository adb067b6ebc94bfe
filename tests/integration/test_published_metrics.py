from __future__ import annotations

from typing import Any

import boto3
from botocore.stub import Stubber

from sagewatch.aws.published_metrics import PublishedMetrics
from sagewatch.model import Published


def publish(namespace: str, metric: str, **dimensions: str) -> None:
    named: Any = [{"Name": name, "Value": value} for name, value in dimensions.items()]
    data: Any = [{"MetricName": metric, "Dimensions": named, "Value": 1.0}]
    boto3.client("cloudwatch").put_metric_data(Namespace=namespace, MetricData=data)


def test_a_metric_is_found_by_its_name_and_some_of_its_dimensions_in_whatever_namespace() -> None:
    publish("AWS/SageMaker/FeatureStore", "Latency", FeatureGroupName="fg", OperationName="PutRecord")
    publish("AWS/SageMaker/FeatureStore", "Latency", FeatureGroupName="other", OperationName="PutRecord")

    found = PublishedMetrics(boto3.client("cloudwatch")).published("Latency", FeatureGroupName="fg")

    where = {"FeatureGroupName": "fg", "OperationName": "PutRecord"}
    assert found == (Published("AWS/SageMaker/FeatureStore", "Latency", where),)


def test_answers_are_kept_for_five_minutes_and_silence_is_not() -> None:
    client, now = boto3.client("cloudwatch"), [0.0]
    discovery = PublishedMetrics(client, lambda: now[0])
    one: Any = {"Namespace": "n", "MetricName": "m", "Dimensions": []}
    asked: Any = {"MetricName": "m", "Dimensions": []}
    with Stubber(client) as stub:
        stub.add_response("list_metrics", {"Metrics": []}, asked)
        stub.add_response("list_metrics", {"Metrics": [one]}, asked)
        nothing, first, kept = discovery.published("m"), discovery.published("m"), discovery.published("m")
        now[0] = 300.0
        stub.add_response("list_metrics", {"Metrics": []}, asked)

        later = discovery.published("m")

    assert (nothing, first, kept, later) == ((), (Published("n", "m", {}),), (Published("n", "m", {}),), ())


def test_a_namespace_narrows_the_question() -> None:
    publish("/aws/sagemaker/TransformJobs", "MemoryUtilization", Host="score/i-1")
    publish("/aws/sagemaker/TrainingJobs", "MemoryUtilization", Host="train/algo-1")

    found = PublishedMetrics(boto3.client("cloudwatch")).published(
        "MemoryUtilization", within="/aws/sagemaker/TransformJobs"
    )

    assert [each.dimensions for each in found] == [{"Host": "score/i-1"}]
