from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from types import ModuleType, SimpleNamespace
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from botocore.stub import Stubber

from sagewatch.aws import cloudwatch, sagemaker
from sagewatch.aws.clients import Clients
from sagewatch.aws.retries import PATIENT
from sagewatch.aws.sagemaker import AccountReader
from sagewatch.errors import BadSetting, Retry, Undeliverable
from sagewatch.kinds.kind import Kind, describe
from sagewatch.kinds.registry import KINDS, kind
from sagewatch.model import Ref
from sagewatch.watch.reconcile import reconcile
from tests.integration.conftest import Fleet, Journal, Queue, alarms, batch, cold_start, log_of
from tests.payloads import event
from tests.resources import PLAIN_VARIANT, TWO_STEPS

CHURN = Ref("endpoint", "churn")
OURS = "sagewatch/endpoint/churn/"


@pytest.fixture
def app(journal: Journal) -> ModuleType:
    module = cold_start("reconcile")
    journal.watch(module.clients.sagemaker, module.clients.cloudwatch)
    return module


def run(app: ModuleType, *bodies: Any, left: int = 60_000) -> list[str]:
    """Hand the messages to the function and return the ids of those that failed."""
    context = SimpleNamespace(get_remaining_time_in_millis=lambda: left)
    return [each["itemIdentifier"] for each in app.handler(batch(*bodies), context)["batchItemFailures"]]


def refuse(client: Any, operation: str, code: str, message: str = "no") -> Callable[[], None]:
    """Make an operation fail as AWS would; returns what ends it."""
    error = {"Error": {"Code": code, "Message": message}}

    def answer(**_: Any) -> None:
        raise ClientError(error, operation)  # type: ignore[arg-type]

    client.meta.events.register(f"before-call.*.{operation}", answer)
    return lambda: client.meta.events.unregister(f"before-call.*.{operation}", answer)


def test_a_new_endpoint_costs_five_reads_one_put_an_alarm_and_one_look_again(
    app: ModuleType, fleet: Fleet, journal: Journal
) -> None:
    fleet.endpoint()

    failed = run(app, event("endpoint-in-service"))

    calls = Counter(journal.taken())
    puts = calls.pop("PutMetricAlarm")
    assert failed == []
    assert puts == len(alarms(OURS)) == len(PLAIN_VARIANT)
    reads = {"DescribeEndpointConfig": 1, "DescribeModel": 1, "DescribeAlarms": 1}
    assert calls == {"DescribeEndpoint": 2, "ListTags": 2, **reads}


def test_an_event_about_an_unchanged_endpoint_writes_nothing(app: ModuleType, fleet: Fleet, journal: Journal) -> None:
    fleet.endpoint()
    run(app, event("endpoint-in-service"))
    journal.taken()

    run(app, event("endpoint-updating"))

    # The alarms are read before the rest: what they look at counts as listed.
    assert journal.taken() == [
        "DescribeEndpoint",
        "DescribeAlarms",
        "DescribeEndpointConfig",
        "DescribeModel",
        "ListTags",
    ]


def test_teardown_costs_three_calls_two_lists_of_deployments_and_one_look_again(
    app: ModuleType, fleet: Fleet, journal: Journal
) -> None:
    fleet.endpoint()
    run(app, event("endpoint-in-service"))
    fleet.sagemaker.delete_endpoint(EndpointName="churn")
    journal.taken()

    run(app, event("endpoint-deleted"))

    lists = ["ListEndpoints", "ListInferenceComponents"]
    assert journal.taken() == ["DescribeEndpoint", "DescribeAlarms", *lists, "DeleteAlarms", "DescribeEndpoint"]
    assert alarms() == {}


def test_each_further_endpoint_that_goes_in_a_batch_costs_four_calls(
    app: ModuleType, fleet: Fleet, journal: Journal
) -> None:
    messages = [{"kind": "endpoint", "name": f"e{number}"} for number in range(5)]
    for each in messages:
        fleet.endpoint(each["name"])
    run(app, *messages)
    for each in messages:
        fleet.sagemaker.delete_endpoint(EndpointName=each["name"])
    journal.taken()

    run(app, *messages)

    lists = ["ListEndpoints", "ListInferenceComponents"]
    teardown = ["DescribeEndpoint", "DescribeAlarms", "DeleteAlarms", "DescribeEndpoint"]
    assert Counter(journal.taken()) == Counter([*lists, *teardown * 5])
    assert alarms() == {}


