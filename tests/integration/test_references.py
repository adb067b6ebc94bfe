"""Commands take an ARN and a console page wherever they take a resource's name, and offer names for TAB."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from click.testing import Result
from typer.testing import CliRunner

from sagewatch.kinds import links
from sagewatch.model import Place, Ref
from sagewatch_cli.main import app
from tests.integration.conftest import Fleet, batch, cold_start

HERE = Place(partition="aws", region="us-east-1", account="123456789012")
ARN = "arn:aws:sagemaker:us-east-1:123456789012:endpoint/churn"
PAGE = links.resource(HERE, Ref("endpoint", "churn")) or ""
ALARM = "sagewatch/endpoint/churn/AllTraffic/cpu"


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments))


def no_history(**_: Any) -> Any:
    return SimpleNamespace(status_code=200), {"AlarmHistoryItems": [], "ResponseMetadata": {"HTTPStatusCode": 200}}


@pytest.fixture
def churn(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    """An endpoint with its alarms; DescribeAlarmHistory, which moto does not have, knows of no change."""
    make = boto3.session.Session.client

    def made(session: Any, service: str, *args: Any, **kwargs: Any) -> Any:
        client = make(session, service, *args, **kwargs)
        if service == "cloudwatch":
            client.meta.events.register("before-call.cloudwatch.DescribeAlarmHistory", no_history)
        return client

    monkeypatch.setattr(boto3.session.Session, "client", made)
    fleet.endpoint()
    assert cold_start("reconcile").handler(batch({"kind": "endpoint", "name": "churn"}), None) == {
        "batchItemFailures": []
    }


@pytest.mark.parametrize("command", ["plan", "explain", "backtest", "guardrails"])
def test_an_arn_and_a_page_are_the_resource(churn: None, command: str) -> None:
    by_name = run(command, "endpoint/churn")

    assert by_name.exit_code == 0
    for pointed in (ARN, PAGE):
        result = run(command, pointed)
        assert (result.exit_code, len(result.stdout.splitlines())) == (0, len(by_name.stdout.splitlines())), pointed


def test_an_alarm_is_explained_by_its_page_and_by_its_arn(churn: None) -> None:
    by_name = run("explain", ALARM, "-o", "json").stdout

    assert run("explain", links.alarm(HERE, ALARM), "-o", "json").stdout == by_name
    assert run("explain", f"arn:aws:cloudwatch:us-east-1:123456789012:alarm:{ALARM}", "-o", "json").stdout == by_name


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            ("plan", ARN.replace("123456789012", "999999999999")),
            "is in account 999999999999, and these are",
        ),
        (("plan", ARN, "--region", "eu-west-1"), "one command looks at one Region"),
        (("explain", "arn:aws:s3:::bucket"), "is the ARN of neither an alarm nor a resource"),
        (("guardrails", ARN.replace("endpoint/", "pipeline/")), "is no endpoint"),
        (("backtest", "endpiont/churn"), "there is no kind endpiont with alarms. Do you mean endpoint"),
        (("plan", "endpiont/churn"), "there is no kind endpiont. Do you mean endpoint"),
        (("plan", "churn"), "such as endpoint/churn"),
        (("notify", "test", "--route", "severty=info"), "'severty' is no label of a notice. Do you mean severity?"),
    ],
    ids=lambda each: " ".join(each) if isinstance(each, tuple) else "",
)
def test_what_cannot_be_meant_is_wrong_usage(arguments: tuple[str, ...], said: str) -> None:
    boto3.client("ssm").put_parameter(Name="/sagewatch/sagewatch/policy", Value="# None.\n", Type="String")

    result = CliRunner().invoke(app, list(arguments), env={"COLUMNS": "1000", "TERMINAL_WIDTH": "1000"})

    assert (result.exit_code, result.stdout) == (2, "")
    assert said in " ".join(result.stderr.split())


def test_names_that_are_near_are_named_where_nothing_is_called_so(fleet: Fleet) -> None:
    fleet.endpoint()

    for command in ("plan", "explain", "backtest", "guardrails"):
        assert "Do you mean churn?" in run(command, "endpoint/chrun").stderr, command


def completed(line: str) -> list[str]:
    """Return what a shell offers after this line, as typer's script for bash asks."""
    words = line.split(" ")
    asked = {"COMP_WORDS": line, "COMP_CWORD": str(len(words) - 1), "_SAGEWATCH_COMPLETE": "complete_bash"}
    return CliRunner().invoke(app, [], env=asked, prog_name="sagewatch").stdout.split()


def test_resources_and_alarms_are_offered(churn: None) -> None:
    assert completed("sagewatch plan endpoint/") == ["endpoint/churn"]
    assert completed("sagewatch backtest endpoint/ch") == ["endpoint/churn"]
    assert completed("sagewatch guardrails ") == ["churn"]
    assert ALARM in completed("sagewatch explain sagewatch/endpoint/churn/AllTraffic/c")


def test_labels_and_the_values_of_the_routes_are_offered() -> None:
    routes = "- {name: fraud, match: {team: [fraud, risk]}, slack: default}\n- {name: all, sns: default}\n"
    policy = f"labels: {{team: team}}\nroutes:\n{routes}"
    boto3.client("ssm").put_parameter(Name="/sagewatch/sagewatch/policy", Value=policy, Type="String")

    assert "team=" in completed("sagewatch notify test --route ")
    assert completed("sagewatch notify test --route team=") == ["team=fraud", "team=risk"]
    assert completed("sagewatch notify test --route severity=c") == ["severity=critical"]


def test_nothing_is_offered_when_nobody_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_DEFAULT_REGION")

    assert completed("sagewatch plan endpoint/") == []
