"""The sentences that every channel says alike, and what keeps other people's text harmless."""

from __future__ import annotations

import re

from sagewatch.model import Notice
from sagewatch.units import humanise

_SECRETS = re.compile(
    r"""
    (?P<kept>(?:secret_?(?:access_?)?key|(?:client_?)?secret|password|passwd|api_?key|token|signature)["']?\s*[=:]\s*["']?)
    (?:(?<=")[^"]+|(?<=')[^']+|[^\s"',;&]+)
    | \b(?:AKIA|ASIA)[A-Z0-9]{16}\b
    | \b(?:IQoJ|FwoG|FQoG)[A-Za-z0-9+/=]{40,}  # how session tokens begin
    | \b(?:Bearer|Basic)\s+[A-Za-z0-9._~+/=-]{8,}
    | \bxox[a-z]-[A-Za-z0-9-]+
    | \bxapp-[A-Za-z0-9-]+
    | (?<=://)[^\s/@:]+:[^\s/@]+(?=@)
    | \bhttps://hooks\.slack(?:-gov)?\.com/\S+
    """,
    re.VERBOSE | re.IGNORECASE,
)
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
"""Controls, marks that turn the writing around, and halves of characters, which have no UTF-8 and stop a request."""


def headline(notice: Notice) -> str:
    """Say what, how bad and against which limit: `churn · p99 latency 1.84 s, limit 1.00 s · CRITICAL`."""
    return f"{subject_of(notice)} · {measured(notice)} · {verdict(notice)}"


def subject_of(notice: Notice) -> str:
    """Say who: the resource, and its part when it has several."""
    resource, scope = notice.labels["resource"], notice.labels["scope"]
    return resource if scope in {"all", "AllTraffic"} else f"{resource}/{scope}"


def measured(notice: Notice) -> str:
    """Say what was measured, or what happened."""
    value, limit = quantity(notice, notice.value), quantity(notice, notice.limit)
    if notice.state == "failed" or not value:
        return notice.title
    back = " back to" if notice.state == "cleared" else ""
    return f"{notice.title}{back} {value}" + (f", limit {limit}" if limit else "")


def quantity(notice: Notice, value: float | None) -> str:
    """Say a value of the notice's metric; nothing when there is none."""
    return "" if value is None else humanise(value, notice.unit, notice.capacity)


def reason_of(notice: Notice) -> str:
    """Say other people's reason, unless it is CloudWatch's raw numbers, which the headline says in words."""
    return notice.reason if notice.state == "failed" or (notice.state == "firing" and notice.value is None) else ""


def advice_of(notice: Notice) -> str:
    """Say why it matters and what to do, while that is still needed."""
    return "" if notice.state == "cleared" else notice.advice


def verdict(notice: Notice) -> str:
    """Say how bad it is: the severity in capitals, or OK."""
    return "OK" if notice.state == "cleared" else notice.severity.upper()


def where(notice: Notice) -> str:
    """Say whose it is and where: `team fraud · 123456789012 · eu-west-1`."""
    team = notice.labels.get("team")
    return " · ".join(filter(None, (f"team {team}" if team else "", notice.place.account, notice.place.region)))


def harmless(text: str, longest: int) -> str:
    """Return other people's text without secrets and control characters, cut to a length."""
    redacted = _SECRETS.sub(lambda found: f"{found['kept'] or ''}[redacted]", text)
    return cut(_CONTROL.sub(" ", redacted).strip(), longest)


def cut(text: str, longest: int) -> str:
    """Cut to at most so many characters, with an ellipsis."""
    return text if len(text) <= longest else text[: longest - 1] + "…"
