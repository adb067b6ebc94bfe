"""Words for Slack: one line of text, and one attachment whose colour says how bad it is.

An incident is one message that is edited in place, and its history is the thread below. A webhook cannot edit:
there the opening and the end are messages of their own, and what lies between them are single lines.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from itertools import groupby, islice
from typing import Any

from sagewatch.kinds import links
from sagewatch.model import Evidence, Incident, Notice, Part, Ref, Severity, ThreadLine
from sagewatch.policy.rules import Route, listed
from sagewatch.receivers.slack.blocks import (
    TEXT,
    Fit,
    Message,
    button,
    context,
    fields,
    fitted,
    linked,
    local,
    marked,
    mentions,
    menu,
    person,
    safe,
    section,
    verbatim,
    words,
)
from sagewatch.receivers.slack.outages import blocks as blocks_of_outage
from sagewatch.receivers.wording.phrases import breaches, harmless, lasting, quantity, sparkline, worst
from sagewatch.receivers.wording.sentences import (
    ADDRESS,
    WHOLE_SCOPES,
    as_text,
    brief,
    evidence,
    headline,
    is_failure,
    leads,
    line_text,
    logged,
    part_of,
    parts_like_the_first,
    unsaid,
    unusual,
    what_to_do,
    why,
)

_RED, _AMBER, _GREY, _GREEN = "#E01E5A", "#ECB22E", "#8D8D8D", "#2EB67D"
_COLOURS = {Severity.CRITICAL: _RED, Severity.WARNING: _AMBER, Severity.INFO: _GREY}
_SEVERITY_MARKS = {
    Severity.CRITICAL: ":red_circle:",
    Severity.WARNING: ":large_orange_circle:",
    Severity.INFO: ":white_circle:",
}
_ATTENDED_MARKS = {"acked": " :eyes:", "snoozed": " :zzz:"}
"""What follows the circle, which stays as red as the incident is bad."""

_STATUS_STYLES = {
    "resolved": (_GREEN, ":large_green_circle:"),
    "succeeded": (_GREEN, ":large_green_circle:"),
    "closed": (_GREY, ":white_circle:"),
}
_STATE_MARKS = {
    "cleared": ":large_green_circle:",
    "succeeded": ":large_green_circle:",
    "closed": ":white_circle:",
}
_LINE_MARKS = {
    "cleared": ":large_green_circle:",
    "resolved": ":white_check_mark:",
    "closed": ":white_circle:",
    "flapping": ":repeat:",
    "acked": ":eyes:",
    "snoozed": ":zzz:",
    "log": ":page_facing_up:",
}
_CALLS_AGAIN = frozenset({"worsened", "reopened", "settled", "snooze-over", "reminder"})
"""Lines that call people: an edited message calls nobody."""

_SNOOZE_OPTIONS = {"30 min": "30m", "1 h": "1h", "4 h": "4h", "12 h": "12h", "24 h": "24h"}
_BUTTONS = {"logs": "Logs", "alarm": "Alarm", "runbook": "Runbook"}
# Characters of an option's value and of a button's (Block Kit, "Option object" and "Button element").
_LONGEST_OPTION, _LONGEST_VALUE = 150, 2_000
_MOST_RUNS, _MOST_NAMED, _MOST_BOLD_RUNS = 8, 5, 4

type Step = tuple[str, str, float | None, str]
"""A step of a pipeline's execution: its name, its status, its seconds or None, its reason."""

_LONGEST_NAME, _LONGEST_LINE, _LONGEST_TAIL = 260, 400, 2_500


def root(incident: Incident, route: Route, *, controls: bool, previous: str = "", now: datetime) -> Message:
    """Return the message of an incident as it stands, but for its channel; `previous` leads to the one before it."""
    return fitted(partial(_root, incident, route, controls, previous, now))


def reply(incident: Incident, line: ThreadLine, route: Route) -> Message:
    """Return one entry of the history, for the thread."""
    return _thread_entry(incident, line, route, "")


def announced(incident: Incident, line: ThreadLine | None, route: Route) -> Message:
    """Return what a webhook posts: the opening (without a line), the end, or a single line between them."""
    is_whole = line is not None and bool(incident.members) and line.about not in {"acked", "snoozed"}
    if line is None or is_whole or (line.about in {"resolved", "closed"} and incident.ended is not None):
        return root(incident, route, controls=False, now=line.at if line else incident.opened)
    return _thread_entry(incident, line, route, f"*{safe(incident.subject.name)}* · ")


