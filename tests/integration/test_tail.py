"""`sagewatch events tail` on a stack whose functions logged; an event hook plays CloudFormation, moto the rest."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from click.testing import Result
from typer.testing import CliRunner

from sagewatch_cli.account.deployment import find_deployment
from sagewatch_cli.account.events import Activity, StackParts, Tail
from sagewatch_cli.account.session import Account
from sagewatch_cli.commands.events import watch
from sagewatch_cli.main import app
from tests.integration.conftest import DeployedStacks, Queue

LOGS = {"ReconcileLogs": "/r", "SweepLogs": "/s", "NotifyLogs": "/n"}
QUEUES = ("ReconcileQueue", "ReconcileDeadLetters", "NotifyQueue")


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["events", "tail", *arguments])


def log(group: str, *messages: str | Mapping[str, Any], ago: float = 60) -> None:
    """Write lines into a log group, a second apart."""
    at = int((time.time() - ago) * 1000)
    lines = [message if isinstance(message, str) else json.dumps(message) for message in messages]
    boto3.client("logs").put_log_events(
        logGroupName=group,
        logStreamName="stream",
        logEvents=[{"timestamp": at + 1000 * n, "message": text} for n, text in enumerate(lines)],
    )


@pytest.fixture
def stack(stacks: DeployedStacks) -> dict[str, str]:
    """A stack called sagewatch with its log groups and queues, by logical id."""
    logs = boto3.client("logs")
    for group in LOGS.values():
        logs.create_log_group(logGroupName=group)
        logs.create_log_stream(logGroupName=group, logStreamName="stream")
    parts = {**LOGS, **{name: Queue(name).url for name in QUEUES}}
    types = {id_: "AWS::Logs::LogGroup" if id_ in LOGS else "AWS::SQS::Queue" for id_ in parts}
    stacks.deploy(**{id_: (physical, types[id_]) for id_, physical in parts.items()})
    return parts


def said(result: Result) -> list[str]:
    """Return the lines without their times."""
    return [line[10:] for line in result.stdout.splitlines()]


def test_the_lines_of_all_functions_come_in_the_order_of_time(stack: dict[str, str]) -> None:
    log("/s", {"level": "INFO", "message": "swept", "live": 41, "watched": 40, "named": 1}, ago=90)
    log("/n", {"level": "INFO", "message": "told", "ref": "endpoint/churn", "state": "firing"}, ago=30)
    log("/r", "START RequestId: 1", {"level": "INFO", "message": "reconciled", "ref": "endpoint/churn", "put": 13})

    result = run("--no-follow")

    assert result.exit_code == 0
    assert said(result) == [
        "sweep      sweep · 41 live, 40 watched, 1 named",
        "reconcile  endpoint/churn · 13 alarms put",
        "notify     told endpoint/churn firing",
    ]


def test_only_what_happened_since_is_shown(stack: dict[str, str]) -> None:
    told = {"level": "INFO", "message": "told", "ref": "endpoint/churn", "state": "firing"}
    log("/n", told, ago=500)

    assert said(run("--no-follow", "--since", "8m")) == []
    assert said(run("--no-follow", "--since", "9m")) == ["notify     told endpoint/churn firing"]


def test_what_waits_in_the_queues_is_shown_when_it_is_not_nothing(stack: dict[str, str]) -> None:
    for _ in range(2):
        boto3.client("sqs").send_message(QueueUrl=stack["ReconcileDeadLetters"], MessageBody="x")

    assert said(run("--no-follow")) == ["ReconcileDeadLetters 2 waiting"]


def test_programs_get_one_object_a_line(stack: dict[str, str]) -> None:
    logged = {"level": "WARNING", "message": "m", "ref": "endpoint/churn", "exception": "Traceback\nRetry: denied"}
    log("/r", logged)
    boto3.client("sqs").send_message(QueueUrl=stack["NotifyQueue"], MessageBody="x")

    lines = [json.loads(line) for line in run("--no-follow", "--format", "json").stdout.splitlines()]

    assert [{key: value for key, value in line.items() if key != "at"} for line in lines] == [
        {"where": "reconcile", "said": "endpoint/churn · Retry: denied", "failed": True, "logged": logged},
        {
            "where": "NotifyQueue",
            "said": "1 waiting",
            "failed": False,
            "logged": {"ApproximateNumberOfMessages": "1", "ApproximateNumberOfMessagesNotVisible": "0"},
        },
    ]


class Enough(Exception):
    """Ends a tail that would go on."""


def test_following_shows_each_line_once_also_those_that_come_late(stack: dict[str, str]) -> None:
    told = [{"level": "INFO", "message": "told", "ref": f"endpoint/e{n}", "state": "firing"} for n in range(3)]
    log("/n", told[0], ago=20)
    shown: list[Activity] = []
    later = iter([lambda: log("/n", told[1], ago=10), lambda: log("/n", told[2], ago=15)])

    def wait(_: float) -> None:
        happens = next(later, None)
        if happens is None:
            raise Enough
        happens()

    found = StackParts.of(find_deployment(Account(), "sagewatch").resources)
    tail = Tail(boto3.client("logs"), boto3.client("sqs"), found, int(time.time() - 60) * 1000)
    with pytest.raises(Enough):
        watch(tail, shown.append, wait)

    assert [each.said for each in shown] == [f"told endpoint/e{n} firing" for n in range(3)]


def test_events_without_ids_are_shown_once_each() -> None:
    event = {"logStreamName": "stream", "timestamp": 1, "message": "hello"}
    logs = SimpleNamespace(
        get_paginator=lambda _: SimpleNamespace(paginate=lambda **_: [{"events": [event, {**event, "timestamp": 2}]}])
    )
    tail = Tail(logs, None, StackParts({"reconcile": "/r"}, {}), since=0)

    looks = [[each.at for each in tail.look(now=3)] for _ in range(2)]

    assert looks == [[1, 2], []]


def test_a_queue_is_shown_again_only_when_it_changes(stack: dict[str, str]) -> None:
    sqs = boto3.client("sqs")
    found = StackParts({}, {"NotifyQueue": stack["NotifyQueue"]})
    tail = Tail(boto3.client("logs"), sqs, found, 0)
    sqs.send_message(QueueUrl=stack["NotifyQueue"], MessageBody="x")

    looks = [tail.look(1), tail.look(2)]
    sqs.send_message(QueueUrl=stack["NotifyQueue"], MessageBody="x")
    looks.append(tail.look(3))

    assert [[each.said for each in look] for look in looks] == [["1 waiting"], [], ["2 waiting"]]


def test_ctrl_c_is_a_good_end(stack: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(_: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(time, "sleep", interrupted)

    assert run().exit_code == 0


def test_a_stack_that_is_not_there_is_exit_code_3(stack: dict[str, str]) -> None:
    result = run("--stack", "other", "--no-follow")

    assert (result.exit_code, result.stdout) == (3, "")
    assert result.stderr == (
        "There is no stack of ours called other in account 123456789012, us-east-1. "
        "Say --prefix, or --stack and its name.\nSW-502 (docs/errors.md)\n"
    )


def test_the_stack_of_another_prefix_is_found_by_its_parameter(stacks: DeployedStacks) -> None:
    boto3.client("logs").create_log_group(logGroupName="/r")
    stacks.deploy("alarms-of-b", "b", ReconcileLogs=("/r", "AWS::Logs::LogGroup"))

    result = run("--no-follow", "--prefix", "b")

    assert (result.exit_code, result.stderr) == (
        0,
        "Account 123456789012, us-east-1, alarms under b/, stack alarms-of-b\n",
    )


def test_a_log_group_that_cannot_be_read_is_said(stack: dict[str, str]) -> None:
    boto3.client("logs").delete_log_group(logGroupName="/n")

    result = run("--no-follow")

    assert result.exit_code == 1
    assert result.stderr.splitlines()[1].startswith(
        "filter_log_events /n: An error occurred (ResourceNotFoundException)"
    )


@pytest.mark.parametrize("since", ["soon", "5%"])
def test_a_time_that_is_none_is_wrong_usage(since: str) -> None:
    assert run("--since", since).exit_code == 2
