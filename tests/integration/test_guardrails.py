"""`sagewatch guardrails`: what it prints for an endpoint whose alarms the product made."""

from __future__ import annotations

import json
from typing import Any

import boto3
import pytest
import yaml
from botocore.session import get_session
from botocore.validate import validate_parameters
from click.testing import Result
from typer.testing import CliRunner

from sagewatch_cli.main import app
from tests.integration.conftest import Fleet, alarms, batch, cold_start

OURS = "sagewatch/endpoint/churn/AllTraffic/"
CRITICAL = [f"{OURS}{alarm}" for alarm in ("errors-5xx", "model-errors", "latency-p99", "memory", "disk")]

WHERE = "Account 123456789012, us-east-1, alarms under sagewatch/, no stack of ours\n"


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["guardrails", *arguments])


def watched(*names: str) -> None:
    """Have the product make the alarms of endpoints."""
    failed = cold_start("reconcile").handler(batch(*({"kind": "endpoint", "name": name} for name in names)), None)
    assert failed == {"batchItemFailures": []}


def named(result: Result) -> list[str]:
    block: dict[str, Any] = json.loads(result.stdout)
    return [each["AlarmName"] for each in block["AutoRollbackConfiguration"]["Alarms"]]


def fire(alarm: str) -> None:
    boto3.client("cloudwatch").set_alarm_state(AlarmName=alarm, StateValue="ALARM", StateReason="test")


def test_the_critical_alarms_come_in_the_order_of_the_catalogue(fleet: Fleet) -> None:
    fleet.endpoint()
    watched("churn")

    result = run("churn")

    assert result.exit_code == 0
    assert named(result) == CRITICAL
    assert result.stderr == WHERE


def test_the_block_is_what_update_endpoint_takes(fleet: Fleet) -> None:
    fleet.endpoint()
    watched("churn")
    shape = get_session().get_service_model("sagemaker").shape_for("DeploymentConfig")

    block = json.loads(run("churn").stdout)

    validate_parameters(block, shape)
    assert set(named(run("churn"))) <= set(alarms())


def test_yaml_says_the_same_as_json(fleet: Fleet) -> None:
    fleet.endpoint()
    watched("churn")

    assert yaml.safe_load(run("churn", "--format", "yaml").stdout) == json.loads(run("churn").stdout)


def test_no_more_than_ten_are_named_those_of_all_variants_first(fleet: Fleet) -> None:
    fleet.endpoint(variants={"blue": "ml.m5.xlarge", "green": "ml.m5.xlarge", "red": "ml.m5.xlarge"})
    watched("churn")

    found = named(run("churn"))

    rows = ("errors-5xx", "model-errors", "latency-p99")
    expected = [f"sagewatch/endpoint/churn/{variant}/{row}" for row in rows for variant in ("blue", "green", "red")]
    assert found == [*expected, "sagewatch/endpoint/churn/blue/memory"]


def test_warnings_fill_up_when_asked_for_and_idle_never_guards(fleet: Fleet) -> None:
    fleet.endpoint()
    watched("churn")

    found = named(run("churn", "--warnings"))

    assert found[:5] == CRITICAL
    assert f"{OURS}cpu" in found
    assert f"{OURS}idle" in alarms()
    assert f"{OURS}idle" not in found


def test_a_firing_alarm_is_warned_of_on_stderr_and_the_block_stays_clean(fleet: Fleet) -> None:
    fleet.endpoint()
    watched("churn")
    fire(CRITICAL[2])

    result = run("churn")

    assert result.exit_code == 0
    assert named(result) == CRITICAL
    assert result.stderr == f"{WHERE}{CRITICAL[2]} is firing: SageMaker ends a deployment that it guards.\n"


def test_text_explains(fleet: Fleet) -> None:
    fleet.endpoint()
    watched("churn")
    fire(CRITICAL[0])

    text = run("churn", "--format", "text").stdout

    assert f"{CRITICAL[0]}\n    critical, now ALARM: 5xx errors" in text
    assert "cloudwatch:DescribeAlarms" in text


def test_text_names_what_was_left_out(fleet: Fleet) -> None:
    fleet.endpoint(variants={"blue": "ml.m5.xlarge", "green": "ml.m5.xlarge", "red": "ml.m5.xlarge"})
    watched("churn")

    text = run("churn", "--format", "text").stdout

    assert "Left out, because 10 is the most: sagewatch/endpoint/churn/green/memory, " in text


def test_neighbours_and_alarms_of_others_are_not_named(fleet: Fleet) -> None:
    fleet.endpoint()
    fleet.endpoint("churn-v2")
    watched("churn", "churn-v2")
    boto3.client("cloudwatch").put_metric_alarm(
        AlarmName=f"{OURS}mine",
        Namespace="n",
        MetricName="m",
        Statistic="Sum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=1,
        ComparisonOperator="GreaterThanThreshold",
    )

    assert named(run("churn")) == CRITICAL


def test_alarms_of_a_variant_that_has_gone_are_not_named(fleet: Fleet) -> None:
    fleet.endpoint(variants={"old": "ml.m5.xlarge", "AllTraffic": "ml.m5.xlarge"})
    watched("churn")
    fleet.endpoint()

    assert named(run("churn")) == CRITICAL


def test_an_endpoint_that_is_not_there_is_exit_code_3() -> None:
    result = run("nope")

    assert (result.exit_code, result.stdout) == (3, "")
    assert result.stderr == (
        f"{WHERE}There is no endpoint nope in account 123456789012, us-east-1.\nSW-503 (docs/errors.md)\n"
    )


@pytest.mark.parametrize("prefix", [(), ("--prefix", "other")])
def test_an_endpoint_without_alarms_is_exit_code_4(prefix: tuple[str, ...], fleet: Fleet) -> None:
    fleet.endpoint()
    if prefix:
        watched("churn")

    result = run("churn", *prefix)

    assert (result.exit_code, result.stdout) == (4, "")
    assert result.stderr.splitlines()[1].startswith(
        f"churn has no alarms under {prefix[1] if prefix else 'sagewatch'}/ (yet)"
    )


def test_an_unknown_profile_is_said_in_a_sentence() -> None:
    result = run("churn", "--profile", "nobody")

    assert (result.exit_code, result.stdout) == (1, "")
    assert "The config profile (nobody) could not be found" in result.stderr


def test_a_malformed_prefix_is_wrong_usage() -> None:
    assert run("churn", "--prefix", "Not/This").exit_code == 2


def test_the_options_say_whom_to_ask(monkeypatch: pytest.MonkeyPatch, fleet: Fleet) -> None:
    fleet.endpoint()
    watched("churn")
    monkeypatch.delenv("AWS_DEFAULT_REGION")

    assert run("churn").exit_code == 1
    assert named(run("churn", "--region", "us-east-1")) == CRITICAL
    assert run("churn", "--region", "eu-west-1").exit_code == 3
