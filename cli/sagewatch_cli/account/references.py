"""Reads how people point at a resource or an alarm: its name, its ARN, or the address of its console page. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import parse_qs, unquote, urlsplit

from sagewatch.kinds.registry import KINDS
from sagewatch.model import Ref
from sagewatch_cli.account.deployment import Deployment


@dataclass(frozen=True, slots=True)
class Reference:
    """What somebody points at, and where it is, as far as they said that."""

    text: str
    """`endpoint/churn`, or an alarm's name."""
    region: str = ""
    """The Region in the ARN or the address; empty for a mere name."""
    account: str = ""
    """The account in the ARN; empty for all else."""
    is_alarm: bool = False
    """Whether it is known to be an alarm's name."""

    @classmethod
    def read(cls, text: str) -> Reference:
        """Read `endpoint/churn`, an alarm's name, an ARN, or a console address; ValueError when nobody can.

        `arn:aws:sagemaker:eu-west-1:123456789012:endpoint/churn` → `endpoint/churn`, eu-west-1, 123456789012.
        """
        if text.startswith("arn:"):
            return _of_arn(text)
        if text.startswith("https://"):
            return _of_address(text)
        return cls(text)


def common_region(references: Iterable[Reference], region: str | None) -> str | None:
    """Return the Region to look in: the one that was said, or that of the references; ValueError when they differ."""
    found = {each.region for each in references if each.region}
    if region:
        found.add(region)
    if len(found) > 1:
        raise ValueError(f"one command looks at one Region, and these are several: {', '.join(sorted(found))}")
    return found.pop() if found else None


def check_account(references: Iterable[Reference], deployment: Deployment) -> None:
    """Raise ValueError when an ARN names another account than the one whose credentials these are."""
    for each in references:
        if each.account and each.account != deployment.place.account:
            raise ValueError(
                f"{each.text} is in account {each.account}, and these are credentials of {deployment.where}; "
                "say --profile"
            )


def _of_arn(arn: str) -> Reference:
    _, _, service, region, account, resource, *_ = (*arn.split(":", 5), "", "", "", "", "")
    type_, slash, name = resource.partition("/")
    if service == "cloudwatch" and resource.startswith("alarm:"):
        return Reference(resource.removeprefix("alarm:"), region, account, is_alarm=True)
    kind = next((each for each in KINDS if each.arn_type == type_), None)
    if service != "sagemaker" or kind is None or not (slash and name):
        known = ", ".join(sorted(each.arn_type for each in KINDS))
        raise ValueError(f"'{arn}' is the ARN of neither an alarm nor a resource of SageMaker that has a kind: {known}")
    return Reference(str(Ref(kind.name, kind.name_in(arn))), region, account)


def _of_address(address: str) -> Reference:
    """Read what `sagewatch.kinds.links` writes, and what a browser shows after it."""
    parts = urlsplit(address)
    [region] = parse_qs(parts.query).get("region", [""])[:1]
    service, _, app = parts.path.strip("/").partition("/")
    fragment = parts.fragment.lstrip("/").split("?")[0]
    if service == "cloudwatch" and fragment.startswith("alarmsV2:alarm/"):
        return Reference(unquote(fragment.removeprefix("alarmsV2:alarm/").split("/")[0]), region, is_alarm=True)
    for kind in KINDS:
        its_app, _, path = (kind.page or "").partition("#/")
        if service == "sagemaker" and kind.page and app == its_app and fragment.startswith(f"{path}/"):
            return Reference(str(Ref(kind.name, unquote(fragment.removeprefix(f"{path}/").split("/")[0]))), region)
    raise ValueError(f"'{address}' is no page of an alarm, or of a resource, in the AWS console")
