"""Plays AWS: SageMaker changes a resource, CloudWatch evaluates an alarm, each sends the events that AWS documents."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal

from botocore.exceptions import ClientError

from sagewatch_cli.local.doubles import sagemaker
from sagewatch_cli.local.doubles.event_bus import Pump
from sagewatch_cli.local.doubles.journal import Change
from sagewatch_cli.local.doubles.mute_rules import muting
from sagewatch_cli.local.doubles.server import Doubles
from sagewatch_cli.local.drivers.payloads import Event, Events, milliseconds
from sagewatch_cli.local.machine.environment import ACCOUNT, REGION

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch import CloudWatchClient

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
class Variant:
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
    bus: Pump
    events: Events

    # ---- endpoints

    def create_endpoint(
        self, name: str, *variants: Variant, tags: Mapping[str, str] | None = None, **config: Any
    ) -> None:
        """Create an endpoint and bring it into service; `config` are further fields of its configuration."""
        self.begin_endpoint(name, *variants, tags=tags, **config)
        self.settle_endpoint(name)

    def begin_endpoint(
        self, name: str, *variants: Variant, tags: Mapping[str, str] | None = None, **config: Any
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

    def update_endpoint(self, name: str, *variants: Variant, rolled_back_by: Iterable[str] = (), **config: Any) -> None:
        """Update an endpoint to other variants and wait until it serves with them."""
        self.begin_update(name, *variants, rolled_back_by=rolled_back_by, **config)
        self.settle_endpoint(name)

    def begin_update(self, name: str, *variants: Variant, rolled_back_by: Iterable[str] = (), **config: Any) -> None:
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
        self.bus.pump(self.endpoint_deleted(name))

    def advance_endpoints(self) -> Iterator[str]:
        """Bring every endpoint to where it is going, as time does on AWS, and say what happened."""
        for endpoint in self.client.list_endpoints(MaxResults=100)["Endpoints"]:
            name = endpoint["EndpointName"]
            if endpoint["EndpointStatus"] in {"Creating", "Updating"}:
                self.settle_endpoint(name)
                yield f"endpoint {name} is in service"
            elif endpoint["EndpointStatus"] == "Deleting":
                self.forget_endpoint(name)
                yield f"endpoint {name} is gone"

    def endpoint_event(self, name: str) -> Event:
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

    def endpoint_deleted(self, name: str) -> Event:
        """Return the event that tells of an endpoint's end."""
        arn = _arn("endpoint", name)
        return self.events.make(
            "endpoint-deleted", detail={"EndpointName": name, "EndpointArn": arn, "Tags": {}}, resources=[arn]
        )

    def _tell_endpoint(self, name: str) -> None:
        self.bus.pump(self.endpoint_event(name))

    def _configure(self, name: str, variants: Iterable[Variant], config: Mapping[str, Any]) -> str:
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
        self.bus.pump(self.events.make(payload, detail=detail, resources=[job["TrainingJobArn"]]))

    # ---- pipelines

    def create_pipeline(
        self, name: str, *steps: str, trail: bool = True, tags: Mapping[str, str] | None = None
    ) -> None:
        """Create a pipeline; without a CloudTrail trail nobody is told."""
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
        self.bus.pump(self.events.make(payload, detail={**arns, **detail}, resources=[pipeline, execution]))

    def _tell_call(self, payload: str, name: str, trail: bool) -> None:
        if not trail:
            return
        written = self.events.load(payload)["detail"]
        detail = {
            "requestParameters": {**written["requestParameters"], "pipelineName": name},
            "responseElements": {**written["responseElements"], "pipelineArn": _arn("pipeline", name)},
        }
        self.bus.pump(self.events.make(payload, detail=detail))

    # ---- tags

    def tag(self, arn: str, **tags: str) -> None:
        """Add tags, and tell by CloudTrail."""
        self.client.add_tags(ResourceArn=arn, Tags=_tags(tags))
        written = self.events.load("cloudtrail-add-tags")["detail"]["requestParameters"]
        asked = [{"key": key, "value": value} for key, value in tags.items()]
        self.bus.pump(
            self.events.make(
                "cloudtrail-add-tags", detail={"requestParameters": {**written, "resourceArn": arn, "tags": asked}}
            )
        )

    def _tags_of(self, arn: str) -> dict[str, str]:
        return {tag["Key"]: tag["Value"] for tag in self.client.list_tags(ResourceArn=arn)["Tags"]}


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmDriver:
    """Evaluates alarms as CloudWatch does, with the datapoints it is given."""

    client: CloudWatchClient
    doubles: Doubles
    bus: Pump
    events: Events

    def fire(self, name: str, *datapoints: float) -> Event:
        """Send an alarm into ALARM on these datapoints, the last one newest, and tell."""
        return self._enter(name, "ALARM", datapoints, "alarm-firing")

    def clear(self, name: str, *datapoints: float) -> Event:
        """Send an alarm back to OK, and tell."""
        return self._enter(name, "OK", datapoints, "alarm-cleared")

    def tell(self) -> tuple[Event, ...]:
        """Tell of every change of an alarm's configuration since the last time, whoever made it."""
        told = tuple(self._changed(change) for change in self.doubles.changes())
        for event in told:
            self.bus.pump(event)
        return told

    def _enter(self, name: str, state: Literal["ALARM", "OK"], datapoints: tuple[float, ...], payload: str) -> Event:
        before = self._described(name)
        reason = _reason(before, state, datapoints)
        self.client.set_alarm_state(
            AlarmName=name,
            StateValue=state,
            StateReason=reason,
            StateReasonData=json.dumps(_reason_data(before, datapoints)),
        )
        after = self._described(name)
        detail = {
            "alarmName": name,
            "state": _state(after),
            "previousState": _state(before),
            "configuration": {"description": after.get("AlarmDescription"), "metrics": list(_metrics(after))},
            "muteDetail": _mute_detail(name),
        }
        event = self.events.make(payload, detail=detail, resources=[after["AlarmArn"]])
        self.bus.pump(event)
        return event

    def _described(self, name: str) -> Mapping[str, Any]:
        [alarm] = self.client.describe_alarms(AlarmNames=[name])["MetricAlarms"]
        return alarm

    def _changed(self, change: Change) -> Event:
        payload = "alarm-deleted" if change.operation == "delete" else "alarm-edited"
        detail = {
            "alarmName": change.alarm["AlarmName"],
            "operation": change.operation,
            "state": _state(change.state),
            "configuration": _configuration(change.alarm),
            "previousConfiguration": _configuration(change.before) if change.before else None,
        }
        return self.events.make(payload, detail=detail, resources=[_alarm_arn(change.alarm["AlarmName"])])


