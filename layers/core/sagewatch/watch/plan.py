"""Decides which alarms should be. Pure functions from facts to complete requests."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from sagewatch.kinds.kind import Kind, Metric, Spec
from sagewatch.kinds.registry import started_by
from sagewatch.model import PER_CAPACITY, Alarm, Dimensions, Facts, Gap, Labels, Plan, Scope, Unit, normal
from sagewatch.policy.cascade import TAG, tuned
from sagewatch.policy.rules import DEFAULT, Policy, row_of
from sagewatch.units import humanise
from sagewatch.watch import names

_DESCRIPTION = 1024  # characters, PutMetricAlarm AlarmDescription
_OWNERS = 500
"""Of these, what labels from tags may take as they are written; the rest is for our own labels and the text."""
_OVER = {
    "GreaterThanThreshold": "over",
    "GreaterThanOrEqualToThreshold": "at least",
    "LessThanThreshold": "under",
    "LessThanOrEqualToThreshold": "at most",
}
_SIMPLE_STATISTICS = {"Average", "Sum", "Minimum", "Maximum", "SampleCount"}


def plan(
    prefix: str, kind: Kind, facts: Facts, policy: Policy = DEFAULT, withheld: Collection[tuple[str, str]] = ()
) -> Plan:
    """Return the alarms that a resource deserves; the budget has no room for rows (kind, id) that are `withheld`."""
    if not facts.live:
        return Plan()
    rows = tuned(kind.specs, facts.ref, facts.tags, policy)
    affordable = [spec for spec in rows.specs if (kind.name, row_of(spec.id)) not in withheld]
    return Plan(
        alarms=tuple(_alarms(prefix, facts, affordable, policy)),
        held=frozenset(_held(facts.gaps, affordable)),
        guards=facts.guards,
        reports=(*rows.reports, *_crowded_out(facts, policy), *(gap.reason for gap in facts.gaps)),
    )


def _alarms(prefix: str, facts: Facts, specs: Iterable[Spec], policy: Policy) -> Iterator[Alarm]:
    unknown = {(gap.level, gap.scope): gap.traits for gap in facts.gaps}
    for spec in specs:
        for scope in facts.scopes:
            fits = spec.level == scope.level and scope.traits.issuperset(spec.needs)
            if fits and not spec.hangs_on(unknown.get((scope.level, scope.name), frozenset())):
                yield _alarm(prefix, facts, spec, scope, policy)


def _held(gaps: Iterable[Gap], specs: Iterable[Spec]) -> Iterator[tuple[str | None, str]]:
    rows = tuple(specs)
    for gap in gaps:
        for spec in rows:
            if spec.level == gap.level and (gap.scope is None or spec.hangs_on(gap.traits)):
                yield gap.scope, spec.id


def _alarm(prefix: str, facts: Facts, spec: Spec, scope: Scope, policy: Policy) -> Alarm:
    topics = list(policy.topics(spec.severity))
    request = {
        "AlarmName": names.alarm_name(prefix, facts.ref, scope.name, spec.id),
        "ActionsEnabled": True,
        "OKActions": topics,
        "AlarmActions": topics,
        "InsufficientDataActions": [],
        "EvaluationPeriods": spec.periods,
        "DatapointsToAlarm": spec.datapoints,
        "Threshold": _threshold(spec, scope),
        "ComparisonOperator": spec.comparison,
        "TreatMissingData": spec.missing,
        **_measured(spec, scope),
    }
    labels = _labels(facts, spec, scope, policy)
    text = " ".join(filter(None, (condition(spec, scope), spec.why, _price(spec, scope), spec.do)))
    return replace(sealed(text, labels, request), warm_up=spec.warm_up)


def _price(spec: Spec, scope: Scope) -> str:
    if not (spec.priced and scope.hourly):
        return ""
    return (
        f"Each instance costs about ${scope.hourly:,.2f} an hour, ${scope.hourly * 24 * 30:,.0f} a month (us-east-1)."
    )


def condition(spec: Spec, scope: Scope) -> str:
    """Say when the alarm fires: `Fires on p99 latency over 1.00 s in 3 of 5 minutes.`"""
    limit = humanise(_threshold(spec, scope), spec.unit, _capacity(spec, scope))
    length = humanise(spec.period, Unit.SECONDS)
    periods = {60: "minutes", 3600: "hours"}.get(spec.period, f"periods of {length}")
    window = f"within {length}" if spec.periods == 1 else f"in {spec.datapoints} of {spec.periods} {periods}"
    return f"Fires on {spec.title} {_OVER[spec.comparison]} {limit} {window}."


def sealed(text: str, labels: Labels, request: Mapping[str, Any]) -> Alarm:
    """Complete a request with its description, whose labels end in `rev`, a mark that an edit of the alarm breaks."""
    kept = _cut(text, _DESCRIPTION - len(labels.line()) - len("\n rev=01234567"))
    marked = Labels({**labels.values, "rev": _mark(kept, labels, request)})
    return normal({**request, "AlarmDescription": f"{kept}\n{marked.line()}"})


def is_edited(alarm: Alarm) -> bool:
    """Tell whether somebody changed an alarm of ours after we wrote it; ActionsEnabled is theirs to change."""
    labels = alarm.labels
    if labels is None:
        return True
    text = alarm.request["AlarmDescription"].rpartition("\n")[0]
    return labels.get("rev") != _mark(text, _without(labels, "rev"), alarm.request)


def guarding(alarm: Alarm, guarded: str) -> Alarm:
    """Return an alarm of ours with a label that says whose deployments it guards, so that no teardown overlooks it."""
    labels = alarm.labels
    if labels is None:
        return alarm
    text = alarm.request["AlarmDescription"].rpartition("\n")[0]
    marked = Labels({**_without(labels, "rev").values, "guards": guarded})
    return sealed(text, marked, alarm.request)


def _without(labels: Labels, name: str) -> Labels:
    return Labels({each: value for each, value in labels.values.items() if each != name})


def _mark(text: str, labels: Labels, request: Mapping[str, Any]) -> str:
    fixed = {k: v for k, v in normal(request).request.items() if k not in {"AlarmDescription", "ActionsEnabled"}}
    return hashlib.sha256(json.dumps([text, labels.line(), fixed], sort_keys=True).encode()).hexdigest()[:8]


def _cut(text: str, room: int) -> str:
    return text if len(text) <= room else text[: room - 1] + "…"


def _labels(facts: Facts, spec: Spec, scope: Scope, policy: Policy) -> Labels:
    values = {
        "severity": str(spec.severity),
        "kind": facts.ref.kind,
        "resource": facts.ref.name,
        "scope": scope.name,
        "alarm": spec.id,
    }
    values |= {**facts.labels, **started_by(facts.ref, facts.tags)}
    more = _fitting(_tagged(facts, policy))
    values |= {label: value for label, value in more.items() if label not in values}
    if mark := policy.mark(facts.ref, spec.id):
        values["policy"] = mark
    if spec.unit in PER_CAPACITY:
        values[PER_CAPACITY[spec.unit]] = str(_capacity(spec, scope))
    return Labels(values)


def _tagged(facts: Facts, policy: Policy) -> dict[str, str]:
    """Return the labels that a resource's tags become."""
    route = facts.tags.get(f"{TAG}route", "")
    return {**policy.labels_of(facts.tags), **({"route": route} if route else {})}


