"""Has CloudWatch draw what an alarm looks at, with its limit in words."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from botocore.config import Config

from sagewatch.model import Notice
from sagewatch.tell.evidence.gather import best_effort
from sagewatch.units import humanise

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch import CloudWatchClient

QUICKEST = Config(retries={"mode": "standard", "max_attempts": 1}, connect_timeout=1, read_timeout=3)
"""For the client that draws: without a picture the message stands."""

WIDTH, HEIGHT = 600, 300


def graph(client: CloudWatchClient, notice: Notice) -> bytes | None:
    """Return the picture (PNG) of an alarm's last three hours; None when it cannot be had."""
    answer, _ = best_effort(lambda: client.describe_alarms(AlarmNames=[notice.part], AlarmTypes=["MetricAlarm"]))
    alarm = next(iter(answer.get("MetricAlarms", ())), None)
    if alarm is None:
        return None
    drawn = json.dumps(widget(alarm, notice), ensure_ascii=False)
    image, _ = best_effort(lambda: client.get_metric_widget_image(MetricWidget=drawn, OutputFormat="png"))
    return image.get("MetricWidgetImage") or None


def widget(alarm: Mapping[str, Any], notice: Notice) -> dict[str, Any]:
    """Return the MetricWidget of a described alarm: its metrics, its limit as a line, the last three hours."""
    limit = alarm.get("Threshold")
    line = (
        [] if limit is None else [{"label": f"limit {humanise(limit, notice.unit, notice.capacity)}", "value": limit}]
    )
    return {
        "title": f"{notice.labels['resource']} · {notice.title}",
        "width": WIDTH,
        "height": HEIGHT,
        # GetMetricWidgetImage: times relative to now are ISO 8601 durations.
        "start": "-PT3H",
        "end": "PT0H",
        "view": "timeSeries",
        "metrics": list(_metrics(alarm, notice.title)),
        "annotations": {"horizontal": line},
    }


# CloudWatch API Reference, "GetMetricWidgetImage: Metric Widget Structure and Syntax".
def _metrics(alarm: Mapping[str, Any], title: str) -> Iterator[list[Any]]:
    """Yield the metrics as widgets name them: `[namespace, name, dimension, value, …, {options}]`."""
    if "MetricName" in alarm:
        statistic = alarm.get("Statistic") or alarm.get("ExtendedStatistic")
        yield [*_path(alarm), {"stat": statistic, "period": alarm.get("Period"), "label": title}]
    for query in alarm.get("Metrics") or ():
        shown = {"id": query["Id"], "visible": query.get("ReturnData", True)}
        if label := query.get("Label"):
            shown["label"] = label
        if "Expression" in query:
            yield [{"expression": query["Expression"], **shown}]
        else:
            measured = query["MetricStat"]
            yield [*_path(measured["Metric"]), {"stat": measured["Stat"], "period": measured["Period"], **shown}]


def _path(metric: Mapping[str, Any]) -> Iterator[str]:
    yield from (metric["Namespace"], metric["MetricName"])
    for dimension in metric.get("Dimensions") or ():
        yield from (dimension["Name"], dimension["Value"])
