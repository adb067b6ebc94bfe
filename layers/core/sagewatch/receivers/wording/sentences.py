"""Words for an incident and the lines of its thread, as plain text that all receivers share. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from urllib.parse import quote

from sagewatch.kinds.registry import kind
from sagewatch.model import FLAP_WINDOW, WHOLE_RESOURCE, Evidence, Incident, Notice, Part, ThreadLine
from sagewatch.policy.rules import Route
from sagewatch.receivers.wording import outages
from sagewatch.receivers.wording.phrases import (
    Span,
    bound,
    breaches_by_name,
    closing,
    cut,
    harmless,
    inline,
    lasting,
    measured,
    monthly,
    phrase,
    quantity,
    utc,
    worst,
)

SEEN = 90
"""Characters that a phone shows of a message."""

_NAME_ROOM, _SHORTEST, _TITLE, _CAUSE = 260, 24, 160, 60
WHOLE_SCOPES = frozenset({"", "all", "AllTraffic"})
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
    after = _ended_after(incident) if incident.status == "resolved" else ""
    return f"[{_class(incident, line)}] {as_text(_spans(incident, SEEN - len(after)))}{after}"


def as_text(spans: tuple[Span, ...]) -> str:
    """Return the pieces of a sentence as one text."""
    return "".join(text for text, _ in spans)


def verdict(incident: Incident) -> str:
    """Say how it stands: `CRITICAL`, `WARNING, acknowledged`, `resolved after 14 min`, `closed (alarm deleted)`.

    Of an open failure, nothing: that it failed says it; neither of what idles, where its price says it.
    """
    if incident.status == "resolved":
        once = in_alarm(incident)[1] < 2
        return f"resolved after {lasted(incident)}" if once else f"resolved · {_in_alarm_words(incident)}"
    if incident.status == "closed":
        return "closed" if incident.members else f"closed ({closing(incident.lead)})"
    says_its_price = not incident.members and bool(phrase(incident.lead) and monthly(incident.lead))
    severity = "" if is_failure(incident.parts[0]) or says_its_price else incident.severity.upper()
    return ", ".join(filter(None, (severity, _DEEDS.get(incident.status, ""))))


def lasted(incident: Incident) -> str:
    """Say how long it was open, until its end."""
    return lasting((incident.ended or incident.notices[-1].at) - incident.opened)


def in_alarm(incident: Incident) -> tuple[timedelta | None, int]:
    """Return for how long something of it fired, all times together, and how often it began to.

    The time is None while it is not over, and where the middle of a long incident was dropped.
    """
    firing: set[str] = set()
    spent, times, since = timedelta(), 0, incident.opened
    for notice in incident.notices:
        fired_before = bool(firing)
        if notice.state in {"firing", "failed"} and not notice.muted:
            firing.add(notice.part)
        elif notice.state in {"cleared", "closed"}:
            firing = set() if notice.part == WHOLE_RESOURCE else firing - {notice.part}
        if firing and not fired_before:
            since, times = notice.at, times + 1
        if fired_before and not firing:
            spent += notice.at - since
    is_whole = not firing and incident.notices[0].until is None
    return (spent if is_whole else None), times


def _in_alarm_words(incident: Incident) -> str:
    """Say how long it was in alarm: `in alarm for 14 min`, `in alarm 30 min over 57 min, 10 times`."""
    spent, times = in_alarm(incident)
    if spent is None or times < 2:
        return f"in alarm for {lasted(incident)}"
    return f"in alarm {lasting(spent)} over {lasted(incident)}, {times} times"


def _ended_after(incident: Incident) -> str:
    _, times = in_alarm(incident)
    return f", {times} times in {lasted(incident)}" if times > 1 else f" after {lasted(incident)}"


def is_failure(part: Part) -> bool:
    """Tell whether it is of something that failed (or went well, or was decided), rather than of an alarm."""
    return part.first.state in {"failed", "succeeded", "announced"}


def who(incident: Incident, notice: Notice) -> str:
    """Say whose incident it is, and which part of it: `churn`, `churn/blue`, `hpo / trial-7`."""
    resource, scope = notice.labels.get("resource") or "", notice.labels.get("scope") or ""
    name = inline(incident.subject.name, _NAME_ROOM)
    if resource not in {"", incident.subject.name}:
        return f"{name} / {inline(resource, _NAME_ROOM)}"
    return name if scope in WHOLE_SCOPES else f"{name}/{inline(scope, _NAME_ROOM)}"


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
    """Say other people's reason of what the headline speaks of, or of the first step or other failure that has one."""
    if incident.members:
        return ""
    steps = (reason for _, _, _, reason in evidence(incident).steps)
    # A step of a pipeline and its execution may be told in any order, and only the step has a reason.
    failures = (because(part.last) for part in incident.parts if part.last.state == "failed")
    return next(filter(None, (because(incident.lead), *steps, *failures)), "")


