"""AWS in this process: moto, a fleet to put in it, and a journal of the calls that the product makes."""

from __future__ import annotations

import importlib
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from types import ModuleType, SimpleNamespace
from typing import Any

import boto3
import pytest
from botocore.model import OperationModel
from moto import mock_aws

from sagewatch_cli.account.stack import stack_parameter

ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_DEFAULT_REGION": "us-east-1",
}
ROLE = "arn:aws:iam::123456789012:role/service-role/sagemaker"


@pytest.fixture(autouse=True)
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An empty account."""
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    with mock_aws():
        yield


LACKING = {
    "ListInferenceComponents": "InferenceComponents",
    "ListFeatureGroups": "FeatureGroupSummaries",
    "ListLabelingJobs": "LabelingJobSummaryList",
    "ListInferenceRecommendationsJobs": "InferenceRecommendationsJobs",
    "ListMonitoringSchedules": "MonitoringScheduleSummaries",
    "ListJobs": "JobSummaries",
    "ListOptimizationJobs": "OptimizationJobSummaries",
    "ListAIBenchmarkJobs": "AIBenchmarkJobs",
    "ListAIRecommendationJobs": "AIRecommendationJobs",
}
"""SageMaker's list operations that moto does not have, and where the items would be."""


@pytest.fixture(autouse=True)
def nothing_of_what_moto_lacks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Answer these lists with nothing, at botocore's own event, for every client that is made."""
    make = boto3.session.Session.client

    def made(session: Any, service: str, *args: Any, **kwargs: Any) -> Any:
        client = make(session, service, *args, **kwargs)
        if service == "sagemaker":
            for operation, items in LACKING.items():
                client.meta.events.register(f"before-call.sagemaker.{operation}", _empty(items))
        return client

    monkeypatch.setattr(boto3.session.Session, "client", made)


@dataclass(slots=True)
class DeployedStacks:
    """What CloudFormation says of the stacks of the account, and IAM of its alias."""

    resources: dict[str, dict[str, tuple[str, str]]] = field(default_factory=dict)
    """Stack → logical id → (physical id, resource type)."""
    alias: str = ""

    def deploy(self, name: str = "sagewatch", prefix: str = "sagewatch", **resources: tuple[str, str]) -> None:
        """Have a stack of ours, with these resources and the parameter by which it owns its prefix."""
        boto3.client("ssm").put_parameter(
            Name=stack_parameter(prefix),
            Value=f"arn:aws:cloudformation:us-east-1:123456789012:stack/{name}/1f0c2a30-0000-0000-0000-000000000000",
            Type="String",
        )
        self.resources[name] = resources

    def answer_aliases(self, **_: Any) -> Any:
        return _answered({"AccountAliases": [self.alias] if self.alias else []})

    def answer_resources(self, params: Any, **_: Any) -> Any:
        name = params["body"]["StackName"]
        if name not in self.resources:
            # ListStackResources has no error of its own for that (CloudFormation API Reference, Common Error Types).
            error = {"Code": "ValidationError", "Message": f"Stack with id {name} does not exist"}
            return SimpleNamespace(status_code=400), {"Error": error, "ResponseMetadata": {"HTTPStatusCode": 400}}
        found = [
            {"LogicalResourceId": id_, "PhysicalResourceId": physical, "ResourceType": its}
            for id_, (physical, its) in self.resources[name].items()
        ]
        return _answered({"StackResourceSummaries": found})


@pytest.fixture(autouse=True)
def stacks(monkeypatch: pytest.MonkeyPatch) -> DeployedStacks:
    """No stack, until a test deploys one; moto would load all of its services to play CloudFormation."""
    found, make = DeployedStacks(), boto3.session.Session.client
    answers = {
        "before-call.cloudformation.ListStackResources": found.answer_resources,
        "before-call.iam.ListAccountAliases": found.answer_aliases,
    }

    def made(session: Any, service: str, *args: Any, **kwargs: Any) -> Any:
        client = make(session, service, *args, **kwargs)
        for event, answer in answers.items():
            if event.split(".")[1] == service:
                client.meta.events.register(event, answer)
        return client

    monkeypatch.setattr(boto3.session.Session, "client", made)
    return found


def _answered(data: dict[str, Any]) -> Any:
    return SimpleNamespace(status_code=200), {**data, "ResponseMetadata": {"HTTPStatusCode": 200}}


def _empty(items: str) -> Any:
    return lambda **_: (SimpleNamespace(status_code=200), {items: [], "ResponseMetadata": {"HTTPStatusCode": 200}})


@dataclass(slots=True)
class Journal:
    """The names of the operations called, in order, but for reads of what the test itself asked."""

    calls: list[str] = field(default_factory=list)

    def watch(self, *clients: Any) -> None:
        for client in clients:
            client.meta.events.register("before-parameter-build", self._note)

    def _note(self, model: OperationModel, **_: Any) -> None:
        self.calls.append(model.name)

    def taken(self) -> list[str]:
        """Return the calls since the last time, and forget them."""
        calls, self.calls = self.calls, []
        return calls


