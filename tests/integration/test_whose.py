"""Whose a failure is, when its event does not say; and what becomes of a batch that runs out of time."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from types import SimpleNamespace
from typing import Any, cast

import boto3
import pytest
from botocore.exceptions import ClientError

from sagewatch.policy.rules import Route
from sagewatch.receivers.pagerduty.api import PagerDutyReceiver
from sagewatch_cli.local.doubles.slack import Reply
from tests.integration.notify_function import (
    START,
    TICK,
    TOPICS,
    Start,
    Town,
    alarm,
    answered,
    clicked,
    failed_job,
    received,
    set_policy,
    subscribed,
)
from tests.integration.notify_function import double as double
from tests.integration.notify_function import inbox as inbox
from tests.integration.notify_function import town as town
from tests.payloads import event
from tests.sample_incidents import incident, latency, part

TEAMS = """
routes:
  - {name: fraud, match: {team: fraud}, slack: C0FRAUD}
  - {name: everyone, slack: C0ALL}
"""
EXECUTION = "arn:aws:sagemaker:us-east-1:123456789012:pipeline/churn-train/execution/a1b2c3d4e5f6"


def carries(here: Town, **tags: str) -> list[str]:
    """Give everything these tags, and return the list of the ARNs that are asked for."""
    asked: list[str] = []
    listed = [{"Key": key.replace("__", ":").replace("_", "-"), "Value": value} for key, value in tags.items()]
    events = here.app.evidence_clients.sagemaker.meta.events
    events.register_first("before-call.sagemaker.ListTags", answered(lambda: {"Tags": listed}))
    events.register("provide-client-params.sagemaker.ListTags", lambda params, **_: asked.append(params["ResourceArn"]))
    return asked


def found() -> dict[str, Any]:
    """Return the sweep's word of an AutoML job that failed, of which SageMaker sends no event."""
    arn, at = "arn:aws:sagemaker:us-east-1:123456789012:automl-job/tabular", START.isoformat()
    detail = {"kind": "automl-job", "what": "AutoML job", "name": "tabular", "arn": arn, "at": at, "reason": "x"}
    said = {"source": "sagewatch", "detail-type": "Sagewatch Failure Found", "time": at, "detail": detail}
    return {**said, "account": "123456789012", "region": "us-east-1", "resources": [arn]}


WITHOUT_TAGS: dict[str, Callable[[], dict[str, Any]]] = {
    "pipeline": lambda: event("pipeline-failed"),
    "step": lambda: event("pipeline-step-failed"),
    "processing job": lambda: event("processing-job-failed"),
    "found": found,
}


@pytest.mark.parametrize("what", WITHOUT_TAGS)
def test_a_failure_whose_event_has_no_tags_goes_to_the_team_that_its_tags_name(town: Start, what: str) -> None:
    here = town(TEAMS)
    carries(here, team="fraud")

    assert here.run(WITHOUT_TAGS[what]()) == []

    assert (len(here.shown("C0FRAUD")), here.shown("C0ALL")) == (1, [])


@pytest.mark.parametrize("what", WITHOUT_TAGS)
def test_what_is_ignored_by_a_tag_that_its_event_does_not_carry_fails_in_silence(town: Start, what: str) -> None:
    here = town(TEAMS)
    carries(here, sagewatch__ignore="true")

    assert here.run(WITHOUT_TAGS[what]()) == []

    assert (here.shown("C0FRAUD"), here.shown("C0ALL")) == ([], [])


def test_what_the_policy_ignores_is_not_told_when_the_sweep_finds_it(town: Start) -> None:
    here = town("ignore: [{kind: automl-job}]\nroutes: [{name: everyone, slack: C0ALL}]")

    assert here.run(found()) == []

    assert here.shown("C0ALL") == []


def test_a_failure_that_comes_again_goes_where_it_went_though_its_tags_cannot_be_read_any_more(town: Start) -> None:
    here = town(TEAMS)
    asked = carries(here, sagemaker__pipeline_execution_arn=EXECUTION)
    here.double.slack.replies.append(Reply(500, ""))
    first = here.run(event("processing-job-failed"))

    def refused(**_: Any) -> None:
        raise ClientError({"Error": {"Code": "ThrottlingException", "Message": "no"}}, "ListTags")

    here.app.evidence_clients.sagemaker.meta.events.register_first("before-call.sagemaker.ListTags", refused)
    before = len(asked)
    second = here.run(event("processing-job-failed"), attempt=2)

    items = boto3.client("dynamodb").scan(TableName="incidents")["Items"]
    assert (first, second, before) == (["m0"], [], len(asked))
    assert [each["pk"]["S"] for each in items if each["sk"]["S"] == "timeline"] == ["INC#everyone#pipeline/churn-train"]


def test_an_endpoint_that_failed_for_a_team_is_closed_there_when_it_is_deleted_and_its_tags_with_it(
    town: Start,
) -> None:
    here = town(TEAMS)
    here.run(event("endpoint-failed"))
    red = here.shown("C0FRAUD")

    assert here.run({**event("endpoint-deleted"), "time": "2026-01-02T03:09:05Z"}) == []

    assert [text.split()[0] for text in (*red, *here.shown("C0FRAUD"))] == [":red_circle:", ":white_circle:"]
    assert here.shown("C0ALL") == []


