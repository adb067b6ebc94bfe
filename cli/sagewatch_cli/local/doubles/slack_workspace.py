"""Plays a Slack workspace: its channels, the messages in them as people see them, and what it refuses."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from itertools import count
from typing import Any

type Given = Mapping[str, Any]

CHANNEL = "C0SAGEWATCH"
_SHOWN = ("text", "blocks", "attachments")
_TEXT, _TOTAL = 40_000, 13_200
_BLOCKS, _ATTACHMENTS = 50, 100


class Refused(Exception):
    """Slack's word for why not."""


@dataclass(frozen=True, slots=True)
class ShownMessage:
    """One message as it reads now; `thread` is the ts of the message that it answers, empty in the channel itself."""

    channel: str
    ts: str
    content: Mapping[str, Any]
    thread: str = ""
    edits: int = 0

    @property
    def text(self) -> str:
        return str(self.content.get("text", ""))


@dataclass(frozen=True, slots=True)
class Picture:
    """One uploaded file, where it was shared."""

    channel: str
    thread: str
    name: str
    title: str
    content: bytes


@dataclass(slots=True)
class Workspace:
    """A Slack workspace: what people see in it, and what it refuses."""

    url: str
    """Where it is served."""
    said: dict[str, ShownMessage] = field(default_factory=dict)
    """The messages by their ts, in order, those in threads included."""
    pictures: list[Picture] = field(default_factory=list)
    """Uploaded files."""
    closed: dict[str, str] = field(default_factory=dict)
    """Channels that take nothing, each with the error that Slack answers then: `is_archived`."""
    _uploads: dict[str, tuple[str, bytes]] = field(default_factory=dict)
    """Name and content of files that were announced and not shared yet, by id."""
    _numbers: count[int] = field(default_factory=lambda: count(1))
    """What makes each ts and file id another."""

    def channel(self, channel: str = CHANNEL) -> tuple[ShownMessage, ...]:
        """Return the messages of a channel, in order, without those in threads."""
        return tuple(each for each in self.said.values() if (each.channel, each.thread) == (channel, ""))

    def thread(self, ts: str) -> tuple[ShownMessage, ...]:
        """Return the answers to a message, in order."""
        return tuple(each for each in self.said.values() if each.thread == ts)

    def clear(self) -> None:
        """Forget everything that was said, uploaded and closed."""
        for each in (self.said, self.pictures, self.closed, self._uploads):
            each.clear()

    def call(self, method: str, given: Given) -> Given:
        """Do what a method of the Web API does, and return its answer; Refused when it would not."""
        methods: Mapping[str, Callable[[Given], Given]] = {
            "auth.test": self._who,
            "chat.postMessage": self.post,
            "chat.update": self._update,
            "chat.delete": self._delete,
            "chat.getPermalink": self._permalink,
            "conversations.info": self._info,
            "files.getUploadURLExternal": self._slot,
            "files.completeUploadExternal": self._share,
        }
        if method not in methods:
            raise Refused("unknown_method")
        return methods[method](given)

    def post(self, given: Given) -> Given:
        """Say something in a channel or thread."""
        channel, thread = self._open(given), str(given.get("thread_ts") or "")
        content = _content(given)
        if refusal(content):
            raise Refused(refusal(content))
        if thread and thread not in self.said:
            raise Refused("thread_not_found")
        said = ShownMessage(channel, f"1767323045.{next(self._numbers):06d}", content, thread)
        self.said[said.ts] = said
        message = {"type": "message", "bot_id": "B0LOCAL", "ts": said.ts, **content}
        return {"channel": channel, "ts": said.ts, "message": message}

    def take(self, upload: str, content: bytes) -> None:
        """Take the bytes of a file whose place was asked for."""
        if upload not in self._uploads:
            raise Refused("file_not_found")
        self._uploads[upload] = self._uploads[upload][0], content

    def _update(self, given: Given) -> Given:
        was = self._found(given, "ts")
        # What an edit does not name stays as it was.
        content = {**was.content, **_content(given)}
        if refusal(content):
            raise Refused(refusal(content))
        self.said[was.ts] = replace(was, content=content, edits=was.edits + 1)
        return {"channel": was.channel, "ts": was.ts, "text": content.get("text", "")}

    def _delete(self, given: Given) -> Given:
        gone = self.said.pop(self._found(given, "ts").ts)
        return {"channel": gone.channel, "ts": gone.ts}

    def _permalink(self, given: Given) -> Given:
        said = self._found(given, "message_ts")
        return {"channel": said.channel, "permalink": f"{self.url}/archives/{said.channel}/p{said.ts.replace('.', '')}"}

    def _info(self, given: Given) -> Given:
        channel = str(given.get("channel", ""))
        word = self.closed.get(channel)
        if not channel or word == "channel_not_found":
            raise Refused("channel_not_found")
        return {
            "channel": {
                "id": channel,
                "name": channel.lower(),
                "is_archived": word == "is_archived",
                "is_member": word != "not_in_channel",
            }
        }

    def _slot(self, given: Given) -> Given:
        if not given.get("filename") or not str(given.get("length", "")).isdigit():
            raise Refused("invalid_arguments")
        upload = f"F{next(self._numbers):06d}"
        self._uploads[upload] = str(given["filename"]), b""
        return {"upload_url": f"{self.url}/upload/v1/{upload}", "file_id": upload}

    def _share(self, given: Given) -> Given:
        channel, thread = self._open({"channel": given.get("channel_id")}), str(given.get("thread_ts") or "")
        files = given.get("files")
        files = json.loads(files) if isinstance(files, str) else files
        if not files or any(not self._uploads.get(each.get("id"), ("", b""))[1] for each in files):
            raise Refused("file_not_found")
        if thread and thread not in self.said:
            raise Refused("thread_not_found")
        for each in files:
            name, content = self._uploads.pop(each["id"])
            self.pictures.append(Picture(channel, thread, name, each.get("title", ""), content))
        return {"files": [{"id": each["id"], "title": each.get("title", "")} for each in files]}

    def _who(self, _: Given) -> Given:
        return {
            "url": f"{self.url}/",
            "team": "Local",
            "team_id": "T0LOCAL",
            "user": "sagewatch",
            "user_id": "U0LOCAL",
            "bot_id": "B0LOCAL",
        }

    def _open(self, given: Given) -> str:
        channel = str(given.get("channel") or "")
        if not channel or channel in self.closed:
            raise Refused(self.closed.get(channel, "channel_not_found"))
        return channel

    def _found(self, given: Given, name: str) -> ShownMessage:
        channel, said = self._open(given), self.said.get(str(given.get(name, "")))
        if said is None or said.channel != channel:
            raise Refused("message_not_found")
        return said


