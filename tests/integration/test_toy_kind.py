"""A kind is one module, its line in KINDS and its payloads: a copy of the project gets one, and lacks nothing."""

from __future__ import annotations

import ast
import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import pytest

from sagewatch.kinds.kind import Kind

ROOT = Path(__file__).parents[2]
TOY = ROOT / "tests/toy_kind"
MODULE = TOY / "edge_packaging_job.py"
COPIED = ("layers/core/sagewatch", "cli/sagewatch_cli", "functions", "scripts", "events", "tests/unit/golden")
STATE = "SageMaker Edge Packaging Job State Change"
CALL = "CreateEdgePackagingJob"


@dataclass(frozen=True)
class Copy:
    """A copy of the project, with the invented kind in it."""

    root: Path

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run Python on the copy's packages."""
        path = os.pathsep.join(map(str, (self.root, self.root / "layers/core", self.root / "cli")))
        return subprocess.run(
            [sys.executable, *arguments],
            cwd=self.root,
            env={**os.environ, "PYTHONPATH": path, "POWERTOOLS_LOG_LEVEL": "ERROR"},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Copy:
    root = tmp_path_factory.mktemp("copy")
    for folder in COPIED:
        shutil.copytree(ROOT / folder, root / folder, ignore=shutil.ignore_patterns("__pycache__"))
    for file in ("template.yaml", "docs/catalogue.md", "docs/messages.md"):
        (root / file).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / file, root / file)
    shutil.copy(TOY / "play.py", root / "play.py")
    add_the_kind(root)
    return Copy(root)


def add_the_kind(root: Path) -> None:
    """Add the kind to a copy: its module, its line in KINDS, its payloads."""
    kinds = root / "layers/core/sagewatch/kinds"
    shutil.copy(MODULE, kinds / MODULE.name)
    registry = (kinds / "registry.py").read_text()
    line = "from sagewatch.kinds.edge_packaging_job import EDGE_PACKAGING_JOB\n"
    registry = registry.replace("from sagewatch.kinds.endpoint", f"{line}from sagewatch.kinds.endpoint", 1)
    registry, times = re.subn(r"(KINDS.* = \(\n)", r"\1    EDGE_PACKAGING_JOB,\n", registry, count=1)
    assert times == 1
    (kinds / "registry.py").write_text(registry)
    for state in ("in-progress", "completed", "failed"):
        payload = (root / f"events/training-job-{state}.json").read_text()
        for old, new in (("TrainingJob", "EdgePackagingJob"), ("Training Job", "Edge Packaging Job")):
            payload = payload.replace(old, new)
        payload = payload.replace("training-job", "edge-packaging-job")
        (root / f"events/edge-packaging-job-{state}.json").write_text(payload)


@pytest.fixture(scope="module")
def seen(copy: Copy) -> dict[str, Any]:
    done = copy.run("play.py")
    assert done.returncode == 0, done.stderr
    [found] = [json.loads(line[5:]) for line in done.stdout.splitlines() if line.startswith("SEEN ")]
    return dict(found)


def test_an_invented_kind_goes_from_event_to_alarms_to_teardown(seen: dict[str, Any]) -> None:
    assert seen["reconciled"] == seen["torn down"] == {"batchItemFailures": []}
    assert seen["alarms"] == ["sagewatch/edge-packaging-job/xgb-churn/all/memory"]
    assert seen["alarms afterwards"] == []


def test_a_sweep_names_it(seen: dict[str, Any]) -> None:
    assert seen["named by a sweep"] == [{"kind": "edge-packaging-job", "name": "xgb-churn"}]


def test_its_failure_is_told_with_a_link_to_it_and_to_its_log(seen: dict[str, Any]) -> None:
    [message] = seen["message"]

    assert seen["told"] == {"batchItemFailures": []}
    assert "Edge packaging job failed" in message
    assert "sagemaker/home?region=us-east-1#/edge-packaging-jobs/xgb-churn" in message
    assert "logsV2:log-groups/log-group/$252Faws$252Fsagemaker$252FEdgePackagingJobs" in message


def test_the_commands_know_it(seen: dict[str, Any]) -> None:
    kinds = {each["kind"]: (each["living"], each["watched"]) for each in seen["covered"]["kinds"]}
    rows = [(each["kind"], each["id"]) for each in seen["catalogue"]["alarms"]]

    assert kinds == {"edge-packaging-job": (1, 1)}
    assert ("edge-packaging-job", "memory") in rows


def test_the_template_and_the_catalogue_are_generated_with_it(copy: Copy) -> None:
    done = copy.run("-m", "scripts.generate")

    assert done.returncode == 0, done.stderr
    template = (copy.root / "template.yaml").read_text()
    for written, times in {
        f"- {STATE}\n": 1,
        f"- {CALL}\n": 1,
        f"- detail-type: [{STATE}]\n": 1,
        "- sagemaker:DescribeEdgePackagingJob\n": 2,
        "- sagemaker:ListEdgePackagingJobs\n": 1,
        ":edge-packaging-job/*\n": 2,
        "## Edge packaging jobs": 1,
    }.items():
        assert template.count(written) == times, written
    assert "## Edge packaging job: `edge-packaging-job`" in (copy.root / "docs/catalogue.md").read_text()


@pytest.mark.parametrize("field", [each.name for each in fields(Kind)])
def test_a_field_that_is_left_out_is_named_with_its_kind(field: str) -> None:
    tree = ast.parse(MODULE.read_text())
    [call] = [each for each in ast.walk(tree) if isinstance(each, ast.Call) and getattr(each.func, "id", "") == "Kind"]
    call.keywords = [each for each in call.keywords if each.arg != field]

    with pytest.raises(TypeError) as refused:
        exec(compile(tree, MODULE.name, "exec"), {"__name__": "toy"})

    kind = None if field == "name" else "edge-packaging-job"
    assert str(refused.value) == f"kind {kind}: {field} must be declared (see kinds/kind.py)"
