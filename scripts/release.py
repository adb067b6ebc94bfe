"""Checks what is released: two equal builds, a complete list of parts, an audit that looked at all of them.

python -m scripts.release same ONE OTHER            two builds of the layer are equal to the byte
python -m scripts.release listed SBOM REQUIREMENTS  a CycloneDX list names each requirement and nothing else
python -m scripts.release audited REPORT REQUIREMENTS  pip-audit looked at each requirement and found nothing
"""

from __future__ import annotations

import hashlib
import json
import re
import sys
from collections.abc import Callable, Mapping
from pathlib import Path


class NotGoodError(Exception):
    """What is checked is not as it must be; the message says how."""


def digests(folder: Path) -> Mapping[str, str]:
    """Return the SHA-256 of each file under a folder, by its path there."""
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def same(one: Path, other: Path) -> str:
    """Compare two builds; NotGoodError when they differ, or when there is nothing in them."""
    first, second = digests(one), digests(other)
    if not first:
        raise NotGoodError(f"{one} is empty: nothing was compared")
    differing = sorted(name for name in first.keys() | second.keys() if first.get(name) != second.get(name))
    if differing:
        shown = ", ".join(differing[:5])
        raise NotGoodError(f"{len(differing)} of {len(first.keys() | second.keys())} files differ: {shown}")
    whole = hashlib.sha256("".join(f"{digest}  {name}\n" for name, digest in first.items()).encode()).hexdigest()
    return f"{len(first)} files are the same in both builds; SHA-256 of all: {whole}"


def requirements(file: Path) -> Mapping[str, str]:
    """Return the version of each requirement by its name, `{"boto3": "1.44.5"}`; NotGoodError when there is none."""
    found = dict(re.findall(r"^([A-Za-z0-9._-]+)==([^ ;\\]+)", file.read_text(), re.MULTILINE))
    if not found:
        raise NotGoodError(f"{file} names no requirement: nothing was looked at")
    return {_normal(name): version for name, version in found.items()}


def listed(sbom: Path, wanted: Path) -> str:
    """Compare a CycloneDX list with the requirements; NotGoodError when they differ."""
    parts = _read(sbom).get("components") or []
    _compare(
        {_normal(each["name"]): each["version"] for each in parts if each.get("version")}, requirements(wanted), sbom
    )
    return f"{sbom} lists all {len(parts)} parts"


def audited(report: Path, wanted: Path) -> str:
    """Read pip-audit's report; NotGoodError when something is known, or when it did not look at each requirement."""
    looked = _read(report).get("dependencies") or []
    skipped = {each["name"]: each["skip_reason"] for each in looked if "skip_reason" in each}
    if skipped:
        raise NotGoodError(f"{len(skipped)} requirements could not be audited, first {next(iter(skipped.items()))}")
    _compare({_normal(each["name"]): each["version"] for each in looked}, requirements(wanted), report)
    known = [f"{each['name']} {each['version']}: {flaw['id']}" for each in looked for flaw in each["vulns"]]
    if known:
        raise NotGoodError("known vulnerabilities: " + "; ".join(known))
    return f"{len(looked)} requirements were audited; nothing is known of them"


def _read(file: Path) -> Mapping[str, list[Mapping[str, list[Mapping[str, str]]]]]:
    if not file.is_file() or not file.stat().st_size:
        raise NotGoodError(
            f"there is no {file}: the tool before could not run (is there a network?), nothing was looked at"
        )
    found: Mapping[str, list[Mapping[str, list[Mapping[str, str]]]]] = json.loads(file.read_text())
    return found


def _compare(found: Mapping[str, object], wanted: Mapping[str, str], where: Path) -> None:
    odd = sorted(name for name in found.keys() | wanted.keys() if found.get(name) != wanted.get(name))
    if odd:
        raise NotGoodError(f"{where} and the requirements differ about {', '.join(odd)}")


def _normal(name: object) -> str:
    """Return a name as PyPI compares names (packaging, "Names and normalization")."""
    return re.sub(r"[-_.]+", "-", str(name)).lower()


CHECKS: Mapping[str, Callable[[Path, Path], str]] = {"same": same, "listed": listed, "audited": audited}


def main(check: str, one: str, other: str) -> int:
    """Run a check, print what it says, and return the exit code."""
    try:
        print(CHECKS[check](Path(one), Path(other)))
    except NotGoodError as wrong:
        print(f"{check}: {wrong}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
