"""Decides when what is heard of late is said to have happened. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta

from sagewatch.model import Notice
from sagewatch.tell.incident.group import in_time

_JUST_AFTER = timedelta(microseconds=1)


def dated(known: Iterable[Notice], notice: Notice) -> Notice:
    """Return a notice as it is to be written down beside those that are known.

    An end that is heard of after another part fired is said to have come just after that: that part was told as
    joining what was open then, and must not turn out to be an incident of its own, which would be told again. So
    OK at 9:37, heard of at 9:50, ends its part at 9:38 when another one fired at 9:38.

    What fires, and is heard of after somebody clicked, is said to have come just after the click: who acknowledged at
    9:29 has not seen what fires since 9:17, when that is heard of at 9:30.
    """
    if notice.state in ("firing", "failed"):
        return _after_clicks(known, notice)
    if notice.state not in ("cleared", "closed") or not notice.part:
        return notice
    later = sorted((each for each in known if in_time(each) > in_time(notice)), key=in_time)
    own = next((each.at for each in later if each.part == notice.part), None)
    openings = (each.at for each in later if each.state in ("firing", "failed") and not each.muted)
    joined = next((at for at in openings if own is None or at < own), None)
    if joined is None or (own is not None and joined + _JUST_AFTER >= own):
        return notice
    return replace(notice, at=joined + _JUST_AFTER)


def _after_clicks(known: Iterable[Notice], notice: Notice) -> Notice:
    later = [each for each in known if in_time(each) > in_time(notice)]
    clicks = [each.at for each in later if each.state in ("acked", "snoozed")]
    is_known_further = any(each.part == notice.part for each in later)
    if not clicks or is_known_further or notice.muted:
        return notice
    return replace(notice, at=max(clicks) + _JUST_AFTER)
