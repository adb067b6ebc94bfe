"""Reads which resource an event names; what happened to it is not read (rule: level, not edge). Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from sagewatch.errors import ErrorCode, Undeliverable
from sagewatch.kinds.kind import Kind
from sagewatch.kinds.registry import KINDS
from sagewatch.kinds.registry import kind as kind_named
from sagewatch.model import Labels, Ref
from sagewatch.watch.names import ref_in, row_names

# ARNs of what AWS manages have `aws` in place of an account (Developer Guide, "Managed pipelines"):
# arn:aws:sagemaker:us-east-1:aws:pipeline/name.
_MANAGED = re.compile(r"arn:[\w-]+:sagemaker:[\w-]*:aws:[\w./-]+")

type Event = Mapping[str, Any]

_BY_DETAIL_TYPE = {detail_type: (kind, field) for kind in KINDS for detail_type, field in kind.events.items()}
# CloudTrail spells parameters with a lower-case first letter, `endpointName` (SageMaker Developer Guide, "Log API
# calls").
_BY_CALL = {call: (kind, parameter) for kind in KINDS for call, parameter in kind.calls.items()}
_BY_ARN_TYPE = {kind.arn_type: kind for kind in KINDS}
_WITHOUT_ROWS = frozenset(kind.name for kind in KINDS if not kind.specs)
_KNOWN = {kind.name for kind in KINDS}
# Every kind's name matches it, and every ARN (the patterns of SageMaker's API reference, which are narrower).
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9:/_.-]{0,255}")
_TAG_CALLS = frozenset({"AddTags", "DeleteTags"})


def parse(body: str) -> Event:
    """Read a queue message; Undeliverable when it is not a JSON object."""
    try:
        event = json.loads(body)
    except (ValueError, RecursionError) as wrong:
        # What is nested a thousand times is JSON, and none that AWS sends.
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
        ref = _ref(kind, _text({field: found}, field, detail_type))
    else:
        raise Undeliverable(f"No kind of resource has events of detail-type {_shown(detail_type)}")
    return None if ref and ref.kind in _WITHOUT_ROWS else ref


def why_ignored(event: Event) -> str:
    """Say why an event of which `ref_of` returned nothing is ignored."""
    arns = _MANAGED.findall(json.dumps(event))
    return f"AWS manages {arns[0]}" if arns else "it names nothing that has alarms"


def _of_request(event: Event) -> Ref | None:
    kind = kind_named(event["kind"]) if isinstance(event["kind"], str) else None
    if kind is None:
        known = ", ".join(sorted(_KNOWN))
        raise Undeliverable(
            f"{_shown(event['kind'])} is no kind of resource; there are {known}", code=ErrorCode.UNKNOWN_KIND
        )
    return _ref(kind, _text(event, "name", "request"))


def _ref(kind: Kind, text: str) -> Ref | None:
    """Return which resource a name or an ARN names, None for one that AWS manages, not the account.

    Undeliverable when SageMaker gives no such names.
    """
    if _MANAGED.match(text):
        return None
    name = kind.name_in(text)
    if not _NAME.fullmatch(name):
        raise Undeliverable(f"{_shown(text)} is no name of a {kind.title.lower()}")
    return Ref(kind.name, name)


def _of_call(detail: Event) -> Ref | None:
    call = detail.get("eventName")
    # Failed calls are logged too, and change nothing.
    if detail.get("errorCode"):
        return None
    parameters = detail.get("requestParameters")
    if not isinstance(call, str) or not isinstance(parameters, dict):
        raise Undeliverable(f"The CloudTrail record of {call} has no requestParameters")
    if call in _TAG_CALLS:
        return None if _is_left_out(parameters) else _of_tag_call(_text(parameters, "resourceArn", call))
    if call not in _BY_CALL:
        raise Undeliverable(f"No kind of resource is named by the API call {_shown(call)}")
    kind, parameter = _BY_CALL[call]
    if parameter not in parameters and _is_left_out(parameters):
        return _ref(kind, _arn_in_response(kind, detail.get("responseElements"), call))
    return _ref(kind, _text(parameters, parameter, call))


def _is_left_out(parameters: Event) -> bool:
    """Tell whether CloudTrail left the parameters out, as it does over 100 KB ("CloudTrail record contents")."""
    return parameters.get("omitted") is True


def _arn_in_response(kind: Kind, response: object, call: str) -> str:
    """Return the ARN that an operation answered with: `pipelineArn` of `CreatePipeline`."""
    field = kind.arn[0].lower() + kind.arn[1:]
    return _text(response if isinstance(response, dict) else {}, field, f"{call}, responseElements")


def _of_tag_call(arn: str) -> Ref | None:
    arn_type, slash, _ = arn.rpartition(":")[2].partition("/")
    kind = _BY_ARN_TYPE.get(arn_type)
    return _ref(kind, arn) if kind and slash else None


def _of_alarm(detail: Event) -> Ref | None:
    """Return whose alarm was changed: by its labels, or by its name when somebody cleared its description.

    Somebody's own alarm that is deleted may make room for one of ours.
    """
    configuration, name = detail.get("configuration"), detail.get("alarmName")
    description = configuration.get("description") if isinstance(configuration, dict) else None
    if description and isinstance(description, str):
        labels = Labels.of(description)
        freed = row_names([name]) if isinstance(name, str) and detail.get("operation") == "delete" else {}
        ref = labels.ref if labels else next(iter(freed), None)
    else:
        ref = ref_in(name) if isinstance(name, str) else None
    return ref if ref and ref.kind in _KNOWN and _NAME.fullmatch(ref.name) else None


def _text(values: Event, field: str, where: str) -> str:
    value = values.get(field)
    if not isinstance(value, str) or not value:
        raise Undeliverable(f"{where}: '{field}' must be a name, not {json.dumps(value, default=str)[:80]}")
    return value


def _shown(value: object) -> str:
    """Return the beginning of what an event says, in ASCII."""
    return ascii(value)[:80]
