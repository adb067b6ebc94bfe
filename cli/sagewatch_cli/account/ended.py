"""Reads how a resource ended that SageMaker still describes: a job that failed, an endpoint that is being deleted."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from sagewatch.kinds.kind import Kind, Reader
from sagewatch.model import Ref
from sagewatch.receivers.wording.phrases import harmless

_LONGEST = 300  # characters of what SageMaker or somebody's code wrote


@dataclass(frozen=True, slots=True)
class EndedResource:
    """A resource that is over or on its way out: its status, as SageMaker calls it, since when, and why."""

    ref: Ref
    status: str
    at: datetime | None
    reason: str

    @property
    def said(self) -> str:
        """Return a sentence: `training-job/xgb-churn is over since 2026-03-04 05:06 UTC: Failed, OutOfMemory.`"""
        since = f" since {self.at.astimezone(UTC):%Y-%m-%d %H:%M} UTC" if self.at else ""
        reason = f", {self.reason.rstrip('.')}" if self.reason else ""
        return f"{self.ref} is over{since}: {self.status}{reason}."


def read_ended(read: Reader, kind: Kind, ref: Ref) -> EndedResource | None:
    """Describe a resource that is not watched any more; None when SageMaker does not know it, or when it lives.

    Jobs are described for as long as SageMaker keeps them; what was deleted is not.
    """
    answers = (read(kind.describe, **parameters) for parameters in kind.asked(ref.name))
    found = next((each for each in answers if each is not None), None)
    if found is None or kind.live(found):
        return None
    # A status is called after its resource: TrainingJobName and TrainingJobStatus; some have only Status.
    status = found.get(f"{kind.parameter.removesuffix('Name')}Status") or found.get("Status") or "ended"
    at = found.get(kind.run.end) if kind.run else None
    reason = harmless(str(found.get("FailureReason") or ""), _LONGEST)
    return EndedResource(
        Ref(kind.name, found[kind.parameter]), str(status), at or found.get("LastModifiedTime"), reason
    )
