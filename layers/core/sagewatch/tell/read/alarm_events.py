"""Reads an event as a notice, or as nothing that is worth telling. Pure.

Events of alarms and those of our own are read here, those of SageMaker in `sagemaker_events`.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterable, Sequence
from contextlib import suppress
from datetime import UTC, datetime

from sagewatch.errors import SagewatchError, Undeliverable, understood
from sagewatch.kinds import links
from sagewatch.kinds.kind import Spec
from sagewatch.kinds.prices import said_price
from sagewatch.kinds.registry import spec
from sagewatch.model import PER_CAPACITY, AlarmState, Labels, Notice, Ref, Severity, State, Unit
from sagewatch.policy.cascade import is_ignored
from sagewatch.policy.rules import DEFAULT, Policy
from sagewatch.tell.read import sagemaker_events
from sagewatch.tell.read.sagemaker_events import Event, happened, labelled, links_of, place_of, subject_of, tags_of

_UNREADABLE = datetime.fromtimestamp(0, UTC)
_STATES: dict[object, State] = {"ALARM": "firing", "OK": "cleared"}
"""What a state change tells. An OK without an alarm before it is silence, which `incidents` decides; a lull
(INSUFFICIENT_DATA) is nothing: what fires goes on until it is OK."""


def notice(prefix: str, event: Event, policy: Policy = DEFAULT) -> Notice | None:
    """Return what an event tells, None when it is nothing to tell; Undeliverable when it cannot be understood."""
    detail_type, detail = event.get("detail-type"), event.get("detail")
    if not isinstance(detail_type, str) or not isinstance(detail, dict):
        raise Undeliverable("The message is no event: it needs detail-type and detail")
    if detail_type == "CloudWatch Alarm State Change":
        return _alarm_changed(prefix, event, detail)
    if detail_type == "CloudWatch Alarm Configuration Change":
        return _alarm_deleted(prefix, event, detail)
    if detail_type == "Sagewatch Failure Found":
        return _failure_found(event, detail, policy)
    if detail_type in _OURS:
        return _OURS[detail_type](event, detail)
    if detail_type not in sagemaker_events.BY_DETAIL_TYPE:
        raise Undeliverable(f"Nothing is known to be told by events of detail-type '{detail_type}'")
    return sagemaker_events.failure(event, detail, policy)


def in_order(records: Sequence[Event]) -> list[Event]:
    """Return queue messages in the order in which what they tell happened; those that cannot be read come first."""
    # A standard queue keeps no order (SQS Developer Guide, "Standard queues").
    return sorted(records, key=_told_at)


def opening(prefix: str, records: Iterable[Event]) -> frozenset[Ref]:
    """Return the resources of which queue messages say that something opens; those that cannot be read name none."""
    found: set[Ref] = set()
    for record in records:
        with suppress(SagewatchError), understood("The message could not be read"):
            told = notice(prefix, json.loads(record["body"]))
            if told and told.state in ("firing", "failed") and not told.muted:
                found.add(told.subject)
    return frozenset(found)


def _told_at(record: Event) -> datetime:
    try:
        event = json.loads(record.get("body") or "")
    except (TypeError, ValueError):
        return _UNREADABLE
    return happened(event) if isinstance(event, dict) else _UNREADABLE


def _alarm_changed(prefix: str, event: Event, detail: Event) -> Notice | None:
    name, state, configuration = (detail.get(field) for field in ("alarmName", "state", "configuration"))
    if not (isinstance(name, str) and isinstance(state, dict) and isinstance(configuration, dict)):
        raise Undeliverable("The alarm event has no alarmName, state or configuration")
    # The event carries the description of the alarm, so nothing has to be asked (CloudWatch, "Alarm events and
    # EventBridge").
    labels, told = Labels.of(configuration.get("description")), _STATES.get(state.get("value"))
    if told is None or labels is None or not name.startswith(f"{prefix}/"):
        return None
    row = spec(labels.ref.kind, labels["alarm"])
    unit = row.unit if row else Unit.COUNT
    place, data = place_of(event), _reason_data(state)
    # recentDatapoints is as long as the alarm's evaluation window: one value for 1 of 1.
    points = tuple(_finite(data.get("recentDatapoints")))
    limits = _finite([data.get("threshold")]) or _finite(data.get("recentUpperThresholds"))
    floors = _finite(data.get("recentLowerThresholds"))
    return Notice(
        key=f"{place.account}/{place.region}/{name}/{state.get('value')}/{state.get('timestamp')}",
        state=told,
        labels=_judged(labels, row),
        place=place,
        at=happened(event),
        title=row.title if row else labels["alarm"],
        subject=subject_of(labels),
        part=name,
        # CloudWatch sends the event of a muted or suppressed alarm all the same (mute rules; composite alarms,
        # "Action suppression"); only its actions are left out.
        muted=bool(detail.get("muteDetail") or state.get("actionsSuppressedBy")),
        muted_by=_mute_rule(detail.get("muteDetail")),
        value=points[-1] if points else None,
        limit=limits[-1] if limits else None,
        floor=floors[-1] if floors else None,
        unit=unit,
        capacity=_whole_number(labels.get(PER_CAPACITY.get(unit, ""))),
        points=points,
        # Who may call SetAlarmState writes the reason: up to 1,023 characters of anything (SetAlarmState, StateReason).
        reason=str(state.get("reason") or ""),
        meaning=row.why if row else "",
        advice=row.do if row else "",
        cost=said_price(configuration.get("description") or ""),
        links=links_of(place, labels.ref, {"alarm": links.alarm(place, name)}),
    )


def firing_now(prefix: str, alarm: AlarmState) -> Notice | None:
    """Return what the event says of an alarm that fires, from how the alarm is described; None when it is not ours."""
    _, _, _, region, account, *_ = alarm.arn.split(":")
    since = alarm.since
    detail = {
        "alarmName": alarm.name,
        "configuration": {"description": alarm.description},
        "state": {
            "value": alarm.value,
            # As the events write it.
            "timestamp": f"{since:%Y-%m-%dT%H:%M:%S}.{since.microsecond // 1000:03d}+0000",
            "reason": alarm.reason,
            "reasonData": alarm.reason_data,
        },
    }
    event = {"resources": [alarm.arn], "region": region, "account": account, "detail": detail}
    return _alarm_changed(prefix, event, detail)


def _alarm_deleted(prefix: str, event: Event, detail: Event) -> Notice | None:
    """Tell that an alarm was deleted, which ends what it said; other changes of its configuration tell nothing."""
    configuration = detail.get("configuration")
    name = detail.get("alarmName")
    labels = Labels.of(configuration.get("description")) if isinstance(configuration, dict) else None
    if detail.get("operation") != "delete" or labels is None or not str(name).startswith(f"{prefix}/"):
        return None
    row, place = spec(labels.ref.kind, labels["alarm"]), place_of(event)
    return Notice(
        key=f"{place.account}/{place.region}/{name}/deleted/{event.get('time')}",
        state="closed",
        labels=_judged(labels, row),
        place=place,
        # The event's own time knows no parts of a second: the alarm was not deleted before it came into its last state.
        at=max(happened({"time": event.get("time")}), happened(event)),
        title=row.title if row else labels["alarm"],
        subject=subject_of(labels),
        part=str(name),
        links=links_of(place, labels.ref, {}),
    )


def _mute_rule(said: object) -> str:
    """Return the name of the rule that muted an alarm; nothing when the event names none."""
    arn = said.get("mutedByArn") if isinstance(said, dict) else None
    return arn.split(":", 6)[-1].removeprefix("alarm-mute-rule:") if isinstance(arn, str) else ""


def _reason_data(state: Event) -> Event:
    """Read reasonData, a JSON text that is missing from some changes (SetAlarmState, a new alarm)."""
    try:
        data = json.loads(state.get("reasonData") or "{}")
    except (TypeError, ValueError):
        return {}
    return data if isinstance(data, dict) else {}


def _finite(values: object) -> list[float]:
    """Return what can be said as a number: Python reads NaN and Infinity as JSON, and CloudWatch sends null."""
    listed = values if isinstance(values, list) else []
    return [v for v in listed if isinstance(v, int | float) and not isinstance(v, bool) and math.isfinite(v)]


def _judged(labels: Labels, row: Spec | None) -> Labels:
    """Return the labels with a severity: somebody may have edited theirs away, and the alarm fires all the same."""
    if labels.get("severity") in set(Severity):
        return labels
    return Labels({**labels.values, "severity": str(row.severity if row else Severity.WARNING)})


def _whole_number(text: str | None) -> int | None:
    return int(text) if text and text.isascii() and text.isdigit() else None


def _failure_found(event: Event, detail: Event, policy: Policy) -> Notice | None:
    """Tell of a failure that the sweep found on a list, because SageMaker sends no event of it."""
    kind, what, name, arn, at = _texts("Sagewatch Failure Found", detail, "kind", "what", "name", "arn", "at")
    place, ref, tags = place_of(event), Ref(kind, name), tags_of(detail)
    if is_ignored(ref, tags, policy):
        return None
    labels = labelled(ref, "all", Severity.CRITICAL, {}, tags, policy)
    return Notice(
        key=f"{arn}/failed/{at}",
        state="failed",
        labels=labels,
        place=place,
        at=happened(event),
        title=f"{what} failed",
        subject=subject_of(labels),
        part=str(ref),
        reason=str(detail.get("reason") or ""),
        links=links_of(place, ref, {}),
        arn=arn,
    )


def _policy_broken(event: Event, detail: Event) -> Notice:
    """Tell that the policy is broken: once for each text of it."""
    [parameter] = _texts("Sagewatch Policy Broken", detail, "parameter")
    faults = "\n".join(str(fault) for fault in detail.get("faults") or ())
    values = {"severity": "warning", "kind": "policy", "resource": parameter, "scope": "all", "alarm": "broken"}
    mark = hashlib.sha256(faults.encode()).hexdigest()[:16]
    return Notice(
        key=f"{parameter}/broken/{mark}",
        state="failed",
        labels=Labels(values),
        place=place_of(event),
        at=happened(event),
        title="policy has errors; the last valid version stays active",
        subject=Ref("policy", parameter),
        part=f"policy/{mark}",
        reason=faults,
        advice="Mend it with `sagewatch policy edit`. Until then notices go to the default route.",
    )


def _kinds_unlisted(event: Event, detail: Event) -> Notice:
    """Tell that resources of some kinds cannot be listed here: once for each set of kinds."""
    why = detail.get("kinds")
    if not isinstance(why, dict) or not why:
        raise Undeliverable("Sagewatch Kinds Unlisted: kinds must be an object of texts")
    kinds = sorted(map(str, why))
    names, ignore = ", ".join(kinds), ", ".join(f"{{kind: {kind}}}" for kind in kinds)
    return _own(
        event,
        Ref("sweep", "lists"),
        f"sweep/unlisted/{','.join(kinds)}",
        title=f"resources of {_numbered('the kind', kinds)} {names} cannot be listed; new ones get alarms by their "
        "events only",
        reason="\n".join(f"{kind}: {why[kind]}" for kind in kinds),
        advice=f"Allow the sweep function the call, or write `ignore: [{ignore}]` into the policy.",
    )


def _kind_unreadable(event: Event, detail: Event) -> Notice:
    """Tell that resources of a kind cannot be described here: once for each kind."""
    kind, why = _texts("Sagewatch Kind Unreadable", detail, "kind", "why")
    return _own(
        event,
        Ref("reconcile", kind),
        f"reconcile/unreadable/{kind}",
        title=f"resources of the kind {kind} cannot be described; their alarms stay as they are, and new ones get none",
        reason=why,
        advice=f"Allow the reconcile function the call, or write `ignore: [{{kind: {kind}}}]` into the policy.",
    )


def _alarms_refused(event: Event, detail: Event) -> Notice:
    """Tell that CloudWatch refuses alarms, and why: once for each reason, whichever alarms it is given for."""
    refused = detail.get("refused")
    if not isinstance(refused, list) or not refused:
        raise Undeliverable("Sagewatch Alarms Refused: refused must be a list of texts")
    reasons = sorted({str(each).partition(": ")[2] for each in refused})
    first = str(refused[0]).partition(": ")[0]
    count = detail.get("count")
    others = f" and {count - 1} more" if isinstance(count, int) and count > 1 else ""
    return _own(
        event,
        Ref("reconcile", "refused"),
        f"reconcile/refused/{hashlib.sha256(chr(10).join(reasons).encode()).hexdigest()[:16]}",
        title=f"CloudWatch refuses alarms: {first}{others}",
        reason="\n".join(reasons),
        advice="Mend the cause: a quota of CloudWatch, or what the policy asks for. They are tried again once a day, "
        "and whenever their resource changes. The log of the reconcile function names each.",
    )


def _own(event: Event, subject: Ref, key: str, *, title: str, reason: str, advice: str) -> Notice:
    """Return a notice of a trouble of our own."""
    what = key.split("/")[1]
    values = {"severity": "warning", "kind": subject.kind, "resource": subject.name, "scope": "all", "alarm": what}
    return Notice(
        key=key,
        state="failed",
        labels=Labels(values),
        place=place_of(event),
        at=happened(event),
        title=title,
        subject=subject,
        part=key,
        reason=reason,
        advice=advice,
    )


def _numbered(word: str, several: Sequence[object]) -> str:
    return word if len(several) == 1 else f"{word}s"


def _clicked(event: Event, detail: Event) -> Notice:
    """Tell that somebody acknowledged or snoozed an incident, by a click that was checked before it was queued."""
    state: State = "snoozed" if event["detail-type"] == "Sagewatch Snoozed" else "acked"
    route, kind, name, by, at = _texts(str(event["detail-type"]), detail, "route", "kind", "name", "by", "at")
    until = detail.get("until")
    values = {"severity": "info", "kind": kind, "resource": name, "scope": "all", "alarm": state, "route": route}
    return Notice(
        key=f"{route}/{kind}/{name}/{state}/{by}/{at}",
        state=state,
        labels=Labels(values),
        place=place_of(event),
        at=datetime.fromisoformat(at),
        title=state,
        subject=Ref(kind, name),
        part="",
        by=by,
        until=datetime.fromisoformat(until) if isinstance(until, str) else None,
        incident=str(detail.get("incident") or ""),
    )


def _texts(where: str, detail: Event, *names: str) -> list[str]:
    values = [detail.get(name) for name in names]
    missing = [name for name, value in zip(names, values, strict=True) if not isinstance(value, str)]
    if missing:
        raise Undeliverable(f"{where}: {', '.join(missing)} must be texts")
    return [str(value) for value in values]


_OURS = {
    "Sagewatch Policy Broken": _policy_broken,
    "Sagewatch Kinds Unlisted": _kinds_unlisted,
    "Sagewatch Kind Unreadable": _kind_unreadable,
    "Sagewatch Alarms Refused": _alarms_refused,
    "Sagewatch Acknowledged": _clicked,
    "Sagewatch Snoozed": _clicked,
}
