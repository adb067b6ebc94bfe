"""Measure how the package is built, and how far one event travels through it; print a table in markdown.

    python -m scripts.structure                      # this checkout
    python -m scripts.structure --before ../older    # beside another checkout, measured the same way
    python -m scripts.structure --names              # also what is behind the figures: names, functions, files

    python -m scripts.structure --before … --write    # the table goes into docs/architecture.md

Functions are those of the package and of functions/ that Python calls while a handler works (sys.setprofile), once
each; in brackets with lambdas and generator expressions. The depth is that of our own frames when Slack is called.
"""

from __future__ import annotations

import argparse
import ast
import json
import os
import re
import subprocess
import sys
import tokenize
import tomllib
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

HERE = Path(__file__).resolve().parents[1]
PAGE = HERE / "docs" / "architecture.md"
LONG, FIELDS = 45, 5
NAMESAKES = frozenset({"__init__", "api", "render"})
"""Modules that each receiver's folder has, and that are therefore no duplicate names."""

_GENERATED = re.compile(r"# (?:generated|<)[\s\S]*?# (?:end of generated|</)")
_FIGURES = re.compile(r"(?<=<!-- figures -->\n)[\s\S]*?(?=\n<!-- end of figures -->)")
_HTTP = ("urllib3", "connectionpool.py", "urlopen")
type _Definition = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(slots=True)
class Trace:
    """What Python called of ours while a handler worked."""

    root: Path
    called: set[CodeType] = field(default_factory=set)
    depth: int = 0

    def __call__(self, frame: FrameType, event: str, _: Any) -> None:
        """Be the profile function of the interpreter."""
        if event != "call":
            return
        code = frame.f_code
        if self._is_ours(code) and code.co_name != "<module>":
            self.called.add(code)
        # botocore calls urlopen, too; moto answers before that.
        if code.co_name == _HTTP[2] and code.co_filename.endswith(_HTTP[1]) and _HTTP[0] in code.co_filename:
            self.depth = max(self.depth, sum(self._is_ours(each) for each in _stack(frame)))

    def _is_ours(self, code: CodeType) -> bool:
        return code.co_filename.startswith((f"{self.root}/layers/core/sagewatch/", f"{self.root}/functions/"))

    def counted(self) -> dict[str, int]:
        """Return how many functions in how many modules, and how many frames deep; `all` with those without a name."""
        modules = {code.co_filename for code in self.called}
        named = [code for code in self.called if not code.co_name.startswith("<")]
        return {"functions": len(named), "all": len(self.called), "modules": len(modules), "depth": self.depth}


def _stack(frame: FrameType | None) -> Iterator[CodeType]:
    while frame:
        yield frame.f_code
        frame = frame.f_back


def traces(root: Path) -> dict[str, dict[str, int]]:
    """Play an endpoint that came into service and an alarm that fires, and return what each called."""
    from scripts import in_process

    with in_process.recording_slack() as slack, in_process.account(slack):
        in_process.create_endpoint("churn")
        reconcile, notify = in_process.handler("reconcile"), in_process.handler("notify")
        event = _traced(root, reconcile, in_process.messages(in_process.event("endpoint-in-service")))
        at = datetime.now(UTC) - timedelta(minutes=1)
        fired = in_process.alarm_event(in_process.alarms()["latency-p99"], "ALARM", at, (4e5, 1.2e6, 1.8e6))
        notice = _traced(root, notify, in_process.messages(fired))
        if not slack.messages:
            raise SystemExit("The notify function posted nothing in Slack.")
    return {"event": event, "notice": notice}


def _traced(root: Path, handler: Callable[..., Any], batch: Any) -> dict[str, int]:
    trace = Trace(root)
    sys.setprofile(trace)
    try:
        answer = handler(batch, None)
    finally:
        sys.setprofile(None)
    if answer["batchItemFailures"]:
        raise SystemExit(f"A handler of {root} failed; its figures would be those of an error.")
    return trace.counted()


@dataclass(frozen=True, slots=True)
class Figures:
    """What is counted in one checkout."""

    top: int
    """Modules beside the rooms, at the top of the package, without __init__."""

    modules: int
    """Modules of the package in all."""

    classes: int
    """Classes of the package, private ones, too."""

    layers: int
    """Layers that import-linter holds the package to."""

    longest: int
    """Lines of the longest function, its docstring included."""

    long: tuple[str, ...]
    """Functions of more than 45 lines, with their lines."""

    unexplained: tuple[str, ...]
    """Classes with more than five fields, of which one or more have no line of their own that explains them."""

    comments: float
    """Comments, as a percentage of all lines that are not blank."""

    docstrings: float
    """Public modules, classes and functions that have a docstring, in percent."""

    undocumented: tuple[str, ...]
    """Public modules, classes and functions that have none."""

    duplicates: tuple[str, ...]
    """Names of classes and modules that are used more than once."""

    repeated: tuple[str, ...]
    """Names of functions and constants that more than one module outside `kinds` defines, private ones, too."""

    touched: tuple[str, ...]
    """Files written by hand that name one kind (labeling-job); tests, payloads and docs apart."""

    event: dict[str, int]
    """Trace of an endpoint that came into service: functions and modules."""

    notice: dict[str, int]
    """Trace of an alarm that fires: functions, modules, and depth when Slack is called."""


