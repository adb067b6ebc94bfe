"""Invented fleets, small and large: what a survey of an account would have read."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from sagewatch.fleet.costs import prices
from sagewatch.kinds.endpoint.observe import ENDPOINT
from sagewatch.kinds.kind import Kind
from sagewatch.kinds.pipeline import PIPELINE
from sagewatch.kinds.training_job import TRAINING_JOB
from sagewatch.model import Alarm, Description, Facts, Ref, canonical
from sagewatch.policy.rules import AlarmRule, Policy
from sagewatch.watch.plan import plan
from sagewatch_cli.account.alarms import PresentAlarm, series
from sagewatch_cli.account.coverage import (
    Coverage,
    CoverageContext,
    CoverageReadings,
    UnwatchedReason,
    UnwatchedResource,
    count_coverage,
)
from tests import resources
from tests.snapshots import NOT_DRAWN

NOW = datetime(2026, 3, 4, 9, 30, tzinfo=UTC)
LONG_AGO = NOW - timedelta(days=40)
HOSTILE = "<script>alert(1)</script>[red]\"'&"
_NAMES = (
    "churn",
    "fraud-score",
    "search-rank",
    "demand-forecast",
    "image-tagger",
    "support-router",
    "price-elasticity",
)


def where(**more: Any) -> CoverageContext:
    """A place, and nothing wanted otherwise there."""
    plain = {"prefix": "sagewatch", "at": NOW, "policy": Policy(), "withheld": frozenset()}
    return CoverageContext(**{"account": "123456789012", "region": "us-east-1", **plain, **more})


def facts(kind: Kind, description: Description, **answers: Any) -> Facts:
    """What a look at a resource that lives finds."""
    seen = resources.observed(kind, description, resources.answering(**answers))
    return Facts(ref=Ref(kind.name, description[kind.parameter]), live=True, scopes=seen.scopes, gaps=seen.gaps)


def present(alarm: Alarm, state: str = "OK", **more: Any) -> PresentAlarm:
    """An alarm that has stood for long."""
    arn = f"arn:aws:cloudwatch:us-east-1:123456789012:alarm:{alarm.name}"
    fields = {"arn": arn, "reason": "Threshold Crossed", "since": NOW - timedelta(hours=3), "updated": LONG_AGO, **more}
    return PresentAlarm(alarm=alarm, state=state, **fields)


def endpoint(name: str = "churn", instance: str = "ml.m5.2xlarge", policy: Policy | None = None) -> list[PresentAlarm]:
    """The alarms of an endpoint with one variant."""
    variant = resources.variant(instance=instance)
    found = facts(
        ENDPOINT,
        resources.endpoint(variant, name=name),
        describe_endpoint_config=resources.config(variant, EndpointConfigName=f"{name}-config"),
    )
    return [present(alarm) for alarm in plan("sagewatch", ENDPOINT, found, policy or Policy(), NOT_DRAWN).alarms]


def pipeline(name: str = "churn-train") -> list[PresentAlarm]:
    """The alarms of a pipeline with two steps."""
    found = facts(PIPELINE, resources.pipeline("Prepare", "Train", name=name))
    return [present(alarm) for alarm in plan("sagewatch", PIPELINE, found, withheld=NOT_DRAWN).alarms]


def training_job(name: str = "fraud-2026-03-04") -> list[PresentAlarm]:
    """The alarms of a training job on one host."""
    found = facts(TRAINING_JOB, resources.training_job(name=name))
    return [present(alarm) for alarm in plan("sagewatch", TRAINING_JOB, found, withheld=NOT_DRAWN).alarms]


def foreign(name: str) -> PresentAlarm:
    """An alarm under our prefix that somebody else made."""
    return present(canonical({"AlarmName": name, "Namespace": "n", "MetricName": "m", "Period": 60}))


@cache
def fleet(endpoints: int = 5) -> Coverage:
    """A fleet with something of everything: alarms in each state and with each fault, and people left out."""
    policy = Policy(alarms=(AlarmRule(kind="endpoint", alarm="idle", resource="*-1", off=True, line=4),), budget=2_000)
    owned = {each[0].alarm.labels.ref: each for each in _watched(endpoints, policy) if each[0].alarm.labels}
    gone = {Ref("endpoint", "old-churn"): endpoint("old-churn", policy=policy)[:2]}
    unwatched = tuple(_unwatched(endpoints))
    alarms = [each for several in (*owned.values(), *gone.values()) for each in several]
    silent = {each.name for number, each in enumerate(alarms) if number % 97 == 4}
    published = frozenset(one for each in alarms if each.name not in silent for one in series(each.alarm))
    return count_coverage(
        where(policy=policy),
        CoverageReadings(
            living={*owned, *(each.ref for each in unwatched)},
            owned={**owned, **gone},
            foreign=(foreign("sagewatch/endpoint/by-hand"), foreign(f"sagewatch/{HOSTILE}")),
            unwatched=unwatched,
            published=published,
            listed=frozenset(namespace for each in alarms for namespace, *_ in series(each.alarm)),
        ),
        prices("us-east-1"),
    )


def name_of(number: int) -> str:
    """Return the name of an endpoint of the fleet."""
    family = _NAMES[number % len(_NAMES)]
    return family if number < len(_NAMES) else f"{family}-{number // len(_NAMES)}"


def _watched(endpoints: int, policy: Policy) -> Iterator[list[PresentAlarm]]:
    for number in range(endpoints):
        instance = "ml.g5.2xlarge" if number % 3 == 2 else "ml.m5.2xlarge"
        yield [_varied(number * 16 + row, each) for row, each in enumerate(endpoint(name_of(number), instance, policy))]
    yield [replace(each, state="INSUFFICIENT_DATA") for each in pipeline()]
    yield training_job()


def _varied(number: int, present: PresentAlarm) -> PresentAlarm:
    """Return the alarm in another state or edited, for a few numbers."""
    if number % 61 == 3:
        return replace(present, state="ALARM", since=NOW - timedelta(minutes=7 + number % 50))
    if number % 29 == 5:
        return replace(present, state="INSUFFICIENT_DATA")
    if number % 149 == 41:
        return replace(present, alarm=canonical({**present.alarm.request, "Threshold": 1.0}))
    return present


def _unwatched(endpoints: int) -> Iterator[UnwatchedResource]:
    yield UnwatchedResource(Ref("endpoint", "sandbox"), UnwatchedReason.IGNORED, "tag sagewatch:ignore")
    yield UnwatchedResource(
        Ref("endpoint", "new-ranker"), UnwatchedReason.NOT_YET, "changed within the last 15 minutes"
    )
    yield UnwatchedResource(
        Ref("monitoring-schedule", "drift"), UnwatchedReason.UNKNOWN, "CloudWatch lists no drift that drift found yet"
    )
    for number in range(endpoints // 50):
        yield UnwatchedResource(
            Ref("endpoint", f"locked-{number}"), UnwatchedReason.UNREADABLE, "list_tags: AccessDeniedException"
        )
