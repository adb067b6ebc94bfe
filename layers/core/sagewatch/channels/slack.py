"""Delivers to Slack, by webhook or as a bot.

Retry         429, 5xx, a time-out, no connection, and the errors that Slack calls its own
Undeliverable everything else: a revoked token, a channel that is gone, a message that Slack refuses

The webhook's URL and the token are secrets, and the exceptions of urllib3 and http.client carry them: they are
never chained, not even as context.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import urllib3
from urllib3.exceptions import HTTPError

from sagewatch.errors import Retry, Undeliverable
from sagewatch.model import Notice
from sagewatch.wording import slack

TIMEOUT = urllib3.Timeout(connect=3, read=8)
_HOSTS = frozenset({"hooks.slack.com", "hooks.slack-gov.com"})
_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
_ONCE_MORE = frozenset(
    {"ratelimited", "rate_limited", "message_limit_exceeded"}
    | {"internal_error", "fatal_error", "service_unavailable", "rollup_error", "request_timeout"}
)
"""Slack's own troubles (Web API, chat.postMessage, errors)."""


class NoAnswer(Retry):
    """Slack took its time and said nothing."""


def pool() -> urllib3.PoolManager:
    """Return what holds the connections for the life of a container; retries belong to the queue."""
    return urllib3.PoolManager(timeout=TIMEOUT, retries=False, maxsize=2)


def send(http: urllib3.PoolManager, api_url: str, credentials: Mapping[str, str], notice: Notice) -> None:
    """Post a notice, as a bot when the credentials have a token, else to their webhook."""
    message = slack.message(notice)
    if "bot_token" in credentials:
        headers = {"Authorization": f"Bearer {credentials['bot_token']}"}
        body = {"channel": credentials["channel"], **message}
        _judge_bot(*_post(http, f"{api_url.rstrip('/')}/chat.postMessage", body, headers))
    else:
        _judge_webhook(*_post(http, _webhook(credentials["webhook_url"]), message, {}))


def _webhook(url: str) -> str:
    try:
        parts = urlsplit(url)
    except ValueError:
        raise Undeliverable("Slack's webhook_url is not an address") from None
    if parts.hostname in _LOOPBACK:
        return url  # a test double
    if parts.scheme == "https" and parts.hostname in _HOSTS:
        if parts.path.startswith("/services/"):
            return url
        raise Undeliverable(
            "Slack's webhook_url is a workflow's, which takes no messages; make an incoming webhook instead"
        )
    raise Undeliverable("Slack's webhook_url must begin with https://hooks.slack.com/services/")


def _post(http: urllib3.PoolManager, url: str, body: object, headers: Mapping[str, str]) -> tuple[int, str]:
    content = {"Content-Type": "application/json; charset=utf-8", **headers}
    try:
        answer = http.request("POST", url, body=json.dumps(body).encode(), headers=content, redirect=False)
    except HTTPError as error:
        trouble = type(error).__name__
    else:
        return answer.status, answer.data.decode(errors="replace")
    # Raised here, not above: an error's context would keep the URL even when it is not shown.
    raise NoAnswer(f"Slack did not answer: {trouble}")


def _judge_webhook(status: int, text: str) -> None:
    if status == 200:
        return
    _refuse(status, text if re.fullmatch("[a-z_ ]{1,60}", text) else "")


def _judge_bot(status: int, text: str) -> None:
    if status != 200:
        _refuse(status, "")
    answer = _read(text)
    if not answer.get("ok"):
        _refuse(status, str(answer.get("error", "an answer that is not Slack's"))[:60])


def _read(text: str) -> Mapping[str, Any]:
    try:
        answer = json.loads(text)
    except ValueError:
        return {}
    return answer if isinstance(answer, dict) else {}


def _refuse(status: int, error: str) -> None:
    said = f"Slack answered {status} {error}".strip()
    if status == 429 or status >= 500 or error in _ONCE_MORE:
        raise Retry(said)
    raise Undeliverable(said)
