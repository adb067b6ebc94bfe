"""`sagewatch guardrails`: which alarms roll a bad deployment of an endpoint back, as SageMaker wants to be told."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any, Never

import typer
from botocore.exceptions import ClientError

from sagewatch.aws.errors import retried
from sagewatch.aws.sagemaker import is_gone
from sagewatch.errors import Retry
from sagewatch.kinds.endpoint.observe import ENDPOINT
from sagewatch.model import Description, Labels, Ref, Severity
from sagewatch.watch import names
from sagewatch_cli.account.session import Account, EndpointUrl, Prefix, Profile, Region

MOST = 10
"""Alarms that AutoRollbackConfiguration takes."""

_REFUSED, _NO_ENDPOINT, _NO_ALARMS = 1, 3, 4
_ROWS = {spec.id: (index, spec) for index, spec in enumerate(ENDPOINT.specs)}
_SEVERITIES = tuple(Severity)


class Format(StrEnum):
    """How the block is printed."""

    JSON = "json"
    YAML = "yaml"
    TEXT = "text"


@dataclass(frozen=True, slots=True)
class Guard:
    """An alarm that can guard a deployment, and the state that it is in."""

    name: str
    labels: Labels
    state: str

    @property
    def severity(self) -> Severity:
        return Severity(self.labels["severity"])

    @property
    def title(self) -> str:
        row = _ROWS.get(self.labels["alarm"])
        return row[1].title if row else self.labels["alarm"]

    @property
    def firing(self) -> bool:
        return self.state == "ALARM"


def guardrails(
    endpoint: Annotated[str, typer.Argument(metavar="ENDPOINT", help="Name of the endpoint.", show_default=False)],
    form: Annotated[
        Format, typer.Option("--format", "-f", help="To paste, to paste into a template, or to read.")
    ] = Format.JSON,
    warnings: Annotated[
        bool, typer.Option("--warnings", help="Fill up with alarms of severity warning; they roll back more often.")
    ] = False,
    prefix: Prefix = "sagewatch",
    profile: Profile = None,
    region: Region = None,
    endpoint_url: EndpointUrl = None,
) -> None:
    """Print the AutoRollbackConfiguration of a live endpoint, for the DeploymentConfig of UpdateEndpoint.

    Names at most 10 of the critical alarms that watch it now. Only reads (DescribeEndpoint, DescribeAlarms).

    An alarm that is firing is named on stderr: SageMaker ends a deployment whose alarm fires.

    Exit codes: 0 printed, 1 AWS refused, 2 wrong usage, 3 no such endpoint, 4 no alarms (yet).
    """
    account = Account(profile=profile, region=region, endpoint_url=endpoint_url)
    try:
        described = _described(account.client("sagemaker"), endpoint)
        if described is None:
            _stop(_NO_ENDPOINT, f"There is no endpoint {endpoint} in this account and Region.")
        found = tuple(_alarms(account.client("cloudwatch"), prefix, described["EndpointName"]))
    except Retry as error:
        _stop(_REFUSED, str(error))
    guards = chosen(found, described, warnings=warnings)
    if not guards:
        _stop(_NO_ALARMS, _why_none(found, described["EndpointName"], prefix))
    for guard in guards[:MOST]:
        if guard.firing:
            typer.echo(f"{guard.name} is firing: SageMaker ends a deployment that it guards.", err=True)
    typer.echo(_PRINTED[form](described["EndpointName"], guards))


def _stop(code: int, message: str) -> Never:
    typer.echo(message, err=True)
    raise typer.Exit(code)


def _described(client: Any, endpoint: str) -> Description | None:
    with retried(f"describe_endpoint {endpoint}"):
        try:
            description: Description = client.describe_endpoint(EndpointName=endpoint)
        except ClientError as error:
            if is_gone(error):
                return None
            raise
    return description if ENDPOINT.live(description) else None


def _alarms(client: Any, prefix: str, endpoint: str) -> Iterator[Guard]:
    """Yield the endpoint's alarms that are ours, in any state."""
    ref = Ref(ENDPOINT.name, endpoint)
    with retried(f"describe_alarms of {ref}"):
        pages = client.get_paginator("describe_alarms").paginate(
            AlarmNamePrefix=names.search_prefix(prefix, ref), AlarmTypes=["MetricAlarm"]
        )
        for alarm in (each for page in pages for each in page["MetricAlarms"]):
            labels = Labels.of(alarm.get("AlarmDescription"))
            if labels and names.is_owned(prefix, ref, alarm["AlarmName"], labels):
                yield Guard(alarm["AlarmName"], labels, alarm["StateValue"])


