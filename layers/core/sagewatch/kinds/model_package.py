"""Model packages: versions in the model registry that wait for approval, are approved, rejected, or were not validated.

An event carries both states and the fields that were updated (SageMaker Developer Guide, "Amazon SageMaker AI events
that are sent to EventBridge", SageMaker model package state change).
"""

from __future__ import annotations

from sagewatch.kinds.kind import FailureNotice, Kind, Lifetime, Listing
from sagewatch.kinds.leads import DETAILS, FailureReader, Lead
from sagewatch.model import Notice, Severity

NOTICES = (
    FailureNotice(
        detail_type="SageMaker Model Package State Change",
        what="model package",
        named="ModelPackageGroupName",
        status=("ModelPackageStatus", "ModelApprovalStatus"),
        failed={"Failed": "failed"},
        announced={
            "PendingManualApproval": "waits for approval",
            "Approved": "was approved",
            "Rejected": "was rejected",
        },
        reason={},
        severity=Severity.WARNING,
        # Versions are not used again; a package without a group can be deleted, and made again.
        identity=("ModelPackageArn", "CreationTime"),
        scope=("ModelPackageVersion",),
    ),
)


def _explain(read: FailureReader, notice: Notice) -> Lead:
    """Return what the validations and scans of the package say of their failures."""
    described = read.sagemaker(DETAILS, "describe_model_package", ModelPackageName=notice.arn) if notice.arn else {}
    details = described.get("ModelPackageStatusDetails") or {}
    steps = (*details.get("ValidationStatuses", ()), *details.get("ImageScanStatuses", ()))
    reasons = (f"{each.get('Name', '')}: {each['FailureReason']}" for each in steps if each.get("FailureReason"))
    return Lead(ref=notice.labels.ref, reason="\n".join(reasons))


MODEL_PACKAGE = Kind(
    name="model-package",
    title="Model package",
    plural="Model packages",
    arn_type="model-package",
    by_arn=False,
    lifetime=Lifetime.JOB,
    describe="describe_model_package",
    categories=("", ()),
    parameter="ModelPackageName",
    arn="ModelPackageArn",
    listing=Listing(operation="list_model_packages", items="ModelPackageSummaryList", modified="CreationTime"),
    failures=None,
    events={"SageMaker Model Package State Change": "ModelPackageGroupName"},
    calls={},
    live=lambda package: package["ModelPackageStatus"] != "Deleting",
    version=lambda _: None,
    observe=lambda _package, _read, facts: facts,
    reads={},
    levels={},
    specs=(),
    discovers=(),
    charts=(),
    without_charts="A model package publishes no metrics. Its failure is a notice; its approval where a route asks.",
    notices=NOTICES,
    parents={},
    page=None,
    log_group=None,
    run=None,
    explain=_explain,
    explain_calls=("describe_model_package",),
    causes=frozenset(),
    deployed=False,
)