def warning(incident: Incident, route: Route) -> Message:
    """Return what is posted when nothing can be remembered: a line in grey, since nobody can turn it green later."""
    said = f":white_circle: *Sagewatch is impaired* and may say this again: {marked(headline(incident))}"
    called = _mentioned(incident.severity, route)
    return {"text": said + (f" {called}" if called else "")}


def plain_text(message: Mapping[str, Any]) -> Message:
    """Return a message without blocks, for when Slack does not take them: as many of its lines as a text may hold."""
    attached = [attachment.get("blocks", ()) for attachment in message.get("attachments", ())]
    said = [message["text"], *(text for blocks in [message.get("blocks", ()), *attached] for text in words(blocks))]
    kept, room = [], TEXT
    for text in dict.fromkeys(text for text in said if text):
        if len(text) < room:
            kept.append(text)
            room -= len(text) + 1
    return {"text": "\n".join(kept)}


def _root(incident: Incident, route: Route, controls: bool, previous: str, now: datetime, fit: Fit) -> Message:
    controls = controls and fit.controls and incident.is_open
    colour, mark = _STATUS_STYLES.get(incident.status) or (
        _COLOURS[incident.severity],
        _SEVERITY_MARKS[incident.severity],
    )
    runs = headline(incident)
    if incident.members:
        place = f"{incident.lead.place.account}/{incident.lead.place.region}"
        clicks = list(_click_controls(incident, route)) if controls else []
        guidance = _guidance(incident, fit) if incident.is_open else []
        blocks = blocks_of_outage(incident, place, guidance, clicks, more=fit.others > 3)
    else:
        blocks = [
            *_values_line(incident),
            *(_guidance(incident, fit) if incident.is_open else ()),
            *_odd(incident),
            *(_details(incident, fit) if incident.is_open else ()),
            *(_facts(incident, fit) if incident.is_open else ()),
            *_others(incident, fit),
            *(_controls(incident, route) if controls else ()),
            *_footer(incident, route, previous, now, 0 if controls else fit.links),
        ]
    # Only attachments have a coloured bar, which is what people look at first; blocks outside of one have none.
    # `fallback` is what notifications and clients without attachments show (Slack, "Secondary message attachments").
    attachment = {"color": colour, "fallback": safe(as_text(runs), _LONGEST_LINE), "blocks": blocks}
    # Slack makes the notification of the text alone: people who are mentioned elsewhere are not called.
    called = _mentioned(incident.severity, route) if incident.is_open else ""
    said = f"{mark}{_ATTENDED_MARKS.get(incident.status, '')} {marked(runs)}"
    return {"text": said + (f" {called}" if called else ""), "attachments": [attachment]}


def _values_line(incident: Incident) -> list[Message]:
    """Show how it goes, or how it went, on one line."""
    ended = None if incident.is_open else incident.ended
    shown = _once_ended(incident.parts[0], incident.opened, ended) if ended else _while_open(incident.lead)
    line = "  ·  ".join(filter(None, shown))
    return [section(line)] if line else []


def _odd(incident: Incident) -> list[Message]:
    """Show what is odd about it: that it fired again, that it flaps."""
    pieces = [local(each, "{time}") if isinstance(each, datetime) else _italic(each) for each in unusual(incident)]
    return [section("".join(pieces))] if pieces else []


def _italic(text: str) -> str:
    """Return a text, whose blanks at its ends stay, in italics."""
    said = safe(text)
    return f"_{said}_{' ' if text.endswith(' ') else ''}" if said != "–" else ""


def _bars(notice: Notice) -> str:
    """Draw the latest values, in bold those beyond the limit."""
    runs = sparkline(notice)
    if len(runs) > _MOST_BOLD_RUNS:
        return "".join(bars for bars, _ in runs)
    # Bold begins and ends beside blanks only (Slack, "Formatting message text").
    return " ".join(f"*{bars}*" if is_beyond else bars for bars, is_beyond in runs)


def _while_open(notice: Notice) -> tuple[str, ...]:
    """Show the latest values as bars, the first and the last, and how often they were beyond the limit."""
    bars = _bars(notice) if notice.state == "firing" else ""
    first, last = (safe(quantity(notice, notice.points[end])) if bars else "" for end in (0, -1))
    beyond = breaches(notice) if notice.state == "firing" else ""
    return (f"{bars}  {first} → *{last}*" if bars else "", safe(beyond) if beyond else "")


def _once_ended(part: Part, opened: datetime, ended: datetime) -> tuple[str, ...]:
    """Show the latest values as bars, the worst, and from when to when it was."""
    peak = worst(part.peak)
    return (_bars(part.last), safe(peak) if peak else "", _from_to(opened, ended))


def _from_to(opened: datetime, ended: datetime) -> str:
    if opened == ended:
        return local(opened)
    same = opened.date() == ended.date()
    return f"{local(opened)}–{local(ended, '{time}') if same else local(ended)}"


