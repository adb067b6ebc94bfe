from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from types import ModuleType, SimpleNamespace
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from sagewatch.aws import queue as reconcile_queue
from sagewatch.aws.deadline import Deadline
from sagewatch.aws.policy_store import is_blank
from sagewatch.errors import BadSetting, OutOfTime, Retry
from sagewatch.kinds.kind import Listing
from sagewatch.kinds.registry import KINDS
from sagewatch.model import Ref
from sagewatch.tell.read.alarm_events import notice
from tests.integration.conftest import Fleet, Journal, Queue, alarms, batch, cold_start, incidents_table, log_of
from tests.resources import GPU_HOST, PLAIN_VARIANT, TWO_STEPS

CHURN = {"kind": "endpoint", "name": "churn"}
PIPELINE = {"kind": "pipeline", "name": "churn-train"}
JOB = {"kind": "training-job", "name": "train"}
OURS = "sagewatch/endpoint/churn/AllTraffic/"


@pytest.fixture
def sweep(queue: Queue, journal: Journal) -> ModuleType:
    module = cold_start("sweep")
    journal.watch(module.clients.sagemaker, module.clients.cloudwatch, module.clients.sqs)
    return module


@pytest.fixture
def reconcile(queue: Queue) -> ModuleType:
    return cold_start("reconcile")


def swept(sweep: ModuleType, queue: Queue, event: dict[str, str] | None = None) -> list[dict[str, Any]]:
    sweep.handler(event or {}, None)
    return queue.taken()


def converge(sweep: ModuleType, reconcile: ModuleType, queue: Queue) -> None:
    assert reconcile.handler(batch(*swept(sweep, queue)), None) == {"batchItemFailures": []}


def test_what_existed_before_is_named_and_watched(
    sweep: ModuleType, reconcile: ModuleType, queue: Queue, fleet: Fleet
) -> None:
    fleet.endpoint()
    fleet.pipeline()
    fleet.training_job()

    named = swept(sweep, queue)
    reconcile.handler(batch(*named), None)

    assert sorted(map(str, named)) == sorted(map(str, [CHURN, PIPELINE, JOB]))
    assert Counter(name.split("/")[1] for name in alarms()) == {
        "endpoint": len(PLAIN_VARIANT),
        "pipeline": TWO_STEPS,
        "training-job": len(GPU_HOST),
    }


def test_a_fleet_in_order_is_left_in_peace(
    sweep: ModuleType, reconcile: ModuleType, queue: Queue, fleet: Fleet, journal: Journal
) -> None:
    fleet.endpoint()
    fleet.pipeline()
    converge(sweep, reconcile, queue)
    journal.taken()

    assert swept(sweep, queue) == []
    lists = [
        f"List{camel(listing)}"
        for kind in KINDS
        for listing in (kind.listing if kind.specs else None, kind.failures)
        if listing
        for _ in listing.filters
    ]
    assert journal.taken() == [*lists, "DescribeAlarms"]


def test_a_sweep_that_cannot_list_all_alarms_in_time_says_so_and_names_nobody(
    sweep: ModuleType, queue: Queue, fleet: Fleet
) -> None:
    fleet.endpoint()
    ends_soon = Deadline(lambda: 54_999)

    with pytest.raises(OutOfTime, match="54999 ms are left"):
        sweep.sweep(sweep.clients, sweep.settings, sweep.store, datetime.now(UTC), full=False, deadline=ends_soon)

    assert queue.taken() == []


def camel(listing: Listing) -> str:
    return "".join({"ml": "ML", "ai": "AI"}.get(part, part.title()) for part in listing.operation.split("_")[1:])


def test_a_failure_that_no_event_tells_is_told(sweep: ModuleType, queue: Queue) -> None:
    failed = {
        "InferenceComponentName": "llm",
        "InferenceComponentArn": "arn:aws:sagemaker:us-east-1:123456789012:inference-component/llm",
        "LastModifiedTime": datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
    }

    def listed(parsed: dict[str, Any] | None = None, params: Any = None, **_: Any) -> Any:
        items = [failed] if "Failed" in json.dumps(params["body"].decode()) else []
        return SimpleNamespace(status_code=200), {"InferenceComponents": items, "ResponseMetadata": {}}

    events = sweep.clients.sagemaker.meta.events
    events.register_first("before-call.sagemaker.ListInferenceComponents", listed)

    sweep.handler({}, None)

    [told] = Queue("notify").taken()
    found = notice("sagewatch", told)
    assert found is not None
    assert (found.title, found.labels.ref) == ("Inference component failed", Ref("inference-component", "llm"))
    assert (
        found.key == "arn:aws:sagemaker:us-east-1:123456789012:inference-component/llm/failed/2026-01-02T03:04:05+00:00"
    )


