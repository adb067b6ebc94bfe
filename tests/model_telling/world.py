"""The world that notify and interact live in: an account, those who are told, a queue, a clock, and what goes wrong.

The functions are called as Lambda calls them: `handler(event, context)`. What they ask of AWS is answered where
botocore would send it, what they ask over HTTP where urllib3 would; each call costs time and may fail.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import io
import json
import random
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any
from unittest.mock import patch
from urllib.parse import urlencode

import boto3
import urllib3
from botocore.client import BaseClient
from botocore.exceptions import ReadTimeoutError
from botocore.validate import ParamValidator
from urllib3.exceptions import ReadTimeoutError as NoAnswer

from tests.model_telling import template
from tests.model_telling.clock import CLOCK, START, cold_start, played
from tests.model_telling.cloud import ACCOUNT, REGION, SEVERITIES, Alarm, Cloud, change_event, deletion_event, whole
from tests.model_telling.dynamo import Dynamo, Failed
from tests.model_telling.receivers import Answer, Message, PagerDuty, Slack, Topics, Webhook
from tests.payloads import event as payload

TOPICS = f"arn:aws:sns:{REGION}:{ACCOUNT}:"
TOKEN, SIGNING, ROUTING, SHARED = "xoxb-" + "played", "signing-secret", "routing-key", "shared-secret"
SLACK, PAGER, HOOK = "https://slack.com/api/", "https://events.pagerduty.com/v2/enqueue", "https://hooks.example.com/a"
HOOKS = "https://hooks.slack.com/services/"
TICK = {"source": "sagewatch", "detail-type": "Sagewatch Clock", "detail": {}}
_TICK = json.dumps(TICK)
EVERY_RECEIVER = f"""
  - name: everyone
    slack: C0ALL
    sns: default
    pagerduty: ssm:/pagerduty
    webhook: {{url: "{HOOK}", secret: "ssm:/webhook"}}
    chatbot: "{TOPICS}amazon-q"
"""
FRAUD = f"""
  - name: fraud
    match: {{team: fraud}}
    slack: C0FRAUD
    sns: "{TOPICS}fraud"
