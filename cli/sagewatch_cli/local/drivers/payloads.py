"""Makes events out of the real payloads in events/: the same shape, other particulars."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sagewatch_cli.local.doubles.event_bus import BusEvent

NULLABLE = frozenset({"FailureReason", "TrainingStartTime", "TrainingEndTime", "TuningJobArn", "responseElements"})
"""Fields that SageMaker and CloudTrail send as null rather than leave out."""


@dataclass(frozen=True, slots=True)
class Events:
    """The payloads of a folder, by name."""

    folder: Path

    def load(self, name: str) -> BusEvent:
        """Return a payload as it is written."""
        event: BusEvent = json.loads((self.folder / f"{name}.json").read_text())
        return event

    def make(self, name: str, *, detail: Mapping[str, Any], resources: Sequence[str] | None = None) -> BusEvent:
        """Return a payload with an id and a time of its own, and these fields in its detail; None leaves one out."""
        event = self.load(name)
        left_out = {key for key, value in detail.items() if value is None} - NULLABLE
        return {
            **event,
            "id": str(uuid.uuid4()),
            "time": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "resources": event["resources"] if resources is None else list(resources),
            "detail": {key: value for key, value in {**event["detail"], **detail}.items() if key not in left_out},
        }


def milliseconds(time: datetime | None) -> int | None:
    """Return a time as SageMaker's events have it."""
    return int(time.timestamp() * 1000) if time else None
