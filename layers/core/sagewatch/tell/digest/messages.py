"""Words for the daily digest: for Slack, for SNS and for Amazon Q Developer, which say the same."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC
from functools import partial

from sagewatch.kinds import links
from sagewatch.model import Incident, Notice, Ref
from sagewatch.receivers.amazon_q.render import DESCRIPTION, Notification
from sagewatch.receivers.slack.blocks import TEXT, Fit, Message, context, escaped, fields, fitted, linked, safe, section
from sagewatch.receivers.sns.render import SUBJECT, Mail
from sagewatch.receivers.wording.phrases import cut, harmless, inline, is_low, lasting, quantity, resource_and_scope
from sagewatch.receivers.wording.sentences import ADDRESS, brief, who
from sagewatch.tell.digest.summary import Digest, Loud

_ENTRY_NAME, _REST = 260, 300
_BAR = 10


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a list: the name of a resource, its page in the console, and a text about it."""

    name: str
    link: str | None
    text: str


@dataclass(frozen=True, slots=True)
class DigestSection:
    """One list with its mark and its title, and how many more there are than it names."""

    mark: str
    title: str
    entries: tuple[Entry, ...]
    more: int = 0


def digest_headline(digest: Digest) -> str:
    """Say how things stand: `SageMaker daily, 1234… eu-west-1: 41 of 43 resources covered, 1 open incident, …`."""
    counts = (_covered(digest), _many(len(digest.open), "open incident"), _many(len(digest.failed), "failed job"))
    return f"SageMaker daily, {_where(digest)}: {', '.join(filter(None, counts))}"


def digest_message(digest: Digest) -> Message:
    """Return the body for chat.postMessage, but for its channel, or for a webhook."""
    return fitted(partial(_message, digest))


def digest_mail(digest: Digest) -> Mail:
    """Return the same as plain lines, and what a subscription can filter on: `kind` and `state` are `digest`."""
    numbers = [f"{name}: {value}" for name, value in _totals(digest).items()]
    listed = [list(_plain_lines(listing)) for listing in _sections(digest)]
    blocks = ([digest_headline(digest)], numbers, *listed, list(_remarks(digest)))
    return Mail(
        subject=cut(inline(digest_headline(digest), _REST), SUBJECT),
        body="\n\n".join("\n".join(harmless(line, 4_000) for line in lines) for lines in blocks if lines),
        attributes={"kind": "digest", "severity": "info", "state": "digest"},
    )


def digest_notification(digest: Digest) -> Notification:
    """Return the same as a custom notification for Amazon Q Developer: as many lines as it takes."""
    said, kept, room = digest_mail(digest), [], DESCRIPTION
    for line in map(escaped, said.body.splitlines()):
        room -= len(line) + 1
        if room >= 0:
            kept.append(line)
    return {
        "version": "1.0",
        "source": "custom",
        "content": {
            "textType": "client-markdown",
            "title": escaped(said.subject),
            "description": "\n".join(kept),
            "keywords": ["digest"],
        },
        "metadata": {"eventType": "sagewatch-digest", "additionalContext": dict(said.attributes)},
    }


def _message(digest: Digest, fit: Fit) -> Message:
    title = cut(inline(f"SageMaker daily · {_where(digest)} · {_day(digest)}", _REST), 150)
    blocks = [
        {"type": "header", "text": {"type": "plain_text", "text": title, "emoji": False}},
        *fields(_totals(digest, drawn=True)),
        *({"type": "divider"} for _ in _sections(digest)[:1]),
        *(section(_mrkdwn_list(listing, fit.others)) for listing in _sections(digest)),
        *context(*(safe(line, 1_000) for line in _remarks(digest))),
    ]
    return {"text": safe(digest_headline(digest), _REST), "blocks": blocks}


def _mrkdwn_list(listing: DigestSection, most: int) -> str:
    """Return as many lines of a list as are wanted and a section has room for, and how many more there are."""
    kept = [f"{listing.mark} *{listing.title}*"]
    room = TEXT - len(kept[0]) - len("\nand 1,000,000,000,000 more")
    for each in listing.entries[:most]:
        line = f"• {linked(each.name, each.link)}{' ' + safe(each.text, _REST) if each.text else ''}"
        room -= len(line) + 1
        if room < 0:
            break
        kept.append(line)
    more = len(listing.entries) + listing.more - len(kept) + 1
    return "\n".join([*kept, *([f"and {more:,} more"] if more else [])])


def _plain_lines(listing: DigestSection) -> Iterator[str]:
    yield f"{listing.title}:"
    for each in listing.entries:
        yield f"- {inline(each.name, _ENTRY_NAME)}{' ' + inline(each.text, _REST) if each.text else ''}"
        if each.link and ADDRESS.fullmatch(each.link):
            yield f"  {each.link}"
    if listing.more:
        yield f"and {listing.more:,} more"


# ----------------------------------------------------------------------------------------------------------- numbers
def _totals(digest: Digest, *, drawn: bool = False) -> dict[str, str]:
    """Return the numbers by what they count; nothing in them is of others, so that they are safe everywhere."""
    tally, lasted = digest.tally, digest.lasted
    ended = f" · median {lasting(lasted)}" if lasted is not None else ""
    succeeded = f"{digest.succeeded:,} ok · " if digest.succeeded else ""
    numbers = {
        "Alarms, 24 h": f"{digest.fired:,} fired · {len(digest.open):,} open{ended}",
        "Jobs and pipelines, 24 h": f"{succeeded}{len(digest.failed):,} failed",
    }
    if tally is None:
        return numbers
    share = _share(tally.watched, tally.wanted, drawn=drawn) if tally.wanted else ""
    return {
        "Coverage": f"{tally.watched:,} of {tally.wanted:,}{share}",
        **numbers,
        "Alarms": f"{tally.alarms:,} · about ${tally.cost:,.2f} a month",
    }


