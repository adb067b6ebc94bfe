"""Labeling jobs, watched while they run: objects that could not be labelled, and workers who turn tasks down.

Metrics: SageMaker Developer Guide, "Monitor Amazon SageMaker with Amazon CloudWatch", which names neither the namespace
nor the dimensions of workers and account. CloudWatch is asked; there is a likely namespace for `LabelingJobName` alone,
which is documented, spelt like that of pipelines. Workers' events are best effort. Thresholds are our own choice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from itertools import batched

from sagewatch.kinds.charts import ACCOUNT, DELIBERATE, DOING_WELL, MAXIMUM, TALLY, Chart
from sagewatch.kinds.hosts import MOST_METRICS
from sagewatch.kinds.kind import Discovery, FailureNotice, Kind, Level, Lifetime, Listing, Metric, Reader, Spec
from sagewatch.model import Description, Dimensions, Facts, Published, Scope, Severity, Unit

NAMESPACE = "AWS/Sagemaker/LabelingJobs"
WORKTEAM = "AWS/SageMaker/Workteam"
# A job that is being stopped has nothing left to save.
ENDED = frozenset({"Completed", "Failed", "Stopping", "Stopped"})

SPECS = (
    Spec(
        id="objects-failed",
        title="objects that could not be labelled",
        level="job",
        metrics=(Metric(NAMESPACE, "DatasetObjectsLabelingFailed", "Maximum"),),
        threshold=0,
        unit=Unit.COUNT,
        period=300,
        periods=1,
        datapoints=1,
        # A count that only grows: what the last data point said is true until the next.
        missing="ignore",
        severity=Severity.WARNING,
        why="These objects will be missing from the labelled data set, and nobody is asked about them again.",
        do="Look in the job's log for files that cannot be read, and for errors of its annotation functions.",
    ),
    Spec(
        id="tasks-declined",
        title="tasks declined in an hour",
        level="declined",
        metrics=(Metric(WORKTEAM, "TasksDeclined", "Sum"),),
        across="SUM",
        # People decline one now and then; ten in an hour are an opinion about the task.
        threshold=10,
        unit=Unit.COUNT,
        period=3600,
        periods=1,
        datapoints=1,
        severity=Severity.INFO,
        why="Workers who look at the task and turn it down find it unclear, too hard or paid too little.",
        do="Read the instructions as a worker does, and ask one.",
    ),
    Spec(
        id="tasks-returned",
        title="tasks returned in an hour",
        level="returned",
        metrics=(Metric(WORKTEAM, "TasksReturned", "Sum"),),
        across="SUM",
        threshold=10,
        unit=Unit.COUNT,
        period=3600,
        periods=1,
        datapoints=1,
        severity=Severity.INFO,
        why="Workers began these tasks and gave them up: their time is lost, and the job takes longer.",
        do="Compare the time limit of a task with the time it takes, and read the instructions as a worker does.",
    ),
    Spec(
        id="jobs-failed",
        title="failed labeling jobs of the account",
        level="account",
        metrics=(Metric(NAMESPACE, "JobsFailed", "Sum"),),
        threshold=0,
        unit=Unit.COUNT,
        period=300,
        periods=1,
        datapoints=1,
        severity=Severity.INFO,
        why="It counts all jobs of the account: a notice says which one failed, unless its event was lost.",
        do="List the failed labeling jobs and read their reasons.",
    ),
)


def _observe(job: Description, read: Reader, facts: Facts) -> Facts:
    name = job["LabelingJobName"]

    def named(each: Published) -> bool:
        return name in each.dimensions.values()

    return replace(
        facts,
        scopes=(
            _counted(name, read, facts),
            *_taken("declined", _ours(read, facts, "TasksDeclined", named)),
            *_taken("returned", _ours(read, facts, "TasksReturned", named)),
            *_account(_ours(read, facts, "JobsFailed", lambda each: not each.dimensions)),
        ),
    )


def _ours(read: Reader, facts: Facts, metric: str, is_meant: Callable[[Published], bool]) -> list[Published]:
    """Return what is, or was, published of a metric in one namespace of SageMaker's, whatever its dimensions are."""
    watched = [each for each in facts.watched if each.metric == metric]
    known = [each for each in (*read.published(metric), *watched) if each.is_sagemakers and is_meant(each)]
    ours = {repr(each.dimensions): each for each in known if each.namespace == known[0].namespace}
    return list(ours.values())


def _counted(name: str, read: Reader, facts: Facts) -> Scope:
    metric, dimensions = "DatasetObjectsLabelingFailed", {"LabelingJobName": name}
    watched = [each for each in facts.watched if each.metric == metric]
    listed = read.published(metric, **dimensions) or watched
    known = [each.namespace for each in listed if each.dimensions == dimensions]
    return Scope(level="job", name="all", series=(dimensions,), namespace=known[0] if known else None)


