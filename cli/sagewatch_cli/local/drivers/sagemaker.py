"""Plays AWS: SageMaker changes a resource, CloudWatch evaluates an alarm, each sends the events that AWS documents."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from botocore.exceptions import ClientError

from sagewatch_cli.local.doubles import sagemaker
from sagewatch_cli.local.doubles.event_bus import BusEvent, TakesEvents
from sagewatch_cli.local.drivers.payloads import Events, milliseconds
from sagewatch_cli.local.machine.environment import ACCOUNT, REGION

if TYPE_CHECKING:
    pass

ROLE = f"arn:aws:iam::{ACCOUNT}:role/ml"
MODEL = "model"

type Ending = Literal["Completed", "Failed", "Stopped"]
type ExecutionEnding = Literal["Succeeded", "Failed", "Stopped"]

ENDPOINT_EVENTS: Mapping[str, str] = {
    "Creating": "endpoint-creating",
    "InService": "endpoint-in-service",
    "Updating": "endpoint-updating",
    "Failed": "endpoint-failed",
    "Deleting": "endpoint-deleting",
}
"""The payload that tells of each state."""


@dataclass(frozen=True, slots=True)
class ProductionVariant:
    """A production variant: on instances of a type, or serverless; without a model it hosts inference components."""

    name: str
    instance_type: str | None = None
    count: int = 1
    serverless: Mapping[str, int] | None = None
    model: str | None = MODEL

    def request(self) -> dict[str, Any]:
        """Return it as CreateEndpointConfig wants it."""
        place = (
            {"ServerlessConfig": dict(self.serverless)}
            if self.serverless
            else {"InstanceType": self.instance_type, "InitialInstanceCount": self.count}
        )
        models = {"ModelName": self.model, "InitialVariantWeight": 1.0} if self.model else {}
        return {"VariantName": self.name, **models, **place}


@dataclass(frozen=True, slots=True, kw_only=True)
class SageMakerDriver:
    """Changes SageMaker resources as their owners and SageMaker itself do."""

    client: Any
    bus: TakesEvents
    events: Events

    # ---- endpoints

    def create_endpoint(
        self, name: str, *variants: ProductionVariant, tags: Mapping[str, str] | None = None, **config: Any
    ) -> None:
        """Create an endpoint and bring it into service; `config` are further fields of its configuration."""
        self.begin_endpoint(name, *variants, tags=tags, **config)
        self.settle_endpoint(name)

    def begin_endpoint(
        self, name: str, *variants: ProductionVariant, tags: Mapping[str, str] | None = None, **config: Any
    ) -> None:
        """Create an endpoint and leave it at Creating."""
        self.client.create_endpoint(
            EndpointName=name, EndpointConfigName=self._configure(name, variants, config), Tags=_tags(tags)
        )
        self._tell_endpoint(name)

    def create_model(self, name: str, *containers: Mapping[str, str], direct: bool = False) -> None:
        """Create a model of one container or of several, which run in line or are called each by itself."""
        several = {
            "Containers": list(containers),
            "InferenceExecutionConfig": {"Mode": "Direct" if direct else "Serial"},
        }
        one = {"PrimaryContainer": containers[0]}
        self.client.create_model(ModelName=name, ExecutionRoleArn=ROLE, **(several if len(containers) > 1 else one))

    def update_endpoint(
        self, name: str, *variants: ProductionVariant, rolled_back_by: Iterable[str] = (), **config: Any
    ) -> None:
        """Update an endpoint to other variants and wait until it serves with them."""
        self.begin_update(name, *variants, rolled_back_by=rolled_back_by, **config)
        self.settle_endpoint(name)

    def begin_update(
        self, name: str, *variants: ProductionVariant, rolled_back_by: Iterable[str] = (), **config: Any
    ) -> None:
        """Update an endpoint and leave it at Updating; the alarms in `rolled_back_by` would end that."""
        alarms = [{"AlarmName": alarm} for alarm in rolled_back_by]
        deployment = {"DeploymentConfig": {"AutoRollbackConfiguration": {"Alarms": alarms}}} if alarms else {}
        self.client.update_endpoint(
            EndpointName=name, EndpointConfigName=self._configure(name, variants, config), **deployment
        )
        self._tell_endpoint(name)

    def settle_endpoint(self, name: str) -> None:
        """Bring an endpoint into service, with the variants it was being updated to."""
        sagemaker.settle_endpoint(name)
        self._tell_endpoint(name)

    def fail_endpoint(self, name: str, reason: str) -> None:
        """Let what an endpoint is doing fail, and tell."""
        sagemaker.fail_endpoint(name, reason)
        self._tell_endpoint(name)

    def delete_endpoint(self, name: str) -> None:
        """Delete an endpoint and wait until it is gone."""
        self.client.delete_endpoint(EndpointName=name)
        self._tell_endpoint(name)
        self.forget_endpoint(name)

    def forget_endpoint(self, name: str) -> None:
        """Complete the deletion of an endpoint."""
        sagemaker.forget_endpoint(name)
        self.bus.put_event(self.endpoint_deleted(name))

    def advance_endpoints(self) -> Iterator[str]:
        """Complete what every endpoint is doing, as on AWS after some minutes, and say what happened."""
        for endpoint in self.client.list_endpoints(MaxResults=100)["Endpoints"]:
            name = endpoint["EndpointName"]
            if endpoint["EndpointStatus"] in {"Creating", "Updating"}:
                self.settle_endpoint(name)
                yield f"endpoint {name} is in service"
            elif endpoint["EndpointStatus"] == "Deleting":
                self.forget_endpoint(name)
                yield f"endpoint {name} is gone"

    def endpoint_event(self, name: str) -> BusEvent:
        """Return the event that tells of an endpoint's present state."""
        endpoint = self.client.describe_endpoint(EndpointName=name)
        detail = {
            "EndpointName": name,
            "EndpointArn": endpoint["EndpointArn"],
            "EndpointConfigName": endpoint["EndpointConfigName"],
            "FailureReason": endpoint.get("FailureReason"),
            "CreationTime": milliseconds(endpoint["CreationTime"]),
            "LastModifiedTime": milliseconds(endpoint["LastModifiedTime"]),
            "Tags": self._tags_of(endpoint["EndpointArn"]),
        }
        return self.events.make(
            ENDPOINT_EVENTS[endpoint["EndpointStatus"]], detail=detail, resources=[endpoint["EndpointArn"]]
        )

    def endpoint_deleted(self, name: str) -> BusEvent:
        """Return the event that tells of an endpoint's end."""
        arn = _arn("endpoint", name)
        return self.events.make(
            "endpoint-deleted", detail={"EndpointName": name, "EndpointArn": arn, "Tags": {}}, resources=[arn]
        )

    def _tell_endpoint(self, name: str) -> None:
        self.bus.put_event(self.endpoint_event(name))

    def _configure(self, name: str, variants: Iterable[ProductionVariant], config: Mapping[str, Any]) -> str:
        self._have_a_model()
        config_name = f"{name[:50]}-{uuid.uuid4().hex[:8]}"
        requests = [variant.request() for variant in variants]
        self.client.create_endpoint_config(EndpointConfigName=config_name, ProductionVariants=requests, **config)
        return config_name

    def _have_a_model(self) -> None:
        try:
            self.client.describe_model(ModelName=MODEL)
        except ClientError as error:
            if "Could not find model" not in str(error):
                raise
            self.client.create_model(ModelName=MODEL, ExecutionRoleArn=ROLE)

    # ---- training jobs

    def start_training_job(
        self, name: str, instance_type: str, count: int = 1, *, tags: Mapping[str, str] | None = None
    ) -> None:
        """Start a training job and let it begin to train."""
        self.client.create_training_job(
            TrainingJobName=name,
            RoleArn=ROLE,
            AlgorithmSpecification={"TrainingImage": "image", "TrainingInputMode": "File"},
            OutputDataConfig={"S3OutputPath": "s3://bucket/output"},
            ResourceConfig={"InstanceType": instance_type, "InstanceCount": count, "VolumeSizeInGB": 50},
            StoppingCondition={"MaxRuntimeInSeconds": 86_400},
            Tags=_tags(tags),
        )
        self._tell_training_job(name, "training-job-in-progress")
        sagemaker.train(name)
        self._tell_training_job(name, "training-job-training")

    def end_training_job(self, name: str, status: Ending, reason: str | None = None) -> None:
        """End a training job, and tell; `reason` is its FailureReason."""
        sagemaker.end_training_job(name, status, reason)
        self._tell_training_job(name, f"training-job-{status.lower()}")

    def _tell_training_job(self, name: str, payload: str) -> None:
        job = self.client.describe_training_job(TrainingJobName=name)
        detail = {
            "TrainingJobName": name,
            "TrainingJobArn": job["TrainingJobArn"],
            "TrainingJobStatus": job["TrainingJobStatus"],
            "SecondaryStatus": job["SecondaryStatus"],
            "ResourceConfig": job["ResourceConfig"],
            "FailureReason": job.get("FailureReason"),
            "CreationTime": milliseconds(job["CreationTime"]),
            "TrainingStartTime": milliseconds(job.get("TrainingStartTime")),
            "TrainingEndTime": milliseconds(job.get("TrainingEndTime")),
            "LastModifiedTime": milliseconds(job["LastModifiedTime"]),
            "Tags": self._tags_of(job["TrainingJobArn"]),
        }
        self.bus.put_event(self.events.make(payload, detail=detail, resources=[job["TrainingJobArn"]]))

    # ---- pipelines

    def create_pipeline(
        self, name: str, *steps: str, trail: bool = True, tags: Mapping[str, str] | None = None
    ) -> None:
        """Create a pipeline; without a CloudTrail trail no event follows."""
        self.client.create_pipeline(
            PipelineName=name,
            PipelineDefinition=_definition(steps),
            RoleArn=ROLE,
            ClientRequestToken=uuid.uuid4().hex,
            Tags=_tags(tags),
        )
        self._tell_call("cloudtrail-create-pipeline", name, trail)

    def update_pipeline(self, name: str, *steps: str, trail: bool = True) -> None:
        self.client.update_pipeline(PipelineName=name, PipelineDefinition=_definition(steps))
        self._tell_call("cloudtrail-update-pipeline", name, trail)

    def delete_pipeline(self, name: str, *, trail: bool = True) -> None:
        self.client.delete_pipeline(PipelineName=name, ClientRequestToken=uuid.uuid4().hex)
        self._tell_call("cloudtrail-delete-pipeline", name, trail)

    def run_pipeline(self, name: str) -> str:
        """Start an execution and return its ARN."""
        execution: str = self.client.start_pipeline_execution(PipelineName=name, ClientRequestToken=uuid.uuid4().hex)[
            "PipelineExecutionArn"
        ]
        self._tell_execution(execution, "pipeline-executing")
        return execution

    def end_execution(
        self, execution: str, status: ExecutionEnding, *, failed_step: str = "Train", reason: str = ""
    ) -> None:
        """End an execution; when it failed, so did the step, for this reason."""
        sagemaker.end_pipeline_execution(execution, status)
        if status == "Failed":
            self._tell_execution(execution, "pipeline-step-failed", stepName=failed_step, failureReason=reason)
        self._tell_execution(execution, f"pipeline-{status.lower()}")

    def _tell_execution(self, execution: str, payload: str, **detail: str) -> None:
        pipeline = execution.rpartition("/execution/")[0]
        arns = {"pipelineArn": pipeline, "pipelineExecutionArn": execution}
        self.bus.put_event(self.events.make(payload, detail={**arns, **detail}, resources=[pipeline, execution]))

    def _tell_call(self, payload: str, name: str, trail: bool) -> None:
        if not trail:
            return
        written = self.events.load(payload)["detail"]
        detail = {
            "requestParameters": {**written["requestParameters"], "pipelineName": name},
            "responseElements": {**written["responseElements"], "pipelineArn": _arn("pipeline", name)},
        }
        self.bus.put_event(self.events.make(payload, detail=detail))

    # ---- tags

    def tag(self, arn: str, **tags: str) -> None:
        """Add tags, and tell by CloudTrail."""
        self.client.add_tags(ResourceArn=arn, Tags=_tags(tags))
        written = self.events.load("cloudtrail-add-tags")["detail"]["requestParameters"]
        asked = [{"key": key, "value": value} for key, value in tags.items()]
        self.bus.put_event(
            self.events.make(
                "cloudtrail-add-tags", detail={"requestParameters": {**written, "resourceArn": arn, "tags": asked}}
            )
        )

    def _tags_of(self, arn: str) -> dict[str, str]:
        return {tag["Key"]: tag["Value"] for tag in self.client.list_tags(ResourceArn=arn)["Tags"]}


def _definition(steps: Iterable[str]) -> str:
    return json.dumps(
        {"Version": "2020-12-01", "Steps": [{"Name": step, "Type": "Training", "Arguments": {}} for step in steps]}
    )


def _tags(tags: Mapping[str, str] | None) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in (tags or {}).items()]


def _arn(kind: str, name: str) -> str:
    return f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:{kind}/{name}"
