"""`sagewatch notify`: which routes a sample notice takes by the policy, and whether it arrives when it is sent."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.text import Text

from sagewatch.errors import ErrorCode, Retry
from sagewatch.model import Labels, Notice
from sagewatch.policy.checks import MATCHED, PLACE
from sagewatch.policy.rules import Route
from sagewatch.receivers.sns import render as words
from sagewatch.receivers.wording.phrases import harmless
from sagewatch_cli.account.deployment import find_deployment
from sagewatch_cli.account.nearest import near
from sagewatch_cli.account.notify import (
    RESOURCE,
    ConsideredRoute,
    SampleRouting,
    mention,
    places,
    route_sample,
    sample_incident,
    sample_labels,
)
from sagewatch_cli.account.send_sample import NoStack, SampleDelivery, send_sample
from sagewatch_cli.completion import complete_labels
from sagewatch_cli.formats import OutputFormat
from sagewatch_cli.options import (
    EndpointUrl,
    PolicyFile,
    Prefix,
    Profile,
    Region,
    StackName,
    open_account,
    policy_in_force,
)
from sagewatch_cli.printing import REFUSED, Form, as_json, first_line, stop, waiting

_NO_STACK, _MISSING = 3, 4
_LABEL = re.compile(r"[\w.:-]+=")
_LONGEST = 8_000  # characters of other people's text

app = typer.Typer(name="notify", help="Who hears of what.", no_args_is_help=True)

Labelled = Annotated[
    list[str] | None,
    typer.Option(
        "--route",
        metavar="LABEL=VALUE",
        help="A label of the sample, such as team=fraud. Repeatable.",
        autocompletion=complete_labels,
        show_default=False,
    ),
]


@app.callback()
def notify() -> None:
    """Options that hold for every notify command."""


@app.command("test")
def try_out(
    route: Labelled = None,
    send: Annotated[bool, typer.Option("--send", help="Send it, too, through the deployed stack.")] = False,
    wait: Annotated[int, typer.Option("--wait", min=0, max=600, help="Seconds to wait until it was told.")] = 60,
    stack: StackName = None,
    form: Form = OutputFormat.TABLE,
    policy: PolicyFile = None,
    prefix: Prefix = "sagewatch",
    profile: Profile = None,
    region: Region = None,
    endpoint_url: EndpointUrl = None,
) -> None:
    """Say which routes a sample notice takes and why, where they lead, who is called and what is said.

    The sample is a critical latency alarm of endpoint/sagewatch-test, but for the labels that you give. With --send it
    goes into the notify queue, marked as a TEST, and what was told where is printed; then its end is sent, so that it
    ends green. Otherwise only the policy is read.

    Exit codes: 0 printed, and with --send told everywhere; 1 AWS refused; 2 wrong usage; 3 no such stack; 4 sent, but
    not told everywhere in time; 5 the policy is broken.
    """
    labels = _given_labels(route or ())
    if send and (policy or labels.ref.name != RESOURCE or labels.get("parent")):
        raise typer.BadParameter(
            "what is sent follows the deployed policy, and is about no resource that there is: "
            "leave --policy, resource and parent away",
            param_hint="--send",
        )
    account = open_account(profile, region, endpoint_url)
    try:
        with waiting():
            deployment = find_deployment(account, prefix, stack)
            wanted = policy_in_force(account, prefix, policy).policy
            _check_labels(route or (), {*MATCHED, *PLACE, *wanted.labels})
            found = route_sample(prefix, wanted, labels, deployment.place)
            trialled = send_sample(account, deployment, labels, found, wait) if send and found.routes_told else ()
    except NoStack as error:
        stop(_NO_STACK, str(error), ErrorCode.NO_STACK)
    except Retry as error:
        stop(REFUSED, str(error), error.code)
    if form is OutputFormat.JSON:
        as_json({**deployment.data(), **as_data(found, trialled)})
    else:
        first_line(Console(), deployment)
        show(Console(), found, trialled)
    if not all(each.told for each in trialled):
        missing = ", ".join(f"{each.what} of {each.route}" for each in trialled if not each.told)
        stop(
            _MISSING,
            f"Not told within {wait} s: {missing}. Look at `sagewatch events tail`.",
            ErrorCode.SAMPLE_NOT_TOLD,
        )


def _check_labels(given: Iterable[str], known: Collection[str]) -> None:
    """Refuse a label that no notice has: no route can match it."""
    for label in (each.partition("=")[0] for each in given):
        if label not in known:
            raise typer.BadParameter(f"'{label}' is no label of a notice.{near(label, known)}", param_hint="--route")


def _given_labels(given: Iterable[str]) -> Labels:
    for each in given:
        if not _LABEL.match(each):
            raise typer.BadParameter(f"'{each}' is not LABEL=VALUE, such as team=fraud", param_hint="--route")
    try:
        return sample_labels({name: value for name, _, value in (each.partition("=") for each in given)})
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--route") from error


# ------------------------------------------------------------------------------------------------------------ shown
def show(console: Console, found: SampleRouting, trialled: Iterable[SampleDelivery]) -> None:
    """Print it for people."""
    labels = " ".join(f"{name}={value}" for name, value in found.notice.labels.values.items())
    _say(console, f"A notice with {labels}", "bold")
    for each in found.routes:
        _say(console, f"{'→' if each.taken else ' '} {each.route.name}: {each.why}", "" if each.taken else "dim")
        for said in _leads(each, found.notice) if each.taken else ():
            _say(console, f"    {said}")
    if found.paged:
        _say(console, f"CloudWatch itself tells {', '.join(found.paged)}")
    for route in found.routes_told[:1]:
        _say(console, "\nWhat is said:", "bold")
        mail = words.mail(sample_incident(route, found.notice), None, route)
        _say(console, f"{mail.subject}\n\n{mail.body}")
    for n, arrived in enumerate(trialled):
        if n == 0:
            _say(console, "\nWhat was sent:", "bold")
        _say(console, f"{'✓' if arrived.told else '✗'} {arrived.route}: {arrived.what}")


def _say(console: Console, text: str, style: str = "") -> None:
    said = text.lstrip()
    # Text, not markup: a bracket in a name is a bracket.
    console.print(Text(text[: -len(said)] + harmless(said, _LONGEST), style), soft_wrap=True)


def _leads(each: ConsideredRoute, notice: Notice) -> Iterator[str]:
    yield from places(each.route)
    if called := mention(each.route, notice.severity):
        yield f"calls {called}"


def as_data(found: SampleRouting, trialled: Iterable[SampleDelivery]) -> dict[str, Any]:
    """Return it for programs."""
    return {
        "labels": dict(found.notice.labels.values),
        "routes": [_route(each, found.notice) for each in found.routes],
        "paging": list(found.paged),
        "messages": {route.name: _message(found, route) for route in found.routes_told},
        "sent": [{"route": each.route, "to": each.what, "told": each.told} for each in trialled],
    }


def _route(each: ConsideredRoute, notice: Notice) -> dict[str, Any]:
    return {
        "name": each.route.name,
        "taken": each.taken,
        "why": each.why,
        "places": list(places(each.route)),
        "mention": mention(each.route, notice.severity),
    }


def _message(found: SampleRouting, route: Route) -> Mapping[str, str]:
    mail = words.mail(sample_incident(route, found.notice), None, route)
    return {"subject": mail.subject, "body": mail.body}
