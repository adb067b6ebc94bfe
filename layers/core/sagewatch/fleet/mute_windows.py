"""Decides which mute rules of CloudWatch the policy's windows and people's snoozes become. Pure.

A rule takes a hundred alarms. Which rule an alarm is in depends on its resource, not on its neighbours: a new resource
changes one rule. The name of a rule ends in digests of all that it says, so that a list of names tells which rules are
as they should be. A rule expires two weeks after it was written and is written again a week before, so that none
outlives a stack that is gone.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Iterator, Sequence
from datetime import UTC, datetime, timedelta

from sagewatch.model import MOST_TARGETS, Labels, MuteRule, Ref, Unit
from sagewatch.policy.rules import Window, labels_match
from sagewatch.units import parse

_LIVES = timedelta(days=14)
_ONCE = re.compile(r"at\((.+)\)")
# As the ids of incidents are made; a prefix has no underscore, so no other prefix's snooze has such a name.
_INCIDENT = re.compile(r"inc_[0-9a-f]{16}")
# No zone is further from UTC.
_ZONES = timedelta(days=1)


def window_rules(
    prefix: str, windows: Sequence[Window], labelled: Collection[tuple[str, Labels]], now: datetime
) -> Iterator[MuteRule]:
    """Yield the rules of the policy's windows, over the alarms that there are: their names and labels."""
    for window in windows:
        if _is_over(window, now):
            continue
        places = {name: _place(labels.ref, name) for name, labels in labelled if labels_match(window.match, labels)}
        for some in _parts(places, 0):
            yield _window_rule(prefix, window, tuple(sorted(some)), now)


def _place(ref: Ref, name: str) -> str:
    """Return bits that all alarms of a resource share, and then some that they do not: `0110…`."""
    whose, which = (hashlib.sha256(each.encode()).digest() for each in (str(ref), name))
    return "".join(f"{byte:08b}" for byte in (*whose[:4], *which[:8]))


def _parts(places: dict[str, str], depth: int) -> Iterator[Collection[str]]:
    """Yield the names in parts of MOST_TARGETS at most, halved by their bits as often as that takes."""
    if len(places) <= MOST_TARGETS:
        if places:
            yield places
        return
    for bit in "01":
        yield from _parts({name: bits for name, bits in places.items() if bits[depth] == bit}, depth + 1)


def _is_over(window: Window, now: datetime) -> bool:
    """Tell whether a window that comes once is over everywhere; nothing is left to mute, and CloudWatch may refuse."""
    found = _ONCE.fullmatch(window.schedule)
    if found is None:
        return False
    begin = datetime.fromisoformat(found[1]).replace(tzinfo=UTC)
    return begin + timedelta(seconds=parse(window.duration, Unit.SECONDS)) + _ZONES < now


def _window_rule(prefix: str, window: Window, alarms: tuple[str, ...], now: datetime) -> MuteRule:
    duration = iso_duration(timedelta(seconds=parse(window.duration, Unit.SECONDS)))
    said = (window.schedule, duration, window.timezone, repr(sorted(window.match.items())))
    return MuteRule(
        name=f"{_beginning(prefix, window.name)}{_digest(*said)[:6]}{_digest(*alarms)[:8]}",
        description=f"Window {window.name} of the policy of {prefix}",
        expression=window.schedule,
        duration=duration,
        timezone=window.timezone,
        alarms=alarms,
        expires=now + _LIVES,
    )


def _beginning(prefix: str, window: str) -> str:
    # The names of the prefix `sage-window-x` begin with `sage-window-`, as those of `sage` do: the digest tells.
    return f"{prefix}-window-{window}-{_digest(prefix, window)[:4]}"


def is_of_window(prefix: str, name: str) -> bool:
    """Tell whether a rule of that name is one of the windows of the policy of this prefix."""
    window, dash, marks = name.removeprefix(f"{prefix}-window-").rpartition("-")
    return bool(dash) and len(marks) == 18 and name == f"{_beginning(prefix, window)}{marks[4:]}"


def _digest(*said: str) -> str:
    return hashlib.sha256("\n".join(said).encode()).hexdigest()


def window_of(prefix: str, rule: str) -> str:
    """Return what muted, in words: `sagewatch-window-nightly-3f9a01bc223f9a01bc` is `the window nightly`."""
    if is_of_window(prefix, rule):
        return f"the window {rule.removeprefix(f'{prefix}-window-').rpartition('-')[0]}"
    return "a snooze" if rule.startswith(f"{prefix}-snooze-") else f"the mute rule {rule}" if rule else "a mute rule"


def snooze_name(prefix: str, incident: str) -> str:
    """Return the name of the rule of a snooze: `sagewatch-snooze-inc_0123456789abcdef`."""
    return f"{prefix}-snooze-{incident}"


def is_of_snooze(prefix: str, name: str) -> bool:
    """Tell whether a rule of that name is a snooze under this prefix."""
    beginning = snooze_name(prefix, "")
    return name.startswith(beginning) and _INCIDENT.fullmatch(name.removeprefix(beginning)) is not None


def snooze_rule(prefix: str, incident: str, alarms: Sequence[str], by: str, now: datetime, until: datetime) -> MuteRule:
    """Return the rule of a snooze: from the next minute until then, once."""
    start = (now + timedelta(minutes=1)).replace(second=0, microsecond=0)
    # A rule lasts from a minute to 15 days (PutAlarmMuteRule, Schedule.Duration: PT1M to P15D).
    length = max(until - start, timedelta(minutes=1))
    return MuteRule(
        name=snooze_name(prefix, incident),
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
