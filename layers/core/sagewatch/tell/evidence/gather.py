"""Reads what explains a failure or a change: a job's description, a pipeline's steps, the last lines of the log.

All of it is best effort: what AWS does not find is left out, what it refuses or takes too long for is left out too,
and a short line says so.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from sagewatch.aws.clients import Clients
from sagewatch.aws.retries import BRISK
from sagewatch.aws.sagemaker import is_gone
from sagewatch.kinds import hosts
from sagewatch.kinds.kind import Lifetime
from sagewatch.kinds.leads import Lead, in_common, last_deployment, lead_of_job, of_configuration
from sagewatch.kinds.registry import KINDS, kind, started_by
from sagewatch.model import Description, Evidence, Notice, Ref
from sagewatch.tell.evidence import causes
from sagewatch.tell.hide import lines_without_secrets

PATIENCE = 3.0
"""Seconds of reading for one notice, after which nothing more is asked: it is worth more than what explains it."""

TAIL = 12  # lines of log
_GONE = "not found"
_DENIED = frozenset({"AccessDenied", "AccessDeniedException", "NotAuthorized", "UnauthorizedOperation"})
_WIDEST = 500  # characters of a line
_STREAMS = 50  # DescribeLogStreams, limit

# max_attempts counts what follows the first call (botocore, "Config", retries).
QUICK = BRISK.merge(Config(retries={"mode": "standard", "max_attempts": 2}, connect_timeout=1, read_timeout=2))
"""For the clients that evidence is read with: they give up sooner than those that a notice cannot do without."""


def best_effort(call: Callable[[], Any]) -> tuple[Description, str]:
    """Return the answer of a call to AWS, or `{}` and why: `({}, "the notify role may not read it")`.

    For what may be left out, and for nothing else.
    """
    try:
        return call(), ""
    except ClientError as error:
        code = error.response.get("Error", {}).get("Code") or "unknown"
        # CloudWatch Logs says ResourceNotFoundException where SageMaker says ResourceNotFound.
        gone = is_gone(error) or code == "ResourceNotFoundException"
        if gone:
            return {}, _GONE
        return {}, "the notify role may not read it" if code in _DENIED else f"AWS answered {code}"
    except BotoCoreError as error:
        return {}, f"AWS did not answer ({type(error).__name__})"


@dataclass(frozen=True, slots=True)
class _EvidenceReader:
    """Reads for one notice, until it has taken too long.

    `troubles` say why something was not read, by what it was for: `{"log": "the notify role may not read it"}`.
    """

    clients: Clients
    clock: Callable[[], float]
    until: float
    troubles: dict[str, str] = field(default_factory=dict)

    @property
    def unread(self) -> tuple[str, ...]:
        """What could not be read, though it may be there: `No log: the notify role may not read it`."""
        return tuple(f"No {purpose}: {trouble}" for purpose, trouble in self.troubles.items() if trouble != _GONE)

    def described(self, purpose: str, ref: Ref) -> Description:
        """Describe a resource by the operation that its kind declares."""
        found = kind(ref.kind)
        if found is None:
            return {}
        for parameters in found.asked(ref.name):
            self.troubles.pop(purpose, None)  # what the category before was refused with
            if answer := self.sagemaker(purpose, found.describe, **parameters):
                return answer
        return {}

    def sagemaker(self, purpose: str, operation: str, **parameters: Any) -> Description:
        """Return the answer of SageMaker, `{}` when it is refused; then `troubles` say why."""
        return self._read("sagemaker", purpose, operation, parameters)

    def starter(self, notice: Notice, description: Description) -> str:
        own = kind(notice.labels["kind"])
        parent = hosts.parent(description, own.parents if own else {}).get("parent")
        return _parent_words(Ref(*parent.split("/", 1))) if parent else self._tagged(notice)

    def _tagged(self, notice: Notice) -> str:
        """Say what started a job by its labels or tags: a pipeline with the step, or its tag `owner`."""
        parent = notice.labels.get("parent")
        tags = {} if parent else _tags_of(self, notice.arn)
        what, _, name = (parent or started_by(notice.labels.ref, tags).get("parent", "")).partition("/")
        if not name:
            return tags.get("owner") or tags.get("Owner") or ""
        starter = kind(what)
        has_steps = starter is not None and starter.lifetime is Lifetime.EXECUTIONS
        step = _STEP.fullmatch(notice.labels["resource"]) if has_steps else None
        return f"{what.replace('-', ' ')} {name}" + (f" / step {step['step']}" if step else "")

    def logs(self, operation: str, **parameters: Any) -> Description:
        """Return the answer of CloudWatch Logs, `{}` when it is refused."""
        return self._read("logs", "log", operation, parameters)

    def _read(self, service: str, purpose: str, operation: str, parameters: Mapping[str, Any]) -> Description:
        if self.clock() > self.until:
            self.troubles[purpose] = "AWS answered too slowly"
            return {}
        answer, trouble = best_effort(lambda: getattr(getattr(self.clients, service), operation)(**parameters))
        if trouble:
            self.troubles[purpose] = trouble
        return answer


def gather(
    clients: Clients,
    notice: Notice,
    wants_log: bool,
    patience: float = PATIENCE,
    clock: Callable[[], float] = time.monotonic,
) -> Evidence:
    """Return what explains a failure, or what changed before an alarm of an endpoint; what AWS refuses is left out.

    Nothing more is asked once `patience` seconds of `clock` have passed.
    """
    reader = _EvidenceReader(clients, clock, clock() + patience)
    ref = notice.labels.ref
    found = kind(ref.kind)
    if notice.state == "firing":
        described = reader.described("last deployment", ref) if found and found.deployed else {}
        facts = last_deployment(described, notice.at)
        return Evidence(facts=facts, unread=reader.unread, shared=in_common(described))
    if notice.state != "failed":
        return Evidence()
    lead = found.explain(reader, notice) if found and found.explain else Lead(ref=ref, reason=notice.reason)
    if lead.follow:
        lead = _followed(reader, lead)
    stream, log = _tail(reader, lead) if wants_log and lead.group else ("", ())
    likely = causes.likely(lead.ref.kind, lead.reason, log) or causes.likely(ref.kind, notice.reason)
    return Evidence(
        cause=likely.cause if likely else "",
        short=likely.short if likely else "",
        remedy=likely.remedy if likely else "",
        steps=lead.steps,
        behind=lead.behind,
        stream=stream,
        log=log,
        facts=lead.facts,
        unread=reader.unread,
    )


def shared(clients: Clients, known: Evidence, patience: float = PATIENCE) -> dict[str, str]:
    """Return what an incident may have in common with others, by what is `known` of it: of an endpoint, what it runs.

    It is read only of what waits to be told together with others.
    """
    configuration = known.shared.get("deployment")
    if not configuration:
        return dict(known.shared)
    reader = _EvidenceReader(clients, time.monotonic, time.monotonic() + patience)
    answer = reader.sagemaker("In common", "describe_endpoint_config", EndpointConfigName=configuration)
    return {**known.shared, **of_configuration(answer)}


def tags_of_arn(clients: Clients, arn: str, patience: float = PATIENCE) -> dict[str, str] | None:
    """Return the tags of what an ARN names, of a pipeline for its executions; None when they could not be read.

    What is gone has none.
    """
    reader = _EvidenceReader(clients, time.monotonic, time.monotonic() + patience)
    found = _tags_of(reader, arn.partition("/execution/")[0])
    return None if any(trouble != _GONE for trouble in reader.troubles.values()) else found


def _tags_of(reader: _EvidenceReader, arn: str) -> dict[str, str]:
    answer = reader.sagemaker("tags", "list_tags", ResourceArn=arn) if arn else {}
    return {tag["Key"]: tag["Value"] for tag in answer.get("Tags", ())}


_STEP = re.compile(r"pipelines-[a-z0-9]{12}-(?P<step>.+)-[A-Za-z0-9]{10}")
"""How Pipelines names the jobs of an execution, unless told otherwise."""


def _parent_words(ref: Ref) -> str:
    """Say what started a job, in the middle of a sentence: `tuning job sweep`, `AutoML job churn`."""
    found = kind(ref.kind)
    title = found.title if found else ref.kind.replace("-", " ")
    # A name such as AutoML keeps its capitals.
    first = title.partition(" ")[0]
    return f"{title if first != first.capitalize() else title[:1].lower() + title[1:]} {ref.name}"


def _followed(reader: _EvidenceReader, own: Lead) -> Lead:
    """Return the lead of the job behind, with what is known of what it belongs to."""
    found = next((each for each in KINDS if each.run and f":{each.arn_type}/" in own.behind), None)
    if found is None or found.run is None:
        return own
    ref = Ref(found.name, own.behind.rpartition("/")[2])
    job = lead_of_job(found.run, ref, reader.described("details of the job", ref), own.reason)
    facts = {**own.facts, **({"Compute": job.facts["Compute"]} if "Compute" in job.facts else {})}
    return replace(job, facts=facts, steps=own.steps, behind=own.behind)


# The log


def _tail(reader: _EvidenceReader, lead: Lead) -> tuple[str, tuple[str, ...]]:
    """Return the stream that tells most, and its last lines."""
    # With a prefix, DescribeLogStreams cannot be ordered by time.
    which = {"logStreamNamePrefix": lead.streams} if lead.streams else {"orderBy": "LastEventTime", "descending": True}
    answer = reader.logs("describe_log_streams", logGroupName=lead.group, limit=_STREAMS, **which)
    streams = answer.get("logStreams", ())
    if not streams:
        return "", ()
    stream = max(streams, key=_telling)["logStreamName"]
    return stream, _lines(reader, lead.group, stream)


def _telling(stream: Mapping[str, Any]) -> tuple[bool, int]:
    """Order streams: the first host's, which mostly leads the others, then by the last event."""
    # The time of the last event may be an hour old: it is eventually consistent (DescribeLogStreams,
    # lastEventTimestamp).
    return (re.search(r"/algo-1(?:-|$)", stream["logStreamName"]) is not None, stream.get("lastEventTimestamp", 0))


def _lines(reader: _EvidenceReader, group: str, stream: str) -> tuple[str, ...]:
    where = {"logGroupName": group, "logStreamName": stream, "limit": TAIL, "startFromHead": False}
    answer = reader.logs("get_log_events", **where)
    if not answer.get("events") and answer.get("nextBackwardToken"):
        # GetLogEvents may answer with an empty page although there are events behind it.
        answer = reader.logs("get_log_events", **where, nextToken=answer["nextBackwardToken"])
    messages = [event.get("message", "").rstrip() for event in answer.get("events", ())]
    # Before anything is cut: of half a key nobody can tell what it is.
    return tuple(line[:_WIDEST] for line in lines_without_secrets([each for each in messages if each]) if line)
