"""`sagewatch plan`: what the product would write now, or under another policy, and what that costs; writes nothing."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from datetime import UTC, datetime
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from sagewatch.aws import sagemaker
from sagewatch.errors import ErrorCode, Retry
from sagewatch.kinds.registry import kind as kind_named
from sagewatch.model import Alarm
from sagewatch.receivers.wording.phrases import harmless
from sagewatch_cli.account.alarm_words import Difference, condition, differences
from sagewatch_cli.account.deployment import Deployment
from sagewatch_cli.account.nearest import near
from sagewatch_cli.account.plan import (
    AccountPlan,
    MonthlyCost,
    ResourcePlan,
    Selection,
    is_glob,
    plan_deployed,
)
from sagewatch_cli.account.session import Account
from sagewatch_cli.completion import complete_refs
from sagewatch_cli.formats import RichFormat
from sagewatch_cli.options import (
    EndpointUrl,
    IncidentsTable,
    PolicyFile,
    Prefix,
    Profile,
    Region,
    known_ref,
    open_account,
    open_deployment,
    policy_in_force,
    read_reference,
)
from sagewatch_cli.printing import REFUSED, RichForm, as_json, first_line, progress, stop, waiting

CHANGES = 3
"""The exit code for something to do, with --detailed-exitcode."""

_WRONG = 2


_LONGEST = 300  # characters of what other people wrote


def _known_refs(refs: list[str]) -> list[str]:
    for ref in refs:
        if not is_glob(ref.partition("/")[0]) or not ref.partition("/")[2]:
            known_ref(ref)
    return refs


def plan(
    refs: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="REF",
            autocompletion=complete_refs,
            help="Whom to look at, changed or not: endpoint/churn, 'endpoint/churn-*', an ARN or a console page.",
            show_default=False,
        ),
    ] = None,
    policy: PolicyFile = None,
    full: Annotated[
        bool, typer.Option("--full", help="Look at every resource; tells of tags whose change no event told.")
    ] = False,
    detailed_exitcode: Annotated[
        bool, typer.Option("--detailed-exitcode", help="Exit with 3 when there is something to do.")
    ] = False,
    form: RichForm = RichFormat.TABLE,
    prefix: Prefix = "sagewatch",
    incidents: IncidentsTable = None,
    profile: Profile = None,
    region: Region = None,
    endpoint_url: EndpointUrl = None,
) -> None:
    """Print which alarms would be made, changed and deleted, why, and what they cost a month. Only reads.

    Without REF and --full, only those are looked at whom the sweep would name: nobody, when all is in order. Costs are
    CloudWatch's list prices before the free tier.

    Exit codes: 0 printed, 1 AWS refused (what could be found out is printed), 2 wrong usage, 3 something to do (with
    --detailed-exitcode), 5 the policy is broken.
    """
    pointed = [read_reference(each) for each in refs or ()]
    refs = _known_refs([each.text for each in pointed])
    account = open_account(profile, region, endpoint_url, pointed)
    try:
        with waiting():
            deployment = open_deployment(account, prefix, pointed=pointed)
            wanted = policy_in_force(account, prefix, policy)
            found = plan_deployed(
                account,
                deployment,
                wanted,
                Selection(tuple(refs), full),
                datetime.now(UTC),
                progress,
                table=incidents,
            )
    except Retry as error:
        stop(REFUSED, str(error), error.code)
    if (known := _nearest(account, found, refs)) is not None:
        stop(
            _WRONG,
            f"Nothing is called {', '.join(refs)} in {deployment.where}, nor are there alarms of it.{known}",
            ErrorCode.NO_RESOURCE,
        )
    _answer(deployment, found, form, detailed_exitcode=detailed_exitcode)


def _nearest(account: Account, found: AccountPlan, refs: list[str]) -> str | None:
    """Return a hint at names that are near where nothing is called as was asked; None where something is."""
    if not refs or found.unread or any(each.look.facts.live or each.look.owned for each in found.planned):
        return None
    kind, _, name = refs[0].partition("/")
    named = kind_named(kind)
    if named is None or len(refs) > 1:
        return ""
    try:
        with waiting():
            return near(name, (ref.name for ref, _ in sagemaker.live(account.client("sagemaker"), named)))
    except Retry:
        return ""


def _answer(deployment: Deployment, found: AccountPlan, form: RichFormat, *, detailed_exitcode: bool) -> None:
    """Print the plan and end with the exit code that says how it went."""
    if form is RichFormat.JSON:
        as_json({**deployment.data(), **as_data(found)})
    elif form is RichFormat.MARKDOWN:
        from sagewatch_cli.account.plan_markdown import as_markdown

        typer.echo(as_markdown(deployment, found), nl=False)
    else:
        first_line(Console(), deployment)
        show(Console(), found)
    if found.unread:
        stop(REFUSED, "\n".join(("Not all could be found out:", *found.unread)), ErrorCode.NOT_ALL_READ)
    if detailed_exitcode and any(found.counts()):
        raise typer.Exit(CHANGES)


# ---------------------------------------------------------------------------------------------------------- json
def as_data(found: AccountPlan) -> dict[str, Any]:
    """Return the plan as plain data."""
    create, change, delete = found.counts()
    return {
        "summary": {"create": create, "change": change, "delete": delete},
        "monthly": {
            "currency": "USD",
            "prices_known": found.known_prices,
            "listed": _cost_data(found.listed),
            "fleet": _cost_data(found.fleet),
        },
        "budget": found.budget,
        "withheld": [
            {"kind": kind, "alarm": row, "monthly": demand.monthly_usd, "severity": demand.severity}
            for (kind, row), demand in found.withheld.items()
        ],
        "resources": [_resource_plan_data(each) for each in found.planned],
        "looked_at": len(found.planned),
        "known": found.resources,
        "foreign": list(found.foreign),
        "unread": list(found.unread),
    }


def _cost_data(cost: MonthlyCost) -> dict[str, float]:
    return {"before": cost.before, "after": cost.after}


def _resource_plan_data(planned: ResourcePlan) -> dict[str, Any]:
    return {
        "resource": str(planned.ref),
        "live": planned.look.facts.live,
        "create": [
            {
                "alarm": alarm.name,
                "severity": _severity_of(alarm),
                "condition": condition(alarm),
                "request": alarm.request,
            }
            for alarm in planned.created
        ],
        "change": [
            {"alarm": new.name, "differences": [_difference_data(each) for each in differences(old, new)]}
            for old, new in planned.changed
        ],
        "claim": [alarm.name for alarm in planned.claims],
        "delete": [{"alarm": alarm.name, "why": planned.why[alarm.name]} for alarm in planned.deleted],
        "held": [alarm.name for alarm in planned.held],
        "foreign": sorted(planned.look.foreign),
        "reports": list(planned.decision.reports),
    }


def _difference_data(each: Difference) -> dict[str, str]:
    return {"what": each.what, "old": each.old, "new": each.new}


def _severity_of(alarm: Alarm) -> str:
    return alarm.labels["severity"] if alarm.labels else ""


# ---------------------------------------------------------------------------------------------------------- table
def show(console: Console, found: AccountPlan) -> None:
    """Print the plan for reading."""
    for planned in found.planned:
        if planned or planned.held or planned.decision.reports:
            console.print(Text(harmless(str(planned.ref), _LONGEST), "bold"))
            console.print(_signed_table(_plan_lines(planned)))
            console.print()
    if found.foreign:
        console.print(Text("Under our prefix, but not ours; left alone", "bold"))
        console.print(_signed_table((" ", harmless(name, _LONGEST), Text()) for name in found.foreign))
        console.print()
    for line in _foot(found):
        console.print(line, highlight=False, markup=False)


def _signed_table(lines: Iterable[tuple[str, str, Text]]) -> Table:
    table = Table.grid(padding=(0, 1))
    table.add_column(width=2, justify="right")
    table.add_column(overflow="fold")
    table.add_column(overflow="fold")
    for sign, name, what in lines:
        table.add_row(sign, Text(name, _COLOURS.get(sign, "")), what)
    return table


_COLOURS = {"+": "green", "~": "yellow", "-": "red"}


def _plan_lines(planned: ResourcePlan) -> Iterator[tuple[str, str, Text]]:
    """Yield a sign, an alarm and what is said of it."""
    for alarm in planned.created:
        yield "+", _scope_and_alarm(alarm.name), Text(f"{condition(alarm)}, {_severity_of(alarm)}")
    for old, new in planned.changed:
        yield "~", _scope_and_alarm(new.name), Text("\n".join(_difference_words(differences(old, new))))
    for alarm in planned.claims:
        yield "~", alarm.name, Text(f"label guards {planned.ref}")
    for alarm in planned.deleted:
        yield "-", _scope_and_alarm(alarm.name), Text(planned.why[alarm.name])
    for alarm in planned.held:
        yield "=", _scope_and_alarm(alarm.name), Text("stays as it is")
    for report in planned.decision.reports:
        yield "!", "", Text(harmless(report, _LONGEST))


def _scope_and_alarm(name: str) -> str:
    """Return the end of an alarm's name: `AllTraffic/latency-p99`."""
    return "/".join(name.split("/")[3:])


