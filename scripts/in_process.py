"""Play the functions in this process: moto for AWS, a Slack on the loopback address, events made of events/*.json.

For the scripts that measure the code or take its picture. It knows only the contracts that stay: where the handlers
are, their environment, the payloads in events/, and Slack's Web API. So it can play another checkout as well.
"""

from __future__ import annotations

import importlib
import json
import os
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import boto3
from moto import mock_aws
from moto.sagemaker.models import sagemaker_backends

type Json = dict[str, Any]

EVENTS = Path(__file__).parents[1] / "events"
ACCOUNT, REGION, CHANNEL = "123456789012", "us-east-1", "C0ALERTS"
_ROLE = f"arn:aws:iam::{ACCOUNT}:role/service-role/sagemaker"
# What moto does not answer, or answers with an error for a resource that it never saw.
_EMPTY: Mapping[str, Json] = {
    "sagemaker.ListInferenceComponents": {"InferenceComponents": []},
    "sagemaker.ListPipelineExecutionSteps": {"PipelineExecutionSteps": []},
}


@dataclass(slots=True)
class SlackMessage:
    """One message as it reads now, and how it read before each edit."""

    ts: str
    """Slack's id of the message."""

    thread: str
    """`ts` of the message that it answers; empty for a message of the channel itself."""

    at: datetime
    """When it was posted."""

    content: Json
    """`text`, `blocks` and `attachments`, as they were sent."""

    file: bytes = b""
    """The uploaded file that the message shows; empty for all others."""

    before: list[Json] = field(default_factory=list)
    """Earlier contents, oldest first."""


@dataclass(slots=True)
class RecordingSlack:
    """The part of Slack's Web API that a bot uses; `now` is the time at which messages arrive."""

    url: str = ""
    now: datetime = field(default_factory=lambda: datetime.now(UTC))
    messages: dict[str, SlackMessage] = field(default_factory=dict)
    _files: dict[str, bytes] = field(default_factory=dict)

    def answer(self, path: str, given: Json, raw: bytes) -> Json:
        """Do what the method does to the messages, and return Slack's answer."""
        content: Json = {name: given[name] for name in ("text", "blocks", "attachments") if name in given}
        number = f"{len(self.messages) + len(self._files) + 1:06d}"
        match path.removeprefix("/api/"):
            case "chat.postMessage":
                return self._add(SlackMessage(f"1767323045.{number}", given.get("thread_ts", ""), self.now, content))
            case "chat.update":
                message = self.messages[given["ts"]]
                message.before.append(message.content)
                message.content = {**message.content, **content}
                return {"ts": message.ts, "channel": CHANNEL}
            case "chat.delete":
                del self.messages[given["ts"]]
            case "chat.getPermalink":
                return {"permalink": f"https://example.slack.com/archives/{CHANNEL}/p{number}"}
            case "files.getUploadURLExternal":
                self._files[f"F{number}"] = b""
                return {"upload_url": f"{self.url}/upload/F{number}", "file_id": f"F{number}"}
            case "files.completeUploadExternal":
                files = given["files"] if isinstance(given["files"], list) else json.loads(given["files"])
                for each in files:
                    ts, thread = f"1767323045.{number}", given.get("thread_ts", "")
                    shown = {"text": given.get("initial_comment", ""), "title": each.get("title", "")}
                    self._add(SlackMessage(ts, thread, self.now, shown, self._files[each["id"]]))
            case upload if upload.startswith("/upload/"):
                self._files[upload.removeprefix("/upload/")] = raw
        return {}

    def _add(self, message: SlackMessage) -> Json:
        self.messages[message.ts] = message
        return {"ts": message.ts, "channel": CHANNEL}


