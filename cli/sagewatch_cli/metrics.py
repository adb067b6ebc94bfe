"""Knows every metric that SageMaker publishes, written by hand from its documentation and never from our own rows.

A family is what one chart of the dashboard shows: metrics of one namespace, one unit and the same dimension sets. A
reason says why a metric deserves no alarm; one with an alarm needs none. Names that end in `*` stand for as many
metrics as there are features, steps or the like. Sources: SageMaker Developer Guide, "Monitor Amazon SageMaker with
Amazon CloudWatch", "Monitor a serverless endpoint", "Monitor asynchronous endpoint", "Inference Pipeline Logs and
Metrics"; CloudWatch User Guide, Container Insights for HyperPod. Where live endpoints differ, they are right.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import Literal

type Names = tuple[str, ...]
"""The names of one exact dimension set."""

type CloudWatchUnit = Literal["None", "Count", "Percent", "Microseconds", "Milliseconds", "Seconds"]

SECTIONS: Mapping[str, str] = {
    "endpoint": "Endpoints",
    "inference-component": "Inference components",
    "training-job": "Training jobs",
    "processing-job": "Processing jobs",
    "transform-job": "Transform jobs",
    "tuning-job": "Tuning jobs",
    "automl-job": "AutoML jobs",
    "pipeline": "Pipelines",
    "feature-group": "Feature groups",
    "labeling-job": "Labeling jobs and work teams",
    "recommender-job": "Inference Recommender jobs",
    "monitoring-schedule": "Monitoring schedules",
    "cluster": "HyperPod clusters",
    "notebook": "Notebook instances",
}
"""Every kind, by its name, as a heading; in the order of the dashboard and of the table of metrics."""

WITHOUT_METRICS: Mapping[str, str] = {
    "tuning-job": "A tuning job publishes no metrics: its training jobs do, above. Its failure is a notice.",
    "automl-job": "An AutoML job publishes no metrics: the jobs it starts do, above. Its failure is a notice.",
    "notebook": "A notebook instance publishes no metrics in SageMaker's namespaces. Its failure is a notice.",
}
"""Kinds that have nothing to draw, and what stands in for it."""

MISSPELLINGS: Mapping[str, str] = {
    "MemoryUtilizaton": "MemoryUtilization",
    "Invocations4XXErrors": "Invocation4XXErrors",
    "Invocations5XXErrors": "Invocation5XXErrors",
    "Invocation4XX Errors": "Invocation4XXErrors",
    "InvocationsProcesssed": "InvocationsProcessed",
}
"""Names that SageMaker's documentation prints and CloudWatch does not know, with the real ones."""

LEVELS: Mapping[tuple[str, str], Names] = {
    ("endpoint", "variant"): ("EndpointName", "VariantName"),
    ("endpoint", "serverless"): ("EndpointName", "VariantName"),
    ("endpoint", "container"): ("EndpointName", "VariantName", "ContainerName"),
    ("endpoint", "backlog"): ("EndpointName",),
    ("inference-component", "component"): ("InferenceComponentName",),
    ("training-job", "hosts"): ("Host",),
    ("processing-job", "hosts"): ("Host",),
    ("transform-job", "hosts"): ("Host",),
    ("pipeline", "pipeline"): ("PipelineName",),
    ("pipeline", "step"): ("PipelineName", "StepName"),
    ("feature-group", "operation"): ("FeatureGroupName", "OperationName"),
    ("labeling-job", "job"): ("LabelingJobName",),
    ("labeling-job", "declined"): ("CognitoUserPool", "LabelingJob", "WorkerId"),
    ("labeling-job", "returned"): ("CognitoUserPool", "LabelingJob", "WorkerId"),
    ("labeling-job", "account"): (),
    ("recommender-job", "endpoint"): ("JobName", "EndpointName"),
    ("monitoring-schedule", "feature"): ("Endpoint", "MonitoringSchedule"),
    ("cluster", "cluster"): ("ClusterName",),
}
"""The dimension set of each level of a kind's rows: where it is not documented, the likely one."""

