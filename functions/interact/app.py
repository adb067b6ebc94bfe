"""Interact: a click in Slack → a message in the notify queue, answered at once."""

import base64
import os
import time
from typing import Any

import boto3
from aws_lambda_powertools import Logger

from sagewatch import __version__
from sagewatch.aws import queue, secrets
from sagewatch.aws.retries import BRISK
from sagewatch.errors import ODD, ErrorCode, Undeliverable
from sagewatch.receivers.slack.clicks import click_event, is_genuine
from sagewatch.settings import InteractSettings

settings = InteractSettings.read(os.environ)
sqs = boto3.client("sqs", config=BRISK)
credentials = secrets.CachedSecret(secrets.reader(settings.slack_credentials), time.monotonic)
REFUSED: tuple[type[Exception], ...] = (Undeliverable, *ODD)
logger = Logger(service="interact", version=__version__)


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:  # noqa: ARG001 - Lambda passes it
    body = event.get("body") or ""
    try:
        raw = base64.b64decode(body, validate=True) if event.get("isBase64Encoded") else body.encode()
        genuine = is_genuine(credentials().get("signing_secret", ""), event.get("headers") or {}, raw, time.time())
        found = click_event(raw) if genuine else None
    except REFUSED as odd:
        code = odd.code if isinstance(odd, Undeliverable) else ErrorCode.CLICK_REFUSED
        logger.warning("refused", extra={"code": code, "because": type(odd).__name__})
        return {"statusCode": 401}
    if not genuine:
        return {"statusCode": 401}
    if found:
        queue.send(sqs, settings.notify_url, [found])
    return {"statusCode": 200}
