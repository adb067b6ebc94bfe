from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from sagewatch.fleet.budget import over_budget, row_costs, scaled
from sagewatch.fleet.costs import prices
from sagewatch.model import Alarm, Labels, Severity
from sagewatch.policy.rules import Row, RowCost

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


def counts(demand: Mapping[Row, RowCost], chosen: Iterable[Row]) -> tuple[int, ...]:
    """Return how many rows of each severity there are, the critical ones first."""
    found = [demand[row].severity for row in chosen]
    return tuple(found.count(severity) for severity in Severity)


def test_without_a_budget_nothing_gives_way() -> None:
    assert over_budget(None, of(critical=1e9)) == frozenset()


def test_a_budget_that_is_just_enough_withholds_nothing() -> None:
    assert over_budget(0.3, of(warning=0.1, info=0.2)) == frozenset()


def test_the_least_severe_gives_way_first_however_cheap_it_is() -> None:
    assert over_budget(90, of(critical=80, warning=10, info=1)) == rows("info")


def test_within_a_severity_the_dearest_gives_way_and_the_others_need_not() -> None:
    assert over_budget(60, of(w1=10, w2=50, w3=20, w4=30)) == rows("w2")


def test_of_two_rows_that_cost_the_same_the_one_that_is_later_by_name_gives_way() -> None:
    assert over_budget(10, of(w2=10, w1=10)) == rows("w2")


def test_what_a_row_too_dear_by_itself_leaves_over_goes_to_others() -> None:
    assert over_budget(40, of(c1=50, c2=10, warning=20, info=10)) == rows("c1")


def test_a_budget_of_nothing_leaves_nothing_that_costs() -> None:
    assert over_budget(0, of(c1=0, c2=0.1)) == rows("c2")


@given(budget=BUDGETS, demand=FLEETS)
def test_what_is_kept_fits(budget: float, demand: dict[Row, RowCost]) -> None:
    assert cost(demand, kept(budget, demand)) <= budget


@given(demand=FLEETS, spare=MONEY)
def test_what_fits_is_kept(demand: dict[Row, RowCost], spare: float) -> None:
    assert over_budget(cost(demand, demand) + spare, demand) == frozenset()


@given(budget=BUDGETS, demand=FLEETS)
def test_no_row_gives_way_for_one_of_lower_severity(budget: float, demand: dict[Row, RowCost]) -> None:
    """It would not fit even if all of those gave way, nor in the place of one of its own severity that is cheaper."""
    order = list(Severity)
    for row in over_budget(budget, demand):
        rank = order.index(demand[row].severity)
        as_severe = [each for each in kept(budget, demand) if order.index(demand[each].severity) <= rank]
        equals = [each for each in as_severe if demand[each].severity == demand[row].severity]

        assert cost(demand, [*as_severe, row]) > budget
        assert all((demand[each].monthly_usd, each) < (demand[row].monthly_usd, row) for each in equals)


@given(budget=BUDGETS, demand=FLEETS)
def test_no_other_choice_keeps_more_critical_rows_or_then_warnings_or_then_infos(
    budget: float, demand: dict[Row, RowCost]
) -> None:
    choices = (choice for size in range(len(demand) + 1) for choice in combinations(demand, size))
    best = max(counts(demand, choice) for choice in choices if cost(demand, choice) <= budget)

    assert counts(demand, kept(budget, demand)) == best


@given(budget=BUDGETS, more=MONEY, demand=FLEETS)
def test_more_money_keeps_more(budget: float, more: float, demand: dict[Row, RowCost]) -> None:
    """It may cost a less severe row its place, that of a more severe one which now fits; never the other way around."""
    before, after = kept(budget, demand), kept(round(budget + more, 6), demand)

    assert counts(demand, after) >= counts(demand, before)
    assert {row for row in before if demand[row].severity is CRITICAL} <= after


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
    remembered = {row: first[row] for row in gone}
    leaving = alarms_of(alarms, gone)
    left = leaving[: data.draw(st.integers(0, len(leaving)))]

    again = row_costs([*alarms_of(alarms, frozenset(first) - gone), *left], US, remembered)

    assert again == first
    assert over_budget(budget, again) == gone


def test_a_row_asks_for_all_its_alarms_in_the_fleet_and_counts_as_its_most_severe() -> None:
    fleet = [alarm("cpu", "critical", 2), alarm("cpu-warning", "warning"), alarm("cpu", "info", kind="pipeline")]

    assert row_costs(fleet, US) == {
        ("endpoint", "cpu"): RowCost(0.3, CRITICAL),
        ("pipeline", "cpu"): RowCost(0.1, INFO),
    }


def test_a_row_without_alarms_asks_for_what_it_did_when_it_gave_way() -> None:
    remembered = of(idle=12.0)

    assert row_costs([alarm("cpu")], US, remembered) == {("endpoint", "cpu"): RowCost(0.1, WARNING), **remembered}


def test_a_row_of_which_more_is_there_than_is_remembered_asks_for_that() -> None:
    found = row_costs([alarm("cpu", "critical", 3)], US, {("endpoint", "cpu"): RowCost(0.1, INFO)})

    assert found == {("endpoint", "cpu"): RowCost(0.3, CRITICAL)}


def test_it_comes_back_only_when_all_of_it_has_room() -> None:
    remembered = of(info=5.0)
    there = row_costs([alarm("cpu", metrics=10)], US, remembered)

    assert over_budget(5.9, there) == rows("info")
    assert over_budget(6.0, there) == frozenset()


def test_what_gave_way_asks_for_more_or_less_with_the_size_of_its_kind() -> None:
    remembered = {
        ("endpoint", "cpu"): RowCost(6.0, WARNING, resources=60),
        ("pipeline", "idle"): RowCost(1.0, INFO, resources=2),
    }

    assert scaled(remembered, {"endpoint": 20, "pipeline": 3}) == {
        ("endpoint", "cpu"): RowCost(2.0, WARNING, resources=20),
        ("pipeline", "idle"): RowCost(1.5, INFO, resources=3),
    }


def test_where_nobody_lives_or_was_counted_it_asks_for_what_it_did() -> None:
    remembered = {
        ("training-job", "disk"): RowCost(6.0, WARNING, resources=60),
        ("pipeline", "idle"): RowCost(1.0, INFO),
    }

    assert scaled(remembered, {"pipeline": 3}) == remembered


def test_a_severity_that_somebody_edited_away_counts_as_critical() -> None:
    for severity in (None, "urgent"):
        assert row_costs([alarm("cpu", severity)], US) == {("endpoint", "cpu"): RowCost(0.1, CRITICAL)}


def test_an_alarm_without_our_labels_asks_for_nothing() -> None:
    assert row_costs([Alarm({"AlarmName": "theirs"})], US) == {}
