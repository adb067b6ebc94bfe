from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from sagewatch.fleet.costs import prices
from sagewatch.fleet.summaries import AlarmSummary, summary_of
from sagewatch.fleet.suspects import suspects
from sagewatch.kinds.endpoint.observe import ENDPOINT
from sagewatch.model import Alarm, Described, Facts, Ref
from sagewatch.policy.rules import AlarmRule, Ignored, Look, Policy, PolicyInForce
from sagewatch.watch.diff import diff
from sagewatch.watch.plan import plan
from tests.resources import THEN, answering, config, endpoint, observed, variant

CHURN, OTHER = Ref("endpoint", "churn"), Ref("endpoint", "other")
NOW = THEN + timedelta(hours=8)


def alarms(ref: Ref = CHURN, policy: Policy = Policy(), **tags: str) -> list[AlarmSummary]:  # noqa: B008 - it is frozen
    return [summary(each) for each in written(ref, policy, **tags)]


def summary(alarm: Alarm) -> AlarmSummary:
    assert alarm.labels
    return summary_of(Described(alarm, THEN), alarm.labels, prices("us-east-1"))


def written(ref: Ref, policy: Policy, **tags: str) -> tuple[Alarm, ...]:
    seen = observed(ENDPOINT, endpoint(name=ref.name), answering(describe_endpoint_config=config(variant())))
    wanted = plan("sagewatch", ENDPOINT, Facts(ref=ref, live=True, scopes=seen.scopes, tags=tags), policy)
    return diff(wanted, (), mark=PolicyInForce(policy).mark_of(ref)).puts


def test_a_fleet_in_order_has_no_suspects() -> None:
    assert suspects({CHURN: THEN, OTHER: THEN}, {CHURN: alarms(), OTHER: alarms(OTHER)}, NOW, PolicyInForce()) == set()


def test_a_resource_without_alarms_is_suspect() -> None:
    assert suspects({CHURN: THEN, OTHER: THEN}, {CHURN: alarms()}, NOW, PolicyInForce()) == {OTHER}


def test_alarms_without_a_resource_are_suspect() -> None:
    assert suspects({CHURN: THEN}, {CHURN: alarms(), OTHER: alarms(OTHER)}, NOW, PolicyInForce()) == {OTHER}


def test_a_resource_that_lacks_one_alarm_is_suspect() -> None:
    assert suspects({CHURN: THEN}, {CHURN: alarms()[1:]}, NOW, PolicyInForce()) == {CHURN}


def test_an_edited_alarm_makes_its_resource_suspect() -> None:
    first, *others = written(CHURN, Policy())
    edited = Alarm({**first.request, "Threshold": 99.0})

    assert suspects({CHURN: THEN}, {CHURN: [summary(each) for each in (edited, *others)]}, NOW, PolicyInForce()) == {
        CHURN
    }


def test_a_resource_that_changed_lately_and_after_its_alarms_is_suspect() -> None:
    assert suspects({CHURN: NOW - timedelta(minutes=5)}, {CHURN: alarms()}, NOW, PolicyInForce()) == {CHURN}


def test_a_change_that_asked_for_no_write_is_not_suspect_for_ever() -> None:
    assert suspects({CHURN: NOW - timedelta(hours=3)}, {CHURN: alarms()}, NOW, PolicyInForce()) == set()


LAX = Policy(alarms=(AlarmRule(alarm="latency-p99", threshold="2s"),))


def test_alarms_made_under_another_policy_are_suspect_and_only_those_it_speaks_of() -> None:
    theirs = Policy(alarms=(AlarmRule(alarm="latency-p99", resource="other", threshold="2s"),))
    owned = {CHURN: alarms(), OTHER: alarms(OTHER)}

    assert suspects({CHURN: THEN, OTHER: THEN}, owned, NOW, PolicyInForce(theirs)) == {OTHER}


