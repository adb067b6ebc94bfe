"""Decides how alarms are called, and whose an alarm is. Pure.

`<prefix>/<kind>/<resource>/<scope>/<alarm-id>`: SageMaker's names contain no slash, so one resource's names never
begin another's.
"""

from __future__ import annotations

import hashlib

from sagewatch.model import Labels, Ref

LONGEST = 255
"""Characters that CloudWatch allows in an alarm's name (PutMetricAlarm, AlarmName)."""

# Characters of a resource's name that survive when the whole would be too long.
_CUT_AT = 90


def alarm_name(prefix: str, ref: Ref, scope: str, alarm: str) -> str:
    """Return the alarm's name; over 255 characters, the resource part is cut and ends in a stable hash."""
    whole = f"{prefix}/{ref.kind}/{ref.name}/{scope}/{alarm}"
    if len(whole) <= LONGEST:
        return whole
    # A pipeline's name may have 256 characters and a step's 64, so a name can be too long whatever the prefix is.
    mark = hashlib.sha256(ref.name.encode()).hexdigest()[:10]
    return f"{prefix}/{ref.kind}/{ref.name[:_CUT_AT]}~{mark}/{scope}/{alarm}"


def search_prefix(prefix: str, ref: Ref) -> str:
    """Return what all alarms of a resource begin with, cut or not; `is_owned` tells them from a neighbour's."""
    whole = f"{prefix}/{ref.kind}/{ref.name}/"
    # A prefix that ends in a slash finds no neighbour; one that is cut may (DescribeAlarms, AlarmNamePrefix).
    return whole if len(ref.name) <= _CUT_AT else whole[: len(prefix) + len(ref.kind) + 2 + _CUT_AT]


def is_owned(prefix: str, ref: Ref, name: str, labels: Labels | None) -> bool:
    """Tell whether an alarm is ours and of this resource: by its name and by its labels."""
    return (
        labels is not None and labels.ref == ref and name == alarm_name(prefix, ref, labels["scope"], labels["alarm"])
    )
