"""Plays the main job from beginning to end and shows what comes of it."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from rich import box
from rich.panel import Panel
from rich.syntax import Syntax
from rich.table import Table
from rich.text import Text

from sagewatch.model import Labels
from sagewatch_cli.commands import policy
from sagewatch_cli.local.demo.slack_text import transcript
from sagewatch_cli.local.demo.steps import Narrator
from sagewatch_cli.local.demo.tables import condition, window
from sagewatch_cli.local.doubles.slack_workspace import Said
from sagewatch_cli.local.drivers.inbox import Inbox, Mail
from sagewatch_cli.local.drivers.payloads import Events
from sagewatch_cli.local.drivers.policy import PolicyDriver
from sagewatch_cli.local.drivers.sagemaker import AlarmDriver, SageMakerDriver, Variant
from sagewatch_cli.local.machine.environment import REGION
from sagewatch_cli.local.machine.waiting import until
from sagewatch_cli.local.stack import sam
from sagewatch_cli.local.stack.deployment import PREFIX, Emulators, Stack, deployed

type Alarms = Mapping[str, Mapping[str, Any]]

LATENCY = f"{PREFIX}/endpoint/churn/AllTraffic/latency-p99"
ERRORS = f"{PREFIX}/endpoint/scores/AllTraffic/errors-5xx"
POLICY = """\
alarms:
  - kind: endpoint
    alarm: latency-p99
    tags: {team: fraud}
    warning: 500ms
    critical: 800ms
