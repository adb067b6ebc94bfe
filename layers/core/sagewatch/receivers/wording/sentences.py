"""Words for an incident and the lines of its thread, as plain text that all receivers share. Pure."""

from __future__ import annotations

import re
from datetime import datetime
from itertools import pairwise
from urllib.parse import quote

from sagewatch.model import FLAP_WINDOW, NO_DATA, Evidence, Incident, Notice, Part, ThreadLine
from sagewatch.policy.rules import Route
from sagewatch.receivers.wording import outages
from sagewatch.receivers.wording.phrases import (
    bound,
    breaches,
    cut,
    harmless,
    inline,
    lasting,
    measured,
    quantity,
    utc,
    worst,
)

type Span = tuple[str, bool]
"""A piece of a sentence, and whether it is shown in bold: `("churn", True)`."""

SEEN = 90
"""Characters that a phone shows of a message."""

_NAME_ROOM, _SHORTEST, _TITLE, _CAUSE = 260, 24, 160, 60
_WHOLE_SCOPES = frozenset({"", "all", "AllTraffic"})
_CHILDREN = re.compile(r":alarm:(.+?) transitioned to ALARM\b")
"""How CloudWatch says which alarms set off a composite one (the reason in its state change)."""

ADDRESS = re.compile(r"https?://[^\s<>|\"\\^`]{1,1500}")
_CLASSES = {
    "acked": "ACKNOWLEDGED",
    "snoozed": "SNOOZED",
    "cleared": "OK",
    "resolved": "RESOLVED",
    "closed": "CLOSED",
    "flapping": "UNSTABLE",
}
_DEEDS = {"acked": "acknowledged", "snoozed": "snoozed"}


def headline(incident: Incident) -> tuple[Span, ...]:
    """Say what, how bad and against which limit, in about as many characters as a phone shows."""
    state = verdict(incident)
    if incident.members:
        return (*outages.headline(incident), (f" · {state}" if state else "", False))
    ending = ((f" · {state}", False),) if state else ()
    return (*_spans(incident, SEEN - len(state)), *ending)


def subject(incident: Incident, line: ThreadLine | None) -> str:
    """Say the same, or one entry of the history, as a subject: what it begins with says how bad it is."""
    if incident.members:
        severity = incident.severity.upper() if incident.is_open else incident.status.upper()
        return f"[{severity}] {line_text(incident, line) if line else as_text(outages.headline(incident))}"
    if line:
        told = line_text(incident, line).removesuffix(f" · {_state(line.notice)}")
        return f"[{_class(incident, line)}] {inline(incident.subject.name, _NAME_ROOM)} · {told}"
    if incident.status == "closed":
        return f"[CLOSED] {as_text(headline(incident))}"
    after = f" after {lasted(incident)}" if incident.status == "resolved" else ""
    return f"[{_class(incident, line)}] {as_text(_spans(incident, SEEN - len(after)))}{after}"


def as_text(spans: tuple[Span, ...]) -> str:
    """Return the pieces of a sentence as one text."""
    return "".join(text for text, _ in spans)


def verdict(incident: Incident) -> str:
    """Say how it stands: `CRITICAL`, `WARNING, acknowledged`, `resolved after 14 min`, `closed: the alarm was deleted`.

    Of an open failure, nothing: that it failed says it.
    """
    if incident.status == "resolved":
        return f"resolved after {lasted(incident)}"
    if incident.status == "closed":
        return "closed" if incident.members else f"closed: {closing(incident.lead)}"
    severity = "" if is_failure(incident.parts[0]) else incident.severity.upper()
    return ", ".join(filter(None, (severity, _DEEDS.get(incident.status, ""))))


def lasted(incident: Incident) -> str:
    """Say how long it was open, until its end."""
    return lasting((incident.ended or incident.notices[-1].at) - incident.opened)


def closing(notice: Notice) -> str:
    """Say why nothing more will be heard of it: what it is about, or only its alarm, is gone."""
    if notice.state != "closed" or notice.labels.get("alarm") != "failed":
        return "it has no data any more" if notice.reason == NO_DATA else "the alarm was deleted"
    return f"the {inline(notice.title, _TITLE)}"


def is_failure(part: Part) -> bool:
    """Tell whether it is of something that failed (or went well, or was decided), rather than of an alarm."""
    return part.first.state in {"failed", "succeeded", "announced"}


