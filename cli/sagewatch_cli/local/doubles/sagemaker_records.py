"""Keeps the SageMaker resources that moto has nothing of, or drops half of: what was asked for, and a state that lasts.

Each family is created, described, listed, stopped and deleted alike, and botocore's model shapes the answers. What AWS
does by itself some time after a request is left to `enter_state` and `complete_deletion`.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import botocore.session
from botocore.model import ServiceModel, Shape
from moto.core.responses import ActionResult, EmptyResult
from moto.core.utils import camelcase_to_underscores, utcnow
from moto.sagemaker.exceptions import ResourceInUseException, ResourceNotFound, ValidationError
from moto.sagemaker.models import SageMakerModelBackend, sagemaker_backends
from moto.sagemaker.responses import SageMakerResponse

from sagewatch_cli.local.machine.environment import ACCOUNT, REGION

type Record = dict[str, Any]
type OperationHandler = Callable[[SageMakerResponse], ActionResult]

MOST = 100
"""Results on a page, where a List* request names no number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceFamily:
    """Resources whose operations are answered alike."""

    noun: str
    """What their operations are called by: `ProcessingJob`."""
    arn_type: str
    """The part of the ARN before the name: `processing-job`."""
    begins: str
    """The first state."""
    named: str
    """The field with the name: `ProcessingJobName`."""
    state: str
    """The field with the state: `ProcessingJobStatus`."""
    version: str = ""
    """Part of the names of Create* and Describe*: `V2` of CreateAutoMLJobV2."""
    numbered: bool = False
    """ARNs carry an id in place of the name, as those of clusters."""
    category: str = ""
    """A parameter that Create*, Describe* and List* take besides, which ARNs have before the name: `JobCategory`."""
    missing: str = ""
    """The ValidationException's text for one that does not exist, where Describe* declares no ResourceNotFound."""
    more: Mapping[str, Any] = field(default_factory=dict)
    """Fields that AWS adds to every description."""

    @property
    def arn(self) -> str:
        return f"{self.named.removesuffix('Name')}Arn"

    def states(self) -> frozenset[str]:
        """Return every state that there is."""
        return frozenset(_answered(f"Describe{self.noun}{self.version}")[self.state].enum)  # type: ignore[attr-defined]

    def first(self, *states: str) -> str | None:
        """Return the first of these states that this family has, in its own spelling."""
        spelt = {state.casefold(): state for state in self.states()}
        return next((spelt[state] for state in states if state in spelt), None)


def _family(noun: str, arn_type: str, begins: str, **more: Any) -> ResourceFamily:
    return ResourceFamily(
        **{"noun": noun, "named": f"{noun}Name", "state": f"{noun}Status", **more}, arn_type=arn_type, begins=begins
    )


NOTHING_LABELLED = {
    "TotalLabeled": 0,
    "HumanLabeled": 0,
    "MachineLabeled": 0,
    "FailedNonRetryableError": 0,
    "Unlabeled": 0,
}

FAMILIES = (
    # DescribeInferenceComponent is thought to answer as DescribeEndpoint does; nobody has written down its words.
    _family(
        "InferenceComponent", "inference-component", "Creating", missing='Could not find inference component "{}".'
    ),
    _family("ProcessingJob", "processing-job", "InProgress"),
    _family("TransformJob", "transform-job", "InProgress"),
    _family(
        "HyperParameterTuningJob",
        "hyper-parameter-tuning-job",
        "InProgress",
        more={"Strategy": "Bayesian", "TrainingJobStatusCounters": {}, "ObjectiveStatusCounters": {}},
    ),
    _family("AutoMLJob", "automl-job", "InProgress", version="V2", more={"AutoMLJobSecondaryStatus": "Starting"}),
    _family("Job", "job", "InProgress", category="JobCategory", more={"SecondaryStatus": "Starting"}),
    _family("OptimizationJob", "optimization-job", "INPROGRESS"),
    _family("CompilationJob", "compilation-job", "INPROGRESS"),
    _family("AIBenchmarkJob", "ai-benchmark-job", "InProgress"),
    _family("AIRecommendationJob", "ai-recommendation-job", "InProgress"),
    _family("FeatureGroup", "feature-group", "Creating"),
    _family(
        "LabelingJob", "labeling-job", "InProgress", more={"LabelCounters": NOTHING_LABELLED, "JobReferenceCode": "1"}
    ),
    _family("InferenceRecommendationsJob", "inference-recommendations-job", "PENDING", named="JobName", state="Status"),
    _family("MonitoringSchedule", "monitoring-schedule", "Scheduled"),
    _family("Cluster", "cluster", "Creating", numbered=True),
    # The words that Terraform's provider looks for.
    _family("NotebookInstance", "notebook-instance", "Pending", missing="RecordNotFound"),
)

