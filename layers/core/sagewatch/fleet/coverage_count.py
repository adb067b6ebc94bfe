"""Counts who is watched and who is not, and sends the count to who tells of it: the event that the digest is due."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from sagewatch.aws import queue
from sagewatch.aws.policy_store import Asking
from sagewatch.fleet.costs import prices, total
from sagewatch.fleet.coverage import DUE, NAMED, Tally, as_data, idle, tally
from sagewatch.fleet.living import firing
from sagewatch.fleet.living import living as list_living
from sagewatch.fleet.sweep import Clients, list_owned
from sagewatch.settings import SweepSettings


def roll_call(clients: Clients, settings: SweepSettings, asking: Asking, now: datetime) -> dict[str, int]:
    """Count, and have the digest sent; return the sums. It names nobody for a look: that is the sweep's."""
    found = counted(clients, settings, asking, now)
    event = {"source": "sagewatch", "detail-type": DUE, "time": now.isoformat(), "detail": as_data(found)}
    queue.send(clients.sqs, settings.notify_url, [event])
    return {"watched": found.watched, "wanted": found.wanted}


def counted(clients: Clients, settings: SweepSettings, asking: Asking, now: datetime) -> Tally:
    """Return the count; a kind whose list cannot be read is in none of its numbers, but for the alarms and the cost."""
    living, unread = list_living(clients.sagemaker)
    described, foreign = list_owned(clients.cloudwatch, settings.prefix)
    owned = {ref: [each.alarm for each in several] for ref, several in described.items()}
    everybody = {ref: modified for ref, modified in living.items() if ref.kind not in unread}
    standing = asking()
    requests = (alarm.request for several in owned.values() for alarm in several)
    idling = (found for alarm in firing(clients.cloudwatch, settings.prefix) if (found := idle(alarm)))
    return replace(
        tally(everybody, owned, standing.policy, standing.withheld, now),
        orphans=sum(ref not in living and ref.kind not in unread for ref in owned),
        foreign=len(foreign),
        unread=tuple(sorted(unread)),
        cost=total(requests, prices(clients.cloudwatch.meta.region_name)).before,
        idle=tuple(sorted(idling, key=lambda each: (each.kind, each.name, each.scope)))[:NAMED],
    )
