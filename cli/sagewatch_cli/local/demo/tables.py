"""The demo's tables and panels: alarms in words, what changed, a Slack message, an SNS message. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import groupby
from typing import Any

from rich import box
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from sagewatch.kinds.kind import Spec
from sagewatch.kinds.registry import spec
from sagewatch.model import PER_CAPACITY, Labels
from sagewatch.units import humanise
from sagewatch_cli.local.demo.slack_text import transcript
from sagewatch_cli.local.doubles.slack_workspace import ShownMessage
from sagewatch_cli.local.drivers.inbox import Mail
from sagewatch_cli.signs import SIGNS

type Alarms = Mapping[str, Mapping[str, Any]]
"""Described alarms by name."""

COLOURS: Mapping[str, str] = {"critical": "red", "warning": "yellow", "info": "blue"}


def threshold_words(alarm: Mapping[str, Any]) -> str:
    """Return what a described alarm of ours waits for: `> 90 % of 8 vCPU`."""
    labels = Labels.of(alarm.get("AlarmDescription"))
    row = spec(labels["kind"], labels["alarm"]) if labels else None
    if labels is None or row is None:
        return f"{SIGNS[alarm['ComparisonOperator']]} {alarm['Threshold']:g}"
    return f"{SIGNS[alarm['ComparisonOperator']]} {_limit(alarm, row, labels)}"


def _limit(alarm: Mapping[str, Any], row: Spec, labels: Labels) -> str:
    capacity = labels.get(PER_CAPACITY.get(row.unit, ""))
    return humanise(float(alarm["Threshold"]), row.unit, int(capacity) if capacity else None)


def window_words(alarm: Mapping[str, Any]) -> str:
    """Return for how long it must be so: `8 of 10 min`."""
    queries = alarm.get("Metrics") or ()
    period = next((query["MetricStat"]["Period"] for query in queries if "MetricStat" in query), alarm.get("Period"))
    needed, of = alarm.get("DatapointsToAlarm") or alarm["EvaluationPeriods"], alarm["EvaluationPeriods"]
    minutes = int(period or 60) // 60
    unit, each = ("h", minutes // 60) if minutes % 60 == 0 else ("min", minutes)
    return f"{of * each} {unit}" if needed == of else f"{needed * each} of {of * each} {unit}"


def _labels_of(alarm: Mapping[str, Any]) -> Labels:
    labels = Labels.of(alarm["AlarmDescription"])
    assert labels is not None
    return labels


def _severity_text(alarm: Mapping[str, Any]) -> Text:
    severity = _labels_of(alarm)["severity"]
    return Text(severity, style=COLOURS[severity])


def alarm_table(alarms: Alarms) -> Table:
    """Return a line for each alarm, under its resource."""
    table = Table(title=f"{len(alarms)} alarms", title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
    for column in ("Alarm", "fires when", "for", "severity"):
        table.add_column(column, no_wrap=column != "Alarm")
    for resource, some in groupby(sorted(alarms), key=lambda name: name.split("/")[:3]):
        table.add_section()
        table.add_row(Text("/".join(resource), style="bold"))
        for name in some:
            alarm = alarms[name]
            table.add_row(
                Text("/".join(name.split("/")[3:])), threshold_words(alarm), window_words(alarm), _severity_text(alarm)
            )
    return table


def change_table(before: Alarms, after: Alarms) -> Table:
    """Return a line for each alarm that was made, changed or deleted in between."""
    table = Table(title="What it changed", title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
    for column in ("", "Alarm", "before", "now"):
        table.add_column(column, no_wrap=True)
    for mark, name in _differences(before, after):
        was, now = (threshold_words(alarms[name]) if name in alarms else "" for alarms in (before, after))
        table.add_row(mark, Text("/".join(name.split("/")[3:])), was, now)
    return table


def _differences(before: Alarms, after: Alarms) -> Iterable[tuple[str, str]]:
    for name in sorted(before.keys() | after.keys()):
        if name not in after:
            yield "-", name
        elif name not in before:
            yield "+", name
        elif threshold_words(before[name]) != threshold_words(after[name]):
            yield "~", name


def slack_panel(said: ShownMessage) -> Panel:
    """Return a Slack message as it reads."""
    title = "edited in Slack" if said.edits else "posted to Slack"
    return Panel(Text(transcript(said.content)), title=title, title_align="left", border_style="magenta")


def mail_panel(mail: Mail) -> Panel:
    """Return an SNS message with its attributes."""
    attributes = ", ".join(f"{name}={value}" for name, value in sorted(mail.attributes.items()))
    text = f"{mail.text}\n\n{attributes}"
    return Panel(Text(text), title=Text(f"SNS: {mail.subject}"), title_align="left", border_style="cyan")
