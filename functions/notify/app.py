"""Notify: queue messages that say what alarms and SageMaker did → people."""

import os
import time
from typing import Any

import boto3
from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord

from sagewatch import events
from sagewatch.aws.errors import BRISK
from sagewatch.channels import slack
from sagewatch.notices import in_order
from sagewatch.notify import Clients, notify, set_up
from sagewatch.settings import NotifySettings

settings = NotifySettings.read(os.environ)
clients = Clients(boto3.client("sns", config=BRISK), boto3.client("dynamodb", config=BRISK), slack.pool())
channels = set_up(clients, settings, time.monotonic)
logger, metrics = Logger(service="notify"), Metrics(namespace="Sagewatch", service="notify")


@metrics.log_metrics
def handler(event: dict[str, Any], context: Any) -> Any:
    def tell(record: SQSRecord) -> None:
        logger.append_keys(message_id=record.message_id)  # for the line that says why a message failed
        if told := notify(clients, settings, channels, events.parse(record.body), time.time()):
            logger.info("told", extra={"ref": str(told.labels.ref), "state": told.state, "key": told.key})
            metrics.add_metric("NoticesTold", MetricUnit.Count, 1)

    processor = BatchProcessor(EventType.SQS, raise_on_entire_batch_failure=False, logger=logger)  # type: ignore[arg-type]
    answer = process_partial_response({"Records": in_order(event["Records"])}, tell, processor, context)
    logger.remove_keys(["message_id"])
    metrics.add_metric("MessagesFailed", MetricUnit.Count, len(answer["batchItemFailures"]))
    return answer
