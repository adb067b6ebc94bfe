"""`sagewatch backtest`: what a resource's alarms would have done in the last days, and which thresholds suit it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import Annotated, Any

import typer
from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from sagewatch.errors import ErrorCode, Retry
from sagewatch.model import PER_CAPACITY, Unit
from sagewatch.receivers.wording.phrases import harmless
from sagewatch.units import humanise
from sagewatch_cli.account.backtest import NoAlarms, Report, replay_resource
from sagewatch_cli.account.in_force import with_budget
from sagewatch_cli.account.metric_history import MOST_DAYS
from sagewatch_cli.account.proposals import (
    AlarmFit,
    ReplayedAlarm,
    ThresholdProposal,
    Trial,
    snippet,
)
from sagewatch_cli.account.replay import Episode, Replay
from sagewatch_cli.completion import complete_watched_refs
from sagewatch_cli.formats import OutputFormat
from sagewatch_cli.options import (
    EndpointUrl,
    PolicyFile,
    Prefix,
    Profile,
    Region,
    known_ref,
    open_account,
    open_deployment,
    policy_in_force,
    read_reference,
)
from sagewatch_cli.printing import REFUSED, Form, as_json, first_line, progress, stop, table, waiting
from sagewatch_cli.signs import SIGNS

_NO_RESOURCE, _NO_ALARMS = 3, 4
_LONGEST = 300  # characters of what other people wrote
_COLOURS = {AlarmFit.FITS: "green", AlarmFit.NOISY: "red", AlarmFit.DEAF: "yellow", AlarmFit.DEAD: "yellow"}
_HOPELESS = "no round threshold keeps it calm: let it take more periods, or switch it off."


def backtest(
    ref: Annotated[
        str,
        typer.Argument(
            metavar="REF",
            autocompletion=complete_watched_refs,
            help="What to replay: kind/name, as endpoint/churn, or its ARN or console page.",
        ),
    ],
    policy: PolicyFile = None,
    days: Annotated[
        int, typer.Option("--days", min=1, max=MOST_DAYS, help="How far back; CloudWatch keeps minutes for 15 days.")
    ] = 7,
    form: Form = OutputFormat.TABLE,
    prefix: Prefix = "sagewatch",
    profile: Profile = None,
    region: Region = None,
    endpoint_url: EndpointUrl = None,
) -> None:
    """Replay the last days of a resource's metrics through the alarms that it would have now.

    Says how often each alarm would have fired, and for how long. Noisy is more than once a day or more than 5 % of the
    time, deaf what stayed a fifth of its threshold away or further. For those it proposes a round threshold, as an
    entry of the policy and as a tag of the resource. Only reads; CloudWatch charges $0.01 for 1,000 metrics.

    Exit codes: 0 printed, 1 AWS refused, 2 wrong usage, 3 no such resource, 4 it gets no alarms, 5 a broken policy.
    """
    pointed = read_reference(ref)
    kind, named = known_ref(pointed.text, watched=True)
    account = open_account(profile, region, endpoint_url, [pointed])
    now = datetime.now(UTC)
    try:
        with waiting():
            deployment = open_deployment(account, prefix, pointed=[pointed])
            budget = with_budget(account, deployment, policy_in_force(account, prefix, policy), None)
            report = replay_resource(account, deployment, budget.in_force, kind, named, days, now, progress)
    except NoAlarms as error:
        stop(_NO_ALARMS, str(error), ErrorCode.NO_ALARMS)
    except LookupError as error:
        stop(_NO_RESOURCE, str(error), ErrorCode.NO_RESOURCE)
    except Retry as error:
        stop(REFUSED, str(error), error.code)
    if form is OutputFormat.JSON:
        as_json({**deployment.data(), **as_data(report)})
    else:
        first_line(Console(), deployment)
        Console().print(rendered(report))
    if budget.unknown:
        typer.echo(f"Not read: {harmless(budget.unknown, _LONGEST)}", err=True)


def as_data(report: Report) -> dict[str, Any]:
    """Return it as plain data; times are in seconds, values as CloudWatch counts them."""
    return {
        "ref": str(report.ref),
        "days": report.days,
        "from": report.now - timedelta(days=report.days),
        "to": report.now,
        "metrics": report.metrics,
        "usd": round(report.price, 6),
        "alarms": [_alarm(each) for each in report.outcomes],
        "proposals": [_proposed(each) for each in report.proposals],
        "policy": snippet(report.ref, report.proposals, report.outcomes),
        "reports": list(report.reports),
    }


def _alarm(found: ReplayedAlarm) -> dict[str, Any]:
    one = found.trial
    return {
        "alarm": one.alarm,
        "scope": one.scope,
        "title": one.title,
        "fires": _condition(one),
        "threshold": one.rule.threshold,
        "fit": found.fit,
        **_done(found.replay),
        "episodes": [_episode(each) for each in found.replay.episodes],
        "peak": one.peak,
        "peak_in_words": _in_words(one, one.peak),
        "data": round(_part(found.replay.covered, found.replay), 4),
        "undecided": round(_part(found.replay.undecided, found.replay), 4),
    }


def _done(found: Replay) -> dict[str, Any]:
    return {
        "fired": len(found.episodes),
        "seconds": found.firing,
        "longest": found.longest,
        "share": round(found.share, 6),
    }


def _episode(each: Episode) -> dict[str, Any]:
    return {"begin": datetime.fromtimestamp(each.begin, UTC), "seconds": each.seconds}


def _proposed(each: ThresholdProposal) -> dict[str, Any]:
    return {
        "alarm": each.alarm,
        "threshold": each.text,
        "tag": each.tag if each.text else None,
        "would": [_done(found) for found in each.replays],
    }


def rendered(report: Report) -> RenderableType:
    """Return it for people: a table, what to change, and what that costs and means."""
    return Group(
        *_table(report),
        *(Text(each, style=_COLOURS[AlarmFit.DEAD]) for each in _silent(report)),
        *(Text(each) for each in _proposals(report)),
        *_snippet(report),
        *(Text(harmless(f"Note: {each}", _LONGEST)) for each in report.reports),
        Text(_price(report), style="dim"),
    )


def _table(report: Report) -> Iterator[RenderableType]:
    yield Text(f"{report.ref}: the last {_days(report.days)}, until {report.now:%Y-%m-%d %H:%M} UTC", style="bold")
    alive = [each for each in report.outcomes if each.fit is not AlarmFit.DEAD]
    if not alive:
        return
    rows = table("alarm", "fires", "peak", "times", "in all", "longest", "data", "")
    rows.columns[0].no_wrap = rows.columns[-1].no_wrap = True
    rows.collapse_padding = True
    # By scope, in the order of the catalogue.
    for scope, several in groupby(sorted(alive, key=lambda each: each.trial.scope), key=lambda each: each.trial.scope):
        rows.add_row(Text(scope, style="bold"))
        for each in several:
            rows.add_row(*_row(each))
    yield rows


def _row(each: ReplayedAlarm) -> tuple[str | Text, ...]:
    one, found = each.trial, each.replay
    return (
        Text(f"  {one.alarm}"),
        _condition(one),
        _in_words(one, one.peak),
        str(len(found.episodes)),
        f"{humanise(found.firing, Unit.SECONDS)}, {_percent(found.share)}" if found.firing else "–",
        humanise(found.longest, Unit.SECONDS) if found.longest else "–",
        _percent(_part(found.covered, found)),
        Text(each.fit, style=_COLOURS[each.fit]),
    )


def _silent(report: Report) -> Iterator[str]:
    """Say what a table cannot: alarms without data, and percentiles that were mostly left undecided."""
    dead = [f"{each.trial.scope}/{each.trial.alarm}" for each in report.outcomes if each.fit is AlarmFit.DEAD]
    if dead:
        yield f"No data, so never fired: {', '.join(dead)}"
    for each in report.outcomes:
        if part := _part(each.replay.undecided, each.replay):
            yield (
                f"{each.trial.scope}/{each.trial.alarm}: {_percent(part)} of the time there were too few requests to "
                "judge its percentile, which leaves an alarm as it is."
            )


def _proposals(report: Report) -> Iterator[str]:
    trials = {each.trial.alarm: each.trial for each in report.outcomes}
    for each in report.proposals:
        title = trials[each.alarm].title
        if each.text is None:
            yield f"{each.alarm} ({title}): {_HOPELESS}"
            continue
        times = sum(len(found.episodes) for found in each.replays)
        would = f"fired {_times(times)}, {_percent(max(found.share for found in each.replays))} of the time"
        yield f"{each.alarm} ({title}): {each.text} would have {would if times else 'stayed silent'}. Tag: {each.tag}"


def _snippet(report: Report) -> Iterator[RenderableType]:
    if text := snippet(report.ref, report.proposals, report.outcomes):
        yield Text("\nFor the policy, after the entries that are there:\n")
        yield Padding(Text(text.rstrip()), (0, 0, 1, 2))


def _price(report: Report) -> str:
    return f"Asked CloudWatch for {report.metrics} metrics: at most ${report.price:.4f}, at $0.01 for 1,000."


def _condition(one: Trial) -> str:
    """Return `> 1.00 s, 3 of 5 × 1 min`."""
    rule = one.rule
    length = humanise(one.series.period, Unit.SECONDS)
    window = length if rule.periods == 1 else f"{rule.datapoints} of {rule.periods} × {length}"
    return f"{SIGNS[rule.comparison]} {_in_words(one, rule.threshold)}, {window}"


def _in_words(one: Trial, value: float | None) -> str:
    return "–" if value is None else humanise(value, one.unit, one.scale if one.unit in PER_CAPACITY else None)


def _part(seconds: int, found: Replay) -> float:
    return seconds / found.seconds if found.seconds else 0


def _percent(part: float) -> str:
    return (
        "–"
        if not part
        else "< 0.1 %"
        if part < 0.001
        else f"{part * 100:.1f} %"
        if part < 0.1
        else f"{part * 100:.0f} %"
    )


def _times(number: int) -> str:
    return "once" if number == 1 else f"{number} times"


def _days(number: int) -> str:
    return "day" if number == 1 else f"{number} days"
