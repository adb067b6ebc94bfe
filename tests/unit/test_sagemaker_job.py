"""Jobs made by CreateJob: their names, their categories, and what is told of them."""

from __future__ import annotations

from typing import Any

import botocore.session
import pytest

from sagewatch.errors import Undeliverable
from sagewatch.kinds.kind import describe
from sagewatch.kinds.registry import KINDS
from sagewatch.kinds.sagemaker_job import LISTED, SAGEMAKER_JOB, TOLD
from sagewatch.model import Ref, Severity
from sagewatch.tell.read.alarm_events import notice
from tests.payloads import event
from tests.resources import answering

SAGEMAKER = botocore.session.get_session().get_service_model("sagemaker")
ARN = "arn:aws:sagemaker:us-east-1:123456789012:job/AgentRFT/tune-agent"


def test_a_failed_job_is_told_with_its_reason() -> None:
    found = notice("sagewatch", event("sagemaker-job-failed"))

    assert found is not None
    assert (found.state, found.title, found.severity) == ("failed", "SageMaker job failed", Severity.CRITICAL)
    assert found.labels.ref == found.subject == Ref("sagemaker-job", "tune-agent")
    assert (found.arn, found.reason) == (ARN, event("sagemaker-job-failed")["detail"]["FailureReason"])


def test_a_job_that_runs_is_silence_and_one_that_completed_is_a_success() -> None:
    completed = notice("sagewatch", event("sagemaker-job-completed"))

    assert notice("sagewatch", event("sagemaker-job-in-progress")) is None
    assert completed is not None
    assert completed.state == "succeeded"


def test_the_name_in_an_arn_comes_after_the_category() -> None:
    body = event("sagemaker-job-failed")
    del body["detail"]["JobName"]

    found = notice("sagewatch", body)

    assert found is not None
    assert found.labels.ref.name == SAGEMAKER_JOB.name_in(ARN) == "tune-agent"


def test_a_status_that_nobody_has_documented_is_silence_and_none_at_all_is_not_understood() -> None:
    body = event("sagemaker-job-failed")
    body["detail"]["JobStatus"] = "Paused"
    unknown = notice("sagewatch", body)
    del body["detail"]["JobStatus"]

    assert unknown is None
    with pytest.raises(Undeliverable, match="'JobStatus' must be a status"):
        notice("sagewatch", body)


def test_two_failures_of_one_name_are_told_apart_by_when_the_job_was_created() -> None:
    first, second = event("sagemaker-job-failed"), event("sagemaker-job-failed")
    second["detail"]["CreationTime"] = "2026-07-25T08:00:00Z"

    keys = {found.key for body in (first, first, second) if (found := notice("sagewatch", body))}

    assert len(keys) == 2


def test_every_category_that_sagemaker_knows_is_told_or_listed() -> None:
    categories = SAGEMAKER.shape_for("JobCategory").metadata["enum"]

    assert sorted((*TOLD, *LISTED)) == sorted(categories)


def test_a_job_is_described_in_whichever_category_it_is() -> None:
    asked: list[str] = []

    def answer(**parameters: Any) -> dict[str, str] | None:
        asked.append(parameters["JobCategory"])
        return (
            {"JobName": "clean", "JobStatus": "InProgress"}
            if parameters["JobCategory"] == asked[-1] == TOLD[1]
            else None
        )

    found = describe(answering(describe_job=answer), SAGEMAKER_JOB, "clean")

    assert found == {"JobName": "clean", "JobStatus": "InProgress"}
    assert asked == list(TOLD)


def test_a_job_is_gone_when_no_category_knows_it() -> None:
    assert describe(answering(), SAGEMAKER_JOB, "clean") is None


@pytest.mark.parametrize("each", [kind for kind in KINDS if kind.failures], ids=lambda each: each.name)
def test_what_failed_is_listed_by_real_parameters_and_states(each: Any) -> None:
    """Also: the status that is asked for is one of the enumeration, in its spelling."""
    name = "".join({"ml": "ML", "ai": "AI"}.get(part, part.title()) for part in each.failures.operation.split("_"))
    operation = SAGEMAKER.operation_model(name)
    items = operation.output_shape.members[each.failures.items].member

    assert {each.failures.since, "StatusEquals"} <= operation.input_shape.members.keys()
    assert {each.failures.modified, each.parameter, each.arn, "CreationTime"} <= items.members.keys()
    for filters in each.failures.filters:
        assert filters["StatusEquals"] in operation.input_shape.members["StatusEquals"].enum
