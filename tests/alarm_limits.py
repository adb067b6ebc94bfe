"""What PutMetricAlarm really accepts: no emulator checks it, so the tests do.

Numbers: API reference of PutMetricAlarm, and the botocore model for names and types.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import botocore.session
from botocore.validate import ParamValidator

_MODEL = botocore.session.get_session().get_service_model("cloudwatch")
_INPUT = _MODEL.operation_model("PutMetricAlarm").input_shape
_PERCENTILE = re.compile(r"(p|tm|tc|ts|wm)(\d{1,2}(\.\d{1,10})?|100)|IQM")
_ID = re.compile(r"[a-z][a-zA-Z0-9_]*")


def broken(request: Mapping[str, Any]) -> list[str]:
    """Return every way in which CloudWatch would refuse the request, or never evaluate it as meant."""
    return [
        *ParamValidator().validate(dict(request), _INPUT).generate_report().splitlines(),
        *_text(request),
        *_time(request),
        *(_math(request["Metrics"]) if "Metrics" in request else _single(request)),
    ]


def _text(request: Mapping[str, Any]) -> Iterator[str]:
    name, description = request["AlarmName"], request.get("AlarmDescription", "")
    if not 1 <= len(name) <= 255 or re.search(r"[\x00-\x1f\x7f]", name):
        yield f"AlarmName must be 1 to 255 characters without control characters: {len(name)}"
    if len(description) > 1024:
        yield f"AlarmDescription is over 1024 characters: {len(description)}"
    if "Unit" in request:
        yield "Unit is set: a unit that SageMaker does not publish with gives no data for ever"


def _time(request: Mapping[str, Any]) -> Iterator[str]:
    stats = [query["MetricStat"] for query in request.get("Metrics", ()) if "MetricStat" in query]
    for period in {request["Period"]} if "Period" in request else {stat["Period"] for stat in stats}:
        if period not in {10, 20, 30} and (period < 60 or period % 60):
            yield f"Period must be 10, 20, 30 or a multiple of 60: {period}"
        longest = 604_800 if period >= 3600 else 86_400
        if period * request["EvaluationPeriods"] > longest:
            yield f"Period × EvaluationPeriods exceeds {longest} s"
    if not 1 <= request.get("DatapointsToAlarm", 1) <= request["EvaluationPeriods"]:
        yield "DatapointsToAlarm must be 1 to EvaluationPeriods"
    if request["TreatMissingData"] not in {"breaching", "notBreaching", "ignore", "missing"}:
        yield f"TreatMissingData: {request['TreatMissingData']}"


def _single(request: Mapping[str, Any]) -> Iterator[str]:
    if ("Statistic" in request) == ("ExtendedStatistic" in request):
        yield "exactly one of Statistic and ExtendedStatistic"
    if request.get("Statistic", "Sum") not in {"Average", "Sum", "Minimum", "Maximum", "SampleCount"}:
        yield f"Statistic: {request['Statistic']}"
    if "ExtendedStatistic" in request and not _PERCENTILE.fullmatch(request["ExtendedStatistic"]):
        yield f"ExtendedStatistic: {request['ExtendedStatistic']}"
    if "EvaluateLowSampleCountPercentile" in request and "ExtendedStatistic" not in request:
        yield "EvaluateLowSampleCountPercentile is for percentiles only"
    yield from _dimensions(request.get("Dimensions", []))


def _math(queries: list[Mapping[str, Any]]) -> Iterator[str]:
    stats = [query for query in queries if "MetricStat" in query]
    expressions = [query for query in queries if "Expression" in query]
    if len(stats) > 10 or len(expressions) > 10:
        yield f"at most ten metrics and ten expressions: {len(stats)}, {len(expressions)}"
    if sum(query.get("ReturnData", True) for query in queries) != 1:
        yield "exactly one query returns data"
    ids = [query["Id"] for query in queries]
    if len(set(ids)) != len(ids) or not all(_ID.fullmatch(each) for each in ids):
        yield f"ids must be unique and begin with a small letter: {ids}"
    for query in expressions:
        if "SEARCH" in query["Expression"]:
            yield "SEARCH is refused in alarms"
        used = set(re.findall(r"\b[a-z][a-zA-Z0-9_]*\b", query["Expression"]))
        if not used <= set(ids):
            yield f"the expression uses unknown ids: {used - set(ids)}"
    for query in stats:
        yield from _dimensions(query["MetricStat"]["Metric"].get("Dimensions", []))


def _dimensions(dimensions: list[Mapping[str, str]]) -> Iterator[str]:
    if len(dimensions) > 30 or len({each["Name"] for each in dimensions}) != len(dimensions):
        yield "at most 30 dimensions, each name once"