"""
ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_DEFAULT_REGION": REGION,
    "AWS_REGION": REGION,
    "ALARM_PREFIX": "sagewatch",
    "NOTIFY_QUEUE_URL": f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/notify",
    "INCIDENTS_TABLE": "incidents",
    "ALERTS_TOPIC_ARN": f"{TOPICS}alerts",
    "POLICY_PARAMETER": "/policy",
    "SLACK_CREDENTIALS": "ssm:/slack",
    "SLACK_API_URL": "https://slack.com/api",
    "WEBHOOK_HOSTS": "hooks.example.com",
    "POWERTOOLS_LOG_LEVEL": "CRITICAL",
    "POWERTOOLS_METRICS_NAMESPACE": "Sagewatch",
    "POWERTOOLS_SERVICE_NAME": "notify",
}
_DENIED = {"dynamodb": "AccessDeniedException", "ssm": "AccessDeniedException", "sns": "KMSDisabled"}
_THROTTLED = {"dynamodb": "ProvisionedThroughputExceededException", "sns": "Throttled"}
_CALL, _HTTP, _SILENCE, _HANG = (
    0.02,
    0.2,
    8.0,
    10.0,
)  # s: what a call of AWS takes, one over HTTP, and when none answers
_WRITES = ("UpdateItem", "PutItem", "TransactWriteItems", "BatchWriteItem")
_VALIDATOR = ParamValidator()


class Killed(BaseException):
    """Lambda ended the function: nothing it would do after that happens, not even what it does in any case."""


@dataclass(slots=True)
class Fault:
    """Something that goes wrong, at calls whose name begins with `target`, so often, or until it is mended.

    `how` for AWS: denied, throttled, timeout (nothing happened), late (it happened, and nobody said so).
    `how` over HTTP: 500, 429, silence, late, refused (token or key), closed (channel or address).
    """

    target: str
    how: str
    left: float = float("inf")
    since: float = 0

    def strikes(self, name: str) -> bool:
        if self.left <= 0 or not name.startswith(self.target):
            return False
        self.left -= 1
        return True


@dataclass(slots=True)
class Queued:
    """One message of the queue."""

    id: int
    body: str
    visible: float
    receives: int = 0


@dataclass(slots=True)
class Context:
    """What Lambda hands a function beside the event."""

    until: float
    function_name: str = "notify"
    memory_limit_in_mb: int = 512
    invoked_function_arn: str = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:notify"
    aws_request_id: str = "played"

    def get_remaining_time_in_millis(self) -> int:
        return max(int((self.until - CLOCK.seconds) * 1000), 0)


@cache
def _client(service: str) -> BaseClient:
    """Return a real client, whose calls are answered here; it is made once, since that takes longer than a history."""
    made: BaseClient = boto3.session.Session(
        aws_access_key_id="test", aws_secret_access_key="test", region_name=REGION
    ).client(service)
    return made


@dataclass(repr=False)
class World:
    """One history as it goes on; times are minutes since its start."""

    routes: str = EVERY_RECEIVER
    mutes: list[str] = field(default_factory=list)
    dynamo: Dynamo = field(init=False)
    cloud: Cloud = field(init=False)
    slack: Slack = field(default_factory=lambda: Slack(TOKEN))
    topics: Topics = field(default_factory=Topics)
    pager: PagerDuty = field(default_factory=PagerDuty)
    hook: Webhook = field(default_factory=Webhook)
    slack_hook: list[dict[str, Any]] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    queue: dict[int, Queued] = field(default_factory=dict)
    dead: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)
    tick_every: float = 300.0
    crash_at: int = 0
    crash_after: bool = False
    crashes: int = 0
    unheard: int = 0
    policies_changed: bool = False
    troubles: list[tuple[float, float]] = field(default_factory=list)
    calls: int = 0
    logged: int = 0
    trail: list[str] = field(default_factory=list)
    last_event: dict[str, Any] = field(default_factory=dict)
    app: Any = None
    interact: Any = None

    def __post_init__(self) -> None:
        CLOCK.seconds = START.timestamp()
        self.dynamo = Dynamo(CLOCK.time, template.indexes())
        self.cloud = Cloud(CLOCK.time, self.dynamo)
        self.next_tick = CLOCK.seconds + self.tick_every
        self._number, self._gone, self._deadline, self._written = 0, False, float("inf"), 0
        self.credentials(bot_token=TOKEN, channel="C0ALL", signing_secret=SIGNING)
        self.cloud.texts |= {"/pagerduty": [ROUTING], "/webhook": [SHARED]}
        self.policy(self.routes)

    def __repr__(self) -> str:
        return f"<a world after {self.minute:.0f} minutes and {self.calls} calls>"

    # ------------------------------------------------------------------------------------------------ what happens
    @property
    def minute(self) -> float:
        return (CLOCK.seconds - START.timestamp()) / 60

    def credentials(self, **said: str) -> None:
        self.cloud.texts["/slack"] = [json.dumps(said)]

    def policy(self, routes: str) -> None:
        """Write the policy's parameter: these routes, and the windows that there are."""
        self.routes = routes
        mute = "\nmute:\n" + "\n".join(self.mutes) if self.mutes else ""
        self.cloud.texts.setdefault("/policy", []).append(f"routes:{routes}{mute}\n" if routes else "# nothing\n")

    def goes(
        self, state: str, alarm: str = "latency-p99", resource: str = "churn", *, event: str | float = 0, **labels: str
    ) -> None:
        """Change an alarm's state; its event arrives so many minutes later, or is `lost`, or comes `twice`."""
        at, made = (
            CLOCK.seconds,
            Alarm(resource, alarm, labels.get("severity", SEVERITIES.get(alarm, "warning")), "", []),
        )
        known = self.cloud.alarms.get(made.name)
        if known is None:
            made.team, made.changes = labels.get("team", ""), [(at - 3600, "OK")]
            known = self.cloud.alarms[made.name] = made
        was = known.state
        if was == state:
            return
        known.changes.append((at, state))
        self.last_event = change_event(known, at, state, was, self.cloud.mutes(known.name, at))
        self._arrives(self.last_event, event)

    def deletes(self, alarm: str = "latency-p99", resource: str = "churn", *, event: str | float = 0) -> None:
        """Delete an alarm."""
        name = Alarm(resource, alarm, "", "", []).name
        if name in self.cloud.alarms:
            gone = self.cloud.alarms.pop(name)
            gone.deleted = CLOCK.seconds
            self.cloud.deleted.append(gone)
            self._arrives(deletion_event(gone, CLOCK.seconds), event)

    def _arrives(self, body: Mapping[str, Any], event: str | float) -> None:
        if event == "lost":
            return
        for _ in range(2 if event == "twice" else 1):
            self.sends(body, 1 + (60 * event if isinstance(event, int | float) else 0))

    def fails(self, name: str, body: str = "training-job-failed", *, event: str | float = 0, **detail: Any) -> None:
        """Have a job or an execution fail, by the name of a payload; `detail` is what the event says otherwise."""
        made, at = payload(body), CLOCK.seconds
        made["detail"] |= detail
        text = json.dumps({**made, "time": whole(at)})
        self._arrives(json.loads(text.replace("NAME", name)), event)

    def window(self, minutes: float, *resources: str, name: str = "nightly-load-test") -> None:
        """Begin a window of the policy: its rule mutes all alarms of these resources, those that come later too."""
        begin = START.timestamp() + 60 * int(self.minute)
        names = [Alarm(each, id_, "", "", []).name for each in resources or ("churn",) for id_ in SEVERITIES]
        mark = hashlib.sha256(f"{name}{begin}".encode()).hexdigest()[:10]
        schedule = f"at({whole(begin)[:16]})"
        self.cloud.call(
            "cloudwatch",
            "PutAlarmMuteRule",
            {
                "Name": f"sagewatch-window-{name}-{mark}",
                "Rule": {"Schedule": {"Expression": schedule, "Duration": f"PT{int(minutes)}M", "Timezone": "UTC"}},
                "MuteTargets": {"AlarmNames": names},
            },
        )
        several = ", ".join(resources or ("churn",))
        self.mutes.append(
            f"  - {{name: {name}-{len(self.mutes)}, match: {{resource: [{several}]}}, "
            f"schedule: {schedule}, duration: {int(minutes)}min}}"
        )
        self.policy(self.routes)

    def calls_off_windows(self) -> None:
        """Delete the mute rules of all windows."""
        for name in [name for name in self.cloud.rules if "-window-" in name]:
            rule = self.cloud.rules.pop(name)
            place = self.cloud.put.index(rule)
            self.cloud.put[place] = replace(rule, end=min(rule.end, CLOCK.seconds))

    def clicks(
        self, what: str, resource: str = "churn", channel: str = "C0ALL", option: int = 0, by: str = "U0ANA"
    ) -> bool:
        """Press a control of the newest message that names a resource and has one; False when there is none."""
        offered = [
            each for each in self.slack.channel(channel) if resource in each.everything and what in each.controls()
        ]
        return bool(offered) and self.clicks_on(offered[-1], what, option, by)

    def clicks_on(self, message: Message, what: str, option: int = 0, by: str = "U0ANA", control: Any = None) -> bool:
        """Press a control of a message (or one that was there before), as Slack tells the function's URL of it."""
        pressed = control or message.controls()[what]
        action = {"action_id": what, "action_ts": f"{CLOCK.seconds:.6f}", "type": pressed["type"]}
        if pressed["type"] == "button":
            action["value"] = pressed["value"]
        else:
            action["selected_option"] = pressed["options"][option % len(pressed["options"])]
        body = {
            "type": "block_actions",
            "user": {"id": by},
            "team": {"id": "T0"},
            "channel": {"id": message.channel},
            "message": {"ts": message.ts},
            "container": {"type": "message", "message_ts": message.ts, "channel_id": message.channel},
            "actions": [action],
        }
        answer = self.requests(urlencode({"payload": json.dumps(body)}).encode())
        return bool(answer["statusCode"] == 200)

    def requests(self, body: bytes) -> Any:
        """Send a signed request to interact and return its answer."""
        at = str(int(CLOCK.seconds))
        signature = hmac.new(SIGNING.encode(), b"v0:" + at.encode() + b":" + body, hashlib.sha256).hexdigest()
        headers = {"x-slack-request-timestamp": at, "x-slack-signature": f"v0={signature}"}
        event = {"version": "2.0", "headers": headers, "body": body.decode(), "isBase64Encoded": False}
        self._gone, self._deadline = False, CLOCK.seconds + 10
        try:
            self.interact = self.interact or cold_start("interact")
            with contextlib.redirect_stdout(io.StringIO()):
                return self.interact.handler(event, Context(self._deadline))
        except Killed:
            self.interact = None
            return {"statusCode": 500}
        except Exception as error:
            return {"statusCode": 500, "error": repr(error)}

    # ---------------------------------------------------------------------------------------------- what goes wrong
    @property
    def repeats(self) -> int:
        """How often something may have been told twice: at each crash, and where an answer was lost."""
        return self.crashes + self.unheard

    @property
    def mutings(self) -> int:
        """How often a mute ended, after which what still fires is told again."""
        return len(self.cloud.put)

    def was_troubled(self, begin: float, end: float) -> bool:
        """Tell whether anything was broken between two times."""
        now = [(each.since, float("inf")) for each in self.faults]
        return any(since < end and begin < until for since, until in [*self.troubles, *now])

    @property
    def troubled_minutes(self) -> float:
        """For how long something was broken, each thing counted."""
        return sum(until - since for since, until in self.troubles) / 60

    def was_muted(self, alarm: str, begin: float, end: float) -> bool:
        rules = self.cloud.put
        return any(alarm in rule.alarms and rule.begin < end and begin < rule.end for rule in rules)

    def breaks(self, target: str, how: str, times: float = float("inf")) -> None:
        self.faults.append(Fault(target, how, times, CLOCK.seconds))

    def mends(self, target: str = "") -> None:
        """Mend whatever is broken whose name begins so."""
        over = [each for each in self.faults if each.target.startswith(target)]
        self.troubles += [(each.since, CLOCK.seconds + 1800) for each in over]
        self.faults = [each for each in self.faults if each not in over]
        if not target:
            self.slack.token = TOKEN
            self.slack.closed.clear()
            self.topics.missing.clear()
            self.crash_at = 0

    # ------------------------------------------------------------------------------------------------- time goes by
    def sends(self, body: Mapping[str, Any] | str, seconds: float = 1) -> None:
        """Put a message into the queue, visible after so long."""
        self._number += 1
        text = body if isinstance(body, str) else json.dumps(body)
        self.queue[self._number] = Queued(self._number, text, CLOCK.seconds + seconds)

    def until(self, minute: float) -> None:
        """Let time go by until so many minutes after the start."""
        end = START.timestamp() + 60 * minute
        while True:
            soonest = min((each.visible for each in self.queue.values()), default=float("inf"))
            due = min(soonest, self.next_tick)
            if max(due, CLOCK.seconds) > end:
                break
            CLOCK.seconds = max(CLOCK.seconds, due)
            if self.next_tick <= CLOCK.seconds:
                self.next_tick += self.tick_every
                self.sends(TICK, 0)
            self._receive()
        CLOCK.seconds = max(CLOCK.seconds, end)

    def passes(self, minutes: float) -> None:
        self.until(self.minute + minutes)

    def rests(self, most: float = 900, quiet: int = 10) -> None:
        """Mend everything, and let time go by until nothing is muted or waits, and `quiet` ticks told nothing."""
        self.mends()
        last = max((rule.end for rule in self.cloud.rules.values()), default=0)
        end, ticks, told = self.minute + most, 0, -1
        while self.minute < end and ticks < quiet:
            self.passes(5)
            waits = CLOCK.seconds <= last + 60 or any(each.body != _TICK for each in self.queue.values())
            ticks = 0 if waits or self.said != told else ticks + 1
            told = self.said

    @property
    def said(self) -> int:
        """How much was said so far, to anybody."""
        edits = sum(each.edits for each in self.slack.messages.values())
        others = len(self.topics.mails) + len(self.pager.events) + len(self.hook.documents) + len(self.slack_hook)
        return len(self.slack.posted) + len(self.slack.deleted) + edits + others

    def _receive(self) -> None:
        limits = template.notify()
        visible = [each for each in self.queue.values() if each.visible <= CLOCK.seconds][: limits["batch"]]
        for each in visible:
            each.receives += 1
            each.visible = CLOCK.seconds + limits["visibility"]
        for each in [each for each in visible if each.receives > limits["receives"]]:
            self.dead.append(self.queue.pop(each.id).body)
            visible.remove(each)
        if not visible:
            return
        records = [
            {
                "messageId": str(each.id),
                "receiptHandle": f"r{each.id}-{each.receives}",
                "body": each.body,
                "attributes": {"ApproximateReceiveCount": str(each.receives), "SentTimestamp": "0"},
                "messageAttributes": {},
                "eventSource": "aws:sqs",
                "eventSourceARN": f"arn:aws:sqs:{REGION}:{ACCOUNT}:notify",
                "awsRegion": REGION,
            }
            for each in visible
        ]
        failed = self.invokes({"Records": records})
        for each in visible:
            if failed is not None and str(each.id) not in failed:
                self.queue.pop(each.id, None)

    def invokes(self, event: Any) -> set[str] | None:
        """Call notify; return the ids of the messages that failed, None when all of them did."""
        self._gone, self._deadline, self._written = (
            False,
            CLOCK.seconds + template.notify()["timeout"],
            len(self.slack.posted),
        )
        try:
            self.app = self.app or cold_start("notify")
            with contextlib.redirect_stdout(io.StringIO()) as written:
                answer = self.app.handler(event, Context(self._deadline))
            self.logged += len(written.getvalue())
        except Killed:
            self.app = None
            return None
        except Exception as error:
            self.failures.append(repr(error))
            return None
        finally:
            # What was posted and not written down afterwards nobody can find again, to change it.
            for each in self.slack.posted[self._written :]:
                each.heard = False
        return {each["itemIdentifier"] for each in answer["batchItemFailures"]}

    # ------------------------------------------------------------------------------------------------ what is asked
    def _begins(self, name: str, seconds: float) -> str:
        """Count a call, let it take its time, and return what goes wrong with it."""
        if self._gone:
            raise Killed
        self.calls += 1
        self.trail.append(name)
        if self.crash_at == self.calls and not self.crash_after:
            self._dies()
        CLOCK.advance(seconds)
        if self._deadline <= CLOCK.seconds:
            self._dies()
        return next((each.how for each in self.faults if each.strikes(name)), "")

    def _ends(self) -> None:
        if self.crash_at == self.calls and self.crash_after:
            self._dies()

    def _dies(self) -> None:
        self._gone, self.crash_at = True, 0
        self.crashes += 1
        self.troubles.append((CLOCK.seconds, CLOCK.seconds + 1800))
        raise Killed

    def aws(self, client: BaseClient, operation: str, request: Mapping[str, Any]) -> dict[str, Any]:
        """Answer what botocore would ask of AWS."""
        service = client.meta.service_model.service_name
        shape = client.meta.service_model.operation_model(operation).input_shape
        report = _VALIDATOR.validate(request, shape) if shape else None
        assert report is None or not report.has_errors(), report.generate_report()
        topic = str(request.get("TopicArn", "")).rpartition(":")[2]
        trouble = self._begins(f"{service}.{operation}{f':{topic}' if topic else ''}", _CALL)
        if trouble and service == "dynamodb" and operation in _WRITES:
            self.unheard += 1
        if trouble in ("denied", "throttled"):
            known = _DENIED if trouble == "denied" else _THROTTLED
            other = "AccessDenied" if trouble == "denied" else "ThrottlingException"
            raise _error(client, operation, known.get(service, other))
        if trouble == "timeout":
            CLOCK.advance(_HANG)
            raise ReadTimeoutError(endpoint_url=f"https://{service}")
        try:
            answer = self._aws(service, operation, request)
        except Failed as failed:
            raise _error(client, operation, failed.code, str(failed)) from None
        if service == "dynamodb" and operation in _WRITES:
            self._written = len(self.slack.posted)
        self._ends()
        if trouble == "late":
            self.unheard += 1
            CLOCK.advance(_HANG)
            raise ReadTimeoutError(endpoint_url=f"https://{service}")
        return {**answer, "ResponseMetadata": {"HTTPStatusCode": 200}}

    def _aws(self, service: str, operation: str, request: Mapping[str, Any]) -> dict[str, Any]:
        if service == "sns" and operation == "Publish":
            if request["TopicArn"].rpartition(":")[2] in self.topics.missing:
                raise Failed("NotFoundException")
            self.topics.publish(CLOCK.seconds, request)
            return {"MessageId": "m"}
        if service == "sqs":
            return self._sqs(operation, request)
        return self.cloud.call(service, operation, request)

    def _sqs(self, operation: str, request: Mapping[str, Any]) -> dict[str, Any]:
        if operation == "SendMessageBatch":
            for each in request["Entries"]:
                self.sends(each["MessageBody"], 1 + each.get("DelaySeconds", 0))
            return {"Successful": [{"Id": each["Id"]} for each in request["Entries"]]}
        if operation == "SendMessage":
            self.sends(request["MessageBody"], 1 + request.get("DelaySeconds", 0))
            return {"MessageId": "m"}
        several = [request] if operation == "ChangeMessageVisibility" else request["Entries"]
        for each in several:
            queued = self.queue.get(int(each["ReceiptHandle"][1:].partition("-")[0]))
            if queued:
                queued.visible = CLOCK.seconds + each["VisibilityTimeout"]
        return {"Successful": []}

    def http(self, method: str, url: str, body: bytes, headers: Mapping[str, str]) -> urllib3.HTTPResponse:
        """Answer what urllib3 would ask of somebody."""
        name, found = self._who(url)
        trouble = self._begins(name, _HTTP)
        if trouble == "silence":
            CLOCK.advance(_SILENCE)
            raise NoAnswer(urllib3.HTTPSConnectionPool("played"), url, "Read timed out.")
        if trouble in ("500", "429", "closed", "refused"):
            return _response(_REFUSALS.get((name.partition(".")[0], trouble)) or _REFUSALS["", trouble])
        before = len(self.slack.posted)
        answer = found(body, headers)
        self._ends()
        if trouble == "late":
            self.unheard += 1
            for each in self.slack.posted[before:]:
                each.heard = False
            CLOCK.advance(_SILENCE)
            raise NoAnswer(urllib3.HTTPSConnectionPool("played"), url, "Read timed out.")
        return _response(answer)

    def _who(self, url: str) -> tuple[str, Any]:
        now = CLOCK.seconds
        if url.startswith(SLACK):
            method = url.removeprefix(SLACK)
            return f"slack.{method}", lambda body, headers: self.slack.serve(now, method, headers, body)
        if url == PAGER:
            return "pagerduty", lambda body, _: self.pager.serve(body)
        if url == HOOK:
            return "webhook", lambda body, _: self.hook.serve(body)
        if url.startswith(HOOKS):
            return "slack.webhook", self._hooked
        if url.startswith("https://files.slack.com/"):
            return "slack.upload", lambda *_: (200, {}, b"OK")
        raise AssertionError(f"nobody is at {url}")

    def _hooked(self, body: bytes, _: Mapping[str, str]) -> Answer:
        self.slack_hook.append(json.loads(body))
        return 200, {}, b"ok"