def test_a_resource_that_is_named_five_times_in_a_batch_is_looked_at_once(
    app: ModuleType, fleet: Fleet, journal: Journal
) -> None:
    fleet.endpoint()

    run(app, *[event("endpoint-in-service")] * 5)

    assert journal.taken().count("DescribeEndpointConfig") == 1


def test_late_repeated_and_reordered_events_write_nothing_more(app: ModuleType, fleet: Fleet, journal: Journal) -> None:
    fleet.endpoint()
    run(app, event("endpoint-in-service"))
    fleet.sagemaker.delete_endpoint(EndpointName="churn")
    run(app, event("endpoint-deleted"))
    journal.taken()

    late = ("endpoint-deleting", "endpoint-deleted", "endpoint-in-service", "endpoint-deleting", "endpoint-creating")
    for name in late:
        assert run(app, event(name)) == []

    assert {call for call in journal.taken() if not call.startswith("Describe")} == set()
    assert alarms() == {}


def test_a_neighbour_whose_name_extends_ours_keeps_its_alarms(app: ModuleType, fleet: Fleet) -> None:
    fleet.endpoint("churn")
    fleet.endpoint("churn-v2")
    run(app, {"kind": "endpoint", "name": "churn"}, {"kind": "endpoint", "name": "churn-v2"})
    fleet.sagemaker.delete_endpoint(EndpointName="churn")

    run(app, event("endpoint-deleted"))

    assert alarms(OURS) == {}
    assert len(alarms("sagewatch/endpoint/churn-v2/")) == len(PLAIN_VARIANT)


def test_new_variants_and_instance_types_are_followed(app: ModuleType, fleet: Fleet) -> None:
    fleet.endpoint(variants={"blue": "ml.m5.xlarge", "kept": "ml.m5.xlarge"})
    run(app, event("endpoint-in-service"))
    before = alarms(OURS)

    fleet.endpoint(variants={"green": "ml.p3.8xlarge", "kept": "ml.m5.4xlarge"})
    run(app, event("endpoint-in-service"))

    after = alarms(OURS)
    assert {name.split("/")[3] for name in after} == {"green", "kept"}
    assert before[f"{OURS}kept/cpu"]["Threshold"] == 90 * 4
    assert after[f"{OURS}kept/cpu"]["Threshold"] == 90 * 16
    assert after[f"{OURS}green/gpu"]["Threshold"] == 95 * 4


def test_a_change_rewrites_only_the_alarms_that_it_changes(app: ModuleType, fleet: Fleet, journal: Journal) -> None:
    fleet.endpoint(variants={"AllTraffic": "ml.m5.xlarge"})
    run(app, event("endpoint-in-service"))
    journal.taken()

    fleet.endpoint(variants={"AllTraffic": "ml.m5.4xlarge"})
    run(app, event("endpoint-in-service"))

    # The threshold of cpu, and the price that idle tells.
    assert Counter(journal.taken())["PutMetricAlarm"] == 2


def test_a_resource_with_120_alarms_leaves_no_orphan(app: ModuleType, fleet: Fleet, journal: Journal) -> None:
    fleet.pipeline(steps=tuple(f"step-{n}" for n in range(117)))
    run(app, event("cloudtrail-create-pipeline"))
    assert len(alarms("sagewatch/pipeline/churn-train/")) == 120
    fleet.sagemaker.delete_pipeline(PipelineName="churn-train", ClientRequestToken="x" * 32)
    journal.taken()

    run(app, event("cloudtrail-delete-pipeline"))

    assert alarms() == {}
    deletes = ["DeleteAlarms", "DeleteAlarms"]
    assert journal.taken() == ["DescribePipeline", "DescribeAlarms", *deletes, "DescribePipeline"]


def test_a_pipeline_that_nobody_announced_is_watched_from_its_first_execution(app: ModuleType, fleet: Fleet) -> None:
    fleet.pipeline()

    run(app, event("pipeline-executing"))

    assert set(alarms()) == {
        "sagewatch/pipeline/churn-train/all/executions-failed",
        "sagewatch/pipeline/churn-train/all/executions-stopped",
        "sagewatch/pipeline/churn-train/all/execution-duration",
        "sagewatch/pipeline/churn-train/Prepare/step-failed",
        "sagewatch/pipeline/churn-train/Train/step-failed",
    }


