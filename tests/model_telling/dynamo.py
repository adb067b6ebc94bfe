"""A small DynamoDB: items by key, conditional writes, queries of a table or an index, and items that expire.

Amazon DynamoDB Developer Guide, "Using expressions in DynamoDB", and the API reference of each operation.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cache
from typing import Any

from moto.dynamodb.parsing.reserved_keywords import ReservedKeywords

type Item = dict[str, dict[str, Any]]
type Request = Mapping[str, Any]

_TOKEN = re.compile(r"\s*(<>|<=|>=|[=<>(),+.]|\[\d+\]|-(?!\d)|[#:]?\w[\w-]*)")
_WORDS = frozenset({"AND", "OR", "NOT", "BETWEEN", "IN", "SET", "REMOVE", "ADD", "DELETE"})
LARGEST = 400 * 1024
"""Bytes of an item (Service quotas, "Item size")."""


class Failed(Exception):
    """What DynamoDB answers in place of a result: its code."""

    def __init__(self, code: str, message: str = "") -> None:
        super().__init__(message or code)
        self.code = code


@dataclass
class _Reader:
    """The words of an expression, one after another; `item` is what names stand for."""

    tokens: list[str]
    item: Item
    names: Mapping[str, str]
    values: Mapping[str, Any]
    place: int = 0

    def peek(self) -> str:
        return self.tokens[self.place] if self.place < len(self.tokens) else ""

    def take(self, wanted: str = "") -> str:
        found = self.peek()
        if wanted and found.upper() != wanted:
            raise Failed("ValidationException", f"wanted {wanted}, found {found}")
        self.place += 1
        return found

    # ------------------------------------------------------------------------------------------------- conditions
    def condition(self) -> bool:
        result = self._and()
        while self.peek().upper() == "OR":
            self.take()
            other = self._and()
            result = result or other
        return result

    def _and(self) -> bool:
        result = self._not()
        while self.peek().upper() == "AND":
            self.take()
            other = self._not()
            result = result and other
        return result

    def _not(self) -> bool:
        if self.peek().upper() == "NOT":
            self.take()
            return not self._not()
        if self.peek() == "(":
            self.take()
            result = self.condition()
            self.take(")")
            return result
        return self._comparison()

    def _comparison(self) -> bool:
        name = self.peek().lower()
        if name in ("attribute_exists", "attribute_not_exists", "begins_with", "contains", "attribute_type"):
            return self._function(name)
        left = self.operand()
        operator = self.take().upper()
        if operator == "BETWEEN":
            low = self.operand()
            self.take("AND")
            high = self.operand()
            return left is not None and _plain(low) <= _plain(left) <= _plain(high)
        if operator == "IN":
            self.take("(")
            several = [self.operand()]
            while self.take() == ",":
                several.append(self.operand())
            return left in several
        right = self.operand()
        if left is None or right is None:
            return operator == "<>" and left is not right
        one, other = _plain(left), _plain(right)
        compare: dict[str, Callable[[], bool]] = {
            "=": lambda: one == other,
            "<>": lambda: one != other,
            "<": lambda: one < other,
            "<=": lambda: one <= other,
            ">": lambda: one > other,
            ">=": lambda: one >= other,
        }
        return compare[operator]()

    def _function(self, name: str) -> bool:
        self.take()
        self.take("(")
        found = self.operand()
        if name == "attribute_exists":
            result = found is not None
        elif name == "attribute_not_exists":
            result = found is None
        else:
            self.take(",")
            other = self.operand()
            if name == "begins_with":
                result = found is not None and str(_plain(found)).startswith(_plain(other))
            elif name == "contains":
                result = found is not None and _plain(other) in _plain(found)
            else:
                result = found is not None and next(iter(found)) == _plain(other)
        self.take(")")
        return result

    # --------------------------------------------------------------------------------------------------- operands
    def operand(self) -> Any:
        result = self._single()
        while self.peek() in ("+", "-"):
            sign = 1 if self.take() == "+" else -1
            other = self._single()
            result = {"N": str(Decimal(result["N"]) + sign * Decimal(other["N"]))}
        return result

    def _single(self) -> Any:
        token = self.peek()
        if token.startswith(":"):
            self.take()
            return self.values[token]
        if token.lower() == "size":
            self.take()
            self.take("(")
            found = self.operand()
            self.take(")")
            return None if found is None else {"N": str(len(_plain(found)))}
        if token.lower() == "if_not_exists":
            self.take()
            self.take("(")
            found = self.operand()
            self.take(",")
            other = self.operand()
            self.take(")")
            return found if found is not None else other
        if token.lower() == "list_append":
            self.take()
            self.take("(")
            one = self.operand()
            self.take(",")
            two = self.operand()
            self.take(")")
            return {"L": [*one["L"], *two["L"]]}
        found: Any = {"M": self.item}
        for step in self.path():
            if found is None:
                return None
            found = found.get("M", {}).get(step) if isinstance(step, str) else (found.get("L") or [None])[step]
        return found

    def path(self) -> list[str | int]:
        steps: list[str | int] = [self._name()]
        while self.peek() == "." or self.peek().startswith("["):
            token = self.take()
            steps.append(self._name() if token == "." else int(token[1:-1]))
        return steps

    def _name(self) -> str:
        token = self.take()
        if token.startswith("#"):
            return self.names[token]
        if token.upper() in _reserved():
            said = f"Attribute name is a reserved keyword; reserved keyword: {token}"
            raise Failed("ValidationException", f"Invalid expression: {said}")
        return token


def copied[T](value: T) -> T:
    """Return a copy of what JSON can hold; `copy.deepcopy` takes five times as long."""
    if isinstance(value, dict):
        return {name: copied(each) for name, each in value.items()}  # type: ignore[return-value]
    if isinstance(value, list):
        return [copied(each) for each in value]  # type: ignore[return-value]
    return value


@cache
def _reserved() -> frozenset[str]:
    """Return the words that an expression may not use as names (Developer Guide, "Reserved words in DynamoDB")."""
    return frozenset(ReservedKeywords.get_reserved_keywords())


def _plain(value: Mapping[str, Any]) -> Any:
    [(type_, held)] = value.items()
    if type_ == "N":
        return Decimal(held)
    return list(held) if type_ in ("SS", "NS") else held


@cache
def _tokens(expression: str) -> list[str]:
    found: list[str] = []
    place = 0
    expression = expression.rstrip()
    while place < len(expression):
        match = _TOKEN.match(expression, place)
        if match is None:
            raise Failed("ValidationException", f"cannot be read: {expression[place:]}")
        found.append(match[1])
        place = match.end()
    return found


def _reader(expression: str, item: Item, request: Request) -> _Reader:
    names = request.get("ExpressionAttributeNames", {})
    return _Reader(_tokens(expression), item, names, request.get("ExpressionAttributeValues", {}))


def holds(expression: str | None, item: Item, request: Request) -> bool:
    """Tell whether a condition holds of an item; no condition always does."""
    return not expression or _reader(expression, item, request).condition()


def updated(item: Item, request: Request) -> Item:
    """Return an item after an UpdateExpression; all of its clauses read the item as it was before."""
    result = copied(item)
    reader, clause = _reader(request.get("UpdateExpression") or "", item, request), ""
    while token := reader.peek():
        if token == ",":
            reader.take()
        if reader.peek().upper() in ("SET", "REMOVE", "ADD", "DELETE"):
            clause = reader.take().upper()
        steps = reader.path()
        if clause == "SET":
            reader.take("=")
            _put(result, steps, reader.operand())
        elif clause == "REMOVE":
            _put(result, steps, None)
        elif clause == "ADD":
            _put(result, steps, _added(_at(result, steps), reader.operand()))
        else:
            gone, held = reader.operand(), _at(result, steps)
            [(type_, values)] = gone.items()
            left = [each for each in (held or {}).get(type_, []) if each not in values]
            _put(result, steps, {type_: left} if left else None)
    return result


def _added(held: Any, more: Mapping[str, Any]) -> Mapping[str, Any]:
    if "N" in more:
        return {"N": str(Decimal((held or {"N": "0"})["N"]) + Decimal(more["N"]))}
    [(type_, values)] = more.items()
    return {type_: list(dict.fromkeys([*(held or {}).get(type_, []), *values]))}


def _at(item: Item, steps: list[str | int]) -> Any:
    found: Any = {"M": item}
    for step in steps:
        found = (found or {}).get("M", {}).get(step)
    return found


def _put(item: Item, steps: list[str | int], value: Any) -> None:
    *before, last = steps
    held: Any = item
    for step in before:
        if step not in held or "M" not in held[step]:
            raise Failed("ValidationException", "The document path provided in the update expression is invalid")
        held = held[step]["M"]
    if value is None:
        held.pop(last, None)
    else:
        held[last] = copied(value)


_KEYS = {"": ("pk", "sk"), "open": ("open", "pk")}


@dataclass
class Dynamo:
    """The incidents table; `clock` is the time in seconds, by which items expire.

    `indexes` are the keys of the table (by no name) and of its indexes: those of the template.
    """

    clock: Callable[[], float]
    indexes: Mapping[str, tuple[str, str]] = field(default_factory=lambda: dict(_KEYS))
    items: dict[tuple[str, str], Item] = field(default_factory=dict)

    def call(self, operation: str, request: Request) -> dict[str, Any]:
        """Do what an operation does and return its answer; Failed when DynamoDB would refuse."""
        self._expire()
        does = {
            "GetItem": self._get,
            "PutItem": self._put_item,
            "UpdateItem": self._update,
            "DeleteItem": self._delete,
            "Query": self._query,
            "Scan": self._scan,
            "BatchGetItem": self._batch_get,
            "BatchWriteItem": self._batch_write,
            "TransactWriteItems": self._transact,
            "DescribeTable": lambda request: {"Table": {"TableName": request["TableName"], "TableStatus": "ACTIVE"}},
        }
        return does[operation](request)

    def _expire(self) -> None:
        now = self.clock()
        for key in [key for key, item in self.items.items() if float(item.get("expires", {"N": "inf"})["N"]) < now]:
            del self.items[key]

    def _key(self, held: Mapping[str, Any]) -> tuple[str, str]:
        return held["pk"]["S"], held["sk"]["S"]

    def _get(self, request: Request) -> dict[str, Any]:
        found = self.items.get(self._key(request["Key"]))
        return {"Item": copied(found)} if found is not None else {}

    def _checked(self, key: tuple[str, str], request: Request) -> Item:
        item = self.items.get(key, {})
        if not holds(request.get("ConditionExpression"), item, request):
            raise Failed("ConditionalCheckFailedException", "The conditional request failed")
        return item

    def _write(self, key: tuple[str, str], item: Item) -> None:
        if sum(len(name) + sum(len(str(held)) for held in value.values()) for name, value in item.items()) > LARGEST:
            raise Failed("ValidationException", "Item size has exceeded the maximum allowed size")
        self.items[key] = item

    def _put_item(self, request: Request) -> dict[str, Any]:
        key = self._key(request["Item"])
        was = self._checked(key, request)
        self._write(key, copied(dict(request["Item"])))
        return {"Attributes": was} if request.get("ReturnValues") == "ALL_OLD" and was else {}

    def _update(self, request: Request) -> dict[str, Any]:
        key = self._key(request["Key"])
        item = updated({**dict(request["Key"]), **self._checked(key, request)}, request)
        self._write(key, item)
        return {"Attributes": copied(item)} if request.get("ReturnValues", "NONE") != "NONE" else {}

    def _delete(self, request: Request) -> dict[str, Any]:
        key = self._key(request["Key"])
        self._checked(key, request)
        was = self.items.pop(key, None)
        return {"Attributes": was} if request.get("ReturnValues") == "ALL_OLD" and was else {}

    def _query(self, request: Request) -> dict[str, Any]:
        index = request.get("IndexName", "")
        hash_, range_ = self.indexes[index]
        found = [
            item
            for item in self.items.values()
            if hash_ in item and range_ in item and holds(request["KeyConditionExpression"], item, request)
        ]
        found.sort(key=lambda item: item[range_]["S"], reverse=not request.get("ScanIndexForward", True))
        return self._page(found, request, keys_only=bool(index))

    def _scan(self, request: Request) -> dict[str, Any]:
        return self._page([self.items[key] for key in sorted(self.items)], request)

    def _page(self, found: list[Item], request: Request, keys_only: bool = False) -> dict[str, Any]:
        start = request.get("ExclusiveStartKey")
        if start:
            keys = [self._key(item) for item in found]
            found = found[keys.index(self._key(start)) + 1 :] if self._key(start) in keys else []
        limit = request.get("Limit") or len(found)
        page, rest = found[:limit], found[limit:]
        shown = [item for item in page if holds(request.get("FilterExpression"), item, request)]
        more = {"LastEvaluatedKey": {name: page[-1][name] for name in ("pk", "sk")}} if rest else {}
        kept = [
            {name: item[name] for name in ("pk", "sk", "open") if name in item} if keys_only else item for item in shown
        ]
        return {"Items": copied(kept), "Count": len(kept), "ScannedCount": len(page), **more}

    def _batch_get(self, request: Request) -> dict[str, Any]:
        answers: dict[str, Any] = {}
        for table, wanted in request["RequestItems"].items():
            found = (self.items.get(self._key(key)) for key in wanted["Keys"])
            answers[table] = [copied(item) for item in found if item is not None]
        return {"Responses": answers, "UnprocessedKeys": {}}

    def _batch_write(self, request: Request) -> dict[str, Any]:
        for several in request["RequestItems"].values():
            for each in several:
                if "PutRequest" in each:
                    self._put_item(each["PutRequest"])
                else:
                    self._delete(each["DeleteRequest"])
        return {"UnprocessedItems": {}}

    def _transact(self, request: Request) -> dict[str, Any]:
        before = dict(self.items)
        try:
            for each in request["TransactItems"]:
                self._step(each)
        except Failed as failed:
            self.items = before
            raise Failed("TransactionCanceledException", failed.code) from failed
        return {}

    def _step(self, each: Mapping[str, Any]) -> None:
        does = {"Put": self._put_item, "Update": self._update, "Delete": self._delete}
        for name, request in each.items():
            if name == "ConditionCheck":
                self._checked(self._key(request["Key"]), request)
            else:
                does[name](request)


def strings(item: Item) -> Iterator[str]:
    """Yield every text in an item."""
    for value in item.values():
        [(type_, held)] = value.items()
        if type_ == "S":
            yield held
        elif type_ == "M":
            yield from strings(held)
