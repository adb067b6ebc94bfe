"""The sentences that every channel says alike."""

from __future__ import annotations

import json

from sagewatch.model import Notice
from sagewatch.receivers.wording.phrases import harmless, measured, resource_and_scope
from sagewatch.tell.read.alarm_events import notice
from tests.payloads import event


def told(body: dict[str, object]) -> Notice:
    found = notice("sagewatch", body)
    assert found is not None
    return found


def test_what_was_measured_is_said_with_its_limit() -> None:
    assert measured(told(event("alarm-firing"))) == "model latency 1.84 s (limit 1.00 s)"
    assert measured(told(event("alarm-cleared"))) == "model latency back to 430 ms (limit 1.00 s)"


def test_what_failed_is_said_by_its_title() -> None:
    assert measured(told(event("training-job-failed"))) == "training job failed"


def test_a_part_of_a_resource_is_named_with_it() -> None:
    assert resource_and_scope(told(event("pipeline-step-failed"))) == "churn-train/Train"


def test_sums_over_cores_are_said_as_a_share() -> None:
    body = event("alarm-firing")
    labels = "[sagewatch severity=warning kind=endpoint resource=churn scope=blue alarm=cpu vcpus=8]"
    body["detail"]["configuration"]["description"] = labels
    body["detail"]["state"]["reasonData"] = json.dumps({"recentDatapoints": [744.0], "threshold": 720.0})

    assert measured(told(body)) == "CPU use 93 % (limit 90 %, of 8 vCPUs)"


def test_secrets_are_taken_out_of_other_peoples_text() -> None:
    token = "xox" + "b-1234-abcdef"
    said = (
        f"key AKIAABCDEFGHIJKLMNOP aws_secret_access_key=wJalrXUtnFEMI/K7MDENG password: hunter2, {token} "
        "Authorization: Bearer abc.def-ghi https://hooks.slack.com/services/T0/B0/zzz aws_session_token='FwoG//x' end"
    )

    assert harmless(said, 1_000) == (
        "key [redacted] aws_secret_access_key=[redacted] password: [redacted], [redacted] "
        "Authorization: [redacted] [redacted] aws_session_token='[redacted]' end"
    )
