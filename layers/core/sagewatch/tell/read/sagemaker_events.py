"""Decides what SageMaker's own events tell: what failed, recovered, is gone or went well, and who started it. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from sagewatch.errors import Undeliverable
from sagewatch.kinds import hosts, links
from sagewatch.kinds.kind import FailureNotice, Kind, Lifetime
from sagewatch.kinds.pipeline import EXECUTION_TAG
from sagewatch.kinds.registry import KINDS, started_by
from sagewatch.kinds.registry import kind as kind_named
from sagewatch.model import WHOLE_RESOURCE, Labels, Notice, Place, Ref, Severity, State
from sagewatch.policy.cascade import TAG, is_ignored
from sagewatch.policy.rules import Policy

type Event = Mapping[str, Any]


BY_DETAIL_TYPE: Mapping[str, tuple[Kind, FailureNotice]] = {
    row.detail_type: (kind, row) for kind in KINDS for row in kind.notices
}
"""Detail-type → the kind that declares it, and what it declares."""

_EPOCH = datetime.fromtimestamp(0, UTC)


def failure(event: Event, detail: Event, policy: Policy) -> Notice | None:
    """Return what an event of SageMaker tells; None when it is nothing, or of a resource that is ignored."""
    kind, row = BY_DETAIL_TYPE[event["detail-type"]]
    told = _told(row, detail)
    if told is None:
        return None
    state, words = told
    place, ref, tags = place_of(event), Ref(kind.name, _name(kind, row, event, detail)), tags_of(detail)
    if is_ignored(ref, tags, policy):
        return None
    scope = next((str(value) for path in row.scope for value in _at(detail, path)), "all")
    labels = _labels(kind, row, ref, scope, detail, policy)
    execution = _execution(detail, tags)
    return Notice(
        key=f"{place.account}/{place.region}/{row.detail_type}/{'/'.join(_identity(row, ref, event, detail))}",
        state=state,
        labels=labels,
        place=place,
        at=happened(event),
        title=f"{row.what} {words}",
        subject=subject_of(labels),
        part=_part(ref, scope, execution, state),
        reason="\n".join(dict.fromkeys(_reasons(row, detail))) if state == "failed" else "",
        links=links_of(place, ref, _behind(place, detail)),
        arn=_arn(kind, row, event, detail),
        execution=execution,
    )


def _told(row: FailureNotice, detail: Event) -> tuple[State, str] | None:
    """Return what is said of the first state that is worth telling, None when none is."""
    states = [state for path in row.status for state in _at(detail, path)]
    if not any(isinstance(state, str) for state in states) and not row.lenient:
        wrong = json.dumps(states[0] if states else None, default=str)[:80]
        raise Undeliverable(f"{row.detail_type}: '{row.status[0]}' must be a status, not {wrong}")
    spelt = (_spelling(state) for state in states if isinstance(state, str))
    return next((told for state in spelt if (told := _said(row, state))), None)


def _spelling(state: str) -> str:
    """Return a state without what SageMaker spells in several ways: `IN_SERVICE` and `InService` are `INSERVICE`."""
    # Events say IN_SERVICE where the API says InService; jobs have one spelling (EventBridge, "Amazon SageMaker AI
    # events").
    return re.sub("[^A-Za-z]", "", state).upper()


def _said(row: FailureNotice, state: str) -> tuple[State, str] | None:
    if state in map(_spelling, row.recovered):
        return "cleared", "is well again"
    if state in map(_spelling, row.gone):
        return "closed", "is being deleted" if state == "DELETING" else "was deleted"
    succeeded = {_spelling(known): words for known, words in row.succeeded.items()}
    if words := succeeded.get(state):
        return "succeeded", words
    failed = {_spelling(known): words for known, words in row.failed.items()}
    words = failed.get(state, row.otherwise)
    return ("failed", words) if words else None


def _identity(row: FailureNotice, ref: Ref, event: Event, detail: Event) -> Iterator[str]:
    # A field that is missing must not make two failures one: better told twice than not at all.
    unsure = f"{ref}@{event.get('time')}"
    known = {"time": event.get("time"), row.named: ref.name, **detail}
    return (next((str(value) for value in _at(known, path)), unsure) for path in row.identity)


def _part(ref: Ref, scope: str, execution: str, state: State) -> str:
    if state == "closed":
        return WHOLE_RESOURCE
    return "/".join(filter(None, (str(ref), execution, "" if scope == "all" else scope)))


def _execution(detail: Event, tags: Mapping[str, str]) -> str:
    arn = detail.get("pipelineExecutionArn") or tags.get(EXECUTION_TAG) or ""
    return arn.rpartition("/execution/")[2] if isinstance(arn, str) and "/execution/" in arn else ""


def _arn(kind: Kind, row: FailureNotice, event: Event, detail: Event) -> str:
    if row.arn is not None:
        return str(detail.get(row.arn) or "")
    return str(detail.get(kind.arn) or kind.first_arn(event.get("resources")) or "")


def subject_of(labels: Labels) -> Ref:
    """Return whose incident it is: what started a job, or the resource itself."""
    parent, _, name = (labels.get("parent") or "").partition("/")
    return Ref(parent, name) if name and _is_job(labels) else labels.ref


def _is_job(labels: Labels) -> bool:
    found = kind_named(labels["kind"])
    return found is not None and found.lifetime is Lifetime.JOB


def happened(event: Event) -> datetime:
    """Return when the change happened, not when it arrived: changes are told in this order."""
    detail = event.get("detail")
    state = detail.get("state") if isinstance(detail, dict) else None
    stamps = (state.get("timestamp") if isinstance(state, dict) else None, event.get("time"))
    return next((when for stamp in stamps if (when := _when(stamp))), _EPOCH)


def _when(stamp: object) -> datetime | None:
    try:
        when = datetime.fromisoformat(stamp) if isinstance(stamp, str) else None
    except ValueError:
        return None
    return when if when is None or when.tzinfo else when.replace(tzinfo=UTC)


def _at(detail: Event, path: str) -> Iterator[object]:
    """Yield what a path of fields leads to, `*` for any field; nothing when there is none, or null."""
    here: list[object] = [detail]
    for step in path.split("."):
        deeper = (each for each in here if isinstance(each, dict))
        here = [value for each in deeper for field, value in each.items() if step in ("*", field)]
    return (value for value in here if value is not None)


def _reasons(row: FailureNotice, detail: Event) -> Iterator[str]:
    for path, before in row.reason.items():
        yield from (f"{before}{said}" for said in _at(detail, path) if said)


def _name(kind: Kind, row: FailureNotice, event: Event, detail: Event) -> str:
    named = next(_at(detail, row.named), None) or kind.first_arn(event.get("resources"))
    if not isinstance(named, str) or not named:
        raise Undeliverable(
            f"{row.detail_type}: '{row.named}' must be a name, not {json.dumps(named, default=str)[:80]}"
        )
    return named.rpartition(":")[2].split("/")[1] if named.startswith("arn:") and "/" in named else named


def _labels(kind: Kind, row: FailureNotice, ref: Ref, scope: str, detail: Event, policy: Policy) -> Labels:
    parent = hosts.parent(detail, kind.parents)
    # A trial may fail; whether that matters shows when the tuning or AutoML job fails, too.
    severity = Severity.WARNING if parent and row.severity is Severity.CRITICAL else row.severity
    return labelled(ref, scope, severity, parent, tags_of(detail), policy)


def labelled(
    ref: Ref, scope: str, severity: Severity, parent: Mapping[str, str], tags: Mapping[str, str], policy: Policy
) -> Labels:
    """Return the labels of a failure, with what the resource's tags say."""
    wanted = tags.get(f"{TAG}severity", "").lower()
    values = {
        "severity": wanted if wanted in set(Severity) else str(severity),
        "kind": ref.kind,
        "resource": ref.name,
        "scope": scope,
        "alarm": "failed",
        **parent,
        **started_by(ref, tags),
    }
    more = {**policy.labels_of(tags), "route": tags.get(f"{TAG}route", "")}
    return Labels({**{label: value for label, value in more.items() if value}, **values})