@pytest.mark.parametrize("end", ["Completed", "Failed", "Stopped"])
def test_a_training_job_is_watched_until_its_end(app: ModuleType, fleet: Fleet, end: str) -> None:
    fleet.training_job("xgb-churn", hosts=12)
    run(app, event("training-job-in-progress"))
    watched = set(alarms())
    fleet.set_training_job("xgb-churn", end)

    run(app, event("training-job-completed"))

    rows = ("memory", "disk", "gpu-memory", "gpu-stalled")
    hosts = ("algo-1-10", "algo-11-12")
    assert watched == {f"sagewatch/training-job/xgb-churn/{group}/{row}" for group in hosts for row in rows}
    assert alarms() == {}


def test_an_endpoint_that_still_is_but_is_being_deleted_is_torn_down(fleet: Fleet) -> None:
    fleet.endpoint()
    clients = Clients(PATIENT, sagemaker=boto3.client("sagemaker"), cloudwatch=boto3.client("cloudwatch"))
    reconcile(clients, "sagewatch", CHURN)

    def deleting(parsed: dict[str, Any], **_: Any) -> None:
        parsed["EndpointStatus"] = "Deleting"

    clients.sagemaker.meta.events.register("after-call.sagemaker.DescribeEndpoint", deleting)
    outcome = reconcile(clients, "sagewatch", CHURN)

    assert (outcome.live, outcome.deleted) == (False, len(PLAIN_VARIANT))
    assert alarms() == {}


@pytest.mark.parametrize(
    ("operation", "code"),
    [
        ("DescribeEndpoint", "AccessDeniedException"),
        ("DescribeEndpoint", "ThrottlingException"),
        ("DescribeEndpoint", "ValidationException"),
        ("DescribeEndpointConfig", "AccessDeniedException"),
        ("ListTags", "AccessDeniedException"),
        ("DescribeAlarms", "AccessDenied"),
    ],
)
def test_a_resource_that_cannot_be_read_keeps_its_alarms_and_the_message_comes_back(
    app: ModuleType, fleet: Fleet, operation: str, code: str
) -> None:
    fleet.endpoint()
    run(app, event("endpoint-in-service"))
    for client in (app.clients.sagemaker, app.clients.cloudwatch):
        refuse(client, operation, code)

    failed = run(app, event("endpoint-deleted"), "not json", {"kind": "pipeline", "name": "none"})

    assert "m0" in failed
    assert "m1" in failed
    assert len(alarms(OURS)) == len(PLAIN_VARIANT)


def test_the_rest_of_a_batch_is_done_when_one_message_fails(app: ModuleType, fleet: Fleet) -> None:
    fleet.endpoint()
    fleet.pipeline()

    failed = run(
        app,
        "not json",
        event("endpoint-in-service"),
        {"kind": "endpoints", "name": "churn"},
        {"detail-type": "SageMaker Model Card State Change", "detail": {}},
        event("cloudtrail-create-pipeline"),
        event("cloudtrail-create-pipeline-denied"),
    )

    assert failed == ["m0", "m2", "m3"]
    assert len(alarms(OURS)) == len(PLAIN_VARIANT)
    assert len(alarms("sagewatch/pipeline/")) == TWO_STEPS


def test_a_failure_is_logged_with_the_resource_and_the_reason(app: ModuleType) -> None:
    log = log_of(app)
    refuse(app.clients.sagemaker, "DescribeEndpoint", "AccessDeniedException", "not authorized to perform this")

    run(app, event("endpoint-in-service"))

    [line] = [line for line in log if line["level"] == "WARNING"]
    assert (line["ref"], line["message_id"]) == ("endpoint/churn", "m0")
    assert (line["error"], "exception" in line) == ("NotAllowed", False)
    assert line["reason"].startswith("describe_endpoint churn: ")
    assert "not authorized to perform this" in line["reason"]


def test_every_message_about_a_resource_that_failed_comes_back(app: ModuleType, journal: Journal) -> None:
    refuse(app.clients.sagemaker, "DescribeEndpoint", "AccessDeniedException")

    failed = run(app, event("endpoint-in-service"), event("endpoint-updating"))

    assert failed == ["m0", "m1"]
    assert journal.taken() == ["DescribeEndpoint"]


