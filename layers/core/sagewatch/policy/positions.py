"""Reads YAML text into texts, lists and mappings, and knows the line and column of each. Pure.

Nothing is guessed: `off`, `1.10` and `2026-01-01` stay texts, as they do in none of YAML's own schemas. What a policy
has no need of (aliases, tags, several documents) is a fault.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import NoReturn

import yaml

from sagewatch.errors import BrokenPolicy, Fault

type Path = tuple[str | int, ...]
type Plain = str | list[Plain] | dict[str, Plain] | None
"""What stands somewhere; None where that is a fault, which has been reported."""

LONGEST_POLICY = 8192
"""Bytes that a parameter of the advanced tier holds (SSM PutParameter, Value)."""

_DEEPEST = 16
_SAID = 60
# YAML 1.2, "Core schema": these words mean null.
_NULL = frozenset({"", "~", "null", "Null", "NULL"})
_TAGS = frozenset(f"tag:yaml.org,2002:{name}" for name in ("str", "seq", "map"))
_SECRET_PATTERNS = (
    (re.compile(r"(https?://)[^/\s]*@"), r"\1…@"),
    (re.compile(r"(https?://[^/\s?#]*[/?#])\S+"), r"\1…"),
    (re.compile(r"xox[a-z]-\S+"), "xox…"),
)
# A few hundred bytes of aliases can stand for gigabytes of values (the attack "billion laughs").
_ALIAS = "alias"
_DEEP = "deep"
_YAML_PROBLEMS: Mapping[str, str] = {
    _ALIAS: "aliases are not read; write the value out again",
    _DEEP: "this is nested too deeply for a policy",
    "found character '\\t'": "a tab cannot indent in YAML; use spaces",
    "mapping values are not allowed": "a colon cannot stand here; put the text in quotes, or break the line",
    "but found another document": "a second document begins here; a policy is one",
    "found character '%'": "`%` cannot begin a value; put it in quotes",
    "found character '@'": "`@` cannot begin a value; put it in quotes",
    "found character '`'": "a backtick cannot begin a value; put it in quotes",
    "found unexpected end of stream": "the text ends before its closing quote",
    "could not find expected ':'": "a line that belongs to a mapping has no colon",
}
"""What the parser says, and what we say instead."""


def short(text: str) -> str:
    """Return a user's text as a message may repeat it: on one line, cut, and without what looks like a secret."""
    for pattern, kept in _SECRET_PATTERNS:
        text = pattern.sub(kept, text)
    shown = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text[: _SAID + 1])
    return shown if len(shown) <= _SAID else shown[: _SAID - 1] + "…"


def quoted(text: str) -> str:
    """Return a user's text in backticks."""
    return f"`{short(text)}`"


@dataclass(frozen=True, slots=True)
class Places:
    """Where everything is that the text says, as (line, column); `faults` by path are those of the text itself."""

    plain: Plain
    values: dict[Path, tuple[int, int]] = field(default_factory=dict)
    keys: dict[Path, tuple[int, int]] = field(default_factory=dict)
    faults: dict[Path, Fault] = field(default_factory=dict)

    def fault(self, path: Path, message: str, *, at_key: bool = False) -> Fault:
        """Return the fault of a value or a key; of the nearest thing around it when it is not written."""
        if at_key and path in self.keys:
            return Fault(*self.keys[path], where(path), message)
        written = next((path[:n] for n in range(len(path), 0, -1) if path[:n] in self.values), ())
        return Fault(*self.values.get(written, (1, 1)), where(path), message)


def where(path: Path) -> str:
    """Return a path as people write it: `alarms[0].threshold`."""
    steps = (f"[{step}]" if isinstance(step, int) else f".{short(step)}" for step in path)
    return "".join(steps).removeprefix(".")


def laid_out(text: str) -> Places:
    """Return what a text says; BrokenPolicy when it is too long or no YAML. Empty text says an empty mapping."""
    size = len(text.encode(errors="surrogatepass"))
    if size > LONGEST_POLICY:
        _break(1, 1, f"the policy has {size:,} bytes; a parameter holds {LONGEST_POLICY:,}")
    node = _composed(text)
    if node is None or _is_null(node):
        return Places({})
    places = Places(None)
    return Places(_laid(places, node, ()), places.values, places.keys, places.faults)


