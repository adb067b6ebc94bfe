"""Write the dashboard's body into template.yaml, between its marks: one chart for each family of metrics.

SEARCH expressions find what there is when somebody looks, so resources that come and go need no upkeep. Run: make
dashboard
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sagewatch_cli.metrics import FAMILIES, SECTIONS, WITHOUT_METRICS, Family, Names

TARGET = Path(__file__).parents[1] / "template.yaml"
MARKED = re.compile(r"(?<=# <dashboard>\n).*?(?=^ *# </dashboard>)", re.DOTALL | re.MULTILINE)
WIDTH = 8  # of 24 columns: three charts a row
HEIGHT = 6


def widgets() -> Iterator[dict[str, Any]]:
    """Yield a heading for each kind, and its charts; CloudWatch places what has no position where there is room."""
    for kind, title in SECTIONS.items():
        yield _heading(title, WITHOUT_METRICS.get(kind, ""))
        yield from (_chart(family) for family in FAMILIES if family.kind == kind)


def _heading(title: str, text: str) -> dict[str, Any]:
    markdown = f"## {title}\n{text}" if text else f"## {title}"
    return {"type": "text", "width": 24, "height": 2 if text else 1, "properties": {"markdown": markdown}}


def _chart(family: Family) -> dict[str, Any]:
    searches = [
        [{"expression": search(namespace, names, metric, family.shown)}]
        for namespace in (family.namespace, *family.also)
        for names in family.dimensions
        for metric in family.metrics
    ]
    properties = {"title": family.title, "region": "${AWS::Region}", "metrics": searches}
    return {"type": "metric", "width": WIDTH, "height": HEIGHT, "properties": properties}


def search(namespace: str, dimensions: Names, metric: str, statistic: str) -> str:
    """Return the expression that finds all metrics of a name with exactly these dimensions."""
    # CloudWatch wants quotes around odd names; its own examples leave slashes bare.
    schema = ",".join((f'"{namespace}"' if "-" in namespace else namespace, *dimensions))
    return f"SEARCH('{{{schema}}}{_term(metric)}', '{statistic}')"


def _term(metric: str) -> str:
    if metric == "*":
        return ""
    # Unquoted, CloudWatch looks for the words of the name, next to each other, anywhere in it.
    return f" MetricName={metric.removesuffix('_*')}" if metric.endswith("_*") else f' MetricName="{metric}"'


def block() -> str:
    """Return the YAML between the marks, a line for each widget."""
    lines = ",\n".join(json.dumps(each, separators=(",", ":")) for each in widgets())
    body = f'{{"widgets":[\n{lines}\n]}}'
    return "      DashboardBody: !Sub |-\n" + "".join(f"        {line}\n" for line in body.splitlines())


def written(template: str) -> str:
    """Return the template with the dashboard as it should be."""
    text, times = MARKED.subn(lambda _: block(), template)
    if times != 1:
        raise SystemExit("template.yaml must have one pair of marks: # <dashboard> and # </dashboard>")
    return text


if __name__ == "__main__":
    TARGET.write_text(written(TARGET.read_text()))
