"""PagerDuty, webhooks and topics, against servers that listen on this machine."""

from __future__ import annotations

import hmac
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from secrets import token_hex
from typing import Any

import boto3
import pytest
import urllib3
from botocore.exceptions import ClientError

from sagewatch.aws import secrets
from sagewatch.aws.secrets import CachedSecret, routing_key, signing_secret
from sagewatch.errors import ErrorCode, NoAnswer, Retry, SagewatchError, Unauthorised, Undeliverable, Unreachable
from sagewatch.policy.limits import Limits
from sagewatch.receivers.http import CircuitBreaker, pool
from sagewatch.receivers.pagerduty.api import EUROPE, URL, PagerDutyApi
from sagewatch.receivers.sns import api as sns
from sagewatch.receivers.webhook.api import WebhookApi, signature
from sagewatch_cli.local.doubles.slack import SILENCE, Reply, Slack, slack
from tests.integration.error_contents import told

EVENT = {
    "event_action": "trigger",
    "dedup_key": "i1",
    "payload": {"summary": "s", "source": "churn", "severity": "error"},
}


@pytest.fixture
def there() -> Iterator[Slack]:
    """Somebody who answers as told."""
    with slack() as there:
        yield there


@pytest.fixture
def http() -> Iterator[urllib3.PoolManager]:
    http = pool()
    yield http
    http.clear()


@dataclass(slots=True)
class Vault:
    """A place for one secret, which counts how often it is read."""

    secret: str
    reads: int = 0

    def read(self) -> str:
        self.reads += 1
        return self.secret


@pytest.fixture
def vault() -> Vault:
    return Vault(token_hex(16))


def clock() -> float:
    return 1_795_252_320.7


def pagerduty(there: Slack, http: urllib3.PoolManager, vault: Vault) -> PagerDutyApi:
    return PagerDutyApi(
        http, CachedSecret(vault.read, clock, routing_key), f"{there.url}/v2/enqueue", CircuitBreaker(clock)
    )


def webhook(there: Slack, http: urllib3.PoolManager, vault: Vault) -> WebhookApi:
    return WebhookApi(
        http,
        f"{there.url}/hook?key=k3y",
        CachedSecret(vault.read, clock, signing_secret),
        Limits(webhook_hosts=(), doubles=True),
        clock,
        CircuitBreaker(clock),
    )


def refused(channel: PagerDutyApi | WebhookApi, vault: Vault) -> SagewatchError:
    """Return what is raised, after making sure that it does not say the secret."""
    with pytest.raises(SagewatchError) as raised:
        channel.send(EVENT)
    assert vault.secret not in told(raised.value) + repr(channel)
    assert "k3y" not in told(raised.value) + repr(channel)
    return raised.value


# ---- PagerDuty


def test_pagerduty_gets_the_event_with_the_routing_key(there: Slack, http: urllib3.PoolManager, vault: Vault) -> None:
    there.replies.append(Reply(202, '{"status": "success"}'))

    pagerduty(there, http, vault).send(EVENT)

    [asked] = there.asked
    assert (asked.path, asked.body) == ("/v2/enqueue", {**EVENT, "routing_key": vault.secret})


@pytest.mark.parametrize(
    ("reply", "kind", "after"),
    [
        (Reply(429, ""), Retry, 30),
        (Reply(429, "", {"Retry-After": "3"}), Retry, 3),
        (Reply(500, ""), Retry, None),
        (Reply(503, ""), Retry, None),
        (SILENCE, NoAnswer, None),
        (Reply(400, ""), Undeliverable, None),
        (Reply(200, "<html>"), Undeliverable, None),
        (Reply(302, ""), Undeliverable, None),
        (Reply(403, ""), Unauthorised, None),
    ],
)
def test_what_pagerduty_answers_is_retried_or_not(
    there: Slack, http: urllib3.PoolManager, vault: Vault, reply: Reply, kind: type[SagewatchError], after: float | None
) -> None:
    there.replies.extend([reply, reply])

    error = refused(pagerduty(there, http, vault), vault)

    assert (type(error), getattr(error, "after", None)) == (kind, after)
    assert vault.reads == (2 if kind is Unauthorised else 1)


