"""What must be there before the functions are loaded: boto3 on paper, and the account's clock."""

from __future__ import annotations

import logging
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from unittest import mock

import boto3

from tests.model.account import REGION, PaperSession, make_api_call
from tests.model.stack import time_of_the_account

_VARIABLES = {
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_DEFAULT_REGION": REGION,
    "POWERTOOLS_METRICS_DISABLED": "true",
    "POWERTOOLS_METRICS_NAMESPACE": "Sagewatch",
    "POWERTOOLS_TRACE_DISABLED": "true",
}
_session: list[PaperSession] = []
_LOGGERS = tuple(logging.getLogger(name) for name in ("reconcile", "sweep"))


@contextmanager
def on_paper() -> Iterator[None]:
    """Have every boto3 client that the product makes end at the account double, and every clock be the account's."""
    before, session = dict(os.environ), boto3.DEFAULT_SESSION
    os.environ.update(_VARIABLES)
    if not _session:
        _session.append(PaperSession())
    boto3.DEFAULT_SESSION = _session[0]
    try:
        # A worker that dies has counted nothing; Powertools warns of that on its way out.
        with (
            warnings.catch_warnings(),
            mock.patch("botocore.client.BaseClient._make_api_call", make_api_call),
            time_of_the_account(),
        ):
            warnings.filterwarnings("ignore", message="No application metrics to publish")
            yield
    finally:
        boto3.DEFAULT_SESSION = session
        for logger in _LOGGERS:
            logger.propagate = True
        os.environ.clear()
        os.environ.update(before)
