"""Words for PagerDuty: Events API v2, but for the routing key.

What is sent follows from how the incident stands, so that an event that comes late or twice does no harm. Limits:
PagerDuty developer documentation, "Send an Alert Event" (a summary 1,024 characters, a key 255).
"""

from __future__ import annotations

import hashlib
from typing import Any, Literal

from sagewatch.model import Incident
from sagewatch.policy.rules import Route
from sagewatch.receivers.wording.phrases import harmless, inline
from sagewatch.receivers.wording.sentences import (
    as_text,
    details,
    filter_labels,
    headline,
    leads,
    others,
    what_to_do,
    why,
)

type _EventAction = Literal["trigger", "acknowledge", "resolve"]

SUMMARY, KEY = 1_024, 255
_DETAIL_LENGTH, _ALSO, _MEMBERS = 4_000, 20, 1_000
_ACTIONS: dict[str, _EventAction] = {
    "open": "trigger",
    "failed": "trigger",
    "acked": "acknowledge",
    "snoozed": "acknowledge",
    "resolved": "resolve",
    "closed": "resolve",
    "succeeded": "resolve",
    "announced": "resolve",
}


def action(incident: Incident) -> _EventAction:
    """Return what PagerDuty is asked to do so that it stands where the incident is."""
    return _ACTIONS[incident.status]


def standing(incident: Incident) -> str:
    """Return a text that is another one when PagerDuty must be told: `trigger:critical`, `resolve`."""
    said = action(incident)
    if incident.members:
        still = "+".join(sorted(each.id for each in incident.members if each.is_open))
        return f"{said}:{incident.severity}:{hashlib.sha256(still.encode()).hexdigest()[:8]}" if still else said
    return f"{said}:{incident.severity}" if incident.is_open else said


def event(incident: Incident, route: Route) -> dict[str, Any]:
    """Return the event that brings PagerDuty to where the incident is; its alerts know three severities."""
    return trigger(incident, route) if action(incident) == "trigger" else _named(action(incident), incident.id)


def trigger(incident: Incident, route: Route) -> dict[str, Any]:
    """Return the event that opens it at PagerDuty."""
    return {**_named("trigger", incident.id), **_alert(incident, route)}


def resolution(key: str) -> dict[str, Any]:
    """Return the event that ends what was opened under a key."""
    return _named("resolve", key)


def _named(what: _EventAction, key: str) -> dict[str, Any]:
    # Events with the same dedup_key are one alert at PagerDuty.
    return {"event_action": what, "dedup_key": key[:KEY]}


def _alert(incident: Incident, route: Route) -> dict[str, Any]:
    lead, found = incident.lead, filter_labels(incident, None)
    reason = harmless(why(incident), _DETAIL_LENGTH)
    to_do = what_to_do(incident)
    return {
        "client": "Sagewatch",
        "payload": {
            "summary": inline(as_text(headline(incident)), SUMMARY),
            "source": inline(f"{lead.place.account}/{lead.place.region}/{incident.subject}", 500),
            # PagerDuty knows critical, error, warning and info; ours are three of them ("Send an Alert Event").
            "severity": str(incident.severity),
            # ISO 8601 (PagerDuty, "PD-CEF").
            "timestamp": incident.opened.isoformat(),
            "component": found.get("scope", "all"),
            "group": found.get("team", lead.place.account),
            "class": found.get("alarm", "failed"),
            "custom_details": {
                **({"What to do": inline(to_do, _DETAIL_LENGTH)} if to_do else {}),
                **details(incident),
                **({"Reason": reason} if reason else {}),
                **_others(incident),
            },
        },
        "links": [{"href": link, "text": name.capitalize()} for name, link in leads(incident, route).items()],
    }


def _others(incident: Incident) -> dict[str, str]:
    what, most = ("Member", _MEMBERS) if incident.members else ("Also", _ALSO)
    return {f"{what} {n}": text for n, text in enumerate(others(incident, most), 1)}
