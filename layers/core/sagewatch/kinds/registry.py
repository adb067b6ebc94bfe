"""The kinds of SageMaker resources, one line for each, and what is found by their names."""

from __future__ import annotations

from collections.abc import Mapping

from sagewatch.kinds.ai_benchmark_job import AI_BENCHMARK_JOB
from sagewatch.kinds.ai_recommendation_job import AI_RECOMMENDATION_JOB
from sagewatch.kinds.automl_job import AUTOML_JOB
from sagewatch.kinds.cluster import CLUSTER
from sagewatch.kinds.compilation_job import COMPILATION_JOB
from sagewatch.kinds.endpoint.observe import ENDPOINT
from sagewatch.kinds.feature_group import FEATURE_GROUP
from sagewatch.kinds.inference_component import INFERENCE_COMPONENT
from sagewatch.kinds.kind import Kind, Lifetime, Spec
from sagewatch.kinds.labeling_job import LABELING_JOB
from sagewatch.kinds.model_package import MODEL_PACKAGE
from sagewatch.kinds.monitoring_schedule import MONITORING_SCHEDULE
from sagewatch.kinds.notebook import NOTEBOOK
from sagewatch.kinds.optimization_job import OPTIMIZATION_JOB
from sagewatch.kinds.pipeline import EXECUTION_TAG, PIPELINE
from sagewatch.kinds.processing_job import PROCESSING_JOB
from sagewatch.kinds.recommender_job import RECOMMENDER_JOB
from sagewatch.kinds.sagemaker_job import SAGEMAKER_JOB
from sagewatch.kinds.training_job import TRAINING_JOB
from sagewatch.kinds.transform_job import TRANSFORM_JOB
from sagewatch.kinds.tuning_job import TUNING_JOB
from sagewatch.model import Ref

KINDS: tuple[Kind, ...] = (
    ENDPOINT,
    INFERENCE_COMPONENT,
    TRAINING_JOB,
    PROCESSING_JOB,
    TRANSFORM_JOB,
    TUNING_JOB,
    AUTOML_JOB,
    SAGEMAKER_JOB,
    OPTIMIZATION_JOB,
    COMPILATION_JOB,
    AI_BENCHMARK_JOB,
    AI_RECOMMENDATION_JOB,
    PIPELINE,
    FEATURE_GROUP,
    LABELING_JOB,
    RECOMMENDER_JOB,
    MONITORING_SCHEDULE,
    CLUSTER,
    NOTEBOOK,
    MODEL_PACKAGE,
)

_BY_NAME = {kind.name: kind for kind in KINDS}
_SPECS = {(kind.name, spec.id): spec for kind in KINDS for spec in kind.specs}
_PLACES = {(kind.name, spec.id): place for kind in KINDS for place, spec in enumerate(kind.specs)}


def kind(name: str) -> Kind | None:
    """Return the kind of that name, or None."""
    return _BY_NAME.get(name)


def spec(kind: str, alarm: str) -> Spec | None:
    """Return the row of a kind with that alarm id, or None; a pair's warning is told by its critical one's row."""
    return _SPECS.get((kind, alarm)) or _SPECS.get((kind, alarm.removesuffix("-warning")))


def place_of_row(kind: str, alarm: str) -> int:
    """Return which row of its kind's table an alarm is, from 0; after all others when it is none of them."""
    row = spec(kind, alarm)
    return _PLACES[(kind, row.id)] if row else len(_PLACES)


def started_by(ref: Ref, tags: Mapping[str, str]) -> dict[str, str]:
    """Return the label of the pipeline that started something with these tags: `{"parent": "pipeline/churn"}`.

    `{}` when none did, and for a pipeline itself.
    """
    found = kind(ref.kind)
    name = tags.get(EXECUTION_TAG, "").rpartition(":pipeline/")[2].partition("/execution/")[0]
    if not name or (found and found.lifetime is Lifetime.EXECUTIONS):
        return {}
    return {"parent": f"{PIPELINE.name}/{name}"}
