"""Slack messages drawn as HTML: every golden message can be drawn, whole, and other people's text stays text."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from scripts.slack_picture import Panel, Shown, block, mrkdwn, page, read

GOLDEN = sorted((Path(__file__).parent / "golden").glob("slack-*.json"))
NOW = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)


def labels(value: Any) -> Iterator[str]:
    """Yield the texts of a message in which Slack parses nothing, and those on its buttons."""
    match value:
        case {"type": "plain_text" | "text", "text": str(text)}:
            yield text
        case {"type": "static_select", "placeholder": placeholder}:
            yield from labels(placeholder)
        case dict():
            yield from (text for each in value.values() for text in labels(each))
        case list():
            yield from (text for each in value for text in labels(each))


@pytest.mark.parametrize("file", GOLDEN, ids=lambda file: file.stem)
def test_a_golden_message_is_drawn_with_all_its_texts_and_its_colour(file: Path) -> None:
    panels, thread = read([file], NOW)
    message = json.loads(file.read_text(encoding="utf-8"))

    drawn = page(panels, thread, "light")

    assert all(
        html.escape(text).replace("\n", "<br>") in drawn or html.escape(text) in drawn for text in labels(message)
    )
    assert all(f"background:{each['color']}" in drawn for each in message["attachments"])


@pytest.mark.parametrize(
    ("text", "drawn"),
    [
        ("*churn* · `▁▂`", "<b>churn</b> · <code>▁▂</code>"),
        ("<https://a.example/?a=1&amp;b|the _log_>", "<a>the _log_</a>"),
        ("a_b_c _not run_", "a_b_c <i>not run</i>"),
        ("<!date^1795252320^{date_short_pretty} {time}|2026-11-21 09:12 UTC>", "Today 09:12"),
        ("<@U0ANA> <!subteam^S0ONCALL>", '<span class="mention">@ana</span> <span class="mention">@ml-oncall</span>'),
        ("&lt;script&gt; :unknown:", "&lt;script&gt; :unknown:"),
    ],
)
def test_mrkdwn_is_drawn_as_slack_shows_it(text: str, drawn: str) -> None:
    assert mrkdwn(text, NOW) == drawn


def test_plain_text_is_never_markup() -> None:
    hostile = {"type": "section", "text": {"type": "plain_text", "text": "<script>*no*</script>"}}

    assert "&lt;script&gt;*no*&lt;/script&gt;" in block(hostile, NOW)


def test_what_cannot_be_drawn_is_named_and_not_left_out() -> None:
    with pytest.raises(SystemExit, match="video"):
        block({"type": "video"}, NOW)
    with pytest.raises(SystemExit, match="no Slack message"):
        page([Panel(Shown({}, NOW))], (), "dark")


def test_a_list_of_messages_is_a_message_and_its_thread(tmp_path: Path) -> None:
    file = tmp_path / "story.json"
    file.write_text(json.dumps([{"text": "down"}, {"text": "still down"}, {"text": "up"}]))

    drawn = page(*read([file], NOW), "dark")

    assert re.findall(r'<div class="text">([^<]+)<', drawn) == ["down", "still down", "up"]
    assert "<b>2 replies</b>" in drawn
