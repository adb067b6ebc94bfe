"""Write what is derived: docs/catalogue.md and parts of template.yaml from the kinds, a part of docs/messages.md from
the messages that tests hold, docs/scenarios.md and a table of docs/operations.md by playing.

A part begins with a line `# generated: <name>` and ends with a line `# end of generated`. Run: make generate
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import botocore.session
from botocore import xform_name

from sagewatch.kinds.charts import Chart, DimensionNames, dashboard_title
from sagewatch.kinds.kind import FailureNotice, Kind
from sagewatch.kinds.registry import KINDS
from sagewatch_cli.commands.catalog import as_markdown
from scripts import messages, scenarios, self_alarms, self_faults

ROOT = Path(__file__).parents[1]
CATALOGUE = ROOT / "docs/catalogue.md"
TEMPLATE = ROOT / "template.yaml"
MARKED = re.compile(r"^( *)# generated: ([a-z-]+)\n.*?^ *# end of generated\n", re.DOTALL | re.MULTILINE)
WIDTH = 8  # of the dashboard's 24 columns: three charts a row
HEIGHT = 6


# --------------------------------------------------------------------------------------------------- event patterns
def state_changes() -> Iterator[str]:
    """Yield the detail-types after which a resource's alarms are looked at."""
    for kind in _watched():
        yield from (f"- {detail_type}" for detail_type in kind.events)


def api_calls() -> Iterator[str]:
    """Yield the CloudTrail calls after which a resource's alarms are looked at."""
    for kind in _watched():
        yield from (f"- {call}" for call in kind.calls)


def outcomes() -> Iterator[str]:
    """Yield the patterns of events that tell a failure, a recovery, success or an end."""
    rows = [row for kind in KINDS for row in kind.notices]
    yield "- detail-type:"
    yield from (f"    - {row.detail_type}" for row in rows if not row.filtered)
    for row in rows:
        if row.filtered:
            yield f"- detail-type: [{row.detail_type}]"
            yield f"  detail: {_filter(row)}"


def _filter(row: FailureNotice) -> str:
    """Return the pattern of a notice's first status field: `{ EventDetails: { EventLevel: [Warn, Error] } }`."""
    states = dict.fromkeys((*row.failed, *row.succeeded, *sorted(row.recovered), *sorted(row.gone)))
    pattern = f"[{', '.join(states)}]"
    for field in reversed(row.status[0].split(".")):
        pattern = f"{{ {field}: {pattern} }}"
    return pattern


# ------------------------------------------------------------------------------------------------------ permissions
def reconcile_actions() -> Iterator[str]:
    """Yield what the reconcile function calls on named resources, `sagemaker:ListTags` apart."""
    narrow = {operation for kind in _watched() for operation, arn_type in kind.reads.items() if arn_type != "*"}
    return _actions({kind.describe for kind in _watched()} | narrow)


def reconcile_resources() -> Iterator[str]:
    """Yield what the reconcile function may read."""
    read = {arn_type for kind in _watched() for arn_type in kind.reads.values() if arn_type != "*"}
    return _arns({kind.arn_type for kind in _watched()} | read)


def reconcile_lists() -> Iterator[str]:
    """Yield what the reconcile function calls that knows no narrower resource than all."""
    return _actions({operation for kind in _watched() for operation, arn_type in kind.reads.items() if arn_type == "*"})


def sweep_lists() -> Iterator[str]:
    """Yield the lists that the sweep reads: of what is watched, and of failures that no event tells of."""
    living = {kind.listing.operation for kind in _watched()}
    return _actions(living | {kind.failures.operation for kind in KINDS if kind.failures})


def notify_actions() -> Iterator[str]:
    """Yield what the notify function calls to explain failures and changes, `sagemaker:ListTags` apart."""
    return _actions({call for kind in KINDS for call in kind.explain_calls})


def notify_resources() -> Iterator[str]:
    """Yield what the notify function may read: every kind, for its tags."""
    return _arns({kind.arn_type for kind in KINDS})


def _watched() -> Iterator[Kind]:
    return (kind for kind in KINDS if kind.specs)


def _actions(operations: Iterable[str]) -> Iterator[str]:
    return (f"- sagemaker:{_api_names()[operation]}" for operation in sorted(operations))


@cache
def _api_names() -> Mapping[str, str]:
    """Return how the API calls what boto3 calls so: `describe_auto_ml_job_v2` → `DescribeAutoMLJobV2`."""
    model = botocore.session.get_session().get_service_model("sagemaker")
    return {xform_name(name): name for name in model.operation_names}


