"""AI recommendation jobs, which look for a deployment. They send no events; their list knows no last change."""

from __future__ import annotations

from functools import partial

from sagewatch.kinds.kind import Kind, Lifetime, Listing
from sagewatch.kinds.leads import JobRun, explain_job

RUNNING = frozenset({"InProgress", "Stopping"})
RUN = JobRun((), "StartTime", "EndTime")

AI_RECOMMENDATION_JOB = Kind(
    name="ai-recommendation-job",
    title="AI recommendation job",
    plural="AI recommendation jobs",
    arn_type="ai-recommendation-job",
    by_arn=False,
    lifetime=Lifetime.JOB,
    describe="describe_ai_recommendation_job",
    categories=("", ()),
    parameter="AIRecommendationJobName",
    arn="AIRecommendationJobArn",
    listing=Listing(
        operation="list_ai_recommendation_jobs",
        items="AIRecommendationJobs",
        modified="EndTime",
        since="CreationTimeAfter",
        filters=({"StatusEquals": "InProgress"}, {"StatusEquals": "Stopping"}),
    ),
    failures=Listing(
        operation="list_ai_recommendation_jobs",
        items="AIRecommendationJobs",
        filters=({"StatusEquals": "Failed"},),
        modified="EndTime",
        since="CreationTimeAfter",
    ),
    events={},
    calls={},
    live=lambda job: job["AIRecommendationJobStatus"] in RUNNING,
    version=lambda _: None,
    observe=lambda _job, _read, facts: facts,
    reads={},
    levels={},
    specs=(),
    discovers=(),
    charts=(),
    without_charts="A recommendation job publishes no metrics. Its failure is a notice.",
    notices=(),
    parents={},
    page=None,
    log_group=None,
    run=RUN,
    explain=partial(explain_job, RUN),
    explain_calls=("describe_ai_recommendation_job",),
    causes=frozenset(),
    deployed=False,
)