_BY_NOUN = {family.noun: family for family in FAMILIES}


@cache
def _model() -> ServiceModel:
    return botocore.session.get_session().get_service_model("sagemaker")


def _answered(operation: str) -> Mapping[str, Shape]:
    """Return the fields that an operation answers with."""
    shape = _model().operation_model(operation).output_shape
    assert shape is not None
    return shape.members


@dataclass(slots=True)
class Records:
    """Every record of an account, by family and name."""

    kept: dict[tuple[str, str], Record] = field(default_factory=dict)

    @classmethod
    def of(cls, backend: SageMakerModelBackend) -> Records:
        """Return those of a backend of moto's, which forgets them when it is reset."""
        found: Records = vars(backend).setdefault("sagewatch_records", cls())
        return found

    def create(self, family: ResourceFamily, request: Mapping[str, Any]) -> Record:
        """Make a record of a Create* request; raises ResourceInUse when the name is taken."""
        name = request[family.named]
        if (family.noun, name) in self.kept:
            raise ResourceInUseException(f"Resource {family.noun} {name} already exists.")
        called = uuid.uuid4().hex[:12] if family.numbered else name.lower()
        if family.category:
            called = f"{request[family.category]}/{name}"
        now = utcnow()
        record = {
            **family.more,
            **request,
            **_derived(request),
            family.arn: f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:{family.arn_type}/{called}",
            family.state: family.begins,
            "CreationTime": now,
            "LastModifiedTime": now,
        }
        self.kept[family.noun, name] = record
        return record

    def find(self, family: ResourceFamily, name_or_arn: str, category: str | None = None) -> Record:
        """Return a record, of that category only; when there is none, say so in the words of its API."""
        for record in self.family(family):
            if name_or_arn in (record[family.named], record[family.arn]) and category in (
                None,
                record.get(family.category),
            ):
                return record
        if family.missing:
            raise ValidationError(family.missing.format(name_or_arn))
        raise ResourceNotFound(f"Requested resource not found: {name_or_arn}")

    def family(self, family: ResourceFamily) -> Iterator[Record]:
        """Yield the records of a family by name."""
        return (record for (noun, _), record in sorted(self.kept.items()) if noun == family.noun)

    def listed(self, family: ResourceFamily, request: Mapping[str, Any]) -> list[Record]:
        """Return what a List* request asks for: `EndpointNameEquals` means that field, `StatusEquals` the state."""
        wanted = {
            family.state if asked == "StatusEquals" else asked.removesuffix("Equals"): value
            for asked, value in request.items()
            if asked.endswith("Equals") or asked == family.category
        }
        return [record for record in self.family(family) if wanted.items() <= _fields_of(record, wanted).items()]

    def forget(self, family: ResourceFamily, name: str) -> None:
        """Delete a record; raises as `find` does."""
        del self.kept[family.noun, self.find(family, name)[family.named]]

    def tagged(self, arn: str) -> list[dict[str, str]] | None:
        """Return the tags of the resource with that ARN, to be read or written; None when it is not among these."""
        for (noun, _), record in self.kept.items():
            if record[_BY_NOUN[noun].arn] == arn:
                tags: list[dict[str, str]] = record.setdefault("Tags", [])
                return tags
        return None


def _fields_of(record: Record, fields: Iterable[str]) -> dict[str, Any]:
    return {name: record[name] for name in fields if name in record}


def _derived(request: Mapping[str, Any]) -> Record:
    """Return what AWS answers beside what was asked for, from what was asked for."""
    schedule = request.get("MonitoringScheduleConfig", {})
    inputs = schedule.get("MonitoringJobDefinition", {}).get("MonitoringInputs", ())
    watched = [each["EndpointInput"]["EndpointName"] for each in inputs if "EndpointInput" in each]
    endpoint = request.get("EndpointName") or next(iter(watched), None)
    derived = {
        "EndpointName": endpoint,
        "EndpointArn": endpoint and f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:endpoint/{endpoint.lower()}",
        "MonitoringType": schedule.get("MonitoringType"),
        "WorkteamArn": request.get("HumanTaskConfig", {}).get("WorkteamArn"),
    }
    return {name: value for name, value in derived.items() if value}


