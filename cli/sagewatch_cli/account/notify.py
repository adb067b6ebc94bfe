"""Makes a sample notice and decides which routes it takes, why, and which receivers they have. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal
from urllib.parse import urlsplit

from sagewatch.kinds.registry import KINDS
from sagewatch.kinds.registry import kind as kind_named
from sagewatch.model import Incident, Labels, Notice, Place, Severity
from sagewatch.policy.rules import Policy, Route, all_match, listed
from sagewatch.tell.incident.group import incidents
from sagewatch.tell.read import alarm_events
from sagewatch.tell.route import DEFAULT_ROUTE, matched_on
from sagewatch.watch.names import alarm_name

RESOURCE, SCOPE = "sagewatch-test", "TEST"
REASON = "TEST: sent by `sagewatch notify test`. Nothing is wrong, nothing has to be done; its end follows at once."

type SampleState = Literal["ALARM", "OK"]

SAMPLE_KIND, SAMPLE_ALARM = KINDS[0].name, "latency-p99"
"""What the sample is about unless something else is given."""


@dataclass(frozen=True, slots=True)
class ConsideredRoute:
    """What became of one route, in the order of the policy: whether the notice takes it, and why."""

    route: Route
    taken: bool
    why: str


def sample_labels(given: Mapping[str, str]) -> Labels:
    """Return the sample's labels: a critical latency alarm, but for what is given; ValueError says what is wrong.

    Of another kind, the alarm is its first critical row, or its first.
    """
    severity, kind = given.get("severity", Severity.CRITICAL), given.get("kind", SAMPLE_KIND)
    if severity not in set(Severity):
        raise ValueError(f"severity={severity}: there are {', '.join(Severity)}")
    if kind_named(kind) is None:
        raise ValueError(f"kind={kind}: there are {', '.join(each.name for each in KINDS)}")
    alarm = given.get("alarm", _first_alarm(kind))
    base = {"severity": severity, "kind": kind, "resource": RESOURCE, "scope": SCOPE, "alarm": alarm}
    return Labels({**base, **given})


def _first_alarm(kind: str) -> str:
    found = kind_named(kind)
    rows = found.specs if found else ()
    if kind == SAMPLE_KIND:
        return SAMPLE_ALARM
    return next((row.id for row in (*(r for r in rows if r.severity is Severity.CRITICAL), *rows)), "failed")


def sample_event(
    prefix: str, labels: Labels, place: Place, at: datetime, state: SampleState = "ALARM"
) -> dict[str, Any]:
    """Return the event that CloudWatch would send, without a value: messages then show the reason, which says TEST."""
    name = alarm_name(prefix, labels.ref, labels["scope"], labels["alarm"])
    return {
        "version": "0",
        "detail-type": "CloudWatch Alarm State Change",
        "source": "sagewatch.test",
        "account": place.account,
        "time": at.isoformat(timespec="seconds"),
        "region": place.region,
        "resources": [f"arn:{place.partition}:cloudwatch:{place.region}:{place.account}:alarm:{name}"],
        "detail": {
            "alarmName": name,
            "state": {"value": state, "reason": REASON, "timestamp": at.isoformat(timespec="milliseconds")},
            "configuration": {"description": f"{REASON}\n{labels.line()}", "metrics": []},
        },
    }


def sample_notice(prefix: str, labels: Labels, place: Place, at: datetime) -> Notice:
    """Return the notice that the event becomes."""
    found = alarm_events.notice(prefix, sample_event(prefix, labels, place, at))
    if found is None:
        raise ValueError("the labels cannot be written into the description of an alarm")
    return found


def sample_incident(route: Route, notice: Notice) -> Incident:
    """Return the incident that the notice opens on a route."""
    [found] = incidents(route.name, [notice], {}, notice.at)
    return found


def considered_routes(policy: Policy, notice: Notice) -> tuple[ConsideredRoute, ...]:
    """Return for each route whether the notice takes it, and why; the same routes as notify takes."""
    if not policy.routes:
        return (ConsideredRoute(DEFAULT_ROUTE, True, "the policy has no routes, and this one stands in for them"),)
    wanted = notice.labels.get("route")
    if wanted and any(route.name == wanted for route in policy.routes):
        return tuple(_named_by_tag(route, wanted) for route in policy.routes)
    return tuple(_in_turn(policy, matched_on(notice.labels, notice.place)))


def _named_by_tag(route: Route, wanted: str) -> ConsideredRoute:
    if route.name == wanted:
        return ConsideredRoute(route, True, "the tag sagewatch:route names it")
    return ConsideredRoute(route, False, f"the tag sagewatch:route names {wanted}")


def _in_turn(policy: Policy, found: Mapping[str, str]) -> Iterator[ConsideredRoute]:
    ended = ""
    for route in policy.routes:
        if ended:
            yield ConsideredRoute(route, False, f"{ended} took it, and does not go on")
            continue
        wrong = [each for name, each in _unmet(route, found) if name]
        taken = not wrong
        ended = route.name if taken and not route.goes_on else ""
        yield ConsideredRoute(route, taken, "; ".join(wrong) if wrong else _matched(route))


def _unmet(route: Route, found: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Yield each label that is not as the route wants it, and that in words."""
    for name, patterns in route.match.items():
        if not all_match({name: patterns}, found):
            is_ = f"is {found[name]}" if found.get(name) else "is not there"
            yield name, f"wants {name} {' or '.join(listed(patterns)) or 'not there'}, which {is_}"


