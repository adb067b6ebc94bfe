"""The policy, pushed with our own command: alarms follow it without a deployment, whatever state it is in."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from sagewatch.aws.policy_store import NOTHING, is_blank
from sagewatch.model import Labels
from sagewatch_cli.local.drivers.sagemaker import ProductionVariant
from sagewatch_cli.local.machine.waiting import until
from tests.e2e.world import World

pytestmark = pytest.mark.e2e

OURS = "sagewatch/endpoint/churn/AllTraffic"
LATENCY, CPU, IDLE = f"{OURS}/latency-p99", f"{OURS}/cpu", f"{OURS}/idle"
PAGER = "arn:aws:sns:us-east-1:123456789012:pager"
SLOW = 400_000, 420_000, 2_200_000, 2_500_000, 2_843_221


def watch(world: World, *names: str, **tags: str) -> None:
    for name in names:
        world.sagemaker.create_endpoint(name, ProductionVariant("AllTraffic", "ml.m5.2xlarge"), tags=tags)
    world.reconciled()


def written(world: World, since: int) -> set[str]:
    """Return the alarms that the functions have put or deleted after so many writes."""
    calls = world.writes()[since:]
    put = {str(call.parameters["AlarmName"]) for call in calls if call.operation == "PutMetricAlarm"}
    return put | {name for call in calls if call.operation == "DeleteAlarms" for name in call.parameters["AlarmNames"]}


def thresholds(world: World, *names: str) -> dict[str, float]:
    alarms = world.alarms()
    return {name: alarms[name]["Threshold"] for name in names if name in alarms}


def labels(alarm: Any) -> Labels:
    found = Labels.of(alarm["AlarmDescription"])
    assert found is not None
    return found


def of_severity(world: World, severity: str) -> set[str]:
    return {name for name, alarm in world.alarms().items() if labels(alarm)["severity"] == severity}


def silence(world: World, name: str) -> None:
    """Disable an alarm's actions, as somebody does at the console."""
    alarm = world.alarms()[name]
    given = {key: alarm[key] for key in ("AlarmName", "AlarmDescription", "Namespace", "MetricName", "Dimensions")}
    rest = ("Period", "EvaluationPeriods", "DatapointsToAlarm", "ComparisonOperator", "Threshold", "TreatMissingData")
    statistic = "ExtendedStatistic" if "ExtendedStatistic" in alarm else "Statistic"
    given |= {key: alarm[key] for key in (*rest, statistic)}
    world.cloudwatch.client.put_metric_alarm(**given, ActionsEnabled=False)


# ---------------------------------------------------------------------------------------------------------- alarms
def test_a_pushed_policy_is_followed_by_those_whom_it_concerns_and_nobody_else_is_written(
    world: World, tmp_path: Path
) -> None:
    watch(world, "churn", "scores")
    silence(world, CPU)
    before, writes = world.names(), len(world.writes())

    world.push(
        tmp_path,
        """
        alarms:
          - {kind: endpoint, resource: "churn*", alarm: latency-p99, warning: 500ms, critical: 800ms}
          - {kind: endpoint, resource: "churn*", alarm: cpu, threshold: 80%}
          - {kind: endpoint, resource: "churn*", alarm: idle, off: true}
        """,
    )

    pair = {LATENCY: 800_000, f"{LATENCY}-warning": 500_000}
    assert thresholds(world, CPU, *pair) == {**pair, CPU: 8 * 80}
    assert world.alarms()[CPU]["ActionsEnabled"] is False
    assert world.names() == before - {IDLE} | pair.keys()
    assert written(world, writes) == {*pair, CPU, IDLE}


def test_what_a_policy_no_longer_says_is_as_it_was(world: World, tmp_path: Path) -> None:
    watch(world, "churn")
    before = {name: (alarm["Threshold"], alarm["AlarmDescription"]) for name, alarm in world.alarms().items()}
    world.push(tmp_path, 'alarms: [{alarm: latency-p99, warning: 1.5s, critical: 3s}, {alarm: "idle", off: true}]')

    world.push(tmp_path, "")

    after = {name: (alarm["Threshold"], alarm["AlarmDescription"]) for name, alarm in world.alarms().items()}
    assert after == before


