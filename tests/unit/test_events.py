from __future__ import annotations

from typing import Any

import pytest

from sagewatch.errors import Undeliverable
from sagewatch.kinds.registry import kind as kind_named
from sagewatch.model import Ref
from sagewatch.watch.events import parse, ref_of, why_ignored
from tests.payloads import event

CHURN, JOB, PIPELINE = Ref("endpoint", "churn"), Ref("training-job", "xgb-churn"), Ref("pipeline", "churn-train")


@pytest.mark.parametrize(
    ("name", "ref"),
    [
        ("endpoint-creating", CHURN),
        ("endpoint-in-service", CHURN),
        ("endpoint-updating", CHURN),
        ("endpoint-deleting", CHURN),
        ("endpoint-deleted", CHURN),
        ("endpoint-failed", CHURN),
        ("endpoint-deployment-updating", CHURN),
        ("training-job-in-progress", JOB),
        ("training-job-training", JOB),
        ("training-job-completed", JOB),
        ("training-job-failed", JOB),
        ("training-job-stopped", JOB),
        ("pipeline-executing", PIPELINE),
        ("pipeline-failed", PIPELINE),
        ("cloudtrail-create-pipeline", PIPELINE),
        ("cloudtrail-update-pipeline", PIPELINE),
        ("cloudtrail-delete-pipeline", PIPELINE),
        ("cloudtrail-update-endpoint", CHURN),
        ("cloudtrail-delete-endpoint", CHURN),
        ("cloudtrail-add-tags", CHURN),
        ("cloudtrail-delete-tags", PIPELINE),
        ("alarm-deleted", CHURN),
        ("alarm-edited", CHURN),
    ],
)
def test_an_event_names_its_resource(name: str, ref: Ref) -> None:
    assert ref_of(event(name)) == ref


MANAGED = "arn:aws:sagemaker:us-east-1:aws:pipeline/QuickStart"


def of_managed_pipeline(name: str) -> Any:
    """Return an event or call, of a pipeline that AWS manages."""
    body = event(name)
    detail = body["detail"]
    if "pipelineArn" in detail:
        detail["pipelineArn"] = MANAGED
    elif "resourceArn" in detail["requestParameters"]:
        detail["requestParameters"]["resourceArn"] = MANAGED
    else:
        detail["requestParameters"]["pipelineName"] = MANAGED
    return body


@pytest.mark.parametrize(
    "name", ["pipeline-executing", "pipeline-failed", "cloudtrail-update-pipeline", "cloudtrail-delete-tags"]
)
def test_a_pipeline_that_aws_manages_is_ignored_with_a_reason(name: str) -> None:
    body = of_managed_pipeline(name)

    assert ref_of(body) is None
    assert why_ignored(body) == f"AWS manages {MANAGED}"


def test_other_events_are_ignored_with_a_reason_too() -> None:
    assert why_ignored(event("cloudtrail-create-pipeline-denied")) == "it names nothing that has alarms"


def test_only_pipelines_of_customers_are_listed() -> None:
    pipeline = kind_named("pipeline")

    assert pipeline is not None
    assert pipeline.listing.filters == ({"ManagedBy": "CUSTOMER"},)


def test_a_call_that_failed_names_nobody() -> None:
    assert ref_of(event("cloudtrail-create-pipeline-denied")) is None


def test_tags_of_what_we_do_not_watch_name_nobody() -> None:
    body = event("cloudtrail-add-tags")
    body["detail"]["requestParameters"]["resourceArn"] = "arn:aws:sagemaker:us-east-1:123456789012:model/churn"

    assert ref_of(body) is None


def test_an_alarm_that_is_not_ours_names_nobody() -> None:
    body = event("alarm-edited")
    body["detail"]["configuration"]["description"] = "somebody's own alarm"

    assert ref_of(body) is None


def test_a_person_or_the_sweep_may_name_a_resource_directly() -> None:
    assert ref_of({"kind": "endpoint", "name": "churn"}) == CHURN


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ({}, "The message is no event: it needs detail-type and detail, or kind and name"),
        ({"detail-type": "SageMaker Endpoint State Change"}, "The message is no event"),
        ({"detail-type": 7, "detail": {}}, "The message is no event"),
        (
            {"detail-type": "SageMaker Model Card State Change", "detail": {}},
            "No kind of resource has events of detail-type 'SageMaker Model Card State Change'",
        ),
        (
            {"detail-type": "SageMaker Endpoint State Change", "detail": {"EndpointName": None}},
            "SageMaker Endpoint State Change: 'EndpointName' must be a name, not null",
        ),
        ({"kind": "endpoints", "name": "churn"}, "'endpoints' is no kind of resource; there are ai-benchmark-job,"),
        ({"kind": "endpoint", "name": ""}, "request: 'name' must be a name, not \"\""),
        (
            {
                "detail-type": "AWS API Call via CloudTrail",
                "detail": {"eventName": "CreateModel", "requestParameters": {}},
            },
            "No kind of resource is named by the API call 'CreateModel'",
        ),
        (
            {"detail-type": "AWS API Call via CloudTrail", "detail": {"eventName": "CreatePipeline"}},
            "The CloudTrail record of CreatePipeline has no requestParameters",
        ),
    ],
)
def test_a_message_that_cannot_be_understood_says_why(body: dict[str, Any], says: str) -> None:
    with pytest.raises(Undeliverable) as refused:
        ref_of(body)

    assert str(refused.value).startswith(says)


@pytest.mark.parametrize(
    ("body", "says"), [("not json", "The message is not JSON: "), ("[1]", "The message is a JSON list, not an event")]
)
def test_a_body_that_is_no_json_object_says_so(body: str, says: str) -> None:
    with pytest.raises(Undeliverable) as refused:
        parse(body)

    assert str(refused.value).startswith(says)
