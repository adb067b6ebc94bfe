"""What each failure row tells of its payload."""

from __future__ import annotations

from typing import Any

import pytest

from sagewatch.errors import Undeliverable
from sagewatch.model import WHOLE_RESOURCE, Notice, Ref, Severity
from sagewatch.policy.rules import Ignored, Policy
from sagewatch.tell.read.alarm_events import notice
from sagewatch.watch.events import ref_of
from tests.payloads import event


def told(body: dict[str, Any]) -> Notice:
    found = notice("sagewatch", body)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("name", "title", "ref", "scope", "severity", "reason"),
    [
        (
            "processing-job-failed",
            "processing job failed",
            Ref("processing-job", "prep"),
            "all",
            Severity.CRITICAL,
            "AlgorithmError: See job logs for more information",
        ),
        (
            "tuning-job-failed",
            "tuning job failed",
            Ref("tuning-job", "churn-tuning"),
            "all",
            Severity.CRITICAL,
            "No training jobs succeeded. Please take a look at the training jobs for failure details.",
        ),
        (
            "feature-group-create-failed",
            "feature group could not be created",
            Ref("feature-group", "customers"),
            "all",
            Severity.WARNING,
            "Validation Errors: The execution role ARN is invalid or the role has no access to the bucket.",
        ),
        ("labeling-job-failed", "labeling job failed", Ref("labeling-job", "cats"), "all", Severity.WARNING, ""),
        (
            "notebook-failed",
            "notebook instance failed",
            Ref("notebook", "ana"),
            "all",
            Severity.WARNING,
            "Notebook Instance Lifecycle Config 'install' for Notebook Instance 'ana' took longer than 5 minutes. "
            "Please check your CloudWatch logs for more details if your Notebook Instance has Internet access.",
        ),
        (
            "monitoring-schedule-violated",
            "monitoring schedule found violations",
            Ref("monitoring-schedule", "churn-drift"),
            "all",
            Severity.WARNING,
            "Job completed successfully with 3 violations.",
        ),
        (
            "monitoring-schedule-failed",
            "monitoring schedule failed",
            Ref("monitoring-schedule", "churn-drift"),
            "all",
            Severity.WARNING,
            "The endpoint churn does not exist.",
        ),
        (
            "cluster-failed",
            "cluster failed",
            Ref("cluster", "llm"),
            "all",
            Severity.CRITICAL,
            "Instance group workers: insufficient capacity for ml.p5.48xlarge in us-east-1a.",
        ),
        (
            "cluster-node-unhealthy",
            "node is unhealthy",
            Ref("cluster", "llm"),
            "i-0123456789abcdef0",
            Severity.WARNING,
            "HyperPod Health Monitoring Agent (HMA) has detected fault type NvidiaErrorTerminate on this node and is"
            " unhealthy.\nRepair action: None\nRecommendation: Please Replace the Faulty Node.",
        ),
        (
            "cluster-event-error",
            "cluster reports an error",
            Ref("cluster", "llm"),
            "i-0123456789abcdef0",
            Severity.WARNING,
            "Instance i-0123456789abcdef0 replacement failed as part of instance replacement in Cluster llm and IG"
            " workers\nLifecycle script on_create.sh exited with code 1.",
        ),
        (
            "cluster-event-warn",
            "cluster warns",
            Ref("cluster", "llm"),
            "i-0123456789abcdef0",
            Severity.WARNING,
            "Instance i-0123456789abcdef0 in IG workers skipped due to PodDisruptionBudget constraint."
            "\nPodDisruptionBudget trainer allows no disruption.",
        ),
    ],
)
def test_a_failure_is_told_with_what_who_how_bad_and_why(
    name: str, title: str, ref: Ref, scope: str, severity: Severity, reason: str
) -> None:
    found = told(event(name))

    assert (found.state, found.title, found.labels.ref, found.labels["scope"], found.severity, found.reason) == (
        "failed",
        title,
        ref,
        scope,
        severity,
        reason,
    )


def test_a_failed_transform_job_is_told() -> None:
    body = event("transform-job-failed")

    found = told(body)

    assert (found.title, found.severity) == ("transform job failed", Severity.CRITICAL)
    assert found.labels.ref == Ref("transform-job", body["detail"]["TransformJobName"])
    assert found.reason == body["detail"]["FailureReason"]


@pytest.mark.parametrize("name", ["feature-group-deleting", "cluster-deleting"])
def test_what_is_being_deleted_ends_all_that_was_said_of_it(name: str) -> None:
    found = notice("sagewatch", event(name))

    assert found
    assert (found.state, found.part) == ("closed", WHOLE_RESOURCE)
    assert found.title == f"{found.labels['kind'].replace('-', ' ')} is being deleted"


