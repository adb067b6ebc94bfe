"""Decides what is wrong with a policy whose entries have the right shape: names, quantities, contradictions. Pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from difflib import get_close_matches
from urllib.parse import urlsplit
from zoneinfo import available_timezones

from sagewatch.kinds.kind import Kind, Spec
from sagewatch.kinds.registry import KINDS
from sagewatch.model import PER_CAPACITY, Severity, Unit
from sagewatch.policy.cascade import is_milder, read_periods
from sagewatch.policy.limits import Limits, why_not_called
from sagewatch.policy.positions import Path, quoted, short
from sagewatch.policy.rules import WARNING, AlarmRule, Ignored, Page, Patterns, Policy, Route, Window, listed, matches
from sagewatch.units import humanise, parse

MATCHED = ("severity", "kind", "resource", "scope", "alarm", "parent")
PLACE = ("account", "region")
"""Only routes match on these: all alarms of a policy are in one place."""
RESERVED = frozenset({*MATCHED, "state", "policy", "rev", "guards", "route", *PER_CAPACITY.values()})
"""Labels that the product gives itself."""

_IDS = tuple(dict.fromkeys(spec.id for kind in KINDS for spec in kind.specs))
_MOST_TOPICS = 5  # PutMetricAlarm, AlarmActions and OKActions
_HOUR, _DAY = 3600, 86400

_LABEL = re.compile(r"[a-z][a-z0-9_-]*")
_NAME = re.compile(r"[a-z0-9-]{1,100}")
_TOPIC = re.compile(r"arn:aws[a-z-]*:sns:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_-]{1,256}")
# Ids begin with C or G for channels, U or D for people and direct messages (Slack, "Using the Conversations API").
_SLACK = re.compile(r"default|[CGUD][A-Z0-9]{2,}|#[\w-]{1,80}")
# Slack, "Formatting message text", mentions.
_MENTION = re.compile(r"<@[UW][A-Z0-9]+>|<!subteam\^S[A-Z0-9]+>|<!here>|<!channel>")
# A click names a person and no group (Slack, "block_actions payload", user).
_PERSON = re.compile(r"<@[UW][A-Z0-9]+>")
# Names of secrets have these characters (Secrets Manager, CreateSecret, Name).
_SECRET = re.compile(
    r"ssm:/[A-Za-z0-9_./-]+|arn:aws[a-z-]*:secretsmanager:[a-z0-9-]+:[0-9]{12}:secret:[A-Za-z0-9/_+=.@-]+"
)
_WEBHOOK = re.compile(
    r"https://[A-Za-z0-9.-]+(:[0-9]+)?(/[!-~]*)?|http://(localhost|127\.0\.0\.1|\[::1\])(:[0-9]+)?(/[!-~]*)?"
)
_RUNBOOK = re.compile(r"https?://[A-Za-z0-9.-]+(:[0-9]+)?(/[!-~]*)?")
_FILLED = ("kind", "resource", "alarm", "severity")
# Five fields, unlike the six of EventBridge (PutAlarmMuteRule, Schedule, Expression).
_CRON = re.compile(r"cron\(([0-9A-Za-z*/,?#-]+ +){4}[0-9A-Za-z*/,?#-]+\)")
_CRON_LIMITS = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 7))  # minutes, hours, days, months, weekdays
_NUMBER = re.compile(r"(?<![0-9/#])[0-9]+")
# PutAlarmMuteRule, Schedule, Expression: at(yyyy-MM-ddThh:mm).
_AT = re.compile(r"at\(([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2})\)")


@dataclass(frozen=True, slots=True)
class Complaint:
    """What is wrong with a value, or with its key; the path begins at the entry."""

    path: Path
    message: str
    at_key: bool = False


def suggest(text: str, names: Collection[str], otherwise: str = "") -> str:
    """Return a question for the nearest of the names, or else what is given for when none is near."""
    near = get_close_matches(short(text), names, 1)
    return f"; did you mean `{near[0]}`?" if near else otherwise


def in_words(names: Collection[str], last: str = "or") -> str:
    """Return names as people list them: `a, b or c`."""
    *most, end = names
    return f"{', '.join(most)} {last} {end}" if most else end


def alarm_rule(rule: AlarmRule, whole: bool) -> Iterator[Complaint]:
    """Yield what is wrong with an entry of `alarms`; one that is not whole is not blamed for what it lacks."""
    yield from _never(rule)
    yield from _expressions(rule)
    yield from _kinds(rule.kind, "kind")
    yield from _alarm_ids(rule)
    rows = [(kind, spec) for kind in _meant_kinds(rule) for spec in kind.specs if matches(rule.alarm, spec.id)]
    unfit = list(_unfit(rule, rows))
    yield from unfit
    yield from _pair(rule, whole)
    yield from () if unfit else _out_of_order(rule, rows)
    yield from _periods(rule, rows)
    if whole and all(getattr(rule, name) is None for name in _CHANGES):
        yield Complaint((), f"this entry changes nothing; give it {in_words(_CHANGES)}")


_CHANGES = ("threshold", "warning", "critical", "periods", "severity", "off")


def _meant_kinds(rule: AlarmRule) -> list[Kind]:
    return [kind for kind in KINDS if matches(rule.kind, kind.name)]


def _each(patterns: Patterns, *path: str | int) -> Iterator[tuple[Path, str]]:
    if isinstance(patterns, str):
        yield path, patterns
    else:
        yield from (((*path, n), pattern) for n, pattern in enumerate(patterns))


def _is_glob(pattern: str) -> bool:
    return pattern.startswith("~") or any(character in pattern for character in "*?[")


_LONGEST = 200  # characters of a regular expression
_REPEATS = 3  # in one expression: with more of them a text that nearly matches takes for ever


def _expressions(entry: AlarmRule | Ignored | Route | Page | Window) -> Iterator[Complaint]:
    """Complain of the patterns of an entry that cannot be read."""
    for name in ("kind", "alarm", "resource"):
        yield from _patterns(getattr(entry, name, "*"), name)
    for name in ("tags", "match"):
        for key, patterns in getattr(entry, name, {}).items():
            yield from _patterns(patterns, name, key)


def _patterns(patterns: Patterns, *path: str | int) -> Iterator[Complaint]:
    """Complain of regular expressions that cannot be read, or could take too long for a function to wait for."""
    for place, pattern in _each(patterns, *path):
        bare = pattern.removeprefix("!")
        if bare.startswith("!"):
            yield Complaint(place, f"{quoted(pattern)} begins with two `!`; one means not")
        elif bare.startswith("~") and (wrong := _expression_fault(bare[1:])):
            yield Complaint(place, f"{quoted(pattern)} {wrong}")


def _expression_fault(text: str) -> str | None:
    """Return what is wrong with a regular expression, in words; None when nothing is."""
    if len(text) > _LONGEST:
        return f"has more than {_LONGEST} characters"
    try:
        re.compile(text)
    except (re.error, OverflowError, RecursionError) as error:
        where = getattr(error, "pos", None)
        at = "" if where is None else f" at its character {where + 1}"
        return f"is no regular expression: {getattr(error, 'msg', 'it is too large')}{at}"
    plain = re.sub(r"\\.|\[\]?[^]]*\]", "x", text)
    if re.search(r"\)[*+{]", plain):
        return "repeats a group, which may take for ever; repeat a character or a class such as [a-z0-9-]+"
    if len(re.findall(r"[*+{]", plain)) > _REPEATS:
        return f"has more than {_REPEATS} of `*`, `+` and `{{`, which may take for ever"
    return None


def _must_match(
    patterns: Patterns, path: Path, names: Sequence[str], what: str, otherwise: str = ""
) -> Iterator[Complaint]:
    """Complain of patterns that match none of the names; of one after `!` too, since it takes nothing away."""
    for place, written in _each(patterns, *path):
        pattern = written.removeprefix("!")
        if any(matches(pattern, name) for name in names) or any(_patterns(written)):
            continue
        if _is_glob(pattern):
            yield Complaint(place, f"{quoted(pattern)} matches no {what}")
        else:
            yield Complaint(place, f"{quoted(pattern)} is no {what}{suggest(pattern, names, otherwise)}")


def _kinds(patterns: Patterns, *path: str) -> Iterator[Complaint]:
    names = [kind.name for kind in KINDS]
    return _must_match(patterns, path, names, "kind", f"; there are {in_words(names, 'and')}")


def _never(entry: AlarmRule | Ignored | Route | Page | Window) -> Iterator[Complaint]:
    """Complain of empty lists where one of the list must match, since none ever does."""
    for each in fields(entry):
        value = getattr(entry, each.name)
        nested = value.items() if isinstance(value, Mapping) else ()
        empty: list[Path] = [(each.name, str(key)) for key, patterns in nested if patterns == ()]
        if value == () and each.name != "remind":
            empty = [(each.name,)]
        yield from (
            Complaint(path, "an empty list matches nothing; name something, or take the key away") for path in empty
        )


def _alarm_ids(rule: AlarmRule) -> Iterator[Complaint]:
    kinds = _meant_kinds(rule)
    if not kinds:
        return
    ids = tuple(dict.fromkeys(spec.id for kind in kinds for spec in kind.specs))
    of = "any kind" if len(kinds) == len(KINDS) else in_words([kind.name for kind in kinds])
    if not ids:
        yield Complaint(("kind",), f"{of} has no alarms that could be changed, only notices of failures")
        return
    for place, pattern in _each(rule.alarm, "alarm"):
        if pattern.endswith(WARNING) and not any(matches(pattern, each) for each in ids):
            row = quoted(pattern.removesuffix(WARNING))
            yield Complaint(place, f"{quoted(pattern)} is one of a pair; write {row}, and its threshold as `warning:`")
        else:
            yield from _must_match(pattern, place, ids, f"alarm of {of}", "; `sagewatch catalog` lists them")


def _unfit(rule: AlarmRule, rows: Sequence[tuple[Kind, Spec]]) -> Iterator[Complaint]:
    """Complain of quantities that a row cannot take, for the first such row each."""
    for name in ("threshold", "warning", "critical"):
        value = getattr(rule, name)
        wrong = None if value is None else next(filter(None, (_refused(value, *row) for row in rows)), None)
        if wrong:
            narrower = "; or name fewer alarms with `kind` and `alarm`" if len(rows) > 1 else ""
            yield Complaint((name,), f"{wrong}{narrower}")


def _refused(value: object, kind: Kind, spec: Spec) -> str | None:
    try:
        parse(short(str(value)), spec.unit)
    except ValueError as wrong:
        return f"{spec.id} of {kind.name}: {wrong}"
    return None


def _pair(rule: AlarmRule, whole: bool) -> Iterator[Complaint]:
    given = [name for name in ("warning", "critical") if getattr(rule, name) is not None]
    if not given:
        return
    if len(given) == 1 and whole:
        other = "critical" if given == ["warning"] else "warning"
        yield Complaint((given[0],), f"`{given[0]}` goes with `{other}`; give both, or `threshold` alone")
    if rule.threshold is not None:
        yield Complaint(("threshold",), "`threshold` cannot go with `warning` and `critical`; keep the one or the two")
    if rule.severity is not None:
        yield Complaint(("severity",), "`severity` cannot go with `warning` and `critical`, which are severities")
    if rule.off:
        yield Complaint(("off",), "`off: true` cannot go with `warning` and `critical`; keep the one or the two")


def _out_of_order(rule: AlarmRule, rows: Sequence[tuple[Kind, Spec]]) -> Iterator[Complaint]:
    """Complain of a warning that would come after its critical alarm, for the first such row."""
    if rule.warning is None or rule.critical is None:
        return
    for kind, spec in rows:
        warning, critical = (parse(str(value), spec.unit) for value in (rule.warning, rule.critical))
        if not is_milder(spec, warning, critical):
            side = "lower" if spec.comparison.startswith("Greater") else "higher"
            limits = f"than the {quoted(str(rule.critical))} of `critical`"
            yield Complaint(
                ("warning",), f"{spec.id} of {kind.name}: {quoted(str(rule.warning))} must be {side} {limits}"
            )
            return


def _periods(rule: AlarmRule, rows: Sequence[tuple[Kind, Spec]]) -> Iterator[Complaint]:
    if rule.periods is None:
        return
    try:
        _, periods = read_periods(short(str(rule.periods)))
    except ValueError as wrong:
        yield Complaint(("periods",), str(wrong))
        return
    for kind, spec in rows:
        longest = 7 * _DAY if spec.period >= _HOUR else _DAY  # PutMetricAlarm, EvaluationPeriods
        if spec.period * periods > longest:
            most = f"{longest // spec.period} of {humanise(spec.period, Unit.SECONDS)}"
            asked = quoted(str(rule.periods))
            yield Complaint(("periods",), f"{spec.id} of {kind.name}: {asked} is too long; CloudWatch takes {most}")
            return


def ignored(entry: Ignored, whole: bool) -> Iterator[Complaint]:
    """Yield what is wrong with an entry of `ignore`."""
    yield from _never(entry)
    yield from _expressions(entry)
    yield from _kinds(entry.kind, "kind")
    if whole and entry == Ignored():
        yield Complaint((), "this entry ignores every resource; say which with `kind`, `resource` or `tags`")


def labels(policy: Policy) -> Iterator[Complaint]:
    """Yield what is wrong with `labels`."""
    for label, tag in policy.labels.items():
        path = ("labels", label)
        if label in RESERVED:
            yield Complaint(path, f"{quoted(label)} is a label of Sagewatch's own; choose another name", at_key=True)
        elif not _LABEL.fullmatch(label):
            rule = "lower-case letters, digits, - and _, and begins with a letter"
            yield Complaint(path, f"{quoted(label)} is no name of a label, which has {rule}", at_key=True)
        if not 1 <= len(tag) <= 128:
            yield Complaint(path, f"{quoted(tag)} is no key of a tag, which has 1 to 128 characters")


def paging(policy: Policy) -> Iterator[Complaint]:
    """Yield what is wrong with `paging`."""
    for severity, topics in policy.paging.items():
        yield from (found for path, topic in _each(topics, "paging", severity.value) for found in _topic(topic, path))
        if not isinstance(topics, str) and not 1 <= len(topics) <= _MOST_TOPICS:
            yield Complaint(("paging", severity.value), f"{len(topics)} topics; an alarm takes 1 to {_MOST_TOPICS}")


def page(entry: Page, own: Collection[str]) -> Iterator[Complaint]:
    """Yield what is wrong with one entry of `paging`; `own` are the policy's labels."""
    yield from _never(entry)
    yield from _expressions(entry)
    yield from _match(entry.match, {*MATCHED, *own})
    yield from (found for path, topic in _each(entry.sns, "sns") for found in _topic(topic, path))
    if len(listed(entry.sns)) > _MOST_TOPICS:
        yield Complaint(("sns",), f"{len(entry.sns)} topics; an alarm takes 1 to {_MOST_TOPICS}")


