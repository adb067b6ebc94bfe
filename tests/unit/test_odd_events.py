"""What AWS or a person may send that no documentation shows."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sagewatch.model import Incident, Notice
from sagewatch.policy.rules import Route
from sagewatch.receivers.slack import render as slack
from sagewatch.receivers.sns import render as text
from sagewatch.receivers.wording.phrases import harmless
from sagewatch.tell.incident.group import incidents
from sagewatch.tell.read.alarm_events import notice
from tests.payloads import event


def told(body: dict[str, Any]) -> Notice:
    found = notice("sagewatch", body)
    assert found is not None
    return found


def opened(found: Notice) -> Incident:
    """Return the incident that a notice opens."""
    [incident] = incidents("all", [found], {}, found.at)
    return incident


def letter(found: Notice) -> text.Letter:
    return text.mail(opened(found), None, Route(name="all"))


def root(found: Notice) -> dict[str, Any]:
    return slack.root(opened(found), Route(name="all"), controls=False, now=found.at)


def firing(data: str) -> dict[str, Any]:
    body = event("alarm-firing")
    body["detail"]["state"]["reasonData"] = data
    return body


@pytest.mark.parametrize(
    "data",
    [
        '{"recentDatapoints": [NaN], "threshold": NaN}',
        '{"recentDatapoints": [1e999], "threshold": -Infinity}',
        '{"recentDatapoints": [true], "threshold": true}',
        '{"recentDatapoints": 5, "threshold": "1"}',
        '{"recentDatapoints": {"a": 1}, "threshold": [1]}',
    ],
)
def test_what_is_no_number_is_not_said_as_one(data: str) -> None:
    found = told(firing(data))

    assert (found.value, found.limit) == (None, None)
    assert letter(found).subject == "[CRITICAL] churn · model latency"


def test_an_alarm_without_a_value_is_told_with_cloudwatchs_reason() -> None:
    body = firing("")
    body["detail"]["state"]["reason"] = "set by hand, to try it"
    found = told(body)

    assert "set by hand, to try it" in letter(found).body
    assert "set by hand, to try it" in json.dumps(root(found))


@pytest.mark.parametrize(("severity", "says"), [("", "[CRITICAL]"), ("severity=huge ", "[CRITICAL]")])
def test_an_alarm_whose_severity_was_edited_away_has_that_of_its_row(severity: str, says: str) -> None:
    body = event("alarm-firing")
    body["detail"]["configuration"]["description"] = (
        f"[sagewatch {severity}kind=endpoint resource=churn scope=AllTraffic alarm=latency-p99]"
    )

    assert letter(told(body)).subject.startswith(says)


def test_an_alarm_that_nobody_knows_and_that_has_no_severity_is_a_warning() -> None:
    body = event("alarm-firing")
    body["detail"]["configuration"]["description"] = "[sagewatch kind=endpoint resource=churn scope=blue alarm=mine]"

    assert letter(told(body)).subject.startswith("[WARNING] churn/blue · mine ")


def test_a_number_of_cores_that_is_none_leaves_a_sum() -> None:
    body = firing('{"recentDatapoints": [744], "threshold": 720}')
    body["detail"]["configuration"]["description"] = (
        "[sagewatch severity=warning kind=endpoint resource=churn scope=AllTraffic alarm=cpu vcpus=²]"
    )

    assert letter(told(body)).subject == "[WARNING] churn · CPU use 744 % (limit 720 %)"


@pytest.mark.parametrize(
    ("name", "field", "arn"),
    [
        ("training-job-failed", "TrainingJobName", "TrainingJobArn"),
        ("endpoint-failed", "EndpointName", "EndpointArn"),
    ],
)
def test_two_failures_that_carry_no_arn_are_two(name: str, field: str, arn: str) -> None:
    one, two = event(name), event(name)
    two["detail"][field] = "another"
    for body in (one, two):
        del body["detail"][arn]

    assert told(one).key != told(two).key


def test_an_endpoint_that_fails_again_is_told_again_even_without_a_time_of_change() -> None:
    one, two = event("endpoint-failed"), {**event("endpoint-failed"), "time": "2026-01-02T09:00:00Z"}
    for body in (one, two):
        del body["detail"]["LastModifiedTime"]

    assert told(one).key != told(two).key


def test_a_job_of_the_same_name_that_fails_after_the_first_was_deleted_is_another() -> None:
    later = event("training-job-failed")
    later["detail"]["CreationTime"] += 3_600_000

    assert told(later).key != told(event("training-job-failed")).key


@pytest.mark.parametrize("tags", [{"team": "fraud"}, [{"Key": "team", "Value": "fraud"}]])
def test_tags_are_read_as_a_map_and_as_a_list(tags: object) -> None:
    body = event("endpoint-failed")
    body["detail"]["Tags"] = tags

    assert told(body).labels.get("team") == "fraud"


@pytest.mark.parametrize(
    ("field", "arn_type", "page"),
    [
        ("trainingJob", "training-job", "jobs"),
        ("processingJob", "processing-job", "processing-jobs"),
        ("transformJob", "transform-job", "transform-jobs"),
    ],
)
def test_a_step_leads_to_the_job_behind_it_and_to_that_jobs_own_streams(field: str, arn_type: str, page: str) -> None:
    body = event("pipeline-step-failed")
    body["detail"]["metadata"] = {
        field: {"arn": f"arn:aws:sagemaker:us-east-1:123456789012:{arn_type}/pipelines-x-prep"}
    }

    links = told(body).links

    assert links[arn_type.replace("-", " ")].endswith(f"#/{page}/pipelines-x-prep")
    assert links["logs"].endswith("Jobs$3FlogStreamNameFilter$3Dpipelines-x-prep$252F")


@pytest.mark.parametrize(
    "metadata", [None, [], {}, {"condition": None}, {"model": {"arn": 7}}, {"lambda": {"arn": "x"}}]
)
def test_a_step_without_a_job_behind_it_has_no_link_to_one(metadata: object) -> None:
    body = event("pipeline-step-failed")
    body["detail"]["metadata"] = metadata

    assert told(body).links == {}


def test_half_a_character_does_not_stop_a_message() -> None:
    body = event("training-job-failed")
    body["detail"]["FailureReason"] = "\ud83d out of memory \x9b31m"
    found = told(body)

    assert b"out of memory  31m" in letter(found).body.encode()
    assert json.dumps(root(found), ensure_ascii=False).encode()


def test_a_mention_in_a_name_is_inert_in_the_fallback_too() -> None:
    body = event("pipeline-step-failed")
    body["detail"]["stepName"] = "<!channel>"

    [attachment] = root(told(body))["attachments"]

    assert attachment["fallback"] == "Pipeline step failed · churn-train/&lt;!channel&gt;"


@pytest.mark.parametrize(
    ("said", "heard"),
    [
        ('{"password": "my secret words"}', '{"password": "[redacted]"}'),
        ("secret_access_key: 'abc def'", "secret_access_key: '[redacted]'"),
        ("CLIENT_SECRET=abc&next=1", "CLIENT_SECRET=[redacted]&next=1"),
        (
            "?X-Amz-Signature=0123&X-Amz-Security-Token=FwoG",
            "?X-Amz-Signature=[redacted]&X-Amz-Security-Token=[redacted]",
        ),
        ("postgres://user:pa55word@db/x", "postgres://[redacted]@db/x"),
        ("Authorization: Basic dXNlcjpwYXNz", "Authorization: [redacted]"),
        ("token " + "IQoJb3JpZ2lu" + "a" * 60, "token [redacted]"),
        ("xapp" + "-1-A2-b3", "[redacted]"),
        ("Unexpected end of file, 512 tokens: a basic error", "Unexpected end of file, 512 tokens: a basic error"),
    ],
)
def test_secrets_are_taken_out_in_every_spelling(said: str, heard: str) -> None:
    assert harmless(said, 1_000) == heard
