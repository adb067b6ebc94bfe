"""`sagewatch explain`: why an alarm is as it is, or why it is not there."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, Never

import typer
from rich.console import Console
from rich.padding import Padding
from rich.table import Table as Grid
from rich.text import Text

from sagewatch.aws import sagemaker
from sagewatch.aws.policy_store import Standing
from sagewatch.aws.published_metrics import Discovery
from sagewatch.errors import Retry
from sagewatch.fleet.costs import prices
from sagewatch.kinds.kind import Kind
from sagewatch.kinds.registry import KINDS
from sagewatch.kinds.registry import kind as kind_named
from sagewatch.model import Alarm, Ref
from sagewatch.policy.rules import row_of
from sagewatch.receivers.wording.phrases import harmless
from sagewatch.watch import names
from sagewatch.watch.reconcile import Clients, Decision, Look
from sagewatch_cli.account import alarms
from sagewatch_cli.account.alarms import Change, Series, series
from sagewatch_cli.account.coverage import STATES
from sagewatch_cli.account.coverage_reading import Table, place, reader, recorded
from sagewatch_cli.account.explain import VERDICTS, Explained, Found, Lacking, Noting, explained, lacking, summed
from sagewatch_cli.account.policy import PolicyFile, standing
from sagewatch_cli.account.session import Account, EndpointUrl, Prefix, Profile, Region
from sagewatch_cli.printing import REFUSED, Form, Format, as_json, stop

_UNKNOWN, _ABSENT = 3, 4
_LONGEST = 1_000  # characters of other people's text


def explain(
    what: Annotated[
        str,
        typer.Argument(
            metavar="ALARM|REF",
            help="An alarm's name, or kind/name for all alarms of a resource.",
            show_default=False,
        ),
    ],
    form: Form = Format.TABLE,
    policy: PolicyFile = None,
    incidents: Table = None,
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
    account = Account(profile=profile, region=region, endpoint_url=endpoint_url)
    try:
        asked = Asked.read(account, prefix, what)
        wanted = recorded(account, standing(account, prefix, policy), incidents)
        found = look(account, prefix, wanted, asked.ref)
        there = tuple(each for each in explained(found) if asked.names(each.labels["scope"], each.labels["alarm"]))
        absent = summed(tuple(each for each in lacking(found) if asked.names(each.scope, each.alarm)))
        if not (there or absent):
            _nothing(account, found, asked)
        changes = {each.alarm.name: _history(account, each.alarm.name) for each in there if each.present}
    except Retry as error:
        stop(REFUSED, str(error))
    if form is Format.JSON:
        as_json(as_data(found, there, absent, changes))
    else:
        show(Console(), found, there, absent, changes)
    if asked.alarm and not any(each.present for each in there):
        raise typer.Exit(_ABSENT)


# ---------------------------------------------------------------------------------------------- what is asked about
@dataclass(frozen=True, slots=True)
class Asked:
    """The resource, and scope and id when a single alarm is asked about."""

    ref: Ref
    scope: str = ""
    alarm: str = ""

    @classmethod
    def read(cls, account: Account, prefix: str, what: str) -> Asked:
        """Read the argument; the labels of an alarm that is there say more than its name, which may be cut."""
        if what.startswith(f"{prefix}/") and (present := alarms.named(account.client("cloudwatch"), what)):
            labels = present.alarm.labels
            if labels is None or alarms.owner(prefix, what, labels) is None:
                stop(_ABSENT, f"{what} is foreign: it is under our prefix, and we did not make it. We leave it alone.")
            return cls(labels.ref, labels["scope"], labels["alarm"])
        parts = what.removeprefix(f"{prefix}/").split("/")
        if len(parts) not in {2, 4} or not all(parts):
            stop(_UNKNOWN, f"{what} is neither kind/name, such as endpoint/churn, nor an alarm's name under {prefix}/.")
        if kind_named(parts[0]) is None:
            _no(f"There is no kind {parts[0]}.", parts[0], [kind.name for kind in KINDS])
        return cls(Ref(*parts[:2]), *parts[2:])

    def names(self, scope: str, alarm: str) -> bool:
        """Tell whether that alarm is asked about; what is said of a row without a scope holds for all."""
        return not self.alarm or (alarm == self.alarm and scope in {"", self.scope})


def _no(said: str, name: str, known: Iterable[str]) -> Never:
    """End the command with the names that are near, else some of those that there are."""
    there = sorted(set(known))
    near = difflib.get_close_matches(name, there, n=3, cutoff=0.5)
    hint = f" Do you mean {', '.join(near)}?" if near else f" There are {', '.join(there[:20])}." if there else ""
    stop(_UNKNOWN, said + hint)


def _nothing(account: Account, found: Found, asked: Asked) -> None:
    """End the command when there is nothing of that name: no such resource, row or scope."""
    facts, kind = found.look.facts, found.kind
    if not facts.live:
        known = [ref.name for ref, _ in sagemaker.live(account.client("sagemaker"), kind)]
        _no(f"There is no {kind.name} {asked.ref.name} in this account and Region.", asked.ref.name, known)
    if not asked.alarm:
        return
    rows = [spec.id for spec in kind.specs]
    if row_of(asked.alarm) not in rows:
        _no(f"There is no alarm {asked.alarm} for the kind {kind.name}.", asked.alarm, rows)
    _no(f"{facts.ref} has no scope {asked.scope}.", asked.scope, [scope.name for scope in facts.scopes])


# ---------------------------------------------------------------------------------------------------------- reading
def look(account: Account, prefix: str, wanted: Standing, ref: Ref) -> Found:
    """Look at a resource and its alarms as reconcile does, and at their states and metrics."""
    cloudwatch = account.client("cloudwatch")
    discovery = Discovery(cloudwatch)
    read = Noting(reader(account, discovery))
    kind = _kind(ref)
    seen = Look.at(Clients(account.client("sagemaker"), cloudwatch, read), prefix, kind, ref)
    ours = {alarm.name for alarm in seen.owned}
    there = alarms.beginning(cloudwatch, names.search_prefix(prefix, seen.facts.ref))
    at = place(account)
    return Found(
        kind=kind,
        look=seen,
        decision=Decision.about(read, prefix, kind, seen, wanted),
        standing=wanted,
        present={each.name: each for each in there if each.name in ours},
        types=read.types,
        published=_published(discovery, seen.owned),
        place=at,
        prices=prices(at.region),
        at=datetime.now(UTC),
    )


def _kind(ref: Ref) -> Kind:
    kind = kind_named(ref.kind)
    if kind is None:
        _no(f"There is no kind {ref.kind}.", ref.kind, [kind.name for kind in KINDS])
    return kind


def _published(discovery: Discovery, owned: Iterable[Alarm]) -> frozenset[Series]:
    """Return which of the series that the alarms read had data within two weeks."""
    read = {each for alarm in owned for each in series(alarm)}
    return frozenset(each for each in read if _is_published(discovery, each))


def _is_published(discovery: Discovery, asked: Series) -> bool:
    namespace, metric, dimensions = asked
    listed = discovery.published(metric, namespace, **dict(dimensions))
    return any(frozenset(each.dimensions.items()) == dimensions for each in listed)


def _history(account: Account, name: str) -> tuple[Change, ...] | str:
    """Return the last changes of an alarm's state, or why they could not be read: the rest can be told without."""
    try:
        return alarms.history(account.client("cloudwatch"), name)
    except Retry as error:
        return str(error)


