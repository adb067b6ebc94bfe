"""The deployed stack, as template.yaml says it: rules, queues, and containers of the two functions that watch.

The functions are the product's own, loaded from functions/*/app.py as Lambda does at a cold start; nothing of ours is
patched but the clock that they read.
"""

from __future__ import annotations

import importlib
import io
import json
import logging
import os
import pkgutil
import random
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from functools import cache
from itertools import count
from pathlib import Path
from types import ModuleType
from typing import Any

import sagewatch
from tests import template
from tests.model.account import NUMBER, REGION, AccountDouble, Killed, Queue, Worker, answering, seam, working

ROOT = Path(__file__).parents[2]
QUEUE_URL = f"https://sqs.{REGION}.amazonaws.com/{NUMBER}/{{}}"
KEPT_S = 300
"""A container is not kept for longer: what it remembers is younger than that."""


# ---------------------------------------------------------------------------------------------------- the template
def _ref(value: Any, prefix: str) -> str | None:
    """Return what a variable of the environment will be; None for what is not of these two functions."""
    match value:
        case str():
            return value
        case {"Ref": "AlarmPrefix"}:
            return prefix
        case {"Fn::Sub": str(text)}:
            return text.replace("${AlarmPrefix}", prefix)
        case {"Ref": "Incidents"}:
            return "incidents"
        case {"Ref": name} if name in template.resources("AWS::SQS::Queue"):
            return QUEUE_URL.format(name)
    return None


@cache
def environment(function: str, prefix: str) -> dict[str, str]:
    """Return the environment of a function of the template."""
    own = template.functions()[function].get("Environment", {}).get("Variables", {})
    variables = {**template.template()["Globals"]["Function"]["Environment"]["Variables"], **own}
    found = {name: _ref(value, prefix) for name, value in variables.items()}
    return {name: value for name, value in found.items() if value is not None}


@cache
def mappings() -> dict[str, tuple[str, int]]:
    """Return, by queue, the function that takes its messages and how many at once; notify's queue has nobody here."""
    return {
        each["Properties"]["Queue"]["Fn::GetAtt"][0]: (name, each["Properties"]["BatchSize"])
        for name, function in template.functions().items()
        for each in function.get("Events", {}).values()
        if each["Type"] == "SQS" and name == "Reconcile"
    }


def matches(pattern: Any, event: Any) -> bool:
    """Tell whether an event matches a pattern (EventBridge User Guide, "Comparison operators")."""
    for key, wanted in pattern.items():
        if key == "$or":
            if not any(matches(each, event) for each in wanted):
                return False
        elif isinstance(wanted, dict):
            if not matches(wanted, event.get(key) if isinstance(event.get(key), dict) else {}):
                return False
        elif not any(_is(each, event.get(key, _ABSENT)) for each in wanted):
            return False
    return True


_ABSENT = object()


def _is(wanted: Any, value: Any) -> bool:
    if isinstance(value, list):
        return any(_is(wanted, each) for each in value)
    if not isinstance(wanted, dict):
        return bool(wanted == value)
    [(operator, operand)] = wanted.items()
    if operator == "exists":
        return (value is not _ABSENT) == operand
    text = value if isinstance(value, str) else ""
    match operator:
        case "prefix":
            return text.startswith(operand)
        case "suffix":
            return text.endswith(operand)
        case "wildcard":
            return fnmatchcase(text, operand)
        case "anything-but":
            return value is not _ABSENT and not any(
                _is(each, value) for each in (operand if isinstance(operand, list) else [operand])
            )
    raise AssertionError(f"an operator of patterns that this matcher does not know: {operator}")


@cache
def _rules(prefix: str) -> tuple[tuple[Any, tuple[str, ...], tuple[str, ...]], ...]:
    """Return each rule's pattern, the queues that it fills, and the sweeps that it starts."""
    found = []
    for name, rule in template.rules().items():
        text = json.dumps(rule["pattern"]).replace("${AlarmPrefix}", prefix)
        pattern = json.loads(text, object_hook=lambda each: each["Fn::Sub"] if each.keys() == {"Fn::Sub"} else each)
        queues = [each["Arn"]["Fn::GetAtt"][0] for each in rule["targets"] if isinstance(each.get("Arn"), dict)]
        sweeps = [each["Input"] for each in rule["targets"] if "Input" in each and name.startswith("Sweep")]
        found.append((pattern, tuple(each for each in queues if each in mappings()), tuple(sweeps)))
    return tuple(found)


# ---------------------------------------------------------------------------------------------------- time
class _AnyDatetime(type):
    def __instancecheck__(cls, instance: object) -> bool:
        return isinstance(instance, datetime)


class ModelTime(datetime, metaclass=_AnyDatetime):
    """The `datetime` that the product's modules read meanwhile: now is the account's now."""

    @classmethod
    def now(cls, tz: Any = None) -> datetime:  # type: ignore[override]
        if seam.account is None:
            return datetime.now(tz)
        return seam.account.clock.now.astimezone(tz) if tz else seam.account.clock.now.replace(tzinfo=None)


