"""The picture of an alarm: what CloudWatch is asked to draw, and what its refusals leave."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import boto3
from botocore.stub import Stubber

from sagewatch.tell.evidence.graph import graph, widget
from tests.sample_incidents import latency

NAME = "sagewatch/endpoint/churn-prod/AllTraffic/latency-p99"
DIMENSIONS = [{"Name": "EndpointName", "Value": "churn-prod"}, {"Name": "VariantName", "Value": "AllTraffic"}]
ALARM: Mapping[str, Any] = {
    "AlarmName": NAME,
    "Namespace": "AWS/SageMaker",
    "MetricName": "ModelLatency",
    "ExtendedStatistic": "p99",
    "Dimensions": DIMENSIONS,
    "Period": 60,
    "Threshold": 1_000_000.0,
}
WIDGET = {
    "title": "churn-prod · model latency",
    "width": 600,
    "height": 300,
    "start": "-PT3H",
    "end": "PT0H",
    "view": "timeSeries",
    "metrics": [
        [
            "AWS/SageMaker",
            "ModelLatency",
            "EndpointName",
            "churn-prod",
            "VariantName",
            "AllTraffic",
            {"stat": "p99", "period": 60, "label": "model latency"},
        ]
    ],
    "annotations": {"horizontal": [{"label": "limit 1.00 s", "value": 1_000_000.0}]},
}
ASKED = {"AlarmNames": [NAME], "AlarmTypes": ["MetricAlarm"]}
DRAWN = {"MetricWidget": json.dumps(WIDGET, ensure_ascii=False), "OutputFormat": "png"}


def stub() -> tuple[Any, Stubber]:
    client = boto3.client("cloudwatch")
    stubber = Stubber(client)
    stubber.activate()
    return client, stubber


def test_an_alarm_is_drawn_with_its_limit_in_words() -> None:
    client, stubber = stub()
    stubber.add_response("describe_alarms", {"MetricAlarms": [dict(ALARM)]}, ASKED)
    stubber.add_response("get_metric_widget_image", {"MetricWidgetImage": b"\x89PNG"}, DRAWN)

    assert graph(client, latency()) == b"\x89PNG"


def test_an_expression_is_drawn_with_the_metrics_it_is_made_of() -> None:
    metric = {"Namespace": "AWS/SageMaker", "MetricName": "Invocation5XXErrors", "Dimensions": DIMENSIONS}
    queries = [
        {"Id": "m", "MetricStat": {"Metric": metric, "Period": 60, "Stat": "Sum"}, "ReturnData": False},
        {"Id": "result", "Expression": "m / 2", "Label": "error rate", "ReturnData": True},
    ]

    drawn = widget({"AlarmName": NAME, "Metrics": queries, "Threshold": 0.05}, latency())

    path = ["AWS/SageMaker", "Invocation5XXErrors", "EndpointName", "churn-prod", "VariantName", "AllTraffic"]
    assert drawn["metrics"] == [
        [*path, {"stat": "Sum", "period": 60, "id": "m", "visible": False}],
        [{"expression": "m / 2", "id": "result", "visible": True, "label": "error rate"}],
    ]


def test_an_alarm_with_a_band_has_no_line() -> None:
    queries = [{"Id": "band", "Expression": "ANOMALY_DETECTION_BAND(m, 2)"}]

    drawn = widget({"AlarmName": NAME, "Metrics": queries, "ThresholdMetricId": "band"}, latency())

    assert drawn["annotations"] == {"horizontal": []}


def test_an_alarm_that_is_gone_has_no_picture() -> None:
    client, stubber = stub()
    stubber.add_response("describe_alarms", {"MetricAlarms": []}, ASKED)

    assert graph(client, latency()) is None


def test_without_the_permission_to_describe_there_is_no_picture() -> None:
    client, stubber = stub()
    stubber.add_client_error("describe_alarms", "AccessDenied", expected_params=ASKED)

    assert graph(client, latency()) is None


def test_without_the_permission_to_draw_there_is_no_picture() -> None:
    client, stubber = stub()
    updated = {**ALARM, "AlarmConfigurationUpdatedTimestamp": datetime(2026, 11, 21, tzinfo=UTC)}
    stubber.add_response("describe_alarms", {"MetricAlarms": [updated]}, ASKED)
    stubber.add_client_error("get_metric_widget_image", "AccessDenied", expected_params=DRAWN)

    assert graph(client, latency()) is None
