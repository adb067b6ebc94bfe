"""`sagewatch explain`: what it says of alarms that the product made, and of those that it did not."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from click.testing import Result
from typer.testing import CliRunner

from sagewatch.aws import budget_store
from sagewatch.policy.rules import Withheld
from sagewatch_cli.main import app
from tests.integration.conftest import DeployedStacks, Fleet, Journal, alarms, batch, cold_start, incidents_table

OURS = "sagewatch/endpoint/churn/AllTraffic/"
TOPIC = "arn:aws:sns:us-east-1:123456789012:pagers"


@pytest.fixture(autouse=True)
def history(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What DescribeAlarmHistory answers, which moto does not have."""
    items: list[dict[str, Any]] = []
    make = boto3.session.Session.client

    def made(session: Any, service: str, *args: Any, **kwargs: Any) -> Any:
        client = make(session, service, *args, **kwargs)
        if service == "cloudwatch":
            client.meta.events.register("before-call.cloudwatch.DescribeAlarmHistory", answer)
        return client

    def answer(**_: Any) -> Any:
        metadata = {"ResponseMetadata": {"HTTPStatusCode": 200}}
        return SimpleNamespace(status_code=200), {"AlarmHistoryItems": items, **metadata}

    monkeypatch.setattr(boto3.session.Session, "client", made)
    return items


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["explain", *arguments], env={"COLUMNS": "400"})


def data(*arguments: str, code: int = 0) -> dict[str, Any]:
    result = run("--format", "json", *arguments)
    assert result.exit_code == code, result.output
    found: dict[str, Any] = json.loads(result.stdout)
    return found


def one(alarm: str, *arguments: str) -> dict[str, Any]:
    [found] = data(OURS + alarm, *arguments)["alarms"]
    explained: dict[str, Any] = found
    return explained


def watched(name: str = "churn", kind: str = "endpoint") -> None:
    """Have the product make the alarms of a resource."""
    assert cold_start("reconcile").handler(batch({"kind": kind, "name": name}), None) == {"batchItemFailures": []}


def policy_file(folder: Path, text: str) -> str:
    file = folder / "policy.yaml"
    file.write_text(text)
    return str(file)


def reasons(found: dict[str, Any]) -> dict[str, str]:
    return {each["alarm"]: each["reason"] for each in found["lacking"]}


# ------------------------------------------------------------------------------------------------------ what is there
def test_an_alarm_is_told_in_words(fleet: Fleet) -> None:
    fleet.endpoint(variants={"AllTraffic": "ml.m5.2xlarge"}, team="fraud")
    watched()

    text = run(f"{OURS}cpu").stdout

    first, then, *_ = text.splitlines()
    assert first == "Account 123456789012, us-east-1, alarms under sagewatch/, no stack of ours"
    assert then == f"{OURS}cpu  CPU use"
    assert "in force: 90 % of 8 vCPU (ml.m5.2xlarge) = 720" in text
    assert "As it should be." in text
    assert "CPUUtilization of /aws/sagemaker/Endpoints (EndpointName=churn, VariantName=AllTraffic)" in text
    assert "team=fraud" in text
    assert "$0.10 a month" in text
    assert "https://us-east-1.console.aws.amazon.com/cloudwatch/home?region=us-east-1#alarmsV2:alarm/sagewatch" in text


def test_the_threshold_is_told_step_by_step(fleet: Fleet, tmp_path: Path) -> None:
    fleet.endpoint(variants={"AllTraffic": "ml.m5.2xlarge"}, **{"sagewatch:cpu": "85%"})
    watched()
    policy = policy_file(tmp_path, "alarms:\n- kind: endpoint\n  alarm: cpu\n  threshold: 70%\n")

    found = one("cpu", "--policy", policy)

    assert [(step["source"], step["said"]) for step in found["threshold"]] == [
        ("default of the row", "90 % of vCPU"),
        ("policy (line 2)", "threshold 70%"),
        ("tag sagewatch:cpu", "85%"),
        ("in force", "85 % of 8 vCPU (ml.m5.2xlarge) = 680"),
    ]
    assert found["verdicts"] == ["stale"]


def test_topics_that_cloudwatch_tells_are_named(fleet: Fleet, tmp_path: Path) -> None:
    fleet.endpoint()
    watched()
    policy = policy_file(tmp_path, f"paging:\n  critical: {TOPIC}\n")

    found = one("disk", "--policy", policy)

    assert (found["topics"], found["verdicts"]) == ([TOPIC], ["stale"])


