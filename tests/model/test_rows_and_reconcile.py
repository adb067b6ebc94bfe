"""What the commands and the sweep's figures say of a row, and what reconcile then does: never two different things."""

from __future__ import annotations

import random
from collections import Counter
from datetime import timedelta

import pytest

from sagewatch.aws.clients import Clients
from sagewatch.aws.policy_store import PolicyStore
from sagewatch.aws.retries import PATIENT
from sagewatch.fleet.coverage_count import read_coverage_count
from sagewatch.kinds.registry import kind as kind_named
from sagewatch.model import Observed, Ref
from sagewatch.policy.rules import PolicyInForce
from sagewatch.settings import SweepSettings
from sagewatch.watch.facts import observe
from sagewatch.watch.names import alarm_name
from sagewatch.watch.rows import RowDecision, RowStatus, rows_there
from sagewatch_cli.account.coverage import Coverage, matrix
from sagewatch_cli.account.coverage_reading import survey
from sagewatch_cli.account.deployment import find_deployment
from sagewatch_cli.account.in_force import with_budget
from sagewatch_cli.account.plan import Selection, plan_deployed
from sagewatch_cli.account.policy import read_policy
from sagewatch_cli.account.session import Account
from sagewatch_cli.account.stack import stack_parameter
from tests.model.account import NUMBER, REGION, AccountDouble, answering
from tests.model.stack import Stack, environment
from tests.model.world import SHAPES, WATCHED, World

POLICIES = (
    "# as deployed",
    "alarms:\n- {alarm: cpu, off: true}\n- {kind: endpoint, alarm: latency-p99, warning: 500ms, critical: 1s}\n",
    "ignore:\n- {resource: '*-1'}\n- {tags: {env: dev}}\n",
    "alarms:\n- {kind: '*-job', off: true}\n- {tags: {env: prod}, alarm: 'errors-*', off: true}\n",
    "budget: 2\n",
    "budget: 6\nalarms:\n- {alarm: memory, severity: critical}\n",
)
TAGS = ({}, {}, {"env": "dev"}, {"env": "prod"}, {"sagewatch:cpu": "off"}, {"sagewatch:ignore": "true"})
SWEEPS = 3


class Town:
    """An account of chance, with the stack in it."""

    def __init__(self, seed: int) -> None:
        self.choose = random.Random(seed)
        self.account = AccountDouble()
        self.stack = Stack(self.account)
        self.world = World(self.account, self.stack.event)
        self.world.fate = lambda _event: iter(())
        self.policy("# as deployed")
        self.account.parameters[stack_parameter("sagewatch")] = [
            f"arn:aws:cloudformation:{REGION}:{NUMBER}:stack/sagewatch/1"
        ]
        for number in range(self.choose.randint(2, 7)):
            kind = self.choose.choice(WATCHED)
            shape = self.choose.randrange(len(SHAPES[kind]))
            self.world.create(kind, f"churn-{number}", shape, **self.choose.choice(TAGS))
        # Nothing is new: nobody says "not yet".
        self.account.clock.now += timedelta(hours=3)

    def policy(self, text: str) -> None:
        self.account.parameters.setdefault(self.stack.policy_parameter, []).append(text)

    def disturb(self) -> None:
        """Do what people do: another policy, alarms deleted by hand, configurations that are gone."""
        self.policy(self.choose.choice(POLICIES))
        for name in self.choose.sample(sorted(self.account.alarms), min(3, len(self.account.alarms))):
            del self.account.alarms[name]
        for kind, name in sorted(self.account.resources):
            if kind == "endpoint" and self.choose.random() < 0.3:
                self.world.hide_config(name)

    def settle(self) -> None:
        for number in range(SWEEPS):
            self.account.clock.now += timedelta(minutes=16)
            assert self.stack.sweep("full" if number == 0 else "light").raised is None
            self.stack.drain()

    @property
    def refs(self) -> list[Ref]:
        return [Ref(kind, name) for kind, name in sorted(self.account.resources) if kind in WATCHED]

    def in_force(self) -> PolicyInForce:
        with answering(self.account):
            store = PolicyStore(self.stack.policy_parameter, "incidents", PATIENT)
            return store.read()

    def look(self, ref: Ref) -> Observed:
        kind = kind_named(ref.kind)
        assert kind is not None
        with answering(self.account):
            return observe(Clients(PATIENT), "sagewatch", kind, ref)

    def rows(self, look: Observed) -> tuple[RowDecision, ...]:
        kind = kind_named(look.facts.ref.kind)
        assert kind is not None
        return rows_there("sagewatch", kind, look, self.in_force())

    def covered(self) -> Coverage:
        account = Account()
        with answering(self.account):
            deployment = find_deployment(account, "sagewatch")
            budget = with_budget(account, deployment, read_policy(account, "sagewatch"), None)
            return survey(account, deployment, budget, self.account.clock.now)


