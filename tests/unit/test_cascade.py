from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sagewatch.kinds.endpoint.observe import ENDPOINT
from sagewatch.kinds.kind import Spec
from sagewatch.model import Ref, Severity
from sagewatch.policy.cascade import Override, RowsInForce, all_off, apply_policy, is_milder, read_periods
from sagewatch.policy.rules import AlarmRule, Ignored, Patterns, Policy, matches

LATENCY = next(spec for spec in ENDPOINT.specs if spec.id == "latency-p99")
CPU = next(spec for spec in ENDPOINT.specs if spec.id == "cpu")
ROWS = (LATENCY, CPU)
CHURN = Ref("endpoint", "churn")


def test_without_tags_the_rows_stay_as_they_are() -> None:
    assert apply_policy(ROWS, CHURN, {"team": "fraud"}) == RowsInForce(ROWS)


def test_ignore_leaves_no_rows() -> None:
    for value in ("true", "True", " yes "):
        assert apply_policy(ROWS, CHURN, {"sagewatch:ignore": value}) == RowsInForce(ignored="tag sagewatch:ignore")


def test_an_ignore_that_says_no_changes_nothing() -> None:
    assert apply_policy(ROWS, CHURN, {"sagewatch:ignore": "false"}) == RowsInForce(ROWS)


def test_an_ignore_that_cannot_be_understood_is_reported_and_the_resource_is_watched() -> None:
    said = "tag sagewatch:ignore: 'maybe' is neither true nor false; it is not ignored"

    assert apply_policy(ROWS, CHURN, {"sagewatch:ignore": "maybe"}) == RowsInForce(ROWS, (said,))


def test_a_value_sets_the_threshold_in_the_unit_of_the_metric() -> None:
    found = apply_policy(ROWS, CHURN, {"sagewatch:latency-p99": "800ms", "sagewatch:cpu": "70"})

    assert found == RowsInForce(
        (replace(LATENCY, threshold=800_000), replace(CPU, threshold=70)),
        overrides={
            "latency-p99": (Override("tag sagewatch:latency-p99", "800ms"),),
            "cpu": (Override("tag sagewatch:cpu", "70"),),
        },
    )


def test_off_takes_the_row_away() -> None:
    found = apply_policy(ROWS, CHURN, {"sagewatch:cpu": "OFF"})

    assert (found.specs, found.off) == ((LATENCY,), {"cpu": "off by its tag sagewatch:cpu"})


def test_a_severity_goes_for_every_row() -> None:
    wanted = tuple(replace(row, severity=Severity.INFO) for row in ROWS)

    assert apply_policy(ROWS, CHURN, {"sagewatch:severity": "info"}).specs == wanted


def test_what_cannot_be_understood_leaves_the_default_and_is_reported() -> None:
    tags = {"sagewatch:latency-p99": "90%", "sagewatch:severity": "high", "sagewatch:latency": "1s"}

    assert apply_policy(ROWS, CHURN, tags) == RowsInForce(
        ROWS,
        (
            "tag sagewatch:severity: 'high' is none of critical, warning, info",
            "tag sagewatch:latency-p99: '90%' has the wrong unit; write 800ms or 2.5s; it changes nothing",
            "tag sagewatch:latency: there is no such alarm for this kind of resource",
        ),
    )


def ruled(*rules: AlarmRule, **tags: str) -> RowsInForce:
    return apply_policy(
        ROWS, CHURN, {name.replace("_", "-"): value for name, value in tags.items()}, Policy(alarms=rules)
    )


def test_a_rule_changes_what_it_matches_and_nothing_else() -> None:
    found = ruled(AlarmRule(alarm="latency-*", resource="ch*", threshold="2s", periods="2 of 4", line=3))

    assert found == RowsInForce(
        (replace(LATENCY, threshold=2_000_000, datapoints=2, periods=4), CPU),
        overrides={"latency-p99": (Override("policy (line 3)", "threshold 2s, periods 2 of 4"),)},
    )


@pytest.mark.parametrize(
    "rule",
    [
        AlarmRule(kind="pipeline", off=True),
        AlarmRule(resource="churn-*", off=True),
        AlarmRule(resource="CHURN", off=True),
        AlarmRule(alarm="latency", off=True),
        AlarmRule(tags={"env": "prod"}, off=True),
        AlarmRule(tags={"team": ("a", "b*")}, off=True),
    ],
)
def test_a_rule_for_somebody_else_changes_nothing(rule: AlarmRule) -> None:
    assert apply_policy(ROWS, CHURN, {"team": "fraud"}, Policy(alarms=(rule,))) == RowsInForce(ROWS)


