"""Keeps timelines in the incidents table: what happened to one resource on one route, and what was sent about it.

One item for each timeline. Its version keeps two writers from undoing each other's work, its claim keeps two workers
from sending the same.
"""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields, is_dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import batched
from typing import TYPE_CHECKING, Any

from sagewatch.aws.retries import retried
from sagewatch.errors import ErrorCode, Impaired, Retry, Undeliverable
from sagewatch.model import Evidence, Labels, Notice, Place, Ref, Unit
from sagewatch.tell.incident.retention import LONGEST_AGE

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef, UpdateItemInputTypeDef

CLAIM = timedelta(seconds=40)
"""How long one worker has a timeline for itself: longer than the function may run (30 s)."""

_DAY = timedelta(days=1)
_MOST_KEYS = 100

ROOM = 380_000
"""How many bytes the body may take (DynamoDB quotas, "Item size": 400 KB, names and values of attributes included)."""

OPEN = "open"
"""The sparse index of timelines with something open, by its name and its key."""

_LOOKED_AFTER: AttributeValueTypeDef = {"S": "1"}
_KEPT: AttributeValueTypeDef = {"S": "2"}
"""What `open` says: the clock looks at it, or only has it follow its route, since nothing can become due by itself."""

_TEXT_LENGTHS = (None, 1000, 300, 100, 0)
"""How many characters of each text written by others to keep, the first that makes the body fit."""


_READERS: Mapping[str, Callable[[Any], Any]] = {
    "labels": Labels,
    "place": lambda place: Place(**place),
    "subject": lambda subject: Ref(**subject),
    "at": datetime.fromisoformat,
    "until": datetime.fromisoformat,
    "unit": Unit,
    "points": tuple,
    "steps": lambda steps: tuple(map(tuple, steps)),
    "log": tuple,
    "unread": tuple,
}
"""How the fields of notices and evidence are read whose values are not JSON."""


_OF_GROUPS = ("grouped", "clusters")
"""Fields of a body that are left out when they are empty, as they are in what the first versions wrote."""

FOUND = "/found/"
"""In the key of a notice that the clock found out, because no event said so in time."""

_SAME = timedelta(seconds=1)
"""How much two times of one change may differ: some of AWS's know no parts of a second."""


class Conflict(Retry):
    """Another worker wrote the timeline after it was read."""

    code = ErrorCode.ANOTHER_WORKER


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeline:
    """All that is stored of one resource on one route."""

    route: str
    """The name of the route."""
    subject: Ref
    """The resource, or what started it."""
    place: str = ""
    """Where it is, `999999999999/eu-west-1`; empty in the account and the Region of this stack."""
    notices: tuple[Notice, ...] = ()
    """In order of time, as far as they are kept."""
    evidence: Mapping[str, Evidence] = field(default_factory=dict)
    """By the key of the notice it explains."""
    sent: Mapping[str, Any] = field(default_factory=dict)
    """What each receiver was sent, by its name, as `delivery.difference.to_stored` returns it."""
    grouped: Mapping[str, str] = field(default_factory=dict)
    """The id of an incident → the group that tells of it in its place."""
    clusters: Mapping[str, Any] = field(default_factory=dict)
    """Of a group, its outages by id, as `outage.derive.Cluster` is stored."""
    entries: frozenset[str] = frozenset()
    """Of a group, who joined it, as `entry` says it; written by `groups.join` alone."""
    alone: frozenset[str] = frozenset()
    """Of a group, the entries that were told alone before others had to wait; written by `groups.join` alone."""
    version: int = 0
    """Counts the writes; 0 when nothing was ever written."""
    expires: datetime | None = None
    """When DynamoDB may forget it, in whole seconds; None when nothing was ever written."""

    def holds(self, notice: Notice) -> bool:
        """Return whether a notice is written down, or the clock found out what it says before it came."""
        return any(each.key == notice.key for each in self.notices) or self._found_before(notice)

    def _found_before(self, notice: Notice) -> bool:
        """Return whether the clock found the same of the same part, and nothing else happened to that in between."""
        if FOUND in notice.key:
            return False
        of_part = [
            each for each in self.notices if each.part == notice.part and each.part and each.at >= notice.at - _SAME
        ]
        following = min(of_part, key=lambda each: each.at, default=None)
        return following is not None and FOUND in following.key and _fires(following) == _fires(notice)


