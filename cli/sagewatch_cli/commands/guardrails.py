"""`sagewatch guardrails`: the alarms that roll back a bad deployment of an endpoint, as UpdateEndpoint takes them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any

import typer

from sagewatch.aws import sagemaker
from sagewatch.errors import ErrorCode, Retry
from sagewatch.kinds.endpoint.observe import ENDPOINT
from sagewatch_cli.account.guardrails import MOST, Guard, choose_guards, describe_endpoint, guards_of
from sagewatch_cli.account.nearest import near
from sagewatch_cli.completion import complete_endpoints
from sagewatch_cli.formats import NAMES
from sagewatch_cli.options import (
    EndpointUrl,
    Prefix,
    Profile,
    Region,
    known_ref,
    open_account,
    open_deployment,
    read_reference,
)
from sagewatch_cli.printing import REFUSED, stop, waiting

_NO_ENDPOINT, _NO_ALARMS = 3, 4


class GuardrailsFormat(StrEnum):
    """How the block is printed."""

    JSON = "json"
    YAML = "yaml"
    TEXT = "text"


def guardrails(
    endpoint: Annotated[
        str,
        typer.Argument(
            metavar="ENDPOINT",
            autocompletion=complete_endpoints,
            help="The endpoint: churn, endpoint/churn, its ARN or console page.",
            show_default=False,
        ),
    ],
    form: Annotated[
        GuardrailsFormat, typer.Option(*NAMES, help="To paste, to paste into a template, or to read.")
    ] = GuardrailsFormat.JSON,
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
    pointed = read_reference(endpoint)
    endpoint = _endpoint_of(pointed.text)
    account = open_account(profile, region, endpoint_url, [pointed])
    try:
        with waiting():
            deployment = open_deployment(account, prefix, pointed=[pointed])
        typer.echo(deployment.line, err=True)
        with waiting():
            described = describe_endpoint(account.client("sagemaker"), endpoint)
            known = () if described else tuple(sagemaker.live(account.client("sagemaker"), ENDPOINT))
            name = described["EndpointName"] if described else ""
            found = tuple(guards_of(account.client("cloudwatch"), prefix, name)) if described else ()
    except Retry as error:
        stop(REFUSED, str(error), error.code)
    if described is None:
        nearest = near(endpoint, (ref.name for ref, _ in known))
        stop(_NO_ENDPOINT, f"There is no endpoint {endpoint} in {deployment.where}.{nearest}", ErrorCode.NO_RESOURCE)
    guards = choose_guards(found, described, warnings=warnings)
    if not guards:
        stop(_NO_ALARMS, _why_none(found, described["EndpointName"], prefix), ErrorCode.NO_ALARMS)
    for guard in guards[:MOST]:
        if guard.firing:
            typer.echo(f"{guard.name} is firing: SageMaker ends a deployment that it guards.", err=True)
    typer.echo(_PRINTED[form](described["EndpointName"], guards))


def _endpoint_of(text: str) -> str:
    """Return the name: of `churn` and of `endpoint/churn` it is `churn`; an endpoint's name has no slash."""
    if "/" not in text:
        return text
    kind, ref = known_ref(text)
    if kind is not ENDPOINT:
        raise typer.BadParameter(f"'{text}' is no endpoint, and only deployments of endpoints are guarded by alarms")
    return ref.name


def _why_none(found: tuple[Guard, ...], endpoint: str, prefix: str) -> str:
    if not found:
        return (
            f"{endpoint} has no alarms under {prefix}/ (yet): they follow within a minute of its creation, or with the "
            "next sweep. Deployed with another prefix? Say --prefix."
        )
    return f"None of the {len(found)} alarms of {endpoint} is critical. Add --warnings to name those of that severity."


def _rollback_block(guards: tuple[Guard, ...]) -> Mapping[str, Any]:
    return {"AutoRollbackConfiguration": {"Alarms": [{"AlarmName": each.name} for each in guards[:MOST]]}}


def _as_json(_: str, guards: tuple[Guard, ...]) -> str:
    return json.dumps(_rollback_block(guards), indent=2, ensure_ascii=False)


def _as_yaml(_: str, guards: tuple[Guard, ...]) -> str:
    # A JSON string is a YAML string.
    lines = (f"    - AlarmName: {json.dumps(each.name, ensure_ascii=False)}" for each in guards[:MOST])
    return "\n".join(("AutoRollbackConfiguration:", "  Alarms:", *lines))


def _as_text(endpoint: str, guards: tuple[Guard, ...]) -> str:
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


_PRINTED = {GuardrailsFormat.JSON: _as_json, GuardrailsFormat.YAML: _as_yaml, GuardrailsFormat.TEXT: _as_text}