def _share(watched: int, wanted: int, *, drawn: bool) -> str:
    percent, halves = watched * 100 // wanted, watched * 2 * _BAR // wanted
    bar = "█" * (halves // 2) + "▌" * (halves % 2)
    return f"  `{bar}` {percent} %" if drawn and bar else f" ({percent} %)"


def _covered(digest: Digest) -> str:
    tally = digest.tally
    return f"{tally.watched:,} of {_many(tally.wanted, 'resource')} covered" if tally else ""


def _remarks(digest: Digest) -> Iterator[str]:
    """Yield the small print: coverage by kind, what was left out, what could not be listed."""
    tally = digest.tally
    if tally is None:
        yield "Nobody counted the resources."
        return
    kinds = (f"{kind} {watched:,}/{wanted:,}" for kind, (watched, wanted) in tally.kinds.items())
    yield " · ".join(kinds)
    counts = (
        f"{tally.left_out:,} left out" if tally.left_out else "",
        f"{_many(tally.orphans, 'resource')} gone and not cleaned up yet" if tally.orphans else "",
        f"{_many(tally.foreign, 'alarm')} of others under our prefix" if tally.foreign else "",
        f"no budget for {', '.join(tally.withheld[:8])}" if tally.withheld else "",
    )
    if any(counts):
        yield " · ".join(filter(None, counts))
    if tally.unread:
        yield f"Could not be listed, and is not counted: {', '.join(tally.unread)}"


# ---------------------------------------------------------------------------------------------------------- sections
def _sections(digest: Digest) -> tuple[DigestSection, ...]:
    """Return the lists that have something to say."""
    tally = digest.tally
    missing = tally.wanted - tally.watched if tally else 0
    unwatched, idle = (tally.unwatched, tally.idle) if tally else ((), ())
    lists = (
        DigestSection(":red_circle:", "Open", tuple(_open_entry(digest, each) for each in digest.open)),
        DigestSection(":x:", "Failed in 24 h", tuple(_failed_entry(each) for each in digest.failed)),
        DigestSection(
            ":warning:",
            "Not covered",
            tuple(_resource_entry(digest, each.kind, each.name, each.why or _ASK.format(each)) for each in unwatched),
            missing - len(unwatched),
        ),
        DigestSection(
            ":zzz:",
            "Idle for a day",
            tuple(_resource_entry(digest, each.kind, each.name, _idling(each.scope, each.price)) for each in idle),
        ),
        DigestSection(
            ":loud_sound:", "Noisiest alarm", tuple(_loud_entry(each) for each in filter(None, (digest.loudest,)))
        ),
    )
    return tuple(each for each in lists if each.entries)


_ASK = "sagewatch explain {0.kind}/{0.name} says why"


def _resource_entry(digest: Digest, kind: str, name: str, text: str) -> Entry:
    return Entry(name, _page(digest, Ref(kind, name)), f"({_kind_words(kind)}) {text}")


def _page(digest: Digest, ref: Ref) -> str | None:
    """Return the page of a resource; half a character has no address."""
    return links.resource(digest.place, Ref(ref.kind, harmless(ref.name, _ENTRY_NAME)))


def _open_entry(digest: Digest, incident: Incident) -> Entry:
    attended = {"acked": " · acknowledged", "snoozed": " · snoozed"}.get(incident.status, "")
    more = len([part for part in incident.parts[1:] if part.last.state in {"firing", "failed"}])
    also = f" · and {more} more" if more else ""
    said = f"{brief(incident, incident.parts[0])}{also} · {lasting(digest.at - incident.opened)}{attended}"
    return Entry(who(incident, incident.parts[0].first), _page(digest, incident.subject), said)


def _failed_entry(notice: Notice) -> Entry:
    kind = _kind_words(notice.labels.get("kind") or "")
    return Entry(resource_and_scope(notice), notice.links.get(kind), notice.title)


def _idling(scope: str, price: str) -> str:
    each = f"each instance costs {price}" if price else "nobody calls it"
    return each if scope in {"all", "AllTraffic"} else f"{scope}: {each}"


def _loud_entry(loud: Loud) -> Entry:
    """Say which alarm fired how often, how far it went, and what would have kept it silent."""
    notice, proposal = loud.notice, loud.proposal
    low = is_low(notice)
    limit = f", limit {quantity(notice, notice.limit)}" if notice.limit is not None else ""
    worst = quantity(notice, loud.worst)
    went = f", {'lowest' if low else 'highest'} {worst}{limit}" if worst else ""
    told = f"{notice.title} fired {loud.times} times in 24 h{went}"
    if proposal is None:
        return Entry(resource_and_scope(notice), notice.links.get("alarm"), told)
    asked = f"{'lower' if low else 'raise'} the limit to {quantity(notice, proposal.limit)}?"
    return Entry(
        resource_and_scope(notice), notice.links.get("alarm"), f"{told} → {asked} Tag {proposal.tag}={proposal.value}"
    )


def _kind_words(kind: str) -> str:
    return kind.replace("-", " ")


def _many(number: int, what: str) -> str:
    return f"{number:,} {what}" if number == 1 else f"{number:,} {what}s"


def _where(digest: Digest) -> str:
    return f"{digest.place.account} {digest.place.region}"


def _day(digest: Digest) -> str:
    return f"{digest.at.astimezone(UTC):%a %d %b}"
