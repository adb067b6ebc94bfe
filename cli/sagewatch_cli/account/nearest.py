"""Finds the names that somebody may have meant."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def near(name: str, known: Iterable[str]) -> str:
    """Return a hint that names up to three similar names, or else the first twenty that exist; empty if none do.

    `near("chrun", ["churn", "fraud"])` → `" Do you mean churn?"`
    """
    there = sorted(set(known))
    found = difflib.get_close_matches(name, there, n=3, cutoff=0.5)
    return f" Do you mean {', '.join(found)}?" if found else f" There are {', '.join(there[:20])}." if there else ""
