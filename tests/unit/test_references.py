"""How people point at a resource or an alarm: by name, by ARN, by the console page that they look at."""

from __future__ import annotations

import pytest

from sagewatch.kinds import links
from sagewatch.kinds.kind import Kind
from sagewatch.kinds.registry import KINDS
from sagewatch.model import Place, Ref
from sagewatch_cli.account.deployment import Deployment
from sagewatch_cli.account.references import Reference, check_account, common_region

PLACES = tuple(
    Place(partition=partition, region=region, account="123456789012")
    for partition, region in (("aws", "eu-west-1"), ("aws-us-gov", "us-gov-west-1"), ("aws-cn", "cn-north-1"))
)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_an_arn_of_each_kind_is_its_name(kind: Kind) -> None:
    category = f"{kind.categories[1][0]}/" if kind.categories[1] else ""
    arn = f"arn:aws:sagemaker:eu-west-1:123456789012:{kind.arn_type}/{category}churn"

    found = Reference.read(arn)

    assert found == Reference(f"{kind.name}/{arn if kind.by_arn else 'churn'}", "eu-west-1", "123456789012")


@pytest.mark.parametrize("place", PLACES, ids=lambda place: place.partition)
@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind.page], ids=lambda kind: kind.name)
def test_the_console_page_that_a_message_links_to_is_read_back(kind: Kind, place: Place) -> None:
    address = links.resource(place, Ref(kind.name, "churn-v2.1"))

    assert address
    assert Reference.read(address) == Reference(f"{kind.name}/churn-v2.1", place.region)


@pytest.mark.parametrize("place", PLACES, ids=lambda place: place.partition)
def test_an_alarm_is_found_by_its_page_and_by_its_arn(place: Place) -> None:
    name = "sagewatch/endpoint/churn/AllTraffic/latency-p99"
    arn = f"arn:{place.partition}:cloudwatch:{place.region}:{place.account}:alarm:{name}"

    assert Reference.read(links.alarm(place, name)) == Reference(name, place.region, is_alarm=True)
    assert Reference.read(links.alarm(place, name) + "?~(search~'x)") == Reference(name, place.region, is_alarm=True)
    assert Reference.read(arn) == Reference(name, place.region, place.account, is_alarm=True)


def test_a_name_is_itself() -> None:
    assert Reference.read("endpoint/churn") == Reference("endpoint/churn")


@pytest.mark.parametrize(
    "text",
    [
        "arn:",
        "arn:aws:s3:::bucket",
        "arn:aws:sagemaker:eu-west-1:123456789012:model/churn",
        "arn:aws:sagemaker:eu-west-1:123456789012:endpoint/",
        "https://eu-west-1.console.aws.amazon.com/sagemaker/home?region=eu-west-1#/models/churn",
        "https://example.com/",
    ],
)
def test_what_is_no_resource_of_a_kind_is_refused_by_its_name(text: str) -> None:
    with pytest.raises(ValueError, match=r"'.*' is (the ARN of neither|no page of)"):
        Reference.read(text)


def test_the_region_is_that_of_the_references_unless_they_contradict() -> None:
    here, there = Reference("endpoint/a", "eu-west-1"), Reference("endpoint/b", "us-east-1")

    assert common_region([here, Reference("endpoint/c")], None) == "eu-west-1"
    assert common_region([here], "eu-west-1") == "eu-west-1"
    assert common_region([Reference("endpoint/c")], None) is None
    for several, region in (([here, there], None), ([here], "us-east-1")):
        with pytest.raises(ValueError, match="eu-west-1, us-east-1"):
            common_region(several, region)


def test_an_arn_of_another_account_is_refused() -> None:
    deployment = Deployment(place=PLACES[0], prefix="sagewatch", resources={})
    check_account([Reference("endpoint/a", "", "123456789012"), Reference("endpoint/b")], deployment)

    with pytest.raises(ValueError, match="endpoint/a is in account 999999999999, and these are credentials of account"):
        check_account([Reference("endpoint/a", "", "999999999999")], deployment)
