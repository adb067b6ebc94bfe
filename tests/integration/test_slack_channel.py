"""Every rung of the ladder, against a Slack that listens on this machine."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from secrets import token_hex
from typing import Any

import pytest
import urllib3
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sagewatch.aws.secrets import CachedSecret
from sagewatch.errors import NoAnswer, Retry, SagewatchError, Stale, Unauthorised, Undeliverable, Unreachable
from sagewatch.receivers.http import CircuitBreaker, Pauses, pool
from sagewatch.receivers.slack.api import Posted, SlackApi
from sagewatch_cli.local.doubles import slack as double
from sagewatch_cli.local.doubles.slack import SILENCE, WEBHOOK, Reply
from sagewatch_cli.local.doubles.slack_workspace import CHANNEL, Picture
from tests.integration.error_contents import told

BLOCKS: dict[str, Any] = {
    "text": "rich",
    "blocks": [{"type": "header", "text": {"type": "plain_text", "text": "h"}}],
}
PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256))


@pytest.fixture
def there() -> Iterator[double.Slack]:
    with double.slack() as there:
        yield there


@pytest.fixture
def http() -> Iterator[urllib3.PoolManager]:
    http = pool()
    yield http
    http.clear()


@dataclass(slots=True)
class Vault:
    """A place for one secret, which counts how often it is read."""

    secret: Mapping[str, str]
    reads: int = 0

    def read(self) -> str:
        self.reads += 1
        return json.dumps(dict(self.secret))


@dataclass(slots=True)
class Ours:
    """Our side of the line."""

    there: double.Slack
    http: urllib3.PoolManager
    vault: Vault = field(init=False)
    now: float = 0

    def __post_init__(self) -> None:
        self.vault = Vault({"bot_token": f"xoxb-{token_hex(16)}", "channel": CHANNEL})

    @property
    def token(self) -> str:
        """What must never be said."""
        return self.vault.secret.get("bot_token") or self.vault.secret["webhook_url"].rpartition("/")[2]

    def by_webhook(self) -> Ours:
        self.vault.secret = {"webhook_url": f"{self.there.url}/services/T000/B000/{token_hex(16)}"}
        return self

    def slack(self) -> SlackApi:
        return SlackApi(
            self.http,
            self.there.api_url,
            CachedSecret(self.vault.read, lambda: self.now),
            lambda message: {"text": f"plain: {message['text']}"},
            CircuitBreaker(lambda: self.now),
            Pauses(lambda: self.now),
        )


@pytest.fixture
def ours(there: double.Slack, http: urllib3.PoolManager) -> Ours:
    return Ours(there, http)


def no(word: str) -> Reply:
    """Slack's way of saying no."""
    return Reply(body=json.dumps({"ok": False, "error": word}))


def outcome(ours: Ours, slack: SlackApi) -> Posted | SagewatchError:
    """Return what becomes of a message, after making sure that an error does not say the secret."""
    try:
        return slack.post(None, {"text": "a"})
    except SagewatchError as error:
        found = error
    assert ours.token not in told(found)
    return found


def trouble(ours: Ours, *replies: Reply, do: Callable[[SlackApi], object] | None = None) -> SagewatchError:
    """Return what is raised when Slack answers so, after making sure that it does not say the secret."""
    ours.there.replies.extend(replies)
    slack = ours.slack()
    with pytest.raises(SagewatchError) as raised:
        (do or (lambda slack: slack.post(None, {"text": "a"})))(slack)
    assert ours.token not in told(raised.value) + repr(slack)
    return raised.value


# ---- what people see


def test_a_message_goes_to_the_channel_of_the_credentials_unless_another_is_named(ours: Ours) -> None:
    slack = ours.slack()

    posted = [slack.post(channel, {"text": str(channel)}) for channel in (None, "default", "C1")]

    assert posted == [
        Posted(CHANNEL, "1767323045.000001"),
        Posted(CHANNEL, "1767323045.000002"),
        Posted("C1", "1767323045.000003"),
    ]
    assert [said.text for said in ours.there.workspace.channel()] == ["None", "default"]
    assert [said.text for said in ours.there.workspace.channel("C1")] == ["C1"]
    assert [each.headers["Authorization"] for each in ours.there.posted] == [f"Bearer {ours.token}"] * 3


def test_an_edit_leaves_nothing_of_what_was_there(ours: Ours) -> None:
    slack = ours.slack()
    posted = slack.post(None, BLOCKS)

    edited = slack.edit(posted, {"text": "b"})

    [said] = ours.there.workspace.channel()
    assert edited == posted
    assert (said.content, said.edits) == ({"text": "b", "blocks": [], "attachments": []}, 1)


