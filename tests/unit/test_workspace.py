"""The Slack of the emulated stack refuses what Slack refuses, and shows what people would see."""

from __future__ import annotations

from typing import Any

import pytest

from sagewatch_cli.local.doubles.slack_workspace import Picture, Refused, ShownMessage, Workspace, refusal


def section(text: str = "a", **more: Any) -> dict[str, Any]:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}, **more}


def button(number: int = 0, **more: Any) -> dict[str, Any]:
    text = {"type": "plain_text", "text": "Acknowledge"}
    return {"type": "button", "action_id": f"a{number}", "text": text, **more}


def workspace() -> Workspace:
    return Workspace("http://slack.example")


GOOD = [
    {"text": "a"},
    {"text": "a" * 40_000},
    {"blocks": [section()] * 50},
    {"blocks": [section("a" * 3_000)]},
    {"blocks": [{"type": "section", "fields": [{"type": "mrkdwn", "text": "a" * 1_000}] * 10}]},
    {"blocks": [{"type": "header", "text": {"type": "plain_text", "text": "a" * 150}}, {"type": "divider"}]},
    {"blocks": [{"type": "actions", "elements": [button(number) for number in range(25)]}]},
    {"blocks": [{"type": "context", "elements": [{"type": "mrkdwn", "text": "a"}] * 10}]},
    {"blocks": [{"type": "image", "image_url": "https://a", "alt_text": "a"}]},
    {"text": "a", "attachments": [{"color": "#E01E5A", "fallback": "a", "blocks": [section()]}]},
]
BAD = [
    ("no_text", {}),
    ("no_text", {"text": "", "blocks": [], "attachments": []}),
    ("msg_too_long", {"text": "a" * 40_001}),
    ("invalid_blocks", {"blocks": [section()] * 51}),
    ("invalid_blocks", {"blocks": [section("a" * 3_001)]}),
    ("invalid_blocks", {"blocks": [section("")]}),
    ("invalid_blocks", {"blocks": [{"type": "section"}]}),
    ("invalid_blocks", {"blocks": [{"type": "section", "fields": [{"type": "mrkdwn", "text": "a"}] * 11}]}),
    ("invalid_blocks", {"blocks": [{"type": "section", "fields": [{"type": "mrkdwn", "text": "a" * 2_001}]}]}),
    ("invalid_blocks", {"blocks": [{"type": "header", "text": {"type": "plain_text", "text": "a" * 151}}]}),
    ("invalid_blocks", {"blocks": [{"type": "header", "text": {"type": "mrkdwn", "text": "a"}}]}),
    ("invalid_blocks", {"blocks": [{"type": "actions", "elements": [button(number) for number in range(26)]}]}),
    ("invalid_blocks", {"blocks": [{"type": "actions", "elements": [button(), button()]}]}),
    ("invalid_blocks", {"blocks": [{"type": "actions", "elements": [button(value="a" * 2_001)]}]}),
    ("invalid_blocks", {"blocks": [{"type": "context", "elements": []}]}),
    ("invalid_blocks", {"blocks": [{"type": "image", "image_url": "https://a"}]}),
    ("invalid_blocks", {"blocks": [{"type": "rich_text", "elements": []}]}),
    ("invalid_blocks", {"blocks": [{"type": "invented"}]}),
    ("invalid_blocks", {"blocks": [section(block_id="b"), section(block_id="b")]}),
    ("invalid_attachments", {"text": "a", "attachments": [{"blocks": [section("")]}]}),
    ("too_many_attachments", {"attachments": [{"text": "a"}] * 101}),
    ("msg_blocks_too_long", {"blocks": [section("a" * 3_000)] * 5}),
]


@pytest.mark.parametrize("message", GOOD)
def test_what_slack_takes_is_taken(message: dict[str, Any]) -> None:
    assert refusal(message) == ""


