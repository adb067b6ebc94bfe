"""Reads and writes CloudWatch's alarm mute rules under our prefix, and no others."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from sagewatch.aws.retries import retried
from sagewatch.errors import Retry
from sagewatch.model import MuteRule

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch import CloudWatchClient

DIGEST = 8
"""Characters at the end of a rule's name that say which alarms it mutes; what is before them says when."""


@dataclass(frozen=True, slots=True)
class ListedRule:
    """A mute rule as the list of them shows it."""

    name: str
    is_active: bool
    """Whether it mutes now."""
    expires: datetime | None


def listed(client: CloudWatchClient) -> Iterator[ListedRule]:
    """Yield the mute rules of the account and Region, whosesoever."""
    with retried("list_alarm_mute_rules"):
        # The list can be narrowed by alarm and by status only, not by the name of a rule (ListAlarmMuteRules).
        pages = client.get_paginator("list_alarm_mute_rules").paginate()
        for page in pages:
            for each in page["AlarmMuteRuleSummaries"]:
                # arn:aws:cloudwatch:<region>:<account>:alarm-mute-rule:<name>
                name = each["AlarmMuteRuleArn"].split(":", 6)[6]
                yield ListedRule(name, each.get("Status") == "ACTIVE", each.get("ExpireDate"))


def muted_now(client: CloudWatchClient) -> frozenset[str]:
    """Return the names of the alarms that any rule of the account mutes now, ours or another's."""
    found: set[str] = set()
    with retried("list_alarm_mute_rules"):
        pages = client.get_paginator("list_alarm_mute_rules").paginate(Statuses=["ACTIVE"])
        active = [
            each["AlarmMuteRuleArn"].split(":", 6)[6] for page in pages for each in page["AlarmMuteRuleSummaries"]
        ]
    for name in active:
        with retried(f"get_alarm_mute_rule {name}"):
            try:
                rule = client.get_alarm_mute_rule(AlarmMuteRuleName=name)
            except client.exceptions.ResourceNotFoundException:
                continue  # it was deleted after it was listed
        found.update(rule.get("MuteTargets", {}).get("AlarmNames", ()))
    return frozenset(found)


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
            # Alarms of the same account and Region, by name (PutAlarmMuteRule). Expressions, durations and that actions
            # are muted, not events: CloudWatch User Guide, "Alarm mute rules".
            MuteTargets={"AlarmNames": list(rule.alarms)},
            ExpireDate=rule.expires,
        )


def delete(client: CloudWatchClient, name: str) -> None:
    """Delete a rule; one that is not there does no harm (DeleteAlarmMuteRule is idempotent)."""
    with retried(f"delete_alarm_mute_rule {name}"):
        client.delete_alarm_mute_rule(AlarmMuteRuleName=name)


def converge(
    client: CloudWatchClient, there: Iterable[ListedRule], wanted: Iterable[MuteRule], now: datetime
) -> tuple[int, int]:
    """Make the rules that are there what is wanted, new ones first; return how many were written and deleted.

    A rule that mutes now is not touched when another one takes its place, until it has ended: whether a rule that is
    written inside its window mutes before the next one begins, no documentation says. Raise Retry, after all that can
    be written is written, when CloudWatch refuses a rule; then nothing is deleted.
    """
    before, rules = {each.name: each for each in there}, {rule.name: rule for rule in wanted}
    puts = [rule for name, rule in sorted(rules.items()) if _is_due(before.get(name), now)]
    refusals = []
    for rule in puts:
        try:
            put(client, rule)
        except Retry as refusal:
            refusals.append(refusal)
    if refusals:
        raise refusals[0]
    superseded = {name[:-DIGEST] for name in rules}
    gone = [
        name
        for name, each in sorted(before.items())
        if name not in rules and not (each.is_active and name[:-DIGEST] in superseded)
    ]
    for name in gone:
        delete(client, name)
    return len(puts), len(gone)


def _is_due(there: ListedRule | None, now: datetime) -> bool:
    """Tell whether a wanted rule has to be written: it is not there, or expires within a week (a day, if it mutes)."""
    if there is None:
        return True
    left = timedelta(days=1 if there.is_active else 7)
    return there.expires is not None and there.expires - now < left
