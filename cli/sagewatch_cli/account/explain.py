"""Explains a resource's alarms: where each comes from, its state, and why other rows have no alarm. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from sagewatch.fleet.costs import Prices, monthly
from sagewatch.kinds import links
from sagewatch.kinds.kind import Kind, Spec
from sagewatch.kinds.registry import spec as row_named
from sagewatch.model import PER_CAPACITY, Alarm, Capacity, Labels, Observed, Place, Scope
from sagewatch.policy.cascade import Override, RowsInForce, apply_policy
from sagewatch.policy.rules import PolicyInForce, row_id
from sagewatch.units import humanise
from sagewatch.watch.diff import Decision
from sagewatch.watch.request import condition
from sagewatch.watch.revision import is_edited
from sagewatch.watch.rows import RowDecision, RowStatus, rows_there
from sagewatch_cli.account.alarm_words import default
from sagewatch_cli.account.alarms import MetricSeries, PresentAlarm, series
from sagewatch_cli.account.coverage import JUDGED, is_dead
from sagewatch_cli.account.ended import EndedResource

VERDICTS: Mapping[str, str] = {
    "as it should be": "",
    "missing": "It should be there and is not: reconcile makes it within a minute of a change, or the next sweep does.",
    "orphan": "Its resource is gone: the next sweep proves that and deletes it.",
    "guards": "Its resource is gone or does not want it, and it stays while it guards a deployment.",
    "edited": "Somebody changed it after it was written: the next sweep restores it as said here.",
    "stale": "It was made for an earlier resource or policy: the next sweep rewrites it as said here.",
    "unwanted": "It should not be there any more: the next sweep deletes it.",
    "held": "Whether it should be there cannot be known now, so it stays as it is.",
    "dead": "None of its metrics had data within two weeks: it cannot fire.",
}
"""What each verdict means, and what happens next."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspection:
    """What a look at a resource found."""

    kind: Kind
    """The resource's kind."""
    prefix: str
    """The first part of the names of our alarms."""
    where: str
    """The account and the Region, in words."""
    look: Observed
    """The resource as reconcile sees it: its facts and its alarms."""
    decision: Decision
    """What reconcile would do about it."""
    standing: PolicyInForce
    """The policy, and what the budget has no room for."""
    present: Mapping[str, PresentAlarm]
    """Its alarms with their states, by name."""
    types: Mapping[str, Capacity | None]
    """The instance types that were asked about; None for one that nobody knows."""
    published: frozenset[MetricSeries]
    """The series that its alarms read and that had data within two weeks."""
    place: Place
    """The account and Region."""
    prices: Prices
    """The price list of the Region."""
    at: datetime
    """When it was looked at."""
    ended: EndedResource | None = None
    """How it ended, where SageMaker still describes what is over."""

    @property
    def decided(self) -> tuple[RowDecision, ...]:
        """Return what becomes of each row."""
        return rows_there(self.prefix, self.kind, self.look, self.standing)

    @property
    def rows(self) -> RowsInForce:
        """Return the kind's rows as the owner wants them for this resource."""
        facts = self.look.facts
        return apply_policy(self.kind.specs, facts.ref, facts.tags, self.standing.policy)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExplainedAlarm:
    """All that there is to say of one alarm."""

    alarm: Alarm
    """The alarm as it should be; as it is, where it should not exist."""
    labels: Labels
    """Its labels."""
    title: str
    """The row's title; the alarm's id where this version has no such row."""
    reads: tuple[str, ...]
    """The metrics that it reads, one in a line, then the expression over them."""
    fires: str
    """When it fires, in a sentence."""
    why: str
    """Why the row exists."""
    do: str
    """What to do when it fires."""
    steps: tuple[Override, ...]
    """Where the threshold comes from, from the default to what is in force."""
    verdicts: tuple[str, ...]
    """Keys of VERDICTS."""
    notes: tuple[str, ...]
    """What else is worth knowing."""
    topics: tuple[str, ...]
    """The topics that CloudWatch itself tells."""
    cost: float
    """USD a month, before the free tier."""
    links: Mapping[str, str]
    """Pages of the console by name: `alarm`, `resource`, `logs`."""
    present: PresentAlarm | None
    """None when the alarm should be there and is not."""


@dataclass(frozen=True, slots=True)
class AbsentRow:
    """A row without an alarm, and why: in one scope, or in all when `scope` is empty."""

    alarm: str
    scope: str
    reason: str


def explain_alarms(found: Inspection) -> tuple[ExplainedAlarm, ...]:
    """Explain every alarm that is there or should be, in the order of the kind's table."""
    wanted = {alarm.name: alarm for alarm in found.decision.wanted.alarms} if found.look.facts.live else {}
    all_ = {**{alarm.name: alarm for alarm in found.look.owned}, **wanted}
    ids = [each.id for each in found.kind.specs]
    told = [_explain_alarm(found, alarm, labels, wanted) for alarm in all_.values() if (labels := alarm.labels)]
    return tuple(sorted(told, key=lambda each: (_row_position(ids, each.labels["alarm"]), each.alarm.name)))


def _row_position(ids: list[str], alarm: str) -> int:
    row = row_id(alarm)
    return ids.index(row) if row in ids else len(ids)


