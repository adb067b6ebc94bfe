"""Notify: queue messages that say what alarms and SageMaker did → people."""

import os
import time
from datetime import UTC, datetime
from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response

from sagewatch.aws.errors import BRISK
from sagewatch.aws.policy_store import Asking
from sagewatch.receivers.build import Switchboard, noting
from sagewatch.settings import NotifySettings
from sagewatch.tell.delivery.deliver import Clients, unhurried
from sagewatch.tell.notify import Round
from sagewatch.tell.read.alarm_events import in_order
from sagewatch.watch import events

logger, metrics = Logger(service="notify"), Metrics(namespace="Sagewatch", service="notify")
settings = NotifySettings.read(os.environ)
clients, switchboard = Clients.of(), Switchboard.of(settings, time.monotonic, noting(logger, metrics))
asking = Asking(settings.policy_parameter, settings.table, BRISK)
processor = BatchProcessor(EventType.SQS, raise_on_entire_batch_failure=False, logger=logger)  # type: ignore[arg-type]


@metrics.log_metrics
def handler(event: dict[str, Any], context: Any) -> Any:
    left = getattr(context, "get_remaining_time_in_millis", unhurried)
    turn = Round(clients, settings, switchboard, asking, datetime.now(UTC), left)

    def tell(record: Any) -> None:
        logger.append_keys(message_id=record.message_id)  # for the line that says why a message failed
        if told := turn(record, events.parse(record.body)):
            logger.info("told", extra={"ref": str(told.labels.ref), "state": told.state, "key": told.key})
            metrics.add_metric("NoticesTold", "Count", 1)

    answer = process_partial_response({"Records": in_order(event["Records"])}, tell, processor, context)
    metrics.add_metric("MessagesFailed", "Count", len(answer["batchItemFailures"]))
    return answer
