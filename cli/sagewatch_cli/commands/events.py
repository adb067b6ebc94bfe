"""`sagewatch events`: what the deployed stack is doing, read out of its logs and queues."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Annotated, Any

import typer
from botocore.exceptions import ClientError
from rich.console import Console
from rich.text import Text

from sagewatch.aws.errors import retried
from sagewatch.errors import Retry
from sagewatch.model import Unit
from sagewatch.units import parse
from sagewatch_cli.account.session import Account, EndpointUrl, Profile, Region
from sagewatch_cli.printing import REFUSED, Form, Format, stop

LOGS: Mapping[str, str] = {"ReconcileLogs": "reconcile", "SweepLogs": "sweep", "NotifyLogs": "notify"}
"""The functions, by the logical id of their log group in the template."""

_NO_STACK = 3
_PAUSE = 2.0  # s, between two looks
_LATE = 30_000  # ms: CloudWatch Logs may show a line that much after a later one
_SEEN = 20_000  # event ids, more than there are in that time
_NOISE = re.compile(r"^(START|END|REPORT|INIT_START|XRAY|EXTENSION|TELEMETRY) ")
_BAD = frozenset({"WARNING", "ERROR", "CRITICAL", "WARN", "FATAL"})

app = typer.Typer(name="events", help="What the deployed stack is doing.", no_args_is_help=True)


@app.callback()
def events() -> None:
    """Options that hold for every events command."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Happening:
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


def in_words(function: str, at: int, message: str) -> Happening | None:
    """Return what a line of a function's log says; None for what Lambda writes of every invocation, and for metrics."""
    try:
        line = json.loads(message)
    except ValueError:
        line = message
    if not isinstance(line, dict):
        return _plain(function, at, message.strip())
    if "_aws" in line:
        return None
    if str(line.get("type", "")).startswith("platform."):
        return _of_platform(function, at, line)
    failed = str(line.get("level", "")).upper() in _BAD
    said = _failure(line) if failed else _success(line)
    return Happening(at=at, where=function, said=said, failed=failed, logged=line)


def _plain(function: str, at: int, text: str) -> Happening | None:
    if not text or _NOISE.match(text):
        return None
    failed = text.startswith("[ERROR]") or "Task timed out" in text or "Traceback" in text
    return Happening(at=at, where=function, said=text.splitlines()[0], failed=failed, logged={"message": text})


def _of_platform(function: str, at: int, line: Mapping[str, Any]) -> Happening | None:
    """Say how Lambda ended an invocation, when that was not well: a time-out, no memory left, a process that died."""
    record = line.get("record")
    status = record.get("status") if isinstance(record, dict) else None
    if line["type"] != "platform.report" or status in (None, "success") or not isinstance(record, dict):
        return None
    what = record.get("errorType") or status
    return Happening(at=at, where=function, said=f"Lambda ended it: {what}", failed=True, logged=line)


def _success(line: Mapping[str, Any]) -> str:
    message = line.get("message")
    if message == "reconciled":
        return f"{line.get('ref')} · {_done(line)}"
    if message == "swept":
        full = "full sweep" if line.get("full") else "sweep"
        return f"{full} · {', '.join(_swept(line))}"
    if message == "told":
        return f"told {line.get('ref')} {line.get('state')}"
    return message if isinstance(message, str) else json.dumps(message, ensure_ascii=False)


def _done(line: Mapping[str, Any]) -> str:
    counts = [f"{_alarms(line[name])} {name}" for name in ("put", "deleted") if line.get(name)]
    if not counts:
        counts = ["nothing to change" if line.get("live") else "gone, nothing left to delete"]
    if foreign := line.get("foreign"):
        counts.append(f"{_alarms(len(foreign))} of others left alone")
    return ", ".join((*counts, *(line.get("reports") or ())))


def _alarms(number: int) -> str:
    return f"{number} alarm" if number == 1 else f"{number} alarms"


def _swept(line: Mapping[str, Any]) -> Iterator[str]:
    for name in ("live", "watched", "named"):
        yield f"{line.get(name, 0)} {name}"
    if foreign := line.get("foreign"):
        yield f"{len(foreign)} of others under our prefix"
    if withheld := line.get("withheld"):
        yield f"no budget for {', '.join(withheld)}"


def _failure(line: Mapping[str, Any]) -> str:
    """Return what went wrong, about what: the error itself, which is the last line of a traceback."""
    trace = str(line.get("exception") or line.get("errorMessage") or "").strip()
    error = trace.splitlines()[-1] if trace else str(line.get("message"))
    about = line.get("ref") or (f"message {line['message_id']}" if line.get("message_id") else "")
    return f"{about} · {error}" if about else error


def parts(client: Any, stack: str) -> dict[str, Any] | None:
    """Ask CloudFormation what a stack made, by logical id; None when it has no such stack."""
    with retried(f"list_stack_resources {stack}"):
        try:
            pages = client.get_paginator("list_stack_resources").paginate(StackName=stack)
            found = [each for page in pages for each in page["StackResourceSummaries"]]
        except ClientError as error:
            if "does not exist" in error.response["Error"].get("Message", ""):
                return None
            raise
    return {each["LogicalResourceId"]: each for each in found if each.get("PhysicalResourceId")}


