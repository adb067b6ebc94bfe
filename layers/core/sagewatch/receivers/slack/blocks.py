"""Slack's building blocks: what is escaped, what is inert, and what fits. Pure.

Text of others is escaped in mrkdwn, or stands where Slack parses nothing: plain_text and preformatted elements.
Limits: Slack's Block Kit reference. No block has a block_id, which would have to change with every edit.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import accumulate
from typing import Any

from sagewatch.receivers.wording.phrases import Span, cut, harmless, inline, utc
from sagewatch.receivers.wording.sentences import ADDRESS

type Message = dict[str, Any]

BUDGET = 8_000
"""Characters of a message: Slack refuses attachments of about 13,200 (slackapi/bolt-js, issue 2509)."""

# Characters that the text of a section may have (Block Kit, "Section block").
TEXT = 3_000
# Block Kit takes ten fields ("Section block"); four fill two lines of a narrow window.
FIELDS = 4
_LONGEST_LABEL = 260
# Ids of people begin with U or W, those of user groups with S (Slack, "Formatting message text", mentions).
_PERSON = re.compile(r"[UW][A-Z0-9]{1,30}")
# Slack, "Formatting message text", mentions: a user, a user group, or one of three words.
_MENTION_PATTERN = re.compile(r"<(?:@[UW][A-Z0-9]{1,30}|!subteam\^S[A-Z0-9]{1,30}|!here|!channel|!everyone)>")
# mrkdwn has no escape for its own marks; only &, < and > have one (Slack, "Formatting message text").
_LOOKALIKES = str.maketrans({"`": "'", "*": "∗"})
"""What would open code or bold in the middle of a sentence of ours."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fit:
    """How much a message shows, so that it stays within Slack's limits."""

    facts: int = FIELDS
    """How many short facts."""
    others: int = 8
    """How many of the parts that the headline does not speak of."""
    reason: int = 2_500
    """Characters of other people's reason."""
    advice: int = 1_200
    """Characters of advice."""
    links: int = 6
    """How many links in the small print."""
    controls: bool = True
    """Whether there are buttons."""


_FITS = (
    Fit(),
    Fit(facts=1),
    Fit(facts=1, reason=800),
    Fit(facts=1, reason=200, advice=600),
    Fit(facts=1, reason=200, advice=300, controls=False),
    Fit(facts=1, reason=100, advice=100, others=3, links=1, controls=False),
    Fit(facts=0, reason=100, advice=100, others=0, links=0, controls=False),
)


def fitted(build: Callable[[Fit], Message]) -> Message:
    """Return the fullest message that is within the budget."""
    messages = (build(fit) for fit in _FITS[:-1])
    return next((message for message in messages if size(message) <= BUDGET), None) or build(_FITS[-1])


def size(message: Message) -> int:
    """Return how many characters a message has, as JSON."""
    return len(json.dumps(message, ensure_ascii=False))


def escaped(text: str) -> str:
    """Escape the three characters with which mrkdwn makes links, mentions and channels."""
    # Slack, "Formatting message text": these three are its control characters.
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def safe(text: str, longest: int = _LONGEST_LABEL) -> str:
    """Return other people's text for mrkdwn, on one line; the length is that of the escaped text."""
    said = inline(text, longest).translate(_LOOKALIKES)
    if len(whole := escaped(said)) <= longest:
        return whole
    sizes = accumulate(len(escaped(character)) for character in said)
    return escaped(said[: sum(size < longest for size in sizes)]) + "…"


def marked(runs: Iterable[Span]) -> str:
    """Return the pieces of a sentence as mrkdwn, what to look at first in bold."""
    return "".join(f"*{safe(text)}*" if bold else _safe_with_blanks(text) for text, bold in runs if text)


def linked(text: str, link: str | None) -> str:
    """Return a text that leads somewhere, or only the text when the address cannot be trusted to be one."""
    name = safe(text).replace("|", "¦")  # a bar ends the address in a link
    return f"<{escaped(link)}|{name}>" if link and ADDRESS.fullmatch(link) else name