def test_who_is_ignored_by_a_tag_has_no_alarms_and_its_failure_is_not_told(world: World, tmp_path: Path) -> None:
    watch(world, "churn", "scores")
    world.silent_sagemaker.create_endpoint("try", ProductionVariant("a", "ml.m5.large"), tags={"purpose": "experiment"})
    world.push(tmp_path, "ignore: [{tags: {purpose: experiment}}, {resource: scores}]")

    world.sagemaker.create_endpoint("try-2", ProductionVariant("a", "ml.m5.large"), tags={"purpose": "experiment"})
    world.reconciled()
    world.sagemaker.fail_endpoint("try-2", "no capacity")
    world.notified()

    assert {name.split("/")[2] for name in world.names()} == {"churn"}
    assert (world.said(), world.mail()) == ((), ())


def test_labels_come_from_tags_and_critical_alarms_page(world: World, tmp_path: Path) -> None:
    watch(world, "churn", env="prod", team="fraud")

    world.push(tmp_path, f"labels: {{team: team, stage: env}}\npaging: {{critical: '{PAGER}'}}")

    alarms = world.alarms()
    assert {(labels(alarm)["team"], labels(alarm)["stage"]) for alarm in alarms.values()} == {("fraud", "prod")}
    paged = {name for name, alarm in alarms.items() if alarm["AlarmActions"] == alarm["OKActions"] == [PAGER]}
    assert paged == of_severity(world, "critical")
    assert all(not alarms[name]["AlarmActions"] for name in alarms.keys() - paged)


def test_an_alarm_under_a_pushed_limit_is_told_with_that_limit(world: World, tmp_path: Path) -> None:
    watch(world, "churn")
    world.push(tmp_path, "alarms: [{alarm: latency-p99, kind: endpoint, threshold: 2s}]")

    world.cloudwatch.fire(LATENCY, *SLOW)
    world.notified()

    assert [mail.subject for mail in world.mail()] == ["[CRITICAL] churn · model latency 2.84 s (limit 2.00 s)"]


# ---------------------------------------------------------------------------------------------------------- routes
ROUTES = """
routes:
  - {name: fraud, match: {team: fraud}, slack: C0FRAUD}
  - {name: quiet, match: {resource: "sandbox-*"}, drop: true}
  - {name: default, slack: default, sns: default, digest: true}
"""


def test_notices_take_the_routes_of_the_policy(world: World, tmp_path: Path) -> None:
    watch(world, "churn", team="fraud")
    watch(world, "scores", "sandbox-1")
    world.push(tmp_path, ROUTES)

    for name in ("churn", "scores", "sandbox-1"):
        world.cloudwatch.fire(f"sagewatch/endpoint/{name}/AllTraffic/errors-5xx", 12.5)
    world.notified()

    [fraud] = world.stack.emulators.slack.workspace.channel("C0FRAUD")
    [rest] = world.said()
    assert ("*churn*" in fraud.text, "*scores*" in rest.text) == (True, True)
    assert [mail.subject for mail in world.mail()] == ["[CRITICAL] scores · 5xx errors 12.5 % (limit 5 %)"]


def test_the_digest_is_sent_once_a_day_to_the_routes_that_want_it(world: World, tmp_path: Path) -> None:
    watch(world, "churn")
    world.push(tmp_path, ROUTES)

    world.tick("SweepDigest")
    until("the digest", world.said)
    world.invoke("Sweep", {"mode": "digest"})
    world.notified()

    assert (len(world.said()), len(world.mail())) == (1, 1)


# ---------------------------------------------------------------------------------------------------------- broken
def test_a_broken_policy_leaves_alarms_as_they_are_and_people_are_told_once(world: World, tmp_path: Path) -> None:
    watch(world, "churn")
    world.push(tmp_path, "alarms: [{kind: endpoint, alarm: latency-p99, threshold: 2s}]")
    before, writes = world.alarms(), len(world.writes())

    world.policy.put("alarms: [{kind: endpoint, alarm: latency, threshold: 3s}]")
    watch(world, "newer")
    for _ in range(2):
        world.invoke("Sweep", {"mode": "full"})
    world.reconciled()
    world.notified()

    assert {name: alarm for name, alarm in world.alarms().items() if "/churn/" in name} == before
    assert all("/newer/" in name for name in written(world, writes))
    assert world.alarms()["sagewatch/endpoint/newer/AllTraffic/latency-p99"]["Threshold"] == 2_000_000
    [mail], [said] = world.mail(), world.said()
    assert "latency` is no alarm of endpoint" in mail.text
    assert "policy" in (mail.subject or "").lower()
    assert "policy" in said.text.lower()