def _definition(steps: Iterable[str]) -> str:
    return json.dumps(
        {"Version": "2020-12-01", "Steps": [{"Name": step, "Type": "Training", "Arguments": {}} for step in steps]}
    )


def _tags(tags: Mapping[str, str] | None) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in (tags or {}).items()]


def _arn(kind: str, name: str) -> str:
    return f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:{kind}/{name}"


def _alarm_arn(name: str) -> str:
    return f"arn:aws:cloudwatch:{REGION}:{ACCOUNT}:alarm:{name}"


def _stamp(time: datetime) -> str:
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "+0000"


def _state(alarm: Mapping[str, Any]) -> dict[str, Any]:
    data = {"reasonData": alarm["StateReasonData"]} if alarm.get("StateReasonData") else {}
    return {
        "value": alarm["StateValue"],
        "reason": alarm["StateReason"],
        "timestamp": _stamp(alarm["StateUpdatedTimestamp"]),
        **data,
    }


def _mute_detail(name: str) -> dict[str, str] | None:
    """Return what an event says of an alarm that a mute rule keeps quiet, None when none does."""
    if not (found := muting(name, datetime.now(UTC))):
        return None
    rule, begin, end = found
    return {"mutedByArn": rule.arn, "muteWindowStart": _stamp(begin), "muteWindowEnd": _stamp(end)}


_OPERATORS: Mapping[str, str] = {
    "GreaterThanThreshold": "greater than",
    "GreaterThanOrEqualToThreshold": "greater than or equal to",
    "LessThanThreshold": "less than",
    "LessThanOrEqualToThreshold": "less than or equal to",
}


