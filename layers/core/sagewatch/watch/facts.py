"""Reads everything that decides about one resource: what SageMaker says of it, and the alarms that it has."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from sagewatch.aws import cloudwatch
from sagewatch.aws.clients import Clients
from sagewatch.aws.deadline import Deadline
from sagewatch.kinds.kind import Kind, Reader, describe
from sagewatch.model import Alarm, Description, Facts, Observed, Ref
from sagewatch.watch import names
from sagewatch.watch.rollback import rollback_alarms

_NO_DEADLINE = Deadline()


def observe(clients: Clients, prefix: str, kind: Kind, ref: Ref, deadline: Deadline = _NO_DEADLINE) -> Observed:
    """Return a resource's facts, the alarms that are ours and of it, and the names under its prefix that are not ours.

    Raise Retry when AWS does not answer, OutOfTime before a call that might not return in time.
    """
    read = clients.reader.until(deadline)
    description = describe(read, kind, ref.name)
    facts = facts_of(kind, description) if description else Facts(ref=ref, live=False)
    deadline.require_call()
    # The names that `search_prefix` finds may be a neighbour's, when the resource's own name is long enough to be cut.
    own = names.alarm_name(prefix, facts.ref, "", "").removesuffix("//") + "/"
    owned, foreign = [], set()
    for found in cloudwatch.described(clients.cloudwatch, names.search_prefix(prefix, facts.ref)):
        if ours := names.claimed(prefix, found.alarm, facts.ref):
            owned.append(ours)
        elif found.alarm.name.startswith(own):
            foreign.add(found.alarm.name)
    if description:
        watched = tuple(metric for alarm in owned for metric in alarm.metrics)
        facts = _observed(read, kind, description, replace(facts, watched=watched))
    return Observed(facts=facts, owned=tuple(owned), foreign=frozenset(foreign))


def read_facts(read: Reader, kind: Kind, ref: Ref, owned: Iterable[Alarm] = ()) -> Facts:
    """Return what a fresh describe, and the tags, say of a resource that has these alarms."""
    description = describe(read, kind, ref.name)
    if description is None:
        return Facts(ref=ref, live=False)
    watched = tuple(metric for alarm in owned for metric in alarm.metrics)
    return _observed(read, kind, description, replace(facts_of(kind, description), watched=watched))


def _observed(read: Reader, kind: Kind, description: Description, facts: Facts) -> Facts:
    return replace(kind.observe(description, read, facts), tags=_tags(read, kind, description))


def _tags(read: Reader, kind: Kind, description: Description) -> dict[str, str]:
    # Of the Describe* calls only DescribeLabelingJob answers with tags. When the resource goes while we look, ListTags
    # fails, and the message comes back.
    listed = read.listed("list_tags", "Tags", ResourceArn=description[kind.arn])
    return {tag["Key"]: tag["Value"] for tag in listed}


def facts_of(kind: Kind, description: Description) -> Facts:
    """Return what the description of any kind of resource says; the kind's `observe` adds to it."""
    return Facts(
        # SageMaker lower-cases names in ARNs, and an event may carry only the ARN; metrics carry the name itself.
        ref=Ref(kind.name, description[kind.parameter]),
        live=True,
        version=(description[kind.arn], kind.version(description)),
        rollback_alarms=rollback_alarms(description),
    )


def is_unchanged(read: Reader, kind: Kind, ref: Ref, facts: Facts) -> bool:
    """Describe a resource once more, and tell whether its description and its tags still lead to the same alarms."""
    description = describe(read, kind, ref.name)
    if description is None:
        return not facts.live
    return facts.version == facts_of(kind, description).version and facts.tags == _tags(read, kind, description)