def test_pagerdutys_reason_is_told_without_the_key(there: Slack, http: urllib3.PoolManager, vault: Vault) -> None:
    there.replies.append(Reply(400, f"Event object is invalid: routing_key {vault.secret}, token=abc\x00 is wrong"))

    error = refused(pagerduty(there, http, vault), vault)

    assert str(error) == (
        "PagerDuty answered 400 Event object is invalid: routing_key [redacted], token=[redacted] is wrong"
    )


def test_pagerduty_that_does_not_answer_is_left_alone(there: Slack, http: urllib3.PoolManager, vault: Vault) -> None:
    there.replies.append(SILENCE)
    channel = pagerduty(there, http, vault)

    errors = [refused(channel, vault) for _ in range(3)]

    assert [type(error) for error in errors] == [NoAnswer] * 3
    assert len(there.asked) == 1


@pytest.mark.parametrize(
    "url", ["https://evil.example/v2/enqueue", f"{URL}/x", "http://events.pagerduty.com/v2/enqueue"]
)
def test_the_routing_key_goes_to_nobody_but_pagerduty(http: urllib3.PoolManager, vault: Vault, url: str) -> None:
    channel = PagerDutyApi(http, CachedSecret(vault.read, clock, routing_key), url)

    error = refused(channel, vault)

    assert str(error) == f"PagerDuty's address must be {URL} or {EUROPE}"


# ---- webhooks


def test_a_webhook_gets_signed_json(there: Slack, http: urllib3.PoolManager, vault: Vault) -> None:
    there.replies.append(Reply(204, ""))

    webhook(there, http, vault).send({"text": "1.84 s µ"})

    [asked] = there.asked
    signed = b"v1:1795252320:" + asked.raw
    assert asked.body == {"text": "1.84 s µ", "key": "k3y"}
    assert asked.headers["Content-Type"] == "application/json"
    assert asked.headers["X-Sagewatch-Timestamp"] == "1795252320"
    assert asked.headers["X-Sagewatch-Signature"] == f"v1={hmac.new(vault.secret.encode(), signed, sha256).hexdigest()}"


def test_the_signature_is_what_openssl_says() -> None:
    """printf '%s' 'v1:1795252320:{"a":"\\u00b5"}' | openssl dgst -sha256 -hmac s3cret-of-a-webhook."""
    said = signature("s3cret-of-a-webhook", "1795252320", rb'{"a":"\u00b5"}')

    assert said == "v1=f6ba293e137a80e8e512a727e9ad7374db6048443d7ec68c6ad5c3d110ea6456"


@pytest.mark.parametrize(
    ("reply", "kind", "after"),
    [
        (Reply(429, ""), Retry, 30),
        (Reply(429, "", {"Retry-After": "3"}), Retry, 3),
        (Reply(500, ""), Retry, None),
        (Reply(503, "", {"Retry-After": "9"}), Retry, 9),
        (Reply(408, ""), Retry, None),
        (SILENCE, NoAnswer, None),
        (Reply(410, ""), Unreachable, None),
        (Reply(400, ""), Undeliverable, None),
        (Reply(404, ""), Undeliverable, None),
        (Reply(401, ""), Unauthorised, None),
        (Reply(403, ""), Unauthorised, None),
    ],
)
def test_what_a_webhook_answers_is_retried_or_not(
    there: Slack, http: urllib3.PoolManager, vault: Vault, reply: Reply, kind: type[SagewatchError], after: float | None
) -> None:
    there.replies.extend([reply, reply])

    error = refused(webhook(there, http, vault), vault)

    assert (type(error), getattr(error, "after", None)) == (kind, after)
    assert len(there.asked) == (2 if kind is Unauthorised else 1)


def test_a_webhook_is_not_followed_elsewhere(there: Slack, http: urllib3.PoolManager, vault: Vault) -> None:
    there.replies.append(Reply(307, "", {"Location": f"{there.url}/services/T/B/X"}))

    error = refused(webhook(there, http, vault), vault)

    assert str(error) == "The webhook of 127.0.0.1 answered 307; redirects are not followed"
    assert len(there.asked) == 1


