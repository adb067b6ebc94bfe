"""Every call of the product ends at the account double, and every clock is the account's."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.model.scene import Scene
from tests.model.setting import on_paper


@pytest.fixture(autouse=True)
def paper() -> Iterator[None]:
    """AWS in memory."""
    with on_paper():
        yield


@pytest.fixture
def scene() -> Scene:
    """An account with the stack in it, and nothing else."""
    return Scene()
