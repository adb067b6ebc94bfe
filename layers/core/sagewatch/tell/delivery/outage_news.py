"""Decides what is still to be sent of an outage: one message for each state, whatever its members do. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from sagewatch.model import WHOLE_RESOURCE, About, Incident, ThreadLine
from sagewatch.receivers.receiver import Capabilities
from sagewatch.tell.delivery import difference
from sagewatch.tell.delivery.difference import Action, Sent

_NEARLY = 0.9
_OF_MEMBERS: frozenset[About] = frozenset(
    {"joined", "worsened", "reopened", "settled", "flapping", "cleared", "closed", "resolved"}
)
"""The lines about how members stand, which readers without edits are told as one."""


def due(
    outage: Incident,
    history: Sequence[ThreadLine],
    sent: Sent | None,
    fresh: frozenset[str],
    is_news: bool,
    fingerprint: str,
    capabilities: Capabilities,
    now: datetime,
    interval: timedelta,
) -> Iterator[Action]:
    """Yield what is still to be sent of an outage, in order.

    Where messages can be edited, that is as of every incident. Elsewhere one message says what joined, worsened and
    ended since the last one, which is at least `interval` ago, and another one that all has ended.
    """
    if capabilities.editable or sent is None or not (sent.root or not capabilities.opens):
        yield from difference.due(outage, history, sent, fresh, is_news, fingerprint, capabilities)
        return
    told = [each for each in history if capabilities.abouts is None or each.about in capabilities.abouts]
    for line in told:
        had_to_wait = line.at > line.notice.at and (outage.is_open or line.about != "reminder")
        if line.about not in _OF_MEMBERS and line.key not in sent.lines and (had_to_wait or line.notice.key in fresh):
            yield Action(do="reply", id=outage.id, line=line)
    about = _news(outage, sent) if capabilities.opens else None
    # A group is told at times of its own: a message that would be due in a moment is sent now.
    waits = outage.is_open and sent.at and now < datetime.fromisoformat(sent.at) + _NEARLY * interval
    if about and not waits:
        key = f"{about}:{now.isoformat()}"
        yield Action(do="reply", id=outage.id, line=ThreadLine(key=key, about=about, at=now, notice=outage.notices[-1]))


def due_at(
    outage: Incident, sent: Sent | None, capabilities: Capabilities, now: datetime, interval: timedelta
) -> datetime | None:
    """Return when a reader without edits is to be told how the members of an outage stand; None when he was."""
    if capabilities.editable or not capabilities.opens or sent is None or _news(outage, sent) is None:
        return None
    return datetime.fromisoformat(sent.at) + interval if sent.at else now + interval


def after(sent: Sent, action: Action, outage: Incident, now: datetime) -> Sent:
    """Return what was sent of an outage once an action is done: a message says how all of its members stand."""
    if action.do == "post" or (action.line and action.line.about in _OF_MEMBERS):
        return replace(sent, parts=difference.standings(outage), at=now.isoformat())
    return sent


def moved_line(incident: Incident, now: datetime) -> ThreadLine:
    """Return the line that tells that an incident goes on as part of an outage."""
    return ThreadLine(key=f"moved:{incident.id}", about="moved", at=now, notice=incident.notices[-1])


def _news(outage: Incident, sent: Sent) -> About | None:
    """Return what a message would tell: that all has ended, that something opened or worsened, or that some ended."""
    told, now = sent.parts or {}, difference.standings(outage)
    if not outage.is_open:
        is_told = told.get(WHOLE_RESOURCE) == now[WHOLE_RESOURCE]
        return None if is_told else "closed" if outage.status == "closed" else "resolved"
    changed = [
        standing
        for part, standing in now.items()
        if part != WHOLE_RESOURCE and difference.is_change(standing, told.get(part, difference.ENDED))
    ]
    if not changed:
        return None
    if told.get(WHOLE_RESOURCE) == difference.ENDED:
        return "reopened"
    return "joined" if any(standing != difference.ENDED for standing in changed) else "cleared"
