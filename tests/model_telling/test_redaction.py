"""Secrets in the reason of a failure reach nobody and are not kept; what only looks like one is shown as it is.

`secrets.tsv` and `harmless.tsv` have a line for each: where its format is published, and a text. In the first a secret
stands between ⟨ and ⟩, and what is made up at run time in braces, so that no file holds anything that looks real:
`{h32}` is 32 hexadecimal digits, `l` small letters and digits, `an` letters and digits, `U` capitals and digits, `B`
base 32, `k` base 64, `q` bech32, `d` digits, `{u}` a UUID; `\\n` is a line break.
"""

from __future__ import annotations

import base64
import json
import re
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from random import Random
from string import ascii_letters, ascii_lowercase, ascii_uppercase, digits

import pytest

from tests.model_telling.cloud import ACCOUNT, REGION
from tests.model_telling.dynamo import strings
from tests.model_telling.world import World, world

_ALPHABETS = {
    "h": digits + "abcdef",
    "l": ascii_lowercase + digits,
    "an": ascii_letters + digits,
    "U": ascii_uppercase + digits,
    "B": ascii_uppercase + "234567",
    "k": ascii_letters + digits + "+/",
    "q": "QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L",
    "d": digits,
}
_MADE_UP = re.compile(r"\{(?:([a-zA-Z]+)(\d+)|(u))\}")


@dataclass(frozen=True, slots=True)
class Sample:
    """One text of a file; `secret` are the pieces of it that nobody may see."""

    source: str
    text: str
    secret: tuple[str, ...] = ()


def _filled(text: str, random: Random) -> str:
    def made(found: re.Match[str]) -> str:
        if found[3]:
            return "-".join(_some("h", length, random) for length in (8, 4, 4, 4, 12))
        return _some(found[1], int(found[2]), random)

    return _MADE_UP.sub(made, text)


def _some(alphabet: str, length: int, random: Random) -> str:
    return "".join(random.choices(_ALPHABETS[alphabet], k=length))


def _lines(name: str) -> Iterator[tuple[int, str, str]]:
    for number, line in enumerate((Path(__file__).parent / name).read_text().splitlines(), 1):
        source, text = line.split("\t")
        yield number, source, text


@cache
def secrets() -> list[Sample]:
    found = []
    for number, source, text in _lines("secrets.tsv"):
        filled = _filled(text, Random(number)).replace("\\n", "\n")
        hidden = [
            piece for part in re.findall("⟨(.*?)⟩", filled, re.DOTALL) for piece in re.split(r"[\s\\:@/.=_-]+", part)
        ]
        pieces = tuple(piece for piece in hidden if len(piece) >= 8 and any(map(str.isdigit, piece)))
        found.append(Sample(f"{number} {source}", re.sub("[⟨⟩]", "", filled), pieces))
    return found


@cache
def harmless() -> list[Sample]:
    return [Sample(f"{number} {source}", text) for number, source, text in _lines("harmless.tsv")]


def _seen(here: World) -> dict[str, str]:
    """Return all that went out or is kept, by where."""
    kept = [text for item in here.dynamo.items.values() for text in strings(item)]
    return {
        "slack": "\n".join(each.everything for each in here.slack.posted),
        "topics": "\n".join(f"{each.subject}\n{each.body}\n{each.labels}" for each in here.topics.mails),
        "webhook": json.dumps(here.hook.documents, ensure_ascii=False),
        "pagerduty": json.dumps(here.pager.events, ensure_ascii=False),
        "table": "\n".join(map(_opened, kept)),
    }


def _opened(text: str) -> str:
    """Return a text that is kept as people would read it: what is compressed, taken apart."""
    try:
        return zlib.decompress(base64.b64decode(text, validate=True)).decode()
    except (ValueError, zlib.error):
        return text


@cache
def _told(kind: str) -> list[Mapping[str, str]]:
    """Return what became of each text of a kind, told as the reason of a failed job."""
    found = []
    with world() as here:
        for number, sample in enumerate(secrets() if kind == "secrets" else harmless()):
            for kept in (
                here.slack.posted,
                here.topics.mails,
                here.hook.documents,
                here.pager.events,
                here.dynamo.items,
            ):
                kept.clear()
            name = f"job-{number}"
            arn = f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:training-job/{name}"
            here.fails(name, TrainingJobName=name, TrainingJobArn=arn, FailureReason=f"AlgorithmError: {sample.text}")
            here.passes(1)
            found.append(_seen(here))
    return found


def test_both_files_have_enough_to_try() -> None:
    assert len(secrets()) >= 150
    assert len(harmless()) >= 150
    assert all(each.secret for each in secrets())


EACH_SECRET = pytest.mark.parametrize("number", range(len(secrets())), ids=lambda number: secrets()[number].source)


def _found(number: int) -> dict[str, str]:
    """Return where a secret was seen, and the piece of it that was."""
    sample, seen = secrets()[number], _told("secrets")[number]
    return {where: piece for where, text in seen.items() for piece in sample.secret if piece in text}


@EACH_SECRET
def test_a_secret_reaches_nobody(number: int) -> None:
    assert {where: piece for where, piece in _found(number).items() if where != "table"} == {}


@EACH_SECRET
def test_a_secret_is_not_kept(number: int) -> None:
    assert "table" not in _found(number)


@pytest.mark.parametrize("number", range(len(harmless())), ids=lambda number: harmless()[number].source)
def test_what_only_looks_like_a_secret_is_shown(number: int) -> None:
    sample, seen = harmless()[number], _told("harmless")[number]

    assert sample.text in seen["topics"]
    assert "[redacted]" not in seen["slack"]