def ends_after_three_puts(app: ModuleType) -> SimpleNamespace:
    """Return the context of an invocation of which little time is left once three alarms were put."""
    put: list[object] = []
    app.clients.cloudwatch.meta.events.register("before-call.cloudwatch.PutMetricAlarm", lambda **_: put.append(1))
    return SimpleNamespace(get_remaining_time_in_millis=lambda: 60_000 if len(put) < 3 else 100)


def test_what_ran_out_of_time_is_sent_anew_and_is_no_failure(queue: Queue, fleet: Fleet) -> None:
    app = cold_start("reconcile")
    fleet.endpoint()
    fleet.pipeline()

    answer = app.handler(
        batch(event("endpoint-in-service"), event("cloudtrail-create-pipeline")), ends_after_three_puts(app)
    )

    assert answer == {"batchItemFailures": []}
    assert queue.taken() == [{"kind": "endpoint", "name": "churn"}, {"kind": "pipeline", "name": "churn-train"}]
    assert len(alarms(OURS)) == 3


def test_what_makes_no_progress_in_a_whole_invocation_fails(queue: Queue, fleet: Fleet) -> None:
    app = cold_start("reconcile")
    fleet.endpoint()

    failed = run(app, event("endpoint-in-service"), left=100)

    assert (failed, queue.taken()) == (["m0"], [])


def test_alarms_that_are_refused_stop_no_others_and_are_one_error_of_the_log(app: ModuleType, fleet: Fleet) -> None:
    fleet.endpoint()
    log = log_of(app)
    refused = f"{OURS}AllTraffic/errors-4xx"

    def answer(params: dict[str, Any], **_: Any) -> None:
        if params["AlarmName"] == refused:
            error = {"Error": {"Code": "ValidationError", "Message": "Invalid region in the action ARN"}}
            raise ClientError(error, "PutMetricAlarm")  # type: ignore[arg-type]

    app.clients.cloudwatch.meta.events.register("provide-client-params.cloudwatch.PutMetricAlarm", answer)
    failed = run(app, event("endpoint-in-service"))

    [line] = [line for line in log if line["level"] == "ERROR"]
    assert failed == []
    assert len(alarms(OURS)) == len(PLAIN_VARIANT) - 1
    assert len(line["refused"]) == 1
    assert line["refused"][0].startswith(f"{refused}: ")
    assert "Invalid region in the action ARN" in line["refused"][0]


def test_what_cannot_be_done_in_time_goes_back_and_is_continued(
    app: ModuleType, fleet: Fleet, journal: Journal
) -> None:
    fleet.endpoint()
    context = ends_after_three_puts(app)

    answer = app.handler(batch(event("endpoint-in-service")), context)
    written = len(alarms(OURS))
    journal.taken()
    again = run(app, event("endpoint-in-service"))

    assert answer == {"batchItemFailures": [{"itemIdentifier": "m0"}]}
    assert written == 3
    assert again == []
    assert Counter(journal.taken())["PutMetricAlarm"] == len(PLAIN_VARIANT) - written


def test_an_endpoint_that_goes_while_its_alarms_are_written_leaves_no_orphan(app: ModuleType, fleet: Fleet) -> None:
    fleet.endpoint()
    once = iter([True])

    def deleted_meanwhile(**_: Any) -> None:
        if next(once, False):
            fleet.sagemaker.delete_endpoint(EndpointName="churn")

    app.clients.cloudwatch.meta.events.register("before-call.cloudwatch.PutMetricAlarm", deleted_meanwhile)
    failed = run(app, event("endpoint-in-service"))

    assert failed == []
    assert alarms() == {}


def test_an_endpoint_that_changes_while_its_alarms_are_written_is_done_again(app: ModuleType, fleet: Fleet) -> None:
    fleet.endpoint(variants={"blue": "ml.m5.xlarge"})
    once = iter([True])

    def changed_meanwhile(**_: Any) -> None:
        if next(once, False):
            fleet.endpoint(variants={"green": "ml.m5.xlarge"})

    app.clients.cloudwatch.meta.events.register("before-call.cloudwatch.PutMetricAlarm", changed_meanwhile)
    run(app, event("endpoint-in-service"))

    assert {name.split("/")[3] for name in alarms(OURS)} == {"green"}


