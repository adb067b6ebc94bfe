"""How the command starts: what is listed without loading a command is what the commands say of themselves."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from sagewatch_cli import main, start


def test_the_names_that_are_completed_are_those_of_the_commands() -> None:
    assert tuple(main.COMMANDS) == start.COMMANDS


@pytest.mark.parametrize("name", start.COMMANDS)
def test_every_command_can_be_loaded_and_says_that_it_is_there(name: str) -> None:
    command = main.load(name)

    assert command.name == name
    assert CliRunner().invoke(main.app, [name, "-h"]).exit_code == 0


@pytest.mark.parametrize(
    ("words", "at", "found"),
    [
        ("sagewatch pl", "1", ["plan"]),
        ("sagewatch ", "1", list(start.COMMANDS)),
        ("sagewatch --v", "1", None),
        ("sagewatch plan --f", "2", None),
    ],
)
def test_the_first_word_is_completed_without_loading_anything(words: str, at: str, found: list[str] | None) -> None:
    asked = {"_SAGEWATCH_COMPLETE": "complete_bash", "COMP_WORDS": words, "COMP_CWORD": at}

    assert start.completed(asked) == found


def test_without_a_shell_that_asks_nothing_is_completed() -> None:
    assert start.completed({}) is None


def test_a_command_that_is_not_there_names_those_that_are_near() -> None:
    result = CliRunner().invoke(main.app, ["plna"])

    assert result.exit_code == 2
    assert "Did you mean 'plan'?" in " ".join(result.stderr.split())
