"""Decides which alarms may guard a deployment of an endpoint: SageMaker rolls it back when one of them fires."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from sagewatch.aws.retries import retried
from sagewatch.aws.sagemaker import is_gone
from sagewatch.kinds.endpoint.observe import ENDPOINT
from sagewatch.model import Description, Labels, Ref, Severity
from sagewatch.watch import names

MOST = 10
"""Alarms that AutoRollbackConfiguration takes."""

_ROWS = {spec.id: (index, spec) for index, spec in enumerate(ENDPOINT.specs)}
_SEVERITIES = tuple(Severity)


@dataclass(frozen=True, slots=True)
class Guard:
    """An alarm that can guard a deployment, and the state that it is in."""

    name: str
    labels: Labels
    state: str

    @property
    def severity(self) -> Severity:
        """Return the severity in its labels."""
        return Severity(self.labels["severity"])

    @property
    def title(self) -> str:
        """Return its row's title, or its id where this version has no such row."""
        row = _ROWS.get(self.labels["alarm"])
        return row[1].title if row else self.labels["alarm"]

    @property
    def firing(self) -> bool:
        """Tell whether it is in ALARM."""
        return self.state == "ALARM"


def describe_endpoint(client: Any, endpoint: str) -> Description | None:
    """Describe an endpoint; None when it is gone or on its way out."""
    with retried(f"describe_endpoint {endpoint}"):
        try:
            description: Description = client.describe_endpoint(EndpointName=endpoint)
        except ClientError as error:
            if is_gone(error):
                return None
            raise
    return description if ENDPOINT.live(description) else None


def guards_of(client: Any, prefix: str, endpoint: str) -> Iterator[Guard]:
    """Yield the endpoint's alarms that are ours, in any state."""
    ref = Ref(ENDPOINT.name, endpoint)
    with retried(f"describe_alarms of {ref}"):
        pages = client.get_paginator("describe_alarms").paginate(
            AlarmNamePrefix=names.search_prefix(prefix, ref), AlarmTypes=["MetricAlarm"]
        )
        for alarm in (each for page in pages for each in page["MetricAlarms"]):
            labels = Labels.of(alarm.get("AlarmDescription"))
            if labels and names.is_owned(prefix, ref, alarm["AlarmName"], labels):
                yield Guard(alarm["AlarmName"], labels, alarm["StateValue"])


def choose_guards(found: Iterable[Guard], endpoint: Description, *, warnings: bool = False) -> tuple[Guard, ...]:
    """Return the alarms that may guard a deployment, the most telling first.

    By severity, then by row of the catalogue (errors before latency before memory), then by variant. Alarms that inform
    (`idle`) never guard; nor those of an asynchronous endpoint's backlog, which measure its load and its scaling; nor
    those of a variant that has gone, which will be deleted.
    """
    variants = tuple(
        each["VariantName"]
        for field in ("ProductionVariants", "ShadowProductionVariants")
        for each in endpoint.get(field) or ()
    )
    severities = (Severity.CRITICAL, Severity.WARNING) if warnings else (Severity.CRITICAL,)
    fit = (each for each in found if each.severity in severities and _may_guard(each, variants))
    return tuple(sorted(fit, key=lambda each: _guard_rank(each, variants)))


def _may_guard(guard: Guard, variants: tuple[str, ...]) -> bool:
    _, row = _ROWS.get(guard.labels["alarm"], (None, None))
    if row is None:
        return True
    return row.level != "backlog" and (row.level != "variant" or not variants or guard.labels["scope"] in variants)


def _guard_rank(guard: Guard, variants: tuple[str, ...]) -> tuple[int, bool, int, int, str]:
    index, row = _ROWS.get(guard.labels["alarm"], (len(_ROWS), None))
    scope = guard.labels["scope"]
    return (
        _SEVERITIES.index(guard.severity),
        row is None or row.level != "variant",
        index,
        variants.index(scope) if scope in variants else len(variants),
        guard.name,
    )