def _guidance(incident: Incident, fit: Fit) -> list[Message]:
    """Say why it probably happened and what to do about it, which people need before anything else."""
    said = {"Likely cause": evidence(incident).cause, "What to do": what_to_do(incident)}
    lines = [f"*{name}:* {safe(text, fit.advice)}" for name, text in said.items() if text]
    return [section("\n".join(lines))] if lines else []


def _details(incident: Incident, fit: Fit) -> Iterator[Message]:
    """Show what SageMaker said, then the steps of a pipeline."""
    yield from verbatim(why(incident), fit.reason)
    steps = evidence(incident).steps
    if steps and fit.others:
        yield section("\n".join(_step_list(steps)))


def _step_list(steps: Sequence[Step]) -> Iterator[str]:
    """Yield a line for each step that failed, and for every run of others, with as many names as fit."""
    runs = groupby(steps, lambda step: step[1].lower())
    for status, run in islice(runs, _MOST_RUNS):
        names = [_step_text(name, seconds) for name, _, seconds, _ in run]
        if status == "failed":
            yield from (f"✗ *{safe(step, 120)}*" for step in names[:_MOST_NAMED])
        elif status == "succeeded":
            yield from (
                f"✓ {safe(step, 240)}" for step in (names if len(names) <= _MOST_NAMED else [" · ".join(names)])
            )
        else:
            yield f"■ {safe(' · '.join(names), 240)} _{safe(status or 'not run', 40)}_"


def _step_text(name: str, seconds: float | None) -> str:
    return name if seconds is None else f"{name} {lasting(timedelta(seconds=seconds))}"


def _facts(incident: Incident, fit: Fit) -> list[Message]:
    """Show what it is about, since when, and what was found out, as far as there is room."""
    lead, subject = incident.parts[0].first, incident.subject
    kind, resource = _kind(lead.labels.get("kind") or subject.kind), lead.labels.get("resource") or subject.name
    scope = lead.labels.get("scope") or ""
    own = "" if scope in WHOLE_SCOPES else f" / {safe(scope)}"
    several = "last " if len(parts_like_the_first(incident)) > 1 else ""
    facts = {f"{several}{kind}".capitalize(): linked(resource, lead.links.get(kind)) + own}
    if resource != subject.name:
        owner = Ref(subject.kind, harmless(subject.name, _LONGEST_NAME))
        facts |= {_kind(subject.kind).capitalize(): linked(owner.name, links.resource(lead.place, owner))}
    found = {name: safe(value) for name, value in evidence(incident).facts.items() if value}
    when = local(incident.opened)
    facts |= {**found, "At": when} if is_failure(incident.parts[0]) else {"Since": when, **found}
    return fields(dict(list(facts.items())[: fit.facts]))


def _kind(name: str) -> str:
    """Say a kind as notices call their link to it: `training job`."""
    return name.replace("-", " ")


def _others(incident: Incident, fit: Fit) -> list[Message]:
    """List the parts that the headline does not speak of."""
    others = unsaid(incident)
    if not others:
        return []
    lines = [f"{_part_mark(part)} {safe(brief(incident, part), 300)}" for part in others[: fit.others]]
    more = f"and {len(others) - len(lines)} more" if len(others) > len(lines) else ""
    return [section("\n".join(filter(None, (*lines, more))))]


def _part_mark(part: Part) -> str:
    return _STATE_MARKS.get(part.last.state) or _SEVERITY_MARKS[part.last.severity]


def _controls(incident: Incident, route: Route) -> list[Message]:
    """Return what people can do: acknowledge, snooze, and look closer."""
    found = leads(incident, route)
    further = [button(name, f"url_{link}", url=found[link]) for link, name in _BUTTONS.items() if link in found]
    elements = [*_click_controls(incident, route), *further]
    return [{"type": "actions", "elements": elements}] if elements else []


def _click_controls(incident: Incident, route: Route) -> Iterator[Message]:
    """Yield what people are asked for, where what a click sends back (see `clicks`) can be read."""
    place = incident.lead.place
    whose = f"{route.name}|{incident.subject}|{incident.id}|{place.account}/{place.region}"
    # Block Kit: a button's value takes 2,000 characters, an option's 150.
    if whose.count("|") != 3 or not whose.isprintable() or len(whose) > _LONGEST_VALUE:
        return
    if incident.status != "acked":
        yield button("Acknowledge", "ack", value=whose)
    options = {name: f"{whose}|{until}" for name, until in _SNOOZE_OPTIONS.items()}
    # What failed does not fire again: there is nothing to be quiet about.
    if any(part.firing for part in incident.parts) and all(len(value) <= _LONGEST_OPTION for value in options.values()):
        yield menu("Snooze…", "snooze", options)


