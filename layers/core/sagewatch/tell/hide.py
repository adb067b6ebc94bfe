"""Hides the secrets in what others wrote, before a notice or its evidence is stored or told. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from sagewatch.model import Evidence, Notice
from sagewatch.receivers.wording.redaction import redacted


def without_secrets(notice: Notice) -> Notice:
    """Return a notice whose reason holds no secrets."""
    return replace(notice, reason=redacted(notice.reason))


def evidence_without_secrets(found: Evidence) -> Evidence:
    """Return evidence whose texts hold no secrets."""
    return replace(
        found,
        cause=redacted(found.cause),
        short=redacted(found.short),
        remedy=redacted(found.remedy),
        steps=tuple([(redacted(name), status, took, redacted(reason)) for name, status, took, reason in found.steps]),
        log=lines_without_secrets(found.log),
        facts={name: redacted(value) for name, value in found.facts.items()},
    )


def lines_without_secrets(lines: Sequence[str]) -> tuple[str, ...]:
    """Return lines of a log without secrets; a key that goes over several lines is hidden as a whole."""
    return tuple(redacted("\n".join(lines)).split("\n")) if lines else ()
