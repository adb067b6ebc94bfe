"""What the documentation says of the code: paths that exist, classes that are where it says, an example that works."""

from __future__ import annotations

import ast
import os
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from sagewatch.kinds.registry import kind
from sagewatch.model import Facts, Ref, Scope
from sagewatch.watch.plan import plan

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "layers" / "core" / "sagewatch"
PAGE = ROOT / "docs" / "architecture.md"
ARCHITECTURE = PAGE.read_text(encoding="utf-8")
GLOSSARY = (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8")
PATHS = sorted(set(re.findall(r"\b(?:[a-z_]+/)*[a-z_]+\.(?:py|yaml)\b", ARCHITECTURE)))
FOLDERS = sorted(set(re.findall(r"`((?:[a-z_]+/)+)`", ARCHITECTURE)))
WORDS = re.findall(r"^\| \*\*([^|]+) \| [^|]+ \| `(\w+)` \| `([\w/.]+)` \|$", GLOSSARY, re.MULTILINE)


@pytest.mark.parametrize("path", PATHS + FOLDERS)
def test_every_path_that_the_architecture_names_exists(path: str) -> None:
    places = (ROOT / path, PACKAGE / path, ROOT / "cli" / "sagewatch_cli" / path)

    assert any(place.exists() for place in places)


@pytest.mark.parametrize(("word", "name", "module"), WORDS)
def test_every_class_of_the_glossary_is_in_the_module_that_it_names(word: str, name: str, module: str) -> None:
    tree = ast.parse((PACKAGE / module).read_text(encoding="utf-8"))

    assert name in {node.name for node in tree.body if isinstance(node, ast.ClassDef)}, word


def test_every_room_of_the_package_is_in_the_table_of_rooms() -> None:
    rooms = {f"{each.parent.name}/" for each in PACKAGE.glob("*/__init__.py")}

    assert rooms <= set(re.findall(r"^\| `([a-z_]+/)` \|", ARCHITECTURE, re.MULTILINE))


def example(name: str) -> dict[str, Any]:
    """Run the code of an example in the documentation, and return the names that it defines."""
    code = re.findall(rf"<!-- example: {name} -->\n```python\n(.*?)```", ARCHITECTURE, re.DOTALL)
    defined: dict[str, Any] = {}
    exec(compile(code[0], f"docs/architecture.md, example {name}", "exec"), defined)
    return defined


def test_the_kind_of_the_example_is_the_one_that_a_test_adds_and_plays() -> None:
    """`SNAPSHOTS=write pytest …` writes the page anew."""
    toy = (ROOT / "tests" / "toy_kind" / "edge_packaging_job.py").read_text(encoding="utf-8")
    shown = re.compile(r"(?<=<!-- example: kind -->\n```python\n).*?(?=```)", re.DOTALL)
    if os.environ.get("SNAPSHOTS") == "write":
        PAGE.write_text(shown.sub(lambda _: toy, PAGE.read_text(encoding="utf-8")), encoding="utf-8")

    assert shown.findall(PAGE.read_text(encoding="utf-8")) == [toy]


def test_the_row_of_the_example_makes_the_alarm_that_the_page_names() -> None:
    endpoint, row = kind("endpoint"), example("row")["ROW"]
    series = ({"EndpointName": "churn", "VariantName": "AllTraffic"},)
    scope = Scope(level="variant", name="AllTraffic", series=series, traits=frozenset({"requests"}))
    facts = Facts(ref=Ref("endpoint", "churn"), live=True, scopes=(scope,))

    def requests(*specs: Any, **tags: str) -> dict[str, Any]:
        wanted = plan("sagewatch", replace(endpoint, specs=specs), replace(facts, tags=tags))
        return {alarm.name: alarm.request for alarm in wanted.alarms}

    [name] = requests(row).keys()
    tuned = requests(row, **{f"sagewatch:{row.id}": "3s"})[name]

    assert f"`{name}`" in ARCHITECTURE
    assert f"`sagewatch:{row.id}=3s`" in ARCHITECTURE
    assert tuned["Threshold"] == 3_000_000
    assert row.id not in {spec.id for spec in endpoint.specs}, "the example is a row by now: write another one"
