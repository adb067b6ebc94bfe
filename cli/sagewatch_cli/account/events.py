"""Reads the logs and queues of the deployed stack, and says in words what it does."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from sagewatch.aws.retries import retried

LOGS: Mapping[str, str] = {"ReconcileLogs": "reconcile", "SweepLogs": "sweep", "NotifyLogs": "notify"}
"""The functions, by the logical id of their log group in the template."""

_LATE = 30_000  # ms: CloudWatch Logs may show a line that much after a later one
_SEEN = 20_000  # event ids, more than there are in that time
_NOISE = re.compile(r"^(START|END|REPORT|INIT_START|XRAY|EXTENSION|TELEMETRY) ")
_BAD = frozenset({"WARNING", "ERROR", "CRITICAL", "WARN", "FATAL"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Activity:
    """One line: when (ms since 1970), in which function or queue, what in words, and whether it went wrong."""

    at: int
    where: str
    said: str
    failed: bool = False
    logged: Mapping[str, Any] = field(default_factory=dict)

    def data(self) -> dict[str, Any]:
        """Return it for programs, with all that was logged."""
        at = datetime.fromtimestamp(self.at / 1000, UTC).isoformat(timespec="milliseconds")
        return {"at": at, "where": self.where, "said": self.said, "failed": self.failed, "logged": dict(self.logged)}


def activity_of(function: str, at: int, message: str) -> Activity | None:
    """Return what a log line says; None for Lambda's own START, END and REPORT lines, and for metrics."""
    try:
        line = json.loads(message)
    except ValueError:
        line = message
    if not isinstance(line, dict):
        return _plain_line(function, at, message.strip())
    if "_aws" in line:
        return None
    if str(line.get("type", "")).startswith("platform."):
        return _of_platform(function, at, line)
    failed = str(line.get("level", "")).upper() in _BAD
    said = _failure(line) if failed else _success(line)
    return Activity(at=at, where=function, said=said, failed=failed, logged=line)


def _plain_line(function: str, at: int, text: str) -> Activity | None:
    if not text or _NOISE.match(text):
        return None
    failed = text.startswith("[ERROR]") or "Task timed out" in text or "Traceback" in text
    return Activity(at=at, where=function, said=text.splitlines()[0], failed=failed, logged={"message": text})


def _of_platform(function: str, at: int, line: Mapping[str, Any]) -> Activity | None:
    """Say how Lambda ended an invocation, when that was not well: a time-out, no memory left, a process that died."""
    record = line.get("record")
    status = record.get("status") if isinstance(record, dict) else None
    if line["type"] != "platform.report" or status in (None, "success") or not isinstance(record, dict):
        return None
    what = record.get("errorType") or status
    return Activity(at=at, where=function, said=f"Lambda ended it: {what}", failed=True, logged=line)


def _success(line: Mapping[str, Any]) -> str:
    message = line.get("message")
    if message == "reconciled":
        return f"{line.get('ref')} · {_writes(line)}"
    if message == "swept":
        full = "full sweep" if line.get("full") else "sweep"
        return f"{full} · {', '.join(_swept(line))}"
    if message == "told":
        return f"told {line.get('ref')} {line.get('state')}"
    return message if isinstance(message, str) else json.dumps(message, ensure_ascii=False)


def _writes(line: Mapping[str, Any]) -> str:
    counts = [f"{_counted(line[name])} {name}" for name in ("put", "deleted") if line.get(name)]
    if not counts:
        counts = ["nothing to change" if line.get("live") else "gone, nothing left to delete"]
    if foreign := line.get("foreign"):
        counts.append(f"{_counted(len(foreign))} of others left alone")
    return ", ".join((*counts, *(line.get("reports") or ())))


def _counted(number: int) -> str:
    return f"{number} alarm" if number == 1 else f"{number} alarms"


def _swept(line: Mapping[str, Any]) -> Iterator[str]:
    for name in ("live", "watched", "named"):
        yield f"{line.get(name, 0)} {name}"
    if foreign := line.get("foreign"):
        yield f"{len(foreign)} of others under our prefix"
    if withheld := line.get("withheld"):
        yield f"no budget for {', '.join(withheld)}"


