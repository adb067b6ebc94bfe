"""How properties are tried: the same examples each time, so that a change and not chance makes a test fail.

`HYPOTHESIS=explore` looks for new ones.
"""

import os

from hypothesis import HealthCheck, settings

# A kind that leaves a field out stops here, with one message, and not in every module of tests.
import sagewatch.kinds.registry  # noqa: F401

settings.register_profile("same", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("explore", deadline=None, max_examples=1_000, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile(os.environ.get("HYPOTHESIS", "same"))
