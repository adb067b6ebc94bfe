"""Sweep: a schedule, a deployment or a person → the names of resources that need a look, in the reconcile queue.

The same function looks after the product itself: whether its parts are enabled, and whether a message arrives.
"""

import os
import time
from datetime import UTC, datetime
from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

from sagewatch import __version__
from sagewatch.aws.clients import Clients
from sagewatch.aws.deadline import Deadline
from sagewatch.aws.policy_store import PolicyStore
from sagewatch.aws.retries import PATIENT
from sagewatch.errors import ErrorCode, Retry
from sagewatch.fleet.coverage_count import send_coverage_count
from sagewatch.fleet.self_check import parts_off, why_canary_is_lost
from sagewatch.fleet.sweep import sweep
from sagewatch.settings import SweepSettings

settings, clients = SweepSettings.read(os.environ), Clients(PATIENT)
made_at_start = clients.sagemaker, clients.cloudwatch, clients.sqs
store = PolicyStore(settings.policy_parameter, settings.table, PATIENT)
logger, metrics = Logger(service="sweep", version=__version__), Metrics(namespace="Sagewatch", service="sweep")


@metrics.log_metrics
def handler(event: dict[str, Any], context: Any) -> dict[str, int]:
    if event.get("mode") == "digest":
        counts = send_coverage_count(clients, settings, store, datetime.now(UTC))
        metrics.add_metric("ResourcesWanted", MetricUnit.Count, counts["wanted"])
        return counts
    if event.get("mode") == "self-check":
        off = parts_off(clients, settings)
        (logger.error if off else logger.info)("looked after itself", extra={"partsOff": off})
        metrics.add_metric("PartsOff", MetricUnit.Count, len(off))
        return {"partsOff": len(off)}
    if event.get("mode") == "canary":
        lost = why_canary_is_lost(clients, settings, datetime.now(UTC), time.sleep)
        (logger.error if lost else logger.info)("flipped the canary", extra={"lost": lost})
        metrics.add_metric("CanaryLost", MetricUnit.Count, int(bool(lost)))
        return {"lost": int(bool(lost))}
    full = event.get("mode") == "full"
    swept = sweep(clients, settings, store, datetime.now(UTC), full=full, deadline=Deadline.of(context))
    _make_policy()
    counts = {"live": swept.live, "watched": swept.watched, "named": len(swept.named), "unwatched": swept.unwatched}
    logger.info("swept", extra={"full": full, **counts, "foreign": swept.foreign, "withheld": swept.withheld})
    for name, count in counts.items():
        metrics.add_metric(f"Resources{name.title()}", MetricUnit.Count, count)
    if swept.alarms_in_account is not None:
        metrics.add_metric("AlarmQuotaUsed", MetricUnit.Percent, 100 * swept.alarms_in_account / settings.alarm_quota)
    if swept.unread:
        reason = f"Not all could be listed: {'; '.join(swept.unread)}"
        logger.warning("failed", extra={"error": "Retry", "code": ErrorCode.LISTS_INCOMPLETE, "reason": reason})
        raise Retry(reason, code=ErrorCode.LISTS_INCOMPLETE)
    return counts


def _make_policy() -> None:
    """Make the policy's parameter where there is none; a sweep that may not do that has done its work all the same."""
    try:
        if store.make_if_missing():
            logger.info("made the policy", extra={"parameter": settings.policy_parameter})
    except Retry as refused:
        logger.warning("could not make the policy", extra={"code": refused.code, "error": str(refused)})
