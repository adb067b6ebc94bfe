from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sagewatch.errors import Undeliverable
from sagewatch.kinds import links
from sagewatch.model import Labels, Notice, Place, Ref, Unit
from sagewatch.tell.read.alarm_events import in_order, notice
from sagewatch.tell.read.sagemaker_events import BY_DETAIL_TYPE
from tests.payloads import event, every_event

HERE = Place("aws", "us-east-1", "123456789012")
CONSOLE = "https://us-east-1.console.aws.amazon.com"
ENDPOINT_LINKS = {
    "endpoint": f"{CONSOLE}/sagemaker/home?region=us-east-1#/endpoints/churn",
    "logs": f"{CONSOLE}/cloudwatch/home?region=us-east-1#logsV2:log-groups/log-group/"
    "$252Faws$252Fsagemaker$252FEndpoints$252Fchurn",
}
ALARM_LINK = (
    f"{CONSOLE}/cloudwatch/home?region=us-east-1#alarmsV2:alarm/sagewatch%2Fendpoint%2Fchurn%2FAllTraffic%2Flatency-p99"
)


def told(body: dict[str, Any]) -> Notice:
    found = notice("sagewatch", body)
    assert found is not None
    return found


def labels(**values: str) -> Labels:
    return Labels(values)


def test_an_alarm_that_fires_tells_its_value_and_limit_in_the_unit_of_its_row() -> None:
    body = event("alarm-firing")

    found = told(body)

    assert found == Notice(
        key="123456789012/us-east-1/sagewatch/endpoint/churn/AllTraffic/latency-p99/ALARM/2026-01-02T03:04:05.000+0000",
        state="firing",
        labels=labels(severity="critical", kind="endpoint", resource="churn", scope="AllTraffic", alarm="latency-p99"),
        place=HERE,
        at=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
        title="model latency",
        subject=Ref("endpoint", "churn"),
        part="sagewatch/endpoint/churn/AllTraffic/latency-p99",
        points=found.points,
        value=1_843_221.0,
        limit=1_000_000.0,
        unit=Unit.MICROSECONDS,
        reason=body["detail"]["state"]["reason"],
        meaning="Some callers wait longer than this for the model.",
        advice=found.advice,
        links={**ENDPOINT_LINKS, "alarm": ALARM_LINK},
    )
    assert found.advice.startswith("Compare with CPU, GPU and requests per instance")


def test_an_alarm_that_clears_is_told() -> None:
    found = told(event("alarm-cleared"))

    assert (found.state, found.value) == ("cleared", 430_000.0)


def test_a_share_of_capacity_knows_how_many_cores_there_are() -> None:
    body = event("alarm-firing")
    body["detail"]["configuration"]["description"] = (
        "text\n[sagewatch severity=warning kind=endpoint resource=churn scope=AllTraffic alarm=cpu vcpus=8]"
    )

    found = told(body)

    assert (found.unit, found.capacity) == (Unit.PERCENT_OF_VCPUS, 8)


def test_an_alarm_whose_row_is_not_known_any_more_is_told_by_its_id() -> None:
    body = event("alarm-firing")
    body["detail"]["configuration"]["description"] = body["detail"]["configuration"]["description"].replace(
        "alarm=latency-p99", "alarm=retired"
    )

    found = told(body)

    assert (found.title, found.unit, found.meaning, found.advice) == ("retired", Unit.COUNT, "", "")


@pytest.mark.parametrize(
    "data", [None, "", "not json", "[]", '{"recentDatapoints": null}', '{"recentDatapoints": [null]}']
)
def test_an_alarm_without_readable_data_is_told_without_a_value(data: str | None) -> None:
    body = event("alarm-firing")
    body["detail"]["state"]["reasonData"] = data

    found = told(body)

    assert (found.state, found.value) == ("firing", None)


@pytest.mark.parametrize(
    "name",
    [
        "endpoint-creating",
        "endpoint-updating",
        "endpoint-deleting",
        "training-job-in-progress",
        "training-job-stopped",
        "pipeline-executing",
    ],
)
def test_what_is_not_worth_telling_is_silence(name: str) -> None:
    assert notice("sagewatch", event(name)) is None


def test_an_alarm_that_is_deleted_ends_what_it_said() -> None:
    found = told(event("alarm-deleted"))

    assert (found.state, found.part, found.subject) == (
        "closed",
        event("alarm-deleted")["detail"]["alarmName"],
        Ref("endpoint", "churn"),
    )


def test_an_alarm_that_is_deleted_in_the_second_in_which_it_fired_ends_after_that() -> None:
    body = event("alarm-deleted")
    body["detail"]["state"] = {"value": "ALARM", "timestamp": "2026-01-02T03:04:05.900+0000"}
    body["time"] = "2026-01-02T03:04:05Z"

    assert told(body).at == datetime(2026, 1, 2, 3, 4, 5, 900_000, tzinfo=UTC)


