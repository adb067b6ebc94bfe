"""Plays Slack: records what is posted, and answers as its webhooks and its Web API do."""

from __future__ import annotations

import json
import threading
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from typing import Any
from urllib.parse import parse_qsl

from sagewatch_cli.local.ports import LOOPBACK

WEBHOOK = "/services/T000/B000/XXXX"
CHANNEL = "C0SAGEWATCH"
JSON = {"Content-Type": "application/json; charset=utf-8"}


@dataclass(frozen=True, slots=True)
class Posted:
    """One request that Slack got."""

    path: str
    headers: Mapping[str, str]
    body: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer of Slack."""

    status: int = 200
    body: str = "ok"
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Slack:
    """Where Slack is, what was posted there, and what it will answer before it goes back to its usual ways."""

    url: str
    posted: list[Posted] = field(default_factory=list)
    replies: deque[Reply] = field(default_factory=deque)

    @property
    def api_url(self) -> str:
        return f"{self.url}/api"

    @property
    def webhook(self) -> Mapping[str, str]:
        """The secret of somebody who uses an incoming webhook."""
        return {"webhook_url": f"{self.url}{WEBHOOK}"}

    @property
    def bot(self) -> Mapping[str, str]:
        """The secret of somebody who uses a bot, whose messages can be edited."""
        return {"bot_token": "xoxb-local-double", "channel": CHANNEL}


@contextmanager
def slack() -> Iterator[Slack]:
    """Serve Slack on the loopback address until the block ends."""
    server = ThreadingHTTPServer((LOOPBACK, 0), BaseHTTPRequestHandler)
    double = Slack(f"http://{LOOPBACK}:{server.server_address[1]}")
    server.RequestHandlerClass = _handler(double)
    serving = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    serving.start()
    try:
        yield double
    finally:
        server.shutdown()
        serving.join()
        server.server_close()


def _handler(double: Slack) -> type[BaseHTTPRequestHandler]:
    numbers = count(1)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            raw = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
            posted = Posted(self.path, dict(self.headers), _body(raw, self.headers.get("Content-Type", "")))
            double.posted.append(posted)
            reply = double.replies.popleft() if double.replies else _usual(posted, next(numbers))
            self._answer(reply)

        def _answer(self, reply: Reply) -> None:
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


def _body(raw: str, content_type: str) -> Mapping[str, Any]:
    if content_type.startswith("application/json"):
        body: Mapping[str, Any] = json.loads(raw)
        return body
    return dict(parse_qsl(raw))


def _usual(posted: Posted, number: int) -> Reply:
    if posted.path.startswith("/services/"):
        return Reply(headers={"Content-Type": "text/html"})
    channel = posted.body.get("channel", CHANNEL)
    if posted.path == "/api/chat.postMessage":
        return _json(
            {
                "ok": True,
                "channel": channel,
                "ts": f"1767323045.{number:06d}",
                "message": {"text": posted.body.get("text")},
            }
        )
    if posted.path == "/api/chat.update":
        return _json({"ok": True, "channel": channel, "ts": posted.body.get("ts"), "text": posted.body.get("text")})
    return _json({"ok": False, "error": "unknown_method"})


def _json(answer: Mapping[str, Any]) -> Reply:
    return Reply(body=json.dumps(answer), headers=JSON)