def _arns(arn_types: Iterable[str]) -> Iterator[str]:
    account = "arn:${AWS::Partition}:sagemaker:${AWS::Region}:${AWS::AccountId}"
    return (f"- !Sub {account}:{arn_type}/*" for arn_type in sorted(arn_types))


# -------------------------------------------------------------------------------------------------------- dashboard
def dashboard() -> Iterator[str]:
    """Yield the dashboard's body, a line for each widget.

    SEARCH expressions find what there is when somebody looks, so resources that come and go need no upkeep.
    """
    lines = ",\n".join(json.dumps(each, separators=(",", ":")) for each in _widgets())
    yield "DashboardBody: !Sub |-"
    yield from (f"  {line}" for line in f'{{"widgets":[\n{lines}\n]}}'.splitlines())


def _widgets() -> Iterator[dict[str, Any]]:
    """Yield the title, then a heading for each kind, and its charts; CloudWatch places what has no position."""
    yield _text(dashboard_title("${AlarmPrefix}"), 1)
    for kind in KINDS:
        markdown = f"## {kind.plural}\n{kind.without_charts}".rstrip()
        yield _text(markdown, 2 if kind.without_charts else 1)
        yield from map(_chart, kind.charts)


def _text(markdown: str, height: int) -> dict[str, Any]:
    return {"type": "text", "width": 24, "height": height, "properties": {"markdown": markdown}}


def _chart(chart: Chart) -> dict[str, Any]:
    searches = [
        [{"expression": search(namespace, names, metric, chart.shown)}]
        for namespace in (chart.namespace, *chart.also)
        for names in chart.dimensions
        for metric in chart.metrics
    ]
    properties = {"title": chart.title, "region": "${AWS::Region}", "metrics": searches}
    return {"type": "metric", "width": WIDTH, "height": HEIGHT, "properties": properties}


def search(namespace: str, dimensions: DimensionNames, metric: str, statistic: str) -> str:
    """Return the expression that finds all metrics of a name with exactly these dimensions."""
    # CloudWatch wants quotes around odd names; its own examples leave slashes bare.
    schema = ",".join((f'"{namespace}"' if "-" in namespace else namespace, *dimensions))
    return f"SEARCH('{{{schema}}}{_term(metric)}', '{statistic}')"


def _term(metric: str) -> str:
    if metric == "*":
        return ""
    # Unquoted, CloudWatch looks for the words of the name, next to each other, anywhere in it.
    return f" MetricName={metric.removesuffix('_*')}" if metric.endswith("_*") else f' MetricName="{metric}"'


# ------------------------------------------------------------------------------------------------------------ files
PARTS: Mapping[str, Callable[[], Iterable[str]]] = {
    "state-changes": state_changes,
    "api-calls": api_calls,
    "outcomes": outcomes,
    "reconcile-actions": reconcile_actions,
    "reconcile-resources": reconcile_resources,
    "reconcile-lists": reconcile_lists,
    "sweep-lists": sweep_lists,
    "notify-actions": notify_actions,
    "notify-resources": notify_resources,
    "self-alarms": self_alarms.lines,
    "dashboard": dashboard,
}
"""Name in the mark → the lines of that part, without their indentation."""


def filled(template: str) -> str:
    """Return the template with every part as it should be; SystemExit when its marks are not those of PARTS."""
    marks = [found[2] for found in MARKED.finditer(template)]
    if sorted(marks) != sorted(PARTS):
        raise SystemExit(f"template.yaml has marks of {sorted(marks)}, and should have those of {sorted(PARTS)}")
    return MARKED.sub(_filled_part, template)


def _filled_part(found: re.Match[str]) -> str:
    indent, name = found.groups()
    lines = (f"# generated: {name}", *PARTS[name](), "# end of generated")
    return "".join(f"{indent}{line}\n" for line in lines)


def generated() -> dict[Path, str]:
    """Return every file that is generated, or holds generated parts, as it should be."""
    return {
        CATALOGUE: as_markdown(),
        TEMPLATE: filled(TEMPLATE.read_text()),
        messages.PAGE: messages.filled(messages.PAGE.read_text()),
    }


if __name__ == "__main__":
    for path, text in {**generated(), scenarios.TARGET: scenarios.rendered()}.items():
        path.write_text(text)
    if self_faults.OPERATIONS.exists():
        self_faults.OPERATIONS.write_text(self_faults.filled(self_faults.OPERATIONS.read_text()))