@dataclass(frozen=True, slots=True)
class Stack:
    """Where the stack's parts are: log groups by function, queue addresses by logical id."""

    logs: Mapping[str, str]
    queues: Mapping[str, str]

    @classmethod
    def find(cls, client: Any, name: str) -> Stack | None:
        """Ask CloudFormation; None when it has no such stack."""
        made = parts(client, name)
        if made is None:
            return None
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
    """What the stack did since the last look, by clients of logs and sqs; `since` is ms since 1970."""

    logs: Any
    sqs: Any
    stack: Stack
    since: int
    seen: dict[str, None] = field(default_factory=dict)
    depths: dict[str, str] = field(default_factory=dict)

    def look(self, now: int) -> list[Happening]:
        """Return what is new, in the order of time."""
        found = [each for function, group in self.stack.logs.items() for each in self._lines(function, group)]
        self.since = max([self.since, *(each.at - _LATE for each in found)])
        self._forget()
        return [*sorted(found, key=lambda each: each.at), *self._queues(now)]

    def _lines(self, function: str, group: str) -> Iterator[Happening]:
        with retried(f"filter_log_events {group}"):
            pages = self.logs.get_paginator("filter_log_events").paginate(logGroupName=group, startTime=self.since)
            for event in (each for page in pages for each in page["events"]):
                if (key := _identity(event)) in self.seen:
                    continue
                self.seen[key] = None
                if happening := in_words(function, event["timestamp"], event["message"]):
                    yield happening

    def _forget(self) -> None:
        for old in list(self.seen)[:-_SEEN]:
            del self.seen[old]

    def _queues(self, now: int) -> Iterator[Happening]:
        """Yield what waits in the queues, when that is something and something else than before."""
        for name, url in self.stack.queues.items():
            with retried(f"get_queue_attributes {name}"):
                counts = self.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=list(_COUNTS))["Attributes"]
            said = ", ".join(f"{counts[each]} {words}" for each, words in _COUNTS.items() if int(counts.get(each, 0)))
            if said and said != self.depths.get(name):
                yield Happening(at=now, where=name, said=said, failed="DeadLetters" in name, logged=counts)
            self.depths[name] = said


_COUNTS: Mapping[str, str] = {
    "ApproximateNumberOfMessages": "waiting",
    "ApproximateNumberOfMessagesNotVisible": "being worked on",
}


@app.command()
def tail(
    stack: Annotated[str, typer.Option("--stack", help="Name of the CloudFormation stack.")] = "sagewatch",
    since: Annotated[str, typer.Option("--since", help="How far back to begin: 30s, 10m, 2h.")] = "10m",
    follow: Annotated[bool, typer.Option("--follow/--no-follow", help="Go on until Ctrl-C.")] = True,
    form: Form = Format.TABLE,
    profile: Profile = None,
    region: Region = None,
    endpoint_url: EndpointUrl = None,
) -> None:
    """Show in words what the three functions do, the newest last, and what waits in the queues.

    A failure is red, and says the error. With --format json each line is one object, with all that was logged. Only
    reads (ListStackResources, FilterLogEvents, GetQueueAttributes).

    Exit codes: 0 shown, or ended by Ctrl-C, 1 AWS refused, 2 wrong usage, 3 no such stack.
    """
    begin = _now() - _milliseconds(since)
    account = Account(profile=profile, region=region, endpoint_url=endpoint_url)
    show = _shown_as_json if form is Format.JSON else _shown(Console())
    try:
        found = Stack.find(account.client("cloudformation"), stack)
        if found is None or not found.logs:
            stop(_NO_STACK, f"There is no stack of ours called {stack} in this account and Region. Say --stack.")
        watch(Tail(account.client("logs"), account.client("sqs"), found, begin), show, time.sleep if follow else None)
    except Retry as error:
        stop(REFUSED, str(error))
    except KeyboardInterrupt:
        raise typer.Exit(0) from None


def watch(tail: Tail, show: Callable[[Happening], None], wait: Callable[[float], None] | None) -> None:
    """Show what is new again and again, with a `wait` in between; once without one."""
    while True:
        for each in tail.look(_now()):
            show(each)
        if wait is None:
            return
        wait(_PAUSE)


def _identity(event: Mapping[str, Any]) -> str:
    """Return what tells an event from others; not every emulator gives them ids."""
    return event.get("eventId") or f"{event.get('logStreamName')}/{event['timestamp']}/{event['message']}"


def _milliseconds(since: str) -> int:
    try:
        return int(parse(since, Unit.SECONDS) * 1000)
    except ValueError as wrong:
        raise typer.BadParameter(f"'{since}' is not a time such as 30s, 10m or 2h", param_hint="--since") from wrong


def _now() -> int:
    return int(time.time() * 1000)


def _shown_as_json(each: Happening) -> None:
    typer.echo(json.dumps(each.data(), ensure_ascii=False))


def _shown(console: Console) -> Callable[[Happening], None]:
    return lambda each: console.print(line(each), soft_wrap=True)


def line(each: Happening) -> Text:
    """Return `12:04:31  reconcile  endpoint/churn · 13 alarms put`, in local time; red when it went wrong."""
    at = datetime.fromtimestamp(each.at / 1000).astimezone()
    # What others wrote must not move the cursor or colour the terminal.
    said = "".join(sign if sign.isprintable() else " " for sign in each.said)
    return Text.assemble(
        (f"{at:%H:%M:%S}  ", "dim"), (f"{each.where:<10} ", "cyan"), (said, "red" if each.failed else "")
    )