def refused(operation: str, code: str) -> Any:
    """Return a handler of botocore's `before-call` by which SageMaker refuses an operation."""
    body = {"Error": {"Code": code, "Message": "The requested operation is not supported in the called region."}}
    return lambda **_: (SimpleNamespace(status_code=400), {**body, "ResponseMetadata": {"HTTPStatusCode": 400}})


def test_a_list_of_failures_that_the_region_does_not_have_hinders_no_other(
    sweep: ModuleType, queue: Queue, fleet: Fleet
) -> None:
    fleet.endpoint()
    events = sweep.clients.sagemaker.meta.events
    for operation in ("ListAIBenchmarkJobs", "ListJobs"):
        events.register_first(f"before-call.sagemaker.{operation}", refused(operation, "UnknownOperationException"))

    assert [each["name"] for each in swept(sweep, queue)] == ["churn"]
    [told] = Queue("notify").taken()
    found = notice("sagewatch", told)
    assert found is not None
    assert found.key == "sweep/unlisted/ai-benchmark-job,sagemaker-job"
    assert found.title.startswith("resources of the kinds ai-benchmark-job, sagemaker-job cannot be listed")
    assert "list_ai_benchmark_jobs: " in found.reason
    assert "list_jobs: " in found.reason
    assert found.advice.endswith("`ignore: [{kind: ai-benchmark-job}, {kind: sagemaker-job}]` into the policy.")


def test_a_benchmark_that_ended_lately_is_told_however_long_ago_it_began(sweep: ModuleType) -> None:
    """ListAIBenchmarkJobs can be asked for what was created lately, not for what ended."""
    now = datetime.now(UTC)
    asked: list[dict[str, Any]] = []

    def job(name: str, ended: timedelta) -> dict[str, Any]:
        arn = f"arn:aws:sagemaker:us-east-1:123456789012:ai-benchmark-job/{name}"
        return {"AIBenchmarkJobName": name, "AIBenchmarkJobArn": arn, "EndTime": now - ended, "CreationTime": now}

    def listed(params: Any, **_: Any) -> Any:
        asked.append(json.loads(params["body"]))
        jobs = [job("late", timedelta(minutes=5)), job("early", timedelta(hours=3))]
        return SimpleNamespace(status_code=200), {"AIBenchmarkJobs": jobs, "ResponseMetadata": {}}

    sweep.clients.sagemaker.meta.events.register_first("before-call.sagemaker.ListAIBenchmarkJobs", listed)

    sweep.handler({}, None)

    assert [told["detail"]["name"] for told in Queue("notify").taken()] == ["late"]
    assert [(each["StatusEquals"], now.timestamp() - each["CreationTimeAfter"] > 28 * 86400) for each in asked] == [
        ("Failed", True)
    ]


def test_a_full_sweep_names_everybody(sweep: ModuleType, reconcile: ModuleType, queue: Queue, fleet: Fleet) -> None:
    fleet.endpoint()
    fleet.pipeline()
    converge(sweep, reconcile, queue)

    assert swept(sweep, queue, {"mode": "full"}) == [CHURN, PIPELINE]


def test_a_deleted_and_an_edited_alarm_are_repaired(
    sweep: ModuleType, reconcile: ModuleType, queue: Queue, fleet: Fleet
) -> None:
    fleet.endpoint("churn")
    fleet.endpoint("other")
    converge(sweep, reconcile, queue)
    before = {name: alarm["Threshold"] for name, alarm in alarms().items()}
    client = boto3.client("cloudwatch")
    client.delete_alarms(AlarmNames=[f"{OURS}latency-p99"])
    client.put_metric_alarm(
        AlarmName="sagewatch/endpoint/other/AllTraffic/cpu",
        AlarmDescription=alarms()["sagewatch/endpoint/other/AllTraffic/cpu"]["AlarmDescription"],
        Namespace="/aws/sagemaker/Endpoints",
        MetricName="CPUUtilization",
        Statistic="Average",
        Period=60,
        EvaluationPeriods=1,
        Threshold=100_000,
        ComparisonOperator="GreaterThanThreshold",
    )

    converge(sweep, reconcile, queue)

    assert {name: alarm["Threshold"] for name, alarm in alarms().items()} == before
    assert swept(sweep, queue) == []


