"""Short histories in which a live resource once lost alarms, never got them, or cost far too much."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from sagewatch.model import Notice
from sagewatch.tell.read.alarm_events import notice
from tests.model.account import READ_S, RETRIES_S, Fault
from tests.model.clean_room import plain
from tests.model.scene import Scene
from tests.model.stack import QUEUE_URL, Stack
from tests.payloads import event

MUTE_WRITES = {"PutAlarmMuteRule", "DeleteAlarmMuteRule"}


# ---------------------------------------------------------------------------------------------------- what is hidden
@pytest.mark.parametrize("shape", [3, 4, 6, 7], ids=["containers", "multi-model", "asynchronous", "components"])
@pytest.mark.parametrize("mode", ["light", "full"])
def test_a_deleted_endpoint_configuration_takes_no_alarm_with_it_and_adds_none(
    scene: Scene, shape: int, mode: str
) -> None:
    before = scene.made("endpoint", shape=shape)

    scene.world.hide_config("churn")
    scene.stack.name("endpoint", "churn")
    scene.swept(mode)

    assert scene.alarms("endpoint") == before


def test_a_deleted_endpoint_configuration_hides_no_inference_component(scene: Scene) -> None:
    scene.made("endpoint", shape=7)
    scene.silently()
    scene.world.create("inference-component", "scorer")
    scene.world.hide_config("churn")

    scene.stack.name("endpoint", "churn")
    scene.stack.drain()

    assert scene.alarms("inference-component", "scorer")


@pytest.mark.parametrize("shape", [3, 4], ids=["containers", "multi-model"])
def test_a_deleted_model_takes_no_alarm_with_it(scene: Scene, shape: int) -> None:
    before = scene.made("endpoint", shape=shape)

    scene.world.hide_models("churn")
    scene.stack.name("endpoint", "churn")
    scene.swept("full")

    assert scene.alarms("endpoint") == before


def test_alarms_that_a_deleted_model_hides_are_not_written_anew(scene: Scene) -> None:
    scene.made("endpoint", shape=3)
    scene.world.hide_models("churn")
    begin = len(scene.account.calls)

    scene.swept("full")

    assert not scene.since(begin)


def test_an_operation_whose_metrics_are_not_listed_at_the_moment_keeps_its_alarms(scene: Scene) -> None:
    before = scene.made("feature-group", shape=1)

    scene.account.metrics = []
    scene.swept("full")

    assert scene.alarms("feature-group") == before


def test_hosts_that_are_not_listed_at_the_moment_keep_their_alarms(scene: Scene) -> None:
    before = scene.made("transform-job", shape=2)

    scene.account.metrics = scene.account.metrics[:3]
    scene.swept("full")

    assert scene.alarms("transform-job") == before


def test_an_endpoint_that_moves_to_instance_pools_loses_the_alarms_of_its_one_type(scene: Scene) -> None:
    before = scene.made("endpoint", shape=0)

    after = scene.made("endpoint", shape=8)

    assert before - after == {"sagewatch/endpoint/churn/AllTraffic/cpu"}


# ---------------------------------------------------------------------------------------------------- the budget
def test_one_more_endpoint_brings_no_row_back_that_gave_way_to_the_budget(scene: Scene) -> None:
    scene.policy("budget: 9\n")
    rows: set[str] | None = None

    for number in range(14):
        scene.made("endpoint", f"e{number:02}")
        for _ in range(2):
            scene.swept()
        now = {name.rpartition("/")[2] for name in scene.account.alarms if "/e00/" in name}
        assert rows is None or now <= rows, f"with {number + 1} endpoints came back: {now - rows}"
        rows = now


def test_the_rows_of_the_lowest_severity_give_way_first(scene: Scene) -> None:
    scene.policy("budget: 9\n")

    for number in range(9):
        scene.made("endpoint", f"e{number:02}")
        for _ in range(3):
            scene.swept("full")
    here = Counter(_severity(alarm) for alarm in scene.account.alarms.values())

    alone = Scene()
    alone.made("endpoint")
    whole = Counter(_severity(alarm) for alarm in alone.account.alarms.values())
    lacking = [severity for severity in ("critical", "warning", "info") if here[severity] < 9 * whole[severity]]
    for severity in lacking[:-1]:
        lower = ("critical", "warning", "info")[("critical", "warning", "info").index(severity) + 1 :]
        assert not any(here[each] for each in lower), f"{severity} rows gave way while milder ones stay: {here}"


def test_after_a_burst_of_jobs_the_next_job_has_its_alarms_within_one_full_sweep(scene: Scene) -> None:
    scene.policy("budget: 5\n")
    for number in range(60):
        scene.world.create("training-job", f"burst-{number}")
    scene.stack.drain()
    scene.swept()
    for number in range(60):
        scene.world.delete("training-job", f"burst-{number}")
    scene.stack.drain()
    scene.swept("full")

    there = scene.made("training-job", "quiet")

    assert {name.rpartition("/")[2] for name in there} == {"memory", "disk", "gpu-memory", "gpu-stalled"}


def _severity(alarm: dict[str, Any]) -> str:
    return str(alarm["AlarmDescription"].partition("severity=")[2].split()[0])


# ---------------------------------------------------------------------------------------------------- big resources
def test_an_endpoint_with_a_hundred_and_thirty_components_is_covered_without_a_dead_letter(scene: Scene) -> None:
    scene.silently()
    scene.world.create("endpoint", "churn", 7)
    for number in range(130):
        scene.world.create("inference-component", f"c{number:03}")

    scene.stack.name("endpoint", "churn")
    scene.stack.drain()

    watched = {name.split("/")[2] for name in scene.account.alarms if name.startswith("sagewatch/inference-component/")}
    assert (len(watched), scene.dead()) == (130, [])


def test_an_endpoint_with_four_hundred_components_in_order_ends_no_invocation_by_its_time_out(scene: Scene) -> None:
    scene.silently()
    scene.world.create("endpoint", "churn", 7)
    for number in range(400):
        scene.world.create("inference-component", f"c{number:03}")
        scene.world.tag("inference-component", f"c{number:03}", sagewatch__ignore="true")

    scene.stack.name("endpoint", "churn")
    scene.stack.drain()

    assert (sum(each.killed for each in scene.stack.invocations), scene.dead()) == (0, [])


def test_a_schedule_with_a_thousand_features_is_covered_without_a_dead_letter(scene: Scene) -> None:
    scene.account.strict = False
    scene.world.create("monitoring-schedule", "churn")
    for number in range(1_000):
        scene.world.publish(
            "aws/sagemaker/Endpoints/data-metrics", f"feature_baseline_drift_f{number:04}", MonitoringSchedule="churn"
        )

    scene.stack.drain()

    assert (len(scene.alarms("monitoring-schedule")), scene.dead()) == (1_000, [])


def test_what_ran_out_of_time_goes_on_at_once(scene: Scene) -> None:
    scene.account.strict = False
    scene.world.create("monitoring-schedule", "churn")
    for number in range(300):
        scene.world.publish(
            "aws/sagemaker/Endpoints/data-metrics", f"feature_baseline_drift_f{number:04}", MonitoringSchedule="churn"
        )
    begin = scene.account.clock.now

    scene.stack.drain()

    taken = (scene.account.clock.now - begin).total_seconds()
    assert taken < 1.3 * 300 / 3, f"{taken:.0f} s for what takes 100 s"


def test_a_put_that_is_throttled_through_all_its_retries_ends_no_invocation_by_its_time_out(scene: Scene) -> None:
    scene.account.faults.append(Fault("PutMetricAlarm", "throttled", times=6))
    for number in range(5):
        scene.world.create("endpoint", f"e{number}")

    scene.stack.drain()

    assert not any(each.killed for each in scene.stack.invocations)


@pytest.mark.parametrize(
    "operation", ["DescribeEndpoint", "ListTags", "DescribeAlarms", "PutMetricAlarm", "GetParameter"]
)
@pytest.mark.parametrize("what", ["throttled", "timeout"])
def test_what_failed_for_a_moment_is_tried_again_within_a_minute(scene: Scene, operation: str, what: str) -> None:
    whole = Scene().made("endpoint")
    scene.account.faults.append(Fault(operation, what, times=1))
    begin = scene.account.clock.now

    there = scene.made("endpoint")

    assert there == whole
    # One call that fails with all its retries takes RETRIES_S; the alarms of an endpoint are written in a few seconds.
    assert (scene.account.clock.now - begin).total_seconds() < RETRIES_S + 60


def test_what_fails_for_twenty_minutes_is_no_dead_letter(scene: Scene) -> None:
    scene.account.faults.append(Fault("DescribeEndpoint", "throttled"))
    scene.world.create("endpoint", "churn")
    until = scene.account.clock.now + timedelta(minutes=20)
    while scene.account.clock.now < until:
        scene.stack.deliver()
    scene.account.faults = []

    scene.stack.drain()

    assert (scene.dead(), scene.wrong()) == ([], [])


# ---------------------------------------------------------------------------------------------------- refusals
def test_one_alarm_that_cloudwatch_refuses_stops_no_other(scene: Scene) -> None:
    scene.account.faults.append(Fault("PutMetricAlarm", "refused", "AllTraffic/errors-4xx"))

    there = scene.made("endpoint")

    alone = Scene().made("endpoint")
    assert there == {name for name in alone if not name.endswith("/errors-4xx")}


@pytest.mark.parametrize("about", ["/errors-4xx", ""], ids=["one alarm", "all alarms"])
def test_a_refused_alarm_is_tried_again_by_the_full_sweep_and_not_by_the_light_ones(scene: Scene, about: str) -> None:
    scene.account.faults.append(Fault("PutMetricAlarm", "refused", about))
    scene.world.create("endpoint", "churn")
    scene.account.clock.advance(60)
    scene.stack.drain()
    begin = len(scene.account.calls)

    for _ in range(3):
        scene.swept("light")
    by_light = scene.since(begin)["PutMetricAlarm"]
    scene.swept("full")

    assert by_light == 0
    assert scene.since(begin)["PutMetricAlarm"] >= 1


def test_what_was_refused_is_there_after_the_full_sweep_once_cloudwatch_takes_it(scene: Scene) -> None:
    scene.account.faults.append(Fault("PutMetricAlarm", "refused", "/errors-4xx"))
    scene.made("endpoint")
    scene.account.faults = []

    scene.swept("full")

    assert scene.wrong() == []


@pytest.mark.parametrize("change", ["updated", "tagged", "an alarm was deleted", "another policy"])
def test_a_resource_that_lacks_a_refused_alarm_is_looked_at_when_anything_changes(scene: Scene, change: str) -> None:
    scene.account.faults.append(Fault("PutMetricAlarm", "refused", "/errors-4xx"))
    there = scene.made("endpoint")
    scene.account.faults = []
    scene.account.clock.now += timedelta(minutes=1)
    match change:
        case "updated":
            scene.silently()
            scene.world.create("endpoint", "churn", 1)
        case "tagged":
            scene.world.tag("endpoint", "churn", team="fraud")
        case "an alarm was deleted":
            del scene.account.alarms[min(there)]
        case _:
            scene.policy("alarms:\n  - alarm: latency-p99\n    threshold: 2s\n")

    scene.swept("light")

    assert scene.wrong() == []


def _told(scene: Scene) -> list[Notice]:
    """Return what the sweep and reconcile had told of our own troubles, each notice once."""
    bodies = [each.body for each in scene.account.queues[QUEUE_URL.format("NotifyQueue")].messages.values()]
    found = (notice("sagewatch", body) for each in bodies if "sagewatch" in (body := json.loads(each)).get("source"))
    return [*{each.key: each for each in found if each}.values()]


def test_a_used_up_quota_is_told_once_with_cloudwatchs_reason_whoever_it_hits(scene: Scene) -> None:
    scene.account.most_alarms = 15
    for number in range(4):
        scene.world.create("endpoint", f"e{number}")

    scene.swept("full")
    scene.swept("full")

    [told] = _told(scene)
    assert told.title.startswith("CloudWatch refuses alarms: sagewatch/endpoint/")
    assert "Maximum number of alarms exceeded" in told.reason


@pytest.mark.parametrize("what", ["denied", "unknown"])
def test_a_kind_that_cannot_be_described_here_is_told_once_and_leaves_no_dead_letter(scene: Scene, what: str) -> None:
    there = scene.made("endpoint", "watched")
    scene.account.faults.append(Fault("DescribeEndpoint", what))
    scene.made("pipeline")
    for number in range(3):
        scene.world.create("endpoint", f"e{number}")
    scene.world.delete("endpoint", "watched")
    scene.stack.drain()
    scene.swept()

    [told] = _told(scene)
    assert told.title.startswith("resources of the kind endpoint cannot be described")
    assert "describe_endpoint e" in told.reason or "describe_endpoint watched" in told.reason
    assert (scene.dead(), scene.alarms("endpoint", "watched")) == ([], there)
    assert scene.alarms("pipeline")


@pytest.mark.parametrize(
    ("operation", "kind", "shape", "left"),
    [
        ("DescribeEndpointConfig", "endpoint", 3, {"memory", "disk"}),
        ("DescribeModel", "endpoint", 3, {"memory", "disk", "cpu", "errors-5xx", "latency-p99"}),
        ("ListInferenceComponents", "endpoint", 7, {"memory", "disk"}),
        ("DescribeEndpoint", "inference-component", 0, {"errors-5xx", "no-capacity", "idle"}),
    ],
)
@pytest.mark.parametrize("what", ["denied", "unknown"])
def test_a_part_that_may_not_be_read_keeps_no_alarm_from_the_rest(
    scene: Scene, operation: str, kind: str, shape: int, left: set[str], what: str
) -> None:
    if kind == "inference-component":
        scene.made("endpoint", "host", 7)
    scene.account.faults.append(Fault(operation, what))

    there = scene.made(kind, shape=shape)

    assert left <= {name.rpartition("/")[2] for name in there}
    assert scene.dead() == []
    assert len(_told(scene)) == 1


@pytest.mark.parametrize("what", ["denied", "throttled"])
def test_metrics_that_cannot_be_listed_keep_no_sweep_from_naming_what_else_needs_a_look(
    scene: Scene, what: str
) -> None:
    scene.made("transform-job", shape=2)
    scene.silently()
    scene.world.create("endpoint", "unheard")
    scene.account.faults.append(Fault("ListMetrics", what))
    scene.account.clock.advance(16 * 60)

    done = scene.stack.sweep()
    scene.stack.drain()

    assert (done.raised is None) == (what == "denied")
    assert scene.alarms("endpoint", "unheard")
    assert scene.dead() == []


@pytest.mark.parametrize("operation", ["DescribeEndpointConfig", "DescribeModel"])
def test_a_part_that_may_not_be_read_takes_no_alarm_and_is_put_right_by_the_light_sweep_once_it_may(
    scene: Scene, operation: str
) -> None:
    before = scene.made("endpoint", "old", 3)
    scene.account.faults.append(Fault(operation, "denied"))
    scene.made("endpoint", "new", 3)
    scene.stack.name("endpoint", "old")
    scene.swept()
    assert scene.alarms("endpoint", "old") == before
    begin = len(scene.account.calls)
    scene.swept()
    assert not scene.since(begin)
    scene.account.faults = []

    scene.swept("light")

    assert scene.wrong() == []


def test_what_could_not_be_described_is_put_right_by_the_light_sweep_once_it_can_be(scene: Scene) -> None:
    scene.account.faults.append(Fault("DescribeEndpoint", "denied"))
    scene.made("endpoint")
    scene.account.faults = []

    scene.swept("light")

    assert scene.wrong() == []


def test_kinds_that_cannot_be_listed_are_told_in_one_notice_and_again_when_there_are_more(scene: Scene) -> None:
    scene.account.faults += [Fault("ListClusters", "unknown"), Fault("ListPipelines", "denied")]
    for _ in range(3):
        scene.swept()
    both = _told(scene)
    scene.account.faults.pop()
    scene.swept()
    fewer = _told(scene)
    scene.account.faults += [Fault("ListPipelines", "denied"), Fault("ListFeatureGroups", "denied")]
    scene.swept()

    assert [each.key for each in both] == ["sweep/unlisted/cluster,pipeline"]
    assert fewer == both
    assert [each.key for each in _told(scene)] == [
        "sweep/unlisted/cluster,pipeline",
        "sweep/unlisted/cluster,feature-group,pipeline",
    ]


def test_a_paging_topic_of_another_region_keeps_no_alarm_from_the_rest(scene: Scene) -> None:
    """`policy check` passes it; CloudWatch takes actions of its own Region only."""
    scene.policy("paging:\n  critical: arn:aws:sns:eu-west-1:123456789012:pages\n")
    scene.account.faults.append(Fault("PutMetricAlarm", "refused", "eu-west-1"))

    there = scene.made("endpoint")

    alone = Scene()
    whole = alone.made("endpoint")
    pages = {name for name in whole if _severity(alone.account.alarms[name]) == "critical"}
    assert pages
    assert (there, scene.dead()) == (whole - pages, [])


def test_a_component_that_cloudwatch_refuses_stops_none_of_its_siblings(scene: Scene) -> None:
    scene.silently()
    scene.world.create("endpoint", "churn", 7)
    for name in ("a", "b", "c"):
        scene.world.create("inference-component", name)
    scene.account.faults.append(Fault("PutMetricAlarm", "refused", "inference-component/a/"))

    scene.stack.name("endpoint", "churn")
    scene.stack.drain()

    assert scene.alarms("inference-component", "b")
    assert scene.alarms("inference-component", "c")


def test_a_quota_that_is_used_up_fills_no_dead_letter_queue(scene: Scene) -> None:
    scene.account.most_alarms = 15
    for number in range(4):
        scene.world.create("endpoint", f"e{number}")

    for _ in range(4):
        scene.swept()

    assert (len(scene.account.alarms), scene.dead()) == (15, [])


def test_a_resource_whose_metrics_may_not_be_listed_keeps_its_alarms_and_leaves_no_dead_letter(scene: Scene) -> None:
    before = scene.made("pipeline")
    scene.account.faults.append(Fault("ListMetrics", "denied"))

    scene.account.clock.advance(600)
    scene.stack.name("pipeline", "churn")
    scene.stack.drain()

    assert (scene.alarms("pipeline"), scene.dead()) == (before, [])


@pytest.mark.parametrize("what", ["denied", "unknown"])
def test_a_kind_that_cannot_be_listed_here_does_not_fail_the_sweep(scene: Scene, what: str) -> None:
    scene.silently()
    scene.world.create("endpoint", "churn")
    scene.account.faults.append(Fault("ListClusters", what))

    done = scene.stack.sweep()
    scene.stack.drain()

    assert done.raised is None
    assert scene.alarms("endpoint")


# ---------------------------------------------------------------------------------------------------- people's edits
EDITS: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "a note below the labels": lambda a: {**a, "AlarmDescription": f"{a['AlarmDescription']}\nRunbook: see the wiki."},
    "a note above the text": lambda a: {**a, "AlarmDescription": f"Look here!\n{a['AlarmDescription']}"},
    "another threshold": lambda a: {**a, "Threshold": 1.0},
    "a note and another threshold": lambda a: {
        **a,
        "Threshold": 1.0,
        "AlarmDescription": f"{a['AlarmDescription']}\nRunbook: see the wiki.",
    },
    "no description": lambda a: {**a, "AlarmDescription": ""},
}


@pytest.mark.parametrize("edit", EDITS)
@pytest.mark.parametrize("told", [True, False], ids=["told", "found"])
def test_an_edit_of_an_alarm_is_mended(scene: Scene, edit: str, told: bool) -> None:
    name = sorted(scene.made("endpoint"))[0]
    before = plain(scene.account.alarms[name])
    scene.account.alarms[name] = EDITS[edit](scene.account.alarms[name])
    if told:
        scene.account.tell(scene.account._configured("update", scene.account.alarms[name], None))

    scene.stack.drain()
    if not told:
        scene.swept()

    assert plain(scene.account.alarms[name]) == before


@pytest.mark.parametrize("edit", EDITS)
def test_an_alarm_that_somebody_edited_goes_with_its_endpoint(scene: Scene, edit: str) -> None:
    name = sorted(scene.made("endpoint"))[0]
    scene.account.alarms[name] = EDITS[edit](scene.account.alarms[name])

    scene.world.delete("endpoint", "churn")
    scene.stack.drain()
    scene.swept()

    assert scene.alarms("endpoint") == set()


def test_a_description_that_fills_its_thousand_characters_with_a_note_is_mended(scene: Scene) -> None:
    name = sorted(scene.made("endpoint"))[0]
    before = plain(scene.account.alarms[name])
    text = scene.account.alarms[name]["AlarmDescription"]
    scene.account.alarms[name] = {
        **scene.account.alarms[name],
        "AlarmDescription": f"{text}\n{'x' * (1023 - len(text))}",
    }

    scene.swept()

    assert plain(scene.account.alarms[name]) == before


# ---------------------------------------------------------------------------------------------------- roll-backs
def _names(scene: Scene, kind: str, name: str, alarm: str) -> None:
    body = scene.account.resources[kind, name].body
    body["LastDeploymentConfig"] = {"AutoRollbackConfiguration": {"Alarms": [{"AlarmName": alarm}]}}


def test_an_alarm_that_guards_a_component_stays_when_its_own_endpoint_goes(scene: Scene) -> None:
    guard = sorted(scene.made("endpoint", "guarding"))[0]
    scene.made("endpoint", "other", 7)
    scene.made("inference-component", "scorer")
    _names(scene, "inference-component", "scorer", guard)
    scene.stack.name("inference-component", "scorer")
    scene.stack.drain()

    scene.world.delete("endpoint", "guarding")
    scene.stack.drain()

    assert guard in scene.account.alarms


def test_an_alarm_that_guards_two_endpoints_settles_and_stays_as_long_as_one_of_them(scene: Scene) -> None:
    guard = sorted(scene.made("endpoint", "guarding"))[0]
    for name in ("a", "b"):
        scene.made("endpoint", name)
        _names(scene, "endpoint", name, guard)
    scene.swept("full")
    begin = len(scene.account.calls)

    scene.swept("full")

    assert not scene.since(begin), "two endpoints take turns in writing it"
    for gone, stays in (("b", True), ("guarding", True), ("a", False)):
        scene.world.delete("endpoint", gone)
        scene.stack.drain()
        scene.swept("full")
        assert (guard in scene.account.alarms) == stays, f"after {gone} went"


def test_an_alarm_that_a_live_endpoint_names_stays_though_the_endpoint_was_not_looked_at_since(scene: Scene) -> None:
    guard = sorted(scene.made("endpoint", "guarding"))[0]
    scene.made("endpoint", "live")
    _names(scene, "endpoint", "live", guard)

    scene.world.delete("endpoint", "guarding")
    scene.stack.drain()

    assert guard in scene.account.alarms


def test_somebodys_copy_of_our_alarm_is_not_written_when_it_guards(scene: Scene) -> None:
    ours = scene.account.alarms[sorted(scene.made("endpoint"))[0]]
    copied = {**ours, "AlarmName": "sagewatch/copy-of-it"}
    scene.account.alarms["sagewatch/copy-of-it"] = copied
    _names(scene, "endpoint", "churn", "sagewatch/copy-of-it")

    scene.swept("full")

    assert scene.account.alarms["sagewatch/copy-of-it"] == copied


@pytest.mark.parametrize("fate", ["the event is lost", "the event arrives"])
@pytest.mark.parametrize("gone", ["resource", "row"])
def test_an_alarm_stays_that_rolls_back_a_deployment_that_nobody_heard_of(scene: Scene, gone: str, fate: str) -> None:
    guard = sorted(name for name in scene.made("endpoint", "guarding") if name.endswith("/memory"))[0]
    scene.made("endpoint", "live")
    if fate == "the event is lost":
        scene.silently()
    scene.world.guard("endpoint", "live", [guard])

    if gone == "row":
        scene.policy("alarms:\n  - {alarm: memory, off: true}\n")
    else:
        scene.world.delete("endpoint", "guarding")
    scene.stack.name("endpoint", "guarding")
    scene.stack.drain()

    assert guard in scene.account.alarms


# ---------------------------------------------------------------------------------------------------- taken names
BY_HAND = {
    "Namespace": "AWS/SageMaker",
    "MetricName": "Invocations",
    "Statistic": "Sum",
    "Period": 60,
    "EvaluationPeriods": 1,
    "Threshold": 1.0,
    "ComparisonOperator": "GreaterThanThreshold",
    "AlarmDescription": "Mine.",
}


@pytest.mark.parametrize("row", ["cpu", "latency-p99"])
@pytest.mark.parametrize("told", [True, False], ids=["told", "found"])
def test_an_alarm_is_made_where_somebodys_own_stood_until_it_was_deleted(scene: Scene, row: str, told: bool) -> None:
    name = f"sagewatch/endpoint/churn/AllTraffic/{row}"
    scene.account._PutMetricAlarm(AlarmName=name, **BY_HAND)
    there = scene.made("endpoint")
    assert scene.account.alarms[name]["AlarmDescription"] == "Mine."
    assert scene.named() == 0

    if told:
        scene.account._DeleteAlarms([name])
        scene.stack.drain()
    else:
        del scene.account.alarms[name]
        scene.swept("light")

    assert scene.alarms("endpoint") == there
    assert scene.wrong() == []
    assert scene.named() == 0


def test_an_alarm_under_our_prefix_with_a_name_that_we_never_give_is_no_work(scene: Scene) -> None:
    scene.made("endpoint")
    scene.account._PutMetricAlarm(AlarmName="sagewatch/endpoint/churn/AllTraffic/by-hand", **BY_HAND)

    assert scene.named() == 0


# ---------------------------------------------------------------------------------------------------- races
def test_an_endpoint_that_was_made_anew_under_a_teardown_has_its_alarms_when_both_workers_are_done(
    scene: Scene,
) -> None:
    before = scene.made("endpoint")
    scene.world.delete("endpoint", "churn")
    done = []

    def made_anew(operation: str, params: dict[str, Any]) -> None:
        if operation == "DescribeAlarms" and not done:
            done.append(True)
            scene.world.create("endpoint", "churn")
            scene.stack.deliver(first=1)

    scene.account.before = made_anew
    scene.stack.drain()

    assert done
    assert scene.alarms("endpoint") == before


@pytest.mark.parametrize("at", [1, 3, 11])
def test_an_endpoint_that_goes_unheard_while_its_alarms_are_written_leaves_none(scene: Scene, at: int) -> None:
    puts = []

    def gone(operation: str, params: dict[str, Any]) -> None:
        if operation == "PutMetricAlarm":
            puts.append(params["AlarmName"])
            if len(puts) == at:
                scene.silently()
                scene.world.delete("endpoint", "churn")

    scene.world.create("endpoint", "churn")
    scene.account.before = gone
    scene.stack.drain()

    assert len(puts) >= at
    assert scene.alarms("endpoint") == set()


@pytest.mark.parametrize("at", [1, 3, 11])
def test_an_update_that_goes_unheard_while_alarms_are_written_holds(scene: Scene, at: int) -> None:
    puts = []

    def updated(operation: str, params: dict[str, Any]) -> None:
        if operation == "PutMetricAlarm":
            puts.append(params["AlarmName"])
            if len(puts) == at:
                scene.silently()
                scene.world.create("endpoint", "churn", 2)

    scene.world.create("endpoint", "churn")
    scene.account.before = updated
    scene.stack.drain()

    assert scene.wrong() == []


@pytest.mark.parametrize("at", [1, 3, 11])
def test_a_tag_that_changes_while_alarms_are_written_holds(scene: Scene, at: int) -> None:
    puts = []

    def tagged(operation: str, params: dict[str, Any]) -> None:
        if operation == "PutMetricAlarm":
            puts.append(params["AlarmName"])
            if len(puts) == at:
                scene.world.tag("endpoint", "churn", sagewatch__ignore="true")
                scene.stack.deliver(first=1)

    scene.world.create("endpoint", "churn")
    scene.account.before = tagged
    scene.stack.drain()

    assert len(puts) >= at
    assert scene.alarms("endpoint") == set()


# ---------------------------------------------------------------------------------------------------- what sweeps find
def test_the_light_sweep_finishes_an_update_whose_message_died_after_the_first_alarm(scene: Scene) -> None:
    scene.made("endpoint")
    puts = []

    def failing(operation: str, params: dict[str, Any]) -> None:
        if operation == "PutMetricAlarm":
            puts.append(params["AlarmName"])
            if len(puts) == 1:
                scene.account.faults.append(Fault("PutMetricAlarm", "denied"))

    scene.account.before = failing
    scene.world.create("endpoint", "churn", 1)
    scene.stack.drain()
    assert puts
    scene.account.faults = []

    scene.swept("light")

    assert scene.wrong() == []


def test_the_light_sweep_finds_a_variant_that_has_no_alarm_at_all(scene: Scene) -> None:
    before = scene.made("endpoint", shape=2)
    for name in [each for each in before if "/green/" in each]:
        del scene.account.alarms[name]

    scene.swept("light")

    assert scene.alarms("endpoint") == before


LATER: dict[str, tuple[str, int, list[tuple[str, str, dict[str, str]]]]] = {
    "hosts of a transform job": (
        "transform-job",
        1,
        [("/aws/sagemaker/TransformJobs", "MemoryUtilization", {"Host": f"churn/i-late{n}"}) for n in range(9)],
    ),
    "features of a schedule": (
        "monitoring-schedule",
        1,
        [("aws/sagemaker/Endpoints/data-metrics", "feature_baseline_drift_late", {"MonitoringSchedule": "churn"})],
    ),
    "operations of a feature group": (
        "feature-group",
        0,
        [("AWS/SageMaker", "Latency", {"FeatureGroupName": "churn", "OperationName": "DeleteRecord"})],
    ),
    "endpoints of a load test": (
        "recommender-job",
        1,
        [
            (
                "/aws/sagemaker/InferenceRecommendationsJobs",
                "ClientInvocations",
                {"JobName": "churn", "EndpointName": "sm-late"},
            )
        ],
    ),
}


@pytest.mark.parametrize("what", LATER)
def test_what_cloudwatch_lists_later_is_found_by_the_next_light_sweep(scene: Scene, what: str) -> None:
    kind, shape, metrics = LATER[what]
    scene.made(kind, shape=shape)
    scene.swept()

    scene.account.metrics += metrics
    scene.swept("light")

    assert scene.wrong() == []


def test_a_light_sweep_over_a_fleet_in_which_all_is_well_names_nobody(scene: Scene) -> None:
    scene.policy("ignore:\n  - tags: {env: dev}\n")
    scene.made("endpoint", "plain")
    for name, tags in (
        ("row-off", {"sagewatch__idle": "off"}),
        ("ignored", {"sagewatch__ignore": "true"}),
        ("dev", {"env": "dev"}),
    ):
        scene.made("endpoint", name)
        scene.world.tag("endpoint", name, **tags)
        scene.stack.drain()
    scene.made("feature-group", "offline", 3)
    scene.made("cluster", "slurm", 1)
    scene.made("monitoring-schedule", "quality", 2)
    scene.swept("full")
    scene.swept("light")

    assert scene.named() == 0


# ---------------------------------------------------------------------------------------------------- costs
def test_our_own_writes_are_no_work_for_us(scene: Scene) -> None:
    for number in range(3):
        scene.made("endpoint", f"e{number}")
    scene.policy("alarms:\n  - alarm: latency-p99\n    threshold: 2s\n  - alarm: memory\n    threshold: 80%\n")
    before, begin = scene.reconcile_queue().sent, len(scene.stack.invocations)

    scene.swept("light")

    assert scene.reconcile_queue().sent - before <= 3
    assert sum(each.function == "Reconcile" for each in scene.stack.invocations[begin:]) <= 3


def test_our_own_deletions_are_next_to_no_work_for_us(scene: Scene) -> None:
    scene.world.create("endpoint", "churn", 2)
    scene.stack.drain()
    assert len(scene.alarms("endpoint")) > 20
    scene.world.delete("endpoint", "churn")
    begin = len(scene.account.calls)

    scene.stack.drain()

    assert scene.alarms("endpoint") == set()
    describes = sum(operation == "DescribeEndpoint" for operation, _ in scene.account.calls[begin:])
    assert describes <= 4, "each event of the endpoint is a look, with one more after the deletion; no alarm's is"


@pytest.mark.parametrize("alarms", [100, 120])
def test_a_deleted_endpoint_costs_four_calls_and_two_for_each_hundred_of_its_alarms(scene: Scene, alarms: int) -> None:
    """DescribeAlarms answers with a hundred alarms at most, DeleteAlarms takes a hundred names."""
    scene.account.strict = False
    scene.world.create("endpoint", "churn", 2)
    body = scene.account.resources["endpoint", "churn"].body
    config = scene.account.configs[body["EndpointConfigName"]]
    for where in (body, config):
        where["ProductionVariants"] = [
            {**where["ProductionVariants"][0], "VariantName": f"v{number}"} for number in range(10)
        ]
    scene.stack.drain()
    there = sorted(scene.alarms("endpoint"))
    assert len(there) > alarms
    scene.account._DeleteAlarms(there[alarms:][:100])
    scene.account.queues[QUEUE_URL.format("ReconcileQueue")].messages.clear()
    scene.silently()
    scene.world.delete("endpoint", "churn")
    scene.stack.name("endpoint", "churn")
    begin = len(scene.account.calls)

    scene.stack.drain()

    calls = Counter(operation for operation, _ in scene.account.calls[begin:])
    pages = -(-alarms // 100)
    assert scene.alarms("endpoint") == set()
    assert calls == {
        "DescribeEndpoint": 2,
        "ListEndpoints": 1,
        "ListInferenceComponents": 1,
        "DescribeAlarms": pages,
        "DeleteAlarms": pages,
    }


def test_an_alarm_that_a_person_deletes_just_after_its_resource_was_made_anew_is_back(scene: Scene) -> None:
    scene.made("endpoint")
    scene.world.delete("endpoint", "churn")
    scene.stack.drain()
    there = scene.made("endpoint")

    scene.account.answer("DeleteAlarms", {"AlarmNames": [min(there)]})
    scene.stack.drain()

    assert scene.alarms("endpoint") == there


def test_a_new_endpoint_has_its_alarms_within_thirty_seconds_behind_a_first_deployment(scene: Scene) -> None:
    scene.account.strict = False
    told = scene.world.fate
    scene.silently()
    for number in range(100):
        scene.world.create("endpoint", f"old-{number:03}")
    assert scene.stack.sweep("full").raised is None
    scene.stack.deliver()
    scene.world.fate = told
    scene.world.create("endpoint", "new")
    begin, whole = scene.account.clock.now, len(Scene().made("endpoint"))

    while len(scene.alarms("endpoint", "new")) < whole:
        assert scene.stack.deliver()

    waited = (scene.account.clock.now - begin).total_seconds()
    assert waited <= 30, f"it waited {waited:.0f} s"


# ---------------------------------------------------------------------------------------------------- mute rules
_NIGHTLY = "mute:\n  - name: nightly\n    schedule: cron(0 22 * * *)\n    duration: 6h\n"


def test_one_new_endpoint_changes_few_mute_rules(scene: Scene) -> None:
    scene.account.strict = False
    scene.policy(_NIGHTLY)
    for number in range(50):
        scene.made("endpoint", f"e{number:02}")
    scene.swept()
    assert len(scene.account.mute_rules) >= 6
    scene.made("endpoint", "aaa")
    begin = len(scene.account.calls)

    scene.swept()

    assert sum(scene.since(begin)[each] for each in MUTE_WRITES) <= 4


def test_no_mute_rule_is_made_anew_inside_its_window_when_a_week_begins(scene: Scene) -> None:
    scene.policy(_NIGHTLY)
    scene.made("endpoint")
    scene.account.clock.now = datetime(2026, 6, 7, 23, 30, tzinfo=UTC)  # a Sunday
    scene.swept()
    begin = len(scene.account.calls)

    for _ in range(4):
        scene.swept()

    assert {each: scene.since(begin)[each] for each in MUTE_WRITES} == dict.fromkeys(MUTE_WRITES, 0)


def test_an_alarm_that_is_made_inside_a_window_is_in_a_mute_rule_from_the_next_sweep_on(scene: Scene) -> None:
    scene.policy(_NIGHTLY)
    scene.made("endpoint", "old")
    scene.account.clock.now = datetime(2026, 6, 2, 20, 0, tzinfo=UTC)
    scene.swept()
    before = dict(scene.account.mute_rules)
    scene.account.clock.now = datetime(2026, 6, 2, 23, 0, tzinfo=UTC)  # inside the window
    scene.account.muting = True
    there = scene.made("endpoint", "new")

    scene.swept()

    muted = {name for rule in scene.account.mute_rules.values() for name in rule["MuteTargets"]["AlarmNames"]}
    assert there <= muted
    assert all(scene.account.mute_rules.get(name) == rule for name, rule in before.items()), "what mutes was touched"


def test_a_policy_that_is_deleted_takes_its_mute_windows_along(scene: Scene) -> None:
    scene.policy(_NIGHTLY)
    scene.made("endpoint")
    scene.swept()
    assert scene.account.mute_rules

    del scene.account.parameters[scene.stack.policy_parameter]
    scene.swept()

    assert scene.account.mute_rules == {}


# ---------------------------------------------------------------------------------------------------- the rest
def test_a_cloudtrail_record_without_its_parameters_is_read_from_its_response(scene: Scene) -> None:
    scene.silently()
    scene.world.create("pipeline", "churn-train")
    record = event("cloudtrail-create-pipeline")
    # CloudTrail User Guide, "CloudTrail record contents": fields over 100 KB are left out so.
    record["detail"]["requestParameters"] = {"omitted": True, "originalSize": 160_000, "reason": "size"}

    scene.stack.event(record)
    scene.stack.drain()

    assert scene.alarms("pipeline", "churn-train")
    assert scene.dead() == []


def test_a_threshold_after_a_pair_makes_one_alarm_with_the_rows_own_severity(scene: Scene) -> None:
    scene.policy(
        "alarms:\n"
        "  - {kind: endpoint, alarm: overhead-latency, warning: 200ms, critical: 400ms}\n"
        "  - {kind: endpoint, alarm: overhead-latency, threshold: 300ms}\n"
    )

    there = {name for name in scene.made("endpoint") if "overhead-latency" in name}

    [name] = there
    assert _severity(scene.account.alarms[name]) == "warning"


@pytest.mark.parametrize("later", ["off: false", "off: false\n    threshold: 2s"])
def test_a_row_that_a_later_entry_switches_on_again_is_on(scene: Scene, later: str) -> None:
    scene.policy(f"alarms:\n  - alarm: latency-p99\n    off: true\n  - alarm: latency-p99\n    {later}\n")

    assert any(name.endswith("/latency-p99") for name in scene.made("endpoint"))


def test_the_longest_prefix_with_the_longest_names_makes_alarms_that_are_found_again(scene: Scene) -> None:
    scene.stack = Stack(scene.account, "p" * 31)
    scene.policy("alarms:\n  - {kind: endpoint, alarm: container-latency, warning: 500ms, critical: 800ms}\n")
    scene.world.tell = scene.stack.event
    name = "e" * 63
    scene.world.create("endpoint", name, 3)
    body = scene.account.resources["endpoint", name].body
    config = scene.account.configs[body["EndpointConfigName"]]
    for variant in (body["ProductionVariants"][0], config["ProductionVariants"][0]):
        variant["VariantName"] = "v" * 63
    for container in scene.account.models[config["ProductionVariants"][0]["ModelName"]]["Containers"]:
        container["ContainerHostname"] = container["ContainerHostname"][0] * 63

    scene.stack.drain()
    begin = len(scene.account.calls)
    scene.swept("full")

    assert scene.dead() == []
    assert len({alarm for alarm in scene.account.alarms if "/container-" in alarm}) >= 2
    assert not scene.since(begin), "they are not recognised"


def test_a_feature_with_a_long_name_in_another_alphabet_has_its_alarm(scene: Scene) -> None:
    scene.world.create("monitoring-schedule", "churn")
    scene.world.publish(
        "aws/sagemaker/Endpoints/data-metrics", f"feature_baseline_drift_{'日' * 90}", MonitoringSchedule="churn"
    )

    scene.stack.drain()

    assert scene.dead() == []
    assert len(scene.alarms("monitoring-schedule")) == 1


# ---------------------------------------------------------------------------------------------------- a burst
def test_a_burst_of_five_thousand_events_with_a_poison_message_among_them_loses_and_blocks_nothing(
    scene: Scene,
) -> None:
    """Four in five repeat another one; most resources are gone by the time that their events are read."""
    whole = {alarm.replace("/churn/", "/live-{}/") for alarm in Scene().made("endpoint")}
    scene.silently()
    for number in range(5):
        scene.world.create("endpoint", f"live-{number}")
    names = [*(f"live-{number}" for number in range(5)), *(f"gone-{number}" for number in range(995))]
    bodies = [json.dumps({"kind": "endpoint", "name": name}) for name in names * 5]
    random.Random(5).shuffle(bodies)
    queue = scene.reconcile_queue()
    for body in [*bodies[:500], "not json", *bodies[500:]]:
        scene.account.send(queue.url, body)
    begin = scene.account.clock.now

    while len(queue.messages) > 1:
        assert scene.stack.deliver()

    reads = (scene.account.clock.now - begin).total_seconds()
    assert reads < 5_000 * 3 * READ_S, "no message waits for the retries of another one"
    scene.stack.drain()
    assert scene.dead() == ["not json"]
    assert set(scene.account.alarms) == {alarm.format(number) for alarm in whole for number in range(5)}
