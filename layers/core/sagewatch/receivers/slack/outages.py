"""Words for Slack about outages: one message that is edited as members join and end, and can be acknowledged."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sagewatch.model import Incident
from sagewatch.receivers.slack.blocks import BUDGET, Message, context, fields, menu, safe, section, size
from sagewatch.receivers.slack.clicks import ACK_ONE
from sagewatch.receivers.wording import outages
from sagewatch.receivers.wording.phrases import cut, inline, lasting, utc

_LINES, _LONGEST_LINE, _SECTION = 12, 180, 2_900
_MOST_OPTIONS, _OPTION, _LABEL = 12, 150, 75
_ROOM = 900  # characters for the colour, the text and the small print


def blocks(
    outage: Incident, place: str, guidance: Sequence[Message], controls: Sequence[Message], *, more: bool
) -> list[Message]:
    """Return the blocks of an outage: what to do, what its members share, the worst, all names that fit, the controls.

    `guidance` says what to do, `controls` are those of the whole outage, `place` is the account and the Region; with
    `more`, a single member can be acknowledged.
    """
    one = _menu(outage, place) if more and controls else []
    controls_block = [{"type": "actions", "elements": [*controls, *one]}] if controls else []
    head = [*guidance, *fields({name: safe(value) for name, value in outages.shared(outage).items()})]
    foot = [*controls_block, *context(_counts(outage), safe(place))]
    room = BUDGET - _ROOM - size({"blocks": [*head, *foot]})
    return [*head, *_listed(outage, room), *foot]


def _listed(outage: Incident, room: int) -> Iterator[Message]:
    """Yield the worst members on lines of their own, then the names of the others, as many as there is room for."""
    lines = list(outages.roster(outage))
    worst = [f"• {safe(each, _LONGEST_LINE)}" for each in lines[:_LINES]]
    yield section("\n".join(worst))
    room -= len("\n".join(worst)) + 100
    told = {outages.name(each, part) for each in outage.members for part in each.parts if _is_in(each, part, lines)}
    names = list(
        dict.fromkeys(outages.name(each, part) for each in outage.members if each.is_open for part in each.parts)
    )
    rest = [safe(each) for each in names if each not in told]
    shown: list[str] = []
    text = ""
    while rest and room > len(rest[0]) + 40:
        if len(text) + len(rest[0]) + 2 > _SECTION:
            shown.append(text)
            text, room = "", room - 80
        text += (", " if text else "") + rest[0]
        room -= len(rest.pop(0)) + 2
    left = f" and {len(rest)} more" if rest else ""
    if text or left:
        shown.append(text + left)
    yield from (section(f"Also: {each}" if not number else each) for number, each in enumerate(shown))


def _is_in(member: Incident, part: object, lines: Sequence[str]) -> bool:
    name = outages.name(member, part)  # type: ignore[arg-type]
    return any(line.startswith(f"{name} ·") for line in lines[:_LINES])


def _menu(outage: Incident, place: str) -> list[Message]:
    """Return the menu of members that nobody has acknowledged, the worst first; none when nothing is to be chosen."""
    waiting = [each for each in outage.members if each.status in ("open", "failed")]
    options = {
        cut(inline(each.subject.name, _LABEL), _LABEL): f"{outage.route}|{each.subject}|{each.id}|{place}"
        for each in waiting
    }
    fitting = {name: value for name, value in options.items() if len(value) <= _OPTION and value.isprintable()}
    return [menu("Acknowledge one…", ACK_ONE, dict(list(fitting.items())[:_MOST_OPTIONS]))] if fitting else []


def _counts(outage: Incident) -> str:
    ended = sum(not each.is_open for each in outage.members)
    acked = sum(each.status == "acked" for each in outage.members)
    counts = (
        f"{len(outage.members)} in all",
        f"{ended} ended" if ended else "",
        f"{acked} acknowledged" if acked and outage.is_open else "",
        f"since {utc(outage.opened)}",
    )
    lasted = "" if outage.is_open else f", {lasting((outage.ended or outage.opened) - outage.opened)}"
    return " · ".join(filter(None, counts)) + lasted
