"""Notebook instances. They publish no metrics in SageMaker's namespaces: here are only notices."""

from __future__ import annotations

from sagewatch.kinds.kind import Kind, Listing

NOTEBOOK = Kind(
    name="notebook",
    title="Notebook instance",
    arn_type="notebook-instance",
    describe="describe_notebook_instance",
    parameter="NotebookInstanceName",
    arn="NotebookInstanceArn",
    listing=Listing(operation="list_notebook_instances", items="NotebookInstances"),
    events={"SageMaker Notebook Instance State Change": "NotebookInstanceName"},
    calls={},
    live=lambda notebook: notebook["NotebookInstanceStatus"] != "Deleting",
    version=lambda _: None,
    observe=lambda _notebook, _read, facts: facts,
    specs=(),
)
