"""What the README promises on its first screen, and that every link in the documentation leads somewhere."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import unquote

import pytest

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
FIRST_SCREEN = README.partition("\n## ")[0]
PAGES = (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md")))
PNG, LARGEST = b"\x89PNG\r\n\x1a\n", 160_000
LINK = re.compile(r"\]\(([^()\s]+(?:\([^()]*\))?)\)|^\[[^\]]+\]: (\S+)|(?:src|srcset)=\"([^\"]+)\"", re.MULTILINE)
FENCED = re.compile(r"^```.*?^```", re.DOTALL | re.MULTILINE)


def links(page: Path) -> list[str]:
    """Return the addresses in a page that lead into this repository."""
    text = FENCED.sub("", page.read_text(encoding="utf-8"))
    found = (next(filter(None, each)) for each in LINK.findall(text))
    return [each for each in found if not each.startswith(("https://", "mailto:"))]


def anchors(page: Path) -> set[str]:
    """Return the anchors that GitHub gives to the headings of a page."""
    headings = re.findall(r"^#+ (.+)$", FENCED.sub("", page.read_text(encoding="utf-8")), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", each.lower()).replace(" ", "-") for each in headings}


def test_the_promise_has_at_most_fifteen_words() -> None:
    [promise] = re.findall(r"^\*\*(.+)\*\*$", FIRST_SCREEN, re.MULTILINE)

    assert len(promise.split()) <= 15


def test_the_first_screen_has_at_most_forty_lines() -> None:
    assert len(FIRST_SCREEN.splitlines()) <= 40


def test_the_first_screen_has_three_commands_that_make_knows() -> None:
    commands = re.findall(r"^\$ make (\w+)", FIRST_SCREEN, re.MULTILINE)
    targets = re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)

    assert len(commands) == 3
    assert set(commands) <= set(targets)


def test_the_picture_is_there_for_light_and_dark_pages() -> None:
    pictures = re.findall(r"src(?:set)?=\"([^\"]+)\"", FIRST_SCREEN)

    assert len(pictures) == 2
    for picture in pictures:
        content = (ROOT / picture).read_bytes()
        assert content.startswith(PNG)
        assert len(content) <= LARGEST


def test_each_measured_proof_links_to_the_test_that_holds_it() -> None:
    rows = re.findall(r"^\| (?!measured|---).* \|$", FIRST_SCREEN, re.MULTILINE)
    proofs = re.findall(r"^\[\d\]: (\S+) \"(\w+)\"$", FIRST_SCREEN, re.MULTILINE)

    assert len(rows) == len(proofs) == 5
    for file, test in proofs:
        assert f"def {test}(" in (ROOT / file).read_text(encoding="utf-8")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_of_a_page_leads_somewhere(page: Path) -> None:
    for link in links(page):
        path, _, anchor = unquote(link).partition("#")
        target = (page.parent / path).resolve() if path else page

        assert target.exists(), f"{page.name} links to {link}"
        assert not anchor or anchor in anchors(target), f"{page.name} links to {link}"
