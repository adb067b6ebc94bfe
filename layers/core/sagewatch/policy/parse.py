"""Reads the policy document: YAML text becomes a Policy, or every fault with its line and column. Pure.

`places` knows where everything stands, pydantic judges the shape, `checks` the sense. Each entry is read as a policy of
its own, so that a fault in one hides none in the others. Importing this costs 0.2 s, so its callers do it when they
have a document.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any

from pydantic import TypeAdapter, ValidationError

from sagewatch.errors import BrokenPolicy, Fault
from sagewatch.model import Severity
from sagewatch.policy import checks
from sagewatch.policy.checks import Complaint, in_words, suggest
from sagewatch.policy.limits import Limits
from sagewatch.policy.positions import Path, Places, Plain, laid_out, quoted
from sagewatch.policy.rules import AlarmRule, Ignored, Page, Policy, Route, Webhook, Window

_ENTRIES: Mapping[str, type] = {
    "alarms": AlarmRule,
    "ignore": Ignored,
    "routes": Route,
    "paging": Page,
    "mute": Window,
}
_LISTED_AS = {"paging": "pages"}
"""Where the entries of a section go that may be a mapping as well."""
_UNWRITTEN = frozenset({"line", *_LISTED_AS.values()})
_SPELT = {"goes_on": "continue"}  # `continue` is a keyword of Python
_FIELDS = {spelt: name for name, spelt in _SPELT.items()}
_BOOLEANS = frozenset({"off", "continue", "logs", "success", "approvals", "digest", "drop"})
_POLICY = TypeAdapter(Policy)

_ALL = in_words(("alarms", "ignore", "labels", "routes", "paging", "mute", "budget"), "and")
_STAND_INS: Mapping[str, Mapping[str, str]] = {
    "routes": {"name": "entry-{n}"},
    "pages": {"sns": "arn:aws:sns:eu-west-1:123456789012:pager"},
    "mute": {"name": "entry-{n}", "schedule": "cron(0 0 * * *)", "duration": "1h"},
}
"""What is taken in place of what an entry must have and has not, to see what else is wrong with it; n is its place."""

_WANTED: Mapping[frozenset[str], str] = {
    frozenset({"string_type"}): "a text",
    frozenset({"string_type", "tuple_type"}): "a text or a list of texts",
    frozenset({"string_type", "float_type"}): "a quantity such as 800ms",
    frozenset({"string_type", "int_type"}): "a number of periods such as 5 or 3 of 5",
    frozenset({"tuple_type"}): "a list",
    frozenset({"dict_type"}): "a mapping",
    frozenset({"dataclass_type"}): "a mapping",
    frozenset({"bool_type"}): "true or false",
    frozenset({"float_type"}): "a number",
    frozenset({"int_type"}): "a whole number",
    frozenset({"enum"}): in_words(tuple(Severity)),
}
"""What belongs where pydantic found something else, by all that it says of one value."""


def _keys(noun: type) -> tuple[str, ...]:
    return tuple(_SPELT.get(each.name, each.name) for each in fields(noun) if each.name not in _UNWRITTEN)


def read_policy(text: str, limits: Limits | None = None) -> Policy:
    """Return what the document says; BrokenPolicy with all faults, in the order of the document.

    With `limits`, it is a fault as well where it leads beyond them.
    """
    document = _Document(laid_out(text))
    policy = document.policy()
    if limits:
        document.complain(checks.beyond(policy, limits))
    faults = sorted(
        (*document.places.faults.values(), *document.faults.values()), key=lambda fault: (fault.line, fault.column)
    )
    if faults:
        raise BrokenPolicy(tuple(faults))
    return policy


@dataclass(slots=True)
class _Document:
    """A document on its way to being a policy, and what was found to be wrong with it, by path."""

    places: Places
    faults: dict[tuple[Path, str], Fault] = field(default_factory=dict)

    def complain(self, complaints: Iterable[Complaint], entry: Path = ()) -> None:
        for each in complaints:
            path = (*entry, *each.path)
            if path not in self.places.faults:
                self.faults[path, each.message] = self.places.fault(path, each.message, at_key=each.at_key)

    def policy(self) -> Policy:
        """Return as much of the policy as can be read, every complaint noted."""
        plain = self.places.plain
        if not isinstance(plain, dict):
            if () not in self.places.faults:
                self.complain([Complaint((), f"{_in_short(plain)} stands where the keys of a policy belong: {_ALL}")])
            return Policy()
        self.complain(_unknown(plain, (), Policy, "the policy"))
        whole = self._sections({key: value for key, value in plain.items() if key in _keys(Policy)})
        self.complain(checks.labels(whole))
        self.complain(checks.paging(whole))
        self.complain(checks.budget(whole))
        entries = {section: self._entries(section, plain.get(section)) for section in _ENTRIES}
        self._judge(entries, whole)
        read: dict[str, Any] = {
            _LISTED_AS.get(section, section): tuple(found.values()) for section, found in entries.items()
        }
        return replace(whole, **read)

    def _sections(self, plain: dict[str, Plain]) -> Policy:
        """Read what is no list of entries, and what should be one."""
        lists = {key for key in _ENTRIES if isinstance(plain.get(key), list)}
        rest: dict[str, Any] = {key: value for key, value in plain.items() if key not in lists}
        if "budget" in rest:
            rest["budget"] = _as_number(rest["budget"])
        if isinstance(rest.get("labels"), list):
            rest["labels"] = self._named_labels(rest["labels"])
        return self._shaped(rest, ()) or Policy()

    def _named_labels(self, names: list[Plain]) -> dict[str, str]:
        """Return labels that are named as their tags are: `[team, env]`."""
        found: dict[str, str] = {}
        for n, name in enumerate(names):
            path = ("labels", n)
            if not isinstance(name, str):
                self.complain([Complaint(path, f"{_in_short(name)} stands where a text belongs")])
            elif name in found:
                self.complain([Complaint(path, f"{quoted(name)} is there twice")])
            else:
                found[name] = name
                self.places.values["labels", name] = self.places.values[path]
        return found

    def _entries(self, section: str, plain: Plain) -> dict[int, Any]:
        """Read the entries of a section, each by itself, by their places; those that cannot be read are left out."""
        found = {}
        for n, each in enumerate(plain if isinstance(plain, list) else ()):
            entry = self._entry(section, n, each)
            if entry is not None:
                found[n] = replace(entry, line=self.places.values[section, n][0])
        return found

    def _entry(self, section: str, n: int, plain: Plain) -> Any:
        path = (section, n)
        typed: Any = plain
        if isinstance(plain, dict):
            self.complain(_unknown(plain, path, _ENTRIES[section], f"an entry of {section}"))
            if isinstance(hook := plain.get("webhook"), dict) and section == "routes":
                self.complain(_unknown(hook, (*path, "webhook"), Webhook, "a webhook"))
                plain = {**plain, "webhook": {key: value for key, value in hook.items() if key in _keys(Webhook)}}
            known = {key: value for key, value in plain.items() if key in _keys(_ENTRIES[section])}
            typed = {_FIELDS.get(key, key): _typed(key, value) for key, value in known.items()}
        field_ = _LISTED_AS.get(section, section)
        policy = self._shaped({field_: [typed]}, path)
        return getattr(policy, field_)[0] if policy else None

    def _shaped(self, plain: dict[str, Any], lead: Path) -> Policy | None:
        """Return the policy that plain values make; without those of a wrong shape, None when that leaves too little.

        `lead` is where they stand in the document: nowhere in particular, or as an entry, of which there is one here.
        """
        try:
            return _POLICY.validate_json(json.dumps(plain), strict=True)
        except ValidationError as error:
            errors = [(each["type"], each["loc"]) for each in error.errors(include_url=False, include_context=False)]
        depth = len(lead)
        self.complain(_misshapen(self.places.plain, [(kind, (*lead, *_spelt(loc)[depth:])) for kind, loc in errors]))
        if any(len(loc) <= depth for _, loc in errors):
            return None
        sound = _pruned(plain, {loc[: depth + 1 if lead else 2] for _, loc in errors})
        for section, stand_ins in _STAND_INS.items() if lead else ():
            filled = {key: text.format(n=lead[1]) for key, text in stand_ins.items()}
            sound[section] = [{**filled, **each} for each in sound.get(section, ())]
        return _POLICY.validate_json(json.dumps(sound), strict=True)

    def _judge(self, entries: Mapping[str, Mapping[int, Any]], policy: Policy) -> None:
        """Note what makes no sense in the entries, and between them."""
        for n, rule in entries["alarms"].items():
            self.complain(checks.alarm_rule(rule, self._is_whole("alarms", n)), ("alarms", n))
        for n, entry in entries["ignore"].items():
            self.complain(checks.ignored(entry, self._is_whole("ignore", n)), ("ignore", n))
        labels = {*policy.labels, *_names(_plain_at(self.places.plain, ("labels",)))}
        matched = {n: route for n, route in entries["routes"].items() if self._is_whole("routes", n, "match")}
        for n, route in entries["routes"].items():
            self.complain(checks.route(route, labels, self._is_whole("routes", n)), ("routes", n))
        for n, page in entries["paging"].items():
            self.complain(checks.page(page, labels), ("paging", n))
        self.complain(checks.all_pages(entries["paging"]))
        for n, window in entries["mute"].items():
            self.complain(checks.window(window, labels), ("mute", n))
        written = _plain_at(self.places.plain, ("routes",))
        self.complain(checks.all_routes(matched, len(written) - 1 if isinstance(written, list) else 0))
        self.complain(checks.all_windows(entries["mute"]))

    def _is_whole(self, *path: str | int) -> bool:
        """Tell whether nothing at or under a path was found to be wrong until now."""
        found = (*self.places.faults, *(each for each, _ in self.faults))
        return all(each[: len(path)] != path for each in found)


def _names(labels: Plain) -> Iterator[str]:
    """Yield the labels that are written, whether their tags can be read or not."""
    yield from (name for name in labels or () if isinstance(name, str)) if not isinstance(labels, str) else ()


def _typed(key: str, plain: Plain) -> Plain | bool | int:
    """Return the number or the truth that a text stands for, where a key wants one."""
    if not isinstance(plain, str):
        return plain
    if key in _BOOLEANS:
        return {"true": True, "false": False}.get(plain, plain)
    return int(plain) if key in ("periods", "group_from") and re.fullmatch(r"[0-9]{1,9}", plain) else plain


def _as_number(plain: Plain) -> Plain | float:
    return float(plain) if isinstance(plain, str) and re.fullmatch(r"-?[0-9]{1,12}(\.[0-9]{1,6})?", plain) else plain


def _unknown(plain: dict[str, Plain], path: Path, noun: type, what: str) -> Iterator[Complaint]:
    keys = _keys(noun)
    for key in plain:
        if key not in keys:
            nearest = suggest(key, keys, f"; there are {in_words(keys, 'and')}")
            yield Complaint((*path, key), f"{quoted(key)} is no key of {what}{nearest}", at_key=True)


def _spelt(loc: Path) -> Path:
    """Return a location of pydantic's with the key as the document spells it."""
    return tuple(_SPELT.get(str(step), step) if n == 2 else step for n, step in enumerate(loc))