def test_its_state_and_its_last_changes_are_told(fleet: Fleet, history: list[dict[str, Any]]) -> None:
    fleet.endpoint()
    watched()
    boto3.client("cloudwatch").set_alarm_state(AlarmName=f"{OURS}disk", StateValue="ALARM", StateReason="it is full")
    states = {"oldState": {"stateValue": "OK"}, "newState": {"stateValue": "ALARM", "stateReason": "it is full"}}
    at = datetime(2026, 3, 4, 5, 6, tzinfo=UTC)
    history.append({"AlarmName": f"{OURS}disk", "Timestamp": at, "HistoryData": json.dumps(states)})

    found, text = one("disk"), run(f"{OURS}disk").stdout

    assert (found["state"], found["reason"]) == ("firing", "it is full")
    assert found["history"] == [{"at": at.isoformat(), "before": "ok", "after": "firing", "reason": "it is full"}]
    assert "2026-03-04 05:06 UTC  ok → firing: it is full" in text


def test_an_edited_alarm_is_told_as_such(fleet: Fleet) -> None:
    fleet.endpoint()
    watched()
    disk = alarms()[f"{OURS}disk"]
    kept = ("AlarmName", "AlarmDescription", "MetricName", "Namespace", "Period", "EvaluationPeriods", "Statistic")
    more = {name: disk[name] for name in (*kept, "Dimensions", "ComparisonOperator")}
    boto3.client("cloudwatch").put_metric_alarm(**more, Threshold=1.0, ActionsEnabled=False)

    found = one("disk")

    assert found["verdicts"] == ["edited"]
    assert found["notes"] == ["Somebody switched its actions off; that is kept."]


def test_an_orphan_is_told_as_such(fleet: Fleet) -> None:
    fleet.endpoint()
    watched()
    fleet.sagemaker.delete_endpoint(EndpointName="churn")

    assert one("disk")["verdicts"] == ["orphan"]


def test_an_alarm_of_a_row_that_was_switched_off_is_unwanted_and_says_by_what(fleet: Fleet, tmp_path: Path) -> None:
    fleet.endpoint()
    watched()
    policy = policy_file(tmp_path, "alarms:\n- alarm: disk\n  off: true\n")

    found = one("disk", "--policy", policy)

    assert (found["verdicts"], found["notes"]) == (["unwanted"], ["off in the policy (line 2)"])


def test_a_resource_is_told_alarm_by_alarm_and_row_by_row(fleet: Fleet) -> None:
    fleet.endpoint(**{"sagewatch:idle": "off"})
    watched()

    found = data("endpoint/churn")

    assert {each["name"] for each in found["alarms"]} == set(alarms())
    assert reasons(found)["idle"] == "off by its tag sagewatch:idle"
    assert reasons(found)["gpu"] == "AllTraffic lacks what it needs: gpu"
    assert reasons(found)["oldest-request"] == "it has nothing at the level backlog"


def test_every_row_is_explained_or_said_to_be_lacking(fleet: Fleet) -> None:
    from sagewatch.kinds.endpoint.observe import ENDPOINT

    fleet.endpoint(variants={"blue": "ml.g4dn.xlarge", "green": None})
    watched()

    found = data("endpoint/churn")

    told = {each["labels"]["alarm"] for each in found["alarms"]} | reasons(found).keys()
    assert told == {spec.id for spec in ENDPOINT.specs}


# -------------------------------------------------------------------------------------------------- what is not there
def test_an_alarm_that_could_be_says_why_it_is_not(fleet: Fleet) -> None:
    fleet.endpoint()
    watched()

    found = data(f"{OURS}gpu", code=4)

    assert (found["alarms"], reasons(found)) == ([], {"gpu": "AllTraffic lacks what it needs: gpu"})


def test_an_alarm_that_should_be_and_is_not_is_missing(fleet: Fleet) -> None:
    fleet.endpoint()

    [found] = data(f"{OURS}disk", code=4)["alarms"]

    assert (found["verdicts"], found["state"], found["history"]) == (["missing"], None, [])


