"""Reads from CloudWatch what alarms looked at in the last days: their own metrics, statistics, periods, expressions."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import groupby
from typing import Any

from sagewatch.aws.retries import retried
from sagewatch.errors import Retry
from sagewatch.model import Alarm
from sagewatch_cli.account.proposals import DAY
from sagewatch_cli.account.replay import Rule, Series
from sagewatch_cli.account.session import Progress, unseen

MOST_DAYS = 15
"""CloudWatch keeps data of a minute so long, of five minutes for 63 days."""

MOST_QUERIES = 500  # in one GetMetricData
_PRICE = 0.01 / 1000  # USD for each metric requested, in most Regions


@dataclass(slots=True)
class MetricHistory:
    """The series by alarm name, and how many metrics CloudWatch was asked for, on each page anew.

    It charges for no more than these: less where several statistics are of one metric.
    """

    series: dict[str, Series] = field(default_factory=dict)
    metrics: int = 0

    @property
    def price(self) -> float:
        """Return what the reads cost at most, in USD."""
        return self.metrics * _PRICE


def read_history(
    client: Any, alarms: Iterable[Alarm], days: int, now: datetime, progress: Progress = unseen
) -> MetricHistory:
    """Return the metrics of the alarms over the last `days`; CloudWatch itself evaluates their expressions."""
    found = MetricHistory()
    batches = tuple(_batches(sorted(alarms, key=lambda each: (period(each), each.name))))
    for batch in progress(batches, "Reading metrics"):
        _read_batch(client, batch, days, now, found)
    return found


def period(alarm: Alarm) -> int:
    """Return the seconds between an alarm's data points."""
    request = alarm.request
    stats = (query["MetricStat"]["Period"] for query in request.get("Metrics", ()) if "MetricStat" in query)
    length: int = request["Period"] if "Period" in request else max(stats)
    return length


def _batches(alarms: Sequence[Alarm]) -> Iterator[tuple[Alarm, ...]]:
    """Yield alarms of one period, as many as one call takes."""
    for _, several in groupby(alarms, key=period):
        batch: list[Alarm] = []
        for alarm in several:
            if sum(len(queries(0, each)) for each in (*batch, alarm)) > MOST_QUERIES:
                yield tuple(batch)
                batch = []
            batch.append(alarm)
        yield tuple(batch)


def queries(number: int, alarm: Alarm) -> list[dict[str, Any]]:
    """Return the queries for what an alarm looks at, as `q<number>`, and for a percentile its samples."""
    request = alarm.request
    if "Metrics" in request:
        return _renamed(f"q{number}", request["Metrics"])
    metric = {name: request[name] for name in ("Namespace", "MetricName", "Dimensions") if name in request}
    stat = {"Metric": metric, "Period": request["Period"]}
    statistic = request.get("Statistic") or request["ExtendedStatistic"]
    asked = [{"Id": f"q{number}", "MetricStat": {**stat, "Stat": statistic}}]
    if Rule.of(request).enough:
        asked.append({"Id": f"q{number}_samples", "MetricStat": {**stat, "Stat": "SampleCount"}})
    return asked


def _renamed(name: str, metrics: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Give queries of one alarm ids that no other's have; the one that it looks at gets the bare name."""
    ids = {each["Id"]: name if each.get("ReturnData", True) else f"{name}_{each['Id']}" for each in metrics}

    def id_of(found: re.Match[str]) -> str:
        return ids.get(found[0], found[0])

    return [
        {**each, "Id": ids[each["Id"]]}
        | ({"Expression": re.sub(r"\b[a-z]\w*", id_of, each["Expression"])} if "Expression" in each else {})
        for each in metrics
    ]


def _read_batch(client: Any, batch: Sequence[Alarm], days: int, now: datetime, found: MetricHistory) -> None:
    length = period(batch[0])
    lead = max(Rule.of(alarm.request).reach for alarm in batch)
    end = int(now.timestamp()) // length * length
    # Older data of a minute is gone, and asking for it might bring none at all.
    oldest = end + length - MOST_DAYS * DAY
    begin = max(end - days * DAY - lead * length, oldest) if length < 300 else end - days * DAY - lead * length
    asked = [query for number, alarm in enumerate(batch) for query in queries(number, alarm)]
    values, pages = _metric_values(client, asked, begin, end)
    found.metrics += pages * sum("MetricStat" in query for query in asked)
    slots = range(begin, end, length)
    for number, alarm in enumerate(batch):
        samples = values.get(f"q{number}_samples", {})
        found.series[alarm.name] = Series(
            begin=begin,
            period=length,
            points=tuple(values.get(f"q{number}", {}).get(at) for at in slots),
            samples=tuple(samples.get(at, 0) for at in slots) if samples else (),
            lead=lead,
        )


def _metric_values(
    client: Any, asked: Sequence[Mapping[str, Any]], begin: int, end: int
) -> tuple[dict[str, dict[int, float]], int]:
    """Return the values by query and time (s since 1970), and how many pages they came in."""
    values: dict[str, dict[int, float]] = {}
    pages = 0
    with retried("get_metric_data"):
        answer = client.get_paginator("get_metric_data").paginate(
            MetricDataQueries=asked,
            StartTime=datetime.fromtimestamp(begin, UTC),
            EndTime=datetime.fromtimestamp(end, UTC),
            ScanBy="TimestampAscending",
        )
        for page in answer:
            pages += 1
            for result in page["MetricDataResults"]:
                _refuse_unknown(result)
                times = (int(each.timestamp()) for each in result["Timestamps"])
                values.setdefault(result["Id"], {}).update(zip(times, result["Values"], strict=True))
    return values, pages


def _refuse_unknown(result: Mapping[str, Any]) -> None:
    """Raise Retry for what could not be read: it is not the same as no data."""
    status = result.get("StatusCode", "Complete")
    if status not in ("Complete", "PartialData"):
        said = "; ".join(each.get("Value", "") for each in result.get("Messages", ()))
        raise Retry(f"get_metric_data {result.get('Label', result['Id'])}: {status} {said}".rstrip())
