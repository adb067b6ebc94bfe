"""How the command prints what goes wrong, and what it waits for."""

from __future__ import annotations

import json
from io import StringIO

import pytest
from rich.console import Console
from typer.testing import CliRunner

from sagewatch_cli.formats import asked_format
from sagewatch_cli.main import app
from sagewatch_cli.printing import Spinner, calling, progress, waiting


@pytest.mark.parametrize(
    ("arguments", "found"),
    [
        ("plan", "table"),
        ("plan -o json", "json"),
        ("plan --output json endpoint/churn", "json"),
        ("plan --format=markdown", "markdown"),
        ("plan -fjson", "json"),
        ("plan -o json --format table", "table"),
        ("policy check FILE --output", ""),
    ],
)
def test_what_is_asked_for_is_known_before_the_options_are_checked(arguments: str, found: str) -> None:
    assert asked_format(arguments.split()) == found


@pytest.mark.parametrize("arguments", ["plan endpoint", "plan --nonsense", "nonsense", "guardrails", "policy check"])
def test_wrong_usage_is_an_object_for_programs(arguments: str) -> None:
    result = CliRunner().invoke(app, [*arguments.split(), "--output", "json"])

    error = json.loads(result.stderr)["error"]
    assert (result.exit_code, result.stdout) == (2, "")
    assert (error["code"], error["exit_code"], error["explained_in"]) == ("SW-501", 2, "docs/errors.md")
    assert error["message"]


def test_another_error_is_an_object_for_programs() -> None:
    result = CliRunner().invoke(app, ["policy", "check", "-", "-o", "json"], input="alarm: []\n")

    error = json.loads(result.stderr)["error"]
    assert (result.exit_code, error["code"], error["exit_code"]) == (5, "SW-402", 5)
    assert "-:1:1" in error["message"]


def test_what_one_run_asks_for_is_not_what_the_next_one_gets() -> None:
    CliRunner().invoke(app, ["plan", "endpoint", "-o", "json"])

    assert CliRunner().invoke(app, ["plan", "endpoint"]).stderr.startswith("Usage: ")


def terminal() -> Console:
    return Console(file=StringIO(), force_terminal=True, width=80)


def printed(console: Console) -> str:
    file = console.file
    assert isinstance(file, StringIO)
    return file.getvalue()


def test_a_terminal_is_shown_which_call_is_waited_for() -> None:
    console = terminal()

    with waiting(Spinner(console, after=0)):
        calling("sagemaker DescribeEndpoint")

    assert "Waiting for sagemaker DescribeEndpoint" in printed(console)


def test_what_is_over_within_a_second_is_not_shown() -> None:
    console = terminal()

    with waiting(Spinner(console, after=60)):
        calling("sagemaker DescribeEndpoint")

    assert printed(console) == ""


def test_where_nobody_looks_nothing_is_shown() -> None:
    console = Console(file=StringIO(), force_terminal=False)

    with waiting(Spinner(console, after=0)):
        calling("sagemaker DescribeEndpoint")

    assert printed(console) == ""


def test_a_bar_has_the_terminal_to_itself() -> None:
    console = terminal()

    with waiting(Spinner(console, after=0)):
        for _ in progress([1], "Looking at resources"):
            before = printed(console)
            calling("sagemaker DescribeEndpoint")
            assert printed(console) == before
