"""Every error that a user can meet has a code, and docs/errors.md a section of each code."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from itertools import chain, takewhile
from pathlib import Path

import pytest
from typer.testing import CliRunner

from sagewatch.errors import BadSetting, ErrorCode, NotAllowed, Retry, SagewatchError, Undeliverable
from sagewatch.settings import SweepSettings
from sagewatch_cli.local.machine.errors import LocalError
from sagewatch_cli.main import app

ROOT = Path(__file__).parents[2]
SOURCE = sorted(chain.from_iterable((ROOT / at).rglob("*.py") for at in ("layers/core/sagewatch", "cli", "functions")))
SECTIONS = dict(
    re.findall(r"^### (\S+)\n(.*?)(?=^##|\Z)", (ROOT / "docs/errors.md").read_text(), re.MULTILINE | re.DOTALL)
)


@cache
def trees() -> tuple[tuple[Path, ast.AST], ...]:
    return tuple((path, ast.parse(path.read_text())) for path in SOURCE)


def calls(of: tuple[str, ...], among: str = "") -> Iterator[tuple[str, ast.Call]]:
    """Yield the calls of functions and methods with these names, and where they are."""
    for path, tree in trees():
        for node in ast.walk(tree):
            name = isinstance(node, ast.Call) and (getattr(node.func, "id", "") or getattr(node.func, "attr", ""))
            if name in of and among in str(path):
                assert isinstance(node, ast.Call)
                yield f"{path.relative_to(ROOT)}:{node.lineno}", node


def descendants(kind: type) -> Iterator[type]:
    for each in kind.__subclasses__():
        yield each
        yield from descendants(each)


def test_each_code_has_its_section_and_each_section_its_code_in_the_same_order() -> None:
    assert list(SECTIONS) == [str(code) for code in ErrorCode]


@pytest.mark.parametrize("code", SECTIONS)
def test_a_section_says_what_happened_what_was_lost_and_what_to_do_and_ends_in_a_command(code: str) -> None:
    parts = re.findall(r"^\*\*(What [a-z ]+)\.\*\* \S", SECTIONS[code], re.MULTILINE)

    assert parts == ["What happened", "What was lost", "What to do"]
    assert re.search(r"```console\n\$ .+\n```\s*\Z", SECTIONS[code])


def test_each_code_is_used() -> None:
    used = {
        node.attr
        for _, tree in trees()
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "ErrorCode"
    }

    assert used == set(ErrorCode.__members__)


def test_each_class_of_errors_has_a_code() -> None:
    kinds = [*descendants(SagewatchError), *descendants(LocalError)]

    assert len(kinds) > len(SagewatchError.__subclasses__())
    assert [kind.__name__ for kind in kinds if not isinstance(getattr(kind, "code", None), ErrorCode)] == []


def test_what_a_receiver_or_a_secret_is_refused_for_is_not_called_a_malformed_message() -> None:
    """The code of Undeliverable itself is that of a malformed message in a queue."""
    found = [*calls(("Undeliverable",), "/receivers/"), *calls(("Undeliverable",), "/aws/")]

    assert found
    assert [where for where, call in found if "code" not in {each.arg for each in call.keywords}] == []


def test_each_warning_and_error_in_the_log_carries_a_code() -> None:
    """Those of `note`, whose words are the arguments, too."""
    logged = [
        (where, "code" in ast.unparse(call))
        for where, call in chain(calls(("warning", "error", "exception", "critical"), "/functions/"), calls(("note",)))
    ]

    assert logged
    assert [where for where, has_code in logged if not has_code] == []


def test_the_code_of_a_class_holds_unless_another_is_given() -> None:
    assert NotAllowed("denied").code == ErrorCode.NOT_ALLOWED
    assert Retry("soon").code == ErrorCode.AWS_FAILED
    assert Undeliverable("no", code=ErrorCode.SECRET_MALFORMED).code == "SW-208"


def test_a_function_that_cannot_start_says_the_code_in_the_text_that_lambda_logs() -> None:
    with pytest.raises(BadSetting, match=r"^RECONCILE_QUEUE_URL is not set.*\(SW-401\)$"):
        SweepSettings.read({})


def test_a_broken_policy_is_said_with_its_code(tmp_path: Path) -> None:
    (tmp_path / "policy.yaml").write_text("alarm: []\n")

    result = CliRunner().invoke(app, ["policy", "check", str(tmp_path / "policy.yaml")])

    assert result.exit_code == 5
    assert result.stderr.endswith("\nSW-402 (docs/errors.md)\n")


@pytest.mark.parametrize("arguments", ["nonsense", "plan --nonsense", "guardrails", "policy check", "plan endpoint"])
def test_wrong_usage_is_said_with_its_code(arguments: str) -> None:
    result = CliRunner().invoke(app, arguments.split())

    assert result.exit_code == 2
    assert "SW-501" in result.stderr


@pytest.mark.parametrize("arguments", ["", "policy", "--help"])
def test_help_is_no_error(arguments: str) -> None:
    assert "SW-501" not in CliRunner().invoke(app, arguments.split()).output


def symptoms() -> dict[str, str]:
    """Return the sections of the troubleshooting guide by their titles."""
    guide = (ROOT / "docs/operations.md").read_text().partition("\n## Troubleshooting\n")[2].partition("\n## ")[0]
    return dict(re.findall(r"^### (.+?)\n(.*?)(?=^### |\Z)", guide, re.MULTILINE | re.DOTALL))


def test_each_symptom_ends_in_a_command() -> None:
    found = symptoms()

    assert {"No alarms for my endpoint", "No message in Slack", "Too many alarms, or too many messages"} <= set(found)
    assert [title for title, text in found.items() if not re.search(r"```console\n(\$ .+\n)+```\s*\Z", text)] == []


def advised() -> list[str]:
    """Return the commands of ours that the two pages name, each once."""
    pages = (ROOT / "docs/errors.md", ROOT / "docs/operations.md")
    return sorted({each for page in pages for each in re.findall(r"\bsagewatch ([a-z][^|>&\n`]*)\n", page.read_text())})


@pytest.mark.parametrize("command", advised())
def test_a_command_of_the_guide_exists_with_its_options(command: str) -> None:
    words = command.split()
    known = list(takewhile(str.isalpha, words[:2] if words[0] in {"policy", "notify", "events"} else words[:1]))

    shown = CliRunner().invoke(app, [*known, "--help"], env={"COLUMNS": "200", "TERMINAL_WIDTH": "200"})

    assert shown.exit_code == 0
    assert [word for word in words if word.startswith("--") and word not in shown.output] == []
