"""Builds the PutMetricAlarm request of one row for one scope: its metrics, its threshold, its words. Pure."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sagewatch.kinds.kind import Metric, Spec
from sagewatch.model import Alarm, Dimensions, Labels, Ref, Scope, Unit
from sagewatch.policy.rules import Policy
from sagewatch.units import humanise
from sagewatch.watch import names
from sagewatch.watch.revision import with_revision

_COMPARED = {
    "GreaterThanThreshold": "over",
    "GreaterThanOrEqualToThreshold": "at least",
    "LessThanThreshold": "under",
    "LessThanOrEqualToThreshold": "at most",
}
_A_QUARTER = 900  # seconds
# What PutMetricAlarm takes as `Statistic`; percentiles and the like are an `ExtendedStatistic`.
_SIMPLE_STATISTICS = {"Average", "Sum", "Minimum", "Maximum", "SampleCount"}


def alarm_of(prefix: str, ref: Ref, row: Spec, scope: Scope, labels: Labels, policy: Policy) -> Alarm:
    """Return the alarm of a row for a scope of a resource, complete."""
    spec = as_published(row, scope)
    topics = list(policy.topics(labels))
    request = {
        "AlarmName": names.alarm_name(prefix, ref, scope.name, spec.id),
        "ActionsEnabled": True,
        # Five ARNs at most for each state (PutMetricAlarm, AlarmActions and OKActions).
        "OKActions": topics,
        "AlarmActions": topics,
        "InsufficientDataActions": [],
        "EvaluationPeriods": spec.periods,
        "DatapointsToAlarm": spec.datapoints,
        "Threshold": _threshold(spec, scope),
        "ComparisonOperator": spec.comparison,
        # Left out it would be `missing`: the alarm becomes INSUFFICIENT_DATA (PutMetricAlarm, TreatMissingData).
        "TreatMissingData": spec.missing,
        # No Unit: the documentation disagrees on units, and under a wrong one an alarm has no data for ever.
        **_metrics_of(spec, scope),
    }
    price = ""
    if spec.priced and scope.hourly:
        hour, month = scope.hourly, scope.hourly * 24 * 30
        price = f"Each instance costs about ${hour:,.2f} an hour, ${month:,.0f} a month (us-east-1)."
    text = " ".join(filter(None, (condition(spec, scope), spec.why, price, spec.do)))
    return replace(with_revision(text, labels, request), warm_up=spec.warm_up)


def as_published(spec: Spec, scope: Scope) -> Spec:
    """Return a row with the periods that it has for a scope whose metrics are published less often than it counts.

    One data point for each period, and every one of them for a quarter of an hour, or for as long as the row looks at:
    8 of 10 minutes become 3 of 3 periods of 300 s. Fewer would fire on a single moment that was published.
    """
    # MetricPublishFrequencyInSeconds is 10, 30, or whole minutes; an alarm's period is whole minutes, too.
    published = [scope.published_every.get(scope.namespace or metric.namespace, 60) for metric in spec.metrics]
    length = max(published)
    if length <= spec.period:
        return spec
    number = max(_A_QUARTER, spec.period * spec.periods) // length
    return replace(spec, period=length, periods=number, datapoints=number)


def condition(spec: Spec, scope: Scope) -> str:
    """Say when the alarm fires: `Fires on memory over 90 % in 5 of 5 minutes.`"""
    spec = as_published(spec, scope)
    limit = humanise(_threshold(spec, scope), spec.unit, scope.capacity_in(spec.unit))
    length = humanise(spec.period, Unit.SECONDS)
    periods = {60: "minutes", 3600: "hours"}.get(spec.period, f"periods of {length}")
    window = f"within {length}" if spec.periods == 1 else f"in {spec.datapoints} of {spec.periods} {periods}"
    return f"Fires on {spec.title} {_COMPARED[spec.comparison]} {limit} {window}."


def _threshold(spec: Spec, scope: Scope) -> float:
    return float(spec.threshold * (scope.capacity_in(spec.unit) or 1))


def _metrics_of(spec: Spec, scope: Scope) -> dict[str, Any]:
    """Return what the alarm looks at: one metric, or an expression over several."""
    # `Metrics` takes ten metrics and ten expressions, of which exactly one returns data (PutMetricAlarm).
    if scope.also is not None:
        return _in_both_namespaces(spec, scope, scope.also)
    if spec.expression is None and len(scope.series) == 1:
        [metric] = spec.metrics
        # With `ignore` too few samples for a percentile leave the state as it is (EvaluateLowSampleCountPercentile).
        statistic = {"Statistic": metric.statistic}
        if metric.statistic not in _SIMPLE_STATISTICS:
            statistic = {"ExtendedStatistic": metric.statistic, "EvaluateLowSampleCountPercentile": "ignore"}
        return {**_metric_of(metric, scope, scope.series[0]), "Period": spec.period, **statistic}
    queries = [
        _query(f"m{n}" if spec.across else metric.id, spec, metric, scope, dimensions)
        for metric in spec.metrics
        for n, dimensions in enumerate(scope.series, start=1)
    ]
    folded = f"{spec.across}([{','.join([str(query['Id']) for query in queries])}])"
    result = {"Id": "result", "Expression": spec.expression or folded, "Label": spec.title, "ReturnData": True}
    return {"Metrics": [*queries, result]}


def _in_both_namespaces(spec: Spec, scope: Scope, other: str) -> dict[str, Any]:
    """Return what a row of a single metric looks at while it is not known which of two namespaces has it."""
    [metric], [dimensions] = spec.metrics, scope.series
    queries = [
        _query(f"m{n}", spec, metric, replace(scope, namespace=namespace), dimensions)
        for n, namespace in enumerate((scope.namespace or metric.namespace, other), start=1)
    ]
    result = {"Id": "result", "Expression": "MAX([m1,m2])", "Label": spec.title, "ReturnData": True}
    return {"Metrics": [*queries, result]}


def _query(name: str, spec: Spec, metric: Metric, scope: Scope, dimensions: Dimensions) -> dict[str, Any]:
    """Return one of the metrics that an expression reads, by the id that it has there."""
    # An Id begins with a lower-case letter (MetricDataQuery, Id).
    stat = {"Metric": _metric_of(metric, scope, dimensions), "Period": spec.period, "Stat": metric.statistic}
    return {"Id": name, "MetricStat": stat, "ReturnData": False}


def _metric_of(metric: Metric, scope: Scope, dimensions: Dimensions) -> dict[str, Any]:
    """Name a row's metric as CloudWatch does, by what was discovered for the scope in place of the row's own."""
    return {
        "Namespace": scope.namespace or metric.namespace,
        "MetricName": scope.metric or metric.name,
        # Each set of dimensions is a metric of its own: one that nobody publishes has no data (CloudWatch concepts,
        # "Dimensions").
        "Dimensions": [{"Name": name, "Value": value} for name, value in sorted(dimensions.items())],
    }