def _failure(line: Mapping[str, Any]) -> str:
    """Return the resource or message and the error: `endpoint/churn · Retry: …`, the last line of a traceback."""
    trace = str(line.get("exception") or line.get("errorMessage") or "").strip()
    error = trace.splitlines()[-1] if trace else _expected(line)
    about = line.get("ref") or (f"message {line['message_id']}" if line.get("message_id") else "")
    return f"{about} · {error}" if about else error


def _expected(line: Mapping[str, Any]) -> str:
    """Return what a warning or an error of ours says: `Retry: list_pipelines: … (SW-101)`, or its message alone."""
    what, why = line.get("error") or line.get("message"), line.get("reason") or line.get("because")
    said = f"{what}: {why}" if why else str(what)
    return f"{said} ({line['code']})" if line.get("code") else said


@dataclass(frozen=True, slots=True)
class StackParts:
    """Where the stack's parts are: log groups by function, queue addresses by logical id."""

    logs: Mapping[str, str]
    queues: Mapping[str, str]

    @classmethod
    def of(cls, made: Mapping[str, Mapping[str, Any]]) -> StackParts:
        """Pick them out of the stack's resources."""
        return cls(
            {function: made[id_]["PhysicalResourceId"] for id_, function in LOGS.items() if id_ in made},
            {
                id_: each["PhysicalResourceId"]
                for id_, each in sorted(made.items())
                if each["ResourceType"] == "AWS::SQS::Queue"
            },
        )


@dataclass(slots=True)
class Tail:
    """What the stack did since the last look."""

    logs: Any
    """A client of CloudWatch Logs."""
    sqs: Any
    """A client of SQS."""
    stack: StackParts
    """Where the logs and queues are."""
    since: int
    """Milliseconds since 1970; earlier lines are not read again."""
    seen: dict[str, None] = field(default_factory=dict)
    """Ids of log events that were returned already, the oldest first."""
    depths: dict[str, str] = field(default_factory=dict)
    """What was last said of each queue."""

    def look(self, now: int) -> list[Activity]:
        """Return what is new, in the order of time."""
        found = [each for function, group in self.stack.logs.items() for each in self._lines(function, group)]
        self.since = max([self.since, *(each.at - _LATE for each in found)])
        self._forget()
        return [*sorted(found, key=lambda each: each.at), *self._queues(now)]

    def _lines(self, function: str, group: str) -> Iterator[Activity]:
        with retried(f"filter_log_events {group}"):
            pages = self.logs.get_paginator("filter_log_events").paginate(logGroupName=group, startTime=self.since)
            for event in (each for page in pages for each in page["events"]):
                if (key := _identity(event)) in self.seen:
                    continue
                self.seen[key] = None
                if activity := activity_of(function, event["timestamp"], event["message"]):
                    yield activity

    def _forget(self) -> None:
        for old in list(self.seen)[:-_SEEN]:
            del self.seen[old]

    def _queues(self, now: int) -> Iterator[Activity]:
        """Yield a queue's depth when it is not empty and differs from the last one returned."""
        for name, url in self.stack.queues.items():
            with retried(f"get_queue_attributes {name}"):
                counts = self.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=list(_COUNTS))["Attributes"]
            said = ", ".join(f"{counts[each]} {words}" for each, words in _COUNTS.items() if int(counts.get(each, 0)))
            if said and said != self.depths.get(name):
                yield Activity(at=now, where=name, said=said, failed="DeadLetters" in name, logged=counts)
            self.depths[name] = said


_COUNTS: Mapping[str, str] = {
    "ApproximateNumberOfMessages": "waiting",
    "ApproximateNumberOfMessagesNotVisible": "being worked on",
}


def _identity(event: Mapping[str, Any]) -> str:
    """Return what identifies a log event; not every emulator gives them ids."""
    return event.get("eventId") or f"{event.get('logStreamName')}/{event['timestamp']}/{event['message']}"
