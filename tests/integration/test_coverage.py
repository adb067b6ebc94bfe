"""`sagewatch coverage`: what it says of an account whose alarms the product made."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from click.testing import Result
from moto.cloudwatch.models import cloudwatch_backends
from moto.core import DEFAULT_ACCOUNT_ID
from typer.testing import CliRunner

from sagewatch_cli.main import app
from tests.integration.conftest import Fleet, Journal, alarms, batch, cold_start

OURS = "sagewatch/endpoint/churn/AllTraffic/"


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["coverage", *arguments])


def data(*arguments: str) -> dict[str, Any]:
    result = run("--format", "json", *arguments)
    assert result.exit_code == 0, result.output
    found: dict[str, Any] = json.loads(result.stdout)
    return found


def watched(*refs: str) -> None:
    """Have the product make the alarms of resources."""
    bodies = [dict(zip(("kind", "name"), ref.split("/"), strict=True)) for ref in refs]
    assert cold_start("reconcile").handler(batch(*bodies), None) == {"batchItemFailures": []}


def aged(hours: int) -> None:
    """Let the alarms have stood for so long."""
    for alarm in cloudwatch_backends[DEFAULT_ACCOUNT_ID]["us-east-1"].alarms.values():
        alarm.configuration_updated_timestamp = (datetime.now(UTC) - timedelta(hours=hours)).replace(tzinfo=None)


def published(metric: str, namespace: str = "/aws/sagemaker/Endpoints", **more: str) -> None:
    dimensions = {"EndpointName": "churn", "VariantName": "AllTraffic", **more}
    named = [{"Name": name, "Value": value} for name, value in dimensions.items()]
    data = [{"MetricName": metric, "Dimensions": named, "Value": 1.0}]
    boto3.client("cloudwatch").put_metric_data(Namespace=namespace, MetricData=data)


@pytest.fixture
def refusing(monkeypatch: pytest.MonkeyPatch) -> Iterator[set[str]]:
    """Operations of SageMaker that are refused."""
    refused: set[str] = set()
    make = boto3.session.Session.client

    def refuse(model: Any, **_: Any) -> None:
        if model.name in refused:
            raise ClientError({"Error": {"Code": "AccessDeniedException", "Message": "no"}}, model.name)

    def made(session: Any, *args: Any, **kwargs: Any) -> Any:
        client = make(session, *args, **kwargs)
        client.meta.events.register("before-call.*.*", refuse)
        return client

    monkeypatch.setattr(boto3.session.Session, "client", made)
    return refused


def test_an_empty_account_is_no_mistake() -> None:
    result = run()

    assert result.exit_code == 0
    assert "Nothing here should be watched." in result.stdout


def test_who_is_watched_and_who_is_not_and_why(fleet: Fleet) -> None:
    fleet.endpoint()
    fleet.endpoint("sandbox", **{"sagewatch:ignore": "true"})
    fleet.endpoint("fresh")
    fleet.pipeline()
    watched("endpoint/churn", "pipeline/churn-train")

    found = data()

    kinds = {each["kind"]: (each["living"], each["watched"], each["left_out"]) for each in found["kinds"]}
    assert kinds == {"endpoint": (3, 1, 1), "pipeline": (1, 1, 0)}
    assert [(each["resource"], each["why"], each["reason"]) for each in found["not_watched"]] == [
        ("sandbox", "ignored", "tag sagewatch:ignore"),
        ("fresh", "not yet", "changed within the last 15 minutes"),
    ]
    assert found["percent"] == 66.6


def test_every_alarm_is_told_with_its_state_and_price(fleet: Fleet) -> None:
    fleet.endpoint()
    watched("endpoint/churn")
    boto3.client("cloudwatch").set_alarm_state(AlarmName=f"{OURS}disk", StateValue="ALARM", StateReason="full")

    found = data()

    assert {each["name"] for each in found["alarms"]} == set(alarms())
    assert [each["alarm"] for each in found["alarms"] if each["state"] == "firing"] == ["disk"]
    assert found["cost"]["before_free_tier"] == round(sum(each["cost"] for each in found["alarms"]), 2)


def test_orphans_foreign_edited_and_dead_alarms_are_told(fleet: Fleet) -> None:
    fleet.endpoint()
    fleet.endpoint("old")
    watched("endpoint/churn", "endpoint/old")
    fleet.sagemaker.delete_endpoint(EndpointName="old")
    client = boto3.client("cloudwatch")
    by_hand = {"MetricName": "m", "Namespace": "n", "Period": 60, "EvaluationPeriods": 1, "Statistic": "Sum"}
    client.put_metric_alarm(
        AlarmName="sagewatch/by-hand", Threshold=1, ComparisonOperator="GreaterThanThreshold", **by_hand
    )
    edited = alarms()[f"{OURS}disk"]
    kept = ("AlarmName", "AlarmDescription", "MetricName", "Namespace", "Period", "EvaluationPeriods", "Statistic")
    client.put_metric_alarm(
        **{name: edited[name] for name in (*kept, "Dimensions", "ComparisonOperator")}, Threshold=1.0
    )
    published("MemoryUtilization")
    published("DiskUtilization", ContainerName="c")
    aged(hours=2)

    found = data()

    faults = {each["name"]: each["faults"] for each in found["alarms"]}
    assert found["foreign"] == ["sagewatch/by-hand"]
    assert {name for name, several in faults.items() if "orphan" in several} == set(alarms("sagewatch/endpoint/old/"))
    assert [name for name, several in faults.items() if "edited" in several] == [f"{OURS}disk"]
    assert "dead" not in faults[f"{OURS}memory"]
    assert faults[f"{OURS}disk"] == ["dead", "edited"]


def test_alarms_that_are_new_are_not_dead(fleet: Fleet) -> None:
    fleet.endpoint()
    watched("endpoint/churn")

    assert [each for each in data()["alarms"] if each["faults"]] == []


def test_a_policy_that_is_tried_tells_who_is_stale_and_who_is_ignored(fleet: Fleet, tmp_path: Path) -> None:
    fleet.endpoint()
    fleet.endpoint("sandbox")
    watched("endpoint/churn")
    policy = tmp_path / "policy.yaml"
    policy.write_text("alarms:\n- alarm: cpu\n  threshold: 70\nignore:\n- resource: sand*\n")

    found = data("--policy", str(policy))

    assert [each["alarm"] for each in found["alarms"] if each["faults"] == ["stale"]] == ["cpu"]
    assert [(each["resource"], each["reason"]) for each in found["not_watched"]] == [
        ("sandbox", "ignore in the policy (line 5)")
    ]


def test_what_cannot_be_listed_is_said_and_its_alarms_are_no_orphans(fleet: Fleet, refusing: set[str]) -> None:
    fleet.endpoint()
    fleet.pipeline()
    watched("endpoint/churn", "pipeline/churn-train")
    refusing.add("ListPipelines")

    result = run("--format", "json")

    found = json.loads(result.stdout)
    assert result.exit_code == 3
    assert "Not read: list_pipelines: " in result.stderr
    assert [each["name"] for each in found["alarms"] if "orphan" in each["faults"]] == []
    assert [each["read"] for each in found["kinds"] if each["kind"] == "pipeline"] == [False]


def test_a_resource_that_cannot_be_read_is_told_as_such(fleet: Fleet, refusing: set[str]) -> None:
    fleet.endpoint()
    refusing.add("ListTags")

    found = data()

    assert [(each["resource"], each["why"]) for each in found["not_watched"]] == [("churn", "unreadable")]


def test_alarms_that_cannot_be_listed_end_the_command(refusing: set[str]) -> None:
    refusing.add("DescribeAlarms")

    result = run()

    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith("describe_alarms sagewatch/: ")


def test_it_only_reads(fleet: Fleet, journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    fleet.endpoint()
    fleet.endpoint("fresh")
    watched("endpoint/churn")
    make = boto3.session.Session.client

    def made(session: Any, *args: Any, **kwargs: Any) -> Any:
        client = make(session, *args, **kwargs)
        journal.watch(client)
        return client

    monkeypatch.setattr(boto3.session.Session, "client", made)

    data()

    assert {call for call in journal.taken() if not call.startswith(("List", "Describe", "Get"))} == set()


def test_the_page_is_written_beside_what_is_printed(fleet: Fleet, tmp_path: Path) -> None:
    fleet.endpoint()
    watched("endpoint/churn")
    file = tmp_path / "coverage.html"

    result = run("--html", str(file))

    assert (result.exit_code, result.stderr) == (0, f"{file} written.\n")
    assert '<div class="big" id="percent">100 %</div>' in file.read_text()


def test_a_page_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    result = run("--html", str(tmp_path / "nowhere" / "coverage.html"))

    assert result.exit_code == 6
    assert "cannot be written: No such file or directory. Name a file in a folder that is there." in result.stderr
