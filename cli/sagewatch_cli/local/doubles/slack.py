"""Serves a Slack workspace as incoming webhooks and the Web API do; can throttle, fail, hang up and answer late."""

from __future__ import annotations

import contextlib
import json
import socket
import sys
import threading
import time
from collections import defaultdict, deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from random import Random
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from sagewatch_cli.local.doubles.slack_workspace import CHANNEL as CHANNEL
from sagewatch_cli.local.doubles.slack_workspace import Refused, Workspace
from sagewatch_cli.local.machine.loopback import LOOPBACK

WEBHOOK = "/services/T000/B000/XXXX"
JSON = {"Content-Type": "application/json; charset=utf-8"}
_SAYING = ("/services/", "/api/chat.postMessage", "/api/chat.update")
_FORM_ONLY = ("/api/chat.getPermalink", "/api/conversations.info")


@dataclass(frozen=True, slots=True)
class SlackRequest:
    """One request that Slack got."""

    path: str
    headers: Mapping[str, str]
    body: Mapping[str, Any]
    raw: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer of Slack; `raw` bytes instead of HTTP that is whole, `late` by so many seconds."""

    status: int = 200
    body: str = "ok"
    headers: Mapping[str, str] = field(default_factory=dict)
    raw: bytes | None = None
    late: float = 0


SILENCE = Reply(raw=b"")
"""The connection ends without an answer."""


@dataclass(slots=True)
class Troubles:
    """A share of all requests that Slack does not serve, in the same sequence for the same seed."""

    share: float = 0
    seed: int = 0
    kinds: tuple[Reply, ...] = (Reply(500, ""), Reply(502, "<html>"), Reply(503, ""), SILENCE)
    _random: Random = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._random = Random(self.seed)

    def next(self) -> Reply | None:
        """Return the failure to answer with, None to serve the request."""
        return self._random.choice(self.kinds) if self._random.random() < self.share else None


@dataclass(slots=True)
class Slack:
    """Where Slack is, what it was asked, and what it refuses."""

    url: str
    """Where it is served."""
    posted: list[SlackRequest] = field(default_factory=list)
    """The requests that write a message."""
    replies: deque[Reply] = field(default_factory=deque)
    """Answers that are given before anything else, in turn."""
    asked: list[SlackRequest] = field(default_factory=list)
    """All requests."""
    workspace: Workspace = field(init=False)
    """What people see."""
    per_second: int | None = None
    """Messages that a channel takes in a second; None: any number."""
    troubles: Troubles = field(default_factory=Troubles)
    """The share of requests that fail."""
    token: str | None = None
    """The only good token; None: any bot token is."""
    _recent: defaultdict[str, deque[float]] = field(default_factory=lambda: defaultdict(deque), repr=False)
    """When the last messages of each channel came, by the monotonic clock."""
    _answering: Any = field(default_factory=threading.Lock, repr=False)
    """One request is answered at a time."""

    def __post_init__(self) -> None:
        self.workspace = Workspace(self.url)

    @property
    def api_url(self) -> str:
        return f"{self.url}/api"

    @property
    def webhook(self) -> Mapping[str, str]:
        """The secret for an incoming webhook."""
        return {"webhook_url": f"{self.url}{WEBHOOK}"}

    @property
    def bot(self) -> Mapping[str, str]:
        """The secret for a bot, whose messages can be edited."""
        return {"bot_token": "xoxb-local-double", "channel": CHANNEL}

    def clear(self) -> None:
        """Forget what was said and asked, and serve every request again."""
        for each in (self.posted, self.replies, self.asked, self._recent):
            each.clear()
        self.workspace.clear()
        self.per_second, self.troubles = None, Troubles()

    def answer(self, posted: SlackRequest) -> Reply:
        """Record a request and answer it."""
        with self._answering:
            self.asked.append(posted)
            if posted.path.startswith(_SAYING):
                self.posted.append(posted)
            if self.replies:
                return self.replies.popleft()
            return self.troubles.next() or self._throttled(posted) or self._usual(posted)

    def _throttled(self, posted: SlackRequest) -> Reply | None:
        hook = posted.path.startswith("/services/")
        if self.per_second is None or not (hook or posted.path == "/api/chat.postMessage"):
            return None
        recent, now = self._recent[posted.path if hook else str(posted.body.get("channel"))], time.monotonic()
        while recent and recent[0] <= now - 1:
            recent.popleft()
        if len(recent) < self.per_second:
            recent.append(now)
            return None
        body = "rate_limited" if hook else json.dumps({"ok": False, "error": "ratelimited"})
        return Reply(429, body, {"Retry-After": "1"})

    def _usual(self, posted: SlackRequest) -> Reply:
        try:
            if posted.path.startswith("/services/"):
                self.workspace.post({**posted.body, "channel": CHANNEL})
                return Reply(headers={"Content-Type": "text/html"})
            if posted.path.startswith("/upload/v1/"):
                self.workspace.take(posted.path.rpartition("/")[2], posted.raw)
                return Reply(body=f"OK - {len(posted.raw)}")
            self._authorise(posted)
            answer = self.workspace.call(posted.path.removeprefix("/api/"), posted.body)
        except Refused as word:
            api = posted.path.startswith("/api/")
            return _json_reply({"ok": False, "error": str(word)}) if api else Reply(_status(str(word)), str(word))
        return _json_reply({"ok": True, **answer})

    def _authorise(self, posted: SlackRequest) -> None:
        scheme, _, token = posted.headers.get("Authorization", "").partition(" ")
        if scheme != "Bearer" or not token:
            raise Refused("not_authed")
        if not token.startswith("xoxb-") or self.token not in {None, token}:
            raise Refused("invalid_auth")


@contextmanager
def slack() -> Iterator[Slack]:
    """Serve Slack on the loopback address until the block ends."""
    server = _Server((LOOPBACK, 0), BaseHTTPRequestHandler)
    double = Slack(f"http://{LOOPBACK}:{server.server_address[1]}")
    server.RequestHandlerClass = _handler(double, server.ending)
    serving = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    serving.start()
    try:
        yield double
    finally:
        server.shutdown()
        serving.join()
        server.hang_up()
        server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = False  # server_close waits for them, so that no connection outlives the block
    request_queue_size = 64

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.ending = threading.Event()
        self.open: set[socket.socket] = set()

    def process_request(self, request: Any, client_address: Any) -> None:
        self.open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self.open.discard(request)
        super().shutdown_request(request)

    def hang_up(self) -> None:
        """End the connections that clients keep for later."""
        self.ending.set()
        for connection in tuple(self.open):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exception(), ConnectionError):  # somebody who did not wait for a late answer
            super().handle_error(request, client_address)


def _handler(double: Slack, ending: threading.Event) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_POST(self) -> None:
            raw = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            self._answer(double.answer(_posted(self.path, dict(self.headers), raw)))

        def do_GET(self) -> None:
            self.do_POST()

        def _answer(self, reply: Reply) -> None:
            if reply.late:
                ending.wait(reply.late)
            if reply.raw is not None:
                self.wfile.write(reply.raw)
                self.close_connection = True
                return
            content = reply.body.encode()
            self.send_response(reply.status)
            for name, value in reply.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:
            """Stay silent; what was posted is recorded."""

    return Handler


def _posted(target: str, headers: Mapping[str, str], raw: bytes) -> SlackRequest:
    parts, kind = urlsplit(target), headers.get("Content-Type", "")
    if parts.path.startswith("/upload/"):
        return SlackRequest(parts.path, headers, {}, raw)
    if kind.startswith("application/json"):
        # Some methods read forms only, and see nothing in JSON.
        body = {} if parts.path in _FORM_ONLY else json.loads(raw or b"{}")
    else:
        body = dict(parse_qsl(raw.decode()))
    return SlackRequest(parts.path, headers, {**dict(parse_qsl(parts.query)), **body}, raw)


def _status(word: str) -> int:
    return {"channel_not_found": 404, "is_archived": 410, "action_prohibited": 403, "invalid_token": 403}.get(word, 400)


def _json_reply(answer: Mapping[str, Any]) -> Reply:
    return Reply(body=json.dumps(answer), headers=JSON)
