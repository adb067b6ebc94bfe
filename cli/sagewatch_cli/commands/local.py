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

from sagewatch_cli.local.demo.steps import Narrator
from sagewatch_cli.local.demo.story import LATENCY, Story
from sagewatch_cli.local.machine.checkout import Project
from sagewatch_cli.local.machine.environment import AWS, isolate
from sagewatch_cli.local.machine.errors import LocalError
from sagewatch_cli.local.stack.deployment import Stack, emulators
from sagewatch_cli.local.stack.gateway import gateway

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
    console, shown = story.narrator.console, story.said()
    with gateway(story.stack.emulators.endpoint) as url:
        console.print(Text(_directions(story.stack, url)), soft_wrap=True)
        version = story.policy.version
        while True:
            time.sleep(1)
            story.cloudwatch.tell()
            for happened in story.sagemaker.advance_endpoints():
                console.print(Text(happened, style="dim"))
            if version != (version := story.policy.version):
                story.policy.tell()
                console.print(Text(f"the policy is at version {version}", style="dim"))
            shown = story.show_new(shown)


def _directions(stack: Stack, url: str) -> str:
    running, command = stack.emulators, ".venv/bin/sagewatch"
    exports = {"AWS_ENDPOINT_URL": url, **AWS}
    return "\n".join(
        (
            "Running until Ctrl-C. In another terminal, in this folder:",
            "",
            *(f"  export {name}={value}" for name, value in exports.items()),
            "",
            "  # who is watched and who is not; why an alarm is as it is; what the stack does, as it does it",
            f"  {command} coverage",
            f"  {command} explain {LATENCY}",
            f"  {command} events tail",
            "  # a sample, told in the Slack and to the topic that are played here",
            f"  {command} notify test --send",
            "  # alarms follow the policy, a second after you push it",
            f"  {command} policy edit",
            "",
            "  # with the AWS CLI: a second after you create an endpoint, it comes into service and gets its alarms",
            "  aws sagemaker create-endpoint --endpoint-name mine --endpoint-config-name "
            "$(aws sagemaker list-endpoint-configs --query 'EndpointConfigs[0].EndpointConfigName' --output text)",
            "  # any event, straight into a queue",
            f"  aws sqs send-message --queue-url {stack.resources['NotifyQueue']} \\",
            "    --message-body file://events/training-job-failed.json",
            "",
            f"What is posted to Slack is shown here. Logs: {running.project.logs}",
        )
    )


def _terminate(_signal: int, _frame: FrameType | None) -> Never:
    # So that every `with` ends what it started.
    sys.exit(128 + signal.SIGTERM)
