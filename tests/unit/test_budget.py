from __future__ import annotations

from collections.abc import Iterable, Mapping

from hypothesis import given
from hypothesis import strategies as st

from sagewatch.fleet.budget import over_budget, row_costs
from sagewatch.fleet.costs import prices
from sagewatch.kinds.registry import KINDS
from sagewatch.model import Alarm, Labels, Ref, Severity
from sagewatch.policy.rules import AlarmRule, Policy, Row, RowCost

US = prices("us-east-1")
CRITICAL, WARNING, INFO = Severity


def alarm(row: str = "cpu", severity: str | None = "warning", metrics: int = 1, kind: str = "endpoint") -> Alarm:
    values = {"kind": kind, "resource": "churn", "scope": "AllTraffic", "alarm": row}
    values |= {"severity": severity} if severity else {}
    queries = [{"Id": f"m{n}", "MetricStat": {"Period": 60}} for n in range(metrics)]
    return Alarm({"AlarmName": "a", "AlarmDescription": Labels(values).line(), "Metrics": queries})


def of(**costs: float) -> dict[Row, RowCost]:
    """Return rows of endpoints by name; the first letter is that of the severity."""
    severities = {str(severity)[0]: severity for severity in Severity}
    return {("endpoint", name): RowCost(cost, severities[name[0]]) for name, cost in costs.items()}


def rows(*names: str) -> frozenset[Row]:
    return frozenset(("endpoint", name) for name in names)


MONEY = st.integers(0, 60).map(lambda dimes: dimes / 10)
BUDGETS = st.integers(0, 300).map(lambda dimes: dimes / 10)
NAMES = st.tuples(st.sampled_from(["endpoint", "pipeline"]), st.sampled_from("abcdefg"))
FLEETS = st.dictionaries(NAMES, st.builds(RowCost, MONEY, st.sampled_from(Severity)), max_size=7)


def cost(demand: Mapping[Row, RowCost], chosen: Iterable[Row]) -> float:
    return round(sum(demand[row].monthly_usd for row in chosen), 6)


def kept(budget: float | None, demand: Mapping[Row, RowCost]) -> frozenset[Row]:
    return frozenset(demand) - over_budget(budget, demand)


def test_without_a_budget_nothing_gives_way() -> None:
    assert over_budget(None, of(critical=1e9)) == frozenset()


def test_a_budget_that_is_just_enough_withholds_nothing() -> None:
    assert over_budget(0.3, of(warning=0.1, info=0.2)) == frozenset()


def test_the_least_severe_gives_way_first_however_cheap_it_is() -> None:
    assert over_budget(90, of(critical=80, warning=10, info=1)) == rows("info")


def test_the_first_row_without_room_gives_way_and_all_after_it() -> None:
    assert over_budget(60, of(w1=10, w2=60, w3=20, info=1)) == rows("w2", "w3", "info")


def test_within_a_severity_rows_go_as_their_kinds_and_tables_list_them() -> None:
    listed = [(kind.name, spec.id) for kind in KINDS for spec in kind.specs]
    costs = {row: RowCost(1, WARNING) for row in reversed(listed)}

    assert [row for row in listed if row not in over_budget(5, costs)] == listed[:5]


def test_a_budget_of_nothing_leaves_nothing_that_costs() -> None:
    assert over_budget(0, of(c1=0, c2=0.1)) == rows("c2")


@given(budget=BUDGETS, demand=FLEETS)
def test_what_is_kept_fits(budget: float, demand: dict[Row, RowCost]) -> None:
    assert cost(demand, kept(budget, demand)) <= budget


@given(demand=FLEETS, spare=MONEY)
def test_what_fits_is_kept(demand: dict[Row, RowCost], spare: float) -> None:
    assert over_budget(cost(demand, demand) + spare, demand) == frozenset()


@given(budget=BUDGETS, demand=FLEETS)
def test_no_row_stays_while_a_more_severe_one_gives_way(budget: float, demand: dict[Row, RowCost]) -> None:
    order = list(Severity)
    gone = [order.index(demand[row].severity) for row in over_budget(budget, demand)]
    there = [order.index(demand[row].severity) for row in kept(budget, demand) if demand[row].monthly_usd]

    assert not gone or not there or max(there) <= min(gone)


