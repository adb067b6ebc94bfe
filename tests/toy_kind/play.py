"""Play one job of the invented kind through functions and commands, and print what was seen, as JSON.

Runs in a copy of the project that has the kind. CloudWatch, SQS, SNS and DynamoDB are moto's; SageMaker answers from
here, because moto cannot hold a job in a state.
"""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import boto3
from moto import mock_aws
from typer.testing import CliRunner

ROOT = Path(__file__).parent
NAME = "xgb-churn"
ARN = f"arn:aws:sagemaker:us-east-1:123456789012:edge-packaging-job/{NAME}"
START = datetime.now(UTC) - timedelta(days=1)

job: dict[str, Any] = {
    "EdgePackagingJobName": NAME,
    "EdgePackagingJobArn": ARN,
    "EdgePackagingJobStatus": "INPROGRESS",
    "CreationTime": START,
    "LastModifiedTime": START,
}


def sagemaker_answers() -> None:
    """Have every SageMaker client answer from `job`, and with empty lists of all other kinds."""
    from sagewatch.kinds.registry import KINDS

    answers = {
        "DescribeEdgePackagingJob": lambda: job,
        "ListEdgePackagingJobs": lambda: {
            "EdgePackagingJobSummaries": [job] if job["EdgePackagingJobStatus"] == "INPROGRESS" else []
        },
        "ListTags": lambda: {"Tags": []},
    }
    items = {kind.listing.items: [] for kind in KINDS}
    make = boto3.session.Session.client

    def client(session: Any, service: str, *args: Any, **kwargs: Any) -> Any:
        made = make(session, service, *args, **kwargs)
        if service == "sagemaker":
            made.meta.events.register("before-call", answer)
        return made

    def answer(model: Any, **_: Any) -> Any:
        body = answers.get(model.name, lambda: items)()
        return SimpleNamespace(status_code=200), {**body, "ResponseMetadata": {"HTTPStatusCode": 200}}

    boto3.session.Session.client = client  # type: ignore[method-assign]


def environment() -> str:
    """Make queues, topic and table, name them in the environment, and return the URL of who hears of incidents."""
    sqs, sns = boto3.client("sqs"), boto3.client("sns")
    urls = {name: sqs.create_queue(QueueName=name)["QueueUrl"] for name in ("reconcile", "notify", "inbox")}
    topic = sns.create_topic(Name="alerts")["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint="arn:aws:sqs:us-east-1:123456789012:inbox")
    keys = [{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}]
    by_open = [{"AttributeName": "open", "KeyType": "HASH"}, {"AttributeName": "pk", "KeyType": "RANGE"}]
    boto3.client("dynamodb").create_table(
        TableName="incidents",
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk", "open")],
        KeySchema=keys,
        GlobalSecondaryIndexes=[
            {"IndexName": "open", "KeySchema": by_open, "Projection": {"ProjectionType": "KEYS_ONLY"}}
        ],
    )
    os.environ |= {
        "RECONCILE_QUEUE_URL": urls["reconcile"],
        "NOTIFY_QUEUE_URL": urls["notify"],
        "ALERTS_TOPIC_ARN": topic,
        "INCIDENTS_TABLE": "incidents",
    }
    return str(urls["inbox"])


def batch(*names: str) -> dict[str, Any]:
    """Return what Lambda makes of queue messages with these payloads of events/."""
    bodies = [(ROOT / "events" / f"{name}.json").read_text() for name in names]
    return {"Records": [{"messageId": f"m{n}", "body": b, "eventSource": "aws:sqs"} for n, b in enumerate(bodies)]}


def alarms() -> list[str]:
    """Return the names of the alarms that are there."""
    found = boto3.client("cloudwatch").describe_alarms(AlarmNamePrefix="sagewatch/")["MetricAlarms"]
    return [each["AlarmName"] for each in found]


def received(url: str) -> list[str]:
    """Take the messages out of a queue."""
    return [m["Body"] for m in boto3.client("sqs").receive_message(QueueUrl=url).get("Messages", ())]


def command(*arguments: str) -> Any:
    """Run `sagewatch` and return what it prints, read as JSON."""
    from sagewatch_cli.main import app

    result = CliRunner().invoke(app, [*arguments, "--format", "json"])
    return json.loads(result.stdout) if result.exit_code == 0 else result.output


def played() -> dict[str, Any]:
    """Play the job and return what was seen, by what it is about."""
    sagemaker_answers()
    inbox = environment()
    from functions.notify import app as notify
    from functions.reconcile import app as reconcile
    from functions.sweep import app as sweep

    seen: dict[str, Any] = {}
    sweep.handler({}, None)
    seen["named by a sweep"] = [json.loads(body) for body in received(os.environ["RECONCILE_QUEUE_URL"])]
    seen["reconciled"] = reconcile.handler(batch("edge-packaging-job-in-progress"), None)
    seen["alarms"] = alarms()
    seen["covered"] = command("coverage")
    job["EdgePackagingJobStatus"] = "FAILED"
    seen["torn down"] = reconcile.handler(batch("edge-packaging-job-failed"), None)
    seen["alarms afterwards"] = alarms()
    seen["told"] = notify.handler(batch("edge-packaging-job-failed"), None)
    seen["message"] = received(inbox)
    seen["catalogue"] = command("catalog")
    return seen


if __name__ == "__main__":
    os.environ |= {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b", "AWS_DEFAULT_REGION": "us-east-1"}
    with mock_aws():
        print("SEEN " + json.dumps(played(), default=str))
