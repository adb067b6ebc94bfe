"""Words for SNS: a subject, plain lines, and attributes that subscriptions filter on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sagewatch.model import Evidence, Incident, ThreadLine
from sagewatch.policy.rules import Route
from sagewatch.receivers.wording.phrases import cut, harmless
from sagewatch.receivers.wording.sentences import (
    as_text,
    details,
    evidence,
    filter_labels,
    leads,
    line_text,
    others,
    what_to_do,
    why,
)
from sagewatch.receivers.wording.sentences import headline as opening
from sagewatch.receivers.wording.sentences import subject as about

SUBJECT = 99
"""SNS takes fewer than 100 characters, and no line breaks (Publish, Subject)."""

_TEXT_LENGTH, _OTHER_LINES, _LOG_LINES = 4_000, 20, 50
_MEMBER_LINES = 2_000  # of about 80 characters: SNS takes 256 KB


@dataclass(frozen=True, slots=True)
class Mail:
    """One message for a topic; subscriptions filter on `attributes`: `{"severity": "critical", "state": "firing"}`."""

    subject: str
    body: str
    attributes: Mapping[str, str]


def mail(incident: Incident, line: ThreadLine | None, route: Route) -> Mail:
    """Return an incident as it stands for its readers by mail, or an entry of its history on top of that."""
    first = as_text(opening(incident))
    told = line_text(incident, line) if line else first
    to_do = what_to_do(incident)
    sections = [
        [told] if line is None else [told, first],
        [f"What to do: {to_do}"] if to_do else [],
        [f"{name}: {value}" for name, value in details(incident).items()],
        others(incident, _MEMBER_LINES if incident.members else _OTHER_LINES),
        [f"{name.capitalize()}: {link}" for name, link in leads(incident, route).items()],
        [why(incident)],
        list(evidence(incident).unread) if incident.is_open else [],
        list(_log(incident, line)) if route.logs and line and line.about == "log" else [],
    ]
    shown = [[harmless(each, _TEXT_LENGTH) for each in section if each] for section in sections]
    return Mail(
        subject=cut(" ".join(harmless(about(incident, line), 1_000).split()), SUBJECT),
        body="\n\n".join("\n".join(section) for section in shown if section),
        attributes=filter_labels(incident, line),
    )


def _log(incident: Incident, line: ThreadLine) -> tuple[str, ...]:
    return incident.evidence.get(line.notice.key, Evidence()).log[-_LOG_LINES:]
