"""Plays the main job from beginning to end and shows what comes of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from rich import box
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from sagewatch.model import Labels
from sagewatch_cli.local import sam
from sagewatch_cli.local.conditions import condition, window
from sagewatch_cli.local.drivers import AlarmDriver, SageMakerDriver, Variant
from sagewatch_cli.local.events import Events
from sagewatch_cli.local.inbox import Inbox, Mail
from sagewatch_cli.local.narrator import Narrator
from sagewatch_cli.local.slack import Posted
from sagewatch_cli.local.stack import PREFIX, Emulators, Stack, deployed
from sagewatch_cli.local.transcript import transcript
from sagewatch_cli.local.waiting import until

type Alarms = Mapping[str, Mapping[str, Any]]

LATENCY = f"{PREFIX}/endpoint/churn/AllTraffic/latency-p99"
SECOND = 1_000_000  # µs
COLOURS: Mapping[str, str] = {"critical": "red", "warning": "yellow", "info": "blue"}
FIRST_ALARMS = 60
"""Seconds that the first alarms may take; the function starts cold."""


@dataclass(frozen=True, slots=True)
class Story:
    """The deployed stack, who plays AWS on it, and who tells what happens."""

    stack: Stack
    inbox: Inbox
    sagemaker: SageMakerDriver
    cloudwatch: AlarmDriver
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
            narrator=narrator,
        )

    def tell(self) -> None:
        """Tell it all, but the end."""
        self.appear()
        self.fire_and_clear()
        self.fail_training()
        self.change()

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
        """An alarm fires and clears, and people hear of both."""
        with self.narrator.step("churn becomes slow: its latency alarm fires"):
            self.cloudwatch.fire(LATENCY, 0.4 * SECOND, 0.42 * SECOND, 1.2 * SECOND, 1.5 * SECOND, 1.84 * SECOND)
            fired = self._next_post(0)
            mail = self._next_mail()
        self._show(_slack(fired), _sns(mail))
        with self.narrator.step("It recovers: the alarm clears"):
            self.cloudwatch.clear(LATENCY, 1.9 * SECOND, 2.3 * SECOND, 0.7 * SECOND, 0.45 * SECOND, 0.43 * SECOND)
            cleared = self._next_post(1)
        self._show(_slack(cleared))

    def fail_training(self) -> None:
        """A job fails: people hear why, and its alarms go."""
        posts = len(self.stack.emulators.slack.posted)
        with self.narrator.step("The training job fails"):
            reason = 'AlgorithmError: ExecuteUserScriptError: ExitCode 137\nCommand "python train.py --max-depth 12"'
            self.sagemaker.end_training_job("xgb-churn", "Failed", reason)
            failed = self._next_post(posts)
            self._until_alarms("without the job's", {"churn", "scores", "churn-train"})
        self._show(_slack(failed))

    def change(self) -> None:
        """An endpoint changes, and its alarms follow."""
        before = self._alarms()
        with self.narrator.step("churn moves to larger instances and drops its canary"):
            self.sagemaker.update_endpoint("churn", Variant("AllTraffic", "ml.m5.4xlarge", 2))
            after = until(
                "alarms for one variant of 16 vCPU",
                self._alarms,
                lambda alarms: (
                    not any("/canary/" in name for name in alarms)
                    and alarms[f"{PREFIX}/endpoint/churn/AllTraffic/cpu"]["Threshold"] == 90 * 16
                ),
            )
            self.cloudwatch.tell()
        self._show(_changes(before, after))

    def end(self) -> None:
        """Everything is deleted, and nothing stays behind."""
        with self.narrator.step("The endpoints and the pipeline are deleted"):
            self.sagemaker.delete_endpoint("churn")
            self.sagemaker.delete_endpoint("scores")
            self.sagemaker.delete_pipeline("churn-train")
            until(f"no alarm under {PREFIX}/", self._alarms, lambda alarms: not alarms)
            self.cloudwatch.tell()

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

    def _next_post(self, since: int) -> Posted:
        posted = self.stack.emulators.slack.posted
        until("a message in Slack", lambda: posted[since:])
        return posted[-1]

    def _next_mail(self) -> Mail:
        return until("a message of the alerts topic", self.inbox.read)[-1]

    def _show(self, *renderables: Table | Panel) -> None:
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
    table = Table(title="What changed for churn", title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
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


def _slack(posted: Posted) -> Panel:
    way = {"/api/chat.update": "edited in Slack", "/api/chat.postMessage": "posted to Slack"}.get(posted.path, "Slack")
    return Panel(Text(transcript(posted.body)), title=way, title_align="left", border_style="magenta")


def _sns(mail: Mail) -> Panel:
    attributes = ", ".join(f"{name}={value}" for name, value in sorted(mail.attributes.items()))
    text = f"{mail.text}\n\n{attributes}"
    return Panel(Text(text), title=Text(f"SNS: {mail.subject}"), title_align="left", border_style="cyan")
