"""Incidents to put into words, made by hand: nothing here derives them from notices."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from sagewatch.kinds import links
from sagewatch.model import (
    About,
    Evidence,
    Incident,
    Labels,
    Notice,
    Part,
    Place,
    Ref,
    Severity,
    State,
    Status,
    ThreadLine,
    Unit,
)
from sagewatch.policy.rules import Route

START = datetime(2026, 11, 21, 9, 12, tzinfo=UTC)
IRELAND = Place("aws", "eu-west-1", "123456789012")
ONCALL = "<!subteam^S0MLONCALL>"
ROUTE = Route(
    name="fraud",
    slack="C0ALERTS",
    mention={Severity.CRITICAL: ONCALL},
    runbook="https://runbooks.example.com/{kind}/{alarm}",
)
_REASON = "Threshold Crossed: 3 out of the last 5 datapoints were greater than the threshold (1000000.0)."


def after(minutes: float) -> datetime:
    """Return the time so many minutes after the start."""
    return START + timedelta(minutes=minutes)


def latency(state: State = "firing", minutes: float = 0, **changes: Any) -> Notice:
    """Return a notice of the model latency of an endpoint."""
    labels: dict[str, str] = {
        "severity": "critical",
        "kind": "endpoint",
        "resource": "churn-prod",
        "scope": "AllTraffic",
        "alarm": "latency-p99",
        "team": "fraud-ml",
        **changes.pop("labels", {}),
    }
    place, ref = changes.pop("place", IRELAND), Ref(labels["kind"], labels["resource"])
    name = f"sagewatch/{ref}/{labels['scope']}/{labels['alarm']}"
    fired = state == "firing"
    made = Notice(
        key=f"{name}/{state}/{minutes}",
        state=state,
        labels=Labels(labels),
        place=place,
        at=after(minutes),
        title="model latency",
        subject=ref,
        part=name,
        value=1_843_221.0 if fired else 430_000.0,
        limit=1_000_000.0,
        unit=Unit.MICROSECONDS,
        points=(400_000.0, 420_000.0, 1_200_000.0, 1_500_000.0, 1_843_221.0) if fired else (),
        reason=_REASON,
        meaning="Some callers wait longer than this for the model." if fired else "",
        advice="Add instances, or look at the model's own log." if fired else "",
        links=_links(place, ref, links.alarm(place, name)),
    )
    return replace(made, **changes)


def memory(state: State = "firing", minutes: float = 1, scope: str = "AllTraffic", **changes: Any) -> Notice:
    """Return a notice of the memory of an endpoint's variant."""
    more = {"severity": "warning", "alarm": "memory", "scope": scope, **changes.pop("labels", {})}
    values = {"value": 93.0, "limit": 90.0, "unit": Unit.PERCENT, "points": (), "title": "memory use"}
    values |= {"meaning": "", "advice": ""}
    return latency(state, minutes, labels=more, **{**values, **changes})


def failure(kind: str = "training-job", name: str = "xgb-churn", minutes: float = 0, **changes: Any) -> Notice:
    """Return a notice of a job that failed."""
    labels = {
        "severity": "critical",
        "kind": kind,
        "resource": name,
        "scope": "all",
        "alarm": "failed",
        "team": "fraud-ml",
        **changes.pop("labels", {}),
    }
    place, ref = changes.pop("place", IRELAND), Ref(kind, name)
    made = Notice(
        key=f"{ref}/failed/{minutes}",
        state="failed",
        labels=Labels(labels),
        place=place,
        at=after(minutes),
        title=f"{kind.replace('-', ' ')} failed",
        subject=ref,
        part=str(ref),
        reason='AlgorithmError: ExecuteUserScriptError: ExitCode 137\nCommand "python train.py --max-depth 12"',
        links=_links(place, ref, None),
        arn=f"arn:{place.partition}:sagemaker:{place.region}:{place.account}:{ref}",
    )
    return replace(made, **changes)


def _links(place: Place, ref: Ref, alarm: str | None) -> dict[str, str]:
    found = {
        ref.kind.replace("-", " "): links.resource(place, ref),
        "logs": links.logs(place, ref),
        "alarm": alarm,
    }
    return {name: link for name, link in found.items() if link}


def part(*notices: Notice, flapping: bool = False) -> Part:
    """Return a part that went through these notices, the worst of which has the highest value."""
    first, last = notices[0], notices[-1]
    return Part(
        last=last,
        first=first,
        peak=max(notices, key=lambda notice: notice.value or 0),
        spent=last.at - first.at,
        changes=len(notices),
        flapping=flapping,
    )


def incident(
    *parts: Part,
    status: Status = "open",
    evidence: Mapping[str, Evidence] | None = None,
    **changes: Any,
) -> Incident:
    """Return an incident of these parts, the worst first."""
    notices = tuple(
        sorted(
            (notice for each in parts for notice in {n.key: n for n in (each.first, each.last)}.values()),
            key=lambda n: n.at,
        )
    )
    made = Incident(
        id="inc_0123456789abcdef",
        route=ROUTE.name,
        subject=parts[0].first.subject,
        notices=notices,
        parts=parts,
        status=status,
        severity=parts[0].last.severity,
        opened=notices[0].at,
        ended=notices[-1].at if status in {"resolved", "closed", "succeeded"} else None,
        evidence=evidence or {},
    )
    return replace(made, **changes)


def line(about: About, notice: Notice, **changes: Any) -> ThreadLine:
    """Return an entry of the history that tells of a notice."""
    return replace(ThreadLine(key=f"{about}/{notice.key}", about=about, at=notice.at, notice=notice), **changes)


def clicked(state: State, minutes: float, by: str = "U0ANA", **changes: Any) -> Notice:
    """Return a notice of somebody who acknowledged or snoozed."""
    values = {"severity": "info", "kind": "endpoint", "resource": "churn-prod", "scope": "all", "alarm": state}
    made = Notice(
        key=f"{state}/{by}/{minutes}",
        state=state,
        labels=Labels(values),
        place=IRELAND,
        at=after(minutes),
        title=state,
        subject=Ref("endpoint", "churn-prod"),
        part="",
        by=by,
    )
    return replace(made, **changes)


OUT_OF_MEMORY = Evidence(
    cause="out of memory (exit code 137)",
    short="out of memory",
    remedy="Take an instance type with more memory, or a smaller batch.",
    stream="xgb-churn/algo-1-1795252320",
    log=(
        "08:59:02 loading shard 17/24 (3.1 GiB)",
        "08:59:31 WARN memory 97 % of 64 GiB",
        "08:59:33 Killed",
    ),
    facts={
        "Compute": "2 × ml.m5.4xlarge (spot)",
        "Ran": "1 h 12 min",
        "Started by": "pipeline churn-train",
    },
)

STEPS = Evidence(
    cause="out of memory (exit code 137)",
    short="out of memory",
    remedy="Take an instance type with more memory, or a smaller batch.",
    steps=(
        ("Preprocess", "Succeeded", 240.0, ""),
        ("Tune", "Succeeded", 1_860.0, ""),
        ("Train", "Failed", 4_320.0, "ClientError: Train: AlgorithmError: ExitCode 137"),
        ("Evaluate", "", None, ""),
        ("Condition", "", None, ""),
        ("Register", "", None, ""),
    ),
    facts={"Ran": "1 h 48 min"},
)
