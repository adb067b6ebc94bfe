"""Decides which notices of a timeline are worth keeping, so that it fits into one item of DynamoDB. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta

from sagewatch.model import Notice
from sagewatch.tell.incident.group import Group, grouped, in_time, newest_first, ordered

MOST_NOTICES = 300
"""How many notices of a timeline are kept."""

LONGEST_AGE = timedelta(days=30)
"""How much older than the newest notice a notice may be; what still fires is kept at any age."""

LONGEST_REASON = 3000
"""How many characters of other people's text a notice keeps: no receiver shows more."""


def retained(notices: Iterable[Notice], most: int = MOST_NOTICES) -> tuple[Notice, ...]:
    """Return the notices to keep, each once, in order, with reasons of 3,000 characters at most.

    Whole incidents are kept, newest first, while there are no more than `most` notices and their last one is not
    thirty days older than the newest of all. Notices of no incident are kept likewise, since what they end may still
    arrive. If the last incident alone has too many, its most important ones are kept (see `_most_important`), and the
    `until` of its first notice says how far it went: so it does not fall apart where the middle was.
    """
    every = ordered(_shortened(notice) for notice in notices)
    groups = grouped(every)
    last = groups.pop() if groups else Group()
    chosen = _most_important(last, most)
    grouped_keys = {snapshot.notice.key for group in (*groups, last) for snapshot in group.snapshots}
    ungrouped = ((notice,) for notice in every if notice.key not in grouped_keys)
    others = [*(group.notices for group in groups), *ungrouped]
    oldest = every[-1].at - LONGEST_AGE if every else None
    if oldest and last.snapshots and not last.firing and last.notices[-1].at < oldest:
        chosen = set()
    for other in sorted(others, key=lambda each: in_time(each[-1]), reverse=True):
        more = chosen | {notice.key for notice in other}
        if len(more) > most or (oldest and other[-1].at < oldest):
            break
        chosen = more
    first = last.snapshots[0].notice.key if len(last.snapshots) > most else None
    return tuple(
        replace(notice, until=last.changed) if notice.key == first else notice
        for notice in every
        if notice.key in chosen
    )


def _most_important(group: Group, most: int) -> set[str]:
    """Return the keys of at most so many notices of an incident.

    Its first notice, then the last one of the part that opened it (without its end it would fire for ever), the clicks
    that count, the last one of each part, the first one of each part, then the newest.
    """
    if not group.snapshots:
        return set()
    opening = group.snapshots[0].notice
    ranked = (
        opening,
        group.history[opening.part][-1],
        *group.snapshots[-1].acknowledgement.clicks,
        *newest_first(went[-1] for went in group.history.values()),
        *newest_first(went[0] for went in group.history.values()),
        *reversed(group.notices),
    )
    return set(list(dict.fromkeys(notice.key for notice in ranked))[:most])


def _shortened(notice: Notice) -> Notice:
    return notice if len(notice.reason) <= LONGEST_REASON else replace(notice, reason=notice.reason[:LONGEST_REASON])
