"""What Slack really accepts: its SDK checks only a part of it, so the tests do.

Numbers: Block Kit reference; the total is our own, since Slack refuses attachments of about 13,200 characters
(slackapi/bolt-js, issue 2509).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from slack_sdk.models.attachments import BlockAttachment
from slack_sdk.models.blocks import Block

BUDGET, TEXT = 8_000, 3_000

_SEQUENCES = re.compile(
    r"<https?://[^<>|\s]+\|[^<>|]+>"  # a link
    r"|<!date\^\d+\^[^<>|^]+\|[^<>|]+>"
    r"|<@[UW][A-Z0-9]+>"
)


def broken(message: dict[str, Any], *, called: tuple[str, ...] = ()) -> list[str]:
    """Return every way in which Slack would refuse the message, or let text of others do something.

    `called` are the mentions that are meant.
    """
    attachments = message.get("attachments", [])
    blocks = [*message.get("blocks", []), *(block for each in attachments for block in each["blocks"])]
    for each in attachments:
        BlockAttachment(**{**each, "blocks": Block.parse_all(each["blocks"])}).validate_json()
    for block in Block.parse_all(blocks):
        block.validate_json()
    return [*_whole(message, blocks), *(said for block in blocks for said in _block(block)), *_parsed(message, called)]


def _whole(message: dict[str, Any], blocks: list[Any]) -> Iterator[str]:
    if len(json.dumps(message, ensure_ascii=False)) > BUDGET:
        yield f"the message has over {BUDGET} characters"
    if not 1 <= len(message["text"]) <= TEXT:
        yield f"text has {len(message['text'])} characters"
    if len(blocks) > 50:
        yield f"{len(blocks)} blocks"
    if "block_id" in json.dumps(blocks):
        yield "a block_id, which would have to change with every edit"
    try:
        json.dumps(message, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        yield "half a character"


def _block(block: dict[str, Any]) -> Iterator[str]:
    match block["type"]:
        case "section":
            yield from _length("a section's text", block.get("text", {}).get("text", "x"), TEXT)
            if len(block.get("fields", [])) > 10:
                yield "over 10 fields"
            for field in block.get("fields", []):
                yield from _length("a field", field["text"], 2_000)
        case "context":
            if not 1 <= len(block["elements"]) <= 10:
                yield f"{len(block['elements'])} elements of a context"
            for element in block["elements"]:
                yield from _length("a context", element["text"], TEXT)
        case "actions":
            if not 1 <= len(block["elements"]) <= 25:
                yield f"{len(block['elements'])} controls"
            for element in block["elements"]:
                yield from _control(element)


def _control(element: dict[str, Any]) -> Iterator[str]:
    yield from _length("an action_id", element["action_id"], 255)
    if element["type"] == "button":
        yield from _length("a button", element["text"]["text"], 75)
        yield from _length("a button's value", element.get("value", "x"), 2_000)
        yield from _length("a button's url", element.get("url", "x"), 3_000)
        return
    yield from _length("a placeholder", element["placeholder"]["text"], 150)
    for option in element["options"]:
        yield from _length("an option", option["text"]["text"], 75)
        yield from _length("an option's value", option["value"], 150)


def _length(what: str, text: str, longest: int) -> Iterator[str]:
    if not 1 <= len(text) <= longest:
        yield f"{what} has {len(text)} characters, and may have {longest}"


def _parsed(message: dict[str, Any], called: tuple[str, ...]) -> Iterator[str]:
    """Yield what of the parsed texts is neither plain nor one of the sequences that we make."""
    for text in (message["text"], *mrkdwn(message), *(each["fallback"] for each in message.get("attachments", []))):
        rest = text
        for mention in called:
            rest = rest.replace(mention, "")
        rest = _SEQUENCES.sub("", rest)
        if re.search(r"[<>]|&(?!(amp|lt|gt);)", rest):
            yield f"not inert: {text[:300]!r}"


def mrkdwn(value: Any) -> list[str]:
    """Return every text that Slack parses, wherever in the message."""
    if isinstance(value, list):
        return [text for each in value for text in mrkdwn(each)]
    if not isinstance(value, dict):
        return []
    here = [value["text"]] if value.get("type") == "mrkdwn" else []
    return here + [text for each in value.values() for text in mrkdwn(each)]
