"""Draws an account's coverage as one page of HTML that needs nothing else: no script, no network. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import botocore.session
from botocore.exceptions import UnknownRegionError
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from sagewatch.kinds import links
from sagewatch.kinds.kind import Kind
from sagewatch.kinds.registry import KINDS, spec
from sagewatch.model import Place, Ref
from sagewatch.receivers.wording.phrases import harmless
from sagewatch_cli.account.coverage import (
    NEEDS_NONE,
    ON_PURPOSE,
    Cell,
    Coverage,
    KindCoverage,
    UnwatchedReason,
    columns,
    matrix,
)

SYMBOLS: Mapping[str, tuple[str, str]] = {
    "firing": ("f", "▲"),
    "no data": ("n", "?"),
    "ok": ("k", "✓"),
    "missing": ("m", "✕"),
    "held": ("h", "="),
    "off": ("o", "–"),
    "over budget": ("b", "$"),
}
"""How a cell looks, by its word: a class and a symbol, so that nobody depends on the colour."""

_TEMPLATE = Path(__file__).with_name("coverage_page.html.j2")
_RING = 2 * math.pi * 42  # the length of the ring's line, whose radius is 42
_LONGEST = 300


@dataclass(frozen=True, slots=True)
class Grid:
    """The matrix of one kind: the rows that somebody has or lacks, and the ids of the others."""

    kind: Kind
    titles: Mapping[str, str]
    lines: Mapping[Ref, tuple[Cell, ...]]
    nobody: tuple[str, ...]


def page(coverage: Coverage) -> str:
    """Return the page; all text in it that others wrote is escaped."""
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATE.parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"plain": _harmless, "money": _money}
    where = coverage.where
    # What leads to the console: the partition follows from the Region.
    place = Place(partition=_partition(where.region), region=where.region, account=where.account)
    return environment.get_template(_TEMPLATE.name).render(
        c=coverage,
        where=where,
        drawn=(coverage.percent or 0) / 100 * _RING,
        ring=_RING,
        missing=[each for each in coverage.unwatched if each.why not in NEEDS_NONE],
        nothing=[each for each in coverage.unwatched if each.why is UnwatchedReason.NOTHING],
        meant=[each for each in coverage.unwatched if each.why in ON_PURPOSE],
        costliest=max((each.cost for each in coverage.tallies), default=0),
        largest=max((each.living for each in coverage.tallies), default=0),
        grids=[_grid(coverage, each) for each in coverage.tallies if each.watched],
        notices=[kind.name for kind in KINDS if not kind.specs],
        symbols=SYMBOLS,
        alarm_link=lambda name: links.alarm(place, name),
        resource_link=lambda ref: links.resource(place, ref),
    )


def _partition(region: str) -> str:
    """Return the partition of a Region, `aws` of one that botocore does not know."""
    try:
        return str(botocore.session.get_session().get_partition_for_region(region))
    except UnknownRegionError:
        return "aws"


def _grid(coverage: Coverage, tally: KindCoverage) -> Grid:
    lines = matrix(coverage, tally.kind)
    ids = columns(coverage, tally.kind)
    used = [each for each, column in zip(ids, zip(*lines.values(), strict=True), strict=True) if _is_used(column)]
    return Grid(
        kind=tally.kind,
        titles={each: row.title if (row := spec(tally.kind.name, each)) else each for each in used},
        lines={ref: tuple(cell for cell in cells if cell.alarm in used) for ref, cells in lines.items()},
        nobody=tuple(each for each in ids if each not in used),
    )


def _is_used(column: Iterable[Cell]) -> bool:
    return any(cell.word for cell in column)


def _harmless(text: object) -> str:
    return harmless(str(text), _LONGEST)


def _money(amount: float) -> str:
    return f"${amount:,.2f}"