def test_of_two_rules_the_later_wins_and_both_are_said() -> None:
    found = ruled(AlarmRule(alarm="cpu", threshold="80%", line=1), AlarmRule(alarm="cpu", threshold=70, line=4))

    assert found.specs == (LATENCY, replace(CPU, threshold=70))
    assert found.overrides["cpu"] == (
        Override("policy (line 1)", "threshold 80%"),
        Override("policy (line 4)", "threshold 70"),
    )


def test_a_tag_wins_over_the_policy() -> None:
    tags = {"sagewatch:cpu": "60%", "sagewatch:latency-p99": "off"}

    found = apply_policy(
        ROWS, CHURN, tags, Policy(alarms=(AlarmRule(threshold="80", alarm="cpu"), AlarmRule(off=False)))
    )

    assert found.specs == (replace(CPU, threshold=60),)


def test_a_pair_makes_two_alarms_of_a_row_and_the_critical_one_keeps_its_id() -> None:
    found = ruled(AlarmRule(alarm="latency-p99", warning="500ms", critical="1.5s"))

    assert found.specs == (
        replace(LATENCY, threshold=1_500_000, severity=Severity.CRITICAL),
        replace(LATENCY, id="latency-p99-warning", threshold=500_000, severity=Severity.WARNING),
        CPU,
    )


def test_the_tags_of_a_pair_change_one_alarm_each() -> None:
    rule = AlarmRule(alarm="latency-p99", warning="500ms", critical="1.5s")
    tags = {"sagewatch:latency-p99": "3s", "sagewatch:latency-p99-warning": "2s"}

    found = apply_policy((LATENCY,), CHURN, tags, Policy(alarms=(rule,)))

    assert [spec.threshold for spec in found.specs] == [3_000_000, 2_000_000]


def test_a_warning_that_a_tag_puts_behind_its_critical_alarm_is_left_out_and_reported() -> None:
    rule = AlarmRule(alarm="latency-p99", warning="500ms", critical="1.5s")

    found = apply_policy((LATENCY,), CHURN, {"sagewatch:latency-p99": "400ms"}, Policy(alarms=(rule,)))

    assert [spec.id for spec in found.specs] == ["latency-p99"]
    assert found.reports == (
        "latency-p99-warning: its threshold is not milder than that of latency-p99; it is left out",
    )


def test_ignored_by_the_policy_a_resource_has_no_alarms() -> None:
    policy = Policy(ignore=(Ignored(resource="ch*", tags={"env": ("dev", "test")}, line=7),))

    assert apply_policy(ROWS, CHURN, {"env": "dev"}, policy) == RowsInForce(ignored="ignore in the policy (line 7)")
    assert apply_policy(ROWS, CHURN, {"env": "prod"}, policy) == RowsInForce(ROWS)


def test_periods_are_read_as_people_write_them() -> None:
    assert (read_periods(5), read_periods("5"), read_periods(" 3 of 5 ")) == ((5, 5), (5, 5), (3, 5))


@pytest.mark.parametrize("wrong", ["", "0", "6 of 5", "0 of 3", "3/5", "-1", "many"])
def test_periods_that_are_none_are_refused(wrong: str) -> None:
    with pytest.raises(ValueError, match="periods"):
        read_periods(wrong)


quantities = st.integers(1, 99).map(lambda n: f"{n}%")
rules = st.builds(
    AlarmRule,
    alarm=st.sampled_from(["*", "cpu", "gpu", "c*"]),
    resource=st.sampled_from(["*", "churn", "other"]),
    tags=st.sampled_from([{}, {"env": "prod"}]),
    periods=st.sampled_from([None, 3, "2 of 4"]),
    severity=st.sampled_from([None, *Severity]),
    off=st.sampled_from([None, None, True, False]),
) | st.builds(AlarmRule, alarm=st.just("cpu"), threshold=quantities)
tags = st.dictionaries(
    st.sampled_from(["env", "sagewatch:cpu", "sagewatch:severity"]), st.sampled_from(["prod", "70%", "off", "info"])
)


def by_hand(rule_list: list[AlarmRule], tag_map: dict[str, str]) -> Spec | None:
    """The cascade once more, field by field: of all that speak of a field, the last one."""
    said = [r for r in rule_list if r.matches(CHURN, "cpu", tag_map)]
    row, off = CPU, next((r.off for r in reversed(said) if r.off is not None), False)
    if threshold := next((r.threshold for r in reversed(said) if r.threshold is not None), None):
        row = replace(row, threshold=float(str(threshold).removesuffix("%")))
    if periods := next((r.periods for r in reversed(said) if r.periods is not None), None):
        datapoints, of = {3: (3, 3), "2 of 4": (2, 4)}[periods]
        row = replace(row, datapoints=datapoints, periods=of)
    severity = next((r.severity for r in reversed(said) if r.severity is not None), None)
    tagged = tag_map.get("sagewatch:severity")
    row = replace(row, severity=Severity.INFO if tagged == "info" else severity or row.severity)
    value = tag_map.get("sagewatch:cpu")
    if value == "70%":
        return replace(row, threshold=70)
    return None if off or value == "off" else row


