"""Compilation jobs (Neo). They publish no metrics and send no events."""

from __future__ import annotations

from functools import partial

from sagewatch.kinds.kind import Kind, Lifetime, Listing
from sagewatch.kinds.leads import JobRun, explain_job

RUNNING = frozenset({"INPROGRESS", "STARTING", "STOPPING"})
RUN = JobRun((), "CompilationStartTime", "CompilationEndTime")

COMPILATION_JOB = Kind(
    name="compilation-job",
    title="Compilation job",
    plural="Compilation jobs",
    arn_type="compilation-job",
    by_arn=False,
    lifetime=Lifetime.JOB,
    describe="describe_compilation_job",
    categories=("", ()),
    parameter="CompilationJobName",
    arn="CompilationJobArn",
    listing=Listing(
        operation="list_compilation_jobs",
        items="CompilationJobSummaries",
        filters=({"StatusEquals": "INPROGRESS"}, {"StatusEquals": "STARTING"}, {"StatusEquals": "STOPPING"}),
    ),
    failures=Listing(
        operation="list_compilation_jobs",
        items="CompilationJobSummaries",
        filters=({"StatusEquals": "FAILED"},),
    ),
    events={},
    calls={},
    live=lambda job: job["CompilationJobStatus"] in RUNNING,
    version=lambda _: None,
    observe=lambda _job, _read, facts: facts,
    reads={},
    levels={},
    specs=(),
    discovers=(),
    charts=(),
    without_charts="A compilation job publishes no metrics. Its failure is a notice.",
    notices=(),
    parents={},
    page="home#/compilation-jobs",
    log_group=None,
    run=RUN,
    explain=partial(explain_job, RUN),
    explain_calls=("describe_compilation_job",),
    causes=frozenset(),
    deployed=False,
)
