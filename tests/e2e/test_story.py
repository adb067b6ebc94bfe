"""The demo: its story, its words, and how it fails."""

from __future__ import annotations

import io
from typing import Any

import pytest
from rich.console import Console

from sagewatch_cli.local.demo.slack_text import transcript
from sagewatch_cli.local.demo.steps import StepPrinter
from sagewatch_cli.local.demo.story import Story
from sagewatch_cli.local.demo.tables import threshold_words, window_words
from sagewatch_cli.local.machine.errors import Unmet
from sagewatch_cli.local.machine.waiting import until
from tests.e2e.world import World

pytestmark = pytest.mark.e2e


def test_the_demo_tells_its_story_to_the_end(world: World) -> None:
    page = io.StringIO()
    printer = StepPrinter(Console(file=page, width=120))
    story = Story(world.stack, world.inbox, world.sagemaker, world.cloudwatch, world.policy, printer)

    story.tell()
    story.end()

    told = [line.split(" ", 1)[1].rsplit(" ", 2)[0] for line in page.getvalue().splitlines() if line.startswith("✓")]
    assert told == [
        "Two endpoints, a training job on 12 hosts and a pipeline appear",
        "churn becomes slow: its latency alarm fires",
        "It recovers: the same message turns green",
        "A pushed policy gives the latency of fraud's endpoints two limits",
        "The training job fails",
        "scores fails its callers and is deleted, like all the rest",
    ]
    assert world.names() == set()
    assert [said.text.partition(" ")[0] for said in world.said()] == [
        ":large_green_circle:",
        ":red_circle:",
        ":white_circle:",
    ]


def test_a_step_that_does_not_come_true_says_what_was_expected_and_what_was_seen() -> None:
    page = io.StringIO()

    with pytest.raises(Unmet) as unmet, StepPrinter(Console(file=page)).step("Waiting for rain"):
        until("rain", lambda: "sun", lambda seen: seen == "rain", within=0.1)

    assert str(unmet.value) == "expected within 0.1 s: rain\nseen: 'sun'"
    assert page.getvalue().splitlines()[-1].startswith("✗ Waiting for rain")


def test_a_long_step_shows_signs_of_life_where_there_is_no_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sagewatch_cli.local.demo.steps._HEARTBEAT", 0)
    page = io.StringIO()

    with StepPrinter(Console(file=page)).step("Building") as say:
        say("Running PythonPipBuilder [1/3]")

    assert [line.strip() for line in page.getvalue().splitlines()[:2]] == [
        "Building …",
        "0 s: Running PythonPipBuilder [1/3]",
    ]


def alarm(description: str, **fields: Any) -> dict[str, Any]:
    base = {"ComparisonOperator": "GreaterThanThreshold", "Period": 60, "EvaluationPeriods": 5, "DatapointsToAlarm": 5}
    return {**base, "AlarmDescription": description, **fields}


@pytest.mark.parametrize(
    ("described", "words"),
    [
        (
            alarm(
                "Busy.\n[sagewatch severity=warning kind=endpoint resource=a scope=b alarm=cpu vcpus=8]",
                Threshold=720.0,
                EvaluationPeriods=10,
                DatapointsToAlarm=8,
            ),
            ("> 90 % of 8 vCPU", "8 of 10 min"),
        ),
        (
            alarm(
                "Idle.\n[sagewatch severity=info kind=endpoint resource=a scope=b alarm=idle]",
                Threshold=1.0,
                ComparisonOperator="LessThanThreshold",
                Period=3600,
                EvaluationPeriods=24,
                DatapointsToAlarm=24,
            ),
            ("< 1", "24 h"),
        ),
        (alarm("Somebody else's.", Threshold=0.5), ("> 0.5", "5 min")),
    ],
    ids=["a share of the capacity", "a count over hours", "not ours"],
)
def test_a_condition_is_said_in_words(described: dict[str, Any], words: tuple[str, str]) -> None:
    assert (threshold_words(described), window_words(described)) == words


def test_a_slack_message_is_read_as_a_person_sees_it() -> None:
    message = {
        "text": ":red_circle: *a &amp; b* · <https://aws/|logs>",
        "attachments": [
            {
                "blocks": [
                    {"type": "section", "fields": [{"type": "mrkdwn", "text": "*Value*\n`▁▅█` 1.84 s"}]},
                    {"type": "divider"},
                    {
                        "type": "rich_text",
                        "elements": [
                            {"type": "rich_text_preformatted", "elements": [{"type": "text", "text": "*x* <y>"}]}
                        ],
                    },
                    {
                        "type": "context",
                        "elements": [
                            {"type": "mrkdwn", "text": "<https://aws/|alarm>"},
                            {"type": "plain_text", "text": "team"},
                            {"type": "mrkdwn", "text": "<!date^1767323045^{date} {time}|2026-01-02 03:04 UTC>"},
                        ],
                    },
                    {
                        "type": "actions",
                        "elements": [{"type": "button", "text": {"type": "plain_text", "text": "Open"}}],
                    },
                ]
            }
        ],
    }

    assert transcript(message).splitlines() == [
        "🔴 a & b · logs",
        "Value: ▁▅█ 1.84 s",
        "─" * 40,
        "*x* <y>",
        "alarm · team · 2026-01-02 03:04 UTC",
        "[ Open ]",
    ]
