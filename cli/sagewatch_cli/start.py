"""Starts the command: its version and the names of its commands are said without loading what reads options."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from importlib.metadata import version

COMMANDS = (
    "catalog",
    "guardrails",
    "plan",
    "explain",
    "coverage",
    "policy",
    "notify",
    "backtest",
    "events",
    "uninstall",
    "local",
)
"""The commands, in the order in which they are listed."""


def main() -> None:
    """Run the command that the arguments ask for."""
    if sys.argv[1:] == ["--version"]:
        sys.stdout.write(f"sagewatch {version('sagewatch')}\n")
        return
    if (found := completed(os.environ)) is not None:
        sys.stdout.write("\n".join(found))
        return
    from sagewatch_cli.main import app

    app()


def completed(environment: Mapping[str, str]) -> list[str] | None:
    """Return the commands that complete the first word, as the script of typer for bash asks; None for all else."""
    words = environment.get("COMP_WORDS", "").split()
    if environment.get("_SAGEWATCH_COMPLETE") != "complete_bash" or environment.get("COMP_CWORD") != "1":
        return None
    begun = words[1] if len(words) > 1 else ""
    return None if begun.startswith("-") else [name for name in COMMANDS if name.startswith(begun)]