# --------------------------------------------------------------------------------------------------------- printing
type Changes = Mapping[str, tuple[Change, ...] | str]


def show(
    console: Console, found: Found, there: Sequence[Explained], absent: Sequence[Lacking], changes: Changes
) -> None:
    """Print a block for each alarm, then the rows without one."""
    if not found.kind.specs:
        console.print(Text(f"{found.look.facts.ref}: a {found.kind.name} gets no alarms, only notices when it fails."))
    for each in there:
        _show(console, found, each, changes.get(each.alarm.name, ()))
    if absent:
        console.print(Text(f"Rows of {found.look.facts.ref} without an alarm", "bold"))
        grid = _lined()
        for lack in absent:
            grid.add_row(Text(lack.alarm), _plain(lack.reason))
        console.print(Padding(grid, (0, 0, 1, 2)))
    for report in found.decision.reports:
        console.print(_plain(f"Note: {report}"))


def _show(console: Console, found: Found, each: Explained, changes: tuple[Change, ...] | str) -> None:
    console.print(Text.assemble((harmless(each.alarm.name, _LONGEST), "bold"), f"  {each.title}"))
    grid = _lined()
    for name, said in _lines(found, each, changes):
        grid.add_row(Text(name, "dim"), _plain(said))
    console.print(Padding(grid, (0, 0, 1, 2)))


