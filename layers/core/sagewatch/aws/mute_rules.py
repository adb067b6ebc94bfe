"""Reads and writes CloudWatch's alarm mute rules under our prefix, and no others."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from sagewatch.aws.retries import retried
from sagewatch.model import MuteRule

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch import CloudWatchClient


def names(client: CloudWatchClient, beginning: str) -> Iterator[str]:
    """Yield the names of the rules that begin so."""
    with retried("list_alarm_mute_rules"):
        # The list can be narrowed by alarm and by status only, not by the name of a rule (ListAlarmMuteRules).
        pages = client.get_paginator("list_alarm_mute_rules").paginate()
        for page in pages:
            for each in page["AlarmMuteRuleSummaries"]:
                # arn:aws:cloudwatch:<region>:<account>:alarm-mute-rule:<name>
                name = each["AlarmMuteRuleArn"].split(":", 6)[6]
                if name.startswith(beginning):
                    yield name


def put(client: CloudWatchClient, rule: MuteRule) -> None:
    """Write a rule, complete."""
    with retried(f"put_alarm_mute_rule {rule.name}"):
        client.put_alarm_mute_rule(
            Name=rule.name,
            Description=rule.description,
            Rule={
                "Schedule": {
                    "Expression": rule.expression,
                    "Duration": rule.duration,
                    "Timezone": rule.timezone,
                }
            },
            # Alarms of the same account and Region, by name (PutAlarmMuteRule).
            MuteTargets={"AlarmNames": list(rule.alarms)},
            ExpireDate=rule.expires,
        )


def delete(client: CloudWatchClient, name: str) -> None:
    """Delete a rule."""
    with retried(f"delete_alarm_mute_rule {name}"):
        client.delete_alarm_mute_rule(AlarmMuteRuleName=name)


def converge(client: CloudWatchClient, beginning: str, wanted: Iterable[MuteRule]) -> tuple[int, int]:
    """Make the rules that begin so what is wanted, new ones first; return how many were written and deleted."""
    there = set(names(client, beginning))
    rules = {rule.name: rule for rule in wanted}
    for name in sorted(rules.keys() - there):
        put(client, rules[name])
    for name in sorted(there - rules.keys()):
        delete(client, name)
    return len(rules.keys() - there), len(there - rules.keys())
