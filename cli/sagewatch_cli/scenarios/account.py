"""Answers the product's calls while a scenario is played: SageMaker's descriptions, CloudWatch's alarms and metrics.

Requests are checked against botocore's own model, so that what CloudWatch would refuse fails here, too.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from typing import Any

from botocore.exceptions import ClientError
from botocore.session import get_session
from botocore.validate import validate_parameters

from sagewatch_cli.scenarios.evaluator import Request, Written
from sagewatch_cli.scenarios.samples import MetricData

_SINCE = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


@cache
def _shape(operation: str) -> Any:
    return get_session().get_service_model("cloudwatch").operation_model(operation).input_shape


@dataclass(frozen=True, slots=True)
class Pages:
    """A paginator that answers with one page."""

    page: Mapping[str, Any]

    def paginate(self, **_: Any) -> Iterator[Mapping[str, Any]]:
        yield self.page


class _Empty(dict[str, Any]):
    """A page that has no items, whatever they are called."""

    def __missing__(self, _key: str) -> list[Any]:
        return []


@dataclass(slots=True)
class SageMaker:
    """A SageMaker client with an answer for each operation, or what makes it; what it has none for does not exist."""

    answers: Mapping[str, Any]

    def __getattr__(self, operation: str) -> Any:
        def call(**parameters: Any) -> Any:
            if operation not in self.answers:
                told = {"Error": {"Code": "ValidationException", "Message": f"Could not find {parameters}"}}
                raise ClientError(told, operation)  # type: ignore[arg-type]
            answer = self.answers[operation]
            return answer(**parameters) if callable(answer) else answer

        return call

    def get_paginator(self, operation: str) -> Pages:
        return Pages(_Empty(self.answers.get(operation, {})))


@dataclass(slots=True)
class CloudWatch:
    """A CloudWatch client that keeps every write, and lists the metrics that had data before minute `now`."""

    data: MetricData
    now: int = 0
    alarms: dict[str, Request] = field(default_factory=dict)
    writes: dict[str, list[Written]] = field(default_factory=dict)

    def put_metric_alarm(self, **request: Any) -> Mapping[str, Any]:
        validate_parameters(request, _shape("PutMetricAlarm"))
        name = request["AlarmName"]
        self.alarms[name] = request
        self.writes.setdefault(name, []).append(Written(self.now, request))
        return {}

    def delete_alarms(self, AlarmNames: list[str]) -> None:  # noqa: N803 - boto3's name
        for name in AlarmNames:
            if self.alarms.pop(name, None):
                self.writes[name].append(Written(self.now, None))

    def describe_alarms(self, **_: Any) -> dict[str, Any]:
        updated = {"AlarmConfigurationUpdatedTimestamp": _SINCE}
        return {"MetricAlarms": [{**request, **updated} for request in self.alarms.values()]}

    def get_paginator(self, operation: str) -> Any:
        return Pages(self.describe_alarms()) if operation == "describe_alarms" else _Listed(self)


@dataclass(frozen=True, slots=True)
class _Listed:
    """ListMetrics: the metrics of a name and namespace that have these dimensions among theirs."""

    cloudwatch: CloudWatch

    def paginate(self, **asked: Any) -> Iterator[Mapping[str, Any]]:
        wanted = {(each["Name"], each.get("Value")) for each in asked.get("Dimensions", ())}
        yield {
            "Metrics": [
                {
                    "Namespace": namespace,
                    "MetricName": name,
                    "Dimensions": [{"Name": key, "Value": value} for key, value in sorted(dimensions)],
                }
                for namespace, name, dimensions in self.cloudwatch.data.listed(self.cloudwatch.now)
                if asked.get("Namespace", namespace) == namespace
                and asked.get("MetricName", name) == name
                and wanted <= dimensions
            ]
        }
