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
# What PutMetricAlarm takes as `Statistic`; percentiles and the like are an `ExtendedStatistic`.
_SIMPLE_STATISTICS = {"Average", "Sum", "Minimum", "Maximum", "SampleCount"}


def alarm_of(prefix: str, ref: Ref, spec: Spec, scope: Scope, labels: Labels, policy: Policy) -> Alarm:
    """Return the alarm of a row for a scope of a resource, complete."""
    topics = list(policy.topics(spec.severity))
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


def condition(spec: Spec, scope: Scope) -> str:
    """Say when the alarm fires: `Fires on p99 latency over 1.00 s in 3 of 5 minutes.`"""
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
    if spec.expression is None and len(scope.series) == 1:
        [metric] = spec.metrics
        # With `ignore` too few samples for a percentile leave the state as it is (EvaluateLowSampleCountPercentile).
        statistic = {"Statistic": metric.statistic}
        if metric.statistic not in _SIMPLE_STATISTICS:
            statistic = {"ExtendedStatistic": metric.statistic, "EvaluateLowSampleCountPercentile": "ignore"}
        return {**_metric_of(metric, scope, scope.series[0]), "Period": spec.period, **statistic}
    queries = [
        {
            # An Id begins with a lower-case letter (MetricDataQuery, Id).
            "Id": f"m{n}" if spec.across else metric.id,
            "MetricStat": {
                "Metric": _metric_of(metric, scope, dimensions),
                "Period": spec.period,
                "Stat": metric.statistic,
            },
            "ReturnData": False,
        }
        for metric in spec.metrics
        for n, dimensions in enumerate(scope.series, start=1)
    ]
    folded = f"{spec.across}([{','.join([str(query['Id']) for query in queries])}])"
    result = {"Id": "result", "Expression": spec.expression or folded, "Label": spec.title, "ReturnData": True}
    return {"Metrics": [*queries, result]}


def _metric_of(metric: Metric, scope: Scope, dimensions: Dimensions) -> dict[str, Any]:
    """Name a row's metric as CloudWatch does, by what was discovered for the scope in place of the row's own."""
    return {
        "Namespace": scope.namespace or metric.namespace,
        "MetricName": scope.metric or metric.name,
        # Each set of dimensions is a metric of its own: one that nobody publishes has no data (CloudWatch concepts,
        # "Dimensions").
        "Dimensions": [{"Name": name, "Value": value} for name, value in sorted(dimensions.items())],
    }
