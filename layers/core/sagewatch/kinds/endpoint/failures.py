"""What events say of endpoints that failed, and how such a failure is explained."""

from __future__ import annotations

from sagewatch.kinds.kind import FailureNotice
from sagewatch.kinds.leads import DETAILS, FailureReader, Lead, last_deployment
from sagewatch.model import Notice, Severity

NOTICES = (
    FailureNotice(
        detail_type="SageMaker Endpoint State Change",
        what="endpoint",
        named="EndpointName",
        status=("EndpointStatus",),
        failed={
            "Failed": "failed",
            "OutOfService": "is out of service",
            "RollingBack": "is rolling back",
            "UpdateRollbackFailed": "could not be rolled back",
        },
        recovered=frozenset({"InService"}),
        gone=frozenset({"Deleted"}),
        reason={"FailureReason": ""},
        severity=Severity.CRITICAL,
        identity=("EndpointArn", "EndpointStatus", "EndpointConfigName", "LastModifiedTime"),
    ),
)


def explain(read: FailureReader, notice: Notice) -> Lead:
    """Return what the endpoint's description says, and the log of the variant that failed where one is named."""
    name, scope = notice.labels["resource"], notice.labels["scope"]
    description = read.described(DETAILS, notice.labels.ref)
    return Lead(
        ref=notice.labels.ref,
        reason=description.get("FailureReason") or notice.reason,
        facts=last_deployment(description, notice.at),
        group=f"/aws/sagemaker/Endpoints/{name}",
        streams="" if scope == "all" else f"{scope}/",
    )