@dataclass(slots=True)
class Fleet:
    """SageMaker resources that a test makes and unmakes."""

    sagemaker: Any = field(default_factory=lambda: boto3.client("sagemaker"))
    configs: int = 0

    def endpoint(self, name: str = "churn", variants: dict[str, str | None] | None = None, **tags: str) -> None:
        """Make an endpoint, in place of one of that name; a variant without an instance type is serverless."""
        self.configs += 1
        config = f"{name}-{self.configs}"
        self.sagemaker.create_model(
            ModelName=config, PrimaryContainer={"Image": "i", "ModelDataUrl": "s3://b/k"}, ExecutionRoleArn=ROLE
        )
        self.sagemaker.create_endpoint_config(
            EndpointConfigName=config,
            ProductionVariants=[
                {"VariantName": variant, "ModelName": config, "InitialVariantWeight": 1}
                | (
                    {"InstanceType": instance, "InitialInstanceCount": 1}
                    if instance
                    else {"ServerlessConfig": {"MemorySizeInMB": 2048, "MaxConcurrency": 5}}
                )
                for variant, instance in (variants or {"AllTraffic": "ml.m5.xlarge"}).items()
            ],
        )
        if name in {each["EndpointName"] for each in self.sagemaker.list_endpoints()["Endpoints"]}:
            self.sagemaker.delete_endpoint(EndpointName=name)
        listed = [{"Key": key.replace("_", "-"), "Value": value} for key, value in tags.items()]
        self.sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=config, Tags=listed)

    def pipeline(self, name: str = "churn-train", steps: tuple[str, ...] = ("Prepare", "Train")) -> None:
        """Make a pipeline."""
        definition = {"Version": "2020-12-01", "Steps": [{"Name": step, "Type": "Training"} for step in steps]}
        self.sagemaker.create_pipeline(
            PipelineName=name,
            PipelineDefinition=json.dumps(definition),
            RoleArn=ROLE,
            ClientRequestToken="x" * 32,
        )

    def training_job(self, name: str = "train", hosts: int = 1, instance: str = "ml.g5.12xlarge") -> None:
        """Make a training job that runs; moto's own are over at once."""
        self.sagemaker.create_training_job(
            TrainingJobName=name,
            AlgorithmSpecification={"TrainingImage": "i", "TrainingInputMode": "File"},
            RoleArn=ROLE,
            OutputDataConfig={"S3OutputPath": "s3://bucket"},
            ResourceConfig={"InstanceType": instance, "InstanceCount": hosts, "VolumeSizeInGB": 50},
            StoppingCondition={"MaxRuntimeInSeconds": 3600},
        )
        self.set_training_job(name, "InProgress")

    def set_training_job(self, name: str, status: str) -> None:
        """Bring a training job into a state."""
        from moto.sagemaker.models import sagemaker_backends

        sagemaker_backends["123456789012"]["us-east-1"].training_jobs[name].training_job_status = status


@pytest.fixture
def fleet() -> Fleet:
    return Fleet()


@pytest.fixture
def journal() -> Journal:
    return Journal()


@dataclass(slots=True)
class Queue:
    """A queue, made or found by its name."""

    name: str = "reconcile"
    sqs: Any = field(default_factory=lambda: boto3.client("sqs"))
    url: str = ""

    def __post_init__(self) -> None:
        self.url = self.sqs.create_queue(QueueName=self.name)["QueueUrl"]

    def taken(self) -> list[dict[str, Any]]:
        """Take all messages out of the queue and return their bodies."""
        bodies = []
        while messages := self.sqs.receive_message(QueueUrl=self.url, MaxNumberOfMessages=10).get("Messages"):
            for message in messages:
                bodies.append(json.loads(message["Body"]))
                self.sqs.delete_message(QueueUrl=self.url, ReceiptHandle=message["ReceiptHandle"])
        return bodies


@pytest.fixture
def queue(monkeypatch: pytest.MonkeyPatch) -> Queue:
    queue = Queue()
    monkeypatch.setenv("RECONCILE_QUEUE_URL", queue.url)
    monkeypatch.setenv("NOTIFY_QUEUE_URL", Queue("notify").url)
    return queue


def cold_start(function: str) -> ModuleType:
    """Import a function's code anew, as a new container does."""
    return importlib.reload(importlib.import_module(f"functions.{function}.app"))


def log_of(function: ModuleType) -> list[dict[str, Any]]:
    """Return the list that the function's log lines go into from now on, as data."""
    lines: list[dict[str, Any]] = []

    class Lines(io.StringIO):
        def write(self, text: str) -> int:
            lines.extend(json.loads(line) for line in text.splitlines())
            return len(text)

    function.logger.registered_handler.setStream(Lines())
    return lines


def batch(*bodies: Any) -> dict[str, Any]:
    """Return the event that Lambda makes of queue messages; message ids count from m0."""
    texts = [body if isinstance(body, str) else json.dumps(body) for body in bodies]
    return {"Records": [{"messageId": f"m{n}", "body": text, "eventSource": "aws:sqs"} for n, text in enumerate(texts)]}


def alarms(prefix: str = "sagewatch") -> dict[str, dict[str, Any]]:
    """Return the alarms that are there, by name."""
    client = boto3.client("cloudwatch")
    return {each["AlarmName"]: each for each in client.describe_alarms(AlarmNamePrefix=prefix)["MetricAlarms"]}


def incidents_table() -> str:
    """Make the incidents table as the template does, and return its name."""
    boto3.client("dynamodb").create_table(
        TableName="incidents",
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk", "open")],
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
        GlobalSecondaryIndexes=[
            {
                "IndexName": "open",
                "KeySchema": [
                    {"AttributeName": "open", "KeyType": "HASH"},
                    {"AttributeName": "pk", "KeyType": "RANGE"},
                ],
                "Projection": {"ProjectionType": "KEYS_ONLY"},
            }
        ],
    )
    return "incidents"
