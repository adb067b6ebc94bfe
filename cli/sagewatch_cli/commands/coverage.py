"""`sagewatch coverage`: which resources of the account are watched, which are not and why, which alarms are wrong."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table as Grid
from rich.text import Text

from sagewatch.errors import ErrorCode, Retry
from sagewatch.kinds.registry import KINDS
from sagewatch.receivers.wording.phrases import harmless
from sagewatch_cli.account.coverage import (
    NEEDS_NONE,
    ON_PURPOSE,
    STATES,
    Coverage,
    IncompleteResource,
    KindCoverage,
    UnwatchedReason,
    WatchedAlarm,
)
from sagewatch_cli.account.coverage_page import page
from sagewatch_cli.account.coverage_reading import survey
from sagewatch_cli.account.deployment import find_deployment
from sagewatch_cli.account.in_force import with_budget
from sagewatch_cli.formats import OutputFormat
from sagewatch_cli.options import (
    EndpointUrl,
    IncidentsTable,
    PolicyFile,
    Prefix,
    Profile,
    Region,
    open_account,
    policy_in_force,
)
from sagewatch_cli.printing import REFUSED, Form, as_json, progress, stop, table, waiting

MOST = 20
"""Lines of each section on a terminal; JSON and the page have all."""

_INCOMPLETE, _UNWRITABLE = 3, 6
_WIDE = 100  # columns of a terminal that has room for the severities
_LONGEST = 300  # characters of other people's text


def coverage(
    html: Annotated[
        Path | None,
        typer.Option("--html", dir_okay=False, help="Write a page with all of it to this file, too.", metavar="FILE"),
    ] = None,
    full: Annotated[
        bool, typer.Option("--full", help="Look at every resource; tells of tags whose change no event told.")
    ] = False,
    form: Form = OutputFormat.TABLE,
    policy: PolicyFile = None,
    incidents: IncidentsTable = None,
    prefix: Prefix = "sagewatch",
    profile: Profile = None,
    region: Region = None,
    endpoint_url: EndpointUrl = None,
) -> None:
    """Print who is watched in the account and Region, who is not and why, and what is wrong with alarms.

    Only reads: SageMaker's lists and DescribeAlarms, ListMetrics for alarms whose metric has no data, and a look at
    each resource that has no alarms or that the next sweep would name. Of the others it is known that they have all
    alarms that they should have, and not why a row has none: --full looks at them, too.

    Exit codes: 0 printed, 1 AWS refused, 2 wrong usage, 3 printed but some of it could not be read, 5 the policy is
    broken, 6 the page could not be written.
    """
    account = open_account(profile, region, endpoint_url)
    try:
        with waiting():
            deployment = find_deployment(account, prefix)
            budget = with_budget(account, deployment, policy_in_force(account, prefix, policy), incidents)
            found = survey(account, deployment, budget, datetime.now(UTC), progress, table=incidents or "", full=full)
    except Retry as error:
        stop(REFUSED, str(error), error.code)
    if form is OutputFormat.JSON:
        as_json(as_data(found))
    else:
        show(Console(), found)
    if html:
        _write_page(html, page(found))
    if found.unread:
        stop(
            _INCOMPLETE,
            "\n".join(f"Not read: {harmless(each, _LONGEST)}" for each in found.unread.values()),
            ErrorCode.NOT_ALL_READ,
        )


def _write_page(file: Path, text: str) -> None:
    try:
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        stop(
            _UNWRITABLE,
            f"{file} cannot be written: {error.strerror}. Name a file in a folder that is there.",
            ErrorCode.UNWRITABLE_FILE,
        )
    typer.echo(f"{file} written.", err=True)


# ------------------------------------------------------------------------------------------------------------ tables
def show(console: Console, found: Coverage) -> None:
    """Print the numbers of each kind, then what is wrong, each section cut with its count."""
    where = found.where
    alias, stack = f" ({where.alias})" if where.alias else "", f", {where.stack}" if where.stack else ""
    place = f"Account {where.account}{alias}, {where.region}, alarms under {where.prefix}/{stack}"
    console.print(
        Text(f"{place}, {where.at:%Y-%m-%d %H:%M} UTC", "dim"),
        "",
        summary(found, wide=console.width >= _WIDE),
        "",
        Text(headline(found), "bold"),
        Text(cost(found)),
        sep="\n",
    )
    if silent := [kind.name for kind in KINDS if not kind.specs]:
        console.print(Text(f"Notices only, no alarms: {', '.join(silent)}.", "dim"))
    console.print()
    for title, columns, rows in _sections(found):
        _print_section(console, title, columns, list(rows))


def summary(found: Coverage, *, wide: bool) -> Grid:
    """Return a line for each kind, and one for all of them; with room, the severities of their alarms, too."""
    more = ("critical", "warning", "info") if wide else ()
    grid = table("kind", "live", "watched", "left\nout", "not", "firing", "no\ndata", "ok", *more, "$/mon")
    grid.show_edge = False
    for column in grid.columns:
        column.no_wrap = True
        column.justify = "left" if column is grid.columns[0] else "right"
    for each in found.tallies:
        grid.add_row(*_kind_numbers(each, more), style=None if each.read else "dim")
    grid.add_section()
    unwatched = len(found.living) - found.watched - found.left_out
    everything = (len(found.living), found.watched, found.left_out, unwatched, *found.states.values())
    severities = (sum(each.severities.get(severity, 0) for each in found.tallies) for severity in more)
    numbers = (f"{number:,}" for number in (*everything, *severities))
    grid.add_row("all", *numbers, f"{found.total.before:,.2f}", style="bold")
    return grid


def _kind_numbers(each: KindCoverage, severities: Iterable[str]) -> tuple[str, ...]:
    known = [f"{number:,}" for number in (each.living, each.watched, each.left_out, each.unwatched)]
    states = (each.states.get(state, 0) for state in STATES.values())
    counts = (f"{number:,}" for number in (*states, *(each.severities.get(name, 0) for name in severities)))
    return each.kind.name, *(known if each.read else ["?"] * len(known)), *counts, f"{each.cost:,.2f}"


def headline(found: Coverage) -> str:
    """Say how many are watched: `96.4 % of the resources that should be watched are: 27 of 28. 1 lacks some alarms.`"""
    wanted = len(found.living) - found.left_out
    if found.percent is None:
        return "Nothing here should be watched."
    lacking = len(found.incomplete)
    parts = [f"{found.percent:g} % of the resources that should be watched are: {found.watched} of {wanted}."]
    if lacking:
        parts.append("1 lacks some of its alarms." if lacking == 1 else f"{lacking} lack some of their alarms.")
    if found.left_out:
        parts.append(f"Left out: {found.left_out}.")
    return " ".join(parts)


def cost(found: Coverage) -> str:
    """Say what the alarms cost a month, and what the budget leaves out."""
    parts = [
        f"${found.total.before:,.2f} a month for {found.total.metrics} alarm metrics, ${found.total.after:,.2f} when "
        f"the free tier ({found.prices.free}) is theirs."
    ]
    if not found.prices.known:
        parts.append(f"{found.where.region} has no known prices; these are of us-east-1.")
    if found.where.policy.budget is not None:
        rows = ", ".join("/".join(row) for row in sorted(found.where.withheld)) or "no row"
        left_out = "what it leaves out is not known" if "budget" in found.unread else f"it leaves out {rows}"
        parts.append(f"The budget is ${found.where.policy.budget:,.2f}; {left_out}.")
    return " ".join(parts)


type _Section = tuple[str, tuple[str, ...], Iterable[tuple[str, ...]]]


def _sections(found: Coverage) -> Iterator[_Section]:
    yield "Firing", ("alarm", "severity", "since"), (_firing_line(each) for each in found.firing)
    missing = [each for each in found.unwatched if each.why not in NEEDS_NONE]
    yield "Not watched", ("resource", "why", "reason"), ((str(e.ref), str(e.why), e.said) for e in missing)
    yield "Incomplete: some alarms are missing", ("resource", "lacks", ""), map(_incomplete_line, found.incomplete)
    meant = [each for each in found.unwatched if each.why in ON_PURPOSE]
    yield "Left out on purpose", ("resource", "reason"), ((str(each.ref), each.said) for each in meant)
    nothing = [each for each in found.unwatched if each.why is UnwatchedReason.NOTHING]
    yield "Nothing to watch", ("resource", "reason"), ((str(each.ref), each.said) for each in nothing)
    orphans = found.at_fault("orphan")
    yield "Orphans: their resource is gone", ("alarm", "state"), ((each.name, kept(each)) for each in orphans)
    yield "Foreign: under our prefix, not ours", ("alarm",), ((name,) for name in found.foreign)
    dead = found.at_fault("dead")
    yield "Dead alarms: no data of their metric for two weeks", ("alarm", "stands for"), (_age(found, e) for e in dead)
    yield "Edited: the next sweep restores them", ("alarm",), ((each.name,) for each in found.at_fault("edited"))
    yield "Stale: the next sweep rewrites them", ("alarm",), ((each.name,) for each in found.at_fault("stale"))


def _incomplete_line(each: IncompleteResource) -> tuple[str, ...]:
    return str(each.ref), ", ".join(each.lacking), each.said


def _firing_line(each: WatchedAlarm) -> tuple[str, ...]:
    return each.name, str(each.severity or "unknown"), f"{each.since:%Y-%m-%d %H:%M} UTC"


def kept(each: WatchedAlarm) -> str:
    """Say an orphan's state, and which endpoint's deployments it guards, if any."""
    return f"{each.state}, stays while it guards {each.guards}" if each.guards else each.state


def _age(found: Coverage, each: WatchedAlarm) -> tuple[str, ...]:
    return each.name, age(found, each)


def age(found: Coverage, each: WatchedAlarm) -> str:
    """Say how long ago an alarm was last written."""
    whole = found.where.at - each.updated
    return f"{whole.days} d" if whole.days else f"{whole.seconds // 3600} h"


def _print_section(console: Console, title: str, columns: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> None:
    if not rows:
        return
    grid = table(*columns, title=f"{title} ({len(rows)})")
    for column in grid.columns:
        column.overflow = "fold"
    for row in rows[:MOST]:
        # Text, not markup: a bracket in a name is a bracket.
        grid.add_row(*(Text(harmless(cell, _LONGEST)) for cell in row))
    console.print(grid)
    if len(rows) > MOST:
        console.print(Text(f"… and {len(rows) - MOST} more; --format json and --html have all.", "dim"))


# -------------------------------------------------------------------------------------------------------------- data
def as_data(found: Coverage) -> dict[str, Any]:
    """Return everything as plain data."""
    where = found.where
    return {
        "account": where.account,
        "alias": where.alias or None,
        "region": where.region,
        "prefix": where.prefix,
        "at": where.at.isoformat(),
        "living": len(found.living),
        "watched": found.watched,
        "left_out": found.left_out,
        "percent": found.percent,
        "states": dict(found.states),
        "cost": {
            "metrics": found.total.metrics,
            "before_free_tier": found.total.before,
            "after_free_tier": found.total.after,
            "known_prices": found.prices.known,
            "budget": where.policy.budget,
            "withheld": ["/".join(row) for row in sorted(where.withheld)],
        },
        "kinds": [_kind_data(each) for each in found.tallies],
        "not_watched": [
            {**_resource_data(each), "why": str(each.why), "reason": each.said} for each in found.unwatched
        ],
        "incomplete": [
            {**_resource_data(each), "lacks": list(each.lacking), "reason": each.said} for each in found.incomplete
        ],
        "alarms": [_alarm_data(each) for each in found.alarms],
        "foreign": list(found.foreign),
        "unread": dict(found.unread),
    }


def _resource_data(each: Any) -> dict[str, str]:
    return {"kind": each.ref.kind, "resource": each.ref.name}


def _kind_data(each: KindCoverage) -> dict[str, Any]:
    return {
        "kind": each.kind.name,
        "read": each.read,
        "living": each.living,
        "watched": each.watched,
        "left_out": each.left_out,
        "alarms": each.alarms,
        "severities": dict(each.severities),
        "states": dict(each.states),
        "cost": each.cost,
    }


def _alarm_data(each: WatchedAlarm) -> dict[str, Any]:
    return {
        "name": each.name,
        **_resource_data(each),
        "scope": each.scope,
        "alarm": each.alarm,
        "severity": each.severity and str(each.severity),
        "state": each.state,
        "since": each.since.isoformat(),
        "written": each.updated.isoformat(),
        "cost": each.cost,
        "faults": list(each.faults),
    }
