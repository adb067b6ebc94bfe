"""Delivers to Slack, as a bot or by webhook, and climbs down from what Slack refuses to what it takes.

Retry          429, 5xx, a time-out, no connection, the errors that Slack calls its own, an answer that is not Slack's
Stale          a message that is gone, or can no longer be edited or answered
Unreachable    a channel that is gone or closed to us
Unauthorised   a token or webhook that is refused, also when it was read anew
Undeliverable  everything else

The webhook's URL, the token and the place of an upload are secrets: no error says them.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from typing import Any, ClassVar
from urllib.parse import urlencode

import urllib3

from sagewatch.aws.secrets import CachedSecret
from sagewatch.errors import ErrorCode, Retry, SagewatchError, Stale, Unauthorised, Undeliverable, Unreachable
from sagewatch.model import Incident, ThreadLine
from sagewatch.policy.rules import Route
from sagewatch.receivers.http import LOOPBACK, THROTTLED, Answer, CircuitBreaker, Pauses, address, post
from sagewatch.receivers.receiver import Capabilities, Location, Note, PostOnlyReceiver
from sagewatch.receivers.slack import render
from sagewatch.receivers.slack.blocks import Message

type Credentials = Mapping[str, str]

REJECTED = "RenderRejected"
"""The metric that counts messages which Slack took in plain text only."""

# GovSlack has hosts of its own (Slack, "GovSlack").
_WEBHOOKS = frozenset({"hooks.slack.com", "hooks.slack-gov.com"})
_UPLOADS = frozenset({"files.slack.com", "files.slack-gov.com"})
_WORD = re.compile("[a-z_ ]{1,60}")
_ALWAYS: Mapping[str, Message] = {
    # Slack should not show what a link leads to: the console asks for a login.
    "chat.postMessage": {"unfurl_links": False, "unfurl_media": False},
    # chat.update keeps the blocks and attachments that it is not given.
    "chat.update": {"blocks": [], "attachments": []},
}
"""What a message holds by default, by method."""


_BEFORE_REPLIES = 1.0  # s that new messages have to themselves after a refusal


class Rejected(Undeliverable):
    """Slack refuses how a message is made; the same in plain text it may take."""


# Slack's Web API, errors of chat.* and files.*; incoming webhooks, "Handling errors".
_RATE_LIMITED = frozenset({"ratelimited", "rate_limited", "message_limit_exceeded"})
_TROUBLED = frozenset(
    {"internal_error", "fatal_error", "service_unavailable", "rollup_error", "request_timeout"}
    | {"update_failed", "team_added_to_org"}
)
_MEANINGS: tuple[tuple[type[SagewatchError], re.Pattern[str]], ...] = (
    (Stale, re.compile("message_not_found|cant_update_message|edit_window_closed|thread_not_found")),
    (Stale, re.compile("cannot_reply_to_message")),
    (Rejected, re.compile("invalid_blocks.*|msg_blocks_too_long|msg_too_long|no_text")),
    (Rejected, re.compile("invalid_payload|invalid_attachments|too_many_attachments")),
    (Unauthorised, re.compile("invalid_auth|token_revoked|token_expired|account_inactive|not_authed|missing_scope")),
    (Unauthorised, re.compile("not_allowed_token_type|no_permission|invalid_token|no_service.*|no_team|team_disabled")),
    (Unauthorised, re.compile("access_denied|org_login_required|team_access_not_granted")),
    (Unreachable, re.compile("channel_not_found|not_in_channel|is_archived|channel_is_archived|action_prohibited")),
    (Unreachable, re.compile("restricted_action.*|posting_to_general_channel_denied")),
)


@dataclass(frozen=True, slots=True)
class Posted:
    """Where a message is; one without `ts` came by webhook, and can be neither edited nor answered.

    `degraded` tells that Slack refused its blocks and shows its plain text.
    """

    channel: str
    ts: str
    degraded: bool = False


@dataclass(frozen=True, slots=True)
class SlackApi:
    """Somebody's Slack, by its Web API or an incoming webhook: `SlackApi(…).post("C0ALERTS", message)`."""

    http: urllib3.PoolManager
    api_url: str
    credentials: CachedSecret
    plain: Callable[[Message], Message]
    """Returns a message without anything that Slack could refuse."""
    breaker: CircuitBreaker = field(default_factory=CircuitBreaker)
    pauses: Pauses = field(default_factory=Pauses)
    """The channels that took no message a moment ago."""

    @property
    def editable(self) -> bool:
        """Whether messages can be edited, answered and deleted: a bot's can, a webhook's cannot.

        True as well while the secret cannot be read: then posting says why, and fails alone.
        """
        try:
            return "bot_token" in self.credentials()
        except SagewatchError:
            return True

    def channel_of(self, channel: str) -> str:
        """Return a channel by its own name: `default` is that of the credentials, as long as they can be read."""
        if channel != "default":
            return channel
        try:
            return self.credentials().get("channel", channel)
        except SagewatchError:
            return channel

    @property
    def interactive(self) -> bool:
        """Whether clicks are believed: they are signed with a secret, and without it buttons would do nothing."""
        try:
            return self.editable and "signing_secret" in self.credentials()
        except SagewatchError:
            return False

    def post(self, channel: str | None, message: Message) -> Posted:
        """Post in a channel; None and `default` mean that of the credentials, and a webhook knows no other."""
        return self._say("chat.postMessage", message, {"channel": channel})

    def edit(self, posted: Posted, message: Message) -> Posted:
        """Replace all of a message."""
        return self._say("chat.update", message, _place(posted))

    def reply(self, posted: Posted, message: Message) -> Posted:
        """Post in the thread of a message; the answer is where the reply is.

        A channel takes about one message a second (Slack, "Rate limits"): after a refusal replies wait without asking,
        and a second longer than Slack says, so that new messages go first.
        """
        place = _place(posted)
        thread = {"channel": place["channel"], "thread_ts": place["ts"]}
        if left := self.pauses.left(place["channel"]):
            raise Retry(
                "Slack's channel took no message a moment ago, and replies wait for new messages",
                left,
                code=ErrorCode.RECEIVER_BUSY,
            )
        return self._say("chat.postMessage", message, thread)

    def withdraw(self, posted: Posted) -> None:
        """Delete a message; that it is not there any more is what was wanted."""
        with contextlib.suppress(Stale):
            # A bot can delete only messages that it posted itself (chat.delete).
            self.credentials.use(self._call, "chat.delete", *_json(_place(posted)))

    def upload(self, posted: Posted, name: str, title: str, png: bytes) -> None:
        """Put a picture into the thread of a message (Slack, "Working with files": three calls)."""
        place = _place(posted)
        slot = _form({"filename": name, "length": str(len(png)), "alt_txt": title})
        given = self.credentials.use(self._call, "files.getUploadURLExternal", *slot)
        self._put(str(given.get("upload_url")), png)
        files = [{"id": given.get("file_id"), "title": title}]
        shared = {"files": files, "channel_id": place["channel"], "thread_ts": place["ts"]}
        self.credentials.use(self._call, "files.completeUploadExternal", *_json(shared))

    def permalink(self, posted: Posted) -> str:
        """Return a link to a message; nothing when there is none now, since no delivery should fail for a link."""
        try:
            asked = _form({"channel": posted.channel, "message_ts": _place(posted)["ts"]})
            given = self.credentials.use(self._call, "chat.getPermalink", *asked)
        except SagewatchError:
            return ""
        return str(given.get("permalink", ""))

    def _say(self, method: str, message: Message, place: _Place) -> Posted:
        """Send a message, in plain text when Slack refuses how it is made."""
        try:
            return self.credentials.use(self._send, method, message, place)
        except Rejected:
            plain = self.plain(message)
        return replace(self.credentials.use(self._send, method, plain, place), degraded=True)

    def _send(self, found: Credentials, method: str, message: Message, place: _Place) -> Posted:
        """Send a message as a bot; a new one of its own also by the webhook, where there is no bot."""
        is_new = method == "chat.postMessage" and "thread_ts" not in place
        if is_new and "bot_token" not in found:
            return self._send_to_webhook(found["webhook_url"], message)
        if is_new and place["channel"] in {None, "default"}:
            if "channel" not in found:
                raise Undeliverable(
                    "The secret in SLACK_CREDENTIALS names no channel, and a route asks for its own",
                    code=ErrorCode.SECRET_MALFORMED,
                )
            place = {"channel": found["channel"]}
        try:
            answer = self._call(found, method, *_json({**_ALWAYS[method], **message, **place}))
        except Retry as error:
            if method == "chat.postMessage" and error.after is not None:
                self.pauses.begin(place["channel"] or "", error.after + _BEFORE_REPLIES)
            raise
        return Posted(str(answer.get("channel", "")), str(answer.get("ts", "")))

    def _send_to_webhook(self, url: str, message: Message) -> Posted:
        answer = post(self.http, self.breaker, "Slack", _checked(url, self.api_url), *_json(message))
        if not answer.good:
            raise _slack_error(answer, _word(answer.text))
        # An incoming webhook answers 200 with the text `ok` (Slack, incoming webhooks, "Handling errors").
        if answer.text.strip() != "ok":
            raise _unreadable(answer)
        return Posted("", "")

    def _call(self, found: Credentials, method: str, body: bytes, headers: Mapping[str, str]) -> Mapping[str, Any]:
        """Call a method of the Web API and return its answer; an error of Slack's is raised as what it means."""
        if "bot_token" not in found:
            raise Stale("Slack edits and answers messages for a bot only, and there is no bot_token any more")
        # With a JSON body the token must be in this header (Slack, "Using the Slack Web API").
        headers = {**headers, "Authorization": f"Bearer {found['bot_token']}"}
        answer = post(self.http, self.breaker, "Slack", f"{self.api_url.rstrip('/')}/{method}", body, headers)
        said = _json_of(answer.text)
        # The Web API answers 200 for most errors, and says them in `ok` and `error`.
        if answer.good and said.get("ok") is True:
            return said
        if answer.good and not isinstance(said.get("error"), str):
            raise _unreadable(answer)
        raise _slack_error(answer, _word(str(said.get("error", ""))))

    # The place is named by Slack's answer; the bytes go to Slack's own hosts only (Slack, "Working with files").
    def _put(self, url: str, content: bytes) -> None:
        place = address(url)
        ours = place and place.scheme == "https" and place.host in _UPLOADS
        played = place and place.host in LOOPBACK and _is_played(self.api_url)
        if not (ours or played):
            raise Undeliverable(
                "Slack names a place for uploads that is not https://files.slack.com",
                code=ErrorCode.ADDRESS_NOT_ALLOWED,
            )
        answer = post(self.http, self.breaker, "Slack", url, content, {"Content-Type": "application/octet-stream"})
        if not answer.good:
            raise _slack_error(answer, _word(answer.text))


