"""How properties are tried, and what AWS is asked for.

Properties are tried with the same examples each time, so that a change and not chance makes a test fail;
`HYPOTHESIS=explore` looks for new ones. Every call to AWS is recorded, and must be allowed by the role of who makes it.
"""

import os
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

# A kind that leaves a field out stops here, with one message, and not in every module of tests.
import sagewatch.kinds.registry  # noqa: F401
from tests import recorder

settings.register_profile("same", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("explore", deadline=None, max_examples=1_000, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile(os.environ.get("HYPOTHESIS", "same"))

recorder.install()


@pytest.fixture(autouse=True)
def what_is_called_is_allowed() -> Iterator[None]:
    """No function calls what its role in the template does not allow."""
    before = set(recorder.calls)
    yield
    assert recorder.not_allowed(recorder.calls - before) == []


def pytest_sessionfinish() -> None:
    recorder.keep()
