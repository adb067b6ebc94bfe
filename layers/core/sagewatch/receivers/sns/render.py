"""Words for SNS: a subject, plain lines, and attributes that subscriptions filter on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sagewatch.model import Evidence, Incident, Line
from sagewatch.policy.rules import Route
from sagewatch.receivers.wording.phrases import cut, harmless
from sagewatch.receivers.wording.sentences import details, labels, leads, others, said, why
from sagewatch.receivers.wording.sentences import headline as opening
from sagewatch.receivers.wording.sentences import plain as unmarked
from sagewatch.receivers.wording.sentences import subject as about

SUBJECT = 99
"""SNS takes fewer than 100 characters, and no line breaks (Publish, Subject)."""

_REASON, _OTHERS, _LOG = 4_000, 20, 50


@dataclass(frozen=True, slots=True)
class Letter:
    """One message for a topic."""

    subject: str
    body: str
    attributes: Mapping[str, str]


def letter(incident: Incident, line: Line | None, route: Route) -> Letter:
    """Return an incident as it stands for its readers by mail, or an entry of its history on top of that."""
    first = unmarked(opening(incident))
    told = said(incident, line) if line else first
    passages = [
        [told] if line is None else [told, first],
        [f"{name}: {value}" for name, value in details(incident).items()],
        others(incident, _OTHERS),
        [f"{name.capitalize()}: {link}" for name, link in leads(incident, route).items()],
        [why(incident)],
        [incident.lead.advice] if incident.is_open else [],
        list(_log(incident, line)) if route.logs and line and line.about == "log" else [],
    ]
    shown = [[harmless(each, _REASON) for each in passage if each] for passage in passages]
    return Letter(
        subject=cut(" ".join(harmless(about(incident, line), 1_000).split()), SUBJECT),
        body="\n\n".join("\n".join(passage) for passage in shown if passage),
        attributes=labels(incident, line),
    )


def _log(incident: Incident, line: Line) -> tuple[str, ...]:
    return incident.evidence.get(line.notice.key, Evidence()).log[-_LOG:]
