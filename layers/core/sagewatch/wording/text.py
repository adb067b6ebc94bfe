"""Words for SNS: a subject, plain lines, and attributes that subscriptions filter on."""

from __future__ import annotations

from datetime import UTC

from sagewatch.model import Notice
from sagewatch.wording.phrases import (
    advice_of,
    cut,
    harmless,
    headline,
    measured,
    reason_of,
    subject_of,
    verdict,
    where,
)

SUBJECT = 99
"""SNS takes fewer than 100 characters, and no line breaks (Publish, Subject)."""

_REASON = 4_000


def subject(notice: Notice) -> str:
    """Return `[CRITICAL] churn p99 latency 1.84 s, limit 1.00 s`."""
    line = f"[{verdict(notice)}] {subject_of(notice)} {measured(notice)}"
    return cut(" ".join(harmless(line, 1_000).split()), SUBJECT)


def body(notice: Notice) -> str:
    """Return the message as plain lines."""
    facts = [
        harmless(headline(notice), 500),
        "",
        f"At: {notice.at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC",
        *(f"{name.capitalize()}: {link}" for name, link in notice.links.items()),
        harmless(where(notice), 500),
    ]
    said = (harmless(passage, _REASON) for passage in (reason_of(notice), advice_of(notice)))
    return "\n".join([*facts, *(line for passage in said if passage for line in ("", passage))])


def attributes(notice: Notice) -> dict[str, str]:
    """Return what a subscription's filter policy can match."""
    wanted = ("severity", "kind", "resource", "scope", "alarm", "team")
    found = {name: notice.labels.get(name) for name in wanted}
    said = {name: harmless(value, 256) for name, value in found.items() if value}
    return {"state": notice.state, **{name: value for name, value in said.items() if value}}
