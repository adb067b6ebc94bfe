"""Counts the AWS calls of reconcile and sweep in the cases whose cost is promised."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from benchmarks.cpu_ratios import PREFIX, Product
from benchmarks.large_fleet import alarms_of, facts_of_all
from sagewatch.aws.clients import Clients
from sagewatch.aws.deadline import Deadline
from sagewatch.aws.policy_store import PolicyStore
from sagewatch.aws.retries import PATIENT
from sagewatch.model import Ref
from sagewatch.watch.batch import Batch

WRITES = ("PutMetricAlarm", "DeleteAlarms")


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """What one case cost, and the most that it may cost."""

    name: str
    calls: dict[str, int]
    """Operation → calls."""
    most: int
    """Calls in all."""
    goal: int
    """What `most` is to become, where that is less."""

    @property
    def total(self) -> int:
        return sum(self.calls.values())

    @property
    def writes(self) -> int:
        return sum(self.calls.get(each, 0) for each in WRITES)


def counted(product: Product, work: Callable[[], object]) -> dict[str, int]:
    """Do the work once, and return its calls by operation."""
    product.account.taken()
    work()
    return dict(sorted(product.account.taken().items()))


def one_batch(product: Product, times: int = 1, name: str = "churn-00000") -> None:
    """Reconcile an endpoint as a batch of so many messages that all name it; the policy is in its parameter."""
    store = PolicyStore("/sagewatch/policy", None, PATIENT)
    store.clients = Clients(PATIENT, ssm=product.account.client("ssm"))
    batch = Batch(product.clients, PREFIX, store, Deadline())
    for _ in range(times):
        batch.reconcile(Ref("endpoint", name))


def call_counts(endpoints: int = 1_000, others: int = 20_000) -> list[Case]:
    """Return what each case cost, with so many endpoints for the sweep, and alarms of others beside theirs."""
    one = Product(1)
    new = counted(one, lambda: one_batch(one))
    alarms = new["PutMetricAlarm"]
    cases = [
        Case(name="new endpoint", calls=new, most=8 + alarms, goal=6 + alarms),
        Case(name="event without change", calls=counted(one, lambda: one_batch(one)), most=6, goal=5),
        Case(
            name="five events without change, one batch",
            calls=counted(one, lambda: one_batch(one, 5)),
            most=6,
            goal=5,
        ),
    ]
    eight = Product(1, variants=8, instance="ml.g5.xlarge")
    one_batch(eight)
    deleted = len(eight.account.alarms)
    eight.account.endpoints.clear()
    gone = counted(eight, lambda: one_batch(eight))
    cases.append(Case(name=f"endpoint deleted, {deleted} alarms", calls=gone, most=8, goal=4))
    cases += _sweeps(endpoints, others, alarms)
    return cases


def _sweeps(endpoints: int, others: int, alarms: int) -> list[Case]:
    """Return what a light sweep costs that finds nothing to do, without and with alarms of others."""
    many = Product(endpoints)
    for facts in facts_of_all(endpoints):
        for alarm in alarms_of(facts):
            many.account._PutMetricAlarm(**alarm.request)
    pages = -(-endpoints * alarms // 100) + -(-endpoints // 100)
    # What lives of the other kinds, and what failed of those without failure events.
    most, goal = pages + 27, pages + 20
    light = counted(many, many.sweep)
    for n in range(others):
        many.account._PutMetricAlarm(AlarmName=f"other/{n}")
    beside = counted(many, many.sweep)
    name = f"light sweep, {endpoints:,} endpoints, nothing changed"
    return [
        Case(name=name, calls=light, most=most, goal=goal),
        Case(name=f"the same beside {others:,} unrelated alarms", calls=beside, most=most, goal=goal),
    ]


def check(cases: list[Case]) -> None:
    """Raise AssertionError for a case that costs more than it may."""
    over = [f"{each.name}: {each.total} calls, at most {each.most}" for each in cases if each.total > each.most]
    over += [
        f"{each.name}: {each.writes} writes"
        for each in cases
        if each.writes and ("without change" in each.name or "sweep" in each.name or "same" in each.name)
    ]
    over += [
        f"{each.name}: {call}"
        for each in cases
        for call in each.calls
        if "sweep" in each.name and call.startswith("Describe") and call != "DescribeAlarms"
    ]
    if over:
        raise AssertionError("; ".join(over))
