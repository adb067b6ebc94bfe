"""The doubles answer as AWS does where moto does not: each sentence here is one that moto alone fails."""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
import urllib3
from botocore.exceptions import ClientError

from sagewatch_cli.local.doubles import sagemaker, sagemaker_records
from sagewatch_cli.local.doubles.server import Doubles, doubles
from sagewatch_cli.local.doubles.slack import Reply, slack

pytestmark = pytest.mark.e2e

ROLE = "arn:aws:iam::123456789012:role/ml"
METRIC: dict[str, Any] = {
    "Namespace": "AWS/SageMaker",
    "MetricName": "ModelLatency",
    "Statistic": "Average",
    "Period": 60,
    "EvaluationPeriods": 5,
    "Threshold": 1.0,
    "ComparisonOperator": "GreaterThanThreshold",
}


@pytest.fixture(scope="module")
def served() -> Iterator[Doubles]:
    with doubles() as served:
        yield served


@pytest.fixture
def sm(served: Doubles) -> Any:
    return boto3.client("sagemaker", endpoint_url=served.url)


@pytest.fixture
def cw(served: Doubles) -> Iterator[Any]:
    client = boto3.client("cloudwatch", endpoint_url=served.url)
    yield client
    for page in client.get_paginator("describe_alarms").paginate():
        client.delete_alarms(AlarmNames=[alarm["AlarmName"] for alarm in page["MetricAlarms"]])


def configure(sm: Any, name: str, *variants: dict[str, Any], **more: Any) -> None:
    sm.create_model(ModelName="model", ExecutionRoleArn=ROLE)
    sm.create_endpoint_config(EndpointConfigName=name, ProductionVariants=list(variants), **more)


def variant(name: str, instance_type: str) -> dict[str, Any]:
    return {"VariantName": name, "ModelName": "model", "InstanceType": instance_type, "InitialInstanceCount": 1}


def refused(error: pytest.ExceptionInfo[ClientError]) -> tuple[str, str]:
    code, message = error.value.response["Error"]["Code"], error.value.response["Error"]["Message"]
    return code, message.partition("'arn:")[0].strip()


@pytest.mark.parametrize(
    "instance_type", ["ml.g5.xlarge", "ml.g6.xlarge", "ml.p5.48xlarge", "ml.inf2.xlarge", "ml.trn1.2xlarge"]
)
def test_an_endpoint_may_run_on_any_instance_type_of_today(sm: Any, instance_type: str) -> None:
    configure(sm, "today", variant("a", instance_type))

    config = sm.describe_endpoint_config(EndpointConfigName="today")

    assert config["ProductionVariants"] == [variant("a", instance_type)]


def test_an_instance_type_that_does_not_exist_is_refused(sm: Any) -> None:
    with pytest.raises(ClientError, match=r"ml\.x9\.huge.*failed to satisfy constraint"):
        configure(sm, "never", variant("a", "ml.x9.huge"))


def test_an_endpoint_stays_as_it_is_until_time_passes(sm: Any) -> None:
    configure(sm, "v1", variant("old", "ml.m5.large"))
    configure(
        sm, "v2", variant("new", "ml.m5.xlarge"), AsyncInferenceConfig={"OutputConfig": {"S3OutputPath": "s3://b/o"}}
    )

    def seen() -> tuple[Any, ...]:
        endpoint = sm.describe_endpoint(EndpointName="slow")
        status, config = endpoint["EndpointStatus"], endpoint["EndpointConfigName"]
        pending = endpoint.get("PendingDeploymentSummary", {}).get("EndpointConfigName")
        variants = [variant["VariantName"] for variant in endpoint["ProductionVariants"]]
        return status, config, variants, pending, "AsyncInferenceConfig" in endpoint

    sm.create_endpoint(EndpointName="slow", EndpointConfigName="v1")
    created = seen()
    sagemaker.settle_endpoint("slow")
    served = seen()
    sm.update_endpoint(EndpointName="slow", EndpointConfigName="v2")
    updating = seen()
    sagemaker.settle_endpoint("slow")
    updated = seen()
    sm.delete_endpoint(EndpointName="slow")
    deleting = seen()

    assert (created, served, updating, updated, deleting) == (
        ("Creating", "v1", ["old"], None, False),
        ("InService", "v1", ["old"], None, False),
        ("Updating", "v1", ["old"], "v2", False),
        ("InService", "v2", ["new"], None, True),
        ("Deleting", "v2", ["new"], None, True),
    )