@contextmanager
def time_of_the_account() -> Iterator[None]:
    """Replace `datetime` in the product's modules, as libraries that freeze time do."""
    for each in pkgutil.walk_packages(sagewatch.__path__, "sagewatch."):
        importlib.import_module(each.name)
    changed = []
    for name, module in list(sys.modules.items()):
        if name.split(".")[0] in {"sagewatch", "functions"} and vars(module).get("datetime") is datetime:
            vars(module)["datetime"] = ModelTime
            changed.append(module)
    try:
        yield
    finally:
        for module in changed:
            vars(module)["datetime"] = datetime


# ---------------------------------------------------------------------------------------------------- containers
_numbers = count()


class Log(io.StringIO):
    """A function's log lines, as text."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    def write(self, text: str) -> int:
        text.encode()  # as standard output does; what cannot be encoded is lost
        self.lines.extend(text.splitlines())
        return len(text)


@cache
def _code(function: str) -> Any:
    path = ROOT / "functions" / function.lower() / "app.py"
    return compile(path.read_text(), str(path), "exec")


def cold_start(function: str, prefix: str) -> ModuleType:
    """Run a function's code as a new container does, with the environment of the template."""
    module = ModuleType(f"functions.{function.lower()}.container_{next(_numbers)}")
    before = dict(os.environ)
    os.environ.update(environment(function, prefix))
    try:
        exec(_code(function), vars(module))
    finally:
        os.environ.clear()
        os.environ.update(before)
    if vars(module).get("datetime") is datetime:
        vars(module)["datetime"] = ModelTime
    return module


@dataclass(frozen=True, slots=True)
class Invocation:
    """What became of one invocation: the answer, or how it ended."""

    function: str
    answer: Any
    """None when it raised or was killed."""
    raised: Exception | None
    killed: bool
    calls: int
    unexpected: tuple[str, ...] = ()
    """Errors that the function did not expect in single messages; it answers as if these had failed."""


def interleaved(works: list[Callable[[], Any]], workers: list[Worker], choose: random.Random) -> list[Any]:
    """Run the works in threads, of which one runs at a time; before each API call `choose` says who goes on."""
    turn, mine = threading.Semaphore(0), [threading.Semaphore(0) for _ in works]
    results: list[Any] = [None] * len(works)
    alive = set(range(len(works)))

    def body(number: int) -> None:
        def pause() -> None:
            turn.release()
            mine[number].acquire()

        workers[number].pause = pause
        mine[number].acquire()
        try:
            results[number] = works[number]()
        finally:
            alive.discard(number)
            turn.release()

    threads = [threading.Thread(target=body, args=(number,), daemon=True) for number in range(len(works))]
    for thread in threads:
        thread.start()
    while alive:
        mine[choose.choice(sorted(alive))].release()
        turn.acquire()
    for thread in threads:
        thread.join()
    return results