def test_orphans_are_removed_after_each_is_proven_gone(
    sweep: ModuleType, reconcile: ModuleType, queue: Queue, fleet: Fleet
) -> None:
    fleet.endpoint("churn")
    fleet.endpoint("churn-v2")
    fleet.training_job()
    converge(sweep, reconcile, queue)
    fleet.sagemaker.delete_endpoint(EndpointName="churn")
    fleet.set_training_job("train", "Completed")

    named = swept(sweep, queue)
    reconcile.handler(batch(*named), None)

    assert named == [CHURN, JOB]
    assert {name.split("/")[2] for name in alarms()} == {"churn-v2"}


def test_an_empty_list_deletes_nothing(sweep: ModuleType, reconcile: ModuleType, queue: Queue, fleet: Fleet) -> None:
    fleet.endpoint()
    converge(sweep, reconcile, queue)

    def forgets(parsed: dict[str, Any], **_: Any) -> None:
        parsed["Endpoints"] = []

    sweep.clients.sagemaker.meta.events.register("after-call.sagemaker.ListEndpoints", forgets)
    named = swept(sweep, queue)
    reconcile.handler(batch(*named), None)

    assert named == [CHURN]
    assert len(alarms()) == len(PLAIN_VARIANT)


def _refused(sweep: ModuleType, code: str) -> None:
    def refused(**_: Any) -> None:
        raise ClientError({"Error": {"Code": code, "Message": "no"}}, "ListPipelines")

    sweep.clients.sagemaker.meta.events.register("before-call.sagemaker.ListPipelines", refused)


def test_a_list_that_cannot_be_read_surfaces_after_the_others_were_swept(
    sweep: ModuleType, queue: Queue, fleet: Fleet
) -> None:
    fleet.endpoint()
    fleet.pipeline()
    _refused(sweep, "ThrottlingException")

    with pytest.raises(Retry, match=r"^Not all could be listed: list_pipelines: .*Throttling"):
        sweep.handler({}, None)
    assert queue.taken() == [CHURN]


@pytest.mark.parametrize("code", ["AccessDeniedException", "UnknownOperationException"])
def test_a_kind_that_cannot_be_listed_here_is_told_and_fails_no_sweep(
    sweep: ModuleType, queue: Queue, fleet: Fleet, code: str
) -> None:
    fleet.endpoint()
    fleet.pipeline()
    _refused(sweep, code)

    assert swept(sweep, queue) == [CHURN]
    found = [notice("sagewatch", each) for each in Queue("notify").taken()]
    assert [(each.key, each.state) for each in found if each] == [("sweep/unlisted/pipeline", "failed")]


def test_alarms_under_our_prefix_that_are_not_ours_are_reported_and_never_named(
    sweep: ModuleType, queue: Queue
) -> None:
    log = log_of(sweep)
    boto3.client("cloudwatch").put_metric_alarm(
        AlarmName="sagewatch/mine",
        AlarmDescription="[sagewatch kind=endpoint resource=churn scope=AllTraffic alarm=cpu]",
        Namespace="n",
        MetricName="m",
        Statistic="Sum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=1,
        ComparisonOperator="GreaterThanThreshold",
    )

    assert swept(sweep, queue, {"mode": "full"}) == []
    assert log[-1]["foreign"] == ["sagewatch/mine"]


def test_a_queue_that_refuses_a_message_surfaces(queue: Queue) -> None:
    client = boto3.client("sqs")

    def refused(parsed: dict[str, Any], **_: Any) -> None:
        parsed["Failed"] = [{"Id": "0", "Code": "InternalError", "SenderFault": False, "Message": "try later"}]

    client.meta.events.register("after-call.sqs.SendMessageBatch", refused)

    with pytest.raises(Retry, match="1 of 1 refused, first try later"):
        reconcile_queue.name(client, queue.url, [Ref("endpoint", "churn")])


def test_every_message_of_a_large_fleet_arrives(queue: Queue) -> None:
    refs = [Ref("endpoint", f"churn-{n}") for n in range(23)]

    reconcile_queue.name(boto3.client("sqs"), queue.url, refs)

    assert sorted(body["name"] for body in queue.taken()) == sorted(ref.name for ref in refs)


def test_without_its_queue_the_function_does_not_start(monkeypatch: pytest.MonkeyPatch, queue: Queue) -> None:
    monkeypatch.delenv("RECONCILE_QUEUE_URL")

    with pytest.raises(BadSetting, match=r"^RECONCILE_QUEUE_URL is not set"):
        cold_start("sweep")


