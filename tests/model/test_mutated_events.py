"""Whatever arrives in the place of an event, the functions answer; a refusal is one line of the log."""

from __future__ import annotations

import copy
import json
import random
import re
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest

from tests.model.account import AccountDouble, Fault
from tests.model.stack import Stack
from tests.model.world import World
from tests.payloads import every_event

MESSAGES, SWEEPS, AT_ONCE = 10_000, 300, 10
UNEXPECTED = re.compile(
    r"\b(Type|Key|Attribute|Recursion|Value|Index|Lookup|Unicode\w*|Overflow|ParamValidation)Error\b"
)
_STRANGE: tuple[Any, ...] = (
    None, True, 0, -1, 1e308, "", " ", "x" * 5_000, "日本\u202e\x00", "arn:aws:sagemaker:::", "a/b/../c", "*", [], {},
    [None], {"": ""}, ["churn", {}], {"omitted": True}, "sagewatch/endpoint/churn", "\ud800",
)  # fmt: skip


def _paths(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the place of each value inside."""
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, each in inside:
        yield (*path, key)
        yield from _paths(each, (*path, key))


def _changed(body: Any, choose: random.Random) -> Any:
    """Change one value of a body: away, strange, doubled into a list, nested, or that of another place."""
    paths = list(_paths(body))
    if not paths:
        return choose.choice(_STRANGE)
    *way, last = choose.choice(paths)
    holder = body
    for key in way:
        holder = holder[key]
    match choose.randrange(5):
        case 0:
            del holder[last]
        case 1:
            holder[last] = [holder[last], holder[last]]
        case 2:
            holder[last] = {"name": holder[last]}
        case 3 if isinstance(holder[last], str) and holder[last]:
            at = choose.randrange(len(holder[last]))
            holder[last] = (
                holder[last][:at] + choose.choice(["", "/", ":", "\n", "é", "]", "="]) + holder[last][at + 1 :]
            )
        case _:
            holder[last] = copy.deepcopy(choose.choice(_STRANGE))
    return body


def mutated(choose: random.Random) -> str:
    """Return the text of a message: a payload of events/, changed in one to four places, or broken as text."""
    body: Any = copy.deepcopy(choose.choice(_bodies()))
    for _ in range(choose.randint(1, 4)):
        if isinstance(body, dict):
            body = _changed(body, choose)
    text = json.dumps(body)
    match choose.randrange(40):
        case 0:
            return text[: choose.randrange(len(text) + 1)]
        case 1:
            return "[" * 20_000
        case 2:
            return '{"detail":' * 20_000
        case 3:
            return text.replace('"', "'", 1)
    return text


@cache
def _bodies() -> tuple[Any, ...]:
    asked = tuple({"kind": kind, "name": "churn"} for kind in ("endpoint", "pipeline", "cluster", "nothing"))
    return (*every_event().values(), *asked)


@cache
def _played() -> tuple[tuple[tuple[str, ...], tuple[str, ...], str, str | None], ...]:
    """Play all messages; return of each batch its texts, who failed, the log, and what the handler raised."""
    account, choose = AccountDouble(), random.Random(11)
    stack = Stack(account, loud=True)
    world = World(account, lambda _event: None)
    for kind in ("endpoint", "pipeline", "training-job", "feature-group"):
        world.create(kind, "churn")
    account.faults.append(Fault("DescribeCluster", "denied"))
    account.tell = lambda _event: None
    found = []
    for _ in range(MESSAGES // AT_ONCE):
        texts = tuple(mutated(choose) for _ in range(AT_ONCE))
        records = [{"messageId": f"m{n}", "body": text, "eventSource": "aws:sqs"} for n, text in enumerate(texts)]
        stack.log.lines = []
        done = stack.invoke("Reconcile", {"Records": records})
        failed = tuple(each["itemIdentifier"] for each in (done.answer or {}).get("batchItemFailures", ()))
        found.append((texts, failed, "\n".join(stack.log.lines), repr(done.raised) if done.raised else None))
    return tuple(found)


def test_no_message_ends_the_batch_of_the_others() -> None:
    raised = [(wrong, texts) for texts, _, _, wrong in _played() if wrong]

    if raised:
        pytest.fail(f"{len(raised)} of {MESSAGES // AT_ONCE} batches, first {ascii(raised[0])[:2_000]}")


def test_no_message_fails_for_a_reason_that_nobody_thought_of() -> None:
    lines = [line for _, _, log, _ in _played() for line in log.splitlines() if UNEXPECTED.search(line)]

    if lines:
        pytest.fail(f"{len(lines)} lines, first {ascii(lines[0])[-2_000:]}")


def test_the_log_names_every_message_that_failed() -> None:
    silent = [
        (name, texts[int(name[1:])][:300])
        for texts, failed, log, _ in _played()
        for name in failed
        if f'"{name}"' not in log
    ]

    if silent:
        pytest.fail(f"{len(silent)} failures without a line, first {silent[0]!a}")


def test_the_log_line_of_a_failure_names_the_resource_when_the_message_did() -> None:
    unnamed = [
        line[:500]
        for _, _, log, _ in _played()
        for line in log.splitlines()
        if "DescribeCluster" in line and "cluster/" not in line
    ]

    if unnamed:
        pytest.fail(f"{len(unnamed)} lines, first {unnamed[0]!a}")


def test_a_refusal_is_one_line_of_the_log_and_no_traceback() -> None:
    lines = [line for _, _, log, _ in _played() for line in log.splitlines() if "Traceback" in line]

    if lines:
        pytest.fail(f"{len(lines)} tracebacks, first of {len(lines[0])} characters: {ascii(lines[0])[:300]}")


@pytest.mark.parametrize("part", range(3))
def test_whatever_starts_a_sweep_it_sweeps(part: int) -> None:
    account, choose = AccountDouble(), random.Random(part)
    stack = Stack(account)
    World(account, lambda _event: None).create("endpoint", "churn")
    for _ in range(SWEEPS // 3):
        event = json.loads(json.dumps(_changed(copy.deepcopy(choose.choice(_bodies())), choose)))
        event |= choose.choice([{}, {"mode": "full"}, {"mode": choose.choice(_STRANGE)}])

        done = stack.invoke("Sweep", event)

        assert done.raised is None, f"{done.raised!r} for {json.dumps(event)[:500]}"
