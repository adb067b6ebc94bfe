"""Builds and deploys the real template with the real SAM CLI."""

from __future__ import annotations

import os
import subprocess
from collections import deque
from collections.abc import Callable, Mapping, Sequence

from sagewatch_cli.local.machine.checkout import Checkout, architecture, python_folder
from sagewatch_cli.local.machine.environment import isolated
from sagewatch_cli.local.machine.errors import SamFailed
from sagewatch_cli.local.machine.processes import child

STACK = "sagewatch"

type Say = Callable[[str], None]
"""Hears each line as it is written."""


def build(checkout: Checkout, say: Say) -> None:
    """Build the functions and the layer for this machine's processor, into .aws-sam/build."""
    _sam(checkout, ("build", "--parameter-overrides", f"Architecture={architecture()}"), isolated(os.environ), say)


def deploy(checkout: Checkout, url: str, parameters: Mapping[str, str], say: Say) -> None:
    """Deploy what was built to the emulator at `url`."""
    overrides = {"Architecture": architecture(), **parameters}
    command = (
        *("deploy", "--stack-name", STACK, "--no-confirm-changeset", "--no-progressbar", "--parameter-overrides"),
        *(f"{name}={value}" for name, value in overrides.items()),
    )
    _sam(checkout, command, {**isolated(os.environ), "AWS_ENDPOINT_URL": url}, say)


def _sam(checkout: Checkout, arguments: Sequence[str], environment: Mapping[str, str], say: Say) -> None:
    env = {
        **environment,
        "PATH": f"{python_folder()}{os.pathsep}{environment.get('PATH', os.defpath)}",
        "SAM_CLI_TELEMETRY": "0",
        "PYTHONUNBUFFERED": "1",
    }
    tail: deque[str] = deque(maxlen=40)
    with child([str(checkout.sam), *arguments], env=env, cwd=checkout.root, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        for raw in process.stdout:
            if line := raw.decode(errors="replace").strip():
                tail.append(line)
                say(line)
        if process.wait() != 0:
            raise SamFailed(f"sam {arguments[0]} ended with {process.returncode}:\n" + "\n".join(tail))
