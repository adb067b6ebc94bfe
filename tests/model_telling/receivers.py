"""Those who are told: a Slack workspace, topics, PagerDuty and a webhook, each with what its readers see."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import parse_qsl

CONTROLS = ("ack", "ack-one", "snooze")
"""What can be clicked: an acknowledgement, one of a single member of an outage, a snooze."""

type Answer = tuple[int, Mapping[str, str], bytes]
"""Status, headers, body."""


@dataclass(slots=True)
class Message:
    """One message in Slack as it reads now; of one that was not `heard` of, who posted it never got the answer."""

    channel: str
    ts: str
    at: float
    content: dict[str, Any]
    thread: str = ""
    broadcast: bool = False
    edits: int = 0
    heard: bool = True

    @property
    def text(self) -> str:
        return str(self.content.get("text", ""))

    @property
    def everything(self) -> str:
        """All that is written in it."""
        return json.dumps(self.content, ensure_ascii=False)

    def controls(self) -> dict[str, dict[str, Any]]:
        """Return what can be clicked, by its name: `{"ack": {…}, "snooze": {…}}`."""
        blocks = [*self.content.get("blocks", []), *(b for a in self.attachments for b in a.get("blocks", []))]
        elements = [each for block in blocks if block.get("type") == "actions" for each in block["elements"]]
        return {each["action_id"]: each for each in elements if each.get("action_id") in CONTROLS}

    @property
    def attachments(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.content.get("attachments") or []
        return found

    @property
    def is_open(self) -> bool:
        """Tell whether people take it for something that goes on: it is red or amber, or asks for something."""
        if self.text.startswith(":large_green_circle:"):
            return False
        return not self.text.startswith(":white_circle:") or bool(self.controls())


@dataclass(slots=True)
class Slack:
    """A workspace; `token` is the one that it takes, and `closed` are channels that take nothing, with Slack's word."""

    token: str
    messages: dict[str, Message] = field(default_factory=dict)
    closed: dict[str, str] = field(default_factory=dict)
    deleted: list[Message] = field(default_factory=list)
    posted: list[Message] = field(default_factory=list)
    count: int = 0

    def serve(self, now: float, method: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """Answer a call of the Web API."""
        if headers.get("Authorization") != f"Bearer {self.token}":
            return _said({"ok": False, "error": "token_revoked"})
        json_ = headers.get("Content-Type", "").startswith("application/json")
        given = json.loads(body) if json_ else dict(parse_qsl(body.decode()))
        channel = str(given.get("channel") or given.get("channel_id") or "")
        if channel in self.closed:
            return _said({"ok": False, "error": self.closed[channel]})
        return _said(self._call(now, method, channel, given))

    def _call(self, now: float, method: str, channel: str, given: dict[str, Any]) -> dict[str, Any]:
        found = self.messages.get(str(given.get("ts") or given.get("message_ts") or ""))
        match method:
            case "chat.postMessage":
                return self._post(now, channel, given)
            case "files.getUploadURLExternal":
                return {"ok": True, "upload_url": "https://files.slack.com/upload/v1/x", "file_id": "F1"}
            case "files.completeUploadExternal":
                return {"ok": True, "files": [{"id": "F1"}]}
            case "auth.test" | "conversations.info" | "conversations.join":
                return {"ok": True, "channel": {"id": channel, "is_member": True}}
        if found is None or found.channel != channel:
            return {"ok": False, "error": "message_not_found"}
        if method == "chat.update":
            found.content |= {name: given[name] for name in ("text", "blocks", "attachments") if name in given}
            found.edits += 1
        elif method == "chat.delete":
            self.deleted.append(self.messages.pop(found.ts))
        elif method == "chat.getPermalink":
            return {"ok": True, "permalink": f"https://x.slack.com/archives/{channel}/p{found.ts.replace('.', '')}"}
        return {"ok": True, "channel": channel, "ts": found.ts}

    def _post(self, now: float, channel: str, given: dict[str, Any]) -> dict[str, Any]:
        thread = str(given.get("thread_ts") or "")
        if thread and thread not in self.messages:
            return {"ok": False, "error": "thread_not_found"}
        self.count += 1
        content = {name: given[name] for name in ("text", "blocks", "attachments") if name in given}
        said = Message(
            channel, f"{int(now)}.{self.count:06d}", now, content, thread, bool(given.get("reply_broadcast"))
        )
        self.messages[said.ts] = said
        self.posted.append(said)
        return {"ok": True, "channel": channel, "ts": said.ts}

    def channel(self, channel: str) -> list[Message]:
        """Return the messages of a channel, without those in threads."""
        return [each for each in self.messages.values() if (each.channel, each.thread) == (channel, "")]

    def thread(self, root: Message) -> list[Message]:
        return [each for each in self.messages.values() if each.thread == root.ts]

    def notified(self, channel: str) -> list[Message]:
        """Return what people of a channel were called by: posts in the channel, and what a thread sent there, too."""
        return [each for each in self.posted if each.channel == channel and (not each.thread or each.broadcast)]


def _said(answer: dict[str, Any]) -> Answer:
    return 200, {"Content-Type": "application/json"}, json.dumps(answer).encode()


@dataclass(frozen=True, slots=True)
class Mail:
    """One message of a topic, as its subscribers get it."""

    at: float
    topic: str
    subject: str
    body: str
    labels: Mapping[str, str]

    @property
    def kind(self) -> str:
        """What stands in brackets: `CRITICAL`, `OK`, `RESOLVED`."""
        return self.subject.partition("]")[0].strip("[")


@dataclass(slots=True)
class Topics:
    """SNS; `missing` topics do not exist."""

    mails: list[Mail] = field(default_factory=list)
    missing: set[str] = field(default_factory=set)

    def publish(self, now: float, request: Mapping[str, Any]) -> None:
        attributes = {name: each["StringValue"] for name, each in request.get("MessageAttributes", {}).items()}
        topic = request["TopicArn"].rpartition(":")[2]
        self.mails.append(Mail(now, topic, request.get("Subject", ""), request["Message"], attributes))

    def of(self, topic: str) -> list[Mail]:
        return [each for each in self.mails if each.topic == topic]


@dataclass(slots=True)
class Page:
    """One incident of PagerDuty: what it is about, and how it stands."""

    key: str
    source: str
    severity: str
    status: Literal["triggered", "acknowledged", "resolved"]
    summary: str = ""
    members: tuple[str, ...] = ()


@dataclass(slots=True)
class PagerDuty:
    """A service: an event with a dedup_key changes the open incident of that key, and a trigger opens one."""

    pages: list[Page] = field(default_factory=list)
    events: list[dict[str, Any]] = field(default_factory=list)

    def serve(self, body: bytes) -> Answer:
        event = json.loads(body)
        self.events.append(event)
        key, action = event["dedup_key"], event["event_action"]
        found = next((each for each in self.pages if each.key == key and each.status != "resolved"), None)
        if action == "trigger":
            payload = event["payload"]
            if found is None:
                found = Page(key, payload["source"], payload["severity"], "triggered")
                self.pages.append(found)
            # The alert shows what the newest event says; the urgency of its incident follows the severity.
            found.source, found.severity, found.summary = payload["source"], payload["severity"], payload["summary"]
            details = payload.get("custom_details", {})
            found.members = tuple(text for name, text in details.items() if name.startswith("Member "))
        elif found:
            found.status = "acknowledged" if action == "acknowledge" else "resolved"
        return 202, {}, b'{"status": "success"}'

    def open(self) -> list[Page]:
        return [each for each in self.pages if each.status != "resolved"]


@dataclass(slots=True)
class Webhook:
    """A program that keeps, for each incident's id, the newest document."""

    documents: list[dict[str, Any]] = field(default_factory=list)

    def serve(self, body: bytes) -> Answer:
        self.documents.append(json.loads(body))
        return 200, {}, b"ok"

    def incidents(self) -> dict[str, dict[str, Any]]:
        return {each["incident"]["id"]: each["incident"] for each in self.documents}
