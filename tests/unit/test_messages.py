"""The typical messages: what they say first, and that their pictures are of these words."""

from __future__ import annotations

import pytest

from scripts.messages import DRAWN, FOLDER, LARGEST, MESSAGES, drawn_from, lines, picture

FIRST_LINES = {
    "firing": ("model latency 1.84 s", "CRITICAL", "churn-prod"),
    "several_alarms": ("5xx errors 12.4 % (limit 5 %) + 10 more", "CRITICAL", "churn-prod"),
    "outage": ("42 endpoints in alarm since 09:12", "5xx errors", "all on ml.g5.2xlarge", "CRITICAL"),
    "acked": ("model latency 1.84 s", "CRITICAL, acknowledged", "churn-prod"),
    "unstable": ("model latency 1.84 s", "CRITICAL", "churn-prod"),
    "resolved": ("model latency back to 430 ms", "resolved after 14 min", "churn-prod"),
    "closed_with_its_endpoint": ("model latency + 1 more", "closed (the endpoint was deleted)", "churn-prod"),
    "health_check_failed": ("failed the /ping health check", "Endpoint failed", "churn-prod"),
    "job_failed": ("out of memory", "Training job failed", "xgb-churn"),
    "pipeline_failed": ("step Train (3 of 6) · out of memory", "Pipeline execution failed", "churn-train"),
    "tuning_job_with_a_hundred_trials": ("out of memory", "100 training jobs failed", "hpo-churn (tuning job)"),
    "idle": ("idle, no requests for 24 h", "about $1,014 a month", "churn-prod"),
    "digest-whole_day": ("2 failed jobs", "1 open incident", "123456789012 eu-west-1"),
}
"""What is wrong, how badly (or how it ended), and where."""

NOTHING_TO_DO = {"resolved", "closed_with_its_endpoint", "digest-whole_day"}


@pytest.mark.parametrize("name", MESSAGES)
def test_the_first_line_says_what_is_wrong_how_badly_and_where(name: str) -> None:
    first = lines(name)[0]

    assert [said for said in FIRST_LINES[name] if said not in first] == []


@pytest.mark.parametrize("name", MESSAGES)
def test_what_to_do_is_within_three_lines_while_there_is_something_to_do(name: str) -> None:
    said = [line for line in lines(name)[:3] if line.startswith("What to do: ")]

    assert len(said) == (name not in NOTHING_TO_DO)


def test_each_message_has_two_small_pictures_and_no_picture_is_of_none() -> None:
    wanted = {picture(name, theme) for name in MESSAGES for theme in ("light", "dark")}

    assert set(FOLDER.glob("*.png")) == wanted
    assert [path.name for path in wanted if path.stat().st_size > LARGEST] == []


def test_the_pictures_are_of_what_is_said_now() -> None:
    assert DRAWN.read_text() == drawn_from(), "run python -m scripts.slack_picture --messages (it needs Chromium)"