def who(incident: Incident, notice: Notice) -> str:
    """Say whose incident it is, and which part of it: `churn`, `churn/blue`, `hpo / trial-7`."""
    resource, scope = notice.labels.get("resource") or "", notice.labels.get("scope") or ""
    name = inline(incident.subject.name, _NAME_ROOM)
    if resource not in {"", incident.subject.name}:
        return f"{name} / {inline(resource, _NAME_ROOM)}"
    return name if scope in _WHOLE_SCOPES else f"{name}/{inline(scope, _NAME_ROOM)}"


def evidence(incident: Incident) -> Evidence:
    """Return what was found out about what the headline speaks of; of a failure, else about any of its parts."""
    lead = incident.parts[0]
    parts = incident.parts if is_failure(lead) else (lead,)
    keys = (notice.key for part in parts for notice in (part.last, part.first, part.peak))
    return next((incident.evidence[key] for key in keys if key in incident.evidence), Evidence())


def failed_step(found: Evidence) -> str:
    """Say which step of a pipeline failed: `step Train (3 of 6)`; nothing when none is known."""
    failed = (n for n, (_, status, _, _) in enumerate(found.steps) if status.lower() == "failed")
    first = next(failed, None)
    return "" if first is None else f"step {inline(found.steps[first][0], 60)} ({first + 1} of {len(found.steps)})"


def because(notice: Notice) -> str:
    """Say other people's reason of a failure, or of an alarm that has no value to show."""
    if notice.state == "failed":
        return notice.reason
    if notice.value is not None or notice.state != "firing":
        return ""
    children = _CHILDREN.findall(notice.reason)
    return f"In alarm: {', '.join(dict.fromkeys(children))}" if children else notice.reason


def why(incident: Incident) -> str:
    """Say other people's reason of what the headline speaks of, or of the first step that has one."""
    if incident.members:
        return ""
    steps = evidence(incident).steps
    return because(incident.lead) or next((reason for _, _, _, reason in steps if reason), "")


def unusual(incident: Incident) -> str:
    """Return what is unusual about it: that it fires after a mute, that it fired again, that it flaps."""
    lead = incident.lead
    after = f"still firing after {inline(lead.after, _TITLE)}" if lead.after and lead.state == "firing" else ""
    flapping = next((part for part in incident.parts if part.flapping), None)
    again = f"again ({_nth(incident.reopened + 1)} time)" if incident.reopened else ""
    unsettled = f"flapping ({_changed(incident, flapping, flapping.last.at)})" if flapping else ""
    return " · ".join(filter(None, (after, again, unsettled)))


def brief(incident: Incident, part: Part) -> str:
    """Say how one part stands: `memory 93 %, limit 90 % · WARNING`; of a part of something else, with its name."""
    return _with_name(incident, part.first, f"{_happened(part.last, part)} · {_state(part.last)}")


def line_text(incident: Incident, line: ThreadLine) -> str:
    """Return what a line of the thread tells: `Cleared: memory 80 %, limit 90 %, after 12 min`."""
    if incident.members:
        return outages.line_text(incident, line)
    notice, part = line.notice, part_of(incident, line.notice)
    told = _named(incident, part.first if part else notice, _happened(notice, part))
    match line.about:
        case "joined" | "worsened" | "reopened":
            first = {"joined": "Also", "worsened": "Worse", "reopened": "Again"}[line.about]
            return f"{first}: {told} · {_state(notice)}"
        case "cleared":
            return f"Cleared: {told}" + (f", after {lasting(part.spent)}" if part else "")
        case "resolved":
            return f"Resolved: {told}. {_spent(incident, part)}"
        case "closed":
            return f"Closed: {told}: {closing(notice)}" if part else f"Closed: {closing(notice)}"
        case "flapping":
            times = f", changed {_changed(incident, part, line.at)}" if part else ""
            return f"Flapping: {inline(notice.title, _TITLE)}{times}; until it settles, not every change is told"
        case "settled":
            return f"Settled, still firing: {told} · {_state(notice)}"
        case "snooze-over":
            return f"Snooze over, still firing: {told} · {_state(notice)}"
        case "acked":
            return "Acknowledged"
        case "snoozed":
            return f"Snoozed until {utc(notice.until)}" if notice.until else "Snoozed"
        case "moved":
            return "Goes on as part of an outage"
        case "log":
            return logged(incident, line)
        case "reminder":
            return f"Still open after {lasting(line.waited)}, not acknowledged: {told} · {_state(notice)}"