@dataclass(frozen=True, slots=True)
class SlackReceiver:
    """A channel, for one route: an incident is one message, its history the thread below."""

    capabilities: ClassVar[Capabilities] = Capabilities(editable=True)
    api: SlackApi
    channel: str
    route: Route
    note: Note

    def fingerprint(self, incident: Incident, now: datetime) -> str:
        message = json.dumps(self._message(incident, now, {}), sort_keys=True, default=str)
        return hashlib.sha256(message.encode()).hexdigest()[:16]

    def open(self, incident: Incident, now: datetime, previous: Location) -> Location:
        return self._location(self.api.post(self.channel, self._message(incident, now, previous)))

    def edit(self, root: Location, incident: Incident, now: datetime, previous: Location) -> Location:
        return self._location(self.api.edit(Posted(**root), self._message(incident, now, previous)))

    def add(self, root: Location, incident: Incident, line: ThreadLine) -> Location:
        return self._location(self.api.reply(Posted(**root), render.reply(incident, line, self.route)))

    def withdraw(self, where: Location) -> None:
        if where:  # of a picture nothing is known
            self.api.withdraw(Posted(**where))

    def has_readers(self) -> bool:
        return True

    def warn(self, incident: Incident) -> bool:
        self.api.post(self.channel, render.warning(incident, self.route))
        return True

    def show(self, root: Location, title: str, png: bytes) -> None:
        """Put a picture into the thread."""
        self.api.upload(Posted(**root), "alarm.png", title, png)

    def _message(self, incident: Incident, now: datetime, previous: Location) -> dict[str, Any]:
        link = self.api.permalink(Posted(**previous)) if previous else ""
        return render.root(incident, self.route, controls=self.api.interactive, previous=link, now=now)

    def _location(self, posted: Posted) -> Location:
        if posted.degraded:
            self.note(REJECTED, channel=posted.channel, code=ErrorCode.BLOCKS_REFUSED)
        return asdict(posted)


