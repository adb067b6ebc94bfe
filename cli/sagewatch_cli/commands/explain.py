"""`sagewatch explain`: why an alarm is as it is, or why it is not there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.padding import Padding
from rich.table import Table as Grid
from rich.text import Text

from sagewatch.errors import Retry
from sagewatch.receivers.wording.phrases import harmless
from sagewatch_cli.account.alarms import StateChange
from sagewatch_cli.account.coverage import STATES
from sagewatch_cli.account.explain import (
    VERDICTS,
    AbsentRow,
    ExplainedAlarm,
    Inspection,
)
from sagewatch_cli.account.in_force import with_budget
from sagewatch_cli.account.inspection import (
    Ended,
    NotFound,
    NotOurs,
    Subject,
    explain_subject,
    inspect,
    state_history,
)
from sagewatch_cli.completion import complete_subjects
from sagewatch_cli.formats import OutputFormat
from sagewatch_cli.options import (
    EndpointUrl,
    IncidentsTable,
    PolicyFile,
    Prefix,
    Profile,
    Region,
    open_account,
    open_deployment,
    policy_in_force,
    read_reference,
)
from sagewatch_cli.printing import REFUSED, Form, as_json, first_line, stop, waiting

_UNKNOWN, _ABSENT = 3, 4
_LONGEST = 1_000  # characters of other people's text


def explain(
    what: Annotated[
        str,
        typer.Argument(
            metavar="ALARM|REF",
            autocompletion=complete_subjects,
            help="An alarm's name, or kind/name for all alarms of a resource; or its ARN or console page.",
            show_default=False,
        ),
    ],
    form: Form = OutputFormat.TABLE,
    policy: PolicyFile = None,
    incidents: IncidentsTable = None,
    prefix: Prefix = "sagewatch",
    profile: Profile = None,
    region: Region = None,
    endpoint_url: EndpointUrl = None,
) -> None:
    """Say when an alarm fires and why it exists, where its threshold comes from, how it is, and what it costs.

    Of a resource it explains every alarm, and says of each other row why it does not apply. Only reads.

    Exit codes: 0 explained, 1 AWS refused, 2 wrong usage, 3 there is no such thing, 4 there is no such alarm and the
    reason was printed, or it is not ours, 5 the policy is broken.
    """
    pointed = read_reference(what)
    account = open_account(profile, region, endpoint_url, [pointed])
    try:
        with waiting():
            deployment = open_deployment(account, prefix, pointed=[pointed])
            subject = Subject.read(account, prefix, pointed.text)
            budget = with_budget(account, deployment, policy_in_force(account, prefix, policy), incidents)
            found = inspect(account, deployment, budget.in_force, subject.ref)
            there, absent = explain_subject(account, found, subject)
            changes = {each.alarm.name: state_history(account, each.alarm.name) for each in there if each.present}
    except (NotFound, NotOurs, Ended) as error:
        stop(_UNKNOWN if isinstance(error, NotFound) else _ABSENT, str(error), error.code)
    except Retry as error:
        stop(REFUSED, str(error), error.code)
    if form is OutputFormat.JSON:
        as_json({**deployment.data(), **as_data(found, there, absent, changes)})
    else:
        first_line(Console(), deployment)
        show(Console(), found, there, absent, changes)
    if budget.unknown:
        typer.echo(f"Not read: {harmless(budget.unknown, _LONGEST)}", err=True)
    if subject.alarm and not any(each.present for each in there):
        raise typer.Exit(_ABSENT)


# --------------------------------------------------------------------------------------------------------- printing
type AlarmHistories = Mapping[str, tuple[StateChange, ...] | str]
"""The last changes of state by alarm, or why they could not be read."""


def show(
    console: Console,
    found: Inspection,
    there: Sequence[ExplainedAlarm],
    absent: Sequence[AbsentRow],
    changes: AlarmHistories,
) -> None:
    """Print a block for each alarm, then the rows without one."""
    if found.ended:
        console.print(_safe_text(found.ended.said))
    if not found.kind.specs:
        console.print(Text(f"{found.look.facts.ref}: a {found.kind.name} gets no alarms, only notices when it fails."))
    for each in there:
        _show_alarm(console, found, each, changes.get(each.alarm.name, ()))
    if absent:
        console.print(Text(f"Rows of {found.look.facts.ref} without an alarm", "bold"))
        grid = _lined()
        for lack in absent:
            grid.add_row(Text(lack.alarm), _safe_text(lack.reason))
        console.print(Padding(grid, (0, 0, 1, 2)))
    for report in found.decision.reports:
        console.print(_safe_text(f"Note: {report}"))


def _show_alarm(
    console: Console, found: Inspection, each: ExplainedAlarm, changes: tuple[StateChange, ...] | str
) -> None:
    console.print(Text.assemble((harmless(each.alarm.name, _LONGEST), "bold"), f"  {each.title}"))
    grid = _lined()
    for name, said in _alarm_lines(found, each, changes):
        grid.add_row(Text(name, "dim"), _safe_text(said))
    console.print(Padding(grid, (0, 0, 1, 2)))


def _lined() -> Grid:
    """Return an empty grid of names and texts; an address is broken rather than cut."""
    grid = Grid.grid(padding=(0, 2))
    grid.add_column(no_wrap=True)
    grid.add_column(overflow="fold")
    return grid


def _alarm_lines(
    found: Inspection, each: ExplainedAlarm, changes: tuple[StateChange, ...] | str
) -> Iterator[tuple[str, str]]:
    """Yield what is said of an alarm, with what each line is about."""
    yield "when", each.fires
    yield from (("watches" if n == 0 else "", read) for n, read in enumerate(each.reads))
    if each.why:
        yield "why", f"{each.why} {each.do}"
    for step in each.steps:
        yield "threshold" if step is each.steps[0] else "", f"{step.source}: {step.text}"
    for verdict in each.verdicts:
        yield "verdict", " ".join(filter(None, (_sentence(verdict), VERDICTS[verdict])))
    yield from (("note", note) for note in each.notes)
    if each.present:
        yield "now", f"{_state_word(each.present.state)} since {_time(each.present.since)}: {each.present.reason}"
    yield from _past(changes)
    yield "labels", " ".join(f"{name}={value}" for name, value in each.labels.values.items() if name != "rev")
    yield "pages", ", ".join(each.topics) or "nobody by CloudWatch itself; Sagewatch tells by its routes"
    yield "costs", f"${each.cost:,.2f} a month{'' if found.prices.known else ' (price of us-east-1)'}"
    yield from each.links.items()


def _sentence(verdict: str) -> str:
    return f"{verdict[0].upper()}{verdict[1:]}."


def _past(changes: tuple[StateChange, ...] | str) -> Iterator[tuple[str, str]]:
    if isinstance(changes, str):
        yield "before", f"its history could not be read: {changes}"
        return
    for change in changes:
        said = f"{_state_word(change.before)} → {_state_word(change.after)}: {change.reason}"
        yield "before" if change is changes[0] else "", f"{_time(change.at)}  {said}"


def _state_word(state: str) -> str:
    return STATES.get(state, state)


def _time(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def _safe_text(text: str) -> Text:
    return Text(harmless(text, _LONGEST))


# ------------------------------------------------------------------------------------------------------------- data
def as_data(
    found: Inspection, there: Sequence[ExplainedAlarm], absent: Sequence[AbsentRow], changes: AlarmHistories
) -> dict[str, Any]:
    """Return the explanation as plain data."""
    facts = found.look.facts
    return {
        "kind": facts.ref.kind,
        "resource": facts.ref.name,
        "live": facts.live,
        "ended": found.ended and found.ended.status,
        "notices_only": not found.kind.specs,
        "alarms": [_explained_data(each, changes.get(each.alarm.name, ())) for each in there],
        "lacking": [{"alarm": each.alarm, "reason": each.reason} for each in absent],
        "reports": list(found.decision.reports),
    }


def _explained_data(each: ExplainedAlarm, changes: tuple[StateChange, ...] | str) -> dict[str, Any]:
    present = each.present
    return {
        "name": each.alarm.name,
        "title": each.title,
        "reads": list(each.reads),
        "fires": each.fires,
        "why": each.why,
        "do": each.do,
        "threshold": [{"source": step.source, "said": step.text} for step in each.steps],
        "verdicts": list(each.verdicts),
        "notes": list(each.notes),
        "state": present and _state_word(present.state),
        "since": present and present.since.isoformat(),
        "reason": present and present.reason,
        "history": changes if isinstance(changes, str) else [_change_data(change) for change in changes],
        "labels": dict(each.labels.values),
        "topics": list(each.topics),
        "cost": each.cost,
        "links": dict(each.links),
    }


def _change_data(change: StateChange) -> dict[str, str]:
    before, after = _state_word(change.before), _state_word(change.after)
    return {"at": change.at.isoformat(), "before": before, "after": after, "reason": change.reason}
