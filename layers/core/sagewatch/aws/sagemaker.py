"""Reads SageMaker: what a kind asks about one resource, and the lists of what lives and what failed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from sagewatch.aws.deadline import Deadline
from sagewatch.aws.instance_types import InstanceTypes
from sagewatch.aws.published_metrics import PublishedMetrics
from sagewatch.aws.retries import retried
from sagewatch.kinds.instances import INSTANCES
from sagewatch.kinds.kind import Kind, Listing
from sagewatch.model import Capacity, Description, Published, Ref

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch import CloudWatchClient

type Client = Any
"""A boto3 SageMaker client; its operations are called by the names that the kinds declare."""


def is_gone(error: ClientError) -> bool:
    """Tell whether SageMaker said that the resource does not exist.

    Some Describe* declare ResourceNotFound. DescribeEndpoint and others declare no error at all and say it in
    words, in a ValidationException. Nothing else proves absence.
    """
    # DescribeEndpoint, DescribeEndpointConfig, DescribeModel and DescribeInferenceComponent declare no errors at all.
    code, message = error.response["Error"].get("Code"), error.response["Error"].get("Message", "")
    return code == "ResourceNotFound" or (
        code == "ValidationException"
        and message.startswith(("Could not find", "Requested resource not found", "RecordNotFound"))
    )


@dataclass(frozen=True, slots=True)
class AccountReader:
    """The Reader that kinds are handed: it asks the account."""

    client: Client
    published_metrics: PublishedMetrics
    types: InstanceTypes
    deadline: Deadline = field(default_factory=Deadline)

    @classmethod
    def of(cls, sagemaker: Client, cloudwatch: CloudWatchClient) -> AccountReader:
        """Return one that remembers what these clients answered, and asks EC2 with the credentials of the function."""
        return cls(sagemaker, PublishedMetrics(cloudwatch), InstanceTypes())

    def until(self, deadline: Deadline) -> AccountReader:
        """Return one with the same memory that raises OutOfTime instead of a call that may not return in time."""
        return replace(self, deadline=deadline)

    def __call__(self, operation: str, **parameters: object) -> Description | None:
        self.deadline.require_call()
        with retried(f"{operation} {', '.join(map(str, parameters.values()))}", describes=True):
            try:
                answer: Description = getattr(self.client, operation)(**parameters)
            except ClientError as error:
                if is_gone(error):
                    return None
                raise
            return answer

    def listed(self, operation: str, items: str, **parameters: object) -> tuple[Description, ...]:
        self.deadline.require_call()
        with retried(f"{operation} {', '.join(map(str, parameters.values()))}", describes=True):
            # A page of ListTags holds at least 50 items, of the other lists at most 100 (MaxResults).
            pages = self.client.get_paginator(operation).paginate(**parameters, PaginationConfig={"PageSize": 100})
            return tuple(item for page in pages for item in page[items])

    def published(
        self, metric: str | None = None, within: str | None = None, **dimensions: str
    ) -> tuple[Published, ...]:
        self.deadline.require_call()
        return self.published_metrics.published(metric, within, **dimensions)

    def capacity(self, instance_type: str) -> tuple[Capacity | None, str]:
        known = INSTANCES.get(instance_type)
        return (known, "") if known else self.types.lookup(instance_type)


LONGEST_JOB = timedelta(days=30)
"""A job that is listed by the time of its creation only, and ran for longer, is not seen to fail.

The longest that a job may be given is 28 days (CreateTrainingJob, MaxRuntimeInSeconds: 2419200)."""


def live(client: Client, kind: Kind) -> Iterator[tuple[Ref, datetime]]:
    """List the resources of a kind that live, with the time of their last change."""
    listing = kind.listing
    for item in _items(client, listing):
        yield Ref(kind.name, item[kind.parameter]), listing.changed(item)


def failed(client: Client, kind: Kind, since: datetime) -> Iterator[Description]:
    """List what failed since then, of a kind whose failures no event tells."""
    listing = kind.failures
    if listing is None:
        return
    by_creation = listing.since == "CreationTimeAfter"
    asked = {listing.since: since - LONGEST_JOB if by_creation else since}
    yield from (each for each in _items(client, listing, **asked) if not by_creation or listing.changed(each) >= since)


def _items(client: Client, listing: Listing, **parameters: object) -> Iterator[Description]:
    """Yield the items of all pages, for each set of filters; raise Retry when SageMaker does not answer.

    It is NotAllowed where the Region does not have the operation, as with the newest lists
    (hashicorp/terraform-provider-aws, pull request 27258: "not supported in the called region").
    """
    with retried(listing.operation):
        for filters in listing.filters:
            pages = client.get_paginator(listing.operation).paginate(
                **filters, **parameters, PaginationConfig={"PageSize": 100}
            )
            for page in pages:
                yield from page[listing.items]