def measure(root: Path) -> Figures:
    """Measure a checkout; its own code is run in a process of its own."""
    package = root / "layers" / "core" / "sagewatch"
    files = sorted(package.rglob("*.py"))
    trees = {file.relative_to(package): ast.parse(file.read_text(encoding="utf-8")) for file in files}
    functions = [node for tree in trees.values() for node in ast.walk(tree) if isinstance(node, _Definition.__value__)]
    classes = [node.name for tree in trees.values() for node in ast.walk(tree) if isinstance(node, ast.ClassDef)]
    names = [path.stem for path in trees if path.stem not in NAMESAKES]
    folders = [path.parent.name for path in trees if path.stem == "__init__" and path.parent.name]
    public = [(path, node) for path, tree in trees.items() for node in (tree, *_public(tree))]
    bare = [(path, node) for path, node in public if ast.get_docstring(node) is None]
    return Figures(
        top=sum(len(path.parts) == 1 and path.stem != "__init__" for path in trees),
        modules=len(trees),
        classes=len(classes),
        layers=_layers(root),
        longest=max(map(_lines, functions)),
        long=tuple(f"{node.name} {_lines(node)}" for node in functions if _lines(node) > LONG),
        unexplained=tuple(
            node.name
            for file, tree in zip(files, trees.values(), strict=True)
            for node in ast.walk(tree)
            if isinstance(node, ast.ClassDef) and _is_unexplained(node, file.read_text(encoding="utf-8").splitlines())
        ),
        comments=_comments(files),
        docstrings=100 - 100 * len(bare) / len(public),
        undocumented=tuple(f"{path}:{getattr(node, 'name', '')}" for path, node in bare),
        duplicates=(*_twice(classes), *(f"{name}.py" for name in _twice(names + folders))),
        repeated=_twice(
            name for path, tree in trees.items() if path.parts[0] != "kinds" for name in set(_definitions(tree))
        ),
        touched=tuple(_naming(root, re.compile(r"labeling[-_ ]?job", re.IGNORECASE))),
        **_traces_of(root),
    )


def _twice(names: Any) -> tuple[str, ...]:
    return tuple(sorted(name for name, times in Counter(names).items() if times > 1))


def _definitions(tree: ast.Module) -> Iterator[str]:
    """Yield the functions and constants that a module defines at its top."""
    for node in tree.body:
        if isinstance(node, _Definition.__value__):
            yield node.name
        if isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            yield from (each.id for each in targets if isinstance(each, ast.Name))


def _layers(root: Path) -> int:
    """Return the layers of the package, one that is optional or beside another included."""
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    contracts = project["tool"]["importlinter"]["contracts"]
    return max(len(each["layers"]) for each in contracts if each["type"] == "layers" and _is_of_package(each))


def _is_of_package(contract: dict[str, Any]) -> bool:
    return "sagewatch" in contract.get("containers", ()) or str(contract["layers"]).count("sagewatch.") > 2


def _comments(files: list[Path]) -> float:
    lines = comments = 0
    for file in files:
        lines += sum(bool(line.strip()) for line in file.read_text(encoding="utf-8").splitlines())
        with file.open("rb") as source:
            comments += sum(token.type == tokenize.COMMENT for token in tokenize.tokenize(source.readline))
    return 100 * comments / lines


def _lines(node: _Definition) -> int:
    return (node.end_lineno or 0) - node.lineno + 1


def _is_unexplained(node: ast.ClassDef, source: list[str]) -> bool:
    """Tell whether a class of more than five fields has one without a text below it, or a comment at or above it."""
    body = [*node.body, None]
    fields = [(each, after) for each, after in pairwise(body) if isinstance(each, ast.AnnAssign)]

    def explained(each: ast.AnnAssign, after: ast.stmt | None) -> bool:
        below = isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant)
        above = source[each.lineno - 2].lstrip().startswith("#")
        return below or above or "  # " in source[(each.end_lineno or each.lineno) - 1]

    return len(fields) > FIELDS and not all(explained(*each) for each in fields)


