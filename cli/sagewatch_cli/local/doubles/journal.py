"""Records every call that a double answers, and every change of an alarm that AWS would send an event about."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from flask import request
from moto.core.common_types import TYPE_RESPONSE
from moto.core.responses import BaseResponse

KEY = "sagewatch.journal"
"""Where a request carries the journal it is written to, in its WSGI environment."""

type AlarmOperation = Literal["create", "update", "delete"]


@dataclass(frozen=True, slots=True)
class AlarmChange:
    """One change of an alarm: the request that made it (what it was, for a delete), the one before, and its state."""

    operation: AlarmOperation
    alarm: Mapping[str, Any]
    before: Mapping[str, Any] | None
    state: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Journal:
    """What was asked, in order; and the changes of alarms that no event has told of yet."""

    calls: list[Call] = field(default_factory=list)
    changes: deque[AlarmChange] = field(default_factory=deque)


def journal() -> Journal:
    """Return the journal that the request being answered is written to."""
    found: Journal = request.environ[KEY]
    return found


@dataclass(frozen=True, slots=True)
class Call:
    """One API call: `cloudwatch`, `PutMetricAlarm`, its parameters, and the access key it was signed with."""

    service: str
    operation: str
    parameters: Mapping[str, Any]
    key: str


class Journaled(BaseResponse):
    """Writes each call down before moto answers it."""

    def call_action(self) -> TYPE_RESPONSE:
        key = request.headers["Authorization"].partition("Credential=")[2].partition("/")[0]
        journal().calls.append(Call(str(self.service_name), self._get_action(), dict(self.params), key))
        return super().call_action()