@dataclass(frozen=True, slots=True)
class SlackWebhookReceiver(PostOnlyReceiver):
    """An incoming webhook, for one route."""

    api: SlackApi
    route: Route
    note: Note

    def tell(self, incident: Incident, line: ThreadLine | None) -> None:
        posted = self.api.post(None, render.announced(incident, line, self.route))
        if posted.degraded:
            self.note(REJECTED, channel=posted.channel, code=ErrorCode.BLOCKS_REFUSED)


type _Content = tuple[bytes, Mapping[str, str]]
type _Place = Mapping[str, str | None]


def _json(body: Mapping[str, Any]) -> _Content:
    # Without the charset Slack answers with the warning `missing_charset` ("Using the Slack Web API").
    return json.dumps(body).encode(), {"Content-Type": "application/json; charset=utf-8"}


def _form(body: Mapping[str, str]) -> _Content:
    # files.getUploadURLExternal and chat.getPermalink take a form, no JSON (their pages, "Content types").
    return urlencode(body).encode(), {"Content-Type": "application/x-www-form-urlencoded"}


def _place(posted: Posted) -> Mapping[str, str]:
    if not posted.ts:
        raise Stale("A message that came by webhook can be neither edited nor answered")
    return {"channel": posted.channel, "ts": posted.ts}