def load(client: DynamoDBClient, table: str, route: str, subject: Ref, place: str = "") -> Timeline:
    """Read a timeline as it is now; an empty one when there is none."""
    with retried(f"get_item {table}", Impaired):
        answer = client.get_item(TableName=table, Key=_timeline_key(route, subject, place), ConsistentRead=True)
    return _read(route, subject, place, answer.get("Item", {}))


def load_all(
    client: DynamoDBClient, table: str, route: str, owners: Iterable[tuple[Ref, str]]
) -> dict[tuple[Ref, str], Timeline]:
    """Read the timelines of several resources on a route as they are now, by the resource and its place."""
    found: dict[tuple[Ref, str], Timeline] = {}
    # BatchGetItem takes 100 keys.
    for some in batched(dict.fromkeys(owners), _MOST_KEYS):
        keys = [_timeline_key(route, *owner) for owner in some]
        asked: Any = {table: {"Keys": keys, "ConsistentRead": True}}
        # It may leave some out, above all when the answer is larger than 16 MB (BatchGetItem, UnprocessedKeys).
        while asked:
            with retried(f"batch_get_item {table}", Impaired):
                answer = client.batch_get_item(RequestItems=asked)
            for item in answer["Responses"].get(table, ()):
                _, subject, place = _owner(item["pk"]["S"])
                found[subject, place] = _read(route, subject, place, item)
            asked = answer.get("UnprocessedKeys")
    return found


def _read(route: str, subject: Ref, place: str, item: Mapping[str, Any]) -> Timeline:
    if "body" not in item:
        return Timeline(route=route, subject=subject, place=place, **_joined(item))
    return _timeline(route, subject, place, item)


