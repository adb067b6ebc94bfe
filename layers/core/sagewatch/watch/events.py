"""Reads which resource an event names; what happened to it is not read (rule: level, not edge). Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from sagewatch.errors import Undeliverable
from sagewatch.kinds.registry import KINDS
from sagewatch.model import Labels, Ref

type Event = Mapping[str, Any]

_BY_DETAIL_TYPE = {detail_type: (kind, field) for kind in KINDS for detail_type, field in kind.events.items()}
# CloudTrail spells parameters with a lower-case first letter, `endpointName` (SageMaker Developer Guide, "Log API
# calls").
_BY_CALL = {call: (kind, parameter) for kind in KINDS for call, parameter in kind.calls.items()}
_BY_ARN_TYPE = {kind.arn_type: kind for kind in KINDS}
_WITHOUT_ROWS = frozenset(kind.name for kind in KINDS if not kind.specs)
_TAG_CALLS = frozenset({"AddTags", "DeleteTags"})


def parse(body: str) -> Event:
    """Read a queue message; Undeliverable when it is not a JSON object."""
    try:
        event = json.loads(body)
    except ValueError as wrong:
        raise Undeliverable(f"The message is not JSON: {wrong}") from wrong
    if not isinstance(event, dict):
        raise Undeliverable(f"The message is a JSON {type(event).__name__}, not an event")
    return event


def ref_of(event: Event) -> Ref | None:
    """Return which resource an event names, None when it gets no alarms; Undeliverable when it cannot be told.

    An event is one of SageMaker's state changes, a CloudTrail record of a call, a change of one of our alarms, or a
    request of our own: `{"kind": "endpoint", "name": "churn"}`.
    """
    detail_type, detail = event.get("detail-type"), event.get("detail")
    ref: Ref | None
    if event.keys() >= {"kind", "name"}:
        ref = _of_request(event)
    elif not isinstance(detail_type, str) or not isinstance(detail, dict):
        raise Undeliverable("The message is no event: it needs detail-type and detail, or kind and name")
    elif detail_type == "AWS API Call via CloudTrail":
        ref = _of_call(detail)
    elif detail_type == "CloudWatch Alarm Configuration Change":
        ref = _of_alarm(detail)
    elif detail_type in _BY_DETAIL_TYPE:
        kind, field = _BY_DETAIL_TYPE[detail_type]
        # Some details do not name their resource, or are not documented: then its ARN does.
        # The `resources` of an event are ARNs; the name in an endpoint's ARN is lower-cased.
        found = detail.get(field) or kind.first_arn(event.get("resources"))
        ref = Ref(kind.name, kind.name_in(_text({field: found}, field, detail_type)))
    else:
        raise Undeliverable(f"No kind of resource has events of detail-type '{detail_type}'")
    return None if ref and ref.kind in _WITHOUT_ROWS else ref


def _of_request(event: Event) -> Ref:
    known = {kind.name for kind in KINDS}
    if event["kind"] not in known:
        raise Undeliverable(f"'{event['kind']}' is no kind of resource; there are {', '.join(sorted(known))}")
    return Ref(event["kind"], _text(event, "name", "request"))


def _of_call(detail: Event) -> Ref | None:
    call = detail.get("eventName")
    # Failed calls are logged too, and change nothing.
    if detail.get("errorCode"):
        return None
    parameters = detail.get("requestParameters")
    if not isinstance(parameters, dict):
        raise Undeliverable(f"The CloudTrail record of {call} has no requestParameters")
    if call in _TAG_CALLS:
        return _of_tag_call(_text(parameters, "resourceArn", str(call)))
    if call not in _BY_CALL:
        raise Undeliverable(f"No kind of resource is named by the API call '{call}'")
    kind, parameter = _BY_CALL[call]
    return Ref(kind.name, kind.name_in(_text(parameters, parameter, call)))


def _of_tag_call(arn: str) -> Ref | None:
    arn_type, slash, _ = arn.rpartition(":")[2].partition("/")
    kind = _BY_ARN_TYPE.get(arn_type)
    return Ref(kind.name, kind.name_in(arn)) if kind and slash else None


def _of_alarm(detail: Event) -> Ref | None:
    configuration = detail.get("configuration")
    labels = Labels.of(configuration.get("description")) if isinstance(configuration, dict) else None
    return labels.ref if labels else None


def _text(values: Event, field: str, where: str) -> str:
    value = values.get(field)
    if not isinstance(value, str) or not value:
        raise Undeliverable(f"{where}: '{field}' must be a name, not {json.dumps(value, default=str)[:80]}")
    return value
