"""Reconcile: queue messages that name SageMaker resources → their alarms."""

import os
from datetime import UTC, datetime
from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.batch.types import PartialItemFailures

from sagewatch import __version__
from sagewatch.aws import queue
from sagewatch.aws.clients import Clients
from sagewatch.aws.deadline import Deadline
from sagewatch.aws.policy_store import PolicyStore
from sagewatch.aws.retries import PATIENT
from sagewatch.errors import ErrorCode, Retry, SagewatchError
from sagewatch.fleet.costs import prices
from sagewatch.fleet.looks import looks_of
from sagewatch.fleet.own_events import troubles
from sagewatch.settings import ReconcileSettings
from sagewatch.watch import events
from sagewatch.watch.batch import Batch
from sagewatch.watch.echoes import Echoes, LastLook

settings = ReconcileSettings.read(os.environ)
clients = Clients(PATIENT)
reader = clients.reader  # makes the clients of SageMaker and CloudWatch at start, before there is an event
store = PolicyStore(settings.policy_parameter, settings.table, PATIENT)
PRICES = prices(clients.cloudwatch.meta.region_name)
echoes = Echoes()
logger, metrics = Logger(service="reconcile", version=__version__), Metrics(namespace="Sagewatch", service="reconcile")
processor = BatchProcessor(EventType.SQS, raise_on_entire_batch_failure=False, logger=logger)  # type: ignore[arg-type]


def sent_at(record: Any) -> datetime:
    """Return when a message was put into its queue; long ago where SQS does not say."""
    # Milliseconds since 1970 (ReceiveMessage, SentTimestamp).
    return datetime.fromtimestamp(int(record.get("attributes", {}).get("SentTimestamp", 0)) / 1000, UTC)


@metrics.log_metrics
def handler(event: dict[str, Any], context: Any) -> Any:
    began, batch = datetime.now(UTC), Batch(clients, settings.prefix, store, Deadline.of(context))
    failed: list[PartialItemFailures] = []

    def reconcile_named(record: Any) -> None:
        logger.append_keys(message_id=record.message_id, ref=None)  # for the line that says why a message failed
        # The count includes this receive (SQS, ReceiveMessage, ApproximateReceiveCount).
        attempt = int(record.get("attributes", {}).get("ApproximateReceiveCount", 1))
        url = settings.queue_url and queue.beside(settings.queue_url, record.get("eventSourceARN") or "")
        try:
            ref = events.ref_of(event := events.parse(record.body))
            if ref and echoes.explain(event, ref, sent_at(record)):
                logger.info("ignored", extra={"reason": "we deleted its alarm", "ref": str(ref)})
            elif ref:
                logger.append_keys(ref=str(ref))
                batch.reconcile(ref, url, attempt)
            else:
                logger.info("ignored", extra={"reason": events.why_ignored(event)})
        except SagewatchError as error:
            again = batch.postpone(error, attempt, url, record.get("receiptHandle"))
            said = {"error": type(error).__name__, "reason": error.printable, "again_in_s": again and round(again)}
            logger.warning("failed", extra={**said, "code": error.code})
            failed.append({"itemIdentifier": record.message_id})

    answer = process_partial_response(event, reconcile_named, processor, context)
    answer["batchItemFailures"] += failed
    logger.remove_keys(["message_id", "ref"])
    for done in batch.outcomes.values():
        echoes.learn(done.ref, LastLook(datetime.now(UTC), done.live, done.names_deleted))
        if done.refused:
            logger.error("reconciled", extra={**done.data(), "code": ErrorCode.ALARM_REFUSED})
        else:
            logger.info("reconciled", extra=done.data())
    for ref, error in batch.given_up.items():
        logger.warning("given up", extra={"ref": str(ref), "code": error.code, "reason": error.printable})
    try:
        if settings.notify_url and (found := troubles(batch.refused, batch.given_up, began)):
            queue.send(clients.sqs, settings.notify_url, found)
        if looks := batch.in_force and looks_of(batch.outcomes.values(), batch.in_force, PRICES, began):
            store.remember(looks)
    except Retry as error:  # it costs the next sweep a look, which tells again
        logger.info("not remembered", extra={"code": error.code, "reason": error.printable})
    for name, count in {**batch.counts(), "MessagesFailed": len(answer["batchItemFailures"])}.items():
        metrics.add_metric(name, "Count", count)
    return answer