def all_pages(entries: Mapping[int, Page]) -> Iterator[Complaint]:
    """Yield what is wrong with the entries of `paging` together."""
    for n, each in entries.items():
        if not each.match and n != max(entries):
            yield Complaint(("paging", n), "this entry has no `match`, so none after it counts; let it be the last one")


def beyond(policy: Policy, limits: Limits) -> Iterator[Complaint]:
    """Yield where a policy leads that the parameters of the stack do not allow."""
    for n, each in enumerate(policy.routes):
        if each.webhook:
            address = urlsplit(each.webhook.url)
            why = why_not_called(address.scheme, address.hostname or "", limits)
            yield from [Complaint(("routes", n, "webhook", "url"), why)] if why else ()
    if limits.paging_topics is None:
        return
    paged: list[tuple[Path, Patterns]] = [
        (("paging", severity.value), topics) for severity, topics in policy.paging.items()
    ]
    paged += [(("paging", n, "sns"), each.sns) for n, each in enumerate(policy.pages)]
    for where, topics in paged:
        for path, topic in _each(topics, *where):
            if topic not in limits.paging_topics:
                yield Complaint(path, f"{quoted(topic)} is not among the PagingTopicArns of the stack; add it there")


def budget(policy: Policy) -> Iterator[Complaint]:
    """Yield what is wrong with `budget`."""
    if policy.budget is not None and policy.budget < 0:
        yield Complaint(("budget",), f"`{policy.budget:g}` is less than nothing; write USD a month, such as 50")