@given(budget=BUDGETS, more=MONEY, demand=FLEETS)
def test_more_money_keeps_all_that_was_kept(budget: float, more: float, demand: dict[Row, RowCost]) -> None:
    assert kept(budget, demand) <= kept(round(budget + more, 6), demand)


@given(budget=BUDGETS, demand=FLEETS, data=st.data())
def test_a_fleet_that_grows_brings_no_row_back(budget: float, demand: dict[Row, RowCost], data: st.DataObject) -> None:
    more = {row: RowCost(round(cost.monthly_usd + data.draw(MONEY), 6), cost.severity) for row, cost in demand.items()}

    assert over_budget(budget, demand) <= over_budget(budget, more)


@given(budget=BUDGETS, demand=FLEETS)
def test_the_order_in_which_rows_are_found_does_not_matter(budget: float, demand: dict[Row, RowCost]) -> None:
    assert over_budget(budget, dict(reversed(demand.items()))) == over_budget(budget, demand)


FOUND = st.builds(
    alarm,
    st.sampled_from(["cpu", "cpu-warning", "disk", "memory", "idle"]),
    st.sampled_from(Severity),
    st.integers(1, 12),
    st.sampled_from(["endpoint", "pipeline"]),
)


def alarms_of(alarms: list[Alarm], chosen: frozenset[Row]) -> list[Alarm]:
    return [each for each in alarms if row_costs([each], US).keys() <= chosen]


@given(alarms=st.lists(FOUND, max_size=12), budget=st.integers(0, 60).map(lambda dimes: dimes / 10), data=st.data())
def test_a_decision_stands_while_it_is_carried_out_and_when_it_has_been(
    alarms: list[Alarm], budget: float, data: st.DataObject
) -> None:
    first = row_costs(alarms, US)
    gone = over_budget(budget, first)
    looks: dict[Ref, dict[str, float]] = {}
    for kind, row in gone:
        looks.setdefault(Ref(kind, "churn"), {})[row] = first[kind, row].monthly_usd
    leaving = alarms_of(alarms, gone)
    left = leaving[: data.draw(st.integers(0, len(leaving)))]

    again = row_costs([*alarms_of(alarms, frozenset(first) - gone), *left], US, withheld=looks)

    assert {row: each.monthly_usd for row, each in again.items()} == {
        row: each.monthly_usd for row, each in first.items()
    }


def test_a_row_costs_what_all_its_alarms_in_the_fleet_do() -> None:
    fleet = [alarm("memory", metrics=2), alarm("memory-warning"), alarm("step-failed", kind="pipeline")]

    assert {row: each.monthly_usd for row, each in row_costs(fleet, US).items()} == {
        ("endpoint", "memory"): 0.3,
        ("pipeline", "step-failed"): 0.1,
    }


def test_a_row_without_alarms_costs_what_the_looks_found() -> None:
    looks = {Ref("endpoint", "a"): {"idle": 0.1}, Ref("endpoint", "b"): {"idle": 0.2}}

    assert row_costs([], US, withheld=looks) == {("endpoint", "idle"): RowCost(0.3, INFO)}


def test_an_alarm_that_is_not_deleted_yet_counts_once() -> None:
    found = row_costs([alarm("idle", metrics=3)], US, withheld={Ref("endpoint", "churn"): {"idle": 0.1}})

    assert found["endpoint", "idle"].monthly_usd == 0.3


def test_a_row_matters_as_its_table_and_the_policy_say_and_not_as_one_resource_does() -> None:
    def severity(*rules: AlarmRule) -> Severity:
        return row_costs([alarm("idle", "critical")], US, Policy(alarms=rules))["endpoint", "idle"].severity

    assert severity() is INFO
    assert severity(AlarmRule(alarm="idle", severity=WARNING)) is WARNING
    assert severity(AlarmRule(alarm="idle", resource="churn", severity=WARNING)) is WARNING
    assert severity(AlarmRule(alarm="idle", warning="1h", critical="2h")) is CRITICAL
    assert severity(AlarmRule(kind="pipeline", severity=WARNING)) is INFO


def test_a_row_that_this_version_does_not_know_is_critical_where_its_alarms_do_not_say() -> None:
    for severity in (None, "urgent"):
        assert row_costs([alarm("gone", severity)], US) == {("endpoint", "gone"): RowCost(0.1, CRITICAL)}


def test_an_alarm_without_our_labels_asks_for_nothing() -> None:
    assert row_costs([Alarm({"AlarmName": "theirs"})], US) == {}
