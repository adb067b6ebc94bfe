"""Tuning jobs. They publish no metrics: their training jobs do, and carry a label of them. Here are only notices."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from sagewatch.kinds import training_job
from sagewatch.kinds.kind import FailureNotice, Kind, Lifetime, Listing
from sagewatch.kinds.leads import FailureReader, JobRun, Lead, lead_of_job, with_starter
from sagewatch.model import Description, Notice, Ref, Severity

ENDED = frozenset({"Completed", "Failed", "Stopped", "Deleting", "DeleteFailed"})
RUN = JobRun((), "CreationTime", "HyperParameterTuningEndTime")

NOTICES = (
    FailureNotice(
        detail_type="SageMaker HyperParameter Tuning Job State Change",
        what="tuning job",
        named="HyperParameterTuningJobName",
        status=("HyperParameterTuningJobStatus",),
        failed={"Failed": "failed", "DeleteFailed": "could not be deleted"},
        succeeded={"Completed": "completed"},
        filtered=True,
        reason={"FailureReason": ""},
        severity=Severity.CRITICAL,
        identity=("HyperParameterTuningJobArn", "HyperParameterTuningJobStatus", "CreationTime"),
    ),
)

MOST_OF_A_REASON = 500  # characters


def _explain(read: FailureReader, notice: Notice) -> Lead:
    """Follow a tuning job to the failure that most of its trials share."""
    name, description = notice.labels["resource"], read.described("details of the job", notice.labels.ref)
    own = with_starter(read, notice, RUN, description)
    own = replace(own, facts={**_trials(description), **own.facts})
    listing = "list_training_jobs_for_hyper_parameter_tuning_job"
    answer = read.sagemaker("failed trials", listing, HyperParameterTuningJobName=name, StatusEquals="Failed")
    failed = [each for each in answer.get("TrainingJobSummaries", ()) if each.get("FailureReason")]
    if not failed:
        return own
    [(common, times)] = Counter(each["FailureReason"] for each in failed).most_common(1)
    trial = next(each for each in failed if each["FailureReason"] == common)
    shared = {"Most failed with": f"{common[:MOST_OF_A_REASON]} ({times} of {len(failed)})"}
    ref = Ref(training_job.TRAINING_JOB.name, trial["TrainingJobName"])
    lead = lead_of_job(training_job.RUN, ref, {}, common)
    return replace(lead, facts={**own.facts, **shared}, behind=trial["TrainingJobArn"])


def _trials(description: Description) -> dict[str, str]:
    counted = description.get("TrainingJobStatusCounters") or {}
    failed = counted.get("NonRetryableError", 0) + counted.get("RetryableError", 0)
    return {"Trials": f"{failed} of {sum(counted.values())} failed"} if counted else {}


TUNING_JOB = Kind(
    name="tuning-job",
    title="Tuning job",
    plural="Tuning jobs",
    arn_type="hyper-parameter-tuning-job",
    by_arn=False,
    lifetime=Lifetime.JOB,
    describe="describe_hyper_parameter_tuning_job",
    categories=("", ()),
    parameter="HyperParameterTuningJobName",
    arn="HyperParameterTuningJobArn",
    listing=Listing(
        operation="list_hyper_parameter_tuning_jobs",
        items="HyperParameterTuningJobSummaries",
        filters=({"StatusEquals": "InProgress"}, {"StatusEquals": "Stopping"}),
    ),
    failures=None,
    events={"SageMaker HyperParameter Tuning Job State Change": "HyperParameterTuningJobName"},
    calls={},
    live=lambda job: job["HyperParameterTuningJobStatus"] not in ENDED,
    version=lambda _: None,
    observe=lambda _job, _read, facts: facts,
    reads={},
    levels={},
    specs=(),
    discovers=(),
    charts=(),
    without_charts="A tuning job publishes no metrics: its training jobs do, above. Its failure is a notice.",
    notices=NOTICES,
    parents={},
    page="home#/hyper-tuning-jobs",
    log_group=None,
    run=RUN,
    explain=_explain,
    explain_calls=("describe_hyper_parameter_tuning_job", "list_training_jobs_for_hyper_parameter_tuning_job"),
    causes=frozenset(),
    deployed=False,
)