def test_an_endpoint_that_never_settles_goes_back_to_the_queue(app: ModuleType, fleet: Fleet) -> None:
    fleet.endpoint()
    variants = iter("abcdefgh")

    def changed_again(**_: Any) -> None:
        fleet.endpoint(variants={next(variants): "ml.m5.xlarge"})

    app.clients.sagemaker.meta.events.register("before-call.sagemaker.ListTags", changed_again)

    assert run(app, event("endpoint-in-service")) == ["m0"]


def test_disabled_actions_stay_disabled_and_edits_are_mended(app: ModuleType, fleet: Fleet) -> None:
    fleet.endpoint()
    run(app, event("endpoint-in-service"))
    edited = boto3.client("cloudwatch")
    request = {**app.clients.cloudwatch.describe_alarms(AlarmNames=[f"{OURS}AllTraffic/cpu"])["MetricAlarms"][0]}
    fields = app.clients.cloudwatch.meta.service_model.operation_model("PutMetricAlarm").input_shape.members
    request = {name: value for name, value in request.items() if name in fields} | {
        "Threshold": 1.0,
        "ActionsEnabled": False,
    }
    edited.put_metric_alarm(**request)

    run(app, event("alarm-edited"))

    mended = alarms(OURS)[f"{OURS}AllTraffic/cpu"]
    assert (mended["Threshold"], mended["ActionsEnabled"]) == (360.0, False)


def test_an_alarm_of_somebody_else_under_our_prefix_is_left_alone_and_reported(app: ModuleType, fleet: Fleet) -> None:
    log = log_of(app)
    fleet.endpoint()
    boto3.client("cloudwatch").put_metric_alarm(
        AlarmName=f"{OURS}AllTraffic/mine",
        AlarmDescription="my own",
        Namespace="AWS/SageMaker",
        MetricName="Invocations",
        Statistic="Sum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=1,
        ComparisonOperator="GreaterThanThreshold",
    )
    run(app, event("endpoint-in-service"))
    fleet.sagemaker.delete_endpoint(EndpointName="churn")

    run(app, event("endpoint-deleted"))

    assert set(alarms()) == {f"{OURS}AllTraffic/mine"}
    assert [line["foreign"] for line in log] == [[f"{OURS}AllTraffic/mine"]] * 2


def test_only_the_first_put_of_an_alarm_asks_for_a_warm_up(app: ModuleType, fleet: Fleet) -> None:
    warm_ups: list[Any] = []
    app.clients.cloudwatch.meta.events.register(
        "before-parameter-build.cloudwatch.PutMetricAlarm",
        lambda params, **_: warm_ups.append(params.get("WarmUpConfiguration")),
    )
    fleet.endpoint(variants={"AllTraffic": "ml.m5.xlarge"})
    run(app, event("endpoint-in-service"))
    first, warm_ups[:] = list(warm_ups), []
    fleet.endpoint(variants={"AllTraffic": "ml.m5.4xlarge"})

    run(app, event("endpoint-in-service"))

    assert len(first) == len(PLAIN_VARIANT)
    assert {"WarmUpPeriodDurationInMinutes": 45, "OnlyStartEvaluatingAfterWarmUpPeriodEnds": True} in first
    assert all(each["OnlyStartEvaluatingAfterWarmUpPeriodEnds"] is True for each in first)
    assert warm_ups == [None, None]


def test_an_alarm_that_guards_another_endpoint_outlives_its_own_and_goes_with_the_other(
    app: ModuleType, fleet: Fleet
) -> None:
    fleet.endpoint("churn")
    fleet.endpoint("guarded")
    guard = f"{OURS}AllTraffic/latency-p99"

    def rolls_back(parsed: dict[str, Any], **_: Any) -> None:
        if parsed.get("EndpointName") == "guarded":
            parsed["LastDeploymentConfig"] = {"AutoRollbackConfiguration": {"Alarms": [{"AlarmName": guard}]}}

    app.clients.sagemaker.meta.events.register("after-call.sagemaker.DescribeEndpoint", rolls_back)
    both = {"kind": "endpoint", "name": "churn"}, {"kind": "endpoint", "name": "guarded"}
    run(app, *both)
    run(app, *both)
    fleet.sagemaker.delete_endpoint(EndpointName="churn")
    run(app, both[0])
    kept = set(alarms(OURS))
    fleet.sagemaker.delete_endpoint(EndpointName="guarded")
    run(app, *reversed(both))

    assert kept == {guard}
    assert alarms() == {}