def _topic(text: str, path: Path) -> Iterator[Complaint]:
    if not _TOPIC.fullmatch(text):
        example = "arn:aws:sns:eu-west-1:123456789012:pager"
        yield Complaint(path, f"{quoted(text)} is no ARN of an SNS topic, such as {example}")


def _match(wanted: Mapping[str, Patterns], known: Collection[str]) -> Iterator[Complaint]:
    """Complain of labels that nothing has, and of values that those of a closed set never have."""
    for label, patterns in wanted.items():
        path = ("match", label)
        if label not in known:
            nearest = suggest(label, known, f"; there are {in_words(sorted(known), 'and')}")
            yield Complaint(path, f"{quoted(label)} is no label{nearest}", at_key=True)
        elif label == "kind":
            yield from _kinds(patterns, *path)
        elif label == "severity":
            yield from _must_match(
                patterns, path, tuple(Severity), "severity", f"; there are {in_words(Severity, 'and')}"
            )
        elif label == "alarm":
            ids = ("failed", "approval", *_IDS, *(each + WARNING for each in _IDS))
            yield from _must_match(patterns, path, ids, "alarm of any kind", "; `sagewatch catalog` lists them")


def route(entry: Route, own: Collection[str], whole: bool) -> Iterator[Complaint]:
    """Yield what is wrong with one entry of `routes`; `own` are the policy's labels."""
    yield from _never(entry)
    yield from _expressions(entry)
    yield from _entry_name(entry.name)
    yield from _match(entry.match, {*MATCHED, *PLACE, *own})
    yield from _leads(entry, whole)
    yield from _destinations(entry)
    for severity, mentions in entry.mention.items():
        for path, mention in _each(mentions, "mention", severity.value):
            if not _MENTION.fullmatch(mention):
                ways = "write <@U…>, <!subteam^S…>, <!here> or <!channel>"
                yield Complaint(path, f"{quoted(mention)} mentions nobody; {ways}")
    for path, who in _each(entry.snoozers, "snoozers") if entry.snoozers is not None else ():
        if not _PERSON.fullmatch(who):
            yield Complaint(path, f"{quoted(who)} is no person; write <@U…>")
    yield from _reminder_times(entry, whole)
    yield from _grouping(entry)
    yield from _runbook(entry.runbook)


