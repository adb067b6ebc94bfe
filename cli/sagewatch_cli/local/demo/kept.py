"""Keeps the demo running until Ctrl-C, and advances it every second as time does on AWS; events follow."""

from __future__ import annotations

import time
from typing import Never

from rich.text import Text

from sagewatch_cli.local.demo.story import LATENCY, Story
from sagewatch_cli.local.machine.environment import AWS
from sagewatch_cli.local.stack.deployment import Stack
from sagewatch_cli.local.stack.gateway import gateway


def keep_running(story: Story) -> Never:
    """Print how to use the stack from another terminal, then advance it every second; ends with KeyboardInterrupt."""
    console, shown = story.printer.console, story.said()
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
            f"What is posted to Slack is shown here. Logs: {running.checkout.logs}",
        )
    )
