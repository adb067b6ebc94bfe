"""Tells people when nothing can be remembered: the table or the policy is denied, throttled or gone.

Who cannot see what was told tells again: a repetition is better than silence. The message stays in the queue, and is
told as always once the table and the policy can be read.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sagewatch.errors import Impaired, SagewatchError, understood
from sagewatch.fleet.coverage import DUE
from sagewatch.model import Evidence
from sagewatch.policy.rules import Policy, Route
from sagewatch.tell.clock import CLOCK
from sagewatch.tell.context import Context
from sagewatch.tell.hide import without_secrets
from sagewatch.tell.incident.group import incidents
from sagewatch.tell.outage.join import WAKE
from sagewatch.tell.read import alarm_events
from sagewatch.tell.route import default_route, routes

IMPAIRED_ATTEMPTS = 3
"""Every third time that a message comes back for want of a memory it is told without: after 1, 10, 50 min …"""

_SAID = Evidence(facts={"Sagewatch": "impaired: it cannot read its table or its policy, and may say this again"})


def tell_without_memory(context: Context, event: Mapping[str, Any]) -> None:
    """Tell what fires or failed to those of its routes who need not be found again, else to the fallback."""
    if event.get("detail-type") in (CLOCK, DUE, WAKE):
        return
    try:
        policy = context.policy
    except Impaired:
        policy = Policy()
    try:
        with understood("The message could not be read"):
            found = alarm_events.notice(context.settings.prefix, event, policy)
    except SagewatchError:
        return  # the queue is told of it already
    if found is None or found.state not in ("firing", "failed") or found.muted:
        return
    notice = without_secrets(found)
    for route in routes(policy, notice.labels, notice.place):
        [incident] = incidents(route.name, (notice,), {notice.key: _SAID}, context.now)
        if not route.drop:
            _warn(context, policy, route, incident)


def _warn(context: Context, policy: Policy, route: Route, incident: Any) -> None:
    """Warn the receivers of a route; when none of them takes it, those who stand in for them."""
    receivers = context.receivers
    warned = [_is_warned(context, each, incident) for each in receivers.of_route(route).values()]
    if not any(warned):
        for each in receivers.fallback(route, "", default_route(policy).slack).values():
            _is_warned(context, each, incident)


def _is_warned(context: Context, receiver: Any, incident: Any) -> bool:
    try:
        with understood("A warning could not be put into words"):
            told: bool = receiver.warn(incident)
    except SagewatchError as error:
        context.receivers.note("NotWarned", because=str(error), code=error.code)
        return False
    return told
