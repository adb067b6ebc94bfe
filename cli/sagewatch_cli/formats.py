"""How answers and errors are printed: for reading, for programs, or for a pull request."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextvars import ContextVar
from enum import StrEnum

from sagewatch.errors import ErrorCode

NAMES = ("--output", "-o", "--format", "-f")
"""The names of the option of every command that prints something."""


class OutputFormat(StrEnum):
    """For reading, or for programs."""

    TABLE = "table"
    JSON = "json"


class RichFormat(StrEnum):
    """For reading, for programs, or for a pull request."""

    TABLE = "table"
    JSON = "json"
    MARKDOWN = "markdown"


ASKED: ContextVar[str] = ContextVar("ASKED", default=OutputFormat.TABLE)
"""What this run of the command asks for, known before its options are checked: errors are printed so, too."""


def asked_format(arguments: Sequence[str]) -> str:
    """Return what the arguments ask for: `["plan", "-o", "json"]` → `json`; `table` where they say nothing."""
    found: str = OutputFormat.TABLE
    for name, value in zip(arguments, (*arguments[1:], ""), strict=True):
        if name in NAMES:
            found = value
        elif name.startswith(("--output=", "--format=")):
            found = name.partition("=")[2]
        elif name[:2] in {"-o", "-f"} and not name.startswith("--"):
            found = name[2:].removeprefix("=")
    return found


def explained_at(code: ErrorCode) -> str:
    """Return the line that says where an error is explained: `SW-502 (docs/errors.md)`."""
    return f"{code} (docs/errors.md)"


def said_error(exit_code: int, message: str, code: ErrorCode) -> str:
    """Return an error as this run prints it; as JSON, an object `error` with its code, message and exit code."""
    if ASKED.get() == RichFormat.JSON:
        said = {"code": str(code), "message": message, "exit_code": exit_code, "explained_in": "docs/errors.md"}
        return json.dumps({"error": said}, indent=2, ensure_ascii=False)
    if ASKED.get() == RichFormat.MARKDOWN:
        return f"**Error {explained_at(code)}**\n\n```text\n{message.replace('```', chr(39) * 3)}\n```"
    return f"{message}\n{explained_at(code)}"
