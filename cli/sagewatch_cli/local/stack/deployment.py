"""Puts the local stack together: emulators, doubles, and the template deployed on them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, Literal

import boto3

from sagewatch_cli.local.doubles.event_bus import EventBus
from sagewatch_cli.local.doubles.server import Doubles, doubles
from sagewatch_cli.local.doubles.slack import Slack, slack
from sagewatch_cli.local.machine.checkout import Checkout
from sagewatch_cli.local.machine.environment import ACCOUNT, AWS, REGION
from sagewatch_cli.local.stack import sam
from sagewatch_cli.local.stack.ministack import CloudWatchBy, ministack
from sagewatch_cli.local.stack.permissions import allow_by_the_names_of_ministack

SLACK_PARAMETER = "/sagewatch/slack"
PREFIX = "sagewatch"

type SlackSecret = Literal["bot", "webhook", "none"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Emulators:
    """Everything that plays the outside world, running and empty."""

    checkout: Checkout
    doubles: Doubles
    ministack: str
    slack: Slack
    cloudwatch_by: CloudWatchBy

    def endpoint(self, service: str) -> str:
        """Return the URL at which a service is answered."""
        ours = {"sagemaker"} | ({"cloudwatch"} if self.cloudwatch_by == "moto" else set())
        return self.doubles.url if service in ours else self.ministack

    def client(self, service: str) -> Any:
        """Return a client that speaks as the owner of the account."""
        return boto3.client(
            service,  # type: ignore[call-overload]  # any service
            endpoint_url=self.endpoint(service),
            region_name=REGION,
            aws_access_key_id=AWS["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=AWS["AWS_SECRET_ACCESS_KEY"],
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Stack:
    """The template deployed: its physical ids by logical ids, its outputs, its parameters."""

    emulators: Emulators
    resources: Mapping[str, str]
    outputs: Mapping[str, str]
    bus: EventBus

    def client(self, service: str) -> Any:
        return self.emulators.client(service)


@contextmanager
def emulators(checkout: Checkout, cloudwatch_by: CloudWatchBy = "moto") -> Iterator[Emulators]:
    """Start all emulators, on free ports of the loopback address, and end them with the block."""
    with doubles() as moto, slack() as chat, ministack(checkout, moto.url, cloudwatch_by) as url:
        yield Emulators(checkout=checkout, doubles=moto, ministack=url, slack=chat, cloudwatch_by=cloudwatch_by)


@contextmanager
def beside(running: Emulators, cloudwatch_by: CloudWatchBy) -> Iterator[Emulators]:
    """Start another ministack beside the doubles that run already; `cloudwatch_by` is what answers for CloudWatch."""
    with ministack(running.checkout, running.doubles.url, cloudwatch_by) as url:
        yield replace(running, ministack=url, cloudwatch_by=cloudwatch_by)


def deployed(emulators: Emulators, say: sam.Say, *, slack: SlackSecret = "bot") -> Stack:
    """Deploy what `sam build` built, with Slack's double as Slack."""
    sam.deploy(emulators.checkout, emulators.ministack, _parameters(emulators, slack), say)
    clouds = emulators.client("cloudformation")
    [described] = clouds.describe_stacks(StackName=sam.STACK)["Stacks"]
    resources = clouds.describe_stack_resources(StackName=sam.STACK)["StackResources"]
    allow_by_the_names_of_ministack(
        emulators.client("iam"),
        [each["PhysicalResourceId"] for each in resources if each["ResourceType"] == "AWS::IAM::Role"],
    )
    bus = EventBus(
        events=emulators.client("events"),
        sqs=emulators.client("sqs"),
        functions=emulators.client("lambda"),
        schedules=emulators.client("scheduler"),
    )
    return Stack(
        emulators=emulators,
        resources={each["LogicalResourceId"]: each["PhysicalResourceId"] for each in resources},
        outputs={each["OutputKey"]: each["OutputValue"] for each in described.get("Outputs", ())},
        bus=bus,
    )


def _parameters(emulators: Emulators, slack: SlackSecret) -> dict[str, str]:
    # No mail leaves the emulators; the template wants to know who hears of its own trouble, and whom a policy may page.
    pager = f"arn:aws:sns:{REGION}:{ACCOUNT}:pager"
    always = {"AlarmPrefix": PREFIX, "OperatorsEmail": "operators@example.com", "PagingTopicArns": pager}
    if slack == "none":
        return always
    secret = emulators.slack.bot if slack == "bot" else emulators.slack.webhook
    emulators.client("ssm").put_parameter(
        Name=SLACK_PARAMETER, Type="SecureString", Value=json.dumps(dict(secret)), Overwrite=True
    )
    return {**always, "SlackParameterName": SLACK_PARAMETER, "SlackApiUrl": emulators.slack.api_url}