def refusal(message: Given) -> str:
    """Return Slack's word for what is wrong with a message, nothing when it takes it.

    Block Kit reference and chat.postMessage; the total of all blocks is known from those who met it.
    """
    text, blocks, attachments = message.get("text") or "", message.get("blocks") or [], message.get("attachments") or []
    checks = {
        "no_text": not (text or blocks or attachments),
        "msg_too_long": len(text) > _TEXT,
        "too_many_attachments": len(attachments) > _ATTACHMENTS,
        "invalid_blocks": not _blocks_are_valid(blocks),
        "invalid_attachments": not all(_blocks_are_valid(each.get("blocks") or ()) for each in attachments),
        "msg_blocks_too_long": len(json.dumps([blocks, attachments], ensure_ascii=False)) > _TOTAL,
    }
    return next((word for word, wrong in checks.items() if wrong), "")


def _content(given: Given) -> Given:
    return {name: given[name] for name in _SHOWN if given.get(name) is not None}


def _blocks_are_valid(blocks: Iterable[Given]) -> bool:
    listed = list(blocks)
    ids = [each["block_id"] for each in listed if "block_id" in each]
    return len(listed) <= _BLOCKS and len(set(ids)) == len(ids) and all(map(_block_is_valid, listed))


def _block_is_valid(block: Given) -> bool:
    elements = block.get("elements", ())
    match block.get("type"):
        case "section":
            fields = block.get("fields", ())
            texts = [(block["text"], 3_000)] if "text" in block else []
            said = [*texts, *((each, 2_000) for each in fields)]
            return bool(said) and len(fields) <= 10 and all(_text_is_valid(text, longest) for text, longest in said)
        case "header":
            return _text_is_valid(block.get("text", {}), 150, "plain_text")
        case "context":
            return 1 <= len(elements) <= 10 and all(
                _text_is_valid(each, 3_000) or each.get("type") == "image" for each in elements
            )
        case "actions":
            names = [each.get("action_id") for each in elements]
            return 1 <= len(elements) <= 25 and len(set(names)) == len(names) and all(map(_control_is_valid, elements))
        case "image":
            return 1 <= len(block.get("image_url", "")) <= 3_000 and 1 <= len(block.get("alt_text", "")) <= 2_000
        case "rich_text":
            return bool(elements)
        case other:
            return other in {"divider", "markdown", "table"}


def _text_is_valid(text: Given, longest: int, *kinds: str) -> bool:
    said = text.get("text", "")
    return text.get("type") in (kinds or ("plain_text", "mrkdwn")) and 1 <= len(said) <= longest


def _control_is_valid(element: Given) -> bool:
    lengths = {"action_id": 255, "value": 2_000, "url": 3_000}
    named = all(len(element.get(name, "")) <= longest for name, longest in lengths.items())
    return named and (element.get("type") != "button" or _text_is_valid(element.get("text", {}), 75, "plain_text"))
