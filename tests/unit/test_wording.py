from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from slack_sdk.models.attachments import BlockAttachment
from slack_sdk.models.blocks import Block

from sagewatch.model import Labels, Notice
from sagewatch.notices import notice
from sagewatch.wording import slack, text
from sagewatch.wording.phrases import harmless, headline
from tests.payloads import event

TEXT = st.text(max_size=5_000)
HOSTILE = "<!channel> & <https://evil.example|click> ``` *bold* \u202egnp.exe \x00\x07"


def told(name: str, **changes: Any) -> Notice:
    found = notice("sagewatch", event(name))
    assert found is not None
    return replace(found, **changes)


def labelled(found: Notice, **values: str) -> Notice:
    return replace(found, labels=Labels({**found.labels.values, **values}))


def test_a_headline_says_what_how_bad_and_against_which_limit() -> None:
    assert headline(told("alarm-firing")) == "churn · p99 latency 1.84 s, limit 1.00 s · CRITICAL"
    assert headline(told("alarm-cleared")) == "churn · p99 latency back to 430 ms, limit 1.00 s · OK"
    assert headline(told("training-job-failed")) == "xgb-churn · training job failed · CRITICAL"
    assert headline(told("pipeline-step-failed")) == "churn-train/Train · pipeline step failed · WARNING"


def test_sums_over_cores_are_said_as_a_share() -> None:
    body = event("alarm-firing")
    labels = "[sagewatch severity=warning kind=endpoint resource=churn scope=blue alarm=cpu vcpus=8]"
    body["detail"]["configuration"]["description"] = labels
    body["detail"]["state"]["reasonData"] = json.dumps({"recentDatapoints": [744.0], "threshold": 720.0})
    found = notice("sagewatch", body)

    assert found is not None
    assert headline(found) == "churn/blue · CPU 93 % of 8 vCPU, limit 90 % of 8 vCPU · WARNING"


def test_an_alarm_without_a_value_is_said_without_one() -> None:
    assert headline(told("alarm-firing", value=None)) == "churn · p99 latency · CRITICAL"


def test_a_subject_is_one_short_line() -> None:
    assert text.subject(told("alarm-firing")) == "[CRITICAL] churn p99 latency 1.84 s, limit 1.00 s"
    assert text.subject(told("alarm-cleared")) == "[OK] churn p99 latency back to 430 ms, limit 1.00 s"


def test_a_body_says_when_where_why_and_what_to_do() -> None:
    found = told("training-job-failed")

    assert text.body(found).splitlines() == [
        "xgb-churn · training job failed · CRITICAL",
        "",
        "At: 2026-01-02 03:04:05 UTC",
        f"Training job: {found.links['training job']}",
        f"Logs: {found.links['logs']}",
        "team fraud · 123456789012 · us-east-1",
        "",
        "AlgorithmError: ExecuteUserScriptError: ExitCode 137",
        'Command "python train.py --max-depth 12"',
    ]


def test_a_body_repeats_no_raw_numbers() -> None:
    assert "1843221" not in text.body(told("alarm-firing"))
    assert text.body(told("alarm-firing")).endswith("tag the endpoint with its own limit.")
    assert "tag the endpoint" not in text.body(told("alarm-cleared"))


def test_attributes_let_a_subscription_filter() -> None:
    assert text.attributes(told("endpoint-failed")) == {
        "state": "failed",
        "severity": "critical",
        "kind": "endpoint",
        "resource": "churn",
        "scope": "all",
        "alarm": "failed",
        "team": "fraud",
    }


