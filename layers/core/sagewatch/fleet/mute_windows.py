"""Decides which mute rules of CloudWatch the policy's windows and people's snoozes become. Pure.

A rule takes a hundred alarms. Its name ends in a hash of all that it says, so that a list of names tells which rules
are as they should be. A rule expires two weeks after it was made and is made anew every week, so that none outlives a
stack that is gone.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import batched

from sagewatch.model import MOST_TARGETS, Alarm, MuteRule, Unit
from sagewatch.policy.rules import Window, labels_match
from sagewatch.units import parse

_LIVES = timedelta(days=14)
_ONCE = re.compile(r"at\((.+)\)")
# No zone is further from UTC.
_ZONES = timedelta(days=1)


def window_rules(prefix: str, windows: Sequence[Window], alarms: Iterable[Alarm], now: datetime) -> Iterator[MuteRule]:
    """Yield the rules of the policy's windows, over the alarms that there are."""
    labelled = sorted((alarm.name, alarm.labels) for alarm in alarms if alarm.labels)
    for window in windows:
        if _is_over(window, now):
            continue
        matching = (name for name, labels in labelled if labels_match(window.match, labels))
        for some in batched(matching, MOST_TARGETS, strict=False):
            yield _window_rule(prefix, window, some, now)


def _is_over(window: Window, now: datetime) -> bool:
    """Tell whether a window that comes once is over everywhere; nothing is left to mute, and CloudWatch may refuse."""
    found = _ONCE.fullmatch(window.schedule)
    if found is None:
        return False
    begin = datetime.fromisoformat(found[1]).replace(tzinfo=UTC)
    return begin + timedelta(seconds=parse(window.duration, Unit.SECONDS)) + _ZONES < now


def _window_rule(prefix: str, window: Window, alarms: tuple[str, ...], now: datetime) -> MuteRule:
    duration = iso_duration(timedelta(seconds=parse(window.duration, Unit.SECONDS)))
    # ISO 8601 weeks: the hash changes every Monday, and the rule is made anew.
    said = (window.schedule, duration, window.timezone, *alarms, f"{now:%G-%V}")
    mark = hashlib.sha256("\n".join(said).encode()).hexdigest()[:10]
    return MuteRule(
        name=f"{windows_beginning(prefix)}{window.name}-{mark}",
        description=f"Window {window.name} of the policy of {prefix}",
        expression=window.schedule,
        duration=duration,
        timezone=window.timezone,
        alarms=alarms,
        expires=now + _LIVES,
    )


def windows_beginning(prefix: str) -> str:
    """Return what the names of all windows' rules begin with."""
    return f"{prefix}-window-"


def snooze_rule(prefix: str, incident: str, alarms: Sequence[str], by: str, now: datetime, until: datetime) -> MuteRule:
    """Return the rule of a snooze: from the next minute until then, once."""
    start = (now + timedelta(minutes=1)).replace(second=0, microsecond=0)
    # A rule lasts from a minute to 15 days (PutAlarmMuteRule, Schedule.Duration: PT1M to P15D).
    length = max(until - start, timedelta(minutes=1))
    return MuteRule(
        name=f"{prefix}-snooze-{incident}",
        description=f"Snoozed in Slack by {by}",
        expression=f"at({start:%Y-%m-%dT%H:%M})",
        duration=iso_duration(length),
        timezone="UTC",
        alarms=tuple(sorted(alarms)[:MOST_TARGETS]),
        expires=until + timedelta(hours=1),
    )


def iso_duration(length: timedelta) -> str:
    """Return an ISO 8601 duration in whole minutes, rounded up: `P1DT2H30M`, `PT45M`."""
    minutes = -(-int(length.total_seconds()) // 60)
    days, rest = divmod(minutes, 24 * 60)
    hours, minutes = divmod(rest, 60)
    time = "".join(f"{number}{unit}" for number, unit in ((hours, "H"), (minutes, "M")) if number)
    return f"P{days}D{f'T{time}' if time else ''}" if days else f"PT{time or '1M'}"
