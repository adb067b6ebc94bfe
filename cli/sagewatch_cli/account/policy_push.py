"""Finds out what a push of a policy would do, keeps that in a file, and writes only what was agreed to."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sagewatch.errors import Retry
from sagewatch.model import Alarm
from sagewatch.policy.rules import Policy, PolicyInForce
from sagewatch_cli.account.backtest import trial
from sagewatch_cli.account.deployment import Deployment
from sagewatch_cli.account.metric_history import read_history
from sagewatch_cli.account.plan import AccountPlan, Selection, plan_deployed
from sagewatch_cli.account.policy import UNWRITTEN, DeployedDocument, check_document, deployed_document, write_document
from sagewatch_cli.account.policy_change import FiringChange, PolicyChange, policy_change
from sagewatch_cli.account.proposals import outcome
from sagewatch_cli.account.replay import Rule
from sagewatch_cli.account.session import Account, Progress, unseen
from sagewatch_cli.account.stack import limits_anywhere

DAYS = 14
"""How many days are replayed; CloudWatch keeps data of a minute for fifteen."""

MOST_REPLAYED = 100
"""How many alarms are replayed at most: each costs a few metrics of GetMetricData."""


class Moved(RuntimeError):
    """The world is not what it was when the plan was made; the message says what has changed."""


def find_change(
    account: Account, deployment: Deployment, old: str, new: Policy, now: datetime, progress: Progress = unseen
) -> PolicyChange:
    """Return what a push of the policy in place of the document `old` would do; Retry when the alarms are not listed.

    Every resource is looked at that the new policy concerns, as the sweep after a push does.
    """
    plan = plan_deployed(account, deployment, PolicyInForce(new), Selection(), now, progress)
    before, faults = check_document(old, limits_anywhere())
    old_policy, at = Policy() if faults else before, deployment.place
    try:
        return policy_change(plan, old_policy, new, at, _firings(account, plan, now, progress))
    except Retry as error:
        return policy_change(plan, old_policy, new, at, unreplayed=str(error))


def _firings(account: Account, plan: AccountPlan, now: datetime, progress: Progress) -> FiringChange | None:
    """Replay the alarms whose rule changes, and those that come or go; None when there are none.

    Raises Retry when their metrics cannot be read.
    """
    before: dict[str, Alarm] = {}
    after: dict[str, Alarm] = {}
    for each in plan.planned:
        changed = [(old, new) for old, new in each.changed if Rule.of(old.request) != Rule.of(new.request)]
        before |= {alarm.name: alarm for alarm in (*(old for old, _ in changed), *each.deleted)}
        after |= {alarm.name: alarm for alarm in (*(new for _, new in changed), *each.created)}
    names = sorted({*before, *after})
    chosen = set(names[:MOST_REPLAYED])
    if not chosen:
        return None
    counts = [
        _fired(account, [alarm for name, alarm in several.items() if name in chosen], now, progress)
        for several in (before, after)
    ]
    return FiringChange(
        days=DAYS, before=counts[0], after=counts[1], replayed=len(chosen), left_out=len(names) - len(chosen)
    )


def _fired(account: Account, alarms: Iterable[Alarm], now: datetime, progress: Progress) -> int:
    several = tuple(alarms)
    history = read_history(account.client("cloudwatch"), several, DAYS, now, progress)
    return sum(len(outcome(trial(each, history.series[each.name])).replay.episodes) for each in several)


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedPlan:
    """What somebody looked at and may agree to: a document, what it was to replace, and what it was to do."""

    account: str
    region: str
    parameter: str
    version: int
    """The version of the parameter that the document was to replace."""
    text: str
    """The document."""
    digest: str
    """Of all that it was to change."""

    @classmethod
    def of(
        cls, deployment: Deployment, parameter: str, before: DeployedDocument, text: str, change: PolicyChange
    ) -> SavedPlan:
        """Return what to save."""
        place = deployment.place
        return cls(
            account=place.account,
            region=place.region,
            parameter=parameter,
            version=before.version,
            text=text,
            digest=change.digest,
        )

    @classmethod
    def read(cls, file: Path) -> SavedPlan:
        """Read one that was saved; ValueError when the file holds none."""
        try:
            found: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
            return cls(**found)
        except (OSError, TypeError, ValueError) as error:
            raise ValueError(f"{file} holds no plan: {error}") from error

    def save(self, file: Path) -> None:
        """Write it to a file."""
        file.write_text(json.dumps(asdict(self), indent=2, ensure_ascii=False), encoding="utf-8")

    def check(self, now: SavedPlan) -> None:
        """Raise Moved unless a plan that was made now is the same."""
        if (self.account, self.region, self.parameter) != (now.account, now.region, now.parameter):
            raise Moved(f"The plan is for {self.parameter} of account {self.account}, {self.region}.")
        if self.version != now.version:
            raise Moved(f"{self.parameter} was at version {self.version} and is at {now.version} now: plan again.")
        if self.digest != now.digest:
            raise Moved("The account has changed: the same document would do something else now. Plan again.")


def write_after(client: Any, parameter: str, before: DeployedDocument, text: str) -> int:
    """Write the document in place of the version that was shown, and return the new one; Moved when there is another.

    SSM has no conditional write (PutParameter), so the version is read just before and compared just after.
    """
    there = deployed_document(client, parameter) or UNWRITTEN
    if there.version != before.version:
        is_at = "is gone" if there is UNWRITTEN else f"is at version {there.version}"
        raise Moved(f"{parameter} was changed by somebody else meanwhile: it {is_at}, not {before.version}.")
    version = write_document(client, parameter, text)
    if version != before.version + 1:
        lost = ", ".join(map(str, range(before.version + 1, version)))
        raise Moved(
            f"{parameter} is at version {version}, and version {lost} of somebody else was overwritten. "
            f"`sagewatch policy log` shows it, `sagewatch policy rollback {version - 1}` brings it back."
        )
    return version
