"""Finds the stack that owns a prefix: it has a parameter with its id."""

from __future__ import annotations

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
