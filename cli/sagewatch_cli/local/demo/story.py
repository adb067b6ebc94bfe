"""Plays the main job from beginning to end and shows what comes of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rich.panel import Panel
from rich.syntax import Syntax
from rich.table import Table

from sagewatch_cli.local.demo.steps import StepPrinter
from sagewatch_cli.local.demo.tables import Alarms, alarm_table, change_table, mail_panel, slack_panel
from sagewatch_cli.local.doubles.slack_workspace import ShownMessage
from sagewatch_cli.local.drivers.alarms import AlarmDriver
from sagewatch_cli.local.drivers.inbox import Inbox, Mail
from sagewatch_cli.local.drivers.payloads import Events
from sagewatch_cli.local.drivers.policy import PolicyDriver
from sagewatch_cli.local.drivers.sagemaker import ProductionVariant, SageMakerDriver
from sagewatch_cli.local.machine.waiting import until
from sagewatch_cli.local.stack import sam
from sagewatch_cli.local.stack.deployment import PREFIX, Emulators, Stack, deployed

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
FIRST_ALARMS = 60
"""Seconds that the first alarms may take; the function starts cold."""

SLOWEST_MESSAGE = 30
"""Seconds that a message may take; its function starts cold, too."""


@dataclass(frozen=True, slots=True)
class Story:
    """The deployed stack, the drivers that play AWS on it, and the printer of what happens."""

    stack: Stack
    """The template, deployed."""
    inbox: Inbox
    """A subscriber of the alerts topic."""
    sagemaker: SageMakerDriver
    """Plays SageMaker."""
    cloudwatch: AlarmDriver
    """Plays the evaluation of alarms."""
    policy: PolicyDriver
    """Plays the owner who changes the policy."""
    printer: StepPrinter
    """Prints each step."""

    @classmethod
    def begin(cls, emulators: Emulators, printer: StepPrinter) -> Story:
        """Build and deploy the template."""
        with printer.step("Building the functions and their layer (sam build)") as say:
            sam.build(emulators.checkout, say)
        with printer.step("Deploying the template to the emulator (sam deploy)") as say:
            stack = deployed(emulators, say)
        events = Events(emulators.checkout.root / "events")
        return cls(
            stack=stack,
            inbox=Inbox.subscribe(stack, stack.resources["AlertsTopic"]),
            sagemaker=SageMakerDriver(client=stack.client("sagemaker"), bus=stack.bus, events=events),
            cloudwatch=AlarmDriver(
                client=stack.client("cloudwatch"), doubles=emulators.doubles, bus=stack.bus, events=events
            ),
            policy=PolicyDriver(
                client=stack.client("ssm"), parameter=stack.outputs["PolicyParameter"], bus=stack.bus, events=events
            ),
            printer=printer,
        )

    def tell(self) -> None:
        """Tell it all, but the end."""
        self.appear()
        self.fire_and_clear()
        self.push()
        self.fail_training()

    def appear(self) -> None:
        """Resources appear, and their alarms with them."""
        with self.printer.step("Two endpoints, a training job on 12 hosts and a pipeline appear"):
            serverless = {"MemorySizeInMB": 2048, "MaxConcurrency": 10}
            variants = (
                ProductionVariant("AllTraffic", "ml.m5.2xlarge", 2),
                ProductionVariant("canary", "ml.g5.12xlarge"),
            )
            self.sagemaker.create_endpoint("churn", *variants, tags={"team": "fraud"})
            self.sagemaker.create_endpoint("scores", ProductionVariant("AllTraffic", serverless=serverless))
            self.sagemaker.start_training_job("xgb-churn", "ml.g5.12xlarge", 12, tags={"team": "fraud"})
            self.sagemaker.create_pipeline("churn-train", "Prepare", "Train", "Register")
            made = self._until_alarms("of all four", {"churn", "scores", "xgb-churn", "churn-train"})
        self._show(alarm_table(made))

    def fire_and_clear(self) -> None:
        """An alarm fires and clears, and people hear of both: in Slack in one message."""
        with self.printer.step("churn becomes slow: its latency alarm fires"):
            self.cloudwatch.fire(LATENCY, 0.4 * SECOND, 0.42 * SECOND, 1.2 * SECOND, 1.5 * SECOND, 1.84 * SECOND)
            fired = self._message(0, "is there", bool)
            mail = self._next_mail()
        self._show(slack_panel(fired), mail_panel(mail))
        with self.printer.step("It recovers: the same message turns green"):
            self.cloudwatch.clear(LATENCY, 1.9 * SECOND, 2.3 * SECOND, 0.7 * SECOND, 0.45 * SECOND, 0.43 * SECOND)
            cleared = self._message(0, "is green", lambda said: said.text.startswith(":large_green_circle:"))
        self._show(slack_panel(cleared))

    def push(self) -> None:
        """A policy changes a limit, and the alarms follow without a deployment."""
        before = self._alarms()
        with self.printer.step("A pushed policy gives the latency of fraud's endpoints two limits"):
            self.policy.put(POLICY)
            after = until("a warning beside the alarm", self._alarms, lambda alarms: f"{LATENCY}-warning" in alarms)
            after = until("both limits", self._alarms, lambda alarms: alarms[LATENCY]["Threshold"] == 0.8 * SECOND)
            self.cloudwatch.tell()
        self._show(Syntax(POLICY, "yaml", background_color="default"), change_table(before, after))

    def fail_training(self) -> None:
        """A job fails: people hear why, and its alarms go."""
        with self.printer.step("The training job fails"):
            reason = 'AlgorithmError: ExecuteUserScriptError: ExitCode 137\nCommand "python train.py --max-depth 12"'
            self.sagemaker.end_training_job("xgb-churn", "Failed", reason)
            failed = self._message(1, "is there", bool)
            self._until_alarms("without the job's", {"churn", "scores", "churn-train"})
        self._show(slack_panel(failed))

    def end(self) -> None:
        """Everything is deleted, what was still open is closed, and nothing stays behind."""
        with self.printer.step("scores fails its callers and is deleted, like all the rest"):
            self.cloudwatch.fire(ERRORS, 12.5)
            self._message(2, "is there", bool)
            self.sagemaker.delete_endpoint("churn")
            self.sagemaker.delete_endpoint("scores")
            self.sagemaker.delete_pipeline("churn-train")
            until(f"no alarm under {PREFIX}/", self._alarms, lambda alarms: not alarms)
            self.cloudwatch.tell()
            closed = self._message(2, "is closed", lambda said: "closed" in said.text)
        self._show(slack_panel(closed))

    def said(self) -> tuple[ShownMessage, ...]:
        """Return every message that is in Slack now, without what is in threads."""
        return tuple(each for each in tuple(self.stack.emulators.slack.workspace.said.values()) if not each.thread)

    def show_new(self, before: Sequence[ShownMessage]) -> tuple[ShownMessage, ...]:
        """Show the messages that were posted or edited since, and return those that are there now."""
        now = self.said()
        self._show(*(slack_panel(each) for each in now if each not in before))
        return now

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
        return {} if any(map(self._waiting, ("BackfillQueue", "ReconcileQueue"))) else self._alarms()

    def _waiting(self, queue: str) -> int:
        """Return how many messages are in a queue, those included that are being worked on."""
        url = self.stack.resources[queue]
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        found = self.stack.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
        return sum(map(int, found.values()))

    def _message(self, number: int, expected: str, holds: Callable[[ShownMessage], object]) -> ShownMessage:
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
            self.printer.console.print(each)


def _resources(alarms: Alarms) -> set[str]:
    return {name.split("/")[2] for name in alarms}
