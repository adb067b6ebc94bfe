"""The wheel: built, installed into an empty environment, and run where there is no clone."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
UV = ROOT / ".uv" / "bin" / "uv"
HEAVY = {"boto3", "botocore", "moto", "flask", "werkzeug", "jinja2", "yaml", "rich.table"}
"""What takes long to load, and what neither the version nor a list of commands needs."""


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment with the wheel and what it declares, and nothing else; returns its `bin`."""
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    # Built from a copy: setuptools leaves its own files beside the sources.
    for each in ("layers/core/sagewatch", "cli/sagewatch_cli"):
        shutil.copytree(ROOT / each, source / each, ignore=shutil.ignore_patterns("__pycache__"))
    for each in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / each, source / each)
    uv(folder, "build", "--wheel", "--python", sys.executable, "--out-dir", "dist", str(source))
    uv(folder, "venv", "--python", sys.executable, "empty")
    [wheel] = (folder / "dist").glob("*.whl")
    uv(folder, "pip", "install", "--python", "empty/bin/python", str(wheel))
    return folder / "empty" / "bin"


def uv(folder: Path, *arguments: str) -> None:
    """Run uv outside of the clone, with its own cache."""
    subprocess.run([str(UV), "--quiet", *arguments], cwd=folder, check=True, env=plain())


def plain() -> dict[str, str]:
    """The environment without what tells Python or uv of the clone."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "VIRTUAL_ENV", "AWS"))}


def run(installed: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    command = [str(installed / "sagewatch"), *arguments]
    folder = installed.parents[1]
    return subprocess.run(command, cwd=folder, env=plain() | variables, capture_output=True, text=True, check=False)


def test_the_version_is_printed(installed: Path) -> None:
    assert run(installed, "--version").stdout.startswith("sagewatch ")


@pytest.mark.parametrize(
    "command", ["catalog", "plan", "explain", "coverage", "backtest", "guardrails", "policy", "events"]
)
def test_every_command_that_asks_aws_can_be_loaded(installed: Path, command: str) -> None:
    result = run(installed, command, "--help")

    assert (result.returncode, result.stderr) == (0, "")


def test_a_policy_is_checked_and_the_catalogue_is_printed(installed: Path, tmp_path: Path) -> None:
    policy = tmp_path / "policy.yaml"
    policy.write_text("alarms:\n- {kind: endpoint, alarm: cpu, threshold: 70}\n")

    checked, printed = run(installed, "policy", "check", str(policy)), run(installed, "catalog")

    assert checked.stdout == f"{policy} is valid: 1 rule for alarms.\n"
    assert "latency-p99" in printed.stdout


def test_the_local_stack_says_which_extra_it_needs(installed: Path) -> None:
    result = run(installed, "local", "demo")

    assert result.returncode == 1
    assert "install sagewatch[local], or run make in a clone" in result.stderr


@pytest.mark.parametrize(
    "begun",
    [
        {"arguments": "--version"},
        {"arguments": "", "_SAGEWATCH_COMPLETE": "complete_bash", "COMP_WORDS": "sagewatch pl", "COMP_CWORD": "1"},
    ],
    ids=["version", "completion"],
)
def test_the_version_and_a_completion_load_nothing_heavy(installed: Path, begun: dict[str, str]) -> None:
    variables = {name: value for name, value in begun.items() if name != "arguments"}

    result = run(installed, *begun["arguments"].split(), PYTHONPROFILEIMPORTTIME="1", **variables)

    loaded = {line.rpartition("|")[2].strip() for line in result.stderr.splitlines()}
    assert result.stdout.split()[0] in {"sagewatch", "plan"}
    assert loaded & HEAVY == set()
