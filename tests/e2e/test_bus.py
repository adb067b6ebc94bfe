"""The bus delivers as EventBridge does."""

from __future__ import annotations

import json

import pytest

from sagewatch_cli.local.doubles.event_bus import may_send, payload
from tests.e2e.world import World

pytestmark = pytest.mark.e2e

EVENT = {"id": "1", "source": "aws.sagemaker", "detail": {"EndpointName": "churn", "Count": 2}}
RULE = "arn:aws:events:us-east-1:123456789012:rule/ours"
QUEUE = "arn:aws:sqs:us-east-1:123456789012:queue"


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ({}, json.dumps(EVENT)),
        ({"Input": "{}"}, "{}"),
        ({"InputPath": "$.detail"}, json.dumps(EVENT["detail"])),
        (
            {
                "InputTransformer": {
                    "InputPathsMap": {"name": "$.detail.EndpointName", "count": "$.detail.Count"},
                    "InputTemplate": '{"kind": "endpoint", "name": <name>, "say": "<name> has <count>", "n": <count>}',
                }
            },
            '{"kind": "endpoint", "name": "churn", "say": "churn has 2", "n": 2}',
        ),
    ],
    ids=["all of it", "a constant", "a part", "a template"],
)
def test_a_target_gets_what_its_input_says(target: dict[str, object], expected: str) -> None:
    assert payload(target, EVENT) == expected


@pytest.mark.parametrize(
    ("statement", "allowed"),
    [
        ({}, True),
        ({"Condition": {"ArnEquals": {"aws:SourceArn": [RULE]}}}, True),
        ({"Condition": {"ArnLike": {"aws:SourceArn": "arn:aws:events:*:123456789012:rule/*"}}}, True),
        ({"Condition": {"ArnEquals": {"aws:SourceArn": ["arn:aws:events:us-east-1:123456789012:rule/other"]}}}, False),
        ({"Resource": "arn:aws:sqs:us-east-1:123456789012:other"}, False),
        ({"Principal": {"Service": "sns.amazonaws.com"}}, False),
        ({"Effect": "Deny"}, False),
    ],
)
def test_a_rule_may_send_to_a_queue_only_if_its_policy_says_so(statement: dict[str, object], allowed: bool) -> None:
    whole = {
        "Effect": "Allow",
        "Principal": {"Service": "events.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": QUEUE,
        **statement,
    }

    assert may_send({"Statement": [whole]}, RULE, QUEUE) is allowed


@pytest.mark.parametrize(
    ("event", "queues"),
    [
        ("endpoint-in-service", {"ReconcileQueue", "NotifyQueue"}),
        ("endpoint-deployment-updating", {"ReconcileQueue"}),
        ("training-job-in-progress", {"ReconcileQueue"}),
        ("training-job-failed", {"ReconcileQueue", "NotifyQueue"}),
        ("pipeline-executing", {"ReconcileQueue"}),
        ("pipeline-failed", {"ReconcileQueue", "NotifyQueue"}),
        ("pipeline-step-failed", {"NotifyQueue"}),
        ("processing-job-in-progress", {"ReconcileQueue"}),
        ("processing-job-failed", {"ReconcileQueue", "NotifyQueue"}),
        ("transform-job-failed", {"ReconcileQueue", "NotifyQueue"}),
        ("tuning-job-in-progress", set()),
        ("tuning-job-failed", {"NotifyQueue"}),
        ("feature-group-active", {"ReconcileQueue"}),
        ("labeling-job-failed", {"ReconcileQueue", "NotifyQueue"}),
        ("monitoring-schedule-violated", {"ReconcileQueue", "NotifyQueue"}),
        ("cluster-failed", {"ReconcileQueue", "NotifyQueue"}),
        ("cluster-node-unhealthy", {"NotifyQueue"}),
        ("notebook-failed", {"NotifyQueue"}),
        ("notebook-in-service", {"NotifyQueue"}),
        ("cloudtrail-create-inference-component", {"ReconcileQueue"}),
        ("cloudtrail-delete-inference-component", {"ReconcileQueue"}),
        ("cloudtrail-create-pipeline", {"ReconcileQueue"}),
        ("cloudtrail-delete-pipeline", {"ReconcileQueue"}),
        ("cloudtrail-update-endpoint", {"ReconcileQueue"}),
        ("cloudtrail-add-tags", {"ReconcileQueue"}),
        ("alarm-firing", {"NotifyQueue"}),
        ("alarm-cleared", {"NotifyQueue"}),
        ("alarm-deleted", {"ReconcileQueue", "NotifyQueue"}),
        ("alarm-edited", {"ReconcileQueue"}),
    ],
)
def test_the_deployed_rules_send_each_event_where_it_is_wanted(world: World, event: str, queues: set[str]) -> None:
    delivered = world.stack.bus.put_event(world.events.load(event))

    arns = {world.arn(queue) for queue in queues}
    assert {delivery.target for delivery in delivered} == arns
    assert [delivery.failure for delivery in delivered] == [None] * len(queues)


@pytest.mark.parametrize(
    ("before", "after", "queues"),
    [
        ("rev=x1f0c9a2b", "rev=y77aa01ce", set()),
        ("rev=y1f0c9a2b.77aa01ce", "rev=x77aa01ce.1f0c9a2b", set()),
        ("rev=x1f0c9a2b", "rev=x1f0c9a2b", {"ReconcileQueue"}),
        ("rev=y1f0c9a2b", "rev=y1f0c9a2b", {"ReconcileQueue"}),
        ("rev=x1f0c9a2b", "", {"ReconcileQueue"}),
        ("rev=x1f0c9a2b", None, {"ReconcileQueue"}),
        (None, "rev=y77aa01ce", {"ReconcileQueue"}),
    ],
    ids=["ours", "ours, back", "an edit of x", "an edit of y", "labels cut off", "no description", "cleared before"],
)
def test_an_update_is_ours_when_the_label_of_the_revision_takes_the_other_turn(
    world: World, before: str | None, after: str | None, queues: set[str]
) -> None:
    def configured(revision: str | None) -> dict[str, str]:
        return {} if revision is None else {"description": f"p99 model latency\n[sagewatch alarm=cpu {revision}]"}

    detail = {"configuration": configured(after), "previousConfiguration": configured(before)}
    delivered = world.stack.bus.put_event(world.events.make("alarm-edited", detail=detail))

    assert {delivery.target for delivery in delivered} == {world.arn(queue) for queue in queues}


@pytest.mark.parametrize("name", ["other/endpoint/churn/AllTraffic/cpu", "sagewatch-other"])
def test_alarms_that_are_not_under_our_prefix_are_none_of_our_business(world: World, name: str) -> None:
    event = world.events.make("alarm-firing", detail={"alarmName": name})

    assert world.stack.bus.put_event(event) == ()
