"""Notify: queue messages that say what alarms and SageMaker did → people."""

import os
import time
from datetime import UTC, datetime
from typing import Any

import boto3
from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.batch.types import PartialItemFailures

from sagewatch import __version__
from sagewatch.aws.clients import Clients
from sagewatch.aws.deadline import Deadline
from sagewatch.aws.policy_store import PolicyStore
from sagewatch.aws.retries import BRISK
from sagewatch.errors import SagewatchError
from sagewatch.receivers.build import Receivers, noting
from sagewatch.settings import NotifySettings
from sagewatch.tell.context import Context
from sagewatch.tell.evidence import gather, graph
from sagewatch.tell.notify import receive
from sagewatch.tell.read.alarm_events import in_order, opening
from sagewatch.watch import events

logger, metrics = Logger(service="notify", version=__version__), Metrics(namespace="Sagewatch", service="notify")
settings = NotifySettings.read(os.environ)
# Those that every message needs are made at the cold start; the others when a notice needs them.
made: dict[str, Any] = {name: boto3.client(name, config=BRISK) for name in ("dynamodb", "cloudwatch", "sqs", "sns")}
clients = Clients(BRISK, **made)
evidence_clients, graph_clients = Clients(gather.QUICK), Clients(graph.QUICKEST)
receivers = Receivers.of(settings, clients.sns, time.monotonic, noting(logger, metrics))
policy_store = PolicyStore(settings.policy_parameter, settings.table, BRISK)
processor = BatchProcessor(EventType.SQS, raise_on_entire_batch_failure=False, logger=logger)  # type: ignore[arg-type]


@metrics.log_metrics
def handler(event: dict[str, Any], context: Any) -> Any:
    now, deadline = datetime.now(UTC), Deadline.of(context)
    telling = Context(
        clients, evidence_clients, graph_clients, settings, receivers, policy_store.read_or_last, now, deadline
    )
    telling.opening = opening(settings.prefix, event["Records"])
    telling.earlier_policies = policy_store.earlier
    failed: list[PartialItemFailures] = []

    def tell(record: Any) -> None:
        logger.append_keys(message_id=record.message_id)  # for the line that says why a message failed
        try:
            told = receive(telling, record, events.parse(record.body))
        except SagewatchError as error:  # expected: one line, without a traceback
            logger.warning(
                "failed", extra={"error": type(error).__name__, "code": error.code, "reason": error.printable}
            )
            failed.append({"itemIdentifier": record.message_id})
            return
        if told:
            logger.info("told", extra={"ref": str(told.labels.ref), "state": told.state, "key": told.key})
            metrics.add_metric("NoticesTold", "Count", 1)

    answer = process_partial_response({"Records": in_order(event["Records"])}, tell, processor, context)
    answer["batchItemFailures"] += failed
    metrics.add_metric("MessagesFailed", "Count", len(answer["batchItemFailures"]))
    return answer