def _footer(incident: Incident, route: Route, previous: str, now: datetime, most: int) -> list[Message]:
    """Say who is called and who is on it, whose it is and where, and what leads further."""
    lead = incident.parts[0].first
    team = lead.labels.get("team")
    whose = (
        f"team *{safe(team, 80)}*" if team else "",
        f"execution {safe(lead.execution, 80)}" if lead.execution else "",
        *(safe(each, 40) for each in (lead.place.account, lead.place.region) if each),
    )
    further = [linked(name, link) for name, link in leads(incident, route).items()][:most]
    before = [linked("previous incident", previous)] if ADDRESS.fullmatch(previous) else []
    unread = evidence(incident).unread if incident.is_open else ()
    lines = (
        _attended_by(incident, now),
        safe(incident.lead.meaning, 600) if incident.is_open and incident.lead.meaning else "",
        " · ".join(filter(None, whose)),
        " · ".join([*before, *further]),
        safe(" · ".join(unread), 600) if unread else "",
    )
    return context(*lines)


def _mentioned(severity: Severity, route: Route) -> str:
    return mentions(listed(route.mention.get(severity, ())))


def _attended_by(incident: Incident, now: datetime) -> str:
    """Say who acknowledged it and how soon, and who snoozed it until when."""
    at, until = incident.acked_at, incident.snoozed_until
    snoozer = next((notice.by for notice in reversed(incident.notices) if notice.state == "snoozed"), "")
    acked = f"Acknowledged{_by_whom(incident.acked_by)} after {lasting(at - incident.opened)}" if at else ""
    lasts = until is not None and until > now and incident.is_open
    snoozed = f"Snoozed{_by_whom(snoozer)} until {local(until)}" if until and lasts else ""
    return " · ".join(filter(None, (acked, snoozed)))


def _by_whom(by: str) -> str:
    return f" by {person(by)}" if person(by) else ""


def _thread_entry(incident: Incident, line: ThreadLine, route: Route, name: str) -> Message:
    """Return a line as one sentence, with the log lines below it where that is what it tells."""
    mark = _LINE_MARKS.get(line.about) or _SEVERITY_MARKS[line.notice.severity]
    sentence = _who_clicked(incident, line) or safe(line_text(incident, line), 3 * _LONGEST_LINE)
    part = part_of(incident, line.notice)
    calls = line.about in _CALLS_AGAIN and not (part and part.flapping)
    called = _mentioned(line.notice.severity, route) if calls else ""
    told: Message = {"text": f"{mark} {name}{sentence}" + (f" {called}" if called else "")}
    if calls and not name:
        # A reply notifies those who follow its thread; this sends it to the channel as well (chat.postMessage).
        told["reply_broadcast"] = True
    return _with_log(incident, line, route, told) if line.about == "log" else told


def _who_clicked(incident: Incident, line: ThreadLine) -> str:
    """Say who did something in Slack; nothing when it was nobody that Slack knows."""
    by, until = person(line.notice.by), line.notice.until
    if not by or line.about not in {"acked", "snoozed"}:
        return ""
    if incident.ended and line.notice.at >= incident.ended:
        return f"{by} clicked after this had ended: nothing was changed"
    if line.about == "acked":
        return f"{by} acknowledged this"
    if until == line.notice.at:
        return f"{by} may not snooze this: the policy names who may snooze critical incidents here"
    return f"{by} snoozed this" + (f" until {local(until)}" if until else "")


def _with_log(incident: Incident, line: ThreadLine, route: Route, told: Message) -> Message:
    link = line.notice.links.get("logs")
    heading = f"{safe(logged(incident, line))} · {linked('open in CloudWatch', link)}" if link else told["text"]
    if not route.logs:
        return {"text": heading}
    found = incident.evidence.get(line.notice.key, Evidence())
    return {**told, "blocks": [*context(heading), *verbatim(_log_tail(found.log), _LONGEST_TAIL)]}


def _log_tail(log: tuple[str, ...]) -> str:
    """Return the last lines that fit; of a line that was written over and over (a progress bar), its end."""
    lines = [harmless(each.rstrip("\r\n").rpartition("\r")[2], _LONGEST_LINE).replace("\n", " ") for each in log]
    kept: list[str] = []
    room = _LONGEST_TAIL - 2
    for each in reversed(lines):
        room -= len(each) + 1
        if room < 0:
            return "\n".join(["…", *reversed(kept)])
        kept.append(each)
    return "\n".join(reversed(kept))