@pytest.mark.parametrize(
    "name",
    [
        "processing-job-in-progress",
        "transform-job-in-progress",
        "tuning-job-in-progress",
        "feature-group-active",
        "labeling-job-stopped",
        "monitoring-schedule-scheduled",
        "cluster-event-info",
        "cluster-event-without-level",
    ],
)
def test_what_is_going_on_is_silence(name: str) -> None:
    assert notice("sagewatch", event(name)) is None


@pytest.mark.parametrize(
    ("name", "state", "title"),
    [
        ("processing-job-completed", "succeeded", "processing job completed"),
        ("transform-job-completed", "succeeded", "transform job completed"),
        ("tuning-job-completed", "succeeded", "tuning job completed"),
        ("training-job-completed", "succeeded", "training job completed"),
        ("labeling-job-completed", "succeeded", "labeling job completed"),
        ("pipeline-succeeded", "succeeded", "pipeline execution succeeded"),
        ("endpoint-in-service", "cleared", "endpoint is well again"),
        ("notebook-in-service", "cleared", "notebook instance is well again"),
        ("cluster-in-service", "cleared", "cluster is well again"),
        ("cluster-node-healthy", "cleared", "node is well again"),
        ("endpoint-deleted", "closed", "endpoint was deleted"),
        ("notebook-deleted", "closed", "notebook instance was deleted"),
    ],
)
def test_what_went_well_recovered_or_is_gone_is_said_so(name: str, state: str, title: str) -> None:
    found = told(event(name))

    assert (found.state, found.title, found.reason) == (state, title, "")


@pytest.mark.parametrize(
    ("bad", "good"),
    [
        ("endpoint-failed", "endpoint-in-service"),
        ("notebook-failed", "notebook-in-service"),
        ("cluster-failed", "cluster-in-service"),
        ("cluster-node-unhealthy", "cluster-node-healthy"),
    ],
)
def test_a_recovery_ends_the_failure_of_the_same_part(bad: str, good: str) -> None:
    failed, cleared = told(event(bad)), told(event(good))

    assert (failed.subject, failed.part) == (cleared.subject, cleared.part)


def test_what_is_gone_ends_all_that_was_said_of_it() -> None:
    assert told(event("endpoint-deleted")).part == WHOLE_RESOURCE


EXECUTION = "arn:aws:sagemaker:us-east-1:123456789012:pipeline/churn-train/execution/k1v9x8c2abcd"


@pytest.mark.parametrize("name", ["training-job-failed", "processing-job-failed", "transform-job-failed"])
def test_a_job_that_a_pipeline_started_belongs_to_the_pipelines_incident(name: str) -> None:
    body = event(name)
    body["detail"]["Tags"] = {"sagemaker:pipeline-execution-arn": EXECUTION}

    job, step, execution = told(body), told(event("pipeline-step-failed")), told(event("pipeline-failed"))

    assert {job.subject, step.subject, execution.subject} == {Ref("pipeline", "churn-train")}
    assert len({job.part, step.part, execution.part}) == 3
    assert job.execution == "k1v9x8c2abcd"


def test_a_trial_belongs_to_its_tuning_jobs_incident() -> None:
    body = event("training-job-failed")
    body["detail"]["TuningJobArn"] = "arn:aws:sagemaker:us-east-1:123456789012:hyper-parameter-tuning-job/tune"

    assert told(body).subject == Ref("tuning-job", "tune")


@pytest.mark.parametrize(
    "policy", [Policy(ignore=(Ignored(resource="xgb-*"),)), Policy(ignore=(Ignored(tags={"env": "dev"}),))]
)
def test_failures_of_what_the_policy_ignores_are_silence(policy: Policy) -> None:
    body = event("training-job-failed")
    body["detail"]["Tags"] = {"env": "dev"}

    assert notice("sagewatch", body, policy) is None


def test_the_tags_of_a_failed_resource_decide_as_they_do_for_its_alarms() -> None:
    ignored, tagged = event("training-job-failed"), event("training-job-failed")
    ignored["detail"]["Tags"] = {"sagewatch:ignore": "true"}
    tagged["detail"]["Tags"] = {"sagewatch:severity": "info", "sagewatch:route": "night", "stage": "prod"}

    found = notice("sagewatch", tagged, Policy(labels={"env": "stage"}))

    assert notice("sagewatch", ignored) is None
    assert found is not None
    assert (found.severity, found.labels["route"], found.labels["env"]) == ("info", "night", "prod")


