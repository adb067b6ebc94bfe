"""What people do in an account: make, change, tag and delete SageMaker resources of all kinds; and the events of it.

Shapes of descriptions: API reference of the Describe* operations. Events: the payloads in events/.
"""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from sagewatch.kinds.registry import KINDS
from tests.model.account import APIS, ARN, AccountDouble, Resource
from tests.payloads import event

WATCHED = tuple(kind.name for kind in KINDS if kind.specs)
"""The kinds that have alarms."""

ROLE = "arn:aws:iam::123456789012:role/ml"
JOBS = frozenset({"training-job", "processing-job", "transform-job", "labeling-job", "recommender-job"})
_STATUS = {
    **dict.fromkeys(("endpoint", "inference-component", "cluster", "notebook"), "InService"),
    **dict.fromkeys(("pipeline",), "Active"),
    "feature-group": "Created",
    "monitoring-schedule": "Scheduled",
    "recommender-job": "IN_PROGRESS",
}
_ENDED = {"recommender-job": "COMPLETED"}
_STATE_EVENTS = {
    "endpoint": ("endpoint-in-service", "churn"),
    "training-job": ("training-job-in-progress", "xgb-churn"),
    "processing-job": ("processing-job-in-progress", None),
    "transform-job": ("transform-job-in-progress", None),
    "pipeline": ("pipeline-executing", "churn-train"),
    "feature-group": ("feature-group-active", None),
    "monitoring-schedule": ("monitoring-schedule-scheduled", "churn-drift"),
    "cluster": ("cluster-in-service", None),
    "labeling-job": ("labeling-job-completed", "cats"),
}
"""The payload of a kind's state change, and the name in it where it is not the field that Describe has."""

_CALLS = {
    "endpoint": ("CreateEndpoint", "UpdateEndpoint", "DeleteEndpoint"),
    "inference-component": ("CreateInferenceComponent", "UpdateInferenceComponent", "DeleteInferenceComponent"),
    "pipeline": ("CreatePipeline", "UpdatePipeline", "DeletePipeline"),
    "feature-group": ("CreateFeatureGroup", "UpdateFeatureGroup", "DeleteFeatureGroup"),
    "labeling-job": ("CreateLabelingJob", "", ""),
    "recommender-job": ("CreateInferenceRecommendationsJob", "", "StopInferenceRecommendationsJob"),
    "monitoring-schedule": ("CreateMonitoringSchedule", "UpdateMonitoringSchedule", "DeleteMonitoringSchedule"),
    "cluster": ("CreateCluster", "", "DeleteCluster"),
}
"""What CloudTrail records: create, update, delete."""

type Fate = Callable[[dict[str, Any]], Iterator[dict[str, Any]]]
"""What becomes of an event: none, one or several of it arrive."""


