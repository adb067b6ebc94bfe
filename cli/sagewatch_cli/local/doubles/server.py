"""Serves moto over HTTP on the loopback address, with our SageMaker and CloudWatch in place of its own."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from flask import Flask
from moto.backends import SERVICE_NAMES
from moto.core.base_backend import BackendDict
from moto.core.responses import BaseResponse
from moto.core.utils import convert_to_flask_response
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app

from sagewatch_cli.local.doubles.cloudwatch import CloudWatch
from sagewatch_cli.local.doubles.journal import KEY, AlarmChange, Call, Journal
from sagewatch_cli.local.doubles.sagemaker import SageMaker
from sagewatch_cli.local.machine.loopback import served

OURS: Mapping[str, type[BaseResponse]] = {"sagemaker": SageMaker, "cloudwatch": CloudWatch}


@dataclass(frozen=True, slots=True)
class Doubles:
    """Where moto answers, and the calls that it has answered."""

    url: str
    journal: Journal

    def asked(self, *operations: str) -> tuple[Call, ...]:
        """Return the calls of these operations, in order."""
        return tuple(call for call in tuple(self.journal.calls) if call.operation in operations)

    def changes(self) -> Iterator[AlarmChange]:
        """Yield the changes of alarms that have not been yielded yet."""
        while self.journal.changes:
            yield self.journal.changes.popleft()


@contextmanager
def doubles() -> Iterator[Doubles]:
    """Serve moto, empty, until the block ends. It is one to a process: moto keeps its state in module globals."""
    BackendDict.reset()
    journal = Journal()
    with served(_Application(journal), MotoRequestHandler) as url:
        yield Doubles(url, journal)


class _Application(DomainDispatcherApplication):
    def __init__(self, journal: Journal) -> None:
        super().__init__(_moto_app)
        self.journal = journal
        # moto's state is plain dicts, and the functions call it from several processes at once.
        self.answering = threading.Lock()

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        with self.answering:
            return super().__call__({**environ, KEY: self.journal}, start_response)


def _moto_app(service: SERVICE_NAMES) -> Flask:
    app = create_backend_app(service)
    if ours := OURS.get(service):
        app.view_functions = {endpoint: convert_to_flask_response(ours.dispatch) for endpoint in app.view_functions}
    return app