def _entry_name(name: str) -> Iterator[Complaint]:
    if not _NAME.fullmatch(name):
        yield Complaint(("name",), f"{quoted(name)} is no name; write lower-case letters, digits and -, at most 100")


_WAYS = ("slack", "sns", "chatbot", "pagerduty", "webhook")


def _leads(entry: Route, whole: bool) -> Iterator[Complaint]:
    ways = [way for way in _WAYS if getattr(entry, way) is not None]
    if entry.drop and ways:
        yield Complaint(("drop",), f"`drop: true` tells nobody, but `{ways[0]}` somebody; take one of them away")
    if whole and not entry.drop and not ways:
        yield Complaint((), f"this route leads nowhere; give it {in_words(_WAYS)}, or `drop: true`")


def _destinations(entry: Route) -> Iterator[Complaint]:
    if entry.slack is not None and not _SLACK.fullmatch(entry.slack):
        yield Complaint(
            ("slack",), f'{quoted(entry.slack)} is no channel; write its id (C…), "#name" in quotes, or default'
        )
    if entry.sns not in (None, "default"):
        yield from _topic(entry.sns or "", ("sns",))
    if entry.chatbot is not None:
        yield from _topic(entry.chatbot, ("chatbot",))
    if entry.pagerduty is not None:
        yield from _secret(entry.pagerduty, ("pagerduty",))
    if entry.webhook:
        yield from _secret(entry.webhook.secret, ("webhook", "secret"))
        if not _WEBHOOK.fullmatch(entry.webhook.url):
            yield Complaint(("webhook", "url"), f"{quoted(entry.webhook.url)} is no https:// address")


