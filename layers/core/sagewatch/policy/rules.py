"""What the account's owner wants otherwise: the policy document as frozen values, and what its matchers match. Pure.

`document` reads these out of YAML with pydantic, which the annotations here are enough for; nothing here needs it.
Patterns are globs, or regular expressions after `~`; `!` before either means not. Case counts, as it does in
SageMaker's names.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime
from fnmatch import fnmatchcase
from functools import lru_cache
from hashlib import sha256

from sagewatch.errors import Fault
from sagewatch.model import Labels, Ref, Severity

type Patterns = str | tuple[str, ...]

# For pydantic: a key that is not a field is a mistake.
_NO_MORE = {"extra": "forbid"}


def listed[T](one_or_more: T | tuple[T, ...]) -> tuple[T, ...]:
    """Return what may be written as one thing or a list of them, as a tuple."""
    return one_or_more if isinstance(one_or_more, tuple) else (one_or_more,)


def matches(patterns: Patterns, text: str) -> bool:
    """Tell whether a text is as wanted: like any of the patterns, and like none of those that begin with `!`.

    Of a list in which all begin with `!` everything else is wanted.
    """
    refused = [pattern[1:] for pattern in listed(patterns) if pattern.startswith("!")]
    wanted = [pattern for pattern in listed(patterns) if not pattern.startswith("!")] or ["*"] * bool(refused)
    return any(_is_like(each, text) for each in wanted) and not any(_is_like(each, text) for each in refused)


def _is_like(pattern: str, text: str) -> bool:
    """Tell whether the whole text is like one pattern without `!`; a faulty expression is like nothing."""
    if not pattern.startswith("~"):
        return fnmatchcase(text, pattern)
    expression = _expression(pattern[1:])
    return expression is not None and expression.fullmatch(text) is not None


@lru_cache(maxsize=512)
def _expression(text: str) -> re.Pattern[str] | None:
    try:
        return re.compile(text, re.ASCII)
    except (re.error, OverflowError, RecursionError):
        return None


def is_everything(patterns: Patterns) -> bool:
    """Tell whether the patterns match whatever there is."""
    return "*" in listed(patterns) and not any(each.startswith("!") for each in listed(patterns))


def all_match(wanted: Mapping[str, Patterns], found: Mapping[str, str]) -> bool:
    """Tell whether every named value is there and matches; `""` matches one that is not there."""
    return all(matches(patterns, found.get(name, "")) for name, patterns in wanted.items())


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmRule:
    """One entry of `alarms`: which alarms, and what is changed about them; what is None stays as it was.

    Quantities are texts as people write them (`800ms`), in any unit that fits the row's.
    """

    __pydantic_config__ = _NO_MORE

    kind: Patterns = "*"
    """Names of kinds: `endpoint`, `*-job`."""
    alarm: Patterns = "*"
    """Ids of rows: `latency-p99`, `errors-*`."""
    resource: Patterns = "*"
    """Names of resources."""
    tags: Mapping[str, Patterns] = field(default_factory=dict)
    """Tags that a resource must have, all of them."""
    threshold: str | float | None = None
    """Makes one alarm of the row, also of one that an earlier entry made a pair."""
    periods: int | str | None = None
    """`5`, or `3 of 5`."""
    severity: Severity | None = None
    """What the alarms get in place of the severity of their row."""
    off: bool | None = None
    """True makes no alarm of the row, False makes it again after an earlier entry that did not."""
    warning: str | float | None = None
    """With `critical`: makes two alarms of the row, one at each threshold."""
    critical: str | float | None = None
    """With `warning`; both are quantities, `800ms`."""
    line: int = field(default=0, compare=False)
    """Where the entry begins in the document."""

    def may_match(self, ref: Ref, alarm: str) -> bool:
        """Tell whether it speaks of such an alarm, whatever the resource's tags are."""
        return matches(self.kind, ref.kind) and matches(self.resource, ref.name) and matches(self.alarm, alarm)

    def matches(self, ref: Ref, alarm: str, tags: Mapping[str, str]) -> bool:
        """Tell whether it speaks of such an alarm of a resource with these tags."""
        return self.may_match(ref, alarm) and all_match(self.tags, tags)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ignored:
    """One entry of `ignore`: resources that get no alarms at all, and whose failures are not told."""

    __pydantic_config__ = _NO_MORE

    kind: Patterns = "*"
    """Names of kinds: `endpoint`, `*-job`."""
    resource: Patterns = "*"
    """Names of resources."""
    tags: Mapping[str, Patterns] = field(default_factory=dict)
    """Tags that a resource must have, all of them."""
    line: int = field(default=0, compare=False)

    def may_match(self, ref: Ref) -> bool:
        """Tell whether it speaks of the resource, whatever its tags are."""
        return matches(self.kind, ref.kind) and matches(self.resource, ref.name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """An address that gets notices as JSON; `secret` (`ssm:/name`, or a Secrets Manager ARN) holds what signs them."""

    __pydantic_config__ = _NO_MORE

    url: str
    """The address: `https://…`."""
    secret: str
    """Where the key is kept that signs each request: `ssm:/name`, or a Secrets Manager ARN."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One entry of `routes`: which notices, and who hears of them. The default route has no `match` and is the last."""

    __pydantic_config__ = _NO_MORE

    name: str
    """How the tag `sagewatch:route` and the stored timelines call it."""
    match: Mapping[str, Patterns] = field(default_factory=dict)
    """Label (severity, kind, resource, scope, alarm, team …) → patterns; all must match."""
    goes_on: bool = False
    """Whether later routes may match the same notice; written `continue` in the document."""
    slack: str | None = None
    """A channel's id, or `default` for the channel of the credentials."""
    sns: str | None = None
    """The ARN of a topic that gets text."""
    chatbot: str | None = None
    """The ARN of a topic that gets the schema of Amazon Q Developer in chat applications."""
    pagerduty: str | None = None
    """The secret with a routing key: `ssm:/name`, or a Secrets Manager ARN."""
    webhook: Webhook | None = None
    """An address that gets JSON, and the secret that signs it."""
    mention: Mapping[Severity, Patterns] = field(default_factory=dict)
    """Severity → who is mentioned in Slack: `<@U…>`, `<!subteam^S…>`, `<!here>`."""
    logs: bool = True
    """Whether the last log lines of a failed job are put into the thread."""
    remind: tuple[str, ...] = ()
    """After which times a critical incident that nobody acknowledged is said again: `("30min", "2h")`."""
    escalate: str | None = None
    """The ARN of a topic that hears of it after the last reminder."""
    snoozers: Patterns | None = None
    """Who may snooze what is critical, as Slack mentions people: `<@U…>`; None: everybody may."""
    group_wait: str = "30s"
    """For how long what opens soon after something else waits to be told together with it; `0s` tells all alone."""
    group_interval: str = "1min"
    """How long after one message about an outage the next one may come, and for how long ends wait to be told."""
    group_from: int = 6
    """How many incidents that open together are told as outages; fewer are told one by one."""
    success: bool = False
    """Whether jobs that went well are told."""
    approvals: bool = False
    """Whether model packages that wait for approval, were approved or rejected are told."""
    digest: bool = False
    """Whether the daily summary is sent here."""
    drop: bool = False
    """Tell nobody."""
    runbook: str | None = None
    """The address of a page for whoever is on call."""
    line: int = field(default=0, compare=False)
    """Where the entry begins in the document."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """One entry of `mute`: alarms whose actions are muted for a while, again and again or once."""

    __pydantic_config__ = _NO_MORE

    name: str
    """Part of the name of its mute rule."""
    match: Mapping[str, Patterns] = field(default_factory=dict)
    """Label → patterns; all must match."""
    schedule: str
    """`cron(…)` with five fields, or `at(yyyy-MM-ddThh:mm)`: when it begins."""
    duration: str
    """For how long each time, `30min` to `15d`."""
    timezone: str = "UTC"
    """The zone of the schedule: `Europe/Berlin`."""
    line: int = field(default=0, compare=False)
    """Where the entry begins in the document."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One entry of `paging`, where that is a list: whose alarms CloudWatch itself tells, and which topics."""

    __pydantic_config__ = _NO_MORE

    match: Mapping[str, Patterns] = field(default_factory=dict)
    """Label → patterns; all must match. The first entry that matches counts."""
    sns: Patterns
    """The ARNs of one to five topics."""
    line: int = field(default=0, compare=False)
    """Where the entry begins in the document."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """The whole document; the default one changes nothing."""

    __pydantic_config__ = _NO_MORE

    alarms: tuple[AlarmRule, ...] = ()
    """What is changed about rows; of two entries that say something of the same, the later wins."""
    ignore: tuple[Ignored, ...] = ()
    """Resources that get no alarms, and whose failures are not told."""
    labels: Mapping[str, str] = field(default_factory=lambda: {"team": "team"})
    """Label of an alarm → the tag of the resource that it is taken from."""
    routes: tuple[Route, ...] = ()
    """Who hears of what, in the order in which they are asked."""
    paging: Mapping[Severity, Patterns] = field(default_factory=dict)
    """Severity → ARNs of topics that CloudWatch itself tells."""
    pages: tuple[Page, ...] = ()
    """The same as a list of entries, in the order in which they are asked; in the document it is `paging`, too."""
    mute: tuple[Window, ...] = ()
    """When alarms are muted."""
    budget: float | None = None
    """What all alarms may cost a month together, in USD; None is no limit."""

    def ignores(self, ref: Ref, tags: Mapping[str, str]) -> Ignored | None:
        """Return the entry by which a resource is ignored, None when it is not."""
        return next((each for each in self.ignore if each.may_match(ref) and all_match(each.tags, tags)), None)

    def ignores_kind(self, kind: str) -> bool:
        """Tell whether every resource of a kind is ignored."""
        return any(not each.tags and is_everything(each.resource) and matches(each.kind, kind) for each in self.ignore)

    def ignores_by_name(self, ref: Ref) -> bool:
        """Tell whether a resource is ignored whatever its tags are."""
        return any(not each.tags and each.may_match(ref) for each in self.ignore)

    def labels_of(self, tags: Mapping[str, str]) -> dict[str, str]:
        """Return the labels that a resource's tags become."""
        return {label: tags[tag] for label, tag in self.labels.items() if tags.get(tag)}

    def topics(self, labels: Labels) -> tuple[str, ...]:
        """Return the topics that CloudWatch itself tells of alarms with these labels."""
        page = next((each for each in self.pages if labels_match(each.match, labels)), None)
        by_severity = (topics for severity, topics in self.paging.items() if severity == labels.get("severity"))
        return tuple(sorted(listed(page.sns if page else next(by_severity, ()))))

    def mark_of_all(self, ref: Ref) -> str:
        """Return a digest of what the policy says of a resource, whichever alarms it has; nothing when it is silent."""
        said = [
            *(
                _content(rule)
                for rule in self.alarms
                if matches(rule.kind, ref.kind) and matches(rule.resource, ref.name)
            ),
            *(_content(each) for each in self.ignore if each.may_match(ref)),
            *self._said_of_all(ref),
        ]
        return sha256("\n".join(said).encode()).hexdigest()[:8] if said else ""

    def mark(self, ref: Ref, alarm: str) -> str:
        """Return a digest of all that the policy says of an alarm (`3f9a01bc`), or nothing when it says nothing of it.

        The alarm carries it as the label `policy`: an alarm with another mark was made under another policy.
        """
        said = [
            *(_content(rule) for rule in self.alarms if rule.may_match(ref, row_id(alarm))),
            *(_content(each) for each in self.ignore if each.tags and each.may_match(ref)),
            *self._said_of_all(ref),
        ]
        return sha256("\n".join(said).encode()).hexdigest()[:8] if said else ""

    def _said_of_all(self, ref: Ref) -> Iterator[str]:
        """Yield what is said of all alarms of a resource alike: their labels, and whom CloudWatch tells."""
        if self.labels != {"team": "team"}:
            yield repr(sorted(self.labels.items()))
        for severity, topics in sorted(self.paging.items()):
            yield f"{severity} {tuple(sorted(listed(topics)))}"
        for page in self.pages:
            if matches(page.match.get("kind", "*"), ref.kind) and matches(page.match.get("resource", "*"), ref.name):
                yield _content(page)


DEFAULT = Policy()


type Row = tuple[str, str]
"""(kind, alarm id) of a row, for both alarms of a pair: `("endpoint", "latency-p99")`."""


@dataclass(frozen=True, slots=True)
class RowCost:
    """What the alarms of a row cost in the whole fleet, and how much the row matters there."""

    monthly_usd: float
    severity: Severity


@dataclass(frozen=True, slots=True)
class Withheld:
    """The rows that were found to have no room, and the budget (USD a month) for which that was found."""

    rows: frozenset[Row] = frozenset()
    budget: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What a look at a resource found that neither a list nor an alarm shows."""

    at: datetime
    """When the look began."""
    mark: str
    """`PolicyInForce.mark_of` the resource at that time."""
    is_bare: bool
    """Whether it is well without any alarm: ignored by a tag, say, or of a sort that no row speaks of."""
    withheld: Mapping[str, float] = field(default_factory=dict)
    """What the alarms of rows without room would cost, in USD a month: `{"idle": 0.1}`."""
    left: str = ""
    """A digest of the alarms that are there where CloudWatch refuses others for good; empty where it refuses none."""


@dataclass(frozen=True, slots=True)
class PolicyInForce:
    """What the account's owner wants now.

    In place of a policy with faults its last version without faults is in force. When there is no such version the
    default policy is, and the alarms that are there are `frozen`.
    """

    policy: Policy = DEFAULT
    withheld: frozenset[Row] = frozenset()
    """The rows that the policy's budget has no room for."""
    faults: tuple[Fault, ...] = ()
    """What is wrong with the document; empty when nothing is."""
    frozen: bool = False
    """Whether the alarms of resources that live stay as they are."""
    version: int = 0
    """How often the parameter was written (SSM counts the versions from 1); 0 when there is none."""

    def mark_of(self, ref: Ref) -> str:
        """Return a digest of all that the owner wants of a resource: the policy's word, and the rows without room."""
        rows = sorted(row for kind, row in self.withheld if kind == ref.kind)
        return " ".join(filter(None, (self.policy.mark_of_all(ref), *rows)))


WARNING = "-warning"
"""What the id of the milder alarm of a pair ends in; the other keeps the row's."""


def row_id(alarm: str) -> str:
    """Return the row that an alarm id stands for: of a pair, both stand for one."""
    return alarm.removesuffix(WARNING)


def labels_match(wanted: Mapping[str, Patterns], labels: Labels) -> bool:
    """Tell whether labels are as a route or a window wants them."""
    return all_match(wanted, labels.values)


def _content(rule: AlarmRule | Ignored | Page) -> str:
    """Return a rule's content in a fixed form, without its place in the document."""
    values = {each.name: getattr(rule, each.name) for each in fields(rule) if each.compare}
    return repr({name: sorted(v.items()) if isinstance(v, Mapping) else v for name, v in values.items()})
