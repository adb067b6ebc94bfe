"""Where the AWS console shows a thing, in every partition. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote

from sagewatch.kinds.registry import kind
from sagewatch.model import Place, Ref

_HOSTS: Mapping[str, str] = {
    "aws-us-gov": "console.amazonaws-us-gov.com",
    "aws-cn": "console.amazonaws.cn",
    # Nobody documents these. Public code takes the domain of the partition's services (botocore, partitions.json).
    "aws-iso": "console.c2s.ic.gov",
    "aws-iso-b": "console.sc2s.sgov.gov",
    "aws-iso-e": "console.cloud.adc-e.uk",
    "aws-iso-f": "console.csp.hci.ic.gov",
}


def alarm(place: Place, name: str) -> str:
    """Return the page of an alarm."""
    return f"{_console(place, 'cloudwatch')}#alarmsV2:alarm/{_quoted(name)}"


def resource(place: Place, ref: Ref) -> str | None:
    """Return the page of a resource, None when the console has none that its name leads to."""
    found = kind(ref.kind)
    if found is None or found.page is None:
        return None
    app, _, path = found.page.partition("#/")
    return f"{_console(place, 'sagemaker', app)}#/{path}/{_quoted(ref.name)}"


def logs(place: Place, ref: Ref) -> str | None:
    """Return the page of the log group that a resource writes to, None when it has none; jobs share one, by streams."""
    found = kind(ref.kind)
    if found is None or found.log_group is None:
        return None
    group = found.log_group
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