def _secret(text: str, path: Path) -> Iterator[Complaint]:
    """Complain of what is no place of a secret, without repeating it: it may be the secret itself."""
    if not _SECRET.fullmatch(text):
        ways = "`ssm:/name` or the ARN of a secret in Secrets Manager"
        yield Complaint(path, f"say where the secret is kept, {ways}, and never the secret itself")


def _grouping(entry: Route) -> Iterator[Complaint]:
    for name, least, most in (("group_wait", 0, 300), ("group_interval", 10, 900)):
        text = getattr(entry, name)
        seconds = _seconds(text)
        if seconds is None or not least <= seconds <= most:
            lasts = f"{least} s to {most // 60} min"
            yield Complaint((name,), f"{quoted(text)} is no duration from {lasts}; write 30s or 2min")
    if entry.group_from < 2:
        yield Complaint(("group_from",), f"{entry.group_from} are no group; write 2 or more")


def _reminder_times(entry: Route, whole: bool) -> Iterator[Complaint]:
    before = 0.0
    for n, text in enumerate(entry.remind):
        seconds = _seconds(text)
        if seconds is None or seconds <= 0:
            yield Complaint(("remind", n), f"{quoted(text)} is no duration; write 30min or 2h")
        elif seconds <= before:
            yield Complaint(
                ("remind", n), f"{quoted(text)} does not come after {quoted(entry.remind[n - 1])}; sort them"
            )
        before = max(before, seconds or 0)
    if entry.escalate is None:
        return
    yield from _topic(entry.escalate, ("escalate",))
    if whole and not entry.remind:
        yield Complaint(("escalate",), "`escalate` comes after the last reminder; give `remind`, such as [30min, 2h]")


