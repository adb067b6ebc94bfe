"""What the owner wants, for a command: the policy of a file, or the deployed one."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sagewatch.aws.policy_store import Standing, parsed, text_of
from sagewatch_cli.account.session import Account
from sagewatch_cli.printing import BROKEN, stop

PolicyFile = Annotated[
    Path | None,
    typer.Option("--policy", exists=True, dir_okay=False, help="A policy to try, in place of the deployed one."),
]


def parameter_of(prefix: str) -> str:
    """Return the name of the SSM parameter that the stack with this prefix keeps its policy in."""
    return f"/sagewatch/{prefix}/policy"


def standing(account: Account, prefix: str, file: Path | None) -> Standing:
    """Return what the file says, else what is deployed; a broken policy ends the command, with all its faults."""
    text = _read(file) if file else text_of(account.client("ssm"), parameter_of(prefix))
    found = parsed(text)
    if found.broken:
        stop(BROKEN, f"{file or parameter_of(prefix)} is broken:\n{found.broken}")
    return found


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except UnicodeDecodeError as wrong:
        stop(BROKEN, f"{file} is no text in UTF-8: {wrong.reason} at byte {wrong.start}")
