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

type Payload = dict[str, Any]

VERSION = "1"
PARTS = 50
_NAME, _TEXT, _STEPS = 512, 4_000, 100


def document(incident: Incident, line: ThreadLine | None, route: Route) -> Payload:
    """Return what a webhook gets of an incident: that it opened (without a line), or one entry of its history."""
    first = as_text(headline(incident))
    return {
        "version": VERSION,
        "event": line.about if line else "opened",
        "key": line.key if line else incident.id,
        "at": _time(line.at if line else incident.opened),
        "text": inline(line_text(incident, line) if line else first, _TEXT),
        "links": leads(incident, route),
        "incident": _incident(incident, first),
    }


def _incident(incident: Incident, first: str) -> Payload:
    place = incident.lead.place
    return {
        "id": incident.id,
        "route": incident.route,
        "status": incident.status,
        "severity": str(incident.severity),
        "headline": inline(first, _TEXT),
        "kind": incident.subject.kind,
        "resource": inline(incident.subject.name, _NAME),
        "account": place.account,
        "region": place.region,
        "opened": _time(incident.opened),
        "ended": _time(incident.ended),
        "reopened": incident.reopened,
        "acked_by": incident.acked_by or None,
        "acked_at": _time(incident.acked_at),
        "snoozed_until": _time(incident.snoozed_until),
        "previous": incident.previous or None,
        "parts": [_part(incident, part) for part in incident.parts[:PARTS]],
        "parts_total": len(incident.parts),
    }


def _part(incident: Incident, part: Part) -> Payload:
    last = part.last
    found = next((incident.evidence[n.key] for n in (last, part.first) if n.key in incident.evidence), Evidence())
    return {
        "alarm": last.labels.get("alarm"),
        "scope": last.labels.get("scope"),
        "title": inline(part.first.title, _NAME),
        "state": last.state,
        "severity": str(last.severity),
        "since": _time(part.first.at),
        "at": _time(last.at),
        **_measured(last),
        "said": brief(incident, part),
        "changes": part.changes,
        "flapping": part.flapping,
        "reason": harmless(last.reason, _TEXT) or None,
        "advice": harmless(last.advice, _TEXT) or None,
        "arn": last.arn or None,
        "execution": last.execution or None,
        "links": dict(last.links),
        "labels": {inline(name, _NAME): inline(value, _NAME) for name, value in last.labels.values.items()},
        **_found_out(found),
    }


def _measured(notice: Notice) -> Payload:
    return {
        "value": notice.value,
        "limit": notice.limit,
        "floor": notice.floor,
        "unit": str(notice.unit),
        "points": list(notice.points),
    }


def _found_out(found: Evidence) -> Payload:
    return {
        "cause": harmless(found.cause, _TEXT) or None,
        "remedy": harmless(found.remedy, _TEXT) or None,
        "facts": {inline(name, _NAME): inline(value, _NAME) for name, value in found.facts.items()},
        "steps": [
            {"name": inline(name, _NAME), "status": inline(status, _NAME), "seconds": seconds}
            for name, status, seconds, _ in found.steps[:_STEPS]
        ],
    }


def _time(when: datetime | None) -> str | None:
    return when.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z") if when else None
