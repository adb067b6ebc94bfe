"""A clock that a test sets: what the product reads as the time, in its own copy of the product's modules.

The product reads the time by `datetime.now`, `time.time` and `time.monotonic`, some of them bound when a module is
imported. So its modules are imported once more while those three names are the clock's, kept apart from the copy that
other tests use, and put in place for as long as a history is played.
"""

from __future__ import annotations

import datetime as datetime_module
import importlib
import logging
import os
import random
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from importlib.abc import SourceLoader
from importlib.machinery import ModuleSpec
from importlib.util import find_spec, module_from_spec
from types import CodeType, ModuleType
from typing import Any
from unittest.mock import patch

REAL = datetime_module.datetime
START = REAL(2026, 11, 16, 9, 0, tzinfo=datetime_module.UTC)
"""When every history begins: a Monday morning."""


class Clock:
    """The time of the world that is played now, in seconds since the epoch."""

    def __init__(self) -> None:
        self.seconds = START.timestamp()

    def time(self) -> float:
        return self.seconds

    def now(self) -> datetime_module.datetime:
        return REAL.fromtimestamp(self.seconds, datetime_module.UTC)

    def advance(self, seconds: float) -> None:
        self.seconds += seconds


CLOCK = Clock()


class _Meta(type):
    def __instancecheck__(cls, value: object) -> bool:
        return isinstance(value, REAL)


class PlayedDatetime(REAL, metaclass=_Meta):
    """`datetime.datetime`, but for what time it is."""

    @classmethod
    def now(cls, tz: Any = None) -> datetime_module.datetime:
        return REAL.fromtimestamp(CLOCK.seconds, tz)

    @classmethod
    def utcnow(cls) -> datetime_module.datetime:
        return REAL.fromtimestamp(CLOCK.seconds, datetime_module.UTC).replace(tzinfo=None)


_OURS, _LOGGERS = ("sagewatch", "functions"), ("notify", "interact")
_kept: dict[str, ModuleType] = {}


def _is_ours(name: str) -> bool:
    return name.partition(".")[0] in _OURS


@contextmanager
def played(environment: Mapping[str, str]) -> Iterator[None]:
    """Put the clock and the product's own copy in place, in an environment of its own, and take them away again."""
    # What is not ours must not see the clock, so it is imported before.
    for name in ("aws_lambda_powertools", "aws_lambda_powertools.utilities.batch", "boto3", "pydantic", "yaml"):
        importlib.import_module(name)
    others = {name: sys.modules.pop(name) for name in list(sys.modules) if _is_ours(name)}
    # Powertools sets up a logger of a name once, by the environment it finds then.
    loggers = logging.Logger.manager.loggerDict
    theirs = {name: loggers.pop(name) for name in _LOGGERS if name in loggers}
    sys.modules.update(_kept)
    state = random.getstate()
    try:
        with (
            patch.dict(os.environ, environment, clear=True),
            patch.object(datetime_module, "datetime", PlayedDatetime),
            patch.object(time, "time", CLOCK.time),
            patch.object(time, "monotonic", CLOCK.time),
            patch.object(time, "sleep", CLOCK.advance),
        ):
            yield
    finally:
        random.setstate(state)
        for name in _LOGGERS:
            loggers.pop(name, None)
        loggers.update(theirs)
        _kept.update({name: module for name, module in sys.modules.items() if _is_ours(name)})
        for name in [name for name in sys.modules if _is_ours(name)]:
            del sys.modules[name]
        sys.modules.update(others)


def cold_start(function: str) -> ModuleType:
    """Run a function's code anew, as a new container does."""
    name = f"functions.{function}.app"
    spec, code = _code(name)
    sys.modules[name] = module = module_from_spec(spec)
    exec(code, module.__dict__)
    return module


@cache
def _code(name: str) -> tuple[ModuleSpec, CodeType]:
    """Return where a module is and its code, which is compiled once: hundreds of containers begin in one test."""
    spec = find_spec(name)
    assert spec is not None
    assert isinstance(spec.loader, SourceLoader)
    code = spec.loader.get_code(name)
    assert code is not None
    return spec, code
