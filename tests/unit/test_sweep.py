from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from sagewatch.aws.cloudwatch import Described
from sagewatch.kinds.endpoint import ENDPOINT
from sagewatch.model import Alarm, Facts, Ref
from sagewatch.plan import plan
from sagewatch.sweep import suspects
from tests.resources import THEN, answering, config, endpoint, variant

CHURN, OTHER = Ref("endpoint", "churn"), Ref("endpoint", "other")
NOW = THEN + timedelta(hours=8)


def alarms(ref: Ref = CHURN) -> list[Described]:
    seen = ENDPOINT.observe(endpoint(name=ref.name), answering(describe_endpoint_config=config(variant())))
    wanted = plan("sagewatch", ENDPOINT, Facts(ref=ref, live=True, scopes=seen.scopes))
    return [Described(alarm, THEN) for alarm in wanted.alarms]


def test_a_fleet_in_order_has_no_suspects() -> None:
    assert suspects({CHURN: THEN, OTHER: THEN}, {CHURN: alarms(), OTHER: alarms(OTHER)}, NOW) == set()


def test_a_resource_without_alarms_is_suspect() -> None:
    assert suspects({CHURN: THEN, OTHER: THEN}, {CHURN: alarms()}, NOW) == {OTHER}


def test_alarms_without_a_resource_are_suspect() -> None:
    assert suspects({CHURN: THEN}, {CHURN: alarms(), OTHER: alarms(OTHER)}, NOW) == {OTHER}


def test_a_resource_that_lacks_one_alarm_is_suspect() -> None:
    assert suspects({CHURN: THEN}, {CHURN: alarms()[1:]}, NOW) == {CHURN}


def test_an_edited_alarm_makes_its_resource_suspect() -> None:
    first, *others = alarms()
    edited = replace(first, alarm=Alarm({**first.alarm.request, "Threshold": 99.0}))

    assert suspects({CHURN: THEN}, {CHURN: [edited, *others]}, NOW) == {CHURN}


def test_a_resource_that_changed_lately_and_after_its_alarms_is_suspect() -> None:
    assert suspects({CHURN: NOW - timedelta(minutes=5)}, {CHURN: alarms()}, NOW) == {CHURN}


def test_a_change_that_asked_for_no_write_is_not_suspect_for_ever() -> None:
    assert suspects({CHURN: NOW - timedelta(hours=1)}, {CHURN: alarms()}, NOW) == set()
