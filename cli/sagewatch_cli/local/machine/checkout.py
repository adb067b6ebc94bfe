"""Knows where things are in the checkout that this command is installed from."""

from __future__ import annotations

import platform
import sys
from dataclasses import dataclass
from pathlib import Path

from sagewatch_cli.local.machine.errors import NotACheckout


@dataclass(frozen=True, slots=True)
class Checkout:
    """The repository: its template, its events, its environments."""

    root: Path

    @classmethod
    def here(cls) -> Checkout:
        """Return the checkout around this file; NotACheckout when it, or the tools it installs, are not there."""
        root = Path(__file__).resolve().parents[4]
        if not (root / "template.yaml").is_file():
            raise NotACheckout(
                f"there is no template.yaml in {root}; the local stack needs a checkout of the repository"
            )
        checkout = cls(root)
        for tool in (checkout.sam, checkout.ministack):
            if not tool.exists():
                raise NotACheckout(f"{tool} is missing; run `make setup` in {root}")
        return checkout

    @property
    def sam(self) -> Path:
        """Return the SAM CLI."""
        return self.root / ".venv-sam/bin/sam"

    @property
    def ministack(self) -> Path:
        """Return the emulator."""
        return self.root / ".venv-emu/bin/ministack"

    @property
    def runtime(self) -> Path:
        """Return the Python with Lambda's runtime client."""
        return self.root / ".venv-rt/bin/python"

    @property
    def build(self) -> Path:
        """Return where `sam build` puts the functions."""
        return self.root / ".aws-sam/build"

    @property
    def logs(self) -> Path:
        """Return the folder of the logs; makes it."""
        logs = self.root / ".cache/local"
        logs.mkdir(parents=True, exist_ok=True)
        return logs


def architecture() -> str:
    """Return Lambda's name for this machine's processor."""
    return {"aarch64": "arm64", "arm64": "arm64"}.get(platform.machine(), "x86_64")


def python_folder() -> Path:
    """Return the folder of the interpreter that .venv was made from; `sam build` wants its `python3.13` and pip."""
    base: str = getattr(sys, "_base_executable", sys.executable)
    return Path(base).resolve().parent