@given(st.lists(rules, max_size=6), tags)
def test_the_cascade_is_default_then_policy_in_order_then_tag(
    rule_list: list[AlarmRule], tag_map: dict[str, str]
) -> None:
    found = apply_policy((CPU,), CHURN, tag_map, Policy(alarms=tuple(rule_list)))

    assert (found.specs[0] if found.specs else None) == by_hand(rule_list, tag_map)


@given(st.lists(rules, max_size=6), tags)
def test_where_all_is_off_whatever_the_tags_no_tags_bring_an_alarm_back_but_their_own(
    rule_list: list[AlarmRule], tag_map: dict[str, str]
) -> None:
    policy = Policy(alarms=tuple(rule_list))

    found = apply_policy((CPU,), CHURN, {"env": tag_map.get("env", "")}, policy)

    assert not (all_off(policy, CHURN, (CPU,)) and found.specs)


@given(st.lists(rules, max_size=6), st.lists(rules, max_size=6), tags)
def test_two_policies_with_the_same_mark_make_the_same_of_a_resource(
    one: list[AlarmRule], other: list[AlarmRule], tag_map: dict[str, str]
) -> None:
    first, second = Policy(alarms=tuple(one)), Policy(alarms=tuple(other))

    same = first.mark(CHURN, "cpu") == second.mark(CHURN, "cpu")

    assert (
        not same
        or apply_policy((CPU,), CHURN, tag_map, first).specs == apply_policy((CPU,), CHURN, tag_map, second).specs
    )


def test_a_threshold_after_a_pair_makes_one_alarm_as_it_was_before_the_pair() -> None:
    pair = AlarmRule(alarm="cpu", critical="95%", warning="70%")

    for earlier in (None, Severity.INFO):
        rules = (AlarmRule(alarm="cpu", severity=earlier), pair, AlarmRule(alarm="cpu", threshold="80%"))
        found = apply_policy((CPU,), CHURN, {}, Policy(alarms=rules))

        assert found.specs == (replace(CPU, threshold=80.0, severity=earlier or CPU.severity),)


def test_a_tag_that_switches_the_milder_one_of_a_pair_off_is_known() -> None:
    policy = Policy(alarms=(AlarmRule(alarm="cpu", critical="95%", warning="70%"),))

    found = apply_policy((CPU,), CHURN, {"sagewatch:cpu-warning": "off"}, policy)

    assert [spec.id for spec in found.specs] == ["cpu"]
    assert found.reports == ()


def test_milder_is_reached_first() -> None:
    falling = replace(CPU, comparison="LessThanThreshold")

    assert [is_milder(CPU, 1, 2), is_milder(CPU, 2, 1), is_milder(falling, 2, 1), is_milder(falling, 1, 1)] == [
        True,
        False,
        True,
        False,
    ]


@pytest.mark.parametrize(
    ("patterns", "like", "unlike"),
    [
        ("!tmp-*", ["churn", ""], ["tmp-1"]),
        (("*-prod", "!fraud-*"), ["churn-prod"], ["fraud-prod", "churn"]),
        (("!tmp-*", "!*-test"), ["churn"], ["tmp-1", "churn-test"]),
        ("~fraud-(a|b)", ["fraud-a"], ["fraud-c", "xfraud-a", "fraud-ab", "fraud-a\n"]),
        (("!~v[0-9]+",), ["vx"], ["v12"]),
    ],
)
def test_a_pattern_is_a_glob_or_an_expression_and_may_say_not(
    patterns: Patterns, like: list[str], unlike: list[str]
) -> None:
    assert [matches(patterns, text) for text in (*like, *unlike)] == [True] * len(like) + [False] * len(unlike)


def test_who_leaves_some_out_does_not_ignore_a_whole_kind() -> None:
    everything = Policy(ignore=(Ignored(kind="pipeline", resource="*"),))
    most = Policy(ignore=(Ignored(kind="pipeline", resource=("*", "!nightly")),))

    assert everything.ignores_kind("pipeline")
    assert not most.ignores_kind("pipeline")
    assert not most.ignores_by_name(Ref("pipeline", "nightly"))
