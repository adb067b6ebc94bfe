"""AI benchmark jobs, which put load on an endpoint. They send no events; their list knows no last change."""

from __future__ import annotations

from functools import partial

from sagewatch.kinds.kind import Kind, Lifetime, Listing
from sagewatch.kinds.leads import JobRun, explain_job

RUNNING = frozenset({"InProgress", "Stopping"})
RUN = JobRun((), "StartTime", "EndTime")

AI_BENCHMARK_JOB = Kind(
    name="ai-benchmark-job",
    title="AI benchmark job",
    plural="AI benchmark jobs",
    arn_type="ai-benchmark-job",
    by_arn=False,
    lifetime=Lifetime.JOB,
    describe="describe_ai_benchmark_job",
    categories=("", ()),
    parameter="AIBenchmarkJobName",
    arn="AIBenchmarkJobArn",
    listing=Listing(
        operation="list_ai_benchmark_jobs",
        items="AIBenchmarkJobs",
        modified="EndTime",
        since="CreationTimeAfter",
        filters=({"StatusEquals": "InProgress"}, {"StatusEquals": "Stopping"}),
    ),
    failures=Listing(
        operation="list_ai_benchmark_jobs",
        items="AIBenchmarkJobs",
        filters=({"StatusEquals": "Failed"},),
        modified="EndTime",
        since="CreationTimeAfter",
    ),
    events={},
    calls={},
    live=lambda job: job["AIBenchmarkJobStatus"] in RUNNING,
    version=lambda _: None,
    observe=lambda _job, _read, facts: facts,
    reads={},
    levels={},
    specs=(),
    discovers=(),
    charts=(),
    without_charts="A benchmark job publishes no metrics of its own: its endpoint does. Its failure is a notice.",
    notices=(),
    parents={},
    page=None,
    log_group=None,
    run=RUN,
    explain=partial(explain_job, RUN),
    explain_calls=("describe_ai_benchmark_job",),
    causes=frozenset(),
    deployed=False,
)
