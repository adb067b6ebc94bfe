"""Extends moto's SageMaker with what it lacks: states that last, UpdateEndpoint, today's instance types.

Requests are answered by moto where it is right, and by `sagemaker_records` where it has nothing. The functions at the
end (`settle_endpoint` …) are what AWS does by itself some time after a request; here nothing happens until they are
called.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any, Literal

import botocore.session
from moto.core.responses import ActionResult, EmptyResult
from moto.core.utils import utcnow
from moto.sagemaker.exceptions import ResourceNotFound, ValidationError
from moto.sagemaker.models import (
    FakeEndpoint,
    FakeEndpointConfig,
    FakePipeline,
    FakeTrainingJob,
    SageMakerModelBackend,
    sagemaker_backends,
)

from sagewatch_cli.local.doubles.journal import Journaled
from sagewatch_cli.local.doubles.sagemaker_records import RecordsResponse
from sagewatch_cli.local.machine.environment import ACCOUNT, REGION

ENDED = frozenset({"Completed", "Failed", "Stopped"})


@cache
def _enum_values(shape: str) -> frozenset[str]:
    """Return an enum of botocore's model of SageMaker."""
    model = botocore.session.get_session().get_service_model("sagemaker")
    return frozenset(model.shape_for(shape).enum)  # type: ignore[attr-defined]


def _require(value: str, shape: str, field: str) -> None:
    if value not in _enum_values(shape):
        wants = f"Member must satisfy enum value set: [{', '.join(sorted(_enum_values(shape)))}]"
        raise ValidationError(
            f"1 validation error detected: Value '{value}' at '{field}' failed to satisfy constraint: {wants}"
        )


class EndpointConfig(FakeEndpointConfig):
    """Takes every instance type of botocore's model (moto's list ends in 2020), and keeps the parts that moto drops."""

    def __init__(self, backend: SageMakerModelBackend, request: Mapping[str, Any]) -> None:
        super().__init__(
            account_id=backend.account_id,
            region_name=backend.region_name,
            endpoint_config_name=request["EndpointConfigName"],
            production_variants=request["ProductionVariants"],
            async_inference_config=request.get("AsyncInferenceConfig"),  # type: ignore[arg-type]
            data_capture_config=request.get("DataCaptureConfig"),  # type: ignore[arg-type]
            tags=request.get("Tags"),  # type: ignore[arg-type]
            kms_key_id=request.get("KmsKeyId"),  # type: ignore[arg-type]
        )
        self.shadow_production_variants = request.get("ShadowProductionVariants") or []
        self.execution_role_arn = request.get("ExecutionRoleArn")
        self.metrics_config = request.get("MetricsConfig")

    def validate_instance_type(self, instance_type: str) -> None:
        _require(instance_type, "ProductionVariantInstanceType", "productionVariants.1.member.instanceType")


class Endpoint(FakeEndpoint):
    """An endpoint whose state lasts until it is told to change; moto's is InService at once and for ever."""

    def __init__(
        self, backend: SageMakerModelBackend, name: str, config: EndpointConfig, tags: list[dict[str, str]]
    ) -> None:
        super().__init__(
            account_id=backend.account_id,
            region_name=backend.region_name,
            endpoint_name=name,
            endpoint_config_name=config.endpoint_config_name,
            production_variants=config.production_variants,
            data_capture_config=config.data_capture_config,
            tags=tags,
        )
        self.pending_deployment_summary: dict[str, Any] | None = None
        self.last_deployment_config: Mapping[str, Any] | None = None
        self.enter("Creating")
        self.take(config)

    def enter(self, status: str, reason: str | None = None) -> None:
        self.endpoint_status = status
        self.failure_reason = reason  # type: ignore[assignment]
        self.last_modified_time = utcnow()

    def take(self, config: EndpointConfig) -> None:
        """Run this configuration; moto copies only the variants and leaves the other parts out of DescribeEndpoint."""
        self.endpoint_config_name = config.endpoint_config_name
        self.production_variants = self._process_production_variants(config.production_variants)
        self.async_inference_config = config.async_inference_config
        self.metrics_config = config.metrics_config
        self.shadow_production_variants = self._process_production_variants(config.shadow_production_variants)
        self.pending_deployment_summary = None

    def update(self, config: EndpointConfig) -> None:  # type: ignore[override]
        """Begin to deploy another configuration; the old one serves on until `settle_endpoint`."""
        self.enter("Updating")
        self.pending_deployment_summary = {
            "EndpointConfigName": config.endpoint_config_name,
            "ProductionVariants": self._process_production_variants(config.production_variants),
            "ShadowProductionVariants": self._process_production_variants(config.shadow_production_variants),
            "StartTime": self.last_modified_time,
        }