def _matched(route: Route) -> str:
    return f"matches {', '.join(route.match)}" if route.match else "matches everything"


def places(route: Route) -> tuple[str, ...]:
    """Return where a route leads; of an address only the host, of a key only where it is kept."""
    return tuple(said for _, said in _places(route))


def receiver_prefixes(route: Route) -> tuple[str, ...]:
    """Return what the names of a route's receivers begin with in the incidents table: `slack:`, `sns:`."""
    return tuple(name for name, _ in _places(route) if name)


def _places(route: Route) -> Iterator[tuple[str, str]]:
    """Yield the receivers in the order of delivery: what its stored name begins with, if any, and in words."""
    if route.drop:
        yield "", "nobody: it is dropped"
    if route.slack:
        yield "slack:", f"Slack: {'the channel of the credentials' if route.slack == 'default' else route.slack}"
    if route.sns:
        yield "sns:", f"SNS: {'the alerts topic' if route.sns == 'default' else route.sns}"
    if route.chatbot:
        yield "chatbot:", f"Amazon Q Developer: {route.chatbot}"
    if route.pagerduty:
        yield "pagerduty:", f"PagerDuty: the key kept in {route.pagerduty}"
    if route.webhook:
        yield "webhook:", f"webhook: {urlsplit(route.webhook.url).hostname}"
    if route.escalate and route.remind:
        yield "", f"after {route.remind[-1]} without anybody who acknowledges it: {route.escalate}"


def mention(route: Route, severity: Severity) -> str:
    """Return the mentions in Slack for that severity, an empty text when there are none."""
    return " ".join(listed(route.mention.get(severity, ())))


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleRouting:
    """The sample, what becomes of each route, and the topics that CloudWatch itself notifies (`paging`)."""

    notice: Notice
    routes: tuple[ConsideredRoute, ...]
    paged: tuple[str, ...]

    @property
    def routes_told(self) -> tuple[Route, ...]:
        """The routes on which somebody hears of it."""
        return tuple(each.route for each in self.routes if each.taken and not each.route.drop)


def route_sample(prefix: str, policy: Policy, labels: Labels, place: Place) -> SampleRouting:
    """Return which routes a sample with these labels takes, as if it happened there."""
    notice = sample_notice(prefix, labels, place, datetime.now(UTC))
    return SampleRouting(notice=notice, routes=considered_routes(policy, notice), paged=policy.topics(notice.labels))