"""
SECOND = 1_000_000  # µs
COLOURS: Mapping[str, str] = {"critical": "red", "warning": "yellow", "info": "blue"}
FIRST_ALARMS = 60
"""Seconds that the first alarms may take; the function starts cold."""

SLOWEST_MESSAGE = 30
"""Seconds that a message may take; its function starts cold, too."""


@dataclass(frozen=True, slots=True)
class Story:
    """The deployed stack, who plays AWS on it, and who tells what happens."""

    stack: Stack
    inbox: Inbox
    sagemaker: SageMakerDriver
    cloudwatch: AlarmDriver
    policy: PolicyDriver
    narrator: Narrator

    @classmethod
    def begin(cls, emulators: Emulators, narrator: Narrator) -> Story:
        """Build and deploy the template."""
        with narrator.step("Building the functions and their layer (sam build)") as say:
            sam.build(emulators.project, say)
        with narrator.step("Deploying the template to the emulator (sam deploy)") as say:
            stack = deployed(emulators, say)
        events = Events(emulators.project.root / "events")
        return cls(
            stack=stack,
            inbox=Inbox.subscribe(stack, stack.resources["AlertsTopic"]),
            sagemaker=SageMakerDriver(client=stack.client("sagemaker"), bus=stack.bus, events=events),
            cloudwatch=AlarmDriver(
                client=stack.client("cloudwatch"), doubles=emulators.doubles, bus=stack.bus, events=events
            ),
            policy=PolicyDriver(
                client=stack.client("ssm"), parameter=stack.resources["Policy"], bus=stack.bus, events=events
            ),
            narrator=narrator,
        )

    def tell(self) -> None:
        """Tell it all, but the end."""
        self.appear()
        self.fire_and_clear()
        self.push()
        self.fail_training()

    def appear(self) -> None:
        """Resources appear, and their alarms with them."""
        with self.narrator.step("Two endpoints, a training job on 12 hosts and a pipeline appear"):
            serverless = {"MemorySizeInMB": 2048, "MaxConcurrency": 10}
            variants = Variant("AllTraffic", "ml.m5.2xlarge", 2), Variant("canary", "ml.g5.12xlarge")
            self.sagemaker.create_endpoint("churn", *variants, tags={"team": "fraud"})
            self.sagemaker.create_endpoint("scores", Variant("AllTraffic", serverless=serverless))
            self.sagemaker.start_training_job("xgb-churn", "ml.g5.12xlarge", 12, tags={"team": "fraud"})
            self.sagemaker.create_pipeline("churn-train", "Prepare", "Train", "Register")
            made = self._until_alarms("of all four", {"churn", "scores", "xgb-churn", "churn-train"})
        self._show(_table(made))

    def fire_and_clear(self) -> None:
        """An alarm fires and clears, and people hear of both: in Slack in one message."""
        with self.narrator.step("churn becomes slow: its latency alarm fires"):
            self.cloudwatch.fire(LATENCY, 0.4 * SECOND, 0.42 * SECOND, 1.2 * SECOND, 1.5 * SECOND, 1.84 * SECOND)
            fired = self._message(0, "is there", bool)
            mail = self._next_mail()
        self._show(_slack(fired), _sns(mail))
        with self.narrator.step("It recovers: the same message turns green"):
            self.cloudwatch.clear(LATENCY, 1.9 * SECOND, 2.3 * SECOND, 0.7 * SECOND, 0.45 * SECOND, 0.43 * SECOND)
            cleared = self._message(0, "is green", lambda said: said.text.startswith(":large_green_circle:"))
        self._show(_slack(cleared))

    def push(self) -> None:
        """A policy changes a limit, and the alarms follow without a deployment."""
        before = self._alarms()
        with self.narrator.step("A pushed policy gives the latency of fraud's endpoints two limits"):
            self._push(POLICY)
            after = until("a warning beside the alarm", self._alarms, lambda alarms: f"{LATENCY}-warning" in alarms)
            after = until("both limits", self._alarms, lambda alarms: alarms[LATENCY]["Threshold"] == 0.8 * SECOND)
            self.cloudwatch.tell()
        self._show(Syntax(POLICY, "yaml", background_color="default"), _changes(before, after))

    def fail_training(self) -> None:
        """A job fails: people hear why, and its alarms go."""
        with self.narrator.step("The training job fails"):
            reason = 'AlgorithmError: ExecuteUserScriptError: ExitCode 137\nCommand "python train.py --max-depth 12"'
            self.sagemaker.end_training_job("xgb-churn", "Failed", reason)
            failed = self._message(1, "is there", bool)
            self._until_alarms("without the job's", {"churn", "scores", "churn-train"})
        self._show(_slack(failed))

    def end(self) -> None:
        """Everything is deleted, what was still open is closed, and nothing stays behind."""
        with self.narrator.step("scores fails its callers and is deleted, like all the rest"):
            self.cloudwatch.fire(ERRORS, 12.5)
            self._message(2, "is there", bool)
            self.sagemaker.delete_endpoint("churn")
            self.sagemaker.delete_endpoint("scores")
            self.sagemaker.delete_pipeline("churn-train")
            until(f"no alarm under {PREFIX}/", self._alarms, lambda alarms: not alarms)
            self.cloudwatch.tell()
            closed = self._message(2, "is closed", lambda said: "closed" in said.text)
        self._show(_slack(closed))

    def said(self) -> tuple[Said, ...]:
        """Return every message that is in Slack now, without what is in threads."""
        return tuple(each for each in tuple(self.stack.emulators.slack.workspace.said.values()) if not each.thread)

    def show_new(self, before: Sequence[Said]) -> tuple[Said, ...]:
        """Show the messages that were posted or edited since, and return those that are there now."""
        now = self.said()
        self._show(*(_slack(each) for each in now if each not in before))
        return now

    def _push(self, text: str) -> None:
        """Push a document with our own command, whose words the demo does not show, and let Parameter Store tell."""
        with TemporaryDirectory() as folder, redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
            path = Path(folder) / "policy.yaml"
            path.write_text(text)
            where = self.stack.emulators.endpoint("ssm")
            policy.push(path, yes=True, prefix=PREFIX, region=REGION, endpoint_url=where)
        self.policy.tell()

    def _alarms(self) -> Alarms:
        pages = self.stack.client("cloudwatch").get_paginator("describe_alarms").paginate(AlarmNamePrefix=f"{PREFIX}/")
        return {alarm["AlarmName"]: alarm for page in pages for alarm in page["MetricAlarms"]}

    def _until_alarms(self, what: str, resources: set[str]) -> Alarms:
        """Wait until exactly these resources have alarms and nobody is at work on them any more."""
        seen: Alarms = until(
            f"alarms {what}", self._settled, lambda alarms: _resources(alarms) == resources, within=FIRST_ALARMS
        )
        self.cloudwatch.tell()
        return seen

    def _settled(self) -> Alarms:
        url = self.stack.resources["ReconcileQueue"]
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        waiting = self.stack.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
        return {} if any(int(number) for number in waiting.values()) else self._alarms()

    def _message(self, number: int, expected: str, holds: Callable[[Said], object]) -> Said:
        """Wait until a message of the channel is as expected, and return it as it reads then."""
        channel = self.stack.emulators.slack.workspace.channel
        there = until(
            f"message {number + 1} in Slack {expected}",
            channel,
            lambda said: len(said) > number and holds(said[number]),
            within=SLOWEST_MESSAGE,
        )
        return there[number]

    def _next_mail(self) -> Mail:
        return until("a message of the alerts topic", self.inbox.read)[-1]

    def _show(self, *renderables: Table | Panel | Syntax) -> None:
        for each in renderables:
            self.narrator.console.print(each)


def _resources(alarms: Alarms) -> set[str]:
    return {name.split("/")[2] for name in alarms}


def _labels(alarm: Mapping[str, Any]) -> Labels:
    labels = Labels.of(alarm["AlarmDescription"])
    assert labels is not None
    return labels


def _severity(alarm: Mapping[str, Any]) -> Text:
    severity = _labels(alarm)["severity"]
    return Text(severity, style=COLOURS[severity])


def _table(alarms: Alarms) -> Table:
    table = Table(title=f"{len(alarms)} alarms", title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
    for column in ("Alarm", "fires when", "for", "severity"):
        table.add_column(column, no_wrap=column != "Alarm")
    for resource, some in groupby(sorted(alarms), key=lambda name: name.split("/")[:3]):
        table.add_section()
        table.add_row(Text("/".join(resource), style="bold"))
        for name in some:
            alarm = alarms[name]
            table.add_row(Text("/".join(name.split("/")[3:])), condition(alarm), window(alarm), _severity(alarm))
    return table


def _changes(before: Alarms, after: Alarms) -> Table:
    table = Table(title="What it changed", title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
    for column in ("", "Alarm", "before", "now"):
        table.add_column(column, no_wrap=True)
    for mark, name in _differences(before, after):
        was, now = (condition(alarms[name]) if name in alarms else "" for alarms in (before, after))
        table.add_row(mark, Text("/".join(name.split("/")[3:])), was, now)
    return table


def _differences(before: Alarms, after: Alarms) -> Iterable[tuple[str, str]]:
    for name in sorted(before.keys() | after.keys()):
        if name not in after:
            yield "-", name
        elif name not in before:
            yield "+", name
        elif condition(before[name]) != condition(after[name]):
            yield "~", name


def _slack(said: Said) -> Panel:
    title = "edited in Slack" if said.edits else "posted to Slack"
    return Panel(Text(transcript(said.content)), title=title, title_align="left", border_style="magenta")


def _sns(mail: Mail) -> Panel:
    attributes = ", ".join(f"{name}={value}" for name, value in sorted(mail.attributes.items()))
    text = f"{mail.text}\n\n{attributes}"
    return Panel(Text(text), title=Text(f"SNS: {mail.subject}"), title_align="left", border_style="cyan")