ELSEWHERE: Mapping[tuple[str, str], tuple[tuple[str, Names], ...]] = {
    ("monitoring-schedule", "feature"): (("aws/sagemaker/ModelMonitoring/data-metrics", ("MonitoringSchedule",)),),
}
"""Other namespaces and dimension sets in which discovery finds the metrics that a level's rows name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """Metrics that are drawn together: name → why it deserves no alarm, or nothing. `shown` is the statistic drawn.

    `also` are namespaces that other sources give for the same metrics; CloudWatch has them in one of these only.
    """

    kind: str
    title: str
    namespace: str
    also: Names = ()
    dimensions: tuple[Names, ...]
    unit: CloudWatchUnit
    statistics: Names
    shown: str
    metrics: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Documented:
    """One metric name in one namespace, with all that publish it: CloudWatch tells them apart by dimensions alone."""

    namespace: str
    name: str
    kinds: Names
    also: Names
    unit: CloudWatchUnit
    dimensions: tuple[Names, ...]
    statistics: Names
    reason: str

    def is_read_as(self, namespace: str, name: str, dimensions: Names) -> bool:
        """Tell whether this is the metric of that name with exactly these dimensions."""
        return namespace == self.namespace and fnmatchcase(name, self.name) and dimensions in self.dimensions


REQUESTS = "AWS/SageMaker"
ENDPOINTS = "/aws/sagemaker/Endpoints"
PIPELINES = "AWS/Sagemaker/ModelBuildingPipeline"
LABELING = "AWS/Sagemaker/LabelingJobs"
WORKTEAM = "AWS/SageMaker/Workteam"

VARIANT = ("EndpointName", "VariantName")
CONTAINER = ("EndpointName", "VariantName", "ContainerName")
ENDPOINT = ("EndpointName",)
COMPONENT = ("InferenceComponentName",)
HOST = ("Host",)
PIPELINE = ("PipelineName",)
STEP = ("PipelineName", "StepName")
ACCOUNT: Names = ()
OPERATION = ("FeatureGroupName", "OperationName")
BATCH_OPERATION = ("OperationName",)
LABELING_JOB = ("LabelingJobName",)
WORKER = ("CognitoUserPool", "LabelingJob", "WorkerId")
RECOMMENDATION = ("JobName", "EndpointName")
# The first is what endpoints publish, the second what documentation says.
MONITORED = (("Endpoint", "MonitoringSchedule"), ("EndpointName", "ScheduleName"))
MONITORED_BATCH = (("MonitoringSchedule",),)
BIAS = (("Endpoint", "MonitoringSchedule", "BiasStage", "Label", "LabelValue", "Facet", "FacetValue"),)
CLUSTER = ("ClusterName",)
NODE = ("ClusterName", "InstanceId", "NodeName")

SUM = ("Sum",)
MAXIMUM = ("Maximum",)
TALLY = ("Sum", "SampleCount")
SHARE = ("Average", "Sum")
EXTREMES = ("Minimum", "Maximum")
LEVEL = ("Average", "Maximum", "Minimum")
SPREAD = ("Average", "Sum", "Minimum", "Maximum", "SampleCount")
TIMED = (*SPREAD, "Percentiles")
LAUNCH = ("Average", "Minimum", "Maximum", "SampleCount", "Percentiles")

_LOAD = (
    "It says how much is asked, not how well it is answered; latency and utilisation have alarms for too much of it."
)
_PARTS = "It is the time to the first part of a stream, which depends on the prompt; ModelLatency has the alarm."
_DOING_WELL = "More of it is good, and less is told by the failures, which have alarms."
_PROGRESS = "It only grows while the work goes on; what goes wrong has a metric and an alarm of its own."
_DELIBERATE = "Somebody stopped it on purpose."
_YIELD = "How much workers do in a day is for people to judge, and AWS does not promise to deliver every count."
_VALUES = "The value of a feature means nothing without its baseline; its drift has the alarm."
_MISSING = "How many values may be missing, the schedule's own constraints say for each feature; they are notices."
_MEASURES = "Which measure matters, and how much of it, the schedule's own constraints say; they are notices."
_ON_DEMAND = "On demand there is no limit to come near; it is what the bill counts."
_TRAINING = "Only who wrote the training code knows what a good value is; the job's own alarms watch the machine."

FAMILIES = (
    # ---------------------------------------------------------------------------------------------- endpoints
    Family(
        kind="endpoint",
        title="Errors",
        namespace=REQUESTS,
        dimensions=(VARIANT,),
        unit="None",
        statistics=SHARE,
        shown="Sum",
        metrics={
            "Invocation4XXErrors": "",
            "Invocation5XXErrors": "",
            "InvocationModelErrors": "",
            "MidStreamErrors": "",
        },
    ),
    Family(
        kind="endpoint",
        title="Requests",
        namespace=REQUESTS,
        dimensions=(VARIANT,),
        unit="None",
        statistics=SUM,
        shown="Sum",
        metrics={"Invocations": "", "InvocationsPerInstance": _LOAD},
    ),
    Family(
        kind="endpoint",
        title="Concurrent requests",
        namespace=REQUESTS,
        dimensions=(VARIANT,),
        unit="None",
        statistics=EXTREMES,
        shown="Maximum",
        metrics={"ConcurrentRequestsPerModel": ""},
    ),
    Family(
        kind="endpoint",
        title="Latency (µs)",
        namespace=REQUESTS,
        dimensions=(VARIANT,),
        unit="Microseconds",
        statistics=TIMED,
        shown="p99",
        metrics={"ModelLatency": ""},
    ),
    Family(
        kind="endpoint",
        title="Overhead (µs)",
        namespace=REQUESTS,
        dimensions=(VARIANT,),
        unit="Microseconds",
        statistics=SPREAD,
        shown="Average",
        metrics={"OverheadLatency": ""},
    ),
    Family(
        kind="endpoint",
        title="Cold start (µs)",
        namespace=REQUESTS,
        dimensions=(VARIANT,),
        unit="Microseconds",
        statistics=LAUNCH,
        shown="Average",
        metrics={"ModelSetupTime": ""},
    ),
    Family(
        kind="endpoint",
        title="Latency to the first part of a stream (µs)",
        namespace=REQUESTS,
        dimensions=(VARIANT,),
        unit="Microseconds",
        statistics=TIMED,
        shown="p99",
        metrics={
            "FirstChunkLatency": _PARTS,
            "FirstChunkModelLatency": _PARTS,
            "FirstChunkOverheadLatency": _PARTS,
        },
    ),
    Family(
        kind="endpoint",
        title="Utilisation (% summed over cores and devices)",
        namespace=ENDPOINTS,
        dimensions=(VARIANT, HOST),
        unit="Percent",
        statistics=TIMED,
        shown="Average",
        metrics={"CPUUtilization": "", "GPUUtilization": "", "GPUMemoryUtilization": ""},
    ),
    Family(
        kind="endpoint",
        title="Memory and disk (%)",
        namespace=ENDPOINTS,
        dimensions=(VARIANT, HOST),
        unit="Percent",
        statistics=TIMED,
        shown="Maximum",
        metrics={"MemoryUtilization": "", "DiskUtilization": ""},
    ),
    Family(
        kind="endpoint",
        title="Containers: latency (µs)",
        namespace=REQUESTS,
        dimensions=(CONTAINER,),
        unit="Microseconds",
        statistics=SPREAD,
        shown="Average",
        metrics={"ContainerLatency": "", "OverheadLatency": ""},
    ),
    Family(
        kind="endpoint",
        title="Containers called directly: requests and errors",
        namespace=REQUESTS,
        dimensions=(CONTAINER,),
        unit="None",
        statistics=SHARE,
        shown="Sum",
        metrics={"Invocations": "", "Invocation4XXErrors": "", "Invocation5XXErrors": ""},
    ),
    Family(
        kind="endpoint",
        title="Containers called directly: utilisation (%)",
        namespace=ENDPOINTS,
        dimensions=(CONTAINER,),
        unit="Percent",
        statistics=TIMED,
        shown="Average",
        metrics={"CPUUtilization": "", "MemoryUtilization": ""},
    ),
    Family(
        kind="endpoint",
        title="Many models: loading (µs)",
        namespace=REQUESTS,
        dimensions=(VARIANT,),
        unit="Microseconds",
        statistics=SPREAD,
        shown="Average",
        metrics={
            "ModelLoadingWaitTime": "",
            "ModelLoadingTime": "",
            "ModelDownloadingTime": "",
            "ModelUnloadingTime": "",
        },
    ),
    Family(
        kind="endpoint",
        title="Many models: share of requests that found theirs loaded",
        namespace=REQUESTS,
        dimensions=(VARIANT,),
        unit="None",
        statistics=("Average", "Sum", "SampleCount"),
        shown="Average",
        metrics={"ModelCacheHit": ""},
    ),
    Family(
        kind="endpoint",
        title="Many models: loaded",
        namespace=ENDPOINTS,
        dimensions=(VARIANT,),
        unit="None",
        statistics=SPREAD,
        shown="Average",
        metrics={"LoadedModelCount": ""},
    ),
    Family(
        kind="endpoint",
        title="Serverless: share of concurrency in use",
        namespace=REQUESTS,
        dimensions=(VARIANT,),
        unit="None",
        statistics=LEVEL,
        shown="Maximum",
        metrics={"ServerlessConcurrentExecutionsUtilization": "", "ServerlessProvisionedConcurrencyUtilization": ""},
    ),
    Family(
        kind="endpoint",
        title="Serverless: provisioned concurrency",
        namespace=REQUESTS,
        dimensions=(VARIANT,),
        unit="Count",
        statistics=LEVEL,
        shown="Maximum",
        metrics={
            "ServerlessProvisionedConcurrencyExecutions": "The utilisation is this count as a share and has the alarm.",
            "ServerlessProvisionedConcurrencyInvocations": _LOAD,
            "ServerlessProvisionedConcurrencySpilloverInvocations": "",
        },
    ),
    Family(
        kind="endpoint",
        title="Asynchronous: backlog",
        namespace=REQUESTS,
        dimensions=(ENDPOINT,),
        unit="Count",
        statistics=LEVEL,
        shown="Maximum",
        metrics={
            "ApproximateBacklogSize": "What is long depends on the number of instances: see the one per instance.",
            "ApproximateBacklogSizePerInstance": "",
        },
    ),
    Family(
        kind="endpoint",
        title="Asynchronous: backlog without capacity",
        namespace=REQUESTS,
        dimensions=(ENDPOINT,),
        unit="Count",
        statistics=("Average",),
        shown="Average",
        metrics={"HasBacklogWithoutCapacity": ""},
    ),
    Family(
        kind="endpoint",
        title="Asynchronous: age of the oldest request (s)",
        namespace=REQUESTS,
        dimensions=(ENDPOINT,),
        unit="Seconds",
        statistics=LEVEL,
        shown="Maximum",
        metrics={"ApproximateAgeOfOldestRequest": ""},
    ),
    Family(
        kind="endpoint",
        title="Asynchronous: requests and failures",
        namespace=REQUESTS,
        dimensions=(VARIANT,),
        unit="Count",
        statistics=SUM,
        shown="Sum",
        metrics={
            "InvocationsProcessed": _LOAD,
            "InvocationFailures": "",
            "ExpiredRequests": "",
            "RequestDownloadFailures": "",
            "ResponseUploadFailures": "",
            "NotificationFailures": "",
        },
    ),
    Family(
        kind="endpoint",
        title="Asynchronous: time to and from S3 (µs)",
        namespace=REQUESTS,
        dimensions=(VARIANT,),
        unit="Microseconds",
        statistics=SPREAD,
        shown="Average",
        metrics={
            "RequestDownloadLatency": "It follows the size of the payload; nobody waits for an asynchronous answer.",
            "ResponseUploadLatency": "It follows the size of the answer; nobody waits for an asynchronous answer.",
        },
    ),
    Family(
        kind="endpoint",
        title="Asynchronous: time in the backlog and in all (ms)",
        namespace=REQUESTS,
        dimensions=(VARIANT,),
        unit="Milliseconds",
        statistics=SPREAD,
        shown="Average",
        metrics={
            "TimeInBacklog": "It is known only when the wait is over; the age of the oldest request tells earlier.",
            "TotalProcessingTime": "It holds the time in the backlog, of which the oldest request tells earlier.",
        },
    ),
    Family(
        kind="endpoint",
        title="Instances of inference components: reserved (%)",
        namespace=ENDPOINTS,
        dimensions=(VARIANT,),
        unit="Percent",
        statistics=TIMED,
        shown="Maximum",
        metrics={"CPUReservation": "", "MemoryReservation": "", "GPUReservation": ""},
    ),
    Family(
        kind="endpoint",
        title="Instances of inference components: utilisation (% of all)",
        namespace=ENDPOINTS,
        dimensions=(VARIANT,),
        unit="Percent",
        statistics=TIMED,
        shown="Average",
        metrics={
            "CPUUtilizationNormalized": "CPUUtilization of the same variant has the alarm, against the number of vCPU.",
            "GPUUtilizationNormalized": "GPUUtilization of the same variant has the alarm, against the number of GPUs.",
            "GPUMemoryUtilizationNormalized": "GPUMemoryUtilization of the same variant has the alarm.",
        },
    ),
    # ---------------------------------------------------------------------------------------------- components
    Family(
        kind="inference-component",
        title="Errors",
        namespace=REQUESTS,
        dimensions=(COMPONENT,),
        unit="None",
        statistics=SHARE,
        shown="Sum",
        metrics={
            "Invocation4XXErrors": "",
            "Invocation5XXErrors": "",
            "InvocationModelErrors": "",
            "MidStreamErrors": "",
        },
    ),
    Family(
        kind="inference-component",
        title="Requests",
        namespace=REQUESTS,
        dimensions=(COMPONENT,),
        unit="None",
        statistics=SUM,
        shown="Sum",
        metrics={"Invocations": "", "InvocationsPerCopy": ""},
    ),
    Family(
        kind="inference-component",
        title="Concurrent requests",
        namespace=REQUESTS,
        dimensions=(COMPONENT,),
        unit="None",
        statistics=EXTREMES,
        shown="Maximum",
        metrics={"ConcurrentRequestsPerCopy": ""},
    ),
    Family(
        kind="inference-component",
        title="Latency (µs)",
        namespace=REQUESTS,
        dimensions=(COMPONENT,),
        unit="Microseconds",
        statistics=TIMED,
        shown="p99",
        metrics={"ModelLatency": ""},
    ),
    Family(
        kind="inference-component",
        title="Overhead (µs)",
        namespace=REQUESTS,
        dimensions=(COMPONENT,),
        unit="Microseconds",
        statistics=SPREAD,
        shown="Average",
        metrics={"OverheadLatency": ""},
    ),
    Family(
        kind="inference-component",
        title="Cold start (µs)",
        namespace=REQUESTS,
        dimensions=(COMPONENT,),
        unit="Microseconds",
        statistics=LAUNCH,
        shown="Average",
        metrics={"ModelSetupTime": ""},
    ),
    Family(
        kind="inference-component",
        title="Latency to the first part of a stream (µs)",
        namespace=REQUESTS,
        dimensions=(COMPONENT,),
        unit="Microseconds",
        statistics=TIMED,
        shown="p99",
        metrics={"FirstChunkLatency": _PARTS, "FirstChunkModelLatency": _PARTS, "FirstChunkOverheadLatency": _PARTS},
    ),
    Family(
        kind="inference-component",
        title="Utilisation (% of what it may use)",
        namespace="/aws/sagemaker/InferenceComponents",
        dimensions=(COMPONENT,),
        unit="Percent",
        statistics=TIMED,
        shown="Average",
        metrics={
            "CPUUtilizationNormalized": "",
            "MemoryUtilizationNormalized": "",
            "GPUUtilizationNormalized": "",
            "GPUMemoryUtilizationNormalized": "",
        },
    ),
    # ---------------------------------------------------------------------------------------------- jobs
    Family(
        kind="training-job",
        title="Utilisation (% summed over cores and devices)",
        namespace="/aws/sagemaker/TrainingJobs",
        dimensions=(HOST,),
        unit="Percent",
        statistics=TIMED,
        shown="Average",
        metrics={"CPUUtilization": "", "GPUUtilization": "", "GPUMemoryUtilization": ""},
    ),
    Family(
        kind="training-job",
        title="Memory and disk (%)",
        namespace="/aws/sagemaker/TrainingJobs",
        dimensions=(HOST,),
        unit="Percent",
        statistics=TIMED,
        shown="Maximum",
        metrics={"MemoryUtilization": "", "DiskUtilization": ""},
    ),
    Family(
        kind="training-job",
        title="What the training code reports",
        namespace="/aws/sagemaker/TrainingJobs",
        dimensions=(("TrainingJobName",),),
        unit="None",
        statistics=TIMED,
        shown="Average",
        metrics={"*": _TRAINING},
    ),
    Family(
        kind="processing-job",
        title="Utilisation (% summed over cores and devices)",
        namespace="/aws/sagemaker/ProcessingJobs",
        dimensions=(HOST,),
        unit="Percent",
        statistics=TIMED,
        shown="Average",
        metrics={"CPUUtilization": "", "GPUUtilization": "", "GPUMemoryUtilization": ""},
    ),
    Family(
        kind="processing-job",
        title="Memory and disk (%)",
        namespace="/aws/sagemaker/ProcessingJobs",
        dimensions=(HOST,),
        unit="Percent",
        statistics=TIMED,
        shown="Maximum",
        metrics={"MemoryUtilization": "", "DiskUtilization": ""},
    ),
    Family(
        kind="transform-job",
        title="Utilisation (% summed over cores and devices)",
        namespace="/aws/sagemaker/TransformJobs",
        dimensions=(HOST,),
        unit="Percent",
        statistics=TIMED,
        shown="Average",
        metrics={"CPUUtilization": "", "GPUUtilization": "", "GPUMemoryUtilization": ""},
    ),
    Family(
        kind="transform-job",
        title="Memory (%)",
        namespace="/aws/sagemaker/TransformJobs",
        dimensions=(HOST,),
        unit="Percent",
        statistics=TIMED,
        shown="Maximum",
        metrics={"MemoryUtilization": ""},
    ),
    # ---------------------------------------------------------------------------------------------- pipelines
    Family(
        kind="pipeline",
        title="Executions",
        namespace=PIPELINES,
        dimensions=(PIPELINE, ACCOUNT),
        unit="Count",
        statistics=SHARE,
        shown="Sum",
        metrics={
            "ExecutionStarted": _LOAD,
            "ExecutionFailed": "",
            "ExecutionSucceeded": _DOING_WELL,
            "ExecutionStopped": "",
        },
    ),
    Family(
        kind="pipeline",
        title="Duration of executions (ms)",
        namespace=PIPELINES,
        dimensions=(PIPELINE, ACCOUNT),
        unit="Milliseconds",
        statistics=SPREAD,
        shown="Maximum",
        metrics={"ExecutionDuration": ""},
    ),
    Family(
        kind="pipeline",
        title="Steps",
        namespace=PIPELINES,
        dimensions=(STEP,),
        unit="Count",
        statistics=SHARE,
        shown="Sum",
        metrics={
            "StepStarted": _LOAD,
            "StepFailed": "",
            "StepSucceeded": _DOING_WELL,
            "StepStopped": _DELIBERATE,
        },
    ),
    Family(
        kind="pipeline",
        title="Duration of steps (ms)",
        namespace=PIPELINES,
        dimensions=(STEP,),
        unit="Milliseconds",
        statistics=SPREAD,
        shown="Maximum",
        metrics={"StepDuration": "A slow step makes its execution slow, which has the alarm."},
    ),
    # ---------------------------------------------------------------------------------------------- feature store
    Family(
        kind="feature-group",
        title="Requests and errors",
        namespace=REQUESTS,
        dimensions=(OPERATION, BATCH_OPERATION),
        unit="None",
        statistics=SHARE,
        shown="Sum",
        metrics={"Invocations": "", "Operation4XXErrors": "", "Operation5XXErrors": "", "ThrottledRequests": ""},
    ),
    Family(
        kind="feature-group",
        title="Latency (µs)",
        namespace=REQUESTS,
        dimensions=(OPERATION, BATCH_OPERATION),
        unit="Microseconds",
        statistics=TIMED,
        shown="p99",
        metrics={"Latency": ""},
    ),
    Family(
        kind="feature-group",
        title="Consumed units",
        namespace=REQUESTS,
        dimensions=(OPERATION,),
        unit="None",
        statistics=TIMED,
        shown="Sum",
        metrics={
            "ConsumedReadRequestsUnits": _ON_DEMAND,
            "ConsumedWriteRequestsUnits": _ON_DEMAND,
            "ConsumedReadCapacityUnits": "",
            "ConsumedWriteCapacityUnits": "",
        },
    ),
    # ---------------------------------------------------------------------------------------------- ground truth
    Family(
        kind="labeling-job",
        title="Objects",
        namespace=LABELING,
        also=("AWS/SageMaker/LabelingJobs",),
        dimensions=(LABELING_JOB,),
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
    Family(
        kind="labeling-job",
        title="Jobs",
        namespace=LABELING,
        also=("AWS/SageMaker/LabelingJobs",),
        dimensions=(ACCOUNT,),
        unit="None",
        statistics=TALLY,
        shown="Sum",
        metrics={"JobsFailed": "", "JobsSucceeded": _DOING_WELL, "JobsStopped": _DELIBERATE},
    ),
    Family(
        kind="labeling-job",
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
    Family(
        kind="labeling-job",
        title="Work teams: time spent (s)",
        namespace=WORKTEAM,
        dimensions=(WORKER,),
        unit="Seconds",
        statistics=TALLY,
        shown="Sum",
        metrics={"TimeSpent": _YIELD},
    ),
    # ---------------------------------------------------------------------------------------------- recommender
    Family(
        kind="recommender-job",
        title="Load test: requests and errors",
        namespace="/aws/sagemaker/InferenceRecommendationsJobs",
        dimensions=(RECOMMENDATION,),
        unit="None",
        statistics=SUM,
        shown="Sum",
        metrics={"ClientInvocations": "", "ClientInvocationErrors": ""},
    ),
    Family(
        kind="recommender-job",
        title="Load test: latency (ms)",
        namespace="/aws/sagemaker/InferenceRecommendationsJobs",
        dimensions=(RECOMMENDATION,),
        unit="Milliseconds",
        statistics=TIMED,
        shown="p99",
        metrics={"ClientLatency": ""},
    ),
    Family(
        kind="recommender-job",
        title="Load test: users",
        namespace="/aws/sagemaker/InferenceRecommendationsJobs",
        dimensions=(RECOMMENDATION,),
        unit="None",
        statistics=LEVEL,
        shown="Maximum",
        metrics={"NumberOfUsers": "The job itself decides how many users it plays."},
    ),
    # ---------------------------------------------------------------------------------------------- model monitor
    Family(
        kind="monitoring-schedule",
        title="Drift of features",
        namespace="aws/sagemaker/Endpoints/data-metrics",
        dimensions=MONITORED,
        unit="None",
        statistics=SPREAD,
        shown="Maximum",
        metrics={
            "feature_baseline_drift_*": "",
            "feature_data_*": _VALUES,
            "feature_non_null_*": _MISSING,
        },
    ),
    Family(
        kind="monitoring-schedule",
        title="Drift of features, batch",
        namespace="aws/sagemaker/ModelMonitoring/data-metrics",
        dimensions=MONITORED_BATCH,
        unit="None",
        statistics=SPREAD,
        shown="Maximum",
        metrics={
            "feature_baseline_drift_*": "",
            "feature_data_*": _VALUES,
            "feature_non_null_*": _MISSING,
        },
    ),
    Family(
        kind="monitoring-schedule",
        title="Quality of the model",
        namespace="aws/sagemaker/Endpoints/model-metrics",
        dimensions=MONITORED,
        unit="None",
        statistics=SPREAD,
        shown="Average",
        metrics={"*": _MEASURES},
    ),
    Family(
        kind="monitoring-schedule",
        title="Quality of the model, batch",
        namespace="aws/sagemaker/ModelMonitoring/model-metrics",
        dimensions=MONITORED_BATCH,
        unit="None",
        statistics=SPREAD,
        shown="Average",
        metrics={"*": _MEASURES},
    ),
    Family(
        kind="monitoring-schedule",
        title="Bias",
        namespace="aws/sagemaker/Endpoints/bias-metrics",
        dimensions=BIAS,
        unit="None",
        statistics=SPREAD,
        shown="Average",
        metrics={"bias_metric_*": "What is unfair differs by measure and case, and infinity is published as a number."},
    ),
    Family(
        kind="monitoring-schedule",
        title="Explanations",
        namespace="aws/sagemaker/Endpoints/explainability-metrics",
        dimensions=MONITORED,
        unit="None",
        statistics=SPREAD,
        shown="Average",
        metrics={"*": "How much a feature contributes is for people to read; drift and violations tell of change."},
    ),
    # ---------------------------------------------------------------------------------------------- clusters
    Family(
        kind="cluster",
        title="Nodes by health (EKS with the CloudWatch Observability add-on)",
        namespace="ContainerInsights",
        dimensions=(CLUSTER, NODE),
        unit="Count",
        statistics=SPREAD,
        shown="Maximum",
        metrics={
            "hyperpod_node_health_status_schedulable": _DOING_WELL,
            "hyperpod_node_health_status_unschedulable": "",
            "hyperpod_node_health_status_unschedulable_pending_replacement": "",
            "hyperpod_node_health_status_unschedulable_pending_reboot": "",
        },
    ),
)


def documented() -> tuple[Documented, ...]:
    """Return every metric once, in the order of the families."""
    found: dict[tuple[str, str], Documented] = {}
    for family in FAMILIES:
        for name, reason in family.metrics.items():
            mine = Documented(
                namespace=family.namespace,
                name=name,
                kinds=(family.kind,),
                also=family.also,
                unit=family.unit,
                dimensions=family.dimensions,
                statistics=family.statistics,
                reason=reason,
            )
            known = found.get((family.namespace, name))
            found[family.namespace, name] = _joined(known, mine) if known else mine
    return tuple(found.values())


def _joined(known: Documented, more: Documented) -> Documented:
    return replace(
        known,
        kinds=_union(known.kinds, more.kinds),
        also=_union(known.also, more.also),
        dimensions=_union(known.dimensions, more.dimensions),
        statistics=_union(known.statistics, more.statistics),
        reason=known.reason or more.reason,
    )


def _union[T](first: tuple[T, ...], second: tuple[T, ...]) -> tuple[T, ...]:
    return tuple(dict.fromkeys((*first, *second)))
