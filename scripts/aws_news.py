"""Name what the locked botocore knows of SageMaker and CloudWatch that the product neither handles nor dismisses.

Handled is what the source names: the operations that kinds and clients call, the CloudTrail calls that kinds declare,
the fields that are read or written, the states that kinds tell apart. All else is dismissed in `aws_record.txt`, under
the reason why. The models know no event detail-types; those are in the EventBridge reference only.

Run: make aws-news. Another botocore's models: python -m scripts.aws_news --data …/botocore/data
"""

from __future__ import annotations

import argparse
import ast
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from botocore import xform_name
from botocore.loaders import Loader
from botocore.model import ServiceModel, Shape

from sagewatch.kinds.kind import Kind
from sagewatch.kinds.registry import KINDS

ROOT = Path(__file__).parents[1]
RECORD = Path(__file__).with_name("aws_record.txt")
SOURCES = ("layers/core/sagewatch", "functions", "cli/sagewatch_cli/account", "cli/sagewatch_cli/commands")
"""Where naming a thing means handling it; the doubles name much that the product does not know."""

METRIC_FIELD = re.compile("Metric|Alarm|WarmUp|Observab|Publish")
"""Names of fields of SageMaker's that say something of metrics or alarms."""

WRITTEN = ("PutMetricAlarm", "PutAlarmMuteRule")
"""CloudWatch's requests of which every field counts."""


@dataclass(frozen=True, slots=True, order=True)
class Known:
    """One thing that a model knows: `Known("sagemaker", "operation", "Cluster", "Describe")`."""

    service: str
    what: str
    """`operation`, `field` or `state`."""
    name: str
    """An operation's resource, the name of a field, the shape of a state."""
    part: str = ""
    """An operation's verb, or one state of the shape; nothing for a field."""

    def __str__(self) -> str:
        return f"{self.service} {self.what} {self.part if self.what == 'operation' else ''}{self.name}" + (
            f" {self.part}" if self.what == "state" else ""
        )


def known(service: str, loader: Loader) -> Iterator[Known]:
    """Yield what the model of a service knows: operations, metric-related fields, states of our kinds."""
    model = ServiceModel(loader.load_service_model(service, "service-2"), service_name=service)
    for operation in model.operation_names:
        yield Known(service, "operation", *_noun_and_verb(operation))
    yield from (Known(service, "field", name) for name in sorted(set(_fields(model))))
    if service == "sagemaker":
        for kind in KINDS:
            yield from _states(model, kind)


def _noun_and_verb(operation: str) -> tuple[str, str]:
    """Split an operation: `ListModelPackages` → `("ModelPackages", "List")`."""
    verb = re.match("[A-Z][a-z]+", operation)
    assert verb is not None, operation
    return operation[verb.end() :], verb[0]


def _fields(model: ServiceModel) -> Iterator[str]:
    if model.service_name == "sagemaker":
        shapes = (model.shape_for(name) for name in model.shape_names)
        members = (name for shape in shapes if shape.type_name == "structure" for name in shape.members)  # type: ignore[attr-defined]
        yield from filter(METRIC_FIELD.search, members)
        return
    for operation in WRITTEN:
        yield from _members(model.operation_model(operation).input_shape, set())


def _members(shape: Shape | None, seen: set[str]) -> Iterator[str]:
    """Yield the names of all fields of a request, those of the structures in it too."""
    if shape is None or shape.name in seen:
        return
    seen.add(shape.name)
    if shape.type_name == "list":
        yield from _members(shape.member, seen)  # type: ignore[attr-defined]
    if shape.type_name == "structure":
        for name, member in shape.members.items():  # type: ignore[attr-defined]
            yield name
            yield from _members(member, seen)


def _states(model: ServiceModel, kind: Kind) -> Iterator[Known]:
    """Yield the states of a kind: the enumerations among the fields of its description."""
    operations = {xform_name(name): name for name in model.operation_names}
    described = model.operation_model(operations[kind.describe]).output_shape
    assert described is not None, kind.describe
    for name, shape in described.members.items():
        if name.endswith(("Status", "Category")):
            values: Iterable[str] = getattr(shape, "enum", ())
            yield from (Known("sagemaker", "state", shape.name, value) for value in values)


_NAMING = ("attr", "value", "arg")
"""The fields of Python's syntax tree with the names that count: of a call, a text, a parameter."""


