"""Where a failure leads: what a job's description says of it, on what and how long it ran, where its log is.

A kind is handed a `FailureReader` and answers with a `Lead`; it calls nothing itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Protocol

from sagewatch.model import Description, Notice, Ref, Unit
from sagewatch.units import humanise

DETAILS = "details"
"""What the description of a resource is for: "No details: …" is said when it was refused."""


class FailureReader(Protocol):
    """What a kind may ask while it explains a failure.

    What AWS refuses, or answers too slowly, is `{}`; people are told so by what it was for: `No <purpose>: …`.
    """

    def described(self, purpose: str, ref: Ref) -> Description:
        """Describe a resource by the operation that its kind declares."""

    def sagemaker(self, purpose: str, operation: str, **parameters: Any) -> Description:
        """Call another read operation of SageMaker."""

    def starter(self, notice: Notice, description: Description) -> str:
        """Say what or who started a job: `tuning job sweep`, `pipeline churn-train / step Train`; empty if unknown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lead:
    """Where a failure leads: whose it is, how it is put, and its log."""

    ref: Ref
    """The resource that failed in the first place, often a job that the notice does not name."""
    reason: str = ""
    """What SageMaker says of it."""
    facts: Mapping[str, str] = field(default_factory=dict)
    """Short facts by name: `{"Compute": "2 × ml.m5.4xlarge (spot)"}`."""
    steps: tuple[tuple[str, str, float | None, str], ...] = ()
    """A pipeline execution's steps in order: (name, status, seconds or None, reason)."""
    behind: str = ""
    """The ARN of the job behind the failure."""
    follow: bool = False
    """Whether that job is to be described, and its reason and log taken."""
    group: str = ""
    """The log group; empty where there is no log."""
    streams: str = ""
    """What the names of its streams begin with; empty for all."""


@dataclass(frozen=True, slots=True)
class JobRun:
    """Where the description of a job says what it ran on and how long, and in which log group it writes."""

    compute: tuple[str, ...]
    """The path to the instances: `("ProcessingResources", "ClusterConfig")`; empty where there are none."""
    start: str
    end: str
    group: str = ""


def explain_job(run: JobRun, read: FailureReader, notice: Notice) -> Lead:
    """Return the lead of a failed job: its own description, and what started it."""
    return with_starter(read, notice, run, read.described("details of the job", notice.labels.ref))


def with_starter(read: FailureReader, notice: Notice, run: JobRun, description: Description) -> Lead:
    """Return the lead of a job that is described already, and what started it."""
    lead = lead_of_job(run, notice.labels.ref, description, notice.reason)
    starter = read.starter(notice, description)
    return replace(lead, facts={**lead.facts, "Started by": starter} if starter else lead.facts)


def lead_of_job(run: JobRun, ref: Ref, description: Description, reason: str = "") -> Lead:
    """Return what a job's description says of its failure; without one, what is known anyway."""
    partial = [each.get("PartialFailureMessage") for each in description.get("PartialFailureReasons") or ()]
    said = (description.get("FailureReason") or reason, description.get("ExitMessage"), *partial)
    facts = {"Compute": _compute(description, run), "Ran": _ran(description, run)}
    return Lead(
        ref=ref,
        reason="\n".join(filter(None, said)),
        facts={name: fact for name, fact in facts.items() if fact},
        group=run.group,
        streams=f"{ref.name}/",
    )


def last_deployment(description: Description, at: datetime) -> dict[str, str]:
    """Say how long before `at` an endpoint was last changed, and to what: `14 min before (churn-prod-v42)`.

    `{}` when the description does not say.
    """
    when, config = description.get("LastModifiedTime"), description.get("EndpointConfigName")
    if when is None:
        return {}
    seconds = (at - when).total_seconds()
    said = f"{_whole_minutes(abs(seconds))} {'before' if seconds >= 0 else 'after'}"
    return {"Last deployment": said + (f" ({config})" if config else "")}


def _whole_minutes(seconds: float) -> str:
    return lasting(seconds if seconds < 60 else round(seconds / 60) * 60)


def in_common(description: Description) -> dict[str, str]:
    """Return what the description of an endpoint or a component may share with others: `{"deployment": "llama-v7"}`."""
    found = {
        "deployment": description.get("EndpointConfigName"),
        "model": (description.get("Specification") or {}).get("ModelName"),
    }
    return {name: value for name, value in found.items() if value}


def of_configuration(configuration: Description) -> dict[str, str]:
    """Return what an endpoint's configuration says that others may share, of its first variant."""
    [variant, *_] = configuration.get("ProductionVariants") or [{}]
    found = {"instance type": variant.get("InstanceType"), "model": variant.get("ModelName")}
    return {name: value for name, value in found.items() if value}


def seconds_between(start: datetime | None, end: datetime | None) -> float | None:
    """Return the seconds from start to end, None when one is unknown or they are the wrong way round."""
    return (end - start).total_seconds() if start and end and end >= start else None


def lasting(seconds: float) -> str:
    """Say a length of time: `1 h 12 min`; less than a second is `0 s`."""
    return humanise(round(seconds), Unit.SECONDS) if seconds >= 1 else "0 s"


def _compute(description: Description, run: JobRun) -> str:
    """Say what it runs on: `2 × ml.m5.4xlarge (spot)`."""
    at: Any = description if run.compute else {}
    for step in run.compute:
        at = at.get(step) or {}
    said = " + ".join(filter(None, map(_instances, at.get("InstanceGroups") or (at,))))
    return f"{said} (spot)" if said and description.get("EnableManagedSpotTraining") else said


def _instances(group: Mapping[str, Any]) -> str:
    instance = group.get("SelectedInstanceType") or group.get("InstanceType")
    count = group.get("SelectedInstanceCount") or group.get("InstanceCount")
    return f"{count} × {instance}" if instance and count else ""


def _ran(description: Description, run: JobRun) -> str:
    """Say how long it ran: `1 h 12 min · billed 1 h 5 min`; nothing when it never began."""
    seconds = seconds_between(description.get(run.start), description.get(run.end))
    billed = description.get("BillableTimeInSeconds")
    if seconds is None:
        return ""
    return lasting(seconds) + (f" · billed {lasting(billed)}" if billed is not None else "")