def _public(node: ast.AST) -> Iterator[_Definition | ast.ClassDef]:
    """Yield the public classes, functions and methods in a module or class, not what is inside functions."""
    for each in ast.iter_child_nodes(node):
        if isinstance(each, ast.ClassDef | _Definition.__value__) and not each.name.startswith("_"):
            yield each
            if isinstance(each, ast.ClassDef):
                yield from _public(each)


def _naming(root: Path, name: re.Pattern[str]) -> Iterator[str]:
    """Yield the files of the product that name a kind, what is generated in them apart."""
    for folder in ("layers/core/sagewatch", "functions", "cli", "scripts", "benchmarks"):
        for file in sorted((root / folder).rglob("*.py")):
            if file.name != Path(__file__).name and name.search(file.read_text(encoding="utf-8")):
                yield str(file.relative_to(root))
    if name.search(_GENERATED.sub("", (root / "template.yaml").read_text(encoding="utf-8"))):
        yield "template.yaml"


def _traces_of(root: Path) -> Any:
    """Run the handlers of a checkout in another process, so that two checkouts do not mix."""
    path = os.pathsep.join(str(each) for each in (root / "layers/core", root / "cli", root, HERE))
    command = [sys.executable, "-m", "scripts.structure", "--trace", str(root)]
    # In its folder, because `-m` puts that before all other paths.
    done = subprocess.run(command, cwd=root, env={**os.environ, "PYTHONPATH": path}, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(done.stderr[-2000:])
    return json.loads(done.stdout.splitlines()[-1])


ROWS: tuple[tuple[str, Callable[[Figures], str], str], ...] = (
    ("modules at the top of the package", lambda f: str(f.top), "≤ 6"),
    ("modules in all", lambda f: str(f.modules), ""),
    ("classes", lambda f: str(f.classes), "≤ 80"),
    ("import layers", lambda f: str(f.layers), "≤ 8"),
    ("one endpoint event: functions", lambda f: "{functions} ({all})".format(**f.event), "≤ 60"),
    ("… in modules", lambda f: str(f.event["modules"]), "≤ 14"),
    ("one alarm notice: functions", lambda f: "{functions} ({all})".format(**f.notice), "≤ 150"),
    ("… in modules", lambda f: str(f.notice["modules"]), "≤ 18"),
    ("… frames deep at the call of Slack", lambda f: str(f.notice["depth"]), "≤ 14"),
    ("longest function, lines", lambda f: str(f.longest), "≤ 45"),
    ("comments, share of lines", lambda f: f"{f.comments:.1f} %", "≥ 3 %"),
    ("public docstrings", lambda f: f"{f.docstrings:.0f} %", "≥ 90 %"),
    ("classes with more than five fields, not all explained", lambda f: str(len(f.unexplained)), "0"),
    ("class and module names used twice", lambda f: str(len(f.duplicates)), "0"),
    ("other names that two modules define", lambda f: str(len(f.repeated)), ""),
    ("files written by hand that name a kind", lambda f: str(len(f.touched)), "2 (its module, its line)"),
)


def table(now: Figures, before: Figures | None = None) -> str:
    """Return the figures as a table in markdown."""
    if not before:
        lines = [f"| {name} | {value(now)} | {goal} |" for name, value, goal in ROWS]
        return "\n".join(("| figure | now | goal |", "|---|--:|--:|", *lines))
    lines = [f"| {name} | {value(before)} | {value(now)} | {goal} |" for name, value, goal in ROWS]
    return "\n".join(("| figure | before | now | goal |", "|---|--:|--:|--:|", *lines))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--before", type=Path, metavar="DIR", help="another checkout to measure the same way")
    parser.add_argument("--names", action="store_true", help="list what is behind the figures")
    parser.add_argument("--write", action="store_true", help="write the table into docs/architecture.md")
    parser.add_argument("--json", action="store_true", help="print this checkout's figures as JSON instead")
    parser.add_argument("--trace", type=Path, metavar="DIR", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.trace:
        print(json.dumps(traces(given.trace.resolve())))
        return
    now = measure(HERE)
    if given.json:
        print(json.dumps(asdict(now), indent=2))
        return
    shown = table(now, measure(given.before.resolve()) if given.before else None)
    print(shown)
    if given.write:
        PAGE.write_text(_FIGURES.sub(lambda _: f"\n{shown}\n", PAGE.read_text(encoding="utf-8")), encoding="utf-8")
    if given.names:
        lists = {
            "Class and module names used twice": now.duplicates,
            "Other names that two modules define": now.repeated,
            "Files that name a kind": now.touched,
            f"Functions of more than {LONG} lines": now.long,
            "Classes whose fields are not all explained": now.unexplained,
            "Without a docstring": now.undocumented,
        }
        for title, names in lists.items():
            print(f"\n{title}: {', '.join(names) or 'none'}")


if __name__ == "__main__":
    main()