def _difference_words(several: Collection[Difference]) -> Iterator[str]:
    # The mark of the policy changes with whatever the policy says of an alarm, often without a change to it.
    if [each.what for each in several] == ["label policy"]:
        yield "only the mark of the policy that it follows"
    for each in several:
        if each.what == "text":
            yield "said in other words"
        elif each.what != "label policy":
            yield f"{each.what} {harmless(each.old, _LONGEST)} → {harmless(each.new, _LONGEST)}"


def _foot(found: AccountPlan) -> Iterator[str]:
    create, change, delete = found.counts()
    before, after = f"${found.fleet.before:,.2f}", f"${found.fleet.after:,.2f}"
    cost = f"{before} a month" if before == after else f"{before} → {after} a month"
    if create or change or delete:
        yield f"{create:,} to create, {change:,} to change, {delete:,} to delete · {cost}"
        yield f"The alarms listed: ${found.listed.before:,.2f} → ${found.listed.after:,.2f} a month."
    else:
        yield f"Nothing to do · {cost}"
    if found.budget is not None:
        yield f"Budget ${found.budget:,.2f} a month: {_without_room(found)}"
    if not found.known_prices:
        yield "The prices of this Region are not known; these are those of us-east-1."
    if not found.resources:
        yield "No resource was found."
    if found.resources > len(found.planned):
        yield f"Looked at {len(found.planned):,} of {found.resources:,} resources; --full looks at every one."


def _without_room(found: AccountPlan) -> str:
    if not found.withheld:
        return "room for all."
    rows = (f"{kind}/{row} (${demand.monthly_usd:,.2f})" for (kind, row), demand in found.withheld.items())
    return f"no room for {', '.join(rows)}."