def test_alarms_that_follow_the_policy_are_in_order() -> None:
    assert suspects({CHURN: THEN}, {CHURN: alarms(CHURN, LAX)}, NOW, PolicyInForce(LAX)) == set()


def test_a_change_of_the_policy_that_is_taken_back_is_noticed_too() -> None:
    assert suspects({CHURN: THEN}, {CHURN: alarms(CHURN, LAX)}, NOW, PolicyInForce()) == {CHURN}


def test_a_row_that_the_policy_switches_off_is_not_missed() -> None:
    policy = Policy(alarms=(AlarmRule(alarm="cpu", off=True),))

    assert suspects({CHURN: THEN}, {CHURN: alarms(CHURN, policy)}, NOW, PolicyInForce(policy)) == set()


def test_who_is_ignored_by_name_is_no_suspect_until_he_has_alarms() -> None:
    policy = Policy(ignore=(Ignored(resource="churn"),))

    assert suspects({CHURN: THEN}, {}, NOW, PolicyInForce(policy)) == set()
    assert suspects({CHURN: THEN}, {CHURN: alarms()}, NOW, PolicyInForce(policy)) == {CHURN}


def test_who_may_be_ignored_by_tag_is_looked_at() -> None:
    policy = Policy(ignore=(Ignored(tags={"env": "dev"}),))

    assert suspects({CHURN: THEN}, {CHURN: alarms()}, NOW, PolicyInForce(policy)) == {CHURN}
    assert suspects({CHURN: THEN}, {CHURN: alarms(CHURN, policy)}, NOW, PolicyInForce(policy)) == set()


def test_a_row_without_budget_is_suspect_while_it_is_there_and_not_missed_when_it_is_gone() -> None:
    over = PolicyInForce(withheld=frozenset({("endpoint", "cpu")}))
    seen = observed(ENDPOINT, endpoint(name="churn"), answering(describe_endpoint_config=config(variant())))
    wanted = plan("sagewatch", ENDPOINT, Facts(ref=CHURN, live=True, scopes=seen.scopes), withheld=over.withheld)
    without = [summary(each) for each in diff(wanted, (), mark=over.mark_of(CHURN)).puts]
    look = Look(at=NOW, mark=over.mark_of(CHURN), is_bare=False, withheld={"cpu": 0.1})

    assert suspects({CHURN: THEN}, {CHURN: alarms()}, NOW, over) == {CHURN}
    assert suspects({CHURN: THEN}, {CHURN: without}, NOW, over, {CHURN: look}) == set()
    assert suspects({CHURN: THEN}, {CHURN: without}, NOW, over) == {CHURN}, "nobody knows what it would cost"
    assert suspects({CHURN: THEN}, {CHURN: without}, NOW, PolicyInForce()) == {CHURN}, "there is room again"


def test_a_resource_that_was_found_well_without_alarms_is_left_in_peace_until_something_changes() -> None:
    look = Look(at=THEN + timedelta(hours=1), mark="", is_bare=True)

    assert suspects({CHURN: THEN}, {}, NOW, PolicyInForce(), {CHURN: look}) == set()
    assert suspects({CHURN: look.at}, {}, NOW, PolicyInForce(), {CHURN: look}) == {CHURN}
    assert suspects({CHURN: THEN}, {}, NOW, PolicyInForce(LAX), {CHURN: look}) == {CHURN}
    assert suspects({CHURN: THEN}, {}, NOW, PolicyInForce(), {CHURN: replace(look, is_bare=False)}) == {CHURN}


def test_alarms_of_a_kind_that_cannot_be_listed_are_suspect_only_by_themselves() -> None:
    there = {CHURN: alarms(), OTHER: alarms(OTHER)[1:]}

    assert suspects({}, there, NOW, PolicyInForce(), unlisted={"endpoint"}) == {OTHER}


def test_alarms_that_are_held_are_not_compared_with_the_policy() -> None:
    assert suspects({CHURN: THEN}, {CHURN: alarms(CHURN, LAX)}, NOW, PolicyInForce(frozen=True)) == set()
