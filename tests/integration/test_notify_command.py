"""`sagewatch notify test` against a policy, and sent through the function itself; a hook plays CloudFormation."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import boto3
import pytest
from click.testing import Result
from typer.testing import CliRunner

from sagewatch_cli.main import app
from tests.integration.conftest import DeployedStacks, Queue
from tests.integration.slack_double import SlackDouble
from tests.integration.test_digest import double as double
from tests.integration.test_digest import notify as notify
from tests.integration.test_digest import table as table
from tests.integration.test_notify import Inbox, run
from tests.integration.test_notify import inbox as inbox

POLICY = """
routes:
  - name: fraud
    match: {team: fraud}
    slack: C0FRAUD
    sns: default
    mention: {critical: "<!here>"}
  - name: quiet
    match: {team: quiet}
    drop: true
  - name: default
    sns: default
paging:
  critical: arn:aws:sns:us-east-1:123456789012:pager
"""


def tried(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["notify", "test", *arguments])


@pytest.fixture
def policy(tmp_path: Path) -> str:
    file = tmp_path / "policy.yaml"
    file.write_text(POLICY)
    return str(file)


def test_people_read_which_routes_it_takes_where_they_lead_and_what_is_said(policy: str) -> None:
    result = tried("--policy", policy, "--route", "team=fraud", "--route", "severity=critical")

    assert result.exit_code == 0
    head, _, message = result.stdout.partition("\n\nWhat is said:\n")
    assert head.splitlines() == [
        "Account 123456789012, us-east-1, alarms under sagewatch/, no stack of ours",
        "A notice with severity=critical kind=endpoint resource=sagewatch-test scope=TEST alarm=latency-p99 team=fraud",
        "→ fraud: matches team",
        "    Slack: C0FRAUD",
        "    SNS: the alerts topic",
        "    calls <!here>",
        "  quiet: fraud took it, and does not go on",
        "  default: fraud took it, and does not go on",
        "CloudWatch itself tells arn:aws:sns:us-east-1:123456789012:pager",
    ]
    assert message.startswith("[CRITICAL] sagewatch-test/TEST · model latency\n\n")
    assert "TEST: sent by `sagewatch notify test`." in message


def test_programs_read_the_same(policy: str) -> None:
    result = tried("--policy", policy, "--route", "severity=warning", "--format", "json")

    found = json.loads(result.stdout)
    assert [(each["name"], each["taken"]) for each in found["routes"]] == [
        ("fraud", False),
        ("quiet", False),
        ("default", True),
    ]
    assert found["labels"]["severity"] == "warning"
    assert found["messages"]["default"]["subject"] == "[WARNING] sagewatch-test/TEST · model latency"
    assert (found["paging"], found["sent"]) == ([], [])


def test_the_deployed_policy_is_read_when_none_is_given() -> None:
    boto3.client("ssm").put_parameter(Name="/sagewatch/sagewatch/policy", Type="String", Value=POLICY)

    assert "→ quiet: matches team\n    nobody: it is dropped\n" in tried("--route", "team=quiet").stdout


def test_a_name_cannot_colour_the_terminal(policy: str) -> None:
    result = tried("--policy", policy, "--route", "resource=\x1b[31m[red]x")

    assert "resource=[red]x" in result.stdout
    assert "\x1b" not in result.stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--route", "team"], "is not LABEL=VALUE"),
        (["--route", "kind=nonsense"], "there are endpoint"),
        (["--send", "--route", "resource=churn"], "no resource that there is"),
        (["--send", "--route", "kind=training-job", "--route", "parent=pipeline/p"], "no resource that there is"),
    ],
)
def test_wrong_usage_says_what_to_do(arguments: list[str], said: str) -> None:
    result = tried(*arguments)

    assert result.exit_code == 2
    assert said in " ".join(result.output.replace("│", " ").split())


def test_a_broken_policy_ends_it(tmp_path: Path) -> None:
    (tmp_path / "policy.yaml").write_text("routes: 3")

    assert tried("--policy", str(tmp_path / "policy.yaml")).exit_code == 5


# ------------------------------------------------------------------------------------------------------------- sent
class Deployed:
    """A stack whose function takes what is in its queue whenever something is put there."""

    def __init__(self, app: ModuleType) -> None:
        self.app, self.queue, self.failed = app, Queue("notify"), list[str]()
        self.works = True

    def work(self, **_: Any) -> None:
        if self.works:
            self.failed += run(self.app, *self.queue.taken())


@pytest.fixture
def deployed(
    notify: Callable[..., ModuleType], stacks: DeployedStacks, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Deployed]:
    boto3.client("ssm").put_parameter(Name="/sagewatch/sagewatch/policy", Type="String", Value=POLICY)
    there = Deployed(notify(POLICY))
    queue, table = "AWS::SQS::Queue", "AWS::DynamoDB::Table"
    stacks.deploy(NotifyQueue=(there.queue.url, queue), Incidents=("incidents", table))
    make = boto3.session.Session.client

    def made(session: Any, service: str, *args: Any, **kwargs: Any) -> Any:
        client = make(session, service, *args, **kwargs)
        if service == "sqs":
            client.meta.events.register("after-call.sqs.SendMessageBatch", there.work)
        return client

    monkeypatch.setattr(boto3.session.Session, "client", made)
    yield there
    assert there.failed == []


def test_what_is_sent_is_told_everywhere_and_ends_green(deployed: Deployed, double: SlackDouble, inbox: Inbox) -> None:
    result = tried("--send", "--route", "team=fraud")

    assert result.exit_code == 0
    told = result.stdout.partition("What was sent:\n")[2]
    assert told.splitlines() == ["✓ fraud: slack:C0FRAUD", "✓ fraud: sns:arn:aws:sns:us-east-1:123456789012:alerts"]
    said = [body["text"] for _, _, body in double.posts]
    assert ":red_circle:" in said[0]
    assert "/TEST" in said[0]
    assert [text.split()[0] for text in said[1:]] == [":large_green_circle:", ":white_check_mark:"]
    assert [each["Subject"].split()[0] for each in inbox.taken()] == ["[CRITICAL]", "[RESOLVED]"]


def test_two_trials_are_two_incidents(deployed: Deployed, inbox: Inbox) -> None:
    names = set()
    for _ in range(2):
        assert tried("--send").exit_code == 0
        names |= {each["MessageAttributes"]["incident"]["Value"] for each in inbox.taken()}

    assert len(names) == 2


def test_what_is_not_told_in_time_is_said_and_ended_all_the_same(deployed: Deployed) -> None:
    deployed.works = False

    result = tried("--send", "--wait", "0", "--route", "team=fraud")

    assert result.exit_code == 4
    assert "✗ fraud: slack\n✗ fraud: sns\n" in result.stdout
    assert "Not told within 0 s: slack of fraud, sns of fraud." in result.stderr
    assert [each["detail"]["state"]["value"] for each in deployed.queue.taken()] == ["ALARM", "OK"]


def test_what_is_dropped_is_not_sent(deployed: Deployed) -> None:
    deployed.works = False

    result = tried("--send", "--route", "team=quiet")

    assert result.exit_code == 0
    assert deployed.queue.taken() == []


def test_without_a_stack_nothing_is_sent(deployed: Deployed) -> None:
    result = tried("--send", "--stack", "other")

    assert result.exit_code == 3
    assert "There is no stack of ours called other" in result.stderr
