"""Finds the stack that owns a prefix: it has a parameter with its id."""

from __future__ import annotations

import os

from sagewatch.aws.retries import retried
from sagewatch.policy.limits import Limits
from sagewatch.settings import names_emulators
from sagewatch_cli.account.policy import deployed_document
from sagewatch_cli.account.session import Account


def stack_parameter(prefix: str) -> str:
    """Return the name of the SSM parameter by which a stack owns its prefix; its value is the stack's id."""
    return f"/sagewatch/{prefix}/stack"


def living_stack(account: Account, prefix: str) -> str | None:
    """Return the id of the stack that owns the prefix, None when there is none; Retry when SSM does not say."""
    found = deployed_document(account.client("ssm"), stack_parameter(prefix))
    return found.text if found else None


def stack_name(stack: str) -> str:
    """Return the name in a stack's id: `arn:aws:cloudformation:eu-west-1:123456789012:stack/sagewatch/1f0c…`."""
    return stack.split("/")[1] if stack.count("/") > 1 else stack


def limits_anywhere() -> Limits:
    """Return where no policy may lead, whatever stack follows it."""
    return Limits(doubles=names_emulators(os.environ))


def limits_of(account: Account, stack: str) -> Limits:
    """Return where the parameters of a stack let a policy lead; Retry when CloudFormation does not say."""
    with retried("describe_stacks"):
        [found] = account.client("cloudformation").describe_stacks(StackName=stack)["Stacks"]
    given = {each["ParameterKey"]: each.get("ParameterValue", "") for each in found.get("Parameters", ())}
    outputs = {each["OutputKey"]: each["OutputValue"] for each in found.get("Outputs", ())}
    own = [outputs["AlertsTopicArn"]] if "AlertsTopicArn" in outputs else []
    return Limits(
        webhook_hosts=_listed(given.get("WebhookHosts")),
        paging_topics=_listed(given.get("PagingTopicArns"), *own),
        doubles=names_emulators(os.environ),
    )


def _listed(value: str | None, *own: str) -> tuple[str, ...] | None:
    """Return the values of a list parameter; None where the stack is of a version that does not have it."""
    return None if value is None else (*own, *filter(None, value.split(",")))