def logged(incident: Incident, line: ThreadLine) -> str:
    """Say which log lines there are to show."""
    found = incident.evidence.get(line.notice.key, Evidence())
    stream = f" of {inline(found.stream, _TITLE)}" if found.stream else ""
    return f"Last log lines{stream}"


def part_of(incident: Incident, notice: Notice) -> Part | None:
    """Return the part that a notice is of; None of what is about the whole resource."""
    return next((part for part in incident.parts if part.first.part == notice.part), None)


def shortened(name: str, longest: int) -> str:
    """Cut a name in its middle, since names differ at their ends."""
    longest = max(longest, _SHORTEST)
    if len(name) <= longest:
        return name
    tail = longest // 3
    return f"{name[: longest - tail - 1]}…{name[-tail:]}"


def _spans(incident: Incident, room: int) -> tuple[Span, ...]:
    part = incident.parts[0]
    return _failure_spans(incident, part, room) if is_failure(part) else _measured_spans(incident, part, room)


def _class(incident: Incident, line: ThreadLine | None) -> str:
    """Say how bad it is while that matters, else how it ended or what was done."""
    if line and line.about in _CLASSES:
        return _CLASSES[line.about]
    if line and line.notice.state in {"firing", "failed"}:
        return line.notice.severity.upper()
    return incident.severity.upper() if incident.is_open else incident.status.upper()


def _measured_spans(incident: Incident, part: Part, room: int) -> tuple[Span, ...]:
    last = part.last
    value = quantity(last, last.value) if last.state in {"firing", "cleared"} else ""
    title = inline(part.first.title, _TITLE) + (" back to" if value and last.state == "cleared" else "")
    after = bound(last) if value and last.state == "firing" else ""
    name = shortened(who(incident, part.first), room - len(f" · {title} {value}{after} · "))
    if not value:
        return ((name, True), (f" · {title}", False))
    return ((name, True), (f" · {title} ", False), (value, True), (after, False))


def _failure_spans(incident: Incident, part: Part, room: int) -> tuple[Span, ...]:
    what = inline(part.first.title, _TITLE)
    what = what[:1].upper() + what[1:]
    alike = sum(other.first.title == part.first.title for other in incident.parts) - 1
    more = f" and {alike} more" if alike else ""
    details = (failed_step(evidence(incident)), _short_cause(evidence(incident)))
    detail = " · ".join(filter(None, details))
    if len(detail) > room - len(what) - _SHORTEST:
        detail = next(filter(None, details), "")
    name = shortened(who(incident, part.first), room - len(f"{what} · {more} · {detail} · "))
    return ((what, True), (f" · {name}{more}", False), (f" · {detail}" if detail else "", False))


def _short_cause(found: Evidence) -> str:
    """Return the likely cause as few words: what stands before the first stop or bracket."""
    words = re.split(r"[.;:]\s|[.;:]$|\s\(", inline(found.cause, 4 * _CAUSE), maxsplit=1)[0] if found.cause else ""
    return cut(words, _CAUSE)


def _happened(notice: Notice, part: Part | None) -> str:
    """Say what was measured or what happened; of what is gone, what it was about."""
    if notice.state == "closed" and part:
        return inline(part.first.title, _TITLE)
    return inline(measured(notice), 2 * _TITLE)


def _state(notice: Notice) -> str:
    match notice.state:
        case "cleared" | "succeeded":
            return "OK"
        case "closed":
            return closing(notice)
    return notice.severity.upper()


def _with_name(incident: Incident, notice: Notice, text: str) -> str:
    """Return the text, after the name of the part that it is of when that is not the headline's."""
    return text if who(incident, notice) == who(incident, incident.parts[0].first) else _named(incident, notice, text)


def _named(incident: Incident, notice: Notice, text: str) -> str:
    """Return the text, after the name of the part that it is of where an incident has parts of several names.

    A line stands for good, while the headline above it may soon speak of another part.
    """
    own = who(incident, notice).removeprefix(inline(incident.subject.name, _NAME_ROOM)).lstrip(" /")
    is_one_of_several = len({who(incident, part.first) for part in incident.parts}) > 1
    return f"{shortened(own, 63)}: {text}" if own and is_one_of_several else text


def _spent(incident: Incident, part: Part | None) -> str:
    peak = worst(part.peak) if part else ""
    return f"Open for {lasted(incident)}" + (f", {peak}." if peak else ".")