POLICY = "/sagewatch/sagewatch/policy"


@pytest.fixture
def governed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A stack with a policy and a table, as the template makes them."""
    monkeypatch.setenv("POLICY_PARAMETER", POLICY)
    monkeypatch.setenv("INCIDENTS_TABLE", incidents_table())


def govern(text: str) -> None:
    boto3.client("ssm").put_parameter(Name=POLICY, Value=text, Type="String", Overwrite=True)


def mute_rules_of(client: Any) -> dict[str, Any]:
    """Play CloudWatch's mute rules, which moto lacks, and return them by name."""
    rules: dict[str, Any] = {}
    beginning = "arn:aws:cloudwatch:us-east-1:123456789012:alarm-mute-rule:"
    answers = {
        "PutAlarmMuteRule": lambda given: rules.update({given["Name"]: given}) or {},
        "DeleteAlarmMuteRule": lambda given: rules.pop(given["AlarmMuteRuleName"]) and {},
        "ListAlarmMuteRules": lambda _: {
            "AlarmMuteRuleSummaries": [{"AlarmMuteRuleArn": beginning + name} for name in rules]
        },
    }

    def given(params: Any, context: dict[str, Any], **_: Any) -> None:
        context["given"] = dict(params)

    def answered(model: Any, context: dict[str, Any], **_: Any) -> Any:
        said = answers[model.name](context["given"])
        return SimpleNamespace(status_code=200), {**said, "ResponseMetadata": {"HTTPStatusCode": 200}}

    for operation in answers:
        client.meta.events.register(f"before-parameter-build.cloudwatch.{operation}", given)
        client.meta.events.register(f"before-call.cloudwatch.{operation}", answered)
    return rules


def test_a_changed_policy_is_followed_by_those_whom_it_concerns(
    governed: None, sweep: ModuleType, reconcile: ModuleType, queue: Queue, fleet: Fleet
) -> None:
    sweep, reconcile = cold_start("sweep"), cold_start("reconcile")
    mute_rules_of(sweep.clients.cloudwatch)
    fleet.endpoint("churn")
    fleet.endpoint("other")
    converge(sweep, reconcile, queue)
    govern("alarms: [{resource: ch*, alarm: latency-p99, threshold: 2s}, {alarm: cpu, off: true, tags: {env: dev}}]")

    named = swept(sweep, queue)
    reconcile.handler(batch(*named), None)

    assert sorted(each["name"] for each in named) == ["churn", "other"]
    assert alarms()[f"{OURS}latency-p99"]["Threshold"] == 2_000_000
    assert swept(sweep, queue) == []


def test_under_a_broken_policy_the_last_good_one_is_followed_and_people_are_told_once(
    governed: None, sweep: ModuleType, queue: Queue, fleet: Fleet
) -> None:
    sweep, reconcile = cold_start("sweep"), cold_start("reconcile")
    mute_rules_of(sweep.clients.cloudwatch)
    fleet.endpoint("churn")
    govern("alarms: [{kind: endpoint, alarm: latency-p99, threshold: 2s}]")
    converge(sweep, reconcile, queue)
    govern("alarms: [{kind: endpoint, alarm: latency, threshold: 2s}]")
    fleet.endpoint("newer")

    reconcile.handler(batch(*swept(sweep, queue)), None)
    sweep.handler({}, None)

    assert alarms()[f"{OURS}latency-p99"]["Threshold"] == 2_000_000
    assert alarms()["sagewatch/endpoint/newer/AllTraffic/latency-p99"]["Threshold"] == 2_000_000
    told = [each for each in Queue("notify").taken() if each["detail-type"] == "Sagewatch Policy Broken"]
    assert len({found.key for each in told if (found := notice("sagewatch", each))}) == 1
    assert "`latency` is no alarm of endpoint" in told[0]["detail"]["faults"][0]


