"""Notebook instances. They publish no metrics in SageMaker's namespaces: here are only notices."""

from __future__ import annotations

from sagewatch.kinds.kind import FailureNotice, Kind, Lifetime, Listing
from sagewatch.kinds.leads import DETAILS, FailureReader, Lead
from sagewatch.model import Notice, Severity

LOG_GROUP = "/aws/sagemaker/NotebookInstances"

NOTICES = (
    FailureNotice(
        detail_type="SageMaker Notebook Instance State Change",
        what="notebook instance",
        named="NotebookInstanceName",
        status=("NotebookInstanceStatus",),
        failed={"Failed": "failed"},
        recovered=frozenset({"InService"}),
        gone=frozenset({"Deleted"}),
        filtered=True,
        reason={"FailureReason": ""},
        severity=Severity.WARNING,
        identity=("NotebookInstanceArn", "NotebookInstanceStatus", "LastModifiedTime"),
    ),
)


def _explain(read: FailureReader, notice: Notice) -> Lead:
    name = notice.labels["resource"]
    description = {} if notice.reason else read.described(DETAILS, notice.labels.ref)
    reason = notice.reason or description.get("FailureReason") or ""
    return Lead(ref=notice.labels.ref, reason=reason, group=LOG_GROUP, streams=f"{name}/")


NOTEBOOK = Kind(
    name="notebook",
    title="Notebook instance",
    plural="Notebook instances",
    arn_type="notebook-instance",
    by_arn=False,
    lifetime=Lifetime.STAYS,
    describe="describe_notebook_instance",
    categories=("", ()),
    parameter="NotebookInstanceName",
    arn="NotebookInstanceArn",
    listing=Listing(operation="list_notebook_instances", items="NotebookInstances"),
    failures=None,
    events={"SageMaker Notebook Instance State Change": "NotebookInstanceName"},
    calls={},
    live=lambda notebook: notebook["NotebookInstanceStatus"] != "Deleting",
    version=lambda _: None,
    observe=lambda _notebook, _read, facts: facts,
    reads={},
    levels={},
    specs=(),
    discovers=(),
    charts=(),
    without_charts="A notebook instance publishes no metrics in SageMaker's namespaces. Its failure is a notice.",
    notices=NOTICES,
    parents={},
    page="home#/notebook-instances",
    log_group=LOG_GROUP,
    run=None,
    explain=_explain,
    explain_calls=("describe_notebook_instance",),
    causes=frozenset({"notebook-script"}),
    deployed=False,
)
