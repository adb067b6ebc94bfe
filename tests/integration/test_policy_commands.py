"""`sagewatch policy`: what it says of a document, and that only push and edit write it."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import boto3
import pytest
from click.testing import Result
from typer.testing import CliRunner

from sagewatch_cli.main import app
from tests.integration.conftest import Fleet
from tests.resources import PLAIN_VARIANT

PARAMETER = "/sagewatch/sagewatch/policy"
GOOD = "alarms:\n  - alarm: cpu\n    threshold: 80%\nbudget: 25\n"
BROKEN = "alarms:\n  - alarm: cpu\n    treshold: 80%\n"


def run(*arguments: str, typed: str | None = None) -> Result:
    return CliRunner().invoke(app, ["policy", *arguments], input=typed)


def written(folder: Path, text: str) -> str:
    """Write a document and return its path."""
    file = folder / "policy.yaml"
    file.write_text(text)
    return str(file)


def deployed() -> tuple[str, int]:
    """Return the text in the parameter, and its version."""
    found = boto3.client("ssm").get_parameter(Name=PARAMETER)["Parameter"]
    return found["Value"], found["Version"]


@pytest.fixture
def stack() -> None:
    """The parameter as a deployment makes it."""
    boto3.client("ssm").put_parameter(Name=PARAMETER, Value="# As deployed.\n", Type="String")


def test_a_valid_document_is_said_to_hold_what_it_holds(tmp_path: Path) -> None:
    result = run("check", written(tmp_path, GOOD))

    assert result.exit_code == 0
    assert result.stdout.endswith("policy.yaml is valid: 1 rule for alarms, a budget of $25.00 a month.\n")


def test_a_document_that_says_nothing_is_valid(tmp_path: Path) -> None:
    result = run("check", written(tmp_path, "# nothing yet\n"))

    assert result.stdout.endswith("is valid: it changes nothing.\n")


def test_a_fault_is_pointed_at_as_compilers_do(tmp_path: Path) -> None:
    file = written(tmp_path, BROKEN)

    result = run("check", file)

    assert result.exit_code == 5
    assert result.stdout == ""
    first, line, caret, code = result.stderr.splitlines()
    assert code == "SW-402 (docs/errors.md)"
    assert first.startswith(f"{file}:3:5: ")
    assert (line, caret) == ("        treshold: 80%", "        ^")


def test_a_document_cannot_steer_the_terminal_that_shows_its_faults(tmp_path: Path) -> None:
    result = run("check", written(tmp_path, "budget: \x1b[31m5\n"))

    assert result.exit_code == 5
    assert result.stderr.splitlines()[1:] == ["    budget:  [31m5", "            ^", "SW-402 (docs/errors.md)"]


def test_a_check_for_programs_names_every_fault(tmp_path: Path) -> None:
    good = json.loads(run("check", written(tmp_path, GOOD), "--format", "json").stdout)
    broken = json.loads(run("check", written(tmp_path, BROKEN), "--format", "json").stdout)

    assert (good["valid"], good["holds"]["alarms"], good["faults"]) == (True, 1, [])
    assert broken["valid"] is False
    assert [(each["line"], each["column"]) for each in broken["faults"]] == [(3, 5)]


def test_a_document_that_is_not_there_is_wrong_usage() -> None:
    result = run("check", "nowhere.yaml")

    assert result.exit_code == 2
    assert "nowhere.yaml cannot be read: No such file or" in result.stderr


def test_a_document_may_come_from_standard_input() -> None:
    result = run("check", "-", typed=GOOD)

    assert result.stdout == "- is valid: 1 rule for alarms, a budget of $25.00 a month.\n"


@pytest.mark.parametrize(
    ("content", "says"),
    [(b"budget: \xff", "is not text in UTF-8: byte 8"), (b"#" * 9000, "9,000 bytes are too many")],
)
def test_what_no_parameter_can_hold_is_broken(tmp_path: Path, content: bytes, says: str) -> None:
    file = tmp_path / "policy.yaml"
    file.write_bytes(content)

    result = run("check", str(file))

    assert result.exit_code == 5
    assert says in result.stderr


def test_show_prints_the_document_and_whose_it_is(stack: None) -> None:
    result = run("show")

    assert result.exit_code == 0
    assert result.stdout == "# As deployed.\n"
    where, version = result.stderr.splitlines()
    assert where == "Account 123456789012, us-east-1, alarms under sagewatch/, no stack of ours"
    assert version.startswith(f"{PARAMETER}, version 1, 20")
    assert result.stderr.endswith("by N/A\n")  # as moto calls everybody


def test_show_for_programs_says_the_same(stack: None) -> None:
    data: dict[str, Any] = json.loads(run("show", "--format", "json").stdout)

    assert (data["parameter"], data["version"], data["text"]) == (PARAMETER, 1, "# As deployed.\n")


@pytest.mark.parametrize("command", [("show",), ("push", "FILE", "--yes"), ("edit",)])
def test_without_a_stack_there_is_nothing_to_write_to(tmp_path: Path, command: tuple[str, ...]) -> None:
    arguments = [written(tmp_path, GOOD) if each == "FILE" else each for each in command]

    result = run(*arguments)

    assert result.exit_code == 4
    assert result.stderr.startswith(f"There is no parameter {PARAMETER}")
    assert "--prefix" in result.stderr
    assert boto3.client("ssm").describe_parameters()["Parameters"] == []


def test_push_shows_what_differs_asks_and_writes(stack: None, tmp_path: Path) -> None:
    result = run("push", written(tmp_path, GOOD), typed="y\n")

    assert result.exit_code == 0
    assert "-# As deployed.\n+alarms:\n+  - alarm: cpu\n" in result.stderr
    assert result.stdout.endswith(f"{PARAMETER} is at version 2.\n")
    assert deployed() == (GOOD, 2)


@pytest.mark.parametrize("typed", ["n\n", ""])
def test_push_writes_nothing_without_consent(stack: None, tmp_path: Path, typed: str) -> None:
    result = run("push", written(tmp_path, GOOD), typed=typed)

    assert result.exit_code == 1
    assert deployed() == ("# As deployed.\n", 1)


def test_push_refuses_a_broken_document(stack: None, tmp_path: Path) -> None:
    result = run("push", written(tmp_path, BROKEN), "--yes")

    assert result.exit_code == 5
    assert ":3:5: " in result.stderr
    assert deployed() == ("# As deployed.\n", 1)


def test_push_of_the_same_text_writes_no_version(stack: None, tmp_path: Path) -> None:
    result = run("push", written(tmp_path, "# As deployed.\n"), "--format", "json")

    assert json.loads(result.stdout) == {"parameter": PARAMETER, "version": 1, "written": False}
    assert deployed()[1] == 1


def test_an_empty_document_is_written_as_a_comment_since_ssm_takes_no_empty_value(stack: None, tmp_path: Path) -> None:
    result = run("push", written(tmp_path, "\n"), "--yes")

    assert result.exit_code == 0
    text, version = deployed()
    assert (text.startswith("# "), version) == (True, 2)


def test_a_document_from_standard_input_leaves_nobody_to_ask(stack: None) -> None:
    refused, pushed = run("push", "-", typed=GOOD), run("push", "-", "--yes", typed=GOOD)

    assert (refused.exit_code, pushed.exit_code) == (2, 0)
    assert deployed() == (GOOD, 2)


HOOKED = (
    "routes:\n  - name: audit\n    webhook: {url: URL, secret: 'ssm:/audit'}\n"
    "paging: {critical: arn:aws:sns:us-east-1:123456789012:pager}\n"
)


@pytest.fixture
def limited() -> None:
    """A stack with two of the parameters that limit a policy; CloudFormation's double makes it."""
    name = {"Type": "String", "Default": ""}
    template = {
        "Parameters": {"WebhookHosts": name, "PagingTopicArns": name},
        "Resources": {"Topic": {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": "alerts"}}},
        "Outputs": {"AlertsTopicArn": {"Value": {"Ref": "Topic"}}},
    }
    made = boto3.client("cloudformation").create_stack(
        StackName="sagewatch",
        TemplateBody=json.dumps(template),
        Parameters=[
            {"ParameterKey": "WebhookHosts", "ParameterValue": "hooks.example.com,*.example.org"},
            {"ParameterKey": "PagingTopicArns", "ParameterValue": "arn:aws:sns:us-east-1:123456789012:night"},
        ],
    )
    boto3.client("ssm").put_parameter(Name="/sagewatch/sagewatch/stack", Value=made["StackId"], Type="String")


@pytest.mark.parametrize("command", [("check", "--stack"), ("push", "--yes")])
def test_what_leads_beyond_the_parameters_of_the_stack_is_said(
    limited: None, tmp_path: Path, command: tuple[str, ...]
) -> None:
    document = written(tmp_path, HOOKED.replace("URL", '"https://hooks.example.net/a"'))

    result = run(*command, document)

    assert result.exit_code == 5
    hosts = (
        "hooks.example.net is not among the WebhookHosts of the stack (hooks.example.com, *.example.org); add it there"
    )
    assert f":3:20: routes[0].webhook.url: {hosts}" in result.stderr
    assert "`arn:aws:sns:us-east-1:123456789012:pager` is not among the PagingTopicArns of the stack" in result.stderr


def test_what_the_parameters_of_the_stack_allow_is_valid(limited: None, tmp_path: Path) -> None:
    own = "arn:aws:sns:us-east-1:123456789012:alerts"
    text = HOOKED.replace("URL", '"https://a.example.org/"').replace("arn:aws:sns:us-east-1:123456789012:pager", own)

    assert run("check", "--stack", written(tmp_path, text)).exit_code == 0


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:9001/2018-06-01/runtime/init/error", "https://169.254.169.254/latest"]
)
def test_an_address_of_the_machine_itself_is_refused_whatever_the_stack_says(tmp_path: Path, url: str) -> None:
    result = run("check", written(tmp_path, HOOKED.replace("URL", f'"{url}"')))

    assert result.exit_code == 5
    assert "routes[0].webhook.url: The webhook of" in result.stderr


def test_the_first_push_makes_the_parameter_of_a_stack(tmp_path: Path) -> None:
    boto3.client("ssm").put_parameter(Name="/sagewatch/sagewatch/stack", Value="arn", Type="String")

    shown, pushed = run("show"), run("push", written(tmp_path, GOOD), "--yes")

    assert (shown.exit_code, pushed.exit_code) == (4, 0)
    assert deployed() == (GOOD, 1)


# ---------------------------------------------------------------------------------------------------- editing
@pytest.fixture
def drafts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder that unfinished documents are kept in."""
    folder = tmp_path / "drafts"
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    return folder


def edits(monkeypatch: pytest.MonkeyPatch, folder: Path, *texts: str) -> None:
    """Have an editor that writes one text after the other."""
    for number, text in enumerate(texts):
        (folder / f"{number}.txt").write_text(text)
    script = folder / "editor.py"
    script.write_text(
        "import pathlib, sys\n"
        "here = pathlib.Path(__file__).parent\n"
        "next_ = min(here.glob('*.txt'))\n"
        "pathlib.Path(sys.argv[1]).write_text(next_.read_text())\n"
        "next_.unlink()\n"
    )
    monkeypatch.setenv("VISUAL", f"{sys.executable} {script}")


def test_what_was_edited_is_pushed(stack: None, drafts: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    edits(monkeypatch, tmp_path, GOOD)

    result = run("edit", "--yes")

    assert result.exit_code == 0, result.stderr
    assert deployed() == (GOOD, 2)
    assert list(drafts.iterdir()) == []


def test_a_fault_can_be_mended(stack: None, drafts: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    edits(monkeypatch, tmp_path, BROKEN, GOOD)

    result = run("edit", "--yes", typed="y\n")

    assert ":3:5: " in result.stderr
    assert deployed() == (GOOD, 2)


@pytest.mark.parametrize(("text", "code"), [(BROKEN, 5), (GOOD, 1)])
def test_what_is_not_pushed_is_kept(
    stack: None, drafts: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, code: int
) -> None:
    edits(monkeypatch, tmp_path, text)

    result = run("edit", typed="n\n")

    [draft] = drafts.iterdir()
    assert result.exit_code == code
    assert draft.read_text() == text
    assert f"What you wrote is in {draft}" in result.stderr
    assert deployed() == ("# As deployed.\n", 1)


def test_what_somebody_else_wrote_meanwhile_is_not_overwritten(
    stack: None, drafts: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    edits(monkeypatch, tmp_path, GOOD)
    theirs = boto3.client("ssm")
    make, asked = boto3.session.Session.client, iter((False, True))

    def meanwhile(params: Any, **_: Any) -> None:
        # The first that reads the policy; commands also read the parameter that names the stack.
        if PARAMETER in str(params["body"]) and next(asked, False):
            theirs.put_parameter(Name=PARAMETER, Value="# Theirs.\n", Type="String", Overwrite=True)

    def made(session: Any, service: str, *args: Any, **kwargs: Any) -> Any:
        client = make(session, service, *args, **kwargs)
        client.meta.events.register("before-call.ssm.GetParameter", meanwhile)
        return client

    monkeypatch.setattr(boto3.session.Session, "client", made)

    result = run("edit", "--yes")

    assert result.exit_code == 7
    assert "was changed after it was read" in result.stderr
    assert [each.read_text() for each in drafts.iterdir()] == [GOOD]


def test_an_editor_that_is_not_there_is_named(stack: None, drafts: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VISUAL", "no-such-editor")

    result = run("edit")

    assert result.exit_code == 1
    assert result.stderr.startswith("no-such-editor did not edit the document")


# ---------------------------------------------------------------------------------------------------- plan --policy
def test_a_plan_under_a_broken_policy_is_no_plan(stack: None, tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["plan", "--policy", written(tmp_path, BROKEN)])

    assert result.exit_code == 5
    assert "line 3, column 5" in result.stderr


def test_a_plan_is_of_the_deployed_policy_unless_a_file_is_named(stack: None, tmp_path: Path, fleet: Fleet) -> None:
    fleet.endpoint()
    run("push", written(tmp_path, "alarms:\n  - kind: endpoint\n    alarm: cpu\n    off: true\n"), "--yes")

    deployed_ = CliRunner().invoke(app, ["plan", "--format", "json"])
    tried = CliRunner().invoke(app, ["plan", "--format", "json", "--policy", written(tmp_path, GOOD)])

    assert json.loads(deployed_.stdout)["summary"]["create"] == len(PLAIN_VARIANT) - 1
    assert json.loads(tried.stdout)["summary"]["create"] == len(PLAIN_VARIANT)
