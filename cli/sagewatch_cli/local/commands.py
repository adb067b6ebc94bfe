"""The `sagewatch local` commands."""

from __future__ import annotations

import signal
import sys
import time
from contextlib import ExitStack
from types import FrameType
from typing import Annotated, Never

import typer
from rich.console import Console
from rich.text import Text

from sagewatch_cli.local.errors import LocalError
from sagewatch_cli.local.isolation import AWS, isolate
from sagewatch_cli.local.narrator import Narrator
from sagewatch_cli.local.project import Project
from sagewatch_cli.local.stack import PREFIX, Stack, emulators
from sagewatch_cli.local.story import Story

app = typer.Typer(name="local", help="AWS played on this machine: no account, no Docker.", no_args_is_help=True)


@app.callback()
def local() -> None:
    """Options that hold for every local command."""


@app.command()
def demo(
    keep: Annotated[bool, typer.Option("--keep", help="Leave everything running afterwards, until Ctrl-C.")] = False,
) -> None:
    """Deploy the template on emulators and play the main job: resources come, change, fail and go."""
    isolate()
    signal.signal(signal.SIGTERM, _terminate)
    narrator = Narrator(Console())
    try:
        _play(narrator, keep)
    except LocalError as error:
        narrator.console.print(Text(str(error), style="red"))
        raise typer.Exit(1) from error
    except KeyboardInterrupt:
        narrator.console.print("Stopped.")
        raise typer.Exit(0 if keep else 130) from None


def _play(narrator: Narrator, keep: bool) -> None:
    with ExitStack() as everything:
        with narrator.step("Starting the emulators"):
            running = everything.enter_context(emulators(Project.here()))
        story = Story.begin(running, narrator)
        story.tell()
        if keep:
            _keep(story)
        story.end()
    narrator.console.print(f"[bold]Done in {narrator.elapsed:.0f} s.[/] Nothing is left running.")


def _keep(story: Story) -> Never:
    """Leave everything running, and let time pass on it as it does on AWS."""
    console = story.narrator.console
    console.print(Text(_directions(story.stack)), soft_wrap=True)
    version = story.policy.version
    while True:
        time.sleep(1)
        story.cloudwatch.tell()
        for happened in story.sagemaker.advance_endpoints():
            console.print(Text(happened, style="dim"))
        if version != (version := story.policy.version):
            story.policy.tell()
            console.print(Text(f"the policy is at version {version}", style="dim"))


def _directions(stack: Stack) -> str:
    running = stack.emulators
    exports = {
        "AWS_ENDPOINT_URL": running.ministack,
        "AWS_ENDPOINT_URL_SAGEMAKER": running.endpoint("sagemaker"),
        "AWS_ENDPOINT_URL_CLOUDWATCH": running.endpoint("cloudwatch"),
        **AWS,
    }
    return "\n".join(
        (
            "Running until Ctrl-C. In another terminal:",
            "",
            *(f"  export {name}={value}" for name, value in exports.items()),
            "",
            "  # what is watched",
            f"  aws cloudwatch describe-alarms --alarm-name-prefix {PREFIX}/ --query 'MetricAlarms[].AlarmName'",
            "  # an endpoint of yours comes into service, and gets its alarms, a second after you create it",
            "  aws sagemaker create-endpoint --endpoint-name mine --endpoint-config-name "
            "$(aws sagemaker list-endpoint-configs --query 'EndpointConfigs[0].EndpointConfigName' --output text)",
            "  # alarms follow the policy, a second after you push it",
            "  sagewatch policy edit",
            "  # any event, straight into a queue",
            f"  aws sqs send-message --queue-url {stack.resources['ReconcileQueue']} \\",
            "    --message-body file://events/endpoint-in-service.json",
            f"  aws sqs send-message --queue-url {stack.resources['NotifyQueue']} \\",
            "    --message-body file://events/training-job-failed.json",
            "",
            f"Slack is played at {running.slack.url}. Logs: {running.project.logs}",
        )
    )


def _terminate(_signal: int, _frame: FrameType | None) -> Never:
    # So that every `with` ends what it started.
    sys.exit(128 + signal.SIGTERM)
