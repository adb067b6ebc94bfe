"""What is derived from the kinds' declarations and kept in files."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts.generate import ROOT, filled, generated


def test_what_is_generated_is_current() -> None:
    stale = [str(path.relative_to(ROOT)) for path, text in generated().items() if path.read_text() != text]

    assert not stale, "run make generate"


def test_a_template_without_one_of_the_marks_is_refused_by_name() -> None:
    without = Path(ROOT / "template.yaml").read_text().replace("# generated: api-calls", "#")

    with pytest.raises(SystemExit, match="api-calls"):
        filled(without)
