"""Where the AWS console shows a thing, in every partition. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote

from sagewatch.model import Place, Ref

_HOSTS: Mapping[str, str] = {
    "aws-us-gov": "console.amazonaws-us-gov.com",
    "aws-cn": "console.amazonaws.cn",
}
_PAGES: Mapping[str, str] = {
    "endpoint": "endpoints",
    "training-job": "jobs",
    "processing-job": "processing-jobs",
    "transform-job": "transform-jobs",
    "tuning-job": "hyper-tuning-jobs",
    "labeling-job": "labeling-jobs/details",
    "cluster": "cluster-management",
    "notebook": "notebook-instances",
}
"""The page of a kind in the SageMaker console. Pipelines are shown in Studio, whose address we cannot know."""

_APPS: Mapping[str, str] = {"labeling-job": "groundtruth"}
"""The part of the SageMaker console that has the page, where it is not the first one."""

_LOG_GROUPS: Mapping[str, str] = {
    "endpoint": "/aws/sagemaker/Endpoints/{name}",
    "training-job": "/aws/sagemaker/TrainingJobs",
    "processing-job": "/aws/sagemaker/ProcessingJobs",
    "transform-job": "/aws/sagemaker/TransformJobs",
    "notebook": "/aws/sagemaker/NotebookInstances",
}


def alarm(place: Place, name: str) -> str:
    """Return the page of an alarm."""
    return f"{_console(place, 'cloudwatch')}#alarmsV2:alarm/{_quoted(name)}"


def resource(place: Place, ref: Ref) -> str | None:
    """Return the page of a resource, None when the console has none that its name leads to."""
    page = _PAGES.get(ref.kind)
    app = _APPS.get(ref.kind, "home")
    return f"{_console(place, 'sagemaker', app)}#/{page}/{_quoted(ref.name)}" if page else None


def logs(place: Place, ref: Ref) -> str | None:
    """Return the page of the log group that a resource writes to, None when it has none; jobs share one, by streams."""
    group = _LOG_GROUPS.get(ref.kind)
    if group is None:
        return None
    # The console quotes the name twice, with $ in place of %.
    quoted = _twice(group.format(name=ref.name))
    streams = "" if "{name}" in group else f"$3FlogStreamNameFilter$3D{_twice(f'{ref.name}/')}"
    return f"{_console(place, 'cloudwatch')}#logsV2:log-groups/log-group/{quoted}{streams}"


def _twice(name: str) -> str:
    return _quoted(_quoted(name)).replace("%", "$")


def _quoted(name: str) -> str:
    # Half a surrogate pair has no UTF-8.
    return quote(name, safe="", errors="replace")


def _console(place: Place, service: str, app: str = "home") -> str:
    host = _HOSTS.get(place.partition, f"{place.region}.console.aws.amazon.com")
    return f"https://{host}/{service}/{app}?region={place.region}"
