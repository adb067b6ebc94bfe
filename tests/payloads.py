"""The payloads in events/, by name."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

EVENTS = Path(__file__).parents[1] / "events"


def event(name: str) -> dict[str, Any]:
    """Return a fresh copy of `events/<name>.json`."""
    body: dict[str, Any] = json.loads((EVENTS / f"{name}.json").read_text())
    return body


def every_event() -> dict[str, dict[str, Any]]:
    """Return all of them by name."""
    return {path.stem: event(path.stem) for path in sorted(EVENTS.glob("*.json"))}
