"""Runs ministack, the emulator that deploys the real template and executes its functions."""

from __future__ import annotations

import os
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from subprocess import Popen
from tempfile import TemporaryDirectory
from typing import Literal
from urllib.error import URLError

from sagewatch_cli.local.machine.checkout import Checkout
from sagewatch_cli.local.machine.environment import ACCOUNT, REGION
from sagewatch_cli.local.machine.errors import EmulatorDied
from sagewatch_cli.local.machine.loopback import LOOPBACK, free_port
from sagewatch_cli.local.machine.processes import child
from sagewatch_cli.local.machine.waiting import until

type CloudWatchBy = Literal["moto", "ministack"]
"""Who answers for CloudWatch.

ministack drops the queries of metric-math alarms, so what an alarm says can be asserted on moto only. moto looks for
`monitoring:` permissions, which do not exist, so what a role may do can be asserted on ministack only.
"""

LOGS_KEPT = 5
SHARED_MEMORY = "/dev/shm"
ROOM = 4 * 1024**3


@contextmanager
def ministack(checkout: Checkout, doubles_url: str, cloudwatch_by: CloudWatchBy) -> Iterator[str]:
    """Run ministack and yield its URL; SageMaker, and CloudWatch by moto, are answered at `doubles_url`."""
    port = free_port()
    url, log = f"http://{LOOPBACK}:{port}", _log(checkout.logs, port)
    with ExitStack() as everything:
        # Each container unpacks the layer anew, 40 MB that ministack leaves behind when it is ended.
        scratch = everything.enter_context(
            TemporaryDirectory(prefix="sagewatch-", dir=_memory(), ignore_cleanup_errors=True)
        )
        output = everything.enter_context(log.open("wb"))
        environment = {**_environment(port, doubles_url, cloudwatch_by), "TMPDIR": scratch}
        process = everything.enter_context(
            child([str(checkout.ministack)], env=environment, cwd=Path(scratch), stdout=output)
        )
        until(f"ministack answers at {url}, see {log}", lambda: _ready(url, process, log), within=30)
        yield url


def _memory() -> str | None:
    """Return a folder in memory, where unpacking takes an eighth of the time; None for the usual one on disk."""
    if not os.access(SHARED_MEMORY, os.W_OK):
        return None
    there = os.statvfs(SHARED_MEMORY)
    # The layer's libraries are loaded from it, which containers often forbid.
    usable = not there.f_flag & os.ST_NOEXEC and there.f_bavail * there.f_frsize >= ROOM
    return SHARED_MEMORY if usable else None


def _log(folder: Path, port: int) -> Path:
    """Return a new log's path, and drop all but the latest of the old ones."""
    for old in sorted(folder.glob("ministack-*.log"), key=lambda log: log.stat().st_mtime)[:-LOGS_KEPT]:
        old.unlink(missing_ok=True)
    return folder / f"ministack-{port}.log"


def _environment(port: int, doubles_url: str, cloudwatch_by: CloudWatchBy) -> dict[str, str]:
    """Return ministack's whole environment: functions inherit it, so more would hide what the template forgot."""
    cloudwatch = {"AWS_ENDPOINT_URL_CLOUDWATCH": doubles_url} if cloudwatch_by == "moto" else {}
    return {
        "PATH": os.defpath,
        "HOME": str(Path.home()),
        "BIND_HOST": LOOPBACK,
        "GATEWAY_PORT": str(port),
        "MINISTACK_ACCOUNT_ID": ACCOUNT,
        "MINISTACK_REGION": REGION,
        "LAMBDA_EXECUTOR": "local",
        "SFTP_ENABLED": "0",
        "AUTH": "true",
        "AWS_ENDPOINT_URL_SAGEMAKER": doubles_url,
        **cloudwatch,
    }


def _ready(url: str, process: Popen[bytes], log: Path) -> bool:
    if process.poll() is not None:
        raise EmulatorDied(f"ministack ended with {process.returncode}; its log is {log}")
    try:
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(
            f"{url}/_ministack/health", timeout=1
        ) as answer:
            status: int = answer.status
            return status == 200
    except (URLError, OSError):
        return False