def test_an_endpoint_that_failed_says_why(sm: Any) -> None:
    configure(sm, "v1", variant("a", "ml.m5.large"))
    sm.create_endpoint(EndpointName="broken", EndpointConfigName="v1")

    sagemaker.fail_endpoint("broken", "The container did not pass the ping health check.")

    endpoint = sm.describe_endpoint(EndpointName="broken")
    assert (endpoint["EndpointStatus"], endpoint["FailureReason"]) == (
        "Failed",
        "The container did not pass the ping health check.",
    )


def test_what_does_not_exist_is_gone_in_the_words_of_each_api(sm: Any) -> None:
    with pytest.raises(ClientError) as endpoint:
        sm.describe_endpoint(EndpointName="none")
    with pytest.raises(ClientError) as job:
        sm.describe_training_job(TrainingJobName="none")
    with pytest.raises(ClientError) as pipeline:
        sm.describe_pipeline(PipelineName="none")
    with pytest.raises(ClientError) as group:
        sm.describe_feature_group(FeatureGroupName="none")

    assert [refused(error) for error in (endpoint, job, pipeline, group)] == [
        ("ValidationException", "Could not find endpoint"),
        ("ValidationException", "Requested resource not found."),
        ("ResourceNotFound", "Pipeline 'none' does not exist."),
        ("ResourceNotFound", "Requested resource not found: none"),
    ]


def test_a_training_job_runs_until_it_is_ended(sm: Any) -> None:
    sm.create_training_job(
        TrainingJobName="job",
        RoleArn=ROLE,
        AlgorithmSpecification={"TrainingImage": "image", "TrainingInputMode": "File"},
        OutputDataConfig={"S3OutputPath": "s3://bucket"},
        ResourceConfig={"InstanceType": "ml.p5.48xlarge", "InstanceCount": 2, "VolumeSizeInGB": 1},
        StoppingCondition={"MaxRuntimeInSeconds": 60},
    )

    def running(status: str) -> list[str]:
        return [job["TrainingJobName"] for job in sm.list_training_jobs(StatusEquals=status)["TrainingJobSummaries"]]

    begun = running("InProgress"), running("Completed")
    sm.stop_training_job(TrainingJobName="job")
    stopping = running("InProgress"), running("Stopping")
    sagemaker.end_training_job("job", "Failed", "AlgorithmError: exit code 137")
    job = sm.describe_training_job(TrainingJobName="job")

    assert (begun, stopping) == ((["job"], []), ([], ["job"]))
    assert (job["TrainingJobStatus"], job["FailureReason"]) == ("Failed", "AlgorithmError: exit code 137")


def process(sm: Any, name: str) -> str:
    cluster = {"InstanceCount": 11, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 1}
    arn: str = sm.create_processing_job(
        ProcessingJobName=name,
        RoleArn=ROLE,
        AppSpecification={"ImageUri": "image"},
        ProcessingResources={"ClusterConfig": cluster},
        Tags=[{"Key": "team", "Value": "fraud"}],
    )["ProcessingJobArn"]
    return arn


def test_a_processing_job_keeps_its_hosts_and_tags_and_runs_until_it_is_ended(sm: Any) -> None:
    arn = process(sm, "prep")
    begun = sm.describe_processing_job(ProcessingJobName="prep")
    sm.add_tags(ResourceArn=arn, Tags=[{"Key": "team", "Value": "ads"}, {"Key": "cost", "Value": "7"}])
    sm.delete_tags(ResourceArn=arn, TagKeys=["cost"])
    sm.stop_processing_job(ProcessingJobName="prep")
    stopping = sm.describe_processing_job(ProcessingJobName="prep")
    sagemaker_records.enter_state("ProcessingJob", "prep", "Failed", FailureReason="exit code 137")
    failed = sm.describe_processing_job(ProcessingJobName="prep")

    assert begun["ProcessingResources"]["ClusterConfig"]["InstanceCount"] == 11
    assert sm.list_tags(ResourceArn=arn)["Tags"] == [{"Key": "team", "Value": "ads"}]
    states = [each["ProcessingJobStatus"] for each in (begun, stopping, failed)]
    assert (states, failed["FailureReason"]) == (["InProgress", "Stopping", "Failed"], "exit code 137")


