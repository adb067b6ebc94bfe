"""What the layer leaves out of its libraries must not be missed."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
_CLIENTS = re.compile(
    r'(?:client|make)\("([a-z0-9-]+)"|make\(name, config=BRISK\) for name in \(((?:"[a-z0-9-]+",? ?)+)\)'
)


def asked_for() -> set[str]:
    """Return the services of which the code that runs in Lambda makes clients."""
    texts = [
        path.read_text() for folder in ("layers/core/sagewatch", "functions") for path in (ROOT / folder).rglob("*.py")
    ]
    found = [match for text in texts for match in _CLIENTS.findall(text)]
    return {name for one, several in found for name in (one, *re.findall(r'"([a-z0-9-]+)"', several)) if name}


def test_every_service_that_we_ask_is_described_in_the_layer() -> None:
    [kept] = re.findall(r"^SERVICES = (.*)$", (ROOT / "layers/core/Makefile").read_text(), re.MULTILINE)

    assert {"sagemaker", "dynamodb", "ssm", "sns", "secretsmanager"} < asked_for() <= set(kept.split())