def local(when: datetime, shown: str = "{date_short_pretty} {time}") -> str:
    """Return a time that each reader sees in their own zone, in UTC where that does not work."""
    # Slack, "Formatting message text", dates: what stands after the bar is for clients that cannot show it.
    return f"<!date^{int(when.timestamp())}^{shown}|{utc(when)}>"


def person(by: str) -> str:
    """Return somebody by Slack's id, nothing when it is none."""
    return f"<@{by}>" if _PERSON.fullmatch(by) else ""


def mentions(wanted: Iterable[str]) -> str:
    """Return who is called, as the policy says it; what is no mention is shown as it is, and calls nobody."""
    named = list(wanted)[:10]
    return " ".join(each if _MENTION_PATTERN.fullmatch(each) else safe(each, 80) for each in named)


def mrkdwn(text: str) -> Message:
    """Return a text object whose dynamic parts are safe already."""
    # Block Kit, "Text object": with `verbatim`, nothing in it becomes a link, a channel or a mention by itself.
    return {"type": "mrkdwn", "text": text, "verbatim": True}


def section(text: str) -> Message:
    """Return a paragraph of mrkdwn, whose dynamic parts are safe already."""
    return {"type": "section", "text": mrkdwn(text)}


def fields(facts: Mapping[str, str]) -> list[Message]:
    """Return short facts by name, whose values are safe already; none when there are none."""
    shown = [mrkdwn(f"*{safe(name, 80)}*\n{value}") for name, value in facts.items() if value]
    return [{"type": "section", "fields": shown}] if shown else []


def verbatim(text: str, longest: int) -> list[Message]:
    """Return other people's text as it is; none when there is none."""
    said = harmless(text, longest)
    if not said:
        return []
    # Block Kit, "Rich text block": a text element is shown as it is, nothing in it is parsed.
    element = {"type": "rich_text_preformatted", "elements": [{"type": "text", "text": said}]}
    return [{"type": "rich_text", "elements": [element]}]


def context(*lines: str) -> list[Message]:
    """Return small print, a line for each text that is not empty, as far as one element may hold them."""
    # A context block takes ten elements (Block Kit, "Context block"); here there are five at most.
    said = [line for line in lines if line]
    # Elements stand beside one another; only lines of one text stand below one another.
    whole = "\n".join(said)
    shown = [mrkdwn(each) for each in ([whole] if len(whole) <= TEXT else said)]
    return [{"type": "context", "elements": shown}] if said else []


def button(text: str, action: str, *, value: str = "", url: str = "") -> Message:
    """Return a button that asks for something, or leads somewhere."""
    # A button's text has 75 characters at most (Block Kit, "Button element").
    label = {"type": "plain_text", "text": cut(text, 75), "emoji": False}
    return {"type": "button", "text": label, "action_id": action, **({"url": url} if url else {"value": value})}


def menu(text: str, action: str, options: Mapping[str, str]) -> Message:
    """Return a menu of choices, by what they are called."""
    # A menu takes 100 options of 75 characters (Block Kit, "Select menu element" and "Option object").
    return {
        "type": "static_select",
        "action_id": action,
        "placeholder": {"type": "plain_text", "text": text, "emoji": False},
        "options": [
            {"text": {"type": "plain_text", "text": name, "emoji": False}, "value": value}
            for name, value in options.items()
        ],
    }


def words(blocks: Iterable[Message]) -> list[str]:
    """Return what the paragraphs and the small print of blocks say, as safe mrkdwn."""
    said = []
    for block in blocks:
        texts = [block.get("text"), *(block.get("fields") or ())]
        texts += block["elements"] if block["type"] == "context" else []
        said += [text["text"] if text["type"] == "mrkdwn" else escaped(text["text"]) for text in texts if text]
    return said


def _safe_with_blanks(text: str) -> str:
    """Make a piece safe, but for the blanks at its ends."""
    inner = text.strip()
    before, after = text[: len(text) - len(text.lstrip())], text[len(text.rstrip()) :]
    return f"{before and ' '}{safe(inner)}{after and ' '}" if inner else " "