def test_tags_of_the_endpoint_shape_its_alarms(app: ModuleType, fleet: Fleet) -> None:
    fleet.endpoint(**{"sagewatch:latency-p99": "800ms", "sagewatch:idle": "off", "team": "fraud"})

    run(app, event("endpoint-in-service"))

    made = alarms(OURS)
    assert made[f"{OURS}AllTraffic/latency-p99"]["Threshold"] == 800_000
    assert f"{OURS}AllTraffic/idle" not in made
    assert all(" team=fraud " in alarm["AlarmDescription"] for alarm in made.values())


def test_a_missing_endpoint_is_told_from_a_bad_request_by_the_words_of_the_api() -> None:
    def gone(code: str, message: str) -> bool:
        return sagemaker.is_gone(ClientError({"Error": {"Code": code, "Message": message}}, "Describe"))

    assert gone("ValidationException", 'Could not find endpoint "arn:aws:sagemaker:us-east-1:1:endpoint/churn".')
    assert gone("ValidationException", "Requested resource not found.")
    assert gone("ResourceNotFound", "Pipeline 'arn:aws:sagemaker:us-east-1:1:pipeline/p' does not exist.")
    assert not gone("ValidationException", "1 validation error detected: Value 'churn!' at 'endpointName' failed")
    assert not gone("AccessDeniedException", "Could not find a policy that allows sagemaker:DescribeEndpoint")
    assert not gone("ThrottlingException", "Rate exceeded")


@pytest.mark.parametrize("each", KINDS, ids=lambda each: each.name)
def test_every_kind_is_gone_when_its_own_describe_says_so(each: Kind) -> None:
    client = boto3.client("sagemaker")
    read = AccountReader.of(client, boto3.client("cloudwatch"))
    with Stubber(client) as stub:
        for _ in each.asked("never-made"):
            stub.add_client_error(each.describe, "ResourceNotFound", "It does not exist.")
        for _ in each.asked("never-made"):
            stub.add_client_error(each.describe, "ValidationException", 'Could not find it "arn:aws:sagemaker:…".')
        stub.add_client_error(each.describe, "AccessDeniedException", "Not authorized.")

        assert describe(read, each, "never-made") is None
        assert describe(read, each, "never-made") is None
        with pytest.raises(Retry, match="Not authorized"):
            describe(read, each, "never-made")


def test_an_alarm_that_went_while_we_deleted_is_looked_at_again() -> None:
    client = boto3.client("cloudwatch")
    with Stubber(client) as stub:
        stub.add_client_error("delete_alarms", "ResourceNotFound", "Alarm not found")

        with pytest.raises(Retry, match="delete_alarms a and 0 more"):
            cloudwatch.delete(client, ["a"])


def test_all_pages_of_alarms_are_read() -> None:
    """Moto answers in one page whatever is asked, so CloudWatch is played by a stub."""
    client = boto3.client("cloudwatch")
    ask = {"AlarmNamePrefix": "sagewatch/", "AlarmTypes": ["MetricAlarm"], "MaxRecords": 100}
    when = "2026-01-02T03:04:05Z"
    with Stubber(client) as stub:
        for page, token in ((range(100), "t"), (range(100, 120), None)):
            answer: dict[str, Any] = {
                "MetricAlarms": [
                    {"AlarmName": f"sagewatch/{n}", "AlarmConfigurationUpdatedTimestamp": when} for n in page
                ]
            }
            stub.add_response(
                "describe_alarms",
                answer | ({"NextToken": token} if token else {}),
                ask | ({} if token else {"NextToken": "t"}),
            )

        found = list(cloudwatch.described(client, "sagewatch/"))

    assert [each.alarm.name for each in found] == [f"sagewatch/{n}" for n in range(120)]


def test_an_unknown_kind_is_refused_before_anything_is_read() -> None:
    assert kind("endpoints") is None
    with pytest.raises(Undeliverable, match="endpoints/churn: this version knows no such kind"):
        reconcile(Clients(PATIENT), "sagewatch", Ref("endpoints", "churn"))


def test_a_malformed_setting_stops_the_function_at_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALARM_PREFIX", "Sage/Watch")

    with pytest.raises(BadSetting, match=r"^ALARM_PREFIX is malformed"):
        cold_start("reconcile")