@pytest.mark.parametrize("name", ["alarm-firing-muted", "alarm-firing-suppressed"])
def test_what_is_muted_or_suppressed_is_known_to_be(name: str) -> None:
    assert (told(event(name)).state, told(event(name)).muted) == ("firing", True)


def test_an_ok_is_told_whatever_was_before_it_because_a_lull_may_lie_between() -> None:
    assert told(event("alarm-born")).state == "cleared"


def test_an_alarm_with_a_band_tells_both_its_limits() -> None:
    body = event("alarm-firing")
    data = {"recentDatapoints": [9.0], "recentLowerThresholds": [1.0], "recentUpperThresholds": [4.0]}
    body["detail"]["state"]["reasonData"] = json.dumps(data)

    found = told(body)

    assert (found.floor, found.limit, found.value) == (1.0, 4.0, 9.0)


BROKEN = {
    "source": "sagewatch",
    "detail-type": "Sagewatch Policy Broken",
    "time": "2026-01-02T03:04:05+00:00",
    "detail": {"parameter": "/sagewatch/sagewatch/policy", "faults": ["line 3, column 1: what"]},
}


def test_a_broken_policy_is_told_with_its_faults_and_each_text_of_it_once() -> None:
    again = {**BROKEN, "time": "2026-01-02T03:19:05+00:00"}
    other = {**BROKEN, "detail": {**BROKEN["detail"], "faults": ["line 4"]}}  # type: ignore[dict-item]

    assert told(BROKEN).reason == "line 3, column 1: what"
    assert told(BROKEN).key == told(again).key != told(other).key


def test_a_click_is_told_with_who_clicked_and_until_when() -> None:
    detail = {"route": "oncall", "kind": "endpoint", "name": "churn", "by": "U0ANA", "at": "2026-01-02T03:04:05+00:00"}
    snoozed = {"detail-type": "Sagewatch Snoozed", "detail": {**detail, "until": "2026-01-02T05:04:05+00:00"}}

    found, acked = told(snoozed), told({"detail-type": "Sagewatch Acknowledged", "detail": detail})

    assert (found.state, found.by, found.until) == ("snoozed", "U0ANA", datetime(2026, 1, 2, 5, 4, 5, tzinfo=UTC))
    assert (acked.state, acked.subject, acked.labels["route"]) == ("acked", Ref("endpoint", "churn"), "oncall")


def test_alarms_that_are_not_ours_are_silence() -> None:
    unlabelled, elsewhere, lacking = event("alarm-firing"), event("alarm-firing"), event("alarm-firing")
    unlabelled["detail"]["configuration"]["description"] = "my own alarm"
    elsewhere["detail"]["alarmName"] = "other/endpoint/churn/AllTraffic/latency-p99"
    lacking["detail"]["state"]["value"] = "INSUFFICIENT_DATA"

    assert [notice("sagewatch", body) for body in (unlabelled, elsewhere, lacking)] == [None] * 3


def test_a_failed_endpoint_is_told_with_its_reason() -> None:
    body = event("endpoint-failed")

    assert told(body) == Notice(
        key="123456789012/us-east-1/SageMaker Endpoint State Change/"
        "arn:aws:sagemaker:us-east-1:123456789012:endpoint/churn/FAILED/churn-v1/1767323045000",
        state="failed",
        labels=labels(
            severity="critical", kind="endpoint", resource="churn", scope="all", alarm="failed", team="fraud"
        ),
        place=HERE,
        at=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
        title="endpoint failed",
        subject=Ref("endpoint", "churn"),
        part="endpoint/churn",
        reason=body["detail"]["FailureReason"],
        links=ENDPOINT_LINKS,
        arn="arn:aws:sagemaker:us-east-1:123456789012:endpoint/churn",
    )


@pytest.mark.parametrize(
    ("status", "title"),
    [
        ("Failed", "endpoint failed"),
        ("ROLLING_BACK", "endpoint is rolling back"),
        ("UpdateRollbackFailed", "endpoint could not be rolled back"),
        ("OUT_OF_SERVICE", "endpoint is out of service"),
    ],
)
def test_an_endpoints_status_is_understood_in_every_spelling(status: str, title: str) -> None:
    body = event("endpoint-failed")
    body["detail"]["EndpointStatus"] = status

    assert told(body).title == title


def test_a_failed_training_job_is_told_with_its_reason() -> None:
    found = told(event("training-job-failed"))

    assert (found.title, found.labels.ref) == ("training job failed", Ref("training-job", "xgb-churn"))
    assert found.reason.startswith("AlgorithmError: ExecuteUserScriptError: ExitCode 137")
    assert found.links["training job"].endswith("#/jobs/xgb-churn")


def test_a_failed_execution_is_told_by_its_pipelines_name() -> None:
    found = told(event("pipeline-failed"))

    assert (found.title, found.labels.ref) == ("pipeline execution failed", Ref("pipeline", "churn-train"))