def test_replies_and_pictures_are_in_the_thread(ours: Ours) -> None:
    slack = ours.slack()
    posted = slack.post("C1", {"text": "a"})

    reply = slack.reply(posted, {"text": "b"})
    slack.upload(posted, "latency.png", "model latency", PNG)

    assert [(said.text, said.ts) for said in ours.there.workspace.thread(posted.ts)] == [("b", reply.ts)]
    assert ours.there.workspace.pictures == [Picture("C1", posted.ts, "latency.png", "model latency", PNG)]
    assert [said.text for said in ours.there.workspace.channel("C1")] == ["a"]


def test_a_message_is_withdrawn_and_withdrawing_it_again_is_no_trouble(ours: Ours) -> None:
    slack = ours.slack()
    posted = slack.post(None, {"text": "a"})

    slack.withdraw(posted)
    slack.withdraw(posted)

    assert ours.there.workspace.channel() == ()
    assert [each.path for each in ours.there.asked[1:]] == ["/api/chat.delete"] * 2


def test_a_message_has_a_link(ours: Ours) -> None:
    slack = ours.slack()
    posted = slack.post("C1", {"text": "a"})

    assert slack.permalink(posted) == f"{ours.there.url}/archives/C1/p1767323045000001"


@pytest.mark.parametrize("reply", [no("message_not_found"), no("missing_scope"), Reply(503, ""), SILENCE])
def test_nothing_fails_for_a_link(ours: Ours, reply: Reply) -> None:
    slack = ours.slack()
    posted = slack.post(None, {"text": "a"})
    ours.there.replies.extend([reply, reply])

    assert slack.permalink(posted) == ""


# ---- what goes first


def test_after_a_refusal_replies_wait_until_new_messages_had_their_turn(ours: Ours) -> None:
    slack = ours.slack()
    root = slack.post(CHANNEL, {"text": "a"})
    ours.there.replies.append(Reply(429, "", {"Retry-After": "2"}))
    with pytest.raises(Retry):
        slack.reply(root, {"text": "b"})
    asked = len(ours.there.asked)

    ours.now = 2.5
    with pytest.raises(Retry) as waits:
        slack.reply(root, {"text": "b"})
    slack.post(CHANNEL, {"text": "c"})
    slack.edit(root, {"text": "d"})
    ours.now = 3
    slack.reply(root, {"text": "b"})

    assert waits.value.after == 0.5
    assert [each.body["text"] for each in ours.there.asked[asked:]] == ["c", "d", "b"]


def test_replies_in_another_channel_do_not_wait(ours: Ours) -> None:
    slack = ours.slack()
    root = slack.post(CHANNEL, {"text": "a"})
    ours.there.replies.append(Reply(429, "", {"Retry-After": "2"}))
    with pytest.raises(Retry):
        slack.post("C0OTHER", {"text": "b"})

    assert slack.reply(root, {"text": "c"}).ts


# ---- the ladder


@pytest.mark.parametrize(
    ("reply", "kind", "after"),
    [
        (Reply(429, "", {"Retry-After": "7"}), Retry, 7),
        (Reply(429, '{"ok": false, "error": "ratelimited"}', {"Retry-After": "7"}), Retry, 7),
        (Reply(429, ""), Retry, 30),
        (Reply(429, "", {"Retry-After": "Sat, 21 Nov 2026 12:00:00 GMT"}), Retry, 30),
        (Reply(429, "", {"Retry-After": "86400"}), Retry, 900),
        (Reply(429, "", {"Retry-After": "0"}), Retry, 1),
        (no("ratelimited"), Retry, 30),
        (no("rate_limited"), Retry, 30),
        (no("message_limit_exceeded"), Retry, 30),
        *((Reply(status, "<html>"), Retry, None) for status in (408, 500, 502, 503, 504, 599)),
        (Reply(503, "", {"Retry-After": "5"}), Retry, 5),
        *(
            (no(word), Retry, None)
            for word in ("internal_error", "fatal_error", "service_unavailable", "rollup_error", "request_timeout")
        ),
        *(
            (Reply(body=body), Retry, None)
            for body in (
                "<html>Sign in</html>",
                '{"ok": tr',
                "",
                "[]",
                "null",
                '{"ok": "true"}',
                '{"ok": 1}',
                "[" * 99_999,
            )
        ),
        *(
            (no(word), Stale, None)
            for word in ("message_not_found", "cant_update_message", "edit_window_closed", "thread_not_found")
        ),
        *(
            (no(word), Unreachable, None)
            for word in ("channel_not_found", "not_in_channel", "is_archived", "action_prohibited")
        ),
        (no("restricted_action_read_only_channel"), Unreachable, None),
        (Reply(410, ""), Unreachable, None),
        (no("something_new"), Undeliverable, None),
        (no("Not A Word: \u2028"), Undeliverable, None),
        (Reply(404, ""), Undeliverable, None),
    ],
)
def test_a_bot_hears_what_slack_means(
    ours: Ours, reply: Reply, kind: type[SagewatchError], after: float | None
) -> None:
    error = trouble(ours, reply)

    assert (type(error), getattr(error, "after", None)) == (kind, after)
    assert len(ours.there.asked) == 1


