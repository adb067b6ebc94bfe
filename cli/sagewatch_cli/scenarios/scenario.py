"""What a scenario is: a facet, its traffic, what breaks, and what must be said about it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from sagewatch_cli.scenarios.publisher import Condition

type Quantity = float | Callable[[int], float]
"""A number, or how it goes in the minutes after the change: `lambda minute: 0.5 + minute / 600`."""

START = 60
"""The minute in which a scenario's change begins; until then, all is as usual and nothing may alarm."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """One line of the table. Times are in minutes."""

    says: str
    """What happens, in words: `3 requests a minute, every one of them fails`."""

    facet: str
    """Which of FACETS it happens to."""

    usual: Mapping[str, float] = field(default_factory=dict)
    """How it is before, where that differs from the facet's usual."""

    then: Mapping[str, Quantity] = field(default_factory=dict)
    """What changes at `start`."""

    rows: tuple[str, ...] = ()
    """For a fault, the alarms one of which must fire; for a healthy pattern, none."""

    within: int = 0
    """How long after the change it must have fired at the latest; 0 for a healthy pattern."""

    lasts: int = 120
    """How long the change lasts, or how long a healthy pattern is watched."""

    holds: Callable[[int], bool] = lambda _minute: True
    """Whether the change holds, so many minutes after it began: a pattern that comes and goes."""

    may: tuple[str, ...] = ()
    """Alarms that may fire, or not: nobody is woken by them, and they are true."""

    first: str = ""
    """As which other facet it is described at the product's first look."""

    later: tuple[tuple[int, str], ...] = ()
    """Other looks of the product: at minute 80, it is described as another facet."""

    start: int = START
    """When the change begins."""

    after: int = 30
    """How long it is watched when the change is over."""

    @property
    def is_fault(self) -> bool:
        return bool(self.rows)

    @property
    def minutes(self) -> int:
        """Return how long all of it takes."""
        return self.start + self.lasts + self.after

    def condition(self, usual: Condition, minute: int) -> tuple[Condition, Condition]:
        """Return how it is in a minute, and how it would be without the change."""
        before = {**usual, **self.usual}
        since = minute - self.start
        if not (0 <= since < self.lasts and self.holds(since)):
            return before, before
        changed = {name: value(since) if callable(value) else value for name, value in self.then.items()}
        return {**before, **changed}, before


def fault(facet: str, says: str, rows: str, within: int, then: Mapping[str, Quantity], **more: object) -> Scenario:
    """Return a line about a fault: one of the `rows` (`"errors-5xx"`, or several between commas) must fire within so
    many minutes."""
    named = tuple(row.strip() for row in rows.split(","))
    return Scenario(facet=facet, says=says, rows=named, within=within, then=then, **more)  # type: ignore[arg-type]


def healthy(facet: str, says: str, then: Mapping[str, Quantity] | None = None, **more: object) -> Scenario:
    """Return a line about an ordinary day: nothing may fire."""
    return Scenario(facet=facet, says=says, then=then or {}, **more)  # type: ignore[arg-type]