def named(ref: Ref, row: RowDecision) -> str:
    return alarm_name("sagewatch", ref, row.scope or "", row.spec.id)


@pytest.mark.parametrize("seed", range(5))
def test_reconcile_does_what_is_said_of_each_row(seed: int) -> None:
    town = Town(seed)
    if seed % 2:
        town.settle()
    town.disturb()
    looks = {ref: town.look(ref) for ref in town.refs}
    said = {ref: town.rows(look) for ref, look in looks.items()}
    with answering(town.account):
        planned = plan_deployed(
            Account(),
            find_deployment(Account(), "sagewatch"),
            town.in_force(),
            Selection(everyone=True),
            town.account.clock.now,
        )
    without_budget = town.in_force().policy.budget is None

    for ref in town.refs:
        town.stack.name(ref.kind, ref.name)
    town.stack.drain()

    for ref, rows in said.items():
        before = {alarm.name for alarm in looks[ref].owned}
        after = {alarm.name for alarm in town.look(ref).owned}
        for row in rows:
            if row.scope is None and row.status is RowStatus.HELD:
                continue
            name = named(ref, row)
            should = {
                RowStatus.WANTED: True,
                RowStatus.MISSING: True,
                RowStatus.HELD: name in before,
                RowStatus.OFF: False,
                RowStatus.WITHHELD: False,
                RowStatus.NOT_APPLICABLE: False,
            }[row.status]
            of_row = {each for each in after if each.endswith(f"/{row.spec.id}")} if row.scope is None else {name}
            assert bool(of_row & after) is should, f"{name}: {row.status} {row.reason}"
    if without_budget:
        missing = {named(ref, row) for ref, rows in said.items() for row in rows if row.status is RowStatus.MISSING}
        assert {alarm.name for each in planned.planned for alarm in each.created} == missing


@pytest.mark.parametrize("seed", range(5))
def test_at_rest_coverage_the_digest_and_the_rows_count_the_same(seed: int) -> None:
    town = Town(seed)
    town.settle()
    town.disturb()
    town.settle()

    covered = town.covered()
    with answering(town.account):
        settings = SweepSettings.read(environment("Sweep", "sagewatch"))
        store = PolicyStore(town.stack.policy_parameter, "incidents", PATIENT)
        counted = read_coverage_count(Clients(PATIENT), settings, store, town.account.clock.now)

    tallies = {each.kind.name: (each.watched, each.living - each.left_out) for each in covered.tallies}
    assert counted.kinds == {kind: sums for kind, sums in tallies.items() if sums[1]}
    assert (counted.left_out, counted.alarms) == (covered.left_out, len(covered.alarms))
    rows = {ref: town.rows(town.look(ref)) for ref in town.refs}
    assert not any(row.status is RowStatus.MISSING for several in rows.values() for row in several)
    assert covered.incomplete == ()


@pytest.mark.parametrize("seed", range(3))
def test_a_cell_that_is_missing_is_a_row_that_reconcile_makes(seed: int) -> None:
    town = Town(seed)
    town.settle()
    town.disturb()

    covered = town.covered()
    looked = {ref: town.rows(town.look(ref)) for ref in covered.rows}

    for name in {ref.kind for ref in covered.rows}:
        kind = kind_named(name)
        assert kind is not None
        for ref, cells in matrix(covered, kind).items():
            if ref in looked:
                missing = {row.spec.id for row in looked[ref] if row.status is RowStatus.MISSING}
                assert {cell.alarm for cell in cells if cell.word == "missing"} <= missing
    lacking = Counter(each.ref for each in covered.incomplete)
    assert set(lacking) == {
        ref
        for ref, rows in looked.items()
        if any(row.status is RowStatus.MISSING for row in rows) and town.look(ref).owned
    }