def _answers(family: ResourceFamily) -> Iterator[tuple[str, OperationHandler]]:
    """Yield each operation that SageMaker has for a family, and how it is answered."""

    def create(asked: SageMakerResponse) -> ActionResult:
        return ActionResult({family.arn: _records(asked).create(family, asked.params)[family.arn]})

    def describe(asked: SageMakerResponse) -> ActionResult:
        category = asked.params.get(family.category)
        return ActionResult(_records(asked).find(family, asked.params[family.named], category))

    def stop(asked: SageMakerResponse) -> ActionResult:
        _set_state(
            _records(asked).find(family, asked.params[family.named]), family, family.first("stopping", "stopped")
        )
        return EmptyResult()

    def delete(asked: SageMakerResponse) -> ActionResult:
        record = _records(asked).find(family, asked.params[family.named])
        if deleting := family.first("deleting"):
            _set_state(record, family, deleting)
        else:
            _records(asked).forget(family, record[family.named])
        return EmptyResult()

    def list_(asked: SageMakerResponse) -> ActionResult:
        found = _records(asked).listed(family, asked.params)
        start, size = int(asked.params.get("NextToken", 0)), asked.params.get("MaxResults", MOST)
        more = {"NextToken": str(start + size)} if start + size < len(found) else {}
        return ActionResult({items: found[start : start + size], **more})

    listing = f"List{family.noun}s"
    [items] = (name for name, shape in _answered(listing).items() if shape.type_name == "list")
    yield f"Create{family.noun}{family.version}", create
    yield f"Describe{family.noun}{family.version}", describe
    yield f"Stop{family.noun}", stop
    yield f"Delete{family.noun}", delete
    yield listing, list_


def _records(asked: SageMakerResponse) -> Records:
    return Records.of(asked.sagemaker_backend)


def _set_state(record: Record, family: ResourceFamily, state: str | None) -> None:
    if state not in family.states():
        raise ValueError(f"{family.noun} has no state '{state}', but {', '.join(sorted(family.states()))}")
    record[family.state], record["LastModifiedTime"] = state, utcnow()


class RecordsResponse(SageMakerResponse):
    """Answers what SageMaker is asked about these families; the operations are added below."""

    def list_tags(self) -> ActionResult:
        tags = _records(self).tagged(self._get_param("ResourceArn"))
        return super().list_tags() if tags is None else ActionResult({"Tags": tags})

    def add_tags(self) -> ActionResult:
        tags = _records(self).tagged(self._get_param("ResourceArn"))
        if tags is None:
            return super().add_tags()
        new = {tag["Key"]: tag["Value"] for tag in (*tags, *self._get_param("Tags"))}
        tags[:] = [{"Key": key, "Value": value} for key, value in new.items()]
        return ActionResult({"Tags": tags})

    def delete_tags(self) -> ActionResult:
        tags = _records(self).tagged(self._get_param("ResourceArn"))
        if tags is None:
            return super().delete_tags()
        tags[:] = [tag for tag in tags if tag["Key"] not in self._get_param("TagKeys")]
        return EmptyResult()


# moto finds the method for an operation by its name.
for _each in FAMILIES:
    for _operation_name, _answer in _answers(_each):
        if _operation_name in _model().operation_names:
            setattr(RecordsResponse, camelcase_to_underscores(_operation_name), _answer)


def enter_state(noun: str, name: str, state: str, **more: Any) -> None:
    """Bring a resource (`ProcessingJob`, say) into a state, as AWS does some time after a request.

    `more` are further fields of its description. Raises ValueError when the family has no such state.
    """
    family = _BY_NOUN[noun]
    record = Records.of(sagemaker_backends[ACCOUNT][REGION]).find(family, name)
    _set_state(record, family, state)
    record.update(more)


def complete_deletion(noun: str, name: str) -> None:
    """Complete the deletion of a resource: from now on it is not found."""
    Records.of(sagemaker_backends[ACCOUNT][REGION]).forget(_BY_NOUN[noun], name)