def unusual(incident: Incident) -> tuple[str | datetime, ...]:
    """Return what is unusual about it, in pieces: that it fires after a mute, that it fired again, that it flaps.

    Times are left to the receiver: `("Fired 5 times since ", datetime(…), ", still unstable (9 changes in 45 min)")`.
    """
    lead = incident.lead
    after = f"Still firing after {inline(lead.after, _TITLE)}" if lead.after and lead.state == "firing" else ""
    flapping = next((part for part in incident.parts if part.flapping), None)
    unstable = f"unstable ({_changed(incident, flapping, flapping.last.at)})" if flapping else ""
    between = ". " if after else ""
    if incident.reopened and incident.is_open:
        fired = f"{after}{between}Fired {incident.reopened + 1} times since "
        return (fired, incident.opened, *((f", still {unstable}",) if unstable else ()))
    said = f"{after}{between}{unstable[:1].upper()}{unstable[1:]}" if unstable else after
    return (said,) if said else ()


def unusual_text(incident: Incident) -> str:
    """Say the same with times in UTC."""
    return "".join(utc(piece) if isinstance(piece, datetime) else piece for piece in unusual(incident))


def what_to_do(incident: Incident) -> str:
    """Say what to do about what the headline speaks of; nothing once it is over."""
    return " ".join(steps_to_take(incident))


def steps_to_take(incident: Incident) -> tuple[str, ...]:
    """Return the same one by one: what is known to help against the cause, then the advice of the alarm."""
    if not incident.is_open:
        return ()
    if incident.members:
        said = outages.leading(incident).last.advice
        return (said,) if said else ()
    return tuple(filter(None, (evidence(incident).remedy, incident.lead.advice)))


def brief(incident: Incident, part: Part) -> str:
    """Say how one part stands: `blue: memory use 93 % (limit 90 %) · WARNING`."""
    return _named(incident, part.first, f"{_happened(part.last, part)} · {_state(part.last)}")


def line_text(incident: Incident, line: ThreadLine) -> str:
    """Return what a line of the thread tells: `Cleared: memory use back to 60 % (limit 90 %), after 12 min`."""
    if incident.members:
        return outages.line_text(incident, line)
    notice, part = line.notice, part_of(incident, line.notice)
    told = _named(incident, part.first if part else notice, _happened(notice, part))
    match line.about:
        case "joined":
            return f"{'Also firing' if notice.state == 'firing' else 'Also'}: {told} · {_state(notice)}"
        case "worsened":
            return f"Now {_state(notice)}: {told}"
        case "reopened":
            return f"Firing again: {told} · {_state(notice)}"
        case "cleared":
            return f"Cleared: {told}" + (f", after {lasting(part.spent)}" if part else "")
        case "resolved":
            return f"Resolved: {told}. {_spent(incident, part)}"
        case "closed":
            return f"Closed: {told} ({closing(notice)})" if part else f"Closed: {closing(notice)}"
        case "flapping":
            about = _named(incident, part.first if part else notice, inline(notice.title, _TITLE))
            often = f" ({_changed(incident, part, line.at)})" if part else ""
            said = f"{about} keeps crossing its limit{often}"
            return f"{said}. No further messages about it until it is steady for 15 min"
        case "settled":
            return f"Settled: still firing · {told} · {_state(notice)}"
        case "snooze-over":
            return f"Snooze over: still firing · {told} · {_state(notice)}"
        case "acked":
            return "Acknowledged"
        case "snoozed" if notice.until == notice.at:
            return "Not snoozed: the policy names who may snooze critical incidents here"
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
    last, said = part.last, phrase(part.last)
    value = quantity(last, last.value) if last.state in {"firing", "cleared"} and not said else ""
    title = inline(said or part.first.title, _TITLE)
    against = bound(last) if value and last.state == "firing" else ""
    cost = f" · {monthly(last)}" if said and monthly(last) else ""
    after = f"{against}{cost}{_more(incident, incident.parts[1:])}"
    if value and last.state == "cleared":
        # What it is now matters least once all is well.
        is_short = len(f"{who(incident, part.first)} · {title} back to {value}{after} · ") <= room
        title, value = (f"{title} back to", value) if is_short else (title, "")
    name = shortened(who(incident, part.first), room - len(f" · {title} {value}{after} · "))
    if not value:
        return ((name, True), (f" · {title}{after}", False))
    return ((name, True), (f" · {title} ", False), (value, True), (after, False))


def _more(incident: Incident, others: Sequence[Part]) -> str:
    """Say how many others there are, of an open incident of those that are open: ` + 10 more`."""
    number = sum(not incident.is_open or part.last.state in {"firing", "failed"} for part in others)
    return f" + {number} more" if number else ""


