"""Reads SageMaker: one resource's facts by a fresh describe, and the lists of what lives."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from botocore.exceptions import ClientError

from sagewatch.aws.errors import retried
from sagewatch.aws.instance_types import InstanceTypes
from sagewatch.aws.published_metrics import Discovery
from sagewatch.kinds.instances import INSTANCES
from sagewatch.kinds.kind import Kind, Published, Reader
from sagewatch.model import Capacity, Description, Facts, Ref

type Client = Any
"""A boto3 SageMaker client; its operations are called by the names that the kinds declare."""


def is_gone(error: ClientError) -> bool:
    """Tell whether SageMaker said that the resource does not exist.

    Some Describe* declare ResourceNotFound. DescribeEndpoint and others declare no error at all and say it in
    words, in a ValidationException. Nothing else proves absence.
    """
    code, message = error.response["Error"].get("Code"), error.response["Error"].get("Message", "")
    return code == "ResourceNotFound" or (
        code == "ValidationException"
        and message.startswith(("Could not find", "Requested resource not found", "RecordNotFound"))
    )


@dataclass(frozen=True, slots=True)
class Reading:
    """A Reader of the account."""

    client: Client
    discovery: Discovery
    types: InstanceTypes

    def __call__(self, operation: str, **parameters: object) -> Description | None:
        with retried(f"{operation} {', '.join(map(str, parameters.values()))}"):
            try:
                answer: Description = getattr(self.client, operation)(**parameters)
            except ClientError as error:
                if is_gone(error):
                    return None
                raise
            return answer

    def listed(self, operation: str, items: str, **parameters: object) -> tuple[Description, ...]:
        with retried(f"{operation} {', '.join(map(str, parameters.values()))}"):
            pages = self.client.get_paginator(operation).paginate(**parameters, PaginationConfig={"PageSize": 100})
            return tuple(item for page in pages for item in page[items])

    def published(
        self, metric: str | None = None, within: str | None = None, **dimensions: str
    ) -> tuple[Published, ...]:
        return self.discovery.published(metric, within, **dimensions)

    def capacity(self, instance_type: str) -> tuple[Capacity | None, str]:
        known = INSTANCES.get(instance_type)
        return (known, "") if known else self.types.lookup(instance_type)


@dataclass(frozen=True, slots=True)
class Sighting:
    """The facts, and the version of the description that they came from (None when gone)."""

    facts: Facts
    version: Hashable


def describe(read: Reader, kind: Kind, name: str) -> Description | None:
    """Describe a resource; None when it is gone or on its way out, for which no last event is guaranteed."""
    description = read(kind.describe, **{kind.parameter: name})
    return description if description is not None and kind.live(description) else None


def version(kind: Kind, description: Description | None) -> Hashable:
    """Return what tells this description from another one, as far as alarms go."""
    return None if description is None else (description[kind.arn], kind.version(description))


def observe(read: Reader, kind: Kind, ref: Ref) -> Sighting:
    """Read everything that decides about a resource's alarms."""
    description = describe(read, kind, ref.name)
    if description is None:
        return Sighting(Facts(ref=ref, live=False), None)
    seen = kind.observe(description, read)
    facts = Facts(
        # SageMaker lower-cases names in ARNs, and an event may carry only the ARN; metrics carry the name itself.
        ref=Ref(kind.name, description[kind.parameter]),
        live=True,
        scopes=seen.scopes,
        tags=_tags(read, description[kind.arn]),
        gaps=seen.gaps,
        labels=seen.labels,
        children=seen.children,
        guards=seen.guards,
    )
    return Sighting(facts, version(kind, description))


def _tags(read: Reader, arn: str) -> dict[str, str]:
    # When it goes while we look, ListTags fails, and the message comes back.
    return {tag["Key"]: tag["Value"] for tag in read.listed("list_tags", "Tags", ResourceArn=arn)}


def failed(client: Client, kind: Kind, since: datetime) -> Iterator[Description]:
    """List what failed since then, of a kind whose failures no event tells."""
    if kind.failures is None:
        return
    listing = kind.failures
    with retried(listing.operation):
        for filters in listing.filters:
            pages = client.get_paginator(listing.operation).paginate(**filters, LastModifiedTimeAfter=since)
            for page in pages:
                yield from page[listing.items]


def live(client: Client, kind: Kind) -> Iterator[tuple[Ref, datetime]]:
    """List the resources of a kind that live, with the time of their last change."""
    listing = kind.listing
    with retried(listing.operation):
        for filters in listing.filters:
            pages = client.get_paginator(listing.operation).paginate(**filters, PaginationConfig={"PageSize": 100})
            for page in pages:
                for item in page[listing.items]:
                    yield Ref(kind.name, item[kind.parameter]), item.get(listing.modified) or item["CreationTime"]