def _is_played(api_url: str) -> bool:
    """Tell whether a test double stands in Slack's place, which the settings take only where emulators are named."""
    api = address(api_url)
    return api is not None and api.host in LOOPBACK


def _checked(url: str, api_url: str) -> str:
    """Return a webhook's address; Undeliverable when it is not one of Slack's, or of the double in Slack's place."""
    place = address(url)
    if place is None:
        raise Undeliverable("Slack's webhook_url is not an address", code=ErrorCode.SECRET_MALFORMED)
    if place.host in LOOPBACK and _is_played(api_url):
        return url
    # Workflows have webhooks of their own, under /triggers/ and /workflows/, that take flat variables and no blocks.
    if place.scheme == "https" and place.host in _WEBHOOKS and not place.auth and place.port in {None, 443}:
        if (place.path or "").startswith("/services/"):
            return url
        raise Undeliverable(
            "Slack's webhook_url is a workflow's, which takes no messages; make an incoming webhook instead",
            code=ErrorCode.SECRET_MALFORMED,
        )
    raise Undeliverable(
        "Slack's webhook_url must begin with https://hooks.slack.com/services/", code=ErrorCode.SECRET_MALFORMED
    )


def _json_of(text: str) -> Mapping[str, Any]:
    try:
        answer = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return answer if isinstance(answer, dict) else {}


def _word(text: str) -> str:
    return text.strip() if _WORD.fullmatch(text.strip()) else ""


def _unreadable(answer: Answer) -> Retry:
    # A proxy's page, or half an answer: whether people saw the message is not known, and twice is better than never.
    return Retry(f"Slack answered {answer.status} with something that is not Slack's", code=ErrorCode.RECEIVER_BUSY)


def _slack_error(answer: Answer, word: str) -> SagewatchError:
    """Return the error that Slack's answer means; `word` is Slack's own, such as `invalid_auth`."""
    said = f"Slack answered {answer.status} {word}".strip()
    if answer.throttled or word in _RATE_LIMITED:
        return Retry(said, answer.after or THROTTLED, code=ErrorCode.RECEIVER_BUSY)
    if answer.troubled or word in _TROUBLED:
        return Retry(said, answer.after, code=ErrorCode.RECEIVER_BUSY)
    if answer.status == 410:
        return Unreachable(said)
    meant = next((kind for kind, pattern in _MEANINGS if pattern.fullmatch(word)), Undeliverable)
    return meant(said, code=ErrorCode.MESSAGE_REFUSED if meant is Undeliverable else None)