def test_a_failed_step_is_told_with_its_reason_and_the_job_behind_it() -> None:
    found = told(event("pipeline-step-failed"))

    assert (found.title, found.labels["scope"], found.severity) == ("pipeline step failed", "Train", "warning")
    assert found.reason.startswith("ClientError: ClientError: Please use an instance type with more memory")
    assert found.links["training job"].endswith("#/jobs/pipelines-k1v9x8c2abcd-train-x1y2z3")


@pytest.mark.parametrize(
    "name", ["alarm-firing", "endpoint-failed", "training-job-failed", "pipeline-failed", "pipeline-step-failed"]
)
def test_a_repeated_event_has_another_id_and_the_same_key(name: str) -> None:
    once, again = event(name), {**event(name), "id": "another", "time": "2026-01-02T03:09:59Z"}

    assert told(once).key == told(again).key


def test_the_next_failure_has_another_key() -> None:
    later = event("alarm-firing")
    later["detail"]["state"]["timestamp"] = "2026-01-02T09:00:00.000+0000"
    updated = event("endpoint-failed")
    updated["detail"]["LastModifiedTime"] += 60_000
    retried = event("pipeline-step-failed")
    retried["detail"]["stepStartTime"] = "2026-01-02T09:00:00Z"

    assert told(later).key != told(event("alarm-firing")).key
    assert told(updated).key != told(event("endpoint-failed")).key
    assert told(retried).key != told(event("pipeline-step-failed")).key


@pytest.mark.parametrize(
    ("partition", "host"),
    [
        ("aws", "eu-west-1.console.aws.amazon.com"),
        ("aws-us-gov", "console.amazonaws-us-gov.com"),
        ("aws-cn", "console.amazonaws.cn"),
        ("aws-iso", "console.c2s.ic.gov"),
        ("aws-iso-b", "console.sc2s.sgov.gov"),
    ],
)
def test_links_lead_to_the_console_of_the_partition(partition: str, host: str) -> None:
    place = Place(partition, "eu-west-1", "123456789012")

    assert links.resource(place, Ref("endpoint", "churn")) == (
        f"https://{host}/sagemaker/home?region=eu-west-1#/endpoints/churn"
    )
    assert links.alarm(place, "a/b c") == f"https://{host}/cloudwatch/home?region=eu-west-1#alarmsV2:alarm/a%2Fb%20c"


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ({}, "The message is no event: it needs detail-type and detail"),
        ({"detail-type": "Nonsense", "detail": {}}, "Nothing is known to be told by events of detail-type 'Nonsense'"),
        (
            {"detail-type": "Sagewatch Snoozed", "detail": {"route": "x", "by": 7}},
            "Sagewatch Snoozed: kind, name, by, at must be texts",
        ),
        (
            {"detail-type": "CloudWatch Alarm State Change", "detail": {"alarmName": "sagewatch/x"}},
            "The alarm event has no alarmName, state or configuration",
        ),
        (
            {"detail-type": "SageMaker Training Job State Change", "detail": {"TrainingJobStatus": "Failed"}},
            "SageMaker Training Job State Change: 'TrainingJobName' must be a name, not null",
        ),
        (
            {"detail-type": "SageMaker Training Job State Change", "detail": {"TrainingJobName": "x"}},
            "SageMaker Training Job State Change: 'TrainingJobStatus' must be a status, not null",
        ),
    ],
)
def test_a_message_that_cannot_be_understood_says_why(body: dict[str, Any], says: str) -> None:
    with pytest.raises(Undeliverable) as refused:
        notice("sagewatch", body)

    assert str(refused.value) == says


def test_a_composite_alarm_under_our_prefix_does_no_harm() -> None:
    body = event("alarm-firing")
    body["detail"]["configuration"] = {"alarmRule": 'ALARM("a")', "description": None}

    assert notice("sagewatch", body) is None


def test_every_failure_row_has_a_payload_that_it_tells() -> None:
    telling = {
        body["detail-type"] for body in every_event().values() if body["source"] == "aws.sagemaker" and _tells(body)
    }

    assert telling == BY_DETAIL_TYPE.keys()


def _tells(body: dict[str, Any]) -> bool:
    try:
        return notice("sagewatch", body) is not None
    except Undeliverable:
        return False


def test_messages_are_told_in_the_order_in_which_things_happened() -> None:
    firing, cleared, broken = event("alarm-firing"), event("alarm-cleared"), "not json"
    bodies = [json.dumps(cleared), json.dumps(firing), broken, json.dumps({"time": "soon"})]

    ordered = [record["body"] for record in in_order([{"body": body} for body in bodies])]

    assert ordered == [broken, bodies[3], bodies[1], bodies[0]]


@given(
    st.recursive(
        st.none() | st.booleans() | st.text(max_size=8) | st.integers(),
        lambda each: (
            st.lists(each) | st.dictionaries(st.sampled_from(["detail", "state", "time", "timestamp", "x"]), each)
        ),
    )
)
def test_no_body_at_all_disturbs_the_order(body: Any) -> None:
    assert (
        len(in_order([{"body": json.dumps(body)}, {"body": json.dumps({"time": datetime.now(UTC).isoformat()})}])) == 2
    )