@pytest.mark.parametrize(("word", "message"), BAD)
def test_what_slack_refuses_is_refused_in_its_word(word: str, message: dict[str, Any]) -> None:
    assert refusal(message) == word


@pytest.mark.parametrize(("word", "message"), BAD)
def test_nothing_that_is_refused_is_seen(word: str, message: dict[str, Any]) -> None:
    slack = workspace()

    with pytest.raises(Refused, match=word):
        slack.call("chat.postMessage", {"channel": "C1", **message})

    assert slack.channel("C1") == ()


def test_people_see_edits_and_threads_and_not_what_was_deleted() -> None:
    slack = workspace()
    first, second = (slack.call("chat.postMessage", {"channel": "C1", "text": text})["ts"] for text in "ab")
    slack.call("chat.postMessage", {"channel": "C1", "text": "reply", "thread_ts": first})
    slack.call("chat.update", {"channel": "C1", "ts": first, "text": "edited", "blocks": [section()]})
    slack.call("chat.update", {"channel": "C1", "ts": first, "text": "again"})

    slack.call("chat.delete", {"channel": "C1", "ts": second})

    assert slack.channel("C1") == (ShownMessage("C1", first, {"text": "again", "blocks": [section()]}, edits=2),)
    assert [(said.text, said.thread) for said in slack.thread(first)] == [("reply", first)]


@pytest.mark.parametrize(
    ("method", "given", "word"),
    [
        ("chat.postMessage", {"text": "a"}, "channel_not_found"),
        ("chat.postMessage", {"channel": "C1", "text": "a", "thread_ts": "1.2"}, "thread_not_found"),
        ("chat.postMessage", {"channel": "CLOSED", "text": "a"}, "is_archived"),
        ("chat.update", {"channel": "C1", "ts": "1.2", "text": "a"}, "message_not_found"),
        ("chat.delete", {"channel": "C1", "ts": "1.2"}, "message_not_found"),
        ("chat.getPermalink", {"channel": "C1", "message_ts": "1.2"}, "message_not_found"),
        ("conversations.info", {}, "channel_not_found"),
        ("files.getUploadURLExternal", {"filename": "a.png"}, "invalid_arguments"),
        ("files.completeUploadExternal", {"channel_id": "C1", "files": [{"id": "F1"}]}, "file_not_found"),
        ("chat.postSomething", {}, "unknown_method"),
    ],
)
def test_what_is_not_there_is_refused(method: str, given: dict[str, Any], word: str) -> None:
    slack = workspace()
    slack.closed["CLOSED"] = "is_archived"

    with pytest.raises(Refused, match=f"^{word}$"):
        slack.call(method, given)


def test_a_message_is_known_in_its_own_channel_only() -> None:
    slack = workspace()
    ts = slack.call("chat.postMessage", {"channel": "C1", "text": "a"})["ts"]

    with pytest.raises(Refused, match="message_not_found"):
        slack.call("chat.update", {"channel": "C2", "ts": ts, "text": "b"})


def test_a_picture_is_shared_once_its_bytes_are_there() -> None:
    slack = workspace()
    slot = slack.call("files.getUploadURLExternal", {"filename": "a.png", "length": "3"})
    shared = {"channel_id": "C1", "files": [{"id": slot["file_id"], "title": "A"}]}
    with pytest.raises(Refused, match="file_not_found"):
        slack.call("files.completeUploadExternal", shared)

    slack.take(slot["file_id"], b"png")
    slack.call("files.completeUploadExternal", shared)

    assert slack.pictures == [Picture("C1", "", "a.png", "A", b"png")]


def test_who_asks_and_where_they_are_is_known() -> None:
    slack = workspace()
    slack.closed["C2"] = "not_in_channel"

    channels = [slack.call("conversations.info", {"channel": name})["channel"] for name in ("C1", "C2")]

    assert slack.call("auth.test", {})["bot_id"] == "B0LOCAL"
    assert [(each["id"], each["is_member"]) for each in channels] == [("C1", True), ("C2", False)]