def _failure_spans(incident: Incident, part: Part, room: int) -> tuple[Span, ...]:
    alike = parts_like_the_first(incident)
    # Steps and jobs that failed with it are told below, and would only repeat what the headline says.
    more = _more(incident, [each for each in incident.parts if not is_failure(each)])
    what = inline(part.first.title, _TITLE)
    what = _many(what, len(alike), part.first) if len(alike) > 1 else what[:1].upper() + what[1:]
    details = (failed_step(evidence(incident)), _short_cause(incident, alike))
    detail = " · ".join(filter(None, details))
    if len(detail) > room - len(what) - _SHORTEST:
        detail = next(filter(None, details), "")
    after = f"{more} · {detail}" if detail else more
    if len(alike) == 1:
        name = shortened(who(incident, part.first), room - len(f"{what} · {after} · "))
        return ((what, True), (f" · {name}{after}", False))
    of = incident.subject.kind.replace("-", " ")
    of = f" ({of})" if incident.subject.kind != part.first.labels.get("kind") else ""
    name = shortened(inline(incident.subject.name, _NAME_ROOM), room - len(f"{of} · {what}{after} · "))
    return ((name, True), (f"{of} · ", False), (what, True), (after, False))


def parts_like_the_first(incident: Incident) -> tuple[Part, ...]:
    """Return the failures that the headline speaks of: those that are called as the first one is."""
    lead = incident.parts[0]
    if not is_failure(lead):
        return (lead,)
    return tuple(part for part in incident.parts if is_failure(part) and part.first.title == lead.first.title)


def _many(title: str, number: int, notice: Notice) -> str:
    """Say a title of several: `training job failed` → `20 training jobs failed`."""
    found = kind(notice.labels.get("kind") or "")
    what = next((row.what for row in found.notices if title.startswith(row.what)), "") if found else ""
    if not what:
        return f"{title} ({number} times)"
    return f"{number} {what}s{title.removeprefix(what).replace(' is ', ' are ', 1)}"


def _short_cause(incident: Incident, alike: Sequence[Part]) -> str:
    """Return the likely cause in few words; of several failures one that all have of which one is known."""
    keys = (notice.key for part in alike for notice in (part.last, part.first, part.peak))
    found = [incident.evidence[key] for key in dict.fromkeys(keys) if key in incident.evidence]
    if len(alike) == 1:
        found = [evidence(incident)]
    causes = dict.fromkeys(each.short or each.cause for each in found if each.cause)
    return cut(inline(next(iter(causes)), 4 * _CAUSE), _CAUSE) if len(causes) == 1 else ""


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


def _named(incident: Incident, notice: Notice, text: str) -> str:
    """Return the text, after the name of the variant or job that it is of, when that is not the whole resource.

    A line stands for good, while the headline above it may soon speak of another part.
    """
    own = who(incident, notice).removeprefix(inline(incident.subject.name, _NAME_ROOM)).lstrip(" /")
    return f"{shortened(own, 63)}: {text}" if own else text


def _spent(incident: Incident, part: Part | None) -> str:
    peak = worst(part.peak) if part else ""
    words = _in_alarm_words(incident)
    return f"{words[:1].upper()}{words[1:]}" + (f", {peak}." if peak else ".")


def _changed(incident: Incident, part: Part, until: datetime) -> str:
    """Say how often a part changed lately: `6 changes in 45 min`."""
    went = [notice for notice in incident.notices if notice.part == part.first.part and notice.at <= until]
    changes = (
        [went[0].at, *(after.at for before, after in pairwise(went) if before.state != after.state)] if went else []
    )
    number = sum(until - at <= FLAP_WINDOW for at in changes)
    return f"{number} {'change' if number == 1 else 'changes'} in {lasting(FLAP_WINDOW)}"


def _extreme(part: Part) -> dict[str, str]:
    """Say the worst value where that is not the one that is said anyway."""
    name, _, value = worst(part.peak).partition(" ")
    return {name.capitalize(): value} if name and part.peak.value != part.last.value else {}


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
        "Likely cause": found.cause,
        "Failed step": failed_step(found).removeprefix("step "),
        "Meaning": lead.meaning if incident.is_open else "",
        "Note": unusual_text(incident),
        **(breaches_by_name(lead) if lead.state == "firing" else {}),
        **_extreme(incident.parts[0]),
        "Opened": utc(incident.opened),
        "Ended": utc(incident.ended) if incident.ended else "",
        **found.facts,
        "Each instance costs": lead.cost if incident.is_open else "",
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
    rest = unsaid(incident)
    more = [f"and {len(rest) - most} more"] if len(rest) > most else []
    return [*(brief(incident, part) for part in rest[:most]), *more]


def unsaid(incident: Incident) -> tuple[Part, ...]:
    """Return the parts that the headline does not speak of; of failures that are called alike it counts all."""
    said = parts_like_the_first(incident)
    return tuple(part for part in incident.parts if part not in said)


def leads(incident: Incident, route: Route) -> dict[str, str]:
    """Return where to look closer, by what it is called; the address of a runbook may hold labels, as `{alarm}`."""
    runbook = (route.runbook or "") if incident.is_open else ""
    for label, value in incident.parts[0].first.labels.values.items():
        runbook = runbook.replace(f"{{{label}}}", quote(harmless(value, _NAME_ROOM), safe=""))
    found = {**({} if incident.members else incident.lead.links), "runbook": runbook}
    return {inline(name, 80): link for name, link in found.items() if ADDRESS.fullmatch(link)}
