"""Decides what the events say that sweep and reconcile send to be told: what is wrong, and no event of AWS tells. Pure.

The same finding always gives the same notice, which is told once: nobody here needs to know what was told before.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime

from sagewatch.errors import Fault
from sagewatch.kinds.kind import Kind
from sagewatch.model import Description, Ref

# Sent to the queue, not to a bus: PutEvents takes no source that begins with `aws.`, and no rule is needed.
_SOURCE = "sagewatch"
_MOST_REASONS = 20


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


def kinds_unlisted(why: Mapping[str, str], now: datetime) -> Mapping[str, object]:
    """Return an event for the kinds that cannot be listed here, all in one: `{"pipeline": "list_pipelines: …"}`."""
    detail = {"kinds": dict(sorted(why.items()))}
    return {"source": _SOURCE, "detail-type": "Sagewatch Kinds Unlisted", "time": now.isoformat(), "detail": detail}


def troubles(refused: Collection[str], given_up: Mapping[Ref, Exception], now: datetime) -> list[Mapping[str, object]]:
    """Return the events for what reconcile could not do: alarms that are refused, kinds that may not be described."""
    kinds = {ref.kind: str(why) for ref, why in given_up.items()}
    return [
        *(kind_unreadable(kind, why, now) for kind, why in sorted(kinds.items())),
        *([alarms_refused(refused, now)] if refused else []),
    ]


def kind_unreadable(kind: str, why: str, now: datetime) -> Mapping[str, object]:
    """Return an event for a kind whose resources cannot be described here."""
    detail = {"kind": kind, "why": why}
    return {"source": _SOURCE, "detail-type": "Sagewatch Kind Unreadable", "time": now.isoformat(), "detail": detail}


def alarms_refused(refused: Collection[str], now: datetime) -> Mapping[str, object]:
    """Return an event for alarms that CloudWatch refuses for good, each with its reason: `<name>: <reason>`.

    It names one alarm for each reason, twenty at most, since a quota may refuse a thousand.
    """
    by_reason = {each.partition(": ")[2]: each for each in sorted(refused, reverse=True)}
    detail = {"refused": sorted(by_reason.values())[:_MOST_REASONS], "count": len(refused)}
    return {"source": _SOURCE, "detail-type": "Sagewatch Alarms Refused", "time": now.isoformat(), "detail": detail}


def policy_broken(parameter: str | None, faults: Iterable[Fault], now: datetime) -> Mapping[str, object]:
    """Return an event for a policy with faults; the store of what was told keeps it from being told twice."""
    detail = {"parameter": parameter, "faults": [str(fault) for fault in faults]}
    return {"source": _SOURCE, "detail-type": "Sagewatch Policy Broken", "time": now.isoformat(), "detail": detail}


def digest_due(detail_type: str, detail: Mapping[str, object], now: datetime) -> Mapping[str, object]:
    """Return the event that has the digest sent."""
    return {"source": _SOURCE, "detail-type": detail_type, "time": now.isoformat(), "detail": detail}
