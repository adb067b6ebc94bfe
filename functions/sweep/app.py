"""Sweep: a schedule, a deployment or a person → the names of resources that need a look, in the reconcile queue."""

import os
from datetime import UTC, datetime
from typing import Any

import boto3
from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

from sagewatch.aws.errors import PATIENT
from sagewatch.errors import Retry
from sagewatch.settings import SweepSettings
from sagewatch.sweep import Clients, sweep

settings = SweepSettings.read(os.environ)
clients = Clients(
    sagemaker=boto3.client("sagemaker", config=PATIENT),
    cloudwatch=boto3.client("cloudwatch", config=PATIENT),
    sqs=boto3.client("sqs", config=PATIENT),
)
logger = Logger(service="sweep")
metrics = Metrics(namespace="Sagewatch", service="sweep")


@metrics.log_metrics
def handler(event: dict[str, Any], context: Any) -> dict[str, int]:  # noqa: ARG001 - Lambda passes it
    full = event.get("mode") == "full"
    swept = sweep(clients, settings, datetime.now(UTC), full=full)
    counts = {"live": swept.live, "watched": swept.watched, "named": len(swept.named)}
    logger.info("swept", extra={"full": full, **counts, "foreign": swept.foreign})
    for name, count in counts.items():
        metrics.add_metric(f"Resources{name.title()}", MetricUnit.Count, count)
    if swept.unread:
        raise Retry(f"Not all could be listed: {'; '.join(swept.unread)}")
    return counts
