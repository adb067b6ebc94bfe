"""The charts of the dashboard: what SageMaker documents of its metrics, and why one deserves no alarm.

Written by hand from SageMaker's documentation, never from our own rows: a row that misspells a metric, or reads it with
dimensions that it does not have, is found by comparing it with these. Sources: SageMaker Developer Guide, "Monitor
Amazon SageMaker with Amazon CloudWatch", "Monitor a serverless endpoint", "Monitor asynchronous endpoint", "Inference
Pipeline Logs and Metrics"; CloudWatch User Guide, Container Insights for HyperPod. Where live endpoints differ, they
are right.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

type DimensionNames = tuple[str, ...]
"""The names of one exact dimension set."""

type CloudWatchUnit = Literal["None", "Count", "Percent", "Microseconds", "Milliseconds", "Seconds"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """Metrics that are drawn together: of one namespace, with one unit and the same dimension sets."""

    title: str
    namespace: str
    also: tuple[str, ...] = ()
    """Namespaces that other sources give for the same metrics; CloudWatch has them in one of these only."""
    dimensions: tuple[DimensionNames, ...]
    unit: CloudWatchUnit
    statistics: tuple[str, ...]
    """The statistics that the documentation lists as valid."""
    shown: str
    """The statistic that is drawn."""
    metrics: Mapping[str, str]
    """Name (`*` at its end stands for any ending) → why it has no alarm; used only while no row reads it."""


ACCOUNT: DimensionNames = ()
HOST: DimensionNames = ("Host",)

SUM = ("Sum",)
MAXIMUM = ("Maximum",)
TALLY = ("Sum", "SampleCount")
SHARE = ("Average", "Sum")
EXTREMES = ("Minimum", "Maximum")
LEVEL = ("Average", "Maximum", "Minimum")
SPREAD = ("Average", "Sum", "Minimum", "Maximum", "SampleCount")
TIMED = (*SPREAD, "Percentiles")
LAUNCH = ("Average", "Minimum", "Maximum", "SampleCount", "Percentiles")

LOAD = "It says how much is asked, not how well it is answered; latency and utilisation have alarms for too much of it."
DOING_WELL = "More of it is good, and less is told by the failures, which have alarms."
DELIBERATE = "Somebody stopped it on purpose."
FIRST_PART = "It is the time to the first part of a stream, which depends on the prompt; ModelLatency has the alarm."


def dashboard_title(prefix: str) -> str:
    """Return the text of the dashboard's first widget, by which a dashboard is known as ours and of this prefix."""
    return f"# SageMaker, watched by Sagewatch: alarms under {prefix}/"