class SageMaker(Journaled, RecordsResponse):
    """Answers SageMaker's API."""

    def create_model(self) -> ActionResult:
        # moto drops the way in which several containers are called.
        answer = super().create_model()
        model = self.sagemaker_backend.describe_model(self._get_param("ModelName"))
        model.inference_execution_config = self._get_param("InferenceExecutionConfig")  # type: ignore[attr-defined]
        return answer

    def create_endpoint_config(self) -> ActionResult:
        # moto wants a model in each variant; those that host inference components have none.
        backend, variants = self.sagemaker_backend, self._get_param("ProductionVariants")
        backend.validate_production_variants([variant for variant in variants if "ModelName" in variant])
        config = EndpointConfig(backend, self.params)  # type: ignore[abstract]  # as moto's own is
        backend.endpoint_configs[config.endpoint_config_name] = config
        return ActionResult(config.response_create)

    def create_endpoint(self) -> ActionResult:
        name = self._get_param("EndpointName")
        if name in self.sagemaker_backend.endpoints:
            raise ValidationError(
                f'Cannot create already existing endpoint "{self.sagemaker_backend.endpoints[name].arn}".'
            )
        endpoint = Endpoint(  # type: ignore[abstract]  # as moto's own is
            self.sagemaker_backend, name, self._config(), self._get_param("Tags")
        )
        endpoint.last_deployment_config = self._get_param("DeploymentConfig")
        self.sagemaker_backend.endpoints[name] = endpoint
        return ActionResult(endpoint.response_create)

    def update_endpoint(self) -> ActionResult:
        # moto has no UpdateEndpoint.
        endpoint = _endpoint(self.sagemaker_backend, self._get_param("EndpointName"))
        if endpoint.endpoint_status not in {"InService", "Failed"}:
            raise ValidationError(f'Cannot update in-progress endpoint "{endpoint.arn}".')
        endpoint.update(self._config())
        endpoint.last_deployment_config = self._get_param("DeploymentConfig")
        return ActionResult(endpoint.response_create)

    def delete_endpoint(self) -> ActionResult:
        # moto forgets it at once.
        _endpoint(self.sagemaker_backend, self._get_param("EndpointName")).enter("Deleting")
        return EmptyResult()

    def create_training_job(self) -> ActionResult:
        # moto's jobs are Completed at once.
        answer = super().create_training_job()
        job = _training_job(self.sagemaker_backend, self._get_param("TrainingJobName"))
        job.training_job_status, job.secondary_status = "InProgress", "Starting"
        job.training_start_time = job.training_end_time = None  # type: ignore[assignment]
        return answer

    def describe_training_job(self) -> ActionResult:
        return ActionResult(_training_job(self.sagemaker_backend, self._get_param("TrainingJobName")).response_object)

    def stop_training_job(self) -> ActionResult:
        # moto has no StopTrainingJob.
        job = _training_job(self.sagemaker_backend, self._get_param("TrainingJobName"))
        if job.training_job_status in ENDED:
            raise ValidationError(
                f"The request was rejected because the training job is in status {job.training_job_status}."
            )
        job.training_job_status = job.secondary_status = "Stopping"
        job.last_modified_time = utcnow()
        return EmptyResult()

    def describe_pipeline(self) -> ActionResult:
        # moto knows no ARN here, and says ValidationException where the model declares ResourceNotFound.
        return ActionResult(self.sagemaker_backend.describe_pipeline(self._pipeline().pipeline_name))

    def update_pipeline(self) -> ActionResult:
        # moto leaves LastModifiedTime as it was.
        answer = super().update_pipeline()
        self._pipeline().last_modified_time = utcnow()
        return answer

    def start_pipeline_execution(self) -> ActionResult:
        # moto's executions are Succeeded at once.
        answer = super().start_pipeline_execution()
        execution = list(self._pipeline().pipeline_executions.values())[-1]
        execution.pipeline_execution_status = "Executing"
        return answer

    def _config(self) -> EndpointConfig:
        name = self._get_param("EndpointConfigName")
        self.sagemaker_backend.describe_endpoint_config(
            name
        )  # says in moto's words, which are AWS's, that there is none
        config = self.sagemaker_backend.endpoint_configs[name]
        assert isinstance(config, EndpointConfig)
        return config

    def _pipeline(self) -> FakePipeline:
        name_or_arn: str = self._get_param("PipelineName")
        pipeline = self.sagemaker_backend.pipelines.get(name_or_arn.rpartition("/")[2])
        if pipeline is None:
            raise ResourceNotFound(f"Pipeline '{name_or_arn}' does not exist.")
        return pipeline