@contextmanager
def recording_slack() -> Iterator[RecordingSlack]:
    """Serve a Slack on a free port of the loopback address until the block ends."""
    slack = RecordingSlack()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            raw = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            address, sent = urlsplit(self.path), self.headers.get("Content-Type", "")
            given = dict(parse_qsl(address.query))
            if sent.startswith("application/json"):
                given |= json.loads(raw or b"{}")
            elif sent.startswith("application/x-www-form-urlencoded"):
                given |= dict(parse_qsl(raw.decode()))
            body = json.dumps({"ok": True, **slack.answer(address.path, given, raw)}).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST  # noqa: N815 - the name that http.server calls

        def log_message(self, format: str, *args: object) -> None:
            """Print nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    slack.url = f"http://127.0.0.1:{server.server_address[1]}"
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    try:
        yield slack
    finally:
        server.shutdown()
        server.server_close()


@contextmanager
def account(
    slack: RecordingSlack, *, graph: Callable[[Json], bytes] = lambda _: b"", policy: str = ""
) -> Iterator[None]:
    """An account with the incidents table, the alerts topic and Slack's credentials, in moto and in the environment.

    `graph` is given each MetricWidget that CloudWatch is asked to draw, and returns the drawn file. Without a `policy`
    the functions have no policy parameter.
    """
    os.environ.update(
        AWS_ACCESS_KEY_ID="test",
        AWS_SECRET_ACCESS_KEY="test",
        AWS_DEFAULT_REGION=REGION,
        POWERTOOLS_LOG_LEVEL="CRITICAL",
        POWERTOOLS_METRICS_DISABLED="true",
        INCIDENTS_TABLE="incidents",
        ALERTS_TOPIC_ARN=f"arn:aws:sns:{REGION}:{ACCOUNT}:alerts",
        SLACK_CREDENTIALS="ssm:/slack",
        SLACK_API_URL=f"{slack.url}/api",
        # Doubles are taken only where the environment names emulators; here moto answers in their place.
        AWS_ENDPOINT_URL=slack.url,
        AWS_IGNORE_CONFIGURED_ENDPOINT_URLS="true",
    )
    with mock_aws():
        boto3.setup_default_session()
        for operation, answer in _EMPTY.items():
            _answer(operation, answer)
        _answer("cloudwatch.GetMetricWidgetImage", lambda asked: {"MetricWidgetImage": graph(_widget(asked))})
        boto3.client("sns").create_topic(Name="alerts")
        # A signing secret, because buttons are shown only where clicks can be checked.
        credentials = json.dumps({"bot_token": "xoxb-in-process", "channel": CHANNEL, "signing_secret": "0" * 32})
        boto3.client("ssm").put_parameter(Name="/slack", Type="SecureString", Value=credentials)
        if policy:
            boto3.client("ssm").put_parameter(Name="/policy", Type="String", Value=policy)
            os.environ["POLICY_PARAMETER"] = "/policy"
        _incidents_table()
        yield


def _widget(asked: Json) -> Json:
    """Return the MetricWidget in a request as botocore sends it, whose body is JSON."""
    widget: Json = json.loads(json.loads(asked["body"])["MetricWidget"])
    return widget


def _answer(operation: str, answer: Json | Callable[[Json], Json]) -> None:
    """Answer an operation in place of moto, for every client that is made from now on."""

    def handle(params: Json, **_: Any) -> tuple[Any, Json]:
        given = answer(params) if callable(answer) else answer
        return SimpleNamespace(status_code=200), {**given, "ResponseMetadata": {"HTTPStatusCode": 200}}

    session: Any = boto3.DEFAULT_SESSION
    session.events.register(f"before-call.{operation}", handle)


def _incidents_table() -> None:
    """Make the table with the keys that template.yaml gives it."""
    keys = [{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}]
    index = [{"AttributeName": "open", "KeyType": "HASH"}, {"AttributeName": "pk", "KeyType": "RANGE"}]
    client: Any = boto3.client("dynamodb")
    client.create_table(
        TableName="incidents",
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk", "open")],
        KeySchema=keys,
        GlobalSecondaryIndexes=[
            {"IndexName": "open", "KeySchema": index, "Projection": {"ProjectionType": "KEYS_ONLY"}}
        ],
    )


def handler(function: str) -> Callable[[Json, Any], Json]:
    """Import functions/<function>/app.py as a new container does, and return its handler."""
    found: Callable[[Json, Any], Json] = importlib.import_module(f"functions.{function}.app").handler
    return found


def messages(*events: Json) -> Json:
    """Return the batch of queue messages that holds these events."""
    queued = {"eventSource": "aws:sqs", "attributes": {"ApproximateReceiveCount": "1"}}
    return {"Records": [{"messageId": f"m{n}", "body": json.dumps(each), **queued} for n, each in enumerate(events)]}


def event(name: str) -> Json:
    """Return the payload `events/<name>.json`."""
    body: Json = json.loads((EVENTS / f"{name}.json").read_text(encoding="utf-8"))
    return body


def create_endpoint(name: str, *, config: str = "v1", at: datetime | None = None, **tags: str) -> None:
    """Create an endpoint with one variant, AllTraffic, on one ml.m5.xlarge; it was last changed at that time."""
    client: Any = boto3.client("sagemaker")
    container = {"Image": "i", "ModelDataUrl": "s3://bucket/model.tar.gz"}
    client.create_model(ModelName=name, PrimaryContainer=container, ExecutionRoleArn=_ROLE)
    variant = {"VariantName": "AllTraffic", "ModelName": name, "InitialVariantWeight": 1}
    hosts = {"InstanceType": "ml.m5.xlarge", "InitialInstanceCount": 1}
    client.create_endpoint_config(EndpointConfigName=config, ProductionVariants=[variant | hosts])
    listed = [{"Key": key, "Value": value} for key, value in tags.items()]
    client.create_endpoint(EndpointName=name, EndpointConfigName=config, Tags=listed)
    if at:
        made: Any = sagemaker_backends[ACCOUNT][REGION].endpoints[name]
        made.creation_time = made.last_modified_time = f"{at:%Y-%m-%d %H:%M:%S}"


def alarm_event(alarm: Json, state: str, at: datetime, points: tuple[float, ...]) -> Json:
    """Return the state change event of a described alarm; `points` are in the metric's unit, the newest last."""
    body = event("alarm-firing" if state == "ALARM" else "alarm-cleared")
    stamp, detail = f"{at:%Y-%m-%dT%H:%M:%S}.000+0000", body["detail"]
    minute = [f"{at - timedelta(minutes=1):%Y-%m-%dT%H:%M:%S}.000+0000"]
    data = {
        **json.loads(detail["state"]["reasonData"]),
        **{"queryDate": stamp, "threshold": alarm["Threshold"], "recentDatapoints": list(points)},
        "evaluatedDatapoints": [{"timestamp": minute[0], "sampleCount": 412.0, "value": points[-1]}],
    }
    detail["alarmName"] = alarm["AlarmName"]
    detail["state"] |= {"value": state, "timestamp": stamp, "reasonData": json.dumps(data)}
    detail["configuration"]["description"] = alarm["AlarmDescription"]
    return {**body, "time": f"{at:%Y-%m-%dT%H:%M:%SZ}", "resources": [alarm["AlarmArn"]]}


def click(what: str, route: str, kind: str, name: str, at: datetime) -> Json:
    """Return the event that a click of somebody under a Slack message becomes."""
    detail = {"route": route, "kind": kind, "name": name, "by": "U0ANA", "at": at.isoformat()}
    return {"source": "sagewatch", "detail-type": what, "time": at.isoformat(), "detail": detail}


def alarms(prefix: str = "sagewatch/") -> dict[str, Json]:
    """Return the alarms of the account as CloudWatch describes them, by their last part."""
    pages = boto3.client("cloudwatch").get_paginator("describe_alarms").paginate(AlarmNamePrefix=prefix)
    found: Any = [alarm for page in pages for alarm in page["MetricAlarms"]]
    return {alarm["AlarmName"].rpartition("/")[2]: alarm for alarm in found}
