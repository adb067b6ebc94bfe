"""The Slack of the emulated stack on its bad days."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
import urllib3
from urllib3.exceptions import ProtocolError

from sagewatch_cli.local.doubles.slack import WEBHOOK, Reply, Slack, Troubles, slack
from sagewatch_cli.local.doubles.slack_workspace import CHANNEL


@pytest.fixture
def double() -> Iterator[Slack]:
    with slack() as double:
        yield double


@pytest.fixture
def http() -> Iterator[urllib3.PoolManager]:
    http = urllib3.PoolManager(retries=False)
    yield http
    http.clear()


def say(http: urllib3.PoolManager, double: Slack, path: str = "/api/chat.postMessage", **body: Any) -> Any:
    """Post as the bot, and return the answer."""
    headers = {"Authorization": f"Bearer {double.bot['bot_token']}"}
    return http.request("POST", f"{double.url}{path}", json={"channel": CHANNEL, "text": "a", **body}, headers=headers)


def test_a_channel_takes_so_many_messages_a_second(double: Slack, http: urllib3.PoolManager) -> None:
    double.per_second = 2

    answers = [say(http, double, channel=channel) for channel in ("C1", "C1", "C1", "C2")]
    edit = say(http, double, "/api/chat.update", channel="C1", ts=answers[0].json()["ts"])
    hooks = [say(http, double, WEBHOOK) for _ in range(3)]

    assert [each.status for each in (*answers, edit, *hooks)] == [200, 200, 429, 200, 200, 200, 200, 429]
    assert (answers[2].headers["Retry-After"], answers[2].json()) == ("1", {"ok": False, "error": "ratelimited"})
    assert (hooks[2].headers["Retry-After"], hooks[2].data) == ("1", b"rate_limited")
    assert len(double.workspace.channel("C1")) == 2


def bad_day(http: urllib3.PoolManager, seed: int) -> list[object]:
    """Return what three hundred messages meet on a day of that seed, and how many were seen."""
    with slack() as double:
        double.troubles = Troubles(share=0.3, seed=seed)
        met: list[object] = []
        for _ in range(300):
            try:
                met.append(say(http, double).status)
            except ProtocolError:
                met.append("silence")
        return [*met, len(double.workspace.channel())]


def test_a_bad_day_is_the_same_for_the_same_seed(http: urllib3.PoolManager) -> None:
    first, again, other = (bad_day(http, seed) for seed in (1, 1, 2))

    assert first == again != other
    assert set(first[:-1]) == {200, 500, 502, 503, "silence"}
    assert 60 < sum(each != 200 for each in first[:-1]) < 120
    assert first[-1] == first[:-1].count(200)


@pytest.mark.parametrize(
    ("authorization", "word"),
    [("", "not_authed"), ("Bearer ", "not_authed"), ("Bearer xoxp-other", "invalid_auth"), ("Basic x", "not_authed")],
)
def test_nobody_is_let_in_without_a_token(
    double: Slack, http: urllib3.PoolManager, authorization: str, word: str
) -> None:
    headers = {"Authorization": authorization}

    answer = http.request("POST", f"{double.api_url}/chat.postMessage", json={"channel": "C1"}, headers=headers)

    assert answer.json() == {"ok": False, "error": word}


def test_a_method_that_reads_forms_sees_nothing_in_json(double: Slack, http: urllib3.PoolManager) -> None:
    ts, headers = say(http, double).json()["ts"], {"Authorization": "Bearer xoxb-1"}
    url, asked = f"{double.api_url}/chat.getPermalink", {"channel": CHANNEL, "message_ts": ts}

    in_json = http.request("POST", url, json=asked, headers=headers)
    in_a_form = http.request("POST", url, fields=asked, encode_multipart=False, headers=headers)
    in_the_url = http.request("GET", url, fields=asked, headers=headers)

    assert [each.json()["ok"] for each in (in_json, in_a_form, in_the_url)] == [False, True, True]


def test_a_channel_that_is_closed_says_so_to_bots_and_webhooks(double: Slack, http: urllib3.PoolManager) -> None:
    double.workspace.closed[CHANNEL] = "is_archived"

    bot, hook = say(http, double), say(http, double, WEBHOOK)

    assert (bot.status, bot.json()["error"]) == (200, "is_archived")
    assert (hook.status, hook.data) == (410, b"is_archived")


def test_a_new_day_knows_nothing_of_the_last(double: Slack, http: urllib3.PoolManager) -> None:
    double.per_second, double.troubles = 1, Troubles(share=1, kinds=(Reply(503, ""),))
    statuses = [say(http, double).status for _ in range(5)]

    double.clear()

    assert statuses == [503] * 5
    assert (double.asked, double.posted, double.workspace.channel()) == ([], [], ())
    assert json.loads(say(http, double).data)["ok"]