def _lined() -> Grid:
    """Return an empty grid of names and texts; an address is broken rather than cut."""
    grid = Grid.grid(padding=(0, 2))
    grid.add_column(no_wrap=True)
    grid.add_column(overflow="fold")
    return grid


def _lines(found: Found, each: Explained, changes: tuple[Change, ...] | str) -> Iterator[tuple[str, str]]:
    """Yield what is said of an alarm, with what each line is about."""
    yield "when", each.fires
    yield from (("watches" if n == 0 else "", read) for n, read in enumerate(each.reads))
    if each.why:
        yield "why", f"{each.why} {each.do}"
    for step in each.steps:
        yield "threshold" if step is each.steps[0] else "", f"{step.source}: {step.said}"
    for verdict in each.verdicts:
        yield "verdict", " ".join(filter(None, (_sentence(verdict), VERDICTS[verdict])))
    yield from (("note", note) for note in each.notes)
    if each.present:
        yield "now", f"{_state(each.present.state)} since {_time(each.present.since)}: {each.present.reason}"
    yield from _past(changes)
    yield "labels", " ".join(f"{name}={value}" for name, value in each.labels.values.items() if name != "rev")
    yield "pages", ", ".join(each.topics) or "nobody by CloudWatch itself; Sagewatch tells by its routes"
    yield "costs", f"${each.cost:,.2f} a month{'' if found.prices.known else ' (price of us-east-1)'}"
    yield from each.links.items()


def _sentence(verdict: str) -> str:
    return f"{verdict[0].upper()}{verdict[1:]}."


def _past(changes: tuple[Change, ...] | str) -> Iterator[tuple[str, str]]:
    if isinstance(changes, str):
        yield "before", f"its history could not be read: {changes}"
        return
    for change in changes:
        said = f"{_state(change.before)} → {_state(change.after)}: {change.reason}"
        yield "before" if change is changes[0] else "", f"{_time(change.at)}  {said}"


def _state(state: str) -> str:
    return STATES.get(state, state)


def _time(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def _plain(text: str) -> Text:
    return Text(harmless(text, _LONGEST))


# ------------------------------------------------------------------------------------------------------------- data
def as_data(found: Found, there: Sequence[Explained], absent: Sequence[Lacking], changes: Changes) -> dict[str, Any]:
    """Return the explanation as plain data."""
    facts = found.look.facts
    return {
        "kind": facts.ref.kind,
        "resource": facts.ref.name,
        "live": facts.live,
        "notices_only": not found.kind.specs,
        "alarms": [_alarm(each, changes.get(each.alarm.name, ())) for each in there],
        "lacking": [{"alarm": each.alarm, "reason": each.reason} for each in absent],
        "reports": list(found.decision.reports),
    }


def _alarm(each: Explained, changes: tuple[Change, ...] | str) -> dict[str, Any]:
    present = each.present
    return {
        "name": each.alarm.name,
        "title": each.title,
        "reads": list(each.reads),
        "fires": each.fires,
        "why": each.why,
        "do": each.do,
        "threshold": [{"source": step.source, "said": step.said} for step in each.steps],
        "verdicts": list(each.verdicts),
        "notes": list(each.notes),
        "state": present and _state(present.state),
        "since": present and present.since.isoformat(),
        "reason": present and present.reason,
        "history": changes if isinstance(changes, str) else [_change(change) for change in changes],
        "labels": dict(each.labels.values),
        "topics": list(each.topics),
        "cost": each.cost,
        "links": dict(each.links),
    }


def _change(change: Change) -> dict[str, str]:
    before, after = _state(change.before), _state(change.after)
    return {"at": change.at.isoformat(), "before": before, "after": after, "reason": change.reason}
