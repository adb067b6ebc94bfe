"""Plays what happens to resources of all kinds but endpoints, training jobs and pipelines, by a table of lifecycles."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from moto.core.utils import camelcase_to_underscores

from sagewatch_cli.local.doubles import sagemaker_records
from sagewatch_cli.local.doubles.event_bus import BusEvent, TakesEvents
from sagewatch_cli.local.doubles.sagemaker_records import FAMILIES, ResourceFamily
from sagewatch_cli.local.drivers.payloads import Events, milliseconds
from sagewatch_cli.local.drivers.sagemaker import ROLE

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch import CloudWatchClient


@dataclass(frozen=True, slots=True, kw_only=True)
class Lifecycle:
    """How a kind of resource comes to be.

    `noun` is what its operations are called by, `state` the state that it enters once it is there, `payload` names the
    event that tells of that (None: no event does), `needs` is what its Create* cannot do without.
    """

    noun: str
    state: str
    payload: str | None = None
    needs: Mapping[str, Any] = field(default_factory=dict)

    @property
    def family(self) -> ResourceFamily:
        """Return how the double answers for it."""
        return next(family for family in FAMILIES if family.noun == self.noun)

    def operation(self, verb: str) -> str:
        """Return an operation's name: `CreateAutoMLJobV2`, but `StopAutoMLJob`."""
        return f"{verb}{self.noun}{self.family.version if verb in {'Create', 'Describe'} else ''}"


_S3 = {"S3Uri": "s3://bucket/input", "S3DataType": "S3Prefix"}
_TASK = {
    "WorkteamArn": "arn:aws:sagemaker:us-east-1:123456789012:workteam/private-crowd/team",
    "UiConfig": {"UiTemplateS3Uri": "s3://bucket/template"},
    "TaskTitle": "title",
    "TaskDescription": "description",
    "NumberOfHumanWorkersPerDataObject": 1,
    "TaskTimeLimitInSeconds": 60,
}
_GROUP = {
    "InstanceGroupName": "workers",
    "InstanceType": "ml.p5.48xlarge",
    "InstanceCount": 2,
    "LifeCycleConfig": {"SourceS3Uri": "s3://sagemaker-bucket", "OnCreate": "create.sh"},
    "ExecutionRole": ROLE,
}
_FEATURES = [{"FeatureName": "id", "FeatureType": "String"}, {"FeatureName": "at", "FeatureType": "Fractional"}]