# PyYAML's BaseLoader resolves no tags: `off`, `1e3` and `09:00` stay the texts that were written.
class _Loader(yaml.BaseLoader):
    """The pure-Python loader, which resolves no scalar; stops at aliases and in the depths."""

    depth = 0

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        mark = self.peek_event().start_mark  # type: ignore[no-untyped-call]
        if self.check_event(yaml.AliasEvent):
            raise yaml.MarkedYAMLError(problem=_ALIAS, problem_mark=mark)
        if self.depth >= _DEEPEST:
            raise yaml.MarkedYAMLError(problem=_DEEP, problem_mark=mark)
        self.depth += 1
        node: yaml.Node | None = super().compose_node(parent, index)
        self.depth -= 1
        return node


def _composed(text: str) -> yaml.Node | None:
    try:
        loader = _Loader(text)
    except yaml.reader.ReaderError as error:
        begin = text.rfind("\n", 0, error.position)
        line = text.count("\n", 0, error.position) + 1
        _break(line, error.position - begin, "this character cannot be in YAML; take it away")
    try:
        node: yaml.Node | None = loader.get_single_node()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark or loader.get_mark()
        _break(mark.line + 1, mark.column + 1, _in_words(error.problem or "this is no YAML"))
    except (ValueError, OverflowError):  # "\UFFFFFFFF" is no character, and PyYAML does not look
        mark = loader.get_mark()
        _break(mark.line + 1, mark.column + 1, "this escape stands for no character")
    return node


def _break(line: int, column: int, message: str) -> NoReturn:
    raise BrokenPolicy((Fault(line, column, "", message),))


def _in_words(problem: str) -> str:
    found = next((words for begin, words in _YAML_PROBLEMS.items() if problem.startswith(begin)), None)
    return found or f"this cannot be read as YAML: {short(problem)}"


def _laid(places: Places, node: yaml.Node, path: Path) -> Plain:
    places.values[path] = (node.start_mark.line + 1, node.start_mark.column + 1)
    if wrong := _wrong(node, path):
        places.faults[path] = places.fault(path, wrong)
        return None
    if isinstance(node, yaml.SequenceNode):
        return [_laid(places, each, (*path, n)) for n, each in enumerate(node.value)]
    if isinstance(node, yaml.MappingNode):
        return {key: _laid(places, value, (*path, key)) for key, value in _pairs(places, node, path)}
    text: str = node.value
    return text


def _wrong(node: yaml.Node, path: Path) -> str | None:
    if node.tag not in _TAGS:
        name = node.tag.removeprefix("tag:yaml.org,2002:")
        named = quoted("!" + name.removeprefix("!"))
        return f"YAML tags such as {named} are not read; write the value alone, or in quotes"
    if _is_null(node):
        named = quoted(path[-1]) if path and isinstance(path[-1], str) else "this"
        return f"{named} says nothing; give it a value or take it away (outside of quotes, # begins a comment)"
    if isinstance(node, yaml.ScalarNode) and _is_half(node.value):
        return "a half of a surrogate pair is no character"
    return None


def _is_null(node: yaml.Node) -> bool:
    return isinstance(node, yaml.ScalarNode) and node.style is None and node.value in _NULL


def _is_half(text: str) -> bool:
    return any("\ud800" <= character <= "\udfff" for character in text)


def _pairs(places: Places, node: yaml.MappingNode, path: Path) -> Iterator[tuple[str, yaml.Node]]:
    """Yield the keys that can be read and are there once, with their values."""
    for key, value in node.value:
        at = (key.start_mark.line + 1, key.start_mark.column + 1)
        if not isinstance(key, yaml.ScalarNode) or key.tag not in _TAGS or _is_half(key.value):
            places.faults[(*path, f"?{at}")] = Fault(*at, where(path), "a key is one text, and nothing else")
        elif (*path, key.value) in places.keys:
            first, _ = places.keys[(*path, key.value)]
            message = f"{quoted(key.value)} is there twice; line {first} has it already"
            places.faults[(*path, f"?{at}")] = Fault(*at, where((*path, key.value)), message)
        else:
            places.keys[(*path, key.value)] = at
            yield key.value, value
