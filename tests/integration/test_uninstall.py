"""`sagewatch uninstall`: what it removes, what it leaves, and that it goes on after a failure."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from botocore.model import OperationModel
from click.testing import Result
from typer.testing import CliRunner

from sagewatch.fleet.mute_windows import window_rules
from sagewatch.kinds.charts import dashboard_title
from sagewatch.model import Labels
from sagewatch.policy.rules import Window
from sagewatch_cli.main import app
from tests.integration.conftest import Fleet, alarms, batch, cold_start
from tests.integration.test_sweep import mute_rules_of

OURS = "sagewatch/endpoint/churn/AllTraffic/"
STACK = "arn:aws:cloudformation:us-east-1:123456789012:stack/ml-alarms/00000000-0000-4000-c000-000000000001"
NIGHT = Window(name="night", schedule="cron(0 2 * * *)", duration="2h")
SNOOZE = "sagewatch-snooze-inc_0123456789abcdef"


@dataclass(slots=True)
class Account:
    """What the commands' clients are answered, besides what moto does."""

    refused: set[str] = field(default_factory=set)
    """Operations that are refused."""
    code: str = "AccessDenied"
    """How they are refused."""
    rolls_back: dict[str, str] = field(default_factory=dict)
    """Endpoints, and the alarm that rolls their deployments back."""
    mute_rules: dict[str, Any] = field(default_factory=dict)

    def prepare(self, client: Any, service: str) -> None:
        if service == "cloudwatch":
            rules = mute_rules_of(client)
            rules.update(self.mute_rules)
            client.meta.events.register("after-call.cloudwatch.DeleteAlarmMuteRule", lambda **_: self._keep(rules))
        if service == "sagemaker":
            client.meta.events.register("after-call.sagemaker.DescribeEndpoint", self._describe)
        client.meta.events.register_first("before-call.*.*", self._refuse)

    def _keep(self, rules: dict[str, Any]) -> None:
        self.mute_rules = dict(rules)

    def _describe(self, parsed: dict[str, Any], **_: Any) -> None:
        if alarm := self.rolls_back.get(parsed.get("EndpointName", "")):
            parsed["LastDeploymentConfig"] = {"AutoRollbackConfiguration": {"Alarms": [{"AlarmName": alarm}]}}

    def _refuse(self, model: OperationModel, **_: Any) -> None:
        if model.name in self.refused:
            raise ClientError({"Error": {"Code": self.code, "Message": "no"}}, model.name)


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch, nothing_of_what_moto_lacks: None) -> Iterator[Account]:
    found, make = Account(), boto3.session.Session.client

    def made(session: Any, service: str, *args: Any, **kwargs: Any) -> Any:
        client = make(session, service, *args, **kwargs)
        found.prepare(client, service)
        return client

    with monkeypatch.context() as patch:
        patch.setattr(boto3.session.Session, "client", made)
        yield found


def run(*arguments: str, typed: str | None = None) -> Result:
    return CliRunner().invoke(app, ["uninstall", *arguments], input=typed)


def watched(fleet: Fleet, *endpoints: str) -> None:
    """Have the product make the alarms of endpoints."""
    for name in endpoints:
        fleet.endpoint(name)
    bodies = [{"kind": "endpoint", "name": name} for name in endpoints]
    assert cold_start("reconcile").handler(batch(*bodies), None) == {"batchItemFailures": []}


def put_alarm(name: str, description: str = "") -> None:
    boto3.client("cloudwatch").put_metric_alarm(
        AlarmName=name,
        AlarmDescription=description,
        MetricName="Invocations",
        Namespace="AWS/SageMaker",
        Statistic="Sum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=1,
        ComparisonOperator="GreaterThanThreshold",
    )


def put_dashboard(name: str, title: str) -> None:
    body = {"widgets": [{"type": "text", "properties": {"markdown": title}}]}
    boto3.client("cloudwatch").put_dashboard(DashboardName=name, DashboardBody=json.dumps(body))


def dashboards() -> list[str]:
    return [each["DashboardName"] for each in boto3.client("cloudwatch").list_dashboards()["DashboardEntries"]]


def test_in_an_account_without_anything_of_ours_there_is_nothing_to_remove(account: Account) -> None:
    result = run()

    assert result.exit_code == 0
    assert "There is nothing to remove." in result.stdout


def test_what_is_ours_goes_and_nothing_else(account: Account, fleet: Fleet) -> None:
    watched(fleet, "churn", "fraud")
    put_alarm("sagewatch/mine")
    put_alarm("sagewatch-other/endpoint/churn/AllTraffic/cpu")
    labels = Labels({"kind": "endpoint", "resource": "churn", "scope": "AllTraffic", "alarm": "cpu"})
    [of_window] = window_rules("sagewatch", [NIGHT], [(f"{OURS}cpu", labels)], datetime.now(UTC))
    rules = (SNOOZE, of_window.name, "sagewatch-other", "nightly", "sagewatch-snooze-mine")
    account.mute_rules = {name: {} for name in rules}
    put_dashboard("ml-us-east-1", dashboard_title("sagewatch"))
    put_dashboard("ml-other-us-east-1", dashboard_title("sagewatch-other"))
    put_dashboard("theirs-us-east-1", "# Ours")

    result = run("--yes")

    assert result.exit_code == 0, result.output
    assert set(alarms()) == {"sagewatch/mine", "sagewatch-other/endpoint/churn/AllTraffic/cpu"}
    assert set(account.mute_rules) == {"sagewatch-other", "nightly", "sagewatch-snooze-mine"}
    assert sorted(dashboards()) == ["ml-other-us-east-1", "theirs-us-east-1"]
    assert "stay: alarms under the prefix that are not ours (1)\n  sagewatch/mine\n" in result.stdout


