"""What a release promises: one version everywhere, equal builds, audits that looked at something, pinned actions."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from sagewatch import __version__
from scripts.release import main
from tests.template import template

ROOT = Path(__file__).parents[2]
WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))


def written(folder: Path, name: str, content: object) -> str:
    text = content if isinstance(content, str) else json.dumps(content)
    (folder / name).write_text(text)
    return str(folder / name)


@pytest.fixture
def wanted(tmp_path: Path) -> str:
    return written(
        tmp_path, "requirements.txt", "boto3==1.44.5 \\\n    --hash=sha256:00\nPy_YAML==6.0 ; python_version > '3'\n"
    )


def report(*dependencies: dict[str, Any]) -> dict[str, Any]:
    """Return what pip-audit writes with --format json (its README, "JSON")."""
    return {"dependencies": list(dependencies), "fixes": []}


def looked_at(name: str, version: str, *flaws: str) -> dict[str, Any]:
    return {"name": name, "version": version, "vulns": [{"id": each, "fix_versions": []} for each in flaws]}


# ------------------------------------------------------------------------------------------------------------ version
def test_there_is_one_version() -> None:
    metadata = template()["Metadata"]["AWS::ServerlessRepo::Application"]
    newest = re.search(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)

    assert newest
    assert {
        tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"],
        metadata["SemanticVersion"],
        template()["Outputs"]["Version"]["Value"],
        newest[1],
    } == {__version__}


def test_each_function_logs_the_version() -> None:
    handlers = sorted((ROOT / "functions").glob("*/app.py"))

    assert handlers
    assert [path.parent.name for path in handlers if "version=__version__)" not in path.read_text()] == []


def test_the_repository_of_applications_takes_the_metadata() -> None:
    """The limits are those of the AWS SAM Developer Guide, "AWS SAM template Metadata section properties"."""
    metadata = template()["Metadata"]["AWS::ServerlessRepo::Application"]

    assert re.fullmatch(r"[a-zA-Z0-9-]{1,140}", metadata["Name"])
    assert re.fullmatch(r"[a-z0-9](([a-z0-9]|-(?!-))*[a-z0-9])?", metadata["Author"])
    assert 1 <= len(metadata["Description"]) <= 256
    assert len(metadata["Labels"]) <= 10
    assert all(re.fullmatch(r"[a-zA-Z0-9+\-_:/@]{1,127}", label) for label in metadata["Labels"])
    assert all((ROOT / metadata[name]).is_file() for name in ("LicenseUrl", "ReadmeUrl"))


# ----------------------------------------------------------------------------------------------------------- workflows
@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
def test_a_workflow_reads_by_default_and_pins_each_action_by_its_commit(workflow: Path) -> None:
    found = yaml.safe_load(workflow.read_text())
    used = [step["uses"] for job in found["jobs"].values() for step in job["steps"] if "uses" in step]

    assert found["permissions"] == {"contents": "read"}
    assert used
    assert [each for each in used if not re.fullmatch(r"[\w.-]+/[\w./-]+@[0-9a-f]{40}", each)] == []


def test_bytecode_names_files_as_they_are_in_lambda() -> None:
    """The whole layer is built twice and compared by `make reproducible`, which needs the network."""
    assert '-s "$(ARTIFACTS_DIR)/python" -p /opt/python' in (ROOT / "layers/core/Makefile").read_text()


# -------------------------------------------------------------------------------------------------------------- checks
def test_equal_builds_are_equal_and_others_are_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    one, other, empty = (tmp_path / name for name in ("one", "other", "empty"))
    for folder in (one, other, empty):
        folder.mkdir()
    written(one, "a.py", "a")
    written(other, "a.py", "a")

    assert main("same", str(one), str(other)) == 0
    written(other, "b.pyc", "b")
    assert main("same", str(one), str(other)) == 1
    assert "1 of 2 files differ: b.pyc" in capsys.readouterr().err
    assert main("same", str(empty), str(empty)) == 1


def test_an_audit_that_looked_at_everything_and_found_nothing_passes(tmp_path: Path, wanted: str) -> None:
    found = report(looked_at("boto3", "1.44.5"), looked_at("py-yaml", "6.0"))

    assert main("audited", written(tmp_path, "audit.json", found), wanted) == 0


@pytest.mark.parametrize(
    ("found", "says"),
    [
        ("", "nothing was looked at"),
        (report(), "differ about boto3, py-yaml"),
        (report(looked_at("boto3", "1.44.5")), "differ about py-yaml"),
        (report(looked_at("boto3", "1.0"), looked_at("py-yaml", "6.0")), "differ about boto3"),
        (report({"name": "boto3", "skip_reason": "not found on PyPI"}), "could not be audited"),
        (report(looked_at("boto3", "1.44.5", "PYSEC-1"), looked_at("py-yaml", "6.0")), "boto3 1.44.5: PYSEC-1"),
    ],
)
def test_an_audit_that_did_not_look_at_everything_fails(
    found: object, says: str, tmp_path: Path, wanted: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main("audited", written(tmp_path, "audit.json", found), wanted) == 1
    assert says in capsys.readouterr().err


def test_an_audit_that_could_not_run_fails(tmp_path: Path, wanted: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main("audited", str(tmp_path / "audit.json"), wanted) == 1
    assert "could not run" in capsys.readouterr().err


def test_a_list_of_parts_is_complete_or_refused(tmp_path: Path, wanted: str) -> None:
    parts = [{"name": "boto3", "version": "1.44.5"}, {"name": "py-yaml", "version": "6.0"}]

    assert main("listed", written(tmp_path, "sbom.json", {"components": parts}), wanted) == 0
    assert main("listed", written(tmp_path, "sbom.json", {"components": parts[:1]}), wanted) == 1
    assert main("listed", written(tmp_path, "sbom.json", {"components": []}), wanted) == 1
