"""A Slack on this machine that answers as told and remembers what it was sent."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(slots=True)
class SlackDouble:
    """`answers` are given in turn, (status, body); after the last, Slack says yes."""

    url: str = ""
    posts: list[tuple[str, dict[str, str], dict[str, Any]]] = field(default_factory=list)
    answers: list[tuple[int, str]] = field(default_factory=list)

    def answer(self, path: str) -> tuple[int, str]:
        if self.answers:
            return self.answers.pop(0)
        return (200, "ok") if path.startswith("/services/") else (200, '{"ok": true, "ts": "1.2", "channel": "C0"}')


@contextmanager
def slack_double() -> Iterator[SlackDouble]:
    """Serve on a free loopback port."""
    double = SlackDouble()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            double.posts.append((self.path, dict(self.headers), body))
            status, text = double.answer(self.path)
            self.send_response(status)
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, format: str, *args: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        double.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield double
        server.shutdown()
        thread.join()
