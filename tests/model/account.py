"""An AWS account in memory: what answers the product's calls after botocore has validated them.

Written from AWS's documentation. SageMaker: API reference of each Describe* and List* operation. CloudWatch: API
reference of PutMetricAlarm, DescribeAlarms, DeleteAlarms, ListMetrics and PutAlarmMuteRule, and "CloudWatch service
quotas". SQS: Developer Guide, "Visibility timeout" and "Dead-letter queues". Systems Manager: GetParameter,
GetParameterHistory. DynamoDB: GetItem, PutItem, DeleteItem.

Faults are what is left of a fault after botocore's own retries: a throttled call took as long as those and failed.
"""

from __future__ import annotations

import bisect
import copy
import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatchcase
from typing import Any

import boto3
from botocore.exceptions import ReadTimeoutError
from botocore.validate import validate_parameters

from tests.alarm_limits import broken

REGION, NUMBER = "us-east-1", "123456789012"
ARN = f"arn:aws:sagemaker:{REGION}:{NUMBER}"
BEGINNING = datetime(2026, 6, 1, 9, 0, tzinfo=UTC)
READ_S, WRITE_S = 0.05, 1 / 3  # PutMetricAlarm: three a second (CloudWatch service quotas)
RETRIES_S = 45.0  # one throttled put with botocore's nine attempts: 42 to 52 s were measured
WRITES = frozenset({"PutMetricAlarm", "DeleteAlarms", "PutAlarmMuteRule", "DeleteAlarmMuteRule"})


class Killed(BaseException):
    """The worker dies here, as a Lambda environment does: no code of the product runs any more."""


