"""Notify: queue messages that say what alarms and SageMaker did → people."""

import logging
import os
import time
from typing import Any, cast

import boto3
from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord

from sagewatch import events
from sagewatch.aws.errors import PATIENT
from sagewatch.channels import slack
from sagewatch.notices import in_order
from sagewatch.notify import Clients, channels, notify
from sagewatch.settings import NotifySettings

settings = NotifySettings.read(os.environ)
clients = Clients(boto3.client("sns", config=PATIENT), boto3.client("dynamodb", config=PATIENT), slack.pool())
routes = channels(clients, settings, time.monotonic)
logger = Logger(service="notify")
failures = cast(logging.Logger, logger)  # Powertools' batch wants the standard library's, its Logger acts as one
metrics = Metrics(namespace="Sagewatch", service="notify")


@metrics.log_metrics
def handler(event: dict[str, Any], context: Any) -> Any:
    processor = BatchProcessor(EventType.SQS, raise_on_entire_batch_failure=False, logger=failures)
    told = []

    def tell(record: SQSRecord) -> None:
        logger.append_keys(message_id=record.message_id)  # for the line that says why a message failed
        if notice := notify(clients, settings, routes, events.parse(record.body), time.time()):
            told.append(notice)

    answer = process_partial_response({"Records": in_order(event["Records"])}, tell, processor, context)
    logger.remove_keys(["message_id"])
    for notice in told:
        logger.info("told", extra={"ref": str(notice.labels.ref), "state": notice.state, "key": notice.key})
    metrics.add_metric("NoticesTold", MetricUnit.Count, len(told))
    metrics.add_metric("MessagesFailed", MetricUnit.Count, len(answer["batchItemFailures"]))
    return answer