def chosen(found: Iterable[Guard], endpoint: Description, *, warnings: bool = False) -> tuple[Guard, ...]:
    """Return the alarms that may guard a deployment, the most telling first.

    By severity, then by row of the catalogue (errors before latency before memory), then by variant. Alarms that inform
    (`idle`) never guard; nor those of an asynchronous endpoint's backlog, which measure its load and its scaling; nor
    those of a variant that has gone, which will be deleted.
    """
    variants = tuple(
        each["VariantName"]
        for field in ("ProductionVariants", "ShadowProductionVariants")
        for each in endpoint.get(field) or ()
    )
    severities = (Severity.CRITICAL, Severity.WARNING) if warnings else (Severity.CRITICAL,)
    fit = (each for each in found if each.severity in severities and _guards(each, variants))
    return tuple(sorted(fit, key=lambda each: _rank(each, variants)))


def _guards(guard: Guard, variants: tuple[str, ...]) -> bool:
    _, row = _ROWS.get(guard.labels["alarm"], (None, None))
    if row is None:
        return True
    return row.level != "backlog" and (row.level != "variant" or not variants or guard.labels["scope"] in variants)


def _rank(guard: Guard, variants: tuple[str, ...]) -> tuple[int, bool, int, int, str]:
    index, row = _ROWS.get(guard.labels["alarm"], (len(_ROWS), None))
    scope = guard.labels["scope"]
    return (
        _SEVERITIES.index(guard.severity),
        row is None or row.level != "variant",
        index,
        variants.index(scope) if scope in variants else len(variants),
        guard.name,
    )


def _why_none(found: tuple[Guard, ...], endpoint: str, prefix: str) -> str:
    if not found:
        return (
            f"{endpoint} has no alarms under {prefix}/ (yet): they follow within a minute of its creation, or with the "
            "next sweep. Deployed with another prefix? Say --prefix."
        )
    return f"None of the {len(found)} alarms of {endpoint} is critical. Add --warnings to name those of that severity."


def _block(guards: tuple[Guard, ...]) -> Mapping[str, Any]:
    return {"AutoRollbackConfiguration": {"Alarms": [{"AlarmName": each.name} for each in guards[:MOST]]}}


def _json(_: str, guards: tuple[Guard, ...]) -> str:
    return json.dumps(_block(guards), indent=2, ensure_ascii=False)


def _yaml(_: str, guards: tuple[Guard, ...]) -> str:
    # A JSON string is a YAML string.
    lines = (f"    - AlarmName: {json.dumps(each.name, ensure_ascii=False)}" for each in guards[:MOST])
    return "\n".join(("AutoRollbackConfiguration:", "  Alarms:", *lines))


def _text(endpoint: str, guards: tuple[Guard, ...]) -> str:
    rest = guards[MOST:]
    lines = [
        f"SageMaker rolls a deployment of {endpoint} back when one of these fires while it is baking:",
        "",
        *(f"  {each.name}\n    {each.severity}, now {each.state}: {each.title}" for each in guards[:MOST]),
        "",
        *((f"Left out, because {MOST} is the most: {', '.join(each.name for each in rest)}", "") if rest else ()),
        "Print it with --format json or yaml and put it into the DeploymentConfig of UpdateEndpoint, beside a",
        "BlueGreenUpdatePolicy or a RollingUpdatePolicy. The execution role needs cloudwatch:DescribeAlarms.",
        "When it applies and when not: docs/guardrails.md",
    ]
    return "\n".join(lines)


_PRINTED = {Format.JSON: _json, Format.YAML: _yaml, Format.TEXT: _text}
