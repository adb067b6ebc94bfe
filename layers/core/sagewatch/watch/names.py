"""Decides how alarms are called, and whose an alarm is. Pure.

`<prefix>/<kind>/<resource>/<scope>/<alarm-id>`: SageMaker's names contain no slash, so one resource's names never
begin another's.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from sagewatch.kinds.registry import spec
from sagewatch.model import Alarm, Labels, Ref, canonical

LONGEST = 255
"""Characters that CloudWatch allows in an alarm's name (PutMetricAlarm, AlarmName)."""

_SLASHES = 4  # in a name, at least

# Characters of a resource's name that survive when the whole would be too long.
_CUT_AT = 90


def alarm_name(prefix: str, ref: Ref, scope: str, alarm: str) -> str:
    """Return the alarm's name; over 255 characters a long resource is cut, then the scope, each with a stable hash."""
    whole = f"{prefix}/{ref.kind}/{ref.name}/{scope}/{alarm}"
    if len(whole) <= LONGEST:
        return whole
    # A pipeline's name may have 256 characters and a step's 64, so a name can be too long whatever the prefix is.
    begin = f"{prefix}/{ref.kind}/{_cut(ref.name, _CUT_AT) if len(ref.name) > _CUT_AT else ref.name}"
    whole = f"{begin}/{scope}/{alarm}"
    if len(whole) <= LONGEST:
        return whole
    # A variant's and a container's name have 63 characters each, and both are in the scope.
    return f"{begin}/{_cut(scope, LONGEST - len(begin) - len(alarm) - 2 - _MARK)}/{alarm}"


_MARK = 11


def _cut(text: str, at: int) -> str:
    """Return the first characters of a text and a mark of the whole: `churn-in-production~1f0c9a2b3d`."""
    return f"{text[:at]}~{hashlib.sha256(text.encode()).hexdigest()[: _MARK - 1]}"


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


def claimed(prefix: str, alarm: Alarm, ref: Ref | None = None) -> Alarm | None:
    """Return an alarm if it is ours, of this resource when one is given, else None.

    When somebody cleared the description, it is ours by a name that only we give, for a metric of that row; it is
    returned with the labels that the name says, as an alarm that was edited.
    """
    labels = alarm.labels
    if labels is not None:
        return alarm if is_owned(prefix, ref or labels.ref, alarm.name, labels) else None
    if alarm.request.get("AlarmDescription"):
        return None
    labels = _by_name(prefix, alarm, ref)
    return canonical({**alarm.request, "AlarmDescription": labels.line()}) if labels else None


def ref_in(name: str) -> Ref | None:
    """Return the resource that an alarm's name names, None when it is cut or none of ours."""
    _, _, rest = name.partition("/")
    kind, _, rest = rest.partition("/")
    resource, _, rest = rest.partition("/")
    return Ref(kind, resource) if resource and "/" in rest and "~" not in resource else None


def row_names(foreign: Iterable[str]) -> dict[Ref, list[str]]:
    """Return, by resource, those names of somebody's own alarms that a row of ours would give.

    No alarm is made under such a name until the other one is gone: `["sagewatch/endpoint/churn/AllTraffic/cpu"]`
    becomes `{Ref("endpoint", "churn"): [that name]}`.
    """
    found: dict[Ref, list[str]] = {}
    for name in foreign:
        ref = ref_in(name)
        if ref and name.count("/") >= _SLASHES and spec(ref.kind, name.rpartition("/")[2]):
            found.setdefault(ref, []).append(name)
    return found


def _by_name(prefix: str, alarm: Alarm, ref: Ref | None) -> Labels | None:
    ref = ref or ref_in(alarm.name)
    *begin, row = alarm.name.split("/")
    if ref is None or len(begin) < 4 or not _has_its_metric(alarm, ref.kind, row):
        return None
    values = {"kind": ref.kind, "resource": ref.name, "scope": "/".join(begin[3:]), "alarm": row}
    return Labels(values) if is_owned(prefix, ref, alarm.name, Labels(values)) else None


def _has_its_metric(alarm: Alarm, kind: str, row: str) -> bool:
    found = spec(kind, row)
    looked_at = {each.metric for each in alarm.metrics}
    # Rows whose metrics are discovered name the beginning of the metric's name.
    return found is not None and any(each.startswith(m.name.rstrip("*")) for each in looked_at for m in found.metrics)