@pytest.mark.parametrize(
    ("reply", "kind", "after"),
    [
        (Reply(429, "rate_limited", {"Retry-After": "7"}), Retry, 7),
        (Reply(429, "rate_limited"), Retry, 30),
        (Reply(500, "rollup_error"), Retry, None),
        (Reply(503, ""), Retry, None),
        (Reply(200, "<html>"), Retry, None),
        (Reply(403, "action_prohibited"), Unreachable, None),
        (Reply(404, "channel_not_found"), Unreachable, None),
        (Reply(410, "channel_is_archived"), Unreachable, None),
        (Reply(400, "user_not_found"), Undeliverable, None),
        (Reply(404, "<html>"), Undeliverable, None),
    ],
)
def test_a_webhook_hears_what_slack_means(
    ours: Ours, reply: Reply, kind: type[SagewatchError], after: float | None
) -> None:
    error = trouble(ours.by_webhook(), reply)

    assert (type(error), getattr(error, "after", None)) == (kind, after)
    assert len(ours.there.asked) == 1


@pytest.mark.parametrize(
    "reply",
    [
        SILENCE,
        Reply(raw=b"SMTP ready\r\n\r\n"),
        Reply(raw=b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nok"),
        Reply(raw=b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{"),
        Reply(raw=b'HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{"ok": true'),
        Reply(raw=b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\nok"),
        Reply(late=5),
    ],
    ids=["silence", "no-http", "no-chunk", "half-a-chunk", "half-an-answer", "no-gzip", "late"],
)
@pytest.mark.parametrize("way", ["bot", "webhook"])
def test_who_does_not_answer_is_left_alone_for_half_a_minute(ours: Ours, reply: Reply, way: str) -> None:
    ours.http.connection_pool_kw["timeout"] = urllib3.Timeout(connect=1, read=0.2)
    ours.there.replies.append(reply)
    slack = (ours if way == "bot" else ours.by_webhook()).slack()
    seen: list[tuple[object, ...]] = []

    for ours.now in (0, 29, 30):
        found = outcome(ours, slack)
        seen.append((type(found), getattr(found, "after", None), len(ours.there.asked)))

    assert seen == [(NoAnswer, None, 1), (NoAnswer, 1, 1), (Posted, None, 2)]


@pytest.mark.parametrize("way", ["bot", "webhook"])
def test_when_nobody_listens_there_is_no_answer(http: urllib3.PoolManager, way: str) -> None:
    with double.slack() as there:
        ours = Ours(there, http)

    error = trouble(ours if way == "bot" else ours.by_webhook())

    assert (type(error), str(error)) == (NoAnswer, "Slack did not answer: NewConnectionError")


@pytest.mark.parametrize("status", [301, 302, 307, 308])
@pytest.mark.parametrize("way", ["bot", "webhook"])
def test_no_redirect_is_followed(ours: Ours, status: int, way: str) -> None:
    elsewhere = Reply(status, "", {"Location": f"{ours.there.url}{WEBHOOK}"})

    error = trouble(ours if way == "bot" else ours.by_webhook(), elsewhere)

    assert type(error) is Undeliverable
    assert len(ours.there.asked) == 1


# ---- what Slack refuses is said in plain text


REFUSED = ("invalid_blocks", "invalid_blocks_format", "msg_blocks_too_long", "msg_too_long", "invalid_payload")


@pytest.mark.parametrize("word", [*REFUSED, "invalid_attachments", "no_text", "too_many_attachments"])
def test_what_slack_refuses_is_said_in_plain_text_at_once(ours: Ours, word: str) -> None:
    slack = ours.slack()
    posted = slack.post(None, {"text": "a"})
    said: list[Posted] = []

    for do in (
        lambda: slack.post(None, BLOCKS),
        lambda: slack.edit(posted, BLOCKS),
        lambda: slack.reply(posted, BLOCKS),
    ):
        ours.there.replies.append(no(word))
        said.append(do())

    assert [each.degraded for each in said] == [True, True, True]
    assert [each.text for each in ours.there.workspace.channel()] == ["plain: rich", "plain: rich"]
    assert [each.text for each in ours.there.workspace.thread(posted.ts)] == ["plain: rich"]


def test_blocks_over_slacks_limits_are_said_in_plain_text(ours: Ours) -> None:
    section = {"type": "section", "text": {"type": "mrkdwn", "text": "x" * 3_001}}

    posted = ours.slack().post(None, {"text": "long", "attachments": [{"blocks": [section]}]})

    assert posted.degraded
    assert [each.content for each in ours.there.workspace.channel()] == [{"text": "plain: long"}]


def test_a_webhook_that_refuses_blocks_gets_plain_text(ours: Ours) -> None:
    ours.there.replies.append(Reply(400, "invalid_blocks"))

    assert ours.by_webhook().slack().post(None, BLOCKS) == Posted("", "", degraded=True)
    assert [each.text for each in ours.there.workspace.channel()] == ["plain: rich"]


def test_when_plain_text_is_refused_too_nothing_more_is_tried(ours: Ours) -> None:
    error = trouble(ours, no("invalid_blocks"), no("no_text"))

    assert isinstance(error, Undeliverable)
    assert len(ours.there.asked) == 2


# ---- credentials


UNAUTHORISED = ("invalid_auth", "token_revoked", "account_inactive", "token_expired", "not_authed", "missing_scope")


@pytest.mark.parametrize("reply", [*map(no, UNAUTHORISED), Reply(403, "invalid_token"), Reply(404, "no_service")])
def test_a_refused_secret_is_read_anew_once(ours: Ours, reply: Reply) -> None:
    ours = ours if reply.status == 200 else ours.by_webhook()

    error = trouble(ours, reply, reply, reply)

    assert type(error) is Unauthorised
    assert (ours.vault.reads, len(ours.there.asked)) == (2, 2)


def test_a_rotated_token_is_used_at_once(ours: Ours) -> None:
    slack, ours.there.token = ours.slack(), ours.token
    slack.post(None, {"text": "before"})
    ours.vault.secret = {**ours.vault.secret, "bot_token": f"xoxb-{token_hex(16)}"}
    ours.there.token = ours.token

    slack.post(None, {"text": "after"})

    assert [said.text for said in ours.there.workspace.channel()] == ["before", "after"]
    assert ours.vault.reads == 2


def test_what_a_bot_posted_is_said_anew_when_only_a_webhook_is_left(ours: Ours) -> None:
    slack = ours.slack()
    posted = slack.post(None, {"text": "a"})
    ours.by_webhook().now = 300

    assert not slack.editable
    for do in (lambda: slack.edit(posted, BLOCKS), lambda: slack.reply(posted, BLOCKS)):
        with pytest.raises(Stale):
            do()


def test_what_came_by_webhook_stays_as_it_is(ours: Ours) -> None:
    slack = ours.by_webhook().slack()
    posted = slack.post("C1", {"text": "a"})

    assert (posted, slack.editable, slack.permalink(posted)) == (Posted("", ""), False, "")
    slack.withdraw(posted)
    for do in (
        lambda: slack.edit(posted, BLOCKS),
        lambda: slack.reply(posted, BLOCKS),
        lambda: slack.upload(posted, "a.png", "a", PNG),
    ):
        with pytest.raises(Stale):
            do()
    assert len(ours.there.asked) == 1


def test_a_bot_can_edit(ours: Ours) -> None:
    assert ours.slack().editable


def test_a_secret_that_is_none_fails_where_a_message_is_posted(ours: Ours) -> None:
    secret = token_hex(16)
    ours.vault.secret = {"token": secret}
    slack = ours.slack()

    assert slack.editable
    with pytest.raises(Undeliverable, match="SLACK_CREDENTIALS must be") as refused:
        slack.post(None, {"text": "a"})
    assert secret not in told(refused.value)


@pytest.mark.parametrize(
    "url",
    [
        "https://hooks.slack.com/triggers/T000/{}",
        "https://hooks.slack.com/workflows/T000/{}",
        "http://hooks.slack.com/services/T000/{}",
        "https://hooks.slack.com:8443/services/T000/{}",
        "https://user:{}@hooks.slack.com/services/T000/B000",
        "https://hooks.slack.com.evil.example/services/{}",
        "https://evil.example/services/{}",
        "https://evil.example\\@hooks.slack.com/services/{}",
        "https://evil.example#@hooks.slack.com/services/{}",
        "ftp://hooks.slack.com/services/{}",
        "http://[::1/services/{}",
        "http://localhost:99999/services/{}",
        "//{}",
        "{}",
    ],
)
def test_a_webhook_that_is_none_of_slacks_is_never_called(ours: Ours, url: str) -> None:
    secret = token_hex(16)
    ours.vault.secret = {"webhook_url": url.format(secret)}
    slack = ours.slack()

    with pytest.raises(Undeliverable, match=r"^Slack's webhook_url ") as refused:
        slack.post(None, {"text": "a"})

    assert secret not in told(refused.value) + repr(slack)


@pytest.mark.parametrize("place", ["https://evil.example/u/{}", "http://files.slack.com/{}", "{}", "http://[::1/{}"])
def test_a_picture_goes_nowhere_but_to_slack(ours: Ours, place: str) -> None:
    secret = token_hex(16)
    given = Reply(body=json.dumps({"ok": True, "upload_url": place.format(secret), "file_id": "F1"}))

    error = trouble(ours, given, do=lambda slack: slack.upload(Posted("C1", "1.2"), "a.png", "a", PNG))

    assert type(error) is Undeliverable
    assert secret not in told(error)
    assert len(ours.there.asked) == 1


@pytest.mark.parametrize(
    ("replies", "kind"),
    [
        ((no("missing_scope"), no("missing_scope")), Unauthorised),
        ((Reply(body='{"ok": true, "upload_url": "http://localhost:1/x", "file_id": "F1"}'),), NoAnswer),
    ],
)
def test_a_picture_that_cannot_be_uploaded_says_why(
    ours: Ours, replies: tuple[Reply, ...], kind: type[SagewatchError]
) -> None:
    error = trouble(ours, *replies, do=lambda slack: slack.upload(Posted("C1", "1.2"), "a.png", "a", PNG))

    assert type(error) is kind


def test_an_answer_that_repeats_the_secret_is_not_repeated(ours: Ours) -> None:
    said = [
        no(ours.token),
        Reply(403, ours.token),
        Reply(400, json.dumps({"ok": False, "error": ours.token})),
        Reply(429, ours.token, {"Retry-After": ours.token}),
        Reply(302, "", {"Location": f"https://evil.example/{ours.token}"}),
        Reply(raw=f"HTTP/1.1 {ours.token}\r\n\r\n".encode()),
    ]

    kinds = [type(trouble(ours, reply)) for reply in said]

    assert kinds == [Undeliverable, Undeliverable, Undeliverable, Retry, Undeliverable, NoAnswer]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    status=st.integers(100, 999),
    body=st.one_of(st.binary(max_size=60), st.builds(lambda word: no(word).body.encode(), st.text(max_size=20))),
    after=st.text("0123456789 -.e", max_size=5),
)
def test_whatever_comes_back_is_an_error_of_ours_or_a_message(ours: Ours, status: int, body: bytes, after: str) -> None:
    head = f"HTTP/1.1 {status} X\r\nRetry-After: {after}\r\nConnection: close\r\n\r\n"
    ours.there.replies.clear()
    ours.there.replies.extend([Reply(raw=head.encode() + body)] * 2)
    ours.http.connection_pool_kw["timeout"] = urllib3.Timeout(connect=1, read=1)

    found = outcome(ours, ours.slack())

    assert isinstance(found, (Retry, Undeliverable))
    assert (getattr(found, "after", None) or 1) in range(1, 901)


def test_under_a_limit_and_a_bad_day_every_message_is_said_once_in_the_end(ours: Ours) -> None:
    """The queue's part is played here: what comes back is tried again."""
    ours.there.troubles = double.Troubles(share=0.3, seed=7)
    ours.there.per_second = 50
    waiting, tries, slack = [f"m{number}" for number in range(40)], 0, ours.slack()

    while waiting and tries < 1_000:
        tries, text, ours.now = tries + 1, waiting.pop(0), ours.now + 30
        try:
            slack.post(None, {"text": text})
        except Retry:
            waiting.append(text)

    assert sorted(said.text for said in ours.there.workspace.channel()) == sorted(f"m{number}" for number in range(40))
    assert 40 < tries < math.inf