def test_a_rotated_signing_secret_signs_at_once(there: Slack, http: urllib3.PoolManager, vault: Vault) -> None:
    there.replies.extend([Reply(200), Reply(401), Reply(200)])
    channel = webhook(there, http, vault)
    channel.send(EVENT)
    vault.secret = token_hex(16)

    channel.send(EVENT)

    last = there.asked[-1]
    assert last.headers["X-Sagewatch-Signature"] == signature(vault.secret, "1795252320", last.raw)


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com/k3y",
        "ftp://example.com/k3y",
        "https://user:k3y@example.com/",
        "https:///k3y",
        "https://[::1/k3y",
        "https://localhost/k3y",
        "https://LOCALHOST./k3y",
        "https://api.localhost/k3y",
        "https://127.0.0.1/k3y",
        "https://127.8.8.8/k3y",
        "https://[::1]/k3y",
        "https://[::ffff:127.0.0.1]/k3y",
        "https://0.0.0.0/k3y",
        "https://169.254.169.254/latest/k3y",
        "https://169.254.170.2/k3y",
        "https://[::ffff:169.254.169.254]/k3y",
        "https://[fd00:ec2::254]/k3y",
        "https://[fe80::1]/k3y",
        "https://2852039166/k3y",
        "https://0xa9fea9fe/k3y",
        "https://169.254.43518/k3y",
        "https://0251.0376.0251.0376/k3y",
        "http://169.254.169.254/k3y",
        "k3y",
    ],
)
def test_a_webhook_goes_to_no_address_inside(http: urllib3.PoolManager, vault: Vault, url: str) -> None:
    channel = WebhookApi(
        http, url, CachedSecret(vault.read, clock, signing_secret), Limits(webhook_hosts=("*",), doubles=True), clock
    )

    error = refused(channel, vault)

    assert type(error) is Undeliverable
    assert vault.reads == 0


@pytest.mark.parametrize(
    ("url", "limits"),
    [
        ("http://127.0.0.1:9001/2018-06-01/runtime/init/error?k3y", Limits(webhook_hosts=("*",))),
        ("https://hooks.example.com/k3y", Limits(webhook_hosts=())),
        ("https://hooks.example.com/k3y", Limits(webhook_hosts=("example.com", "*.hooks.example.com"))),
        ("https://hooks.example.com.evil.example/k3y", Limits(webhook_hosts=("hooks.example.com", "*.example.com"))),
        (r"https://evil.example\@hooks.example.com/k3y", Limits(webhook_hosts=("hooks.example.com",))),
    ],
)
def test_a_webhook_goes_only_to_hosts_that_the_stack_allows_and_to_no_double_on_its_own(
    http: urllib3.PoolManager, vault: Vault, url: str, limits: Limits
) -> None:
    """Lambda's own Runtime API is on the loopback address; no policy can lead there."""
    channel = WebhookApi(http, url, CachedSecret(vault.read, clock, signing_secret), limits, clock)

    error = refused(channel, vault)

    assert (type(error), error.code) == (Undeliverable, ErrorCode.ADDRESS_NOT_ALLOWED)
    assert vault.reads == 0


# ---- secrets


@pytest.mark.parametrize("text", ["k3y", " k3y\n", '{"routing_key": "k3y"}', '{"routing_key": " k3y", "note": "n"}'])
def test_a_routing_key_is_a_text_or_in_json(text: str) -> None:
    assert routing_key(text) == {"routing_key": "k3y"}


@pytest.mark.parametrize("text", ["k3y", '{"secret": "k3y\\n"}'])
def test_a_signing_secret_is_a_text_or_in_json(text: str) -> None:
    assert signing_secret(text) == {"secret": "k3y"}


@pytest.mark.parametrize(
    "text", ["", " ", "{} {}", '{"key": "{}"}', '{"secret": 7, "a": "{}"}', '{"secret":"{}', "{}\r\nX: y", "{}é"]
)
@pytest.mark.parametrize("parse", [routing_key, signing_secret, secrets.credentials])
def test_a_malformed_secret_is_refused_without_being_said(parse: Callable[[str], object], text: str) -> None:
    secret = token_hex(16)

    with pytest.raises(Undeliverable) as error:
        parse(text.replace("{}", secret))

    assert secret not in told(error.value)


