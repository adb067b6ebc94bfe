"""Writes a plan as Markdown that fits a comment on a pull request, whatever the size of the fleet. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain

from sagewatch_cli.account.deployment import Deployment
from sagewatch_cli.account.plan import AccountPlan
from sagewatch_cli.account.policy_change import PolicyChange, row_changes

LONGEST = 60_000
"""Characters; GitHub takes 65,536 in a comment (REST API, "Create an issue comment")."""


def as_markdown(deployment: Deployment, plan: AccountPlan) -> str:
    """Return a heading, the sums, and a line for each row of which alarms are made, changed or deleted."""
    return _cut(_lines(deployment, plan))


def change_as_markdown(deployment: Deployment, change: PolicyChange) -> str:
    """Return the same of a push, and who hears of what instead, and how often what changes fired."""
    return _cut(chain(_lines(deployment, change.plan), _told(change)))


def _told(change: PolicyChange) -> Iterator[str]:
    yield ""
    yield from (f"- {_plain(line)}" for line in change.told())


def _cut(whole: Iterable[str]) -> str:
    lines: list[str] = []
    room = LONGEST
    for line in whole:
        room -= len(line) + 1
        if room < 0:
            lines.append("\n… and more: `sagewatch plan` prints all.")
            break
        lines.append(line)
    return "\n".join(lines) + "\n"


def _lines(deployment: Deployment, plan: AccountPlan) -> Iterator[str]:
    create, change, delete = plan.counts()
    yield f"### Sagewatch: {create:,} alarms to create, {change:,} to change, {delete:,} to delete"
    yield ""
    yield f"{_plain(deployment.line)} · ${plan.fleet.before:,.2f} → ${plan.fleet.after:,.2f} a month"
    if plan.withheld:
        yield ""
        named = ", ".join(_code("/".join(row)) for row in plan.withheld)
        yield f"Budget ${plan.budget or 0:,.2f}: no room for {named}."
    rows = row_changes(plan)
    if rows:
        yield ""
        yield "| row | create | change | delete | what |"
        yield "|---|--:|--:|--:|---|"
    for (kind, row), each in rows.items():
        counts = " | ".join(f"{n:,}" if n else "" for n in (each.created, each.changed, each.deleted))
        yield f"| {_code(f'{kind}/{row}')} | {counts} | {_plain(each.words)} |"
    for unread in plan.unread:
        yield ""
        yield f"**Not found out:** {_plain(unread)}"


def _code(text: str) -> str:
    return f"`{text.replace('`', '')}`"


def _plain(text: str) -> str:
    """Return text in which nothing is Markdown, HTML, a mention or a cell's border."""
    escaped = "".join(f"\\{sign}" if sign in "\\`*_[]<>|#~" else sign for sign in text if sign.isprintable())
    return escaped.replace("@", "@\u200b")
