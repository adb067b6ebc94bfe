"""Counts the resources that are watched and that are not, and sends the count on for the daily digest."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from sagewatch.aws import queue
from sagewatch.aws.clients import Clients
from sagewatch.aws.deadline import Deadline
from sagewatch.aws.policy_store import PolicyStore
from sagewatch.fleet.coverage import DUE, NAMED, CoverageCount, coverage_count, detail_of, idle_scope
from sagewatch.fleet.lists import list_firing, list_living, list_summaries
from sagewatch.fleet.own_events import digest_due
from sagewatch.settings import SweepSettings

_NO_DEADLINE = Deadline()


def send_coverage_count(clients: Clients, settings: SweepSettings, store: PolicyStore, now: datetime) -> dict[str, int]:
    """Count, and have the digest sent; return the sums. No resource is named for a look: that is the sweep's."""
    found = read_coverage_count(clients, settings, store, now)
    queue.send(clients.sqs, settings.notify_url, [digest_due(DUE, detail_of(found), now)])
    return {"watched": found.watched, "wanted": found.wanted}


def read_coverage_count(clients: Clients, settings: SweepSettings, store: PolicyStore, now: datetime) -> CoverageCount:
    """Return the count; a kind whose list cannot be read is in none of its numbers, but for the alarms and the cost."""
    living, unread = list_living(clients.sagemaker)
    owned, foreign = list_summaries(clients.cloudwatch, settings.prefix, (), _NO_DEADLINE)
    listed = {ref: modified for ref, modified in living.items() if ref.kind not in unread}
    in_force = store.read()
    idle = (found for alarm in list_firing(clients.cloudwatch, settings.prefix) if (found := idle_scope(alarm)))
    return replace(
        coverage_count(listed, owned, in_force, now, store.read_looks({ref.kind for ref in listed}), foreign),
        orphans=sum(ref not in living and ref.kind not in unread for ref in owned),
        foreign=len(foreign),
        unread=tuple(sorted(unread)),
        cost=round(sum(each.monthly_usd for several in owned.values() for each in several), 6),
        idle=tuple(sorted(idle, key=lambda each: (each.kind, each.name, each.scope)))[:NAMED],
    )
