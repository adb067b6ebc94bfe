"""The product looks after itself: what is disabled is counted, and the canary's message must arrive."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from types import ModuleType, SimpleNamespace
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from botocore.model import OperationModel

from sagewatch.aws import canary, cloudwatch
from sagewatch.aws.clients import Clients
from sagewatch.aws.deadline import Deadline
from sagewatch.aws.pace import Pace
from sagewatch.aws.retries import BRISK, LONGEST_CALL_MS
from sagewatch.errors import NotAllowed, Refused
from sagewatch.fleet.lists import list_living, list_owned
from sagewatch.fleet.self_check import PATIENCE, parts_off, why_canary_is_lost
from sagewatch.model import canonical
from sagewatch.policy.rules import Look
from sagewatch.settings import SweepSettings
from sagewatch.tell.read.alarm_events import notice
from tests.integration.conftest import Fleet, Queue, cold_start, incidents_table
from tests.integration.notify_function import START, TOPICS, Start
from tests.integration.notify_function import Inbox as Inbox
from tests.integration.notify_function import double as double
from tests.integration.notify_function import inbox as inbox
from tests.integration.notify_function import run as run
from tests.integration.notify_function import town as town

NOW = datetime(2026, 11, 21, 22, 0, tzinfo=UTC)
QUEUE = "https://sqs.us-east-1.amazonaws.com/123456789012/q"


def settings(**more: Any) -> SweepSettings:
    queues = dict.fromkeys(("queue_url", "backfill_url", "notify_url"), QUEUE)
    return SweepSettings(**{"prefix": "sagewatch", "policy_parameter": None, "table": None, **queues, **more})


class Answers:
    """A client that answers with what it was given, or raises the error of that code."""

    def __init__(self, **answers: Mapping[str, Any] | str) -> None:
        self.answers = answers

    def __getattr__(self, operation: str) -> Any:
        def call(**_: Any) -> Any:
            answer = self.answers[operation]
            if isinstance(answer, str):
                raise ClientError({"Error": {"Code": answer, "Message": ""}}, operation)
            return answer

        return call


def test_every_part_that_is_not_enabled_is_named_with_its_state() -> None:
    events = boto3.client("events")
    events.put_rule(Name="Clock", ScheduleExpression="rate(5 minutes)")
    events.put_rule(Name="Outcomes", EventPattern='{"source": ["aws.sagemaker"]}', State="DISABLED")
    clients = Clients(
        BRISK,
        scheduler=Answers(get_schedule={"State": "DISABLED"}),
        functions=Answers(get_event_source_mapping={"State": "Enabled"}),
    )
    parts = ("rule:Clock", "rule:Outcomes", "rule:Lost", "schedule:sagewatch-sweep", "mapping:0a1b")

    assert parts_off(clients, settings(parts=parts)) == (
        "rule:Outcomes: DISABLED",
        "rule:Lost: gone",
        "schedule:sagewatch-sweep: DISABLED",
    )


def test_a_part_whose_state_cannot_be_read_counts_as_off() -> None:
    clients = Clients(BRISK, functions=Answers(get_event_source_mapping="AccessDeniedException"))

    [off] = parts_off(clients, settings(parts=("mapping:0a1b",)))

    assert off.startswith("mapping:0a1b: read mapping:0a1b: An error occurred (AccessDeniedException)")


@pytest.mark.parametrize(
    ("state", "is_off"), [("Enabled", False), ("Enabling", False), ("Disabled", True), ("Disabling", True)]
)
def test_states_of_event_source_mappings_are_read_as_lambda_spells_them(state: str, is_off: bool) -> None:
    """GetEventSourceMapping, State: Creating, Enabling, Enabled, Disabling, Disabled, Updating, or Deleting."""
    clients = Clients(BRISK, functions=Answers(get_event_source_mapping={"State": state}))

    assert bool(parts_off(clients, settings(parts=("mapping:0a1b",)))) is is_off


def test_a_topic_of_the_operators_that_nobody_reads_counts_as_off() -> None:
    sns = boto3.client("sns")
    topic = sns.create_topic(Name="operators")["TopicArn"]
    pending = {"Subscriptions": [{"SubscriptionArn": "PendingConfirmation"}]}
    clients = Clients(BRISK, sns=SimpleNamespace(get_paginator=lambda _: Answers(paginate=[pending])))  # type: ignore[arg-type]

    unheard = parts_off(clients, settings(operators_topic=topic))
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint="arn:aws:sqs:us-east-1:123456789012:inbox")
    heard = parts_off(Clients(BRISK), settings(operators_topic=topic))

    assert unheard == (f"topic:{topic}: nobody has confirmed a subscription",)
    assert heard == ()


@pytest.fixture
def alarm() -> str:
    name = canary.alarm_name("sagewatch")
    boto3.client("cloudwatch").put_metric_alarm(
        AlarmName=name,
        AlarmDescription="A test. [sagewatch severity=info kind=self resource=canary scope=all alarm=canary]",
        Namespace="Sagewatch",
        MetricName="Canary",
        Statistic="Sum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=0,
        ComparisonOperator="GreaterThanThreshold",
        TreatMissingData="ignore",
    )
    return name


def state_of(alarm: str) -> tuple[str, str]:
    [found] = boto3.client("cloudwatch").describe_alarms(AlarmNames=[alarm])["MetricAlarms"]
    return found["StateValue"], found["StateReason"]


def test_a_canary_whose_message_is_told_is_not_lost_and_is_flipped_back(alarm: str) -> None:
    clients, table, seen = Clients(BRISK), incidents_table(), list[tuple[str, str]]()

    def told_meanwhile(_seconds: float) -> None:
        seen.append(state_of(alarm))
        canary.remember_told(clients.dynamodb, table, seen[0][1])

    assert why_canary_is_lost(clients, settings(table=table), NOW, told_meanwhile) is None
    assert seen == [("ALARM", f"canary of {NOW.isoformat()}")]
    assert state_of(alarm)[0] == "OK"


def test_a_canary_of_which_nothing_or_only_the_one_before_was_told_is_lost(alarm: str) -> None:
    clients, table, slept = Clients(BRISK), incidents_table(), list[float]()
    canary.remember_told(clients.dynamodb, table, "canary of yesterday")

    why = why_canary_is_lost(clients, settings(table=table), NOW, slept.append)

    assert why == f"its message did not arrive within {PATIENCE} s"
    assert sum(slept) == PATIENCE
    assert state_of(alarm)[0] == "OK"


def test_a_canary_that_somebody_deleted_is_lost() -> None:
    why = why_canary_is_lost(Clients(BRISK), settings(table=incidents_table()), NOW, lambda _: None)

    assert why
    assert why.startswith("sagewatch/self/canary/all/canary: ")


def test_the_canary_is_no_alarm_of_a_resource_and_none_of_others(alarm: str) -> None:
    assert list_owned(Clients(BRISK).cloudwatch, "sagewatch") == ({}, [])


def test_all_alarms_of_the_account_are_counted(alarm: str) -> None:
    client = boto3.client("cloudwatch")
    for number in range(3):
        client.put_metric_alarm(
            AlarmName=f"theirs-{number}",
            Namespace="Theirs",
            MetricName="M",
            Statistic="Sum",
            Period=60,
            EvaluationPeriods=1,
            Threshold=0,
            ComparisonOperator="GreaterThanThreshold",
        )

    assert cloudwatch.count(client, Deadline()) == 4


REQUEST = {
    "AlarmName": "sagewatch/endpoint/churn/AllTraffic/cpu",
    "Namespace": "N",
    "MetricName": "M",
    "AlarmActions": ["arn:aws:sns:us-east-1:123456789012:pager"],
}


def test_a_put_that_is_refused_for_the_quota_says_so() -> None:
    """PutMetricAlarm, Errors: LimitExceeded, "The quota for alarms for this customer has already been reached"."""
    client: Any = Answers(put_metric_alarm="LimitExceeded")

    with pytest.raises(Refused, match=r"AllTraffic/cpu: this account may have no more alarms in this Region: .*Limit"):
        cloudwatch.put(client, canonical(REQUEST), Pace())


def test_a_put_that_is_denied_names_the_parameter_that_allows_its_topics() -> None:
    client: Any = Answers(put_metric_alarm="AccessDenied")

    with pytest.raises(NotAllowed, match=r"PagingTopicArns must name arn:aws:sns:us-east-1:123456789012:pager"):
        cloudwatch.put(client, canonical(REQUEST), Pace())


def canary_event(state: str, reason: str) -> dict[str, Any]:
    """Return what CloudWatch sends when the canary alarm is flipped: SetAlarmState gives no reasonData."""
    return {
        "source": "aws.cloudwatch",
        "detail-type": "CloudWatch Alarm State Change",
        "time": f"{START:%Y-%m-%dT%H:%M:%SZ}",
        "account": "123456789012",
        "region": "us-east-1",
        "resources": ["arn:aws:cloudwatch:us-east-1:123456789012:alarm:sagewatch/self/canary/all/canary"],
        "detail": {
            "alarmName": "sagewatch/self/canary/all/canary",
            "state": {"value": state, "reason": reason, "timestamp": f"{START:%Y-%m-%dT%H:%M:%S}.000+0000"},
            "configuration": {
                "description": "A test. [sagewatch severity=info kind=self resource=canary scope=all alarm=canary]"
            },
        },
    }


def test_the_canary_event_is_read_as_a_notice_of_the_product_itself() -> None:
    found = notice("sagewatch", canary_event("ALARM", "canary of now"))

    assert found
    assert (found.subject, found.state, found.reason) == (canary.CANARY, "firing", "canary of now")


def test_a_canary_that_was_told_is_written_down_with_its_reason(town: Start) -> None:
    started = town()

    assert started.run(canary_event("ALARM", "canary of now")) == []

    assert canary.last_told(boto3.client("dynamodb"), "incidents") == "canary of now"
    assert len(started.shown()) == 1


def test_a_canary_that_no_receiver_takes_is_not_written_down(inbox: Inbox) -> None:
    boto3.client("sns").delete_topic(TopicArn=f"{TOPICS}alerts")

    assert run(cold_start("notify"), canary_event("ALARM", "canary of now")) == ["m0"]

    assert canary.last_told(boto3.client("dynamodb"), "incidents") == ""


@pytest.fixture
def sweep(queue: Queue, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.setenv("INCIDENTS_TABLE", incidents_table())
    monkeypatch.setenv("PARTS", "rule:Lost")
    return cold_start("sweep")


def test_the_function_counts_parts_that_are_off(sweep: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    assert sweep.handler({"mode": "self-check"}, None) == {"partsOff": 1}
    assert '"PartsOff":[1.0]' in capsys.readouterr().out


def test_the_function_counts_a_lost_canary(sweep: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    assert sweep.handler({"mode": "canary"}, None) == {"lost": 1}  # there is no such alarm
    assert '"CanaryLost":[1.0]' in capsys.readouterr().out


def test_a_full_sweep_says_how_much_of_the_quota_is_used_and_who_is_unwatched(
    sweep: ModuleType, fleet: Fleet, alarm: str, capsys: pytest.CaptureFixture[str]
) -> None:
    fleet.endpoint()

    counts = sweep.handler({"mode": "full"}, None)

    said = capsys.readouterr().out
    assert counts["unwatched"] == 1
    assert '"ResourcesUnwatched":[1.0]' in said
    assert '"AlarmQuotaUsed":[0.02]' in said  # one of 5,000


@pytest.mark.parametrize("mode", ["full", "light"])
def test_what_the_last_look_found_well_without_alarms_is_not_unwatched(
    sweep: ModuleType, fleet: Fleet, alarm: str, mode: str
) -> None:
    fleet.endpoint()
    [ref] = list_living(boto3.client("sagemaker"))[0]
    # The time of a look is kept in whole seconds: one in the second of the last change counts as before it.
    look = Look(at=datetime.now(UTC) + timedelta(seconds=1), mark="", is_bare=True)
    sweep.store.remember({ref: look})

    assert sweep.handler({"mode": mode}, None)["unwatched"] == 0


def test_a_full_sweep_without_time_to_count_all_alarms_is_done_nevertheless(
    sweep: ModuleType, alarm: str, capsys: pytest.CaptureFixture[str]
) -> None:
    left = iter([LONGEST_CALL_MS, 0])  # for the alarms of ours, and for those of the account

    sweep.handler({"mode": "full"}, SimpleNamespace(get_remaining_time_in_millis=lambda: next(left)))

    assert "AlarmQuotaUsed" not in capsys.readouterr().out


def test_a_light_sweep_does_not_read_all_alarms_of_the_account(
    sweep: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    sweep.handler({}, None)

    assert "AlarmQuotaUsed" not in capsys.readouterr().out


def test_schedules_and_mappings_are_asked_for_by_name_and_id() -> None:
    clients = Clients(BRISK)
    asked: list[tuple[str, Any]] = []

    def answered(state: str) -> Any:
        def answer(model: OperationModel, params: Any, **_: Any) -> Any:
            asked.append((model.name, params["url_path"]))
            return SimpleNamespace(status_code=200), {"State": state, "ResponseMetadata": {"HTTPStatusCode": 200}}

        return answer

    clients.scheduler.meta.events.register("before-call.scheduler.GetSchedule", answered("ENABLED"))
    clients.functions.meta.events.register("before-call.lambda.GetEventSourceMapping", answered("Enabled"))

    assert (
        parts_off(clients, settings(parts=("schedule:sagewatch-sweep", "mapping:0a1b2c3d-0000-4000-8000-000000000000")))
        == ()
    )
    assert asked == [
        ("GetSchedule", "/schedules/sagewatch-sweep"),
        ("GetEventSourceMapping", "/2015-03-31/event-source-mappings/0a1b2c3d-0000-4000-8000-000000000000"),
    ]
