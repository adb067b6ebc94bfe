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
    """Return what completes the first word, and the kind in a second one, as the script of typer for bash asks.

    None for all else: there the command itself has to be loaded.
    """
    words, at = environment.get("COMP_WORDS", "").split(), environment.get("COMP_CWORD")
    if environment.get("_SAGEWATCH_COMPLETE") != "complete_bash" or at not in {"1", "2"}:
        return None
    begun = words[int(at)] if len(words) > int(at) else ""
    if begun.startswith("-") or "/" in begun:
        return None
    if at == "1":
        return [name for name in COMMANDS if name.startswith(begun)]
    return [name for name in _kinds(words[1]) if name.startswith(begun)] or None


def _kinds(command: str) -> list[str]:
    """Return the kinds that this command takes a resource of; none of one that takes none."""
    if command not in {"plan", "explain", "backtest"}:
        return []
    from sagewatch.kinds.registry import KINDS

    kinds = [f"{kind.name}/" for kind in KINDS if kind.specs or command != "backtest"]
    return [*kinds, "sagewatch/"] if command == "explain" else kinds