@pytest.mark.parametrize(
    ("name", "field", "arn", "parent"),
    [
        ("training-job-failed", "TuningJobArn", "hyper-parameter-tuning-job/churn-tuning", "tuning-job/churn-tuning"),
        ("training-job-failed", "AutoMLJobArn", "automl-job/auto", "automl-job/auto"),
        ("processing-job-failed", "MonitoringScheduleArn", "monitoring-schedule/drift", "monitoring-schedule/drift"),
        ("processing-job-failed", "TrainingJobArn", "training-job/xgb", "training-job/xgb"),
        ("transform-job-failed", "LabelingJobArn", "labeling-job/cats", "labeling-job/cats"),
    ],
)
def test_a_failed_child_carries_a_label_of_its_parent(name: str, field: str, arn: str, parent: str) -> None:
    body = event(name)
    body["detail"][field] = f"arn:aws:sagemaker:us-east-1:123456789012:{arn}"

    assert told(body).labels.get("parent") == parent
    assert told(event(name)).labels.get("parent") is None


@pytest.mark.parametrize(
    ("status", "title"),
    [
        ("Unhealthy", "node is unhealthy"),
        ("UnschedulablePendingReplacement", "node is not healthy"),
        ("healthy", "node is well again"),
    ],
)
def test_every_state_of_a_node_is_told(status: str, title: str | None) -> None:
    body = event("cluster-node-unhealthy")
    body["detail"]["HealthSummary"]["HealthStatus"] = status

    found = notice("sagewatch", body)

    assert (found.title if found else None) == title


def test_an_event_of_an_instance_group_is_told_by_the_groups_name_and_one_of_the_cluster_by_none() -> None:
    group, whole = event("cluster-event-error"), event("cluster-event-error")
    del group["detail"]["EventDetails"]["InstanceId"]
    for field in ("InstanceId", "InstanceGroupName"):
        del whole["detail"]["EventDetails"][field]

    assert (told(group).labels["scope"], told(whole).labels["scope"]) == ("workers", "all")


@pytest.mark.parametrize("details", [None, [], "none", {}, {"EventMetadata": None}, {"EventMetadata": {"Instance": 7}}])
def test_metadata_of_a_cluster_event_may_have_any_shape(details: object) -> None:
    body = event("cluster-event-error")
    body["detail"]["EventDetails"]["EventDetails"] = details

    assert told(body).reason == body["detail"]["EventDetails"]["Description"]


@pytest.mark.parametrize("detail", [{}, {"Whatever": "Failed"}, {"MonitoringScheduleStatus": None}])
def test_a_schedules_event_of_unknown_shape_is_silence(detail: dict[str, Any]) -> None:
    assert notice("sagewatch", {**event("monitoring-schedule-failed"), "detail": detail}) is None


def test_a_schedule_that_only_its_arn_names_is_told_all_the_same() -> None:
    body = event("monitoring-schedule-failed")
    del body["detail"]["MonitoringScheduleName"]

    assert told(body).labels.ref == Ref("monitoring-schedule", "churn-drift")


def test_a_failure_that_nobody_is_named_by_says_so() -> None:
    with pytest.raises(Undeliverable) as refused:
        notice("sagewatch", {**event("labeling-job-failed"), "resources": []})

    says = "SageMaker Ground Truth Labeling Job State Change: 'LabelingJobName' must be a name, not null"
    assert str(refused.value) == says


@pytest.mark.parametrize("name", ["labeling-job-failed", "cluster-event-error", "tuning-job-failed", "notebook-failed"])
def test_a_repeated_event_tells_the_same(name: str) -> None:
    once, again = event(name), {**event(name), "id": "another", "time": "2026-01-02T03:09:59Z"}

    assert told(once).key == told(again).key


def test_two_failed_labeling_jobs_are_two() -> None:
    one, two = event("labeling-job-failed"), event("labeling-job-failed")
    two["resources"] = ["arn:aws:sagemaker:us-east-1:123456789012:labeling-job/dogs"]

    assert told(one).key != told(two).key


@pytest.mark.parametrize("name", ["cluster-node-unhealthy", "cluster-failed"])
def test_what_fails_again_later_is_told_again(name: str) -> None:
    once, later = event(name), {**event(name), "time": "2026-01-03T03:04:05Z"}

    assert told(once).key != told(later).key


@pytest.mark.parametrize(
    ("name", "link", "page"),
    [
        ("tuning-job-failed", "tuning job", "#/hyper-tuning-jobs/churn-tuning"),
        ("labeling-job-failed", "labeling job", "#/labeling-jobs/details/cats"),
        ("notebook-failed", "notebook", "#/notebook-instances/ana"),
        ("cluster-failed", "cluster", "#/cluster-management/llm"),
    ],
)
def test_a_failure_leads_to_its_page_in_the_console(name: str, link: str, page: str) -> None:
    assert told(event(name)).links[link].endswith(page)


def test_a_failed_notebook_leads_to_its_log() -> None:
    streams = "NotebookInstances$3FlogStreamNameFilter$3Dana$252F"

    assert told(event("notebook-failed")).links["logs"].endswith(streams)