def test_an_alarm_of_ours_whose_description_was_emptied_goes_too(account: Account, fleet: Fleet) -> None:
    watched(fleet, "churn")
    name = f"{OURS}errors-5xx"
    described = alarms()[name]
    kept = ("AlarmName", "Metrics", "EvaluationPeriods", "Threshold", "ComparisonOperator", "TreatMissingData")
    boto3.client("cloudwatch").put_metric_alarm(**{key: described[key] for key in kept if key in described})
    assert "AlarmDescription" not in alarms()[name]

    run("--yes")

    assert alarms() == {}


def test_first_it_is_shown_and_nothing_goes_without_a_yes(account: Account, fleet: Fleet) -> None:
    watched(fleet, "churn")
    before = set(alarms())

    planned, declined = run("--plan"), run(typed="n\n")

    assert (planned.exit_code, declined.exit_code) == (0, 1)
    assert f"to remove: alarms ({len(before)})" in planned.stdout
    assert "Remove this from account 123456789012, us-east-1?" in declined.stderr
    assert set(alarms()) == before


def test_an_alarm_that_rolls_deployments_back_stays_and_is_named_until_they_name_another(
    account: Account, fleet: Fleet
) -> None:
    watched(fleet, "churn", "guarded")
    guard = f"{OURS}latency-p99"
    account.rolls_back["guarded"] = guard

    first = run("--yes")
    left = set(alarms())
    account.rolls_back.clear()
    second = run("--yes")

    assert (first.exit_code, left) == (3, {guard})
    assert f"stays: {guard} rolls back deployments of endpoint/guarded; $0.50 a month" in first.stdout
    assert (second.exit_code, alarms()) == (0, {})


@pytest.mark.parametrize(
    "operation",
    [
        "GetParameter",
        "DescribeAlarms",
        "ListEndpoints",
        "ListInferenceComponents",
        "DescribeEndpoint",
        "ListAlarmMuteRules",
        "ListDashboards",
    ],
)
def test_what_cannot_be_read_stops_it_before_anything_goes(account: Account, fleet: Fleet, operation: str) -> None:
    watched(fleet, "churn")
    before = set(alarms())
    account.refused.add(operation)

    result = run("--yes")
    account.refused.clear()

    assert result.exit_code == 1
    assert operation in result.stderr
    assert set(alarms()) == before


def test_a_region_without_inference_components_has_none_that_need_an_alarm(account: Account, fleet: Fleet) -> None:
    watched(fleet, "churn")
    account.refused, account.code = {"ListInferenceComponents"}, "UnknownOperationException"

    result = run("--yes")

    assert result.exit_code == 0, result.output
    assert alarms() == {}


@pytest.mark.parametrize("operation", ["DeleteAlarms", "DeleteAlarmMuteRule", "DeleteDashboards"])
def test_after_a_failure_it_goes_on_with_what_is_left(account: Account, fleet: Fleet, operation: str) -> None:
    watched(fleet, "churn")
    account.mute_rules = {SNOOZE: {}}
    put_dashboard("ml-us-east-1", dashboard_title("sagewatch"))
    account.refused.add(operation)

    failed = run("--yes")
    account.refused.clear()
    again = run("--yes")

    assert (failed.exit_code, again.exit_code) == (1, 0)
    assert operation in failed.stderr
    assert "Run it again" in failed.stderr
    assert (alarms(), account.mute_rules, dashboards()) == ({}, {}, [])


def test_while_the_stack_is_there_nothing_goes_but_the_plan_is_shown(account: Account, fleet: Fleet) -> None:
    watched(fleet, "churn")
    before = set(alarms())
    boto3.client("ssm").put_parameter(Name="/sagewatch/sagewatch/stack", Value=STACK, Type="String")

    refused, planned = run("--yes"), run("--plan")

    assert (refused.exit_code, planned.exit_code) == (4, 0)
    assert "sam delete --stack-name ml-alarms" in refused.stderr
    assert "sam delete --stack-name ml-alarms" in planned.stdout
    assert set(alarms()) == before


def test_the_policy_stays_with_its_price(account: Account) -> None:
    boto3.client("ssm").put_parameter(Name="/sagewatch/sagewatch/policy", Value="budget: 5", Type="String")

    result = run("--yes")

    assert "stays: the policy /sagewatch/sagewatch/policy, free up to 4 KB, else $0.05 a month" in result.stdout
    assert boto3.client("ssm").get_parameter(Name="/sagewatch/sagewatch/policy")["Parameter"]["Value"] == "budget: 5"


def test_for_programs_it_says_all_names_and_does_not_ask(account: Account, fleet: Fleet) -> None:
    watched(fleet, "churn")
    before = set(alarms())

    asking = run("--format", "json")
    planned = json.loads(run("--format", "json", "--plan").stdout)
    removed = json.loads(run("--format", "json", "--yes").stdout)

    assert asking.exit_code == 2
    assert (set(planned["alarms"]), planned["removed"], planned["stack"]) == (before, False, None)
    assert (set(removed["alarms"]), removed["removed"]) == (before, True)
    assert alarms() == {}


def test_another_prefix_is_another_stack(account: Account, fleet: Fleet) -> None:
    watched(fleet, "churn")
    before = set(alarms())

    result = run("--yes", "--prefix", "sage")

    assert "There is nothing to remove." in result.stdout
    assert set(alarms()) == before
