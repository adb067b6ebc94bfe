"""Starts child processes that never outlive us."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import IO, Never

_PATIENCE = 5  # s, between SIGTERM and SIGKILL


def exit_on_sigterm() -> None:
    """Have SIGTERM end this process by SystemExit, so that every `with` ends what it started; the exit code is 143."""
    signal.signal(signal.SIGTERM, _exit)


def _exit(_signal: int, _frame: FrameType | None) -> Never:
    sys.exit(128 + signal.SIGTERM)


@contextmanager
def child(
    command: Sequence[str], *, env: Mapping[str, str], cwd: Path, stdout: int | IO[bytes]
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a command with exactly this environment; however the block ends, the process has ended too."""
    process = subprocess.Popen(
        [*_tied(), *command],
        env=dict(env),
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        stdout=stdout,
        stderr=subprocess.STDOUT,
    )
    try:
        yield process
    finally:
        _end(process)


def _tied() -> tuple[str, ...]:
    # Where the kernel can (Linux), it ends the child for us should we be killed outright.
    setpriv = shutil.which("setpriv")
    return (setpriv, "--pdeathsig", "TERM") if setpriv else ()


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
    try:
        process.wait(_PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    if process.stdout:
        process.stdout.close()