def test_a_list_comes_in_pages_of_what_was_asked_for(sm: Any) -> None:
    for name in ("page-1", "page-2", "page-3", "page-4"):
        process(sm, name)
    sagemaker_records.enter_state("ProcessingJob", "page-2", "Completed")

    pages = sm.get_paginator("list_processing_jobs").paginate(
        StatusEquals="InProgress", PaginationConfig={"PageSize": 2}
    )

    assert [[job["ProcessingJobName"] for job in page["ProcessingJobSummaries"]] for page in pages] == [
        ["page-1", "page-3"],
        ["page-4"],
    ]


def test_a_component_belongs_to_its_endpoint_and_is_deleting_until_time_passes(sm: Any) -> None:
    for name, endpoint in (("chat", "llm"), ("rank", "other")):
        sm.create_inference_component(InferenceComponentName=name, EndpointName=endpoint, VariantName="a")
    listed = sm.list_inference_components(EndpointNameEquals="llm")["InferenceComponents"]
    sm.delete_inference_component(InferenceComponentName="chat")
    deleting = sm.describe_inference_component(InferenceComponentName="chat")["InferenceComponentStatus"]
    sagemaker_records.complete_deletion("InferenceComponent", "chat")

    assert ([each["InferenceComponentName"] for each in listed], deleting) == (["chat"], "Deleting")
    with pytest.raises(ClientError, match="Could not find inference component"):
        sm.describe_inference_component(InferenceComponentName="chat")


def test_the_arn_of_a_cluster_has_an_id_and_describes_it_too(sm: Any) -> None:
    group = {
        "InstanceGroupName": "workers",
        "InstanceType": "ml.p5.48xlarge",
        "InstanceCount": 2,
        "LifeCycleConfig": {"SourceS3Uri": "s3://sagemaker-bucket", "OnCreate": "create.sh"},
        "ExecutionRole": ROLE,
    }
    arn = sm.create_cluster(ClusterName="llm", InstanceGroups=[group])["ClusterArn"]

    assert not arn.endswith("/llm")
    assert sm.describe_cluster(ClusterName=arn)["ClusterName"] == "llm"


def test_an_endpoint_remembers_the_alarms_that_would_roll_its_deployment_back(sm: Any) -> None:
    configure(sm, "first", variant("a", "ml.m5.large"))
    configure(sm, "second", variant("a", "ml.m5.large"))
    sm.create_endpoint(EndpointName="careful", EndpointConfigName="first")
    sagemaker.settle_endpoint("careful")
    deployment = {"AutoRollbackConfiguration": {"Alarms": [{"AlarmName": "mine"}]}}

    sm.update_endpoint(EndpointName="careful", EndpointConfigName="second", DeploymentConfig=deployment)

    assert sm.describe_endpoint(EndpointName="careful")["LastDeploymentConfig"] == deployment


def test_a_model_of_several_containers_says_how_they_are_called(sm: Any) -> None:
    sm.create_model(
        ModelName="both",
        ExecutionRoleArn=ROLE,
        Containers=[{"Image": "spam"}, {"Image": "tone"}],
        InferenceExecutionConfig={"Mode": "Direct"},
    )

    assert sm.describe_model(ModelName="both")["InferenceExecutionConfig"] == {"Mode": "Direct"}


