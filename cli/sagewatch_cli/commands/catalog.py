"""`sagewatch catalog`: every alarm that can be, and every metric with what becomes of it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Annotated, Any

import typer
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from sagewatch.kinds.charts import DimensionNames
from sagewatch.kinds.kind import Kind, Spec
from sagewatch.kinds.registry import KINDS
from sagewatch.model import Severity, Unit
from sagewatch.units import humanise
from sagewatch_cli.account.alarm_words import MISSING_DATA, default
from sagewatch_cli.formats import NAMES, RichFormat
from sagewatch_cli.metrics import (
    MISSPELLINGS,
    DocumentedMetric,
    documented,
)
from sagewatch_cli.scenarios.soonest import need_of
from sagewatch_cli.signs import SIGNS

_COLOURS: Mapping[Severity, str] = {Severity.CRITICAL: "red", Severity.WARNING: "yellow", Severity.INFO: "cyan"}


def catalog(
    form: Annotated[
        RichFormat, typer.Option(*NAMES, help="For reading, for programs, or for docs.")
    ] = RichFormat.TABLE,
) -> None:
    """Print every alarm of every kind, and what becomes of every metric."""
    if form is RichFormat.JSON:
        typer.echo(json.dumps(as_data(), indent=2, ensure_ascii=False))
    elif form is RichFormat.MARKDOWN:
        typer.echo(as_markdown(), nl=False)
    else:
        _print(Console())


def as_data() -> dict[str, Any]:
    """Return the catalogue as plain data: `alarms`, `metrics`, `misspellings`."""
    return {
        "alarms": [_alarm(kind, spec) for kind in KINDS for spec in kind.specs],
        "metrics": [_metric(metric) for metric in documented()],
        "misspellings": dict(MISSPELLINGS),
    }


def _alarm(kind: Kind, spec: Spec) -> dict[str, Any]:
    return {
        "kind": kind.name,
        "id": spec.id,
        "title": spec.title,
        "level": spec.level,
        "metrics": [{"namespace": m.namespace, "name": m.name, "statistic": m.statistic} for m in spec.metrics],
        "expression": expression(kind, spec),
        "dimensions": list(kind.levels[spec.level].dimensions),
        "comparison": spec.comparison,
        "threshold": spec.threshold,
        "unit": str(spec.unit),
        "default": default(spec),
        "period": spec.period,
        "periods": spec.periods,
        "datapoints": spec.datapoints,
        "missing": spec.missing,
        "severity": str(spec.severity),
        "needs": list(spec.needs),
        "why": spec.why,
        "do": spec.do,
    }


def _metric(metric: DocumentedMetric) -> dict[str, Any]:
    alarms = alarms_of(metric)
    return {
        "namespace": metric.namespace,
        "also": list(metric.also),
        "name": metric.name,
        "kinds": list(metric.kinds),
        "unit": metric.unit,
        "dimensions": [list(names) for names in metric.dimensions],
        "statistics": list(metric.statistics),
        **({"treatment": "alarm", "alarms": alarms} if alarms else {"treatment": "dashboard", "reason": metric.reason}),
    }


def alarms_of(metric: DocumentedMetric) -> list[str]:
    """Return the rows that read a metric, as `kind/alarm-id`."""
    return [
        f"{kind.name}/{spec.id}"
        for kind in KINDS
        for spec in kind.specs
        if any(metric.is_read_as(*series) for series in _read(kind, spec))
    ]


def _read(kind: Kind, spec: Spec) -> Iterator[tuple[str, str, DimensionNames]]:
    """Yield namespace, name and dimensions of all that a row may look at."""
    for metric in spec.metrics:
        yield metric.namespace, metric.name, kind.levels[spec.level].dimensions
        for namespace, dimensions in kind.levels[spec.level].elsewhere:
            yield namespace, metric.name, dimensions


def expression(kind: Kind, spec: Spec) -> str | None:
    """Return how a row combines metrics or series: `MAX(every Host)`; None when it looks at a single metric."""
    every = kind.levels[spec.level].dimensions[-1:]
    return spec.expression or (f"{spec.across}(every {every[0]})" if spec.across and every else None)


def window(spec: Spec) -> str:
    """Say how long it must last: `3 of 5 × 1 min`."""
    length = humanise(spec.period, Unit.SECONDS)
    return length if spec.periods == 1 else f"{spec.datapoints} of {spec.periods} × {length}"


def measure(kind: Kind, spec: Spec) -> str:
    """Say what is measured: the expression, or the metric with its statistic."""
    read = ", ".join(f"{metric.name} {metric.statistic}" for metric in spec.metrics)
    combined = expression(kind, spec)
    return f"{combined} of {read}" if combined else read


# ---------------------------------------------------------------------------------------------------------- table
def _print(console: Console) -> None:
    """Print three lines for each alarm: rows of fourteen columns fit no terminal."""
    longest = max(len(spec.id) for kind in KINDS for spec in kind.specs)
    for kind in KINDS:
        table = Table(box=box.SIMPLE_HEAD, expand=True, title=kind.title, title_justify="left", title_style="bold")
        table.add_column("alarm", width=longest)
        table.add_column("fires at", width=16)
        table.add_column("what it looks at, and why", overflow="fold")
        for spec in kind.specs:
            table.add_row(_name(spec), _condition(spec), _story(kind, spec), end_section=True)
        if kind.specs:
            console.print(table)
        else:
            console.print(Text.assemble((kind.title, "bold"), "\n  No alarms: its failure is a notice.\n"))
    counts = [bool(alarms_of(metric)) for metric in documented()]
    console.print(
        f"{sum(len(kind.specs) for kind in KINDS)} alarms of {len(KINDS)} kinds read {sum(counts)} of SageMaker's "
        f"{len(counts)} metrics; the other {len(counts) - sum(counts)} are on the dashboard, with the reason in "
        "--format json and markdown.",
        highlight=False,
    )


def _name(spec: Spec) -> Text:
    needs = f"\nneeds {', '.join(spec.needs)}" if spec.needs else ""
    return Text.assemble((spec.id, "bold"), "\n", (spec.severity, _COLOURS[spec.severity]), (needs, "dim"))


def _condition(spec: Spec) -> Text:
    missing = f"\nno data {MISSING_DATA[spec.missing]}"
    return Text.assemble(f"{SIGNS[spec.comparison]} {default(spec)}\n{window(spec)}", (missing, "dim"))


def _story(kind: Kind, spec: Spec) -> Text:
    where = " ".join(sorted({metric.namespace for metric in spec.metrics}))
    by = ", ".join(kind.levels[spec.level].dimensions) or "no dimensions"
    return Text.assemble(measure(kind, spec), "\n", (f"{where} by {by}", "dim"), "\n", spec.why)


# ---------------------------------------------------------------------------------------------------------- markdown
def as_markdown() -> str:
    """Return docs/catalogue.md."""
    return "\n".join(_markdown()) + "\n"


def _markdown() -> Iterator[str]:
    yield "<!-- Written by `make generate` from the kinds' declarations. Edit those. -->"
    yield "# Catalogue"
    yield ""
    alarms = sum(len(kind.specs) for kind in KINDS)
    yield f"{alarms} alarms, then every classic metric of SageMaker and what becomes of it."
    yield "Detailed observability of endpoints (OpenTelemetry metrics, which only PromQL alarms read) comes later."
    yield "A tag changes any default. `sagewatch catalog --format json` says the same to programs."
    yield ""
    yield "*Soonest after*: from the moment when everything breaks at plenty of traffic, judged by the evaluator that"
    yield "plays [scenarios.md](scenarios.md), data without delay. *Needs at least*: the fewest requests, or values,"
    yield "with which it fires when all of them are bad; if only some are, it needs more. *Warm-up*: for how long a new"
    yield "alarm is not evaluated. *Metrics*: what CloudWatch bills for one such alarm; of jobs, one for each host."
    for kind in KINDS:
        yield from _section(kind)
    yield from _metrics()
    yield from _misspellings()


_TITLES = (
    *("alarm", "severity", "fires at", "for", "soonest after", "needs at least", "warm-up", "metrics"),
    *("looks at", "of", "no data", "needs"),
)


def _section(kind: Kind) -> Iterator[str]:
    yield ""
    yield f"## {kind.title}: `{kind.name}`"
    yield ""
    if not kind.specs:
        yield "No alarms: its failure is a notice."
        return
    yield _line(*_TITLES)
    yield "|" + "---|" * len(_TITLES)
    for spec in kind.specs:
        yield _line(
            f"`{spec.id}`",
            spec.severity,
            f"{SIGNS[spec.comparison]} {default(spec)}",
            window(spec),
            *_need(spec),
            f"{spec.warm_up} min" if spec.warm_up else "–",
            str(len(spec.metrics)),
            f"`{measure(kind, spec)}`",
            ", ".join(kind.levels[spec.level].dimensions) or "the account",
            MISSING_DATA[spec.missing],
            ", ".join(spec.needs),
        )
    yield ""
    for spec in kind.specs:
        yield f"- **`{spec.id}`**, {spec.title}. {spec.why} *{spec.do}*{f' {spec.note}' if spec.note else ''}"


def _need(spec: Spec) -> tuple[str, str]:
    """Return the cells for how soon a row can fire, and what it needs: `1 min`, `20 requests in 5 min`."""
    need = need_of(spec)
    counted = "requests" if spec.expression and len(spec.metrics) > 1 else "value"
    each = "each " if spec.periods > 1 else ""
    length = humanise(spec.period, Unit.SECONDS)
    return humanise(need.minutes * 60, Unit.SECONDS), f"{need.number} {counted} in {each}{length}"


def _metrics() -> Iterator[str]:
    yield ""
    yield "## Metrics"
    yield ""
    yield "Each metric has an alarm, or a reason to have none. All of them are on the dashboard."
    entries = documented()
    for kind in KINDS:
        mine = [entry for entry in entries if entry.kinds[0] == kind.name]
        if not mine:
            continue
        yield ""
        yield f"### {kind.plural}"
        yield ""
        yield "| metric | namespace | unit | dimensions | alarms, or why none |"
        yield "|---|---|---|---|---|"
        for entry in mine:
            yield _line(
                f"`{entry.name}`",
                " or ".join(f"`{namespace}`" for namespace in (entry.namespace, *entry.also)),
                entry.unit,
                "; ".join(_joined(names) for names in entry.dimensions),
                ", ".join(f"`{alarm}`" for alarm in alarms_of(entry)) or entry.reason,
            )


def _joined(names: DimensionNames) -> str:
    return ", ".join(names) or "none"


def _misspellings() -> Iterator[str]:
    yield ""
    yield "## Misspellings"
    yield ""
    yield "SageMaker's documentation prints these names; CloudWatch does not know them, and no alarm uses them."
    yield ""
    yield "| printed | real |"
    yield "|---|---|"
    for wrong, right in MISSPELLINGS.items():
        yield _line(f"`{wrong}`", f"`{right}`")


def _line(*cells: str) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
