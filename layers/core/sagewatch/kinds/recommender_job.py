"""Inference Recommender jobs, watched while they load-test: the errors and the latency that their clients see.

Metrics: SageMaker Developer Guide, "Inference Recommender: CloudWatch metrics"; latency counts in ms, unlike that of
endpoints. The job makes its endpoints itself and names them when it is done, so CloudWatch is asked for them; it lists
a new metric after up to 15 minutes, and the sweep brings the alarms then. No events are sent. Thresholds are our own.
"""

from __future__ import annotations

from dataclasses import replace

from sagewatch.kinds import requests
from sagewatch.kinds.charts import LEVEL, SUM, TIMED, Chart
from sagewatch.kinds.kind import Discovery, Kind, Level, Lifetime, Listing, Metric, Reader, Spec
from sagewatch.model import Description, Facts, Gap, Scope, Severity, Unit

NAMESPACE = "/aws/sagemaker/InferenceRecommendationsJobs"
# What a job that is being stopped still measures decides nothing.
ENDED = frozenset({"COMPLETED", "FAILED", "STOPPING", "STOPPED", "DELETING", "DELETED"})

CLIENT_ERRORS = Spec(
    id="client-errors",
    title="failed requests",
    level="endpoint",
    metrics=(
        Metric(NAMESPACE, "ClientInvocationErrors", "Sum", "errors"),
        Metric(NAMESPACE, "ClientInvocations", "Sum", "requests"),
    ),
    expression=requests.error_share(),
    # Past a few percent, a load test measures how fast errors are answered.
    threshold=5,
    unit=Unit.PERCENT,
    period=300,
    periods=1,
    datapoints=1,
    severity=Severity.WARNING,
    why="A recommendation from a load test that mostly measures errors is worth nothing, and the test goes on.",
    do="Try the sample payload on the model by hand; stop the job if the container refuses it.",
)

SPECS = (
    CLIENT_ERRORS,
    requests.low_traffic(CLIENT_ERRORS, requests.quiet_error_share()),
    Spec(
        id="client-latency",
        title="client latency of the load test",
        level="endpoint",
        metrics=requests.slowest_requests(NAMESPACE, "ClientLatency"),
        expression=requests.SLOWEST,
        # The same second as that of endpoints, which this one is a candidate for.
        threshold=1000,
        unit=Unit.MILLISECONDS,
        period=300,
        periods=3,
        datapoints=3,
        severity=Severity.INFO,
        why="This instance type or its settings would not serve the load with the latency we alarm on in production.",
        note=requests.SLOWEST_NEEDS,
        do="Nothing, if another candidate is faster; otherwise try larger types, or compile the model.",
    ),
)


_LOAD_TEST = {"JobName", "EndpointName"}


def _observe(job: Description, read: Reader, facts: Facts) -> Facts:
    name = job["JobName"]
    listed = read.published("ClientInvocations", within=NAMESPACE, JobName=name)
    known = (*listed, *facts.watched)
    endpoints = [each.dimensions["EndpointName"] for each in known if each.dimensions.keys() == _LOAD_TEST]
    if not endpoints:
        return replace(facts, gaps=(Gap(level="endpoint", reason=f"CloudWatch lists no load test of {name} yet"),))
    series = {endpoint: {"JobName": name, "EndpointName": endpoint} for endpoint in sorted(set(endpoints))}
    return replace(facts, scopes=tuple(Scope(level="endpoint", name=e, series=(s,)) for e, s in series.items()))


LOAD_TEST = ("JobName", "EndpointName")

CHARTS = (
    Chart(
        title="Load test: requests and errors",
        namespace=NAMESPACE,
        dimensions=(LOAD_TEST,),
        unit="None",
        statistics=SUM,
        shown="Sum",
        metrics={"ClientInvocations": "", "ClientInvocationErrors": ""},
    ),
    Chart(
        title="Load test: latency (ms)",
        namespace=NAMESPACE,
        dimensions=(LOAD_TEST,),
        unit="Milliseconds",
        statistics=TIMED,
        shown="p99",
        metrics={"ClientLatency": ""},
    ),
    Chart(
        title="Load test: users",
        namespace=NAMESPACE,
        dimensions=(LOAD_TEST,),
        unit="None",
        statistics=LEVEL,
        shown="Maximum",
        metrics={"NumberOfUsers": "The job itself decides how many users it plays."},
    ),
)

RECOMMENDER_JOB = Kind(
    name="recommender-job",
    title="Inference Recommender job",
    plural="Inference Recommender jobs",
    arn_type="inference-recommendations-job",
    by_arn=False,
    lifetime=Lifetime.JOB,
    describe="describe_inference_recommendations_job",
    categories=("", ()),
    parameter="JobName",
    arn="JobArn",
    listing=Listing(
        operation="list_inference_recommendations_jobs",
        items="InferenceRecommendationsJobs",
        filters=({"StatusEquals": "PENDING"}, {"StatusEquals": "IN_PROGRESS"}),
    ),
    failures=Listing(
        operation="list_inference_recommendations_jobs",
        items="InferenceRecommendationsJobs",
        filters=({"StatusEquals": "FAILED"},),
    ),
    events={},
    calls={"CreateInferenceRecommendationsJob": "jobName", "StopInferenceRecommendationsJob": "jobName"},
    live=lambda job: job["Status"] not in ENDED,
    version=lambda _: None,
    observe=_observe,
    reads={},
    levels={"endpoint": Level(LOAD_TEST)},
    specs=SPECS,
    discovers=(
        Discovery(
            metric="ClientInvocations",
            within=NAMESPACE,
            dimension="JobName",
            owner=lambda each: each.dimensions["JobName"] if each.dimensions.keys() == _LOAD_TEST else None,
        ),
    ),
    charts=CHARTS,
    without_charts="",
    notices=(),
    parents={},
    page=None,
    log_group=None,
    run=None,
    explain=None,
    explain_calls=(),
    causes=frozenset(),
    deployed=False,
)