def test_an_ignored_resource_says_by_what(fleet: Fleet) -> None:
    fleet.endpoint(**{"sagewatch:ignore": "true"})

    assert set(reasons(data("endpoint/churn")).values()) == {"the resource is ignored: tag sagewatch:ignore"}


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (
            "endpoint/chrun",
            "There is no endpoint chrun in account 123456789012, us-east-1. Do you mean churn?",
        ),
        ("endpiont/churn", "There is no kind endpiont. Do you mean endpoint?"),
        (f"{OURS}disc", "There is no alarm disc for the kind endpoint. Do you mean disk?"),
        (
            "sagewatch/endpoint/churn/AllTrafic/disk",
            "endpoint/churn has no scope AllTrafic. Do you mean AllTraffic?",
        ),
        ("churn", "churn is neither kind/name, such as endpoint/churn, nor an alarm's name under sagewatch/."),
    ],
)
def test_a_typo_is_answered_with_what_is_near(fleet: Fleet, asked: str, said: str) -> None:
    fleet.endpoint()
    watched()

    result = run(asked)

    assert (result.exit_code, result.stdout, result.stderr) == (3, "", f"{said}\nSW-503 (docs/errors.md)\n")


def test_a_foreign_alarm_is_left_alone(fleet: Fleet) -> None:
    boto3.client("cloudwatch").put_metric_alarm(
        AlarmName="sagewatch/by-hand",
        **{"MetricName": "m", "Namespace": "n", "Period": 60, "EvaluationPeriods": 1, "Statistic": "Sum"},
        Threshold=1,
        ComparisonOperator="GreaterThanThreshold",
    )

    result = run("sagewatch/by-hand")

    assert result.exit_code == 4
    assert result.stderr.startswith("sagewatch/by-hand is foreign: ")


def test_a_kind_without_rows_has_notices_only(fleet: Fleet) -> None:
    fleet.sagemaker.create_notebook_instance(
        NotebookInstanceName="lab", InstanceType="ml.t3.medium", RoleArn="arn:aws:iam::123456789012:role/x"
    )

    result = run("notebook/lab")

    assert result.exit_code == 0
    assert result.stdout.splitlines()[1:] == ["notebook/lab: a notebook gets no alarms, only notices when it fails."]


def test_rows_that_the_budget_left_out_are_told(fleet: Fleet, stacks: DeployedStacks, tmp_path: Path) -> None:
    fleet.endpoint()
    watched()
    stacks.deploy(Incidents=(incidents_table(), "AWS::DynamoDB::Table"))
    withheld = Withheld(frozenset({("endpoint", "idle")}), 1.0)
    budget_store.write_withheld(boto3.client("dynamodb"), "incidents", withheld)
    policy = policy_file(tmp_path, "budget: 1\n")

    found = one("idle", "--policy", policy)

    assert (found["verdicts"], found["notes"]) == (["unwanted"], ["the budget has no room for it"])


def test_a_budget_whose_stack_is_not_found_is_said_to_be_unknown(fleet: Fleet, tmp_path: Path) -> None:
    fleet.endpoint()
    watched()

    result = run("endpoint/churn", "--policy", policy_file(tmp_path, "budget: 1\n"))

    assert result.exit_code == 0
    assert result.stderr.startswith("Not read: Which rows the budget has no room for is not known: There is no stack")


def test_a_job_that_failed_says_so_and_when(fleet: Fleet) -> None:
    fleet.training_job("xgb-churn")
    fleet.set_training_job("xgb-churn", "Failed")

    result = run("training-job/xgb-churn")

    assert (result.exit_code, result.stdout) == (4, "")
    assert re.fullmatch(
        r"training-job/xgb-churn is over since [0-9-]+ [0-9:]+ UTC: Failed.*\. It has no alarms any more\.\n"
        r"SW-503 .+\n",
        result.stderr,
    )


def test_a_broken_policy_ends_the_command(tmp_path: Path) -> None:
    result = run("endpoint/churn", "--policy", policy_file(tmp_path, "alarms: 7\n"))

    assert (result.exit_code, result.stdout) == (5, "")


def test_it_only_reads(fleet: Fleet, journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    fleet.endpoint()
    watched()
    make = boto3.session.Session.client

    def made(session: Any, *args: Any, **kwargs: Any) -> Any:
        client = make(session, *args, **kwargs)
        journal.watch(client)
        return client

    monkeypatch.setattr(boto3.session.Session, "client", made)

    data("endpoint/churn")

    assert {call for call in journal.taken() if not call.startswith(("List", "Describe", "Get"))} == set()
