"""`sagewatch notify`: who hears of what, foretold by the policy, or tried out with a sample that is sent."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.text import Text

from sagewatch.aws import queue
from sagewatch.errors import Retry
from sagewatch.model import Labels, Notice, Place
from sagewatch.policy.rules import Policy, Route
from sagewatch.receivers.sns import render as words
from sagewatch.receivers.wording.phrases import harmless
from sagewatch.tell import incident_store as store
from sagewatch_cli.account import notify as trial
from sagewatch_cli.account.coverage_reading import place
from sagewatch_cli.account.notify import RESOURCE, Considered, State
from sagewatch_cli.account.policy import PolicyFile, standing
from sagewatch_cli.account.session import Account, EndpointUrl, Prefix, Profile, Region
from sagewatch_cli.commands.events import parts
from sagewatch_cli.printing import REFUSED, Form, Format, as_json, stop

_NO_STACK, _MISSING = 3, 4
_PAUSE = 1.0  # s, between two looks
_LABEL = re.compile(r"[\w.:-]+=")
_LONGEST = 8_000  # characters of other people's text
_NOWHERE = Place(partition="aws", region="us-east-1", account="123456789012")

app = typer.Typer(name="notify", help="Who hears of what.", no_args_is_help=True)

Labelled = Annotated[
    list[str] | None,
    typer.Option(
        "--route",
        metavar="LABEL=VALUE",
        help="A label of the sample, such as team=fraud. Repeatable.",
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
    stack: Annotated[str, typer.Option("--stack", help="Name of the CloudFormation stack.")] = "sagewatch",
    form: Form = Format.TABLE,
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
    labels = _labels(route or ())
    if send and (policy or labels.ref.name != RESOURCE or labels.get("parent")):
        raise typer.BadParameter(
            "what is sent follows the deployed policy, and is about no resource that there is: "
            "leave --policy, resource and parent away",
            param_hint="--send",
        )
    account = Account(profile=profile, region=region, endpoint_url=endpoint_url)
    try:
        found = foretold(prefix, standing(account, prefix, policy).policy, labels)
        trialled = _sent(account, prefix, stack, labels, found, wait) if send and found.told else ()
    except Retry as error:
        stop(REFUSED, str(error))
    if form is Format.JSON:
        as_json(as_data(found, trialled))
    else:
        show(Console(), found, trialled)
    if not all(each.told for each in trialled):
        missing = ", ".join(f"{each.what} of {each.route}" for each in trialled if not each.told)
        stop(_MISSING, f"Not told within {wait} s: {missing}. Look at `sagewatch events tail`.")


def _labels(given: Iterable[str]) -> Labels:
    for each in given:
        if not _LABEL.match(each):
            raise typer.BadParameter(f"'{each}' is not LABEL=VALUE, such as team=fraud", param_hint="--route")
    try:
        return trial.labels_of({name: value for name, _, value in (each.partition("=") for each in given)})
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--route") from error


# ---------------------------------------------------------------------------------------------------------- foretold
@dataclass(frozen=True, slots=True, kw_only=True)
class Foretold:
    """The sample, what becomes of each route, and the topics that CloudWatch itself tells of such alarms."""

    notice: Notice
    routes: tuple[Considered, ...]
    paged: tuple[str, ...]

    @property
    def told(self) -> tuple[Route, ...]:
        """The routes on which somebody hears of it."""
        return tuple(each.route for each in self.routes if each.taken and not each.route.drop)


def foretold(prefix: str, policy: Policy, labels: Labels) -> Foretold:
    """Return what would become of a sample with these labels."""
    notice = trial.told(prefix, labels, _NOWHERE, datetime.now(UTC))
    return Foretold(notice=notice, routes=trial.considered(policy, notice.labels), paged=policy.topics(notice.severity))


# -------------------------------------------------------------------------------------------------------------- sent
@dataclass(frozen=True, slots=True)
class Arrived:
    """What became of the sample in one place of a route; `what` is `slack:C0123`, or what such names begin with."""

    route: str
    what: str
    told: bool


def _sent(account: Account, prefix: str, stack: str, labels: Labels, found: Foretold, wait: int) -> tuple[Arrived, ...]:
    """Send the sample through the stack, and its end whatever happens meanwhile."""
    made = parts(account.client("cloudformation"), stack)
    if not made or not {"NotifyQueue", "Incidents"} <= made.keys():
        stop(_NO_STACK, f"There is no stack of ours called {stack} in this account and Region. Say --stack.")
    url, table = (made[each]["PhysicalResourceId"] for each in ("NotifyQueue", "Incidents"))
    trying = Trial(account.client("sqs"), account.client("dynamodb"), url, table, prefix, place(account))
    # A resource of its own for each trial: nothing that was told before is edited or goes on.
    own = Labels({**labels.values, "resource": f"{RESOURCE}-{datetime.now(UTC):%Y%m%d-%H%M%S-%f}"})
    trying.send(own, "ALARM")
    try:
        return trying.watch(own, found.told, wait, time.sleep)
    finally:
        trying.send(own, "OK")


@dataclass(frozen=True, slots=True)
class Trial:
    """The deployed notifier: clients of its queue and its table, and where they are."""

    sqs: Any
    dynamodb: Any
    url: str
    table: str
    prefix: str
    place: Place

    def send(self, labels: Labels, state: State) -> None:
        """Put the sample, or its end, into the queue. The end is later, however soon it follows."""
        at = datetime.now(UTC) + (timedelta(seconds=1) if state == "OK" else timedelta())
        queue.send(self.sqs, self.url, [trial.event(self.prefix, labels, self.place, at, state)])

    def watch(
        self, labels: Labels, routes: Iterable[Route], seconds: float, wait: Callable[[float], None]
    ) -> tuple[Arrived, ...]:
        """Look at the timelines until the last place of each route was told, or the time is up."""
        routes = tuple(routes)
        for _ in range(int(seconds / _PAUSE)):
            found = tuple(self._arrived(labels, routes))
            if _is_over(found):
                return found
            wait(_PAUSE)
        return tuple(self._arrived(labels, routes))

    def _arrived(self, labels: Labels, routes: Iterable[Route]) -> Iterator[Arrived]:
        for route in routes:
            sent = store.load(self.dynamodb, self.table, route.name, labels.ref).sent
            for name in trial.voices(route):
                full = next((key for key, data in sent.items() if key.startswith(name) and data.get("said")), None)
                yield Arrived(route.name, full or name.rstrip(":"), full is not None)


def _is_over(found: Iterable[Arrived]) -> bool:
    """Tell whether each route is through: places are told in order, so the last one is."""
    last: dict[str, bool] = {each.route: each.told for each in found}
    return all(last.values())


# ------------------------------------------------------------------------------------------------------------ shown
def show(console: Console, found: Foretold, trialled: Iterable[Arrived]) -> None:
    """Print it for people."""
    labels = " ".join(f"{name}={value}" for name, value in found.notice.labels.values.items())
    _say(console, f"A notice with {labels}", "bold")
    for each in found.routes:
        _say(console, f"{'→' if each.taken else ' '} {each.route.name}: {each.why}", "" if each.taken else "dim")
        for said in _leads(each, found.notice) if each.taken else ():
            _say(console, f"    {said}")
    if found.paged:
        _say(console, f"CloudWatch itself tells {', '.join(found.paged)}")
    for route in found.told[:1]:
        _say(console, "\nWhat is said:", "bold")
        letter = words.letter(trial.incident(route, found.notice), None, route)
        _say(console, f"{letter.subject}\n\n{letter.body}")
    for n, arrived in enumerate(trialled):
        if n == 0:
            _say(console, "\nWhat was sent:", "bold")
        _say(console, f"{'✓' if arrived.told else '✗'} {arrived.route}: {arrived.what}")


def _say(console: Console, text: str, style: str = "") -> None:
    said = text.lstrip()
    # Text, not markup: a bracket in a name is a bracket.
    console.print(Text(text[: -len(said)] + harmless(said, _LONGEST), style), soft_wrap=True)


def _leads(each: Considered, notice: Notice) -> Iterator[str]:
    yield from trial.places(each.route)
    if called := trial.mention(each.route, notice.severity):
        yield f"calls {called}"


def as_data(found: Foretold, trialled: Iterable[Arrived]) -> dict[str, Any]:
    """Return it for programs."""
    return {
        "labels": dict(found.notice.labels.values),
        "routes": [_route(each, found.notice) for each in found.routes],
        "paging": list(found.paged),
        "messages": {route.name: _message(found, route) for route in found.told},
        "sent": [{"route": each.route, "to": each.what, "told": each.told} for each in trialled],
    }


def _route(each: Considered, notice: Notice) -> dict[str, Any]:
    return {
        "name": each.route.name,
        "taken": each.taken,
        "why": each.why,
        "places": list(trial.places(each.route)),
        "mention": trial.mention(each.route, notice.severity),
    }


def _message(found: Foretold, route: Route) -> Mapping[str, str]:
    letter = words.letter(trial.incident(route, found.notice), None, route)
    return {"subject": letter.subject, "body": letter.body}