def test_an_alarm_in_slack() -> None:
    found = told("alarm-firing")
    endpoint, logs, alarm = (found.links[name] for name in ("endpoint", "logs", "alarm"))

    assert slack.message(found) == {
        "text": ":red_circle: *churn* · p99 latency 1.84 s, limit 1.00 s · CRITICAL",
        "attachments": [
            {
                "color": "#E01E5A",
                "fallback": "churn · p99 latency 1.84 s, limit 1.00 s · CRITICAL",
                "blocks": [
                    {
                        "type": "section",
                        "fields": [
                            {"type": "mrkdwn", "text": f"*Endpoint*\n<{endpoint}|churn>"},
                            {"type": "mrkdwn", "text": "*Scope*\nAllTraffic"},
                            {"type": "mrkdwn", "text": "*Value*\n1.84 s"},
                            {"type": "mrkdwn", "text": "*Limit*\n1.00 s"},
                        ],
                    },
                    {"type": "section", "text": {"type": "plain_text", "text": found.advice}},
                    {
                        "type": "context",
                        "elements": [
                            {"type": "mrkdwn", "text": f"<{endpoint}|endpoint> · <{logs}|logs> · <{alarm}|alarm>"},
                            {"type": "plain_text", "text": "123456789012 · us-east-1"},
                        ],
                    },
                ],
            }
        ],
    }


def test_a_failure_in_slack_shows_its_reason_where_nothing_is_parsed() -> None:
    blocks = slack.message(told("training-job-failed", reason=HOSTILE))["attachments"][0]["blocks"]

    [reason] = [block for block in blocks if block["type"] == "rich_text"]
    assert reason["elements"] == [
        {
            "type": "rich_text_preformatted",
            "elements": [{"type": "text", "text": "<!channel> & <https://evil.example|click> ``` *bold*  gnp.exe"}],
        }
    ]


def test_an_alarm_that_clears_is_green_and_gives_no_advice() -> None:
    message = slack.message(told("alarm-cleared"))

    assert message["text"].startswith(":large_green_circle: ")
    assert message["attachments"][0]["color"] == "#2EB67D"
    assert "One caller in a hundred" not in json.dumps(message)


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


def strings(value: Any) -> list[tuple[str, str]]:
    """Return every (type, text) pair of a message's text objects."""
    if isinstance(value, list):
        return [pair for each in value for pair in strings(each)]
    if not isinstance(value, dict):
        return []
    here = [(value["type"], value["text"])] if isinstance(value.get("text"), str) and "type" in value else []
    return here + [pair for each in value.values() for pair in strings(each)]


@given(name=TEXT, scope=TEXT, reason=TEXT, team=TEXT, title=TEXT, advice=TEXT)
def test_any_text_at_all_stays_inert_and_within_slacks_limits(
    name: str, scope: str, reason: str, team: str, title: str, advice: str
) -> None:
    for payload in ("alarm-firing", "training-job-failed", "pipeline-step-failed"):
        found = labelled(
            told(payload, reason=reason, title=title, advice=advice),
            resource=name or "x",
            scope=scope or "y",
            team=team,
        )

        message = slack.message(found)

        blocks = message["attachments"][0]["blocks"]
        BlockAttachment(**{**message["attachments"][0], "blocks": Block.parse_all(blocks)}).validate_json()
        for block in Block.parse_all(blocks):
            block.validate_json()
        assert len(json.dumps(message, ensure_ascii=False)) <= 13_000
        parsed = [message["text"], *(said for kind, said in strings(blocks) if kind == "mrkdwn")]
        for said in parsed:
            assert len(said) <= 3_000
            links = re.sub(r"<https://[^<>|]*\|[^<>|]*>", "", said)
            assert not re.search(r"[<>]|&(?!amp;|lt;|gt;)", links), said


@given(name=TEXT, scope=TEXT, reason=TEXT, team=TEXT)
def test_any_text_at_all_stays_within_the_limits_of_sns(name: str, scope: str, reason: str, team: str) -> None:
    found = labelled(told("training-job-failed", reason=reason), resource=name or "x", scope=scope or "y", team=team)

    subject = text.subject(found)

    assert 1 <= len(subject) < 100
    assert not re.search(r"[\x00-\x1f\x7f\u2028\u2029]", subject)
    assert subject == subject.strip()
    assert len(text.body(found).encode()) < 262_144
    assert all(0 < len(value) <= 256 for value in text.attributes(found).values())
