"""Words for Slack: one line of text, and one attachment whose colour says how bad it is.

Text of others is escaped, or stands where Slack parses nothing: plain_text and preformatted elements. Limits:
Slack's Block Kit reference (a section's text 3,000 characters, a field 2,000, 10 fields, 50 blocks).
"""

from __future__ import annotations

from typing import Any

from sagewatch.model import Notice, Severity
from sagewatch.wording.phrases import (
    advice_of,
    harmless,
    headline,
    measured,
    quantity,
    reason_of,
    subject_of,
    verdict,
    where,
)

type Message = dict[str, Any]

_RED, _AMBER, _GREY, _GREEN = "#E01E5A", "#ECB22E", "#8D8D8D", "#2EB67D"
_COLOURS = {Severity.CRITICAL: _RED, Severity.WARNING: _AMBER, Severity.INFO: _GREY}
_MARKS = {Severity.CRITICAL: ":red_circle:", Severity.WARNING: ":large_orange_circle:", Severity.INFO: ":white_circle:"}
_NAME, _LINE, _REASON, _LINK = 260, 400, 2_500, 2_000


def message(notice: Notice) -> Message:
    """Return the body for chat.postMessage, but for its channel, or for a webhook."""
    cleared = notice.state == "cleared"
    mark = ":large_green_circle:" if cleared else _MARKS[notice.severity]
    said = f"*{_safe(subject_of(notice), _NAME)}* · {_safe(measured(notice), _LINE)} · {verdict(notice)}"
    blocks = [_facts(notice), *_reason(notice), *_advice(notice), _context(notice)]
    return {
        "text": f"{mark} {said}",
        "attachments": [
            {
                "color": _GREEN if cleared else _COLOURS[notice.severity],
                "fallback": _safe(headline(notice), _LINE),
                "blocks": blocks,
            }
        ],
    }


def escaped(text: str) -> str:
    """Escape the three characters with which mrkdwn makes links, mentions and channels."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _safe(text: str, longest: int) -> str:
    return escaped(harmless(text, longest))


def _facts(notice: Notice) -> Message:
    kind, resource = notice.labels["kind"].replace("-", " "), notice.labels["resource"]
    facts = {
        kind.capitalize(): _linked(notice.links.get(kind), resource),
        "Scope": "" if notice.labels["scope"] == "all" else _safe(notice.labels["scope"], _NAME),
        "Value": _safe(quantity(notice, notice.value), _LINE),
        "Limit": _safe(quantity(notice, notice.limit), _LINE),
    }
    fields = [_markdown(f"*{name}*\n{value}") for name, value in facts.items() if value]
    return {"type": "section", "fields": fields}


def _reason(notice: Notice) -> list[Message]:
    reason = harmless(reason_of(notice), _REASON)
    if not reason:
        return []
    text = {"type": "text", "text": reason}
    return [{"type": "rich_text", "elements": [{"type": "rich_text_preformatted", "elements": [text]}]}]


def _advice(notice: Notice) -> list[Message]:
    advice = harmless(advice_of(notice), _REASON)
    return [{"type": "section", "text": {"type": "plain_text", "text": advice}}] if advice else []


def _context(notice: Notice) -> Message:
    links = [_linked(link, name) for name, link in notice.links.items()]
    elements: list[Message] = [_markdown(" · ".join(links))] if links else []
    return {
        "type": "context",
        "elements": [*elements, {"type": "plain_text", "text": harmless(where(notice), _LINE) or "–"}],
    }


def _linked(link: str | None, text: str) -> str:
    name = _safe(text, _NAME).replace("|", "¦") or "–"  # a bar ends the address in a link
    return f"<{link}|{name}>" if link and len(link) <= _LINK else name


def _markdown(text: str) -> Message:
    return {"type": "mrkdwn", "text": text}
