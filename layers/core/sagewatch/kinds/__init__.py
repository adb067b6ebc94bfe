"""The kinds of SageMaker resources, one declaration a file. No calls to AWS here: a kind is handed a `Reader`."""

from sagewatch.kinds.endpoint import ENDPOINT
from sagewatch.kinds.inference_component import INFERENCE_COMPONENT
from sagewatch.kinds.pipeline import PIPELINE
from sagewatch.kinds.processing_job import PROCESSING_JOB
from sagewatch.kinds.training_job import TRAINING_JOB
from sagewatch.kinds.transform_job import TRANSFORM_JOB
from sagewatch.model import Kind, Spec

KINDS: tuple[Kind, ...] = (
    ENDPOINT,
    INFERENCE_COMPONENT,
    TRAINING_JOB,
    PROCESSING_JOB,
    TRANSFORM_JOB,
    PIPELINE,
)

_BY_NAME = {kind.name: kind for kind in KINDS}
_SPECS = {(kind.name, spec.id): spec for kind in KINDS for spec in kind.specs}


def kind(name: str) -> Kind | None:
    """Return the kind of that name, or None."""
    return _BY_NAME.get(name)


def spec(kind: str, alarm: str) -> Spec | None:
    """Return the row of a kind with that alarm id, or None."""
    return _SPECS.get((kind, alarm))
