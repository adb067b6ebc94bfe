"""The incident as JSON for programs, told by version: within one, fields are added, never changed or taken away.

`docs/webhook.md` says what they mean. What has no value is null; a list or map without entries is there, empty.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sagewatch.model import Evidence, Incident, Notice, Part, ThreadLine
from sagewatch.policy.rules import Route
from sagewatch.receivers.wording.phrases import harmless, inline
from sagewatch.receivers.wording.sentences import as_text, brief, headline, leads, line_text

VERSION = "1"
PARTS, MEMBERS = 50, 1_000
_NAME_LENGTH, _TEXT, _STEPS_SHOWN = 512, 4_000, 100


def document(incident: Incident, line: ThreadLine | None, route: Route) -> dict[str, Any]:
    """Return what a webhook gets of an incident: that it opened (without a line), or one entry of its history."""
    first = as_text(headline(incident))
    return {
        "version": VERSION,
        "event": line.about if line else "opened",
        "key": line.key if line else incident.id,
        "at": _iso(line.at if line else incident.opened),
        "text": inline(line_text(incident, line) if line else first, _TEXT),
        "links": leads(incident, route),
        "incident": _incident_json(incident, first),
    }


def _incident_json(incident: Incident, first: str) -> dict[str, Any]:
    place = incident.lead.place
    return {
        "id": incident.id,
        "route": incident.route,
        "status": incident.status,
        "severity": str(incident.severity),
        "headline": inline(first, _TEXT),
        "kind": incident.subject.kind,
        "resource": inline(incident.subject.name, _NAME_LENGTH),
        "account": place.account,
        "region": place.region,
        "opened": _iso(incident.opened),
        "ended": _iso(incident.ended),
        "reopened": incident.reopened,
        "acked_by": incident.acked_by or None,
        "acked_at": _iso(incident.acked_at),
        "snoozed_until": _iso(incident.snoozed_until),
        "previous": incident.previous or None,
        "parts": [_part_json(incident, part) for part in incident.parts[: MEMBERS if incident.members else PARTS]],
        "parts_total": len(incident.parts),
        "members": [_member_json(each) for each in incident.members[:MEMBERS]],
        "common": dict(incident.common),
    }


def _member_json(member: Incident) -> dict[str, Any]:
    return {
        "id": member.id,
        "kind": member.subject.kind,
        "resource": inline(member.subject.name, _NAME_LENGTH),
        "status": member.status,
        "severity": str(member.severity),
        "opened": _iso(member.opened),
        "ended": _iso(member.ended),
    }


def _part_json(incident: Incident, part: Part) -> dict[str, Any]:
    last = part.last
    found = next((incident.evidence[n.key] for n in (last, part.first) if n.key in incident.evidence), Evidence())
    return {
        "alarm": last.labels.get("alarm"),
        "scope": last.labels.get("scope"),
        "title": inline(part.first.title, _NAME_LENGTH),
        "state": last.state,
        "severity": str(last.severity),
        "since": _iso(part.first.at),
        "at": _iso(last.at),
        **_measurement(last),
        "said": brief(incident, part),
        "changes": part.changes,
        "flapping": part.flapping,
        "reason": harmless(last.reason, _TEXT) or None,
        "advice": harmless(" ".join(filter(None, (last.meaning, last.advice))), _TEXT) or None,
        "cost": last.cost or None,
        "arn": last.arn or None,
        "execution": last.execution or None,
        "links": dict(last.links),
        "labels": {
            inline(name, _NAME_LENGTH): inline(value, _NAME_LENGTH) for name, value in last.labels.values.items()
        },
        **_found_out(found),
    }


def _measurement(notice: Notice) -> dict[str, Any]:
    return {
        "value": notice.value,
        "limit": notice.limit,
        "floor": notice.floor,
        "unit": str(notice.unit),
        "points": list(notice.points),
    }


def _found_out(found: Evidence) -> dict[str, Any]:
    return {
        "cause": harmless(found.cause, _TEXT) or None,
        "short_cause": harmless(found.short, _TEXT) or None,
        "remedy": harmless(found.remedy, _TEXT) or None,
        "facts": {inline(name, _NAME_LENGTH): inline(value, _NAME_LENGTH) for name, value in found.facts.items()},
        "unread": [inline(each, _NAME_LENGTH) for each in found.unread],
        "steps": [
            {"name": inline(name, _NAME_LENGTH), "status": inline(status, _NAME_LENGTH), "seconds": seconds}
            for name, status, seconds, _ in found.steps[:_STEPS_SHOWN]
        ],
    }


def _iso(when: datetime | None) -> str | None:
    return when.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z") if when else None
