"""What `policy push` shows before it asks, what it refuses, and the way back."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from click.testing import Result
from typer.testing import CliRunner

from sagewatch_cli.main import app
from tests.integration.conftest import Fleet, alarms, batch, cold_start

PARAMETER = "/sagewatch/sagewatch/policy"
WHERE = "Account 123456789012, us-east-1, alarms under sagewatch/, no stack of ours"


def run(*arguments: str, typed: str | None = None) -> Result:
    return CliRunner().invoke(app, ["policy", *arguments], input=typed)


def written(folder: Path, text: str) -> str:
    file = folder / "policy.yaml"
    file.write_text(text)
    return str(file)


def text_deployed() -> str:
    return str(boto3.client("ssm").get_parameter(Name=PARAMETER)["Parameter"]["Value"])


@pytest.fixture(autouse=True)
def deployed(fleet: Fleet) -> None:
    """The parameter as a deployment makes it, and an endpoint with its alarms."""
    boto3.client("ssm").put_parameter(Name=PARAMETER, Value="# As deployed.\n", Type="String")
    fleet.endpoint(team="fraud")
    assert cold_start("reconcile").handler(batch({"kind": "endpoint", "name": "churn"}), None) == {
        "batchItemFailures": []
    }


def test_push_says_what_it_does_before_it_asks(tmp_path: Path) -> None:
    policy = """
alarms:
- {alarm: latency-p99, threshold: 800ms}
- {alarm: idle, off: true}
routes:
- {name: fraud, match: {team: fraud}, slack: C0FRAUD, mention: {critical: "<!here>"}}
- {name: everyone, slack: default}
"""

    result = run("push", written(tmp_path, policy), typed="n\n")

    said = result.stderr.partition("Alarms: ")
    assert result.stderr.startswith(WHERE)
    assert text_deployed() == "# As deployed.\n"
    assert said[2].startswith("0 to create, ")
    assert "~1 endpoint/latency-p99: threshold 1.00 s → 800 ms (1)" in said[2]
    assert "-1 endpoint/idle: off in the policy (line 4) (1)" in said[2]
    assert "told to Slack: the channel of the credentials; SNS: the alerts topic → Slack: C0FRAUD" in said[2]
    assert said[2].index("→ Slack: C0FRAUD") < said[2].index("Write this to")


def test_a_budget_says_which_alarms_it_takes_away(tmp_path: Path) -> None:
    before = len(alarms())

    data = json.loads(run("plan", written(tmp_path, "budget: 1\n"), "--format", "json").stdout)

    assert 0 < data["summary"]["delete"] < before
    assert data["monthly"]["after"] <= 1 < data["monthly"]["before"]
    assert {said for each in data["rows"].values() for said in each["said"] if each["delete"]} == {
        "the budget has no room for it"
    }


def test_what_was_planned_is_pushed_and_nothing_else(tmp_path: Path, fleet: Fleet) -> None:
    saved = str(tmp_path / "plan.json")
    policy = "alarms:\n- {alarm: cpu, threshold: 70}\n"
    run("plan", written(tmp_path, policy), "--plan", saved)

    pushed = run("push", "--plan", saved, "--yes")

    assert (pushed.exit_code, text_deployed()) == (0, policy)
    again = run("push", "--plan", saved, "--yes")
    assert (again.exit_code, again.stderr) == (
        7,
        f"{PARAMETER} was at version 1 and is at 2 now: plan again.\nSW-404 (docs/errors.md)\n",
    )


def test_a_plan_is_refused_when_the_account_has_changed(tmp_path: Path, fleet: Fleet) -> None:
    saved = str(tmp_path / "plan.json")
    run("plan", written(tmp_path, "alarms:\n- {alarm: cpu, threshold: 70}\n"), "--plan", saved)
    fleet.endpoint("another")

    result = run("push", "--plan", saved, "--yes")

    assert (result.exit_code, text_deployed()) == (7, "# As deployed.\n")
    assert result.stderr == (
        "The account has changed: the same document would do something else now. Plan again.\nSW-404 (docs/errors.md)\n"
    )


def test_an_earlier_version_is_listed_and_comes_back(tmp_path: Path) -> None:
    run("push", written(tmp_path, "budget: 100\n"), "--yes")

    logged = run("log").stdout.splitlines()
    back = run("rollback", "--yes")

    assert logged[0] == WHERE
    assert [line.split()[0] for line in logged[1:]] == ["2", "1"]
    assert (back.exit_code, back.stdout, text_deployed()) == (0, f"{PARAMETER} is at version 3.\n", "# As deployed.\n")


def test_a_version_that_is_not_kept_is_wrong_usage() -> None:
    assert run("rollback", "7").exit_code == 2


def test_neither_a_document_nor_a_plan_is_wrong_usage() -> None:
    assert run("push").exit_code == 2


def test_firings_that_cannot_be_counted_are_said_not_to_be_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make = boto3.session.Session.client

    def denied(**_: Any) -> Any:
        # CloudWatch API reference, "Common Errors".
        error = {"Code": "AccessDenied", "Message": "not authorized to perform cloudwatch:GetMetricData"}
        return SimpleNamespace(status_code=403), {"Error": error, "ResponseMetadata": {"HTTPStatusCode": 403}}

    def made(session: Any, service: str, *args: Any, **kwargs: Any) -> Any:
        client = make(session, service, *args, **kwargs)
        if service == "cloudwatch":
            client.meta.events.register("before-call.cloudwatch.GetMetricData", denied)
        return client

    monkeypatch.setattr(boto3.session.Session, "client", made)

    result = run("plan", written(tmp_path, "alarms:\n- {alarm: latency-p99, threshold: 800ms}\n"), "-o", "markdown")

    assert result.exit_code == 0
    assert "| `endpoint/latency-p99` |  | 1 |  | threshold 1.00 s → 800 ms (1) |" in result.stdout
    assert "- How often what changes fired could not be found out: " in result.stdout
