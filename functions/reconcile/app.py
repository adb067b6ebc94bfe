"""Reconcile: queue messages that name SageMaker resources → their alarms."""

import os
from typing import Any

import boto3
from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response

from sagewatch.aws.errors import PATIENT
from sagewatch.aws.policy_store import Asking
from sagewatch.settings import ReconcileSettings
from sagewatch.watch import events
from sagewatch.watch.reconcile import Clients, Once, unhurried

settings = ReconcileSettings.read(os.environ)
clients = Clients.of(boto3.client("sagemaker", config=PATIENT), boto3.client("cloudwatch", config=PATIENT))
asking = Asking(settings.policy_parameter, settings.table, PATIENT)
logger, metrics = Logger(service="reconcile"), Metrics(namespace="Sagewatch", service="reconcile")
processor = BatchProcessor(EventType.SQS, raise_on_entire_batch_failure=False, logger=logger)  # type: ignore[arg-type]


@metrics.log_metrics
def handler(event: dict[str, Any], context: Any) -> Any:
    left = getattr(context, "get_remaining_time_in_millis", unhurried)
    work = Once.of(clients, settings.prefix, left, asking)

    def reconcile_named(record: Any) -> None:
        logger.append_keys(message_id=record.message_id, ref=None)  # for the line that says why a message failed
        if ref := events.named(events.parse(record.body)):
            logger.append_keys(ref=str(ref))
            work(ref)

    answer = process_partial_response(event, reconcile_named, processor, context)
    logger.remove_keys(["message_id", "ref"])
    for done in work.outcomes.values():
        logger.info("reconciled", extra=done.data())
    for name, count in (*work.counted(), ("MessagesFailed", len(answer["batchItemFailures"]))):
        metrics.add_metric(name, "Count", count)
    return answer
