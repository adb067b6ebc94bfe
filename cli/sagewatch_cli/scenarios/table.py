"""The table of scenarios, one line each: what must be noticed, and what must stay silent."""

from __future__ import annotations

from sagewatch_cli.scenarios.scenario import Scenario, fault, healthy

FAULTS: tuple[Scenario, ...] = (
    fault("endpoint", "3 requests a minute, every one fails", "errors-5xx", 30, {"fails": 1}, usual={"rate": 3}),
)
HEALTHY: tuple[Scenario, ...] = (healthy("endpoint", "an ordinary day of 60 requests a minute"),)
SCENARIOS = (*FAULTS, *HEALTHY)