def test_a_secret_of_bytes_is_refused() -> None:
    arn = boto3.client("secretsmanager").create_secret(Name="bytes", SecretBinary=b"k3y")["ARN"]

    with pytest.raises(Undeliverable, match="holds bytes") as error:
        secrets.reader(arn)()

    assert "k3y" not in told(error.value)


def test_a_forgotten_secret_is_read_anew(vault: Vault) -> None:
    kept = CachedSecret(vault.read, clock, signing_secret)
    kept()
    kept()

    kept.forget()
    kept()

    assert vault.reads == 2
    assert vault.secret not in repr(kept)


# ---- topics


@pytest.fixture
def published() -> tuple[Any, list[dict[str, Any]]]:
    """A client, and the parameters of what it publishes."""
    client, seen = boto3.client("sns"), list[dict[str, Any]]()
    client.meta.events.register("before-parameter-build.sns.Publish", lambda params, **_: seen.append(dict(params)))
    return client, seen


def test_a_topic_gets_a_subject_lines_and_attributes(published: tuple[Any, list[dict[str, Any]]]) -> None:
    client, seen = published
    topic = client.create_topic(Name="alerts")["TopicArn"]

    sns.publish(client, topic, "[CRITICAL] churn", "a\nb", {"kind": "endpoint", "team": ""})

    assert seen == [
        {
            "TopicArn": topic,
            "Subject": "[CRITICAL] churn",
            "Message": "a\nb",
            "MessageAttributes": {"kind": {"DataType": "String", "StringValue": "endpoint"}},
        }
    ]


def test_json_for_programs_is_published_as_it_is(published: tuple[Any, list[dict[str, Any]]]) -> None:
    client, seen = published
    topic = client.create_topic(Name="chatbot")["TopicArn"]

    sns.publish_raw(client, topic, '{"version":"1.0"}')

    assert seen == [{"TopicArn": topic, "Message": '{"version":"1.0"}'}]


def test_a_fifo_topic_keeps_the_order_of_each_resource_and_drops_only_repetitions(
    published: tuple[Any, list[dict[str, Any]]],
) -> None:
    client, seen = published
    topic = client.create_topic(Name="alerts.fifo", Attributes={"FifoTopic": "true"})["TopicArn"]
    churn, other = ({"kind": "endpoint", "resource": name} for name in ("churn", "naïve name" + "x" * 200))

    for subject, labels in (("fires", churn), ("fires", churn), ("clears", churn), ("fires", other)):
        sns.publish(client, topic, subject, "b", labels)
    sns.publish_raw(client, topic, "{}")

    groups = [each["MessageGroupId"] for each in seen]
    once, again, clears, *more = (each["MessageDeduplicationId"] for each in seen)
    assert groups == [*["endpoint/churn"] * 3, ("endpoint/na-ve-name" + "x" * 200)[:128], "sagewatch"]
    assert once == again
    assert len({once, clears, *more}) == 4


def test_a_topic_that_does_not_exist_is_out_of_reach() -> None:
    gone = "arn:aws:sns:us-east-1:123456789012:gone"

    with pytest.raises(Unreachable, match=r"^publish arn:aws:sns:us-east-1:123456789012:gone: there is no such topic$"):
        sns.publish(boto3.client("sns"), gone, "s", "b", {})


@pytest.mark.parametrize("code", ["KMSAccessDenied", "Throttled", "InternalError", "AuthorizationError"])
def test_a_topic_that_does_not_take_a_message_gets_it_later(code: str) -> None:
    client: Any = boto3.client("sns")

    def no(**_: Any) -> None:
        raise ClientError({"Error": {"Code": code, "Message": "no"}}, "Publish")

    client.meta.events.register("before-call.sns.Publish", no)

    with pytest.raises(Retry, match=code):
        sns.publish_raw(client, "arn:aws:sns:us-east-1:123456789012:alerts", json.dumps({}))