def test_under_a_policy_that_was_never_whole_alarms_are_held_and_new_resources_get_the_usual_ones(world: World) -> None:
    watch(world, "churn")
    world.policy.client.delete_parameters(Names=[world.policy.parameter])
    before = world.alarms()

    world.policy.put("alarms: {never: whole}")
    watch(world, "newer")
    world.invoke("Sweep", {"mode": "full"})
    world.reconciled()

    after = world.alarms()
    assert {name: alarm for name, alarm in after.items() if "/churn/" in name} == before
    assert {name.replace("/newer/", "/churn/") for name in after} == before.keys()


def test_a_mended_policy_is_followed(world: World, tmp_path: Path) -> None:
    watch(world, "churn")
    world.policy.put("alarms: [{kind: endpoint, alarm: latency-p99, threshold: 2 bananas}]")
    world.converge()
    held = thresholds(world, LATENCY)

    world.push(tmp_path, "alarms: [{kind: endpoint, alarm: latency-p99, threshold: 2 s}]")

    assert (held, thresholds(world, LATENCY)) == ({LATENCY: 1_000_000}, {LATENCY: 2_000_000})


def test_a_policy_that_our_command_finds_broken_is_not_written(world: World, tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match=r"policy.yaml:1:.*is no key of the policy"):
        world.push(tmp_path, "alarm: []")

    history = world.policy.client.get_parameter_history(Name=world.policy.parameter)["Parameters"]
    assert [each["Version"] for each in history] == [1]


# ---------------------------------------------------------------------------------------------------------- budget
def test_rows_give_way_to_a_budget_by_severity_and_come_back(world: World, tmp_path: Path) -> None:
    watch(world, "churn", "scores")
    whole, critical = world.names(), of_severity(world, "critical")
    budget = round(cost(world, critical), 2)

    world.push(tmp_path, f"budget: {budget}")
    kept = world.names()
    watch(world, "newer")
    world.converge()
    crowded, price = world.names(), cost(world, world.names())
    world.sagemaker.delete_endpoint("newer")
    world.reconciled()
    world.push(tmp_path, "")

    rows = {endpoint: {name.rpartition("/")[2] for name in crowded if f"/{endpoint}/" in name} for endpoint in NAMES}
    assert kept == critical
    assert price <= budget
    assert rows["newer"]
    assert rows["churn"] == rows["scores"] == rows["newer"]
    assert world.names() == whole


NAMES = "churn", "scores", "newer"


def cost(world: World, names: Iterable[str]) -> float:
    """Return what alarms cost a month, in USD, at ten cents for each metric."""
    alarms = world.alarms()
    billed = [sum("MetricStat" in query for query in alarms[name].get("Metrics", ())) or 1 for name in names]
    return round(0.10 * sum(billed), 6)


# ---------------------------------------------------------------------------------------------------------- windows
def test_windows_become_mute_rules_whose_alarms_are_not_told_and_go_with_the_policy(
    world: World, tmp_path: Path
) -> None:
    watch(world, "churn", "scores")
    window = '{name: always, match: {resource: churn}, schedule: "cron(* * * * *)", duration: 1h, timezone: Asia/Tokyo}'
    world.push(tmp_path, f"mute: [{window}]")
    [(name, rule)] = world.mute_rules().items()

    world.invoke("Sweep", {})
    unchanged = set(world.mute_rules())
    world.cloudwatch.fire(LATENCY, *SLOW)
    world.notified()
    quiet = world.said(), world.mail()
    world.push(tmp_path, "budget: 1000")

    schedule = {"Expression": "cron(* * * * *)", "Duration": "PT1H", "Timezone": "Asia/Tokyo"}
    assert (rule["Rule"]["Schedule"], rule["Status"]) == (schedule, "ACTIVE")
    assert set(rule["MuteTargets"]["AlarmNames"]) == {each for each in world.names() if "/churn/" in each}
    assert (unchanged, quiet) == ({name}, ((), ()))
    assert world.mute_rules() == {}


def test_the_windows_of_a_policy_that_says_nothing_any_more_go_too(world: World, tmp_path: Path) -> None:
    watch(world, "churn")
    world.push(tmp_path, "mute: [{name: night, schedule: cron(0 2 * * *), duration: 2h}]")
    rules = len(world.mute_rules())

    world.push(tmp_path, "")

    assert (rules, world.mute_rules()) == (1, {})


def test_the_sweep_makes_a_policy_that_says_nothing_where_there_is_none(world: World) -> None:
    world.policy.client.delete_parameters(Names=[world.policy.parameter])

    world.invoke("Sweep", {})

    assert world.policy.client.get_parameter(Name=world.policy.parameter)["Parameter"]["Value"] == NOTHING
    assert is_blank(NOTHING)
