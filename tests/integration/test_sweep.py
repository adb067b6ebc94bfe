from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, datetime
from types import ModuleType, SimpleNamespace
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from sagewatch.aws import queue as reconcile_queue
from sagewatch.errors import BadSetting, Retry
from sagewatch.kinds import KINDS
from sagewatch.model import Listing, Ref
from sagewatch.notices import notice
from tests.integration.conftest import Fleet, Journal, Queue, alarms, batch, cold_start, log_of

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
    assert Counter(name.split("/")[1] for name in alarms()) == {"endpoint": 11, "pipeline": 5, "training-job": 4}


def test_a_fleet_in_order_is_left_in_peace(
    sweep: ModuleType, reconcile: ModuleType, queue: Queue, fleet: Fleet, journal: Journal
) -> None:
    fleet.endpoint()
    fleet.pipeline()
    converge(sweep, reconcile, queue)
    journal.taken()

    assert swept(sweep, queue) == []
    lists = [
        f"List{name}" for kind in KINDS if kind.specs for name in [camel(kind.listing)] for _ in kind.listing.filters
    ]
    failures = [f"List{camel(kind.failures)}" for kind in KINDS if kind.failures for _ in kind.failures.filters]
    assert journal.taken() == [*lists, "DescribeAlarms", *failures]


def camel(listing: Listing) -> str:
    return "".join({"ml": "ML"}.get(part, part.title()) for part in listing.operation.split("_")[1:])


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
    assert len(alarms()) == 11


def test_a_list_that_cannot_be_read_surfaces_after_the_others_were_swept(
    sweep: ModuleType, queue: Queue, fleet: Fleet
) -> None:
    fleet.endpoint()
    fleet.pipeline()

    def denied(**_: Any) -> None:
        raise ClientError({"Error": {"Code": "AccessDeniedException", "Message": "no"}}, "ListPipelines")

    sweep.clients.sagemaker.meta.events.register("before-call.sagemaker.ListPipelines", denied)

    with pytest.raises(Retry, match=r"^Not all could be listed: list_pipelines: .*AccessDenied"):
        sweep.handler({}, None)
    assert queue.taken() == [CHURN]


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