def _fitting(labels: Mapping[str, str]) -> dict[str, str]:
    """Return those of the labels, in their order, that a description has room for."""
    fitting: dict[str, str] = {}
    for label, value in labels.items():
        if len(Labels({**fitting, label: value}).line()) <= _OWNERS:
            fitting[label] = value
    return fitting


def _crowded_out(facts: Facts, policy: Policy) -> Iterator[str]:
    labels = _tagged(facts, policy)
    for label in sorted(labels.keys() - _fitting(labels).keys()):
        yield f"label {label}: the text of an alarm has no room for its tag's value; it is left out"


def _threshold(spec: Spec, scope: Scope) -> float:
    return float(spec.threshold * (_capacity(spec, scope) or 1))


def _capacity(spec: Spec, scope: Scope) -> int | None:
    field = PER_CAPACITY.get(spec.unit)
    return getattr(scope.capacity, field) if field else None


def _measured(spec: Spec, scope: Scope) -> dict[str, Any]:
    """Return what the alarm looks at: one metric, or an expression over several."""
    if spec.expression is None and len(scope.series) == 1:
        [metric], [dimensions] = _metrics(spec, scope), scope.series
        extended = {} if metric.statistic in _SIMPLE_STATISTICS else {"EvaluateLowSampleCountPercentile": "ignore"}
        return {
            "Namespace": metric.namespace,
            "MetricName": metric.name,
            "Dimensions": _dimensions(dimensions),
            "Period": spec.period,
            "ExtendedStatistic" if extended else "Statistic": metric.statistic,
            **extended,
        }
    queries = [
        _query(replace(metric, id=f"m{n}") if spec.across else metric, dimensions, spec.period)
        for metric in _metrics(spec, scope)
        for n, dimensions in enumerate(scope.series, start=1)
    ]
    folded = f"{spec.across}([{','.join(query['Id'] for query in queries)}])"
    result = {"Id": "result", "Expression": spec.expression or folded, "Label": spec.title, "ReturnData": True}
    return {"Metrics": [*queries, result]}


def _metrics(spec: Spec, scope: Scope) -> tuple[Metric, ...]:
    """Return the row's metrics, by the names that were discovered for the scope."""
    return tuple(
        replace(metric, namespace=scope.namespace or metric.namespace, name=scope.metric or metric.name)
        for metric in spec.metrics
    )


def _query(metric: Metric, dimensions: Dimensions, period: int) -> dict[str, Any]:
    named = {"Namespace": metric.namespace, "MetricName": metric.name, "Dimensions": _dimensions(dimensions)}
    return {
        "Id": metric.id,
        "MetricStat": {"Metric": named, "Period": period, "Stat": metric.statistic},
        "ReturnData": False,
    }


def _dimensions(dimensions: Dimensions) -> list[dict[str, str]]:
    return [{"Name": name, "Value": value} for name, value in sorted(dimensions.items())]


def is_incomplete(kind: Kind, present: Mapping[str, frozenset[str]], pardoned: Collection[str] = ()) -> bool:
    """Tell whether alarms that belong together are missing, by scope and alarm id, from those that are there alone.

    The rows that are there show which traits a scope has; every row that asks for no more should be there too, but for
    those that are pardoned. The milder one of a pair shows its row, too, and does not stand for it.
    """
    return any(
        not _siblings(kind, frozenset(map(row_of, ids))) - frozenset(pardoned) <= ids for ids in present.values()
    )


def _siblings(kind: Kind, ids: frozenset[str]) -> frozenset[str]:
    here = [spec for spec in kind.specs if spec.id in ids]
    levels = {spec.level for spec in here}
    traits = {trait for spec in here for trait in spec.needs}
    return frozenset(spec.id for spec in kind.specs if spec.level in levels and traits.issuperset(spec.needs))