def handled(sources: Iterable[Path]) -> Mapping[str, str]:
    """Return every name that the modules have, and which has it first: of operations, fields, states."""
    found: dict[str, str] = {}
    for path in sources:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            texts = (getattr(node, field, None) for field in _NAMING)
            for name in (each for each in texts if isinstance(each, str)):
                found.setdefault(name, path.stem)
    return found


def handled_states(loader: Loader) -> dict[str, str]:
    """Return every state that its own kind's module has, and that module: `{"JobStatus Failed": "sagemaker_job"}`."""
    model = ServiceModel(loader.load_service_model("sagemaker", "service-2"), service_name="sagemaker")
    found: dict[str, str] = {}
    for kind in KINDS:
        declared = Path(kind.live.__code__.co_filename)
        # A kind is a module, or all modules of a package.
        alone = declared.parent.name == "kinds"
        own = handled([declared] if alone else sorted(declared.parent.glob("*.py")))
        found |= {f"{each.name} {each.part}": own[each.part] for each in _states(model, kind) if each.part in own}
    return found


def source_files() -> Iterator[Path]:
    """Yield the modules in which naming a thing means handling it."""
    return (path for folder in SOURCES for path in sorted((ROOT / folder).rglob("*.py")))


def handler(thing: Known, names: Mapping[str, str]) -> str | None:
    """Return the module that handles a thing, None when none does."""
    if thing.what != "operation":
        return names.get(f"{thing.name} {thing.part}".strip())
    operation = f"{thing.part}{thing.name}"
    # CloudTrail's spelling, then boto3's. A single word, such as `search`, is the name of other things too.
    return names.get(operation) or names.get(xform_name(operation)) if thing.name else None


def dismissed(record: str) -> dict[Known, str]:
    """Read the record: each thing that is dismissed, and why. SystemExit when a line cannot be read, by its number.

    `because …` begins a group; a line is `<service> <what> <name>: <part> <part>`, a field's without parts, `-` for the
    name of an operation that is only a verb.
    """
    found: dict[Known, str] = {}
    why = ""
    for number, line in enumerate(record.splitlines(), 1):
        if line.startswith("because "):
            why = line.removeprefix("because ")
        elif line and not line.startswith("#"):
            read = re.fullmatch(r"(\w+) (operation|field|state) (\w+|-)(?:: (.+))?", line)
            if read is None or not why:
                raise SystemExit(f"{RECORD.name}, line {number}: {line!r} is no entry, or stands under no reason")
            service, what, name, parts = read.groups()
            named = "" if name == "-" else name
            found.update({Known(service, what, named, part): why for part in (parts or "").split() or ("",)})
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class News:
    """What is to be looked at."""

    new: tuple[Known, ...]
    """What the models know, and neither source nor record does."""
    gone: tuple[Known, ...]
    """What the record dismisses, and the models do not know any more."""
    handled_now: tuple[Known, ...]
    """What the record dismisses, and the source handles: the line can go."""


def news(loader: Loader, record: str) -> News:
    """Compare the models with the source and the record."""
    names, without = {**handled(source_files()), **handled_states(loader)}, dismissed(record)
    things = {thing for service in ("sagemaker", "cloudwatch") for thing in known(service, loader)}
    own = {thing for thing in things if handler(thing, names)}
    return News(
        new=tuple(sorted(things - own - without.keys())),
        gone=tuple(sorted(without.keys() - things)),
        handled_now=tuple(sorted(without.keys() & own)),
    )


def main(arguments: list[str]) -> int:
    """Print the news, one line each; return 1 when something is new or gone."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--data", type=Path, help="the data folder of another botocore")
    parser.add_argument("--all", action="store_true", help="also say who handles what, and why the rest is dismissed")
    chosen = parser.parse_args(arguments)
    loader = Loader() if chosen.data is None else Loader([str(chosen.data)], include_default_search_paths=False)
    record = RECORD.read_text(encoding="utf-8")
    if chosen.all:
        names, without = {**handled(source_files()), **handled_states(loader)}, dismissed(record)
        for thing in sorted({each for service in ("sagemaker", "cloudwatch") for each in known(service, loader)}):
            module = handler(thing, names)
            print(f"{thing}: {f'handled by {module}' if module else f'dismissed because {without.get(thing, "?")}'}")
    found = news(loader, record)
    for title, things in (("new", found.new), ("gone", found.gone), ("handled now", found.handled_now)):
        for thing in things:
            print(f"{title}: {thing}")
    return int(bool(found.new or found.gone))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