# ---------------------------------------------------------------------------------------------------- the stack
@dataclass(slots=True)
class Stack:
    """A stack in an account: what it has been told, and its functions' containers."""

    account: AccountDouble
    prefix: str = "sagewatch"
    loud: bool = False
    """Whether log lines are kept."""
    containers: dict[tuple[str, int], tuple[datetime, ModuleType]] = field(default_factory=dict)
    invocations: list[Invocation] = field(default_factory=list)
    log: Log = field(default_factory=Log)
    sweeps: list[str] = field(default_factory=list)
    """Inputs of sweeps that a rule started."""
    on_event: Callable[[dict[str, Any]], None] | None = None

    def __post_init__(self) -> None:
        for name, queue in template.resources("AWS::SQS::Queue").items():
            redrive = queue.get("RedrivePolicy", {})
            url = QUEUE_URL.format(name)
            self.account.queues[url] = Queue(
                url, queue.get("VisibilityTimeout", 30), redrive.get("maxReceiveCount", 1_000)
            )
        self.account.tell = self.event

    @property
    def policy_parameter(self) -> str:
        return f"/sagewatch/{self.prefix}/policy"

    def event(self, event: Mapping[str, Any]) -> None:
        """Do with an event what EventBridge does: put it where the rules that it matches say."""
        for pattern, queues, sweeps in _rules(self.prefix):
            if (queues or sweeps) and matches(pattern, event):
                for queue in queues:
                    self.account.send(QUEUE_URL.format(queue), json.dumps(event, default=str))
                self.sweeps.extend(sweeps)

    def name(self, kind: str, name: str) -> None:
        """Ask for a look at one resource, as the sweep and people do."""
        self.account.send(QUEUE_URL.format("ReconcileQueue"), json.dumps({"kind": kind, "name": name}))

    def sweep(self, mode: str = "light", dies_at: int | None = None) -> Invocation:
        """Invoke the sweep once."""
        return self.invoke("Sweep", {} if mode == "light" else {"mode": mode}, dies_at)

    def invoke(self, function: str, event: Any, dies_at: int | None = None) -> Invocation:
        """Invoke a function once, with this event."""
        return self._invoked(function, [event], [Worker(self._deadline(function), dies_at)], None)[0]

    def drain(
        self, choose: random.Random | None = None, workers: int = 1, dies_at: int | None = None, most: int = 3_000
    ) -> None:
        """Deliver what is in the queues until they are empty, and do the sweeps that rules started.

        Waits for what is hidden. With `choose` messages come in any order, and two workers are interleaved by it.
        """
        for _ in range(most):
            while self.sweeps:
                self.sweep(json.loads(self.sweeps.pop(0)).get("mode", "light"))
            if not self.deliver(choose, workers, dies_at):
                return
            dies_at = None
        raise AssertionError(f"the queues are not empty after {most} deliveries")

    def deliver(
        self, choose: random.Random | None = None, workers: int = 1, dies_at: int | None = None, first: int = 0
    ) -> bool:
        """Deliver a batch to each worker that there is one for; wait for messages that are hidden. False when empty.

        `first` is the number of the first container: one delivers within a call of another with a number of its own.
        """
        batches = [batch for _ in range(workers) if (batch := self._received(choose))]
        if not batches:
            waiting = [each.visible for queue in self._queues() for each in queue.messages.values()]
            if not waiting:
                return False
            self.account.clock.now = max(min(waiting), self.account.clock.now)
            batches = [batch for _ in range(workers) if (batch := self._received(choose))]
            if not batches:
                return True  # what was hidden has been received too often
        function = batches[0][0]
        events = [{"Records": [_record(message) for message in messages]} for _, _, messages in batches]
        hands = [Worker(self._deadline(function), dies_at if n == 0 else None) for n in range(len(batches))]
        for (_, queue, messages), done in zip(
            batches, self._invoked(function, events, hands, choose, first), strict=True
        ):
            if done.answer is None:
                continue
            failed = {each["itemIdentifier"] for each in done.answer["batchItemFailures"]}
            for message in messages:
                if message.id not in failed:
                    queue.messages.pop(message.id, None)
        return True

    def _queues(self) -> list[Queue]:
        return [self.account.queues[QUEUE_URL.format(name)] for name in mappings()]

    def _received(self, choose: random.Random | None) -> tuple[str, Queue, list[Any]] | None:
        now = self.account.clock.now
        for name, (function, size) in mappings().items():
            queue = self.account.queues[QUEUE_URL.format(name)]
            visible = [each for each in queue.messages.values() if each.visible <= now]
            if choose:
                choose.shuffle(visible)
            for message in visible:
                if message.receives >= queue.most_receives:
                    queue.dead.append(queue.messages.pop(message.id).body)
            taken = [each for each in visible if each.id in queue.messages][:size]
            for message in taken:
                message.receives += 1
                message.visible = now + timedelta(seconds=queue.visibility_s)
            if taken:
                return function, queue, taken
        return None

    def _deadline(self, function: str) -> datetime:
        return self.account.clock.now + timedelta(seconds=template.functions()[function]["Timeout"])

    def _invoked(
        self,
        function: str,
        events: list[Any],
        workers: list[Worker],
        choose: random.Random | None,
        first: int = 0,
    ) -> list[Invocation]:
        with answering(self.account):
            works = [self._work(function, first + n, event, workers[n]) for n, event in enumerate(events)]
            done = interleaved(works, workers, choose) if choose and len(works) > 1 else [work() for work in works]
        assert all(isinstance(each, Invocation) for each in done), "a worker's thread ended by itself"
        self.invocations += done
        return done

    def _work(self, function: str, number: int, event: Any, worker: Worker) -> Callable[[], Invocation]:
        module = self._container(function, number)

        def work() -> Invocation:
            try:
                with working(worker):
                    answer = module.handler(event, worker)
            except Killed:
                self.containers.pop((function, number), None)
                return Invocation(function, None, None, True, worker.calls)
            except Exception as raised:
                return Invocation(function, None, raised, False, worker.calls)
            finally:
                module.metrics.clear_metrics()
            # Powertools keeps those of the last batch; the function itself catches the errors that it expects.
            processor = getattr(module, "processor", None)
            unexpected = tuple(repr(each[1]) for each in processor.exceptions) if processor else ()
            return Invocation(function, answer, None, False, worker.calls, unexpected)

        return work

    def _container(self, function: str, number: int) -> ModuleType:
        now = self.account.clock.now
        since, module = self.containers.get((function, number), (None, None))
        if module is None or since is None or (now - since).total_seconds() > KEPT_S:
            module = cold_start(function, self.prefix)
            self.containers[function, number] = now, module
        logging.getLogger(function.lower()).propagate = False  # into the log that pytest keeps of each test
        module.logger.registered_handler.setStream(self.log if self.loud else _NOWHERE)
        return module


class _Nowhere(io.StringIO):
    def write(self, text: str) -> int:
        return len(text)


_NOWHERE = _Nowhere()


def _record(message: Any) -> dict[str, Any]:
    return {
        "messageId": message.id,
        "receiptHandle": message.id,
        "body": message.body,
        "attributes": {"ApproximateReceiveCount": str(message.receives), "SentTimestamp": message.sent_ms},
        "messageAttributes": {},
        "eventSource": "aws:sqs",
        "eventSourceARN": f"arn:aws:sqs:{REGION}:{NUMBER}:{message.id.rpartition('-')[0]}",
        "awsRegion": REGION,
    }