def test_rows_that_the_budget_has_no_room_for_give_way_by_severity_and_come_back(
    governed: None, sweep: ModuleType, queue: Queue, fleet: Fleet
) -> None:
    sweep, reconcile = cold_start("sweep"), cold_start("reconcile")
    mute_rules_of(sweep.clients.cloudwatch)
    fleet.endpoint("churn")
    converge(sweep, reconcile, queue)
    whole = set(alarms())
    govern("budget: 1.8")

    converge(sweep, reconcile, queue)
    kept = alarms()
    again = swept(sweep, queue)
    govern("budget: 100")
    converge(sweep, reconcile, queue)

    severities = Counter(
        spec.split("severity=")[1].split()[0] for spec in (a["AlarmDescription"] for a in kept.values())
    )
    assert len(kept) < len(whole)
    assert severities["critical"] == sum("severity=critical" in a["AlarmDescription"] for a in alarms().values())
    assert again == []
    assert set(alarms()) == whole


def test_rows_that_gave_way_come_back_with_the_full_sweep_when_the_fleet_has_shrunk(
    governed: None, sweep: ModuleType, queue: Queue, fleet: Fleet
) -> None:
    sweep, reconcile = cold_start("sweep"), cold_start("reconcile")
    mute_rules_of(sweep.clients.cloudwatch)
    for name in ("churn", "one", "two"):
        fleet.endpoint(name)
    converge(sweep, reconcile, queue)
    whole = {name for name in alarms() if name.startswith(OURS)}
    govern("budget: 4.8")
    converge(sweep, reconcile, queue)
    for name in ("one", "two"):
        fleet.sagemaker.delete_endpoint(EndpointName=name)
    converge(sweep, reconcile, queue)
    before = set(alarms())

    reconcile.handler(batch(*swept(sweep, queue, {"mode": "full"})), None)

    assert before < whole
    assert set(alarms()) == whole
    assert swept(sweep, queue) == []


def test_windows_of_the_policy_are_mute_rules_and_go_with_it(
    governed: None, sweep: ModuleType, queue: Queue, fleet: Fleet
) -> None:
    sweep, reconcile = cold_start("sweep"), cold_start("reconcile")
    rules = mute_rules_of(sweep.clients.cloudwatch)
    fleet.endpoint("churn")
    converge(sweep, reconcile, queue)
    govern("mute: [{name: night, match: {severity: critical}, schedule: cron(0 2 * * *), duration: 2h}]")

    sweep.handler({}, None)
    made = dict(rules)
    sweep.handler({}, None)
    unchanged = dict(rules)
    govern("budget: 1000")
    sweep.handler({}, None)

    [rule] = made.values()
    assert rule["Rule"]["Schedule"] == {"Expression": "cron(0 2 * * *)", "Duration": "PT2H", "Timezone": "UTC"}
    assert all("severity=critical" in alarms()[name]["AlarmDescription"] for name in rule["MuteTargets"]["AlarmNames"])
    assert (unchanged, rules) == (made, {})


def test_a_sweep_makes_the_policy_where_there_is_none_and_never_writes_over_one(
    governed: None, sweep: ModuleType, queue: Queue
) -> None:
    sweep = cold_start("sweep")
    mute_rules_of(sweep.clients.cloudwatch)
    ssm = boto3.client("ssm")

    sweep.handler({}, None)
    made = ssm.get_parameter(Name=POLICY)["Parameter"]
    sweep.handler({}, None)
    govern("budget: 1000")
    sweep.handler({"mode": "full"}, None)

    written = [each["Value"] for each in ssm.get_parameter_history(Name=POLICY)["Parameters"]]
    assert (made["Version"], is_blank(made["Value"])) == (1, True)
    assert written == [made["Value"], "budget: 1000"]


def test_what_was_pushed_while_a_sweep_ran_stays(governed: None, sweep: ModuleType, queue: Queue) -> None:
    sweep = cold_start("sweep")
    mute_rules_of(sweep.clients.cloudwatch)
    sweep.store.read()
    govern("budget: 1000")

    assert sweep.store.make_if_missing() is False
    assert boto3.client("ssm").get_parameter(Name=POLICY)["Parameter"]["Value"] == "budget: 1000"


def test_a_sweep_that_may_not_make_the_policy_does_its_work(
    governed: None, sweep: ModuleType, queue: Queue, fleet: Fleet
) -> None:
    sweep = cold_start("sweep")
    mute_rules_of(sweep.clients.cloudwatch)
    log = log_of(sweep)
    fleet.endpoint("churn")

    def refused(**_: Any) -> None:
        raise ClientError({"Error": {"Code": "AccessDeniedException", "Message": "no"}}, "PutParameter")

    sweep.store.clients.ssm.meta.events.register("before-call.ssm.PutParameter", refused)

    assert swept(sweep, queue) == [{"kind": "endpoint", "name": "churn"}]
    assert "could not make the policy" in {line["message"] for line in log}