def _explain_alarm(found: Inspection, alarm: Alarm, labels: Labels, wanted: Mapping[str, Alarm]) -> ExplainedAlarm:
    rows = found.rows
    row = row_named(found.kind.name, labels["alarm"])
    spec = next((each for each in rows.specs if each.id == labels["alarm"]), row)
    scope = next((each for each in found.look.facts.scopes if spec and _is_of(each, spec, labels["scope"])), None)
    present = found.present.get(alarm.name)
    ref, place = labels.ref, found.place
    pages = {
        "alarm": links.alarm(place, alarm.name),
        "resource": links.resource(place, ref),
        "logs": links.logs(place, ref),
    }
    return ExplainedAlarm(
        alarm=alarm,
        labels=labels,
        title=spec.title if spec else labels["alarm"],
        reads=tuple(_reading_lines(alarm)),
        fires=condition(spec, scope) if spec and scope and alarm.name in wanted else _description_text(alarm),
        why=spec.why if spec else "",
        do=spec.do if spec else "",
        steps=_steps(found, row, spec, scope, rows) if row and spec else (),
        verdicts=tuple(_verdicts(found, alarm, present, wanted)),
        notes=tuple(_notes(found, alarm, present, wanted)),
        topics=tuple(alarm.request.get("AlarmActions", ())),
        cost=monthly(alarm.request, found.prices),
        links={name: page for name, page in pages.items() if page},
        present=present,
    )


def _is_of(scope: Scope, spec: Spec, name: str) -> bool:
    return scope.level == spec.level and scope.name == name


def _reading_lines(alarm: Alarm) -> Iterator[str]:
    """Yield the metrics that an alarm reads, with their dimensions, and how it combines them."""
    for namespace, metric, dimensions in sorted(series(alarm), key=str):
        named = ", ".join(f"{name}={value}" for name, value in sorted(dimensions))
        yield f"{metric} of {namespace} ({named})"
    for query in alarm.request.get("Metrics", ()):
        if "Expression" in query:
            yield f"as {query['Expression']}"


def _description_text(alarm: Alarm) -> str:
    """Return what the alarm's own description says, without the labels."""
    text: str = alarm.request.get("AlarmDescription", "")
    return text.rpartition("\n")[0]


def _steps(found: Inspection, row: Spec, spec: Spec, scope: Scope | None, rows: RowsInForce) -> tuple[Override, ...]:
    """Return where the threshold comes from, from the row's own to what is in force."""
    steps = (Override("default of the row", default(row)), *rows.overrides.get(spec.id, ()))
    if scope is None:
        return steps
    return (*steps, Override("in force", _in_force(found, spec, scope)))


def _in_force(found: Inspection, spec: Spec, scope: Scope) -> str:
    if spec.unit not in PER_CAPACITY or scope.capacity is None:
        return humanise(spec.threshold, spec.unit)
    number = getattr(scope.capacity, PER_CAPACITY[spec.unit])
    types = " or ".join(sorted(name for name, capacity in found.types.items() if capacity == scope.capacity))
    whole = spec.threshold * number
    return f"{humanise(whole, spec.unit, number)}{f' ({types})' if types else ''} = {whole:g}"


def _verdicts(
    found: Inspection, alarm: Alarm, present: PresentAlarm | None, wanted: Mapping[str, Alarm]
) -> Iterator[str]:
    changes = found.decision.changes
    if alarm.name in found.decision.protecting:
        yield "guards"
    elif not found.look.facts.live:
        yield "orphan"
    elif present is None:
        yield "held" if any(_is_about(each, alarm) for each in absent_rows(found)) else "missing"
        return
    elif alarm.name in changes.deletes:
        yield "unwanted"
    elif is_edited(present.alarm):
        yield "edited"
    elif alarm.name not in wanted:
        yield "held"
    elif alarm.name in {each.name for each in changes.puts}:
        yield "stale"
    else:
        yield "as it should be"
    if present and found.at - present.updated >= JUDGED and _is_dead(found, present.alarm):
        yield "dead"


def _is_dead(found: Inspection, alarm: Alarm) -> bool:
    return is_dead(alarm, found.published, {namespace for namespace, *_ in series(alarm)})


def _notes(found: Inspection, alarm: Alarm, present: PresentAlarm | None, wanted: Mapping[str, Alarm]) -> Iterator[str]:
    """Yield what else is worth knowing of it."""
    if guarded := found.decision.protecting.get(alarm.name):
        yield f"It guards the deployments of {guarded}."
    if present and not present.alarm.request["ActionsEnabled"]:
        yield "Somebody switched its actions off; that is kept."
    if found.look.facts.live and (present is None or alarm.name not in wanted):
        yield from (each.reason for each in absent_rows(found) if _is_about(each, alarm))


def _is_about(row: AbsentRow, alarm: Alarm) -> bool:
    labels = alarm.labels
    return labels is not None and row.alarm == labels["alarm"] and row.scope in {"", labels["scope"]}


def absent_rows(found: Inspection) -> tuple[AbsentRow, ...]:
    """Return the rows that should have no alarm here, each with the reason, in the order of the kind's rows."""
    return tuple(
        AbsentRow(each.spec.id, each.scope or "", each.reason)
        for each in found.decided
        if each.status not in {RowStatus.WANTED, RowStatus.MISSING}
    )


def without_scopes(several: tuple[AbsentRow, ...]) -> tuple[AbsentRow, ...]:
    """Return each reason of a row once, whatever the number of scopes."""
    return tuple(dict.fromkeys(replace(each, scope="") for each in several))
