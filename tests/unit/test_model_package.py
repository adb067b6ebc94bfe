"""Versions in the model registry: what their events tell, and how often."""

from __future__ import annotations

from sagewatch.model import Notice, Ref, Severity
from sagewatch.tell.read.alarm_events import notice
from tests.payloads import event


def told(state: str, **changes: object) -> Notice:
    body = event(f"model-package-{state}")
    body["detail"].update(changes)
    found = notice("sagewatch", body)
    assert found is not None
    return found


def test_what_waits_for_approval_is_announced_under_the_name_of_its_group_and_version() -> None:
    found = told("pending")

    assert (found.state, found.title, found.severity) == (
        "announced",
        "model package waits for approval",
        Severity.INFO,
    )
    assert found.labels.ref == found.subject == Ref("model-package", "churn-models")
    assert (found.labels["scope"], found.labels["alarm"]) == ("3", "approval")


def test_each_decision_is_told_once_however_often_its_event_comes() -> None:
    """A package in the making, and every change of its metadata, sends the state of its approval again."""
    waiting = (
        told("pending", ModelPackageStatus="InProgress"),
        told("pending", UpdatedModelPackageFields=["SourceUri"]),
    )

    assert {each.key for each in waiting} == {told("pending").key}
    assert len({told(state).key for state in ("pending", "approved", "rejected")}) == 3


def test_a_package_that_was_not_validated_failed_whatever_its_approval_says() -> None:
    found = told("failed")

    assert (found.state, found.title, found.severity) == ("failed", "model package failed", Severity.WARNING)


def test_a_package_without_a_group_goes_by_its_own_name() -> None:
    body = event("model-package-pending")
    arn = "arn:aws:sagemaker:us-east-1:123456789012:model-package/xgboost"
    body["resources"] = [arn]
    body["detail"] = {"ModelPackageArn": arn, "ModelPackageStatus": "Completed", "ModelApprovalStatus": "Approved"}

    found = notice("sagewatch", body)

    assert found is not None
    assert (found.labels.ref, found.labels["scope"]) == (Ref("model-package", "xgboost"), "all")


def test_an_approval_of_a_kind_that_nobody_has_documented_is_silence() -> None:
    body = event("model-package-pending")
    body["detail"]["ModelApprovalStatus"] = "Deferred"

    assert notice("sagewatch", body) is None
