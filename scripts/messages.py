"""The typical messages of docs/messages.md: their golden files, their pictures, and what is said about each."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs/messages.md"
FOLDER = ROOT / "docs/messages"
DRAWN = FOLDER / "drawn.txt"
LARGEST = 60 * 1024
"""Bytes that a picture may have."""

MESSAGES: Mapping[str, tuple[str, str]] = {
    "firing": (
        "An alarm fires",
        "The circle and the bar are red for CRITICAL, orange for WARNING, grey for INFO. The bars are the latest "
        "values: up to half their height they are within the limit, higher and bold ones are beyond it. Then the first "
        "and the last value, and how many were beyond the limit.",
    ),
    "several_alarms": (
        "Many alarms of one endpoint",
        "One message for all of them. The headline speaks of the worst that callers notice (errors before latency, "
        "latency before CPU or memory) and counts the others; the list has them in the same order, with the variant "
        "where it is not the only one. *Last deployment* says how long before the first alarm something was changed.",
    ),
    "outage": (
        "Many endpoints at once",
        "One message for all that have one cause. The headline counts them, says what most of them have and what all "
        "of them share; the worst have a line each, then come the names of the others. It is edited as more join and "
        "as they end; the small print counts. *Acknowledge* and *Snooze* are of all, *Acknowledge one…* of one.",
    ),
    "acked": (
        "Somebody attends to it",
        "The circle stays as red as the alarm is bad; the eyes say that somebody acknowledged it, the small print who "
        "and how soon. A snoozed incident has 💤 in their place, and says until when.",
    ),
    "unstable": (
        "An alarm that does not settle",
        "After four changes within 45 minutes only this message is edited: nobody is called again until the alarm has "
        "been steady for a quarter of an hour.",
    ),
    "resolved": (
        "All clear",
        "The same message, edited. It says how long it lasted, the worst value, and from when to when. If it fired "
        "several times: `resolved · in alarm 30 min over 57 min, 10 times`. Nothing is left to do.",
    ),
    "closed_with_its_endpoint": (
        "What it was about is gone",
        "Grey and not green: nobody knows whether it was well again. Nothing is left to do.",
    ),
    "health_check_failed": (
        "An endpoint failed",
        "The headline has the likely cause in a few words, *Likely cause* in full. Below it is what SageMaker said, "
        "without secrets.",
    ),
    "job_failed": (
        "A training job failed",
        "What it ran on, for how long, and what started it. The last lines of its log are in the thread.",
    ),
    "pipeline_failed": (
        "A pipeline execution failed",
        "The headline names the step; the list has all steps in order: ✓ done and how long it took, ✗ failed, ■ not "
        "run. The cause is that of the job behind the failed step.",
    ),
    "tuning_job_with_a_hundred_trials": (
        "Many jobs of one tuning job failed",
        "Counted, not listed; the cause is named when all of which it is known have the same. The facts are those of "
        "the last one that failed.",
    ),
    "idle": (
        "Money for nothing",
        "Said in words, since `requests per hour 0 (limit 1)` says little, with what an instance costs.",
    ),
    "digest-whole_day": (
        "The daily digest",
        "Numbers first, then what is open, what failed, what is not covered and why, what idles, and the alarm that "
        "fired most often with a limit that would have kept it silent. The small print counts by kind.",
    ),
}
"""The names of their golden files in tests/unit/golden → a title, and what its parts mean."""

_MARKS_OF_PART = "<!-- generated: messages -->\n", "<!-- end of generated -->\n"


def golden(name: str) -> Path:
    """Return the file of a message: `firing` → `tests/unit/golden/slack-firing.json`."""
    return ROOT / "tests/unit/golden" / f"{name if name.startswith('digest-') else f'slack-{name}'}.json"


def picture(name: str, theme: str) -> Path:
    """Return the path of a message's picture."""
    return FOLDER / f"{name.replace('_', '-')}-{theme}.png"


def drawn_from() -> str:
    """Return a line for each message with the hash of what it is drawn from."""
    hashes = {name: hashlib.sha256(golden(name).read_bytes()).hexdigest()[:16] for name in MESSAGES}
    return "".join(f"{name} {found}\n" for name, found in hashes.items())


def lines(name: str) -> list[str]:
    """Return what a message says, line by line, as people read it."""
    message = json.loads(golden(name).read_text(encoding="utf-8"))
    message = message.get("slack", message)
    blocks = [*message.get("blocks", ()), *(b for each in message.get("attachments", ()) for b in each["blocks"])]
    return [line for text in (message["text"], *_texts(blocks)) for line in _plain(text).splitlines() if line]


def filled(page: str) -> str:
    """Return docs/messages.md with its generated part, which stands between two marks, as it should be."""
    begin, end = _MARKS_OF_PART
    before, _, rest = page.partition(begin)
    _, _, after = rest.partition(end)
    return f"{before}{begin}\n" + "\n".join(_section(name) for name in MESSAGES) + f"\n{end}{after}"


def _section(name: str) -> str:
    title, meaning = MESSAGES[name]
    light, dark = (f"messages/{picture(name, theme).name}" for theme in ("light", "dark"))
    first = [line.replace("*", "\\*") for line in lines(name)[:3]]
    quoted = "\n".join(f"> {line}<br>" for line in first).removesuffix("<br>")
    shown = (
        f'<picture>\n  <source media="(prefers-color-scheme: dark)" srcset="{dark}">\n'
        f'  <img src="{light}" width="620" alt="{title}">\n</picture>'
    )
    return f"## {title}\n\n{shown}\n\n{quoted}\n\n{meaning}\n"


def _texts(blocks: list[dict[str, Any]]) -> Iterator[str]:
    for block in blocks:
        yield from (each["text"] for each in (block.get("text"), *(block.get("fields") or ())) if each)
        if block["type"] == "context":
            yield from (each["text"] for each in block["elements"])


_MARKS = {"red_circle": "🔴", "large_orange_circle": "🟠", "white_circle": "⚪", "large_green_circle": "🟢"}
_MARKS |= {"eyes": "👀", "zzz": "💤", "x": "❌", "warning": "⚠️", "loud_sound": "🔊"}


def _plain(text: str) -> str:
    """Return mrkdwn as people read it: `<https://a.example|churn>` → `churn`."""
    named = re.sub(r"<[^<>|]+\|([^<>]+)>", r"\1", text)
    called = re.sub(r"<!subteam\^[A-Z0-9]+>", "@ml-oncall", re.sub(r"<@U0ANA>", "@ana", named))
    shown = re.sub(r":([a-z_]+):", lambda found: _MARKS.get(found[1], found[0]), called)
    return re.sub(r"[*]([^*\n]+)[*]|\b_([^_\n]+)_\b", lambda found: found[1] or found[2], shown)