def _taken(level: str, known: Iterable[Published]) -> Iterator[Scope]:
    """Yield the workers of a job by tens, or all as one when that is published, with fewer dimensions."""
    found = list(known)
    fewest = min((len(each.dimensions) for each in found), default=0)
    tens = list(batched((each for each in found if len(each.dimensions) == fewest), MOST_METRICS))
    for number, ten in enumerate(tens, start=1):
        series: tuple[Dimensions, ...] = tuple(each.dimensions for each in ten)
        called = "workers" if len(tens) == 1 else f"workers-{number}"
        yield Scope(level=level, name=called, series=series, namespace=ten[0].namespace)


def _account(known: Iterable[Published]) -> Iterator[Scope]:
    for each in known:
        yield Scope(level="account", name="account", series=(each.dimensions,), namespace=each.namespace)


_PROGRESS = "It only grows while the work goes on; what goes wrong has a metric and an alarm of its own."
_YIELD = "How much workers do in a day is for people to judge, and AWS does not promise to deliver every count."

LABELING_JOB_ONLY = ("LabelingJobName",)
WORKER = ("CognitoUserPool", "LabelingJob", "WorkerId")

CHARTS = (
    Chart(
        title="Objects",
        namespace=NAMESPACE,
        also=("AWS/SageMaker/LabelingJobs",),
        dimensions=(LABELING_JOB_ONLY,),
        unit="None",
        statistics=MAXIMUM,
        shown="Maximum",
        metrics={
            "DatasetObjectsAutoAnnotated": _PROGRESS,
            "DatasetObjectsHumanAnnotated": _PROGRESS,
            "DatasetObjectsLabelingFailed": "",
            "TotalDatasetObjectsLabeled": _PROGRESS,
        },
    ),
    Chart(
        title="Jobs",
        namespace=NAMESPACE,
        also=("AWS/SageMaker/LabelingJobs",),
        dimensions=(ACCOUNT,),
        unit="None",
        statistics=TALLY,
        shown="Sum",
        metrics={"JobsFailed": "", "JobsSucceeded": DOING_WELL, "JobsStopped": DELIBERATE},
    ),
    Chart(
        title="Work teams: tasks",
        namespace=WORKTEAM,
        dimensions=(WORKER,),
        unit="None",
        statistics=TALLY,
        shown="Sum",
        metrics={
            "ActiveWorkers": _YIELD,
            "TasksAccepted": _YIELD,
            "TasksDeclined": "",
            "TasksReturned": "",
            "TasksSubmitted": _YIELD,
        },
    ),
    Chart(
        title="Work teams: time spent (s)",
        namespace=WORKTEAM,
        dimensions=(WORKER,),
        unit="Seconds",
        statistics=TALLY,
        shown="Sum",
        metrics={"TimeSpent": _YIELD},
    ),
)

NOTICES = (
    FailureNotice(
        detail_type="SageMaker Ground Truth Labeling Job State Change",
        what="labeling job",
        named="LabelingJobName",
        status=("LabelingJobStatus",),
        failed={"Failed": "failed"},
        succeeded={"Completed": "completed"},
        filtered=True,
        # The detail holds nothing but the status.
        reason={"FailureReason": ""},
        severity=Severity.WARNING,
        identity=("LabelingJobName", "LabelingJobStatus"),
    ),
)

LABELING_JOB = Kind(
    name="labeling-job",
    title="Labeling job",
    plural="Labeling jobs and work teams",
    arn_type="labeling-job",
    by_arn=False,
    lifetime=Lifetime.JOB,
    describe="describe_labeling_job",
    categories=("", ()),
    parameter="LabelingJobName",
    arn="LabelingJobArn",
    listing=Listing(
        operation="list_labeling_jobs",
        items="LabelingJobSummaryList",
        filters=({"StatusEquals": "Initializing"}, {"StatusEquals": "InProgress"}),
    ),
    failures=None,
    # Its events come at the end only, and name the job by the ARN in `resources`.
    events={"SageMaker Ground Truth Labeling Job State Change": "LabelingJobName"},
    calls={"CreateLabelingJob": "labelingJobName"},
    live=lambda job: job["LabelingJobStatus"] not in ENDED,
    version=lambda _: None,
    observe=_observe,
    reads={},
    levels={
        "job": Level(LABELING_JOB_ONLY),
        "declined": Level(WORKER),
        "returned": Level(WORKER),
        "account": Level(ACCOUNT),
    },
    specs=SPECS,
    discovers=tuple(
        Discovery(metric=metric, dimension="LabelingJob", owner=lambda each: each.dimensions["LabelingJob"])
        for metric in ("TasksDeclined", "TasksReturned")
    ),
    charts=CHARTS,
    without_charts="",
    notices=NOTICES,
    parents={},
    page="groundtruth#/labeling-jobs/details",
    log_group=None,
    run=None,
    explain=None,
    explain_calls=(),
    causes=frozenset(),
    deployed=False,
)