def lacks_tags(event: Event, notice: Notice) -> bool:
    """Tell whether an event says too little of the tags of what failed or went well.

    Some events carry none (pipelines, processing jobs, what the sweep found); those of jobs need not have the ones of
    Pipelines.
    """
    if notice.state not in ("failed", "succeeded") or not notice.arn:
        return False
    started = _is_job(notice.labels) and not notice.labels.get("parent")
    return "Tags" not in event["detail"] or started


def tagged(event: Event, tags: Mapping[str, str]) -> Event:
    """Return an event with more tags."""
    return {**event, "detail": {**event["detail"], "Tags": {**tags_of(event["detail"]), **tags}}}


def tags_of(detail: Event) -> dict[str, str]:
    """Read the tags in the detail of an event."""
    return _tags(detail.get("Tags"))


def _tags(tags: object) -> dict[str, str]:
    """Read tags; events carry a map, though their schema says a list of keys and values, as in the API."""
    # The samples of the SageMaker Developer Guide have a map; the schema registry has a list.
    if isinstance(tags, dict):
        return {str(key): str(value) for key, value in tags.items()}
    listed = tags if isinstance(tags, list) else []
    return {str(tag.get("Key")): str(tag.get("Value")) for tag in listed if isinstance(tag, dict)}


def _behind(place: Place, detail: Event) -> dict[str, str]:
    """Link the job behind a pipeline's step (`metadata: {"trainingJob": {"arn": …}}`), whatever kind of job it is."""
    metadata = detail.get("metadata")
    jobs = [job.get("arn") for job in metadata.values() if isinstance(job, dict)] if isinstance(metadata, dict) else []
    arns = [arn.rpartition(":")[2].partition("/") for arn in jobs if isinstance(arn, str) and arn.startswith("arn:")]
    return {name: link for arn_type, _, job in arns for name, link in links_of(place, Ref(arn_type, job), {}).items()}


def links_of(place: Place, ref: Ref, more: Mapping[str, str]) -> dict[str, str]:
    """Return the links that every notice of a resource has, and more."""
    found = {ref.kind.replace("-", " "): links.resource(place, ref), "logs": links.logs(place, ref)}
    return {**{name: link for name, link in found.items() if link}, **more}


def place_of(event: Event) -> Place:
    """Return where an event comes from."""
    # An event has no field for the partition (aws, aws-cn, aws-us-gov); only its ARNs say it.
    arns = [arn for arn in event.get("resources") or () if isinstance(arn, str) and arn.startswith("arn:")]
    partition = arns[0].split(":")[1] if arns else "aws"
    return Place(partition, str(event.get("region") or ""), str(event.get("account") or ""))
