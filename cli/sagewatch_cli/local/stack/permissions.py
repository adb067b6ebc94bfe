"""Lets the roles of the stack do on ministack what they may do on AWS, where ministack asks IAM for another action."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

ASKED_AS: Mapping[str, str] = {
    # "You cannot set permissions explicitly for SendMessageBatch, DeleteMessageBatch, or ChangeMessageVisibilityBatch.
    # Instead, setting permissions for SendMessage, DeleteMessage, or ChangeMessageVisibility sets permissions for the
    # corresponding batch versions of the actions." (SQS Developer Guide, "Amazon SQS batch actions")
    "sqs:SendMessage": "sqs:SendMessageBatch",
    "sqs:DeleteMessage": "sqs:DeleteMessageBatch",
    "sqs:ChangeMessageVisibility": "sqs:ChangeMessageVisibilityBatch",
}
"""Action that AWS asks for → action that ministack asks for as well, and that AWS does not have."""

POLICY_NAME = "asked-by-another-name-on-ministack"


def allow_by_the_names_of_ministack(iam: Any, roles: Iterable[str]) -> None:
    """Give each role what it has already, under the names that ministack asks for; on the same resources only."""
    for role in roles:
        names = iam.list_role_policies(RoleName=role)["PolicyNames"]
        documents = [iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"] for name in names]
        if renamed := [statement for document in documents for statement in asked_otherwise(document)]:
            iam.put_role_policy(
                RoleName=role,
                PolicyName=POLICY_NAME,
                PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": renamed}),
            )


def asked_otherwise(document: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the statements of a policy whose actions ministack asks for by another name, with these names.

    Example: `sqs:SendMessage` on one queue → `sqs:SendMessageBatch` on this queue, under the same condition.
    """
    for statement in _listed(document["Statement"]):
        actions = [ASKED_AS[each] for each in _listed(statement["Action"]) if each in ASKED_AS]
        if actions:
            yield {**statement, "Action": actions}


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
