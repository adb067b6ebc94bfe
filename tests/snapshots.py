"""What is printed, compared whole with text files; `SNAPSHOTS=write pytest …` writes them anew."""

from __future__ import annotations

import os
from pathlib import Path

FOLDER = Path(__file__).parent / "unit" / "snapshots"


def snapshot(name: str, printed: str) -> str:
    """Return what the file of that name says; when the environment asks for it, write the file first."""
    file = FOLDER / f"{name}.txt"
    if os.environ.get("SNAPSHOTS") == "write":
        file.write_text(printed, encoding="utf-8")
    return file.read_text(encoding="utf-8")
