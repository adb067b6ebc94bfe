"""What explains a failure: what is asked of AWS, what is made of it, and what AWS's refusals leave."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from botocore.exceptions import EndpointConnectionError
from botocore.stub import ANY, Stubber

from sagewatch.aws.clients import Clients
from sagewatch.kinds.sagemaker_job import LISTED
from sagewatch.model import Evidence
from sagewatch.tell.evidence.gather import PATIENCE, QUICK, gather, tags_of_arn
from tests.sample_incidents import failure, latency

type Answer = tuple[str, Mapping[str, Any], Mapping[str, Any] | str]
"""An operation, what it must be asked, and its answer or an error code."""

BEGAN = datetime(2026, 11, 21, 8, 0, tzinfo=UTC)
ARN = "arn:aws:sagemaker:eu-west-1:123456789012"
EXECUTION = f"{ARN}:pipeline/churn-train/execution/k1v9x8c2abcd"
MEMORY = "AlgorithmError: ExecuteUserScriptError: ExitCode 137"
OUT_OF_MEMORY = {
    "cause": "out of memory (exit code 137)",
    "short": "out of memory",
    "remedy": "Use a type with more memory or more instances, or work in smaller batches.",
}
NO_TAGS: Answer = ("list_tags", {"ResourceArn": ANY}, {"Tags": []})


def after(minutes: float) -> datetime:
    return BEGAN + timedelta(minutes=minutes)


def clients(sagemaker: tuple[Answer, ...] = (), logs: tuple[Answer, ...] = ()) -> Clients:
    """Return clients that give these answers in this order, and no other."""
    return Clients(QUICK, sagemaker=stubbed("sagemaker", sagemaker), logs=stubbed("logs", logs))


def stubbed(service: Any, answers: tuple[Answer, ...]) -> Any:
    client: Any = boto3.client(service)
    stub = Stubber(client)
    for operation, wanted, answer in answers:
        if isinstance(answer, str):
            stub.add_client_error(operation, answer, "said no", expected_params=dict(wanted))
        else:
            stub.add_response(operation, answer, dict(wanted))
    stub.activate()
    return client


def job(**changes: Any) -> Answer:
    """Return the description of a training job that ran on two spot instances for 72 minutes."""
    described = {
        "TrainingJobName": "xgb-churn",
        "TrainingJobArn": f"{ARN}:training-job/xgb-churn",
        "ModelArtifacts": {"S3ModelArtifacts": "s3://churn/model.tar.gz"},
        "TrainingJobStatus": "Failed",
        "SecondaryStatus": "Failed",
        "FailureReason": MEMORY,
        "AlgorithmSpecification": {"TrainingInputMode": "File"},
        "ResourceConfig": {"InstanceType": "ml.m5.4xlarge", "InstanceCount": 2, "VolumeSizeInGB": 30},
        "StoppingCondition": {},
        "CreationTime": BEGAN,
        "TrainingStartTime": after(5),
        "TrainingEndTime": after(77),
        "EnableManagedSpotTraining": True,
        "BillableTimeInSeconds": 3900,
        **changes,
    }
    return ("describe_training_job", {"TrainingJobName": described["TrainingJobName"]}, described)


def streams(group: str, which: Mapping[str, Any], *names: tuple[str, int]) -> Answer:
    listed = [{"logStreamName": name, "lastEventTimestamp": at} for name, at in names]
    return ("describe_log_streams", {"logGroupName": group, "limit": 50, **which}, {"logStreams": listed})


def lines(group: str, stream: str, *messages: str) -> Answer:
    wanted = {"logGroupName": group, "logStreamName": stream, "limit": 12, "startFromHead": False}
    return ("get_log_events", wanted, {"events": [{"message": message} for message in messages]})


TRAINING = "/aws/sagemaker/TrainingJobs"
JOB_STREAMS = streams(
    TRAINING,
    {"logStreamNamePrefix": "xgb-churn/"},
    ("xgb-churn/algo-2-1795252320", 30),
    ("xgb-churn/algo-1-1795252320", 20),
    ("xgb-churn/algo-10-1795252320", 40),
)
COMPUTE = {"Compute": "2 × ml.m5.4xlarge (spot)"}
RAN = {"Ran": "1 h 12 min · billed 1 h 5 min"}


def test_a_failed_job_is_explained_by_its_description_and_the_first_host_s_last_lines() -> None:
    log = lines(TRAINING, "xgb-churn/algo-1-1795252320", "loading shard 17/24\n", "\n", "x" * 600, "Killed")
    asked = clients((job(FailureReason="AlgorithmError: ExecuteUserScriptError:"), NO_TAGS), (JOB_STREAMS, log))

    found = gather(asked, failure(), wants_log=True)

    assert found == Evidence(
        **{**OUT_OF_MEMORY, "cause": "out of memory"},
        stream="xgb-churn/algo-1-1795252320",
        log=("loading shard 17/24", "x" * 500, "Killed"),
        facts={**COMPUTE, **RAN},
    )


def test_the_log_is_not_read_for_a_route_that_does_not_want_it() -> None:
    asked = clients((job(), NO_TAGS), ())

    found = gather(asked, failure(), wants_log=False)

    assert found == Evidence(**OUT_OF_MEMORY, facts={**COMPUTE, **RAN})


def test_an_empty_page_of_the_log_is_followed_once() -> None:
    stream = "xgb-churn/algo-1-1795252320"
    operation, wanted, _ = lines(TRAINING, stream)
    empty: Answer = (operation, wanted, {"events": [], "nextBackwardToken": "b/1"})
    second: Answer = (operation, {**wanted, "nextToken": "b/1"}, {"events": [{"message": "late"}]})
    asked = clients((job(), NO_TAGS), (JOB_STREAMS, empty, second))

    found = gather(asked, failure(), wants_log=True)

    assert found.log == ("late",)


@pytest.mark.parametrize(
    ("changes", "fact"),
    [
        ({"TuningJobArn": f"{ARN}:hyper-parameter-tuning-job/sweep"}, "tuning job sweep"),
        ({"AutoMLJobArn": f"{ARN}:automl-job/auto"}, "AutoML job auto"),
    ],
)
def test_what_started_a_job_is_read_from_its_description(changes: Mapping[str, str], fact: str) -> None:
    asked = clients((job(**changes),))

    found = gather(asked, failure(), wants_log=False)

    assert found.facts == {**COMPUTE, **RAN, "Started by": fact}


def test_a_pipeline_that_is_known_from_the_event_is_not_asked_for_again() -> None:
    name = "pipelines-k1v9x8c2abcd-Train-model-k0CtRhTrDd"
    asked = clients((job(TrainingJobName=name),))

    found = gather(asked, failure(name=name, labels={"parent": "pipeline/churn-train"}), wants_log=False)

    assert found.facts["Started by"] == "pipeline churn-train / step Train-model"


@pytest.mark.parametrize(
    ("tags", "fact"),
    [
        ({"sagemaker:pipeline-execution-arn": EXECUTION, "owner": "ana"}, "pipeline churn-train"),
        ({"owner": "ana"}, "ana"),
    ],
)
def test_who_started_a_job_may_stand_in_its_tags(tags: Mapping[str, str], fact: str) -> None:
    listed = [{"Key": key, "Value": value} for key, value in tags.items()]
    asked = clients((job(), ("list_tags", {"ResourceArn": f"{ARN}:training-job/xgb-churn"}, {"Tags": listed})))

    found = gather(asked, failure(), wants_log=False)

    assert found.facts["Started by"] == fact


def test_a_job_of_several_instance_groups_that_never_began_says_what_it_asked_for() -> None:
    groups = [
        {"InstanceGroupName": "head", "InstanceType": "ml.m5.xlarge", "InstanceCount": 1},
        {"InstanceGroupName": "gpu", "InstanceType": "ml.p4d.24xlarge", "InstanceCount": 4},
    ]
    instances = {"InstanceGroups": groups, "VolumeSizeInGB": 30}
    operation, wanted, described = job(ResourceConfig=instances)
    unbegun = {name: value for name, value in dict(described).items() if name != "TrainingStartTime"}
    asked = clients(((operation, wanted, unbegun), NO_TAGS))

    found = gather(asked, failure(), wants_log=False)

    assert found.facts == {"Compute": "1 × ml.m5.xlarge + 4 × ml.p4d.24xlarge (spot)"}


def test_a_processing_job_s_exit_message_counts() -> None:
    described: Answer = (
        "describe_processing_job",
        {"ProcessingJobName": "monitor"},
        {
            "ProcessingJobName": "monitor",
            "ProcessingJobArn": f"{ARN}:processing-job/monitor",
            "ProcessingResources": {
                "ClusterConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 20}
            },
            "AppSpecification": {"ImageUri": "i"},
            "ProcessingJobStatus": "Failed",
            "ExitMessage": "CompletedWithViolations: Job completed successfully with 8 violations.",
            "CreationTime": BEGAN,
            "MonitoringScheduleArn": f"{ARN}:monitoring-schedule/churn-drift",
        },
    )
    asked = clients((described,))

    found = gather(asked, failure("processing-job", "monitor", reason=""), wants_log=False)

    assert (found.cause, found.facts) == (
        "the captured data differ from the baseline",
        {"Compute": "1 × ml.m5.large", "Started by": "monitoring schedule churn-drift"},
    )


def steps() -> Answer:
    """Return an execution whose third step failed, listed the wrong way round."""
    train, prepare = f"{ARN}:training-job/xgb-churn", f"{ARN}:processing-job/prepare"
    listed = [
        {"StepName": "Register", "StepStatus": "Starting"},
        {
            "StepName": "Train",
            "StartTime": after(5),
            "EndTime": after(77),
            "StepStatus": "Failed",
            "FailureReason": f"ClientError: {MEMORY}",
            "Metadata": {"TrainingJob": {"Arn": train}},
        },
        {
            "StepName": "Prepare",
            "StartTime": BEGAN,
            "EndTime": after(4),
            "StepStatus": "Succeeded",
            "Metadata": {"ProcessingJob": {"Arn": prepare}},
        },
    ]
    wanted = {"PipelineExecutionArn": EXECUTION, "MaxResults": 100}
    return ("list_pipeline_execution_steps", wanted, {"PipelineExecutionSteps": listed})


TOLD_STEPS = (
    ("Prepare", "Succeeded", 240.0, ""),
    ("Train", "Failed", 4320.0, f"ClientError: {MEMORY}"),
    ("Register", "Starting", None, ""),
)
PIPELINE = failure("pipeline", "churn-train", arn=EXECUTION, reason="Step failure: One or multiple steps failed.")


def test_a_failed_pipeline_is_explained_by_its_steps_and_the_job_behind_the_failed_one() -> None:
    log = lines(TRAINING, "xgb-churn/algo-1-1795252320", "Killed")
    asked = clients((steps(), job()), (JOB_STREAMS, log))

    found = gather(asked, PIPELINE, wants_log=True)

    assert found == Evidence(
        **OUT_OF_MEMORY,
        steps=TOLD_STEPS,
        behind=f"{ARN}:training-job/xgb-churn",
        stream="xgb-churn/algo-1-1795252320",
        log=("Killed",),
        facts={"Ran": "1 h 17 min", **COMPUTE},
    )


def test_a_foreach_that_failed_leads_to_the_step_that_it_repeats_and_names_the_iteration() -> None:
    arn = f"{ARN}:training-job/xgb-churn"
    listed = [
        {
            "StepName": "Each",
            "StepStatus": "Failed",
            "StartTime": after(0),
            "EndTime": after(78),
            "FailureReason": "1 of 2 steps failed",
            "Metadata": {"ForEach": {"Status": "Failed", "FailedStepCount": 1, "TotalStepCount": 2}},
        },
        *(
            {
                "StepName": "Train",
                "StepStatus": status,
                "StartTime": after(1),
                "EndTime": after(77),
                "IterationContext": {"ParentStepName": "Each", "Index": index},
                "Metadata": {"TrainingJob": {"Arn": arn}},
            }
            for index, status in enumerate(("Succeeded", "Failed"))
        ),
    ]
    operation, wanted, _ = steps()
    log = lines(TRAINING, "xgb-churn/algo-1-1795252320", "Killed")
    asked = clients(((operation, wanted, {"PipelineExecutionSteps": listed}), job()), (JOB_STREAMS, log))

    found = gather(asked, PIPELINE, wants_log=True)

    assert [(name, status) for name, status, _, _ in found.steps] == [
        ("Train (Each 0)", "Succeeded"),
        ("Train (Each 1)", "Failed"),
        ("Each", "Failed"),
    ]
    assert (found.behind, found.cause) == (arn, OUT_OF_MEMORY["cause"])


def test_when_the_steps_are_refused_the_pipeline_s_own_reason_is_what_is_left() -> None:
    operation, wanted, _ = steps()
    asked = clients(((operation, wanted, "AccessDeniedException"),))

    found = gather(asked, PIPELINE, wants_log=True)

    assert found == Evidence(
        cause="a step of the pipeline failed",
        short="a step failed",
        remedy="Look at the failed step; retry the execution from it once it is mended.",
        unread=("No steps: the notify role may not read it",),
    )


def test_a_tuning_job_is_explained_by_what_most_of_its_trials_failed_with() -> None:
    described: Answer = (
        "describe_hyper_parameter_tuning_job",
        {"HyperParameterTuningJobName": "sweep"},
        {
            "HyperParameterTuningJobName": "sweep",
            "HyperParameterTuningJobArn": f"{ARN}:hyper-parameter-tuning-job/sweep",
            "HyperParameterTuningJobConfig": {
                "Strategy": "Bayesian",
                "ResourceLimits": {"MaxParallelTrainingJobs": 2},
            },
            "HyperParameterTuningJobStatus": "Failed",
            "CreationTime": BEGAN,
            "HyperParameterTuningEndTime": after(30),
            "TrainingJobStatusCounters": {"Completed": 2, "NonRetryableError": 3},
            "ObjectiveStatusCounters": {},
        },
    )
    trials: Answer = (
        "list_training_jobs_for_hyper_parameter_tuning_job",
        {"HyperParameterTuningJobName": "sweep", "StatusEquals": "Failed"},
        {"TrainingJobSummaries": [trial(n, why) for n, why in ((1, "odd"), (2, MEMORY), (3, MEMORY))]},
    )
    group = streams(TRAINING, {"logStreamNamePrefix": "sweep-2/"}, ("sweep-2/algo-1-1", 5))
    asked = clients((described, NO_TAGS, trials), (group, lines(TRAINING, "sweep-2/algo-1-1", "Killed")))

    found = gather(asked, failure("tuning-job", "sweep", reason="No training job succeeded"), wants_log=True)

    assert found == Evidence(
        **OUT_OF_MEMORY,
        behind=f"{ARN}:training-job/sweep-2",
        stream="sweep-2/algo-1-1",
        log=("Killed",),
        facts={"Trials": "3 of 5 failed", "Ran": "30 min", "Most failed with": f"{MEMORY} (2 of 3)"},
    )


def trial(number: int, why: str) -> dict[str, Any]:
    return {
        "TrainingJobName": f"sweep-{number}",
        "TrainingJobArn": f"{ARN}:training-job/sweep-{number}",
        "CreationTime": BEGAN,
        "TrainingJobStatus": "Failed",
        "TunedHyperParameters": {},
        "FailureReason": why,
    }


def endpoint(**changes: Any) -> Answer:
    described = {
        "EndpointName": "churn-prod",
        "EndpointArn": f"{ARN}:endpoint/churn-prod",
        "EndpointConfigName": "churn-v7",
        "EndpointStatus": "Failed",
        "CreationTime": BEGAN,
        "LastModifiedTime": after(60),
        **changes,
    }
    return ("describe_endpoint", {"EndpointName": "churn-prod"}, described)


CHANGED = {"Last deployment": "12 min before (churn-v7)"}


def test_a_failed_endpoint_is_explained_by_its_latest_stream() -> None:
    group = "/aws/sagemaker/Endpoints/churn-prod"
    latest = streams(group, {"orderBy": "LastEventTime", "descending": True}, ("blue/i-1", 10), ("blue/i-2", 20))
    ping = "The primary container for production variant blue did not pass the ping health check."
    log = lines(group, "blue/i-2", "ModuleNotFoundError: No module named 'xgboost'")
    asked = clients((endpoint(FailureReason=ping),), (latest, log))

    found = gather(asked, failure("endpoint", "churn-prod", reason=""), wants_log=True)

    assert found == Evidence(
        cause="the Python module xgboost is not in the container",
        short="Python module xgboost missing",
        remedy="Add it to requirements.txt or to the image.",
        stream="blue/i-2",
        log=("ModuleNotFoundError: No module named 'xgboost'",),
        facts=CHANGED,
    )


def test_an_alarm_of_an_endpoint_is_held_against_its_last_change_only() -> None:
    asked = clients((endpoint(EndpointStatus="InService"),))

    found = gather(asked, latency(), wants_log=True)

    assert found == Evidence(facts=CHANGED, shared={"deployment": "churn-v7"})


def test_an_alarm_of_an_inference_component_is_held_against_its_last_change() -> None:
    described: Answer = (
        "describe_inference_component",
        {"InferenceComponentName": "llama"},
        {
            "InferenceComponentName": "llama",
            "InferenceComponentArn": f"{ARN}:inference-component/llama",
            "EndpointName": "chat",
            "EndpointArn": f"{ARN}:endpoint/chat",
            "CreationTime": BEGAN,
            "LastModifiedTime": BEGAN,
        },
    )
    labels = {"kind": "inference-component", "resource": "llama"}

    found = gather(clients((described,)), latency(labels=labels), wants_log=True)

    assert found == Evidence(facts={"Last deployment": "1 h 12 min before"})


def test_an_alarm_of_anything_else_asks_for_nothing() -> None:
    found = gather(clients(), latency(labels={"kind": "training-job"}), wants_log=True)

    assert found == Evidence()


def test_what_went_well_asks_for_nothing() -> None:
    assert gather(clients(), failure(state="succeeded"), wants_log=True) == Evidence()


def test_an_inference_component_says_how_many_copies_there_are() -> None:
    described: Answer = (
        "describe_inference_component",
        {"InferenceComponentName": "llama"},
        {
            "InferenceComponentName": "llama",
            "InferenceComponentArn": f"{ARN}:inference-component/llama",
            "EndpointName": "chat",
            "EndpointArn": f"{ARN}:endpoint/chat",
            "FailureReason": "There is not enough hardware resources on the instances for this endpoint to create a "
            "copy of the inference component.",
            "RuntimeConfig": {"DesiredCopyCount": 3, "CurrentCopyCount": 1},
            "CreationTime": BEGAN,
            "LastModifiedTime": BEGAN,
        },
    )
    group = "/aws/sagemaker/InferenceComponents/llama"
    asked = clients((described,), (streams(group, {"orderBy": "LastEventTime", "descending": True}),))

    found = gather(asked, failure("inference-component", "llama", reason=""), wants_log=True)

    assert (found.cause, found.facts) == (
        "the endpoint has no instance with enough free memory, CPU or accelerators for another copy",
        {"Endpoint": "chat", "Copies": "1 of 3"},
    )


CLUSTER = {"arn": f"{ARN}:cluster/a1b2c3d4e5f6"}
CLUSTER_LOGS = "/aws/sagemaker/Clusters/llm/a1b2c3d4e5f6"


def test_a_failed_node_is_explained_by_its_lifecycle_script() -> None:
    node = "i-0123456789abcdef0"
    described: Answer = (
        "describe_cluster_node",
        {"ClusterName": "llm", "NodeId": node},
        {
            "NodeDetails": {
                "InstanceGroupName": "workers",
                "InstanceType": "ml.p5.48xlarge",
                "InstanceStatus": {"Status": "Failure", "Message": "Lifecycle scripts did not run successfully."},
            }
        },
    )
    stream = f"LifecycleConfig/workers/{node}"
    found_streams = streams(CLUSTER_LOGS, {"logStreamNamePrefix": stream}, (stream, 5))
    asked = clients((described,), (found_streams, lines(CLUSTER_LOGS, stream, "exit status 100")))

    found = gather(asked, failure("cluster", "llm", labels={"scope": node}, reason="", **CLUSTER), wants_log=True)

    assert found == Evidence(
        cause="the lifecycle script of the cluster failed on a node",
        short="lifecycle script failed",
        remedy="Read its log stream (LifecycleConfig/…), and check the script and the role's access to its bucket.",
        stream=stream,
        log=("exit status 100",),
        facts={"Compute": "ml.p5.48xlarge", "Instance group": "workers"},
    )


def test_a_failed_cluster_says_which_groups_lack_nodes() -> None:
    described: Answer = (
        "describe_cluster",
        {"ClusterName": "llm"},
        {
            "ClusterArn": CLUSTER["arn"],
            "ClusterStatus": "Failed",
            "FailureMessage": "We currently do not have sufficient capacity for the requested instance type(s).",
            "InstanceGroups": [
                {"InstanceGroupName": "head", "CurrentCount": 1, "TargetCount": 1},
                {"InstanceGroupName": "workers", "CurrentCount": 1, "TargetCount": 16},
            ],
        },
    )
    asked = clients((described,))

    found = gather(asked, failure("cluster", "llm", reason="", **CLUSTER), wants_log=False)

    assert (found.cause, found.facts) == (
        "AWS has no free instances of this type in the Availability Zone of the instance group",
        {"Nodes": "workers 1 of 16"},
    )


def test_a_monitoring_schedule_leads_to_its_last_execution() -> None:
    described: Answer = (
        "describe_monitoring_schedule",
        {"MonitoringScheduleName": "drift"},
        {
            "MonitoringScheduleArn": f"{ARN}:monitoring-schedule/drift",
            "MonitoringScheduleName": "drift",
            "MonitoringScheduleStatus": "Failed",
            "CreationTime": BEGAN,
            "LastModifiedTime": BEGAN,
            "MonitoringScheduleConfig": {},
            "LastMonitoringExecutionSummary": {
                "MonitoringScheduleName": "drift",
                "ScheduledTime": BEGAN,
                "CreationTime": BEGAN,
                "LastModifiedTime": BEGAN,
                "MonitoringExecutionStatus": "Failed",
                "FailureReason": "Job inputs had no data",
            },
        },
    )
    asked = clients((described,))

    found = gather(asked, failure("monitoring-schedule", "drift", reason=""), wants_log=True)

    assert found.cause == "there was nothing to monitor: the endpoint captured no requests in that hour"


def test_a_notebook_that_says_why_is_not_described() -> None:
    group = "/aws/sagemaker/NotebookInstances"
    stream = "lab/LifecycleConfigOnStart"
    found_streams = streams(group, {"logStreamNamePrefix": "lab/"}, ("lab/jupyter.log", 1), (stream, 2))
    asked = clients((), (found_streams, lines(group, stream, "cd: no such directory")))

    found = gather(
        asked, failure("notebook", "lab", reason="Lifecycle Config 'x' took longer than 5 minutes"), wants_log=True
    )

    assert (found.cause, found.stream) == (
        "the notebook's lifecycle script failed, or took longer than its five minutes",
        stream,
    )


def test_of_other_kinds_the_notice_says_all() -> None:
    found = gather(clients(), failure("feature-group", "prices", reason="NoSuchBucket"), wants_log=True)

    assert found == Evidence(
        cause="the S3 bucket does not exist",
        short="S3 bucket does not exist",
        remedy="Check the bucket's name and Region.",
    )


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("AccessDeniedException", "the notify role may not read it"),
        ("ThrottlingException", "AWS answered ThrottlingException"),
        ("ResourceNotFound", ""),
    ],
)
def test_what_aws_refuses_is_left_out_and_said_and_what_is_not_there_is_only_left_out(code: str, said: str) -> None:
    group: Answer = (JOB_STREAMS[0], JOB_STREAMS[1], code)
    asked = clients(
        (("describe_training_job", {"TrainingJobName": "xgb-churn"}, code), ("list_tags", {"ResourceArn": ANY}, code)),
        (group,),
    )

    found = gather(asked, failure(reason=MEMORY), wants_log=True)

    unread = tuple(f"No {what}: {said}" for what in ("details of the job", "tags", "log") if said)
    assert found == Evidence(**OUT_OF_MEMORY, unread=unread)


@pytest.mark.parametrize(
    ("kind", "operation", "parameter", "purpose"),
    [
        ("processing-job", "describe_processing_job", "ProcessingJobName", "details of the job"),
        ("transform-job", "describe_transform_job", "TransformJobName", "details of the job"),
        ("automl-job", "describe_auto_ml_job_v2", "AutoMLJobName", "details of the job"),
        ("optimization-job", "describe_optimization_job", "OptimizationJobName", "details of the job"),
        ("compilation-job", "describe_compilation_job", "CompilationJobName", "details of the job"),
        ("ai-benchmark-job", "describe_ai_benchmark_job", "AIBenchmarkJobName", "details of the job"),
        ("ai-recommendation-job", "describe_ai_recommendation_job", "AIRecommendationJobName", "details of the job"),
        ("endpoint", "describe_endpoint", "EndpointName", "details"),
        ("inference-component", "describe_inference_component", "InferenceComponentName", "details"),
        ("cluster", "describe_cluster", "ClusterName", "details"),
        ("notebook", "describe_notebook_instance", "NotebookInstanceName", "details"),
        ("monitoring-schedule", "describe_monitoring_schedule", "MonitoringScheduleName", "details of the schedule"),
    ],
)
def test_a_refused_description_of_any_kind_leaves_the_notice_s_own_words(
    kind: str, operation: str, parameter: str, purpose: str
) -> None:
    denied = "AccessDeniedException"
    asked = clients(((operation, {parameter: "x"}, denied),))

    found = gather(asked, failure(kind, "x", reason="", arn="", labels={"parent": "pipeline/p"}), wants_log=False)

    assert found.unread[0] == f"No {purpose}: the notify role may not read it"


def test_a_sagemaker_job_is_explained_by_its_description_in_its_own_category() -> None:
    name = {"JobName": "clean"}
    answer = {
        **name,
        "JobArn": f"{ARN}:job/AgentRFTEvaluation/clean",
        "RoleArn": "arn:aws:iam::123456789012:role/sagemaker",
        "JobCategory": "AgentRFTEvaluation",
        "JobConfigSchemaVersion": "1.0.0",
        "JobStatus": "Failed",
        "SecondaryStatus": "Failed",
        "SecondaryStatusTransitions": [],
        "FailureReason": MEMORY,
        "CreationTime": BEGAN,
        "LastModifiedTime": after(60),
        "EndTime": after(60),
    }
    asked = clients(
        (
            ("describe_job", {**name, "JobCategory": "AgentRFT"}, "ResourceNotFound"),
            ("describe_job", {**name, "JobCategory": "AgentRFTEvaluation"}, answer),
        )
    )

    labels = {"parent": "pipeline/p"}
    found = gather(asked, failure("sagemaker-job", "clean", reason="", arn="", labels=labels), wants_log=False)

    assert found == Evidence(**OUT_OF_MEMORY, facts={"Ran": "1 h", "Started by": "pipeline p"})


def test_a_sagemaker_job_that_no_category_knows_leaves_the_notice_s_own_words() -> None:
    categories = ("AgentRFT", "AgentRFTEvaluation", *LISTED)
    asked = clients(
        tuple(("describe_job", {"JobName": "clean", "JobCategory": each}, "ResourceNotFound") for each in categories)
    )

    labels = {"parent": "pipeline/p"}
    found = gather(asked, failure("sagemaker-job", "clean", reason="", arn="", labels=labels), wants_log=False)

    assert (found.facts, found.unread) == ({"Started by": "pipeline p"}, ())


def test_the_trials_of_a_tuning_job_may_be_refused() -> None:
    denied = "AccessDeniedException"
    name = {"HyperParameterTuningJobName": "sweep"}
    listing = "list_training_jobs_for_hyper_parameter_tuning_job"
    asked = clients(
        (
            ("describe_hyper_parameter_tuning_job", name, denied),
            NO_TAGS,
            (listing, {**name, "StatusEquals": "Failed"}, denied),
        )
    )

    found = gather(asked, failure("tuning-job", "sweep", reason="No training job succeeded"), wants_log=True)

    said = "the notify role may not read it"
    assert (found.cause, found.facts, found.unread) == (
        "every trial of the tuning job failed",
        {},
        (f"No details of the job: {said}", f"No failed trials: {said}"),
    )


def test_a_node_and_the_lines_of_a_log_may_be_refused() -> None:
    denied = "AccessDeniedException"
    asked = clients((("describe_cluster_node", {"ClusterName": "llm", "NodeId": "i-1234567890"}, denied),))
    found_node = gather(asked, failure("cluster", "llm", labels={"scope": "i-1234567890"}, **CLUSTER), wants_log=True)
    operation, wanted, _ = lines(TRAINING, "xgb-churn/algo-1-1795252320")
    asked = clients((job(), NO_TAGS), (JOB_STREAMS, (operation, wanted, denied)))

    found_job = gather(asked, failure(), wants_log=True)

    said = "the notify role may not read it"
    assert (found_node.facts, found_node.unread) == ({}, (f"No details of the node: {said}",))
    assert (found_job.unread, found_job.log) == ((f"No log: {said}",), ())


def test_what_does_not_answer_at_all_is_left_out_and_said() -> None:
    class Silent:
        def __getattr__(self, operation: str) -> Any:
            raise EndpointConnectionError(endpoint_url="https://api.sagemaker.eu-west-1.amazonaws.com")

    found = gather(Clients(QUICK, sagemaker=Silent(), logs=Silent()), failure(), wants_log=True)

    said = "AWS did not answer (EndpointConnectionError)"
    unread = tuple(f"No {what}: {said}" for what in ("details of the job", "tags", "log"))
    assert found == Evidence(**OUT_OF_MEMORY, unread=unread)


def test_reading_ends_when_it_takes_too_long() -> None:
    now = iter((0.0, 0.0, PATIENCE + 1, PATIENCE + 1))

    found = gather(clients((job(),)), failure(), wants_log=True, clock=lambda: next(now))

    unread = ("No tags: AWS answered too slowly", "No log: AWS answered too slowly")
    assert found == Evidence(**OUT_OF_MEMORY, facts={**COMPUTE, **RAN}, unread=unread)


def test_clients_are_made_once_and_only_when_needed() -> None:
    made = Clients(QUICK)

    assert made.logs is made.logs
    assert (made.logs.meta.config.connect_timeout, made.logs.meta.config.read_timeout) == (1, 2)


@pytest.mark.parametrize(
    ("answer", "wanted"),
    [
        ({"Tags": [{"Key": "team", "Value": "fraud"}]}, {"team": "fraud"}),
        ({"Tags": []}, {}),
        ("AccessDeniedException", None),
    ],
)
def test_the_tags_of_an_execution_are_those_of_its_pipeline(answer: Any, wanted: dict[str, str] | None) -> None:
    pipeline = EXECUTION.partition("/execution/")[0]

    assert tags_of_arn(clients((("list_tags", {"ResourceArn": pipeline}, answer),)), EXECUTION) == wanted


def test_who_has_no_patience_asks_nobody_for_tags() -> None:
    nobody = clients()

    assert tags_of_arn(nobody, EXECUTION, patience=-1) is None


def test_a_model_package_is_explained_by_its_validations() -> None:
    arn = f"{ARN}:model-package/churn-models/3"
    failed = {"Name": "batch", "Status": "Failed", "FailureReason": MEMORY}
    described = {
        "ModelPackageName": "churn-models",
        "ModelPackageArn": arn,
        "CreationTime": BEGAN,
        "ModelPackageStatus": "Failed",
        "ModelPackageStatusDetails": {"ValidationStatuses": [{"Name": "ok", "Status": "Completed"}, failed]},
    }
    asked = clients((("describe_model_package", {"ModelPackageName": arn}, described),))

    found = gather(asked, failure("model-package", "churn-models", reason="", arn=arn), wants_log=True)

    assert found == Evidence(**OUT_OF_MEMORY)
