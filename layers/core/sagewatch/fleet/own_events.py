"""Decides what the events say that the sweep sends to be told: failures without an event, a broken policy. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from sagewatch.errors import Fault
from sagewatch.kinds.kind import Kind
from sagewatch.model import Description

# Sent to the queue, not to a bus: PutEvents takes no source that begins with `aws.`, and no rule is needed.
_SOURCE = "sagewatch"


def failure_found(kind: Kind, item: Description) -> Mapping[str, object]:
    """Return an event for a failed resource on a list; the same failure always gives the same event."""
    arn, at = item[kind.arn], (kind.failures or kind.listing).changed(item).isoformat()
    return {
        "source": _SOURCE,
        "detail-type": "Sagewatch Failure Found",
        "account": arn.split(":")[4],
        "region": arn.split(":")[3],
        "time": at,
        "resources": [arn],
        "detail": {
            "kind": kind.name,
            "what": kind.title,
            "name": item[kind.parameter],
            "arn": arn,
            "status": "Failed",
            "at": at,
            "reason": item.get("FailureReason"),
        },
    }


def kind_unlisted(kind: str, why: str, now: datetime) -> Mapping[str, object]:
    """Return an event for a kind that cannot be listed here; it is told once, as the store of what was told sees to."""
    detail = {"kind": kind, "why": why}
    return {"source": _SOURCE, "detail-type": "Sagewatch Kind Unlisted", "time": now.isoformat(), "detail": detail}


def policy_broken(parameter: str | None, faults: Iterable[Fault], now: datetime) -> Mapping[str, object]:
    """Return an event for a policy with faults; the store of what was told keeps it from being told twice."""
    detail = {"parameter": parameter, "faults": [str(fault) for fault in faults]}
    return {"source": _SOURCE, "detail-type": "Sagewatch Policy Broken", "time": now.isoformat(), "detail": detail}


def digest_due(detail_type: str, detail: Mapping[str, object], now: datetime) -> Mapping[str, object]:
    """Return the event that has the digest sent."""
    return {"source": _SOURCE, "detail-type": detail_type, "time": now.isoformat(), "detail": detail}
