"""Optimization jobs (quantization, compilation of large models). They publish no metrics and send no events."""

from __future__ import annotations

from functools import partial

from sagewatch.kinds.kind import Kind, Lifetime, Listing
from sagewatch.kinds.leads import JobRun, explain_job

RUNNING = frozenset({"INPROGRESS", "STARTING", "STOPPING"})
RUN = JobRun((), "OptimizationStartTime", "OptimizationEndTime")

OPTIMIZATION_JOB = Kind(
    name="optimization-job",
    title="Optimization job",
    plural="Optimization jobs",
    arn_type="optimization-job",
    by_arn=False,
    lifetime=Lifetime.JOB,
    describe="describe_optimization_job",
    categories=("", ()),
    parameter="OptimizationJobName",
    arn="OptimizationJobArn",
    listing=Listing(
        operation="list_optimization_jobs",
        items="OptimizationJobSummaries",
        filters=({"StatusEquals": "INPROGRESS"}, {"StatusEquals": "STARTING"}, {"StatusEquals": "STOPPING"}),
    ),
    failures=Listing(
        operation="list_optimization_jobs",
        items="OptimizationJobSummaries",
        filters=({"StatusEquals": "FAILED"},),
    ),
    events={},
    calls={},
    live=lambda job: job["OptimizationJobStatus"] in RUNNING,
    version=lambda _: None,
    observe=lambda _job, _read, facts: facts,
    reads={},
    levels={},
    specs=(),
    discovers=(),
    charts=(),
    without_charts="An optimization job publishes no metrics. Its failure is a notice.",
    notices=(),
    parents={},
    page=None,
    log_group=None,
    run=RUN,
    explain=partial(explain_job, RUN),
    explain_calls=("describe_optimization_job",),
    causes=frozenset(),
    deployed=False,
)
