"""Words for Amazon Q Developer in chat applications, which brings them to Slack or Teams without a token of ours.

Its schema and limits: Amazon Q Developer in chat applications, Administrator Guide, "Custom notifications"
(a title 250 characters, a description 8,000, a next step 350, a keyword 75). It renders the markdown of either chat,
so only what both read alike is used: emphasis is left out, and addresses stand for themselves.
"""

from __future__ import annotations

from typing import Any

from sagewatch.model import Incident, ThreadLine
from sagewatch.policy.rules import Route
from sagewatch.receivers.slack.blocks import escaped
from sagewatch.receivers.wording.phrases import cut, harmless, inline
from sagewatch.receivers.wording.sentences import (
    as_text,
    details,
    filter_labels,
    headline,
    leads,
    line_text,
    others,
    speaks_of,
    steps_to_take,
    why,
)

type Notification = dict[str, Any]

TITLE, DESCRIPTION, STEP, KEYWORD = 250, 8_000, 350, 75
_REASON_LENGTH, _OTHER_PARTS, _MOST_STEPS, _MEMBERS = 2_000, 8, 8, 200
_CIRCLES = {"critical": "🔴", "warning": "🟠", "info": "⚪"}
_STATUS_CIRCLES = {"resolved": "🟢", "succeeded": "🟢", "closed": "⚪"}
_ATTENDED_MARKS = {"acked": " 👀", "snoozed": " 💤"}


def notification(incident: Incident, line: ThreadLine | None, route: Route) -> Notification:
    """Return a custom notification; all of an incident are one thread."""
    first = as_text(headline(incident))
    told = line_text(incident, line) if line else first
    place, found = incident.lead.place, filter_labels(incident, line)
    circle = _STATUS_CIRCLES.get(incident.status) or _CIRCLES[incident.severity]
    mark = circle + _ATTENDED_MARKS.get(incident.status, "")
    return {
        # Version and source must be these ("Custom notifications"); other messages are dropped without a word.
        "version": "1.0",
        "source": "custom",
        "id": line.key if line else incident.id,
        "content": {
            "textType": "client-markdown",
            "title": _shown(f"{mark} {told}", TITLE),
            "description": _description(incident, line),
            "nextSteps": _next_steps(incident, route),
            "keywords": [_shown(found[name], KEYWORD) for name in ("severity", "kind", "team") if name in found],
        },
        "metadata": {
            # Messages with the same threadId are one thread, where the channel's preferences ask for that.
            "threadId": incident.id,
            "summary": _shown(f"{mark} {first}", TITLE),
            "eventType": "sagewatch-incident",
            "relatedResources": [speaks_of(incident, line).arn or str(incident.subject)],
            "additionalContext": {**found, "account": place.account, "region": place.region},
        },
    }


def _description(incident: Incident, line: ThreadLine | None) -> str:
    """Return the facts, as many of their lines as there is room for; of a line, only the headline it belongs to."""
    if line and not incident.members:
        return _shown(as_text(headline(incident)), DESCRIPTION)
    facts = [f"{name}: {value}" for name, value in details(incident).items()]
    reason = harmless(why(incident), _REASON_LENGTH).splitlines()
    kept, room = [], DESCRIPTION
    for each in filter(None, (*facts, *others(incident, _MEMBERS if incident.members else _OTHER_PARTS), *reason)):
        shown = _shown(each, 1_000)
        room -= len(shown) + 1
        if room >= 0:
            kept.append(shown)
    return "\n".join(kept)


def _next_steps(incident: Incident, route: Route) -> list[str]:
    """Return what to do and where to look; an address that would have to be cut is left out."""
    links = [f"{_shown(name.capitalize(), STEP)}: {escaped(link)}" for name, link in leads(incident, route).items()]
    said = [_shown(each, STEP) for each in steps_to_take(incident)]
    return [*said, *(link for link in links if len(link) <= STEP)][:_MOST_STEPS]


def _shown(text: str, longest: int) -> str:
    """Return other people's text inert, as Slack's markdown wants it; cut again if that made it too long."""
    said = inline(text, longest)
    while len(escaped(said)) > longest:
        said = cut(said, len(said) - (len(escaped(said)) - longest + 4) // 5)
    return escaped(said)