def _reason(alarm: Mapping[str, Any], state: str, datapoints: tuple[float, ...]) -> str:
    """Say why, in CloudWatch's own words."""
    needed, of = alarm.get("DatapointsToAlarm", alarm["EvaluationPeriods"]), alarm["EvaluationPeriods"]
    shown = ", ".join(f"{value} ({at:%d/%m/%y %H:%M:%S})" for at, value in _dated(alarm, datapoints))
    were, before = ("were", "OK -> ALARM") if state == "ALARM" else ("were not", "ALARM -> OK")
    crossed = f"{were} {_OPERATORS[alarm['ComparisonOperator']]} the threshold ({float(alarm['Threshold'])})"
    least = f"minimum {needed} datapoint{'s' if needed > 1 else ''} for {before} transition"
    return f"Threshold Crossed: {needed} out of the last {of} datapoints [{shown}] {crossed} ({least})."


def _reason_data(alarm: Mapping[str, Any], datapoints: tuple[float, ...]) -> dict[str, Any]:
    dated = _dated(alarm, datapoints)
    statistic = alarm.get("Statistic") or alarm.get("ExtendedStatistic")
    return {
        "version": "1.0",
        "queryDate": _stamp(datetime.now(UTC)),
        "startDate": _stamp(dated[-1][0]),
        # An alarm on an expression has no statistic of its own.
        **({"statistic": statistic} if statistic else {}),
        "period": _period(alarm),
        "recentDatapoints": list(datapoints),
        "threshold": float(alarm["Threshold"]),
        "evaluatedDatapoints": [{"timestamp": _stamp(at), "value": value} for at, value in dated],
    }


def _dated(alarm: Mapping[str, Any], datapoints: tuple[float, ...]) -> list[tuple[datetime, float]]:
    """Return the datapoints with their times, newest first, as CloudWatch lists them."""
    now = datetime.now(UTC).replace(second=0, microsecond=0)
    return [
        (now - timedelta(seconds=_period(alarm) * n), value) for n, value in enumerate(reversed(datapoints), start=1)
    ]


def _period(alarm: Mapping[str, Any]) -> int:
    queries = alarm.get("Metrics") or ()
    return next(
        (query["MetricStat"]["Period"] for query in queries if "MetricStat" in query), alarm.get("Period") or 60
    )


def _metrics(alarm: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield an alarm's metrics as its events have them: dimensions are a map."""
    if not alarm.get("Metrics"):
        statistic = alarm.get("Statistic") or alarm.get("ExtendedStatistic")
        yield {
            "id": str(uuid.uuid4()),
            "metricStat": _metric_stat(alarm, alarm["Period"], statistic),
            "returnData": True,
        }
        return
    for query in alarm["Metrics"]:
        same = {name[0].lower() + name[1:]: query[name] for name in ("Id", "Expression", "Label") if name in query}
        stat = query.get("MetricStat")
        measured = {"metricStat": _metric_stat(stat["Metric"], stat["Period"], stat["Stat"])} if stat else {}
        yield {**same, **measured, "returnData": query.get("ReturnData", True)}


def _metric_stat(metric: Mapping[str, Any], period: int, statistic: str | None) -> dict[str, Any]:
    dimensions = {each["Name"]: each["Value"] for each in metric.get("Dimensions", ())}
    named = {"namespace": metric["Namespace"], "name": metric["MetricName"], "dimensions": dimensions}
    return {"metric": named, "period": period, "stat": statistic}


def _configuration(alarm: Mapping[str, Any]) -> dict[str, Any]:
    kept = {
        "alarmName": alarm["AlarmName"],
        "description": alarm.get("AlarmDescription"),
        "metrics": list(_metrics(alarm)),
        "evaluationPeriods": alarm["EvaluationPeriods"],
        "datapointsToAlarm": alarm.get("DatapointsToAlarm"),
        "threshold": alarm.get("Threshold"),
        "comparisonOperator": alarm["ComparisonOperator"],
        "treatMissingData": alarm.get("TreatMissingData", "missing"),
        "actionsEnabled": alarm.get("ActionsEnabled", True),
        "okActions": alarm.get("OKActions", []),
        "alarmActions": alarm.get("AlarmActions", []),
        "insufficientDataActions": alarm.get("InsufficientDataActions", []),
        "timestamp": _stamp(datetime.now(UTC)),
    }
    return {name: value for name, value in kept.items() if value is not None}