_REFUSALS: Mapping[tuple[str, str], Answer] = {
    ("", "500"): (500, {}, b""),
    ("", "429"): (429, {"Retry-After": "7"}, b""),
    ("slack", "refused"): (200, {}, b'{"ok": false, "error": "token_revoked"}'),
    ("slack", "closed"): (200, {}, b'{"ok": false, "error": "channel_not_found"}'),
    ("pagerduty", "refused"): (403, {}, b""),
    ("pagerduty", "closed"): (400, {}, b'{"status": "invalid event"}'),
    ("webhook", "refused"): (401, {}, b""),
    ("webhook", "closed"): (410, {}, b""),
}


def _response(answer: Answer) -> urllib3.HTTPResponse:
    status, headers, body = answer
    return urllib3.HTTPResponse(body=io.BytesIO(body), status=status, headers=dict(headers), preload_content=True)


def _error(client: BaseClient, operation: str, code: str, message: str = "played") -> Exception:
    kind: Any = client.exceptions.from_code(code)
    said = {"Error": {"Code": code, "Message": message}, "ResponseMetadata": {"HTTPStatusCode": 400}}
    error: Exception = kind(said, operation)
    return error


@contextmanager
def world(seed: int = 0, make: type[World] | None = None, **given: Any) -> Iterator[World]:
    """Make a world, in which the functions live for as long as the block lasts."""
    services = ("dynamodb", "cloudwatch", "sqs", "sns", "ssm", "secretsmanager", "sagemaker", "logs")
    made = {service: _client(service) for service in services}

    def client(_: Any, service: str, *args: Any, **kwargs: Any) -> BaseClient:
        return made[service] if service in made else _client(service)

    def call(asking: BaseClient, operation: str, request: Mapping[str, Any]) -> dict[str, Any]:
        return here.aws(asking, operation, request)

    def ask(_: Any, method: str, url: str, *args: Any, **kwargs: Any) -> urllib3.HTTPResponse:
        body = kwargs.get("body") or b""
        return here.http(method, url, body.encode() if isinstance(body, str) else body, kwargs.get("headers") or {})

    with (
        warnings.catch_warnings(),
        played(ENVIRONMENT),
        patch.object(boto3.session.Session, "client", client),
        patch.object(BaseClient, "_make_api_call", call),
        patch.object(urllib3.PoolManager, "urlopen", ask),
    ):
        # Powertools warns when a function that was killed counted nothing.
        warnings.filterwarnings("ignore", "No application metrics to publish")
        random.seed(seed)
        here = (make or World)(**given)
        yield here
