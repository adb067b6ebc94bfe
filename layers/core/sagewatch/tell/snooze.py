"""Has CloudWatch itself mute what people snoozed, so that native paging is quiet too, and unmute what is over."""

from __future__ import annotations

from itertools import batched

from sagewatch.aws import mute_rules
from sagewatch.fleet.mute_windows import snooze_name, snooze_rule
from sagewatch.model import MOST_TARGETS, Incident, Notice
from sagewatch.tell.context import Context, Current

_LATE_NOTICES = 5
"""How many ids to try of an incident: each older notice that arrived after the click gave it another one."""


def mute(context: Context, current: Current, notice: Notice) -> None:
    """Mute what fires of the incident that a click snoozed; the rule ends by itself."""
    for incident in current.incidents:
        alarms = [part.last.part for part in incident.parts if part.firing]
        # As it was written down: a click that the policy does not allow ends when it begins.
        until = next((each.until for each in incident.notices if each.key == notice.key), None)
        if alarms and until and until > max(context.now, notice.at):
            # A rule mutes 100 alarms at most, and an outage has more.
            for id_, some in zip(_rule_ids(incident.id, len(alarms)), batched(alarms, MOST_TARGETS), strict=True):
                rule = snooze_rule(context.settings.prefix, id_, some, notice.by, context.now, until)
                mute_rules.put(context.clients.cloudwatch, rule)


def unmute(context: Context, current: Current) -> None:
    """Delete the rules of snoozes whose incident is over, so that what fires next is heard of."""
    for incident in current.incidents:
        for id_ in _muted_ids(context, incident):
            mute_rules.delete(context.clients.cloudwatch, snooze_name(context.settings.prefix, id_))


def _muted_ids(context: Context, incident: Incident) -> tuple[str, ...]:
    """Return the ids that the rule of an incident's snooze may be named by, when that outlasts the incident."""
    if incident.is_open or incident.snoozed_until is None or incident.snoozed_until <= context.now:
        return ()
    if incident.members:
        return _rule_ids(incident.id, len(incident.parts))
    return tuple(dict.fromkeys((incident.id, *incident.anchors)))[:_LATE_NOTICES]


def _rule_ids(incident: str, alarms: int) -> tuple[str, ...]:
    """Return what the rules of a snooze are named by: the id of the incident, with a number from the second on."""
    several = range(1, -(-alarms // MOST_TARGETS))
    return (incident, *(f"{incident}-{number}" for number in several))
