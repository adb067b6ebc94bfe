"""Measures the CPU time that the command takes before it does anything: the least of several runs, as users start it.

Run: .venv/bin/python -m benchmarks.start_command
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from pathlib import Path

from rich.console import Console
from rich.table import Table

RUNS = 7
COMMAND = Path(sys.executable).with_name("sagewatch")
COMPLETION = {"_SAGEWATCH_COMPLETE": "complete_bash", "COMP_WORDS": "sagewatch pl", "COMP_CWORD": "1"}
NOWHERE = dict.fromkeys(("AWS_PROFILE", "AWS_REGION", "AWS_DEFAULT_REGION"), "") | dict.fromkeys(
    ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"), os.devnull
)
"""Without a Region the command ends where it would make its first client."""

CASES: tuple[tuple[str, tuple[str, ...], dict[str, str], float], ...] = (
    ("--version", ("--version",), {}, 0.35),
    ("completion of a command", (), COMPLETION, 0.35),
    ("catalog", ("catalog", "--format", "json"), {}, 0.6),
    ("completion of a kind", (), COMPLETION | {"COMP_WORDS": "sagewatch plan en", "COMP_CWORD": "2"}, 0.35),
    ("plan, until its first call", ("plan", "--output", "json"), NOWHERE, 0.6),
)
"""What is started, how, and the goal in seconds of CPU."""


def cpu(arguments: tuple[str, ...], variables: dict[str, str]) -> float:
    """Return the seconds of CPU, user's and system's, of one run."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([COMMAND, *arguments], env=os.environ | variables, capture_output=True, check=False)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    """Print a line for each case."""
    table = Table("start of", "CPU s", "goal")
    for title, arguments, variables, goal in CASES:
        table.add_row(title, f"{min(cpu(arguments, variables) for _ in range(RUNS)):.2f}", f"≤ {goal}")
    Console().print(table)


if __name__ == "__main__":
    main()