def test_a_pipeline_answers_to_its_arn_and_keeps_its_definition(sm: Any) -> None:
    definition = json.dumps(
        {"Version": "2020-12-01", "Steps": [{"Name": "Train", "Type": "Training", "Arguments": {}}]}
    )
    arn = sm.create_pipeline(
        PipelineName="p", PipelineDefinition=definition, RoleArn=ROLE, ClientRequestToken="t" * 32
    )["PipelineArn"]
    execution = sm.start_pipeline_execution(PipelineName="p", ClientRequestToken="t" * 32)["PipelineExecutionArn"]
    begun = sm.describe_pipeline_execution(PipelineExecutionArn=execution)["PipelineExecutionStatus"]
    sagemaker.end_pipeline_execution(execution, "Failed")
    ended = sm.describe_pipeline_execution(PipelineExecutionArn=execution)["PipelineExecutionStatus"]

    described = sm.describe_pipeline(PipelineName=arn)

    assert (described["PipelineName"], described["PipelineDefinition"]) == ("p", definition)
    assert (begun, ended) == ("Executing", "Failed")
    assert [each["PipelineName"] for each in sm.list_pipelines()["PipelineSummaries"]] == ["p"]


def test_alarms_come_in_pages_sorted_by_name(cw: Any) -> None:
    for number in reversed(range(120)):
        cw.put_metric_alarm(AlarmName=f"a/{number:03d}", **METRIC)

    default = cw.describe_alarms()
    pages = list(cw.get_paginator("describe_alarms").paginate(AlarmNamePrefix="a/", PaginationConfig={"PageSize": 100}))

    names = [f"a/{number:03d}" for number in range(120)]
    assert [alarm["AlarmName"] for alarm in default["MetricAlarms"]] == names[:50]
    assert [[alarm["AlarmName"] for alarm in page["MetricAlarms"]] for page in pages] == [names[:100], names[100:]]


