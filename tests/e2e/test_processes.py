"""However the parent ends, nothing that it started lives on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from sagewatch_cli.local.machine.processes import child
from sagewatch_cli.local.machine.waiting import until

pytestmark = pytest.mark.e2e

PARENT = """
import subprocess, sys, time
from pathlib import Path
import signal
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs ignore it
from sagewatch_cli.local.machine.processes import child, exit_on_sigterm
exit_on_sigterm()
with child(["/bin/sleep", "600"], env={}, cwd=Path("/"), stdout=subprocess.DEVNULL) as process:
    print(process.pid, flush=True)
    time.sleep(600)
"""


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    # A child of nobody that has ended stays in the table until it is reaped.
    return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the kernel does not end a killed parent's children")
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL], ids=lambda how: how.name)
def test_a_child_ends_with_its_parent(how: signal.Signals) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", PARENT], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        began = alive(pid)

        parent.send_signal(how)

        try:
            until(f"process {pid} to have ended", lambda: not alive(pid), within=5)
        finally:
            parent.kill()
    assert began


def test_a_child_sees_nothing_of_our_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://elsewhere")

    with (
        (tmp_path / "out").open("wb") as output,
        child(["/usr/bin/env"], env={"A": "1"}, cwd=tmp_path, stdout=output) as process,
    ):
        process.wait()

    assert (tmp_path / "out").read_text() == "A=1\n"


def test_a_child_that_ignores_sigterm_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sagewatch_cli.local.machine.processes._PATIENCE", 0.2)
    stubborn = (
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); time.sleep(600)"
    )

    with child([sys.executable, "-c", stubborn], env={}, cwd=tmp_path, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()

    assert process.returncode == -signal.SIGKILL