@dataclass(slots=True)
class Clock:
    """The account's time; every call takes some."""

    now: datetime = BEGINNING

    def advance(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


@dataclass(slots=True)
class Worker:
    """One invocation of a function: when Lambda ends it, at which call it dies, how it lets the other one go on."""

    deadline: datetime
    dies_at: int | None = None
    """The number of the API call, from 1, that is made and never comes back."""
    pause: Callable[[], None] = lambda: None
    calls: int = 0

    def get_remaining_time_in_millis(self) -> int:
        assert seam.account
        return max(0, int((self.deadline - seam.account.clock.now).total_seconds() * 1000))

    function_name, memory_limit_in_mb, aws_request_id = "model", 512, "00000000-0000-4000-8000-00000000000f"
    invoked_function_arn = f"arn:aws:lambda:{REGION}:{NUMBER}:function:model"


@dataclass(slots=True)
class Fault:
    """What goes wrong at the operations that match, until it is healed or has happened `times` times."""

    operation: str
    """A glob: `ListEndpoints`, `Describe*`."""
    what: str
    """`throttled`, `timeout`, `denied`, `unknown`, `refused`, `answer-lost`, `empty`, `stale`, `page-two`."""
    about: str = ""
    """Something that the request's parameters say, as JSON; nothing: all requests."""
    times: int | None = None
    snapshot: Any = None
    """For `stale`: the resources as they were."""


@dataclass(slots=True)
class Resource:
    """One SageMaker resource: what Describe answers, its tags, and its times."""

    kind: str
    name: str
    body: dict[str, Any]
    tags: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Api:
    """How SageMaker's API spells one kind of resource."""

    describe: str
    name: str
    arn: str
    arn_type: str
    status: str
    list: str
    items: str
    filter: str | None
    """The list's parameter that selects by status; None where it has none."""
    modified: str | None = "LastModifiedTime"
    """The field of a listed item with its last change; None where the list does not tell."""
    gone: tuple[str, str] = ("ValidationException", 'Could not find {title} "{arn}".')


_NOT_FOUND = ("ResourceNotFound", "Resource {arn} not found.")
_JOB_GONE = ("ValidationException", "Requested resource not found.")


def _job(title: str, arn_type: str, **more: Any) -> Api:
    plain = {
        "describe": f"Describe{title}",
        "name": f"{title}Name",
        "arn": f"{title}Arn",
        "arn_type": arn_type,
        "status": f"{title}Status",
        "list": f"List{title}s",
        "items": f"{title}Summaries",
        "filter": "StatusEquals",
        "gone": _JOB_GONE,
    }
    return Api(**{**plain, **more})


APIS: Mapping[str, Api] = {
    "endpoint": Api(
        "DescribeEndpoint",
        "EndpointName",
        "EndpointArn",
        "endpoint",
        "EndpointStatus",
        "ListEndpoints",
        "Endpoints",
        "StatusEquals",
    ),
    "inference-component": Api(
        "DescribeInferenceComponent",
        "InferenceComponentName",
        "InferenceComponentArn",
        "inference-component",
        "InferenceComponentStatus",
        "ListInferenceComponents",
        "InferenceComponents",
        "StatusEquals",
    ),
    "training-job": _job("TrainingJob", "training-job"),
    "processing-job": _job("ProcessingJob", "processing-job"),
    "transform-job": _job("TransformJob", "transform-job"),
    "tuning-job": _job("HyperParameterTuningJob", "hyper-parameter-tuning-job"),
    "automl-job": _job("AutoMLJob", "automl-job", describe="DescribeAutoMLJobV2"),
    "pipeline": _job("Pipeline", "pipeline", filter=None, gone=_NOT_FOUND),
    "feature-group": _job(
        "FeatureGroup", "feature-group", filter="FeatureGroupStatusEquals", modified=None, gone=_NOT_FOUND
    ),
    "labeling-job": _job("LabelingJob", "labeling-job", items="LabelingJobSummaryList", gone=_NOT_FOUND),
    "recommender-job": Api(
        "DescribeInferenceRecommendationsJob",
        "JobName",
        "JobArn",
        "inference-recommendations-job",
        "Status",
        "ListInferenceRecommendationsJobs",
        "InferenceRecommendationsJobs",
        "StatusEquals",
        gone=_NOT_FOUND,
    ),
    "monitoring-schedule": _job("MonitoringSchedule", "monitoring-schedule", gone=_NOT_FOUND),
    "cluster": _job("Cluster", "cluster", filter=None, modified=None, gone=_NOT_FOUND),
    "notebook": Api(
        "DescribeNotebookInstance",
        "NotebookInstanceName",
        "NotebookInstanceArn",
        "notebook-instance",
        "NotebookInstanceStatus",
        "ListNotebookInstances",
        "NotebookInstances",
        "StatusEquals",
        gone=("ValidationException", "RecordNotFound"),
    ),
    "sagemaker-job": Api(
        "DescribeJob",
        "JobName",
        "JobArn",
        "job",
        "JobStatus",
        "ListJobs",
        "JobSummaries",
        "StatusEquals",
        gone=_NOT_FOUND,
    ),
    "optimization-job": _job("OptimizationJob", "optimization-job", items="OptimizationJobSummaries", gone=_NOT_FOUND),
    "compilation-job": _job("CompilationJob", "compilation-job", gone=_NOT_FOUND),
    "ai-benchmark-job": _job(
        "AIBenchmarkJob", "ai-benchmark-job", items="AIBenchmarkJobs", modified=None, gone=_NOT_FOUND
    ),
    "ai-recommendation-job": _job(
        "AIRecommendationJob", "ai-recommendation-job", items="AIRecommendationJobs", modified=None, gone=_NOT_FOUND
    ),
    "model-package": _job(
        "ModelPackage",
        "model-package",
        items="ModelPackageSummaryList",
        filter=None,
        modified=None,
        gone=("ValidationException", "ModelPackage {arn} does not exist."),
    ),
}
"""By the product's name of the kind."""

_BY_DESCRIBE = {api.describe: kind for kind, api in APIS.items()}
_BY_LIST = {api.list: kind for kind, api in APIS.items()}


@dataclass(slots=True)
class Message:
    """A message in a queue."""

    id: str
    body: str
    visible: datetime
    receives: int = 0
    sent_ms: str = "0"
    """When it was sent, in milliseconds since 1970 (ReceiveMessage, SentTimestamp)."""


@dataclass(slots=True)
class Queue:
    """A standard queue: no order, a visibility time-out, and a dead-letter queue after so many receives."""

    url: str
    visibility_s: float = 360
    most_receives: int = 6
    messages: dict[str, Message] = field(default_factory=dict)
    dead: list[str] = field(default_factory=list)
    sent: int = 0


def error(code: str, message: str) -> dict[str, Any]:
    return {"Error": {"Code": code, "Message": message}}


class AccountDouble:
    """The account. Its methods `_<Operation>` answer the calls; `faults` come first."""

    def __init__(self, clock: Clock | None = None) -> None:
        self.clock = clock or Clock()
        self.resources: dict[tuple[str, str], Resource] = {}
        self.configs: dict[str, dict[str, Any]] = {}
        self.models: dict[str, dict[str, Any]] = {}
        self.metrics: list[tuple[str, str, dict[str, str]]] = []
        self.alarms: dict[str, dict[str, Any]] = {}
        self.alarm_tags: dict[str, dict[str, str]] = {}
        self.mute_rules: dict[str, dict[str, Any]] = {}
        self.queues: dict[str, Queue] = {}
        self.parameters: dict[str, list[str]] = {}
        self.items: dict[tuple[str, str], dict[str, Any]] = {}
        self.faults: list[Fault] = []
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.most_alarms = 100_000
        self.longest_page = 10_000
        self.muting = False
        """Whether it is a time at which the mute rules mute."""
        self.strict = True
        """Whether PutMetricAlarm is checked as CloudWatch does; a clean room need not do it twice."""
        self.tell: Callable[[dict[str, Any]], None] = lambda _event: None
        """Where CloudWatch's own events go."""
        self.before: Callable[[str, dict[str, Any]], None] = lambda _operation, _params: None
        """What happens just before a call is answered: a test changes the world in the middle of an invocation."""

    # ------------------------------------------------------------------------------------------------ the seam
    def answer(self, operation: str, params: dict[str, Any]) -> dict[str, Any]:
        """Answer one call of the product, as one of its workers or of nobody in particular."""
        worker: Worker | None = getattr(_local, "worker", None)
        if worker:
            worker.pause()
            worker.calls += 1
        self.before(operation, params)
        self.calls.append((operation, params))
        self.clock.advance(WRITE_S if operation in WRITES else READ_S)
        answer = self._faulty(operation, params)
        if worker and (worker.calls == worker.dies_at or self.clock.now >= worker.deadline):
            raise Killed
        return answer

    def _faulty(self, operation: str, params: dict[str, Any]) -> dict[str, Any]:
        for fault in self.faults:
            if fault.times == 0 or not fnmatchcase(operation, fault.operation):
                continue
            if fault.about and fault.about not in json.dumps(params, default=str):
                continue
            if fault.what == "page-two" and "NextToken" not in params:
                continue
            fault.times = None if fault.times is None else fault.times - 1
            return self._with(fault, operation, params)
        return self._plainly(operation, params)

    def _plainly(self, operation: str, params: dict[str, Any]) -> dict[str, Any]:
        if operation in _BY_DESCRIBE:
            return self._describe(_BY_DESCRIBE[operation], params)
        if operation in _BY_LIST:
            return self._list(_BY_LIST[operation], params, self.resources)
        found: dict[str, Any] = getattr(self, f"_{operation}")(**params)
        return found

    def _with(self, fault: Fault, operation: str, params: dict[str, Any]) -> dict[str, Any]:
        match fault.what:
            case "throttled":
                self.clock.advance(RETRIES_S)
                return error("ThrottlingException", "Rate exceeded")
            case "timeout":
                self.clock.advance(RETRIES_S)
                raise ReadTimeoutError(endpoint_url="https://aws.example")
            case "answer-lost":
                self._plainly(operation, params)
                raise ReadTimeoutError(endpoint_url="https://aws.example")
            case "denied" | "page-two":
                return error("AccessDeniedException", f"User: x is not authorized to perform: {operation}")
            case "unknown":
                return error("UnknownOperationException", "The requested operation is not supported in this Region.")
            case "refused":
                return error("ValidationError", "Invalid action ARN: the topic is in another Region")
            case "empty":
                return {key: [] for key, each in self._plainly(operation, params).items() if isinstance(each, list)}
            case "stale":
                return self._list(_BY_LIST[operation], params, fault.snapshot)
        raise AssertionError(fault.what)

    # ------------------------------------------------------------------------------------------------ SageMaker
    def _describe(self, kind: str, params: dict[str, Any]) -> dict[str, Any]:
        api = APIS[kind]
        asked = params[api.name]
        # Names are unique whatever their case; DescribeCluster takes an ARN, too.
        for (its, name), found in self.resources.items():
            if its == kind and asked.lower() in {name.lower(), found.body[api.arn].lower()}:
                return dict(found.body)
        code, message = api.gone
        arn = f"{ARN}:{api.arn_type}/{asked.lower()}"
        return error(code, message.format(arn=arn, title=kind.replace("-", " ")))

    def _list(self, kind: str, params: dict[str, Any], resources: Mapping[tuple[str, str], Resource]) -> dict[str, Any]:
        api = APIS[kind]
        found = [each for (its, _), each in sorted(resources.items()) if its == kind]
        if api.filter and api.filter in params:
            found = [each for each in found if each.body[api.status] == params[api.filter]]
        if "EndpointNameEquals" in params:
            found = [each for each in found if each.body["EndpointName"] == params["EndpointNameEquals"]]
        if "JobCategory" in params:
            found = [each for each in found if each.body["JobCategory"] == params["JobCategory"]]
        for after, at in (("LastModifiedTimeAfter", "LastModifiedTime"), ("CreationTimeAfter", "CreationTime")):
            if after in params:
                found = [each for each in found if each.body[at] > params[after]]
        items = [self._listed(api, each.body) for each in found]
        return self._page(api.items, items, params, params.get("MaxResults", 10))

    @staticmethod
    def _listed(api: Api, body: dict[str, Any]) -> dict[str, Any]:
        item = {field: body[field] for field in (api.name, api.arn, api.status, "CreationTime") if field in body}
        if api.modified:
            item[api.modified] = body["LastModifiedTime"]
        return item | {each: body[each] for each in ("EndpointName", "VariantName") if each in body}

    def _page(self, key: str, items: list[Any], params: Mapping[str, Any], size: int) -> dict[str, Any]:
        size, first = min(size, self.longest_page), int(params.get("NextToken", "0"))
        more = {"NextToken": str(first + size)} if first + size < len(items) else {}
        return {key: items[first : first + size], **more}

    def _ListTags(self, ResourceArn: str, **params: Any) -> dict[str, Any]:  # noqa: N802, N803
        for found in self.resources.values():
            if found.body[APIS[found.kind].arn] == ResourceArn:
                tags = [{"Key": key, "Value": value} for key, value in found.tags.items()]
                return self._page("Tags", tags, params, params.get("MaxResults", 50))
        return error("ValidationException", f"Resource {ResourceArn} does not exist")

    def _DescribeEndpointConfig(self, EndpointConfigName: str) -> dict[str, Any]:  # noqa: N802, N803
        if found := self.configs.get(EndpointConfigName):
            return dict(found)
        return error("ValidationException", f'Could not find endpoint configuration "{EndpointConfigName}".')

    def _DescribeModel(self, ModelName: str) -> dict[str, Any]:  # noqa: N802, N803
        if found := self.models.get(ModelName):
            return dict(found)
        return error("ValidationException", f'Could not find model "{ARN}:model/{ModelName}".')

    # ------------------------------------------------------------------------------------------------ whose it is
    def _GetCallerIdentity(self) -> dict[str, Any]:  # noqa: N802
        return {"Arn": f"arn:aws:sts::{NUMBER}:assumed-role/ops/me", "Account": NUMBER, "UserId": "x"}

    def _ListAccountAliases(self) -> dict[str, Any]:  # noqa: N802
        return {"AccountAliases": [], "IsTruncated": False}

    def _ListStackResources(self, StackName: str) -> dict[str, Any]:  # noqa: N802, N803
        found = {"LogicalResourceId": "Incidents", "PhysicalResourceId": "incidents"}
        return {"StackResourceSummaries": [{**found, "ResourceType": "AWS::DynamoDB::Table"}]}

    # ------------------------------------------------------------------------------------------------ CloudWatch
    def _PutMetricAlarm(self, **request: Any) -> dict[str, Any]:  # noqa: N802
        name, tags = request["AlarmName"], request.pop("Tags", [])
        plain = {key: value for key, value in request.items() if key != "WarmUpConfiguration"}
        if self.strict and (wrong := broken({"TreatMissingData": "missing", **plain})):
            return error("ValidationError", "; ".join(wrong))
        before = self.alarms.get(name)
        if before is None and len(self.alarms) >= self.most_alarms:
            return error("LimitExceeded", "Maximum number of alarms exceeded for account")
        kept = {key: request[key] for key in request if request[key] not in ([], "", None)}
        self.alarms[name] = {
            "ActionsEnabled": True,
            "OKActions": [],
            "AlarmActions": [],
            "InsufficientDataActions": [],
            "Dimensions": [],
            "StateValue": before["StateValue"] if before else "INSUFFICIENT_DATA",
            "StateUpdatedTimestamp": self.clock.now,
            "AlarmArn": f"arn:aws:cloudwatch:{REGION}:{NUMBER}:alarm:{name}",
            **kept,
            "AlarmConfigurationUpdatedTimestamp": self.clock.now,
        }
        if before is None:  # "If you are using this operation to update an existing alarm, any tags … are ignored."
            self.alarm_tags[name] = {each["Key"]: each["Value"] for each in tags}
        self.tell(self._configured("update" if before else "create", self.alarms[name], before))
        return {}

    def _DeleteAlarms(self, AlarmNames: list[str]) -> dict[str, Any]:  # noqa: N802, N803
        if len(AlarmNames) > 100:
            return error("ValidationError", "at most 100 alarms in one call")
        for name in AlarmNames:
            if before := self.alarms.pop(name, None):
                self.tell(self._configured("delete", before, None))
        return {}

    def _configured(self, operation: str, alarm: dict[str, Any], before: dict[str, Any] | None) -> dict[str, Any]:
        """Return the event that CloudWatch sends of a change of an alarm's configuration."""
        previous = {"previousConfiguration": _configuration(before)} if before else {}
        return {
            "version": "0",
            "id": f"alarm-{len(self.calls)}",
            "detail-type": "CloudWatch Alarm Configuration Change",
            "source": "aws.cloudwatch",
            "account": NUMBER,
            "time": f"{self.clock.now:%Y-%m-%dT%H:%M:%SZ}",
            "region": REGION,
            "resources": [alarm["AlarmArn"]],
            "detail": {
                "alarmName": alarm["AlarmName"],
                "operation": operation,
                "state": {"value": alarm["StateValue"], "timestamp": alarm["StateUpdatedTimestamp"].isoformat()},
                "configuration": _configuration(alarm),
                **previous,
            },
        }

    def _DescribeAlarms(  # noqa: N802
        self,
        AlarmNamePrefix: str = "",  # noqa: N803
        AlarmNames: list[str] | None = None,  # noqa: N803
        StateValue: str | None = None,  # noqa: N803
        MaxRecords: int = 50,  # noqa: N803
        NextToken: str = "",  # noqa: N803
        **_: Any,
    ) -> dict[str, Any]:
        names = sorted(self.alarms)
        if AlarmNames is not None:
            return {"MetricAlarms": [self._shown(name) for name in names if name in set(AlarmNames)]}
        first = bisect.bisect_left(names, NextToken or AlarmNamePrefix)
        matching = [name for name in names[first:] if name.startswith(AlarmNamePrefix)]
        matching = [each for each in matching if StateValue in (None, self.alarms[each]["StateValue"])]
        size = min(MaxRecords, self.longest_page)
        more = {"NextToken": matching[size]} if size < len(matching) else {}
        return {"MetricAlarms": [self._shown(name) for name in matching[:size]], **more}

    def _shown(self, name: str) -> dict[str, Any]:
        return dict(self.alarms[name])

    def _ListMetrics(  # noqa: N802
        self,
        Namespace: str | None = None,  # noqa: N803
        MetricName: str | None = None,  # noqa: N803
        Dimensions: list[dict[str, str]] | None = None,  # noqa: N803
        **params: Any,
    ) -> dict[str, Any]:
        asked = {(each["Name"], each.get("Value")) for each in Dimensions or ()}
        found = [
            {
                "Namespace": namespace,
                "MetricName": metric,
                "Dimensions": [{"Name": key, "Value": value} for key, value in dimensions.items()],
            }
            for namespace, metric, dimensions in self.metrics
            if Namespace in (None, namespace)
            and MetricName in (None, metric)
            and all(key in dimensions and value in (None, dimensions[key]) for key, value in asked)
        ]
        return self._page("Metrics", found, params, 500)

    def _ListTagsForResource(self, ResourceARN: str, **_: Any) -> dict[str, Any]:  # noqa: N802, N803
        tags = self.alarm_tags.get(ResourceARN.split(":", 6)[6], {})
        return {"Tags": [{"Key": key, "Value": value} for key, value in tags.items()]}

    def _TagResource(self, ResourceARN: str, Tags: list[dict[str, str]]) -> dict[str, Any]:  # noqa: N802, N803
        tags = self.alarm_tags.setdefault(ResourceARN.split(":", 6)[6], {})
        tags.update({each["Key"]: each["Value"] for each in Tags})
        return {}

    def _PutAlarmMuteRule(self, **request: Any) -> dict[str, Any]:  # noqa: N802
        names = request.get("MuteTargets", {}).get("AlarmNames", [])
        if len(names) > 100 or len(request["Name"]) > 255:
            return error("ValidationError", "at most 100 alarms and 255 characters")
        self.mute_rules[request["Name"]] = request
        return {}

    def _DeleteAlarmMuteRule(self, AlarmMuteRuleName: str) -> dict[str, Any]:  # noqa: N802, N803
        self.mute_rules.pop(AlarmMuteRuleName, None)
        return {}

    def _GetAlarmMuteRule(self, AlarmMuteRuleName: str) -> dict[str, Any]:  # noqa: N802, N803
        found = self.mute_rules.get(AlarmMuteRuleName)
        return dict(found) if found else error("ResourceNotFoundException", AlarmMuteRuleName)

    def _ListAlarmMuteRules(self, **params: Any) -> dict[str, Any]:  # noqa: N802
        arn = f"arn:aws:cloudwatch:{REGION}:{NUMBER}:alarm-mute-rule:"
        status = "ACTIVE" if self.muting else "SCHEDULED"
        listed = [{"AlarmMuteRuleArn": f"{arn}{name}", "Status": status} for name in sorted(self.mute_rules)]
        return self._page("AlarmMuteRuleSummaries", listed, params, params.get("MaxRecords", 100))

    # ------------------------------------------------------------------------------------------------ the others
    def send(self, url: str, body: str, delay: float = 0) -> None:
        """Put a message into a queue."""
        queue = self.queues[url]
        queue.sent += 1
        message = Message(f"{url.rpartition('/')[2]}-{queue.sent}", body, self.clock.now + timedelta(seconds=delay))
        message.sent_ms = str(int(self.clock.now.timestamp() * 1000))
        queue.messages[message.id] = message

    def _SendMessage(self, QueueUrl: str, MessageBody: str, DelaySeconds: int = 0, **_: Any) -> dict[str, Any]:  # noqa: N802, N803
        self.send(QueueUrl, MessageBody, DelaySeconds)
        return {"MessageId": f"{self.queues[QueueUrl].sent}"}

    def _SendMessageBatch(self, QueueUrl: str, Entries: list[dict[str, Any]]) -> dict[str, Any]:  # noqa: N802, N803
        if len(Entries) > 10:
            return error("AWS.SimpleQueueService.TooManyEntriesInBatchRequest", "at most 10")
        for each in Entries:
            self.send(QueueUrl, each["MessageBody"], each.get("DelaySeconds", 0))
        return {"Successful": [{"Id": each["Id"]} for each in Entries]}

    def _ChangeMessageVisibility(self, QueueUrl: str, ReceiptHandle: str, VisibilityTimeout: int) -> dict[str, Any]:  # noqa: N802, N803
        if message := self.queues[QueueUrl].messages.get(ReceiptHandle):
            message.visible = self.clock.now + timedelta(seconds=VisibilityTimeout)
        return {}

    def _ChangeMessageVisibilityBatch(self, QueueUrl: str, Entries: list[dict[str, Any]]) -> dict[str, Any]:  # noqa: N802, N803
        for each in Entries:
            self._ChangeMessageVisibility(QueueUrl, each["ReceiptHandle"], each["VisibilityTimeout"])
        return {"Successful": [{"Id": each["Id"]} for each in Entries]}

    def _DeleteMessage(self, QueueUrl: str, ReceiptHandle: str) -> dict[str, Any]:  # noqa: N802, N803
        self.queues[QueueUrl].messages.pop(ReceiptHandle, None)
        return {}

    def _GetQueueAttributes(self, QueueUrl: str, **_: Any) -> dict[str, Any]:  # noqa: N802, N803
        queue = self.queues[QueueUrl]
        visible = sum(each.visible <= self.clock.now for each in queue.messages.values())
        return {
            "Attributes": {
                "ApproximateNumberOfMessages": str(visible),
                "ApproximateNumberOfMessagesNotVisible": str(len(queue.messages) - visible),
            }
        }

    def _GetParameter(self, Name: str, **_: Any) -> dict[str, Any]:  # noqa: N802, N803
        if not (versions := self.parameters.get(Name)):
            return error("ParameterNotFound", "")
        return {
            "Parameter": {
                "Name": Name,
                "Type": "String",
                "Value": versions[-1],
                "Version": len(versions),
                "LastModifiedDate": self.clock.now,
            }
        }

    def _PutParameter(self, Name: str, Value: str, **_: Any) -> dict[str, Any]:  # noqa: N802, N803
        if Name in self.parameters:
            return error("ParameterAlreadyExists", "")
        self.parameters[Name] = [Value]
        return {"Version": 1, "Tier": "Standard"}

    def _GetParameterHistory(self, Name: str, **params: Any) -> dict[str, Any]:  # noqa: N802, N803
        if not (versions := self.parameters.get(Name)):
            return error("ParameterNotFound", "")
        listed = [{"Name": Name, "Value": value, "Version": n} for n, value in enumerate(versions, start=1)]
        return self._page("Parameters", listed, params, 50)

    def _GetItem(self, Key: dict[str, Any], **_: Any) -> dict[str, Any]:  # noqa: N802, N803
        found = self.items.get((Key["pk"]["S"], Key["sk"]["S"]))
        return {"Item": copy.deepcopy(found)} if found else {}

    def _PutItem(self, Item: dict[str, Any], **_: Any) -> dict[str, Any]:  # noqa: N802, N803
        self.items[Item["pk"]["S"], Item["sk"]["S"]] = copy.deepcopy(Item)
        return {}

    def _DeleteItem(self, Key: dict[str, Any], **_: Any) -> dict[str, Any]:  # noqa: N802, N803
        self.items.pop((Key["pk"]["S"], Key["sk"]["S"]), None)
        return {}

    def _DescribeInstanceTypes(self, InstanceTypes: list[str]) -> dict[str, Any]:  # noqa: N802, N803
        return error("InvalidInstanceType", f"The following supplied instance types do not exist: {InstanceTypes}")


def _configuration(alarm: Mapping[str, Any]) -> dict[str, Any]:
    """Return an alarm as its events spell it."""
    return {
        "alarmName": alarm["AlarmName"],
        "description": alarm.get("AlarmDescription", ""),
        "threshold": alarm.get("Threshold"),
        "evaluationPeriods": alarm.get("EvaluationPeriods"),
        "actionsEnabled": alarm["ActionsEnabled"],
        "alarmActions": alarm["AlarmActions"],
    }


# ---------------------------------------------------------------------------------------------------- boto3 ends here
_local = threading.local()


@dataclass(slots=True)
class Seam:
    """Which account answers now; there is one at a time."""

    account: AccountDouble | None = None


seam = Seam()


@contextmanager
def answering(account: AccountDouble) -> Iterator[AccountDouble]:
    """Have this account answer all calls meanwhile."""
    before, seam.account = seam.account, account
    try:
        yield account
    finally:
        seam.account = before


@contextmanager
def working(worker: Worker | None) -> Iterator[None]:
    """Have this thread's calls be those of a worker meanwhile."""
    before, _local.worker = getattr(_local, "worker", None), worker
    try:
        yield
    finally:
        _local.worker = before


class PaperSession(boto3.Session):
    """A boto3 session that makes each client once: a client has no state of its own."""

    def __init__(self) -> None:
        super().__init__(aws_access_key_id="test", aws_secret_access_key="test", region_name=REGION)
        self.made: dict[Any, Any] = {}

    def client(self, service: str, *args: Any, **more: Any) -> Any:  # type: ignore[override]
        config = more.get("config")
        key = service, repr(vars(config)) if config else ""
        if key not in self.made:
            self.made[key] = super().client(service, *args, **more)
        return self.made[key]


def make_api_call(client: Any, operation: str, params: dict[str, Any]) -> dict[str, Any]:
    """Answer in the place of botocore's `_make_api_call`: validated by its own validator, failed by its own errors."""
    assert seam.account is not None, f"{operation} outside of any account"
    shape = client.meta.service_model.operation_model(operation).input_shape
    if shape is not None:
        validate_parameters(params, shape)
    answer = seam.account.answer(operation, dict(params))
    if "Error" in answer:
        answer = {**answer, "ResponseMetadata": {"HTTPStatusCode": 400}}
        raise client.exceptions.from_code(answer["Error"]["Code"])(answer, operation)
    return {**answer, "ResponseMetadata": {"HTTPStatusCode": 200}}
