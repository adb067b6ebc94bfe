"""Reads the account as the sweep and reconcile do, and decides what they would write; writes nothing."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from fnmatch import fnmatchcase

from sagewatch.aws import cloudwatch
from sagewatch.aws.clients import Clients
from sagewatch.aws.retries import PATIENT
from sagewatch.errors import ErrorCode, Retry, Undeliverable
from sagewatch.fleet.budget import over_budget, row_costs
from sagewatch.fleet.costs import Prices, prices, total
from sagewatch.fleet.growth import grown
from sagewatch.fleet.lists import list_living, list_owned
from sagewatch.fleet.summaries import AlarmSummary, summary_of
from sagewatch.fleet.suspects import suspects
from sagewatch.kinds.kind import Kind, Reader
from sagewatch.kinds.registry import kind as kind_named
from sagewatch.model import Alarm, Described, Observed, Ref, Severity
from sagewatch.policy.cascade import apply_policy
from sagewatch.policy.rules import WARNING, Look, PolicyInForce, Row, RowCost, row_id
from sagewatch.watch.diff import Decision, decide
from sagewatch.watch.facts import observe
from sagewatch.watch.rollback import alarms_of_others, to_label
from sagewatch_cli.account.deployment import Deployment
from sagewatch_cli.account.in_force import read_looks, with_budget
from sagewatch_cli.account.session import Account, Progress, unseen


@dataclass(frozen=True, slots=True)
class Selection:
    """The resources that a plan covers: those that match `patterns`, else all, or those that a sweep would queue."""

    patterns: tuple[str, ...] = ()
    everyone: bool = False

    @property
    def is_of_the_sweep(self) -> bool:
        """Tell whether it covers those that a sweep would queue."""
        return not (self.patterns or self.everyone)

    def lists(self, standing: PolicyInForce) -> bool:
        """Tell whether all resources must be listed: not when they are named one by one, unless a budget is shared."""
        return not self.patterns or standing.policy.budget is not None or any(map(is_glob, self.patterns))

    def chosen(self, standing: PolicyInForce, known: ListedAccount, now: datetime) -> set[Ref]:
        """Return the resources to look at; a pattern without a glob names one, listed or not."""
        if not self.patterns:
            return known.refs if self.everyone else known.named(standing, now)
        exact = {Ref(*each.split("/", 1)) for each in self.patterns if not is_glob(each)}
        return exact | {ref for ref in known.refs if any(fnmatchcase(str(ref), each) for each in self.patterns)}


def clients_of(account: Account) -> Clients:
    """Return the clients that reconcile would have in this account."""
    return Clients(PATIENT, sagemaker=account.client("sagemaker"), cloudwatch=account.client("cloudwatch"))


def is_glob(pattern: str) -> bool:
    """Tell whether a pattern may match several resources."""
    return not set(pattern).isdisjoint("*?[")


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedAccount:
    """What the lists say: resources with their last change, our alarms by resource, and what could not be listed."""

    living: Mapping[Ref, datetime]
    owned: Mapping[Ref, list[Described]]
    summaries: Mapping[Ref, list[AlarmSummary]]
    """The same alarms, as the sweep keeps them."""
    foreign: tuple[str, ...]
    unlisted: Mapping[str, str]
    """Why the resources of a kind could not be listed, by kind."""
    looks: Mapping[Ref, Look] = field(default_factory=dict)
    """What the stack remembers of looks at resources that live."""
    grown: Collection[Ref] = ()
    """The resources of which CloudWatch lists more than their alarms look at."""

    def named(self, standing: PolicyInForce, now: datetime) -> set[Ref]:
        """Return the resources that a sweep would name."""
        found = suspects(self.living, self.summaries, now, standing, self.looks, self.unlisted, self.foreign)
        return found.union(self.grown)

    @property
    def refs(self) -> set[Ref]:
        """Return the resources that exist or have alarms."""
        return {*self.living, *self.owned}

    def alarms(self, but: Collection[Ref] = ()) -> Iterator[Alarm]:
        """Yield all our alarms, except those of the resources in `but`."""
        return (each.alarm for ref, several in self.owned.items() if ref not in but for each in several)


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourcePlan:
    """What reconcile would do about one resource.

    `why` says for each delete what it is for, `claims` are alarms of others that it would label as guards.
    """

    look: Observed
    decision: Decision
    why: Mapping[str, str] = field(default_factory=dict)
    claims: tuple[Alarm, ...] = ()

    @classmethod
    def of(
        cls, read: Reader, prefix: str, look: Observed, standing: PolicyInForce, labelled: Iterable[Alarm] = ()
    ) -> ResourcePlan:
        """Decide as reconcile does, and say why each deleted alarm goes."""
        decision = decide(read, prefix, _kind_of_ref(look.facts.ref), look, standing)
        gone = set(decision.changes.deletes)
        why = {alarm.name: _why(look, alarm, standing) for alarm in look.owned if alarm.name in gone}
        return cls(look=look, decision=decision, why=why, claims=tuple(labelled))

    @property
    def ref(self) -> Ref:
        """Return the resource, by the name that SageMaker gives it."""
        return self.look.facts.ref

    @property
    def present(self) -> dict[str, Alarm]:
        """Return its alarms as they are, by name."""
        return {alarm.name: alarm for alarm in self.look.owned}

    @property
    def created(self) -> tuple[Alarm, ...]:
        """Return the alarms that would be made."""
        return tuple(alarm for alarm in self.decision.changes.puts if alarm.name not in self.present)

    @property
    def changed(self) -> tuple[tuple[Alarm, Alarm], ...]:
        """Return the alarms that would change: as they are, and as they would be."""
        present = self.present
        return tuple((present[each.name], each) for each in self.decision.changes.puts if each.name in present)

    @property
    def deleted(self) -> tuple[Alarm, ...]:
        """Return the alarms that would be deleted."""
        return tuple(self.present[name] for name in self.decision.changes.deletes)

    @property
    def held(self) -> tuple[Alarm, ...]:
        """The alarms that are not wanted and stay: their absence is not proved, or they guard a deployment."""
        settled = {alarm.name for alarm in self.decision.wanted.alarms}.union(self.decision.changes.deletes)
        return tuple(alarm for alarm in self.look.owned if alarm.name not in settled)

    @property
    def after(self) -> tuple[Alarm, ...]:
        """The alarms that would exist afterwards."""
        put = {alarm.name: alarm for alarm in self.decision.changes.puts}
        gone = set(self.decision.changes.deletes)
        return tuple({name: alarm for name, alarm in {**self.present, **put}.items() if name not in gone}.values())

    def __bool__(self) -> bool:
        return bool(self.decision.changes or self.claims)


@dataclass(frozen=True, slots=True, kw_only=True)
class MonthlyCost:
    """USD a month, before the free tier: now, and after the plan."""

    before: float
    after: float


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountPlan:
    """What would be written for the resources that were looked at, and what the fleet costs before and after."""

    planned: tuple[ResourcePlan, ...]
    """By resource, those without a change included."""
    resources: int
    """How many resources are known: they exist, or have alarms."""
    foreign: tuple[str, ...] = ()
    """Names of alarms under our prefix that we did not make."""
    unread: tuple[str, ...] = ()
    """What could not be found out, in sentences."""
    listed: MonthlyCost
    """What the alarms cost that would be made, changed or deleted."""
    fleet: MonthlyCost
    """What all our alarms cost."""
    budget: float | None = None
    """USD a month; None without one."""
    withheld: Mapping[Row, RowCost] = field(default_factory=dict)
    """The rows that the budget has no room for, and what they would cost."""
    untouched: tuple[Alarm, ...] = ()
    """The alarms of ours of the resources that were not looked at."""
    known_prices: bool = True
    """Whether the Region is in the price list; without, prices are those of us-east-1."""

    def counts(self) -> tuple[int, int, int]:
        """Return how many alarms would be made, changed (guards labelled, too) and deleted."""
        return (
            sum(len(each.created) for each in self.planned),
            sum(len(each.changed) + len(each.claims) for each in self.planned),
            sum(len(each.deleted) for each in self.planned),
        )


def _no_looks(_kinds: Iterable[str]) -> Mapping[Ref, Look]:
    return {}


def plan_deployed(
    account: Account,
    deployment: Deployment,
    wanted: PolicyInForce,
    asked: Selection,
    now: datetime,
    progress: Progress = unseen,
    *,
    table: str | None = None,
) -> AccountPlan:
    """Return what the deployed stack would write, from what its table says of the budget; without it, from nothing.

    `table` stands in for the stack's.
    """

    def looks(kinds: Iterable[str]) -> Mapping[Ref, Look]:
        try:
            return read_looks(account, table or deployment.table, kinds)
        except Retry:
            return {}  # what is remembered only saves looks

    budget = with_budget(account, deployment, wanted, table)
    return plan_account(clients_of(account), deployment.prefix, budget.in_force, asked, now, progress, looks)


def plan_account(
    clients: Clients,
    prefix: str,
    standing: PolicyInForce,
    asked: Selection,
    now: datetime,
    progress: Progress = unseen,
    looks: Callable[[Iterable[str]], Mapping[Ref, Look]] = _no_looks,
) -> AccountPlan:
    """Return what reconcile would write for the selected resources; Retry when the alarms cannot be listed.

    `standing` has the rows that the last sweep found no room for under this budget, `looks` reads what the stack
    remembers of looks at resources of some kinds, as `PolicyStore.read_looks` does. As the sweep does, a plan brings
    rows back only when every resource is looked at.
    """
    living, unlisted = list_living(clients.sagemaker) if asked.lists(standing) else ({}, {})
    owned, foreign = list_owned(clients.cloudwatch, prefix)
    prices_ = prices(clients.cloudwatch.meta.region_name)
    summaries = {ref: list(_summaries(several, prices_)) for ref, several in owned.items()}
    is_remembered = asked.is_of_the_sweep or standing.policy.budget is not None
    remembered = looks({ref.kind for ref in living}) if is_remembered else {}
    known = ListedAccount(
        living=living,
        owned=owned,
        summaries=summaries,
        foreign=tuple(foreign),
        unlisted=unlisted,
        looks={ref: look for ref, look in remembered.items() if ref in living},
        grown=grown(clients.cloudwatch, living, summaries) if asked.is_of_the_sweep else (),
    )
    looking = _Observations(clients, prefix, known, progress)
    standing, demand = looking.settled(standing, asked, now, prices_)
    about = looking.with_children(asked.chosen(standing, known, now)) if asked.patterns else looking.looks
    planned = tuple(looking.planned(ref, standing) for ref in sorted(about))
    others = tuple(known.alarms({each.ref for each in planned}))
    return AccountPlan(
        planned=planned,
        resources=len(known.refs),
        foreign=tuple(sorted({name for each in planned for name in each.look.foreign} if asked.patterns else foreign)),
        unread=(*unlisted.values(), *looking.failed.values()),
        listed=_cost(prices_, *_listed(planned)),
        fleet=_cost(prices_, (*others, *_alarms_now(planned)), (*others, *(a for each in planned for a in each.after))),
        budget=standing.policy.budget,
        withheld={row: demand.get(row, _FREE) for row in sorted(standing.withheld)},
        untouched=others,
        known_prices=prices_.known,
    )


def _alarms_now(planned: Iterable[ResourcePlan]) -> Iterator[Alarm]:
    return (alarm for each in planned for alarm in each.look.owned)


def _listed(planned: Collection[ResourcePlan]) -> tuple[list[Alarm], list[Alarm]]:
    before = [alarm for each in planned for alarm in (*(old for old, _ in each.changed), *each.deleted)]
    return before, [alarm for each in planned for alarm in each.decision.changes.puts]


def _summaries(alarms: Iterable[Described], prices_: Prices) -> Iterator[AlarmSummary]:
    return (summary_of(each, labels, prices_) for each in alarms if (labels := each.alarm.labels))


def _cost(prices_: Prices, before: Iterable[Alarm], after: Iterable[Alarm]) -> MonthlyCost:
    return MonthlyCost(before=_monthly(prices_, before), after=_monthly(prices_, after))


def _monthly(prices_: Prices, alarms: Iterable[Alarm]) -> float:
    return total((alarm.request for alarm in alarms), prices_).before


@dataclass(slots=True)
class _Observations:
    """Looks at each resource once, and at what has no events of its own with its parent, as a batch does."""

    clients: Clients
    """As reconcile has them."""
    prefix: str
    """The first part of the names of our alarms."""
    known: ListedAccount
    """What the lists say."""
    progress: Progress
    """How the work is shown to whoever waits."""
    looks: dict[Ref, Observed] = field(default_factory=dict)
    """What was seen, by the name that SageMaker gives the resource."""
    failed: dict[Ref, str] = field(default_factory=dict)
    """Why a resource could not be looked at, by the name that was asked for."""
    called: dict[Ref, Ref] = field(default_factory=dict)
    """The name that SageMaker gives, by the name that was asked for."""

    def settled(
        self, standing: PolicyInForce, asked: Selection, now: datetime, prices_: Prices
    ) -> tuple[PolicyInForce, Mapping[Row, RowCost]]:
        """Read the selected resources, and those that decide which rows the budget has no room for.

        Ends: another round looks at more resources, or withholds the same rows.
        """
        self.at(asked.chosen(standing, self.known, now))
        if standing.policy.budget is None:
            return standing, {}
        recorded = frozenset() if asked.everyone else standing.withheld
        while True:
            self.at(self.known.named(standing, now) | self._unsure(standing))
            demand = row_costs(self._wanted(standing), prices_, standing.policy, self._remembered(standing))
            rows = over_budget(standing.policy.budget, demand) | recorded
            if rows == standing.withheld:
                return standing, demand
            standing = replace(standing, withheld=rows)

    def at(self, refs: Collection[Ref]) -> None:
        """Look at the resources that were not looked at yet, and at their children."""
        while new := sorted(set(refs) - self.called.keys() - self.failed.keys()):
            for ref in self.progress(new, "Looking at resources"):
                self._look(ref)
            refs = {child for ref in new if ref in self.called for child in self._at(ref).facts.children}

    def _look(self, ref: Ref) -> None:
        try:
            look = observe(self.clients, self.prefix, _kind_of_ref(ref), ref)
        except Retry as error:
            self.failed[ref] = str(error)
            return
        self.called[ref] = self.called[look.facts.ref] = look.facts.ref
        self.looks[look.facts.ref] = look

    def _at(self, ref: Ref) -> Observed:
        return self.looks[self.called[ref]]

    def with_children(self, refs: Iterable[Ref]) -> set[Ref]:
        """Return the resources that could be read, by the names that SageMaker gives them, and all their children."""
        found: set[Ref] = set()
        while refs := {self.called[ref] for ref in refs if ref in self.called} - found:
            found |= refs
            refs = {child for ref in refs for child in self.looks[ref].facts.children}
        return found

    def planned(self, ref: Ref, standing: PolicyInForce) -> ResourcePlan:
        """Return what reconcile would do about a resource that was looked at."""
        look = self.looks[ref]
        others = cloudwatch.named(self.clients.cloudwatch, alarms_of_others(self.prefix, look.facts))
        labelled = to_label(self.prefix, look.facts, others)
        return ResourcePlan.of(self.clients.reader, self.prefix, look, standing, labelled)

    def _wanted(self, standing: PolicyInForce) -> Iterator[Alarm]:
        """Yield the alarms that the fleet would have if the budget had room for all."""
        unbounded = replace(standing, withheld=frozenset())
        for look in self.looks.values():
            yield from ResourcePlan.of(self.clients.reader, self.prefix, look, unbounded).after
        yield from self.known.alarms(self.looks.keys())

    def _remembered(self, standing: PolicyInForce) -> dict[Ref, Mapping[str, float]]:
        """Return what rows without room would cost, of the resources that need not be looked at for that."""
        return {
            ref: look.withheld
            for ref, look in self.known.looks.items()
            if ref not in self.looks and look.mark == standing.mark_of(ref)
        }

    def _unsure(self, standing: PolicyInForce) -> set[Ref]:
        """Return the resources of kinds with a row that is wanted and that nobody has: it may have given way before.

        What it asks for is known only when all of its kind were looked at.
        """
        remembered = {(ref.kind, row) for ref, look in self.known.looks.items() for row in look.withheld}
        present = {*row_costs(self.known.alarms(), _ANY), *remembered}
        lacking = {kind for kind, row in row_costs(self._wanted(standing), _ANY) if (kind, row) not in present}
        return {ref for ref in self.known.refs if ref.kind in lacking}


_ANY = prices("")
_FREE = RowCost(0.0, Severity.INFO)
"""What a row costs that nobody would have now; the sweep brings it back with its next look at all resources."""


def _kind_of_ref(ref: Ref) -> Kind:
    kind = kind_named(ref.kind)
    if kind is None:
        raise Undeliverable(f"{ref}: this version knows no such kind", code=ErrorCode.UNKNOWN_KIND)
    return kind


def _why(look: Observed, alarm: Alarm, standing: PolicyInForce) -> str:
    """Say why an alarm of ours is not wanted any more."""
    labels, facts = alarm.labels, look.facts
    if not facts.live or labels is None:
        return f"{facts.ref.name} is gone"
    row = row_id(labels["alarm"])
    rows = apply_policy(_kind_of_ref(facts.ref).specs, facts.ref, facts.tags, standing.policy)
    if rows.ignored:
        return f"ignored: {rows.ignored}"
    if (facts.ref.kind, row) in standing.withheld:
        return "the budget has no room for it"
    if row in rows.off:
        return rows.off[row]
    if row not in {spec.id for spec in _kind_of_ref(facts.ref).specs}:
        return "this version has no such alarm"
    if labels["scope"] not in {scope.name for scope in facts.scopes}:
        return f"{labels['scope']} is gone"
    if labels["alarm"].endswith(WARNING) and labels["alarm"] not in {spec.id for spec in rows.specs}:
        return "one threshold, not two"
    return f"it does not apply to {labels['scope']} any more"
