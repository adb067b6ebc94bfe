"""Words for outages: how many of what are in alarm since when, what they have in common, and who they are. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from sagewatch.kinds.registry import kind
from sagewatch.model import Incident, Part, ThreadLine
from sagewatch.receivers.wording.phrases import Span, closing, inline, lasting, measured, utc

_NAME, _TITLE = 120, 160
_MOST = 0.8
_IN_COMMON = {
    "execution": "all of one pipeline execution",
    "deployment": "all of the deployment {}",
    "model": "all of the model {}",
    "cause": "{}",
    "zone": "all in {}",
    "started by": "all started by {}",
    "instance type": "all on {}",
}


def headline(outage: Incident) -> tuple[Span, ...]:
    """Say how many of what, since when, what is wrong and what they have in common."""
    said = f" in alarm since {_time(outage)}: " if outage.is_open else " were in alarm: "
    shared = in_common(outage)
    return ((counted(outage), True), (f"{said}{symptom(outage)}" + (f" · {shared}" if shared else ""), False))


def counted(outage: Incident) -> str:
    """Say how many are open, or were: `42 endpoints`."""
    return _number(_concerned(outage))


def _number(several: list[Incident]) -> str:
    names = {each.parts[0].first.labels.get("kind") or each.subject.kind for each in several}
    found = kind(next(iter(names))) if len(names) == 1 else None
    what = (found.plural if len(several) != 1 else found.title) if found else "resources"
    first = what.partition(" ")[0]
    return f"{len(several)} {what[:1].lower() + what[1:] if first == first.capitalize() else what}"


def symptom(outage: Incident) -> str:
    """Say what is wrong: `5xx errors`, `5xx errors and others`."""
    titles = {part.first.title for each in _concerned(outage) for part in _open_parts(each)}
    return inline(leading(outage).first.title, _TITLE) + (" and others" if len(titles) > 1 else "")


def leading(outage: Incident) -> Part:
    """Return what the headline speaks of: the worst of what at least half of the members have, else the worst."""
    several = _concerned(outage)
    titles = Counter(title for each in several for title in {part.first.title for part in _open_parts(each)})
    often = (part for part in outage.parts if 2 * titles[part.first.title] >= len(several))
    return next(often, outage.parts[0])


def _concerned(outage: Incident) -> list[Incident]:
    return [each for each in outage.members if each.is_open] or list(outage.members)


def in_common(outage: Incident) -> str:
    """Say what all members share: `all on ml.g5.2xlarge`; nothing when nothing is known."""
    if not outage.common:
        return ""
    name, value = outage.common[0]
    return _IN_COMMON.get(name, "{}").format(inline(value, _TITLE))


def shared(outage: Incident) -> dict[str, str]:
    """Return all that the members share, by name: `{"Instance type": "ml.g5.2xlarge"}`."""
    return {name.capitalize(): inline(value, 2 * _TITLE) for name, value in outage.common}


def line_text(outage: Incident, line: ThreadLine) -> str:
    """Return what a line tells of an outage, whose members may each have done something since the last one."""
    still = f"{counted(outage)} in alarm"
    ended = sum(not each.is_open for each in outage.members)
    match line.about:
        case "joined":
            return f"Now {still}" + (f", {ended} ended" if ended else "")
        case "worsened":
            return f"Now {line.notice.severity.upper()}: {still}"
        case "reopened":
            return f"Firing again: {still}"
        case "cleared":
            return f"{ended} of {len(outage.members)} have ended, {still}"
        case "resolved" | "closed":
            whole = lasting((outage.ended or line.at) - outage.opened)
            return f"{line.about.capitalize()}: all {_number(list(outage.members))}, after {whole}"
        case "flapping":
            return "Unstable: alarms of this outage keep changing; until they settle, only this message is updated"
        case "settled":
            return f"Settled, {still}"
        case "snooze-over":
            return f"Snooze over, {still}"
        case "reminder":
            return f"Still open after {lasting(line.waited)}, not acknowledged: {still}"
        case "snoozed":
            return f"Snoozed until {utc(line.notice.until)}" if line.notice.until else "Snoozed"
    return "Acknowledged"


def roster(outage: Incident) -> Iterator[str]:
    """Yield a line for each alarm of each member, those that are open first: `churn · 5xx errors 2.1 % · CRITICAL`."""
    for each in outage.members:
        for part in _open_parts(each) if each.is_open else ():
            state = {"acked": ", acknowledged", "snoozed": ", snoozed"}.get(each.status, "")
            yield f"{name(each, part)} · {inline(measured(part.last), _TITLE)} · {part.last.severity.upper()}{state}"
    for each in outage.members:
        for part in each.parts if not each.is_superseded else ():
            if part.last.state in ("cleared", "closed"):
                said = closing(part.last) if part.last.state == "closed" else "OK"
                yield f"{name(each, part)} · {inline(part.first.title, _TITLE)} · {said}"


def name(member: Incident, part: Part) -> str:
    """Say whose alarm it is: `churn`, `churn/blue`, `hpo / trial-7`."""
    resource, scope = part.first.labels.get("resource") or "", part.first.labels.get("scope") or ""
    whose = inline(member.subject.name, _NAME)
    if resource not in {"", member.subject.name}:
        return f"{whose} / {inline(resource, _NAME)}"
    return whose if scope in {"", "all", "AllTraffic"} else f"{whose}/{inline(scope, _NAME)}"


def _open_parts(member: Incident) -> list[Part]:
    found = [part for part in member.parts if part.last.state in ("firing", "failed")]
    return found or list(member.parts)


def _time(outage: Incident) -> str:
    return utc(outage.opened).partition(" ")[2]
