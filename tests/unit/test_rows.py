"""Every row is spoken of by name in some test: one that is added asks for a test of what it does."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

import pytest

from sagewatch.kinds.registry import KINDS

TESTS = Path(__file__).parents[1]
LISTS = {Path(__file__), TESTS / "snapshots.py"}
ROWS = [(kind.name, row.id) for kind in KINDS for row in kind.specs]


@cache
def spoken_of() -> frozenset[str]:
    """Return the last part of every text in the tests: `disk` of `sagewatch/endpoint/churn/AllTraffic/disk`."""
    trees = (ast.parse(path.read_text()) for path in TESTS.rglob("*.py") if path not in LISTS)
    texts = (node.value for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Constant))
    return frozenset(text.rpartition("/")[2] for text in texts if isinstance(text, str))


@pytest.mark.parametrize(("kind", "row"), ROWS, ids=lambda each: str(each))
def test_a_row_is_spoken_of_in_a_test(kind: str, row: str) -> None:
    assert row in spoken_of(), f"{kind}/{row}: no test says what makes this alarm fire, or which resources get it"