def test_an_alarm_begins_without_data_and_keeps_its_state_and_tags_when_it_is_updated(cw: Any) -> None:
    def state() -> tuple[str, str, list[dict[str, str]]]:
        [alarm] = cw.describe_alarms(AlarmNames=["x"])["MetricAlarms"]
        return (
            alarm["StateValue"],
            alarm["StateReason"],
            cw.list_tags_for_resource(ResourceARN=alarm["AlarmArn"])["Tags"],
        )

    cw.put_metric_alarm(AlarmName="x", **METRIC, Tags=[{"Key": "team", "Value": "fraud"}])
    created = state()
    cw.set_alarm_state(AlarmName="x", StateValue="ALARM", StateReason="Threshold Crossed")
    cw.put_metric_alarm(AlarmName="x", **{**METRIC, "Threshold": 2.0}, Tags=[{"Key": "team", "Value": "ads"}])
    updated = state()
    cw.delete_alarms(AlarmNames=["x"])
    cw.put_metric_alarm(AlarmName="x", **METRIC)
    again = state()

    tags = [{"Key": "team", "Value": "fraud"}]
    unchecked = "Unchecked: Initial alarm creation"
    assert (created, updated, again) == (
        ("INSUFFICIENT_DATA", unchecked, tags),
        ("ALARM", "Threshold Crossed", tags),
        ("INSUFFICIENT_DATA", unchecked, []),
    )


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"AlarmName": "n" * 256}, "1 to 255 characters"),
        ({"AlarmDescription": "d" * 1025}, "at most 1024"),
        ({"Period": 7}, "multiple of 60"),
        ({"Period": 3600, "EvaluationPeriods": 200}, "longer than a day"),
        ({"DatapointsToAlarm": 6}, "DatapointsToAlarm"),
        ({"AlarmActions": ["arn:aws:sns:us-east-1:123456789012:t"] * 6}, "at most 5"),
        ({"Metrics": [{"Id": "m", "Expression": "1"}]}, "Exactly one"),
    ],
)
def test_what_aws_would_refuse_in_an_alarm_is_refused(cw: Any, wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(ClientError, match=message):
        cw.put_metric_alarm(**{"AlarmName": "x", **METRIC, **wrong})


def test_no_more_than_a_hundred_alarms_are_deleted_at_once(cw: Any) -> None:
    with pytest.raises(ClientError, match="101 alarm names"):
        cw.delete_alarms(AlarmNames=[f"a{number}" for number in range(101)])


def test_slack_answers_in_its_own_ways_unless_it_is_told_otherwise() -> None:
    http = urllib3.PoolManager()

    with slack() as double:
        headers = {"Authorization": f"Bearer {double.bot['bot_token']}"}

        def post(path: str, **body: str) -> tuple[int, str]:
            answer = http.request("POST", f"{double.url}{path}", json=body, headers=headers)
            return answer.status, answer.data.decode()

        double.replies.append(Reply(429, "ratelimited", {"Retry-After": "1"}))
        answers = [
            post("/services/T000/B000/XXXX", text="a"),
            post("/services/T000/B000/XXXX", text="a"),
            post("/api/chat.postMessage", channel="C1", text="b"),
        ]
        ts = json.loads(answers[-1][1])["ts"]
        answers += [
            post("/api/chat.update", channel="C1", ts=ts, text="c"),
            post("/api/chat.update", channel="C1", ts="1.2", text="d"),
        ]
        posted = [(each.path, dict(each.body)) for each in double.posted]
        seen = [each.text for each in double.workspace.channel("C1")]
    http.clear()

    said = [json.loads(body) for _, body in answers[2:]]
    assert answers[:2] == [(429, "ratelimited"), (200, "ok")]
    assert [(each["ok"], each.get("channel"), each.get("error")) for each in said] == [
        (True, "C1", None),
        (True, "C1", None),
        (False, None, "message_not_found"),
    ]
    assert seen == ["c"]
    assert posted == [
        ("/services/T000/B000/XXXX", {"text": "a"}),
        ("/services/T000/B000/XXXX", {"text": "a"}),
        ("/api/chat.postMessage", {"channel": "C1", "text": "b"}),
        ("/api/chat.update", {"channel": "C1", "ts": ts, "text": "c"}),
        ("/api/chat.update", {"channel": "C1", "ts": "1.2", "text": "d"}),
    ]


MUTE: dict[str, Any] = {
    "Name": "night",
    "Rule": {"Schedule": {"Expression": "cron(0 2 * * *)", "Duration": "PT2H"}},
    "MuteTargets": {"AlarmNames": ["slow"]},
}


def muted(expression: str = "cron(* * * * *)", duration: str = "PT1M", **more: Any) -> dict[str, Any]:
    """Return a rule that mutes the alarm, always unless it is said otherwise."""
    return {**MUTE, "Rule": {"Schedule": {"Expression": expression, "Duration": duration}}, **more}


@pytest.fixture
def slow(cw: Any) -> Iterator[Any]:
    """CloudWatch with one alarm and no mute rules."""
    cw.put_metric_alarm(AlarmName="slow", **METRIC)
    yield cw
    for page in cw.get_paginator("list_alarm_mute_rules").paginate():
        for each in page["AlarmMuteRuleSummaries"]:
            cw.delete_alarm_mute_rule(AlarmMuteRuleName=each["AlarmMuteRuleArn"].split(":", 6)[6])


def test_a_mute_rule_is_as_it_was_put_until_it_is_deleted(slow: Any) -> None:
    slow.put_alarm_mute_rule(**MUTE, Description="Load test")

    found = slow.get_alarm_mute_rule(AlarmMuteRuleName="night")
    listed = slow.list_alarm_mute_rules(AlarmName="slow")["AlarmMuteRuleSummaries"]
    for _ in range(2):
        slow.delete_alarm_mute_rule(AlarmMuteRuleName="night")

    assert {name: found[name] for name in ("Name", "Description", "Rule", "MuteTargets", "MuteType")} == {
        **MUTE,
        "Description": "Load test",
        "MuteType": "RECURRING",
    }
    assert [each["AlarmMuteRuleArn"] for each in listed] == [
        "arn:aws:cloudwatch:us-east-1:123456789012:alarm-mute-rule:night"
    ]
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        slow.get_alarm_mute_rule(AlarmMuteRuleName="night")


NOW = datetime.now(UTC)


@pytest.mark.parametrize(
    ("rule", "status"),
    [
        (muted(), "ACTIVE"),
        (muted(f"at({NOW - timedelta(minutes=50):%Y-%m-%dT%H:%M})", "PT1H"), "ACTIVE"),
        (muted(f"at({NOW + timedelta(days=2):%Y-%m-%dT%H:%M})", "P1DT1M"), "SCHEDULED"),
        (muted(StartDate=NOW + timedelta(days=1)), "SCHEDULED"),
        (muted(ExpireDate=NOW - timedelta(minutes=1)), "EXPIRED"),
        (muted(ExpireDate=NOW + timedelta(days=1)), "ACTIVE"),
        (muted(f"cron(0 0 * * {(NOW + timedelta(days=3)):%a})".upper().replace("CRON", "cron"), "P1D"), "SCHEDULED"),
        (muted(f"cron(0 0 * * {NOW:%a})".upper().replace("CRON", "cron"), "P1D"), "ACTIVE"),
    ],
)
def test_a_mute_rule_says_whether_it_is_active(slow: Any, rule: dict[str, Any], status: str) -> None:
    slow.put_alarm_mute_rule(**rule)

    [listed] = slow.list_alarm_mute_rules(Statuses=[status])["AlarmMuteRuleSummaries"]

    assert listed["Status"] == status


@pytest.mark.parametrize(
    "rule",
    [
        muted("cron(0 2 * * ? *)"),
        muted("cron(60 2 * * *)"),
        muted("cron(*/5 * * * *)"),
        muted("rate(5 minutes)"),
        muted("at(2030-01-31)"),
        muted(duration="PT30S"),
        muted(duration="P16D"),
        muted(duration="2h"),
        {**MUTE, "Rule": {"Schedule": {**MUTE["Rule"]["Schedule"], "Timezone": "Mars/Olympus"}}},
        muted(MuteTargets={"AlarmNames": ["nobody"]}),
        muted(MuteTargets={"AlarmNames": [f"alarm-{n}" for n in range(101)]}),
        muted(Name="n" * 256),
    ],
)
def test_a_mute_rule_beyond_the_limits_of_aws_is_refused(slow: Any, rule: dict[str, Any]) -> None:
    with pytest.raises(ClientError) as error:
        slow.put_alarm_mute_rule(**rule)

    assert refused(error)[0] == "ValidationError"


def test_mute_rules_come_page_by_page(slow: Any) -> None:
    for n in range(3):
        slow.put_alarm_mute_rule(**muted(Name=f"rule-{n}"))

    pages = [
        [each["AlarmMuteRuleArn"][-6:] for each in page["AlarmMuteRuleSummaries"]]
        for page in slow.get_paginator("list_alarm_mute_rules").paginate(PaginationConfig={"PageSize": 2})
    ]

    assert pages == [["rule-0", "rule-1"], ["rule-2"]]


def test_a_graph_is_a_picture_of_the_size_that_was_asked_for(cw: Any) -> None:
    widget = {"width": 60, "height": 30, "metrics": [["AWS/SageMaker", "Invocations"]]}

    image = cw.get_metric_widget_image(MetricWidget=json.dumps(widget), OutputFormat="png")["MetricWidgetImage"]

    size = struct.unpack(">II", image[16:24])
    pixels = zlib.decompress(image[image.index(b"IDAT") + 4 : image.index(b"IEND") - 8])
    assert (image[:8], size, len(pixels)) == (b"\x89PNG\r\n\x1a\n", (60, 30), 30 * (1 + 3 * 60))


def test_the_history_of_an_alarm_has_its_transitions_the_newest_first(slow: Any) -> None:
    for state in ("ALARM", "OK"):
        slow.set_alarm_state(AlarmName="slow", StateValue=state, StateReason=f"it is {state}", StateReasonData="{}")

    newest, oldest = slow.describe_alarm_history(AlarmName="slow", HistoryItemType="StateUpdate")["AlarmHistoryItems"]

    assert newest["HistorySummary"] == "Alarm updated from ALARM to OK"
    assert json.loads(oldest["HistoryData"])["newState"] == {
        "stateValue": "ALARM",
        "stateReason": "it is ALARM",
        "stateReasonData": {},
    }