def _changed(incident: Incident, part: Part, until: datetime) -> str:
    """Say how often a part changed lately: `6× in 30 min`."""
    went = [notice for notice in incident.notices if notice.part == part.first.part and notice.at <= until]
    changes = (
        [went[0].at, *(after.at for before, after in pairwise(went) if before.state != after.state)] if went else []
    )
    return f"{sum(until - at <= FLAP_WINDOW for at in changes)}× in {lasting(FLAP_WINDOW)}"


def _extreme(part: Part) -> dict[str, str]:
    """Say the worst value where that is not the one that is said anyway."""
    name, _, value = worst(part.peak).partition(" ")
    return {name.capitalize(): value} if name and part.peak.value != part.last.value else {}


def _nth(number: int) -> str:
    ending = {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}th" if number % 100 in {11, 12, 13} else f"{number}{ending}"


def speaks_of(incident: Incident, line: ThreadLine | None) -> Notice:
    """Return the notice that is told: the line's, unless that is about the whole incident."""
    if incident.members:
        return incident.notices[0]
    return line.notice if line and line.about not in {"acked", "snoozed"} else incident.lead


def filter_labels(incident: Incident, line: ThreadLine | None) -> dict[str, str]:
    """Return what programs filter on, ten at most.

    `state` is the notice's (firing, cleared, failed, succeeded, announced, closed), or what became of the
    incident: acked, snoozed, resolved, flapping.
    """
    notice = speaks_of(incident, line)
    whole = _whole(incident, notice, line)
    found = {name: notice.labels.get(name) for name in ("kind", "resource", "scope", "alarm", "team")}
    severity = notice.severity if line and not incident.members else incident.severity
    said = {**found, "severity": str(severity), "state": whole, "route": incident.route, "incident": incident.id}
    return {name: text for name, value in said.items() if value and (text := harmless(value, 256))}


def _whole(incident: Incident, notice: Notice, line: ThreadLine | None) -> str:
    if incident.members:
        return "firing" if incident.is_open else incident.status
    return line.about if line and line.about in {"acked", "snoozed", "resolved", "flapping"} else notice.state


def details(incident: Incident) -> dict[str, str]:
    """Return what was found out and where to look, by name: plain lines for channels without blocks."""
    lead, found = incident.lead, evidence(incident)
    if incident.members:
        opened, ended = utc(incident.opened), utc(incident.ended) if incident.ended else ""
        place = {"Account": lead.place.account, "Region": lead.place.region}
        whole = {"Opened": opened, "Ended": ended, **outages.shared(incident), **place}
        return {name: inline(value, 1_000) for name, value in whole.items() if value}
    said = {
        "Opened": utc(incident.opened),
        "Ended": utc(incident.ended) if incident.ended else "",
        "Likely cause": found.cause,
        "What to do": found.remedy,
        "Failed step": failed_step(found).removeprefix("step "),
        "Note": unusual(incident),
        **found.facts,
        **_extreme(incident.parts[0]),
        "Values": breaches(lead) if lead.state == "firing" else "",
        "Team": incident.parts[0].first.labels.get("team") or "",
        "Account": lead.place.account,
        "Region": lead.place.region,
    }
    shown = ((inline(name, 80), inline(value, 1_000)) for name, value in said.items() if value)
    return {name: value for name, value in shown if value != "–"}


def others(incident: Incident, most: int) -> list[str]:
    """Return a line for each part that the headline does not speak of, and how many more there are than wanted."""
    if incident.members:
        lines = list(outages.roster(incident))
        return [*lines[:most], *([f"and {len(lines) - most} more"] if len(lines) > most else [])]
    rest = incident.parts[1:]
    more = [f"and {len(rest) - most} more"] if len(rest) > most else []
    return [*(brief(incident, part) for part in rest[:most]), *more]


def leads(incident: Incident, route: Route) -> dict[str, str]:
    """Return where to look closer, by what it is called; the address of a runbook may hold labels, as `{alarm}`."""
    runbook = (route.runbook or "") if incident.is_open else ""
    for label, value in incident.parts[0].first.labels.values.items():
        runbook = runbook.replace(f"{{{label}}}", quote(harmless(value, _NAME_ROOM), safe=""))
    found = {**({} if incident.members else incident.lead.links), "runbook": runbook}
    return {inline(name, 80): link for name, link in found.items() if ADDRESS.fullmatch(link)}
