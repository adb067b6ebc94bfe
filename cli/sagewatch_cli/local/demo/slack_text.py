"""Reads a Slack message as a person would see it. Pure."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Mapping
from typing import Any

_LINK = re.compile(r"<(?P<url>[^|<>\s]+)(\|(?P<text>[^<>]*))?>")
_TIME = re.compile(r"<!date\^[^|<>]*\|(?P<text>[^<>]*)>")
_CODE = re.compile(r"`(?P<text>[^`\n]+)`")
_BOLD = re.compile(r"\*(?P<text>[^*\n]+)\*")
_EMOJI = re.compile(r":(?P<name>[a-z_]+):")
_DRAWN: Mapping[str, str] = {
    "red_circle": "🔴",
    "large_orange_circle": "🟠",
    "large_green_circle": "🟢",
    "white_circle": "⚪",
    "eyes": "👀",
    "zzz": "💤",
}
_RULE = "─" * 40


def transcript(message: Mapping[str, Any]) -> str:
    """Return the lines of a message: its blocks (its text, when it has none) and those of its attachments."""
    own = _blocks(message) or [_without_markup(message.get("text", ""))]
    return "\n".join([*own, *(line for each in message.get("attachments", ()) for line in _blocks(each))])


def _blocks(message: Mapping[str, Any]) -> list[str]:
    return [line for block in message.get("blocks", ()) for line in _block_lines(block)]


def _block_lines(block: Mapping[str, Any]) -> Iterator[str]:
    match block["type"]:
        case "divider":
            yield _RULE
        case "actions":
            yield "  ".join(_element(each) for each in block["elements"])
        case "context":
            yield " · ".join(_element(each) for each in block["elements"])
        case "rich_text":
            yield "".join(_element(each) for each in block["elements"])
        case _:
            if "text" in block:
                yield _element(block["text"])
            yield from (": ".join(_element(each).split("\n", 1)) for each in block.get("fields", ()))
            if "accessory" in block:
                yield _element(block["accessory"])


def _element(element: Mapping[str, Any]) -> str:
    if "elements" in element:
        return "".join(_element(each) for each in element["elements"])
    match element["type"]:
        case "button":
            return f"[ {element['text']['text']} ]"
        case "link":
            return str(element.get("text", element["url"]))
        case "emoji":
            return _drawn(f":{element['name']}:")
        case "image":
            return f"({element['alt_text']})"
        case "mrkdwn":
            return _without_markup(element["text"])
        case _:
            return str(element.get("text", ""))


def _without_markup(mrkdwn: str) -> str:
    timed = _TIME.sub(lambda time: time["text"], mrkdwn)
    without_links = _CODE.sub(lambda code: code["text"], _LINK.sub(lambda link: link["text"] or link["url"], timed))
    return html.unescape(_drawn(_BOLD.sub(lambda bold: bold["text"], without_links)))


def _drawn(text: str) -> str:
    return _EMOJI.sub(lambda emoji: _DRAWN.get(emoji["name"], emoji[0]), text)