@pytest.mark.parametrize("name", ["feature-group-create-failed", "monitoring-schedule-failed"])
def test_what_has_no_page_in_the_console_has_no_link(name: str) -> None:
    assert told(event(name)).links == {}


@pytest.mark.parametrize(
    ("name", "ref"),
    [
        ("feature-group-active", Ref("feature-group", "customers")),
        ("labeling-job-completed", Ref("labeling-job", "cats")),
        ("monitoring-schedule-scheduled", Ref("monitoring-schedule", "churn-drift")),
        ("cluster-in-service", Ref("cluster", "llm")),
        ("cloudtrail-create-feature-group", Ref("feature-group", "customers")),
        ("cloudtrail-update-feature-group", Ref("feature-group", "customers")),
        ("cloudtrail-delete-feature-group", Ref("feature-group", "customers")),
        ("cloudtrail-create-labeling-job", Ref("labeling-job", "cats")),
        ("cloudtrail-create-recommender-job", Ref("recommender-job", "churn-sizing")),
        ("cloudtrail-stop-recommender-job", Ref("recommender-job", "churn-sizing")),
        ("cloudtrail-create-monitoring-schedule", Ref("monitoring-schedule", "churn-drift")),
        ("cloudtrail-update-monitoring-schedule", Ref("monitoring-schedule", "churn-drift")),
        ("cloudtrail-delete-monitoring-schedule", Ref("monitoring-schedule", "churn-drift")),
        ("cloudtrail-create-cluster", Ref("cluster", "llm")),
        ("cloudtrail-delete-cluster", Ref("cluster", "llm")),
    ],
)
def test_an_event_names_its_resource(name: str, ref: Ref) -> None:
    assert ref_of(event(name)) == ref


@pytest.mark.parametrize(
    ("arn", "ref"),
    [
        ("feature-group/customers", Ref("feature-group", "customers")),
        ("labeling-job/cats", Ref("labeling-job", "cats")),
        ("inference-recommendations-job/churn-sizing", Ref("recommender-job", "churn-sizing")),
        ("monitoring-schedule/churn-drift", Ref("monitoring-schedule", "churn-drift")),
    ],
)
def test_a_tag_names_its_resource_by_the_arn(arn: str, ref: Ref) -> None:
    body = event("cloudtrail-add-tags")
    body["detail"]["requestParameters"]["resourceArn"] = f"arn:aws:sagemaker:us-east-1:123456789012:{arn}"

    assert ref_of(body) == ref


def test_a_cluster_whose_arn_has_an_id_is_described_by_the_arn() -> None:
    arn = "arn:aws:sagemaker:us-east-1:123456789012:cluster/a1b2c3d4e5f6"
    tagged, deleted = event("cloudtrail-add-tags"), event("cloudtrail-delete-cluster")
    tagged["detail"]["requestParameters"]["resourceArn"] = arn
    deleted["detail"]["requestParameters"]["clusterName"] = arn

    assert ref_of(tagged) == ref_of(deleted) == Ref("cluster", arn)


def test_a_detail_that_names_nobody_is_named_by_its_arn() -> None:
    body = event("cluster-in-service")
    del body["detail"]["ClusterName"]

    assert ref_of(body) == Ref("cluster", "arn:aws:sagemaker:us-east-1:123456789012:cluster/a1b2c3d4e5f6")


@pytest.mark.parametrize("resources", [None, [], "none", [7], ["arn:aws:sagemaker:us-east-1:1:model/cats"]])
def test_an_event_that_names_nobody_says_so(resources: object) -> None:
    with pytest.raises(Undeliverable):
        ref_of({**event("labeling-job-failed"), "resources": resources})


def test_what_has_no_rows_is_nobody_to_reconcile() -> None:
    tagged = event("cloudtrail-add-tags")
    tagged["detail"]["requestParameters"]["resourceArn"] = "arn:aws:sagemaker:us-east-1:123456789012:automl-job/auto"

    assert [ref_of(event(name)) for name in ("tuning-job-in-progress", "notebook-deleted")] == [None, None]
    assert ref_of(tagged) is None
    assert ref_of({"kind": "notebook", "name": "ana"}) is None


def test_a_trial_that_fails_is_a_warning_until_its_tuning_job_fails_too() -> None:
    body = event("training-job-failed")
    body["detail"]["TuningJobArn"] = "arn:aws:sagemaker:us-east-1:123456789012:hyper-parameter-tuning-job/tune"

    found = notice("sagewatch", body)

    assert found is not None
    assert (found.severity, found.labels.get("parent")) == ("warning", "tuning-job/tune")


def test_an_execution_that_completed_with_failures_is_told() -> None:
    found = notice("sagewatch", event("pipeline-completed-with-failures"))

    assert found is not None
    assert found.title == "pipeline execution completed with failures"