def _misshapen(document: Plain, errors: Iterable[tuple[str, Path]]) -> Iterator[Complaint]:
    """Say one thing of each value in our own words, whatever number of a union's members refused it."""
    kinds: dict[Path, set[str]] = defaultdict(set)
    for kind, loc in errors:
        kinds[loc if kind == "missing" else _as_written(document, loc)].add(kind)
    for path, found in kinds.items():
        if any(len(other) > len(path) and other[: len(path)] == path for other in kinds if kinds[other] != {"missing"}):
            continue
        yield _complaint(_plain_at(document, path), path, frozenset(found))


def _complaint(value: Plain, path: Path, kinds: frozenset[str]) -> Complaint:
    if "missing" in kinds:
        return Complaint(path, f"{quoted(str(path[-1]))} is missing")
    if "enum" in kinds:
        is_key = path[-1] != "severity" or path[0] != "alarms"
        text = str(path[-1]) if is_key else value
        if isinstance(text, str):
            nearest = suggest(text, tuple(Severity), f"; there are {in_words(tuple(Severity), 'and')}")
            return Complaint(path, f"{quoted(text)} is no severity{nearest}", at_key=is_key)
    return Complaint(path, f"{_in_short(value)} stands where {_WANTED.get(kinds, 'something else')} belongs")


def _as_written(document: Plain, loc: Path) -> Path:
    """Return the part of pydantic's location that is written in the document, without names of a union's members."""
    path: Path = ()
    for step in loc:
        here = _plain_at(document, path)
        if (isinstance(here, dict) and step in here) or (isinstance(here, list) and isinstance(step, int)):
            path = (*path, step)
    return path


def _plain_at(document: Plain, path: Path) -> Plain:
    for step in path:
        if isinstance(document, dict):
            document = document.get(str(step))
        elif isinstance(document, list) and isinstance(step, int):
            document = document[step]
    return document


def _in_short(plain: Plain) -> str:
    if isinstance(plain, str):
        return quoted(plain)
    return "a list" if isinstance(plain, list) else "a mapping"


def _pruned(plain: Any, paths: Iterable[tuple[str | int, ...]], here: Path = ()) -> Any:
    """Return plain values without those at the paths."""
    if isinstance(plain, dict):
        return {k: _pruned(v, paths, (*here, k)) for k, v in plain.items() if (*here, k) not in paths}
    if isinstance(plain, list):
        return [_pruned(each, paths, (*here, n)) for n, each in enumerate(plain)]
    return plain