def _backend() -> SageMakerModelBackend:
    return sagemaker_backends[ACCOUNT][REGION]


def _endpoint(backend: SageMakerModelBackend, name: str) -> Endpoint:
    backend.describe_endpoint(name)  # says in moto's words, which are AWS's, that there is none
    endpoint = backend.endpoints[name]
    assert isinstance(endpoint, Endpoint)
    return endpoint


def _training_job(backend: SageMakerModelBackend, name: str) -> FakeTrainingJob:
    if name not in backend.training_jobs:
        raise ValidationError("Requested resource not found.")
    return backend.training_jobs[name]


def settle_endpoint(name: str) -> None:
    """Bring an endpoint into service, with the configuration it was being updated to."""
    endpoint = _endpoint(_backend(), name)
    if endpoint.pending_deployment_summary:
        config = _backend().endpoint_configs[endpoint.pending_deployment_summary["EndpointConfigName"]]
        assert isinstance(config, EndpointConfig)
        endpoint.take(config)
    endpoint.enter("InService")


def fail_endpoint(name: str, reason: str) -> None:
    """Let what an endpoint is doing fail."""
    _endpoint(_backend(), name).enter("Failed", reason)


def forget_endpoint(name: str) -> None:
    """Complete the deletion of an endpoint."""
    del _backend().endpoints[name]


def train(name: str) -> None:
    """Let a training job begin to train."""
    job = _training_job(_backend(), name)
    job.secondary_status = "Training"
    job.training_start_time = job.last_modified_time = utcnow()


def end_training_job(name: str, status: Literal["Completed", "Failed", "Stopped"], reason: str | None = None) -> None:
    """End a training job."""
    job = _training_job(_backend(), name)
    job.training_job_status = job.secondary_status = status
    job.training_end_time = job.last_modified_time = utcnow()
    job.failure_reason = reason  # type: ignore[attr-defined]


def end_pipeline_execution(arn: str, status: Literal["Succeeded", "Failed", "Stopped"]) -> None:
    """End an execution of a pipeline."""
    pipeline = arn.rpartition("/execution/")[0].rpartition("/")[2]
    execution = _backend().pipelines[pipeline].pipeline_executions[arn]
    execution.pipeline_execution_status = status
    execution.last_modified_time = utcnow()