def delivered(each: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield each


@dataclass(slots=True)
class World:
    """The account as its people see it; `tell` hands events to EventBridge."""

    account: AccountDouble
    tell: Callable[[dict[str, Any]], None]
    fate: Fate = delivered
    made: int = 0
    ghosts: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Configurations (`config/…`) and models (`model/…`) that were deleted, as they were."""
    coming: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    """What is being made or deployed, as it will be described."""

    # ------------------------------------------------------------------------------------------------ what people do
    def create(self, kind: str, name: str, shape: int = 0, *, silent: bool = False, **tags: str) -> None:
        """Make a resource, or change the one of that name into another shape."""
        self.made += 1
        before = self.account.resources.get((kind, name))
        api, now = APIS[kind], self.account.clock.now
        body = {
            api.name: name,
            api.arn: f"{ARN}:{api.arn_type}/{name.lower() if kind != 'cluster' else f'c{self.made}'}",
            api.status: _STATUS.get(kind, "InProgress"),
            **SHAPES[kind][shape % len(SHAPES[kind])](self, name),
            "CreationTime": before.body["CreationTime"] if before else now,
            "LastModifiedTime": now,
        }
        if before and kind == "cluster":
            body[api.arn] = before.body[api.arn]
        old = before.tags if before else {}
        self.account.resources[kind, name] = Resource(kind, name, body, {**old, **tags})
        self.coming.pop((kind, name), None)
        if not silent:
            self._told(kind, name, 1 if before else 0)

    def delete(self, kind: str, name: str) -> None:
        """Delete a resource; a job ends."""
        found = self.account.resources[kind, name]
        self.coming.pop((kind, name), None)
        if kind in JOBS:
            self._set(found, _ENDED.get(kind, "Completed"))
        else:
            # Its metrics stay listed for two weeks (API reference of ListMetrics).
            del self.account.resources[kind, name]
        self._told(kind, name, 2, found.body[APIS[kind].arn])

    def begin_to_make(self, kind: str, name: str, shape: int = 0) -> None:
        """Make a resource that is not in service yet; DescribeEndpoint may not name its variants so early."""
        self.create(kind, name, shape, silent=True)
        found = self.account.resources[kind, name]
        self.coming[kind, name] = found.body
        early = {key: value for key, value in found.body.items() if not key.endswith("ProductionVariants")}
        found.body = {**early, APIS[kind].status: "Creating"}
        self._told(kind, name, 0)

    def begin_to_update(self, endpoint: str, shape: int = 0) -> None:
        """Begin a deployment: the endpoint serves as before, and names what is coming (PendingDeploymentSummary)."""
        before = self.account.resources["endpoint", endpoint].body
        self.create("endpoint", endpoint, shape, silent=True)
        found = self.account.resources["endpoint", endpoint]
        self.coming["endpoint", endpoint] = after = found.body
        named = ("EndpointConfigName", "ProductionVariants", "ShadowProductionVariants")
        pending = {key: after[key] for key in named if key in after} | {"StartTime": self.account.clock.now}
        found.body = {**before, "PendingDeploymentSummary": pending}
        self._set(found, "Updating")
        self._told("endpoint", endpoint, 1)

    def finish(self, kind: str, name: str, *, well: bool) -> None:
        """End what was begun: in service, or rolled back; what was never in service has failed."""
        found, coming = self.account.resources[kind, name], self.coming.pop((kind, name))
        was_made = found.body[APIS[kind].status] == "Creating"
        body = coming if well else {k: v for k, v in found.body.items() if k != "PendingDeploymentSummary"}
        found.body = {**body, "CreationTime": found.body["CreationTime"]}
        self._set(found, "Failed" if was_made and not well else _STATUS[kind])
        self._told(kind, name, 1)

    def guard(self, kind: str, name: str, alarms: list[str]) -> None:
        """Deploy once more, to be rolled back by these alarms (AutoRollbackConfiguration)."""
        found = self.account.resources[kind, name]
        found.body = {
            **found.body,
            "LastDeploymentConfig": {"AutoRollbackConfiguration": {"Alarms": [{"AlarmName": each} for each in alarms]}},
            "LastModifiedTime": self.account.clock.now,
        }
        self._told(kind, name, 1)

    def begin_to_delete(self, kind: str, name: str) -> None:
        """Bring a resource into the status Deleting, in which it may stay for minutes."""
        self.coming.pop((kind, name), None)
        self._set(self.account.resources[kind, name], "Deleting")

    def _set(self, found: Resource, status: str) -> None:
        api = APIS[found.kind]
        found.body = {**found.body, api.status: status, "LastModifiedTime": self.account.clock.now}

    def tag(self, kind: str, name: str, **tags: str) -> None:
        """Set tags; `sagewatch__ignore` is `sagewatch:ignore`. A value that is empty takes the tag away."""
        found = self.account.resources[kind, name]
        spelt = {key.replace("__", ":").replace("_", "-"): value for key, value in tags.items()}
        found.tags = {key: value for key, value in {**found.tags, **spelt}.items() if value}
        self._record("AddTags", {"resourceArn": found.body[APIS[kind].arn], "tags": []})

    def hide_config(self, endpoint: str) -> None:
        """Delete the configuration of an endpoint that lives (DeleteEndpointConfig allows it)."""
        name = self.account.resources["endpoint", endpoint].body["EndpointConfigName"]
        if found := self.account.configs.pop(name, None):
            self.ghosts[f"config/{name}"] = found

    def hide_models(self, endpoint: str) -> None:
        """Delete the models of an endpoint that lives (DeleteModel allows it)."""
        body = self.account.resources["endpoint", endpoint].body
        for name in [each for each in self.account.models if each.startswith(f"{body['EndpointConfigName']}-")]:
            self.ghosts[f"model/{name}"] = self.account.models.pop(name)

    def publish(self, namespace: str, metric: str, **dimensions: str) -> None:
        """Have CloudWatch list a metric."""
        self.account.metrics.append((namespace, metric, dimensions))

    def publish_late(self, kind: str, name: str) -> None:
        """Have CloudWatch list what it lists of a resource of that kind some time after it began."""
        self.made += 1
        for namespace, metric, dimensions in _LATE.get(kind, lambda _name, _made: ())(name, self.made):
            self.publish(namespace, metric, **dimensions)

    # ------------------------------------------------------------------------------------------------ what AWS tells
    def _told(self, kind: str, name: str, what: int, arn: str = "") -> None:
        api = APIS[kind]
        found = self.account.resources.get((kind, name))
        arn = arn or (found.body[api.arn] if found else "")
        if kind in _STATE_EVENTS:
            self._arrive(state_change(kind, name, arn))
        if kind in _CALLS and (call := _CALLS[kind][what]):
            parameter = api.name[0].lower() + api.name[1:]
            self._record(call, {parameter: name}, {api.arn[0].lower() + api.arn[1:]: arn})

    def _record(self, call: str, parameters: Mapping[str, Any], response: Mapping[str, Any] | None = None) -> None:
        body = event("cloudtrail-create-endpoint")
        body["detail"] |= {"eventName": call, "requestParameters": parameters, "responseElements": response}
        self._arrive(body)

    def _arrive(self, body: dict[str, Any]) -> None:
        for each in self.fate(body):
            self.tell(each)


def state_change(kind: str, name: str, arn: str) -> dict[str, Any]:
    """Return the event of a kind's state change, as in events/, about another resource."""
    payload, inside = _STATE_EVENTS[kind]
    body = event(payload)
    its = inside or body["detail"][APIS[kind].name]
    text = json.dumps(body)
    old = next((each for each in body["resources"] if f":{APIS[kind].arn_type}/" in each), None)
    if old:
        text = text.replace(json.dumps(old)[1:-1].partition("/execution/")[0], arn)
    changed: dict[str, Any] = json.loads(text.replace(f'"{its}"', f'"{name}"'))
    return changed


# ---------------------------------------------------------------------------------------------------- shapes
def _config(world: World, endpoint: str, variants: list[dict[str, Any]], **more: Any) -> str:
    name = f"{endpoint}-config-{world.made}"
    world.account.configs[name] = {
        "EndpointConfigName": name,
        "EndpointConfigArn": f"{ARN}:endpoint-config/{name}",
        "ProductionVariants": [
            {**each, **({"ModelName": f"{name}-{each['ModelName']}"} if "ModelName" in each else {})}
            for each in variants
        ],
        "CreationTime": world.account.clock.now,
        **more,
    }
    for each in variants:
        if "ModelName" in each:
            _model(world, f"{name}-{each['ModelName']}", each["ModelName"])
    return name


def _model(world: World, name: str, what: str) -> None:
    container = {"Image": "i", "ModelDataUrl": "s3://b/k"}
    if what == "pipeline":
        body: dict[str, Any] = {
            "Containers": [{**container, "ContainerHostname": "prepare"}, {**container, "ContainerHostname": "score"}],
            "InferenceExecutionConfig": {"Mode": "Direct"},
        }
    else:
        body = {"PrimaryContainer": {**container, "Mode": "MultiModel" if what == "many" else "SingleModel"}}
    world.account.models[name] = {
        "ModelName": name,
        "ModelArn": f"{ARN}:model/{name}",
        "CreationTime": world.account.clock.now,
        **body,
    }


def _variant(name: str = "AllTraffic", instance: str = "ml.m5.xlarge", model: str = "plain") -> dict[str, Any]:
    return {
        "VariantName": name,
        "ModelName": model,
        "InstanceType": instance,
        "InitialInstanceCount": 1,
        "InitialVariantWeight": 1.0,
    }


def _endpoint(*variants: dict[str, Any], **more: Any) -> Callable[[World, str], dict[str, Any]]:
    def body(world: World, name: str) -> dict[str, Any]:
        config = _config(world, name, list(variants), **more)
        shadows = {"ShadowProductionVariants": _shown(more["ShadowProductionVariants"])} if shadowed(more) else {}
        described = {key: more[key] for key in ("AsyncInferenceConfig", "MetricsConfig") if key in more}
        return {"EndpointConfigName": config, "ProductionVariants": _shown(variants), **shadows, **described}

    return body


def shadowed(config: Mapping[str, Any]) -> bool:
    return "ShadowProductionVariants" in config


def _shown(variants: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return variants as DescribeEndpoint shows them (ProductionVariantSummary): without model and instance type."""
    kept = ("VariantName", "InstancePools", "AcceleratorPartitionLayouts")
    return [
        {"CurrentInstanceCount": 1}
        | {key: each[key] for key in kept if key in each}
        | ({"CurrentServerlessConfig": each["ServerlessConfig"]} if "ServerlessConfig" in each else {})
        for each in variants
    ]


def _component(gpus: int) -> Callable[[World, str], dict[str, Any]]:
    def body(world: World, name: str) -> dict[str, Any]:
        requirements = {"NumberOfAcceleratorDevicesRequired": gpus} if gpus else {"NumberOfCpuCoresRequired": 1}
        hosts = [n for (kind, n), each in sorted(world.account.resources.items()) if kind == "endpoint"]
        endpoint = hosts[0] if hosts else "host"
        return {
            "EndpointName": endpoint,
            "EndpointArn": f"{ARN}:endpoint/{endpoint.lower()}",
            "VariantName": "AllTraffic",
            "Specification": {"ModelName": "m", "ComputeResourceRequirements": requirements},
        }

    return body


def _hosts(count: int, instance: str, where: tuple[str, ...]) -> Callable[[World, str], dict[str, Any]]:
    def body(world: World, name: str) -> dict[str, Any]:
        found: dict[str, Any] = {"InstanceType": instance, "InstanceCount": count, "VolumeSizeInGB": 50}
        for key in reversed(where):
            found = {key: found}
        return found

    return body


def _transform(count: int) -> Callable[[World, str], dict[str, Any]]:
    def body(world: World, name: str) -> dict[str, Any]:
        for number in range(count):
            world.publish("/aws/sagemaker/TransformJobs", "MemoryUtilization", Host=f"{name}/i-{world.made}{number:03}")
        return {"TransformResources": {"InstanceType": "ml.m5.xlarge", "InstanceCount": count or 2}}

    return body


def _pipeline(*steps: str) -> Callable[[World, str], dict[str, Any]]:
    definition = {"Version": "2020-12-01", "Steps": [{"Name": step, "Type": "Training"} for step in steps]}
    return lambda _world, _name: {"PipelineDefinition": json.dumps(definition), "RoleArn": ROLE}


def _features(*operations: str, **more: Any) -> Callable[[World, str], dict[str, Any]]:
    def body(world: World, name: str) -> dict[str, Any]:
        for operation in operations:
            world.publish("AWS/SageMaker", "Latency", FeatureGroupName=name, OperationName=operation)
        return {
            "RecordIdentifierFeatureName": "id",
            "EventTimeFeatureName": "at",
            "FeatureDefinitions": [],
            "OnlineStoreConfig": {"EnableOnlineStore": True},
            **more,
        }

    return body


def _schedule(*features: str, kind: str = "DataQuality") -> Callable[[World, str], dict[str, Any]]:
    def body(world: World, name: str) -> dict[str, Any]:
        for feature in features:
            world.publish(
                "aws/sagemaker/Endpoints/data-metrics", f"feature_baseline_drift_{feature}", MonitoringSchedule=name
            )
        return {"MonitoringType": kind, "MonitoringScheduleConfig": {"MonitoringType": kind, "made": world.made}}

    return body


def _recommender(*endpoints: str) -> Callable[[World, str], dict[str, Any]]:
    def body(world: World, name: str) -> dict[str, Any]:
        space = "/aws/sagemaker/InferenceRecommendationsJobs"
        for each in endpoints:
            world.publish(space, "ClientInvocations", JobName=name, EndpointName=f"sm-{each}")
        return {"JobType": "Default", "RoleArn": ROLE}

    return body


def _cluster(**orchestrator: Any) -> Callable[[World, str], dict[str, Any]]:
    return lambda _world, _name: {"Orchestrator": orchestrator, "InstanceGroups": []}


_SERVERLESS = {
    "VariantName": "AllTraffic",
    "ModelName": "plain",
    "ServerlessConfig": {"MemorySizeInMB": 2048, "MaxConcurrency": 5},
}
_POOLED = {
    "VariantName": "AllTraffic",
    "ModelName": "plain",
    "InstancePools": [{"InstanceType": "ml.g5.xlarge", "Priority": 1}, {"InstanceType": "ml.m5.xlarge", "Priority": 2}],
}
_SHADOW = {"VariantName": "shadow", "InstanceType": "ml.m5.xlarge", "InitialInstanceCount": 1}
_EMPTY_VARIANT = {"VariantName": "AllTraffic", "InstanceType": "ml.g5.xlarge", "InitialInstanceCount": 1}

SHAPES: Mapping[str, tuple[Callable[[World, str], dict[str, Any]], ...]] = {
    "endpoint": (
        _endpoint(_variant()),
        _endpoint(_variant(instance="ml.g5.2xlarge")),
        _endpoint(_variant("blue"), _variant("green", "ml.g5.xlarge")),
        _endpoint(_variant(model="pipeline")),
        _endpoint(_variant(model="many")),
        _endpoint(_SERVERLESS),
        _endpoint(_variant(), AsyncInferenceConfig={"OutputConfig": {"S3OutputPath": "s3://b/o"}}),
        _endpoint(_EMPTY_VARIANT, ExecutionRoleArn=ROLE),
        _endpoint(_POOLED),
        _endpoint(_variant(), MetricsConfig={"EnableEnhancedMetrics": True, "MetricPublishFrequencyInSeconds": 300}),
        _endpoint(_variant(), MetricsConfig={"EnableEnhancedMetrics": False, "MetricPublishFrequencyInSeconds": 10}),
        _endpoint(_variant(), ShadowProductionVariants=[_SHADOW]),
        _endpoint(_variant("blue", "ml.p4d.24xlarge") | {"AcceleratorPartitionLayouts": [{"LayoutName": "halves"}]}),
        _endpoint(_variant("green", "ml.m5.4xlarge"), _variant("blue", "ml.g5.xlarge", "pipeline")),
    ),
    "inference-component": (_component(0), _component(1)),
    "training-job": (
        _hosts(1, "ml.g5.12xlarge", ("ResourceConfig",)),
        _hosts(12, "ml.m5.xlarge", ("ResourceConfig",)),
    ),
    "processing-job": (
        _hosts(1, "ml.m5.xlarge", ("ProcessingResources", "ClusterConfig")),
        _hosts(2, "ml.g5.xlarge", ("ProcessingResources", "ClusterConfig")),
    ),
    "transform-job": (_transform(0), _transform(2), _transform(12)),
    "tuning-job": (lambda _world, _name: {},),
    "automl-job": (lambda _world, _name: {},),
    "pipeline": (_pipeline("Prepare", "Train"), _pipeline("Train"), _pipeline("Prepare", "Train", "Evaluate")),
    "feature-group": (
        _features(),
        _features("DeleteRecord"),
        _features(
            ThroughputConfig={
                "ThroughputMode": "Provisioned",
                "ProvisionedReadCapacityUnits": 10,
                "ProvisionedWriteCapacityUnits": 5,
            }
        ),
        _features(OnlineStoreConfig={"EnableOnlineStore": False}),
    ),
    "labeling-job": (lambda _world, _name: {},),
    "recommender-job": (_recommender(), _recommender("a", "b")),
    "monitoring-schedule": (_schedule(), _schedule("age", "income"), _schedule(kind="ModelQuality")),
    "cluster": (
        _cluster(Eks={"ClusterArn": "arn:aws:eks:us-east-1:123456789012:cluster/eks"}),
        _cluster(Slurm={}),
    ),
    "notebook": (lambda _world, _name: {"InstanceType": "ml.t3.medium"},),
}
"""What each kind may look like."""


def lossy(choose: random.Random) -> Fate:
    """Lose, double or truncate events by chance."""

    def fate(body: dict[str, Any]) -> Iterator[dict[str, Any]]:
        chance = choose.random()
        if chance < 0.25:
            return
        yield body
        if chance > 0.8:
            yield copy.deepcopy(body)

    return fate


type Late = Callable[[str, int], Iterable[tuple[str, str, dict[str, str]]]]

_ENDPOINTS, _DRIFT = "/aws/sagemaker/Endpoints", "aws/sagemaker/Endpoints/data-metrics"
_LATE: Mapping[str, Late] = {
    "endpoint": lambda name, made: [
        (
            _ENDPOINTS,
            "CPUUtilization",
            {
                "EndpointName": name,
                "VariantName": "AllTraffic",
                "InstanceType": ("ml.g5.xlarge", "ml.m5.xlarge")[made % 2],
            },
        )
    ],
    "transform-job": lambda name, made: [
        ("/aws/sagemaker/TransformJobs", "MemoryUtilization", {"Host": f"{name}/i-late{made}"})
    ],
    "monitoring-schedule": lambda name, made: [
        (_DRIFT, f"feature_baseline_drift_late{made % 3}", {"MonitoringSchedule": name})
    ],
    "feature-group": lambda name, made: [
        (
            "AWS/SageMaker",
            "Latency",
            {"FeatureGroupName": name, "OperationName": ("DeleteRecord", "PutRecord")[made % 2]},
        )
    ],
    "recommender-job": lambda name, made: [
        (
            "/aws/sagemaker/InferenceRecommendationsJobs",
            "ClientInvocations",
            {"JobName": name, "EndpointName": f"sm-late{made % 3}"},
        )
    ],
    "pipeline": lambda name, _made: [
        ("AWS/Sagemaker/ModelBuildingPipeline", "ExecutionStarted", {"PipelineName": name})
    ],
    "labeling-job": lambda name, made: [
        ("AWS/SageMaker/Workteam", "TasksDeclined", {"LabelingJobName": name, "WorkerId": f"w{made % 3}"})
    ],
    "cluster": lambda _name, _made: [
        (
            "ContainerInsights",
            "hyperpod_node_health_status_unschedulable",
            {"ClusterName": "eks"},
        )
    ],
}
"""The metrics that CloudWatch may list late, by kind."""
