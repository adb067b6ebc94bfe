"""Reads the parts of a resource, some of which may be denied: what depends on those is unknown, the rest is watched."""

from __future__ import annotations

from dataclasses import dataclass, field

from sagewatch.errors import NotAllowed
from sagewatch.kinds.kind import Reader
from sagewatch.model import Capacity, Description, Published


@dataclass(slots=True)
class PartReader:
    """A Reader to which what the role may not read is as if it were deleted; it keeps in mind why."""

    read: Reader
    denied: dict[str, str] = field(default_factory=dict)
    """What was asked for, by its name → AWS's answer."""

    def why(self, name: str) -> str:
        """Return why a part has no description: `was deleted`, or `may not be read: AccessDenied…`."""
        return f"may not be read: {self.denied[name]}" if name in self.denied else "was deleted"

    def __call__(self, operation: str, **parameters: object) -> Description | None:
        try:
            return self.read(operation, **parameters)
        except NotAllowed as error:
            self.denied[str(next(iter(parameters.values())))] = str(error)
            return None

    def listed(self, operation: str, items: str, **parameters: object) -> tuple[Description, ...]:
        try:
            return self.read.listed(operation, items, **parameters)
        except NotAllowed as error:
            self.denied[operation] = str(error)
            return ()

    def published(
        self, metric: str | None = None, within: str | None = None, **dimensions: str
    ) -> tuple[Published, ...]:
        return self.read.published(metric, within, **dimensions)

    def capacity(self, instance_type: str) -> tuple[Capacity | None, str]:
        return self.read.capacity(instance_type)