def _seconds(text: str) -> float | None:
    try:
        return parse(short(text), Unit.SECONDS)
    except ValueError:
        return None


def _runbook(text: str | None) -> Iterator[Complaint]:
    if text is None:
        return
    unknown = next((each for each in re.findall(r"\{([^{}]*)\}", text) if each not in _FILLED), None)
    if unknown is not None:
        filled = ", ".join(f"{{{name}}}" for name in _FILLED)
        yield Complaint(("runbook",), f"{quoted('{' + unknown + '}')} is not filled in; there are {filled}")
    elif "{" in (rest := re.sub(r"\{\w+\}", "", text)) or "}" in rest or not _RUNBOOK.fullmatch(rest):
        yield Complaint(("runbook",), f"{quoted(text)} is no http:// or https:// address")


def all_routes(entries: Mapping[int, Route], last: int) -> Iterator[Complaint]:
    """Yield what is wrong with the routes together, by the places of those that could be read."""
    yield from _named_twice("routes", {n: route.name for n, route in entries.items()})
    for n, each in entries.items():
        if n == last and each.match:
            missing = "the last route takes what no other does, so it has no `match`; add one, such as `name: default`"
            yield Complaint(("routes", n, "match"), missing)
        if n != last and not each.match:
            yield Complaint(
                ("routes", n), "this route has no `match`, so it takes everything; only the last one has none"
            )


def all_windows(entries: Mapping[int, Window]) -> Iterator[Complaint]:
    """Yield what is wrong with the windows together."""
    return _named_twice("mute", {n: window.name for n, window in entries.items()})


def _named_twice(section: str, names: Mapping[int, str]) -> Iterator[Complaint]:
    counted: Counter[str] = Counter()
    for n, name in names.items():
        counted[name] += 1
        if counted[name] == 2:
            yield Complaint((section, n, "name"), f"{quoted(name)} is the name of an entry before; choose another")


def window(entry: Window, own: Collection[str]) -> Iterator[Complaint]:
    """Yield what is wrong with one entry of `mute`."""
    yield from _never(entry)
    yield from _expressions(entry)
    yield from _entry_name(entry.name)
    yield from _match(entry.match, {*MATCHED, *own})
    if not _is_schedule(entry.schedule):
        ways = "write `cron(0 2 * * *)` (five fields) or `at(2030-01-31T22:00)`"
        yield Complaint(("schedule",), f"{quoted(entry.schedule)} is no schedule; {ways}")
    if not 60 <= (_seconds(entry.duration) or 0) <= 15 * _DAY:
        yield Complaint(("duration",), f"{quoted(entry.duration)} is no duration from 1min to 360h (15 days)")
    # Without a database of zones nobody can tell.
    if entry.timezone != "UTC" and (zones := available_timezones()) and entry.timezone not in zones:
        nearest = suggest(entry.timezone, zones, "; write one such as Europe/Berlin")
        yield Complaint(("timezone",), f"{quoted(entry.timezone)} is no time zone{nearest}")


def _is_schedule(text: str) -> bool:
    found = _AT.fullmatch(text)
    return bool(_CRON.fullmatch(text)) and _in_range(text) if found is None else _is_moment(found[1])


def _in_range(cron: str) -> bool:
    """Tell whether the numbers of all fields are ones that there are; those after / and # count something else."""
    parts = cron[len("cron(") : -1].split()
    numbers = (
        (int(n), *limits) for part, limits in zip(parts, _CRON_LIMITS, strict=True) for n in _NUMBER.findall(part)
    )
    return all(first <= number <= last for number, first, last in numbers)


def _is_moment(text: str) -> bool:
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True
