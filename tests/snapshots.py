"""What is printed, compared whole with text files; `SNAPSHOTS=write pytest …` writes them anew."""

from __future__ import annotations

import os
from pathlib import Path

from sagewatch.kinds.registry import KINDS

FOLDER = Path(__file__).parent / "unit" / "snapshots"

DRAWN = {
    "endpoint": {
        *("errors-5xx", "model-errors", "latency-p99", "memory", "disk", "errors-4xx", "overhead-latency"),
        *("cpu", "gpu", "gpu-memory", "idle", "concurrency", "midstream-errors"),
    },
    "pipeline": {"executions-failed", "executions-stopped", "execution-duration", "step-failed"},
    "training-job": {"memory", "disk", "gpu-memory", "gpu-stalled", "cpu-stalled"},
}
"""The rows of which there are snapshots, by kind."""

NOT_DRAWN = frozenset(
    (kind.name, spec.id) for kind in KINDS for spec in kind.specs if spec.id not in DRAWN.get(kind.name, set())
)
"""All other rows: snapshots are made without them, so that a new row changes none."""


def snapshot(name: str, printed: str) -> str:
    """Return what the file of that name says; when the environment asks for it, write the file first."""
    file = FOLDER / f"{name}.txt"
    if os.environ.get("SNAPSHOTS") == "write":
        file.write_text(printed, encoding="utf-8")
    return file.read_text(encoding="utf-8")