def test_the_end_that_slack_did_not_take_comes_back_to_the_team_as_well(town: Start) -> None:
    here, gone = town(TEAMS), {**event("endpoint-deleted"), "time": "2026-01-02T03:09:05Z"}
    here.run(event("endpoint-failed"))
    here.double.slack.replies.append(Reply(500, ""))

    answers = [here.run(gone), here.run(gone, attempt=2)]

    assert answers == [["m0"], []]
    assert here.shown("C0FRAUD")[0].startswith(":white_circle:")


def test_who_cannot_see_an_edit_hears_of_the_end_of_what_was_snoozed(town: Start) -> None:
    here = town()
    until = (START + timedelta(minutes=120)).isoformat()
    for operation in ("PutAlarmMuteRule", "DeleteAlarmMuteRule"):
        here.app.clients.cloudwatch.meta.events.register(f"before-call.cloudwatch.{operation}", answered(dict))

    here.at(0, alarm())
    here.at(5, clicked("Sagewatch Snoozed", 5, until=until))
    here.at(12, alarm("OK", 12, muted=True))

    assert [each.split()[0] for each in here.inbox.subjects()] == ["[CRITICAL]", "[RESOLVED]"]
    assert here.shown()[0].startswith(":large_green_circle:")


def test_a_pager_hears_of_a_snooze_as_an_acknowledgement() -> None:
    sent: list[Any] = []
    receiver = PagerDutyReceiver(cast("Any", SimpleNamespace(send=sent.append)), Route(name="all"))
    snoozed = incident(part(latency()), status="snoozed")

    receiver.edit({}, snoozed, START, {})

    assert [(each["event_action"], each["dedup_key"]) for each in sent] == [
        ("trigger", snoozed.id),
        ("acknowledge", snoozed.id),
    ]


def test_who_heard_of_it_by_amazon_q_hears_of_its_end_when_the_route_has_changed(town: Start) -> None:
    there = subscribed("amazon-q")
    here = town(f'routes: [{{name: all, slack: C0ALL, chatbot: "{TOPICS}amazon-q"}}]')
    here.run(alarm())
    set_policy("routes: [{name: all, slack: C0ALL}]")

    here.run(alarm("OK", 9))

    assert len(there.taken()) == 2


@dataclass(slots=True)
class Hourglass:
    """The context of a function whose time runs out with each call to a service that is slow."""

    left: int = 30_000

    def get_remaining_time_in_millis(self) -> int:
        return self.left

    def slows(self, client: Any, costs: int) -> None:
        client.meta.events.register("before-call", lambda **_: self._take(costs))

    def _take(self, costs: int) -> None:
        self.left -= costs


JOBS = tuple(failed_job(minute=n, name=f"job-{n}") for n in range(10))


def test_when_sagemaker_is_slow_what_lacks_its_tags_comes_back_and_is_told_then(town: Start) -> None:
    """Whose it is must be known first: nothing goes to the wrong team because others were slow."""
    here, glass = town(), Hourglass()
    glass.slows(here.app.evidence_clients.sagemaker, 2_500)

    answer = here.app.handler(received(*JOBS), glass)

    back = [int(each["itemIdentifier"].removeprefix("m")) for each in answer["batchItemFailures"]]
    assert 0 < len(back) < 10
    assert len(here.shown()) == 10 - len(back)
    assert glass.left > 12_000
    assert here.app.handler(received(*(JOBS[number] for number in back)), Hourglass())["batchItemFailures"] == []
    assert len(here.shown()) == 10


def test_what_is_not_begun_in_time_goes_back_and_what_was_told_stays_told(town: Start) -> None:
    here, glass = town(), Hourglass()
    glass.slows(here.app.clients.dynamodb, 500)

    answer = here.app.handler(received(*JOBS), glass)

    back = [each["itemIdentifier"] for each in answer["batchItemFailures"]]
    assert back == [f"m{n}" for n in range(10 - len(back), 10)]
    assert (0 < len(back) < 10, len(here.shown())) == (True, 10 - len(back))
    assert glass.left > 0


def test_the_clock_stops_in_time_and_says_so(town: Start) -> None:
    here, glass = town(), Hourglass(13_000)
    here.run(alarm())
    glass.slows(here.app.clients.dynamodb, 2_000)

    assert here.app.handler(received(TICK), glass)["batchItemFailures"] == []

    assert "ClockCutShort" in here.noted


@pytest.mark.parametrize("name", ["endpoint-failed", "cluster-failed"])
def test_a_description_that_is_not_there_takes_no_link_s_place_and_is_not_spoken_of(town: Start, name: str) -> None:
    here = town()

    here.run(event(name))

    shown = json.dumps(here.channel()[0].content)
    assert "not found" not in shown
    assert re.search(r"\*(Endpoint|Cluster)\*\\n<https://", shown)


def test_a_node_s_trouble_ends_with_its_cluster(town: Start) -> None:
    here = town()
    here.run(event("cluster-node-unhealthy"))

    here.run({**event("cluster-deleting"), "time": "2026-01-02T03:09:05Z"})

    [said] = here.shown()
    assert said.startswith(":white_circle:")
    assert said.endswith("closed (the cluster is being deleted)")


def test_what_has_no_account_shows_none(town: Start) -> None:
    here, detail = town(), {"parameter": "/policy", "faults": ["line 1, column 1: no"]}

    here.run({"detail-type": "Sagewatch Policy Broken", "time": START.isoformat(), "detail": detail})

    assert "– · –" not in json.dumps(here.channel()[0].content, ensure_ascii=False)