def _joined(item: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of a group's timeline that `groups.join` writes."""
    return {name: frozenset(item[name]["SS"]) for name in ("entries", "alone") if name in item}


def _timeline(route: str, subject: Ref, place: str, item: Mapping[str, Any]) -> Timeline:
    version, expires = int(item["version"]["N"]), datetime.fromtimestamp(int(item["expires"]["N"]), UTC)
    known = {**_unpacked(item["body"]["S"]), **_joined(item)}
    return Timeline(route=route, subject=subject, place=place, version=version, expires=expires, **known)


def entry(subject: Ref, place: str, incident: str) -> str:
    """Return how a group names an incident: `endpoint/churn|inc_0123456789abcdef`, `endpoint/a@1/eu-west-1|inc_…`."""
    return f"{_place_of_key(subject, place)}|{incident}"


def owner_of(entry: str) -> tuple[Ref, str, str]:
    """Return the resource, the place and the incident that an entry names."""
    owner, _, incident = entry.rpartition("|")
    _, subject, place = _owner(f"INC##{owner}")
    return subject, place, incident


def save(client: DynamoDBClient, table: str, timeline: Timeline, is_open: bool, now: datetime) -> Timeline:
    """Write a timeline, and return it as it was written; Conflict when another worker was faster.

    `is_open` puts it among the timelines that the clock looks after, until it is released or settled. Evidence of
    notices that are not in it any more is dropped. A claim stays as it is.
    """
    # Time to live wants seconds of the epoch, as a number (DynamoDB, "Time to Live").
    expires = (now + LONGEST_AGE).replace(microsecond=0)
    fitting, body = _cut_to_fit(replace(timeline, version=timeline.version + 1, expires=expires))
    values = {
        ":version": {"N": str(fitting.version)},
        ":body": {"S": body},
        ":expires": {"N": str(int(expires.timestamp()))},
    }
    names = {"#version": "version", "#body": "body", "#expires": "expires", "#open": OPEN}
    change = "SET #version = :version, #body = :body, #expires = :expires"
    request: UpdateItemInputTypeDef = {
        "TableName": table,
        "Key": _timeline_key(timeline.route, timeline.subject, timeline.place),
        # The index is sparse: only items that have the attribute `open` are in it.
        "UpdateExpression": f"{change}, #open = :open" if is_open else f"{change} REMOVE #open",
        # Optimistic locking (DynamoDB Developer Guide): who read an older version must read again.
        "ConditionExpression": "#version = :read" if timeline.version else "attribute_not_exists(#version)",
        "ExpressionAttributeNames": names,
        "ExpressionAttributeValues": values
        | ({":open": _LOOKED_AFTER} if is_open else {})
        | ({":read": {"N": str(timeline.version)}} if timeline.version else {}),
    }
    if not updated(client, request):
        raise Conflict(f"{timeline.subject} on route {timeline.route}: somebody else wrote version {fitting.version}")
    return fitting


def claim(
    client: DynamoDBClient, table: str, route: str, subject: Ref, who: str, now: datetime, place: str = ""
) -> bool:
    """Return whether the worker `who` alone may deliver the timeline for the next 40 s; claiming again prolongs it."""
    request: UpdateItemInputTypeDef = {
        "TableName": table,
        "Key": _timeline_key(route, subject, place),
        # A claim of a timeline that is never saved must expire, too.
        "UpdateExpression": "SET claimed_by = :who, claim_until = :until, expires = if_not_exists(expires, :expires)",
        # A lease, not a lock: DynamoDB has nothing that ends with its worker.
        "ConditionExpression": "attribute_not_exists(claimed_by) OR claimed_by = :who OR claim_until <= :now",
        "ExpressionAttributeValues": {
            ":who": {"S": who},
            ":now": {"N": f"{now.timestamp():.3f}"},
            ":until": {"N": f"{(now + CLAIM).timestamp():.3f}"},
            ":expires": {"N": str(int((now + LONGEST_AGE).timestamp()))},
        },
    }
    return updated(client, request)


def release(
    client: DynamoDBClient,
    table: str,
    route: str,
    subject: Ref,
    who: str,
    place: str = "",
    settled: int | None = None,
    joined: int = 0,
    is_over: bool = True,
) -> bool:
    """Give a claim back; return False, and leave it, when another worker has it by now.

    `settled` is the version of which everybody was told everything, `joined` how many entries it had: unless it was
    written since, or somebody joined, the clock looks at it no more; what is not over (a failure) follows its route all
    the same.
    """
    is_mine: dict[str, AttributeValueTypeDef] = {":who": {"S": who}}
    request: UpdateItemInputTypeDef = {
        "TableName": table,
        "Key": _timeline_key(route, subject, place),
        # Another worker may have taken it over after 40 s.
        "UpdateExpression": "REMOVE claimed_by, claim_until",
        "ConditionExpression": "claimed_by = :who",
        "ExpressionAttributeValues": is_mine,
    }
    if settled is None:
        return updated(client, request)
    unchanged, names, values = _is_unchanged(settled, joined)
    kept: dict[str, AttributeValueTypeDef] = {} if is_over else {":kept": _KEPT}
    both: UpdateItemInputTypeDef = {
        **request,
        "UpdateExpression": f"REMOVE claimed_by, claim_until{', #open' if is_over else ' SET #open = :kept'}",
        "ConditionExpression": f"claimed_by = :who AND {unchanged}",
        "ExpressionAttributeNames": {"#open": OPEN, **names},
        "ExpressionAttributeValues": is_mine | values | kept,
    }
    return updated(client, both) or updated(client, request)


def settle(client: DynamoDBClient, table: str, timeline: Timeline, is_over: bool = True) -> bool:
    """Have the clock look at a timeline no more; return False, and change nothing, when somebody wrote it since.

    What is not over (a failure) follows its route all the same.
    """
    unchanged, names, values = _is_unchanged(timeline.version, len(timeline.entries))
    kept: dict[str, AttributeValueTypeDef] = {} if is_over else {":kept": _KEPT}
    request: UpdateItemInputTypeDef = {
        "TableName": table,
        "Key": _timeline_key(timeline.route, timeline.subject, timeline.place),
        "UpdateExpression": "REMOVE #open" if is_over else "SET #open = :kept",
        "ConditionExpression": unchanged,
        "ExpressionAttributeNames": {"#open": OPEN, **names},
        "ExpressionAttributeValues": values | kept,
    }
    return updated(client, request)


def _is_unchanged(version: int, joined: int) -> tuple[str, dict[str, str], dict[str, AttributeValueTypeDef]]:
    """Return the condition that nobody wrote a timeline, or joined it, since it was read; its names and values."""
    names: dict[str, str] = {"#version": "version"}
    values: dict[str, AttributeValueTypeDef] = {":settled": {"N": str(version)}}
    if not joined:
        return "#version = :settled AND attribute_not_exists(entries)", names, values
    # Who joins writes no version, so that a delivery that goes on is not disturbed.
    return "#version = :settled AND size(entries) = :joined", names, values | {":joined": {"N": str(joined)}}


def renew(client: DynamoDBClient, table: str, timeline: Timeline, now: datetime) -> None:
    """Have DynamoDB keep a timeline for another thirty days, once a day is over since that was said last."""
    if timeline.expires is None or timeline.expires > now + LONGEST_AGE - _DAY:
        return
    request: UpdateItemInputTypeDef = {
        "TableName": table,
        "Key": _timeline_key(timeline.route, timeline.subject, timeline.place),
        "UpdateExpression": "SET expires = :expires",
        "ConditionExpression": "#version = :read",
        "ExpressionAttributeNames": {"#version": "version"},
        "ExpressionAttributeValues": {
            ":read": {"N": str(timeline.version)},
            ":expires": {"N": str(int((now + LONGEST_AGE).timestamp()))},
        },
    }
    updated(client, request)


def open_timelines(client: DynamoDBClient, table: str) -> Iterator[tuple[str, Ref, str]]:
    """Yield the route, the resource and the place of every timeline that was saved as open, and is not settled."""
    return _indexed(client, table, _LOOKED_AFTER)


def kept_timelines(client: DynamoDBClient, table: str) -> Iterator[tuple[str, Ref, str]]:
    """Yield the same of every timeline that is settled and not over."""
    return _indexed(client, table, _KEPT)


def _indexed(client: DynamoDBClient, table: str, value: AttributeValueTypeDef) -> Iterator[tuple[str, Ref, str]]:
    # A global secondary index is read eventually consistent only: the next strike of the clock sees what this one
    # misses.
    pages = client.get_paginator("query").paginate(
        TableName=table,
        IndexName=OPEN,
        KeyConditionExpression="#open = :open",
        ExpressionAttributeNames={"#open": OPEN},
        ExpressionAttributeValues={":open": value},
    )
    with retried(f"query {table}", Impaired):
        for page in pages:
            yield from (_owner(item["pk"]["S"]) for item in page["Items"])


def changed_timelines(client: DynamoDBClient, table: str, since: datetime) -> Iterator[Timeline]:
    """Yield every timeline that was saved since then.

    It reads the whole table, all but the bodies of what did not change: once a day that is cheaper than an index that
    every save would write to.
    """
    # A filter is applied after the read: it saves transfer, not capacity (DynamoDB, "Scanning tables").
    pages = client.get_paginator("scan").paginate(
        TableName=table,
        FilterExpression="sk = :timeline AND expires >= :expires AND attribute_exists(body)",
        ExpressionAttributeValues={
            ":timeline": {"S": "timeline"},
            ":expires": {"N": str(int((since + LONGEST_AGE).timestamp()))},
        },
    )
    with retried(f"scan {table}", Impaired):
        for page in pages:
            for item in page["Items"]:
                route, subject, place = _owner(item["pk"]["S"])
                yield _timeline(route, subject, place, item)


def _fires(notice: Notice) -> bool:
    return notice.state in ("firing", "failed")


def _timeline_key(route: str, subject: Ref, place: str) -> dict[str, dict[str, str]]:
    return {"pk": {"S": f"INC#{route}#{_place_of_key(subject, place)}"}, "sk": {"S": "timeline"}}


def _place_of_key(subject: Ref, place: str) -> str:
    return f"{subject}@{place}" if place else str(subject)


def _owner(pk: str) -> tuple[str, Ref, str]:
    """Read a key; a route may be called anything, the names of kinds and resources hold no `#`, `/` and `@`."""
    route, _, subject = pk.removeprefix("INC#").rpartition("#")
    kind, _, rest = subject.partition("/")
    name, _, place = rest.partition("@")
    return route, Ref(kind, name), place


def updated(client: DynamoDBClient, request: UpdateItemInputTypeDef) -> bool:
    """Update an item; return False when its condition does not hold."""
    with retried(f"update_item {request['TableName']}", Impaired):
        try:
            client.update_item(**request)
        # botocore does not repeat this one: it is an answer, not trouble.
        except client.exceptions.ConditionalCheckFailedException:
            return False
    return True


def _cut_to_fit(timeline: Timeline) -> tuple[Timeline, str]:
    """Return the timeline and its body, with texts cut as far as DynamoDB needs it, which is next to never."""
    keys = {notice.key for notice in timeline.notices}
    known = replace(timeline, evidence={key: each for key, each in timeline.evidence.items() if key in keys})
    for enough in _TEXT_LENGTHS:
        cut = known if enough is None else _with_shorter_texts(known, enough)
        body = _packed(cut)
        if len(body) <= ROOM:
            return cut, body
    raise Undeliverable(
        f"{timeline.subject} on route {timeline.route}: its timeline takes {len(body)} bytes and may take {ROOM}; "
        f"it has {len(timeline.notices)} notices",
        code=ErrorCode.TIMELINE_TOO_LARGE,
    )


def _with_shorter_texts(timeline: Timeline, enough: int) -> Timeline:
    """Return the timeline with so many characters of each reason, and of each log the last lines with so many."""
    return replace(
        timeline,
        notices=tuple(replace(notice, reason=notice.reason[:enough]) for notice in timeline.notices),
        evidence={key: _shorter_evidence(each, enough) for key, each in timeline.evidence.items()},
    )


def _shorter_evidence(evidence: Evidence, enough: int) -> Evidence:
    lines: list[str] = []
    for line in reversed(evidence.log):
        if sum(map(len, lines)) + len(line) > enough:
            break
        lines.insert(0, line)
    steps = tuple((name, status, took, reason[:enough]) for name, status, took, reason in evidence.steps)
    return replace(evidence, log=tuple(lines), steps=steps)


def _packed(timeline: Timeline) -> str:
    """Return notices, evidence and what was sent as one text.

    It is compressed: 300 notices are 600 KB of much the same labels, links and advice, and an item holds 400. The JSON
    is ASCII, since half a surrogate pair in other people's text cannot be encoded otherwise.
    """
    content: dict[str, Any] = {"notices": timeline.notices, "evidence": timeline.evidence, "sent": timeline.sent}
    content |= {name: held for name in _OF_GROUPS if (held := getattr(timeline, name))}
    plain = json.dumps(content, default=_to_json, separators=(",", ":"))
    return base64.b64encode(zlib.compress(plain.encode())).decode()


def _to_json(value: object) -> object:
    """Return what JSON has no word for, in words it has; fields that are as they are by default are left out."""
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, Labels):
        return value.values
    if is_dataclass(value) and not isinstance(value, type):
        said = {each.name: (getattr(value, each.name), each.default) for each in fields(value)}
        return {name: held for name, (held, default) in said.items() if held != default}
    raise TypeError(f"A timeline cannot hold {value!r}: it is not JSON")


def _unpacked(body: str) -> dict[str, Any]:
    """Return the fields of a timeline that are in its body."""
    content = json.loads(zlib.decompress(base64.b64decode(body)))
    return {
        "notices": tuple(Notice(**_of_json(each)) for each in content["notices"]),
        "evidence": {key: Evidence(**_of_json(each)) for key, each in content["evidence"].items()},
        "sent": content["sent"],
        **{name: content[name] for name in _OF_GROUPS if name in content},
    }


def _of_json(plain: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _READERS[name](value) if name in _READERS else value for name, value in plain.items()}