LIFECYCLES: Mapping[str, Lifecycle] = {
    "inference-component": Lifecycle(noun="InferenceComponent", state="InService"),
    "processing-job": Lifecycle(
        noun="ProcessingJob",
        state="InProgress",
        payload="processing-job-in-progress",
        needs={"RoleArn": ROLE, "AppSpecification": {"ImageUri": "image"}},
    ),
    "transform-job": Lifecycle(
        noun="TransformJob",
        state="InProgress",
        payload="transform-job-in-progress",
        needs={
            "ModelName": "model",
            "TransformInput": {"DataSource": {"S3DataSource": _S3}},
            "TransformOutput": {"S3OutputPath": "s3://bucket/output"},
        },
    ),
    "tuning-job": Lifecycle(
        noun="HyperParameterTuningJob",
        state="InProgress",
        payload="tuning-job-in-progress",
        needs={
            "HyperParameterTuningJobConfig": {
                "Strategy": "Bayesian",
                "ResourceLimits": {"MaxParallelTrainingJobs": 2},
            }
        },
    ),
    "automl-job": Lifecycle(
        noun="AutoMLJob",
        state="InProgress",
        needs={
            "RoleArn": ROLE,
            "AutoMLJobInputDataConfig": [{"DataSource": {"S3DataSource": _S3}}],
            "OutputDataConfig": {"S3OutputPath": "s3://bucket/output"},
            "AutoMLProblemTypeConfig": {"TabularJobConfig": {"TargetAttributeName": "churned"}},
        },
    ),
    "feature-group": Lifecycle(
        noun="FeatureGroup",
        state="Created",
        payload="feature-group-active",
        needs={
            "RecordIdentifierFeatureName": "id",
            "EventTimeFeatureName": "at",
            "FeatureDefinitions": _FEATURES,
            "OnlineStoreConfig": {"EnableOnlineStore": True},
        },
    ),
    "labeling-job": Lifecycle(
        noun="LabelingJob",
        state="InProgress",
        needs={
            "RoleArn": ROLE,
            "LabelAttributeName": "label",
            "InputConfig": {"DataSource": {"S3DataSource": {"ManifestS3Uri": "s3://bucket/manifest"}}},
            "OutputConfig": {"S3OutputPath": "s3://bucket/output"},
            "HumanTaskConfig": _TASK,
        },
    ),
    "recommender-job": Lifecycle(
        noun="InferenceRecommendationsJob",
        state="IN_PROGRESS",
        needs={"RoleArn": ROLE, "JobType": "Default", "InputConfig": {"ModelName": "model"}},
    ),
    "monitoring-schedule": Lifecycle(
        noun="MonitoringSchedule",
        state="Scheduled",
        payload="monitoring-schedule-scheduled",
        needs={"MonitoringScheduleConfig": {"MonitoringType": "DataQuality"}},
    ),
    "cluster": Lifecycle(
        noun="Cluster",
        state="InService",
        payload="cluster-in-service",
        needs={
            "InstanceGroups": [_GROUP],
            "Orchestrator": {"Eks": {"ClusterArn": "arn:aws:eks:us-east-1:123456789012:cluster/research"}},
        },
    ),
    "notebook": Lifecycle(
        noun="NotebookInstance",
        state="InService",
        payload="notebook-in-service",
        needs={"RoleArn": ROLE, "InstanceType": "ml.t3.medium"},
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceDriver:
    """Changes resources of these kinds as their owners and SageMaker itself do."""

    client: Any
    cloudwatch: CloudWatchClient
    bus: TakesEvents
    events: Events

    def create(
        self, kind: str, name: str, *, trail: bool = True, tags: Mapping[str, str] | None = None, **request: Any
    ) -> None:
        """Create a resource and let it come to life; without a CloudTrail trail only its own events tell, if any."""
        lifecycle = LIFECYCLES[kind]
        tagged = {"Tags": [{"Key": key, "Value": value} for key, value in (tags or {}).items()]} if tags else {}
        wanted = {lifecycle.family.named: name, **lifecycle.needs, **request}
        self._do(lifecycle.operation("Create"), {**wanted, **tagged})
        self._tell_call(lifecycle.operation("Create"), wanted, trail=trail)
        sagemaker_records.enter_state(lifecycle.noun, name, lifecycle.state)
        if lifecycle.payload:
            self.tell(kind, name, lifecycle.payload)

    def end(self, kind: str, name: str, state: str, payload: str | None = None, **more: Any) -> None:
        """Bring a resource to a later state, told by this payload; `more` are fields of its description."""
        sagemaker_records.enter_state(LIFECYCLES[kind].noun, name, state, **more)
        if payload:
            self.tell(kind, name, payload)

    def delete(self, kind: str, name: str, payload: str | None = None, *, trail: bool = True) -> None:
        """Delete a resource, told by this payload, and wait until it is gone."""
        lifecycle = LIFECYCLES[kind]
        self._do(lifecycle.operation("Delete"), {lifecycle.family.named: name})
        self._tell_call(lifecycle.operation("Delete"), {lifecycle.family.named: name}, trail=trail)
        if not lifecycle.family.first("deleting"):
            return
        if payload:
            self.tell(kind, name, payload)
        sagemaker_records.complete_deletion(lifecycle.noun, name)

    def tell(self, kind: str, name: str, payload: str) -> None:
        """Send an event about a resource: the payload's, with the resource's own fields."""
        self.bus.put_event(self.event(kind, name, payload))

    def event(self, kind: str, name: str, payload: str) -> BusEvent:
        """Return the event about a resource: the payload's, with the resource's own fields."""
        family = LIFECYCLES[kind].family
        described = self._do(LIFECYCLES[kind].operation("Describe"), {family.named: name})
        tags = self.client.list_tags(ResourceArn=described[family.arn])["Tags"]
        fields = {**described, "Tags": {tag["Key"]: tag["Value"] for tag in tags}}
        # SageMaker spells states differently in events and in its API: the payload's own stay.
        own = {key for key in self.events.load(payload)["detail"] if not key.endswith("Status")}
        detail = {key: _as_told(fields[key]) for key in own & fields.keys()}
        return self.events.make(payload, detail=detail, resources=[described[family.arn]])

    def publish(self, namespace: str, metric: str, **dimensions: str) -> None:
        """Publish a data point, so that CloudWatch lists its metric."""
        named: Any = [{"Name": key, "Value": value} for key, value in dimensions.items()]
        self.cloudwatch.put_metric_data(
            Namespace=namespace, MetricData=[{"MetricName": metric, "Dimensions": named, "Value": 1.0}]
        )

    # ---- the kinds that take more than a name

    def create_component(self, name: str, endpoint: str, *, gpus: int = 0, trail: bool = True) -> None:
        """Put an inference component on an endpoint's only variant."""
        needs = {"NumberOfCpuCoresRequired": 1.0, "MinMemoryRequiredInMb": 1024}
        devices = {"NumberOfAcceleratorDevicesRequired": float(gpus)} if gpus else {}
        specification = {"ModelName": "model", "ComputeResourceRequirements": {**needs, **devices}}
        self.create(
            "inference-component",
            name,
            trail=trail,
            EndpointName=endpoint,
            VariantName="AllTraffic",
            Specification=specification,
            RuntimeConfig={"CopyCount": 1},
        )

    def start_processing_job(self, name: str, instance_type: str, count: int = 1, **more: Any) -> None:
        cluster = {"InstanceType": instance_type, "InstanceCount": count, "VolumeSizeInGB": 30}
        self.create("processing-job", name, ProcessingResources={"ClusterConfig": cluster}, **more)

    def start_transform_job(self, name: str, instance_type: str, count: int = 1, **more: Any) -> None:
        resources = {"InstanceType": instance_type, "InstanceCount": count}
        self.create("transform-job", name, TransformResources=resources, **more)

    def publish_hosts(self, transform_job: str, *instances: str) -> None:
        """Let the hosts of a transform job publish: CloudWatch lists them a quarter of an hour after they began."""
        for instance in instances:
            self.publish("/aws/sagemaker/TransformJobs", "MemoryUtilization", Host=f"{transform_job}/{instance}")

    def _do(self, operation: str, request: Mapping[str, Any]) -> dict[str, Any]:
        answer: dict[str, Any] = getattr(self.client, camelcase_to_underscores(operation))(**request)
        return answer

    def _tell_call(self, operation: str, request: Mapping[str, Any], *, trail: bool) -> None:
        if not trail:
            return
        parameters = {f"{key[0].lower()}{key[1:]}": value for key, value in request.items()}
        # The records of all calls are alike, but for their parameters.
        record = {"eventName": operation, "requestParameters": parameters, "responseElements": None}
        self.bus.put_event(self.events.make("cloudtrail-create-inference-component", detail=record))


def _as_told(value: Any) -> Any:
    return milliseconds(value) if isinstance(value, datetime) else value
