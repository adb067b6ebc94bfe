"""Reads the lists that the digest counts: who lives, kind by kind, and which of our alarms are in the state ALARM."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING

from sagewatch.aws import sagemaker
from sagewatch.aws.errors import retried
from sagewatch.errors import Retry
from sagewatch.kinds.registry import KINDS
from sagewatch.model import Alarm, Ref, normal

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch import CloudWatchClient


def living(client: sagemaker.Client) -> tuple[dict[Ref, datetime], frozenset[str]]:
    """Return what lives, with the time of its last change, and the kinds whose lists could not be read."""
    found: dict[Ref, datetime] = {}
    unread = set()
    for kind in KINDS:
        if not kind.specs:
            continue
        try:
            found |= dict(sagemaker.live(client, kind))
        except Retry:
            unread.add(kind.name)
    return found, frozenset(unread)


def firing(client: CloudWatchClient, prefix: str) -> Iterator[Alarm]:
    """Yield the metric alarms under our prefix that are in the state ALARM."""
    with retried(f"describe_alarms {prefix}/"):
        pages = client.get_paginator("describe_alarms").paginate(
            AlarmNamePrefix=f"{prefix}/",
            AlarmTypes=["MetricAlarm"],
            StateValue="ALARM",
            PaginationConfig={"PageSize": 100},
        )
        yield from (normal(each) for page in pages for each in page["MetricAlarms"] if each["StateValue"] == "ALARM")
